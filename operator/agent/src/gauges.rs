//! What a host measured last, for Prometheus.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use prometheus::{Gauge, IntCounter, IntGauge, Opts, Registry, TextEncoder, core::Collector};
use studious_contract::{JudgedMetrics, Line, Measurements, TrialJson, tail::Tail};
use tokio_util::sync::CancellationToken;

/// How old a value may be before it is served.
const REFRESH: Duration = Duration::from_secs(1);
/// Metric of a trainer, and what it is.
const SHOWN: [(&str, &str); 5] = [
    ("examples_per_second", "Training examples per second, as this host last said."),
    ("gradient_norm", "Norm of the gradient, as this host last said."),
    ("train_loss", "Training loss, as this host last said."),
    ("learning_rate", "Learning rate, as this host last said."),
    ("step", "Training step of the line that this host wrote last."),
];

/// The series of one host, in a registry of their own.
pub(crate) struct Gauges {
    registry: Registry,
    shown: Vec<Shown>,
    /// Lines that the operator has acknowledged.
    pub acknowledged: IntGauge,
    /// Pushes that failed, and are tried again.
    pub failures: IntCounter,
    malformed: IntCounter,
}

/// A trainer's metric. There is no series before its first value: 0 would be a lie.
struct Shown {
    metric: &'static str,
    gauge: Gauge,
    served: OnceLock<()>,
}

impl Gauges {
    /// # Errors
    /// When a series is named wrongly, which would be a defect of this file.
    pub(crate) fn new(namespace: &str, trial: &TrialJson, host: u32) -> Result<Self, prometheus::Error> {
        let labels = [
            ("namespace", namespace.to_owned()),
            ("study", trial.study.clone()),
            ("round", trial.round.clone()),
            ("trial", trial.name.clone()),
            ("host", host.to_string()),
        ];
        let labels: HashMap<String, String> =
            labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        // Labels of the registry would be served in no order.
        let named = |name: String, help: &str| Opts::new(name, help).const_labels(labels.clone());
        let registry = Registry::new();
        let shown = SHOWN
            .iter()
            .map(|(metric, help)| {
                let gauge = Gauge::with_opts(named(format!("studious_host_{metric}"), help))?;
                Ok(Shown { metric, gauge, served: OnceLock::new() })
            })
            .collect::<Result<_, prometheus::Error>>()?;
        let acknowledged = register(
            &registry,
            IntGauge::with_opts(named(
                "studious_agent_acknowledged_lines".to_owned(),
                "Lines of metrics.jsonl that the operator has acknowledged.",
            ))?,
        )?;
        let failures = register(
            &registry,
            IntCounter::with_opts(named(
                "studious_agent_push_failures_total".to_owned(),
                "Pushes to the operator that failed, and are tried again.",
            ))?,
        )?;
        let malformed = register(
            &registry,
            IntCounter::with_opts(named(
                "studious_agent_malformed_lines_total".to_owned(),
                "Lines of metrics.jsonl that can't be read.",
            ))?,
        )?;
        Ok(Self { registry, shown, acknowledged, failures, malformed })
    }

    /// Takes in one line of the trainer.
    fn observe(&self, line: &str) {
        match Line::parse(line, &JudgedMetrics::default()) {
            Ok(Line::Measurements(measurements)) => {
                for shown in &self.shown {
                    if let Some(value) = value_of(&measurements, shown.metric) {
                        shown.gauge.set(value);
                        shown.served.get_or_init(|| {
                            if let Err(error) = self.registry.register(Box::new(shown.gauge.clone())) {
                                tracing::error!(metric = shown.metric, %error, "the metric can't be served");
                            }
                        });
                    }
                }
            }
            Ok(Line::Event(_)) => {}
            Err(_) => self.malformed.inc(),
        }
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// When a series can't be written, which would be a defect of this file.
    pub(crate) fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

fn value_of(measurements: &Measurements, metric: &str) -> Option<f64> {
    if metric == "step" { Some(measurements.step as f64) } else { measurements.get(metric) }
}

fn register<T: Collector + Clone + 'static>(registry: &Registry, series: T) -> Result<T, prometheus::Error> {
    registry.register(Box::new(series.clone()))?;
    Ok(series)
}

/// Keeps the series up to date, by a reading of its own: what is served doesn't wait for the operator.
pub(crate) async fn follow(metrics: PathBuf, gauges: Arc<Gauges>, stop: CancellationToken) {
    let mut tail = Tail::new(metrics);
    loop {
        let gauges = gauges.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let more = match tail.read(false) {
                Ok(batch) => {
                    batch.lines.iter().for_each(|line| gauges.observe(line));
                    batch.more
                }
                // The sender of the lines meets the same error and reports it.
                Err(_) => false,
            };
            (tail, more)
        });
        let Ok((returned, more)) = reading.await else { return };
        tail = returned;
        if !more {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REFRESH) => {}
            }
        } else if stop.is_cancelled() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use studious_contract::SharedTrial;

    use super::*;

    #[test]
    fn series_begin_with_their_first_value() {
        let trial = SharedTrial::parse(
            r#"{"study":"s","round":"explore","name":"s-explore-0001","attempt":2,"hyperparameters":{},"maxTrainSteps":100,
                "objective":{"metric":"validation_error","direction":"Minimize"},"evaluation":{"everySteps":10},
                "seeds":{"init":1,"split":2},"host":{"count":2,"dataSeeds":[3,4]}}"#,
        );
        let trial = trial.unwrap().for_host(1).unwrap();
        let gauges = Gauges::new("team-a", &trial, 1).unwrap();
        gauges.observe(r#"{"step":10,"train_loss":0.5}"#);
        gauges.observe(r#"{"step":20,"train_loss":NaN,"gradient_norm":1.5}"#);
        gauges.observe("half a li");
        let text = gauges.text().unwrap();
        let labels = r#"{host="1",namespace="team-a",round="explore",study="s",trial="s-explore-0001"}"#;
        for series in [
            format!("studious_host_step{labels} 20\n"),
            format!("studious_host_train_loss{labels} NaN\n"),
            format!("studious_host_gradient_norm{labels} 1.5\n"),
            format!("studious_agent_malformed_lines_total{labels} 1\n"),
        ] {
            assert!(text.contains(&series), "{series} is not in {text}");
        }
        assert!(!text.contains("studious_host_examples_per_second"), "{text}");
    }
}
