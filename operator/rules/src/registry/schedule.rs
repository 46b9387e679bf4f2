//! The learning rate over time, and the length of training.

use super::{Around, HyperparameterCategory, KnownHyperparameter, PLAIN, Transfer, UsualRole, linear, log};
use crate::sections;

const BASE: KnownHyperparameter = KnownHyperparameter {
    category: HyperparameterCategory::Schedule,
    transfer: Transfer::Unlikely,
    around: Around::Scheduled,
    section: sections::SCHEDULE_FAMILY,
    ..PLAIN
};

/// Any, of which nothing else is known.
pub(super) const ANY: KnownHyperparameter = KnownHyperparameter { called: "a hyperparameter of the schedule", ..BASE };

/// The shape of the decay.
pub const SCHEDULE: KnownHyperparameter = KnownHyperparameter {
    id: "schedule",
    called: "the learning-rate schedule",
    role: UsualRole::ScientificOrFixed,
    why: "Which family is best is an open problem; having some schedule that decays, and tuning it, matters. What was best \
          in short training is unlikely to be best in long training.",
    spellings: &[
        "schedule",
        "scheduler",
        "lrschedule",
        "lrscheduler",
        "lrsched",
        "learningrateschedule",
        "learningratescheduler",
        "schedulename",
        "schedulertype",
        "scheduletype",
        "schedulefamily",
        "lrscheduletype",
        "lrschedulertype",
        "sched",
        "decayschedule",
        "lrdecaystyle",
        "lrdecaytype",
    ],
    papers: &["arXiv:1608.03983"],
    ..BASE
};

/// How long the learning rate rises at first.
pub const WARMUP: KnownHyperparameter = KnownHyperparameter {
    id: "warmup",
    called: "the length of warmup",
    role: UsualRole::ScientificOrFixed,
    why: "The shortest warmup that keeps training stable at high rates is found once, and added to training. It is the surest \
          of all to carry over to longer training.",
    transfer: Transfer::VeryLikely,
    spellings: &[
        "warmup",
        "warmupsteps",
        "warmupfraction",
        "warmupratio",
        "warmupepochs",
        "warmupproportion",
        "warmuplength",
        "warmuppercent",
        "warmupduration",
        "warmupiters",
        "warmupiterations",
        "warmuptokens",
        "warmupexamples",
        "warmuppct",
        "warmupfrac",
        "warmupupdates",
        "warmupbatches",
        "pctstart",
        "usewarmup",
        "warmupsamples",
    ],
    papers: &["arXiv:1706.02677"],
    section: sections::WARMUP,
    ..BASE
};

const DECAY_STEPS: KnownHyperparameter = KnownHyperparameter {
    id: "decay_steps",
    called: "the length of the decay",
    why: "How many of the last steps decay the rate: keep it, and add steps at the high rate, when training gets longer.",
    spellings: &[
        "decaysteps",
        "lrdecaysteps",
        "decayfraction",
        "cooldownsteps",
        "cooldownfraction",
        "decayepochs",
        "annealsteps",
        "annealingsteps",
        "lrdecayiters",
        "cooldownepochs",
    ],
    section: sections::ROUND_2,
    ..BASE
};

const DECAY_FACTOR: KnownHyperparameter = KnownHyperparameter {
    id: "decay_factor",
    called: "the factor by which the learning rate decays",
    why: "A number of the schedule, tuned beside the learning rate.",
    range: Some(log(1e-3, 1.0)),
    spellings: &[
        "decayfactor",
        "lrdecay",
        "lrdecayfactor",
        "lrdecayrate",
        "lrgamma",
        "learningratedecay",
        "learningratedecayrate",
        "learningratedecayfactor",
        "schedulergamma",
        "lrmultiplier",
        "lrdecayratio",
    ],
    ..BASE
};

const END_LEARNING_RATE: KnownHyperparameter = KnownHyperparameter {
    id: "end_learning_rate",
    called: "the learning rate at the end",
    why: "0, or a small share of the peak.",
    range: Some(linear(0.0, 0.1)),
    spellings: &[
        "endlr",
        "finallr",
        "minlr",
        "lrmin",
        "lrend",
        "lrfinal",
        "etamin",
        "minlearningrate",
        "endlearningrate",
        "finallearningrate",
        "learningratemin",
        "endfactor",
        "lrendfactor",
        "minlrratio",
        "lrfloor",
    ],
    ..BASE
};

/// The steps at which a piecewise constant schedule drops.
pub const SCHEDULE_MILESTONES: KnownHyperparameter = KnownHyperparameter {
    id: "schedule_milestones",
    called: "the steps at which the learning rate drops",
    why: "Such lists are usually the trace of tuning by hand while training ran, and do not carry over to another setting.",
    spellings: &[
        "milestones",
        "lrmilestones",
        "schedulemilestones",
        "schedulermilestones",
        "decaymilestones",
        "stepmilestones",
        "lrboundaries",
        "decayboundaries",
        "scheduleboundaries",
        "piecewiseboundaries",
        "learningrateboundaries",
        "lrdropepochs",
        "lrdropsteps",
        "lrstepepochs",
        "lrdecayepochs",
        "piecewiselr",
        "lrpieces",
        "lrdropat",
        "lrdecayat",
        "lrmilestoneepochs",
    ],
    section: sections::COMPLICATED_SCHEDULES,
    ..BASE
};

/// How long training takes, whatever it is counted in.
pub const STEP_BUDGET: KnownHyperparameter = KnownHyperparameter {
    id: "max_train_steps",
    called: "the length of training",
    role: UsualRole::None,
    why: "All trials of a round train equally long, or they could not be compared: spec.rounds[].maxTrainSteps sets it.",
    transfer: Transfer::Unknown,
    spellings: &[
        "steps",
        "maxsteps",
        "numsteps",
        "nsteps",
        "totalsteps",
        "trainsteps",
        "trainingsteps",
        "maxtrainsteps",
        "maxtrainingsteps",
        "numtrainsteps",
        "numtrainingsteps",
        "totaltrainsteps",
        "totaltrainingsteps",
        "numberofsteps",
        "nbsteps",
        "epoch",
        "epochs",
        "numepochs",
        "nepochs",
        "maxepochs",
        "totalepochs",
        "trainepochs",
        "trainingepochs",
        "numtrainepochs",
        "numtrainingepochs",
        "maxtrainepochs",
        "numberofepochs",
        "nbepochs",
        "iterations",
        "iteration",
        "iters",
        "iter",
        "numiterations",
        "numiters",
        "niterations",
        "niters",
        "niter",
        "maxiterations",
        "maxiters",
        "maxiter",
        "totaliterations",
        "totaliters",
        "trainiterations",
        "trainingiterations",
        "trainiters",
        "trainingiters",
        "numtrainiters",
        "nbiterations",
        "numberofiterations",
        "updates",
        "numupdates",
        "maxupdates",
        "totalupdates",
        "totaltimesteps",
        "maxupdate",
        "trainingupdates",
        "numepoch",
        "nepoch",
        "maxepoch",
        "maxstep",
        "numiter",
        "globalsteps",
        "envsteps",
        "totalenvsteps",
        "numenvsteps",
        "traintokens",
        "trainingtokens",
        "totaltokens",
        "finetuneepochs",
    ],
    around: Around::Settings,
    section: sections::STEPS,
    ..BASE
};

/// All of them.
pub(super) const ALL: &[&KnownHyperparameter] =
    &[&SCHEDULE, &WARMUP, &DECAY_STEPS, &DECAY_FACTOR, &END_LEARNING_RATE, &SCHEDULE_MILESTONES, &STEP_BUDGET];
