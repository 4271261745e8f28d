//! Versions: of Python, of a distribution's release, and of anything with dots and numbers. They are compared by
//! their numbers, never as text (3.9 comes before 3.10).

use std::cmp::Ordering;
use std::fmt;

/// A Python's major and minor version: what decides which pip and which modules it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// 2 or 3.
    pub major: u32,
    /// The 10 of 3.10.
    pub minor: u32,
}

impl PythonVersion {
    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads "3.10", "3.10.4", "3.13.0rc1", "310" and "py310". A major version alone names no version: `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("python").or_else(|| text.strip_prefix("py")).unwrap_or(text);
        if let Some((major, rest)) = text.split_once('.') {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (minor, tail) = rest.split_at(digits);
            let tail_ok = tail.is_empty() || tail.starts_with(['.', 'a', 'b', 'r', 'c', 't', '-', '+']);
            return if tail_ok { Self::checked(number(major)?, number(minor)?) } else { None };
        }
        let (major, minor) = (text.get(..1)?, text.get(1..)?);
        Self::checked(number(major)?, number(minor)?)
    }

    fn checked(major: u32, minor: u32) -> Option<Self> {
        (matches!(major, 2 | 3) && minor < 100).then_some(Self { major, minor })
    }

    /// Whether its standard library has `distutils`: Python 3.12 took it out (PEP 632).
    #[must_use]
    pub fn has_distutils(self) -> bool {
        self < Self::new(3, 12)
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Compares versions of dotted numbers; a part that is no number counts by its leading digits, a missing one as 0.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        match next_number(&mut left).cmp(&next_number(&mut right)) {
            Ordering::Equal => {}
            other => return other,
        }
    }
    Ordering::Equal
}

/// The number that the first part begins with, taken off with its dot.
fn next_number(rest: &mut &[u8]) -> u64 {
    const MOST_DIGITS: usize = 18;
    let part = &rest[..rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len())];
    *rest = rest.get(part.len() + 1..).unwrap_or_default();
    let digits = part.iter().take_while(|byte| byte.is_ascii_digit()).take(MOST_DIGITS);
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// A distribution: who makes the packages and names the releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distribution {
    /// Debian.
    Debian,
    /// Ubuntu.
    Ubuntu,
    /// Alpine Linux.
    Alpine,
    /// Fedora.
    Fedora,
    /// Red Hat Enterprise Linux and its Universal Base Images.
    RedHat,
    /// CentOS and CentOS Stream.
    CentOs,
    /// AlmaLinux.
    AlmaLinux,
    /// Rocky Linux.
    Rocky,
    /// Oracle Linux.
    Oracle,
    /// Amazon Linux.
    Amazon,
    /// Azure Linux, CBL-Mariner before version 3.
    AzureLinux,
    /// openSUSE and SUSE Linux Enterprise.
    Suse,
    /// Arch Linux, which has no releases.
    Arch,
    /// Windows.
    Windows,
}

impl Distribution {
    /// Every distribution.
    pub const ALL: [Self; 14] = [
        Self::Debian,
        Self::Ubuntu,
        Self::Alpine,
        Self::Fedora,
        Self::RedHat,
        Self::CentOs,
        Self::AlmaLinux,
        Self::Rocky,
        Self::Oracle,
        Self::Amazon,
        Self::AzureLinux,
        Self::Suse,
        Self::Arch,
        Self::Windows,
    ];

    /// Its name in the tables and in patch files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Ubuntu => "ubuntu",
            Self::Alpine => "alpine",
            Self::Fedora => "fedora",
            Self::RedHat => "redhat",
            Self::CentOs => "centos",
            Self::AlmaLinux => "almalinux",
            Self::Rocky => "rockylinux",
            Self::Oracle => "oraclelinux",
            Self::Amazon => "amazonlinux",
            Self::AzureLinux => "azurelinux",
            Self::Suse => "suse",
            Self::Arch => "arch",
            Self::Windows => "windows",
        }
    }

    /// The distribution of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|distribution| distribution.name() == name)
    }

    /// Whether its packages come by apt.
    #[must_use]
    pub fn uses_apt(self) -> bool {
        matches!(self, Self::Debian | Self::Ubuntu)
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A release of a distribution: debian 12, ubuntu 22.04, alpine 3.18. Ordered by distribution, then by number.
#[derive(Clone, Debug)]
pub struct Release {
    /// Whose release.
    pub distribution: Distribution,
    /// Its number: Debian's major one alone ("12"), Ubuntu's year and month ("22.04"). Empty where only whose release it
    /// is is known, as for `python:3.12-alpine`.
    pub version: String,
}

impl Release {
    /// The release `version` of `distribution`.
    pub fn new(distribution: Distribution, version: impl Into<String>) -> Self {
        Self { distribution, version: version.into() }
    }

    /// Reads "debian 12", "ubuntu 22.04" and, where the distribution has code names, "ubuntu jammy".
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, version) = text.trim().split_once(' ')?;
        let distribution = Distribution::from_name(name)?;
        let version = version.trim();
        if version.bytes().next()?.is_ascii_digit() {
            return Some(Self::new(distribution, version));
        }
        super::distribution::by_codename(distribution, version).map(super::distribution::DistributionRow::release)
    }

    /// Its code name: `jammy`, `bookworm`.
    #[must_use]
    pub fn codename(&self) -> Option<&'static str> {
        super::distribution::row(self).and_then(|row| row.codename)
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Release {}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Release {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distribution.cmp(&other.distribution).then_with(|| compare(&self.version, &other.version))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version.as_str() {
            "" => write!(f, "{}", self.distribution),
            version => write!(f, "{} {version}", self.distribution),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_version_is_read_in_every_spelling() {
        let expected = Some(PythonVersion::new(3, 10));
        for text in ["3.10", "3.10.4", "310", "py310", "python3.10", "3.10.0rc1", " 3.10 ", "3.10-slim"] {
            assert_eq!(PythonVersion::parse(text), expected, "{text}");
        }
        assert_eq!(PythonVersion::parse("27"), Some(PythonVersion::new(2, 7)));
        assert_eq!(PythonVersion::parse("3.13.0a1"), Some(PythonVersion::new(3, 13)));
    }

    #[test]
    fn what_is_no_python_version_is_refused() {
        for text in ["", "3", "py", "3.", "3.x", "4.1", "1.5", "22.04", "3.10000000000", "31000", "3.1x0", "é1", "py3"]
        {
            assert_eq!(PythonVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_by_number() {
        assert!(PythonVersion::new(3, 9) < PythonVersion::new(3, 10));
        assert!(PythonVersion::new(3, 11).has_distutils() && !PythonVersion::new(3, 12).has_distutils());
        assert_eq!(compare("24.0", "24"), Ordering::Equal);
        assert_eq!(compare("20.3.4", "20.10"), Ordering::Less);
        assert_eq!(compare("99999999999999999999999", "1"), Ordering::Greater);
        assert_eq!(compare("", "0.0"), Ordering::Equal);
        assert_eq!(compare("3.9rc1", "3.9"), Ordering::Equal);
        assert_eq!(compare("3.x", "3.0.1"), Ordering::Less);
        assert!(Release::new(Distribution::Debian, "9") < Release::new(Distribution::Debian, "10"));
        assert!(Release::new(Distribution::Ubuntu, "22.04") > Release::new(Distribution::Ubuntu, "18.04"));
    }

    #[test]
    fn a_release_is_read_by_number_and_by_code_name() {
        assert_eq!(Release::parse("ubuntu 22.04"), Release::parse("ubuntu jammy"));
        assert_eq!(Release::parse("debian bookworm"), Some(Release::new(Distribution::Debian, "12")));
        assert_eq!(Release::parse("debian jammy"), None);
        assert_eq!(Release::parse("plan9 4"), None);
        assert_eq!(Release::new(Distribution::Debian, "13").codename(), Some("trixie"));
        assert_eq!(Release::new(Distribution::Debian, "13").to_string(), "debian 13");
    }
}
