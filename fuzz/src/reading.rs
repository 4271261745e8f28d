//! Readers alone: every place that a model names is in the text, in order, and holds what the model says.

use std::io::Read;

use envfix::build_log;
use envfix::dockerfile::{self, Instruction, Logical, run};
use envfix::environment::conda::{CondaEnvironment, Dependency};
use envfix::environment::definition::AzureFile;
use envfix::environment::document::{Document, Kind, Node, Style, Syntax};
use envfix::environment::values;
use envfix::script::{self, Form};
use envfix::shell::{self, Script, tool};
use envfix::{Source, Span, apply_edits};

use crate::symptoms;

#[track_caller]
fn inside(source: &Source, span: Span) {
    assert!(span.start <= span.end && source.text().get(span.start..span.end).is_some(), "{span:?} is no place");
}

/// The joined text is that of the source, byte by byte.
fn logical(source: &Source, line: &Logical, decoded: bool) {
    let mut last = 0;
    for (offset, byte) in line.text.bytes().enumerate().filter(|(offset, _)| line.text.is_char_boundary(*offset)) {
        let at = line.to_source(offset);
        assert!(at >= last, "offset {offset} goes back");
        last = at;
        let found = source.text().as_bytes().get(at).copied();
        assert!(decoded || found == Some(byte), "offset {offset}: {byte:?} comes from {found:?} at {at}");
    }
}

fn instruction(source: &Source, step: &Instruction) {
    inside(source, step.span);
    assert!(step.span.contains(step.keyword_span), "{step:?}");
    logical(source, &step.logical, false);
    let _ = step.arguments_text();
    step.flags.iter().for_each(|flag| drop(step.logical.text[flag.range.clone()].to_owned()));
    step.exec.iter().flatten().for_each(|item| drop(step.logical.text[item.range.clone()].to_owned()));
    for heredoc in &step.heredocs {
        inside(source, heredoc.body);
        inside(source, heredoc.terminator);
        assert!(step.span.contains(heredoc.body) && step.span.contains(heredoc.terminator), "{heredoc:?}");
    }
    step.onbuild.iter().for_each(|inner| instruction(source, inner));
}

/// A Dockerfile: nothing but blanks stands outside of what was read.
pub fn dockerfile(bytes: &[u8]) {
    let Ok(source) = Source::new("Dockerfile", None, bytes.to_vec()) else { return };
    let Ok(read) = dockerfile::parse(&source) else { return };
    let mut spans: Vec<Span> = read.directives.iter().map(|directive| directive.span).collect();
    let mut end = 0;
    for step in &read.instructions {
        instruction(&source, step);
        assert!(step.span.start >= end, "instructions overlap: {step:?}");
        end = step.span.end;
        spans.push(step.span);
    }
    for comment in &read.comments {
        inside(&source, *comment);
        let text = source.slice(*comment);
        assert!(text.starts_with('#') && !text.contains('\n'), "no comment: {text:?}");
        spans.push(*comment);
    }
    spans.sort_unstable();
    let mut at = 0;
    for span in spans {
        let between = source.text().get(at..span.start.max(at)).expect("spans are places");
        let between = between.trim_start_matches('\u{feff}');
        assert!(between.chars().all(char::is_whitespace), "{between:?} was not read");
        at = at.max(span.end);
    }
    assert!(
        source.text()[at..].trim_start_matches('\u{feff}').chars().all(char::is_whitespace),
        "the end was not read"
    );

    let (runs, unread) = run::read(&source, &read);
    for run in &runs {
        logical(&source, &run.text, run.form == run::Form::Exec || run.form == run::Form::ExecShell);
        if run.form != run::Form::Exec {
            script(&run.text.text, &run.script);
        }
        for command in &run.script.commands {
            inside(&source, run.span(command.range.clone()));
            let _ = tool::tool(command);
        }
    }
    unread.iter().for_each(|unread| inside(&source, unread.span));
}

/// A shell text.
pub fn shell(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(read) = shell::parse(text) else { return };
    script(text, &read);
    for command in &read.commands {
        let _ = tool::tool(command);
    }
}

/// The tokens hold every byte but blanks, escaped newlines and comments.
fn script(text: &str, script: &Script) {
    let mut at = 0;
    for token in &script.tokens {
        assert!(token.range.start >= at, "tokens overlap: {token:?}");
        let between = &text[at..token.range.start];
        assert!(is_unread(between), "{between:?} is in no token");
        let raw = &text[token.range.clone()];
        assert!(raw == token.text || token.text == "\n", "{token:?} is {raw:?}");
        at = token.range.end;
    }
    assert!(is_unread(&text[at..]), "{:?} at the end is in no token", &text[at..]);
    for command in &script.commands {
        let whole = &command.range;
        let parts = command.words.iter().map(|word| &word.range);
        let parts = parts.chain(command.assignments.iter().map(|it| &it.range));
        parts.for_each(|part| assert!(whole.start <= part.start && part.end <= whole.end, "{part:?} in {whole:?}"));
    }
}

fn is_unread(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\u{b}', '\u{c}']);
        if rest.is_empty() {
            return true;
        }
        if let Some(behind) = rest.strip_prefix("\\\n").or_else(|| rest.strip_prefix("\\\r\n")) {
            rest = behind;
        } else if rest.starts_with('#') {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            // A newline is a token, but for those behind a comment in a list that goes on.
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        } else {
            return false;
        }
    }
}

/// A conda environment, and the edits that may be asked of it.
pub fn conda(bytes: &[u8]) {
    let Ok(source) = Source::new("environment.yml", None, bytes.to_vec()) else { return };
    let Ok(Some(environment)) = CondaEnvironment::parse(&source) else { return };
    let text = source.text();
    environment.comments().iter().for_each(|comment| inside(&source, *comment));
    for (number, dependency) in environment.dependencies.iter().enumerate().take(20) {
        inside(&source, dependency.item());
        if let Dependency::Pip(pip) = dependency {
            inside(&source, pip.key);
            pip.items.iter().for_each(|item| inside(&source, item.span));
        }
        let edits = [
            environment.insert_before(number, "pip=24.0"),
            environment.insert_after(number, "pip=24.0"),
            environment.replace_scalar(number, "pip=24.0"),
            environment.spell(number, "python=3.10").map(|(edits, _)| edits),
        ];
        for edits in edits.into_iter().flatten() {
            apply_edits(text, &edits).expect("the edits of one change do not overlap");
        }
    }
    if let Ok(edits) = environment.append("pip=24.0") {
        apply_edits(text, &edits).expect("the edits of one change do not overlap");
    }
    let _ = environment.insert_channels(&["conda-forge".to_owned()]).map(|edit| apply_edits(text, [&edit]));
    (environment.untaken(), environment.unpinned(), environment.python_minor(), environment.python_fits());
}

/// A definition of Azure ML, in either syntax.
pub fn definition(bytes: &[u8]) {
    let Some((selector, bytes)) = bytes.split_first() else { return };
    let syntax = if selector & 1 == 0 { Syntax::Yaml } else { Syntax::Json };
    let Ok(source) = Source::new("definition", None, bytes.to_vec()) else { return };
    let Ok(document) = Document::read(source.text(), syntax) else { return };
    for id in document.ids() {
        node(&source, &document, document.node(id));
    }
    document.comments().iter().for_each(|comment| inside(&source, *comment));
    if let Ok(value) = values::read(source.text(), syntax) {
        assert!(values::same(&value, &value));
    }
    let Ok(Some(file)) = AzureFile::parse(&source, syntax, selector & 2 == 0) else { return };
    file.places().into_iter().for_each(|place| inside(&source, place));
    for definition in &file.definitions {
        (file.unknown(definition), file.misspelt(definition));
        for key in ["docker", "spark", "image", "conda_file", "name", "precachePackages"] {
            file.span_of(definition, key).into_iter().for_each(|span| inside(&source, span));
        }
    }
}

fn node(source: &Source, document: &Document, node: &Node) {
    inside(source, node.span);
    assert!(node.start <= node.span.start, "{node:?}");
    let children: Vec<&Node> = match &node.kind {
        Kind::Scalar { value, style: Style::Plain } if !value.is_empty() => {
            let text = source.slice(node.span);
            assert!(
                text.contains(['\n', '\r']) || text == value || document.syntax() == Syntax::Json,
                "{text:?} is {value:?}"
            );
            Vec::new()
        }
        Kind::Sequence { items, .. } => items.iter().map(|id| document.node(*id)).collect(),
        Kind::Mapping { entries, .. } => {
            entries.iter().flat_map(|(key, value)| [document.node(*key), document.node(*value)]).collect()
        }
        _ => Vec::new(),
    };
    for child in children {
        // A block text runs on over the blank lines behind it, and a value that is left out is given where the next thing is.
        let open_ended = child.span.is_empty() || matches!(child.kind, Kind::Scalar { style: Style::Block, .. });
        let begins = node.span.start <= child.span.start;
        assert!(begins && (open_ended || child.span.end <= node.span.end), "{child:?} is outside of {node:?}");
    }
}

/// A program or a notebook: what is read is proven to be itself.
pub fn program(bytes: &[u8]) {
    let Some((selector, bytes)) = bytes.split_first() else { return };
    let form = if selector & 1 == 0 { Form::Python } else { Form::Notebook };
    let Ok(source) = Source::new("program", None, bytes.to_vec()) else { return };
    let Ok(Some(program)) = script::read(&source, form) else { return };
    for number in 0..program.statement_count() {
        inside(&source, program.statement(number).expect("every statement has a place"));
    }
    (0..program.environments.len()).flat_map(|it| program.places(it)).for_each(|place| inside(&source, place));
    program.comments.iter().for_each(|comment| inside(&source, *comment));
    script::check(&source, &source, form, &[]).expect("a program is itself");
}

/// A reader that gives as much at a time as it is told to.
struct Chunks<'a> {
    bytes: &'a [u8],
    sizes: &'a [u8],
    next: usize,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.get(self.next % self.sizes.len().max(1)).map_or(7, |size| 1 + usize::from(*size));
        self.next += 1;
        let size = size.min(buffer.len()).min(self.bytes.len());
        let (chunk, rest) = self.bytes.split_at(size);
        buffer[..size].copy_from_slice(chunk);
        self.bytes = rest;
        Ok(size)
    }
}

/// A log: what is read does not depend on how it arrives.
pub fn log(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (sizes, bytes) = rest.split_at(usize::from(count % 8).min(rest.len()));
    let whole = format!("{:?}", build_log::read(bytes, symptoms()));
    let chunked = format!("{:?}", build_log::read(Chunks { bytes, sizes, next: 0 }, symptoms()));
    assert_eq!(whole, chunked, "in chunks of {sizes:?}");
}
