//! What a trial's record holds beside its outcome and curves: its attempts in time with what they executed, and what its
//! hosts reported of how they began and what they saved.

use serde::{Deserialize, Serialize};
use studious_api::trial::{AttemptOutcome, Provenance};

use crate::{
    Millis,
    contract::{Init, TrainerRuntime},
};

/// One try at running a trial, in time. What isn't known is left out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct AttemptSpan {
    /// From 1.
    pub number: u32,
    /// When its processes or its Job were asked for, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Millis>,
    /// When its first host began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// When it ended; nothing while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Millis>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// What it executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub provenance: Option<Provenance>,
}

/// What a host reported of its beginning in an attempt: `{"attempt":1,"host":0,"parameters_sha256":…,"data_seed":…}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HostInit {
    /// From 1.
    pub attempt: u32,
    /// From 0.
    pub host: u32,
    /// Fingerprint, seeds and the step it was restored from.
    #[serde(flatten)]
    pub init: Init,
}

/// What a host reported that it runs on, in an attempt: `{"attempt":1,"host":0,"python":"3.12.3","packages":{"jax":"0.6.0"}}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HostRuntime {
    /// From 1.
    pub attempt: u32,
    /// From 0.
    pub host: u32,
    /// Versions and the kind of device.
    #[serde(flatten)]
    pub runtime: TrainerRuntime,
}

/// A checkpoint that a host said it saved.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct SavedCheckpoint {
    /// From 1.
    pub attempt: u32,
    /// From 0. Only host 0 should save any.
    pub host: u32,
    /// Training step.
    pub step: u64,
    /// Fingerprint of what was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_sha256: Option<String>,
}
