//! A file whose text is replaced at once: a reader sees the old text or the new, and a crash leaves one of them.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Writes a text over a file, which keeps its mode; a link stays one.
///
/// # Errors
/// When the folder or the file can't be written. Then the file is as it was.
pub(crate) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        let path = path.canonicalize()?;
        let mut next = NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
        next.write_all(text.as_bytes())?;
        next.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
        next.as_file().sync_all()?;
        next.persist(&path)?;
        Ok(())
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// Writes a new file, whole or not at all. `may_replace` allows that it exists.
///
/// # Errors
/// When it exists and may not be replaced, or the folder can't be written.
pub(crate) fn create(path: &Path, text: &str, may_replace: bool) -> anyhow::Result<()> {
    if may_replace && path.exists() {
        return replace(path, text);
    }
    let write = || -> anyhow::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // As any new file: what the umask leaves.
        let mode = fs::Permissions::from_mode(0o666);
        let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        Ok(())
    };
    write().with_context(|| format!("can't write {}", path.display()))
}
