//! An operator with a real ledger, which can be made to fail in every way in which a real one does.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use studious_api::{StudySpec, TrialSpec};
use studious_contract::{Line, LineError, PUSH_PATH, PushAnswer, PushRequest};
use studious_ledger::{Ledger, LedgerError, RunState, StudyRow, TrialRow};
use studious_playbook::Millis;
use tokio::{net::TcpListener, task::JoinHandle};

pub const TRIAL: &str = "trial-uid";

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    Well,
    /// Refuses with this status before anything is taken.
    Refuses(u16),
    /// Takes the lines and loses the answer.
    LosesAnswers,
    /// Never answers.
    Hangs,
    /// One of these in turn, well each fourth time.
    Moody,
}

pub struct Shared {
    pub ledger: Ledger,
    pub mood: Mutex<Mood>,
    pub token: Mutex<String>,
    /// Lines that the ledger took as new, in their order.
    pub taken: Mutex<Vec<(u64, Result<Line, LineError>)>>,
    pub requests: AtomicU64,
    pub drained: AtomicU64,
    /// Whether it knows that the trainer has ended.
    pub trainer_ended: AtomicBool,
}

pub struct Operator {
    pub shared: Arc<Shared>,
    pub address: SocketAddr,
    _folder: tempfile::TempDir,
    body_limit: usize,
    server: Option<JoinHandle<()>>,
}

impl Operator {
    pub async fn new() -> Self {
        Self::with_body_limit(2 * 1024 * 1024).await
    }

    pub async fn with_body_limit(body_limit: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("ledger.sqlite")).await.unwrap();
        put_in(&ledger).await;
        let shared = Arc::new(Shared {
            ledger,
            mood: Mutex::new(Mood::Well),
            token: Mutex::new(crate::TOKEN.into()),
            taken: Mutex::default(),
            requests: AtomicU64::default(),
            drained: AtomicU64::default(),
            trainer_ended: AtomicBool::default(),
        });
        let mut operator = Self { shared, address: crate::free_address(), _folder: folder, body_limit, server: None };
        operator.start().await;
        operator
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn start(&mut self) {
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let router = self.router();
        self.server = Some(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route(PUSH_PATH, post(push))
            .layer(DefaultBodyLimit::max(self.body_limit))
            .with_state(self.shared.clone())
    }

    /// Stops at once, in the middle of whatever it does.
    pub async fn die(&mut self) {
        let server = self.server.take().unwrap();
        server.abort();
        let _ = server.await;
    }

    pub fn is(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    pub async fn next_line(&self) -> u64 {
        self.shared.ledger.next_line(TRIAL, 1, 1).await.unwrap()
    }

    pub fn drained(&self) -> u64 {
        self.shared.drained.load(Ordering::SeqCst)
    }

    /// Steps of the lines that were taken as new: each line once and in order, or this fails.
    pub fn steps(&self) -> Vec<u64> {
        let taken = self.shared.taken.lock().unwrap();
        let steps = taken.iter().enumerate().map(|(i, (number, line))| {
            assert_eq!(*number, i as u64, "a line was taken twice, or one is missing");
            match line {
                Ok(Line::Measurements(m)) => m.step,
                other => panic!("line {i}: {other:?}"),
            }
        });
        steps.collect()
    }

    /// Steps of the lines that were taken as new, in the order in which they were, whatever attempt wrote them.
    pub fn values(&self) -> Vec<u64> {
        let taken = self.shared.taken.lock().unwrap();
        let steps = taken.iter().map(|(number, line)| match line {
            Ok(Line::Measurements(m)) => m.step,
            other => panic!("line {number}: {other:?}"),
        });
        steps.collect()
    }
}

async fn push(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(request): Json<PushRequest<'_>>) -> Response {
    let count = shared.requests.fetch_add(1, Ordering::SeqCst);
    let authorization = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if authorization != format!("Bearer {}", shared.token.lock().unwrap()) {
        return (StatusCode::UNAUTHORIZED, "no such token").into_response();
    }
    let mut mood = *shared.mood.lock().unwrap();
    if mood == Mood::Moody {
        mood = [Mood::Refuses(503), Mood::LosesAnswers, Mood::Refuses(429), Mood::Well][count as usize % 4];
    }
    match mood {
        Mood::Refuses(status) => return (StatusCode::from_u16(status).unwrap(), "in a mood").into_response(),
        Mood::Hangs => std::future::pending().await,
        _ => {}
    }
    // A server that dies in the middle must not lose what the ledger took: the count of taken lines is ours, not its.
    let answer =
        tokio::spawn(take(shared.clone(), request.attempt, request.host, request.first_line, request.lines.to_vec()));
    match answer.await.unwrap() {
        Ok(next_line) if mood == Mood::LosesAnswers => (StatusCode::BAD_GATEWAY, next_line.to_string()).into_response(),
        Ok(next_line) => {
            shared.drained.fetch_add(u64::from(request.drained), Ordering::SeqCst);
            let trainer_ended = shared.trainer_ended.load(Ordering::SeqCst);
            Json(PushAnswer { next_line, trainer_ended }).into_response()
        }
        Err(LedgerError::Gap { next_line, .. }) => {
            (StatusCode::CONFLICT, Json(PushAnswer { next_line, trainer_ended: false })).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn take(
    shared: Arc<Shared>,
    attempt: u32,
    host: u32,
    first_line: u64,
    lines: Vec<String>,
) -> Result<u64, LedgerError> {
    let appended = shared.ledger.append(TRIAL, attempt, host, first_line, &lines).await?;
    shared.taken.lock().unwrap().extend(appended.new);
    Ok(appended.next_line)
}

pub fn trial_spec() -> TrialSpec {
    serde_json::from_str(
        r#"{"study":"s","round":"explore","index":0,"hyperparameters":{"lr":0.1},"maxTrainSteps":1000,
            "objective":{"metric":"validation_error","direction":"Minimize"},"evaluation":{"everySteps":10},
            "seeds":{"init":1,"data":[2,3],"split":4},"hosts":2,"verify":"Required",
            "template":{"spec":{"containers":[{"name":"trainer"}]}}}"#,
    )
    .unwrap()
}

async fn put_in(ledger: &Ledger) {
    let spec: StudySpec = serde_json::from_str(
        r#"{"goal":"g","objective":{"metric":"validation_error","direction":"Minimize"},
            "hyperparameters":[{"name":"lr","role":"Nuisance","range":{"min":0.1,"max":1,"scale":"Log"}}],
            "rounds":[{"name":"explore","trials":4,"maxTrainSteps":1000}],"evaluation":{"everySteps":10},
            "trial":{"template":{"spec":{"containers":[{"name":"trainer"}]}}}}"#,
    )
    .unwrap();
    let study = StudyRow { uid: "s".into(), namespace: "team-a".into(), name: "s".into(), spec, created: Millis(0) };
    ledger.upsert_study(&study).await.unwrap();
    let trial = TrialRow {
        uid: TRIAL.into(),
        study: "s".into(),
        name: "s-explore-0000".into(),
        spec: trial_spec(),
        state: RunState::default(),
    };
    ledger.upsert_trial(&trial).await.unwrap();
}
