use super::*;
use tempfile::TempDir;

/// A folder with these files, each with its own name as text.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    folder
}

fn names(folder: &Path) -> (Vec<String>, Vec<String>) {
    let found = walk(folder);
    let names = found.candidates.iter().map(|found| display_name(&found.path, folder)).collect();
    (names, found.errors.iter().map(ToString::to_string).collect())
}

fn kind(name: &str) -> Option<Kind> {
    kind_of(Path::new(name))
}

#[test]
fn dockerfiles_are_known_by_their_names() {
    for name in [
        "Dockerfile",
        "sub/Dockerfile",
        "Dockerfile.gpu",
        "Dockerfile.windows.x",
        "gpu.Dockerfile",
        "gpu.dockerfile",
        "Containerfile",
        "Containerfile.gpu",
        "Dockerfile-py3",
        "Dockerfile_gpu",
        "dockerfile",
        "Dockerfile.go",
        "Dockerfile-py3.gpu.cuda10",
        "template.Dockerfile",
        ".Dockerfile",
        "Dockerfile.txt",
        "Dockerfile.1.2",
    ] {
        assert_eq!(kind(name), Some(Kind::Dockerfile), "{name}");
    }
}

#[test]
fn yaml_is_known_by_its_extension() {
    for name in ["environment.yml", "conda.YAML", ".hidden.yml", "docker-compose.yml", "Dockerfile.yml"] {
        assert_eq!(kind(name), Some(Kind::Yaml), "{name}");
    }
}

#[test]
fn templates_documents_and_backups_are_left_alone() {
    for name in [
        "Dockerfile.j2",
        "Dockerfile.jinja2",
        "Dockerfile.template",
        "Dockerfile-linux.template",
        "Dockerfile.m4",
        "Dockerfile.tmpl",
        "Dockerfile.gpu.tpl",
        "Dockerfile.erb",
        "Dockerfile.j2.gpu",
        "environment.yml.j2",
        "environment.tmpl.yml",
        "Dockerfile.md",
        "Dockerfile.orig",
        "Dockerfile.bak",
        ".Dockerfile.swp",
        "Dockerfile~",
        "Dockerfile.gpu~",
        "#Dockerfile#",
        ".#Dockerfile",
        "Dockerfile.dockerignore",
        "Dockerfile.in",
        "Dockerfile.rej",
        "gpu.Dockerfile.j2",
        "environment.yml.bak",
        "environment.yml~",
    ] {
        assert_eq!(kind(name), None, "{name}");
    }
}

#[test]
fn other_files_are_none() {
    for name in [
        "Dockerfiles",
        "MyDockerfile",
        "dockerfile.go",
        "Dockerfile-lint.js",
        "yml",
        "a.yml.txt",
        "requirements.txt",
        ".dockerignore",
        "",
        "/",
        "..",
    ] {
        assert_eq!(kind(name), None, "{name}");
    }
}

#[test]
fn azure_mls_own_files_go_by_their_extension() {
    for (name, expected) in [
        ("azureml_environment.json", Kind::Json),
        ("local.runconfig", Kind::Yaml),
        ("train.py", Kind::Python),
        ("dockerfile_parser.py", Kind::Python),
        ("Dockerfile.py", Kind::Dockerfile),
        ("01-train.ipynb", Kind::Notebook),
    ] {
        assert_eq!(kind(name), Some(expected), "{name}");
    }
    assert_eq!(kind("azureml_environment.json.j2"), None);
}

#[test]
fn a_walk_finds_files_in_a_stable_order_hidden_ones_too() {
    let folder =
        folder(&["b/Dockerfile", "a/z.yml", "Dockerfile", ".devcontainer/Dockerfile", "a/Dockerfile.gpu", "a/x.txt"]);
    let expected = [".devcontainer/Dockerfile", "Dockerfile", "a/Dockerfile.gpu", "a/z.yml", "b/Dockerfile"];
    assert_eq!(names(folder.path()), (expected.map(String::from).to_vec(), vec![]));
}

#[test]
fn gitignore_is_honoured_with_and_without_a_repository() {
    let folder =
        folder(&["build/Dockerfile", "sub/x.yml", "sub/keep.yml", "Dockerfile", ".git/Dockerfile", "sub/env.yaml"]);
    fs::write(folder.path().join(".gitignore"), "build/\n*.yml\n!keep.yml\n").unwrap();
    fs::write(folder.path().join(".ignore"), "Dockerfile\n").unwrap();
    fs::create_dir_all(folder.path().join(".git")).unwrap();
    let expected = (vec!["Dockerfile".to_owned(), "sub/env.yaml".to_owned(), "sub/keep.yml".to_owned()], vec![]);
    assert_eq!(names(folder.path()), expected);
    fs::remove_dir_all(folder.path().join(".git")).unwrap();
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn a_gitignore_above_counts_inside_a_repository_only() {
    let folder = folder(&["project/x.yml", "project/Dockerfile"]);
    fs::write(folder.path().join(".gitignore"), "*.yml\n").unwrap();
    let project = folder.path().join("project");
    assert_eq!(names(&project).0, ["Dockerfile", "x.yml"]);
    fs::create_dir(folder.path().join(".git")).unwrap();
    assert_eq!(names(&project).0, ["Dockerfile"]);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = folder(&[]);
    let (found, errors) = names(&folder.path().join("nowhere"));
    assert!(found.is_empty());
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("nowhere"), "{errors:?}");
}

#[cfg(unix)]
#[test]
fn links_are_taken_where_they_lead_to_something_new_in_the_folder() {
    use std::os::unix::fs::symlink;
    let outside = folder(&["Dockerfile", "sub/Dockerfile"]);
    let folder = folder(&["real/Dockerfile", "real/plain", "real/Dockerfile.j2", "real/x/y.yml"]);
    let link = |target: &Path, name: &str| symlink(target, folder.path().join(name)).unwrap();
    link(Path::new("real/Dockerfile"), "Dockerfile");
    link(Path::new("real/plain"), "Dockerfile.plain");
    link(Path::new("real/plain"), "Dockerfile.plain-again");
    link(Path::new("real/Dockerfile.j2"), "Dockerfile.rendered");
    link(Path::new("Dockerfile.circle"), "Dockerfile.circle");
    link(Path::new("nowhere"), "Dockerfile.nowhere");
    link(&outside.path().join("Dockerfile"), "Dockerfile.outside");
    link(outside.path(), "elsewhere");
    link(Path::new(".."), "real/up");
    link(Path::new("real"), "Dockerfile.folder");
    let (found, errors) = names(folder.path());
    assert_eq!(found, ["Dockerfile.plain", "real/Dockerfile", "real/x/y.yml"]);
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(errors[0].contains("Dockerfile.circle") && errors[1].contains("Dockerfile.nowhere"), "{errors:#?}");
    assert!(errors[2].contains("Dockerfile.outside") && errors[2].contains("out of the folder"), "{errors:#?}");
}

#[cfg(unix)]
#[test]
fn a_folder_named_by_a_link_is_walked() {
    let folder = folder(&["real/Dockerfile", "real/plain"]);
    std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
    std::os::unix::fs::symlink("plain", folder.path().join("real/Dockerfile.plain")).unwrap();
    let (found, errors) = names(&folder.path().join("link"));
    assert_eq!((found.len(), errors.len()), (2, 0), "{found:?} {errors:?}");
}

#[test]
fn names_are_relative_to_the_current_folder() {
    let cwd = std::env::temp_dir().join("nowhere/project");
    let name = |path: &str| display_name(Path::new(path), &cwd);
    assert_eq!(name("Dockerfile"), "Dockerfile");
    assert_eq!(name("./sub/./Dockerfile"), "sub/Dockerfile");
    assert_eq!(name("sub/../Dockerfile"), "Dockerfile");
    assert_eq!(name("../project/Dockerfile"), "Dockerfile");
    assert_eq!(name("../other/Dockerfile"), "../other/Dockerfile");
    assert_eq!(name("."), ".");
    assert_eq!(name(".."), "..");
    assert_eq!(display_name(&cwd.join("a b/Dockerfile"), &cwd), "a b/Dockerfile");
    assert_eq!(display_name(&cwd, &cwd), ".");
}

#[cfg(unix)]
#[test]
fn names_do_not_resolve_links() {
    let folder = folder(&["real/deep/Dockerfile", "real/Dockerfile"]);
    std::os::unix::fs::symlink("real/deep", folder.path().join("link")).unwrap();
    let name = |path: &str| display_name(Path::new(path), folder.path());
    assert_eq!(name("link/Dockerfile"), "link/Dockerfile");
    // Really `real/Dockerfile`; without its `..` it would be another file.
    assert_eq!(name("link/../Dockerfile"), "link/../Dockerfile");
}

#[test]
fn a_settings_file_is_found_in_the_nearest_folder_above() {
    let folder = folder(&["envfix.toml", "a/envfix.toml", "a/b/Dockerfile", "c/Dockerfile", "c/d/envfix.toml/x"]);
    let find = |path: &str| find_upwards(&folder.path().join(path), "envfix.toml");
    assert_eq!(find("a/b/Dockerfile"), Some(folder.path().join("a/envfix.toml")));
    assert_eq!(find("a/b"), Some(folder.path().join("a/envfix.toml")));
    assert_eq!(find("c/d"), Some(folder.path().join("envfix.toml")));
    assert_eq!(find("nowhere/at/all"), Some(folder.path().join("envfix.toml")));
    assert_eq!(find_upwards(folder.path(), "no-such-name.toml"), None);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_an_error_and_the_walk_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = folder(&["a/Dockerfile", "locked/Dockerfile", "z/Dockerfile"]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.path().join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(folder.path().join("locked")).is_err() {
        finds_all_but_the_locked_one(folder.path());
        return;
    }
    // Root reads everything, so somebody else has to look.
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.uid(65534).gid(65534).env("ENVFIX_TEST_FOLDER", folder.path());
    let test = module_path!().split_once("::").unwrap().1.to_owned() + "::as_an_ordinary_user";
    match command.args(["--exact", &test, "--ignored"]).output() {
        Ok(output) => assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}"),
        Err(error) => eprintln!("skipped: {error}"),
    }
}

#[cfg(unix)]
#[test]
#[ignore = "run by another test, as another user"]
fn as_an_ordinary_user() {
    if let Some(folder) = std::env::var_os("ENVFIX_TEST_FOLDER") {
        finds_all_but_the_locked_one(Path::new(&folder));
    }
}

#[cfg(unix)]
fn finds_all_but_the_locked_one(folder: &Path) {
    let (found, errors) = names(folder);
    assert_eq!(found, ["a/Dockerfile", "z/Dockerfile"]);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("locked"), "{errors:?}");
}
