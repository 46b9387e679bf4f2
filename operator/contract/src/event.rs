//! Events: lines with the field `event`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    LineError, TrainerRuntime,
    json::{Fields, string, whole_number},
};

/// Something that happened to a trainer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Parameters were initialised, or restored.
    Init(Init),
    /// A checkpoint was saved.
    Checkpoint {
        /// Training step.
        step: u64,
        /// Fingerprint of what was saved.
        parameters_sha256: Option<String>,
    },
    /// The trainer says that the point can't be trained.
    Infeasible {
        /// Why; empty where it doesn't say.
        reason: String,
    },
    /// The trainer has finished and written everything.
    Done {
        /// The last step.
        step: Option<u64>,
    },
    /// What the trainer runs on.
    Runtime(TrainerRuntime),
    /// An event of a name that this version doesn't know.
    Other {
        /// The name.
        name: String,
    },
}

/// What a host reports of its beginning: compared between hosts before any result counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Init {
    /// Fingerprint of the parameters: equal on all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_sha256: Option<String>,
    /// The seed it initialised with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_seed: Option<u64>,
    /// The seed of its data order: different on all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_seed: Option<u64>,
    /// The step of the checkpoint it continued from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_step: Option<u64>,
}

impl Event {
    /// Reads an event of a name. Fields that it doesn't have are ignored; `null` is as good as no field.
    pub(crate) fn read(name: &str, fields: &Fields) -> Result<Self, LineError> {
        let read = |field: &'static str| Field { event: name, name: field, value: fields.get(field) };
        Ok(match name {
            "init" => Self::Init(Init {
                parameters_sha256: read("parameters_sha256").text()?,
                init_seed: read("init_seed").whole()?,
                data_seed: read("data_seed").whole()?,
                restored_step: read("restored_step").whole()?,
            }),
            "checkpoint" => Self::Checkpoint {
                step: read("step").whole()?.ok_or_else(|| read("step").wrong("a whole number from 0"))?,
                parameters_sha256: read("parameters_sha256").text()?,
            },
            "infeasible" => Self::Infeasible { reason: read("reason").text()?.unwrap_or_default() },
            "runtime" => Self::Runtime(TrainerRuntime::read(fields)),
            "done" => Self::Done { step: read("step").whole()? },
            _ => Self::Other { name: name.to_owned() },
        })
    }
}

/// A field of an event.
struct Field<'a> {
    event: &'a str,
    name: &'static str,
    value: Option<&'a Value>,
}

impl Field<'_> {
    fn whole(&self) -> Result<Option<u64>, LineError> {
        self.value.map(|value| whole_number(value).ok_or_else(|| self.wrong("a whole number from 0"))).transpose()
    }

    fn text(&self) -> Result<Option<String>, LineError> {
        let text = |value: &Value| string(value).map(str::to_owned).ok_or_else(|| self.wrong("a string"));
        self.value.map(text).transpose()
    }

    fn wrong(&self, expected: &'static str) -> LineError {
        let given = self.value.map_or_else(|| "nothing".to_owned(), Value::to_string);
        LineError::EventField { event: self.event.to_owned(), field: self.name, expected, given }
    }
}
