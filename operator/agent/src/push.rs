//! The client of `POST /v1/measurements`.

use std::{path::PathBuf, time::Duration};

use reqwest::{StatusCode, Url, redirect};
use studious_contract::{PUSH_PATH, PushAnswer, PushRequest};

use crate::{AgentError, Options};

/// How long one push may take: an operator that hangs is asked again.
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Most characters of an answer that are shown.
const SHOWN_CHARACTERS: usize = 300;

/// Why a push wasn't acknowledged.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum PushError {
    /// Lines are missing before those that were sent.
    #[error("the operator wants line {next_line} first")]
    Gap { next_line: u64 },
    /// The body is larger than the operator takes.
    #[error("the operator takes no body of this size (413)")]
    TooLarge,
    /// Something that waiting is unlikely to fix.
    #[error("the operator refuses lines with {status}: {answer}")]
    Refused { status: u16, answer: String },
    /// The trial or its study is gone, or being deleted.
    #[error("the trial is gone (410): {0}")]
    Gone(String),
    /// Something that passes.
    #[error("{0}")]
    Transient(String),
}

/// Speaks to the operator.
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    token_file: PathBuf,
    ca_pem: Option<String>,
    ca_file: Option<PathBuf>,
    /// What the file said when it was last used.
    in_file: Option<String>,
}

impl Client {
    pub(crate) fn new(options: &Options) -> Result<Self, AgentError> {
        let wrong = |problem: String| AgentError::Address { address: options.operator.clone(), problem };
        let mut url = Url::parse(&options.operator).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong("it begins with neither https:// nor http://".to_owned()));
        }
        let path = format!("{}{PUSH_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self {
            http: http(options.ca_pem.as_deref(), None)?,
            url,
            token_file: options.token_file.clone(),
            ca_pem: options.ca_pem.clone(),
            ca_file: options.ca_file.clone(),
            in_file: None,
        })
    }

    /// Reads the certificate authorities again: the kubelet renews them. Those that were trusted from the beginning stay
    /// trusted, so that it doesn't matter which of authority and certificate is renewed first.
    async fn renew_authorities(&mut self) {
        let Some(path) = &self.ca_file else { return };
        // The ConfigMap may come later than the pod.
        let Ok(text) = tokio::fs::read_to_string(path).await else { return };
        if self.in_file.as_ref() == Some(&text) {
            return;
        }
        match http(self.ca_pem.as_deref(), Some(&text)) {
            Ok(http) => {
                tracing::info!(file = %path.display(), "certificate authorities were read");
                self.http = http;
            }
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "still using the old certificate authorities");
            }
        }
        self.in_file = Some(text);
    }

    /// Sends one request, once.
    pub(crate) async fn push(&mut self, request: &PushRequest<'_>) -> Result<PushAnswer, PushError> {
        self.renew_authorities().await;
        // Read each time: the kubelet renews it.
        let token = tokio::fs::read_to_string(&self.token_file)
            .await
            .map_err(|e| PushError::Transient(format!("the token {} can't be read: {e}", self.token_file.display())))?;
        let failed = |error: reqwest::Error| PushError::Transient(in_full(&error));
        let mut response =
            self.http.post(self.url.clone()).bearer_auth(token.trim()).json(request).send().await.map_err(failed)?;
        let status = response.status();
        let mut body: Vec<u8> = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER_BYTES - body.len())]);
            if body.len() == MAX_ANSWER_BYTES {
                break;
            }
        }
        judge(status, &body)
    }
}

/// A client that trusts the authorities of both PEM texts, or those that browsers trust when there is neither.
fn http(pem: Option<&str>, renewed: Option<&str>) -> Result<reqwest::Client, AgentError> {
    let mut builder = reqwest::Client::builder()
        .timeout(PUSH_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        // The token is for the operator alone.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("studious-agent/", env!("CARGO_PKG_VERSION")));
    for pem in [pem, renewed].into_iter().flatten() {
        let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(|e| tls_error(&e))?;
        if authorities.is_empty() {
            return Err(AgentError::Tls("the certificate authority holds no certificate".to_owned()));
        }
        builder = builder.tls_built_in_root_certs(false);
        for authority in authorities {
            builder = builder.add_root_certificate(authority);
        }
    }
    builder.build().map_err(|e| tls_error(&e))
}

/// What an answer means.
fn judge(status: StatusCode, body: &[u8]) -> Result<PushAnswer, PushError> {
    let answer = serde_json::from_slice::<PushAnswer>(body);
    let shown = || String::from_utf8_lossy(body).trim().chars().take(SHOWN_CHARACTERS).collect::<String>();
    match (status, answer) {
        (StatusCode::OK, Ok(answer)) => Ok(answer),
        (StatusCode::CONFLICT, Ok(PushAnswer { next_line, .. })) => Err(PushError::Gap { next_line }),
        (StatusCode::GONE, _) => Err(PushError::Gone(shown())),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => Err(PushError::TooLarge),
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT, _) => {
            Err(PushError::Transient(format!("the operator is busy ({status}): {}", shown())))
        }
        _ if status.is_server_error() => {
            Err(PushError::Transient(format!("the operator can't take lines now ({status}): {}", shown())))
        }
        _ => Err(PushError::Refused { status: status.as_u16(), answer: shown() }),
    }
}

fn tls_error(error: &reqwest::Error) -> AgentError {
    AgentError::Tls(in_full(error))
}

/// An error with its causes: reqwest's own text leaves out what went wrong.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_mean() {
        let judge = |status: u16, body: &str| judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(judge(200, r#"{"nextLine":3}"#), Ok(PushAnswer { next_line: 3, trainer_ended: false }));
        let ended = r#"{"nextLine":3,"trainerEnded":true}"#;
        assert_eq!(judge(200, ended), Ok(PushAnswer { next_line: 3, trainer_ended: true }));
        assert_eq!(judge(409, r#"{"nextLine":3,"message":"m"}"#), Err(PushError::Gap { next_line: 3 }));
        assert!(matches!(judge(409, "conflict"), Err(PushError::Refused { status: 409, .. })));
        assert!(matches!(judge(200, "<html>"), Err(PushError::Refused { status: 200, .. })));
        assert!(matches!(judge(503, ""), Err(PushError::Transient(_))));
        assert!(matches!(judge(429, ""), Err(PushError::Transient(_))));
        assert!(matches!(judge(404, "no such trial"), Err(PushError::Refused { status: 404, .. })));
        assert_eq!(judge(413, ""), Err(PushError::TooLarge));
        assert_eq!(judge(410, "bye"), Err(PushError::Gone("bye".to_owned())));
    }
}
