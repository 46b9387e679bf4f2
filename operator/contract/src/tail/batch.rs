//! What one reading gives: consecutive lines, up to the limits of a push.

use crate::{BATCH_BYTES, BATCH_LINES, json_bytes};

/// Consecutive lines.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// Number of the first line, from 0.
    pub first_line: u64,
    /// Without their line breaks. A line longer than a line may be is cut one byte beyond, so that it is still refused as
    /// too long; what isn't UTF-8 is replaced, and can't be JSON either way.
    pub lines: Vec<String>,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl Batch {
    /// Number of the line after the last.
    #[must_use]
    pub fn next_line(&self) -> u64 {
        self.first_line + self.lines.len() as u64
    }
}

/// A batch that is being filled.
pub(super) struct Filling {
    pub(super) batch: Batch,
    bytes: usize,
}

impl Filling {
    pub(super) fn new(first_line: u64) -> Self {
        Self { batch: Batch { first_line, ..Batch::default() }, bytes: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.lines.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES
    }

    pub(super) fn push(&mut self, line: String) {
        self.bytes += json_bytes(&line);
        self.batch.lines.push(line);
    }
}
