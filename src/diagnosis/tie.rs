//! Which instruction of a Dockerfile a step of a log is, also when the Dockerfile has changed a little since.

use crate::build_log::Step;
use crate::dockerfile::{Dockerfile, Instruction};
use crate::model::Model;
use crate::project::Member;

/// An instruction that a step may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closeness {
    /// Its number.
    pub instruction: usize,
    /// Whether the log prints it as it stands.
    pub exact: bool,
    /// How alike they are, from 0 to 1, and a little more where their numbers agree too.
    pub score: f64,
}

/// How alike the words of an instruction and a step must be, from 0 to 1, to be the same one before and after an edit.
const ALIKE: f64 = 0.5;

/// How much more alike than the next one it must be.
const MARGIN: f64 = 0.05;

/// The instruction of a Dockerfile that a step is. `None` where none is like it, or two are alike.
#[must_use]
pub fn tie(step: &Step, member: &Member) -> Option<Closeness> {
    let Model::Dockerfile(model) = &member.model else { return None };
    let printed: Vec<&str> = words(step.instruction.as_deref()?).collect();
    let keyword = printed.first()?.to_ascii_uppercase();
    let mut found: Vec<Closeness> = Vec::new();
    for (number, instruction) in model.dockerfile.instructions.iter().enumerate() {
        if instruction.keyword != keyword {
            continue;
        }
        let text = whole(instruction, member);
        let own: Vec<&str> = words(&text).collect();
        let exact = same(&printed, &own, step.cut);
        let mut score = if exact { 1.0 } else { alike(&printed, &own, step.cut) };
        if score < ALIKE {
            continue;
        }
        score += bonus(step, number, &model.dockerfile, member);
        found.push(Closeness { instruction: number, exact, score });
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (best, rest) = found.split_first()?;
    let apart = rest.first().is_none_or(|next| best.score - next.score >= MARGIN);
    // The same instruction twice fails where it stands first: the second would not have been reached.
    let first_of_equals = best.exact && rest.iter().all(|next| !next.exact || next.instruction > best.instruction);
    (apart || first_of_equals).then_some(*best)
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

/// How many of the words of both stand in both, in order: twice the longest common part over their number.
fn alike(printed: &[&str], own: &[&str], cut: bool) -> f64 {
    const MOST: usize = 2_000;
    let printed = &printed[..printed.len().min(MOST)];
    // What the builder cut off is not held against an instruction.
    let most = if cut { printed.len().saturating_add(2) } else { MOST };
    let own = &own[..own.len().min(most)];
    let matched: usize = similar::capture_diff_slices(similar::Algorithm::Myers, printed, own)
        .iter()
        .map(|op| if let similar::DiffOp::Equal { len, .. } = op { *len } else { 0 })
        .sum();
    let all = printed.len() + own.len();
    if all == 0 { 0.0 } else { 2.0 * matched as f64 / all as f64 }
}

/// What speaks for an instruction besides its text: the line that BuildKit names, the number of the step.
fn bonus(step: &Step, number: usize, dockerfile: &Dockerfile, member: &Member) -> f64 {
    let Some(instruction) = dockerfile.instructions.get(number) else { return 0.0 };
    let line = member.source.line(instruction.span.start);
    if let Some((first, last)) = step.dockerfile_lines {
        return if (first as usize..=last as usize).contains(&line) { 0.2 } else { 0.0 };
    }
    // The legacy builder counts every instruction but the `ARG`s before the first `FROM` and its own.
    let Some((at, of)) = step.number else { return 0.0 };
    let counted = |it: &Instruction| it.keyword != "ARG" || it.span.start > first_from(dockerfile);
    let before = dockerfile.instructions[..=number].iter().filter(|it| counted(it)).count();
    let all = dockerfile.instructions.iter().filter(|it| counted(it)).count();
    let (at, of) = (at as usize, of.map(|of| of as usize));
    let numbers = before == at || number + 1 == at;
    if numbers && of.is_none_or(|of| of == all || of == dockerfile.instructions.len()) {
        0.2
    } else if numbers {
        0.1
    } else {
        0.0
    }
}

fn first_from(dockerfile: &Dockerfile) -> usize {
    dockerfile.instructions.iter().find(|it| it.keyword == "FROM").map_or(0, |it| it.span.start)
}
