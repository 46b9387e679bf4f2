//! What a container asks of its node, and its environment: what Kubernetes would refuse once a pod is made is refused before
//! anything runs.
//!
//! Kubernetes: "Resource Management for Pods and Containers", "Extended Resources", "Quantity".

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::Container, apimachinery::pkg::api::resource::Quantity};

use super::Violation;
use crate::spelling;

/// Below this no container starts: a number without its unit.
const LEAST_MEMORY: f64 = 1_048_576.0;
/// Suffixes with what they multiply by.
const SUFFIXES: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

pub(super) fn refusals(at: &str, c: &Container, found: &mut Vec<Violation>) {
    environment(at, c, found);
    let Some(resources) = &c.resources else { return };
    let empty = BTreeMap::new();
    let (requests, limits) =
        (resources.requests.as_ref().unwrap_or(&empty), resources.limits.as_ref().unwrap_or(&empty));
    for (kind, quantities) in [("requests", requests), ("limits", limits)] {
        for (name, quantity) in quantities {
            found.extend(wrong(name, quantity, &format!("{at}.resources.{kind}[{name}]")));
        }
    }
    for (name, request) in requests {
        let field = format!("{at}.resources.requests[{name}]");
        let (Some(asked), limit) = (amount(&request.0), limits.get(name)) else { continue };
        let most = limit.and_then(|limit| amount(&limit.0));
        if is_device(name) && limit.is_none() {
            let fix = "Give it in resources.limits, with the same number.";
            found.push(Violation::new(field, &request.0, "is a device without a limit, which no node gives", fix));
        } else if let Some((most, limit)) = most.zip(limit)
            && (asked > most || is_device(name) && asked < most)
        {
            let rule = if is_device(name) {
                format!("differs from its limit, {}: devices are not shared", limit.0)
            } else {
                format!("is more than its limit, {}", limit.0)
            };
            found.push(Violation::new(field, &request.0, rule, "Give both the same amount, or remove it."));
        }
    }
}

/// What is wrong with a quantity.
fn wrong(name: &str, quantity: &Quantity, field: &str) -> Option<Violation> {
    let text = &quantity.0;
    let Some(amount) = amount(text) else {
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim();
        let suffix = text.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        let meant = match suffix.to_ascii_lowercase().chars().next() {
            Some(c @ ('k' | 'm' | 'g' | 't')) if number.parse::<f64>().is_ok() => {
                let unit = c.to_ascii_uppercase();
                format!("Write {number}{unit}i (1024) or {number}{} (1000).", if unit == 'K' { 'k' } else { unit })
            }
            _ => "Write a number, with a suffix where it needs one: 4, 500m, 16Gi.".to_owned(),
        };
        return Some(Violation::new(field, text, "is no quantity", meant));
    };
    let refused = |rule: &str, fix: &str| Some(Violation::new(field, text, rule, fix));
    if amount < 0.0 {
        return refused("must not be negative", "Give how much it needs.");
    }
    if is_device(name) && amount.fract() != 0.0 {
        return refused("must be a whole number: a device is given whole or not at all", "Give 1 or more.");
    }
    if name == "memory" && amount > 0.0 && amount < LEAST_MEMORY {
        return refused("is less than a megabyte, and no container starts with that", "Give its unit, such as 16Gi.");
    }
    None
}

/// Devices of a vendor, such as `nvidia.com/gpu`.
fn is_device(name: &str) -> bool {
    name.contains('/') && !name.starts_with("kubernetes.io/")
}

/// The number that a quantity is; nothing where it is none.
fn amount(text: &str) -> Option<f64> {
    let digits = |number: &str| {
        let plain = number.strip_prefix(['+', '-']).unwrap_or(number);
        plain.starts_with(|c: char| c.is_ascii_digit() || c == '.')
    };
    if !digits(text) {
        return None;
    }
    // An exponent, or no suffix at all.
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let (suffix, times) = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix))?;
    let number = &text[..text.len() - suffix.len()];
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || ".+-".contains(c));
    number.parse::<f64>().ok().filter(|_| is_plain).map(|number| number * times)
}

/// Variables with a name that can be set, each once: of two the later would win without a word.
fn environment(at: &str, c: &Container, found: &mut Vec<Violation>) {
    let variables = c.env.as_deref().unwrap_or_default();
    for (i, variable) in variables.iter().enumerate() {
        let field = format!("{at}.env[{i}].name");
        let name = &variable.name;
        if name.is_empty() {
            found.push(Violation::new(field, name, "is empty", "Name the variable, or remove it."));
        } else if !name.chars().all(|c| c.is_ascii_graphic() && c != '=') {
            let plain: String = name.chars().map(|c| if c.is_ascii_graphic() && c != '=' { c } else { '_' }).collect();
            let rule = "is no name of a variable: it has blanks, = or letters beyond ASCII";
            found.push(Violation::new(field, name, rule, format!("{}{plain}?", spelling::DID_YOU_MEAN)));
        } else if let Some(first) = variables[..i].iter().position(|other| other.name == *name) {
            let rule = format!("is set by env[{first}] already, and the later would win");
            found.push(Violation::new(field, name, rule, "Remove one of them."));
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, expected) in [
            ("4", 4.0),
            ("0.5", 0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("500m", 0.5),
            ("16Gi", 17_179_869_184.0),
            ("16G", 16e9),
            ("1e3", 1000.0),
            ("1E3", 1000.0),
            ("2E", 2e18),
            ("+1k", 1000.0),
            ("-1", -1.0),
        ] {
            assert_eq!(amount(text), Some(expected), "{text}");
        }
        for text in ["", "two", "8GB", "8gb", "8K", "1 Gi", "Gi", "1.2.3", "inf", "NaN", "0x10", "1e", "1_000", "--1"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}
