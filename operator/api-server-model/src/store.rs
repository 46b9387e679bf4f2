//! Objects with their versions, the log of changes that watches read, and the garbage collector.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    apply,
    kinds::ResourceKind,
    refusal::{ApiRefusal, Refused},
};

/// An object's place: its kind's plural, its namespace (empty for those of the cluster) and its name.
pub type ObjectKey = (&'static str, String, String);

/// The finalizer that holds an owner until its dependents are gone.
const FOREGROUND: &str = "foregroundDeletion";
/// How long a pod may take to end, in seconds.
const GRACE: i64 = 30;

/// What happened to an object.
#[derive(Clone, Debug)]
pub(crate) struct ObjectChange {
    pub(crate) version: u64,
    pub(crate) plural: &'static str,
    /// As it is now; of one that was deleted, as it was last.
    pub(crate) object: Value,
    /// Its labels before; nothing when it is new.
    pub(crate) labels_before: Option<Value>,
    pub(crate) is_deleted: bool,
}

/// How something is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldManager<'a> {
    pub(crate) name: &'a str,
    pub(crate) force: bool,
}

/// Everything the API server holds.
#[derive(Debug, Default)]
pub(crate) struct ObjectStore {
    objects: BTreeMap<ObjectKey, Value>,
    /// What each manager applied last, by object, manager and subresource.
    applied: BTreeMap<ObjectKey, BTreeMap<(String, bool), Value>>,
    changes: Vec<ObjectChange>,
    /// Watches that begin before this version get the answer that it is gone.
    oldest: u64,
    version: u64,
    uids: u64,
}

impl ObjectStore {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Objects of a kind in the order of namespace and name.
    pub(crate) fn list(&self, plural: &str, namespace: Option<&str>) -> impl Iterator<Item = (&ObjectKey, &Value)> {
        self.objects.iter().filter(move |((of, ns, _), _)| *of == plural && namespace.is_none_or(|given| given == ns))
    }

    /// Changes after a version; nothing when they are not all kept any more.
    pub(crate) fn since(&self, version: u64) -> Option<&[ObjectChange]> {
        if version < self.oldest {
            return None;
        }
        let from = self.changes.partition_point(|change| change.version <= version);
        Some(&self.changes[from..])
    }

    /// Forgets the log: watches must begin with a list.
    pub(crate) fn compact(&mut self) {
        self.version += 1;
        self.oldest = self.version;
        self.changes.clear();
    }

    pub(crate) fn create(
        &mut self,
        kind: &'static ResourceKind,
        key: &ObjectKey,
        mut object: Value,
    ) -> Result<Value, ApiRefusal> {
        if self.objects.contains_key(key) {
            return Err(ApiRefusal::new(Refused::AlreadyExists, key, "already exists"));
        }
        self.uids += 1;
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.name.into();
        let metadata = &mut object["metadata"];
        metadata["name"] = key.2.clone().into();
        if !key.1.is_empty() {
            metadata["namespace"] = key.1.clone().into();
        }
        metadata["uid"] = format!("{:08x}-0000-4000-8000-{:012x}", self.uids, self.uids).into();
        metadata["creationTimestamp"] = now().into();
        metadata["generation"] = 1.into();
        self.put(key, object, None);
        self.collect();
        Ok(self.objects.get(key).cloned().unwrap_or_default())
    }

    /// Puts `next` in an object's place, if anything changes.
    pub(crate) fn update(
        &mut self,
        kind: &ResourceKind,
        key: &ObjectKey,
        mut next: Value,
        of_status: bool,
    ) -> Result<Value, ApiRefusal> {
        let before = self.objects.get(key).ok_or_else(|| ApiRefusal::new(Refused::NotFound, key, "not found"))?.clone();
        let given = &next["metadata"];
        for (field, refused) in
            [("uid", "the uid is another object's"), ("resourceVersion", "the object has been modified")]
        {
            if given[field].as_str().is_some_and(|given| !given.is_empty() && before["metadata"][field] != *given) {
                return Err(ApiRefusal::new(Refused::Conflict, key, refused));
            }
        }
        if of_status {
            let status = next["status"].take();
            next = before.clone();
            next["status"] = status;
        } else {
            if kind.has_status {
                next["status"] = before["status"].clone();
            }
            for kept in ["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
                next["metadata"][kept] = before["metadata"][kept].clone();
            }
            next["apiVersion"] = before["apiVersion"].clone();
            next["kind"] = before["kind"].clone();
            next["metadata"]["name"] = key.2.clone().into();
        }
        next["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        drop_nulls(&mut next);
        if next == before {
            return Ok(before);
        }
        if next["spec"] != before["spec"] {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or(1);
            next["metadata"]["generation"] = (generation + 1).into();
        }
        let result = self.put(key, next, Some(&before));
        self.collect();
        Ok(result)
    }

    /// Applies what a manager wants, with its fields of the last time removed that it doesn't want any more.
    pub(crate) fn apply(
        &mut self,
        kind: &'static ResourceKind,
        key: &ObjectKey,
        mut config: Value,
        of_status: bool,
        manager: FieldManager<'_>,
    ) -> Result<Value, ApiRefusal> {
        if let Some(metadata) = config["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        drop_nulls(&mut config);
        let id = (manager.name.to_owned(), of_status);
        let applied = self.applied.get(key).cloned().unwrap_or_default();
        let others: Vec<&Value> =
            applied.iter().filter(|(other, _)| other.0 != id.0).map(|(_, config)| config).collect();
        if !manager.force
            && let Some(path) = others.iter().find_map(|other| apply::conflict(&config, other))
        {
            return Err(ApiRefusal::new(Refused::Conflict, key, &format!("another manager applied {path}")));
        }
        let result = match self.objects.get(key) {
            None if of_status => return Err(ApiRefusal::new(Refused::NotFound, key, "not found")),
            None if config["metadata"]["uid"].is_string() => {
                return Err(ApiRefusal::new(Refused::Conflict, key, "the uid is another object's"));
            }
            None => {
                let mut object = json!({});
                apply::apply(&mut object, None, &config, &[]);
                if kind.has_status
                    && let Some(fields) = object.as_object_mut()
                {
                    fields.remove("status");
                }
                self.create(kind, key, object)?
            }
            Some(object) => {
                let mut next = object.clone();
                if let Some(metadata) = next["metadata"].as_object_mut() {
                    // Only what is given is compared.
                    metadata.retain(|field, _| !matches!(field.as_str(), "uid" | "resourceVersion"));
                }
                apply::apply(&mut next, applied.get(&id), &config, &others);
                self.update(kind, key, next, of_status)?
            }
        };
        if self.objects.contains_key(key) {
            self.applied.entry(key.clone()).or_default().insert(id, config);
        }
        Ok(result)
    }

    /// Deletes as the API server does: what has finalizers is marked, and so is a pod whose processes may still run.
    pub(crate) fn delete(&mut self, key: &ObjectKey, foreground: bool) -> Result<Value, ApiRefusal> {
        let object = self.objects.get(key).ok_or_else(|| ApiRefusal::new(Refused::NotFound, key, "not found"))?.clone();
        let mut next = object.clone();
        if foreground && !has_finalizer(&next, FOREGROUND) {
            match next["metadata"]["finalizers"].as_array_mut() {
                Some(finalizers) => finalizers.push(FOREGROUND.into()),
                None => next["metadata"]["finalizers"] = json!([FOREGROUND]),
            }
        }
        let phase = next["status"]["phase"].as_str();
        let runs = key.0 == "pods" && matches!(phase, Some("Pending" | "Running"));
        if next["metadata"]["deletionTimestamp"].is_null() {
            let due = if runs { Timestamp::now() + SignedDuration::from_secs(GRACE) } else { Timestamp::now() };
            next["metadata"]["deletionTimestamp"] = second(due).into();
            next["metadata"]["deletionGracePeriodSeconds"] = if runs { GRACE } else { 0 }.into();
        }
        if next != object {
            self.put(key, next.clone(), Some(&object));
        }
        self.collect();
        Ok(next)
    }

    /// Takes an object away whatever holds it, as a kubelet does with a pod that has ended.
    pub(crate) fn remove(&mut self, key: &ObjectKey) {
        if let Some(object) = self.objects.remove(key) {
            self.applied.remove(key);
            self.log(key, object.clone(), Some(&object), true);
        }
        self.collect();
    }

    fn put(&mut self, key: &ObjectKey, mut object: Value, before: Option<&Value>) -> Value {
        drop_nulls(&mut object);
        object["metadata"]["resourceVersion"] = (self.version + 1).to_string().into();
        self.objects.insert(key.clone(), object.clone());
        self.log(key, object.clone(), before, false);
        object
    }

    fn log(&mut self, key: &ObjectKey, mut object: Value, before: Option<&Value>, is_deleted: bool) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let labels_before = before.map(|before| before["metadata"]["labels"].clone());
        self.changes.push(ObjectChange { version: self.version, plural: key.0, object, labels_before, is_deleted });
    }

    /// Removes what is marked and no longer held, and what no owner is left of, until nothing is left to do.
    fn collect(&mut self) {
        loop {
            let uids: HashSet<&str> = self.objects.values().filter_map(|o| o["metadata"]["uid"].as_str()).collect();
            let in_foreground: HashSet<&str> = self
                .objects
                .values()
                .filter(|object| has_finalizer(object, FOREGROUND))
                .filter_map(|object| object["metadata"]["uid"].as_str())
                .collect();
            let owners = |object: &Value| -> Vec<String> {
                let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
                owners.filter_map(|owner| owner["uid"].as_str().map(str::to_owned)).collect()
            };
            let held: HashSet<String> = self.objects.values().flat_map(owners).collect();
            let is_marked = |object: &Value| object["metadata"]["deletionTimestamp"].is_string();
            let ends = self.objects.iter().find_map(|(key, object)| {
                if !is_marked(object) {
                    let owners = owners(object);
                    let orphaned = !owners.is_empty() && owners.iter().all(|uid| !uids.contains(uid.as_str()));
                    let follows = owners.iter().any(|uid| in_foreground.contains(uid.as_str()));
                    return (orphaned || follows).then(|| (key.clone(), false));
                }
                let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
                let finalizers = object["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
                let waits = has_finalizer(object, FOREGROUND);
                let is_free = finalizers == usize::from(waits) && !(waits && held.contains(uid));
                let runs = object["metadata"]["deletionGracePeriodSeconds"].as_i64() != Some(0);
                (is_free && !runs).then(|| (key.clone(), true))
            });
            match ends {
                None => return,
                Some((key, true)) => {
                    if let Some(object) = self.objects.remove(&key) {
                        self.applied.remove(&key);
                        self.log(&key, object.clone(), Some(&object), true);
                    }
                }
                Some((key, false)) => {
                    let Some(object) = self.objects.get(&key).cloned() else { return };
                    let mut next = object.clone();
                    let runs =
                        key.0 == "pods" && matches!(next["status"]["phase"].as_str(), Some("Pending" | "Running"));
                    next["metadata"]["deletionTimestamp"] = now().into();
                    next["metadata"]["deletionGracePeriodSeconds"] = if runs { GRACE } else { 0 }.into();
                    self.put(&key, next, Some(&object));
                }
            }
        }
    }
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|all| all.iter().any(|finalizer| finalizer == name))
}

fn now() -> String {
    second(Timestamp::now())
}

/// A moment as the API server keeps it.
pub(crate) fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
