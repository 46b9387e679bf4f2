//! Times, conditions and resource versions, as statuses of both kinds need them.

use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
    core::object::HasStatus,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use studious_playbook::Millis;

use crate::{object::Identified, reconcile::RequestError};

/// A moment as the playbook counts it. Before 1970 there were no trials.
pub(crate) fn millis(time: Timestamp) -> Millis {
    Millis(u64::try_from(time.as_millisecond()).unwrap_or_default())
}

/// A moment as the API server keeps it: whole seconds, so that what is read back equals what was written.
pub(crate) fn seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// A condition as it shall be.
pub(crate) struct ConditionClaim<'a> {
    pub(crate) type_: &'a str,
    /// `None` when it is unknown.
    pub(crate) holds: Option<bool>,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// Sets a condition. Its `lastTransitionTime` moves only when its status does.
pub(crate) fn set_condition(
    conditions: &mut Vec<Condition>,
    wanted: &ConditionClaim<'_>,
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

/// The condition of a Trial or a Study that says why something can't start.
pub(crate) const STALLED: &str = "Stalled";

/// Sets the condition `Stalled`, or takes it back. What never stalled doesn't speak of it.
pub(crate) fn set_stalled(
    conditions: &mut Vec<Condition>,
    why: Option<(&str, &str)>,
    generation: Option<i64>,
    now: Timestamp,
) {
    let claim = match why {
        Some((reason, message)) => ConditionClaim { type_: STALLED, holds: Some(true), reason, message },
        None if is_stalled(conditions).is_none() => return,
        None => {
            ConditionClaim { type_: STALLED, holds: Some(false), reason: "Started", message: "nothing is in the way" }
        }
    };
    set_condition(conditions, &claim, generation, now);
}

/// The condition `Stalled`, if it holds.
pub(crate) fn is_stalled(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == STALLED && condition.status == "True")
}

/// What was written last and not yet seen in the cache. A cache lags; deciding on what it shows would do things twice.
#[derive(Clone, Debug)]
pub(crate) struct Written<S> {
    /// The version that the API server gave to what was written.
    version: Option<String>,
    /// What was written.
    status: S,
    /// When.
    pub(crate) at: Timestamp,
}

/// Writes the status of an object, the one way in which statuses are written.
///
/// It is refused if the object has changed since it was looked at: a leader that slept must not put a status back that
/// another has written meanwhile.
///
/// # Errors
/// When the API server doesn't take it.
pub(crate) async fn write<K>(
    client: &Client,
    object: &Identified<K>,
    manager: &str,
    status: K::Status,
    written: Option<&Written<K::Status>>,
    now: Timestamp,
) -> Result<Written<K::Status>, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + HasStatus
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
    K::Status: Serialize + Clone,
{
    let name = &object.id.name;
    let cached = object.meta().resource_version.as_deref();
    let version = match written {
        Some(written) if is_newer(written.version.as_deref(), cached) => written.version.as_deref(),
        _ => cached,
    };
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        // With its uid: an object of the same name that was made since is another one.
        "metadata": { "name": name, "uid": object.id.uid, "resourceVersion": version },
        "status": status,
    });
    let api: Api<K> = Api::namespaced(client.clone(), &object.id.namespace);
    let params = PatchParams::apply(manager).force();
    let taken = api.patch_status(name, &params, &Patch::Apply(&patch)).await;
    let kind = K::kind(&()).to_lowercase();
    let taken = taken.map_err(RequestError::of(format!("the status of {kind} {name} was not taken")))?;
    Ok(Written { version: taken.meta().resource_version.clone(), status, at: now })
}

impl<S: Clone> Written<S> {
    /// The status to continue from: what was written, until the cache shows it or something later.
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
        let wanted = |holds, reason| ConditionClaim { type_: "Progressing", holds: Some(holds), reason, message: "m" };
        set_condition(&mut conditions, &wanted(true, "A"), Some(1), at(10));
        set_condition(&mut conditions, &wanted(true, "B"), Some(2), at(20));
        assert_eq!((conditions[0].reason.as_str(), &conditions[0].last_transition_time), ("B", &Time(at(10))));
        set_condition(&mut conditions, &wanted(false, "C"), Some(2), at(30));
        assert_eq!(conditions[0].last_transition_time, Time(at(30)));
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn what_was_written_counts_until_the_cache_shows_it() {
        let written = Written { version: Some("12".into()), status: "new", at: at(1) };
        assert_eq!(Written::or_cached(Some(&written), Some(&"old"), Some("11")), Some("new"));
        assert_eq!(Written::or_cached(Some(&written), Some(&"newer"), Some("12")), Some("newer"));
        assert_eq!(Written::or_cached(Some(&written), Some(&"newer"), Some("13")), Some("newer"));
        assert_eq!(Written::or_cached(None, Some(&"old"), Some("11")), Some("old"));
    }
}
