//! The Kubernetes API of Studious: [`Study`] and [`Trial`], what makes them valid, and their CRDs.
//!
//! One definition of every rule: [`validate`] says what is wrong with a study and how to fix it, and serves the
//! validating webhook, the controller and `studious validate` alike; what CEL can say about it is repeated in the CRD so
//! that the API server refuses it without asking anybody. [`document`] reads a `study.yaml` and points at lines.
//!
//! No client and no I/O: this crate can be used by anything that reads or writes studies.

pub mod crd;
pub mod document;
pub mod expansion;
pub mod expression;
mod pod_template;
pub mod reference;
pub mod reserved;
mod schema;
pub mod spelling;
pub mod study;
pub mod trial;
pub mod validate;
mod value;
pub mod yaml;

pub use pod_template::{TRAINER_GRACE_SECONDS, trainer_grace};
pub use study::{Study, StudySpec, StudyStatus};
pub use trial::{Trial, TrialSpec, TrialStatus};
pub use value::{HyperparameterValue, Hyperparameters};

/// API group of both resources.
pub const GROUP: &str = "studious.dev";
/// The served and stored version.
pub const VERSION: &str = "v1alpha1";

/// Labels on Studies, Trials, Jobs and Pods.
pub mod labels {
    /// Name of the Study.
    pub const STUDY: &str = "studious.dev/study";
    /// Name of the round.
    pub const ROUND: &str = "studious.dev/round";
    /// Name of the Trial.
    pub const TRIAL: &str = "studious.dev/trial";
    /// Number of the attempt, from 1.
    pub const ATTEMPT: &str = "studious.dev/attempt";
    /// Name of the study for which this one tries a point by hand.
    pub const TRY_OF: &str = "studious.dev/try-of";
    /// Annotation on pods which holds `trial.json`, less what differs by host.
    pub const TRIAL_JSON: &str = "studious.dev/trial";
    /// Annotation on a Study which holds the points that were taken of the study that `search.pointsFrom` names.
    pub const POINTS: &str = "studious.dev/points";
    /// Annotation on a Study: with `"true"`, what its trials execute may change though trials have ended.
    pub const ALLOW_CHANGES: &str = "studious.dev/allow-changes";
}
