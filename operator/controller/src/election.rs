//! One replica leads, by Lease. One that loses the Lease stops reconciling at once, for nothing of what it had in hand may be
//! finished beside a new leader, and stands for election again. Ingest and the dashboard continue meanwhile.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, api::PostParams};

/// How long a Lease holds without being renewed.
const HOLDS: SignedDuration = SignedDuration::from_secs(15);
/// How often it is renewed, and how often followers look.
const RENEW: Duration = Duration::from_secs(5);
/// A leader that couldn't renew for so long gives up, before another may take over.
const GIVE_UP: Duration = Duration::from_secs(10);
/// A Lease that cannot be acquired is reported this often.
const WARN_EVERY: Duration = Duration::from_mins(1);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(4);

/// Why this replica leads no more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElectionError {
    /// Another replica has the Lease.
    #[error("the Lease {lease} was taken over by {holder}")]
    TakenOver {
        /// The Lease.
        lease: String,
        /// Who has it.
        holder: String,
    },
    /// It could not be renewed.
    #[error("the Lease {lease} could not be renewed for {seconds} s: {problem}")]
    NotRenewed {
        /// The Lease.
        lease: String,
        /// For how long.
        seconds: u64,
        /// What went wrong last.
        problem: String,
    },
}

/// A candidate for the Lease.
pub(crate) struct Election {
    api: Api<Lease>,
    lease: String,
    identity: String,
    /// Whether another replica has led since this one did.
    others_led: bool,
    /// What the Lease said last of its holder, and since when by this clock. Clocks of replicas may differ.
    seen: Option<(Option<String>, Option<MicroTime>, std::time::Instant)>,
}

/// What an attempt to get or keep the Lease came to.
#[derive(Debug)]
enum Standing {
    Leader,
    Follower { holder: String },
}

impl Election {
    pub(crate) fn new(client: Client, namespace: &str, lease: &str, identity: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            lease: lease.to_owned(),
            identity: identity.to_owned(),
            others_led: true,
            seen: None,
        }
    }

    /// Whether another replica may have led before this one did: what was cached in an earlier term may be outdated.
    pub(crate) fn others_led(&mut self) -> bool {
        std::mem::take(&mut self.others_led)
    }

    /// Waits until this replica leads.
    pub(crate) async fn won(&mut self) {
        let mut warned: Option<std::time::Instant> = None;
        loop {
            match self.try_once().await {
                Ok(Standing::Leader) => {
                    tracing::info!(lease = self.lease, identity = self.identity, "this replica leads");
                    return;
                }
                Ok(Standing::Follower { holder }) => {
                    self.others_led = true;
                    tracing::debug!(lease = self.lease, holder, "another replica leads");
                }
                Err(problem) if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) => {
                    warned = Some(std::time::Instant::now());
                    tracing::warn!(lease = self.lease, problem, "cannot get the Lease; trying again");
                }
                Err(_) => {}
            }
            // Frequent looks mean an early takeover; a Lease costs little.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Renews the Lease until it is lost.
    pub(crate) async fn lost(&mut self) -> ElectionError {
        let mut renewed = std::time::Instant::now();
        let mut problem = String::new();
        loop {
            tokio::time::sleep(if problem.is_empty() { RENEW } else { Duration::from_secs(1) }).await;
            match self.try_once().await {
                Ok(Standing::Leader) => {
                    renewed = std::time::Instant::now();
                    problem.clear();
                }
                Ok(Standing::Follower { holder }) => {
                    self.others_led = true;
                    return ElectionError::TakenOver { lease: self.lease.clone(), holder };
                }
                Err(error) => problem = error,
            }
            if renewed.elapsed() > GIVE_UP {
                let seconds = renewed.elapsed().as_secs();
                return ElectionError::NotRenewed { lease: self.lease.clone(), seconds, problem };
            }
        }
    }

    /// Gives the Lease back, so that the next replica needn't wait.
    pub(crate) async fn release(&self) {
        let released = async {
            let mut lease = self.api.get(&self.lease).await?;
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
                return Ok(());
            }
            spec.holder_identity = None;
            self.api.replace(&self.lease, &PostParams::default(), &lease).await.map(|_| ())
        };
        match tokio::time::timeout(REQUEST, released).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::info!(%error, "did not release the Lease; it will expire"),
            Err(_) => tracing::info!("did not release the Lease in time; it will expire"),
        }
    }

    async fn try_once(&mut self) -> Result<Standing, String> {
        match tokio::time::timeout(REQUEST, self.take()).await {
            Ok(Ok(standing)) => Ok(standing),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer in {} s", REQUEST.as_secs())),
        }
    }

    async fn take(&mut self) -> Result<Standing, kube::Error> {
        let now = MicroTime(Timestamp::now());
        let Some(mut lease) = self.api.get_opt(&self.lease).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.lease.clone()), ..ObjectMeta::default() },
                spec: Some(LeaseSpec {
                    acquire_time: Some(now.clone()),
                    holder_identity: Some(self.identity.clone()),
                    lease_duration_seconds: i32::try_from(HOLDS.as_secs()).ok(),
                    lease_transitions: Some(0),
                    renew_time: Some(now),
                    ..LeaseSpec::default()
                }),
            };
            return match self.api.create(&PostParams::default(), &lease).await {
                Ok(_) => Ok(Standing::Leader),
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(follower(None)),
                Err(error) => Err(error),
            };
        };
        let spec = lease.spec.get_or_insert_default();
        let holder = spec.holder_identity.clone().filter(|holder| !holder.is_empty());
        let ours = holder.as_deref() == Some(self.identity.as_str());
        if !ours && holder.is_some() && !self.has_run_out(spec) {
            return Ok(follower(holder));
        }
        if !ours {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default() + 1);
        }
        spec.holder_identity = Some(self.identity.clone());
        spec.lease_duration_seconds = i32::try_from(HOLDS.as_secs()).ok();
        spec.renew_time = Some(now);
        // With its version: of two replicas that take it at once, one does.
        match self.api.replace(&self.lease, &PostParams::default(), &lease).await {
            Ok(_) => Ok(Standing::Leader),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(follower(holder.filter(|_| !ours))),
            Err(error) => Err(error),
        }
    }

    /// Whether another replica's Lease stood unrenewed for as long as it holds.
    fn has_run_out(&mut self, spec: &LeaseSpec) -> bool {
        let holds = spec.lease_duration_seconds.and_then(|s| u64::try_from(s).ok());
        let holds = Duration::from_secs(holds.unwrap_or(HOLDS.as_secs().unsigned_abs()));
        let says = (spec.holder_identity.clone(), spec.renew_time.clone());
        match &self.seen {
            Some((holder, renewed, since)) if (holder, renewed) == (&says.0, &says.1) => since.elapsed() > holds,
            _ => {
                self.seen = Some((says.0, says.1, std::time::Instant::now()));
                false
            }
        }
    }
}

fn follower(holder: Option<String>) -> Standing {
    Standing::Follower { holder: holder.unwrap_or_else(|| "another replica".to_owned()) }
}
