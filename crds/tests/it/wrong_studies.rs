//! Every way of being wrong that we could think of, and what is said of it. Read the snapshot as a user would.

use std::fmt::Write;

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
    // Fields.
    ("an unknown field", "maxTrainSteps: 500", "max_train_steps: 500"),
    ("an unknown field of the spec", "  parallelism: 4", "  paralelism: 4"),
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
    // The question.
    ("a test metric", "metric: validation_error", "metric: test_error"),
    ("a scientific range", "values: [sgd, momentum, nesterov]}", "range: {min: 1, max: 5}}"),
    ("fewer trials than arms", "trials: 45", "trials: 2"),
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
    ("searched steps", "name: width", "name: num_train_steps"),
    // Conditions.
    ("a condition on nothing", "when: {optimizer: [", "when: {optimiser: ["),
    ("a condition on a value that is never taken", "[momentum, nesterov]},", "[momentum, nestrov]},"),
    ("a condition on a range", "name: width, ", "name: width, when: {learning_rate: [0.1]}, "),
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
