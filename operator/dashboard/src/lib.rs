//! What people look at: one self-contained HTML report of a study (also as data and as text), and the dashboard, which shows studies as they run.
//!
//! Plots are Vega-Lite specifications made by [`studious_playbook::plots`]; Vega
//! draws them. Its scripts are bundled from `web/` by the build script: a report holds its own, the dashboard serves them,
//! and [`Drawer`] runs them where there is no browser.

mod draw;
mod report;
mod serve;

pub use draw::{DrawError, Drawer, Theme, WIDTHS};
pub use report::{ReportError, ReportInput, report, report_data, report_markdown};
pub use serve::{
    Backend, Gate, KubernetesEvent, Refusal, SourceError, StudyKey, StudySource, StudyState, StudySummary, ThisMachine,
    TrialDetail, TrialSummary, records_router, router,
};
