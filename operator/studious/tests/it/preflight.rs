//! Whether a program is ready: programs that are, and programs that are not, each a small script.

use serde_json::{Value, json};

use crate::{
    bench::{Bench, Said},
    schema::document,
};

const STUDY: &str = r"
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: valley}
spec:
  goal: Where is the valley?
  objective: {metric: loss, direction: Minimize}
  hyperparameters:
  - {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
  rounds:
  - {name: explore, trials: 8, maxTrainSteps: 200}
  evaluation: {everySteps: 5}
  checkpoint: {everySteps: 10}
  trial:
    template:
      spec:
        terminationGracePeriodSeconds: 1
        containers:
        - {name: trainer, command: [sh, trainer.sh]}
";

/// A program that does all that is asked of it.
const TRAINER: &str = r#"
cd "$STUDIOUS_TRIAL_DIR"
say() { printf '%s\n' "$1" >> metrics.jsonl; }
step=0; restored=
if [ -f restore/step ]; then step=$(cat restore/step); restored=",\"restored_step\":$step"; fi
say "{\"event\":\"init\",\"parameters_sha256\":\"p$step\",\"init_seed\":$STUDIOUS_SEED_INIT,\"data_seed\":$STUDIOUS_SEED_DATA$restored}"
while [ $step -lt $STUDIOUS_MAX_TRAIN_STEPS ]; do
  step=$((step + 1)); sleep 0.03
  if [ $((step % 5)) -eq 0 ]; then
    say "{\"step\":$step,\"train_loss\":1,\"examples_per_second\":64}"
    say "{\"step\":$step,\"loss\":$(awk "BEGIN { print 1 / $step }")}"
  fi
  if [ $((step % 10)) -eq 0 ]; then
    echo $step > checkpoints/new; mv checkpoints/new checkpoints/step
    say "{\"event\":\"checkpoint\",\"step\":$step,\"parameters_sha256\":\"p$step\"}"
  fi
done
say "{\"event\":\"done\",\"step\":$step}"
"#;

fn bench(trainer: &str) -> Bench {
    let bench = Bench::with(STUDY);
    std::fs::write(bench.file("trainer.sh"), trainer).unwrap();
    bench
}

/// What a preflight of a program comes to.
fn preflight(trainer: &str, more: &[&str]) -> (Said, Value) {
    let said = bench(trainer).call(&[&["preflight", "study.yaml", "--format", "json"], more].concat());
    let found = document(&said.out);
    (said, found)
}

/// Status and message of a check.
fn check(found: &Value, code: &str) -> (String, String) {
    let check = found["checks"].as_array().unwrap().iter().find(|check| check["code"] == code).unwrap();
    let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

/// Those that fail, and those that are unknown.
fn wrong(found: &Value) -> (Vec<&str>, Vec<&str>) {
    let of = |status: &str| {
        let checks = found["checks"].as_array().unwrap().iter().filter(move |check| check["status"] == status);
        checks.map(|check| check["code"].as_str().unwrap()).collect()
    };
    (of("Fails"), of("Unknown"))
}

#[test]
fn a_good_program_is_ready_and_a_plan_knows_its_step_time() {
    let bench = bench(TRAINER);
    let said = bench.call(&["preflight", "study.yaml"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Ready: everything that a study needs was seen to work."), "{}", said.out);
    let text = std::fs::read_to_string(bench.file("studious-runs/valley-preflight/preflight.json")).unwrap();
    let found = document(&text);
    assert_eq!(wrong(&found), (vec![], vec![]), "{}", said.out);
    assert_eq!(
        (&found["ready"], &found["maxTrainSteps"], &found["study"]),
        (&json!(true), &json!(40), &json!("valley"))
    );
    assert!(check(&found, "Resumes").1.starts_with("after a kill it continued from step 10"), "{}", said.out);
    let measured = &found["measured"];
    for name in ["startupSeconds", "secondsPerStep", "peakMemoryBytes"] {
        assert!(measured[name].as_f64().is_some_and(|x| x >= 0.0), "{name}: {measured}");
    }
    assert_eq!(measured["examplesPerSecond"], 64.0);
    for line in said.out.lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }

    let plan = document(&bench.call(&["plan", "study.yaml", "--format", "json"]).out);
    assert_eq!(plan["design"]["cost"]["stepTime"], measured["stepTime"]);
    let elsewhere = ["plan", "study.yaml", "--runs", "none", "--format", "json"];
    assert_eq!(document(&bench.call(&elsewhere).out)["design"]["cost"]["stepTime"], Value::Null);
    let named = [&elsewhere[..], &["--measured", "studious-runs/valley-preflight"]].concat();
    assert_eq!(document(&bench.call(&named).out)["design"]["cost"]["stepTime"], measured["stepTime"]);
    // Once more: what was there is kept.
    assert_eq!(bench.call(&["preflight", "study.yaml", "--steps", "20", "--set", "learning_rate=1"]).code, 0);
    assert!(bench.file("studious-runs/valley-preflight/whole.before-1").exists());
}

#[test]
fn one_that_never_evaluates_is_not_ready() {
    let (said, found) = preflight(&TRAINER.replace("\\\"loss\\\"", "\\\"error\\\""), &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(wrong(&found).0, ["Evaluates"], "{found}");
    let (_, message) = check(&found, "Evaluates");
    assert_eq!(message, "loss was never reported; reported were error, examples_per_second and train_loss");
}

/// A run that is judged when it says done asks it to end as it does so: no fault of the program.
#[test]
fn one_that_is_done_without_an_evaluation_ends_itself() {
    let silent = TRAINER.replace("    say \"{\\\"step\\\":$step,\\\"loss\\\"", "    : \"");
    let (said, found) = preflight(&silent, &[]);
    assert_eq!((said.code, wrong(&found).0), (2, vec!["Evaluates"]), "{found}");
}

#[test]
fn a_metric_of_another_name_is_pointed_out() {
    let (said, found) = preflight(&TRAINER.replace("\\\"loss\\\"", "\\\"val/loss\\\""), &[]);
    let fix =
        found["checks"].as_array().unwrap().iter().find(|check| check["code"] == "Evaluates").unwrap()["fix"].clone();
    assert_eq!(fix, "Did you mean val/loss? Set spec.objective.metric to it, or rename it in the program.");
    assert_eq!(said.code, 2);
}

#[test]
fn one_that_ignores_its_checkpoints_is_not_ready() {
    let (said, found) = preflight(&TRAINER.replace("-f restore/step", "-f nowhere"), &[]);
    assert_eq!((said.code, wrong(&found).0), (2, vec!["Resumes"]), "{found}");
    assert_eq!(check(&found, "Resumes").1, "after a kill it began again: its first line was of step 5");
}

#[test]
fn one_that_saves_nothing_is_not_ready() {
    let without = TRAINER.replace("$((step % 10)) -eq 0", "$step -eq 0");
    let (said, found) = preflight(&without, &[]);
    assert_eq!(said.code, 2);
    assert_eq!(wrong(&found).0, ["SavesCheckpoints", "Resumes"], "{found}");
}

#[test]
fn one_that_never_ends_is_ended() {
    let (said, found) = preflight(
        &format!("{}\nsleep 1000\n", TRAINER.replace("say \"{\\\"event\\\":\\\"done\\\"", ": \"")),
        &["--timeout", "3"],
    );
    assert_eq!(said.code, 2);
    assert_eq!(wrong(&found).0, ["EndsItself"], "{found}");
    assert_eq!(check(&found, "EndsItself").1, "it did not end after step 40");
    assert_eq!(check(&found, "EndsOnRequest").0, "Passes", "{found}");
}

#[test]
fn one_that_trains_on_is_stopped() {
    let (said, found) = preflight(&TRAINER.replace("-lt $STUDIOUS_MAX_TRAIN_STEPS", "-lt 100000"), &[]);
    assert_eq!(said.code, 2);
    assert_eq!(wrong(&found).0, ["ObeysMaxTrainSteps", "EndsItself"], "{found}");
}

#[test]
fn one_that_crashes_says_its_last_words() {
    let (said, found) = preflight("echo no module named tensors; exit 1", &[]);
    assert_eq!(said.code, 2);
    assert!(check(&found, "Starts").1.ends_with("It printed last: no module named tensors"), "{found}");
    let (said, found) = preflight(&TRAINER.replace("done\nsay", "done\nexit 7\nsay"), &[]);
    assert_eq!((said.code, wrong(&found).0), (2, vec!["ExitCode", "SaysDone"]), "{found}");
}

#[test]
fn one_that_prints_nan_is_not_ready() {
    let (said, found) = preflight(&TRAINER.replace("\\\"train_loss\\\":1", "\\\"train_loss\\\":NaN"), &[]);
    assert_eq!(said.code, 2);
    assert_eq!(check(&found, "Finite").1, "train_loss was not finite at step 5, so the trial was ended");
    assert_eq!(check(&found, "EndsItself").0, "Unknown", "{found}");
}

#[test]
fn half_lines_are_reported_and_no_obstacle() {
    let half = TRAINER.replace("done\nsay", "done\nsay '{\"step\": 40, \"lo'\nsay");
    let (said, found) = preflight(&half, &[]);
    assert_eq!((said.code, wrong(&found).0), (0, vec!["ReadableLines"]), "{found}");
}

#[test]
fn one_that_ignores_sigterm_is_killed_and_that_is_said() {
    let (said, found) = preflight(&format!("trap '' TERM\n{TRAINER}"), &[]);
    assert_eq!((said.code, wrong(&found).0), (0, vec!["EndsOnRequest"]), "{found}");
}

#[test]
fn values_that_differ_are_compared() {
    let noisy = TRAINER.replace("print 1 / $step", "srand(); print 1 / $step + $$ / 1e5");
    let (said, found) = preflight(&noisy, &[]);
    assert_eq!((said.code, wrong(&found).0), (0, vec!["Repeats", "ResumesExactly"]), "{found}");
}

#[test]
fn a_program_that_is_too_quick_to_be_interrupted_is_not_called_ready() {
    let (said, found) = preflight(&TRAINER.replace("sleep 0.03", ":"), &["--steps", "5"]);
    assert_eq!(said.code, 2);
    let (fails, unknown) = wrong(&found);
    assert_eq!(fails, Vec::<&str>::new(), "{found}");
    assert!(unknown.contains(&"Resumes") && unknown.contains(&"SavesCheckpoints"), "{found}");
}

#[test]
fn what_is_asked_wrongly_starts_nothing() {
    let bench = bench(TRAINER);
    let said = bench.call(&["preflight", "study.yaml", "--set", "learning_raet=1"]);
    assert!(said.code == 2 && said.err.contains("Did you mean learning_rate?"), "{said:?}");
    let said = bench.call(&["preflight", "study.yaml", "--steps", "2"]);
    assert!(said.code == 2 && said.err.contains("Give at least 5."), "{said:?}");
    assert!(!bench.file("studious-runs").exists());
}
