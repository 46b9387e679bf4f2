//! What a study came to, in words that both backends share.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::cluster::TestCluster;

/// What a study came to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StudyResult {
    /// Its phase.
    pub study: String,
    /// Why it ended, in a sentence.
    pub end: String,
    /// The best trial and its objective: `s-a-0001 0.1`; `none` where there is none.
    pub best: String,
    /// By name: phase, reason, objective and its step, and how each attempt ended: `Succeeded 0.1 @100 Finished`.
    pub trials: BTreeMap<String, String>,
}

impl StudyResult {
    /// What a row says is left as it is; what it doesn't say is filled in.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let or = |this: &String, other: &String| if other.is_empty() { this.clone() } else { other.clone() };
        let mut trials = self.trials.clone();
        trials.extend(other.trials.clone());
        Self {
            study: or(&self.study, &other.study),
            end: or(&self.end, &other.end),
            best: or(&self.best, &other.best),
            trials,
        }
    }

    /// What differs, a line each.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, expected: &str, got: &str| {
            if expected != got {
                found.push(format!("{what}: expected {expected:?}, got {got:?}"));
            }
        };
        compare("study", &self.study, &other.study);
        compare("end", &self.end, &other.end);
        compare("best", &self.best, &other.best);
        let names: std::collections::BTreeSet<&String> = self.trials.keys().chain(other.trials.keys()).collect();
        for name in names {
            let of = |outcome: &Self| outcome.trials.get(name).cloned().unwrap_or_else(|| "no such trial".to_owned());
            compare(name, &of(self), &of(other));
        }
        found
    }
}

/// A trial in words.
pub(crate) fn words(
    phase: &str,
    reason: Option<&str>,
    objective: Option<(f64, Option<u64>)>,
    attempts: &[Value],
) -> String {
    let mut words = vec![phase.to_owned()];
    words.extend(reason.filter(|reason| !reason.is_empty()).map(str::to_owned));
    if let Some((objective, step)) = objective {
        words.push(format!("{objective}"));
        words.extend(step.map(|step| format!("@{step}")));
    }
    let outcomes: Vec<&str> = attempts.iter().map(|attempt| attempt["outcome"].as_str().unwrap_or("?")).collect();
    if !outcomes.is_empty() {
        words.push(outcomes.join(","));
    }
    words.join(" ")
}

impl TestCluster {
    /// What a study that has ended came to, as its objects say.
    pub(crate) async fn outcome(&self, study: &str) -> StudyResult {
        let object = self.ended(study).await;
        let status = &object["status"];
        let complete = status["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Complete");
        let best = &status["best"];
        let trials = self.trials(study).into_iter().map(|trial| {
            let status = &trial["status"];
            let phase = status["phase"].as_str().unwrap_or("Pending");
            let objective = status["objective"].as_f64().filter(|_| phase == "Succeeded");
            let line = words(
                phase,
                status["reason"].as_str(),
                objective.map(|objective| (objective, status["bestStep"].as_u64())),
                status["attempts"].as_array().map_or(&[], Vec::as_slice),
            );
            (trial["metadata"]["name"].as_str().unwrap().to_owned(), line)
        });
        StudyResult {
            study: status["phase"].as_str().unwrap_or_default().to_owned(),
            end: complete.and_then(|condition| condition["message"].as_str()).unwrap_or_default().to_owned(),
            best: best["trial"]
                .as_str()
                .map_or_else(|| "none".to_owned(), |name| format!("{name} {}", best["objective"])),
            trials: trials.collect(),
        }
    }
}
