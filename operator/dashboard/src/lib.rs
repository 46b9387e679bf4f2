//! What people look at: one self-contained HTML report.
