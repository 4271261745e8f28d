//! Calls of apt-get, apt and aptitude.

use std::sync::Arc;

use super::super::Word;
use super::options::{Known, Opt, Table, last};
use super::wrapper::Call;
use super::{expands, said};

/// A call of apt.
#[derive(Clone, Debug)]
pub struct Apt {
    /// The call.
    pub call: Arc<Call>,
    /// The sub-command and the index of its word.
    pub subcommand: Option<(String, usize)>,
    /// All options, before and behind the sub-command.
    pub options: Vec<Opt>,
    /// The packages it names.
    pub packages: Vec<AptPackage>,
    /// The indices of words that only the shell knows, such as `$PACKAGES`.
    pub unknown: Vec<usize>,
}

/// A package on apt's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AptPackage {
    /// The index of its word.
    pub word: usize,
    /// Its name; a path for a `.deb` file, a pattern as it is written.
    pub name: String,
    /// The version behind `=`.
    pub version: Option<String>,
    /// The release behind `/`.
    pub release: Option<String>,
    /// The architecture behind `:`.
    pub architecture: Option<String>,
    /// Whether `install` is asked to remove it: a `-` at its end.
    pub removed: bool,
}

const OPTIONS: &[Known] = &[
    Known(&["--option", "-o"], true),
    Known(&["--target-release", "-t", "--default-release"], true),
    Known(&["--config-file", "-c"], true),
    Known(&["--host-architecture", "-a"], true),
    Known(&["--build-profiles", "-P"], true),
    Known(&["--yes", "-y", "--assume-yes"], false),
    Known(&["--quiet", "-q"], false),
    Known(&["--no-install-recommends"], false),
    Known(&["--install-recommends"], false),
    Known(&["--fix-broken", "-f"], false),
    Known(&["--fix-missing", "-m", "--ignore-missing"], false),
    Known(&["--download-only", "-d"], false),
    Known(&["--no-download"], false),
    Known(&["--simulate", "-s", "--just-print", "--dry-run", "--recon", "--no-act"], false),
    Known(&["--reinstall"], false),
    Known(&["--only-upgrade"], false),
    Known(&["--allow-unauthenticated"], false),
    Known(&["--allow-downgrades"], false),
    Known(&["--allow-change-held-packages"], false),
    Known(&["--force-yes"], false),
    Known(&["--auto-remove", "--autoremove"], false),
    Known(&["--purge"], false),
];

impl Apt {
    pub(super) fn read(call: &Arc<Call>) -> Self {
        let words = call.words();
        let read = Table { known: &[OPTIONS], stops: false }.read(words, call.program + 1);
        let mut operands = read.operands.iter().copied();
        let subcommand =
            operands.next().and_then(|index| words.get(index).map(|word| (said(word).into_owned(), index)));
        let mut apt = Apt {
            call: Arc::clone(call),
            subcommand,
            options: read.options,
            packages: Vec::new(),
            unknown: Vec::new(),
        };
        let names_packages = ["install", "remove", "purge", "reinstall", "build-dep", "source", "download", "satisfy"]
            .iter()
            .chain(&["upgrade", "full-upgrade", "dist-upgrade", "autoremove", "autopurge", "safe-upgrade"])
            .any(|name| apt.is(name));
        for index in operands.filter(|_| names_packages) {
            match words.get(index).and_then(|word| AptPackage::read(word, index)) {
                Some(package) => apt.packages.push(package),
                None => apt.unknown.push(index),
            }
        }
        apt
    }

    /// Whether this is its sub-command.
    #[must_use]
    pub fn is(&self, subcommand: &str) -> bool {
        self.subcommand.as_ref().is_some_and(|(name, _)| name == subcommand)
    }

    /// Whether it is `install`.
    #[must_use]
    pub fn is_install(&self) -> bool {
        self.is("install")
    }

    /// Whether it is `update`, which fetches the package lists.
    #[must_use]
    pub fn is_update(&self) -> bool {
        self.is("update")
    }

    /// The last option of this canonical name.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Opt> {
        last(&self.options, name)
    }

    /// Whether it installs a package of this name.
    #[must_use]
    pub fn installs(&self, name: &str) -> bool {
        self.is_install() && self.packages.iter().any(|package| package.name == name && !package.removed)
    }

    /// Whether it needs the package lists: it names a package that is no file.
    #[must_use]
    pub fn needs_lists(&self) -> bool {
        let by_name = self.packages.iter().any(|package| !package.is_file()) || !self.unknown.is_empty();
        let names = ["install", "reinstall", "build-dep", "source", "download"].iter().any(|name| self.is(name));
        names && by_name
    }

    /// Whether it may fetch lists or packages.
    #[must_use]
    pub fn downloads(&self) -> bool {
        if ["--no-download", "--simulate"].iter().any(|name| self.option(name).is_some()) {
            return false;
        }
        let upgrades = ["update", "upgrade", "full-upgrade", "dist-upgrade", "safe-upgrade"];
        self.needs_lists()
            || upgrades.iter().any(|name| self.is(name))
            || (self.is_install() && !self.packages.is_empty())
    }
}

impl AptPackage {
    fn read(word: &Word, index: usize) -> Option<Self> {
        let text = said(word);
        let mut package = AptPackage {
            word: index,
            name: String::new(),
            version: None,
            release: None,
            architecture: None,
            removed: false,
        };
        let mut name = text.as_ref();
        if !is_deb(name) {
            if let Some((before, version)) = name.split_once('=') {
                package.version = Some(version.to_owned());
                name = before;
            }
            if let Some((before, release)) = name.split_once('/') {
                package.release = Some(release.to_owned());
                name = before;
            }
            if let Some(before) = name.strip_suffix('-').filter(|_| package.version.is_none()) {
                package.removed = true;
                name = before;
            }
            if let Some((before, architecture)) = name.split_once(':') {
                package.architecture = Some(architecture.to_owned());
                name = before;
            }
        }
        // A variable in the version leaves the name known; one in the name does not.
        let unknown = expands(word) && name.contains(['$', '`', '{', '~']) || name.is_empty() || word_is_opaque(word);
        package.name = name.to_owned();
        (!unknown || is_deb(&text)).then_some(package)
    }

    /// Whether it is a package file, not a name.
    #[must_use]
    pub fn is_file(&self) -> bool {
        is_deb(&self.name)
    }
}

/// Whether a word holds a substitution, whose text may hold what separates a package's parts.
fn word_is_opaque(word: &Word) -> bool {
    word.raw.contains("$(") || word.raw.contains('`')
}

fn is_deb(text: &str) -> bool {
    text.ends_with(".deb") || text.starts_with("./") || text.starts_with('/')
}
