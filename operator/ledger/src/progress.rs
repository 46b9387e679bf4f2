//! What a trial's lines add up to, from the tables.

use std::collections::BTreeMap;

use studious_api::TrialSpec;
use studious_playbook::{
    contract::{Line, Measurements},
    decide::Progress,
};

use crate::{Ledger, LedgerError, trials::to_u64};

impl Ledger {
    /// What the lines of a trial add up to: equal to having observed them as they came, provided that an attempt's lines
    /// came before the next attempt's. (Where they didn't, the later attempt's evaluations count here.)
    ///
    /// # Errors
    /// When the database can't be read. A trial without lines, or unknown, has an empty progress.
    pub async fn progress(&self, trial: &str, spec: &TrialSpec) -> Result<Progress, LedgerError> {
        let mut read = self.read().await?;
        let mut progress = Progress::default();

        // In the order of steps, but for the first that an attempt wrote: it says where the attempt went on from.
        let evaluations: Vec<(u32, i64, f64)> = sqlx::query_as(
            "SELECT s.attempt, m.step, m.value
             FROM streams s JOIN metrics n ON n.trial = s.trial AND n.name = ?
             JOIN measurements m ON m.stream = s.id AND m.metric = n.id
             WHERE s.trial = ? AND s.host = 0 AND abs(m.value) < 9e999
             ORDER BY s.attempt, m.step IS NOT s.first_evaluation, m.step",
        )
        .bind(&spec.objective.metric)
        .bind(trial)
        .fetch_all(&mut *read)
        .await?;
        for (attempt, step, value) in evaluations {
            let values = vec![(spec.objective.metric.clone(), value)];
            progress.observe(spec, attempt, 0, &Line::Measurements(Measurements { step: to_u64(step), values }));
        }

        for constraint in &spec.constraints {
            let values: Vec<(u32, i64, f64)> = sqlx::query_as(
                "SELECT s.attempt, m.step, m.value
                 FROM streams s JOIN metrics n ON n.trial = s.trial AND n.name = ?
                 JOIN measurements m ON m.stream = s.id AND m.metric = n.id
                 WHERE s.trial = ? AND s.host = 0 AND abs(m.value) < 9e999
                 ORDER BY s.attempt, m.step",
            )
            .bind(&constraint.metric)
            .bind(trial)
            .fetch_all(&mut *read)
            .await?;
            for (attempt, step, value) in values {
                let values = vec![(constraint.metric.clone(), value)];
                progress.observe(spec, attempt, 0, &Line::Measurements(Measurements { step: to_u64(step), values }));
            }
        }

        let events: Vec<(u32, u32, String)> = sqlx::query_as(
            "SELECT s.attempt, s.host, e.json FROM streams s JOIN events e ON e.stream = s.id
             WHERE s.trial = ? ORDER BY e.id",
        )
        .bind(trial)
        .fetch_all(&mut *read)
        .await?;
        for (attempt, host, text) in events {
            let line = Line::parse(&text).map_err(|problem| LedgerError::Corrupt {
                what: "event",
                object: trial.to_owned(),
                problem: problem.to_string(),
            })?;
            progress.observe(spec, attempt, host, &line);
        }

        let latest: Vec<(u32, String, Option<f64>)> =
            sqlx::query_as("SELECT host, metric, value FROM latest WHERE trial = ? AND host < ?")
                .bind(trial)
                .bind(spec.hosts)
                .fetch_all(&mut *read)
                .await?;
        let mut by_host: BTreeMap<u32, BTreeMap<String, f64>> = BTreeMap::new();
        for (host, metric, value) in latest {
            by_host.entry(host).or_default().insert(metric, value.unwrap_or(f64::NAN));
        }
        // Steps were written from whole numbers below 2^53.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let step = by_host.get(&0).and_then(|metrics| metrics.get("step")).map(|step| *step as u64);
        progress.step = step;
        progress.latest = by_host;

        let non_finite: Option<(String, i64)> = sqlx::query_as("SELECT metric, step FROM non_finite WHERE trial = ?")
            .bind(trial)
            .fetch_optional(&mut *read)
            .await?;
        progress.non_finite = non_finite.map(|(metric, step)| (metric, to_u64(step)));

        let first: Option<(u32, i64, String)> = sqlx::query_as(
            "SELECT s.host, p.line, p.problem FROM streams s JOIN malformed p ON p.stream = s.id
             WHERE s.trial = ? ORDER BY p.id LIMIT 1",
        )
        .bind(trial)
        .fetch_optional(&mut *read)
        .await?;
        if let Some((host, line, problem)) = first {
            progress.observe_malformed(host, to_u64(line), &problem);
        }
        let malformed: i64 = sqlx::query_scalar("SELECT coalesce(sum(malformed), 0) FROM streams WHERE trial = ?")
            .bind(trial)
            .fetch_one(&mut *read)
            .await?;
        progress.malformed = to_u64(malformed);
        Ok(progress)
    }
}
