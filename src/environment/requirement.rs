//! The lines of a pip section: what pip reads as a requirement, and where it asks for a version with an operator that
//! pip does not know.
//!
//! pip 20.2 to 26.3 refuse every requirement that has one `=` behind its name, whatever follows, so no environment
//! with one builds.

/// A requirement with one `=` behind its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `numpy=1.26`: a version and nothing else follows, so that `==` is meant. Offset of the `=`.
    Single(usize),
    /// `numpy=>1.26`: the operator as it is written, and as it is right.
    Turned(&'static str, &'static str),
    /// Anything else.
    Other,
}

/// The name that a line begins with, extras and blanks skipped, and what follows. `None` for options, addresses,
/// paths, comments and templates.
fn split(line: &str) -> Option<(&str, &str)> {
    let text = line.trim_start();
    if text.contains("{{") || text.contains("{%") || text.contains("<%") {
        return None;
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let end = text.find(|c: char| !letters(c)).unwrap_or(text.len());
    let name = &text[..end];
    let sound = |c: char| c.is_ascii_alphanumeric();
    if !name.starts_with(sound) || !name.ends_with(sound) {
        return None;
    }
    let mut rest = text[end..].trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        let (inside, behind) = extras.split_once(']')?;
        if !inside.chars().all(|c| letters(c) || matches!(c, ',' | ' ')) {
            return None;
        }
        rest = behind.trim_start();
    }
    Some((name, rest))
}

/// The name of a requirement, whatever it asks for. `None` for what is no requirement.
#[must_use]
pub fn name_of(line: &str) -> Option<&str> {
    let (name, rest) = split(line)?;
    let ends = rest.is_empty() || rest.starts_with(['=', '<', '>', '~', '!', ';', '@', '#', '(', ',']);
    ends.then_some(name)
}

/// The name of a requirement that asks for no version at all. `None` where it does, and for what is no requirement.
#[must_use]
pub fn unpinned(line: &str) -> Option<&str> {
    let (name, rest) = split(line)?;
    let file = [".whl", ".zip", ".tar.gz", ".tgz"].iter().any(|suffix| name.ends_with(suffix));
    (!file && (rest.is_empty() || rest.starts_with([';', '#']))).then_some(name)
}

/// Whether a requirement has one `=` behind its name, and how.
#[must_use]
pub fn wrong_operator(line: &str) -> Option<Operator> {
    let (_, rest) = split(line)?;
    let behind = rest.strip_prefix('=')?;
    let turned = [('>', "=>", ">="), ('<', "=<", "<="), ('!', "=!", "!="), ('~', "=~", "~=")];
    match behind.chars().next() {
        Some('=') => return None,
        Some(first) => {
            if let Some((_, written, right)) = turned.iter().find(|(sign, ..)| *sign == first) {
                return Some(Operator::Turned(written, right));
            }
        }
        None => return Some(Operator::Other),
    }
    let version = behind.trim_start();
    let end = version.find([' ', '\t', ';', '#']).unwrap_or(version.len());
    let (version, tail) = version.split_at(end);
    // pip takes a `#` for a comment behind a blank only.
    let ends = tail.is_empty() || tail.trim_start().starts_with(';') || tail.trim_start().starts_with('#');
    let glued = tail.starts_with('#');
    let single = is_version(version) && ends && !glued;
    Some(if single { Operator::Single(line.len() - rest.len()) } else { Operator::Other })
}

/// Whether a text is a version as PEP 440 has it, or the beginning of one with `.*`: what pip takes behind `==`.
fn is_version(text: &str) -> bool {
    let (public, local) = match text.split_once('+') {
        Some((public, local)) => (public, Some(local)),
        None => (text, None),
    };
    let local_is =
        |local: &str| local.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()));
    if !local.is_none_or(local_is) {
        return false;
    }
    let (public, prefix) = match public.strip_suffix(".*") {
        Some(public) => (public, true),
        None => (public, false),
    };
    if prefix && local.is_some() {
        return false;
    }
    let release = public.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(public.len());
    let (release, mut suffix) = public.split_at(release);
    let numbers = release.strip_suffix('.').filter(|_| !suffix.is_empty()).unwrap_or(release);
    if !numbers.split('.').all(|number| !number.is_empty()) {
        return false;
    }
    for tag in ["a", "b", "rc", "post", "dev"] {
        let Some(rest) = suffix.strip_prefix(tag) else { continue };
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits == 0 || prefix {
            return false;
        }
        suffix = rest[digits..].trim_start_matches('.');
    }
    suffix.is_empty() && !public.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_requirement_ends_where_its_version_begins() {
        assert_eq!(name_of("numpy==1.26  # x"), Some("numpy"));
        assert_eq!(name_of("  my.pkg[extra]>=1"), Some("my.pkg"));
        assert_eq!(name_of("flask ; python_version < '3'"), Some("flask"));
        assert_eq!(name_of("-r other.txt"), None);
        assert_eq!(name_of("git+https://example.com/a"), None);
        assert_eq!(name_of("# numpy"), None);
        assert_eq!(name_of("two words"), None);
    }

    #[test]
    fn one_equals_sign_before_a_version_is_found_with_its_place() {
        for (line, at) in [
            ("numpy=1.26", 5),
            ("numpy = 1.26.0", 6),
            ("  torch[cuda]=2.1.0", 13),
            ("six=1.16.0; python_version>\"3\"", 3),
            ("six=1.16.0 # why", 3),
            ("azureml-core=1.61.0.post4", 12),
            ("torch=2.1.0+cu118", 5),
            ("a=1.0rc1", 1),
            ("a=1.0.dev3", 1),
            ("a=1.26.*", 1),
            ("a=2024", 1),
        ] {
            assert_eq!(wrong_operator(line), Some(Operator::Single(at)), "{line}");
        }
    }

    #[test]
    fn what_is_no_plain_version_is_not_taken_for_one() {
        for line in
            ["a=", "a=latest", "a=1.0=py39_0", "a=1.0,<2", "a=1.0#x", "a=1..0", "a=1.0.", "a=1.0 2", "a=${V}", "a=*"]
        {
            assert_eq!(wrong_operator(line), Some(Operator::Other), "{line}");
        }
        assert_eq!(wrong_operator("a=>1"), Some(Operator::Turned("=>", ">=")));
        assert_eq!(wrong_operator("a =< 1"), Some(Operator::Turned("=<", "<=")));
    }

    #[test]
    fn right_requirements_options_addresses_and_templates_are_left() {
        for line in [
            "a",
            "a==1",
            "a===1",
            "a>=1,<2",
            "a!=1",
            "--extra-index-url=https://example.org/simple",
            "-r=requirements.txt",
            "git+https://example.org/a.git@v=1",
            "a @ https://example.org/a?b=1",
            "./a=1",
            "{{ name }}=1",
            "a={{ version }}",
            "# a=1",
            "",
            "a; python_version=3",
        ] {
            assert_eq!(wrong_operator(line), None, "{line}");
        }
    }

    #[test]
    fn a_requirement_without_any_version_is_known_by_its_name() {
        for (line, name) in [("flask", "flask"), ("flask[async] ; python_version>'3'", "flask"), ("a # b", "a")] {
            assert_eq!(unpinned(line), Some(name));
        }
        for line in ["a==1", "a>=1", "a @ file:///x", "-e .", "a-1.0.whl", "https://example.org/a.whl", "../a", "${A}"]
        {
            assert_eq!(unpinned(line), None, "{line}");
        }
    }
}
