//! TensorBoard's protocol buffers, as far as scalars and hyperparameters go. Field numbers are those of `event.proto`,
//! `summary.proto`, `tensor.proto` and the HParams plugin's `plugin_data.proto` and `hparams.proto`.

use std::collections::BTreeMap;

use prost::Message;

/// One event of a file.
#[derive(Clone, Message, PartialEq)]
pub(super) struct EventRecord {
    /// Seconds since the epoch.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<SummaryValue>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct SummaryValue {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(float, optional, tag = "2")]
    pub simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    pub tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<Metadata>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct Tensor {
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
    #[prost(bytes = "vec", tag = "4")]
    pub content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub float_val: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub double_val: Vec<f64>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub dim: Vec<Dim>,
}

#[derive(Clone, Copy, Message, PartialEq)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub size: i64,
}

const DT_FLOAT: i32 = 1;
const DT_DOUBLE: i32 = 2;

impl Tensor {
    /// Its value, if it is one number.
    pub(super) fn scalar(&self) -> Option<f64> {
        if self.shape.as_ref().is_some_and(|shape| shape.dim.iter().any(|dim| dim.size != 1)) {
            return None;
        }
        match self.dtype {
            DT_FLOAT => match (self.float_val.as_slice(), self.content.as_slice()) {
                ([x], _) => Some(widened(*x)),
                ([], content) => Some(widened(f32::from_le_bytes(content.try_into().ok()?))),
                _ => None,
            },
            DT_DOUBLE => match (self.double_val.as_slice(), self.content.as_slice()) {
                ([x], _) => Some(*x),
                ([], content) => Some(f64::from_le_bytes(content.try_into().ok()?)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl SummaryValue {
    /// Its value, if it is a scalar.
    pub(super) fn scalar(&self) -> Option<f64> {
        self.simple_value.map(widened).or_else(|| self.tensor.as_ref().and_then(Tensor::scalar))
    }
}

/// A number of single precision by its shortest digits: 0.1, and not 0.10000000149011612.
fn widened(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| f64::from(x))
}

/// The name of the plugin that keeps hyperparameters.
pub(super) const HPARAMS: &str = "hparams";

/// What the HParams plugin writes.
#[derive(Clone, Message, PartialEq)]
pub(super) struct HParams {
    #[prost(message, optional, tag = "3")]
    pub session_start: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    pub session_end: Option<SessionEnd>,
}

#[derive(Clone, Message, PartialEq)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Message, PartialEq)]
pub(super) struct SessionEnd {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// `Status.STATUS_FAILURE` and `Status.STATUS_RUNNING`.
pub(super) const STATUS_FAILURE: i32 = 2;
pub(super) const STATUS_RUNNING: i32 = 3;

/// `google.protobuf.Value`.
#[derive(Clone, Message, PartialEq)]
pub(super) struct Value {
    #[prost(double, optional, tag = "2")]
    pub number: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub text: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub truth: Option<bool>,
}

impl Value {
    /// As text; nothing if it is a list, a mapping or null.
    pub(super) fn shown(&self) -> Option<String> {
        match self {
            Self { number: Some(x), .. } => Some(x.to_string()),
            Self { text: Some(text), .. } => Some(text.clone()),
            Self { truth: Some(truth), .. } => Some(truth.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_however_they_are_written() {
        let tensor = |dtype, content: &[u8], dim: &[i64]| Tensor {
            dtype,
            shape: Some(Shape { dim: dim.iter().map(|size| Dim { size: *size }).collect() }),
            content: content.to_vec(),
            ..Tensor::default()
        };
        let scalar = |t: &Tensor| t.scalar();
        assert_eq!(scalar(&tensor(DT_FLOAT, &0.1_f32.to_le_bytes(), &[])), Some(0.1));
        assert_eq!(scalar(&tensor(DT_DOUBLE, &0.1_f64.to_le_bytes(), &[1])), Some(0.1));
        assert_eq!(scalar(&tensor(DT_DOUBLE, &[0; 24], &[1, 3])), None);
        assert_eq!(scalar(&Tensor { dtype: DT_FLOAT, float_val: vec![2.5], ..Tensor::default() }), Some(2.5));
        assert_eq!(scalar(&Tensor { dtype: 7, ..Tensor::default() }), None);
        let value = SummaryValue { simple_value: Some(0.3), ..SummaryValue::default() };
        assert_eq!(value.scalar(), Some(0.3));
    }
}
