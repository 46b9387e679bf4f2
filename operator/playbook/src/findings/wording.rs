//! Words as people read them.

use studious_api::study::Hyperparameter;

pub(crate) use crate::numbers::{count, number};

/// `23%`; below one percent with a digit more.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0%".to_owned(),
        p if p < 0.1 => "less than 0.1%".to_owned(),
        p if p < 10.0 => format!("{p:.1}%"),
        p => format!("{p:.0}%"),
    }
}

/// `p = 0.021`: a p-value with two digits that mean something.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p if p < 0.01 => format!("p = {p:.4}"),
        p if p < 0.1 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// `a, b and c`.
pub(crate) fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            format!("{} and {}", first.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "), last.as_ref())
        }
    }
}

/// `one_minus_momentum (with optimizer momentum or nesterov)`: the name with its condition.
pub(crate) fn name(hyperparameter: &Hyperparameter) -> String {
    match condition(hyperparameter) {
        Some(condition) => format!("{} (with {condition})", hyperparameter.name),
        None => hyperparameter.name.clone(),
    }
}

/// `optimizer momentum or nesterov`.
pub(crate) fn condition(hyperparameter: &Hyperparameter) -> Option<String> {
    let when = hyperparameter.when.as_ref()?;
    let parts: Vec<_> = when.iter().map(|(name, allowed)| format!("{name} {}", allowed.words())).collect();
    Some(list(&parts))
}

/// Breaks a text into lines of at most `width` characters where words allow it.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_shares_read_well() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(percent(0.004), "0.4%");
        assert_eq!([0.3, 0.021, 0.0021, 0.0002].map(p_value), ["p = 0.30", "p = 0.021", "p = 0.0021", "p < 0.001"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
