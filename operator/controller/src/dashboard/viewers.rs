//! Who looks, and what they may see: as Kubernetes says.
//!
//! A viewer shows a token, which the API server reviews; or comes through a proxy that is trusted by its address and says
//! who they are. They see the studies that they may `get`: asked of the API server by namespace, then by name for those
//! whose role names single studies. Metrics are for tokens alone, of users who may `get` their path. Answers are kept for
//! seconds.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use ipnet::IpNet;
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};
use studious_api::GROUP;
use studious_dashboard::{Gate, Refusal, StudyKey};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::recent::Recent;
use crate::{rate::Rate, scrape};

/// Where the API server's service proxy leaves a token: it keeps `Authorization` to itself.
const TOKEN_HEADER: &str = "studious-token";
/// How a trusted proxy names the user.
const USER_HEADER: &str = "x-remote-user";
/// And to which groups they belong: once for each.
const GROUP_HEADER: &str = "x-remote-group";
/// Audience of tokens that are made for us, as `kubectl study` asks for them. Agents' have another.
const AUDIENCE: &str = "studious";
/// Longest token that is reviewed, in bytes.
const MAX_TOKEN: usize = 16 * 1024;
/// How long a token that was accepted is taken without asking again, and one that wasn't refused.
const ACCEPTED: Duration = Duration::from_secs(30);
const REFUSED: Duration = Duration::from_secs(5);
/// How long a right holds without asking again.
const RIGHT: Duration = Duration::from_secs(10);
/// Reviews that are asked for at once.
const AT_ONCE: usize = 16;
/// How long a request waits for its turn to be reviewed.
const TURN: Duration = Duration::from_secs(5);
/// Tokens that turn out to be unknown, from one address: in a second over time, and at once. Each costs the API server two
/// reviews.
const UNKNOWN: (f64, f64) = (0.5, 20.0);

/// A viewer.
pub(crate) type Viewer = UserInfo;

/// What a user may `get`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum GetTarget {
    /// A study; all of a namespace when the name is empty.
    Study(StudyKey),
    /// The operator's metrics.
    Metrics,
}

impl GetTarget {
    /// Asks whether `viewer` may `get` it.
    fn question(&self, viewer: &Viewer) -> SubjectAccessReviewSpec {
        let verb = Some("get".to_owned());
        let spec = SubjectAccessReviewSpec {
            user: viewer.username.clone(),
            uid: viewer.uid.clone(),
            groups: viewer.groups.clone(),
            extra: viewer.extra.clone(),
            ..SubjectAccessReviewSpec::default()
        };
        match self {
            Self::Study(key) => SubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    group: Some(GROUP.to_owned()),
                    resource: Some("studies".to_owned()),
                    verb,
                    namespace: Some(key.namespace.clone()),
                    name: Some(key.name.clone()).filter(|name| !name.is_empty()),
                    ..ResourceAttributes::default()
                }),
                ..spec
            },
            Self::Metrics => SubjectAccessReviewSpec {
                non_resource_attributes: Some(NonResourceAttributes { path: Some(scrape::PATH.to_owned()), verb }),
                ..spec
            },
        }
    }
}

/// Finds out who looks and what they may see.
pub(crate) struct Viewers {
    client: Client,
    proxies: Vec<IpNet>,
    users: Recent<String, Result<UserInfo, Refusal>>,
    rights: Recent<(String, GetTarget), bool>,
    turns: Semaphore,
    unknown: Rate,
}

impl Viewers {
    /// Users that the proxies at these addresses name are believed.
    pub(crate) fn new(client: Client, proxies: Vec<IpNet>) -> Self {
        Self {
            client,
            proxies,
            users: Recent::default(),
            rights: Recent::default(),
            turns: Semaphore::new(AT_ONCE),
            unknown: Rate::new(UNKNOWN.0, UNKNOWN.1),
        }
    }

    /// Whom a trusted proxy says it is. Anybody can send such a header: what others say about themselves is nothing.
    fn told_by_proxy(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<UserInfo> {
        let address = peer?.ip().to_canonical();
        if !self.proxies.iter().any(|proxy| proxy.contains(&address)) {
            return None;
        }
        let name = headers.get(USER_HEADER)?.to_str().ok().filter(|name| !name.is_empty())?;
        let groups = headers.get_all(GROUP_HEADER).iter().filter_map(|group| group.to_str().ok());
        // What Kubernetes says about everybody who is known.
        let groups = groups.chain(["system:authenticated"]).map(str::to_owned).collect();
        Some(UserInfo { username: Some(name.to_owned()), groups: Some(groups), ..UserInfo::default() })
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        match tokio::time::timeout(TURN, self.turns.acquire()).await {
            Ok(turn) => turn.map_err(unavailable),
            Err(_) => Err(Refusal::Unavailable("the operator is busy asking the API server; try again".to_owned())),
        }
    }

    async fn review(&self, token: &str) -> Result<UserInfo, Refusal> {
        let _turn = self.turn().await?;
        // A token made for us, as `kubectl study` asks for one; or the user's own, made for the API server.
        let mut refusal = None;
        for audiences in [Some(vec![AUDIENCE.to_owned()]), None] {
            let review = TokenReview {
                spec: TokenReviewSpec { token: Some(token.to_owned()), audiences },
                ..TokenReview::default()
            };
            let reviews = Api::<TokenReview>::all(self.client.clone());
            let status = reviews.create(&PostParams::default(), &review).await.map_err(unavailable)?.status;
            let status = status.unwrap_or_default();
            match (status.authenticated, status.user) {
                (Some(true), Some(user)) => return Ok(user),
                _ => refusal = status.error.or(refusal),
            }
        }
        let why = refusal.unwrap_or_else(|| "the API server doesn't know it".to_owned());
        Err(Refusal::Unknown(format!("the token is not accepted: {why}")))
    }

    /// The user whose token a caller shows.
    async fn holder_of_token(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<Viewer, Refusal> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let token = text(TOKEN_HEADER).or(bearer).filter(|token| token.len() <= MAX_TOKEN).ok_or_else(|| {
            Refusal::Unknown("show a token: Studious-Token: <token>, or Authorization: Bearer <token>".to_owned())
        })?;
        let token = token.to_owned();
        if let Some(answer) = self.users.get(&token) {
            return answer;
        }
        let peer = peer.map(|peer| peer.ip().to_canonical().to_string()).unwrap_or_default();
        if !self.unknown.allows(&peer, Instant::now()) {
            return Err(Refusal::Unavailable(format!(
                "too many unknown tokens came from {peer}; wait {} s",
                (1.0 / UNKNOWN.0).ceil()
            )));
        }
        let answer = self.review(&token).await;
        if !matches!(answer, Err(Refusal::Unknown(_))) {
            self.unknown.give_back(&peer, Instant::now());
        }
        match &answer {
            Ok(_) => self.users.put(token, answer.clone(), ACCEPTED),
            Err(Refusal::Unknown(_)) => self.users.put(token, answer.clone(), REFUSED),
            // A review that failed is asked for again.
            Err(_) => {}
        }
        answer
    }

    /// Refuses callers who may not read metrics. They show a token: a proxy's word is for pages.
    ///
    /// # Errors
    /// When the token isn't accepted, its user may not `get` the path, or the API server can't be asked.
    pub(crate) async fn may_scrape(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(), Refusal> {
        let viewer = self.holder_of_token(headers, peer).await?;
        if self.may(&viewer, GetTarget::Metrics).await? {
            return Ok(());
        }
        let user = viewer.username.unwrap_or_default();
        Err(Refusal::NotAllowed(format!(
            "{user} may not get {}. Bind the ClusterRole studious-metrics-reader to it.",
            scrape::PATH
        )))
    }

    /// Whether a user may `get` something.
    async fn may(&self, viewer: &Viewer, what: GetTarget) -> Result<bool, Refusal> {
        // Groups and extras are part of a user's identity.
        let who = serde_json::to_string(viewer).map_err(unavailable)?;
        let question = (who, what);
        if let Some(answer) = self.rights.get(&question) {
            return Ok(answer);
        }
        let _turn = self.turn().await?;
        let review = SubjectAccessReview { spec: question.1.question(viewer), ..SubjectAccessReview::default() };
        let reviews = Api::<SubjectAccessReview>::all(self.client.clone());
        let answer = reviews.create(&PostParams::default(), &review).await.map_err(unavailable)?;
        let allowed = answer.status.is_some_and(|status| status.allowed);
        self.rights.put(question, allowed, RIGHT);
        Ok(allowed)
    }
}

impl Gate for Viewers {
    type Viewer = Viewer;

    async fn admit(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<Viewer, Refusal> {
        if let Some(user) = self.told_by_proxy(headers, peer) {
            return Ok(user);
        }
        self.holder_of_token(headers, peer).await
    }

    fn name(viewer: &Viewer) -> Option<&str> {
        viewer.username.as_deref()
    }

    async fn may_get(&self, viewer: &Viewer, key: &StudyKey) -> Result<bool, Refusal> {
        let all = StudyKey { namespace: key.namespace.clone(), name: String::new() };
        Ok(self.may(viewer, GetTarget::Study(all)).await? || self.may(viewer, GetTarget::Study(key.clone())).await?)
    }
}

fn unavailable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(format!("the API server can't be asked: {error}"))
}
