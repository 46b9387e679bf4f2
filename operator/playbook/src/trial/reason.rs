//! Why a trial ended as it did, in a word.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Why a trial ended as it did. Reasons of other versions and of other tools are kept as they are.
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// A word that this version doesn't know.
            Other(String),
        }

        impl Reason {
            /// The word, as status, exports and Events have it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for Reason {
            fn from(word: &str) -> Self {
                match word {
                    $(stringify!($name) => Self::$name,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

reasons! {
    /// Infeasible: the objective or the training loss was not finite.
    Diverged,
    /// Infeasible: a host ran out of memory.
    OutOfMemory,
    /// Infeasible: the trainer reported it.
    TrainerReported,
    /// Infeasible: an exit code that `failure.infeasibleExitCodes` lists.
    InfeasibleExitCode,
    /// Infeasible by value: the objective is far worse than that of its fellows.
    FarWorse,
    /// Infeasible by value: the trial has learned nothing, or hardly anything.
    ChanceLevel,
    /// Infeasible or stopped elsewhere: a table that was imported says so.
    Reported,
    /// Failed: the trainer left with an exit code.
    TrainerError,
    /// Failed: an attempt took longer than `trial.timeoutSeconds`.
    DeadlineExceeded,
    /// Failed: the trainer ended without a value of the objective.
    NoObjective,
    /// Failed: evaluations before a checkpoint from which it continued were lost.
    EvaluationsLost,
    /// Failed: seeds or fingerprints contradict the operator's.
    SeedMismatch,
    /// Failed: seeds had to be reported and were not.
    SeedUnreported,
    /// Failed: the trainer's image cannot be pulled.
    ImageUnavailable,
    /// Failed: the trainer can't be started as the template has it.
    CannotStart,
    /// Failed: it waited for another attempt when the study gave up, whose first trials all failed alike before a line.
    CommonFailure,
    /// Failed: attempts were lost too often.
    DisruptedTooOften,
    /// Stopped: `search.earlyEnding` by the median rule.
    MedianRule,
    /// Stopped: `search.earlyEnding` by successive halving.
    SuccessiveHalving,
    /// Stopped by a rule of another tool: a table that was imported says so.
    Pruned,
    /// Stopped by anything else.
    Stopped,
    /// Waits: an attempt was lost.
    Disrupted,
    /// Waits: an attempt failed.
    AttemptFailed,
}

impl Reason {
    /// Whether no reason is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// Whether the trial was trained, and its objective is hopeless.
    #[must_use]
    pub fn is_by_value(&self) -> bool {
        matches!(self, Self::FarWorse | Self::ChanceLevel)
    }

    /// Whether a rule ended the trial early, of `search.earlyEnding` or of the tool that it was imported from: how it would
    /// have ended is not known.
    #[must_use]
    pub fn is_early_ending(&self) -> bool {
        matches!(self, Self::MedianRule | Self::SuccessiveHalving | Self::Pruned)
    }
}

impl From<String> for Reason {
    fn from(word: String) -> Self {
        match Self::from(word.as_str()) {
            Self::Other(_) => Self::Other(word),
            known => known,
        }
    }
}

impl FromStr for Reason {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(word))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Default for Reason {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for word in ["Diverged", "SuccessiveHalving", "DisruptedTooOften", "SomethingElse", ""] {
            assert_eq!(Reason::from(word).as_str(), word);
            assert_eq!(Reason::from(word.to_owned()), Reason::from(word));
        }
        assert!(matches!(Reason::from("Diverged"), Reason::Diverged));
        assert!(matches!(Reason::from("diverged"), Reason::Other(_)));
    }
}
