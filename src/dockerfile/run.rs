//! The shell texts in a Dockerfile's `RUN`s, read, with the way back from each to the source.

use std::ops::Range;

use crate::dockerfile::{Dockerfile, Instruction, Logical};
use crate::shell::{self, Script};
use crate::source::{Source, Span};

/// A `RUN` whose text is of interest.
#[derive(Clone, Debug)]
pub struct Run {
    /// Index of the instruction.
    pub instruction: usize,
    /// Its shell text, read.
    pub script: Script,
    /// The way from offsets in the script to the source.
    pub text: Logical,
    /// Why its commands may be looked at and not edited, where that is so.
    pub locked: Option<String>,
    /// What form the text has.
    pub form: Form,
}

/// Where a `RUN`'s shell text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `RUN command`.
    Shell,
    /// `RUN <<EOF`, the body being the script.
    Heredoc,
    /// `RUN ["sh", "-c", "command"]`.
    ExecShell,
    /// `RUN ["program", "argument"]`: one command and no shell.
    Exec,
}

impl Run {
    /// The source span of a range of the script.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Span {
        self.text.span(range)
    }

    /// The source offset behind the last byte of a range of the script: where text that is to stand right behind a
    /// word goes, on the word's own line.
    #[must_use]
    pub fn end(&self, range: &Range<usize>) -> usize {
        self.text.span(range.clone()).end
    }
}

/// A `RUN` that could not be read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Index of the instruction.
    pub instruction: usize,
    /// Where reading stopped.
    pub span: Span,
    /// Why.
    pub reason: String,
}

/// Reads every `RUN` whose text may concern a patch. Others are not parsed at all.
#[must_use]
pub fn read(source: &Source, dockerfile: &Dockerfile) -> (Vec<Run>, Vec<Unread>) {
    read_those(source, dockerfile, |_| true)
}

/// The same for those instructions only whose number is wanted.
#[must_use]
pub fn read_those(source: &Source, dockerfile: &Dockerfile, wanted: impl Fn(usize) -> bool) -> (Vec<Run>, Vec<Unread>) {
    let (mut runs, mut unread) = (Vec::new(), Vec::new());
    for (index, instruction) in dockerfile.instructions.iter().enumerate() {
        if instruction.keyword != "RUN" || !wanted(index) {
            continue;
        }
        let Some((form, text, locked)) = text(source, instruction) else { continue };
        if !shell::may_concern(&text.text) {
            continue;
        }
        let script = match form {
            Form::Exec => Ok(exec_script(instruction)),
            _ => shell::parse(&text.text),
        };
        match script {
            Ok(script) => runs.push(Run { instruction: index, script, text, locked, form }),
            Err(error) => unread.push(Unread {
                instruction: index,
                span: Span::at(text.to_source(error.offset.min(text.text.len()))),
                reason: format!("the shell text is not understood here: {}", error.message),
            }),
        }
    }
    runs.shrink_to_fit();
    (runs, unread)
}

/// The shell text of a `RUN`, its form, and why it is not to be edited, where that is so.
fn text(source: &Source, instruction: &Instruction) -> Option<(Form, Logical, Option<String>)> {
    if let Some(items) = &instruction.exec {
        if let Some(item) = shell_argument(items) {
            let inner = item.range.start + 1..item.range.end.saturating_sub(1);
            let verbatim = instruction.logical.text.get(inner.clone()) == Some(item.value.as_str());
            let locked = (!verbatim).then(|| "its text is a JSON string with escapes".to_owned());
            let text = if verbatim {
                instruction.logical.part(inner)
            } else {
                Logical::verbatim(item.value.clone(), instruction.logical.to_source(item.range.start))
            };
            return Some((Form::ExecShell, text, locked));
        }
        let text = instruction.logical.part(instruction.arguments.clone());
        return Some((Form::Exec, text, Some("it is written in exec form".to_owned())));
    }
    if let [heredoc] = instruction.heredocs.as_slice() {
        let arguments = instruction.arguments_text();
        let before = arguments.split("<<").next().unwrap_or_default().trim();
        let only = arguments.split_whitespace().filter(|word| word.starts_with("<<")).count() == 1
            && arguments.split_whitespace().last().is_some_and(|word| word.starts_with("<<"));
        let body = source.slice(heredoc.body);
        let other_interpreter = body.starts_with("#!") && !body.lines().next().is_some_and(is_shell_shebang);
        let run_by_shell = before.is_empty() || is_bare_shell(before);
        if only && run_by_shell && !other_interpreter {
            return Some((Form::Heredoc, heredoc_text(source, heredoc.body, heredoc.strip_tabs), None));
        }
    }
    if !instruction.heredocs.is_empty() {
        // The line is a command and the bodies are its input: the command can be looked at, and words that stand
        // behind the heredoc's mark must not be mistaken for a place to write to.
        let text = with_bodies(source, instruction);
        return Some((Form::Shell, text, Some("it feeds a heredoc to a command".to_owned())));
    }
    Some((Form::Shell, instruction.logical.part(instruction.arguments.clone()), None))
}

/// The text that `["sh", "-c", text]` runs.
fn shell_argument(items: &[crate::dockerfile::ExecItem]) -> Option<&crate::dockerfile::ExecItem> {
    let [program, options @ .., text] = items else { return None };
    let name = program.value.rsplit('/').next().unwrap_or_default();
    let is_shell = matches!(name, "sh" | "bash" | "dash" | "ash");
    let runs_text = options.last().is_some_and(|last| last.value.starts_with('-') && last.value.ends_with('c'));
    // Behind a script's name, `-c` is the script's own.
    let only_options = options.iter().enumerate().all(|(number, option)| {
        let value = number > 0 && options[number - 1].value == "-o";
        value || option.value.starts_with('-')
    });
    (is_shell && runs_text && only_options).then_some(text)
}

/// Whether a text is a shell and options that leave its input to be the script.
fn is_bare_shell(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let shell = words.next().map(|word| word.rsplit('/').next().unwrap_or_default());
    let mut option_value = false;
    matches!(shell, Some("sh" | "bash" | "dash" | "ash"))
        && words.all(|word| {
            let value = std::mem::take(&mut option_value);
            option_value = word.starts_with('-') && word.ends_with('o');
            value || (word.starts_with('-') && !word.contains('c') && !word.contains('s'))
        })
}

fn is_shell_shebang(line: &str) -> bool {
    line.split(['/', ' ']).any(|word| matches!(word.trim(), "sh" | "bash" | "dash" | "ash"))
}

/// The line and the heredocs behind it as one text, which is how the shell gets them.
fn with_bodies(source: &Source, instruction: &Instruction) -> Logical {
    let line = instruction.logical.part(instruction.arguments.clone());
    let (Some(first), Some(last)) = (instruction.heredocs.first(), instruction.heredocs.last()) else { return line };
    let bodies = Span::new(first.body.start, last.terminator.end);
    line.followed_by(source.slice(bodies), bodies.start)
}

/// A heredoc's body as the shell gets it, leading tabs stripped where `<<-` asks for it.
fn heredoc_text(source: &Source, body: Span, strip_tabs: bool) -> Logical {
    let text = source.slice(body);
    if !strip_tabs {
        return Logical::verbatim(text, body.start);
    }
    let (mut joined, mut segments, mut offset) = (String::with_capacity(text.len()), Vec::new(), body.start);
    for line in text.split_inclusive('\n') {
        let kept = line.trim_start_matches('\t');
        segments.push((joined.len(), offset + (line.len() - kept.len())));
        joined.push_str(kept);
        offset += line.len();
    }
    Logical::new(joined, segments)
}

/// The one command of an exec form.
fn exec_script(instruction: &Instruction) -> Script {
    let items = instruction.exec.as_deref().unwrap_or_default();
    let start = instruction.arguments.start;
    let words = items
        .iter()
        .map(|item| shell::Word {
            raw: instruction.logical.text[item.range.clone()].to_owned(),
            value: Some(item.value.clone()),
            range: item.range.start - start..item.range.end - start,
        })
        .collect::<Vec<_>>();
    let tokens = words.iter().map(|word| shell::Token { text: word.raw.clone(), range: word.range.clone() }).collect();
    let commands = if words.is_empty() {
        Vec::new()
    } else {
        vec![shell::Command {
            assignments: Default::default(),
            range: words[0].range.start..words[words.len() - 1].range.end,
            words: words.into(),
            redirects: Vec::new(),
            nesting: Vec::new(),
            before: None,
            after: None,
            negated: false,
            read: shell::Reading::default(),
        }]
    };
    Script { commands, tokens }
}
