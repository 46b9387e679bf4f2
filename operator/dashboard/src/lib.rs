//! What people look at: one self-contained HTML report of a study, without any network access.
//!
//! Pictures are Vega-Lite specifications made by [`studious_playbook::plots`]; this crate draws nothing itself. The
//! scripts that draw them are bundled from `web/` by the build script and stand inside the page.

mod report;

pub use report::{ReportError, ReportInput, report};
