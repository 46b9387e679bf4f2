//! Where measurements and trial records are kept: SQLite.
