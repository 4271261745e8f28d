use super::*;
use crate::build_log::{Below, Outcome, Outside};
use crate::context::BuildContext;
use crate::patch::catalogue;
use crate::project::Project;
use crate::settings::Settings;
use crate::source::Source;

fn step(instruction: &str) -> Step {
    Step {
        number: None,
        stage: None,
        instruction: Some(instruction.to_owned()),
        cut: false,
        dockerfile_lines: None,
        line: 1,
        outcome: Outcome::Failed { code: Some(1), line: 9 },
        overcome: false,
        azureml: false,
        sightings: Vec::new(),
        tools: Vec::new(),
        tail: Vec::new(),
    }
}

fn log(steps: Vec<Step>) -> BuildLog {
    BuildLog { lines: 9, builder: None, steps, ended: Ended::Failed, error: None, outside: Outside::default() }
}

fn dockerfile(text: &str) -> Project {
    Project::of_text(Source::from_text("Dockerfile", text), BuildContext::None, Settings::default()).unwrap()
}

/// What a step is tied to whose log prints the first instruction, too.
fn tied(step: &Step, text: &str) -> Option<(usize, bool)> {
    tied_with(step, &[text.lines().next().unwrap()], text)
}

/// What a step is tied to whose log prints other instructions before it.
fn tied_with(failed: &Step, others: &[&str], text: &str) -> Option<(usize, bool)> {
    let mut steps: Vec<Step> = others.iter().map(|other| step(other)).collect();
    for other in &mut steps {
        other.line = 0;
    }
    tie(failed, &steps, &dockerfile(text).members[0]).map(|found| (found.instruction, found.exact))
}

const THREE: &str = "FROM debian:12\nRUN apt-get update && \\\n    apt-get install -y git\nRUN pip install flask==2.0 numpy pandas\nCOPY . /app\nRUN pip install /app\n";

#[test]
fn an_instruction_is_found_as_the_builder_prints_it() {
    assert_eq!(tied(&step("RUN apt-get update &&     apt-get install -y git"), THREE), Some((1, true)));
    assert_eq!(tied(&step("run pip install /app"), THREE), Some((4, true)));
    assert_eq!(tied(&step("COPY . /app"), THREE), Some((3, true)));
    assert_eq!(tied(&step("RUN make"), THREE), None);
    assert_eq!(tied(&step("COPY package.json ./"), THREE), None);
}

#[test]
fn an_instruction_is_found_after_a_small_change() {
    assert_eq!(tied(&step("RUN pip install flask==2.1 numpy pandas scipy"), THREE), Some((2, false)));
    assert_eq!(
        tied(&step("RUN apt-get update && apt-get install -y --no-install-recommends git"), THREE),
        Some((1, false))
    );
}

#[test]
fn an_instruction_of_another_build_is_not_taken_for_the_one_that_failed() {
    let update = step("RUN apt-get update && apt-get install -y --no-install-recommends haskell-platform");
    assert_eq!(tied_with(&update, &["FROM ubuntu:17.10"], THREE), None);
    assert_eq!(tied_with(&update, &[], THREE), None);
    assert_eq!(
        tied_with(&step("RUN pip install /app"), &["FROM ubuntu:17.10", "COPY . /srv", "RUN make"], THREE),
        None
    );
    // Its own words say enough.
    let special = step("RUN pip install flask==2.0 numpy pandas scipy");
    assert_eq!(tied_with(&special, &["FROM ubuntu:17.10", "RUN make"], THREE), Some((2, false)));
    assert_eq!(tied_with(&special, &[], THREE), Some((2, false)));
}

#[test]
fn another_release_of_the_base_image_is_a_small_change() {
    let others = ["FROM debian:11", "RUN apt-get update && apt-get install -y git"];
    assert_eq!(tied_with(&step("RUN pip install flask==2.1"), &others, THREE), Some((2, false)));
}

#[test]
fn of_two_that_are_alike_none_is_chosen_unless_more_speaks_for_one() {
    let text = "FROM a\nRUN pip install one two three four\nRUN pip install one two three five\n";
    let mut printed = step("RUN pip install one two three six");
    assert_eq!(tied(&printed, text), None);
    printed.dockerfile_lines = Some((3, 3));
    assert_eq!(tied(&printed, text), Some((2, false)));
    printed.dockerfile_lines = None;
    printed.number = Some((2, Some(3)));
    assert_eq!(tied(&printed, text), Some((1, false)));
}

#[test]
fn an_instruction_that_stands_there_twice_failed_the_first_time() {
    let text = "FROM a\nRUN make\nRUN make\n";
    assert_eq!(tied(&step("RUN make"), text), Some((1, true)));
}

#[test]
fn an_instruction_that_the_builder_cut_is_found_by_its_beginning() {
    let mut printed = step("RUN apt-get update &&     apt-get");
    printed.cut = true;
    assert_eq!(tied(&printed, THREE).map(|it| it.0), Some(1));
}

#[test]
fn a_heredoc_is_found_by_what_it_holds() {
    let text = "FROM a\nRUN <<EOF\npip install x\nEOF\n";
    assert_eq!(tied(&step("RUN <<EOF (pip install x...)"), text).map(|it| it.0), Some(1));
}

const PATCHES: [&str; 3] = [
    "id: slow\ntitle: t\ndocument: {section: s, says: s}\nsymptoms:\n  - {line: 'Retrying', sense: warning, prints: [Retrying]}\n",
    "id: gone\ntitle: t\ndocument: {section: s, says: s}\nsymptoms:\n  - {line: 'No match for (?<package>[^ ]+)', yields-to: [slow], prints: [No match for x]}\n  - {line: 'NotFound:', then: '- (?<package>.+)', prints: [\"NotFound:\\n- x\"]}\n",
    "id: last\ntitle: t\ndocument: {section: s, says: s}\nsymptoms:\n  - {line: 'failed', yields-to: ['*'], prints: [failed]}\n",
];

fn patches() -> Catalogue {
    let folder = tempfile::tempdir().unwrap();
    let case = "cases:\n  - suspect: [{fault: f, logged: [], failing: {}}]\n    remedy: [{advice: a}]\n";
    for (number, text) in PATCHES.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.yaml")), format!("{text}{case}")).unwrap();
    }
    Catalogue::of(catalogue::read_folder(folder.path()).unwrap())
}

/// The symptoms in the order of the patches' ids: gone (two), last, slow.
fn seen(symptom: usize, line: u64, package: Option<&str>) -> Sighting {
    let captures = package.map(|package| ("package".to_owned(), package.to_owned())).into_iter().collect();
    Sighting { symptom, line, text: format!("line {line}"), captures, below: Vec::new() }
}

fn causes(sightings: Vec<Sighting>) -> Vec<(String, u64)> {
    let mut one = step("RUN x");
    one.sightings = sightings;
    let found = choose(&log(vec![one]), &patches());
    found.into_iter().map(|cause| (cause.patch, cause.evidence[0].0)).collect()
}

#[test]
fn an_error_is_a_cause_and_a_warning_is_none() {
    assert_eq!(causes(vec![seen(3, 2, None)]), []);
    assert_eq!(causes(vec![seen(0, 5, Some("x"))]), [("gone".to_owned(), 5)]);
}

#[test]
fn an_error_yields_to_the_warning_before_it() {
    assert_eq!(causes(vec![seen(3, 2, None), seen(0, 5, Some("x"))]), [("slow".to_owned(), 2)]);
    assert_eq!(causes(vec![seen(0, 5, Some("x")), seen(3, 7, None)]), [("gone".to_owned(), 5)]);
}

#[test]
fn the_last_resort_yields_to_every_error() {
    assert_eq!(causes(vec![seen(2, 9, None)]), [("last".to_owned(), 9)]);
    assert_eq!(causes(vec![seen(0, 5, Some("x")), seen(2, 9, None)]), [("gone".to_owned(), 5)]);
    assert_eq!(causes(vec![seen(3, 5, None), seen(2, 9, None)]), [("last".to_owned(), 9)]);
}

#[test]
fn every_package_below_a_heading_is_a_cause_of_its_own() {
    let below = |line, name: &str| Below {
        line,
        text: format!("- {name}"),
        captures: [("package".to_owned(), name.to_owned())].into(),
    };
    let mut heading = seen(1, 4, None);
    heading.below = vec![below(5, "x"), below(6, "y")];
    let mut one = step("RUN x");
    one.sightings = vec![heading];
    let found = choose(&log(vec![one]), &patches());
    let named: Vec<_> = found.iter().map(|cause| cause.captures["package"].as_str()).collect();
    assert_eq!(named, ["x", "y"]);
}

#[test]
fn one_cause_has_all_its_lines() {
    assert_eq!(causes(vec![seen(0, 5, Some("x")), seen(0, 6, Some("x")), seen(0, 7, Some("y"))]).len(), 2);
}

#[test]
fn a_build_that_went_well_and_a_step_that_was_overcome_show_no_cause() {
    let mut one = step("RUN x");
    one.sightings = vec![seen(0, 5, Some("x"))];
    let mut well = log(vec![one.clone()]);
    well.ended = Ended::Succeeded;
    assert_eq!(choose(&well, &patches()), []);
    one.overcome = true;
    assert_eq!(choose(&log(vec![one]), &patches()), []);
}
