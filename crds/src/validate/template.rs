//! The pod template: what Studious adds to it must have room.

use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec, PodTemplateSpec, VolumeMount};

use super::{Violation, image, references, resources};
use crate::{
    StudySpec, labels,
    reserved::{AGENT_CONTAINER, AGENT_PORT, HYPERPARAMETER_PREFIX, MOUNT, NAME_PREFIX, is_reserved_variable},
    spelling,
};

const TEMPLATE: &str = "spec.trial.template";

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let template = &spec.trial.template;
    metadata(template, &mut found);
    let Some(pod) = &template.spec else {
        let fix = "Give spec: {containers: [{name: trainer, image: …, command: […]}]}.";
        found.push(Violation::new(format!("{TEMPLATE}.spec"), &(), "is missing", fix));
        return found;
    };
    pod_fields(pod, &mut found);
    let initial = pod.init_containers.iter().flatten().enumerate().map(|(i, c)| ("initContainers", i, c));
    let running = pod.containers.iter().enumerate().map(|(i, c)| ("containers", i, c));
    let mut names: Vec<&str> = Vec::new();
    for (list, i, c) in initial.chain(running) {
        let at = format!("{TEMPLATE}.spec.{list}[{i}]");
        if names.contains(&c.name.as_str()) {
            let fix = "Rename one of them.";
            found.push(Violation::new(
                format!("{at}.name"),
                &c.name,
                "is the name of another container of the pod",
                fix,
            ));
        }
        names.push(&c.name);
        container(&at, c, pod, &mut found);
        resources::refusals(&at, c, &mut found);
        references::refusals(&at, c, list == "containers" && i == 0, spec, &mut found);
    }
    found
}

fn metadata(template: &PodTemplateSpec, found: &mut Vec<Violation>) {
    let Some(metadata) = &template.metadata else { return };
    for (map, name) in [(&metadata.labels, "labels"), (&metadata.annotations, "annotations")] {
        for key in map.iter().flatten().map(|(key, _)| key).filter(|key| key.starts_with(labels_prefix())) {
            let fix = "Remove it, or give it a prefix of your own.";
            let field = format!("{TEMPLATE}.metadata.{name}[{key}]");
            found.push(Violation::new(field, &(), format!("{} is reserved for Studious", labels_prefix()), fix));
        }
    }
}

fn labels_prefix() -> &'static str {
    labels::STUDY.trim_end_matches("study")
}

fn pod_fields(pod: &PodSpec, found: &mut Vec<Violation>) {
    let at = format!("{TEMPLATE}.spec");
    if pod.containers.is_empty() {
        let fix = "Give one; the first is the trainer: [{name: trainer, image: …, command: […]}].";
        found.push(Violation::new(format!("{at}.containers"), &(), "must hold at least one container", fix));
    }
    if let Some(policy) = pod.restart_policy.as_ref().filter(|policy| *policy != "Never") {
        let rule = "must be Never: an attempt is one Job, and Studious makes the next";
        let fix = "Remove it; spec.failure.attempts says how often a trial is tried.";
        found.push(Violation::new(format!("{at}.restartPolicy"), policy, rule, fix));
    }
    // The hosts of a trial find each other by these.
    for (name, value) in [("hostname", &pod.hostname), ("subdomain", &pod.subdomain)] {
        if value.is_some() {
            let rule = "is set by Studious, so that the hosts of a trial find each other";
            found.push(Violation::new(format!("{at}.{name}"), value, rule, "Remove it."));
        }
    }
    for (i, volume) in pod.volumes.iter().flatten().enumerate() {
        if volume.name.starts_with(NAME_PREFIX) {
            let rule = format!("names of volumes that start with {NAME_PREFIX} are reserved for Studious");
            found.push(Violation::new(format!("{at}.volumes[{i}].name"), &volume.name, rule, "Rename it."));
        }
    }
}

fn container(at: &str, c: &Container, pod: &PodSpec, found: &mut Vec<Violation>) {
    if c.name.starts_with(NAME_PREFIX) {
        let rule = format!("names of containers that start with {NAME_PREFIX} are reserved for Studious");
        found.push(Violation::new(format!("{at}.name"), &c.name, rule, "Rename it."));
    }
    if let Some((name, rule)) = c.image.as_ref().and_then(|name| Some((name, image::wrong(name)?))) {
        let fix = "Write it as docker pull takes it: ghcr.io/team/trainer:1.0.";
        found.push(Violation::new(format!("{at}.image"), name, rule, fix));
    }
    for (i, variable) in c.env.iter().flatten().enumerate() {
        reserved(&format!("{at}.env[{i}].name"), variable, found);
    }
    for (i, from) in c.env_from.iter().flatten().enumerate() {
        if let Some(prefix) = from.prefix.as_ref().filter(|p| is_reserved_variable(p)) {
            let rule = "variables whose names start with STUDIOUS_ or HP_ are reserved for Studious";
            found.push(Violation::new(format!("{at}.envFrom[{i}].prefix"), prefix, rule, "Choose another prefix."));
        }
    }
    for (i, port) in c.ports.iter().flatten().enumerate() {
        if port.container_port == i32::from(AGENT_PORT) {
            let rule = format!("is the port of {AGENT_CONTAINER}, which shares the pod's address");
            let field = format!("{at}.ports[{i}].containerPort");
            found.push(Violation::new(field, &port.container_port, rule, "Let the trainer listen on another port."));
        }
    }
    for (i, mount) in c.volume_mounts.iter().flatten().enumerate() {
        mounted(&format!("{at}.volumeMounts[{i}]"), mount, pod, found);
    }
}

fn reserved(field: &str, variable: &EnvVar, found: &mut Vec<Violation>) {
    if is_reserved_variable(&variable.name) {
        let (rule, fix) = if variable.name.starts_with(HYPERPARAMETER_PREFIX) {
            (
                "is reserved for Studious, which sets HP_<NAME> for every hyperparameter",
                "Remove it; to hold a hyperparameter at a value give it role: Fixed and value.",
            )
        } else {
            ("is reserved for Studious, which sets it for every host", "Remove it, or rename the variable.")
        };
        found.push(Violation::new(field, &variable.name, rule, fix));
    }
}

fn mounted(at: &str, mount: &VolumeMount, pod: &PodSpec, found: &mut Vec<Violation>) {
    let parts: Vec<&str> = mount.mount_path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.first() == Some(&MOUNT.trim_start_matches('/')) {
        let rule = format!("{MOUNT} and what is below it are reserved for the trial's directory");
        let fix = "Mount it elsewhere; trainers find their directory in STUDIOUS_TRIAL_DIR.";
        found.push(Violation::new(format!("{at}.mountPath"), &mount.mount_path, rule, fix));
    }
    let volumes: Vec<&str> = pod.volumes.iter().flatten().map(|v| v.name.as_str()).collect();
    if !volumes.contains(&mount.name.as_str()) {
        let fix = spelling::did_you_mean(&mount.name, volumes.iter().copied())
            .unwrap_or_else(|| format!("Add it to {TEMPLATE}.spec.volumes."));
        found.push(Violation::new(format!("{at}.name"), &mount.name, "is not a volume of the template", fix));
    }
}
