//! What an `apt-get install` installs, and what is done right after it.

use super::Outcome;
use super::layout;
use crate::change::{Change, WordId};
use crate::dockerfile::run::{Form, Run};
use crate::edit::Edit;
use crate::patch::file::Link;
use crate::patch::subject::{Subject, Target};
use crate::patch::view::DockerfileView;
use crate::shell::tool::{self, Tool, WrapperKind};
use crate::shell::{Command, Nesting, Operator};

/// The command that installs an apt Python.
struct Found<'a> {
    run: &'a Run,
    command: &'a Command,
    id: WordId,
}

fn find<'a>(subject: &Subject, view: &'a DockerfileView<'_>, by_hand: &str) -> Result<Found<'a>, String> {
    let Target::AptPython { instruction, command: number, word } = subject.target else {
        return Err("this remedy is about a command that installs a Python".to_owned());
    };
    let (run, command) = super::command(view, instruction, number, by_hand)?;
    super::unlocked(run.locked.as_ref(), by_hand)?;
    if command.nesting.iter().any(|it| matches!(it, Nesting::Substitution | Nesting::Function)) {
        return Err(format!("{by_hand}; envfix does not edit commands inside a substitution or a function"));
    }
    Ok(Found { run, command, id: WordId { instruction, command: number, word } })
}

/// These commands have run, as root, in a `RUN` of their own before an instruction. The user in force is restored
/// behind it, as it was written.
pub fn run_before(commands: &[String], subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let (Target::NoPython { instruction: before } | Target::Failing { instruction: before, .. }) = subject.target
    else {
        return Err("this remedy is about an instruction that fails".to_owned());
    };
    let action = format!("run `{}` before it", commands.join(" && "));
    // What a log names becomes part of a command.
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_.=+/:".contains(c);
    if !commands.iter().all(|command| command.chars().all(plain)) {
        return Err(format!("{action}; envfix does not write what is no plain word into a command"));
    }
    let wanted = commands.join(" && ");
    let there = |number: usize| {
        let it = view.model.dockerfile.instructions.get(number);
        it.is_some_and(|it| it.keyword == "RUN" && it.arguments_text().split_whitespace().eq(wanted.split_whitespace()))
    };
    // Behind it the user in force may have been restored.
    if (before.saturating_sub(2)..before).any(there) {
        return Ok(Outcome::default());
    }
    let state = view.timeline.before_run(before).ok_or_else(|| action.clone())?;
    let user = match (state.user.value(), &state.user_written) {
        (Some(user), _) if user == "root" => None,
        (Some(_), Some(written)) => Some(written),
        _ => return Err(format!("{action}; envfix does not add a RUN, since the user there is not known")),
    };
    let newline = view.source.newline().as_str();
    let joined = commands.join(&format!(" && {}{newline}    ", view.model.dockerfile.escape));
    let mut lines = vec![("RUN", joined)];
    if let Some(user) = user {
        lines.insert(0, ("USER", "root".to_owned()));
        lines.push(("USER", user.clone()));
    }
    let change =
        |keyword: &str, arguments: String| Change::InsertInstruction { before, keyword: keyword.to_owned(), arguments };
    let changes = lines
        .iter()
        .map(|(keyword, arguments)| match *keyword {
            "RUN" => change("RUN", commands.join(" && ")),
            keyword => change(keyword, arguments.clone()),
        })
        .collect();
    let edits = vec![layout::insert_instructions(view, before, &lines)];
    Ok(Outcome { edits, changes, action, safety: None })
}

/// The words before a command that make another user run it, as they are written: `sudo -E`, `gosu root`.
fn as_that_user(command: &Command, call: &tool::Call) -> Vec<String> {
    let changes_user =
        |kind| matches!(kind, WrapperKind::Sudo | WrapperKind::SudoKeepingEnvironment | WrapperKind::User);
    let wrapped = call.wrappers.iter().any(|wrapper| changes_user(wrapper.kind));
    let before = if wrapped { &command.words[..call.program] } else { &[] };
    before.iter().map(|word| word.raw.clone()).collect()
}

/// apt-get fetches the package lists right before a command that needs them.
pub fn update_before(subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let Target::Command { instruction, command: number, word, locked } = &subject.target else {
        return Err("this remedy is about an apt-get install".to_owned());
    };
    let by_hand = "run `apt-get update` before it".to_owned();
    super::unlocked(locked.as_ref(), &by_hand)?;
    let (run, command) = super::command(view, *instruction, *number, &by_hand)?;
    let missing = || format!("{by_hand}; envfix cannot find the command again");
    let program = command.words.get(*word).ok_or_else(missing)?.raw.clone();
    let before = as_that_user(command, tool::Call::of(command));
    let words: Vec<String> = before.into_iter().chain([program, "update".to_owned()]).collect();
    if words.iter().any(|word| word.contains('\n')) {
        return Err(format!("{by_hand}; envfix does not repeat a word that is split over lines"));
    }
    // Between `;` or lines a failure has to show by itself, as `set -e` would have it.
    let operator = match (command.before, command.after) {
        (Some(Operator::Semicolon), _) | (None, Some(Operator::Semicolon)) => ";",
        (Some(Operator::Newline), _) | (None, Some(Operator::Newline)) => "\n",
        _ => "&&",
    };
    let text = words.join(" ");
    let edits = vec![layout::prepend_command(view, run, *number, operator, &text)];
    let action = format!("run `{text}` before it");
    let operator = operator.to_owned();
    let change = Change::PrependCommand { instruction: *instruction, command: *number, words, operator };
    Ok(Outcome { edits, changes: vec![change], action, safety: None })
}

/// These packages are installed together with the apt Python.
pub fn packages(packages: Vec<String>, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = format!("install {} together with it", packages.join(" and "));
    let Found { run, command, id } = find(subject, view, &by_hand)?;
    let Tool::Apt(apt) = tool::tool(command) else { return Err(by_hand) };
    let mut outcome = Outcome { action: format!("install {} with it", packages.join(" and ")), ..Outcome::default() };
    for package in packages {
        if apt.installs(&package) {
            continue;
        }
        // A sorted list stays sorted.
        let names: Vec<&str> = apt.packages.iter().map(|it| it.name.as_str()).collect();
        let sorted = names.len() > 2 && names.is_sorted();
        let after = apt
            .packages
            .iter()
            .filter(|it| it.word >= id.word && (it.word == id.word || sorted && it.name < package))
            .map(|it| it.word)
            .max()
            .unwrap_or(id.word);
        outcome.edits.push(layout::insert_word(view, run, command, after, &package)?);
        outcome.changes.push(Change::InsertWords { after: WordId { word: after, ..id }, words: vec![package] });
    }
    Ok(outcome)
}

/// A command exists once the apt Python is installed: a link made right behind that.
pub fn command_exists(link: &Link, subject: &Subject, view: &DockerfileView<'_>) -> Result<Outcome, String> {
    let by_hand = format!("link {} to {} once it is installed", link.name, link.link_to);
    let Found { run, command, id } = find(subject, view, &by_hand)?;
    let plain = |operator: Option<Operator>| {
        matches!(operator, None | Some(Operator::And | Operator::Semicolon | Operator::Newline))
    };
    let joined = command.redirects.iter().any(|redirect| redirect.operator.contains("&>"));
    if !command.nesting.is_empty() || !plain(command.before) || !plain(command.after) || command.negated || joined {
        return Err(format!(
            "{by_hand}; envfix does not add a command between ||, a pipe or the parts of a compound command"
        ));
    }
    // Who may install packages may make the link.
    let call = tool::Call::of(command);
    let before = as_that_user(command, call);
    let link_words = ["ln", "-sf", &link.link_to, &format!("/usr/bin/{}", link.name)].map(str::to_owned);
    let words: Vec<String> = before.into_iter().chain(link_words).collect();
    // What follows `;` or a line's end runs whatever happens before it. At the very end of a text it would also hide
    // that the installation failed, so there it must be `&&`; anywhere else `&&` would hide it from `set -e`.
    let tokens = &run.script.tokens;
    let behind = &tokens[tokens.partition_point(|token| token.range.start < command.range.end)..];
    let last = behind.iter().all(|token| token.text == ";" || token.text == "\n");
    let operator = match command.after {
        Some(Operator::Semicolon) if !last => ";",
        Some(Operator::Newline) if !last => "\n",
        _ => "&&",
    };
    let asks_for_status = behind.iter().take_while(|token| token.text != "\n").any(|token| token.text.contains("$?"));
    let replaces_shell = command.words.iter().take(call.program).any(|word| word.text() == "exec");
    if (operator != "&&" && behind.iter().any(|token| token.text.contains("$?"))) || asks_for_status || replaces_shell {
        return Err(format!("{by_hand}; envfix does not add a command there, since its exit status is asked for"));
    }
    let text = words.join(" ");
    let edit: Edit = if run.form == Form::ExecShell {
        let operator = if operator == "&&" { " &&" } else { operator };
        Edit::insert(run.end(&command.range), format!("{operator} {text}"))
    } else {
        layout::append_command(view, run, id.command, operator, &text)
    };
    let action = format!("link {} to {}", link.name, link.link_to);
    let operator = operator.to_owned();
    let change = Change::AppendCommand { instruction: id.instruction, command: id.command, operator, words };
    Ok(Outcome::of(edit, change, action))
}
