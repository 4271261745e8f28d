//! `envfix completions` and `envfix man`: what a shell and `man` want to know, from the same definitions as the
//! arguments themselves.

use clap::CommandFactory;

use super::args::{Arguments, Completions};
use super::{DONE, FAILED, complain, print};

/// Prints a shell's completions.
pub fn completions(arguments: &Completions) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "envfix", &mut script);
    finish(&script)
}

/// Prints one manual page, with a section for each command.
pub fn manual() -> u8 {
    let mut page = Vec::new();
    match render(&mut page) {
        Ok(()) => finish(&page),
        Err(error) => {
            complain(&format!("envfix: {error}"));
            FAILED
        }
    }
}

fn render(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = Arguments::command();
    command.build();
    let commands: Vec<clap::Command> = command.get_subcommands().filter(|it| !it.is_hide_set()).cloned().collect();
    let manual = clap_mangen::Man::new(command).section("1");
    manual.render_title(page)?;
    manual.render_name_section(page)?;
    manual.render_synopsis_section(page)?;
    manual.render_description_section(page)?;
    manual.render_options_section(page)?;
    for command in commands.into_iter().filter(|command| command.get_name() != "help") {
        page.extend_from_slice(format!(".SH {}\n", command.get_name().to_uppercase().replace('-', "\\-")).as_bytes());
        let manual = clap_mangen::Man::new(command);
        // Its own headings become those below the command's.
        let mut section = Vec::new();
        manual.render_synopsis_section(&mut section)?;
        manual.render_description_section(&mut section)?;
        manual.render_options_section(&mut section)?;
        page.extend_from_slice(String::from_utf8_lossy(&section).replace("\n.SH ", "\n.SS ").as_bytes());
    }
    manual.render_extra_section(page)?;
    manual.render_version_section(page)
}

fn finish(text: &[u8]) -> u8 {
    if print(&String::from_utf8_lossy(text)) { DONE } else { FAILED }
}
