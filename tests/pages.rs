//! `envfix completions` and `envfix man`, read by the shells and the programs that they are for.

mod support;

use support::Sandbox;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

#[test]
fn every_shell_gets_completions_that_know_the_options_and_the_commands() {
    let here = Sandbox::empty();
    for shell in SHELLS {
        let script = here.run(&["completions", shell]).exits(0).out;
        for word in ["dry-run", "skip-unknown", "test-patches", "explain"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    here.run(&["completions", "tcsh"]).exits(2);
}

#[test]
fn bash_loads_its_completions_and_completes_an_option_a_command_and_a_value() {
    let here = Sandbox::empty();
    here.write("envfix.bash", here.run(&["completions", "bash"]).exits(0).out);
    let complete = |words: &[&str]| {
        let words = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let script = format!(
            "set -eu; source envfix.bash; complete -p envfix >/dev/null; COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); \
             _envfix envfix \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let ran = here.program("bash", &["--norc", "-c", &script], b"").map(|ran| ran.exits(0));
        ran.map(|ran| ran.out.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let Some(options) = complete(&["envfix", "--dr"]) else { return };
    assert_eq!(options, ["--dry-run"]);
    assert_eq!(complete(&["envfix", "exp"]).unwrap(), ["explain"]);
    assert_eq!(complete(&["envfix", "--color", "al"]).unwrap(), ["always"]);
    assert_eq!(complete(&["envfix", "completions", "--col"]).unwrap(), ["--color"]);
}

#[test]
fn the_manual_page_has_its_sections_and_every_option_and_command() {
    let here = Sandbox::empty();
    let page = here.run(&["man"]).exits(0).out;
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXPLAIN", "COMPLETIONS", "EXTRA", "VERSION"] {
        assert_eq!(page.matches(&format!("\n.SH {section}\n")).count(), 1, "{section}");
    }
    let help = here.run(&["--help"]).exits(0).out;
    let options = help.lines().filter_map(|line| line.trim_start().strip_prefix('-'));
    let options = options.filter_map(|line| line.split([' ', ',']).next());
    // The values of an option are listed with a dash and a blank.
    let options: Vec<&str> = options.filter(|option| !option.is_empty()).collect();
    assert!(options.len() > 15, "{options:?}");
    for option in options {
        let option = format!("-{option}").replace('-', "\\-");
        assert!(page.contains(&format!("\\fB{option}\\fR")), "{option}");
    }
}

#[test]
fn groff_renders_the_manual_page_without_a_warning() {
    let here = Sandbox::empty();
    here.write("envfix.1", here.run(&["man"]).exits(0).out);
    let Some(ran) = here.program("groff", &["-man", "-Tascii", "-ww", "envfix.1"], b"") else { return };
    let ran = ran.exits(0);
    assert_eq!(ran.err, "");
    for words in ["Print the unified diff of every change and write nothing", "Exit codes: 0 done", "ENVFIX"] {
        let plain: String = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.to_lowercase().contains(&words.to_lowercase()), "{words:?} is not in\n{}", ran.out);
    }
}
