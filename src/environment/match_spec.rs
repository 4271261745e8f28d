//! conda's match specs: `python=3.8`, `conda-forge::pip >=24,<25`, `python[version='3.8']`.
//!
//! The rules are those of conda's own `MatchSpec` (`conda/models/match_spec.py`) and, for
//! [`listed_as_pip`], of `validate_keys` in `conda_env/env.py`. A text that conda would refuse still
//! gives a [`MatchSpec`]: refusing it is conda's business, and what could not be understood shows as
//! a constraint that nothing is known about, never as a pin.

/// One match spec, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchSpec {
    /// The text as given.
    pub text: String,
    /// The channel before `::`, with its platform if it names one.
    pub channel: Option<String>,
    /// The package's name in lower case, as conda compares it.
    pub name: String,
    /// What is asked of the version, without blanks: `3.8.*`, `>=3.8,<3.9`, `==3.8.13`, `=3.8`.
    pub version: Option<String>,
    /// What is asked of the build.
    pub build: Option<String>,
}

/// What a spec says about the minor version of a package whose releases are `X.Y.Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Minor {
    /// Every version it allows has this major and minor number.
    Pinned(u32, u32),
    /// It asks for something, but for no single minor version, or not in a way that is understood.
    Constrained,
    /// It asks for nothing.
    Unstated,
}

/// conda's own question whether an item of `dependencies:` lists pip: the text up to the first of
/// `<`, `>`, `~`, `=` or white space, split at `::`, has a part that is exactly `pip`. So `pip!=20.3`
/// does not list pip, and neither does `pip[version='24.0']`.
#[must_use]
pub fn listed_as_pip(spec: &str) -> bool {
    // Python's `\s` also holds the four information separators.
    let ends = |c: char| matches!(c, '<' | '>' | '~' | '=' | '\x1c'..='\x1f') || c.is_whitespace();
    spec.split(ends).next().unwrap_or_default().split("::").any(|part| part == "pip")
}

impl MatchSpec {
    /// Takes a spec apart.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut rest = text.split('#').next().unwrap_or_default().trim();
        let mut bracketed = Vec::new();
        if let Some(open) = rest.find('[')
            && let Some(inside) = rest[open + 1..].strip_suffix(']')
        {
            bracketed = key_values(inside);
            rest = rest[..open].trim_end();
        }
        let (channel, rest) = match rest.rsplit_once("::") {
            Some((channel, rest)) => (Some(channel.trim()), rest.trim()),
            None => (None, rest),
        };
        // A single colon is `channel:namespace:name` with an empty namespace.
        let channel = channel.filter(|channel| !channel.is_empty()).map(str::to_owned);
        let name_end = rest.find([' ', '\t', '=', '<', '>', '!', '~', '[']).unwrap_or(rest.len());
        let (name, constraint) = rest.split_at(name_end);
        let (version, build) = split_build(constraint.trim());
        let mut spec = Self {
            text: text.to_owned(),
            channel,
            name: name.to_lowercase(),
            version: Some(version).filter(|version| !version.is_empty()),
            build,
        };
        for (key, value) in bracketed {
            match key {
                "version" => spec.version = Some(value.replace(' ', "")),
                "build" => spec.build = Some(value.to_owned()),
                "channel" => spec.channel = Some(value.to_owned()),
                "name" if spec.name.is_empty() || spec.name == "*" => spec.name = value.to_lowercase(),
                _ => {}
            }
        }
        spec
    }

    /// What the spec says about the minor version; meant for `python`.
    #[must_use]
    pub fn minor(&self) -> Minor {
        minor_of([self])
    }

    /// Whether it names one version exactly: `pip==24.0`, `pip=24.0=py38_0`, or as `pip=24.0`, which
    /// allows 24.0 and its patch releases. A number alone (`pip=24`) is a pin for a person too.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.version.as_deref().is_some_and(|version| {
            let digits = version.trim_start_matches('=');
            version.len() - digits.len() <= 2
                && digits.starts_with(|c: char| c.is_ascii_digit())
                && !digits.contains(['|', ',', '<', '>', '!', '~'])
        })
    }

    /// Whether the version `major.minor.patch` satisfies the spec's version. `None` when the
    /// constraint is not understood.
    #[must_use]
    pub fn allows(&self, release: [u32; 3]) -> Option<bool> {
        let Some(version) = &self.version else { return Some(true) };
        let choices = constraint(version, self.build.is_some())?;
        Some(allowed(&choices, release))
    }
}

/// What several specs of one package say together about its minor version.
#[must_use]
pub fn minor_of<'a>(specs: impl IntoIterator<Item = &'a MatchSpec>) -> Minor {
    let mut all = Vec::new();
    let mut asked = false;
    for spec in specs {
        let Some(version) = &spec.version else { continue };
        if matches!(version.as_str(), "*" | "=*" | "==*") {
            continue;
        }
        asked = true;
        match constraint(version, spec.build.is_some()) {
            Some(choices) => all.push(choices),
            None => return Minor::Constrained,
        }
    }
    if !asked {
        return Minor::Unstated;
    }
    // The constraints are tried on every version that could be released, which is simpler than arithmetic on ranges.
    // Where none names a patch release, all of those but the first are alike to them.
    let names_patch = all.iter().flatten().flatten().any(|comparison| comparison.given > 2);
    let patches = if names_patch { 0..=40 } else { 0..=1 };
    let minors = (0..=7).map(|minor| (2, minor)).chain((0..=60).map(|minor| (3, minor)));
    let mut fitting = minors.filter(|(major, minor)| {
        patches.clone().any(|patch| all.iter().all(|choices| allowed(choices, [*major, *minor, patch])))
    });
    match (fitting.next(), fitting.next()) {
        (Some((major, minor)), None) => Minor::Pinned(major, minor),
        _ => Minor::Constrained,
    }
}

/// `key=value` pairs between brackets; values may be quoted.
fn key_values(mut text: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    while let Some((key, rest)) = text.split_once('=') {
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (value, after) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => rest.split_at(rest.find([',', ' ']).unwrap_or(rest.len())),
        };
        pairs.push((key.trim_matches([' ', ',']), value.trim()));
        text = after.trim_start_matches([' ', ',']);
    }
    pairs
}

/// Splits `3.8=h123`, `3.8 h123` or `>=3.8,<3.9` into version and build as conda's regular
/// expression does: at the first blank or `=` that follows no operator and that no operator follows.
fn split_build(constraint: &str) -> (String, Option<String>) {
    let operator = ['-', '=', ',', '|', '<', '>', '~'];
    let last_operator = constraint.rfind(operator).unwrap_or(0);
    let split = constraint.char_indices().skip(1).find(|(at, c)| {
        *at >= last_operator
            && matches!(c, ' ' | '=')
            && !constraint[..*at].ends_with(['=', '!', '|', ',', '<', '>', '~'])
            && !constraint[at + 1..].trim().is_empty()
    });
    match split {
        Some((at, _)) => (constraint[..at].replace([' ', '\t'], ""), Some(constraint[at + 1..].trim().to_owned())),
        None => (constraint.replace([' ', '\t'], ""), None),
    }
}

/// How one version is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    /// `3.8.*` and `=3.8`
    StartsWith,
    NotStartsWith,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `~=3.8`: at least that, and all but its last number the same
    Compatible,
}

/// One comparison. Numbers that are left out count as 0, as in conda.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    release: [u32; 3],
    /// How many of the numbers were given.
    given: usize,
}

impl Comparison {
    fn holds(&self, version: [u32; 3]) -> bool {
        let starts = |given: usize| version[..given] == self.release[..given];
        match self.operator {
            Operator::Equal => version == self.release,
            Operator::NotEqual => version != self.release,
            Operator::StartsWith => starts(self.given),
            Operator::NotStartsWith => !starts(self.given),
            Operator::Less => version < self.release,
            Operator::LessOrEqual => version <= self.release,
            Operator::Greater => version > self.release,
            Operator::GreaterOrEqual => version >= self.release,
            Operator::Compatible => version >= self.release && starts(self.given.saturating_sub(1)),
        }
    }
}

/// One of the choices between `|`; every comparison of one must hold.
type Choices = Vec<Vec<Comparison>>;

fn allowed(choices: &Choices, version: [u32; 3]) -> bool {
    choices.iter().any(|all| all.iter().all(|comparison| comparison.holds(version)))
}

/// Reads a version constraint; `None` where any part of it is not understood.
fn constraint(text: &str, has_build: bool) -> Option<Choices> {
    if text.contains(['(', ')', '^', '$', '{']) {
        return None;
    }
    let single = !text.contains([',', '|']);
    let part = |part: &str| comparison(part, single && has_build);
    let choice = |choice: &str| choice.split(',').map(part).collect::<Option<Vec<_>>>();
    let choices = text.split('|').map(choice).collect::<Option<Vec<_>>>()?;
    Some(choices.into_iter().map(|choice| choice.into_iter().flatten().collect()).collect())
}

/// Reads one comparison; `Some(None)` for `*`, which asks for nothing.
fn comparison(text: &str, has_build: bool) -> Option<Option<Comparison>> {
    let text = text.trim();
    if text == "*" || text == "=*" || text == "==*" {
        return Some(None);
    }
    let operators = [
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("~=", Operator::Compatible),
        ("<", Operator::Less),
        (">", Operator::Greater),
        // With a build beside it, `=3.8` is 3.8 exactly.
        ("=", if has_build { Operator::Equal } else { Operator::StartsWith }),
    ];
    let (mut operator, rest) = operators
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
        .unwrap_or((Operator::Equal, text));
    let rest = rest.trim();
    let numbers = rest.strip_suffix(".*").or_else(|| rest.strip_suffix('*'));
    if numbers.is_some() {
        operator = match operator {
            Operator::Equal | Operator::StartsWith => Operator::StartsWith,
            Operator::NotEqual => Operator::NotStartsWith,
            // conda reads `>=3.8.*` as `>=3.8`.
            other => other,
        };
    }
    let numbers = numbers.unwrap_or(rest);
    let mut release = [0u32; 3];
    let mut given = 0;
    for number in numbers.split('.') {
        // A fourth number or a suffix (`3.12.0rc1`) cannot decide which minor version it is.
        let digits: &str = &number[..number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len())];
        let slot = release.get_mut(given);
        match (slot, digits.parse()) {
            (Some(slot), Ok(value)) => *slot = value,
            (None, Ok::<u32, _>(_)) => continue,
            (_, Err(_)) => return None,
        }
        if digits.len() != number.len() && given < 2 {
            return None;
        }
        given += 1;
    }
    Some(Some(Comparison { operator, release, given }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<String>, String, Option<String>, Option<String>) {
        let spec = MatchSpec::parse(text);
        (spec.channel, spec.name, spec.version, spec.build)
    }

    fn expect(text: &str, channel: &str, name: &str, version: &str, build: &str) {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        assert_eq!(parts(text), (some(channel), name.to_owned(), some(version), some(build)), "{text}");
    }

    #[test]
    fn every_spelling_of_a_spec_is_taken_apart() {
        expect("python", "", "python", "", "");
        expect("python=3.8", "", "python", "=3.8", "");
        expect("python==3.8.13", "", "python", "==3.8.13", "");
        expect("python >=3.8,<3.9", "", "python", ">=3.8,<3.9", "");
        expect("python >=3.8, <3.9", "", "python", ">=3.8,<3.9", "");
        expect("python = 3.8", "", "python", "=3.8", "");
        expect("python 3.8", "", "python", "3.8", "");
        expect("python 3.8 h123", "", "python", "3.8", "h123");
        expect("python=3.8=h123", "", "python", "=3.8", "h123");
        expect("python=3.11.*=*_cpython", "", "python", "=3.11.*", "*_cpython");
        expect("conda-forge::python=3.8", "conda-forge", "python", "=3.8", "");
        expect("conda-forge/linux-64::x", "conda-forge/linux-64", "x", "", "");
        expect("python[version='3.8']", "", "python", "3.8", "");
        expect("Python[version='>=3.8, <3.9', build=h1]", "", "python", ">=3.8,<3.9", "h1");
        expect("pip!=20.3", "", "pip", "!=20.3", "");
        expect("pip>=24", "", "pip", ">=24", "");
        expect("numpy=1.11|1.12", "", "numpy", "=1.11|1.12", "");
        expect("python:3.11", "", "python:3.11", "", "");
        expect("", "", "", "", "");
    }

    #[test]
    fn pip_is_listed_exactly_where_conda_finds_it() {
        for listed in ["pip", "pip=24.0", "pip <20.3", "pip~=24", "conda-forge::pip=24.0", "pip::x", "pip\t1"] {
            assert!(listed_as_pip(listed), "{listed}");
        }
        for unlisted in ["pip!=20.3", "pip[version='24']", " pip", "pip-tools", "PIP", "", "pip:24"] {
            assert!(!listed_as_pip(unlisted), "{unlisted}");
        }
    }

    #[test]
    fn a_spec_pins_a_minor_version_when_all_it_allows_share_one() {
        for pinned in [
            "python=3.8",
            "python==3.8.13",
            "python 3.8",
            "python = 3.8",
            "python=3.8.*",
            "python=3.8*",
            "python>=3.8,<3.9",
            "python>=3.8,<=3.8.20",
            "python~=3.8.5",
            "python==3.8.*",
            "python=3.8=h123",
            "python[version='3.8']",
            "python=3.8.1|3.8.2",
            "python>=3.8,<3.9.0a0",
        ] {
            assert_eq!(MatchSpec::parse(pinned).minor(), Minor::Pinned(3, 8), "{pinned}");
        }
        for constrained in [
            "python=3",
            "python>=3.8",
            "python<3.9",
            "python!=3.8",
            "python~=3.8",
            "python>3.8,<3.10",
            "python=3.8|3.9.*",
            "python={{ version }}",
            "python=^3.8$",
            "python=3.8,=3.9",
            "python=x",
        ] {
            assert_eq!(MatchSpec::parse(constrained).minor(), Minor::Constrained, "{constrained}");
        }
        assert_eq!(MatchSpec::parse("python").minor(), Minor::Unstated);
        assert_eq!(MatchSpec::parse("python=*").minor(), Minor::Unstated);
        assert_eq!(MatchSpec::parse("python=3.12.0rc1").minor(), Minor::Pinned(3, 12));
        let both = [MatchSpec::parse("python>=3.8"), MatchSpec::parse("python<3.9")];
        assert_eq!(minor_of(&both), Minor::Pinned(3, 8));
    }

    #[test]
    fn a_pin_is_one_version_and_no_range() {
        for pinned in ["pip=24.0", "pip==24.0", "pip 24.0", "pip=24", "pip=24.0=py38_0", "pip=24.*"] {
            assert!(MatchSpec::parse(pinned).is_pinned(), "{pinned}");
        }
        for open in ["pip", "pip>=24", "pip<20.3", "pip!=20.3", "pip~=24.0", "pip=20|21", "pip=*"] {
            assert!(!MatchSpec::parse(open).is_pinned(), "{open}");
        }
    }

    #[test]
    fn an_allowed_version_satisfies_the_constraint() {
        let spec = MatchSpec::parse("python>=3.8,<3.11");
        assert_eq!(spec.allows([3, 10, 14]), Some(true));
        assert_eq!(spec.allows([3, 11, 0]), Some(false));
        assert_eq!(MatchSpec::parse("python=^3").allows([3, 8, 0]), None);
    }
}
