//! Optimizers, each with all its hyperparameters (requirements ). None is the best of all.

use super::words::words;

/// An optimizer that the registry knows.
#[derive(Debug, PartialEq)]
pub struct KnownOptimizer {
    /// Its name, as people write it.
    pub name: &'static str,
    /// Other names, lower case, letters and digits only.
    spellings: &'static [&'static str],
    /// The ids of the hyperparameters that its update rule has.
    pub hyperparameters: &'static [&'static str],
    /// The ids of switches and extras that implementations offer beside them.
    pub extras: &'static [&'static str],
    /// Whether the playbook's rule for the trials of Adam's hyperparameters holds.
    pub is_adam: bool,
    /// Where it comes from.
    pub papers: &'static [&'static str],
}

impl KnownOptimizer {
    /// The names that it goes by, in lower case, letters and digits only.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> {
        self.spellings.iter().copied()
    }
}

const ADAM: [&str; 4] = ["learning_rate", "beta1", "beta2", "epsilon"];

const OPTIMIZERS: [KnownOptimizer; 13] = [
    KnownOptimizer {
        name: "SGD",
        spellings: &["sgd", "vanillasgd", "plainsgd"],
        hyperparameters: &["learning_rate"],
        extras: &["momentum", "nesterov", "dampening", "weight_decay"],
        is_adam: false,
        papers: &[],
    },
    KnownOptimizer {
        name: "Momentum",
        spellings: &["momentum", "sgdmomentum", "momentumsgd", "sgdm", "sgdwithmomentum", "heavyball"],
        hyperparameters: &["learning_rate", "momentum"],
        extras: &["dampening", "weight_decay"],
        is_adam: false,
        papers: &["Sutskever et al., ICML 2013"],
    },
    KnownOptimizer {
        name: "Nesterov",
        spellings: &["nesterov", "nesterovmomentum", "nag", "sgdnesterov", "nesterovsgd"],
        hyperparameters: &["learning_rate", "momentum"],
        extras: &["weight_decay"],
        is_adam: false,
        papers: &["Sutskever et al., ICML 2013"],
    },
    KnownOptimizer {
        name: "RMSProp",
        spellings: &["rmsprop"],
        hyperparameters: &["learning_rate", "squared_gradient_decay", "epsilon"],
        extras: &["momentum", "centered", "weight_decay"],
        is_adam: false,
        papers: &["Tieleman and Hinton, 2012"],
    },
    KnownOptimizer {
        name: "Adam",
        spellings: &["adam"],
        hyperparameters: &ADAM,
        extras: &["amsgrad", "weight_decay"],
        is_adam: true,
        papers: &["arXiv:1412.6980"],
    },
    KnownOptimizer {
        name: "NAdam",
        spellings: &["nadam"],
        hyperparameters: &ADAM,
        extras: &["momentum_decay", "weight_decay"],
        is_adam: true,
        papers: &["Dozat, ICLR workshop 2016"],
    },
    KnownOptimizer {
        name: "AdamW",
        spellings: &["adamw"],
        hyperparameters: &["learning_rate", "beta1", "beta2", "epsilon", "weight_decay"],
        extras: &["amsgrad"],
        is_adam: true,
        papers: &["arXiv:1711.05101"],
    },
    KnownOptimizer {
        name: "Lion",
        spellings: &["lion"],
        hyperparameters: &["learning_rate", "beta1", "beta2", "weight_decay"],
        extras: &[],
        is_adam: false,
        papers: &["arXiv:2302.06675"],
    },
    KnownOptimizer {
        name: "Adafactor",
        spellings: &["adafactor"],
        hyperparameters: &["learning_rate", "squared_gradient_decay", "epsilon", "update_clip"],
        extras: &["beta1", "relative_step", "weight_decay"],
        is_adam: false,
        papers: &["arXiv:1804.04235"],
    },
    KnownOptimizer {
        name: "Shampoo",
        spellings: &["shampoo", "distributedshampoo"],
        hyperparameters: &["learning_rate", "beta1", "shampoo_beta", "epsilon", "precondition_frequency"],
        extras: &["preconditioner_size", "weight_decay"],
        is_adam: false,
        papers: &["arXiv:1802.09568"],
    },
    KnownOptimizer {
        name: "SOAP",
        spellings: &["soap"],
        hyperparameters: &["learning_rate", "beta1", "beta2", "shampoo_beta", "epsilon", "precondition_frequency"],
        extras: &["preconditioner_size", "weight_decay"],
        is_adam: false,
        papers: &["arXiv:2409.11321"],
    },
    KnownOptimizer {
        name: "Muon",
        spellings: &["muon"],
        hyperparameters: &["learning_rate", "momentum", "weight_decay"],
        extras: &["nesterov", "newton_schulz_steps"],
        is_adam: false,
        papers: &["arXiv:2502.16982"],
    },
    KnownOptimizer {
        name: "LAMB",
        spellings: &["lamb"],
        hyperparameters: &["learning_rate", "beta1", "beta2", "epsilon", "weight_decay"],
        extras: &[],
        is_adam: false,
        papers: &["arXiv:1904.00962"],
    },
];

/// All optimizers that the registry knows, in no order of merit.
pub fn optimizers() -> impl Iterator<Item = &'static KnownOptimizer> {
    OPTIMIZERS.iter()
}

/// The optimizer of a name as it stands in a list of values, such as `AdamW`, `torch.optim.AdamW` or `sgd_momentum`.
#[must_use]
pub fn optimizer_named(name: &str) -> Option<&'static KnownOptimizer> {
    const AROUND: [&str; 5] = ["torch", "optim", "optax", "keras", "optimizers"];
    let words = words(name);
    let plain = words.iter().filter(|word| !AROUND.contains(&word.as_str())).map(String::as_str).collect::<String>();
    OPTIMIZERS.iter().find(|optimizer| optimizer.spellings.contains(&plain.as_str()))
}

/// The optimizer that a word of a hyperparameter's name is, such as Lion in `lion_beta1`.
#[must_use]
pub fn optimizer_in(name: &str) -> Option<&'static KnownOptimizer> {
    let words = words(name);
    OPTIMIZERS.iter().find(|optimizer| {
        words.iter().any(|word| is_optimizer_word(word) && optimizer.spellings.contains(&word.as_str()))
    })
}

/// Whether a word of a name is that of an optimizer, as in `adam_beta1`. Neither `momentum`, which is a hyperparameter, nor
/// `nesterov`.
pub(super) fn is_optimizer_word(word: &str) -> bool {
    word != "momentum" && OPTIMIZERS.iter().any(|optimizer| optimizer.spellings.contains(&word))
}
