//! Replaces a file atomically, or refuses and says why.
//!
//! The new text is written to a temporary file in the same folder, flushed to the disk, given the mode, owner,
//! group and extended attributes (access control lists among them, on Linux and macOS) of the old file, and renamed
//! over it. Whoever opens the file sees the old text or the new one, never a part of either. A symbolic link stays;
//! what it points to is replaced. What a rename cannot keep (further hard links, a bind mount, an owner that may not
//! be given) is a refusal, since writing in place could lose the file half-way.
//!
//! On Windows the new file takes the access control list of its folder, as a newly made file does.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

mod temporary;

/// A file that was left as it is.
#[derive(Debug, thiserror::Error)]
#[error("{}: {refusal}", path.display())]
pub struct WriteError {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Why it was left, and what to do about it.
    pub refusal: Refusal,
}

/// Why a file is not replaced. The text names the next step.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such file any more.
    #[error("there is no such file any more; check the path and run again")]
    Missing,
    /// A symbolic link that leads nowhere, or in a circle.
    #[error("the symbolic link leads to no file ({0}); repair the link, or name the file itself")]
    DanglingLink(io::Error),
    /// A folder, a pipe, a device.
    #[error("not a regular file; name the file that holds the text")]
    NotAFile,
    /// Its bytes are not those that the new text was made from.
    #[error("it changed since it was read and was left alone; run again")]
    Changed,
    /// The file has other names, which would keep the old text.
    #[error(
        "it has {0} names (hard links), and replacing one would part it from the others; \
         make it a file of its own (copy it, then move the copy over it) and run again"
    )]
    HardLinks(u64),
    /// The file is mounted by itself, so that nothing can be renamed over it.
    #[error(
        "it is mounted by itself (a bind mount) and cannot be replaced ({0}); \
         mount its folder instead, or run where the file really is"
    )]
    Mounted(io::Error),
    /// Nobody, or not this user, may write to it.
    #[error("it is read-only{}; make it writable and run again", because(.0))]
    ReadOnly(Option<io::Error>),
    /// No file can be made beside it.
    #[error(
        "no file can be made in its folder ({0}), which replacing it needs; make the folder writable and run again"
    )]
    Folder(io::Error),
    /// There is no room for the new text.
    #[error(
        "there is no room for the new text beside it; free some on its disk and run again: the file was left as it is"
    )]
    Full,
    /// Its owner and group cannot be given to the new file.
    #[error("its owner and group ({owner}:{group}) cannot be kept ({error}); run as that user")]
    Owner {
        /// User id of the file.
        owner: u32,
        /// Group id of the file.
        group: u32,
        /// What the system said.
        error: io::Error,
    },
    /// Its mode cannot be given to the new file.
    #[error("its permissions cannot be kept ({0}); run as its owner")]
    Mode(io::Error),
    /// An extended attribute cannot be given to the new file.
    #[error("its extended attribute {name} cannot be kept ({error}); run as its owner, or remove the attribute")]
    Attribute {
        /// Name of the attribute.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// Anything else that the system refused.
    #[error("cannot {doing}: {error}; the file was left as it is")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

fn because(error: &Option<io::Error>) -> String {
    error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default()
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Refusal {
    move |error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Refusal::Full,
        _ => Refusal::Io { doing, error },
    }
}

/// Removes what killed runs left beside these files. Done before any of them is written, what lies there afterwards is
/// never more than one run had in hand.
pub fn clean_beside<'a>(paths: impl Iterator<Item = &'a Path>) {
    let folders: BTreeSet<&Path> = paths.filter_map(Path::parent).collect();
    folders.into_iter().filter_map(|folder| fs::canonicalize(folder).ok()).for_each(|folder| temporary::clean(&folder));
}

/// Puts `new` in the place of the file's bytes, which must still be `expected`.
///
/// Nothing is written when the two are the same.
///
/// # Errors
/// When the file cannot be replaced with all that belongs to it; it is then as it was before.
pub fn replace(path: &Path, expected: &[u8], new: &[u8]) -> Result<(), WriteError> {
    replace_resolved(path, expected, new).map_err(|refusal| WriteError { path: path.to_owned(), refusal })
}

fn replace_resolved(path: &Path, expected: &[u8], new: &[u8]) -> Result<(), Refusal> {
    let target = resolve(path)?;
    let old = open_to_replace(&target)?;
    if !holds(&old, expected).map_err(failed("read it again"))? {
        return Err(Refusal::Changed);
    }
    if expected == new {
        return Ok(());
    }
    let folder = target.parent().ok_or(Refusal::NotAFile)?;
    let mut file = temporary::make(folder).map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Refusal::Full,
        _ => Refusal::Folder(error),
    })?;
    let metadata = old.metadata().map_err(failed("read its permissions"))?;
    platform::prepare(&target, &mut file)?;
    file.write_all(new).map_err(failed("write the new text"))?;
    platform::keep(&old, &metadata, file.as_file())?;
    file.as_file().sync_all().map_err(failed("write the new text to the disk"))?;

    // The last look before the rename. A change within the few microseconds between the two cannot be seen.
    let now = File::open(&target).map_err(|_| Refusal::Changed)?;
    let same_place = resolve(path).is_ok_and(|again| again == target);
    if !same_place || !holds(&now, expected).map_err(failed("read it again"))? {
        return Err(Refusal::Changed);
    }
    drop((now, old));
    // Dropping the error drops the temporary file, which removes it.
    file.persist(&target).map_err(|refused| match refused.error.kind() {
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => Refusal::Mounted(refused.error),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Refusal::Folder(refused.error),
        _ => Refusal::Io { doing: "rename the new file over it", error: refused.error },
    })?;
    platform::sync_folder(folder);
    Ok(())
}

/// The file itself: where `path` leads when all symbolic links are followed.
fn resolve(path: &Path) -> Result<PathBuf, Refusal> {
    fs::canonicalize(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Refusal::DanglingLink(error),
        Err(_) if error.kind() == ErrorKind::NotFound => Refusal::Missing,
        _ => Refusal::Io { doing: "find it", error },
    })
}

/// Opens a file that may be replaced, and refuses the others.
fn open_to_replace(target: &Path) -> Result<File, Refusal> {
    // Before the opening, because opening a pipe waits for its other end.
    let metadata = fs::metadata(target).map_err(failed("find it"))?;
    if !metadata.is_file() {
        return Err(Refusal::NotAFile);
    }
    // The mode is asked too, since root may write to everything: a mode without any `w` was set on purpose.
    if metadata.permissions().readonly() {
        return Err(Refusal::ReadOnly(None));
    }
    // A rename asks the folder only. Opening for writing asks the file, whatever its rules are, and changes nothing.
    let file = OpenOptions::new().read(true).write(true).open(target).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Refusal::ReadOnly(Some(error)),
        ErrorKind::NotFound => Refusal::Missing,
        _ => Refusal::Io { doing: "open it for writing", error },
    })?;
    match platform::names(&file).map_err(failed("count its hard links"))? {
        0 | 1 => Ok(file),
        names => Err(Refusal::HardLinks(names)),
    }
}

/// Whether the file holds these bytes and no more. Reads from where the file stands.
fn holds(mut file: &File, expected: &[u8]) -> io::Result<bool> {
    if file.metadata()?.len() != expected.len() as u64 {
        return Ok(false);
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut rest = expected;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(rest.is_empty()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        match (buffer.get(..read), rest.split_at_checked(read)) {
            (Some(found), Some((head, tail))) if found == head => rest = tail,
            _ => return Ok(false),
        }
    }
}

#[cfg(unix)]
mod platform {
    //! Mode, owner, group and extended attributes.

    use super::{File, Metadata, NamedTempFile, Path, Refusal, failed, io};
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    /// How many names the file has.
    pub fn names(file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.nlink())
    }

    /// Gives the temporary file what can only be had by copying the old one: on macOS, access control lists and
    /// extended attributes, which the system copies with a file.
    #[cfg(target_os = "macos")]
    pub fn prepare(target: &Path, file: &mut NamedTempFile) -> Result<(), Refusal> {
        std::fs::copy(target, file.path()).map_err(failed("copy it"))?;
        file.as_file().set_len(0).map_err(failed("write the new text"))
    }

    /// Gives the temporary file what can only be had by copying the old one: nothing.
    #[cfg(not(target_os = "macos"))]
    pub fn prepare(_: &Path, _: &mut NamedTempFile) -> Result<(), Refusal> {
        Ok(())
    }

    /// Gives `new` all that belongs to the old file but its text.
    pub fn keep(old: &File, metadata: &Metadata, new: &File) -> Result<(), Refusal> {
        let (owner, group) = (metadata.uid(), metadata.gid());
        let made = new.metadata().map_err(failed("read the new file's permissions"))?;
        let other = |theirs, ours| (theirs != ours).then_some(theirs);
        let (new_owner, new_group) = (other(owner, made.uid()), other(group, made.gid()));
        if new_owner.is_some() || new_group.is_some() {
            fchown(new, new_owner, new_group).map_err(|error| Refusal::Owner { owner, group, error })?;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        super::attributes::copy(old, new)?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = old;
        // After the owner, since a change of owner clears the set-user-id bits.
        let mode = metadata.mode() & 0o7777;
        new.set_permissions(Permissions::from_mode(mode)).map_err(Refusal::Mode)?;
        // Some systems drop a bit without a word, such as set-group-id of a group that is not ours.
        let kept = new.metadata().map_err(failed("read the new file's permissions"))?;
        if kept.mode() & 0o7777 != mode {
            return Err(Refusal::Mode(io::Error::other(format!("mode {mode:o} became {:o}", kept.mode() & 0o7777))));
        }
        Ok(())
    }

    /// Makes the rename outlast a power cut. A file system that cannot do this has still renamed.
    pub fn sync_folder(folder: &Path) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod attributes {
    //! Extended attributes, which hold POSIX access control lists too.

    use super::{File, Refusal};
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
    use rustix::io::Errno;

    const ACL: &str = "system.posix_acl_access";

    /// Gives `new` the attributes of `old`.
    pub fn copy(old: &File, new: &File) -> Result<(), Refusal> {
        let names = names(old)?;
        // A folder's default list is given to every new file in it; the old file may have been made before.
        if !names.iter().any(|name| name == ACL) {
            match fremovexattr(new, ACL) {
                Ok(()) | Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS) => {}
                Err(error) => return Err(refused(ACL, error)),
            }
        }
        for name in &names {
            // They sign the old text; the kernel makes new ones where it is set up to.
            if matches!(name.as_str(), "security.ima" | "security.evm") {
                continue;
            }
            // Gone since it was listed, or not ours to see.
            let Some(value) = read(|buffer| fgetxattr(old, name.as_str(), buffer)).ok().flatten() else { continue };
            let same = read(|buffer| fgetxattr(new, name.as_str(), buffer)).is_ok_and(|it| it.as_ref() == Some(&value));
            if same {
                continue;
            }
            match fsetxattr(new, name.as_str(), &value, XattrFlags::empty()) {
                Ok(()) => {}
                // A label that only the system may set follows from the folder, as it does for an editor's file.
                Err(_) if name.starts_with("security.") || name.starts_with("trusted.") => {}
                Err(error) => return Err(refused(name, error)),
            }
        }
        Ok(())
    }

    fn refused(name: &str, error: Errno) -> Refusal {
        Refusal::Attribute { name: name.to_owned(), error: error.into() }
    }

    fn names(file: &File) -> Result<Vec<String>, Refusal> {
        let list = read(|buffer| flistxattr(file, buffer)).map_err(|error| refused("(all)", error))?;
        let list = list.unwrap_or_default();
        let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Reads a value or a list; `None` where there is none, or the file system keeps none.
    fn read(get: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Option<Vec<u8>>, Errno> {
        // The kernel's own limit for both.
        let mut value = vec![0; 64 * 1024];
        match get(&mut value) {
            Ok(length) => {
                value.truncate(length);
                Ok(Some(value))
            }
            Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(unix))]
mod platform {
    //! Systems without owner, group and mode.

    use super::{File, Metadata, NamedTempFile, Path, Refusal, io};

    /// How many names the file has.
    #[cfg(windows)]
    pub fn names(file: &File) -> io::Result<u64> {
        Ok(winapi_util::file::information(file)?.number_of_links())
    }

    /// How many names the file has, where nothing can be asked.
    #[cfg(not(windows))]
    pub fn names(_: &File) -> io::Result<u64> {
        Ok(1)
    }

    /// Nothing has to be copied.
    pub fn prepare(_: &Path, _: &mut NamedTempFile) -> Result<(), Refusal> {
        Ok(())
    }

    /// Nothing has to be kept: a read-only file was refused before.
    pub fn keep(_: &File, _: &Metadata, _: &File) -> Result<(), Refusal> {
        Ok(())
    }

    /// Folders cannot be flushed.
    pub fn sync_folder(_: &Path) {}
}

#[cfg(test)]
mod tests;
