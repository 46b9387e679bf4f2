use std::{env, fs, path::PathBuf};

use studious_api::crd;

/// `kubectl apply` keeps a copy as JSON in an annotation, which may have 256 KiB; we stay well below.
const LARGEST_APPLIED: usize = 100_000;
/// The file, with what makes it readable.
const LARGEST_FILE: usize = 160_000;

/// `UPDATE_CRDS=1 cargo test -p studious-api manifests` writes them.
#[test]
fn checked_in_manifests_are_those_of_the_types() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("generated");
    for (file, made) in crd::manifests().unwrap() {
        let path = folder.join(file);
        if env::var_os("UPDATE_CRDS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == made, "{} is stale: UPDATE_CRDS=1 cargo test -p studious-api manifests", path.display());
    }
}

#[test]
fn manifests_are_small_enough_to_apply() {
    for (file, made) in crd::manifests().unwrap() {
        let value: serde_json::Value = serde_yaml::from_str(&made).unwrap();
        let json = serde_json::to_string(&value).unwrap();
        assert!(made.len() < LARGEST_FILE, "{file} has {} bytes as YAML", made.len());
        assert!(json.len() < LARGEST_APPLIED, "{file} has {} bytes as JSON", json.len());
    }
}

#[test]
fn no_object_forbids_fields_it_does_not_know() {
    for (file, made) in crd::manifests().unwrap() {
        assert!(!made.contains("additionalProperties: false"), "{file}: a structural schema can't say this");
    }
}
