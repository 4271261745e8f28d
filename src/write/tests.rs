use super::*;
use tempfile::TempDir;

/// A folder with one file `Dockerfile` that holds `old`.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Dockerfile");
    fs::write(&file, "old").unwrap();
    (folder, file)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refusal(path: &Path) -> Refusal {
    let error = replace(path, b"old", b"new").unwrap_err();
    assert_eq!(error.path, path);
    assert!(error.to_string().starts_with(&format!("{}: ", path.display())), "{error}");
    error.refusal
}

#[test]
fn a_file_is_replaced_and_nothing_is_left_beside_it() {
    let (folder, file) = folder();
    replace(&file, b"old", b"new").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["Dockerfile"]);
}

#[cfg(unix)]
#[test]
fn what_a_killed_run_left_is_removed_and_what_another_run_writes_to_is_not() {
    use rustix::fs::{FlockOperation, flock};
    let (folder, file) = folder();
    for name in [".envfix-abc123.tmp", ".envfix-living.tmp", ".envfix-notes.txt", ".envfix-é.tmp", "envfix-abc123.tmp"]
    {
        fs::write(folder.path().join(name), "").unwrap();
    }
    std::os::unix::fs::symlink(&file, folder.path().join(".envfix-alinks.tmp")).unwrap();
    let living = fs::File::open(folder.path().join(".envfix-living.tmp")).unwrap();
    flock(&living, FlockOperation::NonBlockingLockExclusive).unwrap();
    replace(&file, b"old", b"new").unwrap();
    let kept = [
        ".envfix-alinks.tmp",
        ".envfix-living.tmp",
        ".envfix-notes.txt",
        ".envfix-é.tmp",
        "Dockerfile",
        "envfix-abc123.tmp",
    ];
    assert_eq!(names(folder.path()), kept);
    drop(living);
    super::temporary::sweep(folder.path());
    assert!(!names(folder.path()).contains(&".envfix-living.tmp".to_owned()));
    assert_eq!(fs::read(&file).unwrap(), b"new");
}

#[test]
fn a_name_without_a_folder_is_replaced_where_it_is() {
    let (_folder, file) = folder();
    let relative = file.parent().unwrap().join(".").join("Dockerfile");
    replace(&relative, b"old", b"new").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"new");
}

#[test]
fn a_file_that_changed_since_it_was_read_is_left_alone() {
    let (folder, file) = folder();
    for changed in ["other", "o", "olD", ""] {
        fs::write(&file, changed).unwrap();
        assert!(matches!(refusal(&file), Refusal::Changed), "{changed}");
        assert_eq!(fs::read_to_string(&file).unwrap(), changed);
    }
    assert_eq!(names(folder.path()), ["Dockerfile"]);
}

#[test]
fn a_large_file_is_compared_to_its_last_byte() {
    let (_folder, file) = folder();
    let old = vec![b'x'; 300_000];
    let mut other = old.clone();
    *other.last_mut().unwrap() = b'y';
    fs::write(&file, &other).unwrap();
    assert!(matches!(replace(&file, &old, b"new").unwrap_err().refusal, Refusal::Changed));
    replace(&file, &other, &old).unwrap();
    assert_eq!(fs::read(&file).unwrap(), old);
}

#[test]
fn a_file_that_is_gone_and_a_folder_are_refused() {
    let (folder, file) = folder();
    fs::remove_file(&file).unwrap();
    assert!(matches!(refusal(&file), Refusal::Missing));
    assert!(matches!(refusal(folder.path()), Refusal::NotAFile));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_read_only_file_is_refused_and_stays_read_only() {
    let (folder, file) = folder();
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    assert!(matches!(refusal(&file), Refusal::ReadOnly(None)));
    assert!(fs::metadata(&file).unwrap().permissions().readonly());
    assert_eq!(names(folder.path()), ["Dockerfile"]);
    #[cfg(windows)]
    {
        let mut permissions = fs::metadata(&file).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false, reason = "Windows does not remove a read-only file")]
        permissions.set_readonly(false);
        fs::set_permissions(&file, permissions).unwrap();
    }
}

#[test]
fn a_file_with_a_second_name_is_refused() {
    let (folder, file) = folder();
    let second = folder.path().join("second");
    fs::hard_link(&file, &second).unwrap();
    assert!(matches!(refusal(&file), Refusal::HardLinks(2)));
    assert_eq!(fs::read(&second).unwrap(), b"old");
    fs::remove_file(&second).unwrap();
    replace(&file, b"old", b"new").unwrap();
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::process::Command;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_mode_is_kept() {
        for mode in [0o644, 0o755, 0o600, 0o666, 0o200, 0o2755, 0o664] {
            let (_folder, file) = folder();
            set_mode(&file, mode);
            match replace(&file, b"old", b"new") {
                Ok(()) => assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, mode, "{mode:o}"),
                // Root alone may read a file of mode 200.
                Err(error) => assert!(mode == 0o200, "{mode:o}: {error}"),
            }
        }
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let (folder, file) = folder();
        let sub = folder.path().join("sub");
        fs::create_dir(&sub).unwrap();
        let first = sub.join("first");
        symlink("../Dockerfile", &first).unwrap();
        let second = folder.path().join("second");
        symlink("sub/first", &second).unwrap();
        replace(&second, b"old", b"new").unwrap();
        assert_eq!(fs::read_link(&second).unwrap(), Path::new("sub/first"));
        assert_eq!(fs::read_link(&first).unwrap(), Path::new("../Dockerfile"));
        assert!(!fs::symlink_metadata(&file).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["Dockerfile", "second", "sub"]);
        assert_eq!(names(&sub), ["first"]);
    }

    #[test]
    fn a_link_that_leads_nowhere_or_in_a_circle_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("Dockerfile");
        symlink("nowhere", &link).unwrap();
        assert!(matches!(refusal(&link), Refusal::DanglingLink(_)));
        fs::remove_file(&link).unwrap();
        symlink("Dockerfile", &link).unwrap();
        assert!(matches!(refusal(&link), Refusal::DanglingLink(_)));
        assert_eq!(names(folder.path()), ["Dockerfile"]);
    }

    #[test]
    fn a_pipe_and_a_device_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("Dockerfile");
        match Command::new("mkfifo").arg(&pipe).status() {
            Ok(status) if status.success() => assert!(matches!(refusal(&pipe), Refusal::NotAFile)),
            _ => eprintln!("skipped: no mkfifo"),
        }
        assert!(matches!(refusal(Path::new("/dev/null")), Refusal::NotAFile));
    }

    #[test]
    fn the_owner_and_the_group_are_kept() {
        let (_folder, file) = folder();
        set_mode(&file, 0o2755);
        if chown(&file, Some(1000), Some(1000)).is_err() {
            eprintln!("skipped: only root gives files away");
            return;
        }
        set_mode(&file, 0o6755);
        replace(&file, b"old", b"new").unwrap();
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (1000, 1000, 0o6755));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn extended_attributes_are_kept() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        let (_folder, file) = folder();
        if setxattr(&file, "user.origin", b"here", XattrFlags::empty()).is_err() {
            eprintln!("skipped: this file system keeps no extended attributes");
            return;
        }
        setxattr(&file, "user.empty", b"", XattrFlags::empty()).unwrap();
        replace(&file, b"old", b"new").unwrap();
        let mut value = [0; 16];
        let length = getxattr(&file, "user.origin", &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"here");
        assert_eq!(getxattr(&file, "user.empty", &mut value[..]).unwrap(), 0);
    }

    /// A POSIX access control list in the kernel's form: version 2, then tag, permissions and id of each entry.
    #[cfg(target_os = "linux")]
    fn access_control_list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = 2u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(permissions.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_access_control_list_is_kept_and_none_is_inherited() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        const NONE: u32 = u32::MAX;
        let list = access_control_list(&[(1, 6, NONE), (2, 4, 1234), (4, 0, NONE), (16, 4, NONE), (32, 0, NONE)]);
        let (folder, file) = folder();
        set_mode(&file, 0o600);
        if setxattr(&file, "system.posix_acl_access", &list, XattrFlags::empty()).is_err() {
            eprintln!("skipped: this file system keeps no access control lists");
            return;
        }
        replace(&file, b"old", b"new").unwrap();
        let mut value = [0; 256];
        let length = getxattr(&file, "system.posix_acl_access", &mut value[..]).unwrap();
        assert_eq!(&value[..length], list);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);

        let plain = folder.path().join("plain");
        fs::write(&plain, "old").unwrap();
        setxattr(folder.path(), "system.posix_acl_default", &list, XattrFlags::empty()).unwrap();
        set_mode(&plain, 0o644);
        replace(&plain, b"old", b"new").unwrap();
        assert!(getxattr(&plain, "system.posix_acl_access", &mut value[..]).is_err());
        assert_eq!(fs::metadata(&plain).unwrap().mode() & 0o7777, 0o644);
    }

    /// Runs one of the ignored tests below in another process; false when that cannot be done here.
    fn run(command: &mut Command, test: &str) -> bool {
        let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
        match command.args(["--exact", &name, "--ignored", "--nocapture"]).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(said.contains("1 passed"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
                true
            }
            Err(error) => {
                eprintln!("skipped: {error}");
                false
            }
        }
    }

    #[test]
    fn what_an_ordinary_user_may_not_write_is_refused() {
        use std::os::unix::process::CommandExt;
        let (folder, file) = folder();
        if chown(&file, Some(1000), Some(1000)).is_err() {
            eprintln!("skipped: only root becomes another user");
            return;
        }
        set_mode(folder.path(), 0o777);
        set_mode(&file, 0o666);
        let kept = folder.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("Dockerfile"), "old").unwrap();
        set_mode(&kept.join("Dockerfile"), 0o666);
        fs::write(folder.path().join("root"), "old").unwrap();
        set_mode(&folder.path().join("root"), 0o644);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.uid(65534).gid(65534).env("ENVFIX_TEST_FOLDER", folder.path());
        run(&mut command, "as_an_ordinary_user");
        assert_eq!(names(folder.path()), ["Dockerfile", "kept", "root"]);
        assert_eq!(names(&kept), ["Dockerfile"]);
    }

    #[test]
    #[ignore = "run by another test, as another user"]
    fn as_an_ordinary_user() {
        let Some(folder) = std::env::var_os("ENVFIX_TEST_FOLDER").map(PathBuf::from) else { return };
        assert!(matches!(refusal(&folder.join("Dockerfile")), Refusal::Owner { owner: 1000, group: 1000, .. }));
        assert!(matches!(refusal(&folder.join("kept/Dockerfile")), Refusal::Folder(_)));
        assert!(matches!(refusal(&folder.join("root")), Refusal::ReadOnly(Some(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_bind_mount_is_refused() {
        let (folder, file) = folder();
        let source = folder.path().join("source");
        fs::write(&source, "old").unwrap();
        let mut command = Command::new("unshare");
        let can = command.args(["-m", "mount", "--bind"]).args([&source, &file]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: nothing can be mounted here");
            return;
        }
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#, "sh"]);
        command.args([&source, &file, &std::env::current_exe().unwrap()]).env("ENVFIX_TEST_FILE", &file);
        run(&mut command, "with_a_bind_mount");
        assert_eq!(names(folder.path()), ["Dockerfile", "source"]);
        assert_eq!(fs::read(&source).unwrap(), b"old");
    }

    #[test]
    #[ignore = "run by another test, with a file mounted"]
    fn with_a_bind_mount() {
        let Some(file) = std::env::var_os("ENVFIX_TEST_FILE").map(PathBuf::from) else { return };
        assert!(matches!(refusal(&file), Refusal::Mounted(_)));
    }
}
