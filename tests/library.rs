//! The library as an editor uses it: one text in memory, findings with their places and edits, and no disk.

use std::collections::BTreeMap;

use envfix::output::{diff, diffs, json};
use envfix::{
    BuildContext, Catalogue, Decision, Edit, Ground, Model, Plan, Policy, Project, Remedy, Settings, Source, Verified,
    Withheld,
};

const TEXT: &str = "FROM python:3.10-slim\n\n# tools\nRUN pip install -U pip && pip install flask\n";

fn open(name: &str, text: &str) -> Project {
    Project::of_text(Source::from_text(name, text), BuildContext::None, Settings::default()).unwrap()
}

fn check(project: &Project, policy: &Policy) -> Verified {
    let catalogue = Catalogue::builtin();
    let plan = envfix::plan(project, envfix::find(project, &catalogue), policy);
    envfix::verify(project, &catalogue, policy, plan)
}

/// Applies edits as an editor does: from the last to the first, so that no offset moves.
fn edited(text: &str, edits: &[&Edit]) -> String {
    let mut text = text.to_owned();
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    for edit in edits.into_iter().rev() {
        text.replace_range(edit.span.start..edit.span.end, &edit.replacement);
    }
    text
}

fn applied(plan: &Plan) -> Vec<&Edit> {
    let decided = plan.findings.iter().zip(&plan.decisions).filter(|(_, decision)| **decision == Decision::Apply);
    decided.filter_map(|(finding, _)| finding.fix()).flat_map(|fix| &fix.edits).collect()
}

#[test]
fn findings_of_a_text_have_places_that_an_editor_can_underline() {
    let project = open("Dockerfile", TEXT);
    let findings = envfix::find(&project, &Catalogue::builtin());
    let pin = findings.iter().find(|finding| finding.patch == "pip-pin").unwrap();
    let source = &project.members[pin.member].source;
    assert_eq!(source.slice(pin.place), "pip install -U pip");
    let at = source.line_column(pin.place.start);
    assert_eq!((at.line, at.column, pin.ground), (4, 5, Ground::Hardening));
    assert!(!pin.message.is_empty() && !pin.title.is_empty());
}

#[test]
fn finding_and_verifying_apply_nothing() {
    let project = open("Dockerfile", TEXT);
    let mut verified = check(&project, &Policy::default());
    assert_eq!(project.members[0].source.text(), TEXT);
    assert_eq!(verified.files().len(), 1);
    assert_eq!(envfix::apply(&project, &mut verified), [], "a text of no file has nowhere to be written to");
}

#[test]
fn the_edits_of_the_fixes_make_the_verified_text() {
    let project = open("Dockerfile", TEXT);
    let verified = check(&project, &Policy::default());
    let edits = applied(verified.plan());
    assert!(edits.len() >= 2);
    assert_eq!(edited(TEXT, &edits), verified.after(0).unwrap().text());
    assert!(edits.iter().all(|edit| edit.span.end <= TEXT.len() && TEXT.is_char_boundary(edit.span.start)));
}

#[test]
fn a_fix_whose_edits_stand_around_those_of_another_is_named_once() {
    let text = "FROM python:3.11\nCOP --chown=1000:1000 a \\\n  b /app/ #both\n";
    let project = open("Dockerfile", text);
    let verified = check(&project, &Policy { allow_unsafe: true, ..Policy::default() });
    let fixes = verified.sequence().iter().filter_map(|number| verified.plan().findings[*number].fix());
    let edits: Vec<&Edit> = fixes.flat_map(|fix| &fix.edits).collect();
    assert_eq!(verified.sequence().len(), 2);
    assert_eq!(edited(text, &edits), verified.after(0).unwrap().text());
    assert!(verified.after(0).unwrap().text().contains("\n#both\nCOPY --chown"));
}

#[test]
fn an_environment_that_one_stage_copies_is_not_known_in_another() {
    // Where another fix changes the file, it is read again: what was lent stays, what another stage read does not.
    let image = "FROM continuumio/miniconda3:24.1.2-0\n";
    let text = format!(
        "{image}ENV CONDA_REMOTE_READ_TIMEOUT_SECS=120\nCOPY env.yml /tmp/\nRUN conda env create -f /tmp/env.yml\n\
        {image}RUN conda create -n x -f /tmp/env.yml\n"
    );
    let files = [("env.yml".to_owned(), "dependencies:\n- python=3.10\n".to_owned())].into();
    let source = Source::from_text("Dockerfile", text);
    let project = Project::of_text(source, BuildContext::Memory(files), Settings::default()).unwrap();
    let verified = check(&project, &Policy::default());
    let after = verified.after(0).unwrap().text();
    assert!(
        after.ends_with("ENV CONDA_REMOTE_READ_TIMEOUT_SECS=120\nRUN conda create -n x -f /tmp/env.yml\n"),
        "{after}"
    );
}

#[test]
fn one_fix_alone_can_be_taken() {
    // A light bulb in an editor: one finding, its edits, and the proof for just that one.
    let project = open("Dockerfile", TEXT);
    let policy = Policy { only: ["pip-pin".to_owned()].into(), ..Policy::default() };
    let verified = check(&project, &policy);
    assert_eq!(verified.after(0).unwrap().text(), TEXT.replace("-U pip", "-U pip==26.1.2"));
}

#[test]
fn a_build_context_can_be_given_in_memory() {
    let dockerfile = "FROM continuumio/miniconda3:24.1.2-0\nENV CONDA_REMOTE_READ_TIMEOUT_SECS=120\nCOPY env.yml .\n\
        RUN conda env create -f env.yml\n";
    let with = |yaml: &str| {
        let files: BTreeMap<String, String> = [("env.yml".to_owned(), yaml.to_owned())].into();
        let source = Source::from_text("Dockerfile", dockerfile);
        Project::of_text(source, BuildContext::Memory(files), Settings::default()).unwrap()
    };
    let project = with("dependencies:\n- python=3.10\n");
    assert!(check(&project, &Policy::default()).files().is_empty(), "no pip is used, so none needs a timeout");
    let project = with("dependencies:\n- python=3.10\n- pip\n- pip: [flask]\n");
    let verified = check(&project, &Policy::default());
    assert!(verified.after(0).unwrap().text().contains("PIP_DEFAULT_TIMEOUT"));
}

#[test]
fn the_name_of_a_text_says_what_it_is_and_its_content_where_the_name_does_not() {
    let conda = "dependencies:\n- python=3.10\n- pip:\n  - flask\n";
    assert!(matches!(open("environment.yml", conda).members[0].model, Model::Conda(_)));
    assert!(matches!(open("untitled", conda).members[0].model, Model::Conda(_)));
    assert!(matches!(open("untitled", TEXT).members[0].model, Model::Dockerfile(_)));
    let source = Source::from_text("untitled", "hello\n");
    let problem = Project::of_text(source, BuildContext::None, Settings::default()).unwrap_err();
    assert_eq!((problem.file.as_str(), problem.line), ("untitled", Some(1)));
}

#[test]
fn a_text_that_cannot_be_parsed_is_a_problem_with_a_line() {
    let source = Source::from_text("Dockerfile", "FROM a\nRUN <<END\n");
    let problem = Project::of_text(source, BuildContext::None, Settings::default()).unwrap_err();
    assert_eq!((problem.file.as_str(), problem.line), ("Dockerfile", Some(2)));
}

#[test]
fn bytes_that_are_no_text_are_refused_with_a_line() {
    assert_eq!(Source::new("Dockerfile", None, b"FROM a\n\0".to_vec()).unwrap_err().line(), 2);
    assert_eq!(Source::new("Dockerfile", None, b"FROM a\n\xff".to_vec()).unwrap_err().line(), 2);
    assert_eq!(Source::new("Dockerfile", None, b"\xff\xfeF\0G".to_vec()).unwrap_err().line(), 1);
}

#[test]
fn what_is_held_back_says_why() {
    let text = "ARG V=3.11\nFROM python:${V}\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip\n";
    let project = open("Dockerfile", text);
    let verified = check(&project, &Policy::default());
    assert_eq!(verified.plan().decisions, [Decision::Withhold(Withheld::Unsafe)]);
    assert!(verified.files().is_empty() && diffs(&project, &verified).is_empty());
    let verified = check(&project, &Policy { allow_unsafe: true, ..Policy::default() });
    assert_eq!(verified.plan().decisions, [Decision::Apply]);
}

#[test]
fn settings_can_be_given_without_a_file() {
    let values = [("pip-timeout".to_owned(), envfix::patch::file::Setting::Number(300))].into();
    let settings = Settings { values, ..Settings::default() };
    let source = Source::from_text("Dockerfile", "FROM python:3.10\nRUN pip install flask\n");
    let project = Project::of_text(source, BuildContext::None, settings).unwrap();
    assert!(check(&project, &Policy::default()).after(0).unwrap().text().contains("PIP_DEFAULT_TIMEOUT=300\n"));
}

#[test]
fn advice_comes_with_a_place_and_no_edit() {
    let project = open("Dockerfile", "ARG BASE\nFROM ${BASE}\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install -U pip\n");
    let findings = envfix::find(&project, &Catalogue::builtin());
    assert_eq!(findings.len(), 1);
    assert!(findings[0].fix().is_none());
    assert!(matches!(&findings[0].remedy, Remedy::Advice(advice) if advice.len() > 10));
    assert_eq!(project.members[0].source.slice(findings[0].place), "pip install -U pip");
}

#[test]
fn the_diff_of_a_verified_text_is_that_of_the_two_texts() {
    let project = open("images/Dockerfile", TEXT);
    let verified = check(&project, &Policy::default());
    let after = verified.after(0).unwrap();
    assert_eq!(diffs(&project, &verified), diff::unified("images/Dockerfile", TEXT, after.text()));
    assert_eq!(json::report(&project, &verified).files[0].diff, diffs(&project, &verified));
}

#[test]
fn what_was_found_in_the_text_before_does_not_depend_on_the_text_opened_after() {
    // Two texts in two tabs: nothing is kept between calls.
    let findings = |text: &str| envfix::find(&open("Dockerfile", text), &Catalogue::builtin()).len();
    let alone = findings(TEXT);
    findings("FROM python:3.10\nENV PIP_DEFAULT_TIMEOUT=100\nRUN pip install flask\n");
    assert_eq!(findings(TEXT), alone);
}

#[test]
fn a_catalogue_and_a_project_can_be_used_from_several_threads() {
    let (catalogue, project) = (Catalogue::builtin(), open("Dockerfile", TEXT));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| envfix::find(&project, &catalogue).len())).collect();
        let counts: Vec<usize> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(counts.iter().all(|count| *count == counts[0] && *count >= 2), "{counts:?}");
    });
}
