//! A number that rules, advice and plots rest on.

/// A rule of thumb: a number with a name, which a study can override in `spec.policy.thresholds` with a reason
/// (requirement R-007).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Its name in `spec.policy.thresholds`.
    pub name: &'static str,
    /// The value unless a study sets another.
    pub default: f64,
    /// The smallest value that makes sense.
    pub least: f64,
    /// The largest value that makes sense.
    pub most: f64,
    /// What it counts or measures.
    pub unit: Unit,
    /// Who chose the default.
    pub source: Source,
    /// The section of the playbook whose rule it is part of.
    pub section: &'static str,
    /// What it means, as a noun phrase.
    pub meaning: &'static str,
}

/// What a threshold counts or measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// A whole number of things, such as trials.
    Count,
    /// A share of a whole.
    Share,
    /// A probability: the level of a test.
    Probability,
    /// A ratio of two numbers of one kind.
    Ratio,
    /// Standard deviations or standard errors.
    Deviations,
}

/// Who chose a threshold's default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The playbook gives this number.
    Playbook,
    /// The playbook gives none.
    Ours,
}

impl Threshold {
    /// Whether only whole numbers make sense.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.unit, Unit::Count)
    }
}

impl Unit {
    /// In a word, for tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Share => "share",
            Self::Probability => "probability",
            Self::Ratio => "ratio",
            Self::Deviations => "standard deviations",
        }
    }
}

impl Source {
    /// In a word, for tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Playbook => "playbook",
            Self::Ours => "ours",
        }
    }
}

/// Defines thresholds, a constant each, and `ALL`, the list of them: none can be defined without being listed.
macro_rules! thresholds {
    ($($section:ident {$(
        $constant:ident: $name:ident = $default:expr, $least:literal..=$most:literal, $unit:ident, $source:ident, $meaning:literal;
    )*})*) => {
        $($(
            #[doc = concat!("`", stringify!($name), "`: ", $meaning, ".")]
            pub const $constant: $crate::Threshold = $crate::Threshold {
                name: stringify!($name),
                default: $default,
                least: $least,
                most: $most,
                unit: $crate::Unit::$unit,
                source: $crate::Source::$source,
                section: $crate::sections::$section,
                meaning: $meaning,
            };
        )*)*
        /// All of them.
        pub const ALL: &[&$crate::Threshold] = &[$($(&$constant),*),*];
    };
}
pub(crate) use thresholds;
