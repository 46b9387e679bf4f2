//! How much is taken in at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Requests of one pod that are taken in at once: an agent sends one, and one whose connection broke may still be there.
const OF_POD: usize = 2;

/// Turns for everybody, of which one pod gets few: a pod that sends slowly holds up itself.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Mutex<TurnsTaken>>);

#[derive(Debug)]
struct TurnsTaken {
    free: usize,
    by_pod: HashMap<String, usize>,
}

/// A turn; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Mutex<TurnsTaken>>,
    pod: String,
}

impl Turns {
    /// So many turns.
    pub(crate) fn new(free: usize) -> Self {
        Self(Arc::new(Mutex::new(TurnsTaken { free, by_pod: HashMap::new() })))
    }

    /// A turn for a pod, if there is one.
    pub(crate) fn take(&self, pod: &str) -> Option<Turn> {
        let mut taken = lock(&self.0);
        if taken.free == 0 || taken.by_pod.get(pod).is_some_and(|turns| *turns >= OF_POD) {
            return None;
        }
        taken.free -= 1;
        *taken.by_pod.entry(pod.to_owned()).or_default() += 1;
        Some(Turn { turns: self.0.clone(), pod: pod.to_owned() })
    }

    /// How many turns are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        lock(&self.0).free
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = lock(&self.turns);
        taken.free += 1;
        if let Some(turns) = taken.by_pod.get_mut(&self.pod) {
            *turns -= 1;
            if *turns == 0 {
                taken.by_pod.remove(&self.pod);
            }
        }
    }
}

fn lock(taken: &Mutex<TurnsTaken>) -> MutexGuard<'_, TurnsTaken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_gets_few_turns_and_gives_them_back() {
        let turns = Turns::new(4);
        let of_a = [turns.take("a").unwrap(), turns.take("a").unwrap()];
        assert!(turns.take("a").is_none());
        let of_b = [turns.take("b").unwrap(), turns.take("b").unwrap()];
        assert!(turns.take("c").is_none());
        drop(of_b);
        assert_eq!(turns.free(), 2);
        assert!(turns.take("c").is_some());
        drop(of_a);
        assert!(turns.take("a").is_some() && turns.free() == 4);
    }
}
