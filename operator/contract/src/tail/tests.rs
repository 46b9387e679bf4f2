use std::{fs, fs::OpenOptions, io::Write, os::unix::fs::symlink};

use super::*;
use crate::{BATCH_BYTES, BATCH_LINES};

struct Fixture {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn fixture() -> (Fixture, Tail) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    (Fixture { path: path.clone(), _folder: folder }, Tail::new(path))
}

impl Fixture {
    fn append(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn lines(batch: &Batch) -> Vec<&str> {
    batch.lines.iter().map(String::as_str).collect()
}

/// Such a path once ended a whole run, or held it for ever.
#[test]
fn what_is_no_regular_file_holds_no_lines() {
    let (file, mut tail) = fixture();
    std::fs::create_dir(&file.path).unwrap();
    assert_eq!(tail.read(true).unwrap(), Batch::default());
    std::fs::remove_dir(&file.path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file.path).unwrap();
    assert_eq!(tail.read(false).unwrap(), Batch::default());
    std::fs::remove_file(&file.path).unwrap();
    file.append("one\n");
    assert_eq!(lines(&tail.read(false).unwrap()), ["one"]);
    // One that takes the file's place is no replacement of it.
    std::fs::remove_file(&file.path).unwrap();
    std::fs::create_dir(&file.path).unwrap();
    assert_eq!(lines(&tail.read(true).unwrap()), Vec::<&str>::new());
}

#[test]
fn a_file_that_comes_later_and_lines_that_come_in_pieces() {
    let (file, mut tail) = fixture();
    assert_eq!(tail.read(false).unwrap(), Batch::default());
    file.append("one\ntw");
    assert_eq!(lines(&tail.read(false).unwrap()), ["one"]);
    assert_eq!(tail.read(false).unwrap().lines.len(), 0);
    file.append("o\n\nfour");
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (1, vec!["two", ""]));
    let rest = tail.read(true).unwrap();
    assert_eq!((rest.first_line, lines(&rest), rest.more), (3, vec!["four"], false));
    assert_eq!(tail.read(true).unwrap().lines.len(), 0);
    assert_eq!(tail.next_line(), 4);
}

#[test]
fn batches_end_at_their_limits() {
    let (file, mut tail) = fixture();
    file.append(&"x\n".repeat(BATCH_LINES + 5));
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.lines.len(), batch.more), (BATCH_LINES, true));
    assert_eq!(tail.read(false).unwrap().lines.len(), 5);
    file.append(&format!("{}\n", "\"".repeat(60_000)).repeat(20));
    let batch = tail.read(false).unwrap();
    assert_eq!(batch.lines.len(), 9, "quotes count twice");
    assert!(serde_json::to_string(&batch.lines).unwrap().len() < BATCH_BYTES + 130_000);
}

#[test]
fn goes_back_and_forth() {
    let (file, mut tail) = fixture();
    file.append("a\nb\nc\nd\n");
    tail.go_to(2);
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (2, vec!["c", "d"]));
    tail.go_to(1);
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (1, vec!["b", "c", "d"]));
    tail.go_to(4);
    assert!(tail.read(false).unwrap().lines.is_empty());
    file.append("e\n");
    assert_eq!(lines(&tail.read(false).unwrap()), ["e"]);
}

#[test]
fn a_truncated_file_goes_on_with_the_numbers() {
    let (file, mut tail) = fixture();
    file.append("a\nb\nhal");
    assert_eq!(tail.read(false).unwrap().lines.len(), 2);
    fs::write(&file.path, "c\n").unwrap();
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (2, vec!["hal", "c"]));
    tail.go_to(3);
    assert_eq!(lines(&tail.read(false).unwrap()), ["c"]);
    // Lines of the earlier file can't be had again.
    tail.go_to(1);
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (1, vec!["c"]));
}

#[test]
fn a_rotated_file_is_read_to_its_end_first() {
    let (file, mut tail) = fixture();
    file.append("a\n");
    assert_eq!(tail.read(false).unwrap().lines.len(), 1);
    file.append("b\n");
    fs::rename(&file.path, file.path.with_extension("1")).unwrap();
    file.append("c\n");
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (1, vec!["b", "c"]));
}

#[test]
fn a_file_shorter_than_what_was_acknowledged_holds_new_lines() {
    let (file, mut tail) = fixture();
    file.append("a\nb\n");
    tail.go_to(100);
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (100, vec!["a", "b"]));
}

#[test]
fn half_a_line_that_was_acknowledged_is_not_sent_again() {
    let (file, mut tail) = fixture();
    file.append("a\nhal");
    tail.go_to(2);
    assert!(tail.read(false).unwrap().lines.is_empty());
    assert!(tail.read(true).unwrap().lines.is_empty());
}

#[test]
fn long_lines_are_cut_and_hold_no_memory() {
    let (file, mut tail) = fixture();
    file.append(&"x".repeat(40 * 1024 * 1024));
    file.append("\nnext\n");
    let mut all = Vec::new();
    loop {
        let batch = tail.read(false).unwrap();
        assert!(tail.partial.capacity() <= 2 * (MAX_LINE_BYTES + 1));
        all.extend(batch.lines.iter().map(String::len));
        if !batch.more {
            break;
        }
    }
    assert_eq!(all, [MAX_LINE_BYTES + 1, 4]);
    assert!(tail.partial.capacity() <= CHUNK);
}

#[test]
fn what_is_not_utf_8_is_a_line_all_the_same() {
    let (file, mut tail) = fixture();
    fs::write(&file.path, b"\xff\xfe\nok\n").unwrap();
    assert_eq!(lines(&tail.read(false).unwrap()), ["\u{fffd}\u{fffd}", "ok"]);
}

#[test]
fn a_file_that_is_written_again_and_again_holds_each_line_once() {
    let (file, mut tail) = fixture();
    let mut all = String::new();
    let mut seen = Vec::new();
    for i in 0..5 {
        all.extend(["line ", &i.to_string(), "\n"]);
        fs::write(&file.path, &all).unwrap();
        seen.extend(tail.read(false).unwrap().lines);
    }
    assert_eq!(seen, ["line 0", "line 1", "line 2", "line 3", "line 4"]);
}

#[test]
fn a_truncated_file_that_has_grown_beyond_what_was_read_is_another_text() {
    let (file, mut tail) = fixture();
    file.append("a\nb\n");
    assert_eq!(tail.read(false).unwrap().lines.len(), 2);
    fs::write(&file.path, "c\nd\ne\n").unwrap();
    let batch = tail.read(false).unwrap();
    assert_eq!((batch.first_line, lines(&batch)), (2, vec!["c", "d", "e"]));
}

#[test]
fn a_link_is_followed_to_another_file() {
    let (file, _) = fixture();
    let link = file.path.with_extension("link");
    let mut tail = Tail::new(&link);
    symlink(&file.path, &link).unwrap();
    assert!(tail.read(false).unwrap().lines.is_empty(), "the link leads nowhere yet");
    file.append("a\n");
    assert_eq!(lines(&tail.read(false).unwrap()), ["a"]);
    let other = file.path.with_extension("other");
    fs::write(&other, "b\n").unwrap();
    fs::remove_file(&link).unwrap();
    assert!(tail.read(false).unwrap().lines.is_empty());
    symlink(&other, &link).unwrap();
    assert_eq!(lines(&tail.read(false).unwrap()), ["b"]);
}

#[test]
fn line_breaks_of_other_systems() {
    let (file, mut tail) = fixture();
    file.append("a\r\n\r\nb\r\n");
    assert_eq!(lines(&tail.read(false).unwrap()), ["a", "", "b"]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    let mut tail = Tail::new(file.join("metrics.jsonl"));
    assert!(tail.read(false).is_err(), "a file is no folder");
}
