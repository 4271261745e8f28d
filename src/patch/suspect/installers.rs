//! Commands that fetch an installer in a way that leaves an empty file.

use super::super::subject::{Subject, Target};
use super::super::view::DockerfileView;
use crate::finding::Evidence;
use crate::shell::tool::Call;
use crate::shell::{Command, Nesting};

/// Every curl that fetches an installer of conda from an address that only redirects, and does not follow it: it saves
/// an empty file and succeeds, as does the shell that runs the empty file.
pub fn without_redirects(view: &DockerfileView<'_>) -> Vec<Subject> {
    let all = view.commands(0..view.model.dockerfile.instructions.len());
    all.filter_map(|(place, command, state)| {
        let call = Call::of(command);
        if call.name() != Some("curl") || state.shell.is_err() {
            return None;
        }
        let arguments: Vec<&str> = command.words.get(call.program + 1..)?.iter().map(|word| word.text()).collect();
        let url = arguments.iter().find(|text| only_redirects(text))?;
        if follows(&arguments)? {
            return None;
        }
        let locked = locked(view, place.instruction, command);
        let span = view.command_span(place)?;
        let target =
            Target::Command { instruction: place.instruction, command: place.command, word: call.program, locked };
        let mut subject = Subject::new(target, span, Some(state));
        subject.evidence.push(Evidence { span, note: format!("{url} only redirects") });
        subject.texts.insert("written", (*url).to_owned());
        Some(subject)
    })
    .collect()
}

fn locked(view: &DockerfileView<'_>, instruction: usize, command: &Command) -> Option<String> {
    let inside = command.nesting.iter().any(|it| matches!(it, Nesting::Substitution | Nesting::Function));
    let run = view.model.run(instruction)?;
    run.locked.clone().or_else(|| inside.then(|| "it stands inside a substitution or a function".to_owned()))
}

/// Whether an address is one of an installer of conda that answers with a redirection alone. repo.continuum.io does so
/// since April 2020 (ContinuumIO/anaconda-issues#11731), a release on GitHub always.
fn only_redirects(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let Some((host, path)) = rest.split_once('/') else { return false };
    let installer = path.ends_with(".sh") && ["conda", "forge", "mamba"].iter().any(|it| path.contains(it));
    let redirects = host == "repo.continuum.io"
        || host == "github.com" && path.contains("/releases/") && path.contains("/download/");
    matches!(scheme, "http" | "https") && installer && redirects
}

/// Whether curl follows redirections; `None` where that is not known.
fn follows(arguments: &[&str]) -> Option<bool> {
    // Of the short options those whose value may stand glued behind them.
    const WITH_VALUE: &str = "ACDEFHKPQTUXYbcdehmortuwxyz";
    for text in arguments {
        match text.strip_prefix('-') {
            // A variable may hold any option, but not one that a path follows.
            None if text.starts_with('$') && !text.contains('/') => return None,
            None => {}
            Some(long) if long.starts_with('-') => match long {
                "-location" | "-location-trusted" => return Some(true),
                "-config" => return None,
                _ => {}
            },
            Some(short) => {
                let flags = short.find(|flag| WITH_VALUE.contains(flag)).map_or(short, |end| &short[..=end]);
                if flags.contains('L') {
                    return Some(true);
                }
                if flags.contains('K') {
                    return None;
                }
            }
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_follows_where_an_option_says_so() {
        for (text, follows_it) in [
            ("-o a.sh", Some(false)),
            ("-so a.sh", Some(false)),
            ("-oL.sh", Some(false)),
            ("-LO", Some(true)),
            ("-fsSL -o a.sh", Some(true)),
            ("--location", Some(true)),
            ("--location-trusted -O", Some(true)),
            ("-k -o a.sh", Some(false)),
            ("-K curlrc", None),
            ("$OPTIONS -O", None),
            ("-o $HOME/a.sh", Some(false)),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(follows(&words), follows_it, "{text}");
        }
    }

    #[test]
    fn an_address_that_only_redirects_is_known_by_its_host() {
        assert!(only_redirects("https://repo.continuum.io/miniconda/Miniconda3-$VERSION-Linux-x86_64.sh"));
        assert!(only_redirects("http://repo.continuum.io/archive/Anaconda3-5.0.0-Linux-x86_64.sh"));
        assert!(only_redirects(
            "https://github.com/conda-forge/miniforge/releases/latest/download/Miniforge3-Linux-x86_64.sh"
        ));
        for text in [
            "https://repo.anaconda.com/miniconda/Miniconda3-latest-Linux-x86_64.sh",
            "https://repo.continuum.io/pkgs/main/linux-64/repodata.json",
            "https://github.com/example/tool/releases/download/v1/tool.tar.gz",
            "repo.continuum.io",
        ] {
            assert!(!only_redirects(text), "{text}");
        }
    }
}
