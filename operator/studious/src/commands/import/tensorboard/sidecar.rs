//! Hyperparameters from a file beside the events: what Lightning, Ray Tune, Weights & Biases and people write.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use studious_api::yaml::Value;

/// The files that are looked for, in this order.
const USUAL: [&str; 7] =
    ["hparams.yaml", "hparams.yml", "hparams.json", "params.json", "config.yaml", "config.yml", "config.json"];
/// Largest file.
const MOST_BYTES: u64 = 4 << 20;
/// How deep mappings are looked into.
const DEEPEST: usize = 8;

/// A file, and its values by their path of keys.
type Sidecar = (PathBuf, BTreeMap<String, String>);

/// The file with the hyperparameters of a folder, if there is one.
pub(super) fn find(folder: &Path, given: Option<&str>) -> Option<PathBuf> {
    let mut names = given.map_or_else(|| USUAL.to_vec(), |name| vec![name]).into_iter();
    names.find_map(|name| Some(folder.join(name)).filter(|path| path.is_file()))
}

/// The values of a file by their path of keys, with dots between them, and the file. Nothing if there is none.
pub(super) fn read(folder: &Path, given: Option<&str>) -> Result<Option<Sidecar>, String> {
    let path = match given {
        Some(name) => folder.join(name),
        None => match find(folder, None) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let shown = path.display();
    let size = std::fs::metadata(&path).map_err(|error| format!("{shown}: {error}"))?.len();
    if size > MOST_BYTES {
        return Err(format!("{shown}: is larger than {} MiB. Name another with --sidecar", MOST_BYTES >> 20));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
    // JSON is YAML.
    let value: Value = studious_api::yaml::from_str(&text).map_err(|error| match error.location() {
        Some(at) => format!("{shown}:{}:{}: error: {error}", at.line(), at.column()),
        None => format!("{shown}: error: {error}"),
    })?;
    let mut values = BTreeMap::new();
    flatten(&value, "", 0, &mut values);
    Ok(Some((path, values)))
}

fn flatten(value: &Value, at: &str, depth: usize, values: &mut BTreeMap<String, String>) {
    let text = match value {
        Value::Mapping(mapping) => {
            if depth < DEEPEST {
                for (key, value) in mapping {
                    let key = match key {
                        Value::String(key) => key.clone(),
                        Value::Number(key) => key.to_string(),
                        _ => continue,
                    };
                    flatten(value, &if at.is_empty() { key } else { format!("{at}.{key}") }, depth + 1, values);
                }
            }
            return;
        }
        // Python's own objects.
        Value::Tagged(tagged) => return flatten(&tagged.value, at, depth, values),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Sequence(_) => return,
    };
    values.insert(at.to_owned(), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_keys_have_dots_between_them() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), None), Ok(None));
        std::fs::write(folder.path().join("config.yaml"), "lr: {value: 0.1, desc: null}\nlayers: [1, 2]\nopt: sgd")
            .unwrap();
        let (path, values) = read(folder.path(), None).unwrap().unwrap();
        assert!(path.ends_with("config.yaml"));
        let values: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(values, [("lr.value", "0.1"), ("opt", "sgd")]);
        std::fs::write(folder.path().join("hparams.json"), "{\"lr\": 0.1,\n\"opt\" 1}").unwrap();
        assert!(read(folder.path(), None).unwrap_err().contains("hparams.json:2:"));
        assert!(read(folder.path(), Some("none.json")).unwrap_err().contains("none.json"));
    }
}
