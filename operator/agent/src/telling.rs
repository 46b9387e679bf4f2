//! Which lines should not wait for company.

use studious_contract::{Event, JudgedMetrics, Line};

/// What a line changes for the one who passes it on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Telling {
    /// It changes what becomes of the trial: an event, or a value that must be finite and isn't.
    pub(crate) urgent: bool,
    /// Nothing is written after it.
    pub(crate) last: bool,
}

/// What a line changes, which is read with respect to the metrics by which its trial is judged.
pub(crate) fn telling(line: &str, judged: &JudgedMetrics) -> Telling {
    match Line::parse(line, judged) {
        Ok(Line::Event(event)) => {
            Telling { urgent: true, last: matches!(event, Event::Done { .. } | Event::Infeasible { .. }) }
        }
        Ok(Line::Measurements(m)) => {
            let diverged = m.values.iter().any(|(name, value)| !value.is_finite() && judged.must_be_finite(name));
            Telling { urgent: diverged, last: false }
        }
        Err(_) => Telling::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-007: in any spelling, so that a diverged trial frees its accelerator at once.
    #[test]
    fn what_decides_a_trial_does_not_wait() {
        let judged = JudgedMetrics { objective: "err".into(), bounded: Vec::new() };
        for value in ["NaN", "nan", "-inf", "1e400", "null"] {
            assert!(telling(&format!(r#"{{"step":1,"err":{value}}}"#), &judged).urgent, "{value}");
            assert!(!telling(&format!(r#"{{"step":1,"info":{value}}}"#), &judged).urgent, "{value}");
        }
        assert!(!telling(r#"{"step":1,"err":0.5,"note":"NaN"}"#, &judged).urgent);
        assert_eq!(telling(r#"{"event":"done"}"#, &judged), Telling { urgent: true, last: true });
        assert_eq!(telling(r#"{"event":"init"}"#, &judged), Telling { urgent: true, last: false });
    }
}
