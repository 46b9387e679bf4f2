//! YAML as it is written and, where no line is to be pointed at, read. (Study files are read by [`document`](crate::document), which
//! keeps positions.)
//!
//! The one place that names the library: `serde_yaml` is archived by its author. It is kept since users asked for it and it
//! has no known fault; what would replace it is decided here.

pub use serde_yaml::{Error, Mapping, Value, from_str, to_string, to_value};
