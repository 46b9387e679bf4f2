//! The change to a study that a finding suggests: a typed edit, which can be applied, and how it reads.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use studious_api::{
    HyperparameterValue, StudySpec,
    study::{Algorithm, Direction, Hyperparameter, Range, Retrain, Role, Scale, Schedule, ScheduleFamily, Scientific},
};

use super::{reading::Reading, widen::json as number};

/// One edit of a study: for the next study, since the space of one that exists can't change.
///
/// It is written as `{"path", "from", "to"}`. An edit of several fields has the path `spec`, and objects that hold the
/// fields by their paths below it.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Change {
    /// Where: `spec.hyperparameters[1].range.max`.
    pub path: String,
    /// The value there now; `null` when there is none.
    #[cfg_attr(feature = "typescript", ts(type = "unknown"))]
    pub from: Value,
    /// The value that should be there; `null` when it should go.
    #[cfg_attr(feature = "typescript", ts(type = "unknown"))]
    pub to: Value,
    /// The edit itself.
    #[serde(skip)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub edit: Edit,
}

/// What an edit sets. Hyperparameters and rounds are counted from 0, in the order of the study.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// One boundary of a range.
    Boundary {
        /// The hyperparameter with the range.
        hyperparameter: usize,
        /// Whether it is `max`; else `min`.
        upper: bool,
        /// The new boundary.
        to: f64,
    },
    /// The scale of a range.
    Scale {
        /// The hyperparameter with the range.
        hyperparameter: usize,
        /// The new scale.
        to: Scale,
    },
    /// The values of a list.
    Values {
        /// The hyperparameter with the list.
        hyperparameter: usize,
        /// The new list.
        to: Vec<HyperparameterValue>,
    },
    /// The value at which a hyperparameter is held.
    Value {
        /// The hyperparameter that is held.
        hyperparameter: usize,
        /// The new value.
        to: HyperparameterValue,
    },
    /// Tunes a hyperparameter that was held, as a nuisance.
    Tune {
        /// The hyperparameter that was held.
        hyperparameter: usize,
        /// Where it is searched.
        range: Range,
    },
    /// Holds a hyperparameter that was searched.
    Hold {
        /// The hyperparameter that was searched.
        hyperparameter: usize,
        /// The value at which it is held.
        at: HyperparameterValue,
        /// Why it isn't tuned, if that can be said.
        because: Option<String>,
    },
    /// What a hyperparameter is to the question.
    Role {
        /// The hyperparameter.
        hyperparameter: usize,
        /// Its new role.
        to: Role,
    },
    /// The number of trials of a round.
    Trials {
        /// The round.
        round: usize,
        /// The new number.
        to: u32,
    },
    /// The step budget of a round.
    MaxTrainSteps {
        /// The round.
        round: usize,
        /// The new budget, in steps.
        to: u64,
    },
    /// Warmup that is added to training, not taken from it: the steps of every round grow with it.
    PrependWarmup {
        /// The schedule with its warmup.
        schedule: Schedule,
        /// The new step budget of every round.
        max_train_steps: Vec<u64>,
    },
    /// The whole schedule.
    Schedule(Schedule),
    /// The shape of the schedule's decay.
    ScheduleFamily(ScheduleFamily),
    /// How many trials run at once.
    Parallelism(u32),
    /// How points are chosen.
    Algorithm(Algorithm),
    /// How scientific hyperparameters share the trials.
    Scientific(Scientific),
    /// Which way the objective is better.
    Direction(Direction),
    /// No trial is ended early any more.
    RunToEnd,
    /// Steps between evaluations.
    EvaluationInterval(u64),
    /// Steps between checkpoints.
    CheckpointInterval(u64),
    /// Trains the best points again.
    Retrain(Retrain),
}

impl Edit {
    /// The fields that it sets, below `spec`.
    pub(super) fn fields(&self) -> Vec<String> {
        let of_hyperparameter = |i: &usize, field: &str| vec![format!("hyperparameters[{i}]{field}")];
        match self {
            Self::Boundary { hyperparameter, upper, .. } => {
                of_hyperparameter(hyperparameter, if *upper { ".range.max" } else { ".range.min" })
            }
            Self::Scale { hyperparameter, .. } => of_hyperparameter(hyperparameter, ".range.scale"),
            Self::Values { hyperparameter, .. } => of_hyperparameter(hyperparameter, ".values"),
            Self::Value { hyperparameter, .. } => of_hyperparameter(hyperparameter, ".value"),
            Self::Tune { hyperparameter, .. } | Self::Hold { hyperparameter, .. } => {
                of_hyperparameter(hyperparameter, "")
            }
            Self::Role { hyperparameter, .. } => of_hyperparameter(hyperparameter, ".role"),
            Self::Trials { round, .. } => vec![format!("rounds[{round}].trials")],
            Self::MaxTrainSteps { round, .. } => vec![format!("rounds[{round}].maxTrainSteps")],
            Self::PrependWarmup { max_train_steps, .. } => {
                let rounds = (0..max_train_steps.len()).map(|i| format!("rounds[{i}].maxTrainSteps"));
                std::iter::once("schedule".to_owned()).chain(rounds).collect()
            }
            Self::Schedule(_) => vec!["schedule".to_owned()],
            Self::ScheduleFamily(_) => vec!["schedule.family".to_owned()],
            Self::Parallelism(_) => vec!["parallelism".to_owned()],
            Self::Algorithm(_) => vec!["search.algorithm".to_owned()],
            Self::Scientific(_) => vec!["search.scientific".to_owned()],
            Self::Direction(_) => vec!["objective.direction".to_owned()],
            Self::RunToEnd => vec!["search.earlyEnding".to_owned()],
            Self::EvaluationInterval(_) => vec!["evaluation.everySteps".to_owned()],
            Self::CheckpointInterval(_) => vec!["checkpoint.everySteps".to_owned()],
            Self::Retrain(_) => vec!["retrain".to_owned()],
        }
    }

    /// The study with this edit. One that lacks what is edited stays as it is.
    #[must_use]
    pub fn applied(&self, spec: &StudySpec) -> StudySpec {
        let mut spec = spec.clone();
        match self {
            Self::Boundary { hyperparameter, .. }
            | Self::Scale { hyperparameter, .. }
            | Self::Values { hyperparameter, .. }
            | Self::Value { hyperparameter, .. }
            | Self::Tune { hyperparameter, .. }
            | Self::Hold { hyperparameter, .. }
            | Self::Role { hyperparameter, .. } => {
                if let Some(h) = spec.hyperparameters.get_mut(*hyperparameter) {
                    self.apply_to_hyperparameter(h);
                }
            }
            Self::Trials { round, to } => {
                if let Some(round) = spec.rounds.get_mut(*round) {
                    round.trials = Some(*to);
                }
            }
            Self::MaxTrainSteps { round, to } => {
                if let Some(round) = spec.rounds.get_mut(*round) {
                    round.max_train_steps = *to;
                }
            }
            Self::PrependWarmup { schedule, max_train_steps } => {
                spec.schedule = Some(schedule.clone());
                for (round, to) in spec.rounds.iter_mut().zip(max_train_steps) {
                    round.max_train_steps = *to;
                }
            }
            Self::Schedule(to) => spec.schedule = Some(to.clone()),
            Self::ScheduleFamily(to) => {
                if let Some(schedule) = &mut spec.schedule {
                    schedule.family = *to;
                }
            }
            Self::Parallelism(to) => spec.parallelism = *to,
            Self::Algorithm(to) => spec.search.algorithm = *to,
            Self::Scientific(to) => spec.search.scientific = *to,
            Self::Direction(to) => spec.objective.direction = *to,
            Self::RunToEnd => spec.search.early_ending = None,
            Self::EvaluationInterval(to) => spec.evaluation.every_steps = *to,
            Self::CheckpointInterval(to) => {
                if let Some(checkpoint) = &mut spec.checkpoint {
                    checkpoint.every_steps = *to;
                }
            }
            Self::Retrain(to) => spec.retrain = Some(to.clone()),
        }
        spec
    }

    /// What it changes of a hyperparameter.
    fn apply_to_hyperparameter(&self, h: &mut Hyperparameter) {
        match self {
            Self::Boundary { upper, to, .. } => {
                if let Some(range) = &mut h.range {
                    *(if *upper { &mut range.max } else { &mut range.min }) = *to;
                }
            }
            Self::Scale { to, .. } => {
                if let Some(range) = &mut h.range {
                    range.scale = *to;
                }
            }
            Self::Values { to, .. } => h.values = Some(to.clone()),
            Self::Value { to, .. } => h.value = Some(to.clone()),
            Self::Tune { range, .. } => {
                (h.role, h.value, h.fixed_because) = (Role::Nuisance, None, None);
                h.range = Some(range.clone());
            }
            Self::Hold { at, because, .. } => {
                (h.role, h.range, h.values, h.value) = (Role::Fixed, None, None, Some(at.clone()));
                h.fixed_because = because.clone().or(h.fixed_because.take());
            }
            Self::Role { to, .. } => h.role = *to,
            _ => {}
        }
    }
}

impl Change {
    /// The change that an edit makes to a study, if it makes any. What it reads as is what the study says before and after.
    pub(crate) fn of(spec: &StudySpec, edit: Edit) -> Option<Self> {
        let (before, after) = (json!(spec), json!(edit.applied(spec)));
        let fields = edit.fields();
        let (path, from, to) = if let [field] = &fields[..] {
            (format!("spec.{field}"), at(&before, field), at(&after, field))
        } else {
            let all = |spec: &Value| -> Value {
                let of = fields.iter().map(|field| (field.clone(), at(spec, field)));
                Value::Object(of.collect::<Map<_, _>>())
            };
            ("spec".to_owned(), all(&before), all(&after))
        };
        (from != to).then_some(Self { path, from, to, edit })
    }

    /// Whether both edits set a field, or one a part of what the other sets.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.edit.fields(), other.edit.fields());
        let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        ours.iter().any(|a| theirs.iter().any(|b| within(a, b) || within(b, a)))
    }
}

/// The value of a field such as `rounds[0].trials`; whole numbers without a point.
fn at(spec: &Value, field: &str) -> Value {
    let pointer = format!("/{}", field.replace('[', "/").replace(']', "").replace('.', "/"));
    spec.pointer(&pointer).map_or(Value::Null, plain)
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => number(n.as_f64().unwrap_or(f64::NAN)),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        other => other.clone(),
    }
}

impl fmt::Display for Change {
    /// `spec.rounds[0].trials: 30 → 60`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = |value: &Value, word: &str| if value.is_null() { word.to_owned() } else { value.to_string() };
        write!(f, "{}: {} → {}", self.path, nothing(&self.from, "(nothing)"), nothing(&self.to, "(remove)"))
    }
}

impl Reading<'_> {
    /// The change that an edit makes to this study, if it makes any.
    pub(super) fn change(&self, edit: Edit) -> Option<Change> {
        Change::of(self.plan.spec(), edit)
    }

    /// The position of a hyperparameter of this study.
    pub(super) fn index(&self, hyperparameter: &Hyperparameter) -> usize {
        let all = &self.plan.spec().hyperparameters;
        all.iter().position(|h| std::ptr::eq(h, hyperparameter)).unwrap_or(all.len())
    }

    /// The position of a round of this study.
    pub(super) fn round_index(&self, round: &str) -> usize {
        let all = &self.plan.spec().rounds;
        all.iter().position(|r| r.name == round).unwrap_or(all.len())
    }
}
