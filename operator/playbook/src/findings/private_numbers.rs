//! No rule of thumb hides in the code: every number that a finding, advice or a plot rests on is a threshold of
//! `studious-rules`, which a study can set. What stays private is listed here, with the reason.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const ROOMS: [&str; 4] = ["findings", "advice", "plots", "importance"];

const LAYOUT: &str = "how a plot is drawn, not what it concludes";
const LENGTH: &str = "bounds the length of a text, not a conclusion";
const PLANT: &str = "the planted signal, which the page of findings states";
const TEST: &str = "calibrates a test whose false-alarm rate is measured with this value";

/// File, constant and why a study need not set it.
const PRIVATE: &[(&str, &str, &str)] = &[
    ("advice/adam.rs", "SMALLEST_DECAY_RATE", "tells a decay rate from another thing of that name, and judges none"),
    ("findings/answer/mod.rs", "WIDTH", LENGTH),
    ("findings/beginnings.rs", "SAME_RATE", "rounding of what trainers report"),
    ("findings/boundary.rs", "MOST_NAMED", LENGTH),
    ("findings/brief.rs", "MOST_ANNOUNCED", LENGTH),
    ("findings/brief.rs", "LONGEST", LENGTH),
    ("findings/brief.rs", "MOST_LISTED", LENGTH),
    ("findings/checklist.rs", "WIDTH", LENGTH),
    ("findings/code.rs", "NAMED", LENGTH),
    ("findings/code.rs", "DIGEST_CHARACTERS", LENGTH),
    ("findings/curves/coherence.rs", "APART", TEST),
    ("findings/curves/coherence.rs", "EARLY", TEST),
    ("findings/curves/coherence.rs", "FEWEST", TEST),
    ("findings/curves/coherence.rs", "LOWEST", TEST),
    ("findings/curves/coherence.rs", "LOWEST_BESIDE", TEST),
    ("findings/curves/coherence.rs", "NEAR", TEST),
    ("findings/curves/coherence.rs", "STANDS_OUT", TEST),
    ("findings/curves/hosts.rs", "NAMED", LENGTH),
    ("findings/curves/instability.rs", "MEDIAN_OF_DIFFERENCE", "a constant of the normal distribution"),
    ("findings/curves/instability.rs", "NEAR", TEST),
    ("findings/curves/periodicity.rs", "EARLY", TEST),
    ("findings/curves/periodicity.rs", "FEWEST_NEIGHBOURS", TEST),
    ("findings/curves/periodicity.rs", "LONGEST", TEST),
    ("findings/curves/periodicity.rs", "MOST", "bounds the work"),
    ("findings/curves/periodicity.rs", "NEIGHBOURS", TEST),
    ("findings/curves/periodicity.rs", "SURE", TEST),
    ("findings/curves/progress.rs", "MOST_AT_END", TEST),
    ("findings/curves/series.rs", "FEWEST_FOR_NOISE", TEST),
    ("findings/curves/series.rs", "SHORTEST_RUN", TEST),
    ("findings/curves/series.rs", "STRETCHES", TEST),
    ("findings/curves/shrinkage.rs", "CERTAIN", "as good as infinitely many degrees of freedom"),
    ("findings/detectable/difference.rs", "FEWEST_STUDIES", "bounds the work"),
    ("findings/detectable/difference.rs", "MOST_PLANTED", "bounds the work"),
    ("findings/detectable/difference.rs", "STUDIES", "bounds the work"),
    ("findings/detectable/mod.rs", "MOST_TRIALS", "bounds the work"),
    ("findings/detectable/mod.rs", "SEEN", "the power that the answer asks for, `needed::SEEN`"),
    ("findings/detectable/overfitting.rs", "CLIMB_FROM", PLANT),
    ("findings/detectable/overfitting.rs", "FALL", PLANT),
    ("findings/detectable/overfitting.rs", "MOST_EVALUATIONS", "bounds the work"),
    ("findings/detectable/overfitting.rs", "MOST_TRIALS", "bounds the work"),
    ("findings/detectable/overfitting.rs", "NOISE", PLANT),
    ("findings/detectable/overfitting.rs", "SPEED", PLANT),
    ("findings/detectable/overfitting.rs", "STUDIES", "bounds the work"),
    ("findings/examples.rs", "MOST_EXAMPLES", "what results with few digits can tell apart"),
    ("findings/examples.rs", "TOLERANCE", "rounding of 32-bit numbers"),
    ("findings/lead.rs", "FEWEST_AHEAD", TEST),
    ("findings/lead.rs", "FEWEST_RETRAININGS", "too good a value was measured with fewer, by the example winners"),
    ("findings/mod.rs", "WIDTH", LENGTH),
    ("findings/needed.rs", "FEWEST_TIMES", "one training has no deviation"),
    ("findings/needed.rs", "MOST_TIMES", "what spec.retrain.times allows"),
    ("findings/needed.rs", "SEEN", "what a number of retrainings means, as docs/findings.md states it"),
    ("findings/policy.rs", "INTERIM", "calibrates the looks before the last, whose false alarms are measured with it"),
    ("findings/power.rs", "CLEAR", "bounds the work"),
    ("findings/power.rs", "MOST_TRIALS", "bounds the work"),
    ("findings/power.rs", "OF_OTHERS", PLANT),
    ("findings/power.rs", "PLANTED", "bounds the work"),
    ("findings/region.rs", "MOST", LENGTH),
    ("findings/sampling.rs", "FURTHER_GAINS", TEST),
    ("findings/trend.rs", "BEND", TEST),
    ("findings/trend.rs", "BEST_WITHIN", TEST),
    ("findings/trend.rs", "NOTHING", "rounding"),
    ("findings/trend.rs", "OUTER", TEST),
    ("findings/trend.rs", "REDUNDANT", "rounding"),
    ("findings/trend.rs", "TAKEN", TEST),
    ("findings/unseen.rs", "LEAST", "part of what boundaryPower means"),
    ("findings/uniform.rs", "WIDE", "parts of a narrower range of whole numbers are not equal"),
    ("importance/forest.rs", "DEPTH", "a parameter of the random forest"),
    ("importance/forest.rs", "LEAF", "a parameter of the random forest"),
    ("importance/mod.rs", "FORESTS", "a parameter of the random forest"),
    ("importance/mod.rs", "MOST", "bounds the work"),
    ("importance/mod.rs", "SHARE", "a parameter of the random forest"),
    ("importance/mod.rs", "TREES", "a parameter of the random forest"),
    ("plots/axis.rs", "MOST_ROWS", LAYOUT),
    ("plots/beside.rs", "MOST", LAYOUT),
    ("plots/budget.rs", "LUCKY", "a position in a list"),
    ("plots/budget.rs", "MEDIAN", "a position in a list"),
    ("plots/budget.rs", "MOST_BANDS", LAYOUT),
    ("plots/budget.rs", "UNLUCKY", "a position in a list"),
    ("plots/curves.rs", "CURVE_SPAN", LAYOUT),
    ("plots/curves.rs", "MOST_BEHIND", LAYOUT),
    ("plots/curves.rs", "POINTS", LAYOUT),
    ("plots/curves.rs", "POINTS_BEHIND", LAYOUT),
    ("plots/early.rs", "FEWEST", "fewer draw nothing"),
    ("plots/good.rs", "MOST_BANDS", LAYOUT),
    ("plots/gradients.rs", "BINS", LAYOUT),
    ("plots/infeasible_map.rs", "FEWEST", "fewer draw nothing"),
    ("plots/isolation.rs", "BAR", LAYOUT),
    ("plots/isolation.rs", "BESIDE", LAYOUT),
    ("plots/isolation_buckets.rs", "MOST_BUCKETS", LAYOUT),
    ("plots/isolation_over.rs", "MOST_SERIES", LAYOUT),
    ("plots/isolation_over.rs", "SLICES", LAYOUT),
    ("plots/isolation_over.rs", "WIDTH", LAYOUT),
    ("plots/overfit_share.rs", "BUCKETS", LAYOUT),
    ("plots/overlay.rs", "CURVE_SPAN", LAYOUT),
    ("plots/overlay.rs", "POINTS", LAYOUT),
    ("plots/parallel.rs", "FEWEST", "fewer draw nothing"),
    ("plots/parallel.rs", "MOST", LAYOUT),
    ("plots/parallel.rs", "MOST_COLUMNS", LAYOUT),
    ("plots/scale.rs", "MOST_TICKS", LAYOUT),
    ("plots/scale.rs", "SPAN", LAYOUT),
    ("plots/style.rs", "SUBTITLE_WIDTH", LAYOUT),
    ("plots/style.rs", "TITLE_WIDTH", LAYOUT),
    ("plots/throughput.rs", "HOSTS", LAYOUT),
    ("plots/throughput.rs", "MOST", LAYOUT),
    ("plots/timeline.rs", "MINUTE", "a unit of time"),
    ("plots/timeline.rs", "MOST", LAYOUT),
];

/// Rust files below a folder, tests left out.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Files that are compiled for tests only.
fn is_test(file: &str) -> bool {
    let tests = [
        "tests.rs",
        "simulated.rs",
        "planted.rs",
        "false_alarms.rs",
        "real.rs",
        "page.rs",
        "private_numbers.rs",
        "power_recorded.rs",
    ];
    file.contains("_tests/") || tests.iter().any(|end| file.ends_with(end))
}

/// `const NAME: f64 = …`, and the same of whole numbers.
fn constant(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("const ")?;
    let (name, rest) = after.split_once(": ")?;
    let is_number = ["f64 =", "f32 =", "usize =", "u64 =", "u32 =", "i64 ="].iter().any(|kind| rest.starts_with(kind));
    (is_number && !before.contains("//")).then_some(name)
}

#[test]
fn rules_of_thumb_are_thresholds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for room in ROOMS {
        sources(&root.join(room), &mut files);
    }
    let mut unused: BTreeMap<String, &str> =
        PRIVATE.iter().map(|(file, name, reason)| (format!("{file}: {name}"), *reason)).collect();
    let mut found = Vec::new();
    for path in files {
        let file = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        if is_test(&file) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for name in text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().filter_map(constant) {
            let number = format!("{file}: {name}");
            if unused.remove(&number).is_none() {
                found.push(number);
            }
        }
    }
    assert!(found.is_empty(), "make these thresholds of studious-rules, or say here why not: {found:#?}");
    assert!(unused.is_empty(), "no longer there: {unused:?}");
}

/// `const NAME: &str = "snake_case";`, or a curve that is looked up by a literal.
fn names_a_metric(line: &str) -> bool {
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let constant = line.split_once(": &str = \"").and_then(|(_, rest)| rest.strip_suffix("\";"));
    line.contains("curves.get(\"") || constant.is_some_and(is_name)
}

/// A metric that is not in [`crate::contract::metrics`] has no curve where conclusions are drawn.
#[test]
fn metrics_are_named_by_the_contract_alone() {
    assert!(names_a_metric("const CLIPPED: &str = \"clipped_fraction\";") && names_a_metric("t.curves.get(\"lr\")"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for room in ["findings", "plots"] {
        sources(&root.join(room), &mut files);
    }
    for path in files {
        let file = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let named: Vec<&str> = code.lines().filter(|line| !is_test(&file) && names_a_metric(line)).collect();
        assert!(named.is_empty(), "{file} names metrics: {named:?}");
    }
}
