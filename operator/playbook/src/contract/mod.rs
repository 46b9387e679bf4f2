//! The trainer contract: `trial.json` in, `metrics.jsonl` out, `HP_<NAME>` in the environment.

mod environment;
mod line;
mod trial_json;

pub use environment::{environment_name, hyperparameter_environment};
pub use line::{Event, Init, Line, LineError, MAX_LINE_BYTES, MAX_METRICS_PER_LINE, Measurements};
pub use trial_json::{COORDINATOR_PORT, TrialJsonError, for_host, shared};
