//! Whatever a trainer does to its file, what was written is what is read.
#![allow(missing_docs)]
// Tests may panic: that is how they fail.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use studious_contract::tail::Tail;

/// What a trainer does to its file.
#[derive(Clone, Debug)]
enum Step {
    /// Appends so many lines, the last one cut in half or not.
    Append(usize, bool),
    /// Writes what was cut off.
    Finish,
    /// Opens the file for writing from its beginning.
    Truncate(usize, bool),
    /// Renames another file over it.
    Replace(usize, bool),
    /// Deletes it; the next step makes it again.
    Remove,
    /// Writes all again and more.
    Rewrite(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let text = || (0_usize..4, any::<bool>());
    prop_oneof![
        4 => text().prop_map(|(lines, half)| Step::Append(lines, half)),
        2 => Just(Step::Finish),
        1 => text().prop_map(|(lines, half)| Step::Truncate(lines, half)),
        1 => text().prop_map(|(lines, half)| Step::Replace(lines, half)),
        1 => Just(Step::Remove),
        1 => (0_usize..3).prop_map(Step::Rewrite),
    ]
}

/// A trainer, with what it has written.
struct Trainer {
    path: PathBuf,
    /// How many lines it has begun.
    count: u32,
    /// What the file holds, and what is missing of its last line.
    text: String,
    missing: String,
    /// Lines that files held which are gone, halves included.
    gone: Vec<String>,
    /// Every line of any file, halves included.
    ever: BTreeSet<String>,
}

impl Trainer {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            count: 0,
            text: String::new(),
            missing: String::new(),
            gone: Vec::new(),
            ever: BTreeSet::new(),
        }
    }

    /// Lines that no file held before, and whose halves differ as well.
    fn lines(&mut self, lines: usize, half: bool) -> String {
        let mut text = std::mem::take(&mut self.missing);
        for _ in 0..lines {
            self.count += 1;
            let unique = self.count.wrapping_mul(0x9e37_79b1);
            text.extend([format!("{unique:08x} line {}\n", self.count)]);
        }
        if half && lines > 0 {
            self.missing = text.split_off(text.len() - 4);
        }
        text
    }

    fn append(&mut self, text: &str) {
        OpenOptions::new().create(true).append(true).open(&self.path).unwrap().write_all(text.as_bytes()).unwrap();
        self.text.push_str(text);
        self.ever.extend(self.text.lines().map(str::to_owned));
    }

    /// What the file held is gone.
    fn forget(&mut self) {
        self.gone.extend(std::mem::take(&mut self.text).lines().map(str::to_owned));
        self.missing.clear();
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Append(lines, half) => {
                let text = self.lines(lines, half);
                self.append_or_make(&text);
            }
            Step::Finish => {
                let text = self.lines(0, false);
                self.append_or_make(&text);
            }
            Step::Truncate(lines, half) => {
                self.forget();
                fs::write(&self.path, "").unwrap();
                let text = self.lines(lines, half);
                self.append(&text);
            }
            Step::Replace(lines, half) => {
                self.forget();
                let next = self.path.with_extension("next");
                fs::write(&next, "").unwrap();
                fs::rename(&next, &self.path).unwrap();
                let text = self.lines(lines, half);
                self.append(&text);
            }
            Step::Remove => {
                let _ = fs::remove_file(&self.path);
            }
            Step::Rewrite(lines) => {
                let more = self.lines(lines, false);
                let text = format!("{}{more}", self.text);
                if !self.path.exists() {
                    self.forget();
                }
                fs::write(&self.path, &text).unwrap();
                self.text = text;
                self.ever.extend(self.text.lines().map(str::to_owned));
            }
        }
    }

    fn append_or_make(&mut self, text: &str) {
        if !self.path.exists() {
            let missing = std::mem::take(&mut self.missing);
            self.forget();
            self.missing = missing;
        }
        self.append(text);
    }
}

fn read(tail: &mut Tail, ended: bool, into: &mut Vec<String>) {
    loop {
        let batch = tail.read(ended).unwrap();
        assert_eq!(batch.first_line, into.len() as u64);
        into.extend(batch.lines);
        if !batch.more {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Looked at after every step, each line is read once, and half a line where a file was given up in the middle of it.
    #[test]
    fn every_line_is_read_once(steps in proptest::collection::vec(step(), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let (mut trainer, mut tail, mut seen) = (Trainer::new(&path), Tail::new(&path), Vec::new());
        for step in &steps {
            trainer.act(step);
            read(&mut tail, false, &mut seen);
        }
        read(&mut tail, true, &mut seen);
        trainer.forget();
        prop_assert_eq!(seen, trainer.gone);
    }

    /// Looked at now and then, the lines of files that came and went may be missed, but nothing is made up, and the file
    /// that is there is read to its end.
    #[test]
    fn nothing_is_made_up(steps in proptest::collection::vec((step(), any::<bool>()), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let (mut trainer, mut tail, mut seen) = (Trainer::new(&path), Tail::new(&path), Vec::new());
        for (step, look) in &steps {
            trainer.act(step);
            if *look {
                read(&mut tail, false, &mut seen);
            }
        }
        read(&mut tail, true, &mut seen);
        let last: Vec<String> = trainer.text.lines().map(str::to_owned).collect();
        if path.exists() {
            prop_assert_eq!(&seen[seen.len() - last.len()..], last.as_slice());
        }
        for line in &seen {
            prop_assert!(trainer.ever.contains(line), "{line} was never written");
        }
    }

    /// A process that takes over from a line that was read reads the rest of a file that was only appended to.
    #[test]
    fn another_process_goes_on(lines in 0_u64..40, at in 0_u64..40, half in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let all: Vec<String> = (0..lines).map(|i| format!("line {i}")).collect();
        fs::write(&path, all.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>() + if half { "ha" } else { "" }).unwrap();
        let at = at.min(lines);
        let batch = Tail::starting_at(&path, at).read(true).unwrap();
        let mut expected = all[usize::try_from(at).unwrap()..].to_vec();
        expected.extend(half.then(|| "ha".to_owned()));
        prop_assert_eq!((batch.first_line, batch.lines), (at, expected));
    }
}
