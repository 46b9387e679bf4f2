//! The science of a study: points, rounds, decisions, findings, plots. Pure: no I/O, no clock.
