//! Where training starts.

use super::{Around, HyperparameterCategory, KnownHyperparameter, PLAIN, Transfer, UsualRole, log};
use crate::sections;

const BASE: KnownHyperparameter = KnownHyperparameter {
    category: HyperparameterCategory::Initialization,
    transfer: Transfer::VeryLikely,
    section: sections::UNSTABLE,
    ..PLAIN
};

/// Any, of which nothing else is known.
pub(super) const ANY: KnownHyperparameter = KnownHyperparameter { called: "a choice of the initialization", ..BASE };

const INIT_SCALE: KnownHyperparameter = KnownHyperparameter {
    id: "init_scale",
    called: "the scale of the initial weights",
    why: "It decides how early training behaves; what cures early instability carries over to longer training.",
    range: Some(log(0.1, 10.0)),
    spellings: &[
        "initscale",
        "initstd",
        "initializerscale",
        "initializationscale",
        "initgain",
        "initstddev",
        "initializerrange",
        "initvariance",
        "weightinitscale",
        "initrange",
    ],
    papers: &["Glorot and Bengio, AISTATS 2010", "arXiv:1502.01852"],
    ..BASE
};

const INITIALIZER: KnownHyperparameter = KnownHyperparameter {
    id: "initializer",
    called: "the initialization",
    role: UsualRole::ScientificOrFixed,
    why: "A choice of method; what cures early instability carries over to longer training.",
    spellings: &[
        "initializer",
        "initialization",
        "initializationscheme",
        "weightinit",
        "kernelinitializer",
        "kernelinit",
        "initmethod",
        "initscheme",
        "inittype",
        "weightinitializer",
    ],
    around: Around::Parts,
    papers: &["Glorot and Bengio, AISTATS 2010", "arXiv:1502.01852"],
    ..BASE
};

/// All of them.
pub(super) const ALL: &[&KnownHyperparameter] = &[&INIT_SCALE, &INITIALIZER];
