//! A table, CSV or Parquet, with the place of every cell, so that what is wrong with one can be shown.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use studious_playbook::numbers::count;

use super::{ImportProblem, parquet_text};

/// Largest file.
const MOST_BYTES: u64 = 1 << 30;
/// What may stand between cells where nothing says so, the usual one first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A CSV file with a heading.
pub(super) struct Sheet {
    path: String,
    text: String,
    pub heads: Vec<String>,
    delimiter: u8,
    /// Whether `0,5` is a half: numbers are written so, and none with a point.
    pub has_decimal_commas: bool,
    /// Whether it was columns with types, which have no lines.
    is_parquet: bool,
    /// What was made out of it, a sentence each.
    pub notes: Vec<String>,
}

/// A row that can't be read, with its cells as far as they are known.
pub(super) struct DamagedRow {
    pub problem: ImportProblem,
    record: csv::StringRecord,
}

impl DamagedRow {
    /// A cell, if it holds anything.
    pub(super) fn cell(&self, column: usize) -> Option<&str> {
        self.record.get(column).map(str::trim).filter(|cell| !cell.is_empty())
    }
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
    pub(super) fn read(path: &Path, delimiter: Option<u8>) -> anyhow::Result<Result<Self, ImportProblem>> {
        let shown = path.display().to_string();
        let failed = || format!("can't read {shown}");
        let size = std::fs::metadata(path).with_context(failed)?.len();
        if size > MOST_BYTES {
            bail!("{shown} is larger than {} MiB: give fewer rows or columns", MOST_BYTES >> 20);
        }
        let bytes = std::fs::read(path).with_context(failed)?;
        if bytes.starts_with(parquet_text::MAGIC) {
            return Ok(match parquet_text::read(bytes) {
                Ok(text) => Self::of(shown, text, Some(b',')).map(|sheet| Self { is_parquet: true, ..sheet }),
                Err(error) => {
                    let message = format!("this Parquet file can't be read: {error}. Write the table as CSV");
                    Err(ImportProblem { place: shown, message })
                }
            });
        }
        if let Some(message) = not_csv(&bytes) {
            return Ok(Err(ImportProblem { place: shown, message: message.to_owned() }));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                let message = "is not UTF-8. Save it as UTF-8".to_owned();
                return Ok(Err(ImportProblem { place: format!("{shown}:{line}"), message }));
            }
        };
        Ok(Self::of(shown, text, delimiter))
    }

    fn of(path: String, text: String, delimiter: Option<u8>) -> Result<Self, ImportProblem> {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        // Line breaks of old spreadsheets.
        let text = if text.contains('\n') { text } else { text.replace('\r', "\n") };
        let mut notes = Vec::new();
        let (text, declared) = without_separator_line(text);
        let delimiter = delimiter.or(declared).unwrap_or_else(|| {
            let found = delimiter_of(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
            if found != DELIMITERS[0] {
                notes.push(format!("cells are separated by {}", named(found)));
            }
            found
        });
        let mut sheet =
            Self { path, text, heads: Vec::new(), delimiter, has_decimal_commas: false, is_parquet: false, notes };
        let heads = match sheet.reader().headers() {
            Ok(heads) => heads.iter().map(|head| head.trim().to_owned()).collect::<Vec<_>>(),
            Err(error) => return Err(sheet.unreadable(&error)),
        };
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, head) in heads.iter().enumerate().filter(|(_, head)| !head.is_empty()) {
            if let Some(first) = places.insert(head, i) {
                let message = format!("columns {} and {} are both called {head}. Rename one of them", first + 1, i + 1);
                return Err(ImportProblem { place: sheet.heading(), message });
            }
        }
        sheet.heads = heads;
        if sheet.delimiter != b',' {
            sheet.look_for_decimal_commas();
        }
        Ok(sheet)
    }

    /// Numbers with a point, or with two commas, and numbers with one comma in one file: the comma may separate thousands.
    fn look_for_decimal_commas(&mut self) {
        let (mut commas, mut others) = (0, 0);
        let mut example = None;
        for row in self.rows().flatten() {
            for cell in &row.record {
                let cell = cell.trim();
                if let Some(number) = with_point(cell) {
                    commas += 1;
                    example.get_or_insert_with(|| (cell.to_owned(), number));
                }
                others += usize::from(cell.contains('.') && cell.parse::<f64>().is_ok() || has_thousands(cell));
            }
        }
        if let Some((cell, number)) = example.filter(|_| others == 0) {
            self.has_decimal_commas = true;
            self.notes.push(format!("{} with a decimal comma: {cell} is read as {number}", count(commas, "number")));
        }
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new().delimiter(self.delimiter).from_reader(self.text.as_bytes())
    }

    /// The place of the heading.
    pub(super) fn heading(&self) -> String {
        format!("{}:{}", self.path, 1 + self.blank_lines(0))
    }

    /// The line of what the reader found at a position, which may stand before blank lines that it skipped.
    fn line_at(&self, position: &csv::Position) -> u64 {
        position.line() + self.blank_lines(usize::try_from(position.byte()).unwrap_or_default())
    }

    /// How many lines from an offset on are blank.
    fn blank_lines(&self, offset: usize) -> u64 {
        let rest = self.text.get(offset..).unwrap_or_default();
        rest.chars().take_while(|c| ['\r', '\n'].contains(c)).filter(|c| *c == '\n').count() as u64
    }

    /// The rows, each by itself wrong or right.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<SheetRow<'_>, DamagedRow>> {
        let mut reader = self.reader();
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let mut record = csv::StringRecord::new();
            match reader.read_record(&mut record) {
                Ok(true) => {
                    let (offset, line) = record.position().map_or((0, 0), |p| (p.byte(), self.line_at(p)));
                    let offset = usize::try_from(offset).unwrap_or_default();
                    let end = usize::try_from(reader.position().byte()).unwrap_or_default();
                    if let Some(message) = self.swallowed(&record, self.text.get(offset..end).unwrap_or_default()) {
                        let problem = ImportProblem { place: format!("{}:{line}", self.path), message };
                        return Some(Err(DamagedRow { problem, record }));
                    }
                    Some(Ok(SheetRow { sheet: self, record, offset, line }))
                }
                Ok(false) => None,
                Err(error) => {
                    // Rows of another length; the reader continues after them. What can't be read at all ends it.
                    is_over = !matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. });
                    Some(Err(DamagedRow { problem: self.unreadable(&error), record }))
                }
            }
        })
    }

    /// Whether a quote that was never meant as one, or never closed, took the rows after it into a cell.
    fn swallowed(&self, record: &csv::StringRecord, text: &str) -> Option<String> {
        let is_open = text.matches('"').count() % 2 == 1;
        let is_a_row = |line: &str| {
            let mut cells = line.split(char::from(self.delimiter));
            self.heads.len() > 1
                && cells.clone().count() == self.heads.len()
                && cells.any(|cell| cell.trim().parse::<f64>().is_ok())
        };
        let cells = || record.iter().filter(|cell| cell.contains('\n'));
        let rows: usize = cells().map(|cell| cell.lines().skip(1).filter(|line| is_a_row(line)).count()).sum();
        if rows == 0 && !(is_open && cells().next().is_some()) {
            return None;
        }
        let what = if is_open { "is never closed" } else { "closes lines later" };
        Some(format!(
            "a quote that opens here {what}, and takes in {} after it. Close it, or write a quote within a cell twice (\"\")",
            count(rows, "row")
        ))
    }

    fn unreadable(&self, error: &csv::Error) -> ImportProblem {
        let line = error.position().map_or(1, |position| self.line_at(position));
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
    /// A cell as it stands, blanks at its ends included, if there is anything in it.
    pub(super) fn raw(&self, column: usize) -> Option<&str> {
        self.record.get(column).filter(|cell| !cell.is_empty())
    }

    /// A cell, if it holds anything; a number with its decimal point.
    pub(super) fn number_text(&self, column: usize) -> Option<Cow<'_, str>> {
        let cell = self.cell(column)?;
        let converted = Some(cell).filter(|_| self.sheet.has_decimal_commas).and_then(with_point);
        Some(converted.map_or(Cow::Borrowed(cell), Cow::Owned))
    }

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
        if self.sheet.is_parquet {
            let head = self.sheet.heads.get(column).map_or("", String::as_str);
            return format!("{}, {head}", self.start());
        }
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
        if self.sheet.is_parquet {
            // The heading is record 0.
            return format!("{}: row {}", self.sheet.path, self.record.position().map_or(0, csv::Position::record));
        }
        format!("{}:{}", self.sheet.path, self.line)
    }
}

/// What a file is, if it is none with columns.
fn not_csv(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    Some(match text {
        [] => "is empty",
        [b'{' | b'[', ..] => {
            "is JSON, not CSV. Folders of Ray Tune are read by python -m studious.bridges read ray, tables from \
             results.get_dataframe().to_csv(…); JSON lines of `studious export` are read by --trials as they are"
        }
        [0x1f, 0x8b, ..] => "is compressed with gzip. Unpack it first (gunzip)",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "is UTF-16. Save it as UTF-8",
        [b'P', b'K', 3, 4, ..] => "is a spreadsheet or an archive, not CSV. Save the table as CSV",
        [b'S', b'Q', b'L', b'i', ..] => {
            "is an SQLite database, not CSV. Write the table with the tool itself, such as Optuna's \
             study.trials_dataframe().to_csv(…)"
        }
        _ => return None,
    })
}

/// A text without Excel's first line `sep=;`, which stays as a blank one, and the delimiter that it declares.
fn without_separator_line(text: String) -> (String, Option<u8>) {
    let first = text.lines().next().unwrap_or_default();
    let Some([delimiter]) = first.strip_prefix("sep=").map(str::as_bytes) else { return (text, None) };
    let delimiter = *delimiter;
    (text[first.len()..].to_owned(), Some(delimiter))
}

/// What stands between the cells of a heading: of those that it may be the most frequent one outside quotes.
fn delimiter_of(heading: &str) -> u8 {
    let mut is_quoted = false;
    let mut counts = [0_usize; DELIMITERS.len()];
    for byte in heading.bytes() {
        is_quoted ^= byte == b'"';
        if let Some(i) = DELIMITERS.iter().position(|delimiter| *delimiter == byte && !is_quoted) {
            counts[i] += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default();
    DELIMITERS[counts.iter().position(|count| *count == most).unwrap_or_default()]
}

fn named(delimiter: u8) -> String {
    if delimiter == b'\t' { "tabs".to_owned() } else { format!("`{}`", char::from(delimiter)) }
}

/// Whether a number has commas between its thousands, and nowhere else: `12,345,678`.
fn has_thousands(cell: &str) -> bool {
    let mut groups = cell.trim_start_matches(['+', '-']).split(',');
    let first =
        groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_digit()));
    let rest: Vec<&str> = groups.collect();
    first && rest.len() > 1 && rest.iter().all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()))
}

/// A number with a decimal comma as others write it: `0,5` is 0.5.
pub(super) fn with_point(cell: &str) -> Option<String> {
    let (whole, rest) = cell.split_once(',')?;
    let digits = whole.trim_start_matches(['+', '-']);
    let is_number = digits.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with(|c: char| c.is_ascii_digit());
    let text = format!("{whole}.{rest}");
    (is_number && text.parse::<f64>().is_ok()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str, delimiter: Option<u8>) -> Sheet {
        Sheet::of("t.csv".to_owned(), text.to_owned(), delimiter).unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// F-076.
    #[test]
    fn the_separator_of_cells_is_found_in_the_heading() {
        for (heading, delimiter) in
            [("a,b;c,d", b','), ("a;b;c", b';'), ("\u{feff}a\tb\tc", b'\t'), ("\"a,b,c\";d", b';'), ("a", b',')]
        {
            assert_eq!(sheet(heading, None).delimiter, delimiter, "{heading}");
        }
    }

    #[test]
    fn a_comma_is_decimal_where_no_number_has_a_point() {
        let cell = |text: &str| {
            let sheet = sheet(text, None);
            let row = sheet.rows().next().unwrap().unwrap_or_else(|row| panic!("{}", row.problem));
            row.number_text(1).unwrap().into_owned()
        };
        assert_eq!(cell("a;b\nx;0,5\n"), "0.5");
        assert_eq!(cell("a\tb\nx\t-1,25e-3\n"), "-1.25e-3");
        assert_eq!(cell("a;b\nx;1,234\ny;0.5\n"), "1,234", "it may stand between thousands");
        assert_eq!(cell("a;b\nx;1,234,567\n"), "1,234,567");
        assert_eq!(cell("a;b\nx;1,500\ny;12,345,678\n"), "1,500", "another number shows that it does");
        assert_eq!(cell("a,b\nx,\"0,5\"\n"), "0,5");
    }

    /// A stray quote must not swallow rows; a cell of several lines may.
    #[test]
    fn a_quote_that_takes_in_rows_is_refused() {
        let problems = |text: &str| -> Vec<String> {
            let sheet = sheet(text, None);
            sheet.rows().filter_map(Result::err).map(|row| row.problem.to_string()).collect()
        };
        let never = problems("lr,loss,note\n0.3,0.7,fine\n0.1,0.5,\"12 inch\n0.2,0.6,x\n0.3,0.1,y\n");
        assert!(never.len() == 1 && never[0].starts_with("t.csv:3: "), "{never:?}");
        assert!(never[0].contains("is never closed, and takes in 2 rows"), "{never:?}");
        let later = problems("lr,loss,note\n0.1,0.5,\"12 inch\n0.2,0.6,x\n0.3,0.1,9\"\n0.4,0.2,z\n");
        assert!(later.len() == 1 && later[0].contains("closes lines later"), "{later:?}");
        for fine in ["lr,loss,note\n0.1,0.5,\"a \"\"b\"\"\nlong, very long\nnote\"\n", "lr,note\n0.1,\"x\ny\"\n"] {
            assert_eq!(problems(fine), Vec::<String>::new(), "{fine}");
        }
    }

    /// Blank lines, the line breaks of old spreadsheets, and Excel's line that declares the delimiter.
    #[test]
    fn rows_have_the_lines_of_the_file() {
        for (text, lines) in [
            ("a,b\n1,2\n\n3,4\n", vec!["t.csv:2:3", "t.csv:4:3"]),
            ("a,b\r\n\r\n1,2\r\n3,4\r\n", vec!["t.csv:3:3", "t.csv:4:3"]),
            ("a,b\r1,2\r3,4\r", vec!["t.csv:2:3", "t.csv:3:3"]),
            ("sep=;\na;b\n1;2\n", vec!["t.csv:3:3"]),
            ("\u{feff}sep=,\r\na,b\r\n1,2\r\n", vec!["t.csv:3:3"]),
        ] {
            let sheet = sheet(text, None);
            assert_eq!(sheet.heads, ["a", "b"], "{text:?}");
            let places = sheet.rows().map(|row| row.unwrap_or_else(|row| panic!("{}", row.problem)).place(1));
            assert_eq!(places.collect::<Vec<_>>(), lines, "{text:?}");
        }
        let short = sheet("a,b\n\n\n1\n", None);
        let damaged = short.rows().find_map(Result::err).unwrap();
        assert_eq!((damaged.problem.place.as_str(), damaged.cell(0), damaged.cell(1)), ("t.csv:4", Some("1"), None));
        assert_eq!(sheet("\n\na,b\n1,2\n", None).heading(), "t.csv:3");
    }

    #[test]
    fn what_is_no_csv_is_named() {
        for (bytes, told) in [
            (&b""[..], "is empty"),
            (b"\xef\xbb\xbf \n", "is empty"),
            (b"{\"a\": 1}", "is JSON"),
            (b"\n[1]", "is JSON"),
            (b"PK\x03\x04", "spreadsheet"),
            (b"SQLite format 3", "SQLite"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\xff\xfea\0", "UTF-16"),
        ] {
            assert!(not_csv(bytes).is_some_and(|said| said.contains(told)), "{told}");
        }
        assert_eq!(not_csv(b"a,b\n1,2\n"), None);
    }
}
