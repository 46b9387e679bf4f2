//! Times, conditions and resource versions, as statuses of both kinds need them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use studious_playbook::Millis;

/// The clock, read once for each reconcile.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A moment as the playbook counts it. Before 1970 there were no trials.
pub(crate) fn millis(time: Timestamp) -> Millis {
    Millis(u64::try_from(time.as_millisecond()).unwrap_or_default())
}

/// A moment as the API server keeps it: whole seconds, so that what is read back equals what was written.
pub(crate) fn seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// A condition as it shall be.
pub(crate) struct Wanted<'a> {
    pub(crate) type_: &'a str,
    /// `None` when nobody can tell.
    pub(crate) holds: Option<bool>,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// Sets a condition. Its `lastTransitionTime` moves only when its status does.
pub(crate) fn set_condition(
    conditions: &mut Vec<Condition>,
    wanted: &Wanted<'_>,
    generation: Option<i64>,
    now: Timestamp,
) {
    let status = match wanted.holds {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    // Messages are bounded by the API; a study may have very many violations.
    let message: String = wanted.message.chars().take(32_000).collect();
    let next = |last_transition_time| Condition {
        type_: wanted.type_.to_owned(),
        status: status.to_owned(),
        reason: wanted.reason.to_owned(),
        message: message.clone(),
        observed_generation: generation,
        last_transition_time,
    };
    match conditions.iter_mut().find(|condition| condition.type_ == wanted.type_) {
        Some(condition) if condition.status == status => *condition = next(condition.last_transition_time.clone()),
        Some(condition) => *condition = next(seconds(now)),
        None => conditions.push(next(seconds(now))),
    }
}

/// What was written last and not yet seen in the cache. A cache lags; deciding on what it shows would do things twice.
#[derive(Clone, Debug)]
pub(crate) struct Written<S> {
    /// The version that the API server gave to what was written.
    pub(crate) version: Option<String>,
    /// What was written.
    pub(crate) status: S,
}

impl<S: Clone> Written<S> {
    /// The status to go on from: what was written, until the cache shows it or something later.
    pub(crate) fn or_cached(written: Option<&Self>, cached: Option<&S>, cached_version: Option<&str>) -> Option<S> {
        match written {
            Some(written) if is_newer(written.version.as_deref(), cached_version) => Some(written.status.clone()),
            _ => cached.cloned(),
        }
    }
}

/// Whether one resource version is newer than another. They are decimal numbers that grow (KEP-5504); what isn't a
/// number counts as older, so that the cache is believed.
fn is_newer(version: Option<&str>, other: Option<&str>) -> bool {
    let number = |v: Option<&str>| v.and_then(|v| v.parse::<u64>().ok());
    match (number(version), number(other)) {
        (Some(a), Some(b)) => a > b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_condition_keeps_its_time_while_its_status_stays() {
        let mut conditions = Vec::new();
        let wanted = |holds, reason| Wanted { type_: "Progressing", holds: Some(holds), reason, message: "m" };
        set_condition(&mut conditions, &wanted(true, "A"), Some(1), at(10));
        set_condition(&mut conditions, &wanted(true, "B"), Some(2), at(20));
        assert_eq!((conditions[0].reason.as_str(), &conditions[0].last_transition_time), ("B", &Time(at(10))));
        set_condition(&mut conditions, &wanted(false, "C"), Some(2), at(30));
        assert_eq!(conditions[0].last_transition_time, Time(at(30)));
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn what_was_written_counts_until_the_cache_shows_it() {
        let written = Written { version: Some("12".into()), status: "new" };
        assert_eq!(Written::or_cached(Some(&written), Some(&"old"), Some("11")), Some("new"));
        assert_eq!(Written::or_cached(Some(&written), Some(&"newer"), Some("12")), Some("newer"));
        assert_eq!(Written::or_cached(Some(&written), Some(&"newer"), Some("13")), Some("newer"));
        assert_eq!(Written::or_cached(None, Some(&"old"), Some("11")), Some("old"));
    }
}
