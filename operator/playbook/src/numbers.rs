//! Numbers as people read them: one formatter for the command, findings, plots and reports. The pages' own, in
//! `dashboard/web/src/app/format.ts`, is tested against this one.

use studious_api::HyperparameterValue;

/// From here on whole numbers are written with an exponent, too.
const LARGE: f64 = 1e7;

/// From here on to 1, four significant digits say too little.
const NEAR_ONE: f64 = 0.999;

/// Whole numbers below ten million as they are; of others four significant digits, without trailing zeros, with an exponent
/// below 0.001 and from ten million on. Just below 1, as momenta are, the digits of what is missing to 1 count: 0.99995.
#[must_use]
pub fn number(x: f64) -> String {
    if x == 0.0 {
        // And never -0.
        return "0".to_owned();
    }
    if !x.is_finite() || (x.fract() == 0.0 && x.abs() < LARGE) {
        return x.to_string();
    }
    if (NEAR_ONE..1.0).contains(&x) {
        // What is missing has its first digit after so many zeros.
        let zeros = (1..16).find(|n| (1.0 - x) * 10_f64.powi(*n) >= 0.999).unwrap_or(16);
        let digits = usize::try_from(zeros).unwrap_or_default() + 1;
        return format!("{x:.digits$}").trim_end_matches('0').to_owned();
    }
    let scientific = format!("{x:.3e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    match exponent.parse::<i32>().unwrap_or(0) {
        -3..=6 => format!("{mantissa}e{exponent}").parse::<f64>().map_or_else(|_| x.to_string(), |x| x.to_string()),
        _ => format!("{mantissa}e{exponent}"),
    }
}

/// A value of a hyperparameter: whole numbers and names as they are.
#[must_use]
pub fn value(value: &HyperparameterValue) -> String {
    match value {
        HyperparameterValue::Number(x) => number(*x),
        other => other.to_string(),
    }
}

/// `12,000`.
#[must_use]
pub fn thousands(n: u64) -> String {
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

/// `1 trial`, `3 trials`, `12,000 trials`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(n as u64), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-083: one cut-off for the exponent, no `-0`, and no digit lost of a count.
    #[test]
    fn numbers_read_well() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.013_888_9, "0.01389"),
            (0.033_333_33, "0.03333"),
            (0.5, "0.5"),
            (-0.25, "-0.25"),
            (10.0, "10"),
            (98.6, "98.6"),
            (9.999_96, "10"),
            (0.9987, "0.9987"),
            (0.999, "0.999"),
            (0.9999, "0.9999"),
            (0.999_95, "0.99995"),
            (0.999_123_45, "0.99912"),
            (0.999_999, "0.999999"),
            (0.999_999_999_87, "0.99999999987"),
            (1.0 - f64::EPSILON / 2.0, "0.99999999999999989"),
            (0.001, "0.001"),
            (0.000_999_99, "0.001"),
            (0.000_25, "2.5e-4"),
            (0.000_012_3, "1.23e-5"),
            (2.5e-7, "2.5e-7"),
            (12_345.6, "12350"),
            (65_536.0, "65536"),
            (-123_456.0, "-123456"),
            (9_999_999.0, "9999999"),
            (10_000_000.0, "1e7"),
            (3.2e9, "3.2e9"),
            (f64::MAX, "1.798e308"),
            (5e-324, "4.941e-324"),
        ] {
            assert_eq!(number(x), text);
        }
        assert_eq!(value(&HyperparameterValue::Integer(12_345_678)), "12345678");
        assert_eq!(value(&HyperparameterValue::Number(0.000_25)), "2.5e-4");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!([thousands(12), thousands(1234), thousands(1_000_000)], ["12", "1,234", "1,000,000"]);
        assert_eq!(
            [count(1, "trial"), count(0, "trial"), count(1_500, "trial")],
            ["1 trial", "0 trials", "1,500 trials"]
        );
    }
}
