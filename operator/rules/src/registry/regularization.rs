//! What makes a model fit its training set less well, so that it does better elsewhere.

use super::{
    Around, Counterpart::One, HyperparameterCategory, Interaction, KnownHyperparameter, PLAIN, Transfer, UsualRole,
    linear, log,
};

const WITH_BATCH_SIZE: Interaction = Interaction {
    with: One("batch_size"),
    because: "the noise of small batches regularizes, so that the best strength moves with the batch size",
};

const BASE: KnownHyperparameter = KnownHyperparameter {
    category: HyperparameterCategory::Regularization,
    role: UsualRole::StrengthNuisance,
    why: "Whether a regularizer helps is a question; its strength is tuned for every value of what is compared, and stays a \
          nuisance once it is adopted.",
    interacts: &[WITH_BATCH_SIZE],
    transfer: Transfer::Might,
    ..PLAIN
};

/// Any, of which nothing else is known.
pub(super) const ANY: KnownHyperparameter = KnownHyperparameter { called: "a regularizer", ..BASE };

/// Weight decay, and the penalty on squared weights.
pub const WEIGHT_DECAY: KnownHyperparameter = KnownHyperparameter {
    id: "weight_decay",
    called: "weight decay",
    interacts: &[
        Interaction { with: One("num_layers"), because: "the best weight decay depends on the size of the model" },
        Interaction { with: One("width"), because: "the best weight decay depends on the size of the model" },
        Interaction { with: One("model_size"), because: "the best weight decay depends on the size of the model" },
        Interaction {
            with: One("optimizer"),
            because: "decoupled decay and a penalty differ from optimizer to optimizer",
        },
        WITH_BATCH_SIZE,
    ],
    range: Some(log(1e-6, 1e-2)),
    spellings: &[
        "weightdecay",
        "wd",
        "l2",
        "l2reg",
        "l2regularization",
        "l2regularizer",
        "l2penalty",
        "l2lambda",
        "l2strength",
        "l2coef",
        "l2coeff",
        "l2weight",
        "lambdal2",
        "weightdecayrate",
        "weightdecaystrength",
        "weightdecaycoefficient",
        "decoupledweightdecay",
        "regl2",
        "weightpenalty",
    ],
    around: Around::OptimizerAndParts,
    papers: &["arXiv:1711.05101"],
    ..BASE
};

const L1: KnownHyperparameter = KnownHyperparameter {
    id: "l1",
    called: "the L1 penalty",
    range: Some(log(1e-6, 1e-2)),
    spellings: &[
        "l1",
        "l1reg",
        "l1regularization",
        "l1regularizer",
        "l1penalty",
        "l1lambda",
        "l1strength",
        "l1coef",
        "l1coeff",
        "lambdal1",
        "regl1",
    ],
    ..BASE
};

/// The share of units that are dropped.
pub const DROPOUT: KnownHyperparameter = KnownHyperparameter {
    id: "dropout",
    called: "dropout",
    range: Some(linear(0.0, 0.5)),
    spellings: &[
        "dropout",
        "dropoutrate",
        "dropoutprob",
        "dropoutprobability",
        "dropoutp",
        "droprate",
        "dropprob",
        "pdrop",
        "pdropout",
        "usedropout",
        "keepprob",
    ],
    around: Around::Anything,
    papers: &["arXiv:1207.0580"],
    ..BASE
};

/// How far labels are smoothed.
pub const LABEL_SMOOTHING: KnownHyperparameter = KnownHyperparameter {
    id: "label_smoothing",
    called: "label smoothing",
    range: Some(linear(0.0, 0.2)),
    spellings: &[
        "labelsmoothing",
        "labelsmooth",
        "labelsmoothingfactor",
        "labelsmoothingrate",
        "labelsmoothingepsilon",
        "labelsmoothingeps",
        "labelsmoothingalpha",
        "smoothlabels",
        "uselabelsmoothing",
        "labelsmoothingstrength",
        "smoothingoflabels",
    ],
    around: Around::Anything,
    papers: &["arXiv:1512.00567"],
    ..BASE
};

const STOCHASTIC_DEPTH: KnownHyperparameter = KnownHyperparameter {
    id: "stochastic_depth",
    called: "stochastic depth",
    range: Some(linear(0.0, 0.5)),
    spellings: &[
        "droppath",
        "droppathrate",
        "droppathprob",
        "stochasticdepth",
        "stochasticdepthrate",
        "stochasticdepthprob",
        "layerdrop",
        "dropconnect",
        "dropconnectrate",
        "survivalprob",
    ],
    around: Around::Anything,
    papers: &["arXiv:1603.09382"],
    ..BASE
};

/// Data augmentation, which regularizes.
pub const AUGMENTATION: KnownHyperparameter = KnownHyperparameter {
    id: "augmentation",
    called: "data augmentation",
    spellings: &[
        "augment",
        "augmentation",
        "augmentations",
        "dataaugmentation",
        "augmentationstrength",
        "augmentstrength",
        "augmentationmagnitude",
        "augmagnitude",
        "augstrength",
        "dataaug",
        "mixup",
        "mixupalpha",
        "cutmix",
        "cutmixalpha",
        "randaugment",
        "randaugmentmagnitude",
        "randaug",
        "autoaugment",
        "trivialaugment",
        "cutout",
        "cutoutlength",
        "randomerasing",
        "colorjitter",
        "specaugment",
    ],
    around: Around::Anything,
    papers: &["arXiv:1710.09412", "arXiv:1909.13719"],
    ..BASE
};

/// All of them.
pub(super) const ALL: &[&KnownHyperparameter] =
    &[&WEIGHT_DECAY, &L1, &DROPOUT, &LABEL_SMOOTHING, &STOCHASTIC_DEPTH, &AUGMENTATION];
