//! What waits to be reconciled: a set, so that an object which changes often waits once, and no more waits than exists.

use std::{
    collections::{HashSet, VecDeque},
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use futures::Stream;
use kube::{Resource, runtime::reflector::ObjectRef};
use tokio::sync::Notify;

/// Objects that wait, in the order in which they came.
pub(crate) struct Queue<K: Resource<DynamicType = ()> + 'static> {
    waiting: Mutex<Waiting<K>>,
    wake: Notify,
}

struct Waiting<K: Resource<DynamicType = ()> + 'static> {
    order: VecDeque<ObjectRef<K>>,
    members: HashSet<ObjectRef<K>>,
}

impl<K: Resource<DynamicType = ()> + 'static> Default for Queue<K> {
    fn default() -> Self {
        Self { waiting: Mutex::new(Waiting { order: VecDeque::new(), members: HashSet::new() }), wake: Notify::new() }
    }
}

impl<K: Resource<DynamicType = ()> + 'static> Queue<K>
where
    ObjectRef<K>: Clone + Debug + Eq + Hash,
{
    /// Puts an object in, if it isn't waiting already.
    pub(crate) fn push(&self, object: ObjectRef<K>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.members.insert(object.clone()) {
            waiting.order.push_back(object);
            drop(waiting);
            self.wake.notify_one();
        }
    }

    fn pop(&self) -> Option<ObjectRef<K>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let object = waiting.order.pop_front()?;
        waiting.members.remove(&object);
        Some(object)
    }

    /// The objects as they come. There is one reader.
    pub(crate) fn stream(self: Arc<Self>) -> impl Stream<Item = ObjectRef<K>> + Send {
        futures::stream::unfold(self, |queue| async move {
            loop {
                if let Some(object) = queue.pop() {
                    return Some((object, queue));
                }
                queue.wake.notified().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use studious_api::Trial;

    use super::*;

    #[tokio::test]
    async fn an_object_waits_once() {
        let queue = Arc::new(Queue::<Trial>::default());
        for name in ["a", "b", "a"] {
            queue.push(ObjectRef::new(name).within("ns"));
        }
        let mut stream = Box::pin(queue.clone().stream());
        assert_eq!(stream.next().await.unwrap().name, "a");
        queue.push(ObjectRef::new("a").within("ns"));
        assert_eq!(stream.next().await.unwrap().name, "b");
        assert_eq!(stream.next().await.unwrap().name, "a");
        assert!(futures::poll!(stream.next()).is_pending());
    }
}
