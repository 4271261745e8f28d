//! The model of a patched Dockerfile against the changes applied to the model before. Everything that no change
//! names must be the same: instructions by their joined text, heredocs by their bodies, comments by their text.

use std::collections::BTreeMap;

use super::Mismatch;
use crate::change::Change;
use crate::dockerfile::{self, run};
use crate::source::Source;

/// What a Dockerfile says, without places.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    directives: Vec<(String, String)>,
    comments: Vec<String>,
    instructions: Vec<InstructionShape>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct InstructionShape {
    keyword: String,
    flags: Vec<String>,
    body: Body,
    heredocs: Vec<(String, Option<String>)>,
}

/// An instruction's arguments, read as closely as a change of them needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    /// The joined line, compared to the letter.
    Line(String),
    /// A shell text's tokens.
    Tokens(Vec<String>),
    /// The pairs of an `ENV`.
    Pairs(Vec<(String, String)>),
    /// The words of an instruction that envfix wrote, which may be laid out over several lines.
    Words(Vec<String>),
}

/// Checks that `after` is `before` with `changes` and nothing else, for a Dockerfile.
///
/// # Errors
/// When it is not, or when either text does not parse.
pub fn check(before: &Source, after: &Source, changes: &[&Change]) -> Result<(), Mismatch> {
    let closely = named_instructions(changes)?;
    let original = Reading::new(before, &closely)?;
    let mut expected = original.shape(before, &closely)?;
    expect(&mut expected, &original, changes)?;

    // In the patched file the instructions that a change names have moved down by those inserted above them.
    let mut inserted: Vec<usize> = changes
        .iter()
        .filter_map(|change| match change {
            Change::InsertInstruction { before, .. } => Some(*before),
            _ => None,
        })
        .collect();
    inserted.sort_unstable();
    let moved = |index: usize| index + inserted.iter().filter(|before| **before <= index).count();
    let mut closely_after: BTreeMap<usize, Closely> =
        closely.iter().map(|(index, read)| (moved(*index), *read)).collect();
    closely_after.extend(inserted.iter().enumerate().map(|(above, before)| (before + above, Closely::Words)));
    drop(original);
    let found = Reading::new(after, &closely_after)?.shape(after, &closely_after)?;
    compare(&expected, &found)
}

/// How closely the arguments of an instruction are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closely {
    Tokens,
    Pairs,
    Words,
}

fn named_instructions(changes: &[&Change]) -> Result<BTreeMap<usize, Closely>, Mismatch> {
    let mut named = BTreeMap::new();
    for change in changes {
        let (index, read) = match change {
            Change::ReplaceWord { word, .. } | Change::InsertWords { after: word, .. } => {
                (word.instruction, Closely::Tokens)
            }
            Change::AppendCommand { instruction, .. } | Change::PrependCommand { instruction, .. } => {
                (*instruction, Closely::Tokens)
            }
            Change::QuoteWord { word, .. } => (word.instruction, Closely::Tokens),
            Change::MoveComment { instruction, .. } | Change::SetBase { instruction, .. } => {
                (*instruction, Closely::Words)
            }
            // The keyword is compared with the joined line, to the letter.
            Change::SetKeyword { .. } | Change::PlainBlanks { .. } => continue,
            Change::SetPair { instruction, .. } => (*instruction, Closely::Pairs),
            // The text is compared as it is, whatever bytes it is made of.
            Change::InsertInstruction { .. } | Change::Encode => continue,
            _ => return Err(Mismatch("a change of another kind of file does not belong to a Dockerfile".to_owned())),
        };
        if named.insert(index, read).is_some_and(|other| other != read) {
            return Err(Mismatch(format!("instruction {} is changed in two ways at once", index + 1)));
        }
    }
    Ok(named)
}

/// A Dockerfile read afresh.
struct Reading {
    dockerfile: dockerfile::Dockerfile,
    runs: Vec<run::Run>,
}

impl Reading {
    fn new(source: &Source, closely: &BTreeMap<usize, Closely>) -> Result<Self, Mismatch> {
        let dockerfile =
            dockerfile::parse(source).map_err(|error| Mismatch(format!("it no longer parses: {error}")))?;
        let wanted = |number: usize| closely.get(&number) == Some(&Closely::Tokens);
        let (runs, _) = run::read_those(source, &dockerfile, wanted);
        Ok(Self { dockerfile, runs })
    }

    fn run(&self, instruction: usize) -> Result<&run::Run, Mismatch> {
        let at = self.runs.binary_search_by_key(&instruction, |run| run.instruction);
        at.map(|at| &self.runs[at])
            .map_err(|_| Mismatch(format!("the shell text of instruction {} cannot be read", instruction + 1)))
    }

    fn shape(&self, source: &Source, closely: &BTreeMap<usize, Closely>) -> Result<Shape, Mismatch> {
        let instructions = self
            .dockerfile
            .instructions
            .iter()
            .enumerate()
            .map(|(index, instruction)| {
                let read = closely.get(&index);
                let body = match read {
                    None => Body::Line(instruction.logical.text.clone()),
                    Some(Closely::Pairs) => Body::Pairs(
                        instruction
                            .pairs(self.dockerfile.escape)
                            .into_iter()
                            .map(|pair| (pair.name, pair.value.unwrap_or_default()))
                            .collect(),
                    ),
                    Some(Closely::Words) => Body::Words(words(instruction.arguments_text())),
                    Some(Closely::Tokens) => {
                        Body::Tokens(self.run(index)?.script.tokens.iter().map(|token| token.text.clone()).collect())
                    }
                };
                // A body that is read as the script is not compared as a text as well.
                let is_script = read == Some(&Closely::Tokens) && self.run(index)?.form == run::Form::Heredoc;
                Ok(InstructionShape {
                    keyword: instruction.keyword.clone(),
                    flags: instruction.flags.iter().map(|flag| flag.text.clone()).collect(),
                    body,
                    heredocs: instruction
                        .heredocs
                        .iter()
                        .map(|heredoc| {
                            (heredoc.name.clone(), (!is_script).then(|| source.slice(heredoc.body).to_owned()))
                        })
                        .collect(),
                })
            })
            .collect::<Result<_, Mismatch>>()?;
        Ok(Shape {
            directives: self.dockerfile.directives.iter().map(|d| (d.name.clone(), d.value.clone())).collect(),
            comments: self.dockerfile.comments.iter().map(|span| source.slice(*span).trim_end().to_owned()).collect(),
            instructions,
        })
    }
}

/// Applies the changes to the shape. Those inside instructions go first and from the back, so that every number still
/// means what it meant in the file before; new instructions come last, from the back too.
fn expect(shape: &mut Shape, original: &Reading, changes: &[&Change]) -> Result<(), Mismatch> {
    let mut splices: BTreeMap<usize, Vec<(usize, usize, Vec<String>)>> = BTreeMap::new();
    let mut inserted: Vec<(usize, &String, &String)> = Vec::new();
    let mut comments: Vec<(usize, String)> = Vec::new();
    for change in changes {
        match change {
            Change::ReplaceWord { word, to } => {
                let at = token_of_word(original, word.instruction, word.command, word.word)?;
                splices.entry(word.instruction).or_default().push((at, 1, vec![to.clone()]));
            }
            Change::InsertWords { after, words } => {
                let at = token_of_word(original, after.instruction, after.command, after.word)? + 1;
                splices.entry(after.instruction).or_default().push((at, 0, words.clone()));
            }
            Change::QuoteWord { word, redirections, to } => {
                let at = token_of_word(original, word.instruction, word.command, word.word)?;
                let removed = 1 + 2 * redirections;
                let tokens = &original.run(word.instruction)?.script.tokens;
                let joined: Option<String> =
                    tokens.get(at..at + removed).map(|tokens| tokens.iter().map(|token| token.text.as_str()).collect());
                if joined.is_none_or(|joined| *to != format!("\"{joined}\"") && *to != format!("'{joined}'")) {
                    return Err(Mismatch(format!("{to} is not what stands there in quotes")));
                }
                splices.entry(word.instruction).or_default().push((at, removed, vec![to.clone()]));
            }
            Change::AppendCommand { instruction, command, operator, words } => {
                let at = token_behind_command(original, *instruction, *command)?;
                let tokens = std::iter::once(operator.clone()).chain(words.iter().cloned()).collect();
                splices.entry(*instruction).or_default().push((at, 0, tokens));
            }
            Change::PrependCommand { instruction, command, words, operator } => {
                let at = first_token_of_command(original, *instruction, *command)?;
                let tokens = words.iter().cloned().chain([operator.clone()]).collect();
                splices.entry(*instruction).or_default().push((at, 0, tokens));
            }
            Change::SetPair { instruction, name, value } => {
                let Some(Body::Pairs(pairs)) = shape.instructions.get_mut(*instruction).map(|i| &mut i.body) else {
                    return Err(Mismatch(format!("instruction {} has no pairs", instruction + 1)));
                };
                let pair = pairs.iter_mut().rev().find(|pair| pair.0 == *name);
                pair.ok_or_else(|| Mismatch(format!("{name} is not set there")))?.1 = value.clone();
            }
            Change::MoveComment { instruction, words, comment } => {
                let Some(Body::Words(arguments)) = shape.instructions.get_mut(*instruction).map(|i| &mut i.body) else {
                    return Err(Mismatch(format!("instruction {} has no words", instruction + 1)));
                };
                let moved = arguments.split_off((*words).min(arguments.len()));
                if moved != self::words(comment) || !comment.starts_with('#') {
                    return Err(Mismatch("the comment is not what stands behind the arguments".to_owned()));
                }
                comments.push((*instruction, comment.clone()));
            }
            Change::SetBase { instruction, to } => {
                match shape.instructions.get_mut(*instruction).filter(|it| it.keyword == "FROM").map(|it| &mut it.body)
                {
                    Some(Body::Words(arguments)) if !arguments.is_empty() => arguments[0].clone_from(to),
                    _ => return Err(Mismatch(format!("instruction {} names no image", instruction + 1))),
                }
            }
            Change::PlainBlanks { instruction } => {
                let Some(InstructionShape { keyword, body: Body::Line(line), .. }) =
                    shape.instructions.get_mut(*instruction)
                else {
                    return Err(Mismatch(format!("instruction {} is changed in two ways at once", instruction + 1)));
                };
                *line = line.replace('\u{a0}', " ");
                *keyword = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            }
            Change::SetKeyword { instruction, keyword, glued } => {
                let Some(InstructionShape { keyword: old, flags, body: Body::Line(line), .. }) =
                    shape.instructions.get_mut(*instruction)
                else {
                    return Err(Mismatch(format!("instruction {} is changed in two ways at once", instruction + 1)));
                };
                let rest = line.get(old.len()..).unwrap_or_default();
                let fits = glued.is_empty() || *old == format!("{keyword}{glued}").to_ascii_uppercase();
                if !fits {
                    return Err(Mismatch(format!("{glued} does not stand behind {keyword}")));
                }
                // Flags stand directly behind the keyword: what was glued is one, or ends them.
                if glued.starts_with("--") {
                    flags.insert(0, glued.clone());
                } else if !glued.is_empty() {
                    flags.clear();
                }
                let blank = if glued.is_empty() { "" } else { " " };
                *line = format!("{keyword}{blank}{glued}{rest}");
                *old = keyword.to_ascii_uppercase();
            }
            Change::InsertInstruction { before, keyword, arguments } => inserted.push((*before, keyword, arguments)),
            _ => {}
        }
    }
    for (instruction, mut list) in splices {
        let Some(Body::Tokens(tokens)) = shape.instructions.get_mut(instruction).map(|i| &mut i.body) else {
            return Err(Mismatch(format!("instruction {} has no shell text", instruction + 1)));
        };
        // Stable, so that of two insertions at one place the one named first ends up in front.
        list.sort_by_key(|splice| splice.0);
        for (at, removed, words) in list.into_iter().rev() {
            tokens.splice(at..at + removed, words);
        }
    }
    if !comments.is_empty() {
        comments.sort_by_key(|comment| comment.0);
        let start_of =
            |instruction: usize| original.dockerfile.instructions.get(instruction).map_or(0, |it| it.span.start);
        let mut moved = comments.into_iter().map(|(instruction, comment)| (start_of(instruction), comment)).peekable();
        let mut all = Vec::new();
        for (span, comment) in original.dockerfile.comments.iter().zip(std::mem::take(&mut shape.comments)) {
            while let Some((_, moved)) = moved.next_if(|(start, _)| *start <= span.start) {
                all.push(moved);
            }
            all.push(comment);
        }
        all.extend(moved.map(|(_, comment)| comment));
        shape.comments = all;
    }
    inserted.sort_by_key(|insert| insert.0);
    for (before, keyword, arguments) in inserted.into_iter().rev() {
        if before > shape.instructions.len() {
            return Err(Mismatch(format!("there is no instruction {}", before + 1)));
        }
        let body = Body::Words(words(arguments));
        let new = InstructionShape { keyword: keyword.clone(), flags: Vec::new(), body, heredocs: Vec::new() };
        shape.instructions.insert(before, new);
    }
    Ok(())
}

fn token_of_word(original: &Reading, instruction: usize, command: usize, word: usize) -> Result<usize, Mismatch> {
    let script = &original.run(instruction)?.script;
    let range = script.commands.get(command).and_then(|command| command.words.get(word)).map(|word| &word.range);
    range
        .and_then(|range| script.tokens.binary_search_by_key(&range.start, |token| token.range.start).ok())
        .filter(|at| Some(&script.tokens[*at].range) == range)
        .ok_or_else(|| Mismatch(format!("word {} of command {} is no token of its own", word + 1, command + 1)))
}

/// The number of the first token behind a command, its redirections included.
fn token_behind_command(original: &Reading, instruction: usize, command: usize) -> Result<usize, Mismatch> {
    let script = &original.run(instruction)?.script;
    let end = script
        .commands
        .get(command)
        .filter(|command| command.nesting.iter().all(|nesting| *nesting == crate::shell::Nesting::Group))
        .map(|command| command.range.end)
        .ok_or_else(|| Mismatch(format!("command {} is not one to add another behind", command + 1)))?;
    Ok(script.tokens.partition_point(|token| token.range.start < end))
}

/// The number of the first token of a command.
fn first_token_of_command(original: &Reading, instruction: usize, command: usize) -> Result<usize, Mismatch> {
    let script = &original.run(instruction)?.script;
    let start = script
        .commands
        .get(command)
        .filter(|command| command.nesting.iter().all(|nesting| *nesting == crate::shell::Nesting::Group))
        .map(|command| command.range.start)
        .ok_or_else(|| Mismatch(format!("command {} is not one to add another before", command + 1)))?;
    Ok(script.tokens.partition_point(|token| token.range.start < start))
}

fn compare(expected: &Shape, found: &Shape) -> Result<(), Mismatch> {
    if expected.directives != found.directives {
        return Err(Mismatch("the parser directives would change".to_owned()));
    }
    if expected.comments != found.comments {
        return Err(Mismatch("a comment would change".to_owned()));
    }
    if expected.instructions.len() != found.instructions.len() {
        return Err(Mismatch(format!(
            "there would be {} instructions in place of {}",
            found.instructions.len(),
            expected.instructions.len()
        )));
    }
    for (index, (expected, found)) in expected.instructions.iter().zip(&found.instructions).enumerate() {
        if expected != found {
            return Err(Mismatch(format!("instruction {} ({}) would not be as meant", index + 1, expected.keyword)));
        }
    }
    Ok(())
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
