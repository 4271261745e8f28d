//! The whole way from texts to fixed texts, and what must hold of it.

use std::collections::BTreeMap;

use envfix::build_log;
use envfix::diagnosis::Failure;
use envfix::output::formats::{Run, azure, github, gitlab, markdown, rdjson, sarif};
use envfix::output::text::{self, Detail};
use envfix::output::{self, json};
use envfix::{
    BuildContext, Catalogue, Decision, Edit, Model, Policy, Project, Settings, Source, Verified, Withheld, find, plan,
    verify,
};

use crate::{applier, catalogue, symptoms};

/// Fixes files that lie beside each other, and checks what must hold.
pub fn fixes(files: &[(String, Source)], log: Option<&[u8]>, policy: &Policy) {
    let Some(project) = open(files, log) else { return };
    let verified = run(&project, policy);
    if project.members.iter().map(|member| member.source.text().len()).sum::<usize>() % 4 == 0 {
        reports(&project, &verified, catalogue());
    }
    proof_holds(&verified);
    let diffs = output::diffs(&project, &verified);
    if verified.files().is_empty() {
        assert!(diffs.is_empty(), "nothing changes, but there is a diff:\n{diffs}");
        return;
    }

    let before: Vec<(String, String)> =
        project.members.iter().map(|it| (it.source.name().to_owned(), it.source.text().to_owned())).collect();
    let mut patched = applier::apply(&diffs, &before).unwrap_or_else(|error| panic!("{error}\n{diffs}"));
    for file in verified.files() {
        let old = &project.members[file.member].source;
        assert!(old.text() != file.after.text() || old.encoding() != file.after.encoding(), "a file that is the same");
        assert_eq!(
            with_edits(&verified, file.member, old.text()),
            file.after.text(),
            "text outside the edits\n{diffs}"
        );
        same_dress(old.text(), file.after.text(), &diffs);
        if old.encoding() == file.after.encoding() {
            let at = patched.iter().position(|(name, _)| name == old.name()).expect("a diff for every file");
            assert_eq!(patched.remove(at).1, file.after.text(), "the diff makes another text");
        }
    }
    assert!(patched.is_empty(), "a diff of a file that does not change:\n{diffs}");

    let after: Vec<(String, Source)> = files
        .iter()
        .map(|(name, source)| {
            let member = project.members.iter().position(|member| member.source.name() == name);
            (name.clone(), member.and_then(|it| verified.after(it)).unwrap_or(source).clone())
        })
        .collect();
    let again = open(&after, log).expect("the files after can be read");
    assert_eq!(again.members.len(), project.members.len(), "a file cannot be read any more:\n{diffs}");
    for (old, new) in project.members.iter().zip(&again.members) {
        let (old, new) = (comments(&old.source, &old.model), comments(&new.source, &new.model));
        let mut rest = new.iter();
        assert!(old.iter().all(|comment| rest.any(|it| it == comment)), "a comment is lost: {old:?} {new:?}\n{diffs}");
    }
    let second = output::diffs(&again, &run(&again, policy));
    assert!(second.is_empty(), "a second run changes it again:\n{second}\nafter\n{diffs}");
}

/// Fixes one file.
pub fn fix(name: &str, bytes: &[u8], policy: &Policy) {
    let Ok(source) = Source::new(name, None, bytes.to_vec()) else { return };
    fixes(&[(name.to_owned(), source)], None, policy);
}

fn open(files: &[(String, Source)], log: Option<&[u8]>) -> Option<Project> {
    let beside: BTreeMap<String, String> =
        files.iter().map(|(name, source)| (name.clone(), source.text().to_owned())).collect();
    let mut project = Project::default();
    for (_, source) in files {
        let context = BuildContext::Memory(beside.clone());
        if let Ok(one) = Project::of_text(source.clone(), context, Settings::default()) {
            project.members.extend(one.members);
        }
    }
    if project.members.is_empty() {
        return None;
    }
    if let Some(log) = log {
        let log = build_log::read(log, symptoms()).ok()?;
        project.failure = Some(Failure::new("build.log".to_owned(), log, catalogue(), &project.members));
    }
    Some(project)
}

fn run(project: &Project, policy: &Policy) -> Verified {
    verify(project, catalogue(), policy, plan(project, find(project, catalogue()), policy))
}

/// Asked for by `ENVFIX_FUZZ_STRICT`: no fix is held back by its own proof. That does no harm, so it ends no other run.
fn proof_holds(verified: &Verified) {
    if std::env::var_os("ENVFIX_FUZZ_STRICT").is_none() {
        return;
    }
    for (finding, decision) in verified.plan().findings.iter().zip(&verified.plan().decisions) {
        if let Decision::Withhold(reason @ (Withheld::Unverified { .. } | Withheld::Unstable)) = decision {
            panic!("{} is held back by its own proof: {reason} ({})", finding.patch, finding.message);
        }
    }
}

/// Every report, for its own sake.
fn reports(project: &Project, verified: &Verified, catalogue: &Catalogue) {
    serde_json::to_string(&json::report(project, verified)).expect("a report is JSON");
    let run = Run::new(project, verified, catalogue);
    for render in [sarif::render, rdjson::render, github::render, gitlab::render, azure::render, markdown::render] {
        render(&run);
    }
    let mut report = text::Report::new(Detail::All, true);
    report.add(project, verified);
    assert!(!report.finish().is_empty(), "a report says how much was read");
}

/// The text of a file with the edits that are reported, in the order in which they are.
fn with_edits(verified: &Verified, member: usize, text: &str) -> String {
    let findings = verified.sequence().iter().map(|number| &verified.plan().findings[*number]);
    let mut edits: Vec<&Edit> =
        findings.filter(|it| it.member == member).filter_map(|it| it.fix()).flat_map(|fix| &fix.edits).collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut out, mut at) = (String::new(), 0);
    for edit in edits {
        assert!(edit.span.start >= at, "two edits overlap at {at}");
        out.push_str(&text[at..edit.span.start]);
        out.push_str(&edit.replacement);
        at = edit.span.end;
    }
    out + &text[at..]
}

/// What a file looks like at its ends and at the ends of its lines stays.
fn same_dress(before: &str, after: &str, diffs: &str) {
    assert_eq!(before.ends_with('\n'), after.ends_with('\n'), "the last newline\n{diffs}");
    assert_eq!(before.starts_with('\u{feff}'), after.starts_with('\u{feff}'), "the byte order mark\n{diffs}");
    let bare = |text: &str| text.replace("\r\n", "").contains('\n');
    assert!(bare(before) || !before.contains('\n') || !bare(after), "a file of CRLF got an LF:\n{diffs}");
}

fn comments(source: &Source, model: &Model) -> Vec<String> {
    let slice = |span: &envfix::Span| source.slice(*span).trim().to_owned();
    match model {
        Model::Dockerfile(model) => {
            let directives = model.dockerfile.directives.iter().map(|directive| slice(&directive.span));
            directives.chain(model.dockerfile.comments.iter().map(slice)).collect()
        }
        Model::Conda(environment) => environment.comments().iter().map(slice).collect(),
        Model::Azure(file) => file.document().comments().iter().map(slice).collect(),
        Model::Script(script) => script.comments.iter().map(slice).collect(),
    }
}
