//! A CSV file with the place of every cell, so that what is wrong with one can be shown.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};

use super::ImportProblem;

/// Largest file.
const MOST_BYTES: u64 = 1 << 30;

/// A CSV file with a heading.
pub(super) struct Sheet {
    path: String,
    text: String,
    pub heads: Vec<String>,
    delimiter: u8,
}

/// One row.
pub(super) struct SheetRow<'a> {
    sheet: &'a Sheet,
    record: csv::StringRecord,
    /// Of its first byte.
    offset: usize,
    line: u64,
}

impl Sheet {
    /// Reads a file. A heading that names a column twice is an error.
    pub(super) fn read(path: &Path, delimiter: u8) -> anyhow::Result<Result<Self, ImportProblem>> {
        let shown = path.display().to_string();
        let failed = || format!("can't read {shown}");
        let size = std::fs::metadata(path).with_context(failed)?.len();
        if size > MOST_BYTES {
            bail!("{shown} is larger than {} MiB: give fewer rows or columns", MOST_BYTES >> 20);
        }
        let bytes = std::fs::read(path).with_context(failed)?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                let message = "is not UTF-8. Save it as UTF-8".to_owned();
                return Ok(Err(ImportProblem { place: format!("{shown}:{line}"), message }));
            }
        };
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let mut sheet = Self { path: shown, text, heads: Vec::new(), delimiter };
        let heads = match sheet.reader().headers() {
            Ok(heads) => heads.iter().map(|head| head.trim().to_owned()).collect::<Vec<_>>(),
            Err(error) => return Ok(Err(sheet.unreadable(&error))),
        };
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, head) in heads.iter().enumerate().filter(|(_, head)| !head.is_empty()) {
            if let Some(first) = places.insert(head, i) {
                let message = format!("columns {} and {} are both called {head}. Rename one of them", first + 1, i + 1);
                return Ok(Err(ImportProblem { place: format!("{}:1", sheet.path), message }));
            }
        }
        sheet.heads = heads;
        Ok(Ok(sheet))
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new().delimiter(self.delimiter).from_reader(self.text.as_bytes())
    }

    /// The place of the heading.
    pub(super) fn heading(&self) -> String {
        format!("{}:1", self.path)
    }

    /// The rows, each by itself wrong or right.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<SheetRow<'_>, ImportProblem>> {
        let mut reader = self.reader();
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let mut record = csv::StringRecord::new();
            match reader.read_record(&mut record) {
                Ok(true) => {
                    let (offset, line) = record.position().map_or((0, 0), |p| (p.byte(), p.line()));
                    let offset = usize::try_from(offset).unwrap_or_default();
                    Some(Ok(SheetRow { sheet: self, record, offset, line }))
                }
                Ok(false) => None,
                Err(error) => {
                    // Rows of another length; the reader goes on after them. What can't be read at all ends it.
                    is_over = !matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. });
                    Some(Err(self.unreadable(&error)))
                }
            }
        })
    }

    fn unreadable(&self, error: &csv::Error) -> ImportProblem {
        let line = error.position().map_or(1, csv::Position::line);
        let message = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
                "the row has {len} cells, and the heading {expected_len}. Is there a {:?} within a cell without quotes, \
                 or another --delimiter?",
                char::from(self.delimiter)
            ),
            _ => error.to_string(),
        };
        ImportProblem { place: format!("{}:{line}", self.path), message }
    }
}

impl SheetRow<'_> {
    /// A cell, if it holds anything.
    pub(super) fn cell(&self, column: usize) -> Option<&str> {
        self.record.get(column).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// The line.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The place of a cell: file, line and column, from 1.
    pub(super) fn place(&self, column: usize) -> String {
        let mut line = self.line;
        let mut in_line = 1;
        let mut cell = 0;
        let mut is_quoted = false;
        // The reader's position may stand before line breaks that it skips.
        let rest = self.sheet.text.get(self.offset..).unwrap_or_default().trim_start_matches(['\r', '\n']);
        for c in rest.chars() {
            if cell == column {
                break;
            }
            match c {
                '"' => is_quoted = !is_quoted,
                c if c == char::from(self.sheet.delimiter) && !is_quoted => cell += 1,
                _ => {}
            }
            if c == '\n' {
                line += 1;
                in_line = 1;
            } else {
                in_line += 1;
            }
        }
        format!("{}:{line}:{in_line}", self.sheet.path)
    }

    /// The place of the row.
    pub(super) fn start(&self) -> String {
        format!("{}:{}", self.sheet.path, self.line)
    }
}
