//! Makes objects: each is created, never forced over one that is there, which may have another owner.

use kube::{Api, Client, Resource, ResourceExt, api::PostParams, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    fault::{Category, Fault},
    object::{Identified, controller_of},
    reconcile::RequestError,
};

/// Field manager of what is created.
const MANAGER: &str = "studious";

/// Why an object was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    /// The API server didn't take it.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is one of this name that has another owner.
    #[error("{kind} {name} is there already and belongs to {owner}")]
    Foreign {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// `Study digits`, or `nobody`.
        owner: String,
        /// Whether it is being deleted.
        is_leaving: bool,
    },
}

impl MakeError {
    /// In a word, as conditions have it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "NameTaken",
            Self::Request(RequestError { source: kube::Error::Api(status), .. }) => match status.code {
                403 if status.message.contains("quota") => "QuotaExceeded",
                403 => "Forbidden",
                400 | 422 => "Invalid",
                _ => "NotCreated",
            },
            Self::Request(_) => "NotCreated",
        }
    }
}

impl Fault for MakeError {
    fn category(&self) -> Category {
        match self {
            Self::Request(error) => error.category(),
            Self::Foreign { is_leaving: true, .. } => Category::Transient,
            Self::Foreign { .. } => Category::Standing,
        }
    }
}

/// Creates an object of an owner. One that is there already and that the owner controls was created before: that is fine.
///
/// # Errors
/// When the API server doesn't take it, or when one of this name has another owner.
pub(crate) async fn create<K, O>(client: &Client, owner: &Identified<O>, object: &K) -> Result<(), MakeError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), &owner.id.namespace);
    let (kind, name) = (K::kind(&()).into_owned(), object.name_any());
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let error = match api.create(&params, object).await {
        Ok(_) => return Ok(()),
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => kube::Error::Api(status),
        Err(source) => return Err(RequestError { what: format!("{kind} {name} was not made"), source }.into()),
    };
    let there = api.get_metadata_opt(&name).await;
    let there = there.map_err(RequestError::of(format!("{kind} {name}, which is there already, can't be read")))?;
    let Some(there) = there else {
        // It went between the two questions.
        return Err(RequestError { what: format!("{kind} {name} was not made"), source: error }.into());
    };
    let controller = controller_of(&there);
    if controller.is_some_and(|controller| controller.uid == owner.id.uid) {
        return Ok(());
    }
    let owner = controller.map_or_else(|| "nobody".to_owned(), |owner| format!("{} {}", owner.kind, owner.name));
    Err(MakeError::Foreign { kind, name, owner, is_leaving: there.meta().deletion_timestamp.is_some() })
}
