//! Measured rates of false alarms: each test that simulates studies without a signal records its rate here, and
//! `docs/findings.md` states it. `UPDATE_RATES=1 cargo test -p studious-playbook findings` writes the record.

use std::{collections::BTreeMap, path::PathBuf, sync::Mutex};

/// A rate above this is a bug.
const MOST: f64 = 0.05;
static WRITING: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/findings/false-alarms.tsv")
}

/// Code and scenario, studies and rate, as recorded.
pub(super) fn recorded() -> BTreeMap<(String, String), (u64, f64)> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let rows = text.lines().map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let [code, scenario, studies, rate] = cells[..] else { panic!("{line:?} has not four cells") };
        ((code.to_owned(), scenario.to_owned()), (studies.parse().unwrap(), rate.parse().unwrap()))
    });
    rows.collect()
}

/// Records how many of `studies` had each code of a warning at any look: at most 5% may. Codes that none had are not named.
pub(super) fn record_looks(scenario: &str, studies: u64, counts: &BTreeMap<String, u64>) {
    let _guard = WRITING.lock().unwrap();
    let mut all = recorded();
    all.retain(|(_, known), _| known != scenario);
    for (code, n) in counts {
        let rate = *n as f64 / studies as f64;
        assert!(rate <= MOST, "{code}: {scenario}: {rate} of studies at any look");
        all.insert((code.clone(), scenario.to_owned()), (studies, rate));
    }
    write(&all);
}

fn write(all: &BTreeMap<(String, String), (u64, f64)>) {
    let lines = all.iter().map(|((c, s), (n, r))| format!("{c}\t{s}\t{n}\t{r}\n"));
    std::fs::write(path(), lines.collect::<String>()).unwrap();
}

/// The rate at which `studies` simulated studies without the signal of `code` raised it: at most 5%, and as recorded.
pub(super) fn check(code: &str, scenario: &str, studies: u64, rate: f64) {
    println!("{code}, {scenario}: {rate} of {studies} studies");
    assert!(rate <= MOST, "{code}: {scenario}: {rate}");
    assert!(studies >= 1000, "{code}: {scenario}: {studies} studies measure nothing");
    let key = (code.to_owned(), scenario.to_owned());
    if std::env::var_os("UPDATE_RATES").is_some() {
        let _guard = WRITING.lock().unwrap();
        let mut all = recorded();
        all.insert(key, (studies, rate));
        write(&all);
        return;
    }
    let stands = recorded().get(&key).copied();
    assert_eq!(stands, Some((studies, rate)), "{code}: {scenario}: run with UPDATE_RATES=1 and look at the change");
}
