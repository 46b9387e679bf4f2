//! Numbers and times as people read them.

use std::time::Duration;

use studious_api::HyperparameterValue;

/// Four significant digits, without trailing zeros; an exponent only where there would be a row of zeros.
pub(crate) fn number(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let scientific = format!("{x:.3e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..=6 => format!("{mantissa}e{exponent}").parse::<f64>().map_or_else(|_| x.to_string(), |x| x.to_string()),
        _ => format!("{mantissa}e{exponent}"),
    }
}

/// A value of a hyperparameter: whole numbers and names as they are.
pub(crate) fn value(value: &HyperparameterValue) -> String {
    match value {
        HyperparameterValue::Number(x) => number(*x),
        other => other.to_string(),
    }
}

/// `48 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn duration(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => two(s / 60, "min", s % 60, "s"),
        3600..86400 => two(s / 3600, "h", s % 3600 / 60, "min"),
        _ => two(s / 86400, "d", s % 86400 / 3600, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// `1 trial`, `3 trials`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(n as u64), if n == 1 { "" } else { "s" })
}

/// `12,000`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_read_them() {
        for (x, text) in [
            (0.0, "0"),
            (0.033_333_33, "0.03333"),
            (0.5, "0.5"),
            (123_456.0, "123500"),
            (1.0e-3, "0.001"),
            (2.5e-7, "2.5e-7"),
            (-0.25, "-0.25"),
            (1e12, "1e12"),
            (98.6, "98.6"),
            (0.000_123_456, "0.0001235"),
        ] {
            assert_eq!(number(x), text);
        }
        assert_eq!(value(&HyperparameterValue::Integer(1_234_567)), "1234567");
        assert_eq!(
            (thousands(12), thousands(1234), thousands(1_000_000)),
            ("12".into(), "1,234".into(), "1,000,000".into())
        );
        for (s, text) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (90000, "1 d 1 h")]
        {
            assert_eq!(duration(Duration::from_secs(s)), text);
        }
    }
}
