//! Who an object is: asked once, where it comes in from the API server, and never guessed afterwards.

use std::{ops::Deref, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};

/// Who an object of a namespace is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Identity {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Another object that is made under the same name later has another one.
    pub(crate) uid: String,
}

/// An object that the API server keeps, with its identity.
#[derive(Debug)]
pub(crate) struct Identified<K> {
    object: Arc<K>,
    pub(crate) id: Identity,
}

impl<K> Clone for Identified<K> {
    fn clone(&self) -> Self {
        Self { object: self.object.clone(), id: self.id.clone() }
    }
}

impl<K: Resource> Identified<K> {
    /// An object with its identity. One of a watch always has it; one that was only written down has none.
    pub(crate) fn of(object: Arc<K>) -> Option<Self> {
        let meta = object.meta();
        let id = Identity { namespace: meta.namespace.clone()?, name: meta.name.clone()?, uid: meta.uid.clone()? };
        Some(Self { object, id })
    }

    /// The object as the cache keeps it.
    pub(crate) fn shared(&self) -> &Arc<K> {
        &self.object
    }
}

impl<K: Resource<DynamicType = ()>> Identified<K> {
    /// The reference by which this object owns and controls another.
    pub(crate) fn as_owner(&self) -> OwnerReference {
        OwnerReference {
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            name: self.id.name.clone(),
            uid: self.id.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }
}

impl<K> Deref for Identified<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.object
    }
}

/// The owner that controls an object.
pub(crate) fn controller_of<K: Resource>(object: &K) -> Option<&OwnerReference> {
    object.meta().owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true))
}

/// Whether the object with this uid controls another.
pub(crate) fn is_controlled_by<K: Resource>(object: &K, uid: &str) -> bool {
    controller_of(object).is_some_and(|owner| owner.uid == uid)
}

/// Where an object is, for logs.
pub(crate) fn place_of<K: Resource>(object: &K) -> (String, String) {
    (object.meta().namespace.clone().unwrap_or_default(), object.name_any())
}

/// An object with its identity, as tests have it.
#[cfg(test)]
pub(crate) fn identified<K: Resource + Clone>(object: &K) -> Identified<K> {
    Identified::of(Arc::new(object.clone())).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::studies;

    #[test]
    fn an_object_that_was_never_made_is_nobody() {
        let mut study = studies::study("");
        study.metadata.uid = None;
        assert!(Identified::of(Arc::new(study.clone())).is_none());
        study.metadata.uid = Some("u".into());
        assert_eq!(Identified::of(Arc::new(study)).unwrap().as_owner().uid, "u");
    }
}
