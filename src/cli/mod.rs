//! The command line: arguments, one file a command, and what goes to which stream. It holds no logic of its own.

mod args;
mod examples;
mod explain;
mod fix;
mod pages;
#[cfg(feature = "review")]
mod review;

use std::process::ExitCode;

use clap::Parser;

use crate::patch::catalogue::Catalogue;
use args::{Arguments, Command};

/// Everything went as asked, also when nothing was to do.
const DONE: u8 = 0;
/// With `--check`, something would change.
const WOULD_CHANGE: u8 = 1;
/// A usage error, an input that cannot be read, or a write that failed.
const FAILED: u8 = 2;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.write_global();
    let code = match &arguments.command {
        Some(Command::Explain(explain)) => catalogue(&explain.patches).map(|it| explain::run(explain, &it)),
        #[cfg(feature = "review")]
        Some(Command::Review(arguments)) => Ok(review::run(arguments)),
        Some(Command::TestPatches(test)) => catalogue(&test.patches).map(|it| examples::run(&it)),
        Some(Command::Completions(completions)) => Ok(pages::completions(completions)),
        Some(Command::Man) => Ok(pages::manual()),
        None => catalogue(&arguments.fix.patches).map(|it| fix::run(&arguments.fix, &it)),
    };
    ExitCode::from(code.unwrap_or_else(|message| {
        complain(&format!("envfix: {message}"));
        FAILED
    }))
}

/// The built-in patches and those of the folders named.
fn catalogue(folders: &[std::path::PathBuf]) -> Result<Catalogue, String> {
    folders.iter().try_fold(Catalogue::builtin(), |catalogue, folder| {
        catalogue.with_folder(folder).map_err(|error| error.to_string())
    })
}

/// Writes to standard output, and says whether it could. Every byte goes out as it is: the text of a file may hold what
/// looks like a colour, and a diff without it would not apply.
fn print(text: &str) -> bool {
    write(std::io::stdout().lock(), text)
}

/// Writes a text with colours to standard output, without them where they are not wanted, and says whether it could.
fn print_colored(text: &str) -> bool {
    write(anstream::stdout().lock(), text)
}

/// A reader that went away (`| head`) is no failure.
fn write(mut out: impl std::io::Write, text: &str) -> bool {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => true,
        Err(error) => {
            complain(&format!("envfix: standard output: {error}"));
            false
        }
    }
}

/// Writes a line to standard error.
fn complain(line: &str) {
    tell(&format!("{line}\n"));
}

/// Writes to standard error. Where even that cannot be written, there is nobody to tell.
fn tell(text: &str) {
    use std::io::Write;
    let _ = anstream::stderr().write_all(text.as_bytes());
}
