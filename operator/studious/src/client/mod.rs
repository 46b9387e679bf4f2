//! Kubernetes as a client: the only place of this crate that talks to an API server.

mod operator;

use anyhow::{Context as _, anyhow};
use clap::Args;
use kube::{
    Api, Client, Config,
    api::{ListParams, Patch, PatchParams},
    config::KubeConfigOptions,
};
use studious_api::{Study, Trial, labels};

/// Which cluster, and where in it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ClusterArguments {
    /// Namespace of study/NAME [default: the context's]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Context of study/NAME in the kubeconfig [default: the current one]
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// Namespace of the operator, which keeps the curves [default: where its webhook says it is]
    #[arg(long, value_name = "NAMESPACE", env = "STUDIOUS_NAMESPACE")]
    operator_namespace: Option<String>,
}

/// A namespace of a cluster, with the rights of a user.
pub(crate) struct ClusterClient {
    client: Client,
    namespace: String,
    operator_namespace: Option<String>,
    /// The bearer token of the kubeconfig, if there is one.
    token: Option<String>,
}

impl ClusterClient {
    /// Connects to the cluster of a kubeconfig, or to the one that this process runs in.
    ///
    /// # Errors
    /// When there is neither, or the kubeconfig is not valid.
    pub(crate) async fn connect(arguments: &ClusterArguments) -> anyhow::Result<Self> {
        let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
        let config = match &arguments.context {
            Some(_) => Config::from_kubeconfig(&options).await.map_err(anyhow::Error::from),
            None => Config::infer().await.map_err(anyhow::Error::from),
        }
        .context("there is no Kubernetes context to look for study/NAME in: set KUBECONFIG, or give a folder")?;
        Ok(Self {
            namespace: arguments.namespace.clone().unwrap_or_else(|| config.default_namespace.clone()),
            operator_namespace: arguments.operator_namespace.clone(),
            token: bearer_token(&config),
            client: Client::try_from(config)?,
        })
    }

    /// Reads a study.
    ///
    /// # Errors
    /// When there is no such study, or the API server refuses or does not answer.
    pub(crate) async fn study(&self, name: &str) -> anyhow::Result<Study> {
        let namespace = &self.namespace;
        Api::<Study>::namespaced(self.client.clone(), namespace)
            .get_opt(name)
            .await
            .with_context(|| format!("can't read study {namespace}/{name}"))?
            .ok_or_else(|| anyhow!("there is no study {name} in namespace {namespace} (kubectl get studies -A)"))
    }

    /// Sets `spec.suspend` of a study: no further trials are started.
    ///
    /// # Errors
    /// When there is no such study, or the API server refuses or does not answer.
    pub(crate) async fn suspend(&self, name: &str) -> anyhow::Result<()> {
        let namespace = &self.namespace;
        let patch = Patch::Merge(serde_json::json!({"spec": {"suspend": true}}));
        Api::<Study>::namespaced(self.client.clone(), namespace)
            .patch(name, &PatchParams::default(), &patch)
            .await
            .with_context(|| format!("can't suspend study {namespace}/{name}"))?;
        Ok(())
    }

    /// Reads the trials of a study, in no order.
    ///
    /// # Errors
    /// When the API server refuses or does not answer.
    pub(crate) async fn trials(&self, study: &str) -> anyhow::Result<Vec<Trial>> {
        let namespace = &self.namespace;
        let selector = ListParams::default().labels(&format!("{}={study}", labels::STUDY));
        let trials = Api::<Trial>::namespaced(self.client.clone(), namespace).list(&selector).await;
        Ok(trials.with_context(|| format!("can't list the trials of study {namespace}/{study}"))?.items)
    }
}

fn bearer_token(config: &Config) -> Option<String> {
    use secrecy::ExposeSecret as _;
    let auth = &config.auth_info;
    match (&auth.token, &auth.token_file) {
        (Some(token), _) => Some(token.expose_secret().to_owned()),
        (None, Some(path)) => std::fs::read_to_string(path).ok().map(|token| token.trim().to_owned()),
        (None, None) => None,
    }
}
