//! Measured power of the checks of boundaries, by size of study: recorded by the test that simulates them, stated by
//! `docs/findings.md`. `UPDATE_RATES=1 cargo test -p studious-playbook findings` writes the record.

use std::{path::PathBuf, sync::Mutex};

static WRITING: Mutex<()> = Mutex::new(());

/// What was measured of one size of study.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Of each arm.
    pub(super) trials: usize,
    pub(super) dimensions: usize,
    pub(super) arms: usize,
    /// The share of studies whose boundary is seen, without noise and with noise of 5, 10 and 25%.
    pub(super) seen: [f64; 4],
    /// The smallest distance of the optimum beyond the range that is seen in 90% of studies with noise of 5%.
    pub(super) smallest: Option<f64>,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/findings/boundary-power.tsv")
}

impl Row {
    fn size(&self) -> (usize, usize, usize) {
        (self.arms * self.trials * self.dimensions, self.arms, self.trials)
    }

    fn line(&self) -> String {
        let seen = self.seen.map(|share| share.to_string()).join("\t");
        let smallest = self.smallest.map_or_else(|| "none".to_owned(), |beyond| beyond.to_string());
        format!("{}\t{}\t{}\t{seen}\t{smallest}\n", self.trials, self.dimensions, self.arms)
    }

    fn read(line: &str) -> Self {
        let cells: Vec<_> = line.split('\t').collect();
        let [trials, dimensions, arms, a, b, c, d, smallest] = cells[..] else {
            panic!("{line:?} has not eight cells")
        };
        Self {
            trials: trials.parse().unwrap(),
            dimensions: dimensions.parse().unwrap(),
            arms: arms.parse().unwrap(),
            seen: [a, b, c, d].map(|share| share.parse().unwrap()),
            smallest: smallest.parse().ok(),
        }
    }
}

/// All that was recorded, small studies first.
pub(super) fn recorded() -> Vec<Row> {
    std::fs::read_to_string(path()).unwrap_or_default().lines().map(Row::read).collect()
}

/// What was measured is what is recorded.
pub(super) fn check(row: Row) {
    println!("{row:?}");
    let mut all = recorded();
    let known = all.iter().position(|known| known.size() == row.size());
    if std::env::var_os("UPDATE_RATES").is_none() {
        let stands = known.map(|i| all[i].clone());
        assert_eq!(stands, Some(row), "run with UPDATE_RATES=1 and look at the change");
        return;
    }
    let _guard = WRITING.lock().unwrap();
    match known {
        Some(i) => all[i] = row,
        None => all.push(row),
    }
    all.sort_by_key(Row::size);
    std::fs::write(path(), all.iter().map(Row::line).collect::<String>()).unwrap();
}
