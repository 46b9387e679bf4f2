//! Words and numbers as people read them.

use studious_api::study::Hyperparameter;

/// Four significant digits, without trailing zeros; an exponent only where there would be a row of zeros.
#[must_use]
pub fn number(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let scientific = format!("{x:.3e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    match exponent.parse::<i32>().unwrap_or(0) {
        -3..=6 => format!("{mantissa}e{exponent}").parse::<f64>().map_or_else(|_| x.to_string(), |x| x.to_string()),
        _ => format!("{mantissa}e{exponent}"),
    }
}

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

/// `1 trial`, `3 trials`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
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
    let parts: Vec<_> = when
        .iter()
        .map(|(name, values)| {
            format!("{name} {}", values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))
        })
        .collect();
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
    fn numbers_read_well() {
        let pairs: [(f64, &str); 10] = [
            (0.0, "0"),
            (0.013_888_9, "0.01389"),
            (0.5, "0.5"),
            (10.0, "10"),
            (0.000_012_3, "1.23e-5"),
            (12_345.6, "12350"),
            (9.999_96, "10"),
            (-0.25, "-0.25"),
            (3.2e9, "3.2e9"),
            (0.001, "0.001"),
        ];
        for (x, text) in pairs {
            assert_eq!(number(x), text);
        }
    }

    #[test]
    fn lists_and_counts_read_well() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(count(1, "trial"), "1 trial");
        assert_eq!(percent(0.004), "0.4%");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
