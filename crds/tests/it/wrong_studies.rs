//! Every way of being wrong that we could think of, and what is said of it. Read the snapshot as a user would.

use std::fmt::Write;

use serde_json::{Value, json};
use studious_api::document;

use crate::STUDY;

/// What is wrong, and what replaces what in the good study.
const WRONG: &[(&str, &str, &str)] = &[
    // Not a study at all.
    ("a tab", "  goal:", "\tgoal:"),
    ("an unclosed bracket", "select: Best}", "select: Best"),
    ("a key twice", "  parallelism: 4", "  parallelism: 4\n  parallelism: 8"),
    ("another kind", "kind: Study", "kind: Experiment"),
    ("another version", "studious.dev/v1alpha1", "studious.dev/v1"),
    ("no name", "  name: digits-momentum\n", "  labels: {team: a}\n"),
    ("a name with capitals", "name: digits-momentum", "name: Digits_Momentum"),
    ("a name that is too long", "name: digits-momentum", "name: is-nesterov-momentum-worth-having-for-this-network"),
    ("a tag", "goal: Is", "goal: !secret Is"),
    // The parser would end the file here, and find that half of a study is missing.
    ("a NUL", "  parallelism: 4", "  parallelism: 4 # \0"),
    ("an escape", "goal: Is", "goal: \x1b[31mIs"),
    // Fields.
    ("an unknown field", "maxTrainSteps: 500", "max_train_steps: 500"),
    ("an unknown field of the spec", "  parallelism: 4", "  paralelism: 4"),
    ("a misspelt field beside the right one", "  parallelism: 4", "  paralelism: 2\n  parallelism: four"),
    ("an unknown field of the template", "          image:", "          imagePullPolice: Always\n          image:"),
    ("a missing direction", ", direction: Minimize", ""),
    ("no evaluation", "  evaluation: {everySteps: 50}\n", ""),
    ("an empty evaluation", "evaluation: {everySteps: 50}", "evaluation:"),
    ("an unknown direction", "direction: Minimize", "direction: Minimise"),
    ("a number that is a string", "parallelism: 4", "parallelism: \"4\""),
    ("a real number of trials", "trials: 45", "trials: 4.5"),
    ("an exponent for a whole number", "trials: 45", "trials: 1e3"),
    ("a point in a whole number", "trials: 45", "trials: 10.0"),
    (
        "a whole number beyond 2^63",
        "values: [sgd, momentum, nesterov]",
        "values: [18446744073709551615, 18446744073709551614]",
    ),
    ("a word for a number", "trials: 45", "trials: many"),
    ("a yes", "integer: true", "integer: yes"),
    ("a list of options of which one is off", "values: [sgd, momentum, nesterov]", "values: [on, off]"),
    (
        "an environment variable that is a number",
        "          image:",
        "          env: [{name: THREADS, value: 1}]\n          image:",
    ),
    (
        "a word for a quantity",
        "          image:",
        "          resources: {limits: {nvidia.com/gpu: two}}\n          image:",
    ),
    ("half a device", "          image:", "          resources: {limits: {nvidia.com/gpu: 0.5}}\n          image:"),
    (
        "a device without a limit",
        "          image:",
        "          resources: {requests: {nvidia.com/gpu: 1}}\n          image:",
    ),
    (
        "fewer devices asked than are the limit",
        "          image:",
        "          resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}\n          image:",
    ),
    ("a unit of another world", "          image:", "          resources: {limits: {memory: 8GB}}\n          image:"),
    ("memory without a unit", "          image:", "          resources: {limits: {memory: 512}}\n          image:"),
    (
        "a request above its limit",
        "          image:",
        "          resources: {requests: {cpu: 4}, limits: {cpu: 500m}}\n          image:",
    ),
    ("a negative quantity", "          image:", "          resources: {requests: {cpu: -1}}\n          image:"),
    ("a variable with a blank", "          image:", "          env: [{name: BATCH SIZE, value: a}]\n          image:"),
    (
        "a variable twice",
        "          image:",
        "          env: [{name: A, value: a}, {name: A, value: b}]\n          image:",
    ),
    ("a variable without a name", "          image:", "          env: [{name: \"\", value: a}]\n          image:"),
    // The question.
    ("a test metric", "metric: validation_error", "metric: test_error"),
    ("a scientific range", "values: [sgd, momentum, nesterov]}", "range: {min: 1, max: 5}}"),
    ("fewer trials than arms", "trials: 45", "trials: 2"),
    // Derived hyperparameters.
    (
        "an expression that stops",
        "  - {name: batch_size",
        "  - {name: decay, role: Derived, expression: \"1 -\"}\n  - {name: batch_size",
    ),
    (
        "an expression of an unknown name",
        "  - {name: batch_size",
        "  - {name: decay, role: Derived, expression: 1 - momentum}\n  - {name: batch_size",
    ),
    (
        "an expression of itself",
        "  - {name: batch_size",
        "  - {name: decay, role: Derived, expression: 2 * decay}\n  - {name: batch_size",
    ),
    (
        "an expression of names",
        "  - {name: batch_size",
        "  - {name: decay, role: Derived, expression: 2 * optimizer}\n  - {name: batch_size",
    ),
    (
        "an expression of nothing that is searched",
        "  - {name: batch_size",
        "  - {name: decay, role: Derived, expression: 2 * batch_size}\n  - {name: batch_size",
    ),
    (
        "an expression that is searched",
        "  - {name: batch_size",
        "  - {name: decay, expression: 2 * width}\n  - {name: batch_size",
    ),
    (
        "a Derived without an expression",
        "  - {name: batch_size",
        "  - {name: decay, role: Derived, range: {min: 1, max: 2}}\n  - {name: batch_size",
    ),
    (
        "a Derived of a Derived",
        "  - {name: batch_size",
        "  - {name: half, role: Derived, expression: width / 2}\n  - {name: decay, role: Derived, expression: half / 2}\n  - {name: batch_size",
    ),
    (
        "a base that is derived of what doesn't always exist",
        "- {name: learning_rate, role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}",
        "- {name: rate, range: {min: 1.0e-4, max: 10, scale: Log}}\n  \
         - {name: learning_rate, role: Derived, expression: rate * one_minus_momentum}",
    ),
    (
        "a condition on a Derived",
        "  - {name: batch_size",
        "  - {name: half, role: Derived, expression: width / 2}\n  - {name: decay, when: {half: [32]}, values: [1, 2]}\n  - {name: batch_size",
    ),
    // Constraints between hyperparameters.
    ("a constraint that stops", "  schedule:", "  hyperparameterConstraints: [\"width * batch_size <=\"]\n  schedule:"),
    ("a constraint with one equal sign", "  schedule:", "  hyperparameterConstraints: [\"width = 64\"]\n  schedule:"),
    (
        "a constraint of an unknown hyperparameter",
        "  schedule:",
        "  hyperparameterConstraints: [\"widht * batch_size <= 8192\"]\n  schedule:",
    ),
    ("a constraint of names", "  schedule:", "  hyperparameterConstraints: [\"optimizer <= 3\"]\n  schedule:"),
    (
        "a constraint of nothing that is searched",
        "  schedule:",
        "  hyperparameterConstraints: [\"batch_size <= 256\"]\n  schedule:",
    ),
    (
        "two constraints in one",
        "  schedule:",
        "  hyperparameterConstraints: [\"width <= 128 and one_minus_momentum < 0.1\"]\n  schedule:",
    ),
    ("one constraint twice", "  schedule:", "  hyperparameterConstraints: [width < 99, \"width < 99 \"]\n  schedule:"),
    ("constraints that are no list", "  schedule:", "  hyperparameterConstraints: width < 99\n  schedule:"),
    ("a constraint that is a mapping", "  schedule:", "  hyperparameterConstraints: [{width: 99}]\n  schedule:"),
    // The space.
    ("no hyperparameters", "role: Scientific, values: [sgd, momentum, nesterov]", "role: Scientific"),
    ("a log range from zero", "min: 1.0e-4, max: 10", "min: 0, max: 10"),
    ("a range upside down", "min: 16, max: 256", "min: 256, max: 16"),
    ("an empty range", "min: 16, max: 256", "min: 16, max: 16"),
    ("an infinite range", "max: 10,", "max: .inf,"),
    ("a whole range with fractions", "min: 16, max: 256", "min: 16.5, max: 256"),
    (
        "a momentum that reaches one",
        "range: {min: 0.001, max: 0.5, scale: Log}",
        "range: {min: 0.5, max: 1, scale: ReverseLog}",
    ),
    (
        "range and values",
        "range: {min: 16, max: 256, scale: Log, integer: true}",
        "range: {min: 16, max: 256}, values: [16, 32]",
    ),
    ("a fixed range", "role: Nuisance, range: {min: 16", "role: Fixed, range: {min: 16"),
    ("a nuisance value", "role: Fixed, value: 128", "value: 128"),
    ("a value twice", "[sgd, momentum, nesterov]}", "[sgd, momentum, nesterov, sgd]}"),
    ("values of two kinds", "[sgd, momentum, nesterov]}", "[sgd, momentum, nesterov, 1]}"),
    ("a name twice", "name: width", "name: learning_rate"),
    ("names that meet in the environment", "name: width", "name: Learning_Rate"),
    ("a name that is no word", "name: width", "name: layer-width"),
    ("a name with a dot", "name: width", "name: model.width"),
    ("a name with a dot whose identifier is taken", "name: width", "name: learning.rate"),
    ("a name that no identifier can be made of", "name: width", "name: \"βeta 1\""),
    // Aliases.
    ("an alias that no program has", "name: width", "name: width, alias: model width"),
    ("an alias that is another's name", "name: width", "name: width, alias: learning_rate"),
    (
        "two equal aliases",
        "  - {name: width, role: Nuisance",
        "  - {name: momentum, alias: optim.m, values: [0.5, 0.9]}\n  - {name: width, alias: optim.m, role: Nuisance",
    ),
    ("an alias of a step budget", "name: width", "name: width, alias: trainer.max_epochs"),
    (
        "one name with two aliases",
        "  - {name: learning_rate, role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}",
        "  - {name: learning_rate, alias: sgd.lr, when: {optimizer: [sgd]}, range: {min: 1.0e-4, max: 10, scale: Log}}\n  - {name: learning_rate, alias: nag.lr, when: {optimizer: [momentum, nesterov]}, range: {min: 1.0e-4, max: 10, scale: Log}}",
    ),
    ("an alias where a name is meant", "name: learning_rate, role", "name: lr, alias: learning_rate, role"),
    ("searched steps", "name: width", "name: num_train_steps"),
    // Conditions.
    ("a condition on nothing", "when: {optimizer: [", "when: {optimiser: ["),
    ("a condition on a value that is never taken", "[momentum, nesterov]},", "[momentum, nestrov]},"),
    ("a condition on a range", "name: width, ", "name: width, when: {learning_rate: [0.1]}, "),
    (
        "a value that is compared and forbidden",
        "  - {name: batch_size, role: Fixed, value: 128}\n",
        "  - {name: batch_size, role: Fixed, value: 128}\n  - {name: layers, role: Scientific, values: [1, 2, 4]}\n  hyperparameterConstraints: [layers * batch_size <= 256]\n",
    ),
    // What a name doesn't say.
    ("known as nothing", "name: width, ", "name: width, knownAs: widths, "),
    ("known by another spelling", "name: learning_rate, role", "name: step, knownAs: lr, role"),
    ("known as the length of training", "name: width, ", "name: width, knownAs: max_train_steps, "),
    ("of a kind that it isn't", "name: width, ", "name: size, knownAs: width, category: Data, "),
    ("of no kind that there is", "name: width, ", "name: width, category: Optimiser, "),
    ("of an optimizer, and of the model", "name: width, ", "name: width, category: Architecture, optimizerOf: adam, "),
    ("of an optimizer with a slip of the pen", "name: width, ", "name: width, optimizerOf: nestrov, "),
    ("an interval of names", "name: width, ", "name: width, when: {optimizer: {min: 1}}, "),
    ("an interval beyond a range", "name: width, ", "name: width, when: {learning_rate: {min: 11}}, "),
    ("an interval of one number", "name: width, ", "name: width, when: {learning_rate: {min: 10}}, "),
    (
        "an interval without a whole number",
        "name: learning_rate, ",
        "name: learning_rate, when: {width: {above: 20, below: 21}}, ",
    ),
    ("an interval without ends", "name: width, ", "name: width, when: {learning_rate: {}}, "),
    ("an interval with two lower ends", "name: width, ", "name: width, when: {learning_rate: {min: 1, above: 0.1}}, "),
    ("a misspelt end", "name: width, ", "name: width, when: {learning_rate: {minimum: 1}}, "),
    ("an end that is a word", "name: width, ", "name: width, when: {learning_rate: {min: one}}, "),
    ("a condition that is one value", "name: width, ", "name: width, when: {optimizer: sgd}, "),
    ("a condition that is empty", "name: width, ", "name: width, when: {optimizer: }, "),
    (
        "namesakes whose intervals touch",
        "  - {name: width,",
        "  - {name: warmup, when: {learning_rate: {max: 1}}, range: {min: 0, max: 10}}\n  - {name: warmup, when: {learning_rate: {min: 1}}, range: {min: 10, max: 90}}\n  - {name: width,",
    ),
    (
        "a base rate that some trials lack",
        "  - {name: learning_rate, role: Nuisance,",
        "  - {name: learning_rate, when: {width: {min: 17}}, role: Nuisance,",
    ),
    (
        "a cycle",
        "name: optimizer, role: Scientific,",
        "name: optimizer, when: {flavour: [a]}, role: Scientific, values: [sgd, momentum, nesterov]}\n  - {name: flavour, when: {optimizer: [sgd]}, role: Scientific, values: [a, b]}\n  - {name: other, ",
    ),
    ("namesakes that meet", "name: width, ", "name: one_minus_momentum, when: {optimizer: [nesterov, sgd]}, "),
    (
        "a question that depends on chance",
        "  - {name: width,",
        "  - {name: dropout, role: Nuisance, values: [true, false]}\n  - {name: where, role: Scientific, when: {dropout: [true]}, values: [input, output]}\n  - {name: width,",
    ),
    // Rounds.
    ("steps that don't increase", "maxTrainSteps: 3000", "maxTrainSteps: 500"),
    ("zero trials", "trials: 45", "trials: 0"),
    ("no trials", "trials: 45, ", ""),
    ("a round from nowhere", "from: {round: explore", "from: {round: explor"),
    ("a round from itself", "from: {round: explore", "from: {round: confirm"),
    ("a count that contradicts", "name: confirm, trials: 9", "name: confirm, trials: 10"),
    (
        "more of the best than there are",
        "trials: 9, maxTrainSteps: 3000, from: {round: explore, best: 3",
        "maxTrainSteps: 3000, from: {round: explore, best: 30",
    ),
    ("a round called like another", "name: confirm", "name: explore"),
    ("a round called retrain", "name: confirm", "name: retrain"),
    ("more retrained than trained", "retrain: {best: 1,", "retrain: {best: 10,"),
    ("rare evaluation", "everySteps: 50}\n  checkpoint", "everySteps: 1000}\n  checkpoint"),
    // The schedule.
    ("a base that is not there", "base: learning_rate", "base: learning_rte"),
    ("a base that is not always there", "base: learning_rate", "base: one_minus_momentum"),
    ("a base that is a name", "base: learning_rate", "base: optimizer"),
    ("all warmup", "warmupFraction: 0.05", "warmupFraction: 1"),
    ("too long a warmup", "warmupFraction: 0.05", "warmupSteps: 500"),
    ("a chance level that is no number", "select: Best}", "select: Best, chance: .inf}"),
    // Retraining.
    (
        "more of each arm than its rounds have",
        "retrain: {best: 1, times: 5}",
        "retrain: {best: 4, times: 5, per: Scientific}",
    ),
    ("too many retrainings", "retrain: {best: 1, times: 5}", "retrain: {best: 3, times: 1200, per: Scientific}"),
    ("an unknown per", "retrain: {best: 1, times: 5}", "retrain: {best: 1, times: 5, per: Arm}"),
    // The template.
    (
        "a reserved variable",
        "          image:",
        "          env: [{name: HP_LEARNING_RATE, value: \"0.1\"}]\n          image:",
    ),
    (
        "another reserved variable",
        "          image:",
        "          env: [{name: JOB_COMPLETION_INDEX, value: \"0\"}]\n          image:",
    ),
    ("an expansion of nothing", "studious_trainer.digits]", "train, \"--lr=$(HP_LEARNING_RAET)\"]"),
    ("an unknown variable", "studious_trainer.digits]", "train, \"--steps=$(STUDIOUS_MAX_STEPS)\"]"),
    ("a variable that nothing resembles", "studious_trainer.digits]", "train, \"--node=$(STUDIOUS_NODE_NAME)\"]"),
    (
        "a hyperparameter that some trials lack",
        "studious_trainer.digits]",
        "train, \"--momentum=$(HP_ONE_MINUS_MOMENTUM)\"]",
    ),
    (
        "a default that is no plain text",
        "studious_trainer.digits]",
        "train, \"--momentum=$(HP_ONE_MINUS_MOMENTUM:-$HOME)\"]",
    ),
    (
        "a coordinator of one host",
        "hosts: 2\n    template:\n      spec:\n        containers:\n        - name: trainer\n",
        "template:\n      spec:\n        containers:\n        - name: trainer\n          args: [\"$(STUDIOUS_COORDINATOR)\"]\n",
    ),
    ("a program that may be missing", "command: [python,", "command: [$(HP_ONE_MINUS_MOMENTUM?),"),
    (
        "a variable of the trainer in another container",
        "        containers:",
        "        initContainers:\n        - {name: first, image: busybox, args: [$(STUDIOUS_ROUND), $(JOB_COMPLETION_INDEX)]}\n        containers:",
    ),
    (
        "an image that no kubelet reads",
        "image: localhost/studious-trainer:dev",
        "image: localhost/Studious-Trainer:dev",
    ),
    ("restarts", "        containers:", "        restartPolicy: OnFailure\n        containers:"),
    (
        "no containers",
        "        containers:\n        - name: trainer\n          image: localhost/studious-trainer:dev\n          command: [python, -m, studious_trainer.digits]",
        "        containers: []",
    ),
    (
        "a mount in our place",
        "          image:",
        "          volumeMounts: [{name: data, mountPath: /studious/data}]\n          image:",
    ),
    ("the agent's name", "name: trainer", "name: studious-agent"),
    // Later.
    ("a queue", "    hosts: 2", "    hosts: 2\n    queue: team-a"),
    ("a baseline", "  parallelism: 4", "  parallelism: 4\n  baseline: {study: digits-sgd}"),
    ("an approval", "per: Scientific}}", "per: Scientific}, advance: Approved}"),
];

/// Faults of three kinds: of YAML (a key twice, a tag, a doubtful word), of fields, and of rules.
const THREE_KINDS: &str = "\
apiVersion: studious.dev/v1
kind: Study
metadata: {name: Three_Kinds}
spec:
  goal: !secret Which one?
  objective: {metric: test_error, direction: Minimise}
  parallelism: 4
  parallelism: 8
  hyperparameters:
  - {name: lr, range: {min: 0, max: 1, scale: Log}}
  - {name: width, range: {min: 64, max: sixteen, integer: true}}
  - {name: depth, values: 3}
  - {name: nesterov, values: [yes, no]}
  - {nmae: dropout, when: {nesterv: [true]}, range: {min: 0.9, max: 0.1}}
  rounds:
  - {name: explore, trials: many, maxTrainSteps: 500}
  - {name: confirm, trials: 4, maxTrainSteps: 100}
  schedule: {family: Cosine, base: lr, warmupFraction: 2}
  evaluation: {}
  trial:
    hosts: 2
    template:
      spec:
        restartPolicy: Always
        containers:
        - {name: trainer, image: Trainer:1, command: [python, 3, --drop=$(HP_DROPOUT), --x=$(STUDIOUS_X)]}
";

/// Whatever can be judged is, of all layers at once, each fault once and in the order of the file.
#[test]
fn faults_of_all_kinds_are_told_at_once() {
    let problems = document::read("study.yaml", THREE_KINDS).unwrap_err();
    let told = problems.iter().fold(String::new(), |told, problem| told + &problem.to_string() + "\n");
    insta::assert_snapshot!(told);
}

fn changed(before: &str, after: &str) -> String {
    assert!(STUDY.contains(before), "the study has no {before:?}");
    STUDY.replacen(before, after, 1)
}

#[test]
fn wrong_studies_are_refused_at_their_line() {
    let mut told = String::new();
    for (what, before, after) in WRONG {
        writeln!(told, "# {what}").unwrap();
        match document::read("study.yaml", &changed(before, after)) {
            Ok(_) => panic!("{what} is accepted"),
            Err(problems) => problems.iter().for_each(|p| writeln!(told, "{p}").unwrap()),
        }
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

/// F-120: variables are called by names.
#[test]
fn the_variable_of_an_alias_is_refused_with_that_of_the_name() {
    let text = changed("name: learning_rate,", "name: learning_rate, alias: optim.lr,")
        .replace("studious_trainer.digits]", "train, optim.lr=$(HP_OPTIM_LR)]");
    let problems = document::read("study.yaml", &text).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    assert!(problem.message.contains("Write $(HP_LEARNING_RATE): variables are called by the name"), "{problem}");
    document::read("study.yaml", &text.replace("HP_OPTIM_LR", "HP_LEARNING_RATE")).unwrap();
}

/// What is put in place of a field that can't be read decides nothing: only what holds with any value is told.
#[test]
fn nothing_is_said_of_what_could_not_be_read() {
    for (what, before, after, fields) in [
        (
            "a round of unknown length",
            "maxTrainSteps: 500",
            "maxTrainSteps: long",
            &["spec.rounds[0].maxTrainSteps"][..],
        ),
        ("rounds that are no list", "  rounds:\n", "  rounds: 3\n  ignored:\n", &["spec.ignored", "spec.rounds"]),
        (
            "a hyperparameter without a name",
            "{name: learning_rate, role",
            "{nmae: learning_rate, role",
            &["spec.hyperparameters[1].nmae"],
        ),
        (
            "unknown values of what conditions name",
            "values: [sgd, momentum, nesterov]",
            "values: sgd",
            &["spec.hyperparameters[0].values"],
        ),
        (
            "a base of an unknown kind",
            "range: {min: 1.0e-4, max: 10, scale: Log}",
            "values: 3",
            &["spec.hyperparameters[1].values"],
        ),
        ("a missing template", "    template:\n", "    tmplate:\n", &["spec.trial.tmplate"]),
        ("no spec", "spec:\n", "spce:\n", &["spce"]),
    ] {
        let problems = document::read("study.yaml", &changed(before, after)).unwrap_err();
        let told: Vec<_> = problems.iter().map(|p| p.violation.as_ref().unwrap().field.as_str()).collect();
        let mut told_once = told.clone();
        told_once.sort_unstable();
        assert_eq!(told_once, fields, "{what}: {problems:#?}");
    }
}

/// Every field of a study in turn holds something of another kind: that is told, and nothing else.
#[test]
fn one_field_of_the_wrong_kind_is_one_fault() {
    let study: Value = serde_yaml::from_str(STUDY).unwrap();
    let mut fields = Vec::new();
    walk(&study["spec"], "", &mut fields);
    let mut told = 0;
    for pointer in fields {
        let mut spec = study["spec"].clone();
        let field = spec.pointer_mut(&pointer).unwrap();
        *field = if field.is_array() { json!("wrong") } else { json!([["wrong"]]) };
        let found = document::refusals("digits", &spec);
        let path = pointer.split('/').skip(1).fold("spec".to_owned(), |path, step| match step.parse::<usize>() {
            Ok(i) => format!("{path}[{i}]"),
            Err(_) => format!("{path}.{step}"),
        });
        // Values may be of any kind as far as the schema goes: rules refuse those, and what depends on them.
        if [".values", ".value", ".when"].iter().any(|part| path.contains(part)) {
            continue;
        }
        let others: Vec<_> = found.iter().filter(|violation| !violation.field.starts_with(&path)).collect();
        assert!(!found.is_empty() && others.is_empty(), "{path}: {others:#?}");
        told += found.len();
    }
    assert!(told > 60, "{told}");
}

/// JSON pointers to every field.
fn walk(value: &Value, at: &str, fields: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (format!("{at}/{i}"), value)).collect(),
        _ => Vec::new(),
    };
    for (pointer, value) in below {
        fields.push(pointer.clone());
        walk(value, &pointer, fields);
    }
}

/// in every spelling that trainers have, and not what only looks like it.
#[test]
fn the_length_of_training_is_refused_in_every_spelling() {
    let told = |hyperparameter: &str| {
        let study = STUDY.replace("{name: width,", &format!("{{{hyperparameter},"));
        assert_ne!(study, STUDY, "{hyperparameter}");
        let problems = document::read("study.yaml", &study).err().unwrap_or_default();
        problems.iter().any(|problem| problem.message.starts_with("MaxTrainStepsTuned: "))
    };
    for name in [
        "max_train_steps",
        "train_epochs",
        "epochs",
        "num_epochs",
        "nEpochs",
        "iterations",
        "max_iter",
        "numTrainSteps",
        "steps",
        "total_steps",
        "n_epochs",
        "training_iterations",
        "num_updates",
        "max_epochs",
        "num_epoch",
        "env_steps",
        "total_env_steps",
        "train_tokens",
    ] {
        assert!(told(&format!("name: {name}")), "{name}");
    }
    for alias in ["trainer.max_epochs", "runner.max_iters", "train.epochs", "hp/num_train_steps", "--epochs"] {
        assert!(told(&format!("name: w, alias: {alias}")), "{alias}");
    }
    // A name that says what else it counts.
    for alias in ["n_steps", "steps", "n_epochs"] {
        assert!(!told(&format!("name: rollout_length, alias: {alias}")), "{alias}");
        assert!(told(&format!("name: max_steps, alias: {alias}")), "{alias}");
    }
    for name in
        ["warmup_steps", "decay_steps", "eval_steps", "ns_steps", "critic_iterations", "steps_per_epoch", "stepsize"]
    {
        assert!(!told(&format!("name: {name}")), "{name}");
    }
}
