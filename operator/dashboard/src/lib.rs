//! What people look at: one self-contained HTML report of a study (also as data and as text), and the dashboard, which shows studies as they run.
//!
//! Pictures are Vega-Lite specifications made by [`studious_playbook::plots`]; Vega
//! draws them. Its scripts are bundled from `web/` by the build script: a report holds its own, the dashboard serves them,
//! and [`Drawer`] runs them where there is no browser.

mod draw;
mod folders;
mod report;
mod serve;

pub use draw::{DrawError, Drawer, Theme, WIDTHS};
pub use folders::Folders;
pub use report::{ReportError, ReportInput, report, report_data, report_markdown};
pub use serve::{
    Counts, Fleet, Gate, Happening, Refusal, Source, SourceError, Standing, StudyHead, StudyKey, ThisMachine,
    TrialDetail, TrialHead, records_router, router,
};
