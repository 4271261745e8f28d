//! Every documented fault has a patch, or a reason why there is none. `docs/faults.tsv` lists the faults, patches name
//! them (`document.rows`), and `docs/coverage.md` is made of both: `ENVFIX_UPDATE=1 cargo test --test coverage` writes
//! it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use envfix::Catalogue;
use envfix::patch::file::{Branch, Example, Patch, Suspect};

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// A text file, whose newlines a checkout may have turned.
fn read(name: &str) -> String {
    fs::read_to_string(docs(name)).unwrap_or_default().replace("\r\n", "\n")
}

struct Fault {
    number: u32,
    text: String,
    no_patch: Option<String>,
}

fn faults() -> Vec<Fault> {
    let text = read("faults.tsv");
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("number\tfault\tno-patch"));
    let fault = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        assert!(matches!(cells.len(), 2 | 3), "{line:?}");
        Fault {
            number: cells[0].parse().unwrap(),
            text: cells[1].to_owned(),
            no_patch: cells.get(2).map(|reason| (*reason).to_owned()),
        }
    };
    lines.map(fault).collect()
}

fn about<'a>(catalogue: &'a Catalogue, fault: &Fault) -> Vec<&'a Patch> {
    catalogue.patches().iter().filter(|patch| patch.document.rows.contains(&fault.number)).collect()
}

fn branches(patch: &Patch) -> impl Iterator<Item = &Branch> {
    patch.cases.iter().flat_map(|case| &case.remedy)
}

/// What a patch gives: a fix, advice or both; nothing where every branch leaves the place alone.
fn gives(patch: &Patch) -> Option<&'static str> {
    let fixes = branches(patch).any(|branch| !branch.ensure.is_empty());
    let advises = branches(patch).any(|branch| branch.advice.is_some());
    match (fixes, advises) {
        (true, true) => Some("fix, advice"),
        (true, false) => Some("fix"),
        (false, true) => Some("advice"),
        (false, false) => None,
    }
}

/// Where a patch looks.
fn looks_at(patch: &Patch) -> String {
    let any = |holds: fn(&Suspect) -> bool| patch.cases.iter().flat_map(|case| &case.suspect).any(holds);
    let places = [
        (
            "Dockerfile",
            any(|it| {
                it.stage.is_some()
                    || it.command.is_some()
                    || it.failing.is_some()
                    || it.instruction.is_some()
                    || it.dockerfile.is_some()
            }),
        ),
        ("conda YAML", any(|it| it.conda_environment.is_some())),
        ("definition", any(|it| it.definition.is_some())),
        ("program", any(|it| it.script.is_some())),
        ("log", !patch.symptoms.is_empty()),
    ];
    places.iter().filter(|(_, looks)| *looks).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The example that shows best what a patch does, by its number and its file.
fn shown(catalogue: &Catalogue, patch: &Patch) -> String {
    let examples = catalogue.examples(patch);
    let find = |holds: fn(&Example) -> bool| examples.iter().position(holds);
    let number = find(|it| it.before.is_some()).or_else(|| find(|it| it.advice.is_some())).unwrap_or(0);
    let file = examples.get(number).and_then(|example| example.file.as_deref()).unwrap_or("Dockerfile");
    format!("{}, `{file}`", number + 1)
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn page(catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "# Which patch is about which documented fault\n\n\
         Made from `docs/faults.tsv` and `patches/` by `ENVFIX_UPDATE=1 cargo test --test coverage`. The example is one\n\
         of those of the patch's file, by its number there; `envfix explain PATCH` explains the patch.\n\n\
         | # | fault | patch | gives | looks at | example |\n|---|---|---|---|---|---|\n",
    );
    for fault in faults() {
        let (number, text) = (fault.number, cell(&fault.text));
        let patches = about(catalogue, &fault);
        for patch in &patches {
            let (gives, shown) = (gives(patch).unwrap_or("nothing"), shown(catalogue, patch));
            let link = format!("[{0}](../patches/{0}.yaml)", patch.id);
            writeln!(out, "| {number} | {text} | {link} | {gives} | {} | {shown} |", looks_at(patch)).unwrap();
        }
        if patches.is_empty() {
            let reason = fault.no_patch.as_deref().unwrap_or("not yet");
            writeln!(out, "| {number} | {text} | none: {} | | | |", cell(reason)).unwrap();
        }
    }
    out
}

#[test]
fn the_page_of_what_is_covered_is_up_to_date() {
    let (found, wanted) = (read("coverage.md"), page(&Catalogue::builtin()));
    if found == wanted {
        return;
    }
    if std::env::var_os("ENVFIX_UPDATE").is_some_and(|value| value == "1") {
        fs::write(docs("coverage.md"), wanted).unwrap();
        return;
    }
    let difference = envfix::output::diff::unified("docs/coverage.md", &found, &wanted);
    panic!(
        "docs/coverage.md is not what docs/faults.tsv and the patches say.\n\
         ENVFIX_UPDATE=1 cargo test --test coverage  writes it anew.\n{difference}"
    );
}

#[test]
fn the_faults_are_numbered_from_1_to_95_and_each_says_what_it_is() {
    let faults = faults();
    assert_eq!(faults.iter().map(|fault| fault.number).collect::<Vec<_>>(), (1..=95).collect::<Vec<_>>());
    let mut texts: Vec<&str> = faults.iter().map(|fault| fault.text.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), faults.len(), "two faults have the same text");
    let short = |text: &str| text.trim() != text || text.len() < 15;
    assert!(!texts.iter().any(|text| short(text)));
    assert!(!faults.iter().filter_map(|fault| fault.no_patch.as_deref()).any(short));
}

#[test]
fn every_fault_has_a_patch_or_a_reason_and_none_has_both() {
    let catalogue = Catalogue::builtin();
    let mut wrong = String::new();
    for fault in faults() {
        let patched = !about(&catalogue, &fault).is_empty();
        let what = match (patched, fault.no_patch.is_some()) {
            (true, true) => "has a patch, and docs/faults.tsv says why it has none",
            (false, false) => "has neither a patch nor a reason",
            _ => continue,
        };
        writeln!(wrong, "{}, {}: {what}", fault.number, fault.text).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn patches_name_only_faults_that_are_listed_and_each_once() {
    let numbers: Vec<u32> = faults().iter().map(|fault| fault.number).collect();
    for patch in Catalogue::builtin().patches() {
        let mut met = BTreeSet::new();
        for row in &patch.document.rows {
            assert!(numbers.contains(row), "{}: there is no fault {row}", patch.id);
            assert!(met.insert(row), "{}: fault {row} stands there twice", patch.id);
        }
        assert!(!patch.document.rows.is_empty(), "{}: it names no fault", patch.id);
    }
}

#[test]
fn every_patch_gives_a_fix_or_advice() {
    for patch in Catalogue::builtin().patches() {
        assert!(gives(patch).is_some(), "{}: it only ever leaves things alone", patch.id);
    }
}
