//! Each code of advice: ten spellings or shapes in which it speaks, and five in which it is silent.

mod declared;
mod roles;
mod studies;

use studious_api::document;

use crate::advice;

/// A small good study, of which a test replaces parts.
#[derive(Clone)]
struct Sketch<'a> {
    goal: &'a str,
    metric: &'a str,
    hyperparameters: Vec<String>,
    search: &'a str,
    rounds: &'a str,
    command: &'a str,
    /// More fields of the spec.
    more: &'a str,
}

const RATE: &str = "{name: learning_rate, range: {min: 0.001, max: 1, scale: Log}}";

impl Sketch<'_> {
    fn of<S: AsRef<str>>(hyperparameters: impl IntoIterator<Item = S>) -> Self {
        Self {
            goal: "Does it help?",
            metric: "validation_error",
            hyperparameters: hyperparameters.into_iter().map(|h| h.as_ref().to_owned()).collect(),
            search: "{}",
            rounds: "[{name: explore, trials: 120, maxTrainSteps: 100}]",
            command: "[python, train.py]",
            more: "",
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn text(&self) -> String {
        let Self { goal, metric, search, rounds, command, more, .. } = self;
        let hyperparameters = self.hyperparameters.iter().fold(String::new(), |all, h| all + "\n  - " + h);
        let goal = serde_json::to_string(goal).unwrap();
        format!(
            "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: digits}}
spec:
  goal: {goal}
  objective: {{metric: {metric}, direction: Minimize}}
  hyperparameters:{hyperparameters}
  search: {search}
  rounds: {rounds}
  evaluation: {{everySteps: 10}}
  parallelism: 4{more}
  trial: {{template: {{spec: {{containers: [{{name: trainer, image: trainer, command: {command}}}]}}}}}}
"
        )
    }

    /// The advice on it, one of each code.
    fn advice(&self) -> Vec<advice::Advice> {
        let text = self.text();
        let read = document::read("study.yaml", &text).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
        advice::advice(&read.study.spec)
    }

    fn says(&self, code: &str) -> bool {
        self.advice().iter().any(|one| one.rule.code == code)
    }
}

/// That a code speaks of each of the first and of none of the others.
fn check(
    code: &str,
    fires: impl IntoIterator<Item = Sketch<'static>>,
    silent: impl IntoIterator<Item = Sketch<'static>>,
) {
    let (fires, silent): (Vec<_>, Vec<_>) = (fires.into_iter().collect(), silent.into_iter().collect());
    assert!(fires.len() >= 10 && silent.len() >= 5, "{code}: {} and {}", fires.len(), silent.len());
    for sketch in fires {
        assert!(sketch.says(code), "{code} is silent: {}", sketch.text());
    }
    for sketch in silent {
        assert!(!sketch.says(code), "{code} speaks: {}", sketch.text());
    }
}

/// A study of the learning rate and one more.
fn beside_rate(h: impl AsRef<str>) -> Sketch<'static> {
    Sketch::of([RATE, h.as_ref()])
}

#[test]
fn advice_is_waived_with_a_reason_that_is_shown() {
    const WAIVE: &str = "\n  policy: {strict: true, waive: [{code: BatchSizeTuned, reason: It is all we may vary}]}";
    let waived = beside_rate("{name: bs, values: [64, 128]}").with(|s| s.more = WAIVE);
    let advised = advice::read("study.yaml", &waived.text()).unwrap();
    assert_eq!(advised.warnings, []);
    let notes: Vec<_> = advised.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("BatchSizeTuned: spec.hyperparameters[1].role: Nuisance: bs governs speed")
                && note.contains("Waived: It is all we may vary")),
        "{notes:?}"
    );
    // Of another hyperparameter it is not.
    let other = waived.text().replace("code: BatchSizeTuned,", "code: BatchSizeTuned, hyperparameter: learning_rate,");
    assert!(advice::read("study.yaml", &other).is_err());
    let same = waived.text().replace("code: BatchSizeTuned,", "code: BatchSizeTuned, hyperparameter: bs,");
    assert!(advice::read("study.yaml", &same).is_ok());
}
