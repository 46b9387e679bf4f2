//! What an attempt executes: the trainer's container of the template, and the scripts that its command names.

use std::{collections::BTreeMap, fs::File, io, path::Path};

use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::trainer::TrainerCommand;

/// The key of the template's digest.
const TEMPLATE: &str = "spec.trial.template";
/// A larger file is no script.
const MAX_BYTES: u64 = 16 << 20;
/// Endings of files that hold code.
const ENDINGS: [&str; 9] = ["py", "sh", "bash", "jl", "r", "lua", "pl", "js", "rb"];

/// SHA-256 of each part of what an attempt executes: of the template's command and environment, and of the scripts that the
/// command names, by their path as it stands there.
pub(crate) fn digests(
    template: &PodTemplateSpec,
    command: &TrainerCommand,
    working_directory: &Path,
) -> BTreeMap<String, String> {
    let container = template.spec.as_ref().and_then(|pod| pod.containers.first()).cloned().unwrap_or_default();
    let Container { command: words, args, env, .. } = container;
    let text = json!({ "command": words, "args": args, "env": env }).to_string();
    let mut digests = BTreeMap::from([(TEMPLATE.to_owned(), hex(Sha256::digest(text)))]);
    let program = command.program.contains('/').then_some(command.program.as_str());
    let scripts = command.arguments.iter().flat_map(|word| word.split(is_separator)).filter(|word| is_script(word));
    for name in program.into_iter().chain(scripts) {
        if let Some(digest) = file_digest(&working_directory.join(name)) {
            digests.insert(name.to_owned(), digest);
        }
    }
    for module in modules(&command.arguments) {
        let path = module.replace('.', "/");
        for name in [format!("{path}.py"), format!("{path}/__main__.py")] {
            if let Some(digest) = file_digest(&working_directory.join(&name)) {
                digests.insert(name, digest);
            }
        }
    }
    digests
}

/// What differs between two attempts, in words; nothing if one is not known.
pub(crate) fn difference(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Option<String> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    let changed: Vec<&str> = names.filter(|name| one.get(*name) != other.get(*name)).map(String::as_str).collect();
    (!changed.is_empty()).then(|| changed.join(", "))
}

/// Where a path in a word ends: a shell's `python train.py;`, or `--script=train.py`.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '"' | ';' | '=' | '(' | ')' | '&' | '|')
}

fn is_script(word: &str) -> bool {
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.to_lowercase().as_str()))
}

/// Modules of `python -m MODULE`.
fn modules(arguments: &[String]) -> impl Iterator<Item = &str> {
    let words: Vec<&str> = arguments.iter().flat_map(|word| word.split_whitespace()).collect();
    let after: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "-m").map(|pair| pair[1]).collect();
    after.into_iter()
}

/// Nothing of what is not a file, is too large or can't be read.
fn file_digest(path: &Path) -> Option<String> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return None;
    }
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path).ok()?, &mut hasher).ok()?;
    Some(hex(hasher.finalize()))
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    use std::fmt::Write as _;
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
