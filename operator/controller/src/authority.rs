//! The certificate authority that agents trust: read again when its file changes, and kept in a `ConfigMap` of each
//! namespace with trials, which agents mount and read again.
//!
//! A Secret cannot be mounted across namespaces, and what is in a pod's environment cannot change.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams},
};
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// The `ConfigMap` of each namespace, and its key.
pub(crate) const CONFIG_MAP: &str = "studious-ca";
pub(crate) const KEY: &str = "ca.crt";
const MANAGER: &str = "studious-authority";
/// How often the file and the namespaces are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How often a `ConfigMap` is written again that others may have changed.
const AGAIN: Duration = Duration::from_mins(30);

/// The authority as it is now, and the one before: while certificates are renewed, both are trusted.
#[derive(Debug)]
pub(crate) struct Authority {
    path: PathBuf,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    current: String,
    before: Option<String>,
}

impl Authority {
    /// Reads the authority.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) async fn read(path: &Path) -> std::io::Result<Self> {
        Ok(Self::new(path, tokio::fs::read_to_string(path).await?))
    }

    /// An authority of which the text is known.
    pub(crate) fn new(path: &Path, current: String) -> Self {
        Self { path: path.to_owned(), known: RwLock::new(Known { current, before: None }) }
    }

    /// What agents are to trust, PEM.
    pub(crate) fn pem(&self) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match &known.before {
            Some(before) => format!("{}\n{}\n", known.current.trim_end(), before.trim_end()),
            None => known.current.clone(),
        }
    }

    /// Reads the file again. Keeps what is known when there is nothing to read.
    pub(crate) async fn renew(&self) {
        let text = match tokio::fs::read_to_string(&self.path).await {
            Ok(text) if !text.trim().is_empty() => text,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "still using the old certificate authority");
                return;
            }
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.current != text {
            tracing::info!(file = %self.path.display(), "the certificate authority was renewed");
            known.before = Some(std::mem::replace(&mut known.current, text));
        }
    }
}

/// Keeps the `ConfigMap` of each namespace with trials that have not ended, until `ending`.
pub(crate) async fn publish(context: &Context, authority: &Authority, ending: &CancellationToken) {
    let mut written: HashMap<String, (String, Instant)> = HashMap::new();
    loop {
        authority.renew().await;
        let pem = authority.pem();
        for namespace in namespaces(context) {
            let fresh = |(text, at): &(String, Instant)| *text == pem && at.elapsed() < AGAIN;
            if written.get(&namespace).is_some_and(fresh) {
                continue;
            }
            if let Err(error) = write(context, &namespace, &pem).await {
                tracing::warn!(namespace, config_map = CONFIG_MAP, %error,
                    "cannot write the certificate authority for agents; they trust the one of their pod's creation");
            }
            // One that is refused is not tried each time.
            written.insert(namespace, (pem.clone(), Instant::now()));
        }
        if ending.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

fn namespaces(context: &Context) -> BTreeSet<String> {
    let trials = context.caches.trials.state();
    let runs = |trial: &studious_api::Trial| !trial.status.as_ref().is_some_and(|status| status.phase.has_ended());
    trials.iter().filter(|trial| runs(trial)).filter_map(|trial| trial.namespace()).collect()
}

/// Not by force: a `ConfigMap` of this name that another owner made stays theirs.
async fn write(context: &Context, namespace: &str, pem: &str) -> Result<(), kube::Error> {
    let map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(CONFIG_MAP.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some([("app.kubernetes.io/managed-by".to_owned(), "studious".to_owned())].into()),
            ..ObjectMeta::default()
        },
        data: Some([(KEY.to_owned(), pem.to_owned())].into()),
        ..ConfigMap::default()
    };
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), namespace);
    api.patch(CONFIG_MAP, &PatchParams::apply(MANAGER), &Patch::Apply(&map)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_authority_before_stays_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        std::fs::write(&path, "first\n").unwrap();
        let authority = Authority::read(&path).await.unwrap();
        authority.renew().await;
        assert_eq!(authority.pem(), "first\n");
        std::fs::write(&path, "second\n").unwrap();
        authority.renew().await;
        assert_eq!(authority.pem(), "second\nfirst\n");
        std::fs::write(&path, "").unwrap();
        authority.renew().await;
        std::fs::remove_file(&path).unwrap();
        authority.renew().await;
        assert_eq!(authority.pem(), "second\nfirst\n");
    }
}
