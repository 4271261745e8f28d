//! What the words of an image's name and tag say: `ubuntu22.04`, `bookworm`, `alpine3.18`, `py310`.

use crate::facts::distribution;
use crate::facts::reference::ImageReference;
use crate::facts::version::{Distribution, PythonVersion, Release};

/// The words of a name or tag: what stands between `-`, `_`, `/` and `:`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(['-', '_', '/', ':', '+']).filter(|word| !word.is_empty())
}

/// The words of an image's last name component and, where it is no template, its tag.
fn image_words<'a>(image: &ImageReference<'a>) -> impl Iterator<Item = &'a str> {
    let tag = if image.is_template() { None } else { image.tag };
    words(image.name).chain(tag.into_iter().flat_map(words))
}

/// Whether a tag has a word that begins so: `alpine` and `alpine3.18`.
pub(super) fn has(tag: &str, start: &str) -> bool {
    words(tag).any(|word| word.starts_with(start))
}

/// Whether an image names a Windows base.
pub(super) fn is_windows(image: &ImageReference<'_>) -> bool {
    let windows =
        |word: &str| ["windowsservercore", "nanoserver", "ltsc20"].iter().any(|start| word.starts_with(start));
    image_words(image).any(|word| windows(word) || word == "windows")
}

/// The release that the words of an image name; `None` where none does, or two differ.
pub(super) fn release(image: &ImageReference<'_>) -> Option<Release> {
    let mut found: Option<Release> = None;
    let mut before = "";
    for word in image_words(image) {
        let named = release_word(word).or_else(|| release_words(before, word));
        before = word;
        let Some(named) = named else { continue };
        match &found {
            Some(other) if *other != named => return None,
            _ => found = Some(named),
        }
    }
    found
}

/// `jammy`, `ubuntu22.04`, `ubuntu2204`, `debian12`, `alpine3.18`, `ubi9`.
fn release_word(word: &str) -> Option<Release> {
    if let Some(row) = distribution::by_any_codename(word) {
        return Some(row.release());
    }
    let digit = word.find(|c: char| c.is_ascii_digit())?;
    let (name, number) = word.split_at_checked(digit)?;
    release_words(name, number)
}

/// `ubuntu` and `22.04`, one after the other.
fn release_words(name: &str, number: &str) -> Option<Release> {
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let distribution = match name {
        "ubi" | "rhel" => Distribution::RedHat,
        "rocky" => Distribution::Rocky,
        name => Distribution::from_name(name)?,
    };
    numbered(distribution, number)
}

/// The release of a distribution's number, with as many parts of it as the distribution names releases by. A number
/// that no release of Debian or Ubuntu has names none.
fn numbered(distribution: Distribution, number: &str) -> Option<Release> {
    let mut parts = number.split('.');
    let (first, second) = (parts.next()?, parts.next());
    if first.is_empty() || second.is_some_and(str::is_empty) || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        return None;
    }
    let version = match (distribution, second) {
        // `ubuntu2204`
        (Distribution::Ubuntu, None) if first.len() == 4 => format!("{}.{}", first.get(..2)?, first.get(2..)?),
        (Distribution::Ubuntu | Distribution::Alpine, Some(second)) => format!("{first}.{second}"),
        (Distribution::AzureLinux, second) => format!("{first}.{}", second.unwrap_or("0")),
        (Distribution::Ubuntu | Distribution::Alpine, None) => return None,
        _ => first.to_owned(),
    };
    let release = Release::new(distribution, version);
    // By its text: `22.4` is the same number as `22.04`, but no tag of ubuntu.
    let named = distribution::row(&release).is_some_and(|row| row.version == release.version);
    (named || !distribution.uses_apt()).then_some(release)
}

/// The release that a tag of a distribution's own images names: `22.04`, `jammy-20240111`, `12.5-slim`, `3.18.4`.
pub(super) fn release_of_tag(repository: &str, tag: &str) -> Option<Release> {
    let last = repository.rsplit('/').next().unwrap_or(repository);
    let distribution = match last {
        "buildpack-deps" => None,
        "core" | "python" => Some(Distribution::AzureLinux),
        name => Some(Distribution::from_name(name)?),
    };
    let word = tag.split('-').next().unwrap_or_default();
    let Some(distribution) = distribution else {
        let named = distribution::by_any_codename(word).map(distribution::DistributionRow::release);
        return named.or_else(|| numbered(Distribution::Ubuntu, word));
    };
    if let Some(row) = distribution::by_codename(distribution, word) {
        return Some(row.release());
    }
    // `stream9` of centos.
    let number = word.strip_prefix("stream").filter(|_| distribution == Distribution::CentOs).unwrap_or(word);
    // A dated tag (`20240923` of alpine's edge, `2023.1`-like years of amazonlinux keep their first part) names none.
    if number.split('.').next().is_some_and(|first| first.len() > 4) {
        return None;
    }
    numbered(distribution, number)
}

/// The Python that the words of an image name: `py310`, `python3.11`, `3.11`; `None` where none does, or two differ.
pub(super) fn python(image: &ImageReference<'_>) -> Option<PythonVersion> {
    let mut found = None;
    let mut before = "";
    for word in image_words(image) {
        let named = match word.strip_prefix("python").or_else(|| word.strip_prefix("py")) {
            Some("") | None => {
                let plain = before == "python" || word.starts_with("3.");
                if plain && word.contains('.') { PythonVersion::parse(word) } else { None }
            }
            Some(rest) => PythonVersion::parse(rest),
        };
        before = word;
        match (found, named) {
            (_, None) => {}
            (Some(other), Some(named)) if other != named => return None,
            (_, Some(named)) => found = Some(named),
        }
    }
    found
}
