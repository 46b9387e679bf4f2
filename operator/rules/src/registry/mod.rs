//! The registry of hyperparameters and optimizers: what the playbook and the literature know about each, and its names.
//!
//! An entry says what a hyperparameter is for, which role it usually has and why, with what it interacts so strongly that
//! fixing it makes a comparison unfair, how likely its best value carries over to longer training, and where to begin to
//! search. [`known`] finds the entry of a name as people write it; validation, advice and findings all ask it, so that a name
//! means one thing everywhere. What the registry does not know is unknown, and nothing is claimed of it.

mod architecture;
mod data;
mod declared;
mod initialization;
mod matching;
mod optimizer;
mod optimizers;
#[cfg(test)]
mod page;
mod regularization;
mod schedule;
#[cfg(test)]
mod tests;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sections;

pub use architecture::{ACTIVATION, BATCH_NORM, GHOST_BATCH_SIZE, NORMALIZATION, NUM_LAYERS};
pub use data::{BATCH_SIZE, GRADIENT_ACCUMULATION};
pub use declared::{entry, of_category};
pub use matching::{is_known, known, known_together, may_be_learning_rate, option_names};
pub use optimizer::{BETA1, BETA2, EPSILON, GRADIENT_CLIP, LEARNING_RATE, MOMENTUM, OPTIMIZER};
pub use optimizers::{KnownOptimizer, optimizer_in, optimizer_named, optimizers};
pub use regularization::{AUGMENTATION, DROPOUT, LABEL_SMOOTHING, WEIGHT_DECAY};
pub use schedule::{SCHEDULE, SCHEDULE_MILESTONES, STEP_BUDGET, WARMUP};

/// A hyperparameter that the registry knows.
#[derive(Debug, PartialEq)]
pub struct KnownHyperparameter {
    /// The name that the registry gives it, such as `learning_rate`.
    pub id: &'static str,
    /// What it is called in a sentence.
    pub called: &'static str,
    /// What kind of choice it is.
    pub category: HyperparameterCategory,
    /// The role that it usually has.
    pub role: UsualRole,
    /// Why it has that role, and what to keep in mind, as sentences.
    pub why: &'static str,
    /// With what it interacts so strongly that it should not be fixed while that is compared.
    pub interacts: &'static [Interaction],
    /// How likely its best value carries over to longer training.
    pub transfer: Transfer,
    /// Where to begin to search; none where nothing general can be said.
    pub range: Option<UsualRange>,
    /// Its names, lower case, letters and digits only.
    spellings: &'static [&'static str],
    /// Names that it shares with other things: they count only beside another hyperparameter of the same optimizer.
    loose: &'static [&'static str],
    /// What may stand before and after its name.
    around: Around,
    /// Papers, beside the playbook.
    pub papers: &'static [&'static str],
    /// The playbook's section.
    pub section: &'static str,
}

/// What kind of choice a hyperparameter is (requirement R-012).
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum HyperparameterCategory {
    /// The update rule and its numbers.
    Optimizer,
    /// The learning rate over time, and how long training takes.
    Schedule,
    /// Whatever makes a model fit its training set less well.
    Regularization,
    /// The model: each setting is a different model.
    Architecture,
    /// Where training starts.
    Initialization,
    /// What is read in a step, and how it is prepared.
    Data,
}

/// The role that a hyperparameter usually has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UsualRole {
    /// Tuned over, so that what is compared is compared fairly.
    Nuisance,
    /// The question, or held; tuning over it changes more than the objective.
    ScientificOrFixed,
    /// Whether to have it is the question or held; its strength is tuned.
    StrengthNuisance,
    /// No hyperparameter of a study at all: the study's own fields set it, or it is best left out.
    None,
}

/// With what a hyperparameter interacts strongly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interaction {
    /// The other one.
    pub with: Counterpart,
    /// What is known of the pair, as a clause.
    pub because: &'static str,
}

/// The other side of an interaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counterpart {
    /// Any hyperparameter of a category.
    Any(HyperparameterCategory),
    /// One that the registry knows, by its id.
    One(&'static str),
}

/// How likely a best value carries over from short training to long ("Round 1", requirement R-114).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transfer {
    /// Very likely.
    VeryLikely,
    /// Likely.
    Likely,
    /// It might, less surely than what is likely.
    Might,
    /// Unlikely.
    Unlikely,
    /// The playbook does not say.
    Unknown,
}

/// Where to begin to search. The playbook gives no search spaces: these are ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualRange {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// In which scale: `Linear`, `Log` or `ReverseLog`.
    pub scale: &'static str,
}

/// What may stand around a name without changing what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Around {
    /// Where it is set: `trainer.max_epochs`.
    Settings,
    /// That, and before it what is scheduled: `lr_warmup_steps`.
    Scheduled,
    /// That it is set of an optimizer: `adam_beta1`.
    Optimizer,
    /// The part of the model or the device that it is set for: `per_device_batch_size`.
    Parts,
    /// Both: `adam_lr`, `encoder_lr`, `lr_head`.
    OptimizerAndParts,
    /// Anything but what makes it another thing: `attention_dropout_prob` is a dropout, `dropout_seed` is not.
    Anything,
}

impl HyperparameterCategory {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Optimizer, Self::Schedule, Self::Regularization, Self::Architecture, Self::Initialization, Self::Data];

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Optimizer => "optimizer",
            Self::Schedule => "schedule",
            Self::Regularization => "regularization",
            Self::Architecture => "architecture",
            Self::Initialization => "initialization",
            Self::Data => "data",
        }
    }
}

impl UsualRole {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nuisance => "nuisance",
            Self::ScientificOrFixed => "scientific or fixed",
            Self::StrengthNuisance => "whether to have it: scientific or fixed; its strength: nuisance",
            Self::None => "none",
        }
    }
}

impl Transfer {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::VeryLikely => "very likely",
            Self::Likely => "likely",
            Self::Might => "might",
            Self::Unlikely => "unlikely",
            Self::Unknown => "not said",
        }
    }
}

impl KnownHyperparameter {
    /// The names that it goes by, in lower case, letters and digits only: `beta1` for `beta_1`, `Beta1` and `adam_beta1`.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> {
        self.spellings.iter().copied()
    }

    /// The names that count only beside another hyperparameter of the optimizer, such as `eps`.
    pub fn loose_spellings(&self) -> impl Iterator<Item = &'static str> {
        self.loose.iter().copied()
    }

    /// Whether it is a number of the optimizer that is usually tuned: neither the choice of optimizer nor a switch.
    #[must_use]
    pub fn is_of_optimizer(&self) -> bool {
        self.category == HyperparameterCategory::Optimizer && self.role == UsualRole::Nuisance
    }

    /// What it interacts with strongly, if that is `other`.
    #[must_use]
    pub fn interaction(&self, other: &Self) -> Option<&'static Interaction> {
        self.interacts.iter().find(|interaction| match interaction.with {
            Counterpart::Any(category) => other.category == category,
            Counterpart::One(id) => other.id == id,
        })
    }
}

/// All hyperparameters that the registry knows, by category.
pub fn hyperparameters() -> impl Iterator<Item = &'static KnownHyperparameter> {
    [optimizer::ALL, schedule::ALL, regularization::ALL, architecture::ALL, initialization::ALL, data::ALL]
        .into_iter()
        .flatten()
        .copied()
}

/// What entries share unless they say otherwise.
const PLAIN: KnownHyperparameter = KnownHyperparameter {
    id: "",
    called: "",
    category: HyperparameterCategory::Optimizer,
    role: UsualRole::Nuisance,
    why: "",
    interacts: &[],
    transfer: Transfer::Unknown,
    range: None,
    spellings: &[],
    loose: &[],
    around: Around::Parts,
    papers: &[],
    section: sections::ROLES,
};

const fn linear(min: f64, max: f64) -> UsualRange {
    UsualRange { min, max, scale: "Linear" }
}

const fn log(min: f64, max: f64) -> UsualRange {
    UsualRange { min, max, scale: "Log" }
}

const fn reverse_log(min: f64, max: f64) -> UsualRange {
    UsualRange { min, max, scale: "ReverseLog" }
}
