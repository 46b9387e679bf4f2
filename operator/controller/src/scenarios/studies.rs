//! Studies.

use studious_api::{Study, Trial, study::StudyPhase, trial::TrialPhase};

use super::world::World;

/// A study of four trials, two at once, with more of its spec.
pub(crate) fn study(more: &str) -> Study {
    serde_yaml::from_str(&format!(
        "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: digits, namespace: team-a, uid: study-uid, generation: 1, resourceVersion: '10'}}
spec:
  goal: Which learning rate?
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters: [{{name: learning_rate, range: {{min: 0.001, max: 1, scale: Log}}}}]
  rounds: [{{name: explore, trials: 4, maxTrainSteps: 100}}]
  evaluation: {{everySteps: 10}}
  parallelism: 2
  trial:
{}
    template: {{spec: {{containers: [{{name: trainer, image: trainer}}]}}}}
",
        if more.is_empty() { "    hosts: 1" } else { more }
    ))
    .unwrap()
}

/// Trials as they were made.
pub(super) fn made(requests: &[super::world::Request]) -> Vec<Trial> {
    let bodies = requests.iter().filter(|r| r.line.starts_with("POST trials/")).map(|r| r.body.clone());
    bodies
        .map(|body| {
            let mut trial: Trial = serde_json::from_value(body).unwrap();
            trial.metadata.uid = Some(format!("uid-{}", trial.spec.index));
            trial
        })
        .collect()
}

#[tokio::test]
async fn a_new_study_gets_its_first_trials_and_one_status() {
    let mut world = World::new().await;
    let study = study("");
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.as_str()).collect();
    assert_eq!(
        lines,
        ["POST trials/digits-explore-0000", "POST trials/digits-explore-0001", "PATCH studies/digits/status",]
    );
    let status = &requests[2].body["status"];
    assert_eq!((status["phase"].as_str(), status["done"].as_str()), (Some("Running"), Some("0/4")));
    assert_eq!(status["trials"]["pending"], 2);
    assert_eq!(requests[0].body["metadata"]["ownerReferences"][0]["uid"], "study-uid");
}

#[tokio::test]
async fn a_second_look_writes_nothing_whatever_the_cache_shows() {
    let mut world = World::new().await;
    let study = study("");
    world.reconcile_study(&study).await;
    let requests = world.requests();
    // The cache shows neither the trials nor the status yet.
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());
    // It shows one, then both.
    for trial in made(&requests) {
        world.caches.trial(&trial);
        world.reconcile_study(&study).await;
        assert!(world.lines().is_empty());
    }
}

#[tokio::test]
async fn a_trial_that_ends_makes_room_for_the_next_without_a_status() {
    let mut world = World::new().await;
    let study = study("");
    world.reconcile_study(&study).await;
    let mut trials = made(&world.requests());
    let status = trials[0].status.get_or_insert_default();
    (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5));
    for trial in &trials {
        world.caches.trial(trial);
    }
    world.reconcile_study(&study).await;
    // Counts come later, with others'.
    assert_eq!(world.lines(), ["POST trials/digits-explore-0002"]);
}

#[tokio::test]
async fn when_all_have_ended_the_study_has() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.parallelism = 4;
    world.reconcile_study(&study).await;
    for (i, mut trial) in made(&world.requests()).into_iter().enumerate() {
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5 - 0.1 * i as f64));
        world.caches.trial(&trial);
    }
    // A second after the first status at the earliest.
    world.pass(120);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(requests[0].line, "PATCH studies/digits/status");
    let status = &requests[0].body["status"];
    assert_eq!((status["phase"].as_str(), status["done"].as_str()), (Some("Completed"), Some("4/4")));
    assert_eq!(status["best"]["trial"], "digits-explore-0003");
    assert!(status["completionTime"].is_string());
    let events: Vec<_> = requests[1..].iter().map(|request| request.body["reason"].as_str().unwrap()).collect();
    assert_eq!(events, ["Undersampled", "AllRoundsEnded"], "one status and the Events: {requests:?}");
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn a_completed_study_whose_trials_become_more_goes_on() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.parallelism = 4;
    world.reconcile_study(&study).await;
    for mut trial in made(&world.requests()) {
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5));
        world.caches.trial(&trial);
    }
    world.pass(120);
    world.reconcile_study(&study).await;
    let status: studious_api::StudyStatus = serde_json::from_value(world.requests()[0].body["status"].clone()).unwrap();
    assert_eq!(status.phase, StudyPhase::Completed);

    // Somebody asks for two more.
    study.status = Some(status);
    study.metadata.generation = Some(2);
    study.metadata.resource_version = Some("2000".into());
    study.spec.rounds[0].trials = Some(6);
    world.pass(120);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.as_str()).collect();
    let expected =
        ["POST trials/digits-explore-0004", "POST trials/digits-explore-0005", "PATCH studies/digits/status"];
    assert_eq!(lines, expected);
    let status = &requests[2].body["status"];
    assert_eq!((status["phase"].as_str(), status["done"].as_str()), (Some("Running"), Some("4/6")));
    assert!(status.get("completionTime").is_none_or(serde_json::Value::is_null), "{status}");
    let complete = status["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Complete").unwrap();
    assert_eq!(complete["status"], "False");
}

#[tokio::test]
async fn trials_that_are_added_a_moment_after_a_later_round_has_begun_do_not_run_and_that_is_said() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.parallelism = 4;
    let confirm = "{name: confirm, maxTrainSteps: 200, from: {round: explore, best: 2}}";
    study.spec.rounds.push(serde_yaml::from_str(confirm).unwrap());
    world.reconcile_study(&study).await;
    for (i, mut trial) in made(&world.requests()).into_iter().enumerate() {
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5 - 0.1 * i as f64));
        world.caches.trial(&trial);
    }
    world.reconcile_study(&study).await;
    let begun = made(&world.requests());
    assert_eq!(begun.len(), 2);
    for trial in &begun {
        world.caches.trial(trial);
    }
    // The webhook looked at a status that didn't say yet that the round had begun.
    study.spec.rounds[0].trials = Some(9);
    study.metadata.generation = Some(2);
    world.pass(120);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.as_str()).collect();
    assert_eq!(lines, ["PATCH studies/digits/status", "POST events", "POST events"]);
    let status = &requests[0].body["status"];
    assert_eq!((status["phase"].as_str(), status["done"].as_str()), (Some("Running"), Some("4/6")));
    let accepted = status["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Accepted").unwrap();
    assert_eq!((accepted["status"].as_str(), accepted["reason"].as_str()), (Some("True"), Some("TrialsAddedTooLate")));
    let told = "spec.rounds[0].trials: 9: round confirm had begun, whose points come from the 4 trials that round explore \
                had then: the 5 added ones don't run. Run them as a new study.";
    assert_eq!(accepted["message"], told);
    assert_eq!(
        (requests[1].body["reason"].as_str(), requests[1].body["note"].as_str()),
        (Some("TrialsAddedTooLate"), Some(told))
    );
}

#[tokio::test]
async fn several_hosts_need_one_service() {
    let mut world = World::new().await;
    let study = study("    hosts: 2");
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(requests[0].line, "POST services/digits");
    insta::assert_yaml_snapshot!(requests[0].body);
    assert_eq!(requests.iter().filter(|r| r.line.contains("services")).count(), 1);
}

#[tokio::test]
async fn an_invalid_study_is_told_why_and_nothing_runs() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.rounds[0].trials = Some(0);
    study.spec.objective.metric = String::new();
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.split('?').next().unwrap()).collect();
    assert_eq!(lines, ["PATCH studies/digits/status", "POST events"]);
    let status: studious_api::StudyStatus = serde_json::from_value(requests[0].body["status"].clone()).unwrap();
    assert_eq!(status.phase, StudyPhase::Invalid);
    let accepted = status.conditions.iter().find(|c| c.type_ == "Accepted").unwrap();
    assert_eq!(accepted.status, "False");
    assert!(accepted.message.contains("spec.rounds[0].trials"), "{}", accepted.message);
    assert!(accepted.message.contains("spec.objective.metric"), "{}", accepted.message);
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn a_suspended_study_starts_nothing() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.suspend = true;
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body["status"]["phase"], "Paused");
}

#[tokio::test]
async fn a_study_of_an_earlier_version_is_let_go_at_once() {
    let mut world = World::new().await;
    let mut study = study("");
    study.metadata.finalizers = Some(vec!["studious.dev/ledger".into()]);
    study.metadata.deletion_timestamp = Some(crate::status::seconds(jiff::Timestamp::now()));
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].line, "PATCH studies/digits");
    assert_eq!(requests[0].body["metadata"]["finalizers"].as_array().map(Vec::len), Some(0));
}
