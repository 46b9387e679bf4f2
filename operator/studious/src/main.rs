//! The `studious` command.
fn main() {}
