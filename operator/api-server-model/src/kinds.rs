//! The kinds of objects that the model keeps, and the paths under which they are served.

/// A kind of object.
#[derive(Debug)]
pub(crate) struct ResourceKind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    /// Its name in objects: `Job`.
    pub(crate) name: &'static str,
    /// Whether the status is written through its own subresource.
    pub(crate) has_status: bool,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    name: &'static str,
    has_status: bool,
) -> ResourceKind {
    ResourceKind { group, version, plural, name, has_status }
}

pub(crate) static RESOURCE_KINDS: [ResourceKind; 10] = [
    kind("studious.dev", "v1alpha1", "studies", "Study", true),
    kind("studious.dev", "v1alpha1", "trials", "Trial", true),
    kind("batch", "v1", "jobs", "Job", true),
    kind("", "v1", "pods", "Pod", true),
    kind("", "v1", "services", "Service", true),
    kind("", "v1", "configmaps", "ConfigMap", false),
    kind("", "v1", "serviceaccounts", "ServiceAccount", false),
    kind("events.k8s.io", "v1", "events", "Event", false),
    kind("coordination.k8s.io", "v1", "leases", "Lease", false),
    kind(
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        false,
    ),
];

impl ResourceKind {
    pub(crate) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The kind with this plural. Plurals are unique here.
    pub(crate) fn named(plural: &str) -> Option<&'static Self> {
        RESOURCE_KINDS.iter().find(|kind| kind.plural == plural)
    }
}

/// What a path names: `/apis/batch/v1/namespaces/team-a/jobs/a-1/status`.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct ResourcePath<'a> {
    pub(crate) group: &'a str,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) plural: &'a str,
    pub(crate) name: Option<&'a str>,
    /// `status`, `token`, or `proxy` with the rest of the path.
    pub(crate) subresource: Option<&'a str>,
}

impl<'a> ResourcePath<'a> {
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let (group, rest) = if let Some(rest) = path.strip_prefix("/api/v1/") {
            ("", rest)
        } else {
            let (group, rest) = path.strip_prefix("/apis/")?.split_once('/')?;
            (group, rest.split_once('/')?.1)
        };
        let (namespace, rest) = match rest.strip_prefix("namespaces/").and_then(|rest| rest.split_once('/')) {
            Some((namespace, rest)) => (Some(namespace), rest),
            None => (None, rest),
        };
        let mut parts = rest.splitn(3, '/');
        Some(Self { group, namespace, plural: parts.next()?, name: parts.next(), subresource: parts.next() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects() {
        let target = ResourcePath::parse("/apis/batch/v1/namespaces/team-a/jobs/a-1/status").unwrap();
        assert_eq!(
            target,
            ResourcePath {
                group: "batch",
                namespace: Some("team-a"),
                plural: "jobs",
                name: Some("a-1"),
                subresource: Some("status")
            }
        );
        let target = ResourcePath::parse("/api/v1/pods").unwrap();
        assert_eq!((target.namespace, target.plural, target.name), (None, "pods", None));
        assert_eq!(ResourcePath::parse("/version"), None);
    }
}
