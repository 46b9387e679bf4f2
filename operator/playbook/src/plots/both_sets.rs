//! Training and validation of the best trials in one plot.
//!
//! Playbook: "Examining the training curves": overfitting, underfitting and how much there is to gain are seen only where
//! both stand together.

use serde_json::{Value, json};

use super::{
    Plot,
    curves::{CURVE_SPAN, Drawn, POINTS, counted, of_best, rows, short},
    scale,
    steps::StepAxis,
    style,
};
use crate::{
    contract::metrics::{TRAIN_ERROR, on_training_set},
    decide::TRAIN_LOSS,
    findings::{
        reading::{Reading, RoundTrials},
        wording::{count, number},
    },
    record::{Curve, TrialRecord},
};

/// Of the training set, dashed; of the validation set, drawn through.
const DASHES: [[u32; 2]; 2] = [[4, 3], [1, 0]];

/// A metric of the training set to set the objective against.
struct OnTrainingSet {
    metric: String,
    /// Whether it is the same quantity as the objective, so that both have one axis.
    is_same: bool,
}

/// Metrics of the training set, the most telling first: the objective's own; the error beside an error, the loss beside a
/// loss; then whatever there is.
fn candidates(objective: &str) -> Vec<OnTrainingSet> {
    let own = on_training_set(objective).map(|metric| OnTrainingSet { metric, is_same: true });
    let usual = [TRAIN_ERROR, TRAIN_LOSS].map(|metric| {
        let kind = metric.rsplit('_').next().unwrap_or_default();
        OnTrainingSet { metric: metric.to_owned(), is_same: objective.ends_with(kind) }
    });
    let mut candidates: Vec<OnTrainingSet> = own.into_iter().chain(usual).filter(|c| c.metric != objective).collect();
    // Stable: the error before the loss.
    candidates.sort_by_key(|c| !c.is_same);
    candidates
}

/// The objective and the training metric of the best few of a round, against the step; nothing where the trainer reports no
/// training metric, or the objective is one.
pub(super) fn plot(reading: &Reading<'_>, round: &RoundTrials<'_>, steps: StepAxis) -> Option<Plot> {
    let objective = reading.plan.spec().objective.metric.as_str();
    if objective.starts_with("train") {
        return None;
    }
    let validation = of_best(reading, round, objective, steps);
    let (on_training, training) = candidates(objective).into_iter().find_map(|candidate| {
        let curves = of_best(reading, round, &candidate.metric, steps);
        let pairs = validation.iter().any(|(trial, _)| curve_of(&curves, trial).is_some());
        pairs.then_some((candidate, curves))
    })?;
    let x = steps.channel(validation.iter().chain(&training).map(|(_, curve)| *curve), Some(round.steps));
    // A trial may have reported one of the two alone.
    let mut shown: Vec<&TrialRecord> = validation.iter().map(|(trial, _)| *trial).collect();
    shown.extend(training.iter().map(|(t, _)| *t).filter(|t| curve_of(&validation, t).is_none()));
    let names: Vec<String> = shown.iter().map(|trial| short(trial, round)).collect();
    let sets = [on_training.metric.as_str(), objective];
    let y = axes(&sets, &[&training, &validation], steps, on_training.is_same);
    let rows_of = |curves: &[Drawn<'_>], set: usize| -> Vec<Value> {
        let of = |(trial, curve): &Drawn<'_>| {
            let name = names.get(shown.iter().position(|t| std::ptr::eq(*t, *trial))?)?;
            Some(rows(trial, curve, (POINTS, steps), name))
        };
        let all = curves.iter().filter_map(of).flatten();
        all.map(|mut row| {
            row["set"] = json!(sets[set]);
            row
        })
        .collect()
    };
    let marks: Vec<Value> =
        validation.iter().zip(&names).filter_map(|((t, c), name)| counted(t, steps.shown(c), name)).collect();
    let layers = [
        json!({ "layer": set_layers(&rows_of(&training, 0), &[], &x, &y[0], &names, &sets) }),
        json!({ "layer": set_layers(&rows_of(&validation, 1), &marks, &x, &y[1], &names, &sets) }),
    ];
    let (title, subtitle) = said(round, &validation, &training, &sets, on_training.is_same);
    let id = format!("curves-{}-train-and-validation", round.name);
    let mut plot = style::plot(id, title, subtitle, 300, &layers);
    if !on_training.is_same {
        plot.specification["resolve"] = json!({ "scale": { "y": "independent" } });
    }
    Some(plot)
}

fn curve_of<'a>(curves: &[Drawn<'a>], trial: &TrialRecord) -> Option<&'a Curve> {
    curves.iter().find(|(t, _)| std::ptr::eq(*t, trial)).map(|(_, curve)| *curve)
}

/// The channels `y` of the training set and of the validation set: the same for the same quantity; else the training set's
/// stands on the right.
fn axes(sets: &[&str; 2], curves: &[&[Drawn<'_>]; 2], steps: StepAxis, is_same: bool) -> [Value; 2] {
    let values =
        |of: &[Drawn<'_>]| -> Vec<f64> { of.iter().flat_map(|(_, c)| steps.shown(c)).map(|(_, v)| *v).collect() };
    let channel = |(scale, axis): (Value, Value)| json!({ "field": "value", "type": "quantitative", "scale": scale, "axis": axis });
    let each = curves.map(values);
    if is_same {
        // `error` of `train_error`: the axis is that of both.
        let title = sets[0].strip_prefix("train").unwrap_or(sets[0]).trim_start_matches(['_', '/', '.', '-']);
        let both = channel(scale::of_values(each.into_iter().flatten(), title, CURVE_SPAN));
        return [both.clone(), both];
    }
    let [of_training, of_validation] = each;
    let mut right = channel(scale::of_values(of_training.into_iter(), sets[0], CURVE_SPAN));
    right["axis"]["orient"] = json!("right");
    right["axis"]["grid"] = json!(false);
    [right, channel(scale::of_values(of_validation.into_iter(), sets[1], CURVE_SPAN))]
}

/// The curves of one of the two sets, and on them the steps whose evaluation counts.
fn set_layers(rows: &[Value], marks: &[Value], x: &Value, y: &Value, names: &[String], sets: &[&str; 2]) -> Vec<Value> {
    let tooltip = json!([
        { "field": "trial" },
        { "field": "set", "title": "metric" },
        { "field": "step", "type": "quantitative" },
        { "field": "value", "type": "quantitative", "format": ".4~g" },
        { "field": "point" },
    ]);
    let colour = json!({
        "field": "name", "type": "nominal", "scale": style::colours(names),
        "legend": { "title": "best trials", "orient": "bottom", "columns": 3, "symbolType": "stroke", "symbolOpacity": 1 },
    });
    let dash = json!({
        "field": "set", "type": "nominal", "scale": { "domain": sets, "range": DASHES },
        "legend": { "title": null, "orient": "bottom", "symbolType": "stroke", "symbolOpacity": 1 },
    });
    let mut layers = vec![
        json!({
            "data": { "values": rows },
            "mark": { "type": "line", "strokeWidth": 1.75, "tooltip": false },
            "encoding": { "x": x, "y": y, "color": colour, "strokeDash": dash },
        }),
        // Lines have no tooltip of their own: points that can't be seen carry it.
        json!({
            "data": { "values": rows },
            "mark": { "type": "circle", "size": 60, "opacity": 0 },
            "encoding": { "x": x, "y": y, "tooltip": tooltip },
        }),
    ];
    if !marks.is_empty() {
        layers.push(json!({
            "data": { "values": marks },
            "mark": { "type": "point", "shape": "diamond", "size": 90, "filled": true, "opacity": 1 },
            "encoding": { "x": x, "y": y, "color": { "field": "name", "type": "nominal", "scale": style::colours(names) }, "tooltip": tooltip },
        }));
    }
    layers
}

/// Title and subtitle.
fn said(
    round: &RoundTrials<'_>,
    validation: &[Drawn<'_>],
    training: &[Drawn<'_>],
    sets: &[&str; 2],
    is_same: bool,
) -> (String, String) {
    let both = validation.iter().find_map(|(trial, curve)| Some((*trial, *curve, curve_of(training, trial)?)));
    let last = |curve: &Curve| curve.last().map_or_else(String::new, |(_, value)| number(*value));
    let ends = both.map_or_else(String::new, |(trial, of_validation, of_training)| {
        format!(
            ": {} ends with {} {} and {} {}",
            short(trial, round),
            sets[0],
            last(of_training),
            sets[1],
            last(of_validation)
        )
    });
    let own = if is_same {
        ""
    } else {
        " They are different quantities: only where each turns can be compared, not how high it is."
    };
    let n = count(validation.len().max(training.len()), "trial");
    (
        format!("Training (dashed) and validation of the best{ends}"),
        format!(
            "Round {}, {} steps: n = {n}, the best ones. No smoothing.{own} Diamonds mark the step whose {} counts.",
            round.name, round.steps, sets[1]
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{plots::plots, record::Outcome, studies};

    fn trials(metrics: &[&str]) -> Vec<TrialRecord> {
        let trial = |i: u32| TrialRecord {
            name: format!("s-explore-{i:04}"),
            round: "explore".to_owned(),
            hyperparameters: BTreeMap::from([("learning_rate".to_owned(), (0.01 * f64::from(i + 1)).into())]),
            outcome: Outcome::Succeeded { objective: 0.2 + 0.01 * f64::from(i), step: Some(50) },
            curves: metrics
                .iter()
                .enumerate()
                .map(|(k, metric)| {
                    let curve = vec![(50, 0.2 + 0.01 * f64::from(i)), (100, 0.3 - 0.1 * k as f64)];
                    ((*metric).to_owned(), curve)
                })
                .collect(),
            ..TrialRecord::default()
        };
        (0..7).map(trial).collect()
    }

    fn drawn(objective: &str, metrics: &[&str]) -> Option<Plot> {
        let objective = format!("objective: {{metric: {objective}, direction: Minimize}}\n");
        let plan = studies::plan(&format!("{}{objective}", studies::ONE_DIMENSION));
        let id = "curves-explore-train-and-validation";
        plots(&plan, &trials(metrics)).into_iter().find(|plot| plot.id == id)
    }

    /// The metrics in the picture, and whether both have one axis.
    fn sets(plot: &Plot) -> (Vec<String>, bool) {
        let dash = &plot.specification["layer"][0]["layer"][0]["encoding"]["strokeDash"]["scale"]["domain"];
        let names = dash.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        (names, plot.specification["resolve"].is_null())
    }

    #[test]
    fn training_and_validation_of_the_best_stand_together() {
        let plot = drawn("validation_error", &["validation_error", "train_error", "train_loss"]).unwrap();
        assert_eq!(sets(&plot), (vec!["train_error".to_owned(), "validation_error".to_owned()], true));
        assert_eq!(
            plot.title,
            "Training (dashed) and validation of the best: explore-0000 ends with train_error 0.2 and validation_error 0.3"
        );
        assert!(
            plot.subtitle.starts_with("Round explore, 100 steps: n = 5 trials, the best ones."),
            "{}",
            plot.subtitle
        );
        let rows =
            |set: usize| plot.specification["layer"][set]["layer"][0]["data"]["values"].as_array().unwrap().clone();
        assert_eq!((rows(0).len(), rows(1).len()), (10, 10));
        assert_eq!((&rows(0)[0]["set"], &rows(1)[0]["set"]), (&json!("train_error"), &json!("validation_error")));
        // The evaluation that counts is one of the validation set.
        assert!(plot.specification["layer"][0]["layer"][2].is_null());
        assert_eq!(plot.specification["layer"][1]["layer"][2]["data"]["values"].as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn quantities_that_differ_have_axes_of_their_own() {
        let plot = drawn("validation_error", &["validation_error", "train_loss"]).unwrap();
        assert_eq!(sets(&plot), (vec!["train_loss".to_owned(), "validation_error".to_owned()], false));
        assert!(plot.subtitle.contains("They are different quantities"), "{}", plot.subtitle);
        let of = |objective: &str, metrics: &[&str]| drawn(objective, metrics).map(|plot| sets(&plot));
        assert_eq!(
            of("val/loss", &["val/loss", "train_loss", "train/loss"]),
            Some((vec!["train/loss".to_owned(), "val/loss".to_owned()], true))
        );
        assert_eq!(of("val/loss", &["val/loss"]), None);
        assert_eq!(of("train_loss", &["train_loss", "train_error"]), None);
    }

    /// Reported, it is drawn (requirement R-075).
    #[test]
    fn the_training_error_has_its_curves() {
        let plan = studies::plan(studies::ONE_DIMENSION);
        let ids = |metrics: &[&str]| plots(&plan, &trials(metrics)).iter().map(|p| p.id.clone()).collect::<Vec<_>>();
        let id = "curves-explore-train_error".to_owned();
        assert!(ids(&["validation_error", "train_error"]).contains(&id));
        assert!(!ids(&["validation_error"]).contains(&id));
    }
}
