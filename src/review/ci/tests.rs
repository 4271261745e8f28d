use super::*;

fn placed(given: &Given, pairs: &[(&str, &str)]) -> Result<Place, PlaceError> {
    place(given, &|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned()))
}

fn of_event(event: &str, more: &[(&str, &str)]) -> Place {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), event).unwrap();
    let mut pairs = vec![
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "o/n"),
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GITHUB_SHA", "merge"),
        ("GITHUB_EVENT_PATH", file.path().to_str().unwrap()),
    ];
    pairs.extend(more);
    placed(&Given::default(), &pairs).unwrap()
}

#[test]
fn github_actions_names_the_head_and_not_the_merge() {
    let found = of_event(r#"{"pull_request": {"number": 7, "head": {"sha": "abc"}}}"#, &[("GITHUB_TOKEN", "t0k")]);
    assert_eq!(found.kind, HostKind::GitHub);
    assert_eq!((found.number, found.commit.as_deref()), (Some(7), Some("abc")));
    assert_eq!((found.base_url.as_str(), found.repository.as_str()), ("https://api.github.com", "o/n"));
    assert_eq!(found.token, Token::new("t0k"));
}

#[test]
fn other_events_of_github_name_the_pull_request_too() {
    let comment = of_event(r#"{"issue": {"number": 8, "pull_request": {}}}"#, &[]);
    assert_eq!((comment.number, comment.commit), (Some(8), None));
    let issue = of_event(r#"{"issue": {"number": 8}}"#, &[]);
    assert_eq!(issue.number, None);
    let run = of_event(r#"{"workflow_run": {"head_sha": "abc", "pull_requests": [{"number": 9}]}}"#, &[]);
    assert_eq!((run.number, run.commit.as_deref()), (Some(9), Some("abc")));
    let of_fork = of_event(r#"{"workflow_run": {"head_sha": "abc", "pull_requests": []}}"#, &[]);
    assert_eq!(of_fork.number, None);
    let by_ref = of_event("no JSON", &[("GITHUB_REF", "refs/pull/12/merge")]);
    assert_eq!((by_ref.number, by_ref.commit), (Some(12), None));
    assert_eq!(of_event("{}", &[("GITHUB_REF", "refs/heads/main")]).number, None);
}

const GITLAB: &[(&str, &str)] = &[
    ("GITLAB_CI", "true"),
    ("CI_API_V4_URL", "https://git.example/api/v4"),
    ("CI_PROJECT_ID", "31"),
    ("CI_MERGE_REQUEST_IID", "5"),
    ("CI_COMMIT_SHA", "c0"),
    ("CI_JOB_TOKEN", "job"),
];

fn gitlab_with(more: &[(&'static str, &'static str)]) -> Place {
    let mut pairs = more.to_vec();
    pairs.extend(GITLAB);
    placed(&Given::default(), &pairs).unwrap()
}

#[test]
fn gitlab_ci_names_the_merge_request_of_its_project() {
    let found = gitlab_with(&[]);
    assert_eq!((found.kind, found.repository.as_str(), found.number), (HostKind::GitLab, "31", Some(5)));
    assert_eq!(found.commit.as_deref(), Some("c0"));
    assert!(found.token.unwrap().is_job_token());
    let merged = gitlab_with(&[
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "c1"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "30"),
        ("GITLAB_TOKEN", "glpat-x"),
    ]);
    assert_eq!((merged.repository.as_str(), merged.commit.as_deref()), ("30", Some("c1")));
    assert!(!merged.token.unwrap().is_job_token());
}

const AZURE: &[(&str, &str)] = &[
    ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/org/"),
    ("SYSTEM_TEAMPROJECT", "My Project"),
    ("BUILD_REPOSITORY_ID", "11111111-2222-3333-4444-555555555555"),
    ("BUILD_REPOSITORY_NAME", "name"),
    ("SYSTEM_PULLREQUEST_PULLREQUESTID", "17"),
    ("SYSTEM_PULLREQUEST_SOURCECOMMITID", "abc"),
    ("SYSTEM_ACCESSTOKEN", "secret"),
];

#[test]
fn azure_pipelines_names_the_pull_request() {
    let found = placed(&Given::default(), AZURE).unwrap();
    assert_eq!(found.kind, HostKind::AzureDevOps);
    assert_eq!(found.base_url, "https://dev.azure.com/org");
    assert_eq!(found.repository, "My Project/11111111-2222-3333-4444-555555555555");
    assert_eq!((found.number, found.commit.as_deref()), (Some(17), Some("abc")));
    assert_eq!(found.token.unwrap().header(HostKind::AzureDevOps), ("authorization", "Bearer secret".to_owned()));
}

#[test]
fn azure_pipelines_may_build_a_repository_of_github() {
    let mut pairs = vec![
        ("BUILD_REPOSITORY_PROVIDER", "GitHub"),
        ("BUILD_REPOSITORY_NAME", "o/n"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "3"),
    ];
    pairs.extend(AZURE.iter().filter(|pair| pair.0 != "BUILD_REPOSITORY_NAME"));
    let found = placed(&Given::default(), &pairs).unwrap();
    assert_eq!((found.kind, found.repository.as_str(), found.number), (HostKind::GitHub, "o/n", Some(3)));
    assert_eq!(found.token, None, "the token of Azure DevOps is not for GitHub");
}

#[test]
fn what_is_given_wins() {
    let given = Given { number: Some(40), ..Given::default() };
    let found = placed(&given, AZURE).unwrap();
    assert_eq!((found.number, found.commit), (Some(40), None), "the pipeline's commit is of another pull request");
    let given = Given { repository: Some("p/other".to_owned()), ..Given::default() };
    let found = placed(&given, AZURE).unwrap();
    assert_eq!((found.repository.as_str(), found.number, found.commit), ("p/other", None, None));
    let given = Given {
        kind: Some(HostKind::GitHub),
        base_url: Some("https://user:pass@git.example/api/v3/".to_owned()),
        repository: Some("o/n".to_owned()),
        number: Some(1),
        commit: Some("c".to_owned()),
    };
    let found = placed(&given, AZURE).unwrap();
    assert_eq!((found.kind, found.base_url.as_str()), (HostKind::GitHub, "https://git.example/api/v3"));
    assert_eq!((found.number, found.commit.as_deref()), (Some(1), Some("c")));
}

#[test]
fn envfix_s_own_token_comes_first() {
    let mut pairs = vec![("ENVFIX_TOKEN", "mine\n")];
    pairs.extend(AZURE);
    let token = placed(&Given::default(), &pairs).unwrap().token.unwrap();
    assert_eq!(token.header(HostKind::AzureDevOps), ("authorization", "Basic Om1pbmU=".to_owned()));
    assert_eq!(token.header(HostKind::GitHub), ("authorization", "Bearer mine".to_owned()));
    assert_eq!(token.header(HostKind::GitLab), ("private-token", "mine".to_owned()));
    let jwt = Token::new("eyJhbGciOi.eyJzdWIi.c2ln").unwrap();
    assert_eq!(jwt.header(HostKind::AzureDevOps).1, "Bearer eyJhbGciOi.eyJzdWIi.c2ln");
    assert_eq!(Token::new(&"0af9".repeat(16)).unwrap().header(HostKind::GitLab).0, "authorization");
}

#[test]
fn a_token_is_in_no_debug_text_and_no_error() {
    let pairs = [("GITHUB_REPOSITORY", "o/n"), ("ENVFIX_TOKEN", "s3cret\nline")];
    let error = placed(&Given::default(), &pairs).unwrap_err();
    assert_eq!(error, PlaceError::BadToken("ENVFIX_TOKEN"));
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let found = placed(&Given::default(), &[("GITHUB_REPOSITORY", "o/n"), ("ENVFIX_TOKEN", "s3cret")]).unwrap();
    assert!(!format!("{found:?} {found:#?}").contains("s3cret"));
    assert_eq!(found.token.unwrap().cut_from("Bearer s3cret!"), "Bearer ***!");
}

#[test]
fn what_is_missing_is_said() {
    assert_eq!(placed(&Given::default(), &[]), Err(PlaceError::NoHost));
    let given = |kind| Given { kind: Some(kind), ..Given::default() };
    assert_eq!(placed(&given(HostKind::GitLab), &[]), Err(PlaceError::NoRepository(HostKind::GitLab)));
    let azure = Given { repository: Some("p/r".to_owned()), ..given(HostKind::AzureDevOps) };
    assert!(matches!(placed(&azure, &[]), Err(PlaceError::NoAddress(HostKind::AzureDevOps, _))));
    for name in ["name", "a/b/c", "a/", "../..", "https://github.com/a"] {
        let github = Given { repository: Some(name.to_owned()), ..given(HostKind::GitHub) };
        assert!(matches!(placed(&github, &[]), Err(PlaceError::BadRepository { .. })), "{name}");
    }
    for address in ["api.github.com", "file:///etc", "https://", "https://a b/"] {
        let github =
            Given { repository: Some("o/n".to_owned()), base_url: Some(address.to_owned()), ..given(HostKind::GitHub) };
        assert_eq!(placed(&github, &[]), Err(PlaceError::BadAddress), "{address}");
    }
}
