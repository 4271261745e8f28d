//! What instructions say.

use super::Outcome;
use crate::change::Change;
use crate::dockerfile::{self, Base, Instruction};
use crate::edit::{self, Edit};
use crate::patch::subject::{Subject, Target};
use crate::patch::suspect::comment_word;
use crate::patch::view::DockerfileView;
use crate::source::{Source, Span};

fn number(subject: &Subject) -> Result<usize, String> {
    match subject.target {
        Target::Instruction { instruction } => Ok(instruction),
        _ => Err("this remedy is about an instruction".to_owned()),
    }
}

/// The comment behind the arguments stands on a line of its own above the instruction.
pub fn comment_above(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let number = number(subject)?;
    let by_hand = "put the comment on a line of its own".to_owned();
    let (source, dockerfile) = (view.source, &view.model.dockerfile);
    let instruction = dockerfile.instructions.get(number).ok_or_else(|| by_hand.clone())?;
    let kept = comment_word(instruction).ok_or_else(|| by_hand.clone())?;
    let words: Vec<_> = instruction.words().collect();
    let comment = words[kept].start..instruction.arguments.end;
    let span = instruction.logical.span(comment.clone());
    let text = &instruction.logical.text[comment];
    let end = source.line_end(span.end);
    if source.slice(span) != text || instruction.span.end > end {
        return Err(format!("{by_hand}; envfix does not move one that goes on on the next line"));
    }
    let last = instruction.logical.span(words[kept - 1].clone()).end;
    let start = source.line_start(instruction.span.start).max(if source.has_bom() { 3 } else { 0 });
    let indent = source.indent(instruction.span.start);
    let line = format!("{indent}{text}{}", source.newline().as_str());
    let edits = vec![Edit::insert(start, line), Edit::replace(Span::new(last, end), "")];
    let change = Change::MoveComment { instruction: number, words: kept, comment: text.to_owned() };
    let action = "move the comment to a line of its own above it".to_owned();
    Ok(Outcome { edits, changes: vec![change], action, safety: None })
}

/// The stage starts from this image.
pub fn base_image(image: &str, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let number = number(subject)?;
    let by_hand = format!("write {image}");
    let dockerfile = &view.model.dockerfile;
    let stage = dockerfile.stages.iter().find(|stage| stage.from == number).ok_or_else(|| by_hand.clone())?;
    let from = dockerfile.instructions.get(number).ok_or_else(|| by_hand.clone())?;
    let span = from.logical.span(stage.base_range.clone());
    let written = &from.logical.text[stage.base_range.clone()];
    if !matches!(&stage.base, Base::Image { .. }) || written.contains(['$', '"', '\'']) {
        return Err(format!("{by_hand}; envfix does not edit it, since a variable holds the name"));
    }
    if view.source.slice(span) != written {
        return Err(format!("{by_hand}; envfix does not edit a name that is split over lines"));
    }
    // Where a template stands for the newest tag, it does so for the new image as well.
    let template = written.split_once(":{{").filter(|_| written.ends_with("}}")).map(|(_, rest)| rest);
    let name = image.rsplit_once(':').map_or(image, |(name, _)| name);
    let image = template.map_or_else(|| image.to_owned(), |rest| format!("{name}:{{{{{rest}"));
    if written == image {
        return Ok(Outcome::default());
    }
    let change = Change::SetBase { instruction: number, to: image.clone() };
    Ok(Outcome::of(Edit::replace(span, image.as_str()), change, format!("start from {image}")))
}

/// The instruction has the keyword that it is meant to have; a blank parts it from what is glued to it.
pub fn spell_keyword(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let number = number(subject)?;
    let meant = subject.texts.get("meant").map(String::as_str).unwrap_or_default();
    let by_hand = format!("write {meant}");
    let instruction = view.model.dockerfile.instructions.get(number).ok_or_else(|| by_hand.clone())?;
    let span = instruction.keyword_span;
    let written = view.source.slice(span);
    if !instruction.keyword.eq_ignore_ascii_case(written) {
        return Err(format!("{by_hand}; envfix does not edit a word that is split over lines"));
    }
    let (keyword, glued) = meant.split_once(' ').unwrap_or((meant, ""));
    let change = Change::SetKeyword { instruction: number, keyword: keyword.to_owned(), glued: glued.to_owned() };
    let edit =
        if glued.is_empty() { Edit::replace(span, keyword) } else { Edit::insert(span.start + keyword.len(), " ") };
    let takes = !glued.starts_with("--") || takes_flag(keyword, glued);
    if !takes || !is_read(view, instruction, std::slice::from_ref(&edit)) {
        return Err(format!("{by_hand}; envfix does not edit it, since what stands behind it is none of a {keyword}"));
    }
    Ok(Outcome::of(edit, change, by_hand))
}

/// Whether an instruction takes a flag, of those that BuildKit knows (`dockerfile/docs/reference.md`).
fn takes_flag(keyword: &str, flag: &str) -> bool {
    let known: &[&str] = match keyword.to_ascii_uppercase().as_str() {
        "FROM" => &["platform"],
        "RUN" => &["mount", "network", "security", "device"],
        "COPY" => &["from", "chown", "chmod", "link", "parents", "exclude"],
        "ADD" => &["chown", "chmod", "link", "checksum", "keep-git-dir", "exclude", "unpack"],
        "HEALTHCHECK" => &["interval", "timeout", "start-period", "start-interval", "retries"],
        _ => &[],
    };
    let name = flag.trim_start_matches("--").split('=').next().unwrap_or_default();
    known.contains(&name) && !flag.contains(['"', '\''])
}

/// Whether an instruction with these edits is one again. Its keyword says how the rest is read: a heredoc may begin in it, a
/// value may be missing.
fn is_read(view: &DockerfileView<'_>, instruction: &Instruction, edits: &[Edit]) -> bool {
    let (span, escape) = (instruction.span, view.model.dockerfile.escape);
    let inside = |edit: &Edit| {
        let (start, end) = (edit.span.start.checked_sub(span.start)?, edit.span.end.checked_sub(span.start)?);
        Some(Edit::replace(Span::new(start, end), edit.replacement.as_str()))
    };
    let Some(edits) = edits.iter().map(inside).collect::<Option<Vec<Edit>>>() else { return false };
    let Ok(text) = edit::apply(view.source.slice(span), &edits) else { return false };
    let directive = if escape == '\\' { String::new() } else { format!("# escape={escape}\n") };
    let source = Source::from_text("Dockerfile", directive + &text);
    dockerfile::parse(&source).is_ok_and(|read| read.instructions.len() == 1)
}

/// The no-break spaces of the instruction are blanks.
pub fn plain_blanks(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let number = number(subject)?;
    let by_hand = "write blanks in place of the no-break spaces".to_owned();
    let instruction = view.model.dockerfile.instructions.get(number).ok_or_else(|| by_hand.clone())?;
    let text = view.source.slice(instruction.span);
    if text != instruction.logical.text {
        return Err(format!("{by_hand}; envfix does not edit an instruction over several lines"));
    }
    if text.contains(['"', '\'', '#']) {
        return Err(format!("{by_hand}; envfix does not edit it, since some may be meant"));
    }
    let start = instruction.span.start;
    let edits: Vec<Edit> = text
        .match_indices('\u{a0}')
        .map(|(at, found)| Edit::replace(Span::new(start + at, start + at + found.len()), " "))
        .collect();
    if !is_read(view, instruction, &edits) {
        return Err(format!("{by_hand}; envfix does not edit it, since the instruction is not whole then"));
    }
    Ok(Outcome { edits, changes: vec![Change::PlainBlanks { instruction: number }], action: by_hand, safety: None })
}
