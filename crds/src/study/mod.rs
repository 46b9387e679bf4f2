//! The `Study` resource: one question, its search space, its rounds, its trials.

mod constraints;
mod early_ending;
mod grid;
mod hyperparameter;
mod known;
mod later;
mod parent_values;
mod policy;
mod rounds;
mod running;
mod search;
mod status;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use constraints::{Constraint, ConstraintStatus};
pub use early_ending::{EarlyEnding, EarlyEndingRule};
pub use hyperparameter::{Hyperparameter, Range, Role, Scale, name_of};
pub use later::{Baseline, Phase, ProblemKind, Project};
pub(crate) use parent_values::Overlap;
pub use parent_values::{ParentInterval, ParentValues};
pub use policy::{Policy, ThresholdOverride, Waiver};
pub use rounds::{Advance, Per, Retrain, Round, RoundSource};
pub use running::{
    AcrossTrials, Checkpoint, CheckpointVolume, ClaimReference, Evaluation, Failure, SeedVerification, Seeds,
    TrialTemplate,
};
pub use search::{
    Algorithm, Direction, Grid, Objective, PointsFrom, Schedule, ScheduleFamily, Scientific, Search, Select, StartFrom,
};
pub use status::{BestTrial, FindingSummary, GeneratorStatus, RetrainedBest, StudyPhase, StudyStatus, TrialCounts};

/// What a user asks: a question (`goal`), the space to search, and how to run it.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "studious.dev",
    version = "v1alpha1",
    kind = "Study",
    plural = "studies",
    shortname = "std",
    category = "studious",
    namespaced,
    status = "StudyStatus",
    derive = "PartialEq",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')")
        .message("must be a DNS label that begins with a letter: lower-case letters, digits and '-'").field_path(".metadata.name"),
    validation = Rule::new("self.spec.rounds.all(r, self.metadata.name.size() + r.name.size() <= 49)")
        .message("is too long: it and the name of the longest round may have 49 characters together").field_path(".metadata.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Round", type_ = "string", json_path = ".status.round"),
    printcolumn(name = "Done", type_ = "string", json_path = ".status.done"),
    printcolumn(name = "Infeasible", type_ = "integer", json_path = ".status.trials.infeasible"),
    printcolumn(name = "Best", type_ = "number", format = "double", json_path = ".status.best.objective"),
    printcolumn(name = "Retrained", type_ = "string", json_path = ".status.best.retrained.summary", priority = 1),
    printcolumn(name = "Conclusive", type_ = "string", json_path = ".status.conditions[?(@.type==\"Conclusive\")].status", priority = 1),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.findingsCount", priority = 1),
    printcolumn(name = "Goal", type_ = "string", json_path = ".spec.goal", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
// Which fields conditions and values name is not CEL's to see: their schema has no type. The webhook checks them.
#[x_kube(
    validation = Rule::new("self.rounds.map(r, r.maxTrainSteps).isSorted() && self.rounds.all(r, self.rounds.exists_one(o, o.maxTrainSteps == r.maxTrainSteps))")
        .message("later rounds train longer: maxTrainSteps must increase from round to round").field_path(".rounds"),
    validation = Rule::new("self.rounds.all(r, self.rounds.exists_one(o, o.name == r.name))")
        .message("two rounds have the same name").field_path(".rounds"),
    validation = Rule::new("self.rounds.all(r, !has(r.from) || self.rounds.exists(o, o.name == r.from.round && o.maxTrainSteps < r.maxTrainSteps))")
        .message("from.round must name an earlier round of this study").field_path(".rounds"),
    validation = Rule::new("self.search.algorithm in ['Grid', 'Manual'] || self.rounds.all(r, has(r.trials) || (has(r.from) && has(r.from.best)))")
        .message("give each round trials, or let it take points of an earlier round with from.best").field_path(".rounds"),
    validation = Rule::new("!has(self.schedule) || self.hyperparameters.exists(h, h.name == self.schedule.base)")
        .message("base must name a hyperparameter of this study").field_path(".schedule"),
    validation = Rule::new("self.rounds.all(r, self.evaluation.everySteps <= r.maxTrainSteps)")
        .message("everySteps is more than a round's maxTrainSteps, whose trials would end without an evaluation")
        .field_path(".evaluation"),
    validation = Rule::new("!has(self.schedule) || !has(self.schedule.warmupSteps) || self.rounds.all(r, self.schedule.warmupSteps < r.maxTrainSteps)")
        .message("warmupSteps must be smaller than every round's maxTrainSteps").field_path(".schedule"),
    validation = Rule::new("self.search.scientific != 'Crossed' || self.hyperparameters.all(h, h.role != 'Scientific' || !has(h.range))")
        .message("a Scientific hyperparameter of a Crossed study needs values, not a range").field_path(".hyperparameters"),
    validation = Rule::new("self.hyperparameters == oldSelf.hyperparameters")
        .message("can't change once a study exists: its trials would no longer be comparable. Make a new study")
        .field_path(".hyperparameters"),
    validation = Rule::new("has(self.hyperparameterConstraints) == has(oldSelf.hyperparameterConstraints) && (!has(self.hyperparameterConstraints) || self.hyperparameterConstraints == oldSelf.hyperparameterConstraints)")
        .message("can't change once a study exists: its points would be others. Make a new study")
        .field_path(".hyperparameterConstraints"),
    validation = Rule::new("self.objective == oldSelf.objective")
        .message("can't change once a study exists: its trials would no longer be comparable. Make a new study")
        .field_path(".objective"),
    // Points may be added to a list: which ones, the webhook sees.
    validation = Rule::new("self.search.algorithm == oldSelf.search.algorithm && self.search.scientific == oldSelf.search.scientific && self.search.seed == oldSelf.search.seed")
        .message("can't change once a study exists: its points would be others. Make a new study").field_path(".search"),
    validation = Rule::new("has(self.search.grid) == has(oldSelf.search.grid) && (!has(self.search.grid) || self.search.grid == oldSelf.search.grid) && has(self.search.pointsFrom) == has(oldSelf.search.pointsFrom) && (!has(self.search.pointsFrom) || self.search.pointsFrom == oldSelf.search.pointsFrom) && has(self.search.earlyEnding) == has(oldSelf.search.earlyEnding) && (!has(self.search.earlyEnding) || self.search.earlyEnding == oldSelf.search.earlyEnding)")
        .message("can't change once a study exists: its points would be others. Make a new study").field_path(".search"),
    validation = Rule::new("has(self.schedule) == has(oldSelf.schedule) && (!has(self.schedule) || self.schedule == oldSelf.schedule)")
        .message("can't change once a study exists: its trials would no longer be comparable. Make a new study")
        .field_path(".schedule"),
    validation = Rule::new("has(self.constraints) == has(oldSelf.constraints) && (!has(self.constraints) || self.constraints == oldSelf.constraints)")
        .message("can't change once a study exists: its trials were judged by them. Make a new study")
        .field_path(".constraints"),
    validation = Rule::new("self.seeds == oldSelf.seeds")
        .message("can't change once a study exists: its trials would no longer be comparable. Make a new study")
        .field_path(".seeds"),
    validation = Rule::new("oldSelf.rounds.all(o, self.rounds.exists(r, r.name == o.name && r.maxTrainSteps == o.maxTrainSteps && r.advance == o.advance && has(r.from) == has(o.from) && (!has(r.from) || r.from == o.from) && (!has(r.trials) || (has(o.trials) && r.trials >= o.trials))))")
        .message("rounds and trials can be added to a study, but rounds not changed or removed, nor trials become fewer: they would no longer be comparable")
        .field_path(".rounds"),
)]
pub struct StudySpec {
    /// The question, in a sentence.
    #[schemars(length(min = 1, max = 1024))]
    pub goal: String,
    /// Notes for people who read the study later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// What is measured and which way is better.
    pub objective: Objective,
    /// The search space: every hyperparameter with its role.
    #[schemars(length(min = 1, max = 64))]
    pub hyperparameters: Vec<Hyperparameter>,
    /// Which points are tried: comparisons that hold at each, such as `heads * head_dim <= 1024`, of numbers worked out with
    /// `+ - * / % **`, parentheses and `abs ceil exp floor log log10 log2 max min round sqrt`. One says nothing of a point
    /// without a hyperparameter that it names. No algorithm tries a point at which one doesn't hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 256)))]
    pub hyperparameter_constraints: Vec<String>,
    /// How points are chosen.
    #[serde(default)]
    pub search: Search,
    /// The learning-rate schedule, worked out for each trial. Without it, trainers get none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Stages with increasing step budgets.
    #[schemars(length(min = 1, max = 16))]
    pub rounds: Vec<Round>,
    /// Train the best points again with other seeds once all rounds are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrain: Option<Retrain>,
    /// How many trials may run at once.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10000))]
    pub parallelism: u32,
    /// Seeds are the operator's: trainers receive them.
    #[serde(default)]
    pub seeds: Seeds,
    /// When trainers evaluate.
    pub evaluation: Evaluation,
    /// When trainers save, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// What is retried, what is a result, and when to give up.
    #[serde(default)]
    pub failure: Failure,
    /// Start no further trials while true; those that run continue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The study this one is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The project this study belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// Supervised unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem_kind: Option<ProblemKind>,
    /// Exploration unless said otherwise: whether insight or the best value is sought, which advice goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Bounds on other metrics: a trial that violates one is a result, but not the best trial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub constraints: Vec<Constraint>,
    /// Thresholds, waivers and strictness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// How a trial runs.
    pub trial: TrialTemplate,
}

fn one() -> u32 {
    1
}
