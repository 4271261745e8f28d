//! The file beside a file that its new text is written to, before it is renamed over it.
//!
//! A run that is killed cannot remove it. The next run that writes in the folder does, and knows by a lock that nobody
//! writes to it any more: whoever makes such a file holds a lock on it until it is renamed, and a lock goes with its
//! process, however that ends.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile};

/// The name is one that no build, no `.gitignore` and no second run takes for a Dockerfile or an environment.
const PREFIX: &str = ".envfix-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 6;

/// Makes a file in a folder that was cleaned.
pub fn make(folder: &Path) -> io::Result<NamedTempFile> {
    clean(folder);
    let make = || Builder::new().prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM).tempfile_in(folder);
    // Another run may have met the file between its making and its locking, and taken it for left over.
    for _ in 0..10 {
        let file = make()?;
        if platform::hold(&file) {
            return Ok(file);
        }
    }
    make()
}

/// Removes what killed runs left in a folder, once in a process.
pub fn clean(folder: &Path) {
    if first_in(folder) {
        sweep(folder);
    }
}

/// Whether this process has not written in the folder yet: a folder may hold thousands of files that change.
fn first_in(folder: &Path) -> bool {
    static KNOWN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned())
}

/// Removes what killed runs left in a folder. What cannot be removed harms nobody.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(is_ours) {
            platform::remove_left_over(&entry.path());
        }
    }
}

fn is_ours(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
    use tempfile::NamedTempFile;

    /// Locks a new file; false when it is gone. A file system without locks has none that tell of a left-over either.
    pub fn hold(file: &NamedTempFile) -> bool {
        match flock(file.as_file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => is_still(file.path(), file.as_file()),
            Err(rustix::io::Errno::WOULDBLOCK) => false,
            Err(_) => true,
        }
    }

    /// Removes a file that nobody holds.
    pub fn remove_left_over(path: &Path) {
        // Neither through a link nor from a pipe, which would wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = open(path, flags, Mode::empty()).map(File::from) else { return };
        let free = file.metadata().is_ok_and(|metadata| metadata.is_file())
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        // It may have been renamed between the opening and the locking.
        if free && is_still(path, &file) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn is_still(path: &Path, file: &File) -> bool {
        let (there, here) = (std::fs::symlink_metadata(path), file.metadata());
        matches!((there, here), (Ok(there), Ok(here)) if (there.dev(), there.ino()) == (here.dev(), here.ino()))
    }
}

#[cfg(not(unix))]
mod platform {
    use std::path::Path;
    use std::time::Duration;

    use tempfile::NamedTempFile;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Nothing has to be done.
    pub fn hold(_: &NamedTempFile) -> bool {
        true
    }

    /// Removes a file that nobody has written to for a day.
    pub fn remove_left_over(path: &Path) {
        let written = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        if written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > DAY)) {
            let _ = std::fs::remove_file(path);
        }
    }
}
