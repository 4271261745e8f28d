//! Names of common Python packages: what a name that does not exist may have been meant as.

use crate::shell::tool::normalise;

/// The names, normalised, in order.
const NAMES: &str = include_str!("data/python_packages.txt");

/// Modules that are known by another name than the package that has them.
const MODULES: [(&str, &str); 14] = [
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("crypto", "pycryptodome"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("dotenv", "python-dotenv"),
    ("google-protobuf", "protobuf"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("mysqldb", "mysqlclient"),
    ("pil", "pillow"),
    ("serial", "pyserial"),
    ("sklearn", "scikit-learn"),
    ("yaml", "pyyaml"),
];

/// The one common package that a name was most likely meant as. `None` where the name is a common one itself, or none or
/// several are as close.
#[must_use]
pub fn meant(name: &str) -> Option<&'static str> {
    let name = normalise(name);
    let names = || NAMES.lines().filter(|line| !line.starts_with('#'));
    if name.len() > 60 || names().any(|known| known == name) {
        return None;
    }
    if let Some((_, package)) = MODULES.iter().find(|(module, _)| *module == name) {
        return Some(package);
    }
    // One slip in a short name, two in a longer one; a name of four letters has too many neighbours.
    let most = match name.len() {
        0..=4 => return None,
        5..=7 => 1,
        _ => 2,
    };
    let near = |known: &&str| known.len().abs_diff(name.len()) <= most;
    let mut found: Vec<(usize, &'static str)> = names()
        .filter(near)
        .map(|known| (strsim::osa_distance(known, &name), known))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    found.sort_unstable();
    match found.as_slice() {
        [(_, only)] => Some(only),
        [(best, first), (next, _), ..] if best < next => Some(first),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_good_name_is_not_questioned() {
        assert_eq!(meant("nunpy"), Some("numpy"));
        assert_eq!(meant("Scikit_lern"), Some("scikit-learn"));
        assert_eq!(meant("tensorflwo"), Some("tensorflow"));
        assert_eq!(meant("numpy"), None);
        assert_eq!(meant("my-company-utils"), None);
        assert_eq!(meant("cv2"), Some("opencv-python"));
        assert_eq!(meant("abcd"), None);
    }

    #[test]
    fn names_are_compared_as_indices_do() {
        assert_eq!(normalise("Ruamel.YAML__x"), "ruamel-yaml-x");
    }

    #[test]
    fn the_list_is_in_order_and_normalised() {
        let names: Vec<&str> = NAMES.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(names.is_sorted() && names.iter().all(|name| normalise(name) == *name));
        assert!(names.len() > 500);
    }
}
