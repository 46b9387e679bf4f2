//! Advice on hyperparameters, by their usual names: what role each should have.

use studious_api::{
    StudySpec,
    study::{Hyperparameter, Role},
    validate::Violation,
};

pub(super) fn advise(spec: &StudySpec, found: &mut Vec<Violation>) {
    for (i, h) in spec.hyperparameters.iter().enumerate() {
        hyperparameter(h, i, found);
    }
    optimizer_not_tuned(spec, found);
}

/// Lower case letters and digits of a name: `batchSize` and `batch_size` are one.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn hyperparameter(h: &Hyperparameter, i: usize, found: &mut Vec<Violation>) {
    let at = format!("spec.hyperparameters[{i}]");
    let plain = plain(&h.name);
    let role = format!("{at}.role");
    // "Choosing the batch size": "should not be treated as a tunable hyperparameter for validation set performance"
    //
    if is_batch_size(&plain) && h.role == Role::Nuisance {
        found.push(Violation::new(
            &role,
            &h.role,
            format!(
                "{} governs speed, not the quality that can be reached: what seems best at one batch size is the effect \
                 of the others being tuned for it",
                h.name
            ),
            "Make it Fixed at the largest that the hardware supports, or Scientific so that every batch size is tuned for \
             itself.",
        ));
    }
    // "Determining the feasible batch sizes and estimating training throughput".
    if plain.contains("accum") && ["grad", "step", "batch"].iter().any(|word| plain.contains(word)) {
        found.push(Violation::new(
            format!("{at}.name"),
            &h.name,
            "gradient accumulation imitates a larger batch and gains no throughput",
            "Leave it out, and choose a batch size that the hardware holds.",
        ));
    }
    // "Identifying scientific, nuisance, and fixed hyperparameters".
    if matches!(plain.as_str(), "optimizer" | "optimiser" | "opt") && h.role == Role::Nuisance {
        found.push(Violation::new(
            &role,
            &h.role,
            "the choice of optimizer is a separate question: as a Nuisance it gets an unequal and small share of trials",
            "Make it Scientific to compare optimizers, or Fixed (with fixedBecause).",
        ));
    }
    // Same section: what is best there moves with the next change.
    if is_of_optimizer(&plain) && h.role == Role::Scientific {
        found.push(Violation::new(
            &role,
            &h.role,
            format!("which {} is best tells little: it moves with the next change", h.name),
            "Make it Nuisance, unless it is really the question.",
        ));
    }
    // Same section.
    if is_depth(&plain) && h.role == Role::Nuisance {
        found.push(Violation::new(
            &role,
            &h.role,
            format!(
                "{} decides what training and serving cost: as a Nuisance the costs of what is compared differ",
                h.name
            ),
            "Make it Scientific to compare depths, or Fixed (with fixedBecause).",
        ));
    }
    if let Some([one]) = h.values.as_deref() {
        let fix = "Give role: Fixed and value, so that conclusions say that they hold for it only.";
        found.push(Violation::new(format!("{at}.values"), &[one], "lists one value, so it doesn't vary", fix));
    }
}

/// The batch size by its usual names.
fn is_batch_size(plain: &str) -> bool {
    plain.ends_with("batchsize") || ["bs", "batch", "globalbatch", "localbatch", "minibatch"].contains(&plain)
}

/// Numbers of an optimizer and of its schedule by their usual names. Neither the length of warmup, which is likely to
/// transfer, nor what chooses the optimizer, such as Nesterov's momentum.
fn is_of_optimizer(plain: &str) -> bool {
    const NAMES: [&str; 11] = [
        "momentum",
        "oneminusmomentum",
        "beta1",
        "beta2",
        "b1",
        "b2",
        "oneminusbeta1",
        "oneminusbeta2",
        "epsilon",
        "eps",
        "decayfactor",
    ];
    plain.ends_with("lr") || plain.ends_with("learningrate") || NAMES.contains(&plain)
}

/// How many layers a network has, by its usual names.
fn is_depth(plain: &str) -> bool {
    ["layers", "numlayers", "nlayers", "numberoflayers", "numblocks", "depth"].contains(&plain)
}

/// "Identifying scientific, nuisance, and fixed hyperparameters": at least some of the optimizer's are tuned,
/// unless a reason is given.
fn optimizer_not_tuned(spec: &StudySpec, found: &mut Vec<Violation>) {
    let mut of_optimizer =
        spec.hyperparameters.iter().enumerate().filter(|(_, h)| is_of_optimizer(&plain(&h.name))).peekable();
    let Some((i, first)) = of_optimizer.peek().copied() else { return };
    if of_optimizer.all(|(_, h)| h.role == Role::Fixed && h.fixed_because.is_none()) {
        found.push(Violation::new(
            format!("spec.hyperparameters[{i}].role"),
            &first.role,
            "no hyperparameter of the optimizer is tuned, and the best ones differ between almost any two things compared",
            format!("Make {} at least a Nuisance, or say why not in fixedBecause.", first.name),
        ));
    }
}
