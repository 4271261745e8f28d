//! Requirements on a command line of pip.

use super::super::Word;
use super::{expands, said};

/// What pip is asked for by one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The index of its word.
    pub word: usize,
    /// What kind of requirement it is.
    pub kind: RequirementKind,
    /// The project's name, normalised as PEP 503 says (lower case, `-` for runs of `-`, `_` and `.`).
    pub name: Option<String>,
    /// Its extras, as written.
    pub extras: Vec<String>,
    /// What limits its version, such as `==1.2` or `>=1,<2` or `==${VERSION}`.
    pub specifier: Option<String>,
    /// What stands behind `;`.
    pub marker: Option<String>,
    /// Whether it holds a variable or a substitution.
    pub expands: bool,
}

/// The kinds of requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequirementKind {
    /// A project by its name.
    Named,
    /// A URL, with or without a name before it.
    Url,
    /// A local file or folder.
    Path,
    /// Something that only the shell knows, such as `$PACKAGES`.
    Unknown,
}

impl Requirement {
    pub(super) fn read(words: &[Word], index: usize) -> Option<Self> {
        let word = words.get(index)?;
        Some(Self::of(&said(word), index, expands(word)))
    }

    /// Reads a requirement's text without quotes.
    #[must_use]
    pub fn of(text: &str, word: usize, expands: bool) -> Self {
        let text = text.trim();
        let mut requirement = Requirement {
            word,
            kind: RequirementKind::Unknown,
            name: None,
            extras: Vec::new(),
            specifier: None,
            marker: None,
            expands,
        };
        let Some((name, behind)) = split_name(text) else {
            requirement.kind = kind_of_place(text);
            return requirement;
        };
        let (extras, behind) = match behind.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((extras, behind)) => (extras, behind.trim_start()),
            None => ("", behind),
        };
        let is_url = behind.starts_with('@');
        let (before_marker, marker) = match behind.split_once(if is_url { " ;" } else { ";" }) {
            Some((before, marker)) => (before.trim_end(), Some(marker.trim().to_owned())),
            None => (behind, None),
        };
        let specified = before_marker.starts_with(['=', '<', '>', '!', '~', '(']);
        if !is_url && !specified && !before_marker.is_empty() || (!is_url && looks_like_a_file(text)) {
            requirement.kind = kind_of_place(text);
            return requirement;
        }
        requirement.kind = if is_url { RequirementKind::Url } else { RequirementKind::Named };
        requirement.name = Some(normalise(name));
        requirement.extras =
            extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()).map(str::to_owned).collect();
        requirement.specifier = specified.then(|| before_marker.to_owned());
        requirement.marker = marker;
        requirement
    }

    /// Whether the command says something about the version: a specifier, known or not, or a URL.
    #[must_use]
    pub fn has_version(&self) -> bool {
        self.specifier.is_some() || self.kind == RequirementKind::Url
    }

    /// The version, where the specifier is `==` and one whole version.
    #[must_use]
    pub fn exact_version(&self) -> Option<&str> {
        let specifier = self.specifier.as_deref()?;
        let version = specifier.strip_prefix("===").or_else(|| specifier.strip_prefix("=="))?.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_!".contains(&byte);
        (!version.is_empty() && version.bytes().all(plain)).then_some(version)
    }
}

/// The name at the beginning of a text and what stands behind it, blanks left out.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let length = text.bytes().take_while(|byte| part(*byte)).count();
    let name = text.get(..length)?;
    let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    (outer(name.bytes().next()) && outer(name.bytes().next_back()))
        .then(|| (name, text.get(length..).unwrap_or("").trim_start()))
}

fn looks_like_a_file(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar"].iter().any(|ending| lower.ends_with(ending))
}

fn kind_of_place(text: &str) -> RequirementKind {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if text.contains("://") && !text.starts_with("file:") || matches!(scheme, "git+git@github.com" | "git+ssh") {
        RequirementKind::Url
    } else if text.starts_with('.') || text.contains('/') || looks_like_a_file(text) {
        RequirementKind::Path
    } else {
        RequirementKind::Unknown
    }
}

/// PEP 503's normal form of a project's name: how package indices compare it.
#[must_use]
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if !matches!(letter, '-' | '_' | '.') {
            out.push(letter.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}
