//! Versions that the shell takes for redirections: `pip install pkg>=1.2` without quotes.

use std::ops::Range;

use super::super::file::Redirection;
use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use crate::dockerfile::run::Form;
use crate::facts::effects::Place;
use crate::facts::state::State;
use crate::finding::Evidence;
use crate::shell::tool::{self, Requirement, RequirementKind, Tool};
use crate::shell::{Command, Nesting, Operator, Redirect};
use crate::source::Span;

/// Every requirement of a Dockerfile whose version is a redirection to the shell.
pub fn redirections(view: &DockerfileView<'_>, wanted: Redirection) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (place, command, state) in view.commands(0..view.model.dockerfile.instructions.len()) {
        let Some(run) = view.model.run(place.instruction).filter(|_| state.shell.is_ok()) else { continue };
        if let Some(text) = tool::nested(command) {
            let Ok(script) = crate::shell::parse(&text) else { continue };
            let found = script.commands.iter().flat_map(|inner| split(inner).into_iter().map(move |it| (inner, it)));
            let reason = "it stands inside a quoted shell text";
            subjects.extend(
                found
                    .filter(|(inner, split)| split.redirection(inner) == wanted)
                    .map(|(_, split)| subject(place, run.span(command.range.clone()), state, &split, Some(reason))),
            );
            continue;
        }
        let inside = command.nesting.iter().any(|it| matches!(it, Nesting::Substitution | Nesting::Function));
        for split in split(command).into_iter().filter(|split| split.redirection(command) == wanted) {
            let reason = if inside {
                Some("it stands inside a substitution or a function")
            } else if run.form == Form::ExecShell && split.written.contains('$') {
                Some("it stands in a JSON string, where it would need escaped quotes")
            } else {
                run.locked.as_deref()
            };
            subjects.push(subject(place, run.span(split.range.clone()), state, &split, reason));
        }
    }
    subjects
}

/// A requirement that the shell takes apart.
struct Split {
    word: usize,
    range: Range<usize>,
    written: String,
    reads: bool,
}

impl Split {
    /// What the redirections do. Where the build may go on without the command, it is not known to fail.
    fn redirection(&self, command: &Command) -> Redirection {
        let certain = command.nesting.iter().all(|it| *it == Nesting::Group);
        let goes_on = [command.before, command.after].contains(&Some(Operator::Or)) || command.negated;
        if self.reads && certain && !goes_on { Redirection::From } else { Redirection::Into }
    }
}

/// The redirections that begin where a word ends, and are written without blanks.
pub fn glued(command: &Command, word: usize) -> &[Redirect] {
    let Some(mut end) = command.words.get(word).map(|word| word.range.end) else { return &[] };
    let first = command.redirects.partition_point(|redirect| redirect.range.start < end);
    let behind = &command.redirects[first..];
    let count = behind
        .iter()
        .take_while(|redirect| {
            let plain = matches!(redirect.operator.as_str(), "<" | ">");
            let follows = redirect.range.start == end && redirect.target.range.start == end + 1;
            end = redirect.range.end;
            plain && follows
        })
        .count();
    &behind[..count]
}

fn split(command: &Command) -> Vec<Split> {
    if command.redirects.is_empty() {
        return Vec::new();
    }
    let words: Vec<usize> = match tool::tool(command) {
        Tool::Pip(pip) => pip.requirements.iter().map(|requirement| requirement.word).collect(),
        Tool::Conda(conda) if conda.is_install() => conda.specs.iter().map(|spec| spec.word).collect(),
        Tool::Uv(uv) if uv.is(&["pip", "install"]) || uv.is(&["add"]) => uv.operands.clone(),
        _ => return Vec::new(),
    };
    words
        .into_iter()
        .filter_map(|word| {
            let redirects = glued(command, word);
            let mut written = command.words.get(word)?.raw.clone();
            if redirects.is_empty() || written.contains(['"', '\'', '\\', '$', '`']) {
                return None;
            }
            for redirect in redirects {
                written += &redirect.operator;
                written += &redirect.target.raw;
            }
            let reads = redirects.iter().any(|redirect| redirect.operator == "<");
            let range = command.words.get(word)?.range.start..redirects.last()?.range.end;
            is_versioned(&written).then_some(Split { word, range, written, reads })
        })
        .collect()
}

/// Whether a text is the name of a package and clauses about its version, each with an operator and a version.
fn is_versioned(text: &str) -> bool {
    let requirement = Requirement::of(text, 0, false);
    let Some(specifier) = requirement.specifier.filter(|_| requirement.kind == RequirementKind::Named) else {
        return false;
    };
    requirement.marker.is_none() && specifier.split(',').all(is_clause)
}

fn is_clause(text: &str) -> bool {
    let version = text.trim_start_matches(['<', '>', '=', '!', '~']);
    let operator = &text[..text.len() - version.len()];
    // What begins with `=` is no file that anyone wants; a plain name that a variable holds may be.
    let known = ["<=", ">=", "==", "===", "!=", "~="].contains(&operator);
    match version.strip_prefix('$') {
        Some(variable) => {
            let name = variable.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(variable);
            known && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }
        None => (known || matches!(operator, "<" | ">" | "=")) && is_version(version),
    }
}

/// Whether a text is a version as Python's packages write it: `1.2`, `2.0.*`, `1.0rc1`, `1!2.0.post1+cu118`.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, local) = text.split_once('+').unwrap_or((text, "0"));
    let text = text.split_once('!').map_or(text, |(_, rest)| rest);
    let text = text.strip_suffix(".*").unwrap_or(text);
    let numbers = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (release, behind) = text.split_at(numbers);
    let release = release.strip_suffix('.').filter(|_| !behind.is_empty()).unwrap_or(release);
    let numbered = release.split('.').all(|part| !part.is_empty());
    let stage = behind.trim_end_matches(|c: char| c.is_ascii_digit()).trim_matches(['-', '_', '.']);
    let known = ["", "a", "b", "c", "rc", "alpha", "beta", "pre", "preview", "post", "rev", "r", "dev"];
    let local = local.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    numbered && local && known.contains(&stage)
}

fn subject(place: Place, span: Span, state: &State, split: &Split, locked: Option<&str>) -> Subject {
    let Place { instruction, command } = place;
    let target = Target::Command { instruction, command, word: split.word, locked: locked.map(str::to_owned) };
    let mut subject = Subject::new(target, span, Some(state));
    let note = if split.reads {
        format!("the shell takes `{}` for a file to read from", split.written)
    } else {
        format!("the shell takes `{}` for a file to write to", split.written)
    };
    subject.evidence.push(Evidence { span, note });
    subject.texts.insert("written", split.written.clone());
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Redirection)> {
        let script = crate::shell::parse(text).unwrap();
        let all = script.commands.iter().flat_map(|command| split(command).into_iter().map(move |it| (command, it)));
        all.map(|(command, split)| (split.written.clone(), split.redirection(command))).collect()
    }

    #[test]
    fn a_version_without_quotes_is_found() {
        use Redirection::{From, Into};
        for (text, written, redirection) in [
            ("pip install pkg<1.2", "pkg<1.2", From),
            ("pip install -U pkg>=1.2 other", "pkg>=1.2", Into),
            ("pip install pkg>=1,<2", "pkg>=1,<2", From),
            ("pip install pkg!=1.5,<2.*", "pkg!=1.5,<2.*", From),
            ("pip install pkg[a,b]>1.0rc1", "pkg[a,b]>1.0rc1", Into),
            ("pip install pkg>=$V", "pkg>=$V", Into),
            ("conda install -y pip<=20.1.1", "pip<=20.1.1", From),
            ("conda create -n x python>=3.8", "python>=3.8", Into),
            ("uv pip install pkg>=1", "pkg>=1", Into),
            ("pip install pkg<1.2 || true", "pkg<1.2", Into),
            ("pip install pkg>=1.0.dev0 2>&1 | tee log", "pkg>=1.0.dev0", Into),
        ] {
            assert_eq!(found(text), [(written.to_owned(), redirection)], "{text}");
        }
    }

    #[test]
    fn a_redirection_is_none_of_a_version() {
        for text in [
            "pip install pkg > log.txt",
            "pip install pkg >1.2",
            "pip install pkg> 1.2",
            "pip install pkg>log.txt",
            "pip install pkg>1.log",
            "pip install pkg>/dev/null",
            "pip install pkg>/dev/null 2>&1",
            "pip install pkg 2>1",
            "pip install pkg>&2",
            "pip install pkg>>1.2",
            "pip install pkg>$LOG",
            "pip install \"pkg>=1.2\" 'other<2'",
            "pip install -r requirements.txt>1.2",
            "pip freeze>1.2",
            "conda env export>1.2",
            "pip install \"pkg\">=1.2",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
