//! Names as people write them, and names that only look like them.

use std::collections::BTreeSet;

use super::*;

/// Ten spellings or more of each, from the documentation of trainers in use.
const SPELLINGS: &[(&str, &[&str])] = &[
    (
        "learning_rate",
        &[
            "learning_rate",
            "lr",
            "LR",
            "learningRate",
            "LearningRate",
            "adam_lr",
            "peak_lr",
            "base_lr",
            "init_lr",
            "lr0",
            "optim.lr",
            "optimizer.learning_rate",
            "max_lr",
            "lr_max",
            "encoder_lr",
            "lr_head",
            "actor_lr",
            "backbone_lr",
            "initial_learning_rate",
            "peak_learning_rate",
            "sgd_learning_rate",
            "learn_rate",
            "lr_0",
            "hparams/lr",
            "adamLR",
            "muon_lr",
            "--lr",
        ],
    ),
    (
        "momentum",
        &[
            "momentum",
            "Momentum",
            "sgd_momentum",
            "one_minus_momentum",
            "oneMinusMomentum",
            "optimizer.momentum",
            "momentum_sgd",
            "muon_momentum",
            "nesterov_momentum",
            "optim/momentum",
            "base_momentum",
            "opt_momentum",
        ],
    ),
    (
        "beta1",
        &[
            "beta1",
            "b1",
            "beta_1",
            "Beta1",
            "adam_beta1",
            "adam_beta_1",
            "adamw_beta1",
            "optimizer.beta1",
            "adam_b1",
            "one_minus_beta1",
            "oneMinusBeta1",
            "one_minus_beta_1",
            "lion_beta1",
            "nadam_beta_1",
            "opt.b1",
        ],
    ),
    (
        "beta2",
        &[
            "beta2",
            "b2",
            "beta_2",
            "Beta2",
            "adam_beta2",
            "adam_beta_2",
            "adamw_beta2",
            "optimizer.beta2",
            "adam_b2",
            "one_minus_beta2",
            "oneMinusBeta2",
            "one_minus_beta_2",
            "lion_beta2",
            "nadam_beta_2",
            "opt.b2",
        ],
    ),
    (
        "epsilon",
        &[
            "adam_epsilon",
            "adam_eps",
            "adamEpsilon",
            "adamw_eps",
            "optimizer.eps",
            "optimizer_epsilon",
            "optim.eps",
            "rmsprop_epsilon",
            "rmsprop.eps",
            "nadam_epsilon",
            "epsilon_adam",
            "opt_eps",
        ],
    ),
    (
        "weight_decay",
        &[
            "weight_decay",
            "wd",
            "weightDecay",
            "WeightDecay",
            "l2",
            "l2_reg",
            "l2_regularization",
            "adamw_weight_decay",
            "optimizer.weight_decay",
            "l2_penalty",
            "lambda_l2",
            "optim.wd",
            "weight_decay_rate",
            "backbone_wd",
        ],
    ),
    (
        "batch_size",
        &[
            "batch_size",
            "bs",
            "BS",
            "batchSize",
            "global_batch_size",
            "local_batch_size",
            "train_batch_size",
            "minibatch_size",
            "mini_batch_size",
            "per_device_train_batch_size",
            "batch_size_per_gpu",
            "total_batch_size",
            "effective_batch_size",
            "batch",
            "global_batch",
            "bsz",
            "data.batch_size",
        ],
    ),
    (
        "max_train_steps",
        &[
            "epochs",
            "num_epochs",
            "n_epochs",
            "max_epochs",
            "train_epochs",
            "num_train_epochs",
            "trainer.max_epochs",
            "training.epochs",
            "iterations",
            "num_iterations",
            "max_iter",
            "iters",
            "max_steps",
            "num_train_steps",
            "steps",
            "totalSteps",
            "nb_epochs",
            "training_iterations",
            "max_updates",
            "epoch",
        ],
    ),
    (
        "gradient_accumulation",
        &[
            "gradient_accumulation_steps",
            "grad_accumulation_steps",
            "accumulate_steps",
            "accumulate_grad_batches",
            "grad_accum",
            "gradAccumSteps",
            "accumulation_steps",
            "accum_iter",
            "grad_acc_steps",
            "accum_steps",
            "gradient_accumulation",
            "trainer.accumulate_grad_batches",
        ],
    ),
    (
        "optimizer",
        &[
            "optimizer",
            "optimiser",
            "opt",
            "optim",
            "Optimizer",
            "optimizer_name",
            "optimizerType",
            "train.optimizer",
            "optimizer_class",
            "opt_name",
            "OPTIMIZER",
        ],
    ),
    (
        "warmup",
        &[
            "warmup_steps",
            "warmup",
            "warm_up_steps",
            "warmupSteps",
            "num_warmup_steps",
            "lr_warmup_steps",
            "warmup_ratio",
            "warmup_fraction",
            "warmup_epochs",
            "learning_rate_warmup_steps",
            "schedule.warmup_steps",
            "linear_warmup_steps",
        ],
    ),
    (
        "schedule_milestones",
        &[
            "milestones",
            "lr_milestones",
            "scheduler.milestones",
            "lr_drop_epochs",
            "lr_decay_epochs",
            "lr_boundaries",
            "decay_boundaries",
            "piecewise_boundaries",
            "lr_step_epochs",
            "learning_rate_boundaries",
            "stepMilestones",
        ],
    ),
    (
        "dropout",
        &[
            "dropout",
            "dropout_rate",
            "dropoutRate",
            "drop_rate",
            "dropout_prob",
            "attention_dropout",
            "hidden_dropout_prob",
            "resid_pdrop",
            "mlp.dropout",
            "p_dropout",
            "use_dropout",
            "embedding_dropout",
        ],
    ),
    (
        "label_smoothing",
        &[
            "label_smoothing",
            "labelSmoothing",
            "label_smoothing_factor",
            "loss_fn.label_smoothing",
            "label_smooth",
            "label_smoothing_eps",
            "label_smoothing_epsilon",
            "use_label_smoothing",
            "LABEL_SMOOTHING",
            "label-smoothing",
        ],
    ),
    (
        "augmentation",
        &[
            "augment",
            "augmentation",
            "data_augmentation",
            "augmentation_strength",
            "mixup",
            "mixup_alpha",
            "cutmix_alpha",
            "rand_augment",
            "randaugment_magnitude",
            "train_augmentation",
            "cutout_length",
        ],
    ),
    (
        "gradient_clip",
        &[
            "gradient_clip",
            "grad_clip",
            "clip_norm",
            "max_grad_norm",
            "max_gradient_norm",
            "gradient_clip_val",
            "global_clip_norm",
            "clip_grad_norm",
            "gradientClipNorm",
            "trainer.gradient_clip_val",
            "max_norm",
        ],
    ),
    (
        "num_layers",
        &[
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
            "decoder.num_layers",
            "n_layer",
        ],
    ),
    (
        "width",
        &[
            "width",
            "hidden_size",
            "hidden_units",
            "hidden_dim",
            "d_model",
            "n_embd",
            "num_filters",
            "width_multiplier",
            "mlp_dim",
            "embed_dim",
            "hiddenSize",
        ],
    ),
    (
        "batch_norm",
        &[
            "batch_norm",
            "use_batch_norm",
            "batchNorm",
            "use_bn",
            "bn_momentum",
            "batch_norm_momentum",
            "batchnorm",
            "batch_norm_eps",
            "batch_normalization",
            "bn",
            "model.batch_norm",
        ],
    ),
    (
        "schedule",
        &[
            "schedule",
            "lr_schedule",
            "lr_scheduler",
            "learning_rate_schedule",
            "lrSchedule",
            "scheduler",
            "lr_scheduler_type",
            "schedule_family",
            "lr_sched",
            "train.lr_schedule",
            "LRSchedule",
        ],
    ),
];

#[test]
fn names_are_known_as_people_write_them() {
    for (id, names) in SPELLINGS {
        assert!(names.len() >= 10, "{id}: only {} names", names.len());
        let wrong: Vec<_> = names
            .iter()
            .map(|name| (name, known(name).map(|entry| entry.id)))
            .filter(|(_, found)| *found != Some(*id))
            .collect();
        assert!(wrong.is_empty(), "{id}: {wrong:?}");
    }
}

/// What looks like one of them and is another thing.
#[test]
fn names_that_only_look_alike_are_not_taken() {
    for name in [
        "lrelu_slope",
        "warmup_lr_ratio",
        "num_bs_layers",
        "epsilon_greedy",
        "l1_loss_weight",
        "l2_loss_weight",
        "exploration_epsilon",
        "ppo_clip_epsilon",
        "clip_range",
        "clip_ratio",
        "layer_norm_eps",
        "ema_momentum",
        "teacher_momentum",
        "momentum_encoder",
        "momentum_teacher",
        "kl_warmup_steps",
        "eval_batch_size",
        "val_batch_size",
        "num_batches",
        "batches_per_eval",
        "eval_steps",
        "save_steps",
        "steps_per_epoch",
        "critic_steps",
        "inference_steps",
        "mcts_iterations",
        "power_iterations",
        "target_update_freq",
        "policy_update_freq",
        "initial_accumulator_value",
        "noise_schedule",
        "beta_schedule",
        "dropout_seed",
        "dropout_warmup_steps",
        "max_depth",
        "tree_depth",
        "optimizer_state_dtype",
        "clip_model_name",
        "alpha",
        "beta",
        "gamma",
        "rho",
        "eta",
        "eps",
        "epsilon",
        "x",
        "c",
        "behaviour",
        "temperature",
        "wdl",
        "bsearch",
        "lrx",
        "flr",
        "optical_flow",
        "adam_optimizer_memory",
        "",
        "_",
        "batch_sampler",
        "size",
        "rate",
        "learning",
        "grad_norm_weight",
        "discount",
        "gradient_penalty",
        "augmented_lagrangian",
        "label_noise",
    ] {
        assert_eq!(known(name).map(|entry| entry.id), None, "{name}");
    }
    // Known, but as another thing than the part of the name says.
    for (name, id) in [
        ("batch_norm_momentum", "batch_norm"),
        ("label_smoothing_epsilon", "label_smoothing"),
        ("warmup_epochs", "warmup"),
        ("min_lr", "end_learning_rate"),
        ("lr_decay", "decay_factor"),
        ("lr_schedule", "schedule"),
        ("ghost_batch_size", "ghost_batch_size"),
        ("drop_path_rate", "stochastic_depth"),
        ("ns_steps", "newton_schulz_steps"),
        ("momentum_decay", "momentum_decay"),
        ("accumulation_steps", "gradient_accumulation"),
        ("decay_steps", "decay_steps"),
    ] {
        assert_eq!(known(name).map(|entry| entry.id), Some(id), "{name}");
    }
}

#[test]
fn names_that_other_things_have_too_count_beside_an_optimizer() {
    let ids = |names: &[&str], has_optimizer: bool| -> Vec<Option<&str>> {
        known_together(names, has_optimizer).into_iter().map(|entry| entry.map(|entry| entry.id)).collect()
    };
    let lr = Some("learning_rate");
    assert_eq!(
        ids(&["learning_rate", "beta1", "beta2", "epsilon"], false),
        [lr, Some("beta1"), Some("beta2"), Some("epsilon")]
    );
    assert_eq!(ids(&["learning_rate", "eps"], true), [lr, Some("epsilon")]);
    // Of an agent that explores, or of a smoothed loss.
    assert_eq!(ids(&["learning_rate", "epsilon"], false), [lr, None]);
    assert_eq!(ids(&["eta", "momentum"], false), [lr, Some("momentum")]);
    assert_eq!(ids(&["eta", "gamma"], false), [None, None]);
    // Never what is no name of an optimizer's hyperparameter.
    assert_eq!(ids(&["beta1", "gamma", "epsilon_greedy"], true), [Some("beta1"), None, None]);
}

#[test]
fn optimizers_have_all_their_hyperparameters() {
    let ids: BTreeSet<&str> = hyperparameters().map(|entry| entry.id).collect();
    for optimizer in optimizers() {
        assert_eq!(optimizer.hyperparameters[0], "learning_rate", "{}", optimizer.name);
        for id in optimizer.hyperparameters.iter().chain(optimizer.extras) {
            assert!(ids.contains(id), "{}: {id}", optimizer.name);
        }
    }
    for (written, name) in [
        ("adam", "Adam"),
        ("Adam", "Adam"),
        ("ADAMW", "AdamW"),
        ("torch.optim.AdamW", "AdamW"),
        ("sgd", "SGD"),
        ("Nesterov_momentum", "Nesterov"),
        ("nesterov", "Nesterov"),
        ("sgd_momentum", "Momentum"),
        ("RMSprop", "RMSProp"),
        ("NAdam", "NAdam"),
        ("lion", "Lion"),
        ("adafactor", "Adafactor"),
        ("SOAP", "SOAP"),
        ("Muon", "Muon"),
        ("distributed_shampoo", "Shampoo"),
        ("optax.adamw", "AdamW"),
    ] {
        assert_eq!(optimizer_named(written).map(|optimizer| optimizer.name), Some(name), "{written}");
    }
    for unknown in ["adan", "a", "our_own", "adamant", ""] {
        assert_eq!(optimizer_named(unknown), None, "{unknown}");
    }
}

#[test]
fn entries_are_complete_and_no_name_is_of_two() {
    let mut seen = BTreeSet::new();
    for entry in hyperparameters() {
        assert!(seen.insert(entry.id), "{} twice", entry.id);
        assert!(entry.why.ends_with('.') && !entry.called.is_empty() && !entry.section.is_empty(), "{entry:?}");
        let range_is_sound = entry.range.is_none_or(|r| r.min < r.max && (r.scale != "Log" || r.min > 0.0));
        assert!(range_is_sound, "{entry:?}");
        for other in entry.interacts.iter().filter_map(|interaction| match interaction.with {
            Counterpart::One(id) => Some(id),
            Counterpart::Any(_) => None,
        }) {
            assert!(hyperparameters().any(|entry| entry.id == other), "{}: {other}", entry.id);
        }
    }
    let mut names = BTreeSet::new();
    for entry in hyperparameters() {
        for name in entry.spellings().chain(entry.loose_spellings()) {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{name}");
            assert!(names.insert(name), "{name} is of two");
        }
        for name in entry.spellings() {
            assert_eq!(known(name).map(|found| found.id), Some(entry.id), "{name}");
        }
    }
}

#[test]
fn options_of_a_command_line_are_named() {
    let options = |line: &str| option_names(std::iter::once(line)).join(" ");
    assert_eq!(options("python train.py --epochs=90 --num-epochs 10 -e 3"), "epochs num-epochs e");
    assert_eq!(
        options("EPOCHS=90 python train.py trainer.max_epochs=5 ++trainer.x=1"),
        "EPOCHS trainer.max_epochs trainer.x"
    );
    assert_eq!(options("python epochs.py -1 /data/epochs"), "");
}
