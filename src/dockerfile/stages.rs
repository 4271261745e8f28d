//! The stages of a Dockerfile and what each starts from.

use std::collections::HashMap;

use std::ops::Range;

use super::Instruction;
use super::variables::{ExpandError, expand};

/// The variables that BuildKit sets by itself before the first stage; their values depend on the machine.
const PLATFORM: [&str; 11] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// Longer than any reference of an image: name 255, tag 128, digest 135 characters at most.
const LONGEST_REFERENCE: usize = 1024;

/// A stage: a `FROM` and the instructions up to the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its number, from 0.
    pub index: usize,
    /// Its `FROM`, as an index into [`super::Dockerfile::instructions`].
    pub from: usize,
    /// Its instructions, the `FROM` included.
    pub instructions: Range<usize>,
    /// The name behind `AS`, as written. Names are compared without regard to case.
    pub name: Option<String>,
    /// The value of `--platform`, as written.
    pub platform: Option<String>,
    /// What it starts from.
    pub base: Base,
    /// Where the base is written in the logical text of the `FROM`; empty where it is missing.
    pub base_range: Range<usize>,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// An image.
    Image {
        /// The reference, variables replaced.
        reference: String,
        /// The reference as written.
        written: String,
        /// Whether an `ARG` before the first `FROM` took part, so that a build may set another value.
        defaults: bool,
    },
    /// An earlier stage, by its index.
    Stage(usize),
    /// Nothing: `FROM scratch`.
    Scratch,
    /// A reference with a variable whose value only the build knows.
    Unresolved {
        /// The reference as written.
        written: String,
        /// The variable without a value.
        variable: String,
    },
    /// A `FROM` that no build accepts.
    Malformed {
        /// Its arguments as written.
        written: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The `ARG`s before the first `FROM`. One without a value names the variable that is missing.
struct Globals {
    values: HashMap<String, Result<String, String>>,
    escape: char,
}

/// A word with its variables replaced.
struct Expanded {
    value: String,
    defaults: bool,
}

impl Globals {
    fn declare(&mut self, instruction: &Instruction) {
        for pair in instruction.pairs(self.escape) {
            let value = match &pair.value {
                None => Err(pair.name.clone()),
                Some(word) => match self.expand(word) {
                    Ok(expanded) if expanded.value.len() <= LONGEST_REFERENCE => Ok(expanded.value),
                    Err(ExpandError::Unset { name } | ExpandError::Required { name, .. }) => Err(name),
                    _ => Err(pair.name.clone()),
                },
            };
            self.values.insert(pair.name, value);
        }
    }

    /// Expands a word. A missing value is named by the variable at the root of it.
    fn expand(&self, word: &str) -> Result<Expanded, ExpandError> {
        let mut defaults = false;
        let mut platform = None;
        let result = expand(word, self.escape, &mut |name| {
            if PLATFORM.contains(&name) {
                platform.get_or_insert_with(|| name.to_owned());
                return None;
            }
            let value = self.values.get(name)?;
            defaults = true;
            value.as_ref().ok().cloned()
        });
        if let Some(name) = platform {
            return Err(ExpandError::Unset { name });
        }
        match result {
            Ok(value) => Ok(Expanded { value, defaults }),
            Err(ExpandError::Unset { name }) => {
                let root = self.values.get(&name).and_then(|value| value.as_ref().err());
                Err(ExpandError::Unset { name: root.cloned().unwrap_or(name) })
            }
            Err(error) => Err(error),
        }
    }
}

/// Groups instructions into stages.
pub(super) fn stages(instructions: &[Instruction], escape: char) -> Vec<Stage> {
    let mut globals = Globals { values: HashMap::new(), escape };
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut stages: Vec<Stage> = Vec::new();
    for (at, instruction) in instructions.iter().enumerate() {
        match instruction.keyword.as_str() {
            "ARG" if stages.is_empty() => globals.declare(instruction),
            "FROM" => {
                if let Some(last) = stages.last_mut() {
                    last.instructions.end = at;
                }
                let stage = stage(stages.len(), at, instruction, &globals, &names);
                if let Some(name) = &stage.name {
                    names.insert(name.to_lowercase(), stage.index);
                }
                stages.push(stage);
            }
            _ => {}
        }
    }
    if let Some(last) = stages.last_mut() {
        last.instructions.end = instructions.len();
    }
    stages
}

fn stage(index: usize, at: usize, from: &Instruction, globals: &Globals, names: &HashMap<String, usize>) -> Stage {
    let text = from.logical.text.as_str();
    let words: Vec<Range<usize>> = from.words().take(4).collect();
    let (name, fits) = match words.as_slice() {
        [_] => (None, true),
        [_, keyword, name] => {
            let fits = text[keyword.clone()].eq_ignore_ascii_case("as");
            (fits.then(|| text[name.clone()].to_owned()), fits)
        }
        _ => (None, false),
    };
    let base_range = words.first().cloned().unwrap_or(from.arguments.end..from.arguments.end);
    let base = if fits {
        base(&text[base_range.clone()], globals, names)
    } else {
        let reason = "FROM takes an image, or an image, AS and a name".to_owned();
        Base::Malformed { written: from.arguments_text().to_owned(), reason }
    };
    let platform = from.flags.iter().find_map(|flag| flag.text.strip_prefix("--platform=")).map(str::to_owned);
    Stage { index, from: at, instructions: at..at + 1, name, platform, base, base_range }
}

fn base(written: &str, globals: &Globals, names: &HashMap<String, usize>) -> Base {
    let malformed = |reason: String| Base::Malformed { written: written.to_owned(), reason };
    let Expanded { value, defaults } = match globals.expand(written) {
        Ok(expanded) => expanded,
        Err(ExpandError::Unset { name } | ExpandError::Required { name, .. }) => {
            return Base::Unresolved { written: written.to_owned(), variable: name };
        }
        Err(error) => return malformed(error.to_string()),
    };
    if value.is_empty() {
        return malformed("the image's name is empty".to_owned());
    }
    if value.len() > LONGEST_REFERENCE {
        return malformed("the image's name is longer than a reference can be".to_owned());
    }
    if let Some(stage) = names.get(&value.to_lowercase()) {
        return Base::Stage(*stage);
    }
    if value == "scratch" {
        return Base::Scratch;
    }
    Base::Image { reference: value, written: written.to_owned(), defaults }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;
    use crate::source::Source;

    fn stages(text: &str) -> Vec<Stage> {
        parse(&Source::from_text("Dockerfile", text)).unwrap().stages
    }

    fn base(text: &str) -> Base {
        stages(text).remove(0).base
    }

    fn image(text: &str) -> (String, bool) {
        match base(text) {
            Base::Image { reference, defaults, .. } => (reference, defaults),
            other => panic!("{other:?}"),
        }
    }

    fn missing(text: &str) -> String {
        match base(text) {
            Base::Unresolved { variable, .. } => variable,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn stages_run_from_one_from_to_the_next() {
        let stages =
            stages("ARG A\nFROM a AS One\nRUN x\nFROM --platform=$BUILDPLATFORM oNE as two\nFROM two\nRUN y\nRUN z");
        let ranges: Vec<_> = stages.iter().map(|stage| stage.instructions.clone()).collect();
        assert_eq!(ranges, [1..3, 3..4, 4..7]);
        assert_eq!(stages[0].name.as_deref(), Some("One"));
        assert_eq!((&stages[1].base, &stages[2].base), (&Base::Stage(0), &Base::Stage(1)));
        assert_eq!(stages[1].platform.as_deref(), Some("$BUILDPLATFORM"));
    }

    #[test]
    fn a_stage_names_only_earlier_stages() {
        assert_eq!(image("FROM a AS a").0, "a");
        assert_eq!(base("FROM scratch"), Base::Scratch);
    }

    #[test]
    fn global_args_are_replaced_and_reported() {
        assert_eq!(image("FROM python:3"), ("python:3".into(), false));
        assert_eq!(image("ARG V=3.9\nARG I=\"python:${V}-slim\"\nFROM $I"), ("python:3.9-slim".into(), true));
        assert_eq!(image("ARG V\nFROM python:${V:-3}"), ("python:3".into(), true));
        assert_eq!(image("FROM python:${V:-3}"), ("python:3".into(), false));
        assert_eq!(image("ARG V=1.2\nFROM a:${V%.*}"), ("a:1".into(), true));
        assert_eq!(image("FROM \"python:3\""), ("python:3".into(), false));
    }

    #[test]
    fn a_value_that_only_the_build_knows_is_named() {
        assert_eq!(missing("ARG V\nFROM python:$V"), "V");
        assert_eq!(missing("FROM python:$V"), "V");
        assert_eq!(missing("ARG A\nARG B=x$A\nFROM $B"), "A");
        assert_eq!(missing("FROM a:${TARGETARCH:-amd64}"), "TARGETARCH");
    }

    #[test]
    fn args_of_a_stage_are_no_globals() {
        assert!(
            matches!(&stages("FROM a\nARG V=1\nFROM b:$V")[1].base, Base::Unresolved { variable, .. } if variable == "V")
        );
    }

    #[test]
    fn a_from_that_no_build_takes_is_malformed() {
        for text in ["FROM", "FROM a b", "FROM a in b", "FROM a as b c", "FROM ${x@Q}", "ARG A=\nFROM $A"] {
            assert!(matches!(base(text), Base::Malformed { .. }), "{text}");
        }
    }

    #[test]
    fn args_that_double_each_other_end() {
        let mut text = "ARG A0=xxxxxxxxxx\n".to_owned();
        for n in 1..200 {
            text += &format!("ARG A{n}=$A{}$A{}\n", n - 1, n - 1);
        }
        assert!(matches!(base(&(text + "FROM $A199")), Base::Unresolved { .. }));
    }
}
