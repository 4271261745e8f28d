//! Which instruction of a Dockerfile a step of a log is, also when the Dockerfile has changed a little since.
//!
//! Every second Dockerfile updates apt's lists and installs a requirements file, so one instruction that looks alike says
//! little: either the rest of what the log prints stands in the Dockerfile too, or what they share is their own.

use crate::build_log::Step;
use crate::dockerfile::{Dockerfile, Instruction};
use crate::member::Member;
use crate::model::Model;

/// An instruction that a step may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closeness {
    /// Its number.
    pub instruction: usize,
    /// Whether the log prints it as it stands.
    pub exact: bool,
    /// How alike they are, from 0 to 1, and a little more where their numbers agree too.
    pub score: f64,
    /// Whether it stands where the log says, in a Dockerfile of as many instructions.
    placed: bool,
}

/// How alike the words of an instruction and a step must be, from 0 to 1, to be the same one before and after an edit.
const ALIKE: f64 = 0.5;

/// Of an instruction's words, more than these are not compared.
const MOST_WORDS: usize = 2_000;

/// How many words of their own an instruction and a step must share where nothing else speaks for them.
const OWN_WORDS: usize = 3;

/// What speaks for an instruction that stands where the log says.
const PLACED: f64 = 0.2;

/// The share of the other instructions of a log that must stand in a Dockerfile for it to be the one that was built.
const SHARE: f64 = 0.5;

/// How much more alike than the next one it must be.
const MARGIN: f64 = 0.05;

/// The instruction of a Dockerfile that a step of a log is. `None` where none is like it, two are alike, or the rest of
/// the log is about another Dockerfile.
#[must_use]
pub fn tie(step: &Step, log: &[Step], member: &Member) -> Option<Closeness> {
    let Model::Dockerfile(model) = &member.model else { return None };
    let printed: Vec<&str> = words(step.instruction.as_deref()?).collect();
    let dockerfile = &model.dockerfile;
    let texts: Vec<String> = dockerfile.instructions.iter().map(|instruction| whole(instruction, member)).collect();
    let all: Vec<Vec<&str>> = texts.iter().map(|text| words(text).collect()).collect();
    let counted = counted(dockerfile);
    let mut found: Vec<Closeness> = Vec::new();
    for (number, own) in all.iter().enumerate().filter(|(_, own)| same_keyword(own, &printed)) {
        let exact = same(&printed, own, step.cut);
        let score = if exact { 1.0 } else { likeness(own, &printed, step.cut) };
        if score < ALIKE {
            continue;
        }
        let line = || member.source.line(dockerfile.instructions[number].span.start);
        let bonus = bonus(step, number, line, &counted);
        found.push(Closeness { instruction: number, exact, score: score + bonus, placed: bonus >= PLACED });
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (best, rest) = found.split_first()?;
    let apart = rest.first().is_none_or(|next| best.score - next.score >= MARGIN);
    // The same instruction twice fails where it stands first: the second would not have been reached.
    let first_of_equals = best.exact && rest.iter().all(|next| !next.exact || next.instruction > best.instruction);
    if !apart && !first_of_equals {
        return None;
    }
    is_its_own(best, &printed, &all[best.instruction], &Belonging::of(step, log, &all)).then_some(*best)
}

/// The instruction that one of this text is now, from a number on: itself, or else what is most alike.
pub fn nearest(text: &str, from: usize, member: &Member) -> Option<usize> {
    let Model::Dockerfile(model) = &member.model else { return None };
    let before: Vec<&str> = words(text).collect();
    let mut best: Option<(usize, f64)> = None;
    for (number, instruction) in model.dockerfile.instructions.iter().enumerate().skip(from) {
        if instruction.logical.text == text {
            return Some(number);
        }
        let own: Vec<&str> = words(&instruction.logical.text).collect();
        let score = if same_keyword(&own, &before) { alike(&before, &own, false) } else { 0.0 };
        if score >= ALIKE && best.is_none_or(|(_, most)| score > most) {
            best = Some((number, score));
        }
    }
    best.map(|(number, _)| number)
}

/// Whether an instruction that looks like a step is the step, and not one that stands in every second Dockerfile.
fn is_its_own(found: &Closeness, printed: &[&str], own: &[&str], belonging: &Belonging) -> bool {
    let special = |words: &[&str]| words.iter().filter(|word| !is_common(word)).count();
    let (printed, own) = (&printed[..printed.len().min(MOST_WORDS)], &own[..own.len().min(MOST_WORDS)]);
    let shared: usize = equal_parts(printed, own).map(|part| special(&printed[part])).sum();
    let most = special(printed).max(special(own));
    match belonging {
        Belonging::Yes => found.exact || 2 * shared + 1 >= most,
        Belonging::Unknown if found.placed => found.exact || 2 * shared + 1 >= most,
        Belonging::Unknown => found.exact || (shared >= OWN_WORDS && 2 * shared >= most),
        Belonging::No => shared >= OWN_WORDS && 3 * shared >= 2 * most,
    }
}

/// Whether a log's other instructions stand in a Dockerfile.
enum Belonging {
    Yes,
    No,
    /// The log prints no others.
    Unknown,
}

impl Belonging {
    fn of(failed: &Step, log: &[Step], all: &[Vec<&str>]) -> Self {
        /// More steps than this are not looked at, nor more instructions.
        const MOST_STEPS: usize = 300;
        const MOST_INSTRUCTIONS: usize = 2_000;
        /// Of their words, more than these are not: this says whether two files are one, not which line is which.
        const MOST_COMPARED: usize = 50;
        let (mut printed, mut found) = (0.0, 0.0);
        // What BuildKit does of its own accord stands in no Dockerfile.
        let told =
            |step: &&Step| step.line != failed.line && !step.azureml && step.stage.as_deref() != Some("internal");
        for step in log.iter().filter(told).take(MOST_STEPS) {
            let Some(text) = step.instruction.as_deref() else { continue };
            let other: Vec<&str> = words(text).collect();
            printed += 1.0;
            let of_its_kind = || all.iter().take(MOST_INSTRUCTIONS).filter(|own| same_keyword(own, &other));
            found += if of_its_kind().any(|own| same(&other, own, step.cut)) {
                1.0
            } else {
                let first = |words: &[&str]| words.len().min(MOST_COMPARED);
                let close = of_its_kind()
                    .map(|own| likeness(&own[..first(own)], &other[..first(&other)], step.cut))
                    .filter(|close| *close >= ALIKE);
                close.fold(0.0, f64::max)
            };
        }
        match found / printed {
            _ if printed == 0.0 => Self::Unknown,
            share if share >= SHARE => Self::Yes,
            _ => Self::No,
        }
    }
}

fn same_keyword(own: &[&str], printed: &[&str]) -> bool {
    own.first().zip(printed.first()).is_some_and(|(own, printed)| own.eq_ignore_ascii_case(printed))
}

/// How alike an instruction and one that the log prints are where they are not the same, from 0 to 1.
fn likeness(own: &[&str], printed: &[&str], cut: bool) -> f64 {
    if printed.first().is_some_and(|keyword| keyword.eq_ignore_ascii_case("FROM")) {
        let (own, printed) = (image(own), image(printed));
        let name = |image: Option<&str>| image.and_then(|image| image.split([':', '@']).next()).map(str::to_owned);
        return match (own, printed) {
            (Some(own), Some(printed)) if printed == own || printed.split('@').next() == Some(own) => 1.0,
            // Another release of the same image.
            _ if name(own) == name(printed) => 0.5,
            _ => 0.0,
        };
    }
    alike(printed, own, cut)
}

/// The image of a `FROM`, as Dockerfiles name it: for `debian:12` BuildKit prints `docker.io/library/debian:12`, and its digest
/// where it knows that.
fn image<'a>(words: &[&'a str]) -> Option<&'a str> {
    let image = *words.iter().skip(1).find(|word| !word.starts_with("--"))?;
    let Some(short) = image.strip_prefix("docker.io/") else { return Some(image) };
    Some(short.strip_prefix("library/").unwrap_or(short))
}

/// Words that say nothing about which Dockerfile they stand in.
fn is_common(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "RUN",
        "COPY",
        "ADD",
        "&&",
        "||",
        ";",
        "|",
        "apt",
        "apt-get",
        "update",
        "upgrade",
        "dist-upgrade",
        "install",
        "clean",
        "autoremove",
        "rm",
        "-rf",
        "-r",
        "-f",
        "/var/lib/apt/lists/*",
        "/var/lib/apt/lists/*;",
        "/tmp/*",
        "/var/tmp/*",
        "pip",
        "pip2",
        "pip3",
        "python",
        "python2",
        "python3",
        "conda",
        "env",
        "create",
        "apk",
        "add",
        "yum",
        "dnf",
        "npm",
        "sudo",
        "set",
        "-m",
        "-y",
        "-q",
        "-qq",
        "-U",
        "-e",
        "-ex",
        "-a",
        "-n",
        "--yes",
        "--all",
        "--upgrade",
        "--no-cache",
        "--no-cache-dir",
        "--no-install-recommends",
        "--update",
        "requirements.txt",
        "environment.yml",
        ".",
        "./",
        "true",
        "cd",
        "export",
        "DEBIAN_FRONTEND=noninteractive",
        "curl",
        "wget",
        "git",
        "ca-certificates",
        "build-essential",
        "python-pip",
        "python3-pip",
        "python-dev",
        "python3-dev",
        "gcc",
        "make",
    ];
    COMMON.contains(&word.trim_end_matches(';'))
}

/// The instruction as it is run: with what its heredocs hold.
fn whole(instruction: &Instruction, member: &Member) -> String {
    let flags = instruction.flags.iter().map(|flag| flag.text.as_str());
    let words: Vec<&str> =
        std::iter::once(instruction.keyword.as_str()).chain(flags).chain([instruction.arguments_text()]).collect();
    let mut text = words.join(" ");
    for heredoc in &instruction.heredocs {
        text.push('\n');
        text.push_str(member.source.slice(heredoc.body));
        text.push_str(member.source.slice(heredoc.terminator));
    }
    text
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| *word != "\\")
}

fn same(printed: &[&str], own: &[&str], cut: bool) -> bool {
    // The keyword, which comes first, may be written in lower case.
    let alike = own.iter().zip(printed).skip(1).all(|(own, printed)| own == printed);
    alike && (own.len() == printed.len() || (cut && own.len() > printed.len()))
}

/// How much of both stands in both, in order: twice the longest common part over all of it. Words that stand in every
/// second Dockerfile count less.
fn alike(printed: &[&str], own: &[&str], cut: bool) -> f64 {
    let printed = &printed[..printed.len().min(MOST_WORDS)];
    // What the builder cut off is not held against an instruction.
    let most = if cut { printed.len().saturating_add(2) } else { MOST_WORDS };
    let own = &own[..own.len().min(most)];
    let weight = |words: &[&str]| words.iter().map(|word| if is_common(word) { 0.25 } else { 1.0 }).sum::<f64>();
    let matched: f64 = equal_parts(printed, own).map(|part| weight(&printed[part])).sum();
    let all = weight(printed) + weight(own);
    if all == 0.0 { 0.0 } else { 2.0 * matched / all }
}

/// The parts of `printed` that stand in `own` as well, in order. Another version of a package is the same word.
fn equal_parts(printed: &[&str], own: &[&str]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (printed, own): (Vec<&str>, Vec<&str>) =
        (printed.iter().map(|word| name(word)).collect(), own.iter().map(|word| name(word)).collect());
    let operations = similar::capture_diff_slices(similar::Algorithm::Myers, &printed, &own);
    operations.into_iter().filter_map(|operation| match operation {
        similar::DiffOp::Equal { old_index, len, .. } => Some(old_index..old_index + len),
        _ => None,
    })
}

/// A word without the version that it asks for, and without what BuildKit prints around a heredoc's first line:
/// `<<EOF (pip install x...)`.
fn name(word: &str) -> &str {
    let word = word.strip_prefix('(').unwrap_or(word);
    let word = word.strip_suffix("...)").unwrap_or(word);
    match word.find(['=', '<', '>', '~', '!']) {
        Some(end) if end > 0 && !word.starts_with('-') => &word[..end],
        _ => word,
    }
}

/// What speaks for an instruction besides its text: the line that BuildKit names, the number of the step.
fn bonus(step: &Step, number: usize, line: impl Fn() -> usize, counted: &[usize]) -> f64 {
    if let Some((first, last)) = step.dockerfile_lines {
        return if (first as usize..=last as usize).contains(&line()) { PLACED } else { 0.0 };
    }
    let Some((at, of)) = step.number else { return 0.0 };
    let (before, all) = (counted[number], counted.last().copied().unwrap_or(0));
    let (at, of) = (at as usize, of.map(|of| of as usize));
    let numbers = before == at || number + 1 == at;
    if numbers && of.is_none_or(|of| of == all || of == counted.len()) {
        PLACED
    } else if numbers {
        0.1
    } else {
        0.0
    }
}

/// The number that Docker's first builder gives each instruction: it counts all but the `ARG`s before the first `FROM`.
fn counted(dockerfile: &Dockerfile) -> Vec<usize> {
    let from = dockerfile.instructions.iter().position(|it| it.keyword == "FROM").unwrap_or(0);
    let counts =
        dockerfile.instructions.iter().enumerate().map(|(at, it)| usize::from(it.keyword != "ARG" || at > from));
    counts
        .scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
        .collect()
}
