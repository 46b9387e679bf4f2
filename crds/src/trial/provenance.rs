//! What an attempt executed, on what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most parts of the code that are recorded: the template and the scripts that its command names.
pub const MAX_CODE: usize = 32;
/// Most image digests of an attempt, and most machines.
pub const MAX_MACHINES: usize = 8;
/// Most devices of an attempt.
pub const MAX_DEVICES: usize = 64;
/// Most words of a command.
pub const MAX_COMMAND: usize = 128;

/// What an attempt executed, and on what machines. A field that is missing is not known, which is not the same as equal.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// SHA-256 of the trainer's command, arguments and environment as the study has them (`spec.trial.template`), and of each
    /// script that the command names, by its path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = MAX_CODE))]
    pub code: BTreeMap<String, String>,
    /// SHA-256 over the files that git tracks in the trainer's working folder, as they were on disk; without the study's own
    /// file and without Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources_sha256: Option<String>,
    /// The commit that was checked out in the trainer's working folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// Whether files that git tracks there differed from that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncommitted_changes: Option<bool>,
    /// SHA-256 of the diff to that commit, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_diff_sha256: Option<String>,
    /// The trainer's image by its digest, as each node pulled it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_MACHINES))]
    pub images: Vec<String>,
    /// The machines or nodes on which its hosts ran: the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_MACHINES))]
    pub machines: Vec<String>,
    /// The accelerators that its hosts had, by the names that `CUDA_VISIBLE_DEVICES` has for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_DEVICES))]
    pub devices: Vec<String>,
    /// The command of host 0 with its arguments, variables replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_COMMAND))]
    pub command: Vec<String>,
}

impl Provenance {
    /// Nothing where nothing is known.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}
