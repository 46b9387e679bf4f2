//! Lines of lost attempts may arrive late, in any order between streams: the progress is the same.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use studious_api::TrialSpec;
use studious_contract::{JudgedMetrics, Line};

use super::Progress;
use crate::{TrialKey, rounds, studies};

fn spec() -> TrialSpec {
    let plan = studies::plan(&format!(
        "{}\ntrial: {{hosts: 2, template: {{spec: {{containers: [{{name: t, image: t}}]}}}}}}\n\
         constraints: [{{metric: size, max: 3}}]",
        studies::ONE_DIMENSION
    ));
    let key = TrialKey { round: "explore".into(), index: 0 };
    let point = rounds::points(&plan, "explore", &[]).unwrap().into_iter().find(|p| p.key == key).unwrap();
    rounds::trial_spec(&plan, &point)
}

fn observed(lines: &[(u32, u32, &str)]) -> Progress {
    let spec = spec();
    let mut progress = Progress::default();
    for (attempt, host, line) in lines {
        let line = Line::parse(line, &JudgedMetrics::of(&spec)).unwrap();
        progress.observe(&spec, *attempt, *host, &line);
    }
    progress
}

#[test]
fn a_late_value_that_is_not_finite_is_the_lost_attempts() {
    let second = (2, 0, r#"{"step":40,"train_loss":1}"#);
    let at = |step: u64| format!(r#"{{"step":{step},"train_loss":NaN}}"#);
    let (before, beyond) = (at(39), at(40));
    for host in [0, 1] {
        assert_eq!(observed(&[second, (1, host, &beyond)]).non_finite(), None);
        assert_eq!(observed(&[second, (1, host, &before)]).non_finite(), Some(("train_loss", 39)));
    }
    // Known before the next attempt reports its first step, and overtaken by it.
    assert_eq!(observed(&[(1, 0, &beyond)]).non_finite(), Some(("train_loss", 40)));
    assert_eq!(observed(&[(1, 0, &beyond), second]).non_finite(), None);
    // The newest attempt's own.
    assert_eq!(observed(&[second, (2, 1, &beyond)]).non_finite(), Some(("train_loss", 40)));
}

#[test]
fn what_a_lost_attempt_says_of_the_point_is_overtaken() {
    let says = r#"{"event":"infeasible","reason":"no memory"}"#;
    let begins = r#"{"event":"init","restored_step":10}"#;
    assert_eq!(observed(&[(1, 0, says)]).infeasible(), Some("no memory"));
    assert_eq!(observed(&[(1, 0, says), (2, 1, begins)]).infeasible(), None);
    assert_eq!(observed(&[(2, 1, begins), (1, 0, says)]).infeasible(), None);
    assert_eq!(observed(&[(2, 1, begins), (2, 0, says)]).infeasible(), Some("no memory"));
}

#[test]
fn the_latest_values_are_the_newest_attempts() {
    let progress = observed(&[
        (1, 0, r#"{"step":80,"a":1,"b":1}"#),
        (2, 0, r#"{"step":40,"a":2}"#),
        (1, 0, r#"{"step":90,"a":3,"b":3}"#),
    ]);
    assert_eq!(progress.step, Some(40));
    let shown: Vec<(&str, f64)> = progress.latest[&0].iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(shown, [("a", 2.0), ("step", 40.0)]);
}

fn line() -> impl Strategy<Value = String> {
    let value = prop_oneof![6 => (0_u32..9).prop_map(|x| x.to_string()), 1 => Just("NaN".to_owned())];
    let metric = prop_oneof![Just("train_loss"), Just("validation_error"), Just("size")];
    prop_oneof![
        8 => (0_u64..60, metric, value).prop_map(|(step, m, v)| format!(r#"{{"step":{step},"{m}":{v}}}"#)),
        1 => (0_u32..9).prop_map(|i| format!(r#"{{"event":"infeasible","reason":"r{i}"}}"#)),
        1 => (0_u32..9).prop_map(|i| format!(r#"{{"event":"checkpoint","step":{i},"parameters_sha256":"c{i}"}}"#)),
        1 => (0_u32..9).prop_map(|i| format!(r#"{{"event":"init","restored_step":{i}}}"#)),
        1 => Just(r#"{"event":"done"}"#.to_owned()),
    ]
}

proptest! {
    #[test]
    fn the_order_in_which_streams_arrive_changes_nothing(
        lines in proptest::collection::vec((1_u32..5, 0_u32..2, line()), 1..40),
        seed in proptest::collection::vec(any::<u8>(), 40),
    ) {
        let as_written: Vec<(u32, u32, &str)> = lines.iter().map(|(a, h, l)| (*a, *h, l.as_str())).collect();
        // Lines of one host of one attempt keep their order; the streams interleave at will.
        let mut streams: BTreeMap<(u32, u32), VecDeque<&str>> = BTreeMap::default();
        for (attempt, host, line) in &as_written {
            streams.entry((*attempt, *host)).or_default().push_back(line);
        }
        let mut shuffled = Vec::new();
        for byte in seed.iter().cycle() {
            streams.retain(|_, lines| !lines.is_empty());
            if streams.is_empty() {
                break;
            }
            let chosen = usize::from(*byte) % streams.len();
            let ((attempt, host), lines) = streams.iter_mut().nth(chosen).unwrap();
            shuffled.push((*attempt, *host, lines.pop_front().unwrap()));
        }
        // NaN isn't equal to itself; what is printed is.
        prop_assert_eq!(format!("{:?}", observed(&as_written)), format!("{:?}", observed(&shuffled)));
    }
}
