//! Objective against a second metric, with the trials that no other beats in both.

use serde_json::{Value, json};
use studious_api::study::Direction;

use super::{
    Plot,
    axis::{row, tooltip},
    scale,
    style::{self, COLOURS, GREY},
};
use crate::{
    findings::{
        reading::Reading,
        wording::{count, number},
    },
    pareto::{self, ParetoTrial, Second},
};

/// One plot for each metric that the study's constraints bound.
pub(super) fn plots(reading: &Reading<'_>) -> Vec<Plot> {
    let bounded = reading.plan.spec().constraints.iter().map(|c| Second::of(reading.plan, &c.metric, None));
    bounded.filter_map(|second| plot(reading, &second)).collect()
}

/// The trials of the concluding round by two metrics, if any reported the second.
pub(super) fn plot(reading: &Reading<'_>, second: &Second) -> Option<Plot> {
    let round = reading.concluding()?;
    let pareto = pareto::of_round(reading, round, second);
    let front: Vec<&ParetoTrial<'_>> = pareto.candidates.iter().filter(|c| c.is_on_front).collect();
    let (first, last) = (front.first()?, front.last()?);
    let metric = reading.plan.spec().objective.metric.as_str();
    let (x_scale, x_axis) = scale::of_values(pareto.candidates.iter().map(|c| c.second), &second.metric, scale::SPAN);
    let (y_scale, y_axis) = scale::of_values(pareto.candidates.iter().map(|c| c.objective), metric, scale::SPAN);
    let x = json!({ "field": "second", "type": "quantitative", "scale": x_scale, "axis": x_axis });
    let y = json!({ "field": "objective", "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let mut fields = tooltip(reading, false);
    if let Value::Array(fields) = &mut fields {
        let title = second.metric.as_str();
        fields.insert(2, json!({ "field": "second", "type": "quantitative", "format": ".4~g", "title": title }));
        fields.push(json!({ "field": "standing", "title": "constraints" }));
    }
    let data = |candidate: &ParetoTrial<'_>| {
        let mut data = row(reading, candidate.trial, "");
        data.insert("second".into(), json!(candidate.second));
        data.insert("standing".into(), json!(if candidate.satisfies { "satisfied" } else { "not satisfied" }));
        Value::Object(data)
    };
    let of = |on_front: bool, satisfies: bool| -> Vec<Value> {
        let chosen = pareto.candidates.iter().filter(|c| c.is_on_front == on_front && c.satisfies == satisfies);
        chosen.map(data).collect()
    };
    // Hollow: it violates a constraint. Grey: another trial beats it in both.
    let points = |on_front: bool, satisfies: bool| {
        json!({
            "data": { "values": of(on_front, satisfies) },
            "mark": {
                "type": "point", "filled": satisfies, "size": if on_front { 90 } else { 50 },
                "shape": if on_front { "diamond" } else { "circle" },
                "strokeWidth": 1.5, "opacity": if on_front { 1.0 } else { 0.7 },
                "color": if on_front { COLOURS[0] } else { GREY },
            },
            "encoding": { "x": x, "y": y, "tooltip": fields },
        })
    };
    let mut steps: Vec<&ParetoTrial<'_>> = front.clone();
    steps.sort_by(|a, b| a.second.total_cmp(&b.second));
    // Between two points of the front only what they promise is known: the worse of both.
    let corner = match second.direction {
        Direction::Minimize => "step-after",
        Direction::Maximize => "step-before",
    };
    let mut layers = vec![json!({
        "data": { "values": steps.iter().map(|c| data(c)).collect::<Vec<_>>() },
        "mark": { "type": "line", "interpolate": corner, "strokeWidth": 1.5, "color": COLOURS[0], "tooltip": false },
        "encoding": { "x": x, "y": y, "order": { "field": "second", "type": "quantitative" } },
    })];
    if let Some(constraint) = reading.plan.spec().constraints.iter().find(|c| c.metric == second.metric) {
        layers.extend([constraint.min, constraint.max].into_iter().flatten().map(|bound| {
            json!({
                "data": { "values": [{ "second": bound }] },
                "mark": { "type": "rule", "strokeDash": [5, 4], "color": GREY, "tooltip": false },
                "encoding": { "x": x },
            })
        }));
    }
    layers.extend([(false, true), (false, false), (true, false), (true, true)].map(|(front, ok)| points(front, ok)));
    let title = if front.len() == 1 {
        format!(
            "{metric} against {}: one trial is best in both, {} and {}",
            second.metric,
            number(first.objective),
            number(first.second)
        )
    } else {
        format!(
            "{metric} against {}: from {} at {} to {} at {}, no trial is better in both",
            second.metric,
            number(first.objective),
            number(first.second),
            number(last.objective),
            number(last.second)
        )
    };
    let mut left_out = Vec::new();
    let mut say = |n: usize, what: &str| {
        if n > 0 {
            left_out.push(format!("{n} {what}"));
        }
    };
    say(pareto.infeasible, "infeasible");
    say(pareto.ended_early, "ended early");
    say(pareto.unknown, &format!("without {}", second.metric));
    let left_out = if left_out.is_empty() { String::new() } else { format!(", not shown: {}", left_out.join(", ")) };
    let hollow = if reading.plan.spec().constraints.is_empty() { "" } else { " Hollow ones violate a constraint." };
    let subtitle = format!(
        "Round {}, {} steps: n = {}{left_out}. Diamonds: no trial is better in both; grey ones are beaten by one of them.{hollow}",
        round.name,
        round.steps,
        count(pareto.candidates.len(), "trial"),
    );
    Some(style::plot(format!("pareto-{}", second.metric), title, subtitle, 300, &layers))
}

#[cfg(test)]
mod tests {
    use super::super::{pareto, plots};
    use crate::{pareto::Second, record::TrialRecord, studies};

    #[test]
    fn the_front_is_marked_and_what_is_left_out_is_said() {
        let plan = studies::plan(
            "
hyperparameters: [{name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}]
rounds: [{name: explore, trials: 9, maxTrainSteps: 100}]
constraints: [{metric: latency_ms, max: 20}]
",
        );
        let trials: Vec<TrialRecord> = [
            r#""objective":0.1,"metrics":{"latency_ms":30}"#,
            r#""objective":0.2,"metrics":{"latency_ms":18}"#,
            r#""objective":0.3,"metrics":{"latency_ms":19}"#,
            r#""objective":0.4,"metrics":{"latency_ms":5}"#,
            r#""objective":0.05"#,
            r#""infeasible":true,"reason":"Diverged""#,
            r#""stopped":true,"reason":"MedianRule""#,
        ]
        .iter()
        .enumerate()
        .map(|(i, rest)| {
            serde_json::from_str(&format!(r#"{{"name":"t{i}","hyperparameters":{{"learning_rate":0.1{i}}},{rest}}}"#))
        })
        .collect::<Result<_, _>>()
        .unwrap();
        let plot = pareto(&plan, &trials, &Second::of(&plan, "latency_ms", None)).unwrap();
        assert_eq!(plots(&plan, &trials).iter().find(|p| p.id == "pareto-latency_ms"), Some(&plot));
        assert_eq!(
            plot.title,
            "validation_error against latency_ms: from 0.1 at 30 to 0.4 at 5, no trial is better in both"
        );
        assert_eq!(
            plot.subtitle,
            "Round explore, 100 steps: n = 4 trials, not shown: 1 infeasible, 1 ended early, 1 without latency_ms. Diamonds: \
             no trial is better in both; grey ones are beaten by one of them. Hollow ones violate a constraint."
        );
        let layers = plot.specification["layer"].as_array().unwrap();
        let names = |layer: &serde_json::Value| -> Vec<String> {
            let rows = layer["data"]["values"].as_array().unwrap().iter();
            rows.map(|row| row["trial"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(names(&layers[0]), ["t3", "t1", "t0"], "the line");
        assert_eq!(layers[1]["data"]["values"][0]["second"], 20.0, "the bound");
        assert_eq!(
            layers[2..].iter().map(names).collect::<Vec<_>>(),
            [vec!["t2"], vec![], vec!["t0"], vec!["t1", "t3"]]
        );
        assert!(pareto(&plan, &trials, &Second::of(&plan, "recall", None)).is_none());
    }
}
