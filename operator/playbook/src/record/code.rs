//! What a trial executed, in parts of which two can be compared. Both backends and the finding `CodeChanged` compare by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use sha2::{Digest as _, Sha256};
use studious_api::{TrialSpec, trial::Provenance};

use super::{HostRuntime, TrialRecord};

/// The key of the template's digest among those of scripts.
const TEMPLATE: &str = "spec.trial.template";
/// What a diff is that is not there.
const NO_DIFF: &str = "none";

/// A part of what a trial executed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CodePart {
    /// The trainer's image, by the digest that its registry has for it.
    Image,
    /// The trainer's image, by the digest of a node that was given it by hand. It is another number than the registry's.
    LoadedImage,
    /// Command, arguments and environment of the trainer's container, as the study has them.
    Template,
    /// A script that the command names.
    Script(String),
    /// The files that git tracks.
    Sources,
    /// The commit, where the files themselves are not known.
    Commit,
    /// The diff to the commit, likewise.
    Diff,
    /// The version of Python.
    Python,
    /// The version of a package.
    Package(String),
}

/// The values of each part that is known: one, unless attempts or hosts of a trial executed different code.
pub type CodeParts = BTreeMap<CodePart, BTreeSet<String>>;

impl fmt::Display for CodePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image | Self::LoadedImage => f.write_str("the image"),
            Self::Template => f.write_str(TEMPLATE),
            Self::Script(path) => f.write_str(path),
            Self::Sources => f.write_str("the files in git"),
            Self::Commit => f.write_str("the git commit"),
            Self::Diff => f.write_str("the uncommitted changes"),
            Self::Python => f.write_str("Python"),
            Self::Package(name) => f.write_str(name),
        }
    }
}

/// SHA-256 of the template's command, arguments and environment, with the key that [`Provenance::code`] has for it. Nothing of
/// a template without a container.
#[must_use]
pub fn template_code(spec: &TrialSpec) -> Option<(String, String)> {
    let container = spec.template.spec.as_ref()?.containers.first()?;
    let text = serde_json::json!({ "command": container.command, "args": container.args, "env": container.env });
    Some((TEMPLATE.to_owned(), hex(Sha256::digest(text.to_string()))))
}

/// A digest as text.
#[must_use]
pub fn hex(digest: impl AsRef<[u8]>) -> String {
    use fmt::Write as _;
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The parts that are known of an attempt.
#[must_use]
pub fn code_parts(provenance: &Provenance) -> CodeParts {
    let mut parts = CodeParts::new();
    let mut add = |part, value: &str| {
        parts.entry(part).or_default().insert(value.to_owned());
    };
    for image in &provenance.images {
        match image.rsplit_once('@') {
            Some((_, digest)) => add(CodePart::Image, digest),
            None => add(CodePart::LoadedImage, image),
        }
    }
    for (name, digest) in &provenance.code {
        let part = if name == TEMPLATE { CodePart::Template } else { CodePart::Script(name.clone()) };
        add(part, digest);
    }
    // A commit of the same files is the same code, and so are changes that were committed since.
    if let Some(sources) = &provenance.sources_sha256 {
        add(CodePart::Sources, sources);
    } else {
        if let Some(commit) = &provenance.git_commit {
            add(CodePart::Commit, commit);
        }
        match (provenance.uncommitted_changes, &provenance.git_diff_sha256) {
            (Some(true), Some(diff)) => add(CodePart::Diff, diff),
            (Some(false), _) => add(CodePart::Diff, NO_DIFF),
            _ => {}
        }
    }
    parts
}

/// The parts in which two attempts differ, of those that are known of both.
#[must_use]
pub fn code_differences(one: &Provenance, other: &Provenance) -> Vec<CodePart> {
    let (one, other) = (code_parts(one), code_parts(other));
    one.into_iter()
        .filter(|(part, values)| other.get(part).is_some_and(|o| o != values))
        .map(|(part, _)| part)
        .collect()
}

impl TrialRecord {
    /// The parts that are known of what its result came of: of its last attempt, and of those before it whose checkpoints
    /// were restored.
    #[must_use]
    pub fn code(&self) -> CodeParts {
        let mut parts = CodeParts::new();
        for attempt in self.attempts.iter().rev() {
            for (part, values) in attempt.provenance.iter().flat_map(code_parts) {
                parts.entry(part).or_default().extend(values);
            }
            for HostRuntime { runtime, .. } in self.runtimes.iter().filter(|known| known.attempt == attempt.number) {
                if let Some(version) = &runtime.python {
                    parts.entry(CodePart::Python).or_default().insert(version.clone());
                }
                for (name, version) in &runtime.packages {
                    parts.entry(CodePart::Package(name.clone())).or_default().insert(version.clone());
                }
            }
            let mut inits = self.inits.iter().filter(|init| init.attempt == attempt.number);
            if !inits.any(|init| init.init.restored_step.is_some_and(|step| step > 0)) {
                break;
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(json: &str) -> Provenance {
        serde_json::from_str(json).unwrap()
    }

    fn differ(one: &str, other: &str) -> Vec<String> {
        let (one, other) = (provenance(one), provenance(other));
        assert_eq!(code_differences(&one, &other), code_differences(&other, &one));
        code_differences(&one, &other).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_not_known_of_both_differs_in_nothing() {
        let known = r#"{"code":{"spec.trial.template":"a","train.py":"b"},"gitCommit":"c","uncommittedChanges":false,"images":["x@sha256:1"]}"#;
        assert_eq!(differ(known, "{}"), [""; 0]);
        assert_eq!(
            differ(known, r#"{"code":{"spec.trial.template":"a","other.py":"z"},"uncommittedChanges":true}"#),
            [""; 0]
        );
        assert_eq!(
            differ(
                known,
                r#"{"code":{"spec.trial.template":"z","train.py":"z"},"gitCommit":"z","images":["y@sha256:2"]}"#
            ),
            ["the image", "spec.trial.template", "train.py", "the git commit"]
        );
        assert_eq!(
            differ(known, r#"{"gitCommit":"c","uncommittedChanges":true,"gitDiffSha256":"d"}"#),
            ["the uncommitted changes"]
        );
    }

    /// Machines and devices are no code; a mirror of a registry and a digest of another kind are no other image.
    #[test]
    fn the_same_code_elsewhere_is_the_same() {
        let here = r#"{"images":["registry/t@sha256:1"],"machines":["a"],"devices":["0"],"command":["x"]}"#;
        assert_eq!(
            differ(here, r#"{"images":["mirror/t@sha256:1"],"machines":["b"],"devices":["1"],"command":["y"]}"#),
            [""; 0]
        );
        assert_eq!(differ(here, r#"{"images":["sha256:2"]}"#), [""; 0]);
        // Changes are committed, or only other files are.
        assert_eq!(
            differ(
                r#"{"sourcesSha256":"s","gitCommit":"a","uncommittedChanges":true,"gitDiffSha256":"d"}"#,
                r#"{"sourcesSha256":"s","gitCommit":"b","uncommittedChanges":false}"#
            ),
            [""; 0]
        );
        assert_eq!(
            differ(r#"{"sourcesSha256":"s","gitCommit":"a"}"#, r#"{"sourcesSha256":"t","gitCommit":"a"}"#),
            ["the files in git"]
        );
    }

    #[test]
    fn attempts_count_whose_checkpoints_were_restored() {
        let trial = |inits: &str| -> TrialRecord {
            let attempts =
                r#"[{"number":1,"provenance":{"gitCommit":"a"}},{"number":2,"provenance":{"gitCommit":"b"}}]"#;
            serde_json::from_str(&format!(
                r#"{{"hyperparameters":{{}},"objective":1,"attempts":{attempts},"inits":{inits}}}"#
            ))
            .unwrap()
        };
        let commits =
            |inits: &str| trial(inits).code().remove(&CodePart::Commit).unwrap().into_iter().collect::<Vec<_>>();
        assert_eq!(commits("[]"), ["b"]);
        assert_eq!(commits(r#"[{"attempt":2,"host":0,"restored_step":0}]"#), ["b"]);
        assert_eq!(commits(r#"[{"attempt":2,"host":0,"restored_step":100}]"#), ["a", "b"]);
    }
}
