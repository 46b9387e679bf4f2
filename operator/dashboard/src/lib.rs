//! What people look at: one self-contained HTML report of a study, and the dashboard, which shows studies as they run.
//!
//! Pictures are Vega-Lite specifications made by [`studious_playbook::plots`]; this crate draws nothing itself. The
//! scripts that draw them are bundled from `web/` by the build script; a report holds its own, the dashboard serves them.

mod folders;
mod report;
mod serve;

pub use folders::Folders;
pub use report::{ReportError, ReportInput, report};
pub use serve::{
    Counts, Fleet, Gate, Happening, Refusal, Source, SourceError, Standing, StudyHead, StudyKey, ThisMachine,
    TrialDetail, TrialHead, router,
};
