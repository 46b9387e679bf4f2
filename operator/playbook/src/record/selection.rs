//! Which curves of a trial are read: a trainer may report hundreds of metrics, and conclusions are drawn from a dozen.

use crate::contract::JudgedMetrics;

/// The metrics whose curves are read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CurveMetrics {
    /// All that the trainer reported.
    #[default]
    All,
    /// Those that findings and the plots of every study are drawn from, see [`JudgedMetrics::is_concluded_from`]. What they
    /// show is the same as with all.
    Concluded,
}

/// Which curves of a trial are read, and how much of each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CurveSelection {
    /// Of which metrics.
    pub metrics: CurveMetrics,
    /// Points of a curve at most; nothing: all.
    pub max_points: Option<usize>,
}

impl CurveSelection {
    /// Everything that was measured.
    pub const WHOLE: Self = Self { metrics: CurveMetrics::All, max_points: None };

    /// What conclusions are drawn from, with curves of at most so many points.
    #[must_use]
    pub fn concluded(max_points: Option<usize>) -> Self {
        Self { metrics: CurveMetrics::Concluded, max_points }
    }

    /// All metrics, with curves of at most so many points.
    #[must_use]
    pub fn all(max_points: Option<usize>) -> Self {
        Self { metrics: CurveMetrics::All, max_points }
    }

    /// Whether the curve of a metric is read.
    #[must_use]
    pub fn has(&self, metric: &str, judged: &JudgedMetrics) -> bool {
        self.metrics == CurveMetrics::All || judged.is_concluded_from(metric)
    }
}
