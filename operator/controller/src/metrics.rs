//! Prometheus metrics of the operator.

use std::time::Duration;

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use prometheus::{
    Counter, Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use studious_api::trial::TrialPhase;
use studious_ledger::Ledger;

use crate::{caches::Caches, live::Live};

/// Metrics of trainers that are shown by trial, from host 0.
const SHOWN: [&str; 5] = ["examples_per_second", "gradient_norm", "train_loss", "learning_rate", "step"];

/// What is counted as it happens. What can be read off the caches is read on request.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    reconcile_seconds: HistogramVec,
    ingest_lines: IntCounterVec,
    leader: IntGauge,
}

impl Metrics {
    /// # Errors
    /// When a metric is named wrongly, which would be a defect of this file.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            reconciles: IntCounterVec::new(
                Opts::new("studious_reconcile_total", "Reconciles by controller and result."),
                &["controller", "result"],
            )?,
            reconcile_seconds: HistogramVec::new(
                HistogramOpts::new("studious_reconcile_seconds", "Duration of reconciles in seconds.")
                    .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]),
                &["controller"],
            )?,
            ingest_lines: IntCounterVec::new(
                Opts::new("studious_ingest_lines_total", "Lines of metrics.jsonl by what became of them."),
                &["result"],
            )?,
            leader: IntGauge::new("studious_leader", "1 while this replica is the leader.")?,
        };
        metrics.registry.register(Box::new(metrics.reconciles.clone()))?;
        metrics.registry.register(Box::new(metrics.reconcile_seconds.clone()))?;
        metrics.registry.register(Box::new(metrics.ingest_lines.clone()))?;
        metrics.registry.register(Box::new(metrics.leader.clone()))?;
        Ok(metrics)
    }

    /// One reconcile has ended.
    pub(crate) fn reconciled(&self, controller: &str, result: &str, took: Duration) {
        self.reconciles.with_label_values(&[controller, result]).inc();
        self.reconcile_seconds.with_label_values(&[controller]).observe(took.as_secs_f64());
    }

    /// Lines came in: `new`, `malformed`, `repeated`, `dropped` or `refused`.
    pub(crate) fn ingested(&self, result: &str, lines: usize) {
        self.ingest_lines.with_label_values(&[result]).inc_by(lines as u64);
    }

    /// This replica has become the leader.
    pub(crate) fn leads(&self) {
        self.leader.set(1);
    }

    /// This replica is no longer the leader.
    pub(crate) fn follows(&self) {
        self.leader.set(0);
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric can't be written, which would be a defect of this file.
    pub(crate) fn text(&self, caches: &Caches, live: &Live, ledger: &Ledger) -> Result<String, prometheus::Error> {
        let now = Registry::new();
        let writable = IntGauge::new("studious_ledger_writable", "1 while measurements can be taken in, 0 while not.")?;
        writable.set(i64::from(ledger.health().is_working()));
        now.register(Box::new(writable))?;
        if let Some(bytes) = ledger.free_bytes() {
            let free = IntGauge::new("studious_ledger_free_bytes", "Bytes that are free on the ledger's volume.")?;
            free.set(i64::try_from(bytes).unwrap_or(i64::MAX));
            now.register(Box::new(free))?;
        }
        let trials = IntGaugeVec::new(
            Opts::new("studious_trials", "Trials by study and phase."),
            &["namespace", "study", "phase"],
        )?;
        now.register(Box::new(trials.clone()))?;
        let failed = IntGaugeVec::new(
            Opts::new("studious_trials_failed", "Failed trials by study and reason."),
            &["namespace", "study", "reason"],
        )?;
        now.register(Box::new(failed.clone()))?;
        let mut shown = Vec::new();
        for metric in SHOWN {
            let gauge = GaugeVec::new(
                Opts::new(format!("studious_trial_{metric}"), format!("Latest {metric} of host 0 of a running trial.")),
                &["namespace", "study", "trial"],
            )?;
            now.register(Box::new(gauge.clone()))?;
            shown.push(gauge);
        }

        let latest = live.latest();
        for trial in caches.trials.state().into_iter().map(|trial| caches.under_way.of(trial)) {
            let phase = trial.status.as_ref().map_or(TrialPhase::Pending, |status| status.phase);
            let namespace = trial.metadata.namespace.as_deref().unwrap_or_default();
            trials.with_label_values(&[namespace, &trial.spec.study, &format!("{phase:?}")]).inc();
            let reason = trial.status.as_ref().and_then(|status| status.reason.as_deref()).unwrap_or("Unknown");
            if phase == TrialPhase::Failed {
                failed.with_label_values(&[namespace, &trial.spec.study, reason]).inc();
            }
            let uid = trial.metadata.uid.as_deref().unwrap_or_default();
            let Some(host) = latest.get(uid).and_then(|hosts| hosts.get(&0)) else { continue };
            let name = trial.metadata.name.as_deref().unwrap_or_default();
            for (metric, gauge) in SHOWN.iter().zip(&shown) {
                if let Some(value) = host.get(*metric) {
                    gauge.with_label_values(&[namespace, &trial.spec.study, name]).set(*value);
                }
            }
        }

        let processor = Counter::new("process_cpu_seconds_total", "Processor time of this process in seconds.")?;
        now.register(Box::new(processor.clone()))?;
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
            processor.inc_by(Duration::from_micros(u64::try_from(microseconds).unwrap_or(0)).as_secs_f64());
        }

        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        TextEncoder::new().encode(&now.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}
