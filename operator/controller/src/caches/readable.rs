//! Objects of a list or a watch, of which one that can't be read must not stop the others.
//!
//! kube has [`DeserializeGuard`](kube::core::DeserializeGuard) for that, which copies each object twice into a tree of values
//! before it reads it: most of what a watch costs. Here the text of an object is kept until it has been read.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::PartialObjectMeta};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::value::RawValue;

/// An object, or what is known of one that can't be read.
#[derive(Clone, Debug)]
pub(super) struct Readable<K>(pub(super) Result<K, Box<UnreadableObject>>);

/// An object that can't be read.
#[derive(Clone, Debug)]
pub(super) struct UnreadableObject {
    /// Why.
    pub(super) error: String,
    /// Which.
    pub(super) metadata: ObjectMeta,
}

/// Only of JSON text: a tree of values holds no text.
impl<'de, K: DeserializeOwned + Resource> Deserialize<'de> for Readable<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        match serde_json::from_str(text) {
            Ok(object) => Ok(Self(Ok(object))),
            Err(error) => {
                let found: PartialObjectMeta<K> = serde_json::from_str(text).map_err(D::Error::custom)?;
                Ok(Self(Err(Box::new(UnreadableObject { error: error.to_string(), metadata: found.metadata }))))
            }
        }
    }
}

impl<K: Resource> Resource for Readable<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => object.meta_mut(),
            Err(unreadable) => &mut unreadable.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use kube::core::{ObjectList, WatchEvent};

    use super::*;

    /// As the API server writes them: the type of an event before its object.
    #[test]
    fn one_that_cannot_be_read_does_not_stop_the_others() {
        let good = r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"containers":[{"name":"c"}]}}"#;
        let bad = r#"{"metadata":{"name":"b","namespace":"n"},"spec":{"containers":"none"}}"#;
        let list = format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{}},"items":[{bad},{good}]}}"#);
        let list: ObjectList<Readable<Pod>> = serde_json::from_str(&list).unwrap();
        let names: Vec<_> = list.items.iter().map(|pod| (pod.meta().name.as_deref(), pod.0.is_ok())).collect();
        assert_eq!(names, [(Some("b"), false), (Some("a"), true)]);
        let Err(unreadable) = &list.items[0].0 else { panic!() };
        assert!(unreadable.error.contains("expected a sequence"), "{unreadable:?}");

        for (text, is_ok) in [(good, true), (bad, false)] {
            let event = format!(r#"{{"type":"MODIFIED","object":{text}}}"#);
            let WatchEvent::Modified(pod) = serde_json::from_str::<WatchEvent<Readable<Pod>>>(&event).unwrap() else {
                panic!("{event}")
            };
            assert_eq!((pod.0.is_ok(), pod.meta().namespace.as_deref()), (is_ok, Some("n")));
        }
    }
}
