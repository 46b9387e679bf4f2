//! Reading a `metrics.jsonl` while it is written: every complete line once, with its number, in bounded memory.
//!
//! A [`Tail`] reads from disk what it is asked for and keeps nothing but the beginning of an incomplete line: a caller
//! that can't pass lines on stops asking, and the file is the queue. Reads block (on a local disk's page cache, for
//! microseconds); call them from a blocking thread where that matters.
//!
//! Trainers are expected to append. Those that don't are followed too: a file that is truncated, written again, replaced by
//! a rename, or deleted and made again holds new lines, unless it begins with what was read already.

mod batch;
mod extent;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

pub use batch::Batch;
use batch::Filling;
pub use extent::Extent;

use crate::MAX_LINE_BYTES;

/// Bytes before the place of reading by which a file is recognized that was written again.
const RECOGNIZED_BYTES: usize = 64;
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Most bytes read for one batch, however long or unwanted its lines are.
const BATCH_READ_BYTES: usize = 16 * 1024 * 1024;

/// A file of lines that grows. It need not exist yet.
///
/// Lines are numbered from 0. A file that is begun again continues with the numbers: its lines are new ones.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    /// Where to read next.
    offset: u64,
    /// The last bytes before that.
    before: Vec<u8>,
    /// Number of the first line of the file as it now is.
    file_first: u64,
    /// Number of the next line to be given out.
    next_line: u64,
    /// Lines to be passed over before that.
    skip: u64,
    /// The beginning of a line whose end hasn't come; at most one byte more than a line may have.
    partial: Vec<u8>,
    buffer: Box<[u8]>,
    /// What the file held when its writer left: what comes later is not read.
    end: Option<Extent>,
}

impl Tail {
    /// The lines of a file from its beginning. Nothing is read yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            file: None,
            offset: 0,
            before: Vec::new(),
            file_first: 0,
            next_line: 0,
            skip: 0,
            partial: Vec::new(),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            end: None,
        }
    }

    /// As [`Tail::new`], from a line on: those before it were read by an earlier process.
    #[must_use]
    pub fn starting_at(path: impl Into<PathBuf>, line: u64) -> Self {
        let mut tail = Self::new(path);
        tail.go_to(line);
        tail
    }

    /// As [`Tail::new`], of a file whose first line has this number: those before it were in another file.
    #[must_use]
    pub fn numbered_from(path: impl Into<PathBuf>, line: u64) -> Self {
        Self { file_first: line, next_line: line, ..Self::new(path) }
    }

    /// The writer has left, and this was its file then: what another process adds is not read.
    pub fn end_at(&mut self, end: Extent) {
        self.end = Some(end);
    }

    /// Whether the file has grown or was replaced since its writer left.
    #[must_use]
    pub fn has_changed_since_its_end(&self) -> bool {
        self.end.is_some_and(|end| Extent::of(&self.path) != Some(end))
    }

    /// Bytes of the open file that may still be read.
    fn room(&self, file: &File) -> io::Result<u64> {
        let Some(end) = &self.end else { return Ok(u64::MAX) };
        Ok(if end.is_of(&file.metadata()?) { end.bytes.saturating_sub(self.offset) } else { u64::MAX })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of the line that comes next.
    #[must_use]
    pub fn next_line(&self) -> u64 {
        self.next_line
    }

    /// Goes to a line: it will be the next. The file is read again from its beginning, a batch at a time.
    ///
    /// A line before those of the file as it now is (it was begun again) is lost: then the file's first line gets
    /// this number.
    pub fn go_to(&mut self, line: u64) {
        self.rewind();
        if line < self.file_first {
            tracing::warn!(file = %self.path.display(), from = line, to = self.file_first,
                "these lines are gone with the file that held them: what it holds now takes their place");
            self.file_first = line;
        }
        self.skip = line - self.file_first;
        self.next_line = line;
    }

    /// Complete lines that haven't been given out, up to [`BATCH_LINES`](crate::BATCH_LINES) and
    /// [`BATCH_BYTES`](crate::BATCH_BYTES). None when there is nothing
    /// new or no file. Once the writer has `ended`, what stands after the last line break is a line too: half of one most
    /// likely.
    ///
    /// # Errors
    /// When the file is there and can't be read. Lines read before are given out first.
    pub fn read(&mut self, ended: bool) -> io::Result<Batch> {
        let mut filling = Filling::new(self.next_line);
        match self.fill(&mut filling, ended) {
            Err(error) if filling.batch.lines.is_empty() => Err(error),
            // The next call meets the error again.
            Err(_) | Ok(()) => Ok(filling.batch),
        }
    }

    fn fill(&mut self, filling: &mut Filling, ended: bool) -> io::Result<()> {
        let mut budget = BATCH_READ_BYTES;
        if self.is_another_text()? {
            self.begin_again(filling);
        }
        loop {
            if filling.is_full() || budget == 0 {
                filling.batch.more = true;
                return Ok(());
            }
            if self.file.is_none() {
                if !self.is_regular()? {
                    return Ok(());
                }
                match File::open(&self.path) {
                    Ok(file) => self.file = Some(file),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            let Some(file) = &self.file else { return Ok(()) };
            let room = usize::try_from(self.room(file)?).unwrap_or(usize::MAX);
            let mut buffer = std::mem::take(&mut self.buffer);
            let wanted = room.min(buffer.len());
            let read = file.read_at(&mut buffer[..wanted], self.offset);
            let used = match &read {
                Ok(read) => self.take(&buffer[..*read], filling),
                Err(_) => 0,
            };
            self.buffer = buffer;
            match read {
                Ok(0) => {
                    if !self.begins_again(filling)? {
                        break;
                    }
                }
                Ok(_) => {
                    self.recognize(used);
                    self.offset += used as u64;
                    budget = budget.saturating_sub(used);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if ended && !self.partial.is_empty() {
            self.complete(filling);
        }
        Ok(())
    }

    /// Takes lines out of what was read; says how many bytes of it were used.
    fn take(&mut self, read: &[u8], filling: &mut Filling) -> usize {
        let mut used = 0;
        while used < read.len() && !filling.is_full() {
            let rest = &read[used..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                self.extend(&rest[..end]);
                self.complete(filling);
                used += end + 1;
            } else {
                self.extend(rest);
                used = read.len();
            }
        }
        used
    }

    /// Keeps the last of the bytes that were used of the buffer.
    fn recognize(&mut self, used: usize) {
        let new = &self.buffer[used.saturating_sub(RECOGNIZED_BYTES)..used];
        let kept = (RECOGNIZED_BYTES - new.len()).min(self.before.len());
        self.before.drain(..self.before.len() - kept);
        self.before.extend_from_slice(new);
    }

    fn rewind(&mut self) {
        self.offset = 0;
        self.before.clear();
        self.partial.clear();
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = (MAX_LINE_BYTES + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn complete(&mut self, filling: &mut Filling) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            let line = String::from_utf8_lossy(&self.partial);
            filling.push(line.trim_end_matches('\r').to_owned());
            self.next_line += 1;
        }
        self.partial.clear();
        // One very long line shouldn't hold its memory for ever.
        self.partial.shrink_to(CHUNK / 16);
    }

    /// Whether the file no longer holds what was read of it: it was truncated, and may have been written again since.
    fn is_another_text(&self) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let mut now = [0; RECOGNIZED_BYTES];
        let now = &mut now[..self.before.len()];
        match file.read_exact_at(now, self.offset - self.before.len() as u64) {
            Ok(()) => Ok(*now != *self.before),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether there is a regular file to open. A directory, a pipe or a device holds no lines: opening a pipe would wait for
    /// a writer for ever, and a device has no end. A trainer that puts one there reports nothing.
    fn is_regular(&self) -> io::Result<bool> {
        match self.path.metadata() {
            Ok(named) => Ok(named.is_file()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// At the end of the file: whether it was begun again and is to be read from its beginning.
    fn begins_again(&mut self, filling: &mut Filling) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let open = file.metadata()?;
        let replaced = match self.path.metadata() {
            Ok(named) => {
                let was_there = self.end.is_none_or(|end| end.is_of(&named));
                named.is_file() && (named.dev(), named.ino()) != (open.dev(), open.ino()) && was_there
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        // What was passed over may include half a line, given out when the writer seemed to have ended.
        let too_short = self.skip > u64::from(!self.partial.is_empty());
        if !(replaced || too_short || open.len() < self.offset) {
            return Ok(false);
        }
        self.begin_again(filling);
        if replaced {
            self.file = None;
        }
        Ok(true)
    }

    fn begin_again(&mut self, filling: &mut Filling) {
        tracing::warn!(file = %self.path.display(), line = self.next_line,
            "the trainer has begun its file again instead of appending: its lines are read as new ones");
        if self.skip == 0 && !self.partial.is_empty() {
            self.complete(filling);
        }
        self.rewind();
        self.skip = 0;
        self.file_first = self.next_line;
    }
}
