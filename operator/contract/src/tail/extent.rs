//! Which file a path names at a moment, and how long it is.

use std::{fs::Metadata, os::unix::fs::MetadataExt, path::Path};

/// A file at a moment: which one it is, and how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    device: u64,
    inode: u64,
    pub(super) bytes: u64,
}

impl Extent {
    /// The file at a path as it is now; nothing if there is no regular file.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().filter(Metadata::is_file).map(|file| Self::at(&file))
    }

    fn at(file: &Metadata) -> Self {
        Self { device: file.dev(), inode: file.ino(), bytes: file.len() }
    }

    pub(super) fn is_of(&self, file: &Metadata) -> bool {
        (self.device, self.inode) == (file.dev(), file.ino())
    }
}
