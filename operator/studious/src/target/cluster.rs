//! A study of a Kubernetes cluster: its trials from the API server, their curves from the operator.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{
    Api, Client, Config,
    api::{ListParams, PostParams},
    config::KubeConfigOptions,
};
use studious_api::{Study, Trial, labels, trial::TrialPhase};
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    search::Taken,
};

use super::{Loaded, LoadedTrial, TargetArguments};

/// The service account whose token the operator's read API takes from users who have no bearer token of their own.
const READER: &str = "studious-reader";
/// The audience of that token.
const AUDIENCE: &str = "studious";
/// The header with the reader's token: the API server keeps `Authorization` to itself.
const TOKEN_HEADER: &str = "Studious-Token";

/// Reads a study of a cluster.
pub(super) async fn load(arguments: &TargetArguments, name: &str, max_points: Option<usize>) -> anyhow::Result<Loaded> {
    let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    let config = match &arguments.context {
        Some(_) => Config::from_kubeconfig(&options).await.map_err(anyhow::Error::from),
        None => Config::infer().await.map_err(anyhow::Error::from),
    }
    .context("there is no Kubernetes context to look for study/NAME in: set KUBECONFIG, or give a folder")?;
    let namespace = arguments.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let own_token = bearer_token(&config);
    let client = Client::try_from(config)?;

    let study = Api::<Study>::namespaced(client.clone(), &namespace)
        .get_opt(name)
        .await
        .with_context(|| format!("can't read study {namespace}/{name}"))?
        .ok_or_else(|| anyhow!("there is no study {name} in namespace {namespace} (kubectl get studies -A)"))?;
    let selector = ListParams::default().labels(&format!("{}={name}", labels::STUDY));
    let trials = Api::<Trial>::namespaced(client.clone(), &namespace)
        .list(&selector)
        .await
        .with_context(|| format!("can't list the trials of study {namespace}/{name}"))?;
    let taken = study.metadata.annotations.as_ref().and_then(|all| all.get(labels::POINTS));
    let taken = taken.and_then(|text| Taken::read(text, study.metadata.uid.as_deref()?, &study.spec));
    let plan = Plan::new(name, &taken.map_or_else(|| study.spec.clone(), |taken| taken.listed_in(&study.spec)))
        .map_err(|violations| anyhow!("{}", violations.first().map_or_else(String::new, ToString::to_string)))?;

    let (curves, without_curves) = match curves(&client, arguments, &namespace, name, own_token, max_points).await {
        Ok(curves) => (curves, None),
        Err(error) => (BTreeMap::new(), Some(format!("the operator's curves can't be read: {error:#}"))),
    };
    let mut loaded: Vec<Trial> = trials.items;
    loaded.sort_by_key(|trial| trial.spec.index);
    let trials = loaded.into_iter().map(|trial| of_object(trial, &curves)).collect();
    Ok(Loaded { status: status(&study), plan, trials, without_curves }.in_order_of_rounds())
}

/// A trial by what the operator says of it.
fn of_object(trial: Trial, curves: &BTreeMap<String, TrialRecord>) -> LoadedTrial {
    let name = trial.metadata.name.unwrap_or_default();
    let status = trial.status.unwrap_or_default();
    let reason = status.reason.clone().unwrap_or_default();
    let outcome = match (status.phase, status.objective) {
        (TrialPhase::Succeeded, Some(objective)) => Outcome::Succeeded { objective, step: status.best_step },
        (TrialPhase::Infeasible, _) => Outcome::Infeasible { reason },
        (TrialPhase::Failed | TrialPhase::Succeeded, _) => Outcome::Failed { reason },
        (TrialPhase::Stopped, _) => Outcome::Stopped { reason },
        (TrialPhase::Pending | TrialPhase::Retrying | TrialPhase::Running, _) => Outcome::Pending,
    };
    // What its hosts reported is the operator's to say; how it stands, the object's.
    let reported = curves.get(&name).cloned().unwrap_or_default();
    LoadedTrial {
        record: TrialRecord {
            round: trial.spec.round,
            hyperparameters: trial.spec.hyperparameters,
            outcome,
            metrics: status.metrics,
            name,
            ..reported
        },
        phase: status.phase,
        message: status.message.unwrap_or_default(),
        so_far: status.objective,
        attempt: status.attempt.unwrap_or_default(),
    }
}

fn status(study: &Study) -> String {
    let Some(status) = &study.status else { return "the operator hasn't seen it yet".to_owned() };
    let done = status.done.as_deref().map(|done| format!(", {done} trials have ended")).unwrap_or_default();
    let complete = status.conditions.iter().find(|c| c.type_ == "Complete" && c.status == "True");
    match complete {
        Some(condition) if !condition.message.is_empty() => format!("{:?}: {}", status.phase, condition.message),
        _ => format!("{:?}{done}", status.phase),
    }
}

/// The bearer token of the kubeconfig, if there is one.
fn bearer_token(config: &Config) -> Option<String> {
    use secrecy::ExposeSecret as _;
    let auth = &config.auth_info;
    match (&auth.token, &auth.token_file) {
        (Some(token), _) => Some(token.expose_secret().to_owned()),
        (None, Some(path)) => std::fs::read_to_string(path).ok().map(|token| token.trim().to_owned()),
        (None, None) => None,
    }
}

/// Trials with their curves by name, from the operator's read API through the API server's proxy.
async fn curves(
    client: &Client,
    arguments: &TargetArguments,
    namespace: &str,
    study: &str,
    own_token: Option<String>,
    max_points: Option<usize>,
) -> anyhow::Result<BTreeMap<String, TrialRecord>> {
    let operator = &match &arguments.operator_namespace {
        Some(namespace) => namespace.clone(),
        None => operator_namespace(client).await,
    };
    let token = match own_token {
        Some(token) => token,
        None => reader_token(client, operator).await?,
    };
    let points = max_points.map_or_else(String::new, |n| format!("?points={n}"));
    let path = format!(
        "/api/v1/namespaces/{operator}/services/https:studious:8443/proxy/v1/namespaces/{namespace}/studies/{study}/records{points}"
    );
    let request = http::Request::get(path).header(TOKEN_HEADER, token).body(Vec::new())?;
    let text = client.request_text(request).await.with_context(|| {
        format!("no answer from service studious in namespace {operator} (--operator-namespace, STUDIOUS_NAMESPACE)")
    })?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let records = lines.map(serde_json::from_str::<TrialRecord>).collect::<Result<Vec<_>, _>>();
    let records = records.context("the operator's answer can't be read; is it another version?")?;
    Ok(records.into_iter().map(|record| (record.name.clone(), record)).collect())
}

/// Where the operator is: its webhook names the namespace. Who may not read that guesses the one that the docs use.
async fn operator_namespace(client: &Client) -> String {
    let webhooks = Api::<ValidatingWebhookConfiguration>::all(client.clone()).get_opt("studious").await.ok().flatten();
    webhooks
        .and_then(|configuration| configuration.webhooks?.into_iter().next()?.client_config.service)
        .map_or_else(|| "studious-system".to_owned(), |service| service.namespace)
}

/// A short-lived token of the service account that may read studies.
async fn reader_token(client: &Client, namespace: &str) -> anyhow::Result<String> {
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec![AUDIENCE.to_owned()],
            expiration_seconds: Some(600),
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    let answer = accounts.create_token_request(READER, &PostParams::default(), &request).await.with_context(|| {
        format!("no token for service account {READER} in namespace {namespace}, which the chart makes")
    })?;
    answer.status.map(|status| status.token).ok_or_else(|| anyhow!("the API server's answer holds no token"))
}
