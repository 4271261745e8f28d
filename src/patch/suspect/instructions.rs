//! Where a suspicion about an instruction, or about a Dockerfile as a whole, holds.

use super::super::file::{DockerfileCondition, ImageSpelling, InstructionCondition, KeywordFault, WrongEncoding};
use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use super::commands::filled;
use super::conda_commands::brought_by;
use super::definition::is_named;
use crate::dockerfile::{Base, Instruction, KEYWORDS, Stage};
use crate::facts::reference::ImageReference;
use crate::facts::version::compare;
use crate::finding::Evidence;
use crate::source::{Encoding, Span};

/// The instructions that a condition holds of.
pub fn instructions(view: &DockerfileView<'_>, condition: &InstructionCondition) -> Vec<Subject> {
    let dockerfile = &view.model.dockerfile;
    let all = || dockerfile.instructions.iter().enumerate();
    if condition.comment_behind {
        return all().filter_map(|(number, instruction)| comment_behind(view, number, instruction)).collect();
    }
    if condition.copies_missing {
        return all().filter_map(|(number, instruction)| copies_missing(view, number, instruction)).collect();
    }
    if let Some(wanted) = condition.keyword {
        return unknown_keywords(view, wanted);
    }
    dockerfile.stages.iter().filter_map(|stage| base(view, stage, condition)).collect()
}

/// The Dockerfile, where a condition holds of it.
pub fn dockerfile(view: &DockerfileView<'_>, condition: &DockerfileCondition) -> Vec<Subject> {
    let size = view.source.text().len();
    let mut subject = Subject::new(Target::Dockerfile, Span::at(0), None);
    let larger = |most| subject.number(most, view.values).is_some_and(|most| size as f64 > most);
    let encoded = |wanted: WrongEncoding| match wanted {
        WrongEncoding::Utf16 => view.source.encoding() != Encoding::Utf8,
    };
    if condition.larger_than.as_ref().is_some_and(|most| !larger(most))
        || condition.encoding.is_some_and(|wanted| !encoded(wanted))
    {
        return Vec::new();
    }
    subject.texts.insert("written", size.to_string());
    vec![subject]
}

fn subject(number: usize, place: Span, note: &str) -> Subject {
    let mut subject = Subject::new(Target::Instruction { instruction: number }, place, None);
    subject.evidence.push(Evidence { span: place, note: note.to_owned() });
    subject
}

/// The word that begins the comment behind the arguments of a `COPY` or `ADD`, by its number.
pub fn comment_word(instruction: &Instruction) -> Option<usize> {
    let copies = matches!(instruction.keyword.as_str(), "COPY" | "ADD");
    if !copies || instruction.exec.is_some() || !instruction.heredocs.is_empty() {
        return None;
    }
    let text = instruction.logical.text.as_str();
    let words: Vec<&str> = instruction.words().map(|range| &text[range]).collect();
    let at = words.iter().position(|word| word.starts_with('#'))?;
    let plain = |word: &&str| !word.contains(['"', '\'']) && !matches!(*word, "\\" | "`");
    if at < 2 || !words[..at].iter().all(plain) {
        return None;
    }
    // `COPY a #b folder/` may copy a file whose name begins so; a `#` alone is no name.
    let bare = words[at].bytes().all(|byte| byte == b'#');
    let into_folder = words.last().is_some_and(|last| last.ends_with('/')) && words.len() > at + 1;
    (bare || !into_folder).then_some(at)
}

fn comment_behind(view: &DockerfileView<'_>, number: usize, instruction: &Instruction) -> Option<Subject> {
    let at = comment_word(instruction)?;
    let word = instruction.words().nth(at)?;
    let place = instruction.logical.span(word.start..instruction.arguments.end);
    let mut subject = subject(number, place, "these words are sources and the target, not a comment");
    subject.texts.insert("written", view.source.slice(place).to_owned());
    Some(subject)
}

/// A `COPY` or `ADD` whose sources are not in the build context.
fn copies_missing(view: &DockerfileView<'_>, number: usize, instruction: &Instruction) -> Option<Subject> {
    let copies = matches!(instruction.keyword.as_str(), "COPY" | "ADD");
    let elsewhere = instruction.flags.iter().any(|flag| flag.text.starts_with("--from"));
    if !copies || elsewhere || !instruction.heredocs.is_empty() || comment_word(instruction).is_some() {
        return None;
    }
    let text = instruction.logical.text.as_str();
    let words: Vec<String> = match &instruction.exec {
        Some(items) => items.iter().map(|item| item.value.clone()).collect(),
        None => instruction.words().map(|range| text[range].to_owned()).collect(),
    };
    let (_, sources) = words.split_last()?;
    let plain = |source: &&String| {
        let odd = ['$', '*', '?', '[', '\\', '"', '\'', '{'];
        !source.contains(odd) && !source.contains("..") && !source.contains("://") && !source.starts_with("git@")
    };
    let missing: Vec<&str> = sources
        .iter()
        .filter(plain)
        .filter(|source| {
            let path = source.trim_start_matches("./").trim_matches('/');
            !matches!(path, "" | ".") && view.context.lacks(path)
        })
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut subject = subject(number, instruction.span, "the folder of the Dockerfile is taken for the build context");
    subject.texts.insert("written", missing.join(" and "));
    Some(subject)
}

/// The image of a `FROM`, where the condition holds of it.
fn base(view: &DockerfileView<'_>, stage: &Stage, condition: &InstructionCondition) -> Option<Subject> {
    let from = view.model.dockerfile.instructions.get(stage.from)?;
    let written = from.logical.text.get(stage.base_range.clone()).filter(|written| !written.is_empty())?;
    let place = from.logical.span(stage.base_range.clone());
    let about = |note: &str| {
        let mut subject = subject(stage.from, place, note);
        subject.texts.insert("written", written.to_owned());
        subject
    };
    let Base::Image { reference, defaults, .. } = &stage.base else { return None };
    if let Some(wanted) = condition.image_misspelt {
        let meant = meant(written)?;
        let refused = ImageReference::parse(reference).is_err();
        if refused != (wanted == ImageSpelling::Refused) {
            return None;
        }
        let mut subject = about("a name has single slashes between its parts, and no scheme");
        subject.texts.insert("meant", meant);
        return Some(subject);
    }
    let image = ImageReference::parse(reference).ok()?;
    if condition.image_without_tag {
        let tagged = image.tag.is_some() || image.digest.is_some() || *defaults;
        return (!tagged).then(|| about("neither a tag nor a digest"));
    }
    if let Some(least) = &condition.image_conda_below {
        let least = filled(least, view);
        let name = image.name.strip_prefix("continuumio/").filter(|_| image.registry.is_none_or(is_hub))?;
        let is_miniconda = name.starts_with("miniconda");
        let tag = image.tag.filter(|tag| tag.starts_with(|c: char| c.is_ascii_digit()) && !tag.contains(['-', '_']))?;
        let version = brought_by(tag, is_miniconda, &least);
        let old = compare(&version, &least) == std::cmp::Ordering::Less;
        return (old && !*defaults).then(|| {
            let mut subject = about("the tag of the image");
            subject.texts.insert("meant", version);
            subject
        });
    }
    is_named(&condition.image_named, &image).then(|| {
        let mut subject = about("it is on the document's list");
        subject.texts.insert("image", reference.clone());
        subject
    })
}

fn is_hub(registry: &str) -> bool {
    matches!(registry, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

/// The name that an image's name with wrong slashes or a scheme is meant to be, where it then is one.
fn meant(written: &str) -> Option<String> {
    if written.contains(['$', '"', '\'', '{']) {
        return None;
    }
    let schemes = ["https://", "http://", "docker://"];
    let rest = schemes.iter().find_map(|scheme| written.strip_prefix(scheme)).unwrap_or(written);
    let mut name = String::with_capacity(rest.len());
    for letter in rest.chars() {
        let slash = matches!(letter, '/' | '\\');
        if !slash || !name.ends_with('/') {
            name.push(if slash { '/' } else { letter });
        }
    }
    let valid = ImageReference::parse(&name).is_ok();
    (valid && name != written).then_some(name)
}

/// The words that Docker takes for instructions and does not know: each that is nearly one, and the first of the others.
fn unknown_keywords(view: &DockerfileView<'_>, wanted: KeywordFault) -> Vec<Subject> {
    let dockerfile = &view.model.dockerfile;
    let mut syntax = dockerfile.directives.iter().filter(|directive| directive.name == "syntax");
    // Another frontend has instructions of its own.
    if syntax.any(|directive| !directive.value.contains("docker/dockerfile")) {
        return Vec::new();
    }
    let unknown = || {
        let all = dockerfile.instructions.iter().enumerate();
        all.filter(|(_, instruction)| !KEYWORDS.contains(&instruction.keyword.as_str()))
    };
    if unknown().any(|(_, instruction)| instruction.keyword.starts_with(['{', '<', '%', '@', '$'])) {
        // A template is no Dockerfile yet.
        return Vec::new();
    }
    let mut subjects = Vec::new();
    let mut told = false;
    for (number, instruction) in unknown() {
        let place = instruction.keyword_span;
        let written = view.source.slice(place);
        let first = written.split(NO_BREAK_SPACE).next().unwrap_or_default();
        let above = number.checked_sub(1).and_then(|above| dockerfile.instructions.get(above));
        let (found, near) = if first != written && KEYWORDS.contains(&first.to_ascii_uppercase().as_str()) {
            (KeywordFault::NoBreakSpace, Some(first.to_owned()))
        } else if above.is_some_and(|above| breaks_off(&above.logical.text, dockerfile.escape)) {
            (KeywordFault::BrokenContinuation, None)
        } else {
            let near = spelled(written);
            (if near.is_some() { KeywordFault::NearlyKnown } else { KeywordFault::Unknown }, near)
        };
        // Of lines that go on from each other one is enough.
        let again = near.is_none() && std::mem::replace(&mut told, true);
        if found != wanted || again {
            continue;
        }
        let mut subject = subject(number, place, "no instruction of Docker");
        subject.texts.insert("written", written.to_owned());
        subject.texts.extend(near.map(|near| ("meant", near)));
        subjects.push(subject);
    }
    subjects
}

const NO_BREAK_SPACE: char = '\u{a0}';

/// Whether a line ends in an escape character that a no-break space keeps from continuing it.
fn breaks_off(line: &str, escape: char) -> bool {
    let end = line.trim_end_matches([' ', '\t', NO_BREAK_SPACE]);
    end.ends_with(escape) && line[end.len()..].contains(NO_BREAK_SPACE)
}

/// What a word that is no instruction is meant to be: an instruction, or one with a blank and what is glued to it.
/// `None` where that is not plain.
fn spelled(written: &str) -> Option<String> {
    let upper = written.to_ascii_uppercase();
    let lower = written.bytes().all(|byte| !byte.is_ascii_uppercase());
    // `RUNapt-get`: the case changes where the blank is missing.
    let glued = KEYWORDS.iter().filter(|keyword| {
        let behind = written.strip_prefix(**keyword);
        behind.is_some_and(|behind| behind.starts_with(|c: char| c.is_ascii_lowercase() || "/.[$\"-".contains(c)))
    });
    if let Some(keyword) = glued.max_by_key(|keyword| keyword.len()) {
        return Some(format!("{keyword} {}", &written[keyword.len()..]));
    }
    if upper.len() < 3 || !upper.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let most = if upper.len() < 6 { 1 } else { 2 };
    let mut near = KEYWORDS.iter().filter(|keyword| strsim::osa_distance(keyword, &upper) <= most);
    let (first, second) = (near.next()?, near.next());
    second.is_none().then(|| if lower { first.to_ascii_lowercase() } else { (*first).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_corrected_where_only_one_is_near() {
        for (written, meant) in [
            ("FORM", Some("FROM")),
            ("form", Some("from")),
            ("RUM", Some("RUN")),
            ("COPPY", Some("COPY")),
            ("ENTRYPIONT", Some("ENTRYPOINT")),
            ("WORKDIRR", Some("WORKDIR")),
            ("EXPOS", Some("EXPOSE")),
            ("RUNapt-get", Some("RUN apt-get")),
            ("FROMubuntu", Some("FROM ubuntu")),
            ("COPY./a", Some("COPY ./a")),
            ("CMD[\"a\"]", Some("CMD [\"a\"]")),
            ("ENVIRONMENT", None),
            ("ANV", Some("ENV")),
            ("ADG", None),
            ("apt-get", None),
            ("&&", None),
            ("INCLUDE", None),
            ("#x", None),
            ("pip", None),
            ("R", None),
        ] {
            assert_eq!(spelled(written).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn slashes_and_schemes_are_corrected_where_a_name_results() {
        for (written, expected) in [
            ("registry.io//team/image:1", Some("registry.io/team/image:1")),
            ("registry.io\\team\\image", Some("registry.io/team/image")),
            ("https://registry.io/team/image:1", Some("registry.io/team/image:1")),
            ("docker://ubuntu:22.04", Some("ubuntu:22.04")),
            ("registry.io/team/image:1", None),
            ("${REGISTRY}//image", None),
            ("registry.io//Team/image", None),
            ("//image/", None),
        ] {
            assert_eq!(meant(written).as_deref(), expected, "{written}");
        }
    }
}
