//! What earlier attempts of this host left on the claim, in the order in which it is delivered.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use crate::spool::{SpooledLines, count_lines};

/// For how long after this attempt's first line earlier ones are looked for. What a trainer restores was saved before that,
/// and what was measured before it was saved, its own agent, if that is not gone, copies to the claim within a second.
const LATE: Duration = Duration::from_secs(3);
/// How often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Lines of earlier attempts.
///
/// An earlier attempt may still write: a pod that was deleted by force is not gone at once. So what is delivered stays where
/// it is until this attempt ends, and is looked at again: in its first seconds, and when it ends.
#[derive(Debug, Default)]
pub(crate) struct EarlierLines {
    folder: Option<PathBuf>,
    attempt: u32,
    /// For how long they are looked for.
    late: Duration,
    /// Until when lines may come, once this attempt has written something.
    until: Option<Instant>,
    looked: Option<Instant>,
    /// To be delivered; the first is being delivered.
    waiting: VecDeque<SpooledLines>,
    past: Vec<Past>,
}

/// Lines that are not to be delivered any more, as far as they were counted.
#[derive(Debug)]
struct Past {
    lines: SpooledLines,
    /// Otherwise the operator has lost what comes before them.
    is_delivered: bool,
}

impl EarlierLines {
    /// What is in `folder` of attempts before `attempt`. Deletes what an earlier process of this attempt copied: the pod
    /// still has these lines.
    pub(crate) fn list(folder: &Path, attempt: u32, drain_limit: Duration) -> Self {
        files(folder).iter().filter(|lines| lines.attempt == attempt).for_each(SpooledLines::delete);
        let late = LATE.min(drain_limit / 2);
        let mut earlier = Self { folder: Some(folder.to_owned()), attempt, late, ..Self::default() };
        earlier.look_again();
        earlier
    }

    /// What is being delivered.
    pub(crate) fn current(&self) -> Option<&SpooledLines> {
        self.waiting.front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether every line of the current file that is there now comes before `next_line`.
    pub(crate) fn is_current_delivered(&mut self, next_line: u64) -> bool {
        let Some(current) = self.waiting.front_mut() else { return false };
        if next_line >= current.next_line {
            count(current);
        }
        next_line >= current.next_line
    }

    /// Continues to the next file. One that isn't delivered stays on the claim.
    pub(crate) fn end_current(&mut self, is_delivered: bool) {
        self.past.extend(self.waiting.pop_front().map(|lines| Past { lines, is_delivered }));
    }

    /// This attempt has written lines: its trainer has restored what it continues from.
    pub(crate) fn own_lines_began(&mut self) {
        if self.folder.is_some() && self.attempt > 1 {
            self.until.get_or_insert_with(|| Instant::now() + self.late);
        }
    }

    /// Whether lines of earlier attempts may still come.
    pub(crate) fn may_come(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// Looks again, if it is time to.
    pub(crate) fn look_now_and_then(&mut self) -> bool {
        self.may_come() && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) && self.look_again()
    }

    /// Finds files that are new and lines that came since. Says whether there are some to deliver.
    pub(crate) fn look_again(&mut self) -> bool {
        let Some(folder) = &self.folder else { return false };
        self.looked = Some(Instant::now());
        for mut lines in files(folder) {
            let is_waiting = self.waiting.iter().any(|waiting| waiting.path == lines.path);
            if lines.attempt >= self.attempt || is_waiting || !count(&mut lines) {
                continue;
            }
            let known = self.past.iter().position(|past| past.lines.path == lines.path);
            if known.is_none_or(|at| self.past[at].lines.next_line < lines.next_line) {
                known.map(|at| self.past.remove(at));
                self.waiting.push_back(lines);
            }
        }
        self.waiting.make_contiguous().sort();
        !self.waiting.is_empty()
    }

    /// Deletes what is delivered.
    pub(crate) fn delete_past(&self) {
        self.past.iter().filter(|past| past.is_delivered).for_each(|past| past.lines.delete());
    }

    /// Deletes everything: it is of no use to anyone.
    pub(crate) fn delete_all(&self) {
        self.waiting.iter().chain(self.past.iter().map(|past| &past.lines)).for_each(SpooledLines::delete);
    }
}

/// The files of all attempts, uncounted.
fn files(folder: &Path) -> Vec<SpooledLines> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(Result::ok).filter_map(|entry| SpooledLines::parse(entry.path())).collect(),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "cannot list lines of earlier attempts");
            Vec::new()
        }
    }
}

/// Counts the lines that are there now. Says whether they can be read.
fn count(lines: &mut SpooledLines) -> bool {
    match count_lines(&lines.path) {
        Ok(count) => {
            lines.next_line = lines.first_line + count;
            true
        }
        Err(error) => {
            tracing::error!(file = %lines.path.display(), %error, "cannot read lines of an earlier attempt");
            false
        }
    }
}
