//! What a study's trials show, in its status and as Events.

use studious_api::{Study, StudyStatus, Trial, trial::TrialPhase};

use super::{
    studies::{made, study},
    world::{Request, World},
};

/// Thirty trials at once.
fn thirty() -> Study {
    let mut study = study("");
    study.spec.rounds[0].trials = Some(30);
    study.spec.parallelism = 30;
    study
}

impl World {
    /// Some of the trials end; the larger the rate, the better.
    fn end_some(&mut self, trials: &mut [Trial]) {
        for trial in trials {
            let rate = trial.spec.hyperparameters["learning_rate"].as_f64().unwrap();
            let status = trial.status.get_or_insert_default();
            (status.phase, status.objective, status.best_step) = (TrialPhase::Succeeded, Some(1.0 - rate), Some(90));
            self.caches.trial(trial);
        }
    }
}

fn status(requests: &[Request]) -> StudyStatus {
    let request = requests.iter().find(|r| r.line == "PATCH studies/digits/status").unwrap();
    serde_json::from_value(request.body["status"].clone()).unwrap()
}

/// Status and reason of a condition.
fn told<'a>(status: &'a StudyStatus, type_: &str) -> (&'a str, &'a str) {
    let condition = status.conditions.iter().find(|c| c.type_ == type_).unwrap_or_else(|| panic!("no {type_}"));
    (&condition.status, &condition.reason)
}

/// Reasons of the Events about findings.
fn events(requests: &[Request]) -> Vec<&str> {
    let posted = requests.iter().filter(|r| r.line.starts_with("POST events") && r.body["action"] == "Conclude");
    posted.filter_map(|r| r.body["reason"].as_str()).collect()
}

#[tokio::test]
async fn what_trials_show_is_told_in_conditions_and_each_finding_has_one_event() {
    let mut world = World::new().await;
    let mut study = thirty();
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let first = status(&requests);
    let types: Vec<&str> = first.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["Accepted", "Progressing", "Complete", "Conclusive"], "what is known");
    assert_eq!(told(&first, "Conclusive"), ("False", "TrialsRun"));
    let mut trials = made(&requests);

    // Three have ended: that they are few is no news while others are to come.
    world.end_some(&mut trials[..3]);
    world.pass(16);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(events(&requests), [""; 0]);
    assert!(status(&requests).conditions.iter().all(|condition| condition.status != "Unknown"));

    // All have.
    world.end_some(&mut trials);
    world.pass(16);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let last = status(&requests);
    assert_eq!(told(&last, "SearchSpaceLargeEnough"), ("False", "SearchSpaceTooNarrow"));
    assert_eq!(told(&last, "FewInfeasible"), ("True", "Pass"));
    assert_eq!(told(&last, "OptimizationSound"), ("Unknown", "TooLittleToTell"), "there are no curves");
    assert_eq!(told(&last, "Conclusive"), ("False", "Provisional"));
    assert_eq!(told(&last, "Complete"), ("True", "AllRoundsEnded"));
    assert_eq!(last.findings[0].hyperparameter.as_deref(), Some("learning_rate"));
    assert!(last.findings.len() <= 10 && last.findings_count >= Some(2), "{last:?}");
    assert_eq!(events(&requests), ["SearchSpaceTooNarrow"]);
    assert_eq!(last.announced, ["SearchSpaceTooNarrow"]);
    let lines: Vec<_> = requests.iter().map(|r| r.line.as_str()).collect();
    assert_eq!(lines[0], "PATCH studies/digits/status", "before its Events, so that there is never a second one");
    assert_eq!(requests.len(), 3, "one status, the finding, the end: {lines:?}");

    // A restarted operator says nothing again.
    study.status = Some(last);
    study.metadata.resource_version = Some("5000".into());
    world.studies.memories.forget("study-uid");
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());

    // The study sets the finding aside: the question is waived, and nothing is announced.
    study.metadata.generation = Some(2);
    study.spec.policy = serde_yaml::from_str("{waive: [{question: 1, reason: no larger rate is stable}]}").unwrap();
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let waived = status(&requests);
    assert_eq!(told(&waived, "SearchSpaceLargeEnough"), ("True", "Waived"));
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn what_changes_with_every_trial_costs_no_writes_of_its_own() {
    let mut world = World::new().await;
    let study = thirty();
    world.reconcile_study(&study).await;
    let mut trials = made(&world.requests());
    for trial in &trials {
        world.caches.trial(trial);
    }
    world.end_some(&mut trials[..10]);
    world.pass(16);
    world.reconcile_study(&study).await;
    assert_eq!(world.lines(), ["PATCH studies/digits/status"]);
    // One more ends within the same second.
    world.end_some(&mut trials[..11]);
    world.pass(1);
    world.reconcile_study(&study).await;
    assert_eq!(world.lines(), [""; 0]);
    // Then one each two seconds: the counts are right soon, while that costs no more than half a write a trial.
    let mut writes = 0;
    for end in 12..=28 {
        world.end_some(&mut trials[..end]);
        world.pass(2);
        world.reconcile_study(&study).await;
        // A finding that is seen for the first time has an Event.
        let statuses = world.lines().iter().filter(|line| *line == "PATCH studies/digits/status").count();
        assert!(statuses <= 1 && (end > 13 || statuses == 1), "{statuses} after trial {end}");
        writes += statuses;
    }
    assert!(writes <= 28 / 2, "{writes} writes");
}

#[tokio::test]
async fn findings_that_take_long_hold_up_neither_trials_nor_the_status() {
    let mut world = World::new().await;
    let study = thirty();
    world.reconcile_study(&study).await;
    let mut trials = made(&world.requests());
    world.end_some(&mut trials);
    world.pass(16);
    // Another study's findings are being worked out.
    let studies = world.studies.clone();
    let turn = studies.finding.acquire().await.unwrap();
    world.reconcile_study(&study).await;
    let ended = status(&world.requests());
    assert_eq!(told(&ended, "Complete"), ("True", "AllRoundsEnded"));
    assert_eq!(told(&ended, "SearchSpaceLargeEnough"), ("Unknown", "TooLittleToTell"));
    drop(turn);
    assert_eq!(world.woken().await, "digits");
    world.pass(16);
    world.reconcile_study(&study).await;
    let last = status(&world.requests());
    assert_eq!(told(&last, "SearchSpaceLargeEnough"), ("False", "SearchSpaceTooNarrow"));
}
