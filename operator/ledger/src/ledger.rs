//! The handle of a ledger: opening it, closing it, and what survives what.

use std::path::Path;

use crate::{
    Health, Limits,
    error::LedgerError,
    store::{Database, file_of},
};

/// Handle of a ledger; cloning it shares the file.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) database: Database,
    pub(crate) limits: Limits,
}

impl Ledger {
    /// Opens a ledger, made if it doesn't exist, with the usual [`Limits`]: a path, or `sqlite:` with a path.
    ///
    /// # Errors
    /// When it is another kind of database, cannot be opened, is damaged, is not a ledger or was written by a newer version.
    pub async fn open(location: impl AsRef<Path>) -> Result<Self, LedgerError> {
        Self::open_with(location, Limits::default()).await
    }

    /// Opens a ledger with limits of one's own.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub async fn open_with(location: impl AsRef<Path>, limits: Limits) -> Result<Self, LedgerError> {
        let database = Database::open(&file_of(location.as_ref())?).await?;
        Ok(Self { database, limits })
    }

    /// Opens a ledger that exists, for commands that only read. The file is checked, and never changed: one that an older
    /// version wrote is read through a copy, so that the older version can continue it.
    ///
    /// # Errors
    /// As [`Ledger::open`], and when the file does not exist or is damaged.
    pub async fn open_to_read(location: impl AsRef<Path>) -> Result<Self, LedgerError> {
        let database = Database::open_to_read(&file_of(location.as_ref())?).await?;
        Ok(Self { database, limits: Limits::default() })
    }

    /// Whom the ledger belongs to: drawn when its file is made, and kept beside the files of a local run, so that a ledger and
    /// files of different runs are told apart.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn identity(&self) -> Result<String, LedgerError> {
        Ok(self.database.read().await?.identity().await?)
    }

    /// Gives the ledger another identity: that of the files from which it is rebuilt.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_identity(&self, identity: &str) -> Result<(), LedgerError> {
        let mut write = self.database.write_once().await?;
        write.set_identity(identity).await?;
        Ok(write.commit().await?)
    }

    /// Whether the ledger can be written, by the outcome of its latest write. Costs no access to the file.
    #[must_use]
    pub fn health(&self) -> Health {
        self.database.health.now()
    }

    /// As [`Ledger::health`]; while writes fail, one is tried now: a caller that sends no lines while the ledger fails learns
    /// that it works again.
    pub async fn probe(&self) -> Health {
        if !self.health().is_working() {
            let tried = self.database.probe().await.map_err(LedgerError::from);
            let _ = self.database.health.observe(tried);
        }
        self.health()
    }

    /// Bytes that are free on the ledger's volume for a user without privileges. Nothing if the system does not say.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        let volume = nix::sys::statvfs::statvfs(self.database.file()).ok()?;
        Some(volume.blocks_available().saturating_mul(volume.fragment_size()))
    }

    /// Makes everything acknowledged so far survive a loss of power.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub async fn sync(&self) -> Result<(), LedgerError> {
        Ok(self.database.sync().await?)
    }

    /// Closes the file once running calls have ended. Dropping the last handle closes it too, but doesn't wait.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
