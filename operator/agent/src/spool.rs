//! Lines that outlive the pod. With a checkpoint claim, lines that the operator has not acknowledged within seconds are
//! copied to it, and the agent of the next attempt delivers them before its own.
//!
//! A file holds consecutive lines of one attempt of this host, `attempt-<attempt>-from-<line>.jsonl`: the number of its
//! first line is in its name. It is deleted once all of its lines are acknowledged.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use studious_contract::tail::Tail;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the metrics file is looked at.
const POLL: Duration = Duration::from_millis(200);
/// How long lines may be unacknowledged before they are copied.
const PATIENCE: Duration = Duration::from_secs(1);
/// A claim that cannot be written is tried again after this.
const RETRY: Duration = Duration::from_secs(10);

/// Lines of an earlier attempt that were not acknowledged.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct SpooledLines {
    /// The attempt that wrote them, from 1.
    pub attempt: u32,
    /// Number of the first line, from 0.
    pub first_line: u64,
    /// Where they are.
    pub path: PathBuf,
    /// Number of the line after the last.
    pub next_line: u64,
}

impl SpooledLines {
    fn new(folder: &Path, attempt: u32, first_line: u64) -> Self {
        let path = folder.join(format!("attempt-{attempt}-from-{first_line}.jsonl"));
        Self { attempt, first_line, path, next_line: first_line }
    }

    /// Reads what a file's name says; its lines are not counted.
    pub(crate) fn parse(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_prefix("attempt-")?.strip_suffix(".jsonl")?;
        let (attempt, first_line) = name.split_once("-from-")?;
        let first_line = first_line.parse().ok()?;
        Some(Self { attempt: attempt.parse().ok()?, first_line, path, next_line: first_line })
    }

    /// Deletes the file. A failure costs space on the claim, no line.
    pub(crate) fn delete(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %self.path.display(), %error, "cannot delete delivered lines");
            }
            _ => {}
        }
    }
}

/// What follows the last line break was cut off while it was copied, and is no line.
pub(crate) fn count_lines(path: &Path) -> io::Result<u64> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    let mut count = 0;
    loop {
        line.clear();
        file.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(count);
        }
        count += 1;
    }
}

/// What the pump tells about this attempt's lines.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// The line that the operator wants next: all before it are acknowledged.
    pub acknowledged: AtomicU64,
    /// Whether the trainer has ended: what follows its last line break is a line too.
    pub ended: AtomicBool,
}

/// Copies lines that are not acknowledged within seconds.
pub(crate) struct Spool {
    folder: PathBuf,
    attempt: u32,
    tail: Tail,
    delivery: Arc<Delivery>,
    /// The first line that may wait too long, and since when it waits.
    waiting: (u64, Instant),
    copy: Option<Copy>,
}

/// The file that is written.
struct Copy {
    lines: SpooledLines,
    file: BufWriter<File>,
}

impl Spool {
    pub(crate) fn new(folder: PathBuf, metrics: PathBuf, attempt: u32, delivery: Arc<Delivery>) -> Self {
        Self { folder, attempt, tail: Tail::new(metrics), delivery, waiting: (0, Instant::now()), copy: None }
    }

    /// Copies until `stop`. Then every line that is not acknowledged is in a file, and none if all are.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let stopping = stop.is_cancelled();
            let work = tokio::task::spawn_blocking(move || {
                let more = self.step(stopping);
                (self, more)
            });
            let Ok((spool, more)) = work.await else { return };
            self = spool;
            let wait = match more {
                Ok(true) => continue,
                Ok(false) if stopping => return,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::warn!(folder = %self.folder.display(), %error, "cannot copy lines to the checkpoint claim");
                    if stopping {
                        return;
                    }
                    RETRY
                }
            };
            let _ = tokio::time::timeout(wait, stop.cancelled()).await;
        }
    }

    /// Reads a batch and copies it where that is due. Says whether there may be more to read at once.
    fn step(&mut self, stopping: bool) -> io::Result<bool> {
        let acknowledged = self.delivery.acknowledged.load(Ordering::Acquire);
        let ended = self.delivery.ended.load(Ordering::Acquire);
        if self.copy.is_none() && self.is_late(acknowledged, stopping) {
            self.tail.go_to(acknowledged);
            self.copy = Some(self.create(acknowledged)?);
        }
        // The pump meets the same error and reports it.
        let Ok(batch) = self.tail.read(ended) else { return Ok(false) };
        let more = batch.more;
        let Some(copy) = &mut self.copy else {
            // Whether something is late is known once all has been read.
            return Ok(more || (stopping && acknowledged < self.tail.next_line()));
        };
        if let Err(error) = copy.append(&batch.lines) {
            // A line may be there in part: begin a new file.
            copy.lines.delete();
            self.copy = None;
            return Err(error);
        }
        if !more && acknowledged >= self.tail.next_line() {
            copy.lines.delete();
            self.copy = None;
            self.waiting = (self.tail.next_line(), Instant::now());
        }
        Ok(more)
    }

    /// Whether a line has waited too long.
    fn is_late(&mut self, acknowledged: u64, stopping: bool) -> bool {
        let next_line = self.tail.next_line();
        if acknowledged >= self.waiting.0.min(next_line) {
            // All that was there then is acknowledged, or nothing waits: look at what is there now.
            self.waiting = (next_line, Instant::now());
        }
        acknowledged < next_line && (stopping || self.waiting.1.elapsed() >= PATIENCE)
    }

    fn create(&self, first_line: u64) -> io::Result<Copy> {
        let lines = SpooledLines::new(&self.folder, self.attempt, first_line);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&lines.path)?;
        tracing::info!(file = %lines.path.display(), "copying lines that are not acknowledged to the checkpoint claim");
        Ok(Copy { lines, file: BufWriter::new(file) })
    }
}

impl Copy {
    fn append(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        for line in lines {
            self.file.write_all(line.as_bytes())?;
            self.file.write_all(b"\n")?;
        }
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }
}
