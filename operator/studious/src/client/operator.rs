//! The operator's read API, which keeps the curves: reached through the API server's service proxy.

use anyhow::{Context as _, anyhow};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};
use studious_playbook::record::{CurveMetrics, CurveSelection, TrialRecord};

use super::ClusterClient;

/// The service account whose token the operator's read API takes from users who have no bearer token of their own.
const READER: &str = "studious-reader";
/// The audience of that token.
const AUDIENCE: &str = "studious";
/// The header with the reader's token: the API server keeps `Authorization` to itself.
const TOKEN_HEADER: &str = "Studious-Token";
/// Where the docs install the operator.
const USUAL_NAMESPACE: &str = "studious-system";

impl ClusterClient {
    /// Reads the trials of a study with the curves that are wanted from the operator.
    ///
    /// # Errors
    /// When the operator is not there, refuses, or answers in another version's words.
    pub(crate) async fn records(&self, study: &str, wanted: CurveSelection) -> anyhow::Result<Vec<TrialRecord>> {
        let operator = &match &self.operator_namespace {
            Some(namespace) => namespace.clone(),
            None => self.find_operator().await,
        };
        let token = match &self.token {
            Some(token) => token.clone(),
            None => self.reader_token(operator).await?,
        };
        let metrics = if wanted.metrics == CurveMetrics::Concluded { "concluded" } else { "all" };
        let points = wanted.max_points.map_or_else(String::new, |n| format!("&points={n}"));
        let namespace = &self.namespace;
        let path = format!(
            "/api/v1/namespaces/{operator}/services/https:studious:8443/proxy/v1/namespaces/{namespace}/studies/{study}/records?metrics={metrics}{points}"
        );
        let request = http::Request::get(path).header(TOKEN_HEADER, token).body(Vec::new())?;
        let text = self.client.request_text(request).await.with_context(|| {
            format!(
                "no answer from service studious in namespace {operator} (--operator-namespace, STUDIOUS_NAMESPACE)"
            )
        })?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let records = lines.map(serde_json::from_str::<TrialRecord>).collect::<Result<Vec<_>, _>>();
        records.context("the operator's answer can't be read; is it another version?")
    }

    /// Where the operator is: its webhook names the namespace. Users who may not read that get the one that the docs use.
    async fn find_operator(&self) -> String {
        let webhooks = Api::<ValidatingWebhookConfiguration>::all(self.client.clone());
        let webhook = webhooks.get_opt("studious").await.ok().flatten();
        webhook
            .and_then(|configuration| configuration.webhooks?.into_iter().next()?.client_config.service)
            .map_or_else(|| USUAL_NAMESPACE.to_owned(), |service| service.namespace)
    }

    /// A short-lived token of the service account that may read studies.
    async fn reader_token(&self, operator: &str) -> anyhow::Result<String> {
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: vec![AUDIENCE.to_owned()],
                expiration_seconds: Some(600),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), operator);
        let answer =
            accounts.create_token_request(READER, &PostParams::default(), &request).await.with_context(|| {
                format!("no token for service account {READER} in namespace {operator}, which the chart makes")
            })?;
        answer.status.map(|status| status.token).ok_or_else(|| anyhow!("the API server's answer holds no token"))
    }
}
