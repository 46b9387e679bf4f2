//! The words of `POST /v1/measurements`, by which an agent passes lines on to the operator.
//!
//! The operator knows namespace, trial and pod from the bearer token, and checks attempt and host against them. Any
//! status but 200 means that nothing was taken. 409 with a [`PushAnswer`] says from which line to send.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Where measurements go.
pub const PUSH_PATH: &str = "/v1/measurements";
/// Most lines of one push.
pub const BATCH_LINES: usize = 1000;
/// Bytes at which a push is full, as its lines are written in JSON. One line may go beyond.
pub const BATCH_BYTES: usize = 1024 * 1024;
/// Largest body that the operator reads, in bytes.
pub const MAX_PUSH_BYTES: usize = 2 * BATCH_BYTES;

/// Lines of one host of one attempt. Without lines it asks where to continue.
///
/// Fields that a later version adds are ignored, and `lines` and `drained` may be left out: agents of running trials
/// outlive an upgrade of the operator.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PushRequest<'a> {
    /// From 1.
    pub attempt: u32,
    /// From 0.
    pub host: u32,
    /// Number of the first line, from 0.
    pub first_line: u64,
    /// Lines without their breaks.
    #[serde(default)]
    pub lines: Cow<'a, [String]>,
    /// Whether these are the last: the trainer has ended.
    #[serde(default)]
    pub drained: bool,
}

/// What the operator answers with 200 and 409.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PushAnswer {
    /// The line that is wanted next, from 0: all before it are acknowledged.
    pub next_line: u64,
    /// Whether the kubelet says that this host's trainer has ended, so that nothing is written any more. An operator that
    /// leaves it out doesn't know.
    #[serde(default)]
    pub trainer_ended: bool,
}

/// How many bytes a line takes in a JSON array.
#[must_use]
pub fn json_bytes(line: &str) -> usize {
    3 + line.bytes().map(escaped_bytes).sum::<usize>()
}

fn escaped_bytes(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_LINE_BYTES;

    #[test]
    fn the_words_of_the_request() {
        let lines = vec!["{\"step\":1}".to_owned()];
        let request = PushRequest { attempt: 1, host: 0, first_line: 7, lines: Cow::Borrowed(&lines), drained: false };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(json, r#"{"attempt":1,"host":0,"firstLine":7,"lines":["{\"step\":1}"],"drained":false}"#);
        assert_eq!(serde_json::from_str::<PushRequest<'_>>(&json).unwrap(), request);
        let later = r#"{"attempt":1,"host":0,"firstLine":7,"compressed":false}"#;
        assert!(serde_json::from_str::<PushRequest<'_>>(later).unwrap().lines.is_empty());
    }

    #[test]
    fn the_largest_push_fits_into_what_the_operator_reads() {
        let line = "\u{1}".repeat(MAX_LINE_BYTES + 1);
        assert!(BATCH_BYTES + json_bytes(&line) + 200 <= MAX_PUSH_BYTES);
    }
}
