//! What an attempt executes: the trainer's container of the template, the scripts that its command names, and the folder in
//! which it starts.

use std::{collections::BTreeMap, fs::File, io, path::Path};

use sha2::{Digest as _, Sha256};
use studious_api::{
    TrialSpec,
    trial::{MAX_CODE, MAX_COMMAND, MAX_DEVICES, Provenance},
};
use studious_playbook::record::{CodePart, code_differences, hex, template_code};

use crate::{git::GitState, trainer::TrainerCommand};

/// A larger file is no script.
const MAX_BYTES: u64 = 16 << 20;
/// Longest word of a command that is recorded in full, in bytes.
const MAX_WORD: usize = 1024;
/// Endings of files that hold code.
const ENDINGS: [&str; 9] = ["py", "sh", "bash", "jl", "r", "lua", "pl", "js", "rb"];

/// What an attempt executes here, and with what. `devices` are those of all its hosts.
pub(crate) fn provenance(
    spec: &TrialSpec,
    command: Option<&TrainerCommand>,
    working_directory: &Path,
    git: &GitState,
    mut devices: Vec<String>,
) -> Option<Provenance> {
    devices.truncate(MAX_DEVICES);
    let provenance = Provenance {
        code: command.map(|command| digests(spec, command, working_directory)).unwrap_or_default(),
        sources_sha256: git.sources_sha256.clone(),
        git_commit: git.commit.clone(),
        uncommitted_changes: git.uncommitted_changes,
        git_diff_sha256: git.diff_sha256.clone(),
        images: Vec::new(),
        machines: sysinfo::System::host_name().into_iter().collect(),
        devices,
        command: command.map(words).unwrap_or_default(),
    };
    provenance.known()
}

/// The command, long words and the end of long ones shortened.
fn words(command: &TrainerCommand) -> Vec<String> {
    let shortened = |word: &String| match word.len() {
        ..=MAX_WORD => word.clone(),
        _ => format!("{}…", &word[..word.floor_char_boundary(MAX_WORD)]),
    };
    std::iter::once(&command.program).chain(&command.arguments).map(shortened).take(MAX_COMMAND).collect()
}

/// SHA-256 of each part of what an attempt executes: of the template's command and environment, and of the scripts that the
/// command names, by their path as it stands there.
fn digests(spec: &TrialSpec, command: &TrainerCommand, working_directory: &Path) -> BTreeMap<String, String> {
    let mut digests: BTreeMap<String, String> = template_code(spec).into_iter().collect();
    let program = command.program.contains('/').then_some(command.program.as_str());
    let scripts = command.arguments.iter().flat_map(|word| word.split(is_separator)).filter(|word| is_script(word));
    let named = program.into_iter().chain(scripts).map(str::to_owned);
    let of_modules = modules(&command.arguments).flat_map(|module| {
        let path = module.replace('.', "/");
        [format!("{path}.py"), format!("{path}/__main__.py")]
    });
    for name in named.chain(of_modules) {
        if digests.len() < MAX_CODE
            && let Some(digest) = file_digest(&working_directory.join(&name))
        {
            digests.insert(name, digest);
        }
    }
    digests
}

/// What differs between two attempts, in words; nothing of what is not known of both.
pub(crate) fn difference(one: &Provenance, other: &Provenance) -> Option<String> {
    let changed: Vec<String> = code_differences(one, other).iter().map(CodePart::to_string).collect();
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
