//! Requests as a browser of this machine sends them.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::Value;
use studious_dashboard::{ThisMachine, records_router, router};
use tower::ServiceExt as _;

use crate::memory::Memory;

const TOKEN: &str = "a-token";

pub struct Asking(Router);

pub struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Asking {
    pub fn new(source: &Memory) -> Self {
        let gate = ThisMachine::new(TOKEN.into(), 8642);
        Self(gate.link(router(source.clone(), gate.clone()).merge(records_router(source.clone(), gate.clone()))))
    }

    async fn send(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header(header::HOST, "127.0.0.1:8642");
        if more.iter().all(|(name, _)| !["studious-token", "cookie"].contains(name)) {
            request = request.header("studious-token", TOKEN);
        }
        for (name, value) in more {
            request
                .headers_mut()
                .unwrap()
                .insert(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let response = self.0.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(path, &[]).await
    }

    pub async fn again(&self, path: &str, tag: &str) -> Answer {
        self.send(path, &[("if-none-match", tag)]).await
    }

    pub async fn packed(&self, path: &str, coding: &str) -> Answer {
        self.send(path, &[("accept-encoding", coding)]).await
    }

    pub async fn showing(&self, path: &str, name: &str, value: &str) -> Answer {
        self.send(path, &[(name, value)]).await
    }

    pub async fn as_host(&self, path: &str, host: &str) -> Answer {
        self.send(path, &[("host", host)]).await
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Asks until the answer is as it should be.
    pub async fn until(&self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..300 {
            let body = self.json(path).await;
            if done(&body) {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path}: {}", self.json(path).await);
    }
}
