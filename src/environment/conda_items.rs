//! Items of `dependencies:` that conda does not take, and the changes that make it take them.
//!
//! conda hands every text to its match specs, lets every map replace the section of its key, and installs the sections
//! `conda` and `pip`; another section ends the build. A text may be taken apart and still name no package that any
//! channel can have (`python:3.11` is the package `3.11`).

use crate::change::{Change, Scalar, Step};
use crate::edit::Edit;
use crate::source::Span;

use super::conda::{CondaEnvironment, Dependency, PipItem, SpecItem};
use super::conda_edits::quoted;
use super::document::{Kind, NodeId, Style, Syntax};
use super::requirement::{self, Operator};

/// Why conda does not take an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// A colon where `=` is meant: the package's name, and the whole as conda reads it.
    Colon {
        /// The package.
        name: String,
        /// `python=3.11`
        meant: String,
    },
    /// A map with this key, which is no section that conda knows.
    Section(String),
    /// A number, `true` or a list.
    NoText,
    /// A version without the name of a package.
    NoName,
    /// An option of pip's.
    PipOption,
    /// An address that pip could install from.
    Repository,
    /// `- pip:` with anything but a list.
    PipNoList,
    /// A map, a list or nothing among the requirements of `- pip:`.
    PipNoText(Span),
    /// A `- pip:` that another one follows.
    PipTwice,
}

impl CondaEnvironment {
    /// Whether nothing speaks against conda being what reads this: other tools have files with a list `dependencies:`
    /// too (charts of Helm, roles of Ansible, MLflow's `python_env.yaml`), of maps or beside other keys.
    #[must_use]
    pub fn is_plainly_conda(&self) -> bool {
        let known = |key: &str| matches!(key, "name" | "channels" | "dependencies" | "prefix" | "variables" | "<<");
        let entries = self.document.entries(self.map).unwrap_or_default();
        let texts = self.dependencies.iter().any(|item| !matches!(item, Dependency::Other { .. }));
        let large = |index: usize| {
            let id = self.node_of(index)?;
            self.document.entries(id).map(|entries| entries.len() > 1)
        };
        let others =
            (0..self.dependencies.len()).filter(|index| matches!(self.dependencies[*index], Dependency::Other { .. }));
        // The keys first: with few of them an item is found at once.
        entries.iter().all(|(key, _)| self.document.scalar(*key).is_some_and(known))
            && texts
            && !others.into_iter().any(|index| large(index) == Some(true))
    }

    /// The items that conda does not take, by their index.
    #[must_use]
    pub fn untaken(&self) -> Vec<(usize, Untaken)> {
        let last = self.pip_maps().last().map(|(index, _)| index);
        let why = |(index, item): (usize, &Dependency)| {
            let why = match item {
                Dependency::Spec(item) => untaken_spec(item)?,
                // A map that is an alias or has an anchor may be a section that stands for several environments.
                Dependency::Pip(pip) if !pip.items.is_empty() && last != Some(index) => Untaken::PipTwice,
                Dependency::Pip(pip) => {
                    let other = pip.others.iter().find(|span| !self.text[span.start..span.end].contains('{'))?;
                    if pip.list { Untaken::PipNoText(*other) } else { Untaken::PipNoList }
                }
                Dependency::Other { .. } => self.untaken_other(index)?,
            };
            Some((index, why))
        };
        self.dependencies.iter().enumerate().filter_map(why).collect()
    }

    fn node_of(&self, index: usize) -> Option<NodeId> {
        let (_, list) = self.document.get(self.map, "dependencies")?;
        self.document.items(list)?.get(index).copied()
    }

    fn untaken_other(&self, index: usize) -> Option<Untaken> {
        let id = self.node_of(index)?;
        let document = &self.document;
        match &document.resolve(id).kind {
            Kind::Sequence { .. } => Some(Untaken::NoText),
            // Nothing at all is another matter: conda then asks for any package, or for none.
            Kind::Scalar { value, style: Style::Plain } if matches!(value.as_str(), "" | "~") => None,
            Kind::Scalar { value, .. } => {
                (!value.eq_ignore_ascii_case("null") && !value.eq_ignore_ascii_case("false")).then_some(Untaken::NoText)
            }
            Kind::Mapping { entries, .. } => {
                let [(key, value)] = entries.as_slice() else { return None };
                let name = document.scalar(*key)?;
                if !is_package(name) || matches!(name, "pip" | "conda" | "uv") {
                    return None;
                }
                match &document.resolve(*value).kind {
                    Kind::Scalar { style: Style::Block, .. } | Kind::Mapping { .. } | Kind::Alias(_) => None,
                    Kind::Scalar { value: version, .. } if is_version(version) => {
                        Some(Untaken::Colon { name: name.to_owned(), meant: format!("{name}={version}") })
                    }
                    Kind::Scalar { .. } => None,
                    Kind::Sequence { .. } => Some(Untaken::Section(name.to_owned())),
                }
            }
            Kind::Alias(_) => None,
        }
    }

    /// Writes an item with a colon as conda reads it.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn spell(&self, index: usize, meant: &str) -> Result<(Vec<Edit>, Change), String> {
        let path = self.list_path().into_iter().chain([Step::Item(index)]).collect();
        let change = Change::SetValue { path, value: Scalar::Text(meant.to_owned()) };
        if matches!(self.dependencies.get(index), Some(Dependency::Spec(_))) {
            return Ok((self.replace_scalar(index, meant)?, change));
        }
        self.check_list()?;
        let id = self.node_of(index).ok_or("there is no such item")?;
        let node = self.document.node(id);
        let Kind::Mapping { entries, .. } = &node.kind else { return Err("the item is written unusually".to_owned()) };
        let parts = entries.iter().flat_map(|(key, value)| [*key, *value]);
        let plain = |part: NodeId| {
            let part = self.document.node(part);
            part.start == part.span.start && !part.anchored && matches!(part.kind, Kind::Scalar { .. })
        };
        if node.anchored || node.start != node.span.start || !parts.into_iter().all(plain) {
            return Err("the item has a tag, an anchor or an alias".to_owned());
        }
        if self.text[node.span.start..node.span.end].contains(['\n', '#']) {
            return Err("the item is written over several lines".to_owned());
        }
        let style = if self.document.syntax() == Syntax::Json { Style::Double } else { Style::Plain };
        Ok((vec![Edit::replace(node.span, quoted(meant, style, self.flow))], change))
    }

    /// The requirements that have one `=` behind their name: index of the map, number of the requirement, the
    /// requirement, and how.
    pub fn wrong_operators(&self) -> impl Iterator<Item = (usize, usize, &PipItem, Operator)> {
        self.pip_maps().flat_map(|(index, pip)| {
            pip.items.iter().enumerate().filter_map(move |(number, item)| {
                // A line of several is a file of requirements to pip.
                let one = !item.text.contains('\n');
                Some((index, number, item, requirement::wrong_operator(&item.text).filter(|_| one)?))
            })
        })
    }

    /// Writes `==` for the `=` of a requirement.
    ///
    /// # Errors
    /// The reason why it cannot be done.
    pub fn spell_operator(&self, index: usize, number: usize) -> Result<(Vec<Edit>, Change), String> {
        self.check_list()?;
        let Some(Dependency::Pip(pip)) = self.dependencies.get(index) else {
            return Err("there is no such pip section".to_owned());
        };
        let item = pip.items.get(number).ok_or("there is no such requirement")?;
        let Some(Operator::Single(offset)) = requirement::wrong_operator(&item.text) else {
            return Err("its operator is not one = before a version".to_owned());
        };
        if pip.shared || item.shared {
            return Err("it has an anchor or is an alias: its text means something elsewhere too".to_owned());
        }
        let raw = &self.text[item.span.start..item.span.end];
        let quotes = match item.style {
            Style::Plain => 0,
            Style::Single | Style::Double => 1,
            Style::Block => return Err("it is written over several lines".to_owned()),
        };
        if raw.get(quotes..raw.len().saturating_sub(quotes)) != Some(item.text.as_str()) {
            return Err("it is written with escapes".to_owned());
        }
        let edit = Edit::insert(item.span.start + quotes + offset, "=");
        let mut text = item.text.clone();
        text.insert(offset, '=');
        let steps = [Step::Item(index), Step::Key("pip".to_owned()), Step::Item(item.number)];
        let path = self.list_path().into_iter().chain(steps).collect();
        Ok((vec![edit], Change::SetValue { path, value: Scalar::Text(text) }))
    }

    /// The packages that are listed without any version, pip and python aside, then the requirements of the pip section
    /// without one: their names, in order.
    #[must_use]
    pub fn unpinned(&self) -> Vec<&str> {
        let open =
            |item: &SpecItem| item.spec.version.as_deref().is_none_or(|it| it.trim_matches(['=', '*']).is_empty());
        let own = |item: &SpecItem| matches!(item.spec.name.as_str(), "pip" | "python") || untaken_spec(item).is_some();
        let plain = |text: &str| !text.contains(['{', '$', '<', '[']);
        let specs = self.specs().filter(|(_, item)| open(item) && item.spec.build.is_none() && !own(item));
        let specs = specs.map(|(_, item)| item.spec.text.trim()).filter(|text| !text.is_empty() && plain(text));
        let requirements = self.pip_maps().flat_map(|(_, pip)| &pip.items).map(|item| item.text.as_str());
        specs.chain(requirements.filter_map(requirement::unpinned)).collect()
    }

    /// The text of an item, for people.
    #[must_use]
    pub fn text_of(&self, span: Span) -> &str {
        self.text[span.start..span.end].trim_start_matches('-').trim()
    }
}

fn untaken_spec(item: &SpecItem) -> Option<Untaken> {
    let text = item.spec.text.trim();
    if text.contains(['{', '$', '\n']) || text.contains("<%") {
        return None;
    }
    if text.starts_with(['=', '<', '>', '!', '~']) {
        return Some(Untaken::NoName);
    }
    if text.starts_with('-') {
        return Some(Untaken::PipOption);
    }
    if ["git+", "hg+", "svn+", "bzr+"].iter().any(|prefix| text.starts_with(prefix)) {
        return Some(Untaken::Repository);
    }
    let (name, version) = text.split_once(':')?;
    (is_package(name) && is_version(version))
        .then(|| Untaken::Colon { name: name.to_owned(), meant: format!("{name}={version}") })
}

/// Whether a text can be the name of a package.
fn is_package(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Whether a text is a version that conda takes behind `=`, and nothing else.
fn is_version(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '*');
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(letters) && !text.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::document::Syntax;
    use crate::environment::values;
    use crate::source::Source;

    fn environment(text: &str) -> CondaEnvironment {
        CondaEnvironment::parse(&Source::from_text("environment.yml", text)).unwrap().unwrap()
    }

    fn only(item: &str) -> Option<Untaken> {
        let mut found = environment(&format!("dependencies:\n- {item}\n- a\n")).untaken();
        assert!(found.len() < 2);
        found.pop().map(|(_, why)| why)
    }

    /// The text with an edit, which must be the change applied to the values before.
    #[track_caller]
    fn apply(text: &str, (edits, change): (Vec<Edit>, Change)) -> String {
        let after = crate::edit::apply(text, &edits).unwrap();
        let expected = values::apply(values::read(text, Syntax::Yaml).unwrap(), &[&change]).unwrap();
        assert!(values::same(&expected, &values::read(&after, Syntax::Yaml).unwrap()), "{after}");
        after
    }

    #[test]
    fn a_colon_where_an_equals_sign_is_meant_is_found_in_texts_and_maps() {
        for (item, meant) in [
            ("python: 3.10", "python=3.10"),
            ("python:3.11", "python=3.11"),
            ("'numpy:1.26.*'", "numpy=1.26.*"),
            ("{scikit-learn: '1.5'}", "scikit-learn=1.5"),
        ] {
            assert!(matches!(only(item), Some(Untaken::Colon { meant: found, .. }) if found == meant), "{item}");
        }
        for item in
            ["conda-forge::python", "conda-forge:python", "python: latest", "python:", "python: {a: 1}", "uv: [a]"]
        {
            assert_eq!(only(item), None, "{item}");
        }
    }

    #[test]
    fn other_items_that_conda_does_not_take_are_told_apart() {
        assert_eq!(only("npm: [yarn]"), Some(Untaken::Section("npm".to_owned())));
        assert_eq!(only("3.8"), Some(Untaken::NoText));
        assert_eq!(only("[a, b]"), Some(Untaken::NoText));
        assert_eq!(only("'>=3.8'"), Some(Untaken::NoName));
        assert_eq!(only("-r requirements.txt"), Some(Untaken::PipOption));
        assert_eq!(only("git+https://example.org/a.git"), Some(Untaken::Repository));
        assert_eq!(only("pip: 24.0"), Some(Untaken::PipNoList));
        assert!(matches!(only("pip: [a, [b]]"), Some(Untaken::PipNoText(_))));
        for item in [
            "",
            "~",
            "a",
            "pip:",
            "pip: [a]",
            "pip: [\"{{ a }}\"]",
            "'{{ a }}:1'",
            "a @ b",
            "https://example.org/a.conda",
        ] {
            assert_eq!(only(item), None, "{item}");
        }
    }

    #[test]
    fn of_two_pip_sections_the_first_is_not_taken() {
        let found = environment("dependencies:\n- pip: [a]\n- b\n- pip: [c]\n").untaken();
        assert_eq!(found, [(0, Untaken::PipTwice)]);
    }

    #[test]
    fn files_of_other_tools_are_not_plainly_conda() {
        for text in ["dependencies: [a]\n", "name: a\nchannels: [b]\ndependencies:\n- pip: [c]\nprefix: /d\n"] {
            assert!(environment(text).is_plainly_conda(), "{text}");
        }
        for text in [
            "dependencies:\n- name: redis\n  version: 1.2\n",
            "dependencies:\n- role: common\n",
            "build_dependencies: [a]\ndependencies: [b]\n",
            "dependencies:\n- a\n- {name: b, version: 1}\n",
            "dependencies: []\n",
        ] {
            assert!(!environment(text).is_plainly_conda(), "{text}");
        }
    }

    #[test]
    fn a_colon_is_written_as_an_equals_sign_and_nothing_else_changes() {
        let spell = |text: &str, index| {
            let environment = environment(text);
            let (_, why) = environment.untaken().into_iter().find(|(at, _)| *at == index).unwrap();
            let Untaken::Colon { meant, .. } = why else { panic!("{why:?}") };
            environment.spell(index, &meant).map(|done| apply(text, done))
        };
        let text = "dependencies:\r\n- python : 3.10 # why\r\n- a\r\n";
        assert_eq!(spell(text, 0).unwrap(), "dependencies:\r\n- python=3.10 # why\r\n- a\r\n");
        assert_eq!(spell("dependencies: [a, b: 1.10, c]\n", 1).unwrap(), "dependencies: [a, b=1.10, c]\n");
        assert_eq!(spell("dependencies: [a, 'b:1.10']", 1).unwrap(), "dependencies: [a, 'b=1.10']");
        assert!(spell("dependencies:\n- b:\n    1.10\n", 0).unwrap_err().contains("several lines"));
        assert!(spell("dependencies:\n- a: !!str 1.10\n", 0).unwrap_err().contains("tag"));
        assert!(spell("dependencies:\n- &x {a: 1}\n- *x\n", 0).unwrap_err().contains("anchor"));
    }

    #[test]
    fn an_operator_is_spelt_in_its_quotes_whatever_stands_beside_it() {
        let text = "dependencies:\n- pip:\n  -\n  - 'a [b] = 1.0'  # c\n  - d=2; python_version>\"3\"\n";
        let environment = environment(text);
        let places: Vec<(usize, usize)> =
            environment.wrong_operators().map(|(index, item, ..)| (index, item)).collect();
        assert_eq!(places, [(0, 0), (0, 1)]);
        let first = apply(text, environment.spell_operator(0, 0).unwrap());
        assert_eq!(first, text.replace("= 1.0", "== 1.0"));
        let second = apply(text, environment.spell_operator(0, 1).unwrap());
        assert_eq!(second, text.replace("d=2", "d==2"));
        assert!(environment.spell_operator(0, 2).is_err() && environment.spell_operator(1, 0).is_err());
    }

    #[test]
    fn channels_are_listed_before_the_dependencies_in_their_style() {
        let list = |text: &str| {
            let environment = environment(text);
            environment.insert_channels(&["conda-forge".to_owned(), "defaults".to_owned()]).map(|edit| {
                let change = Change::InsertList {
                    path: Vec::new(),
                    before: "dependencies".to_owned(),
                    key: "channels".to_owned(),
                    items: vec!["conda-forge".to_owned(), "defaults".to_owned()],
                };
                apply(text, (vec![edit], change))
            })
        };
        assert_eq!(
            list("name: a\r\n# b\r\ndependencies:\r\n  -   c\r\n").unwrap(),
            "name: a\r\nchannels:\r\n  -   conda-forge\r\n  -   defaults\r\n# b\r\ndependencies:\r\n  -   c\r\n"
        );
        assert_eq!(
            list("# a\n\ndependencies: [c]").unwrap(),
            "# a\n\nchannels: [conda-forge, defaults]\ndependencies: [c]"
        );
        assert_eq!(
            list("{name: a, dependencies: [c]}\n").unwrap(),
            "{name: a, channels: [conda-forge, defaults], dependencies: [c]}\n"
        );
        assert_eq!(
            list("{\n  \"dependencies\": [\"c\"]\n}").unwrap(),
            "{\n  \"channels\": [\"conda-forge\", \"defaults\"],\n  \"dependencies\": [\"c\"]\n}"
        );
        assert!(list("&a\ndependencies: [c]\n").is_err());
        assert!(list("dependencies: []\n").is_ok());
    }
}
