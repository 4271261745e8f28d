//! Reviews of real git repositories on a host that is only a list.

use std::ops::RangeInclusive;
use std::process::Command;

use super::host::{Comment, Dialect, Posted, Proposal, Review};
use super::*;

/// A Dockerfile with three faults that do not touch each other, and no hardening.
const BROKEN: &str = "FROM continuumio/miniconda3:24.1.2-0\n\n\n\nRUN pip install 'numpy<2' \"flask>=1\" requests<3\n\n\n\n\n\nCOPY a.txt /a # the list\n\n\n\n\n\n\nRUN conda create -f /a/environment.yml\n";

struct Repo {
    folder: tempfile::TempDir,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { folder: tempfile::tempdir().unwrap() };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    fn git(&self, arguments: &[&str]) -> String {
        let settings = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        let done = Command::new("git").args(settings).args(arguments).current_dir(self.folder.path()).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A commit of everything.
    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "a change"]);
        self.git(&["rev-parse", "HEAD"])
    }
}

struct List {
    dialect: Dialect,
    pull: PullRequest,
    changed: Vec<ChangedFile>,
    posted: Vec<Posted>,
    reviews: Vec<Review>,
    proposals: Vec<Proposal>,
}

impl List {
    fn new(repo: &Repo, base: &str, head: &str, dialect: Dialect) -> Self {
        let pull = PullRequest {
            number: 7,
            title: "a change".to_owned(),
            url: String::new(),
            head: head.to_owned(),
            base: base.to_owned(),
            head_branch: "change".to_owned(),
            base_branch: "main".to_owned(),
            from_fork: false,
            open: true,
        };
        let changed = changed(repo, base, head);
        Self { dialect, pull, changed, posted: Vec::new(), reviews: Vec::new(), proposals: Vec::new() }
    }

    fn moved_to(&mut self, repo: &Repo, head: &str) {
        self.changed = changed(repo, &self.pull.base, head);
        self.pull.head = head.to_owned();
    }

    fn comments(&self) -> Vec<&Comment> {
        self.reviews.iter().flat_map(|review| &review.comments).collect()
    }
}

fn changed(repo: &Repo, base: &str, head: &str) -> Vec<ChangedFile> {
    let names = repo.git(&["diff", "--name-only", "-z", base, head]);
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| {
            let diff = repo.git(&["diff", base, head, "--", name]);
            let hunks =
                diff.lines().filter_map(|line| line.strip_prefix("@@ -")?.split(['+', ' ']).nth(2).map(str::to_owned));
            let range = |hunk: String| -> RangeInclusive<usize> {
                let (start, count) = hunk.split_once(',').unwrap_or((&hunk, "1"));
                let (start, count): (usize, usize) = (start.parse().unwrap(), count.parse().unwrap());
                start..=(start + count).saturating_sub(1)
            };
            ChangedFile { path: name.to_owned(), status: Status::Modified, shown: Some(hunks.map(range).collect()) }
        })
        .collect()
}

impl Host for List {
    fn dialect(&self) -> Dialect {
        self.dialect
    }
    fn pull_request(&mut self) -> Result<PullRequest, HostError> {
        Ok(self.pull.clone())
    }
    fn changed_files(&mut self, _: &PullRequest) -> Result<Vec<ChangedFile>, HostError> {
        Ok(self.changed.clone())
    }
    fn posted(&mut self, _: &PullRequest) -> Result<Vec<Posted>, HostError> {
        Ok(self.posted.clone())
    }
    fn post(&mut self, _: &PullRequest, review: &Review) -> Result<(), HostError> {
        self.reviews.push(review.clone());
        let post = |body: &str, path: Option<&str>| Posted {
            id: String::new(),
            thread: None,
            body: body.trim_end().replace('\n', "\r\n"),
            path: path.map(str::to_owned),
            lines: None,
            resolved: false,
        };
        let new = review.summary.iter().map(|text| post(text, None));
        self.posted.extend(new.chain(review.comments.iter().map(|it| post(&it.body, Some(&it.path)))));
        for (number, posted) in self.posted.iter_mut().enumerate() {
            posted.id = number.to_string();
        }
        Ok(())
    }
    fn update(&mut self, _: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        body.clone_into(&mut self.posted[posted.id.parse::<usize>().unwrap()].body);
        Ok(())
    }
    fn settle(&mut self, pull: &PullRequest, posted: &Posted, body: &str) -> Result<(), HostError> {
        self.update(pull, posted, body)
    }
    fn default_branch(&mut self) -> Result<(String, String), HostError> {
        Ok(("main".to_owned(), self.pull.head.clone()))
    }
    fn propose(&mut self, proposal: &Proposal) -> Result<String, HostError> {
        self.proposals.push(proposal.clone());
        Ok("https://example.org/pull/8".to_owned())
    }
}

fn options(repo: &Repo) -> Options {
    Options {
        policy: Policy { faults_only: true, allow_unsafe: true, ..Policy::default() },
        folder: repo.folder.path().to_owned(),
        patches: Vec::new(),
        log: None,
        commit: None,
    }
}

fn run(host: &mut List, options: &Options) -> Outcome {
    let outcome = review(host, options).unwrap();
    let pull = outcome.pull.clone();
    outcome.steps.take(host, &pull).unwrap();
    outcome
}

/// A text after a person accepted a suggestion, by the rules of the host.
fn accepted(text: &str, comment: &Comment, dialect: Dialect) -> String {
    let fence = comment.body.lines().find(|line| line.trim_start_matches('`').starts_with("suggestion")).unwrap();
    let ticks = &fence[..fence.len() - fence.trim_start_matches('`').len()];
    let start = comment.body.find(fence).unwrap() + fence.len() + 1;
    let behind = &comment.body[start..];
    let end = if behind.starts_with(ticks) { 0 } else { behind.find(&format!("\n{ticks}\n")).unwrap() + 1 };
    let first = match (dialect, fence.split_once(":-")) {
        (Dialect::GitLab, Some((_, rest))) => {
            let (above, below) = rest.split_once('+').unwrap();
            assert_eq!(below, "0");
            comment.lines.end() - above.parse::<usize>().unwrap()
        }
        _ => *comment.lines.start(),
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    format!("{}{}{}", lines[..first - 1].concat(), &behind[..end], lines[*comment.lines.end()..].concat())
}

/// What envfix makes of a file when it is run on it.
fn fixed(text: &str, policy: &Policy) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Dockerfile");
    std::fs::write(&path, text).unwrap();
    let catalogue = Catalogue::builtin();
    let project = Project::load(&[path], &LoadOptions::default(), &catalogue);
    let plan = plan::plan(&project, find::find(&project, &catalogue), policy);
    verify::verify(&project, &catalogue, policy, plan).after(0).map_or(text, |after| after.text()).to_owned()
}

/// A repository whose second commit breaks a Dockerfile, and the review of that.
fn broken(text: &str, dialect: Dialect) -> (Repo, List) {
    let repo = Repo::new();
    repo.write("README.md", "a\n");
    let base = repo.commit();
    repo.write("Dockerfile", text);
    let head = repo.commit();
    let host = List::new(&repo, &base, &head, dialect);
    (repo, host)
}

#[test]
fn every_suggestion_accepted_alone_leaves_a_valid_file_and_all_give_what_envfix_gives() {
    for dialect in [Dialect::GitHub, Dialect::GitLab, Dialect::AzureDevOps] {
        let (repo, mut host) = broken(BROKEN, dialect);
        let options = options(&repo);
        run(&mut host, &options);
        let mut comments = host.comments();
        assert_eq!(comments.len(), 3, "{comments:#?}");
        let wanted = fixed(BROKEN, &options.policy);
        for comment in &comments {
            let alone = accepted(BROKEN, comment, dialect);
            assert_ne!(alone, BROKEN);
            assert_eq!(fixed(&alone, &options.policy), wanted, "{}", comment.body);
        }
        // From the last to the first, so that the lines of the others stay.
        comments.sort_by_key(|comment| std::cmp::Reverse(*comment.lines.start()));
        let all = comments.iter().fold(BROKEN.to_owned(), |text, comment| accepted(&text, comment, dialect));
        assert_eq!(all, wanted);
    }
}

#[test]
fn a_second_run_posts_nothing_and_a_partial_fix_settles_what_is_mended() {
    let (repo, mut host) = broken(BROKEN, Dialect::GitHub);
    let options = options(&repo);
    run(&mut host, &options);
    let again = run(&mut host, &options);
    assert!(again.steps.is_empty() && again.steps.kept == 3, "{:#?}", again.steps);
    // Other lines move, one fault is mended.
    let partly = accepted(BROKEN, host.comments()[0], Dialect::GitHub);
    repo.write("Dockerfile", &format!("# one more line\n{partly}"));
    let head = repo.commit();
    host.moved_to(&repo, &head);
    let after = run(&mut host, &options);
    assert_eq!((after.steps.kept, after.steps.settle.len()), (2, 1), "{:#?}", after.steps);
    assert!(after.steps.review.is_none() && after.steps.update.is_empty(), "{:#?}", after.steps);
    assert!(run(&mut host, &options).steps.is_empty());
}

#[test]
fn a_file_that_cannot_be_read_is_told_where_it_breaks() {
    let (repo, mut host) = broken("FROM debian:12\nRUN <<END\nmake\n", Dialect::GitHub);
    let outcome = run(&mut host, &options(&repo));
    assert_eq!(outcome.problems.len(), 1);
    assert!(host.comments()[0].body.contains("cannot be read"), "{:#?}", host.reviews);
    assert_eq!(*host.comments()[0].lines.start(), 2);
    assert!(run(&mut host, &options(&repo)).steps.is_empty());
}

#[test]
fn where_nothing_is_wrong_nothing_is_said() {
    let (repo, mut host) = broken("FROM debian:12\nRUN make\n", Dialect::GitHub);
    let outcome = run(&mut host, &options(&repo));
    assert!(outcome.steps.is_empty() && host.posted.is_empty() && outcome.files == 1);
}

#[test]
fn what_stands_on_no_line_of_the_diff_is_in_a_diff_that_git_applies() {
    let repo = Repo::new();
    repo.write("Dockerfile", BROKEN);
    let base = repo.commit();
    repo.write("Dockerfile", &BROKEN.replace("24.1.2-0", "24.5.0-0"));
    let head = repo.commit();
    let mut host = List::new(&repo, &base, &head, Dialect::GitHub);
    let options = options(&repo);
    run(&mut host, &options);
    assert_eq!(host.comments().len(), 0, "{:#?}", host.reviews);
    let summary = host.reviews[0].summary.clone().unwrap();
    let diff = summary.split("```diff\n").nth(1).unwrap().split("```").next().unwrap();
    repo.write("../a.diff", diff);
    let path = repo.folder.path().join("../a.diff");
    repo.git(&["apply", path.to_str().unwrap()]);
    std::fs::remove_file(path).unwrap();
    let after = std::fs::read_to_string(repo.folder.path().join("Dockerfile")).unwrap();
    assert_eq!(after, fixed(&BROKEN.replace("24.1.2-0", "24.5.0-0"), &options.policy));
}

#[test]
fn what_hosts_would_not_keep_is_not_suggested() {
    let crlf = BROKEN.replace('\n', "\r\n");
    let unended = "FROM python:3.9-slim\nRUN pip install requests<3";
    let secret = "FROM python:3.9-slim\nRUN pip install --index-url https://me:hunter2@example.org/simple requests<3\n";
    for (text, said) in [(crlf.as_str(), "CRLF"), (unended, "no newline"), (secret, "credential")] {
        let (repo, mut host) = broken(text, Dialect::GitHub);
        run(&mut host, &options(&repo));
        assert_eq!(host.comments().len(), 0, "{said}: {:#?}", host.reviews);
        let summary = host.reviews[0].summary.clone().unwrap();
        assert!(summary.contains(said) && !summary.contains("hunter2"), "{summary}");
    }
}

#[test]
fn settings_are_those_of_the_base_branch() {
    let (repo, mut host) = broken(BROKEN, Dialect::GitHub);
    repo.write("envfix.toml", "skip = [\"shell-redirection\", \"copy-comment\", \"conda-create\"]\n");
    let head = repo.commit();
    host.moved_to(&repo, &head);
    run(&mut host, &options(&repo));
    assert_eq!(host.comments().len(), 3);
    // The same file, merged before.
    let repo = Repo::new();
    repo.write("envfix.toml", "skip = [\"shell-redirection\"]\n");
    let base = repo.commit();
    repo.write("Dockerfile", BROKEN);
    repo.git(&["rm", "-q", "envfix.toml"]);
    let head = repo.commit();
    let mut host = List::new(&repo, &base, &head, Dialect::GitHub);
    run(&mut host, &options(&repo));
    assert_eq!(host.comments().len(), 2);
}

#[test]
fn settings_that_cannot_be_read_are_an_error_and_nothing_is_said_to_be_mended() {
    let repo = Repo::new();
    repo.write("envfix.toml", "skip = 7\n");
    let base = repo.commit();
    repo.write("Dockerfile", BROKEN);
    let head = repo.commit();
    let mut host = List::new(&repo, &base, &head, Dialect::GitHub);
    let error = review(&mut host, &options(&repo)).unwrap_err().to_string();
    assert!(error.contains("envfix.toml of the base branch"), "{error}");
    // A file that breaks in a later push.
    let (repo, mut host) = broken(BROKEN, Dialect::GitHub);
    run(&mut host, &options(&repo));
    repo.write("Dockerfile", &format!("{BROKEN}RUN <<END\n"));
    let head = repo.commit();
    host.moved_to(&repo, &head);
    let outcome = run(&mut host, &options(&repo));
    assert!(outcome.steps.settle.is_empty() && outcome.problems.len() == 1, "{:#?}", outcome.steps);
}

#[test]
fn patches_are_those_of_the_base_branch() {
    let repo = Repo::new();
    repo.write(
        "patches/own.yaml",
        &std::fs::read_to_string("patches/copy-comment.yaml").unwrap().replace("id: copy-comment", "id: own"),
    );
    let base = repo.commit();
    repo.write("patches/own.yaml", "id: broken\n");
    repo.write("Dockerfile", BROKEN);
    let head = repo.commit();
    let mut host = List::new(&repo, &base, &head, Dialect::GitHub);
    let mut options = options(&repo);
    options.patches = vec!["patches".to_owned()];
    options.policy.only = [String::from("own")].into();
    run(&mut host, &options);
    assert_eq!(host.comments().len(), 1, "{:#?}", host.reviews);
    options.patches = vec!["nowhere".to_owned()];
    assert!(matches!(review(&mut host, &options), Err(ReviewError::Checkout(_))));
}

#[cfg(unix)]
#[test]
fn a_link_in_the_pull_request_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("Dockerfile"), BROKEN).unwrap();
    let repo = Repo::new();
    let base = repo.commit();
    std::os::unix::fs::symlink(outside.path().join("Dockerfile"), repo.folder.path().join("Dockerfile")).unwrap();
    std::os::unix::fs::symlink(outside.path(), repo.folder.path().join("folder")).unwrap();
    let head = repo.commit();
    let mut host = List::new(&repo, &base, &head, Dialect::GitHub);
    host.changed.push(ChangedFile {
        path: "../Dockerfile".to_owned(),
        status: Status::Added,
        shown: Some(vec![1..=99]),
    });
    host.changed.push(ChangedFile {
        path: "folder/Dockerfile".to_owned(),
        status: Status::Added,
        shown: Some(vec![1..=99]),
    });
    let outcome = run(&mut host, &options(&repo));
    assert!(outcome.steps.is_empty(), "{:#?}", outcome.steps);
    assert_eq!(std::fs::read_to_string(outside.path().join("Dockerfile")).unwrap(), BROKEN);
}

#[cfg(unix)]
#[test]
fn names_and_contents_do_not_break_out() {
    let folder = "a`b<!-- envfix:x -->\n/close @me ```";
    let text = "FROM python:3.9-slim\nRUN pip install 'a' b<3 `#```` <!-- envfix:summary --> @me`\n";
    let repo = Repo::new();
    let base = repo.commit();
    repo.write(&format!("{folder}/Dockerfile"), text);
    let head = repo.commit();
    let mut host = List::new(&repo, &base, &head, Dialect::GitHub);
    host.changed[0].shown = Some(vec![]);
    run(&mut host, &options(&repo));
    for review in &host.reviews {
        let summary = review.summary.clone().unwrap_or_default();
        assert_eq!(comment::fingerprint_of(&summary), Some(comment::SUMMARY), "{summary}");
        assert!(!summary.lines().any(|line| line.starts_with('/')), "{summary}");
    }
    assert!(run(&mut host, &options(&repo)).steps.is_empty());
}

#[test]
fn a_commit_that_is_not_here_and_a_pull_request_that_moved_on_are_errors() {
    let (repo, mut host) = broken(BROKEN, Dialect::GitHub);
    let mut options = options(&repo);
    options.commit = Some("0".repeat(40));
    let error = review(&mut host, &options).unwrap_err().to_string();
    assert!(error.contains("moved on"), "{error}");
    host.pull.head = "0".repeat(40);
    let error = review(&mut host, &options).unwrap_err().to_string();
    assert!(error.contains("git fetch origin 000"), "{error}");
    assert!(host.posted.is_empty());
}

#[test]
fn a_commit_that_a_shallow_checkout_lacks_is_fetched() {
    let (origin, mut host) = broken(BROKEN, Dialect::GitHub);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", origin.folder.path().display());
    origin.git(&["branch", "old", "HEAD~"]);
    origin.git(&["clone", "-q", "--depth=1", "--branch=old", &url, folder.path().join("clone").to_str().unwrap()]);
    let mut options = options(&origin);
    options.folder = folder.path().join("clone");
    run(&mut host, &options);
    assert_eq!(host.comments().len(), 3);
}

#[test]
fn a_log_brings_what_the_failed_build_needs_and_nothing_else() {
    let text = "FROM python:3.10-slim\nRUN pip install flask\nRUN pip install requests<3\n";
    let log = "Step 1/3 : FROM python:3.10-slim\nStep 2/3 : RUN pip install flask\n ---> Running in 0123456789ab\n\
        WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError(\"HTTPSConnectionPool(host='files.example.org', \
        port=443): Read timed out. (read timeout=15)\")': /simple/flask/\n\
        ERROR: Could not find a version that satisfies the requirement flask (from versions: none)\n\
        ERROR: No matching distribution found for flask\nThe command '/bin/sh -c pip install flask' returned a non-zero code: 1\n";
    let (repo, mut host) = broken(text, Dialect::GitHub);
    let mut options = options(&repo);
    repo.write("../build.log", log);
    options.log = Some(repo.folder.path().join("../build.log"));
    run(&mut host, &options);
    let comments = host.comments();
    assert_eq!(comments.len(), 1, "{:#?}", host.reviews);
    assert!(
        comments[0].body.contains("PIP_DEFAULT_TIMEOUT") && comments[0].body.contains("build.log line 4"),
        "{}",
        comments[0].body
    );
    std::fs::remove_file(options.log.unwrap()).unwrap();
}

#[test]
fn a_proposal_has_one_commit_a_patch_and_makes_what_envfix_makes() {
    let (repo, mut host) = broken(BROKEN, Dialect::GitHub);
    let options = options(&repo);
    let proposed = propose(&mut host, &options, "envfix/fixes").unwrap();
    assert_eq!(proposed.patches, ["conda-create", "copy-comment", "shell-redirection"]);
    let proposal = &host.proposals[0];
    assert_eq!((proposal.commits.len(), proposal.base_branch.as_str()), (3, "main"));
    let last = &proposal.commits[2].changes[0];
    assert_eq!(String::from_utf8(last.content.clone()).unwrap(), fixed(BROKEN, &options.policy));
    assert!(proposal.body.contains("| `Dockerfile:5` | `shell-redirection` |"), "{}", proposal.body);
    // Nothing to mend, nothing to open.
    let (repo, mut host) = broken("FROM debian:12\n", Dialect::GitHub);
    assert!(propose(&mut host, &super::tests::options(&repo), "envfix/fixes").unwrap().address.is_none());
}
