//! Where new text goes and how it is laid out: in the style of what stands around it.

use crate::dockerfile::Instruction;
use crate::dockerfile::run::{Form, Run};
use crate::edit::Edit;
use crate::patch::view::DockerfileView;
use crate::shell::Command;
use crate::source::Span;

/// New instructions directly before another, above that one's own comments. Where an instruction of the same kind
/// stands directly before, they join it.
pub fn insert_instructions(view: &DockerfileView<'_>, number: usize, lines: &[(&str, String)]) -> Edit {
    let source = view.source;
    let instructions = &view.model.dockerfile.instructions;
    let Some(instruction) = instructions.get(number) else { return append_instructions(view, lines) };
    let previous = number.checked_sub(1).map(|previous| &instructions[previous]);
    let line = source.line_start(instruction.span.start);
    let block = comments_above(view, line, previous);
    let newline = source.newline().as_str();
    let indent = source.indent(instruction.span.start);
    let lower = source.slice(instruction.keyword_span).bytes().all(|byte| byte.is_ascii_lowercase());
    let text: String = lines
        .iter()
        .map(|(keyword, arguments)| {
            let keyword = if lower { keyword.to_ascii_lowercase() } else { (*keyword).to_owned() };
            format!("{indent}{keyword} {arguments}{newline}")
        })
        .collect();
    let Some(previous) = previous else { return Edit::insert(block, text) };

    let behind = (source.line_end(previous.span.end) + newline.len()).min(block);
    let between = source.slice(Span::new(behind, block));
    let same = lines.iter().all(|(keyword, _)| *keyword == previous.keyword);
    if same && between.trim().is_empty() && !is_headed(view, number - 1) {
        return Edit::insert(line_behind(view, previous), text);
    }
    // Where blank lines set the instruction apart, the new one is set apart as well.
    let apart = between.lines().next_back().is_some_and(|line| line.trim().is_empty());
    Edit::insert(block, if apart { text + newline } else { text })
}

/// New instructions at the end of the file.
fn append_instructions(view: &DockerfileView<'_>, lines: &[(&str, String)]) -> Edit {
    let (text, newline) = (view.source.text(), view.source.newline().as_str());
    let last = view.model.dockerfile.instructions.last();
    let end = last.map_or(text.len(), |last| line_behind(view, last));
    let lower = last.is_some_and(|last| view.source.slice(last.keyword_span).bytes().all(|it| it.is_ascii_lowercase()));
    let lines: Vec<String> = lines
        .iter()
        .map(|(keyword, arguments)| {
            let keyword = if lower { keyword.to_ascii_lowercase() } else { (*keyword).to_owned() };
            format!("{keyword} {arguments}")
        })
        .collect();
    if text[..end].ends_with('\n') {
        Edit::insert(end, lines.iter().map(|line| format!("{line}{newline}")).collect::<String>())
    } else {
        Edit::insert(end, lines.iter().map(|line| format!("{newline}{line}")).collect::<String>())
    }
}

/// Whether a comment stands directly above an instruction, or above those of its kind that it follows line on line: it
/// speaks of them and not of what might join them.
fn is_headed(view: &DockerfileView<'_>, number: usize) -> bool {
    let instructions = &view.model.dockerfile.instructions;
    let line = |offset: usize| view.source.line(offset);
    let mut first = number;
    while let Some(above) = first.checked_sub(1) {
        let follows = line(instructions[above].span.end) + 1 == line(instructions[first].span.start);
        if instructions[above].keyword != instructions[number].keyword || !follows {
            break;
        }
        first = above;
    }
    let start = view.source.line_start(instructions[first].span.start);
    let previous = first.checked_sub(1).map(|above| &instructions[above]);
    comments_above(view, start, previous) < start
}

/// The offset of the line behind an instruction.
fn line_behind(view: &DockerfileView<'_>, instruction: &Instruction) -> usize {
    let text = view.source.text();
    memchr::memchr(b'\n', &text.as_bytes()[instruction.span.end..])
        .map_or(text.len(), |at| instruction.span.end + at + 1)
}

/// The beginning of the comment lines that stand directly above a line, or of the line itself.
fn comments_above(view: &DockerfileView<'_>, line: usize, previous: Option<&Instruction>) -> usize {
    let comments = &view.model.dockerfile.comments;
    let least = previous.map_or(0, |previous| previous.span.end);
    let mut block = line;
    for comment in comments[..comments.partition_point(|comment| comment.start < line)].iter().rev() {
        let start = view.source.line_start(comment.start);
        let adjacent = view.source.slice(Span::new(comment.end, block)).chars().filter(|c| *c == '\n').count() == 1;
        if comment.start < least || !adjacent {
            break;
        }
        block = start;
    }
    block
}

/// The character that continues a line of a run's text.
fn escape(view: &DockerfileView<'_>, run: &Run) -> char {
    if run.form == Form::Heredoc { '\\' } else { view.model.dockerfile.escape }
}

/// A further word behind a word of a command: on a line of its own where that one has its own, else beside it.
///
/// # Errors
/// When the place is not one that is understood.
pub fn insert_word(
    view: &DockerfileView<'_>,
    run: &Run,
    command: &Command,
    after: usize,
    word: &str,
) -> Result<Edit, String> {
    let source = view.source;
    let found = command.words.get(after).ok_or("the word is not there any more")?;
    let span = run.span(found.range.clone());
    if source.slice(span) != found.raw {
        return Err(format!("add {word} by hand: envfix does not edit behind a word that is split over lines"));
    }
    let line_start = source.line_start(span.start);
    let line_end = source.line_end(span.end);
    let own_line = source.slice(Span::new(line_start, span.start)).trim().is_empty();
    let next_on_line = command.words.get(after + 1).is_some_and(|next| run.span(next.range.clone()).start < line_end);
    if !own_line || next_on_line {
        return Ok(Edit::insert(span.end, format!(" {word}")));
    }
    let (escape, newline) = (escape(view, run), source.newline().as_str());
    let indent = source.indent(span.start);
    let rest = source.slice(Span::new(span.end, line_end));
    let next_line = line_end + newline.len();
    if rest.trim() == escape.to_string() && next_line <= source.text().len() {
        // `    curl      \`: the escapes of a list may stand in one column.
        let blanks = rest.len() - rest.trim_start().len();
        let column = found.raw.len() + blanks;
        let padding = if blanks > 1 { column.saturating_sub(word.len()).max(1) } else { blanks };
        return Ok(Edit::insert(next_line, format!("{indent}{word}{:padding$}{escape}{newline}", "")));
    }
    Ok(Edit::insert(span.end, format!(" {escape}{newline}{indent}{word}")))
}

/// A further command behind a command, joined by `operator`.
pub fn append_command(view: &DockerfileView<'_>, run: &Run, number: usize, operator: &str, text: &str) -> Edit {
    let source = view.source;
    let command = &run.script.commands[number];
    let (escape, newline) = (escape(view, run), source.newline().as_str());
    let end = run.end(&command.range);
    let spaced = if operator == ";" { ";".to_owned() } else { format!(" {operator}") };
    let inline = || Edit::insert(end, format!("{spaced} {text}"));
    if operator == "\n" {
        return Edit::insert(end, format!("{newline}{}{text}", source.indent(run.span(command.range.clone()).start)));
    }
    let tokens = &run.script.tokens;
    let behind = tokens.partition_point(|token| token.range.start < command.range.end);
    let first = tokens.partition_point(|token| token.range.start < command.range.start);
    let start_of = |token: usize| tokens.get(token).map(|token| run.span(token.range.clone()).start);
    let line = |offset: usize| source.line(offset);
    let is_first_on_line = |offset: usize| source.slice(Span::new(source.line_start(offset), offset)).trim().is_empty();

    let joins = |token: usize| tokens.get(token).is_some_and(|token| token.text == "&&" || token.text == ";");
    if joins(behind)
        && let (Some(joint), Some(next)) = (start_of(behind), start_of(behind + 1))
    {
        let next_line = source.line_end(end) + newline.len();
        if line(joint) > line(end) && line(next) == line(joint) {
            // The operator begins the next line: `&& rm`.
            let indent = source.indent(joint);
            let gap = source.slice(Span::new(joint + operator.len().min(next - joint), next));
            return Edit::insert(next_line, format!("{indent}{operator}{gap}{text} {escape}{newline}"));
        }
        if line(joint) > line(end) {
            // The operator has a line of its own.
            let after_joint = source.line_end(joint) + newline.len();
            let own = source.slice(Span::new(source.line_start(joint), after_joint));
            return Edit::insert(after_joint, format!("{}{text} {escape}{newline}{own}", source.indent(next)));
        }
        if line(next) > line(joint) {
            // The operator ends the line: `python3 && \`.
            return Edit::insert(end, format!("{spaced} {escape}{newline}{}{text}", source.indent(next)));
        }
        return inline();
    }
    // Nothing follows: the style is that of what stands before.
    let joint = first.checked_sub(1).filter(|token| joins(*token)).and_then(start_of);
    match (joint, start_of(first)) {
        (Some(joint), _) if is_first_on_line(joint) => {
            Edit::insert(end, format!(" {escape}{newline}{}{operator} {text}", source.indent(joint)))
        }
        (Some(_), Some(start)) if is_first_on_line(start) => {
            Edit::insert(end, format!("{spaced} {escape}{newline}{}{text}", source.indent(start)))
        }
        (_, Some(start)) if line(start) < line(end) => {
            Edit::insert(end, format!(" {escape}{newline}{}{operator} {text}", source.indent(end)))
        }
        _ => inline(),
    }
}

/// A further command before a command, joined by `operator`.
pub fn prepend_command(view: &DockerfileView<'_>, run: &Run, number: usize, operator: &str, text: &str) -> Edit {
    let source = view.source;
    let command = &run.script.commands[number];
    let (escape, newline) = (escape(view, run), source.newline().as_str());
    let span = run.span(command.range.clone());
    let spaced = if operator == ";" { ";".to_owned() } else { format!(" {operator}") };
    let inline = Edit::insert(span.start, format!("{text}{spaced} "));
    if operator == "\n" {
        return Edit::insert(span.start, format!("{text}{newline}{}", source.indent(span.start)));
    }
    if run.form == Form::ExecShell {
        return inline;
    }
    let tokens = &run.script.tokens;
    let first = tokens.partition_point(|token| token.range.start < command.range.start);
    let behind = tokens.partition_point(|token| token.range.start < command.range.end);
    let start_of = |token: usize| tokens.get(token).map(|token| run.span(token.range.clone()).start);
    let line = |offset: usize| source.line(offset);
    let is_first_on_line = |offset: usize| source.slice(Span::new(source.line_start(offset), offset)).trim().is_empty();
    let joins = |token: usize| tokens.get(token).is_some_and(|token| token.text == operator);
    // The operator begins a line: `&& apt-get`. What stands between it and the next word is kept.
    let leading = |joint: usize, next: usize| {
        let gap = source.slice(Span::new((joint + operator.len()).min(next), next));
        Edit::insert(span.start, format!("{text} {escape}{newline}{}{operator}{gap}", source.indent(joint)))
    };
    // The operator ends a line: `apt-get update && \`.
    let trailing = |indent: &str| Edit::insert(span.start, format!("{text}{spaced} {escape}{newline}{indent}"));
    if let Some(joint) = first.checked_sub(1).filter(|token| joins(*token)).and_then(start_of) {
        return if is_first_on_line(joint) && line(joint) == line(span.start) {
            leading(joint, span.start)
        } else if is_first_on_line(span.start) {
            trailing(source.indent(span.start))
        } else {
            inline
        };
    }
    match (start_of(behind).filter(|_| joins(behind)), start_of(behind + 1)) {
        (Some(joint), Some(next)) if is_first_on_line(joint) && line(joint) == line(next) => leading(joint, next),
        (Some(joint), Some(next)) if line(next) > line(joint) && line(joint) == line(span.end) => {
            trailing(source.indent(if is_first_on_line(span.start) { span.start } else { next }))
        }
        _ if is_first_on_line(span.start) && run.form != Form::Heredoc => trailing(source.indent(span.start)),
        _ => inline,
    }
}
