//! From HTTP to the store.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use serde_json::{Value, json};

use crate::{
    ServerState,
    faults::InjectedFault,
    kinds::{ResourceKind, ResourcePath},
    refusal::{ApiRefusal, Refused},
    selector::LabelSelector,
    store::{FieldManager, ObjectChange, ObjectKey},
};

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 8 << 20;
/// How often a watch says how far it is.
const BOOKMARK: Duration = Duration::from_secs(1);

/// Answers one request, with the faults that are asked for.
pub(crate) async fn answer(State(inner): State<Arc<ServerState>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let line = format!("{} {}", parts.method, parts.uri.path());
    let is_watch = query(&parts, "watch").is_some_and(|value| matches!(value.as_str(), "true" | "1"));
    let fault = inner.faults.next(&line, is_watch);
    let response = match &fault {
        Some(InjectedFault::Refuse { code, reason, message }) => {
            ApiRefusal::with(*code, reason, message).into_response()
        }
        Some(InjectedFault::Reset) => broken(),
        Some(InjectedFault::Delay(delay)) => {
            tokio::time::sleep(*delay).await;
            handle(&inner, &parts, &body, is_watch)
        }
        Some(InjectedFault::LoseAnswer) => {
            handle(&inner, &parts, &body, is_watch);
            broken()
        }
        None => handle(&inner, &parts, &body, is_watch),
    };
    inner.note(crate::Answered {
        line,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        status: response.status().as_u16(),
        had_fault: fault.is_some(),
    });
    response
}

/// An answer whose body breaks off: the connection ends before the message does.
fn broken() -> Response {
    let breaks = stream::once(async { Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset)) });
    Response::new(Body::from_stream(breaks))
}

fn handle(inner: &Arc<ServerState>, parts: &Parts, body: &Bytes, is_watch: bool) -> Response {
    let path = parts.uri.path();
    match path {
        "/.well-known/openid-configuration" | "/openid/v1/jwks" => {
            return Json(inner.tokens.document(path)).into_response();
        }
        "/version" => return Json(json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})).into_response(),
        _ => {}
    }
    let Some(target) = ResourcePath::parse(path) else {
        return ApiRefusal::of(Refused::NotFound, &format!("no such path: {path}")).into_response();
    };
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(_) if body.is_empty() => Value::Null,
        Err(error) => return ApiRefusal::of(Refused::BadRequest, &error.to_string()).into_response(),
    };
    if let Some(review) = inner.tokens.review(&target, &body) {
        return (StatusCode::CREATED, Json(review)).into_response();
    }
    let kind = ResourceKind::named(target.plural).filter(|kind| kind.group == target.group);
    let Some(kind) = kind.filter(|_| matches!(target.subresource, None | Some("status"))) else {
        return ApiRefusal::of(Refused::NotFound, &format!("the model has no {path}")).into_response();
    };
    match (&parts.method, target.name) {
        (&Method::GET, None) if is_watch => watch(inner, kind, &target, parts),
        (&Method::GET, None) => list(inner, kind, &target, parts),
        (method, name) => match change(inner, kind, &target, method, name, parts, body) {
            Ok((code, object)) => (code, Json(object)).into_response(),
            Err(refusal) => refusal.into_response(),
        },
    }
}

fn change(
    inner: &ServerState,
    kind: &'static ResourceKind,
    target: &ResourcePath<'_>,
    method: &Method,
    name: Option<&str>,
    parts: &Parts,
    body: Value,
) -> Result<(StatusCode, Value), ApiRefusal> {
    let generated = || {
        let prefix = body["metadata"]["generateName"].as_str()?;
        Some(format!("{prefix}{:05}", inner.store().version()))
    };
    let name =
        name.map(str::to_owned).or_else(|| body["metadata"]["name"].as_str().map(str::to_owned)).or_else(generated);
    let name = name.ok_or_else(|| ApiRefusal::of(Refused::BadRequest, "metadata.name: is missing"))?;
    let key: ObjectKey = (kind.plural, target.namespace.unwrap_or_default().to_owned(), name);
    let of_status = target.subresource == Some("status");
    let mut store = inner.store();
    let result = match *method {
        Method::GET => store.get(&key).cloned().ok_or_else(|| ApiRefusal::new(Refused::NotFound, &key, "not found")),
        Method::POST => {
            let mut object = body;
            if kind.has_status
                && let Some(fields) = object.as_object_mut()
            {
                fields.remove("status");
            }
            store.create(kind, &key, object)
        }
        Method::PUT => store.update(kind, &key, body, of_status),
        Method::DELETE => {
            let foreground = body["propagationPolicy"] == "Foreground"
                || query(parts, "propagationPolicy").as_deref() == Some("Foreground");
            store.delete(&key, foreground)
        }
        Method::PATCH => patch(&mut store, kind, &key, parts, body, of_status),
        _ => Err(ApiRefusal::with(405, "MethodNotAllowed", "the method is not known here")),
    };
    let version = store.version();
    drop(store);
    inner.changed(version);
    let code = if *method == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
    Ok((code, result?))
}

fn patch(
    store: &mut crate::store::ObjectStore,
    kind: &'static ResourceKind,
    key: &ObjectKey,
    parts: &Parts,
    body: Value,
    of_status: bool,
) -> Result<Value, ApiRefusal> {
    let content = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match content {
        "application/apply-patch+yaml" => {
            let name = query(parts, "fieldManager")
                .ok_or_else(|| ApiRefusal::of(Refused::BadRequest, "fieldManager: is required for apply patch"))?;
            let force = query(parts, "force").as_deref() == Some("true");
            store.apply(kind, key, body, of_status, FieldManager { name: &name, force })
        }
        "application/merge-patch+json" => {
            let object = store.get(key).ok_or_else(|| ApiRefusal::new(Refused::NotFound, key, "not found"))?;
            let mut next = object.clone();
            // Only what is given is compared with what is there.
            if let Some(metadata) = next["metadata"].as_object_mut() {
                metadata.retain(|field, _| !matches!(field.as_str(), "uid" | "resourceVersion"));
            }
            json_patch::merge(&mut next, &body);
            store.update(kind, key, next, of_status)
        }
        other => Err(ApiRefusal::with(415, "UnsupportedMediaType", &format!("the model takes no {other:?}"))),
    }
}

fn list(inner: &ServerState, kind: &ResourceKind, target: &ResourcePath<'_>, parts: &Parts) -> Response {
    let selector = LabelSelector::parse(query(parts, "labelSelector").as_deref().unwrap_or_default());
    let fields = query(parts, "fieldSelector").unwrap_or_default();
    let limit = query(parts, "limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let after = query(parts, "continue").filter(|token| !token.is_empty());
    let store = inner.store();
    let place = |key: &ObjectKey| format!("{}/{}", key.1, key.2);
    let mut items: Vec<(String, Value)> = store
        .list(kind.plural, target.namespace)
        .filter(|(key, _)| after.as_ref().is_none_or(|after| place(key) > *after))
        .filter(|(_, object)| selector.matches(object) && has_fields(object, &fields))
        .map(|(key, object)| (place(key), object.clone()))
        .collect();
    let mut metadata = json!({ "resourceVersion": store.version().to_string() });
    if let Some(limit) = limit.filter(|limit| items.len() > *limit) {
        items.truncate(limit);
        metadata["continue"] = items.last().map(|(place, _)| place.clone()).into();
    }
    let items: Vec<Value> = items.into_iter().map(|(_, object)| object).collect();
    Json(json!({
        "apiVersion": kind.api_version(), "kind": format!("{}List", kind.name), "metadata": metadata, "items": items,
    }))
    .into_response()
}

/// Whether an object has the fields that a selector names: `regarding.name=x,type=Warning`.
fn has_fields(object: &Value, selector: &str) -> bool {
    selector.split(',').filter_map(|term| term.split_once('=')).all(|(path, wanted)| {
        let value = path.split('.').fold(object, |value, field| &value[field]);
        value.as_str().unwrap_or_default() == wanted
    })
}

/// A watch that is being served.
struct Watch {
    inner: Arc<ServerState>,
    kind: &'static ResourceKind,
    namespace: Option<String>,
    selector: LabelSelector,
    version: u64,
    /// Watches of an earlier generation end.
    generation: u64,
    has_ended: bool,
}

fn watch(inner: &Arc<ServerState>, kind: &'static ResourceKind, target: &ResourcePath<'_>, parts: &Parts) -> Response {
    let version = query(parts, "resourceVersion").and_then(|version| version.parse().ok()).unwrap_or_default();
    let watch = Watch {
        kind,
        namespace: target.namespace.map(str::to_owned),
        selector: LabelSelector::parse(query(parts, "labelSelector").as_deref().unwrap_or_default()),
        version,
        generation: inner.watch_generation(),
        has_ended: false,
        inner: inner.clone(),
    };
    let body = Body::from_stream(watch.lines());
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Watch {
    fn lines(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let changed = self.inner.versions.subscribe();
        stream::unfold((self, changed), |(mut watch, mut changed)| async move {
            loop {
                if watch.has_ended || watch.generation != watch.inner.watch_generation() {
                    return None;
                }
                changed.borrow_and_update();
                let lines = watch.next();
                if !lines.is_empty() {
                    return Some((Ok(Bytes::from(lines.concat())), (watch, changed)));
                }
                let bookmark = tokio::time::timeout(BOOKMARK, changed.changed()).await;
                match bookmark {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => {
                        let line = event(
                            "BOOKMARK",
                            &json!({
                                "apiVersion": watch.kind.api_version(), "kind": watch.kind.name,
                                "metadata": { "resourceVersion": watch.version.to_string() },
                            }),
                        );
                        return Some((Ok(line), (watch, changed)));
                    }
                }
            }
        })
    }

    /// What has happened since.
    fn next(&mut self) -> Vec<Bytes> {
        let inner = self.inner.clone();
        let store = inner.store();
        let Some(changes) = store.since(self.version) else {
            self.has_ended = true;
            return vec![event("ERROR", &ApiRefusal::of(Refused::Expired, "too old resource version").status())];
        };
        let lines = changes.iter().filter_map(|change| Some(event(self.type_of(change)?, &change.object))).collect();
        self.version = store.version();
        lines
    }

    /// What a change is to this watch; nothing if it concerns another watch.
    fn type_of(&self, change: &ObjectChange) -> Option<&'static str> {
        let is_ours = change.plural == self.kind.plural
            && self.namespace.as_ref().is_none_or(|namespace| change.object["metadata"]["namespace"] == **namespace);
        let before = change.labels_before.as_ref().is_some_and(|labels| self.selector.matches_labels(labels));
        let now = !change.is_deleted && self.selector.matches(&change.object);
        match (is_ours, before, now) {
            (false, ..) | (true, false, false) => None,
            (true, false, true) => Some("ADDED"),
            (true, true, true) => Some("MODIFIED"),
            (true, true, false) => Some("DELETED"),
        }
    }
}

/// A line of a watch.
fn event(type_: &str, object: &Value) -> Bytes {
    // In this order, as the API server writes them.
    Bytes::from(format!("{{\"type\":\"{type_}\",\"object\":{object}}}\n"))
}

/// One parameter of the query, decoded.
fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(parts.uri.query()?).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
