//! The patches: every example of every one is a test, and what a patch file has to have.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use envfix::patch::catalogue::read_folder;
use envfix::patch::file::{Patch, Safety};
use envfix::{Catalogue, examples};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[track_caller]
fn every_example_does_what_it_says(catalogue: &Catalogue) {
    let mut failures = String::new();
    for patch in catalogue.patches() {
        for failure in examples::run(catalogue, patch) {
            failures += &format!("{}, example {}: {}\n", patch.id, failure.number, failure.message);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_example_of_every_builtin_patch_does_what_it_says() {
    every_example_does_what_it_says(&Catalogue::builtin());
}

/// Whether no branch of a patch changes anything.
fn only_advises(patch: &Patch) -> bool {
    patch.cases.iter().flat_map(|case| &case.remedy).all(|branch| branch.ensure.is_empty())
}

#[test]
fn every_builtin_patch_has_examples_of_both_kinds_and_as_many_unchanged_as_changed() {
    let catalogue = Catalogue::builtin();
    for patch in catalogue.patches() {
        let all = catalogue.examples(patch);
        let changed = all.iter().filter(|example| example.before.is_some() && example.after.is_some()).count();
        let unchanged = all.iter().filter(|example| example.unchanged.is_some()).count();
        assert_eq!(changed + unchanged, all.len(), "{}: an example is neither", patch.id);
        let shown = changed > 0 || only_advises(patch) && all.iter().any(|example| example.advice.is_some());
        assert!(shown && unchanged >= changed, "{}: {changed} changed, {unchanged} unchanged", patch.id);
    }
}

#[test]
fn every_unchanged_example_says_what_it_teaches() {
    let catalogue = Catalogue::builtin();
    for patch in catalogue.patches() {
        for (number, example) in catalogue.examples(patch).iter().enumerate() {
            let said = example.because.as_deref().is_some_and(|because| because.len() > 10);
            assert!(example.unchanged.is_none() || said, "{}, example {}: no because", patch.id, number + 1);
        }
    }
}

#[test]
fn every_example_of_a_change_changes_something() {
    let catalogue = Catalogue::builtin();
    for patch in catalogue.patches() {
        for (number, example) in catalogue.examples(patch).iter().enumerate() {
            assert!(
                example.before.is_none() || example.before != example.after || example.encoding.is_some(),
                "{}, example {}",
                patch.id,
                number + 1
            );
        }
    }
}

#[test]
fn the_builtin_patches_are_the_files_and_bear_their_names() {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder("patches")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().and_then(|extension| extension.to_str()), Some("yaml"), "{}", path.display());
        let patch: Patch = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(patch.id.as_str()));
        names.insert(patch.id);
    }
    let ids: Vec<String> = Catalogue::builtin().ids().into_iter().map(str::to_owned).collect();
    assert_eq!(ids, names.into_iter().collect::<Vec<_>>());
}

#[test]
fn ids_are_lower_case_words_joined_by_hyphens() {
    for id in Catalogue::builtin().ids() {
        let words = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        assert!(id.split('-').all(words), "{id}");
    }
}

#[test]
fn every_safe_or_unsafe_branch_says_why() {
    for patch in Catalogue::builtin().patches() {
        for branch in patch.cases.iter().flat_map(|case| &case.remedy).filter(|branch| branch.safety.is_some()) {
            assert!(branch.because.as_ref().is_some_and(|because| because.len() > 10), "{}: {branch:?}", patch.id);
        }
    }
}

#[test]
fn every_builtin_patch_shows_its_safe_change_with_all_others_in_force() {
    let catalogue = Catalogue::builtin();
    for patch in catalogue.patches() {
        let mut branches = patch.cases.iter().flat_map(|case| &case.remedy);
        if !branches.any(|branch| branch.safety == Some(Safety::Safe)) {
            continue;
        }
        let shown = catalogue.examples(patch).iter().any(|example| example.before.is_some() && !example.r#unsafe);
        assert!(shown, "{}", patch.id);
    }
}

// ---- a team's patches

fn with_the_teams() -> Catalogue {
    Catalogue::builtin().with_folder(&folder("testdata/patches")).unwrap()
}

#[test]
fn the_examples_of_a_team_hold_beside_those_of_the_builtin_patches() {
    every_example_does_what_it_says(&with_the_teams());
}

#[test]
fn a_teams_patch_replaces_one_and_adds_one() {
    let (builtin, both) = (Catalogue::builtin(), with_the_teams());
    assert_eq!(both.patches().len(), builtin.patches().len() + 1);
    assert_ne!(both.get("timeouts").unwrap().title, builtin.get("timeouts").unwrap().title);
    assert!(builtin.get("pip-retries").is_none() && both.get("pip-retries").is_some());
    assert!(both.value_names().contains("pip-retries"));
    assert!(!both.value_names().contains("conda-timeout"), "nothing uses it any more");
    assert!(both.ids().is_sorted());
}

#[test]
fn the_examples_of_a_patch_that_was_replaced_are_its_own() {
    let catalogue = with_the_teams();
    let examples = catalogue.examples(catalogue.get("timeouts").unwrap());
    assert_eq!(examples.len(), 2);
}

#[test]
fn the_failure_of_an_example_says_which_and_shows_a_diff() {
    let mut patches = read_folder(&folder("testdata/patches")).unwrap();
    let mut patch = patches.remove(0);
    patch.examples[0].after = patch.examples[0].before.clone();
    let failures = examples::run(&with_the_teams(), &patch);
    assert_eq!((failures.len(), failures[0].number), (1, 1));
    assert!(failures[0].message.contains("\n+ENV "), "{}", failures[0].message);
}

#[test]
fn an_example_whose_advice_is_not_given_fails() {
    let catalogue = Catalogue::builtin();
    let mut patch = catalogue.get("pip-pin").unwrap().clone();
    patch.examples = catalogue.examples(&patch);
    let number = patch.examples.iter().position(|example| example.advice.is_some()).unwrap();
    patch.examples[number].advice = Some("have a cup of tea".to_owned());
    let failures = examples::run(&catalogue, &patch);
    assert_eq!((failures.len(), failures[0].number), (1, number + 1));
    assert!(failures[0].message.contains("cup of tea"), "{}", failures[0].message);
}

#[test]
fn a_folder_may_hold_other_files_and_yml() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(self::folder("testdata/patches/pip-retries.yaml")).unwrap();
    fs::write(folder.path().join("pip-retries.yml"), text).unwrap();
    fs::write(folder.path().join("README.md"), "# ours").unwrap();
    assert_eq!(read_folder(folder.path()).unwrap().len(), 1);
}

/// A newer image may need other remedies than the old one: they are chosen by what the patched file says.
#[test]
fn where_the_base_image_changes_the_other_patches_see_the_new_one() {
    const PATCH: &str = r#"
id: newer-ubuntu
title: Start from Ubuntu 24.04
document: {section: Base image is deprecated, says: Start from a newer image.}
cases:
  - suspect: [{hardening: "{image} is old", instruction: {image-named: [ubuntu]}}]
    remedy: [{safety: unsafe, because: everything is newer, ensure: [{base-image: "ubuntu:24.04"}]}]
examples:
  - unsafe: true
    because: Ubuntu 24.04 has no python3-distutils
    before: |
      FROM ubuntu:20.04
      RUN apt-get update && apt-get install -y python3 && rm -rf /var/lib/apt/lists/*
    after: |
      FROM ubuntu:24.04
      RUN apt-get update && apt-get install -y python3 python3-setuptools && ln -sf /usr/bin/python3 /usr/bin/python && rm -rf /var/lib/apt/lists/*
  - because: nobody asked for a newer image
    unchanged: |
      FROM ubuntu:20.04
      RUN apt-get update && apt-get install -y python3 python3-distutils && ln -sf /usr/bin/python3 /usr/bin/python
"#;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("newer-ubuntu.yaml"), PATCH).unwrap();
    let catalogue = Catalogue::builtin().with_folder(folder.path()).unwrap();
    assert_eq!(examples::run(&catalogue, catalogue.get("newer-ubuntu").unwrap()), []);
}
