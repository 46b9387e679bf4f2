//! Names as people write them, and names that only look like them.

mod spellings;

use std::collections::BTreeSet;

use spellings::SPELLINGS;

use super::*;

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
