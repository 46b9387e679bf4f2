//! What a plain scalar means, as `kubectl` reads it (YAML 1.1 with Go's numbers). Where other readers differ, the
//! difference is reported, so that a file means the same everywhere.

use serde_json::Value;

/// The value of a plain scalar, and what is doubtful about it.
pub(crate) fn resolve(text: &str) -> (Value, Option<String>) {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return (Value::Null, None),
        "true" | "True" | "TRUE" => return (Value::Bool(true), None),
        "false" | "False" | "FALSE" => return (Value::Bool(false), None),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return (text.into(), Some(truth(text, true))),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return (text.into(), Some(truth(text, false))),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return (Value::Null, Some("is not a number that Kubernetes can hold. Give a finite one".to_owned()));
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return (text.into(), None);
    }
    if let Some(doubt) = doubtful_number(unsigned) {
        return (text.into(), Some(doubt));
    }
    if unsigned.chars().all(|c| c.is_ascii_digit()) {
        // Readers that have no larger ones round it.
        let text = text.strip_prefix('+').unwrap_or(text);
        return text.parse::<i64>().map_or_else(
            |_| {
                let doubt = "is a whole number beyond 2^63, which readers round or refuse. Put it in quotes to make it a name, \
                             or write it with an exponent, such as 1.8e19";
                (text.into(), Some(doubt.to_owned()))
            },
            |integer| (integer.into(), None),
        );
    }
    if is_float(unsigned)
        && let Ok(x) = text.parse::<f64>()
    {
        return serde_json::Number::from_f64(x).map_or_else(
            || (Value::Null, Some("is too large for a number. Stay below 1e308".to_owned())),
            |n| (Value::Number(n), None),
        );
    }
    (text.into(), None)
}

fn truth(text: &str, is: bool) -> String {
    format!("kubectl reads {text} as {is}. Put it in quotes, or write {is}")
}

/// `0777` is 511 to some readers and 777 to others; `1_000` is a number to some and a string to others.
fn doubtful_number(unsigned: &str) -> Option<String> {
    let digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
    let octal = unsigned.len() > 1 && unsigned.starts_with('0') && digits(unsigned);
    let underscores = unsigned.contains('_') && is_float(&unsigned.replace('_', ""));
    let radix = |prefix: &str, digits: &str| {
        let rest = unsigned.to_ascii_lowercase();
        rest.strip_prefix(prefix).is_some_and(|d| d.chars().all(|c| c == '_' || digits.contains(c)))
    };
    let numeric_radix = radix("0b", "01") || radix("0o", "01234567") || radix("0x", "0123456789abcdef");
    (octal || underscores || numeric_radix).then(|| {
        "is read as different numbers by different readers. Write plain decimal digits, or put it in quotes".to_owned()
    })
}

/// `^(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(unsigned: &str) -> bool {
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| {
            let e = e.strip_prefix(['-', '+']).unwrap_or(e);
            !e.is_empty() && digits(e)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::resolve;

    #[test]
    fn plain_scalars_mean_what_kubectl_reads() {
        for (text, value) in [
            ("1e-3", json!(1e-3)),
            ("1.0e-3", json!(1e-3)),
            ("-5", json!(-5)),
            ("+5", json!(5)),
            ("0", json!(0)),
            ("0.5", json!(0.5)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("1e5", json!(1e5)),
            ("9223372036854775807", json!(i64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("1.8e19", json!(1.8e19)),
            ("nesterov", json!("nesterov")),
            ("1.2.3", json!("1.2.3")),
            ("1e", json!("1e")),
            ("3x", json!("3x")),
            ("~", json!(null)),
            ("True", json!(true)),
        ] {
            assert_eq!(resolve(text), (value, None), "{text}");
        }
    }

    #[test]
    fn where_readers_differ_it_is_told() {
        // F-081.
        let beyond = ["9223372036854775808", "-9223372036854775809", "18446744073709551616"];
        for text in
            ["yes", "Off", "y", "0777", "1_000", "0x1F", ".inf", "-.inf", ".nan", "1e999"].into_iter().chain(beyond)
        {
            assert!(resolve(text).1.is_some(), "{text}");
        }
    }
}
