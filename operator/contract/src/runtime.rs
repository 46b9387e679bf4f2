//! The event `runtime`: what a trainer runs on. It decides nothing, so what of it can't be read is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{Fields, string};

/// Most packages that are kept: the first in the order of names.
const MAX_PACKAGES: usize = 32;
/// Longest version, name of a package and name of a device, in bytes.
const MAX_TEXT: usize = 128;

/// What a host reports of the program that trains. What it doesn't say is not known.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TrainerRuntime {
    /// The version of Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// Versions of the packages that it trains with, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
    /// The kind of its accelerator: `NVIDIA H100`, `TPU v5 lite`, `cpu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl TrainerRuntime {
    /// Reads the fields that are of their kind. Texts that are too long are cut.
    pub(crate) fn read(fields: &Fields) -> Self {
        let of = |name: &str| fields.get(name).and_then(text);
        let packages = fields.get("packages").and_then(Value::as_object).into_iter().flatten();
        // serde_json keeps the names of an object in their order.
        let packages = packages.filter_map(|(name, version)| Some((cut(name), text(version)?)));
        Self { python: of("python"), packages: packages.take(MAX_PACKAGES).collect(), device: of("device") }
    }
}

fn text(value: &Value) -> Option<String> {
    string(value).filter(|text| !text.is_empty()).map(cut)
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use crate::{Event, JudgedMetrics, Line, TrainerRuntime};

    fn runtime(text: &str) -> TrainerRuntime {
        match Line::parse(text, &JudgedMetrics::default()) {
            Ok(Line::Event(Event::Runtime(runtime))) => runtime,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_is_of_its_kind_is_read_and_the_rest_costs_nothing() {
        let read = runtime(
            r#"{"event":"runtime","python":"3.12.3","packages":{"jax":"0.6.0","b":7,"c":null},"device":"cpu","x":1}"#,
        );
        assert_eq!(read.python.as_deref(), Some("3.12.3"));
        assert_eq!(read.packages.iter().map(|(n, v)| format!("{n} {v}")).collect::<Vec<_>>(), ["jax 0.6.0"]);
        assert_eq!(read.device.as_deref(), Some("cpu"));
        for wrong in
            [r#""python":3.12,"packages":[1],"device":{}"#, r#""python":"","packages":"jax","device":NaN"#, r#""a":1"#]
        {
            assert_eq!(runtime(&format!(r#"{{"event":"runtime",{wrong}}}"#)), TrainerRuntime::default(), "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let packages: Vec<String> = (0..100).map(|i| format!(r#""p{i:03}":"{}""#, "é".repeat(200))).collect();
        let read = runtime(&format!(r#"{{"event":"runtime","python":"a\nb","packages":{{{}}}}}"#, packages.join(",")));
        assert_eq!((read.packages.len(), read.packages["p000"].len(), read.python.as_deref()), (32, 128, Some("a b")));
    }
}
