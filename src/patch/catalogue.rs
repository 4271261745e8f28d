//! The patches in force: those compiled in, and those of the folders that a team names.
//!
//! Most of a patch speaks of logs, of other kinds of files, or to people. A run reads what it asks about and no more:
//! starting must take no longer than the work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::compiled::{self, Compiled};
use super::file::{Case, Example, Patch, Place, Setting};

pub use super::check::{check, expression, read};

/// The patches in force, in the order of their ids.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    defaults: BTreeMap<String, Setting>,
    /// All of every patch, once somebody asks for it.
    whole: OnceLock<Vec<Patch>>,
}

/// A patch as far as it was read.
#[derive(Clone, Debug)]
struct Entry {
    stored: Stored,
    cases: Vec<CaseEntry>,
}

#[derive(Clone, Debug)]
struct CaseEntry {
    place: Option<Place>,
    logged: bool,
    case: OnceLock<Case>,
}

#[derive(Clone, Debug)]
enum Stored {
    Builtin(&'static Compiled),
    Given(Box<Patch>),
}

/// A case of a patch, with what of the patch belongs to every finding.
#[derive(Clone, Copy, Debug)]
pub struct CaseOf<'a> {
    /// The patch's id.
    pub id: &'a str,
    /// The patch's title.
    pub title: &'a str,
    /// The case.
    pub case: &'a Case,
}

/// A patch file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is no patch.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place where there is one.
        message: String,
    },
}

impl Entry {
    fn builtin(patch: &'static Compiled) -> Self {
        let cases = patch.cases.iter().map(|case| CaseEntry {
            place: Some(case.place),
            logged: case.logged,
            case: OnceLock::new(),
        });
        Self { stored: Stored::Builtin(patch), cases: cases.collect() }
    }

    fn given(patch: Patch) -> Self {
        let cases = patch.cases.iter().map(|case| CaseEntry {
            place: case.place(),
            logged: case.needs_log(),
            case: OnceLock::from(case.clone()),
        });
        Self { cases: cases.collect(), stored: Stored::Given(Box::new(patch)) }
    }

    fn id(&self) -> &str {
        match &self.stored {
            Stored::Builtin(patch) => patch.id,
            Stored::Given(patch) => &patch.id,
        }
    }

    fn title(&self) -> &str {
        match &self.stored {
            Stored::Builtin(patch) => patch.title,
            Stored::Given(patch) => &patch.title,
        }
    }

    fn values(&self) -> BTreeMap<String, Setting> {
        match &self.stored {
            Stored::Builtin(patch) => patch.values(),
            Stored::Given(patch) => patch.values.clone(),
        }
    }

    fn case(&self, number: usize) -> &Case {
        let entry = &self.cases[number];
        entry.case.get_or_init(|| match &self.stored {
            Stored::Builtin(patch) => patch.cases[number].read(),
            Stored::Given(patch) => patch.cases[number].clone(),
        })
    }

    fn whole(&self) -> Patch {
        match &self.stored {
            Stored::Builtin(patch) => patch.whole(),
            Stored::Given(patch) => (**patch).clone(),
        }
    }
}

impl Catalogue {
    /// The built-in patches.
    #[must_use]
    pub fn builtin() -> Self {
        Self::of_entries(compiled::PATCHES.iter().map(Entry::builtin).collect())
    }

    fn of_entries(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.id().cmp(b.id()));
        let defaults = entries.iter().flat_map(Entry::values).collect();
        Self { entries, defaults, whole: OnceLock::new() }
    }

    /// The built-in patches, and those of `folder`, which take the place of built-in ones with the same id.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read, or is no patch.
    pub fn with_folder(self, folder: &Path) -> Result<Self, CatalogueError> {
        let patches = read_folder(folder)?;
        for (number, patch) in patches.iter().enumerate() {
            if patches[..number].iter().any(|other| other.id == patch.id) {
                let message = format!("two files hold a patch with the id {:?}", patch.id);
                return Err(CatalogueError::Invalid { path: folder.to_owned(), message });
            }
        }
        let mut entries = self.entries;
        entries.retain(|entry| !patches.iter().any(|patch| patch.id == entry.id()));
        entries.extend(patches.into_iter().map(Entry::given));
        Ok(Self::of_entries(entries))
    }

    /// These patches and no others.
    #[cfg(test)]
    pub(crate) fn of(patches: Vec<Patch>) -> Self {
        Self::of_entries(patches.into_iter().map(Entry::given).collect())
    }

    /// The patch of that id alone.
    #[must_use]
    pub fn only(&self, id: &str) -> Self {
        Self::of_entries(self.entries.iter().filter(|entry| entry.id() == id).cloned().collect())
    }

    /// All patches, all of them.
    #[must_use]
    pub fn patches(&self) -> &[Patch] {
        self.whole.get_or_init(|| self.entries.iter().map(Entry::whole).collect())
    }

    /// The patch of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Patch> {
        self.patches().iter().find(|patch| patch.id == id)
    }

    /// Whether there is a patch of that id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.entries.iter().any(|entry| entry.id() == id)
    }

    /// The ids of all patches.
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        self.entries.iter().map(Entry::id).collect()
    }

    /// The cases that look at one of these places, in the order of their patches; those that need a log only of patches
    /// that it shows as causes.
    pub fn cases<'a>(
        &'a self,
        places: &'a [Place],
        shown: &'a BTreeSet<&str>,
    ) -> impl Iterator<Item = CaseOf<'a>> + use<'a> {
        self.entries.iter().flat_map(move |entry| {
            let shown = shown.contains(entry.id());
            let asked = move |case: &CaseEntry| {
                case.place.is_some_and(|place| places.contains(&place)) && (shown || !case.logged)
            };
            let numbers = entry.cases.iter().enumerate().filter(move |(_, case)| asked(case));
            numbers.map(|(number, _)| CaseOf { id: entry.id(), title: entry.title(), case: entry.case(number) })
        })
    }

    /// The names of the values that `envfix.toml` may set: those of the patches, and `pip`, the pin.
    #[must_use]
    pub fn value_names(&self) -> BTreeSet<&str> {
        self.defaults.keys().map(String::as_str).chain(["pip"]).collect()
    }

    /// The values that the patches use, where nothing else is set.
    #[must_use]
    pub fn default_values(&self) -> &BTreeMap<String, Setting> {
        &self.defaults
    }

    /// The examples of a patch. Those of built-in patches are read only now.
    #[must_use]
    pub fn examples(&self, patch: &Patch) -> Vec<Example> {
        if !patch.examples.is_empty() {
            return patch.examples.clone();
        }
        compiled::examples(&patch.id)
    }
}

/// Reads the patches of a folder: every `*.yaml` and `*.yml` directly in it.
///
/// # Errors
/// When the folder or a file in it cannot be read, or is no patch.
pub fn read_folder(folder: &Path) -> Result<Vec<Patch>, CatalogueError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| CatalogueError::Unreadable { path, error }
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(unreadable(folder))?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable(folder)))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            read(&text).map_err(|message| CatalogueError::Invalid { path, message })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_patch_and_every_example_can_be_read() {
        let catalogue = Catalogue::builtin();
        assert!(catalogue.patches().len() >= 5);
        for patch in catalogue.patches() {
            let mut whole = patch.clone();
            whole.examples = catalogue.examples(patch);
            assert!(!whole.examples.is_empty(), "{} has no examples", patch.id);
            check(&whole).unwrap();
        }
    }

    #[test]
    fn what_is_compiled_in_is_what_the_files_say() {
        let files = read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("patches")).unwrap();
        let text = |patch: &Patch| serde_json::to_value(patch).unwrap();
        let (compiled, read) = (Catalogue::builtin(), Catalogue::of(files.clone()));
        assert_eq!(compiled.ids(), read.ids());
        assert_eq!(compiled.default_values(), read.default_values());
        for file in &files {
            let mut patch = compiled.get(&file.id).unwrap().clone();
            patch.examples = compiled.examples(&patch);
            assert_eq!(text(&patch), text(file));
        }
        // Case by case, as a run asks for them.
        let all = |catalogue: &Catalogue, shown: &BTreeSet<&str>| -> Vec<(String, serde_json::Value)> {
            let cases = catalogue.cases(&Place::ALL, shown);
            cases.map(|it| (it.id.to_owned(), serde_json::to_value(it.case).unwrap())).collect()
        };
        let (none, every) = (BTreeSet::new(), compiled.ids().into_iter().collect());
        assert_eq!(all(&compiled, &none), all(&read, &none));
        assert_eq!(all(&compiled, &every), all(&read, &every));
        assert_eq!(all(&compiled, &every).len(), files.iter().map(|patch| patch.cases.len()).sum::<usize>());
    }

    #[test]
    fn an_error_names_the_patch_the_case_and_the_key() {
        let error = read(
            "id: x\ntitle: t\ndocument: {section: s, says: s}\ncases:\n  - suspect: [{fault: f}]\n    remedy: []\n",
        );
        assert_eq!(
            error.unwrap_err(),
            "patch \"x\": case 1: a suspect has one of `failing`, `stage`, `command`, `conda-environment`, `definition`, `script`, `instruction`, `dockerfile`"
        );
        let error = read("id: x\ntitle: t\ndocument: {section: s, says: s}\ncaces: []\n").unwrap_err();
        assert!(error.contains("caces") && error.contains("line 4"), "{error}");
    }
}
