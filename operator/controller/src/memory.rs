//! What is cached of objects between two looks at them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is cached of objects by uid, beside what the cluster shows. Losing it costs requests, never correctness.
#[derive(Debug, Default)]
pub(crate) struct Memories<T>(Mutex<HashMap<String, Arc<Mutex<T>>>>);

impl<T: Default> Memories<T> {
    /// Reads or changes what is cached of an object. Other objects don't wait for it.
    pub(crate) fn with<R>(&self, uid: &str, f: impl FnOnce(&mut T) -> R) -> R {
        let object = self.objects(|objects| objects.entry(uid.to_owned()).or_default().clone());
        f(&mut object.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As [`Memories::with`], of an object that isn't forgotten yet.
    pub(crate) fn with_known<R>(&self, uid: &str, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let object = self.objects(|objects| objects.get(uid).cloned())?;
        Some(f(&mut object.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Forgets an object.
    pub(crate) fn forget(&self, uid: &str) {
        self.objects(|objects| objects.remove(uid));
    }

    /// Forgets every object.
    pub(crate) fn clear(&self) {
        self.objects(HashMap::clear);
    }

    fn objects<R>(&self, f: impl FnOnce(&mut HashMap<String, Arc<Mutex<T>>>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
