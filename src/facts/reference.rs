//! An image reference taken apart by Docker's grammar: `registry:5000/path/name:tag@sha256:…`, and Azure ML's
//! `{{latest-image-tag}}` in the place of a tag.

use std::fmt;

/// The parts of an image reference, borrowed from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageReference<'a> {
    /// The registry, with its port: `mcr.microsoft.com`, `localhost:5000`. `None`: Docker Hub.
    pub registry: Option<&'a str>,
    /// The repository's name without the registry: `azureml/openmpi4.1.0-ubuntu22.04`, `library/ubuntu`, `ubuntu`.
    pub name: &'a str,
    /// The tag, or the `{{…}}` in its place.
    pub tag: Option<&'a str>,
    /// The digest, with its algorithm: `sha256:…`. Docker pulls by it and ignores the tag.
    pub digest: Option<&'a str>,
}

/// Why a text is no image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is nothing before the tag.
    #[error("the image has no name")]
    NoName,
    /// A character that no name may have, among them `$` of a variable that was not replaced, and upper case.
    #[error("the image's name has a character or separator that is not allowed")]
    Name,
    /// The tag is empty or has a character that no tag may have.
    #[error("the tag is not valid")]
    Tag,
    /// The digest is not `algorithm:hex`.
    #[error("the digest is not valid")]
    Digest,
}

impl<'a> ImageReference<'a> {
    /// Takes a reference apart.
    ///
    /// # Errors
    /// Says which part breaks the grammar; a `$` of a variable does.
    pub fn parse(text: &'a str) -> Result<Self, ReferenceError> {
        // A template may hold any character, so it is cut off before anything else is looked for.
        let (head, template) = match text.find(":{{") {
            Some(at) if text.ends_with("}}") => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
            _ => (text, None),
        };
        let (head, digest) = match head.split_once('@') {
            Some((head, digest)) if is_digest(digest) => (head, Some(digest)),
            Some(_) => return Err(ReferenceError::Digest),
            None => (head, None),
        };
        // Only a colon after the last slash begins a tag: one before it begins a port.
        let name_start = head.rfind('/').map_or(0, |slash| slash + 1);
        let colon = head.get(name_start..).and_then(|last| last.find(':')).map(|at| name_start + at);
        let (path, tag) = match colon {
            Some(at) => (head.get(..at).unwrap_or_default(), head.get(at + 1..)),
            None => (head, None),
        };
        if tag.is_some_and(|tag| template.is_some() || !is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        let (registry, name) = match path.split_once('/') {
            Some((first, rest)) if is_registry(first) => (Some(first), rest),
            _ => (None, path),
        };
        if name.is_empty() {
            return Err(ReferenceError::NoName);
        }
        if !name.split('/').all(is_component) || registry.is_some_and(|registry| !is_host(registry)) {
            return Err(ReferenceError::Name);
        }
        Ok(Self { registry, name, tag: tag.or(template), digest })
    }

    /// Whether the tag is a template that the build service replaces by the newest tag.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.tag.is_some_and(|tag| tag.starts_with("{{"))
    }
}

impl fmt::Display for ImageReference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(self.name)?;
        if let Some(tag) = self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Docker's rule for the part before the first slash: with a dot, a port or upper case, or `localhost`, it is a host.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_host(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') && is_port(port);
    }
    let (name, port) =
        host.split_once(':').map_or((host, ""), |(name, _)| (name, host.get(name.len()..).unwrap_or("")));
    let label = |label: &str| {
        let allowed = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && allowed && !label.starts_with('-') && !label.ends_with('-')
    };
    name.split('.').all(label) && is_port(port)
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Lower-case letters and digits, with `.`, `_`, `__` or hyphens between them.
fn is_component(text: &str) -> bool {
    let mut separator = "";
    let mut rest = text;
    loop {
        let word = rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
        let allowed = matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
        if word == 0 || !allowed {
            return false;
        }
        rest = rest.get(word..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
        let length = rest.bytes().take_while(|b| matches!(b, b'.' | b'_' | b'-')).count();
        if length == 0 {
            return false;
        }
        (separator, rest) = (rest.get(..length).unwrap_or_default(), rest.get(length..).unwrap_or_default());
    }
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let starts = algorithm.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let known = algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-' | b'_'));
    starts && known && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    type Parts<'a> = (Option<&'a str>, &'a str, Option<&'a str>, Option<&'a str>);

    fn parts(text: &str) -> Result<Parts<'_>, ReferenceError> {
        ImageReference::parse(text).map(|image| (image.registry, image.name, image.tag, image.digest))
    }

    #[test]
    fn a_reference_is_taken_apart_by_dockers_grammar() {
        let cases: [(&str, Parts<'_>); 16] = [
            ("ubuntu", (None, "ubuntu", None, None)),
            ("ubuntu:22.04", (None, "ubuntu", Some("22.04"), None)),
            ("library/ubuntu:22.04", (None, "library/ubuntu", Some("22.04"), None)),
            ("docker.io/library/ubuntu:22.04", (Some("docker.io"), "library/ubuntu", Some("22.04"), None)),
            ("localhost/x", (Some("localhost"), "x", None, None)),
            ("localhost:5000/x", (Some("localhost:5000"), "x", None, None)),
            ("localhost:5000/x:1", (Some("localhost:5000"), "x", Some("1"), None)),
            ("reg.example.com:443/a/b/c:v1", (Some("reg.example.com:443"), "a/b/c", Some("v1"), None)),
            ("reg:5000/a", (Some("reg:5000"), "a", None, None)),
            ("reg/a", (None, "reg/a", None, None)),
            ("Reg/a:1", (Some("Reg"), "a", Some("1"), None)),
            ("[::1]:5000/a:1", (Some("[::1]:5000"), "a", Some("1"), None)),
            ("a/b__c-d--e.f", (None, "a/b__c-d--e.f", None, None)),
            ("x.io/a:V1_2-b.c", (Some("x.io"), "a", Some("V1_2-b.c"), None)),
            (
                "mcr.microsoft.com/azureml/x:{{latest-image-tag}}",
                (Some("mcr.microsoft.com"), "azureml/x", Some("{{latest-image-tag}}"), None),
            ),
            (
                r"m.io/x:{{latest-image-tag:biweekly\.\d{6}\.\d{1}.*}}",
                (Some("m.io"), "x", Some(r"{{latest-image-tag:biweekly\.\d{6}\.\d{1}.*}}"), None),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), Ok(expected), "{text}");
            assert_eq!(ImageReference::parse(text).map(|image| image.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_tag_and_a_digest_stand_together() {
        for (text, registry, tag) in [
            ("ubuntu:22.04", None, Some("22.04")),
            ("ubuntu", None, None),
            ("reg:5000/ubuntu:1", Some("reg:5000"), Some("1")),
        ] {
            let whole = format!("{text}@{DIGEST}");
            assert_eq!(parts(&whole), Ok((registry, "ubuntu", tag, Some(DIGEST))));
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_refused_with_its_reason() {
        use ReferenceError::{Digest, Name, NoName, Tag};
        let cases = [
            ("", NoName),
            ("localhost/", NoName),
            (":1", NoName),
            ("Ubuntu", Name),
            ("ubuntu:", Tag),
            ("ubuntu:-x", Tag),
            ("ubuntu:a b", Tag),
            ("ubuntu:${TAG}", Tag),
            ("${BASE}", Name),
            ("a//b", Name),
            ("a___b", Name),
            ("a..b/c", Name),
            ("-a", Name),
            ("a-", Name),
            ("é", Name),
            ("reg:port/a", Name),
            ("ubuntu@sha256:12", Digest),
            ("ubuntu@x", Digest),
            ("ubuntu:1:{{x}}", Tag),
            ("{{image}}", Name),
            ("ubuntu:{{x", Tag),
        ];
        for (text, error) in cases {
            assert_eq!(parts(text), Err(error), "{text}");
        }
        assert_eq!(parts(&format!("a:{}", "x".repeat(129))), Err(Tag));
    }
}
