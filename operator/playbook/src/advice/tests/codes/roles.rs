//! Advice on the role of a hyperparameter.

use super::{RATE, Sketch, beside_rate, check};

const BATCH_SIZES: [&str; 10] = [
    "batch_size",
    "bs",
    "batchSize",
    "global_batch_size",
    "minibatch_size",
    "per_device_train_batch_size",
    "bsz",
    "train_batch_size",
    "global_batch",
    "effective_batch_size",
];

#[test]
fn a_batch_size_that_is_tuned() {
    let sampled = |h: &mut Sketch<'static>| h.search = "{scientific: Sampled}";
    check(
        "BatchSizeTuned",
        BATCH_SIZES.iter().map(|name| beside_rate(format!("{{name: {name}, values: [64, 128]}}"))).chain([
            beside_rate("{name: bs, range: {min: 16, max: 256, integer: true}}"),
            beside_rate("{name: batch_size, role: Scientific, values: [64, 128]}").with(sampled),
            beside_rate("{name: b, alias: data.batch_size, values: [64, 128]}"),
        ]),
        [
            beside_rate("{name: batch_size, role: Fixed, value: 128}"),
            beside_rate("{name: batch_size, role: Scientific, values: [64, 128]}"),
            beside_rate("{name: eval_batch_size, values: [64, 128]}"),
            beside_rate("{name: num_bs_layers, values: [1, 2]}"),
            beside_rate("{name: ghost_batch_size, values: [16, 64]}"),
            beside_rate("{name: batch_size, values: [64, 128]}").with(|s| s.metric = "seconds_per_epoch"),
        ],
    );
}

#[test]
fn gradient_accumulation() {
    check(
        "GradientAccumulation",
        [
            "gradient_accumulation_steps",
            "grad_accumulation_steps",
            "accumulate_steps",
            "accumulate_grad_batches",
            "grad_accum",
            "gradAccumSteps",
            "accumulation_steps",
            "accum_iter",
            "grad_acc_steps",
            "gradient_accumulation",
        ]
        .map(|name| beside_rate(format!("{{name: {name}, values: [1, 4]}}")))
        .into_iter()
        .chain([beside_rate("{name: accum_steps, role: Fixed, value: 4}")]),
        [
            beside_rate("{name: accumulation_steps, role: Fixed, value: 1}"),
            beside_rate("{name: gradient_accumulation, role: Fixed, value: false}"),
            beside_rate("{name: initial_accumulator_value, values: [0, 0.1]}"),
            beside_rate("{name: gradient_penalty, values: [0, 1]}"),
            beside_rate("{name: policy_update_freq, values: [1, 2]}"),
        ],
    );
}

#[test]
fn the_choice_of_optimizer_as_a_nuisance() {
    check(
        "OptimizerNuisance",
        [
            "optimizer",
            "optimiser",
            "opt",
            "optim",
            "Optimizer",
            "optimizer_name",
            "optimizerType",
            "optimizer_class",
            "opt_name",
            "OPTIMIZER",
        ]
        .map(|name| beside_rate(format!("{{name: {name}, values: [a, b]}}"))),
        [
            beside_rate("{name: optimizer, role: Scientific, values: [a, b]}"),
            beside_rate("{name: optimizer, role: Fixed, value: sgd}"),
            beside_rate("{name: optical_flow, values: [a, b]}"),
            beside_rate("{name: optimizer_state_dtype, values: [a, b]}"),
            beside_rate("{name: opt_level, values: [a, b]}"),
        ],
    );
}

#[test]
fn a_number_of_the_optimizer_as_the_question() {
    check(
        "OptimizerParamScientific",
        [
            "learning_rate",
            "adam_lr",
            "peak_lr",
            "lr",
            "momentum",
            "one_minus_momentum",
            "beta1",
            "b1",
            "adam_beta_2",
            "adam_epsilon",
            "optimizer_eps",
            "muon_momentum",
            "rmsprop_decay",
        ]
        .map(|name| Sketch::of([format!("{{name: {name}, role: Scientific, values: [0.1, 0.2]}}")])),
        [
            Sketch::of(["{name: warmup_steps, role: Scientific, values: [0, 10]}", RATE]),
            Sketch::of(["{name: nesterov, role: Scientific, values: [true, false]}", RATE]),
            Sketch::of(["{name: optimizer, role: Scientific, values: [sgd, adam]}", RATE]),
            Sketch::of(["{name: batch_norm_momentum, role: Scientific, values: [0.1, 0.2]}", RATE]),
            Sketch::of(["{name: lrelu_slope, role: Scientific, values: [0.1, 0.2]}", RATE]),
            Sketch::of(["{name: epsilon, role: Scientific, values: [0.1, 0.2]}", RATE]),
            beside_rate("{name: momentum, range: {min: 0.5, max: 0.99}}"),
            Sketch::of(["{name: momentum, role: Scientific, values: [0, 0.9]}", RATE]),
        ],
    );
}

#[test]
fn an_optimizer_that_is_not_tuned() {
    const DEPTH: &str = "{name: num_layers, role: Scientific, values: [2, 4]}";
    const X: &str = "{name: x, range: {min: 0, max: 1}}";
    let fixed = |name: &str| format!("{{name: {name}, role: Fixed, value: 0.1}}");
    check(
        "OptimizerNotTuned",
        // The playbook's own example of what not to do.
        [
            "learning_rate",
            "lr",
            "adam_lr",
            "peak_lr",
            "LearningRate",
            "base_lr",
            "init_lr",
            "lr0",
            "max_lr",
            "encoder_lr",
        ]
        .map(|name| Sketch::of([DEPTH.to_owned(), X.to_owned(), fixed(name)]))
        .into_iter()
        .chain([
            // One of the others tuned is not enough where something is compared.
            Sketch::of([DEPTH, "{name: momentum, range: {min: 0.5, max: 0.99}}", &fixed("lr")]),
            Sketch::of([X, &fixed("momentum")]),
            // Tuned for one of the two that are compared.
            Sketch::of([
                "{name: kind, role: Scientific, values: [a, b]}",
                X,
                "{name: lr, when: {kind: [a]}, range: {min: 0.01, max: 1}}",
                "{name: lr, when: {kind: [b]}, role: Fixed, value: 0.1}",
            ]),
        ]),
        [
            Sketch::of([DEPTH, RATE]),
            Sketch::of([
                "{name: kind, role: Scientific, values: [a, b]}",
                "{name: lr, when: {kind: [a]}, range: {min: 0.01, max: 1}}",
                "{name: lr, when: {kind: [b]}, range: {min: 0.1, max: 1}}",
            ]),
            Sketch::of([DEPTH, X, "{name: lr, role: Fixed, value: 0.1, fixedBecause: an earlier study}"]),
            Sketch::of([DEPTH, X]),
            Sketch::of([X, "{name: momentum, range: {min: 0.5, max: 0.99}}", &fixed("lr")]),
            // Learning rates by names that no list has.
            Sketch::of([DEPTH, "{name: g_lr, range: {min: 0.01, max: 1}}", &fixed("momentum")]),
            Sketch::of([DEPTH, "{name: lrD, range: {min: 0.01, max: 1}}", &fixed("beta1")]),
            Sketch::of([X, "{name: blr, range: {min: 0.01, max: 1}}", &fixed("lr")]),
            Sketch::of([DEPTH, X, &fixed("lrelu_slope")]),
            Sketch::of([DEPTH, RATE, &fixed("momentum")]),
        ],
    );
}

#[test]
fn what_is_fixed_though_it_interacts() {
    let pair = |compared: &str, fixed: &str| {
        Sketch::of([
            format!("{{name: {compared}, role: Scientific, values: [16, 32]}}"),
            RATE.to_owned(),
            format!("{{name: {fixed}, role: Fixed, value: 0.1}}"),
        ])
    };
    check(
        "FixedInteracts",
        [
            pair("num_layers", "weight_decay"),
            pair("n_layers", "wd"),
            pair("depth", "l2_reg"),
            pair("hidden_size", "adamw_weight_decay"),
            pair("width", "weightDecay"),
            pair("model_size", "weight_decay_rate"),
            pair("batch_size", "momentum"),
            pair("bs", "dropout"),
            pair("global_batch_size", "label_smoothing"),
            pair("minibatch_size", "adam_beta1"),
            pair("train_batch_size", "mixup_alpha"),
        ],
        [
            Sketch::of([
                "{name: num_layers, role: Scientific, values: [2, 4]}",
                RATE,
                "{name: weight_decay, role: Fixed, value: 0.1, fixedBecause: an earlier study}",
            ]),
            Sketch::of([
                "{name: num_layers, role: Scientific, values: [2, 4]}",
                RATE,
                "{name: weight_decay, range: {min: 1.0e-6, max: 0.01, scale: Log}}",
            ]),
            Sketch::of([
                "{name: num_layers, role: Scientific, values: [2, 4]}",
                RATE,
                "{name: weight_decay, role: Fixed, value: 0}",
            ]),
            // Fixing a model while a strength is compared is a caveat.
            pair("weight_decay", "width"),
            pair("num_layers", "l1_loss_weight"),
            pair("activation", "momentum"),
            pair("num_layers", "dropout"),
            // Too few trials to tune it.
            pair("batch_size", "adam_beta2").with(|s| s.rounds = "[{name: explore, trials: 20, maxTrainSteps: 100}]"),
        ],
    );
}

#[test]
fn the_number_of_layers_as_a_nuisance() {
    check(
        "ArchitectureNuisance",
        [
            "num_layers",
            "layers",
            "n_layers",
            "numLayers",
            "number_of_layers",
            "num_hidden_layers",
            "hidden_layers",
            "depth",
            "num_blocks",
            "encoder_layers",
        ]
        .map(|name| beside_rate(format!("{{name: {name}, values: [2, 4]}}"))),
        [
            beside_rate("{name: num_layers, role: Scientific, values: [2, 4]}"),
            beside_rate("{name: num_layers, role: Fixed, value: 4}"),
            beside_rate("{name: hidden_units, values: [64, 128]}"),
            beside_rate("{name: max_depth, values: [2, 4]}"),
            beside_rate("{name: num_bs_layers, values: [2, 4]}"),
        ],
    );
}

#[test]
fn the_strength_of_a_regularizer_as_the_question() {
    let scientific = |name: &str, values: &str| {
        Sketch::of([format!("{{name: {name}, role: Scientific, {values}}}"), RATE.to_owned()])
    };
    check(
        "RegularizationStrengthScientific",
        [
            "weight_decay",
            "wd",
            "l2_reg",
            "dropout",
            "dropout_rate",
            "attention_dropout",
            "label_smoothing",
            "mixup_alpha",
            "drop_path_rate",
            "l1_penalty",
        ]
        .map(|name| scientific(name, "values: [0, 0.1, 0.2]"))
        .into_iter()
        .chain([scientific("weight_decay", "range: {min: 1.0e-6, max: 0.01, scale: Log}")
            .with(|s| s.search = "{scientific: Sampled}")]),
        [
            // With it or without.
            scientific("label_smoothing", "values: [0, 0.1]"),
            scientific("use_dropout", "values: [true, false]"),
            scientific("augmentation", "values: [none, mixup, cutout]"),
            scientific("gradient_clip", "values: [0, 1, 10]"),
            scientific("l1_loss_weight", "values: [0.1, 0.2]"),
            beside_rate("{name: dropout, range: {min: 0, max: 0.5}}"),
        ],
    );
}
