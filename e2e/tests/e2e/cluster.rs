//! The cluster as a user has it in hand: kubectl, a namespace of one's own, and patience.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("e2e stands in the repository").to_owned()
}

/// The release binary that the images hold too.
pub fn studious() -> Command {
    Command::new(repository().join("target/release/studious"))
}

/// The trainer image with JAX in it.
pub fn trainer_image() -> String {
    std::env::var("STUDIOUS_TRAINER_IMAGE").unwrap_or_else(|_| "localhost/studious-trainer:dev".to_owned())
}

/// Where Studious is installed.
pub fn operator_namespace() -> String {
    std::env::var("STUDIOUS_E2E_NAMESPACE").unwrap_or_else(|_| "studious-system".to_owned())
}

/// kubectl, by `$KUBECTL` or by the path.
pub fn kubectl(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned()));
    command.args(args);
    command
}

/// Runs a command which must succeed and gives what it printed.
pub fn output(command: &mut Command) -> String {
    let out = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(out.status.success(), "{command:?} failed:\n{}{}", text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command with something to read.
pub fn feed(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("the command reads");
    child.wait_with_output().expect("the command ends")
}

/// Waits until `look` gives something, looking every quarter of a second.
pub fn wait_for<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        thread::sleep(Duration::from_millis(250));
    }
}

/// A namespace of one's own, under the restricted pod security standard. When a test fails, what is in it is printed;
/// it is removed either way.
pub struct Namespace {
    /// Its name.
    pub name: String,
}

impl Namespace {
    pub fn new(name: &str) -> Self {
        let this = Self { name: format!("e2e-{name}") };
        let _ = kubectl(&["delete", "namespace", &this.name, "--ignore-not-found", "--wait"]).output();
        output(&mut kubectl(&["create", "namespace", &this.name]));
        let enforce = "pod-security.kubernetes.io/enforce=restricted";
        output(&mut kubectl(&["label", "namespace", &this.name, enforce]));
        this
    }

    /// kubectl in this namespace.
    pub fn kubectl(&self, args: &[&str]) -> Command {
        let mut command = kubectl(&["--namespace", &self.name]);
        command.args(args);
        command
    }

    /// Applies YAML, which must be accepted.
    pub fn apply(&self, yaml: &str) -> String {
        let out = feed(&mut self.kubectl(&["apply", "-f", "-"]), yaml);
        assert!(out.status.success(), "{}\n{yaml}", text(&out.stderr));
        text(&out.stdout) + &text(&out.stderr)
    }

    /// Applies YAML, which must be refused, and gives the message.
    pub fn refused(&self, yaml: &str) -> String {
        let out = feed(&mut self.kubectl(&["apply", "-f", "-"]), yaml);
        assert!(!out.status.success(), "this was accepted:\n{yaml}");
        text(&out.stderr)
    }

    /// An object as JSON, if it is there.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let out = self.kubectl(&["get", kind, name, "-o", "json"]).output().expect("kubectl runs");
        out.status.success().then(|| serde_json::from_slice(&out.stdout).expect("kubectl prints JSON"))
    }

    /// All objects of a kind.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let json: Value = serde_json::from_str(&output(&mut self.kubectl(&["get", kind, "-o", "json"]))).expect("JSON");
        json["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until a study has ended, and gives it.
    pub fn wait_for_study(&self, name: &str, seconds: u64) -> Value {
        wait_for(&format!("study {name} ends"), seconds, || {
            let study = self.get("study", name)?;
            let phase = study["status"]["phase"].as_str().unwrap_or_default();
            matches!(phase, "Completed" | "Failed" | "Invalid").then_some(study)
        })
    }

    /// A claim named `checkpoints` on a volume of this machine, or of the current context's default storage class.
    pub fn checkpoint_claim(&self) {
        let (volume, class) = match std::env::var("STUDIOUS_E2E_VOLUMES") {
            Ok(folder) => (
                format!(
                    "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {0}}}\nspec:\n  capacity: {{storage: 1Gi}}\n  \
                     accessModes: [ReadWriteMany]\n  persistentVolumeReclaimPolicy: Retain\n  storageClassName: {0}\n  \
                     hostPath: {{path: {folder}/{0}, type: DirectoryOrCreate}}\n---\n",
                    self.name
                ),
                format!("storageClassName: {}", self.name),
            ),
            Err(_) => (String::new(), String::new()),
        };
        if let Ok(folder) = std::env::var("STUDIOUS_E2E_VOLUMES") {
            // A folder that pods of any user may write to, as a shared file system is usually set up.
            let path = PathBuf::from(folder).join(&self.name);
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).expect("the volume's folder");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            std::fs::set_permissions(&path, mode).expect("the volume's mode");
        }
        self.apply(&format!(
            "{volume}apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: checkpoints}}\nspec:\n  accessModes: \
             [ReadWriteMany]\n  {class}\n  resources: {{requests: {{storage: 1Gi}}}}\n"
        ));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if thread::panicking() {
            for args in [
                &["get", "studies,trials,jobs,pods", "-o", "wide"][..],
                &["get", "events", "--sort-by=.lastTimestamp"],
                &["get", "trials", "-o", "jsonpath={range .items[*]}{.metadata.name}: {.status}{\"\\n\"}{end}"],
                &["logs", "--selector=studious.dev/trial", "--all-containers", "--tail=15", "--prefix"],
            ] {
                let out = self.kubectl(args).output();
                eprintln!(
                    "--- kubectl {}\n{}",
                    args.join(" "),
                    out.map_or_else(|e| e.to_string(), |o| text(&o.stdout))
                );
            }
            let out =
                kubectl(&["--namespace", &operator_namespace(), "logs", "deployment/studious", "--tail=60"]).output();
            eprintln!("--- the operator\n{}", out.map_or_else(|e| e.to_string(), |o| text(&o.stdout)));
        }
        let _ = self.kubectl(&["delete", "studies,trials", "--all", "--wait=false"]).output();
        let _ = kubectl(&["delete", "namespace", &self.name, "--wait=false"]).output();
        let _ = kubectl(&["delete", "persistentvolume", &self.name, "--ignore-not-found", "--wait=false"]).output();
    }
}
