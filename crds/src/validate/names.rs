//! Names: what becomes of them on a cluster limits them.

use super::{Violation, printed::counted};
use crate::StudySpec;

/// Longest name of a pod's host, which is a DNS label.
const DNS_LABEL: usize = 63;
/// What a study's and a round's name get in the longest of them: `-`, `-0000-a99-255`.
const SUFFIX: usize = 14;

pub(super) fn refusals(name: &str, spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    if !is_dns_label(name) {
        found.push(Violation::new(
            "metadata.name",
            &(!name.is_empty()).then_some(name),
            "must be a DNS label: 1 to 63 lower-case letters, digits and '-', a letter first and no '-' at the end",
            suggestion(name),
        ));
        return found;
    }
    let rounds = spec.rounds.iter().map(|r| r.name.as_str());
    let longest = rounds.chain(spec.retrain.as_ref().map(|_| "retrain")).max_by_key(|r| r.len());
    if let Some(round) = longest
        && name.len() + round.len() + SUFFIX > DNS_LABEL
    {
        let room = DNS_LABEL - SUFFIX;
        found.push(Violation::new(
            "metadata.name",
            &name,
            format!(
                "is too long together with its round {round}: hosts are called {name}-{round}-0000-a1-0, and their names \
                 may have {DNS_LABEL} characters"
            ),
            format!(
                "Name of the study and of its longest round may have {room} characters together: shorten them by {}.",
                counted((name.len() + round.len() - room) as u64, "character")
            ),
        ));
    }
    found
}

fn is_dns_label(name: &str) -> bool {
    name.len() <= DNS_LABEL
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn suggestion(name: &str) -> String {
    let plain: String =
        name.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain: String = plain.trim_matches('-').chars().take(DNS_LABEL - SUFFIX - 20).collect();
    let plain = plain.trim_matches('-');
    if is_dns_label(plain) { format!("Call it {plain}.") } else { "Give the study a short name.".to_owned() }
}
