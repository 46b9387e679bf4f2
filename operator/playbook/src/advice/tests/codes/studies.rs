//! Advice on the study as a whole: its budget, goal, batches and schedule.

use studious_api::document;

use super::{RATE, Sketch, beside_rate, check};
use crate::advice;

#[test]
fn the_trials_that_adam_takes() {
    let tuned = |names: &[&str], trials: &str| {
        let ranges = names.iter().map(|name| format!("{{name: {name}, range: {{min: 0.01, max: 0.9}}}}"));
        let rounds = format!("[{{name: explore, trials: {trials}, maxTrainSteps: 100}}]");
        let rounds: &'static str = Box::leak(rounds.into_boxed_str());
        Sketch::of(std::iter::once(RATE.to_owned()).chain(ranges)).with(|s| s.rounds = rounds)
    };
    let lion = |name: &str| {
        Sketch::of([
            "{name: optimizer, role: Scientific, values: [nesterov, lion]}".to_owned(),
            RATE.to_owned(),
            format!("{{name: {name}, when: {{optimizer: [lion]}}, range: {{min: 0.01, max: 0.9}}}}"),
        ])
        .with(|s| s.rounds = "[{name: explore, trials: 10, maxTrainSteps: 100}]")
    };
    let noise = |range: &str| {
        Sketch::of([RATE.to_owned(), format!("{{name: beta1, range: {range}}}")])
            .with(|s| s.rounds = "[{name: explore, trials: 9, maxTrainSteps: 100}]")
    };
    check(
        "AdamBudget",
        [
            tuned(&["beta1"], "9"),
            tuned(&["b1"], "8"),
            tuned(&["adam_beta_1"], "9"),
            tuned(&["one_minus_beta1"], "5"),
            tuned(&["beta1", "adam_epsilon"], "24"),
            tuned(&["beta1", "beta2"], "10"),
            tuned(&["beta1", "eps"], "20"),
            tuned(&["beta1", "beta2", "epsilon"], "20"),
            tuned(&["beta1", "beta2", "epsilon"], "49"),
            tuned(&["adamw_beta2"], "30"),
            tuned(&["oneMinusBeta2", "beta1"], "25"),
        ],
        [
            tuned(&["beta1"], "10"),
            tuned(&["beta1", "epsilon"], "25"),
            tuned(&["beta1", "epsilon", "beta2"], "50"),
            tuned(&[], "5"),
            tuned(&["batch_norm_momentum"], "9"),
            tuned(&["momentum"], "9"),
            lion("beta2"),
            // The noise of a diffusion model, and a loss of three parts: no decay rates.
            noise("{min: 1.0e-5, max: 1.0e-3}"),
            noise("{min: 1, max: 10}"),
            tuned(&["lion_beta1"], "9"),
        ],
    );
    let of_arms = Sketch::of([
        "{name: optimizer, role: Scientific, values: [nesterov, adam]}",
        RATE,
        "{name: beta1, when: {optimizer: [adam]}, range: {min: 0.5, max: 0.99}}",
    ]);
    // Of 16 trials Adam has 8.
    assert!(of_arms.clone().with(|s| s.rounds = "[{name: e, trials: 16, maxTrainSteps: 10}]").says("AdamBudget"));
    assert!(!of_arms.with(|s| s.rounds = "[{name: e, trials: 20, maxTrainSteps: 10}]").says("AdamBudget"));
    // What is to be fixed is not counted as too many dimensions once more.
    let few = tuned(&["beta1", "beta2", "epsilon"], "10").advice();
    let codes: Vec<_> = few.iter().map(|one| one.rule.code).collect();
    assert_eq!(codes, ["AdamBudget"]);
}

#[test]
fn a_goal_of_several_questions() {
    let goal = |goal: &'static str| Sketch::of([RATE]).with(|s| s.goal = goal);
    let compared = |number: usize| {
        let scientific = (0..number).map(|i| format!("{{name: f{i}, role: Scientific, values: [true, false]}}"));
        Sketch::of(scientific.chain([RATE.to_owned()]))
    };
    check(
        "GoalTooBroad",
        [
            goal("Does dropout help? Does mixup?"),
            goal("Which activation is best? And which width?"),
            goal("Is Adam better? Does warmup help? How deep?"),
            goal("(Does it help?) How much?"),
            goal("1. Does it help? 2. Where?"),
            goal("Does it help?? Where??"),
            goal("Does \"it\" help? Is it worth it?"),
            compared(2).with(|s| s.goal = "Does mixup help? Does cutmix?"),
            compared(3),
            compared(4),
            compared(5),
        ],
        [
            goal("Does warmup reach rates that diverge without it, and is that worth having?"),
            goal("Where is the best learning rate? The range of the study before, widened"),
            goal("Find the best learning rate"),
            goal("See https://example.org/?a=1&b=2 why. Does it help?"),
            goal("Really?!"),
            compared(1).with(|s| s.goal = "Does mixup help? If so, how strong should it be?"),
            compared(2),
            goal("How good can it get? Is it enough?").with(|s| s.more = "\n  phase: Exploitation"),
        ],
    );
}

#[test]
fn epochs_while_batch_sizes_are_compared() {
    const SIZES: &str = "{name: batch_size, role: Scientific, values: [64, 128]}";
    let run = |command: &'static str| Sketch::of([SIZES, RATE]).with(|s| s.command = command);
    check(
        "EpochBudgetComparison",
        [
            run("[python, train.py, --epochs, \"90\"]"),
            run("[python, train.py, --epochs=90]"),
            run("[python, train.py, --num-epochs=90]"),
            run("[python, train.py, --num_train_epochs=3]"),
            run("[python, train.py, trainer.max_epochs=5]"),
            run("[python, train.py, ++trainer.max_epochs=5]"),
            run("[sh, -c, \"python train.py --n_epochs 10\"]"),
            run("[python, train.py, --maxEpochs, \"4\"]"),
            run("[env, EPOCHS=3, python, train.py]"),
            run("[python, train.py, --training.epochs=3]"),
            run("[python, train.py, --nb-epochs, \"3\"]"),
        ],
        [
            run("[python, train.py]"),
            run("[python, train.py, --max-epochs=100000, --max-steps=500]"),
            run("[python, train.py, --warmup-epochs=5]"),
            run("[python, train.py, --max-steps=500]"),
            run("[python, epochs.py]"),
            run("[python, train.py, --eval-every-epochs=5]"),
            Sketch::of(["{name: batch_size, role: Fixed, value: 64}", RATE]).with(|s| s.command = "[t, --epochs=90]"),
        ],
    );
}

#[test]
fn batch_normalization_while_batches_vary() {
    const SIZES: &str = "{name: batch_size, role: Scientific, values: [64, 128]}";
    let norm = |norm: &str| Sketch::of([SIZES, RATE, norm]);
    check(
        "BatchNormHazard",
        [
            norm("{name: batch_norm, role: Fixed, value: true}"),
            norm("{name: use_batch_norm, role: Fixed, value: true}"),
            norm("{name: use_bn, role: Fixed, value: 1}"),
            norm("{name: bn_momentum, range: {min: 0.01, max: 0.5}}"),
            norm("{name: batch_norm_momentum, role: Fixed, value: 0.1}"),
            norm("{name: norm, role: Fixed, value: batch_norm}"),
            norm("{name: normalization, role: Fixed, value: batch}"),
            norm("{name: norm_layer, values: [bn, ln]}"),
            norm("{name: batchnorm, role: Fixed, value: true}"),
            norm("{name: normalization, role: Fixed, value: BatchNorm}"),
        ],
        [
            norm("{name: batch_norm, role: Fixed, value: false}"),
            norm("{name: normalization, role: Fixed, value: layer_norm}"),
            norm("{name: norm, role: Fixed, value: none}"),
            norm("{name: grad_norm_weight, role: Fixed, value: 1}"),
            Sketch::of([
                SIZES,
                RATE,
                "{name: bn, role: Fixed, value: true}",
                "{name: ghost_batch_size, role: Fixed, value: 64}",
            ]),
            Sketch::of(["{name: batch_size, role: Fixed, value: 64}", RATE, "{name: bn, role: Fixed, value: true}"]),
        ],
    );
}

#[test]
fn schedules_that_are_made_by_hand() {
    check(
        "HumanInLoopSchedule",
        [
            "milestones",
            "lr_milestones",
            "scheduler_milestones",
            "lr_drop_epochs",
            "lr_decay_epochs",
            "lr_boundaries",
            "decay_boundaries",
            "piecewise_boundaries",
            "lr_step_epochs",
            "stepMilestones",
        ]
        .map(|name| beside_rate(format!("{{name: {name}, role: Fixed, value: \"30,60,80\"}}")))
        .into_iter()
        .chain([Sketch::of([RATE]).with(|s| s.command = "[python, train.py, --lr-milestones, \"30\"]")]),
        [
            beside_rate("{name: milestones, role: Fixed, value: \"3\", fixedBecause: halve when the loss stalls}"),
            beside_rate("{name: milestones, values: [30, 60]}"),
            beside_rate("{name: decay_steps, role: Fixed, value: 30}"),
            beside_rate("{name: project_milestone, role: Fixed, value: 3}"),
            Sketch::of([RATE]).with(|s| s.command = "[python, train.py, --decay-steps=30]"),
        ],
    );
}

#[test]
fn schedules_that_never_decay() {
    const TWO: &str =
        "[{name: a, trials: 20, maxTrainSteps: 100}, {name: b, maxTrainSteps: 400, from: {round: a, best: 3}}]";
    const CONSTANT: &str = "\n  schedule: {family: Constant, base: learning_rate}";
    let two = |more: &'static str| {
        Sketch::of([RATE]).with(|s| {
            s.rounds = TWO;
            s.more = more;
        })
    };
    let held = |name: &str, value: &str| {
        beside_rate(format!("{{name: {name}, role: Fixed, value: {value}}}")).with(|s| s.rounds = TWO)
    };
    check(
        "ConstantSchedule",
        [
            two(CONSTANT),
            two("\n  schedule: {family: Constant, base: learning_rate, warmupSteps: 10}"),
            Sketch::of([RATE])
                .with(|s| s.more = "\n  phase: Exploitation\n  schedule: {family: Constant, base: learning_rate}"),
            held("schedule", "constant"),
            held("lr_schedule", "constant"),
            held("lr_scheduler", "none"),
            held("scheduler", "constant"),
            held("lr_scheduler_type", "constant_with_warmup"),
            held("learning_rate_schedule", "fixed"),
            held("lrSchedule", "flat"),
        ],
        [
            Sketch::of([RATE]).with(|s| s.more = CONSTANT),
            two("\n  schedule: {family: Cosine, base: learning_rate}"),
            two(""),
            held("schedule", "cosine"),
            held("noise_schedule", "constant"),
            beside_rate("{name: schedule, role: Scientific, values: [constant, cosine]}").with(|s| s.rounds = TWO),
        ],
    );
}

#[test]
fn what_an_optimizer_has_and_the_study_does_not_name() {
    const CODE: &str = "OptimizerHyperparameterMissing";
    let lone = |name: &str, value: &str| beside_rate(format!("{{name: {name}, role: Fixed, value: {value}}}"));
    check(
        CODE,
        [
            lone("optimizer", "adam"),
            lone("optimizer", "Adam"),
            lone("opt", "adamw"),
            lone("optim", "nadam"),
            lone("optimizer", "lion"),
            lone("optimizer", "momentum"),
            lone("optimizer", "nesterov"),
            lone("optimizer", "rmsprop"),
            lone("optimizer", "adafactor"),
            lone("optimizer", "muon"),
            lone("optimizer", "soap"),
            lone("optimizer", "shampoo"),
        ],
        [
            lone("optimizer", "sgd"),
            lone("optimizer", "our_own"),
            Sketch::of([RATE]),
            Sketch::of([
                "{name: optimizer, role: Fixed, value: nesterov}",
                RATE,
                "{name: one_minus_momentum, range: {min: 0.1, max: 0.5}}",
            ]),
            Sketch::of([
                "{name: optimizer, role: Fixed, value: adam}",
                RATE,
                "{name: b1, role: Fixed, value: 0.9}",
                "{name: b2, role: Fixed, value: 0.999}",
                "{name: eps, role: Fixed, value: 1.0e-8}",
            ]),
            lone("optimizer_state_dtype", "adam"),
        ],
    );
    let found = lone("optimizer", "adam").advice();
    let one = found.iter().find(|one| one.rule.code == CODE).unwrap();
    assert!(one.violation.rule.contains("beta1, beta2 and epsilon of Adam"), "{}", one.violation);
}

#[test]
fn few_trials_at_once() {
    let at_once = |parallelism: &'static str, trials: usize| {
        let rounds = format!("[{{name: e, trials: {trials}, maxTrainSteps: 10}}]\n  {parallelism}");
        let rounds: &'static str = Box::leak(rounds.into_boxed_str());
        let mut sketch = Sketch::of([RATE]);
        sketch.rounds = rounds;
        // The sketch's own number gives way.
        sketch.more = "#";
        sketch
    };
    let says = |parallelism, trials| {
        let text = at_once(parallelism, trials).text().replace("  parallelism: 4#\n", "");
        let spec = document::read("study.yaml", &text).unwrap().study.spec;
        advice::advice(&spec).iter().any(|one| one.rule.code == "LowParallelism")
    };
    for trials in [3, 5, 10, 20, 100] {
        for parallelism in ["parallelism: 1", "parallelism: 2"] {
            assert!(says(parallelism, trials), "{parallelism}, {trials}");
        }
    }
    for (parallelism, trials) in [
        ("parallelism: 3", 20),
        ("parallelism: 8", 20),
        ("parallelism: 1", 1),
        ("parallelism: 2", 2),
        ("parallelism: 3", 3),
    ] {
        assert!(!says(parallelism, trials), "{parallelism}, {trials}");
    }
    // A search that learns from results learns more with fewer at once; LowFeedbackBayes would undo it.
    let mut learning = at_once("parallelism: 1", 20);
    learning.search = "{algorithm: Bayesian}";
    let text = learning.text().replace("  parallelism: 4#\n", "");
    let spec = document::read("study.yaml", &text).unwrap().study.spec;
    assert!(!advice::advice(&spec).iter().any(|one| one.rule.code == "LowParallelism"));
}
