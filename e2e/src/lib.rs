//! Holds tests only: see `tests/e2e`.
