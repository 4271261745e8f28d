//! What is known about a base image from its reference alone: distribution and release, which Python answers, conda,
//! the user, whether apt's package lists are there. The families are rows of `data/images.tsv`; what a tag without a
//! number or code name stands for is in `data/tags.tsv`. An image that no row fits is unknown, but for what its name
//! says, and that only as plausible: anyone may name an image anything.

use std::sync::LazyLock;

use super::Fact;
use super::reference::ImageReference;
use super::table;
use super::version::{Distribution, PythonVersion, Release, compare};
use std::cmp::Ordering;

mod words;

#[cfg(test)]
mod tests;

const IMAGES: &str = include_str!("data/images.tsv");
const TAGS: &str = include_str!("data/tags.tsv");

/// The operating system of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatingSystem {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
}

/// Whose Python an interpreter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterpreterKind {
    /// The distribution's, under `/usr`.
    System,
    /// A conda environment's.
    Conda,
    /// That of the official `python:` images, under `/usr/local`.
    Official,
    /// A virtual environment's.
    Venv,
    /// Another.
    Other,
}

/// A Python that answers a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its version: its kind may be known where this is not.
    pub version: Fact<PythonVersion>,
    /// Whose it is.
    pub kind: InterpreterKind,
    /// The folder that its `bin` is in, where it is known.
    pub prefix: Option<String>,
}

/// What is known about an image. `None` inside a known fact: known to be absent.
#[derive(Clone, Debug)]
pub struct ImageFacts {
    /// Linux or Windows.
    pub os: Fact<OperatingSystem>,
    /// The release it is built on.
    pub release: Fact<Release>,
    /// Who answers `python`.
    pub python: Fact<Option<Interpreter>>,
    /// Who answers `python3`.
    pub python3: Fact<Option<Interpreter>>,
    /// The interpreter that the command `pip` installs into.
    pub pip: Fact<Option<Interpreter>>,
    /// Where conda is installed.
    pub conda_prefix: Fact<Option<String>>,
    /// The user that instructions run as.
    pub user: Fact<String>,
    /// Whether apt's package lists are in the image.
    pub package_lists: Fact<bool>,
    /// Variables worth knowing; `PATH` holds only what stands before the system's own folders.
    pub environment: Vec<(String, String)>,
}

impl ImageFacts {
    /// Nothing is known.
    #[must_use]
    pub fn unknown(from: &str) -> Self {
        Self {
            os: Fact::unknown(from),
            release: Fact::unknown(from),
            python: Fact::unknown(from),
            python3: Fact::unknown(from),
            pip: Fact::unknown(from),
            conda_prefix: Fact::unknown(from),
            user: Fact::unknown(from),
            package_lists: Fact::unknown(from),
            environment: Vec::new(),
        }
    }

    /// The same facts, known no better than among their values.
    #[must_use]
    pub fn weaken(self, reason: &str) -> Self {
        Self {
            os: self.os.weaken(reason),
            release: self.release.weaken(reason),
            python: self.python.weaken(reason),
            python3: self.python3.weaken(reason),
            pip: self.pip.weaken(reason),
            conda_prefix: self.conda_prefix.weaken(reason),
            user: self.user.weaken(reason),
            package_lists: self.package_lists.weaken(reason),
            environment: self.environment,
        }
    }
}

/// One family of images; the columns of `data/images.tsv`.
struct Family {
    os: &'static str,
    release: &'static str,
    python: &'static str,
    python3: &'static str,
    pip: &'static str,
    prefix: &'static str,
    conda: &'static str,
    user: &'static str,
    lists: &'static str,
    path: &'static str,
}

impl Family {
    fn of(row: table::Row) -> Self {
        let [_, os, release, python, python3, pip, prefix, conda, user, lists, path] = row.cells();
        Self { os, release, python, python3, pip, prefix, conda, user, lists, path }
    }
}

/// The rows with their first cells: only the one that fits is read.
static FAMILIES: LazyLock<Vec<(&'static str, table::Row)>> =
    LazyLock::new(|| table::rows(IMAGES).map(|row| (row.first(), row)).collect());

/// What is known about the image of that reference, after its arguments were replaced.
#[must_use]
pub fn describe(reference: &str) -> ImageFacts {
    let reference = reference.trim();
    let image = match ImageReference::parse(reference) {
        Ok(image) => image,
        Err(error) => return ImageFacts::unknown(&format!("`{reference}`: {error}")),
    };
    let repository = Repository::of(&image);
    let family = FAMILIES.iter().find(|(pattern, _)| matches(pattern, &repository.name));
    match family {
        Some((_, row)) => {
            let family = Family::of(*row);
            let facts = Described { image: &image, family: &family, name: &repository.name }.facts();
            if repository.is_plain_mirror { facts.weaken("if this registry mirrors Docker Hub") } else { facts }
        }
        None => by_its_name_alone(&image),
    }
}

/// The repository under the name that the table has it by.
struct Repository {
    name: String,
    /// It looks like a mirror of the official images, in a registry that nothing is known about.
    is_plain_mirror: bool,
}

/// Registries and folders whose official images are Docker Hub's.
const MIRRORS: [&str; 8] = [
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "registry.hub.docker.com/",
    "public.ecr.aws/docker/",
    "mirror.gcr.io/",
    "mcr.microsoft.com/mirror/docker/",
    "mcr.microsoft.com/oss/mirror/docker.io/",
];

/// The names that the official images have on Docker Hub for one architecture.
const ARCHITECTURES: [&str; 12] = [
    "amd64/",
    "arm32v5/",
    "arm32v6/",
    "arm32v7/",
    "arm64v8/",
    "i386/",
    "mips64le/",
    "ppc64le/",
    "riscv64/",
    "s390x/",
    "armhf/",
    "aarch64/",
];

impl Repository {
    fn of(image: &ImageReference<'_>) -> Self {
        let whole = match image.registry {
            Some(registry) => format!("{registry}/{}", image.name),
            None => image.name.to_owned(),
        };
        let hub = match image.registry {
            None => Some(whole.as_str()),
            Some(_) => MIRRORS.iter().find_map(|mirror| whole.strip_prefix(mirror)),
        };
        if let Some(hub) = hub {
            let official = ARCHITECTURES.iter().find_map(|arch| hub.strip_prefix(arch));
            let name = official.or_else(|| hub.strip_prefix("library/")).unwrap_or(hub);
            return Self { name: name.to_owned(), is_plain_mirror: false };
        }
        // `registry.example.com/dockerhub/library/ubuntu`: most likely a mirror, but nothing says so.
        match image.name.rsplit_once('/') {
            Some((folder, name)) if folder == "library" || folder.ends_with("/library") => {
                Self { name: name.to_owned(), is_plain_mirror: true }
            }
            _ => Self { name: whole, is_plain_mirror: false },
        }
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some(star) = memchr::memchr(b'*', pattern.as_bytes()) else { return pattern == name };
    let Some(mut rest) = name.strip_prefix(&pattern[..star]) else { return false };
    let mut ends = false;
    for part in pattern[star + 1..].split('*') {
        ends = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    ends || rest.is_empty()
}

/// What may be said about an image that no family fits: what its name says, as plausible.
fn by_its_name_alone(image: &ImageReference<'_>) -> ImageFacts {
    let mut facts = ImageFacts::unknown(&format!("`{image}` is not known to envfix"));
    let reason = format!("the name `{image}` says so");
    let os = if words::is_windows(image) { Some(OperatingSystem::Windows) } else { None };
    if let Some(os) = os {
        facts.os = Fact::among(vec![os], reason.clone());
    }
    if let Some(release) = words::release(image) {
        facts.os = Fact::among(vec![OperatingSystem::Linux], reason.clone());
        facts.release = Fact::among(vec![release], reason);
    }
    facts
}

/// An image and the row that fits it.
struct Described<'a> {
    image: &'a ImageReference<'a>,
    family: &'a Family,
    name: &'a str,
}

impl Described<'_> {
    fn facts(&self) -> ImageFacts {
        let family = self.family;
        let name = self.name;
        let windows = family.os == "windows" || words::is_windows(self.image);
        if windows {
            let mut facts = ImageFacts::unknown(&format!("`{name}` is a Windows image"));
            facts.os = Fact::known(OperatingSystem::Windows, format!("`{}`", self.image));
            return facts;
        }
        let python = self.python(family.python);
        let like_python = |cell: &str| if cell == "same" { python.clone() } else { self.python(cell) };
        let text = |cell: &str| match cell {
            "unknown" => Fact::unknown(format!("`{name}`, of which envfix knows too little")),
            "-" => Fact::known(None, format!("`{name}` has none")),
            value => Fact::known(Some(value.to_owned()), format!("of `{name}`")),
        };
        ImageFacts {
            os: Fact::known(OperatingSystem::Linux, format!("`{name}` is a Linux image")),
            release: self.release(),
            python3: like_python(family.python3),
            pip: like_python(family.pip),
            python,
            conda_prefix: text(family.conda),
            user: match family.user {
                "unknown" => Fact::unknown(format!("the user of `{name}` is not known")),
                user => Fact::known(user.to_owned(), format!("the user of `{name}`")),
            },
            package_lists: match family.lists {
                "yes" => Fact::known(true, format!("of `{name}`")),
                "no" => Fact::known(false, format!("`{name}` has no package lists")),
                _ => Fact::unknown(format!("`{name}`, of which envfix knows too little")),
            },
            environment: match family.path {
                "-" => Vec::new(),
                path => vec![("PATH".to_owned(), path.to_owned())],
            },
        }
    }

    /// The tag to go by: `latest` where none is written, none for a digest alone.
    fn tag(&self) -> Option<&str> {
        match (self.image.tag, self.image.digest) {
            (None, None) => Some("latest"),
            (tag, _) => tag,
        }
    }

    /// Whether the tag moves: what it names may change without a change of the Dockerfile.
    fn is_rolling(&self) -> bool {
        self.image.digest.is_none() && matches!(self.image.tag, None | Some("latest")) || self.image.is_template()
    }

    fn release(&self) -> Fact<Release> {
        let image = self.image;
        match self.family.release {
            "none" => Fact::unknown(format!("`{image}` is no release of a distribution")),
            "unknown" => Fact::unknown(format!("the release of `{image}` is not in its name")),
            "words" => self.release_by_words(),
            "tag" => self.release_by_tag(),
            "base" => self.release_by_words_or_table(),
            fixed => match Release::parse(fixed) {
                Some(release) => Fact::known(release, format!("the name of `{}`", self.name)),
                None => Fact::unknown(format!("the release of `{image}` is not known")),
            },
        }
    }

    fn release_by_words(&self) -> Fact<Release> {
        match words::release(self.image) {
            Some(release) => Fact::known(release, format!("the name `{}`", self.image)),
            None if self.tag().is_some_and(|tag| words::has(tag, "alpine")) => self.some_alpine(),
            None => Fact::unknown(format!("`{}` does not name its release", self.image)),
        }
    }

    /// For the images of a distribution itself: `22.04`, `jammy-20240111`, `12.5-slim`.
    fn release_by_tag(&self) -> Fact<Release> {
        let Some(tag) = self.tag() else {
            return match self.name {
                "alpine" => self.some_alpine(),
                _ => Fact::unknown(format!("`{}` is a digest without a tag", self.image)),
            };
        };
        match words::release_of_tag(self.name, tag) {
            Some(release) => Fact::known(release, format!("the tag `{tag}` of {}", self.name)),
            None if self.name == "alpine" => self.some_alpine(),
            None => self.release_by_table(tag),
        }
    }

    /// Which release of Alpine it is, the name does not tell.
    fn some_alpine(&self) -> Fact<Release> {
        Fact::known(Release::new(Distribution::Alpine, ""), format!("the name `{}`", self.image))
    }

    /// For images built on a distribution, with its code name in the tag or without.
    fn release_by_words_or_table(&self) -> Fact<Release> {
        match (words::release(self.image), self.tag()) {
            (Some(release), _) => Fact::known(release, format!("the name `{}`", self.image)),
            (None, Some(tag)) if words::has(tag, "alpine") => self.some_alpine(),
            (None, Some(tag)) => self.release_by_table(tag),
            _ => Fact::unknown(format!("`{}` does not name its release", self.image)),
        }
    }

    /// What a tag without number and code name stands for today.
    fn release_by_table(&self, tag: &str) -> Fact<Release> {
        let unknown = || Fact::unknown(format!("the tag `{tag}` of {} is not known", self.name));
        let word = tag.split('-').next().unwrap_or(tag);
        let row = table::rows(TAGS)
            .map(table::Row::cells)
            .find(|[family, name, ..]: &[&str; 5]| *family == self.name && *name == word);
        let Some([_, _, level, releases, _]) = row else { return unknown() };
        let mut values: Vec<Release> = releases.split(',').filter_map(Release::parse).collect();
        let from = format!("the tag `{tag}` of {}", self.name);
        match (level, values.len()) {
            (_, 0) => unknown(),
            ("known", 1) => values.pop().map_or_else(unknown, |release| Fact::known(release, from)),
            // A digest stays what it was when the tag, which has moved since, was written beside it.
            _ if self.image.digest.is_some() => unknown(),
            _ => Fact::among(values, format!("{from}, which moves")),
        }
    }

    fn python(&self, rule: &str) -> Fact<Option<Interpreter>> {
        let image = self.image;
        let Some((kind, version)) = rule.split_once(':') else {
            return match rule {
                "absent" => Fact::known(None, format!("`{}` has none", self.name)),
                _ => Fact::unknown(format!("`{image}`, of which envfix knows too little")),
            };
        };
        let kind = match kind {
            "conda" => InterpreterKind::Conda,
            "official" => InterpreterKind::Official,
            "system" => InterpreterKind::System,
            "venv" => InterpreterKind::Venv,
            _ => InterpreterKind::Other,
        };
        let version = self.python_version(version);
        let prefix = (self.family.prefix != "-").then(|| self.family.prefix.to_owned());
        Fact::known(Some(Interpreter { version, kind, prefix }), format!("`{}` has it", self.name))
    }

    fn python_version(&self, rule: &str) -> Fact<PythonVersion> {
        let image = self.image;
        let unknown = || Fact::unknown(format!("`{image}` does not tell its Python"));
        if let Some(versions) = rule.strip_prefix("rolling ") {
            let versions: Vec<_> = versions.split(',').filter_map(PythonVersion::parse).collect();
            let rolling = self.is_rolling() && !versions.is_empty();
            return if rolling { Fact::among(versions, format!("`{image}` moves")) } else { unknown() };
        }
        match rule {
            "tag" => self.python_of_tag(),
            "word" => match words::python(image) {
                Some(version) => Fact::known(version, format!("the name `{image}`")),
                None => unknown(),
            },
            "azureml" => self.python_of_azureml(),
            _ => unknown(),
        }
    }

    /// For images tagged by their Python: `3.10`, `3.10.4-slim`, `3.14.0rc1-bookworm`.
    fn python_of_tag(&self) -> Fact<PythonVersion> {
        let unknown = || Fact::unknown(format!("`{}` does not tell its Python", self.image));
        let Some(tag) = self.tag() else { return unknown() };
        let word = tag.split('-').next().unwrap_or_default();
        if word == "2" {
            return Fact::known(PythonVersion::new(2, 7), format!("the tag `{tag}`: no Python 2 follows 2.7"));
        }
        let begins_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
        match PythonVersion::parse(word) {
            Some(version) if word.contains('.') => Fact::known(version, format!("the tag `{tag}`")),
            _ if self.image.digest.is_some() || (begins_with_digit && word != "3") => unknown(),
            // `3`, `latest`, `slim`, `bookworm`: the newest, and the one before where this page is behind.
            _ if self.name == "python" => Fact::among(
                vec![PythonVersion::new(3, 15), PythonVersion::new(3, 14)],
                format!("the tag `{tag}` moves"),
            ),
            _ => unknown(),
        }
    }

    /// Azure ML's training images carry a Miniconda that was changed over the years: told by the date in the tag.
    /// From the Dockerfiles and release notes of Azure/AzureML-Containers: Python 3.7 until 2021, 3.8 from 2022-09-30
    /// to 2024-04 at least, 3.10 in all that were supported in 2026-03.
    fn python_of_azureml(&self) -> Fact<PythonVersion> {
        let (py37, py38, py310) = (PythonVersion::new(3, 7), PythonVersion::new(3, 8), PythonVersion::new(3, 10));
        let image = self.image;
        let unknown = || Fact::unknown(format!("the Python of `{image}` is not known"));
        let Some(ubuntu) = words::release(image).map(|release| release.version) else { return unknown() };
        let at_least = |version: &str| compare(&ubuntu, version) != Ordering::Less;
        let (date, source) = match self.tag().and_then(|tag| tag.split('.').next()) {
            Some(date) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => (date, "the date in its tag"),
            _ if !self.is_rolling() => return unknown(),
            _ => {
                let values = match ubuntu.as_str() {
                    "16.04" => vec![py37],
                    "18.04" => vec![py38, py37],
                    "20.04" => vec![py38, py310],
                    "22.04" => vec![py310, py38],
                    _ => vec![py310],
                };
                return Fact::among(values, format!("`{image}` moves"));
            }
        };
        // Dates written as numbers of one length are in order as text.
        if date < "20220101" && !at_least("22.04") {
            Fact::known(py37, source)
        } else if ("20220930".."20240430").contains(&date) && at_least("18.04") && !at_least("24.04") {
            Fact::known(py38, source)
        } else if date >= "20260301" && at_least("22.04") {
            Fact::known(py310, source)
        } else if date < "20220930" && !at_least("22.04") {
            Fact::among(vec![py37, py38], format!("the Python of that time in `{image}`"))
        } else if at_least("24.04") {
            Fact::among(vec![py310], format!("the Python of the later `{image}`"))
        } else if at_least("20.04") {
            Fact::among(vec![py38, py310], format!("the Python of that time in `{image}`"))
        } else {
            unknown()
        }
    }
}
