//! The dashboard on a cluster: objects from the caches, curves from the ledger, shown to those who may see them.

mod cluster;
mod events;
mod recent;
mod viewers;

pub(crate) use cluster::Cluster;
pub(crate) use viewers::Viewers;
