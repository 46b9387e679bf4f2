//! What is started for a host: the first container of the study's template, as a process of this machine.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use studious_api::{
    expansion::{Piece, Variables, pieces},
    validate::Violation,
};
use studious_contract::{
    SharedTrial,
    environment::{self, VariableValue},
};

/// A process to be started.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TrainerCommand {
    pub program: String,
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
}

const CONTAINER: &str = "spec.trial.template.spec.containers[0]";

/// What a template asks of a pod that a process of this machine can't have. Empty when it can run here, with
/// `working_directory` as the folder in which trainers start.
#[must_use]
pub fn refusals(template: &PodTemplateSpec, working_directory: &Path) -> Vec<Violation> {
    let Some(container) = first_container(template) else {
        return vec![violation(
            "spec.trial.template.spec.containers",
            String::new(),
            "a trial needs a container",
            "Give one container with the command of the trainer.",
        )];
    };
    let mut found = Vec::new();
    if container.command.as_ref().is_none_or(Vec::is_empty) {
        found.push(violation(
            &format!("{CONTAINER}.command"),
            String::new(),
            "is missing, and a local run can't ask the image what it would start",
            "Write the trainer's command, such as [python, -m, my_trainer].",
        ));
    }
    if let Some(program) = container.command.iter().flatten().next().filter(|program| !program.contains("$(")) {
        let path = container.env.iter().flatten().find(|v| v.name == "PATH").and_then(|v| v.value.clone());
        let path = path.map(OsString::from).or_else(|| std::env::var_os("PATH"));
        if which::which_in(program, path, working_directory).is_err() {
            found.push(violation(
                &format!("{CONTAINER}.command"),
                program.clone(),
                "command not found on this machine",
                "Install it, or call studious where it is on PATH (inside the virtual environment, say).",
            ));
        }
    }
    for (i, variable) in container.env.iter().flatten().enumerate() {
        if variable.value_from.is_some() {
            found.push(violation(
                &format!("{CONTAINER}.env[{i}].valueFrom"),
                variable.name.clone(),
                "can't be read outside a cluster",
                "Give it a literal value, or leave it out and set it in the shell that calls studious: trainers inherit it.",
            ));
        }
    }
    if container.env_from.as_ref().is_some_and(|from| !from.is_empty()) {
        found.push(violation(
            &format!("{CONTAINER}.envFrom"),
            String::new(),
            "can't be read outside a cluster",
            "Leave it out of the study for local runs and set the variables in the shell that calls studious.",
        ));
    }
    found
}

/// What a template asks of a pod that makes no difference here, in sentences.
#[must_use]
pub fn notes(template: &PodTemplateSpec) -> Vec<String> {
    let Some(container) = first_container(template) else { return Vec::new() };
    let pod = template.spec.as_ref();
    let mut notes = Vec::new();
    if pod.is_some_and(|p| p.containers.len() > 1 || p.init_containers.as_ref().is_some_and(|c| !c.is_empty())) {
        notes.push("only the first container runs here: the template's other containers are left out".to_owned());
    }
    if container.volume_mounts.as_ref().is_some_and(|mounts| !mounts.is_empty()) {
        notes.push("volumes are not mounted here: the trainer sees this machine's files".to_owned());
    }
    if container.working_dir.is_some() {
        notes.push("workingDir is the container's: here trainers start in the folder of the study file".to_owned());
    }
    notes
}

/// The process of one host. `directory` is its trial directory.
pub(crate) fn command(
    template: &PodTemplateSpec,
    trial: &SharedTrial,
    directory: &Path,
    host: u32,
) -> Option<TrainerCommand> {
    let mut container = first_container(template)?.clone();
    let own = environment::environment(trial, &directory.display().to_string());
    own.iter().map(|(name, _)| name.as_str()).collect::<Variables>().settle(&mut container);
    let own = own.into_iter().map(|(name, value)| match value {
        VariableValue::Text(text) => (name, text),
        VariableValue::HostIndex => (name, host.to_string()),
    });
    let mut environment: BTreeMap<String, String> = own.collect();
    // In a pod, a variable may refer to those before it.
    for variable in container.env.iter().flatten() {
        let value = expand(variable.value.as_deref().unwrap_or_default(), &environment);
        environment.insert(variable.name.clone(), value);
    }
    let mut words = container.command.iter().flatten().chain(container.args.iter().flatten());
    let program = expand(words.next()?, &environment);
    let arguments = words.map(|word| expand(word, &environment)).collect();
    Some(TrainerCommand { program, arguments, environment })
}

/// Replaces each `$(NAME)` whose variable is known; a reference to an unknown one stays as it stands, as in a pod.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Dollar => "$",
            Piece::Reference(reference) => variables.get(reference.name).map_or(reference.written, String::as_str),
        })
        .collect()
}

fn first_container(template: &PodTemplateSpec) -> Option<&Container> {
    template.spec.as_ref()?.containers.first()
}

fn violation(field: &str, value: String, rule: &str, fix: &str) -> Violation {
    Violation { field: field.to_owned(), value, rule: rule.to_owned(), fix: fix.to_owned(), code: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(yaml: &str) -> PodTemplateSpec {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn references_expand_as_in_a_pod() {
        let vars: BTreeMap<String, String> = [("A", "1"), ("HP_LEARNING_RATE", "0.1"), ("EMPTY", ""), ("REF", "$(A)")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        // The cases are those of Kubernetes' own table for third_party/forked/golang/expansion.
        for (input, expected) in [
            ("--lr=$(HP_LEARNING_RATE)", "--lr=0.1"),
            ("$(A)", "1"),
            ("$(A)$(A)-$(A)", "11-1"),
            ("$(MISSING)", "$(MISSING)"),
            ("a$(EMPTY)b", "ab"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$$$$(A)", "$$(A)"),
            ("$(A", "$(A"),
            ("$A $ 5$", "$A $ 5$"),
            ("$(REF)", "$(A)"),
            ("$()", "$()"),
            ("", ""),
            ("grüße $(A)", "grüße 1"),
        ] {
            assert_eq!(expand(input, &vars), expected, "{input}");
        }
    }

    #[test]
    fn variables_of_studious_and_earlier_ones_expand() {
        let template = template(
            "spec: {containers: [{name: t, command: [sh, -c, 'echo $HOME'], args: ['--lr=$(HP_LR)', '$$(HP_LR)', '$(URL)', \
             '--steps=$(STUDIOUS_MAX_TRAIN_STEPS)', '--rank=$(STUDIOUS_HOST_INDEX)', '--momentum=$(HP_MOMENTUM?)', \
             '--beta=$(HP_BETA:-0.9)'], \
             env: [{name: HOST, value: db}, {name: URL, value: 'http://$(HOST)/$(HP_LR)'}, {name: M, value: '$(HP_MOMENTUM?)'}]}]}",
        );
        let trial = SharedTrial::parse(
            r#"{"study":"s","round":"r","name":"t","attempt":1,"hyperparameters":{"lr":0.1},"maxTrainSteps":7,
                "objective":{"metric":"e","direction":"Minimize"},"evaluation":{"everySteps":1},
                "seeds":{"init":1,"split":3},"host":{"count":1,"dataSeeds":[2]}}"#,
        )
        .unwrap();
        let command = command(&template, &trial, Path::new("/run/t"), 1).unwrap();
        assert_eq!(command.program, "sh");
        assert_eq!(
            command.arguments,
            ["-c", "echo $HOME", "--lr=0.1", "$(HP_LR)", "http://db/0.1", "--steps=7", "--rank=1", "--beta=0.9"]
        );
        assert_eq!(command.environment["STUDIOUS_TRIAL_DIR"], "/run/t");
        assert_eq!(command.environment["JOB_COMPLETION_INDEX"], "1");
        assert!(!command.environment.contains_key("M"));
    }

    #[test]
    fn what_only_a_cluster_has_is_refused_with_the_field() {
        let template = template(
            "spec: {containers: [{name: t, env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}], \
             envFrom: [{configMapRef: {name: x}}]}]}",
        );
        let fields: Vec<_> = refusals(&template, Path::new(".")).into_iter().map(|v| v.field).collect();
        assert_eq!(
            fields,
            [
                "spec.trial.template.spec.containers[0].command",
                "spec.trial.template.spec.containers[0].env[0].valueFrom",
                "spec.trial.template.spec.containers[0].envFrom"
            ]
        );
    }

    #[test]
    fn what_makes_no_difference_is_said() {
        let template = template(
            "spec: {initContainers: [{name: i}], containers: [{name: t, command: [sh], workingDir: /app, volumeMounts: [{name: v, mountPath: /v}]}]}",
        );
        assert_eq!(notes(&template).len(), 3);
        assert!(refusals(&template, Path::new(".")).is_empty());
    }
}
