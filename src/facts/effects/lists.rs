//! Whether apt's package lists are there: without them `apt-get install` finds nothing that is not installed already.

use std::rc::Rc;

use super::super::state::{MANY, State};
use super::super::version::Distribution;
use crate::dockerfile::{Base, Instruction};
use crate::shell::tool::{self, Apt, Call, Ran, Tool};
use crate::shell::{Command, Nesting, Operator, Script};

/// Whether apt's package lists are in the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PackageLists {
    /// They are known not to be.
    Absent,
    /// They were fetched.
    Fetched,
    /// Something ran that may have fetched or removed them, or the image is not known.
    #[default]
    Unknown,
}

/// What the smallest images of Debian and Ubuntu, and the official slim ones, bring along.
const ESSENTIAL: [&str; 46] = [
    "adduser",
    "apt",
    "base-files",
    "base-passwd",
    "bash",
    "bsdutils",
    "ca-certificates",
    "coreutils",
    "dash",
    "debconf",
    "debian-archive-keyring",
    "debianutils",
    "diffutils",
    "dpkg",
    "e2fsprogs",
    "fdisk",
    "findutils",
    "gpgv",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "libc-bin",
    "libc6",
    "libgcc-s1",
    "libgcc1",
    "libstdc++6",
    "login",
    "logsave",
    "lsb-base",
    "mawk",
    "mount",
    "ncurses-base",
    "ncurses-bin",
    "netbase",
    "openssl",
    "passwd",
    "perl-base",
    "procps",
    "sed",
    "sensible-utils",
    "tar",
    "tzdata",
    "ubuntu-keyring",
    "util-linux",
    "zlib1g",
];

/// What `buildpack-deps` and the official images on top of it bring along (docker-library/buildpack-deps), and other
/// tools that larger images have.
const EQUIPMENT: [&str; 78] = [
    "apt-transport-https",
    "apt-utils",
    "autoconf",
    "automake",
    "build-essential",
    "bzip2",
    "cmake",
    "curl",
    "default-libmysqlclient-dev",
    "dirmngr",
    "dpkg-dev",
    "file",
    "g++",
    "gcc",
    "git",
    "gnupg",
    "gnupg2",
    "imagemagick",
    "less",
    "libbluetooth-dev",
    "libbz2-dev",
    "libc6-dev",
    "libcurl4-openssl-dev",
    "libdb-dev",
    "libevent-dev",
    "libexpat1",
    "libffi-dev",
    "libgdbm-dev",
    "libglib2.0-0",
    "libglib2.0-dev",
    "libgmp-dev",
    "libgomp1",
    "libjpeg-dev",
    "libkrb5-dev",
    "liblzma-dev",
    "libmagickcore-dev",
    "libmagickwand-dev",
    "libmaxminddb-dev",
    "libncurses-dev",
    "libncurses5-dev",
    "libncursesw5-dev",
    "libpng-dev",
    "libpq-dev",
    "libpq5",
    "libreadline-dev",
    "libsm6",
    "libsqlite3-0",
    "libsqlite3-dev",
    "libssl-dev",
    "libtool",
    "libwebp-dev",
    "libxext6",
    "libxml2",
    "libxml2-dev",
    "libxrender1",
    "libxslt-dev",
    "libxslt1-dev",
    "libyaml-dev",
    "locales",
    "lsb-release",
    "make",
    "mercurial",
    "nano",
    "openssh-client",
    "patch",
    "perl",
    "pkg-config",
    "python3",
    "sq",
    "subversion",
    "sudo",
    "tk-dev",
    "unzip",
    "uuid-dev",
    "vim",
    "wget",
    "xz-utils",
    "zlib1g-dev",
];

/// Packages that bring others, which are then named again.
const BRING: [(&str, &[&str]); 5] = [
    ("build-essential", &["gcc", "g++", "make", "libc6-dev", "dpkg-dev"]),
    ("git", &["perl", "less", "openssh-client", "ca-certificates"]),
    ("python3-pip", &["python3", "python3-dev", "python3-setuptools", "python3-wheel", "build-essential", "gcc"]),
    ("python3-dev", &["python3", "libpython3-dev"]),
    ("software-properties-common", &["python3", "gnupg", "ca-certificates", "lsb-release"]),
];

/// Programs that neither fetch nor remove package lists.
const HARMLESS: &str = " : [ [[ addgroup adduser alias apt-cache apt-config apt-key apt-mark awk base64 basename bzip2 \
     bundle cargo cat cd chgrp chmod chown chpasswd chsh cmake cmp comm command composer cp curl cut date \
     debconf-set-selections declare df diff dirname dos2unix dotnet dpkg dpkg-divert dpkg-reconfigure dpkg-query du echo \
     egrep exit export expr false fc-cache fgrep file find gawk gcc gem getent git go gpg gpg2 gpgv gradle grep groupadd \
     groupmod gunzip gzip hash head hostname id initdb install java javac julia jupyter kill ldconfig let ln local \
     locale locale-gen localedef ls md5sum mkdir mktemp mv mvn node npm nproc nvm openssl passwd patch pip-compile \
     pipenv pipx pnpm poetry popd printf pushd pwd read readlink readonly realpath return rm rmdir rustup sed service set \
     sha1sum sha256sum sha512sum shift shopt sleep sort ssh-keygen ssh-keyscan stat strip sync systemctl tail tar tee \
     test touch tr trap true type ulimit umask uname uniq unlink unset unxz unzip update-alternatives \
     update-ca-certificates update-locale useradd usermod wait wc wget which whoami xz yarn zcat zip ";

/// Scripts that are read into the shell and install nothing.
const SOURCED: [&str; 8] =
    ["os-release", "lsb-release", "activate", "nvm.sh", "profile", "bashrc", "cargo/env", "conda.sh"];

impl State {
    /// Whether an `apt-get install` is known to find none of its packages: the lists are not there, and it names a
    /// package that nothing is known to have brought.
    #[must_use]
    pub fn lacks_lists_for(&self, apt: &Apt) -> bool {
        let releases = self.release.values();
        let debian = |distribution| matches!(distribution, Distribution::Debian | Distribution::Ubuntu);
        if self.apt.lists != PackageLists::Absent
            || !apt.is_install()
            || !apt.downloads()
            || apt.option("--print-uris").is_some()
            || releases.is_empty()
            || !releases.iter().all(|release| debian(release.distribution))
        {
            return false;
        }
        apt.packages.iter().any(|package| {
            let name = package.name.as_str();
            let plain = !package.is_file() && !package.removed && !name.contains(['$', '*', '?', '[', '~', '{', '^']);
            plain && !self.may_be_installed(name)
        })
    }

    fn may_be_installed(&self, name: &str) -> bool {
        let named = |name: &str| self.apt.named.contains(name);
        let brought = BRING.iter().any(|(package, brings)| named(package) && brings.contains(&name));
        named(name)
            || brought
            || ESSENTIAL.binary_search(&name).is_ok()
            || !self.apt.bare && EQUIPMENT.binary_search(&name).is_ok()
    }

    /// What is known of the lists, and of what is installed, behind a command. `previous` stands before it in its text.
    pub(in crate::facts) fn lists_after(&mut self, command: &Command, previous: Option<&Command>) {
        if let Some(text) = tool::nested(command) {
            return match crate::shell::parse(&text) {
                Ok(script) => {
                    let mut previous = None;
                    for command in &script.commands {
                        // Deeper texts are not looked into.
                        match tool::nested(command) {
                            Some(_) => self.lists_touched(),
                            None => self.lists_after(command, previous),
                        }
                        previous = Some(command);
                    }
                }
                Err(_) => self.lists_touched(),
            };
        }
        if command.words.is_empty() {
            return;
        }
        match tool::tool(command) {
            Tool::Apt(apt) if apt.is_update() => self.apt.lists = PackageLists::Fetched,
            Tool::Apt(apt) if apt.is_install() => {
                if self.lacks_lists_for(apt) {
                    // Where the build gets past it, they were there after all.
                    self.apt.lists = PackageLists::Unknown;
                }
                let names = apt.packages.iter().filter(|package| !package.removed).map(|package| package.name.clone());
                let new: Vec<String> = names.filter(|name| !self.apt.named.contains(name)).collect();
                if !new.is_empty() && self.apt.named.len() + new.len() <= 4 * MANY {
                    Rc::make_mut(&mut self.apt.named).extend(new);
                }
            }
            _ if tool::cleans_apt_lists(command) => {
                self.apt.lists =
                    if surely_cleans(command, previous) { PackageLists::Absent } else { PackageLists::Unknown };
            }
            Tool::Apt(_) | Tool::Pip(_) | Tool::Conda(_) | Tool::Uv(_) | Tool::GetPip(_) => {}
            Tool::Python(python) => {
                if !matches!(&python.ran, Ran::Module { .. } | Ran::Code { .. } | Ran::Nothing)
                    && !python.runs_file("setup.py")
                {
                    self.lists_touched();
                }
            }
            Tool::Other => {
                if !is_harmless(command) {
                    self.lists_touched();
                }
            }
        }
    }

    /// The same for every command of a text.
    pub(in crate::facts) fn lists_after_all(&mut self, script: &Script) {
        let mut previous = None;
        for command in &script.commands {
            self.lists_after(command, previous);
            previous = Some(command);
        }
    }

    /// Something ran that may have fetched the lists.
    pub(in crate::facts) fn lists_touched(&mut self) {
        if self.apt.lists == PackageLists::Absent {
            self.apt.lists = PackageLists::Unknown;
        }
    }

    /// A text of a `RUN` that was not read otherwise, since it names no tool of interest.
    pub(in crate::facts) fn lists_after_text(&mut self, instruction: &Instruction) {
        if self.apt.lists != PackageLists::Absent {
            return;
        }
        if instruction.exec.is_some() || !instruction.heredocs.is_empty() {
            return self.lists_touched();
        }
        match crate::shell::parse(instruction.arguments_text()) {
            Ok(script) => self.lists_after_all(&script),
            Err(_) => self.lists_touched(),
        }
    }

    /// A `COPY` or `ADD` may bring a whole file system.
    pub(in crate::facts) fn lists_copied(&mut self, instruction: &Instruction) {
        const ABOVE: [&str; 5] = ["", "/var", "/var/lib", "/var/lib/apt", "/var/lib/apt/lists"];
        let words: Vec<String> = match &instruction.exec {
            Some(items) => items.iter().map(|item| item.value.clone()).collect(),
            None => instruction.arguments_text().split_whitespace().map(str::to_owned).collect(),
        };
        let Some((to, sources)) = words.split_last() else { return };
        let target = self.expand(to).map(|to| self.absolute(&to));
        if target.is_some_and(|target| !ABOVE.contains(&target.trim_end_matches('/'))) {
            return;
        }
        let file = |source: &String| {
            let name = source.rsplit('/').next().unwrap_or_default();
            let archive = [".tar", ".tgz", ".gz", ".xz", ".bz2", ".zst"].iter().any(|ending| name.ends_with(ending));
            name.trim_start_matches('.').contains('.') && !archive
        };
        if !sources.iter().all(file) {
            self.lists_touched();
        }
    }

    /// Whether an image is known to bring no more than the essential packages.
    pub(in crate::facts) fn is_bare(base: &Base) -> bool {
        let Base::Image { reference, .. } = base else { return false };
        let Ok(image) = super::super::reference::ImageReference::parse(reference) else { return false };
        let name = image.name.strip_prefix("library/").unwrap_or(image.name);
        matches!(name, "ubuntu" | "debian") || image.tag.is_some_and(|tag| tag.contains("slim"))
    }
}

/// Whether a `RUN` works on lists that are not the image's own.
pub fn mounts_lists(instruction: &Instruction) -> bool {
    instruction.flags.iter().filter_map(|flag| flag.text.strip_prefix("--mount=")).any(|mount| {
        let mut options = mount.split(',').filter_map(|option| option.split_once('='));
        let target = options.find(|(name, _)| matches!(*name, "target" | "dst" | "destination"));
        target.is_some_and(|(_, target)| {
            target.contains('$') || "/var/lib/apt/lists/".starts_with(&format!("{}/", target.trim_end_matches('/')))
        })
    })
}

/// Whether a command that removes the lists has done so when the next one runs.
fn surely_cleans(command: &Command, previous: Option<&Command>) -> bool {
    let asks = |command: &Command| matches!(Call::of(command).name(), Some("[" | "[[" | "test"));
    let joined = matches!(command.before, None | Some(Operator::And | Operator::Semicolon | Operator::Newline));
    let conditional = command.before == Some(Operator::And) && previous.is_some_and(asks);
    let globs_quoted = command.words.iter().any(|word| word.raw.contains(['"', '\'']) && word.raw.contains('*'));
    command.nesting.iter().all(|it| *it == Nesting::Group)
        && joined
        && !conditional
        && command.after != Some(Operator::Background)
        && !globs_quoted
}

fn is_harmless(command: &Command) -> bool {
    let call = Call::of(command);
    let Some(name) = call.name() else { return false };
    if matches!(name, "." | "source") {
        let script = command.words.get(call.program + 1).map(|word| word.raw.as_str()).unwrap_or_default();
        return SOURCED.iter().any(|known| script.contains(known));
    }
    !name.is_empty() && HARMLESS.contains(&format!(" {name} "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::image;

    fn lists(image: &str, text: &str) -> PackageLists {
        let mut state = State::of_image(image::describe(image));
        state.lists_after_all(&crate::shell::parse(text).unwrap());
        state.apt.lists
    }

    #[test]
    fn the_lists_of_packages_are_sorted() {
        assert!(ESSENTIAL.is_sorted() && EQUIPMENT.is_sorted());
    }

    #[test]
    fn lists_are_there_after_an_update_and_gone_after_their_removal() {
        use PackageLists::{Absent, Fetched, Unknown};
        for (text, expected) in [
            ("echo hello && mkdir /a; useradd -m x", Absent),
            ("apt-get update", Fetched),
            ("apt-get -qq update || true", Fetched),
            ("if true; then apt update; fi", Fetched),
            ("apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*", Absent),
            ("apt-get update; apt-get clean", Fetched),
            ("apt-get update; rm -rf '/var/lib/apt/lists/*'", Unknown),
            ("apt-get update; [ -n \"$CLEAN\" ] && rm -rf /var/lib/apt/lists/*", Unknown),
            ("apt-get update; if x; then rm -rf /var/lib/apt/lists/*; fi", Unknown),
            ("./install.sh", Unknown),
            ("curl -sL https://deb.nodesource.com/setup_18.x | bash -", Unknown),
            ("add-apt-repository ppa:x/y", Unknown),
            ("python3 tools/get.py", Unknown),
            ("bash -c 'apt-get update'", Fetched),
            ("bash -c 'mkdir -p /x'", Absent),
            (". /etc/os-release", Absent),
            (". ./env.sh", Unknown),
            ("apt-get install -y x", Unknown),
        ] {
            assert_eq!(lists("ubuntu:22.04", text), expected, "{text}");
        }
        assert_eq!(lists("example.com/own:1", "echo"), Unknown);
        assert_eq!(lists("example.com/own:1", "rm -rf /var/lib/apt/lists/*"), Absent);
    }

    #[test]
    fn only_a_package_that_nothing_has_brought_needs_the_lists() {
        let lacks = |image: &str, bare: bool, text: &str| {
            let mut state = State::of_image(image::describe(image));
            state.apt.bare = bare;
            let script = crate::shell::parse(text).unwrap();
            let (last, before) = script.commands.split_last().unwrap();
            let mut previous = None;
            for command in before {
                state.lists_after(command, previous);
                previous = Some(command);
            }
            matches!(tool::tool(last), Tool::Apt(apt) if state.lacks_lists_for(apt))
        };
        assert!(lacks("ubuntu:22.04", true, "apt-get install -y curl"));
        assert!(lacks("python:3.11", false, "apt-get install -y ffmpeg curl"));
        assert!(!lacks("python:3.11", false, "apt-get install -y curl git"));
        assert!(lacks("python:3.11-slim-bookworm", true, "apt-get install -y curl git"));
        assert!(!lacks("ubuntu:22.04", true, "apt-get install -y ca-certificates"));
        assert!(!lacks("ubuntu:22.04", true, "apt-get install -y ./package.deb"));
        assert!(!lacks("ubuntu:22.04", true, "apt-get install -y $PACKAGES"));
        assert!(!lacks("alpine:3.19", true, "apt-get install -y x"));
        let again = "apt-get update; apt-get install -y build-essential x; rm -rf /var/lib/apt/lists/*; ";
        assert!(!lacks("ubuntu:22.04", true, &format!("{again} apt-get install -y x gcc")));
        assert!(lacks("ubuntu:22.04", true, &format!("{again} apt-get install -y x y")));
    }
}
