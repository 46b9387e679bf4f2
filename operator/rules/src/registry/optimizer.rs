//! The choice of optimizer, and the numbers of its update rule.

use super::{
    Around,
    Counterpart::{Any, One},
    HyperparameterCategory, Interaction, KnownHyperparameter, PLAIN, Transfer, UsualRole, linear, log, reverse_log,
};
use crate::sections;

const BASE: KnownHyperparameter =
    KnownHyperparameter { transfer: Transfer::Might, around: Around::Optimizer, section: sections::OPTIMIZER, ..PLAIN };

/// Numbers of the update rule are tuned anew for every optimizer and batch size.
const WITH_UPDATES: &[Interaction] = &[
    Interaction {
        with: One("batch_size"),
        because: "the hyperparameters of the optimizer interact most strongly with the batch size",
    },
    Interaction { with: One("optimizer"), because: "each optimizer has its own best values" },
];

/// Any, of which nothing else is known.
pub(super) const ANY: KnownHyperparameter =
    KnownHyperparameter { called: "a hyperparameter of the optimizer", interacts: WITH_UPDATES, ..BASE };

/// Which optimizer.
pub const OPTIMIZER: KnownHyperparameter = KnownHyperparameter {
    id: "optimizer",
    called: "the choice of optimizer",
    role: UsualRole::ScientificOrFixed,
    why: "Which optimizer is best is a question of its own; as a nuisance it gets an unequal and small share of the trials. \
          No optimizer is best for all problems, and a comparison depends on how each is tuned.",
    spellings: &[
        "optimizer",
        "optimiser",
        "opt",
        "optim",
        "optimizername",
        "optimizertype",
        "optimizerclass",
        "optimizerkind",
        "optname",
        "opttype",
        "optimname",
        "optimtype",
        "updaterule",
        "whichoptimizer",
    ],
    around: Around::Settings,
    papers: &["arXiv:1910.05446"],
    ..BASE
};

/// The learning rate: where a schedule peaks.
pub const LEARNING_RATE: KnownHyperparameter = KnownHyperparameter {
    id: "learning_rate",
    called: "the learning rate",
    why: "Models can only be compared fairly if each has its own best learning rate. Which one is best tells little, since the \
          next change moves it.",
    interacts: &[
        Interaction {
            with: Any(HyperparameterCategory::Architecture),
            because: "the best learning rate depends on the architecture",
        },
        Interaction {
            with: Any(HyperparameterCategory::Initialization),
            because: "initialization decides which rates are stable",
        },
        Interaction {
            with: Any(HyperparameterCategory::Schedule),
            because: "the schedule decides how much of training runs at that rate",
        },
        Interaction {
            with: Any(HyperparameterCategory::Regularization),
            because: "the optimizer interacts with almost any change",
        },
        Interaction {
            with: Any(HyperparameterCategory::Data),
            because: "the optimizer interacts with almost any change",
        },
        Interaction {
            with: Any(HyperparameterCategory::Optimizer),
            because: "each optimizer has its own best learning rate",
        },
    ],
    transfer: Transfer::Unlikely,
    range: Some(log(1e-4, 1.0)),
    spellings: &["lr", "lr0", "learningrate", "learnrate", "learningrateinit", "lrate"],
    loose: &["eta", "stepsize"],
    around: Around::OptimizerAndParts,
    papers: &["arXiv:1811.03600"],
    section: sections::ROLES,
    ..BASE
};

/// Momentum of SGD, and of Muon.
pub const MOMENTUM: KnownHyperparameter = KnownHyperparameter {
    id: "momentum",
    called: "momentum",
    why: "A fixed momentum is fine in early work (0.9); tune it once the optimizer matters.",
    interacts: WITH_UPDATES,
    range: Some(reverse_log(0.5, 0.999)),
    spellings: &["momentum", "oneminusmomentum", "1minusmomentum", "momentumcoefficient", "momentumfactor"],
    loose: &["mu", "mom"],
    papers: &["Sutskever et al., ICML 2013"],
    ..BASE
};

const NESTEROV: KnownHyperparameter = KnownHyperparameter {
    id: "nesterov",
    called: "Nesterov's variant of momentum",
    role: UsualRole::ScientificOrFixed,
    why: "It chooses the update rule, as the choice of optimizer does.",
    spellings: &["nesterov", "usenesterov", "isnesterov"],
    papers: &["Sutskever et al., ICML 2013"],
    ..BASE
};

/// The first decay rate of Adam and its kin.
pub const BETA1: KnownHyperparameter = KnownHyperparameter {
    id: "beta1",
    called: "beta1",
    why: "Tune it beside the learning rate from 10 trials on; with fewer, hold it at its default.",
    interacts: WITH_UPDATES,
    range: Some(reverse_log(0.5, 0.99)),
    spellings: &["beta1", "b1", "oneminusbeta1", "1minusbeta1", "oneminusb1", "betaone"],
    papers: &["arXiv:1412.6980"],
    section: sections::ADAM,
    ..BASE
};

/// The second decay rate of Adam and its kin.
pub const BETA2: KnownHyperparameter = KnownHyperparameter {
    id: "beta2",
    called: "beta2",
    why: "Tune it last: with substantially more than 25 trials.",
    interacts: WITH_UPDATES,
    range: Some(reverse_log(0.9, 0.9999)),
    spellings: &["beta2", "b2", "oneminusbeta2", "1minusbeta2", "oneminusb2", "betatwo"],
    papers: &["arXiv:1412.6980"],
    section: sections::ADAM,
    ..BASE
};

/// What adaptive optimizers add to the root of the squared gradients.
pub const EPSILON: KnownHyperparameter = KnownHyperparameter {
    id: "epsilon",
    called: "epsilon",
    why: "More than a guard against division by zero: its best value differs by orders of magnitude. Tune it from 25 trials on.",
    interacts: WITH_UPDATES,
    range: Some(log(1e-10, 1e-3)),
    spellings: &[
        "adamepsilon",
        "adameps",
        "adamwepsilon",
        "adamweps",
        "nadamepsilon",
        "nadameps",
        "rmspropepsilon",
        "rmspropeps",
        "optimizerepsilon",
        "optimizereps",
        "optimepsilon",
        "optimeps",
        "optepsilon",
        "opteps",
        "epsilonadam",
        "epsadam",
        "adafactorepsilon",
        "shampooepsilon",
        "matrixepsilon",
        "soapepsilon",
        "lambepsilon",
        "lambeps",
    ],
    loose: &["epsilon", "eps", "epsilonhat", "epsroot"],
    papers: &["arXiv:1910.05446"],
    section: sections::ADAM,
    ..BASE
};

const SQUARED_GRADIENT_DECAY: KnownHyperparameter = KnownHyperparameter {
    id: "squared_gradient_decay",
    called: "the decay of the squared gradients",
    why: "The memory of the squared gradients, as beta2 is for Adam.",
    interacts: WITH_UPDATES,
    range: Some(reverse_log(0.9, 0.9999)),
    spellings: &[
        "rmspropdecay",
        "rmsproprho",
        "rmspropalpha",
        "rmspropdecayrate",
        "rmspropsmoothing",
        "squaredgradientdecay",
        "adafactordecayrate",
        "adafactorbeta2decay",
        "adadeltarho",
    ],
    loose: &["rho"],
    papers: &["Tieleman and Hinton, 2012", "arXiv:1804.04235"],
    ..BASE
};

const CENTERED: KnownHyperparameter = KnownHyperparameter {
    id: "centered",
    called: "centering of the squared gradients",
    role: UsualRole::ScientificOrFixed,
    why: "It chooses the update rule.",
    spellings: &["rmspropcentered", "centeredrmsprop"],
    loose: &["centered"],
    papers: &["Tieleman and Hinton, 2012"],
    ..BASE
};

const AMSGRAD: KnownHyperparameter = KnownHyperparameter {
    id: "amsgrad",
    called: "AMSGrad",
    role: UsualRole::ScientificOrFixed,
    why: "It chooses the update rule.",
    spellings: &["amsgrad", "useamsgrad"],
    papers: &["arXiv:1904.09237"],
    ..BASE
};

const DAMPENING: KnownHyperparameter = KnownHyperparameter {
    id: "dampening",
    called: "the dampening of momentum",
    why: "0 but for PyTorch's SGD, which offers it.",
    range: Some(linear(0.0, 1.0)),
    spellings: &["dampening", "momentumdampening"],
    ..BASE
};

const MOMENTUM_DECAY: KnownHyperparameter = KnownHyperparameter {
    id: "momentum_decay",
    called: "the decay of NAdam's momentum",
    why: "Hold it at its default, 0.004.",
    range: Some(log(1e-4, 1e-1)),
    spellings: &["momentumdecay"],
    papers: &["Dozat, ICLR workshop 2016"],
    ..BASE
};

const PRECONDITION_FREQUENCY: KnownHyperparameter = KnownHyperparameter {
    id: "precondition_frequency",
    called: "the steps between preconditioners",
    role: UsualRole::ScientificOrFixed,
    why: "It trades time per step for progress per step; hold it at what the hardware affords.",
    spellings: &[
        "preconditionfrequency",
        "preconditioningfrequency",
        "preconditioningcomputesteps",
        "preconditionevery",
        "preconditionerupdatefrequency",
        "preconditionerupdatefreq",
        "preconditionupdatefreq",
    ],
    papers: &["arXiv:1802.09568", "arXiv:2409.11321"],
    ..BASE
};

const PRECONDITIONER_SIZE: KnownHyperparameter = KnownHyperparameter {
    id: "preconditioner_size",
    called: "the largest dimension that is preconditioned",
    role: UsualRole::ScientificOrFixed,
    why: "It decides memory and time per step; hold it at what the hardware affords.",
    spellings: &[
        "maxpreconditionerdim",
        "maxpreconddim",
        "preconditionerblocksize",
        "shampooblocksize",
        "preconditionblocksize",
        "maxpreconditionersize",
    ],
    papers: &["arXiv:1802.09568", "arXiv:2409.11321"],
    ..BASE
};

const SHAMPOO_BETA: KnownHyperparameter = KnownHyperparameter {
    id: "shampoo_beta",
    called: "the decay of the preconditioners",
    why: "The memory of the preconditioners, as beta2 is for Adam.",
    interacts: WITH_UPDATES,
    range: Some(reverse_log(0.9, 0.9999)),
    spellings: &["shampoobeta", "preconditionerbeta", "preconditionerdecay", "shampoobeta2"],
    papers: &["arXiv:2409.11321"],
    ..BASE
};

const NEWTON_SCHULZ_STEPS: KnownHyperparameter = KnownHyperparameter {
    id: "newton_schulz_steps",
    called: "the iterations of Newton and Schulz",
    role: UsualRole::ScientificOrFixed,
    why: "5 orthogonalize well enough.",
    spellings: &["nssteps", "newtonschulzsteps", "newtonschulziterations", "nsiterations", "nsiters"],
    papers: &["arXiv:2502.16982"],
    ..BASE
};

const UPDATE_CLIP: KnownHyperparameter = KnownHyperparameter {
    id: "update_clip",
    called: "the threshold at which Adafactor clips updates",
    why: "1 in the paper; updates and not gradients are clipped.",
    range: Some(log(0.1, 10.0)),
    spellings: &["adafactorclipthreshold", "updateclip", "clipupdates", "adafactorclippingthreshold"],
    papers: &["arXiv:1804.04235"],
    ..BASE
};

const RELATIVE_STEP: KnownHyperparameter = KnownHyperparameter {
    id: "relative_step",
    called: "Adafactor's own learning rate",
    role: UsualRole::ScientificOrFixed,
    why: "It replaces the schedule: hold it off where the study has one.",
    spellings: &["relativestep", "scaleparameter", "multiplybyparameterscale"],
    papers: &["arXiv:1804.04235"],
    ..BASE
};

/// The threshold above which gradients are scaled down.
pub const GRADIENT_CLIP: KnownHyperparameter = KnownHyperparameter {
    id: "gradient_clip",
    called: "gradient clipping",
    role: UsualRole::StrengthNuisance,
    why: "Clipping cures outliers of the gradient; the threshold is set from the norms that are seen, just above the typical one.",
    spellings: &[
        "gradientclip",
        "gradclip",
        "clipgrad",
        "clipgradient",
        "clipgradients",
        "clipnorm",
        "globalclipnorm",
        "maxgradnorm",
        "maxgradientnorm",
        "maxnorm",
        "gradnormmax",
        "gradientnormmax",
        "gradientclipnorm",
        "gradclipnorm",
        "clipgradnorm",
        "gradientclipping",
        "gradclipping",
        "gradientclipval",
        "gradientnormclip",
        "gradnormclip",
        "clipbyglobalnorm",
        "clipbynorm",
        "gradientclipthreshold",
        "gradclipthreshold",
        "clippingthreshold",
        "clipthreshold",
        "maxclipnorm",
        "gradientclippingthreshold",
    ],
    loose: &["clip", "clipping"],
    transfer: Transfer::Unknown,
    papers: &["arXiv:1211.5063"],
    section: sections::CLIPPING,
    ..BASE
};

/// All of them.
pub(super) const ALL: &[&KnownHyperparameter] = &[
    &OPTIMIZER,
    &LEARNING_RATE,
    &MOMENTUM,
    &NESTEROV,
    &BETA1,
    &BETA2,
    &EPSILON,
    &SQUARED_GRADIENT_DECAY,
    &CENTERED,
    &AMSGRAD,
    &DAMPENING,
    &MOMENTUM_DECAY,
    &PRECONDITION_FREQUENCY,
    &PRECONDITIONER_SIZE,
    &SHAMPOO_BETA,
    &NEWTON_SCHULZ_STEPS,
    &UPDATE_CLIP,
    &RELATIVE_STEP,
    &GRADIENT_CLIP,
];
