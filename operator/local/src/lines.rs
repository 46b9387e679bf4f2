//! The lines of a `metrics.jsonl` that grows.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use studious_contract::MAX_LINE_BYTES;

use crate::Error;

/// Reads the lines of a file as they are completed.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    /// Lines to be passed over: they were read by an earlier run.
    skip: u64,
    next_line: u64,
    /// The beginning of a line whose end hasn't come; at most one byte more than a line may have.
    partial: Vec<u8>,
}

/// Lines that were completed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    /// Number of the first, from 0.
    pub first_line: u64,
    /// Without line breaks. One that is longer than a line may be is cut, so that it is refused as too long.
    pub lines: Vec<String>,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl Lines {
    /// Lines of a file from `next_line` on. The file need not exist yet.
    pub(crate) fn new(path: PathBuf, next_line: u64) -> Self {
        Self { path, file: None, offset: 0, skip: next_line, next_line, partial: Vec::new() }
    }

    /// Reads about `budget` bytes. Once the writer has `ended`, what stands after the last line break is a line too:
    /// half of one, most likely, and to be counted as such.
    pub(crate) fn read(&mut self, budget: usize, ended: bool) -> Result<Batch, Error> {
        let mut buffer = vec![0; budget];
        let n = self.fill(&mut buffer).map_err(|e| Error::io("read", &self.path, e))?;
        let mut batch = Batch { first_line: self.next_line, ..Batch::default() };
        let mut rest = &buffer[..n];
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.extend(&rest[..end]);
            self.complete(&mut batch);
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        batch.more = n == budget;
        if ended && !batch.more && !self.partial.is_empty() {
            self.complete(&mut batch);
        }
        Ok(batch)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            None => match File::open(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            },
        };
        if file.metadata()?.len() < self.offset {
            // The trainer has begun its file again.
            self.offset = 0;
            self.partial.clear();
            file.seek(SeekFrom::Start(0))?;
        }
        let mut n = 0;
        while n < buffer.len() {
            match file.read(&mut buffer[n..]) {
                Ok(0) => break,
                Ok(m) => n += m,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.offset += n as u64;
        Ok(n)
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = (MAX_LINE_BYTES + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn complete(&mut self, batch: &mut Batch) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            // What isn't UTF-8 isn't JSON either: it is refused as such.
            let line = String::from_utf8_lossy(&self.partial);
            batch.lines.push(line.trim_end_matches('\r').to_owned());
            self.next_line += 1;
        }
        self.partial.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write as _};

    use super::*;

    fn append(path: &PathBuf, text: &[u8]) {
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text).unwrap();
    }

    #[test]
    fn lines_come_once_complete_and_half_a_line_only_at_the_end() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("m");
        let mut lines = Lines::new(path.clone(), 0);
        assert_eq!(lines.read(1024, false).unwrap(), Batch::default());
        append(&path, b"one\ntw");
        assert_eq!(lines.read(1024, false).unwrap().lines, ["one"]);
        append(&path, b"o\r\n\nthr");
        let batch = lines.read(1024, false).unwrap();
        assert_eq!((batch.first_line, batch.lines), (1, vec!["two".to_owned(), String::new()]));
        assert!(lines.read(1024, false).unwrap().lines.is_empty());
        let batch = lines.read(1024, true).unwrap();
        assert_eq!((batch.first_line, batch.lines), (3, vec!["thr".to_owned()]));
        assert!(lines.read(1024, true).unwrap().lines.is_empty());
    }

    #[test]
    fn lines_that_were_read_before_are_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("m");
        append(&path, b"a\nb\nc\n");
        let mut lines = Lines::new(path, 2);
        let batch = lines.read(1024, true).unwrap();
        assert_eq!((batch.first_line, batch.lines), (2, vec!["c".to_owned()]));
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("m");
        append(&path, &vec![b'x'; 3_000_000]);
        append(&path, b"\nnext\n");
        let mut lines = Lines::new(path, 0);
        let mut all = Vec::new();
        loop {
            let batch = lines.read(1 << 20, false).unwrap();
            assert!(lines.partial.len() <= MAX_LINE_BYTES + 1);
            all.extend(batch.lines);
            if !batch.more {
                break;
            }
        }
        assert_eq!(all.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE_BYTES + 1, 4]);
    }
}
