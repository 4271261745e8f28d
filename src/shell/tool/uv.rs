//! Calls of uv.

use std::sync::Arc;

use super::options::{Known, Opt, Table};
use super::said;
use super::wrapper::Call;

/// A call of uv.
#[derive(Clone, Debug)]
pub struct Uv {
    /// The call.
    pub call: Arc<Call>,
    /// The sub-command, and the one below it for `pip`, `tool`, `python`, `cache` and `self`; with their words.
    pub subcommands: Vec<(String, usize)>,
    /// The options before and behind the sub-commands. Only those with a value that are named in uv's help as such
    /// have one.
    pub options: Vec<Opt>,
    /// The indices of the words that are no options.
    pub operands: Vec<usize>,
}

const OPTIONS: &[Known] = &[
    Known(&["--requirements", "-r", "--requirement"], true),
    Known(&["--constraints", "-c", "--constraint"], true),
    Known(&["--overrides", "--override"], true),
    Known(&["--editable", "-e"], true),
    Known(&["--index-url", "-i"], true),
    Known(&["--extra-index-url"], true),
    Known(&["--index"], true),
    Known(&["--default-index"], true),
    Known(&["--find-links", "-f"], true),
    Known(&["--python", "-p"], true),
    Known(&["--python-version"], true),
    Known(&["--python-platform"], true),
    Known(&["--prefix"], true),
    Known(&["--target"], true),
    Known(&["--extra"], true),
    Known(&["--group"], true),
    Known(&["--no-group"], true),
    Known(&["--only-group"], true),
    Known(&["--package"], true),
    Known(&["--no-install-package"], true),
    Known(&["--upgrade-package", "-P"], true),
    Known(&["--reinstall-package"], true),
    Known(&["--no-binary-package"], true),
    Known(&["--no-build-package"], true),
    Known(&["--no-build-isolation-package"], true),
    Known(&["--no-binary"], true),
    Known(&["--only-binary"], true),
    Known(&["--index-strategy"], true),
    Known(&["--keyring-provider"], true),
    Known(&["--resolution"], true),
    Known(&["--prerelease"], true),
    Known(&["--exclude-newer"], true),
    Known(&["--link-mode"], true),
    Known(&["--config-setting", "-C", "--config-settings"], true),
    Known(&["--config-file"], true),
    Known(&["--cache-dir"], true),
    Known(&["--directory"], true),
    Known(&["--project"], true),
    Known(&["--allow-insecure-host", "--trusted-host"], true),
    Known(&["--color"], true),
    Known(&["--output-file", "-o"], true),
    Known(&["--torch-backend"], true),
    Known(&["--prompt"], true),
    Known(&["--with"], true),
    Known(&["--from"], true),
    Known(&["--upgrade", "-U"], false),
    Known(&["--no-cache", "-n", "--no-cache-dir"], false),
    Known(&["--quiet", "-q"], false),
    Known(&["--verbose", "-v"], false),
    Known(&["--system"], false),
    Known(&["--break-system-packages"], false),
    Known(&["--offline"], false),
    Known(&["--no-index"], false),
    Known(&["--no-deps"], false),
    Known(&["--frozen"], false),
];

impl Uv {
    pub(super) fn read(call: &Arc<Call>, from: usize) -> Self {
        let words = call.words();
        let before = Table { known: &[OPTIONS], stops: true };
        let mut uv = Uv { call: Arc::clone(call), subcommands: Vec::new(), options: Vec::new(), operands: Vec::new() };
        let mut at = from;
        loop {
            let read = before.read(words, at);
            uv.options.extend(read.options);
            let Some(word) = words.get(read.end) else { return uv };
            let name = said(word).into_owned();
            let goes_on = matches!(name.as_str(), "pip" | "tool" | "python" | "cache" | "self");
            uv.subcommands.push((name, read.end));
            at = read.end + 1;
            if uv.subcommands.len() > 1 || !goes_on {
                break;
            }
        }
        // What `uv run` runs has options of its own.
        let stops = uv.is(&["run"]) || uv.is(&["tool", "run"]);
        let read = Table { known: &[OPTIONS], stops }.read(words, at);
        uv.options.extend(read.options);
        uv.operands = if stops { (read.end..words.len()).collect() } else { read.operands };
        uv
    }

    /// Whether these are its sub-commands: `["pip", "install"]`, `["sync"]`.
    #[must_use]
    pub fn is(&self, subcommands: &[&str]) -> bool {
        self.subcommands.iter().map(|(name, _)| name.as_str()).eq(subcommands.iter().copied())
    }

    /// Whether it may fetch packages.
    #[must_use]
    pub fn downloads(&self) -> bool {
        let fetches: [&[&str]; 11] = [
            &["pip", "install"],
            &["pip", "sync"],
            &["pip", "compile"],
            &["sync"],
            &["add"],
            &["lock"],
            &["run"],
            &["build"],
            &["tool", "install"],
            &["tool", "run"],
            &["python", "install"],
        ];
        let stays = |option: &Opt| matches!(option.name.as_str(), "--offline" | "--no-index" | "--help");
        fetches.iter().any(|subcommands| self.is(subcommands)) && !self.options.iter().any(stays)
    }
}
