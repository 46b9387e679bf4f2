//! What an attempt executed, and on what, as names and values for a page.

use studious_api::trial::Provenance;
use studious_playbook::record::TrialRecord;

use super::views::FactView;

/// What is known of an attempt.
pub fn facts(provenance: Option<&Provenance>, record: &TrialRecord, attempt: u32) -> Vec<FactView> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push(FactView { name: name.to_owned(), value });
        }
    };
    if let Some(known) = provenance {
        add("Command", known.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        add("Machine", known.machines.join(", "));
        add("Devices", known.devices.join(", "));
        add("Image", known.images.join(", "));
        let state = match known.uncommitted_changes {
            Some(true) => " with uncommitted changes",
            Some(false) => "",
            None => ", changes unknown",
        };
        add("Git commit", known.git_commit.as_ref().map(|commit| format!("{commit}{state}")).unwrap_or_default());
        add("SHA-256 of the diff", known.git_diff_sha256.clone().unwrap_or_default());
        add("SHA-256 of the files in git", known.sources_sha256.clone().unwrap_or_default());
        for (name, digest) in &known.code {
            add(&format!("SHA-256 of {name}"), digest.clone());
        }
    }
    for reported in record.runtimes.iter().filter(|reported| reported.attempt == attempt) {
        let of = if reported.host == 0 { String::new() } else { format!(" of host {}", reported.host) };
        let runtime = &reported.runtime;
        let packages: Vec<String> =
            runtime.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        add(&format!("Device kind{of}"), runtime.device.clone().unwrap_or_default());
        add(&format!("Python{of}"), runtime.python.clone().unwrap_or_default());
        add(&format!("Packages{of}"), packages.join(", "));
    }
    facts
}

/// A word of a command, quoted where it would be read as several.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\'));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_an_attempt_is_shown_and_nothing_else() {
        let record: TrialRecord = serde_json::from_str(
            r#"{"hyperparameters":{},"objective":1,"attempts":[{"number":1},{"number":2,"provenance":{
                "code":{"train.py":"ab"},"gitCommit":"cd","uncommittedChanges":true,"machines":["m"],"command":["sh","-c","a b"]}}],
                "runtimes":[{"attempt":1,"host":0,"python":"3.11"},{"attempt":2,"host":1,"packages":{"jax":"1","numpy":"2"}}]}"#,
        )
        .unwrap();
        let shown = |attempt: u32| -> Vec<String> {
            let provenance = record.attempts[attempt as usize - 1].provenance.as_ref();
            facts(provenance, &record, attempt)
                .into_iter()
                .map(|fact| format!("{}: {}", fact.name, fact.value))
                .collect()
        };
        assert_eq!(shown(1), ["Python: 3.11"]);
        assert_eq!(
            shown(2),
            [
                "Command: sh -c 'a b'",
                "Machine: m",
                "Git commit: cd with uncommitted changes",
                "SHA-256 of train.py: ab",
                "Packages of host 1: jax 1, numpy 2"
            ]
        );
    }
}
