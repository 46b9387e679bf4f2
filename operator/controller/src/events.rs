//! Events: what a person should see beside an object. There are none while all goes well.

use k8s_openapi::api::{core::v1::ObjectReference, events::v1::Event as EventObject};
use kube::{
    Api, Client,
    api::ListParams,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

/// Longest note that the API server takes, in bytes.
const MAX_NOTE: usize = 1000;

/// Publishes Events. One that can't be published is logged and forgotten: the object's status says the same.
#[derive(Clone)]
pub(crate) struct Events(Recorder);

impl Events {
    pub(crate) fn new(client: Client, identity: &str) -> Self {
        let reporter = Reporter { controller: "studious".to_owned(), instance: Some(identity.to_owned()) };
        Self(Recorder::new(client, reporter))
    }

    /// Something went as it should, and is worth a line.
    pub(crate) async fn normal(&self, about: &ObjectReference, action: &str, reason: &str, note: &str) {
        self.publish(EventType::Normal, about, action, reason, note).await;
    }

    /// Something that needs attention.
    pub(crate) async fn warning(&self, about: &ObjectReference, action: &str, reason: &str, note: &str) {
        self.publish(EventType::Warning, about, action, reason, note).await;
    }

    async fn publish(&self, type_: EventType, about: &ObjectReference, action: &str, reason: &str, note: &str) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(shorten(note)),
            action: action.to_owned(),
            secondary: None,
        };
        if let Err(error) = self.0.publish(&event, about).await {
            tracing::warn!(%error, reason, name = about.name.as_deref().unwrap_or_default(), "the Event was not taken");
        }
    }
}

/// The note of the latest Warning of this reason about an object; nothing if there is none.
///
/// # Errors
/// When the API server can't be asked.
pub(crate) async fn latest_warning(
    client: &Client,
    namespace: &str,
    about: &str,
    reason: &str,
) -> Result<Option<String>, kube::Error> {
    let api = Api::<EventObject>::namespaced(client.clone(), namespace);
    let query = ListParams::default().fields(&format!("regarding.name={about},reason={reason},type=Warning")).limit(50);
    let events = api.list(&query).await?.items;
    let at = |event: &EventObject| {
        let series = event.series.as_ref().map(|series| series.last_observed_time.0);
        series.or(event.deprecated_last_timestamp.as_ref().map(|t| t.0)).or(event.event_time.as_ref().map(|t| t.0))
    };
    Ok(events.into_iter().max_by_key(at).and_then(|event| event.note))
}

fn shorten(note: &str) -> String {
    if note.len() <= MAX_NOTE {
        return note.to_owned();
    }
    let mut end = MAX_NOTE - 4;
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} …", &note[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_are_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        let cut = shorten(&"ü".repeat(2000));
        assert!(cut.len() <= MAX_NOTE && cut.ends_with('…'), "{}", cut.len());
    }
}
