//! Which names belong to a study or a trial, so that no lookup walks through all of a store.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

type Groups = HashMap<(String, String), BTreeSet<String>>;

/// Names of objects by namespace and group (a study's trials, a trial's pods).
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<Groups>);

impl Index {
    /// Takes in that an object is there, or is gone.
    pub(crate) fn observe(&self, namespace: &str, group: &str, name: &str, is_there: bool) {
        let mut groups = self.groups();
        let key = (namespace.to_owned(), group.to_owned());
        if is_there {
            groups.entry(key).or_default().insert(name.to_owned());
        } else if let Some(names) = groups.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                groups.remove(&key);
            }
        }
    }

    /// The names of a group in order.
    pub(crate) fn names(&self, namespace: &str, group: &str) -> Vec<String> {
        let key = (namespace.to_owned(), group.to_owned());
        self.groups().get(&key).map(|names| names.iter().cloned().collect()).unwrap_or_default()
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        // Nothing panics while it holds the lock; were it so, the sets would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_and_go() {
        let index = Index::default();
        index.observe("ns", "digits", "b", true);
        index.observe("ns", "digits", "a", true);
        index.observe("other", "digits", "c", true);
        assert_eq!(index.names("ns", "digits"), ["a", "b"]);
        index.observe("ns", "digits", "a", false);
        index.observe("ns", "digits", "b", false);
        index.observe("ns", "digits", "never", false);
        assert!(index.names("ns", "digits").is_empty());
        assert_eq!(index.groups().len(), 1);
    }
}
