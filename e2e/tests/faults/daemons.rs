//! The daemons of the throwaway cluster, and what systemd does on other nodes: one that ends is started again.

use std::{
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::cluster::{output, repository};

/// `e2e/cluster/cluster.sh VERB…`, which must succeed.
pub fn cluster(args: &[&str]) -> String {
    output(Command::new(repository().join("e2e/cluster/cluster.sh")).args(args))
}

/// Starts daemons again that have ended, such as one that was started while the API server was away.
pub struct Supervisor {
    /// The daemon that is to stay dead for now.
    held: Arc<Mutex<Option<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    pub fn start() -> Self {
        let (held, over) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (held, over) = (Arc::clone(&held), Arc::clone(&over));
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(500));
                    revive(&held);
                }
            })
        };
        Self { held, over, thread: Some(thread) }
    }

    /// Kills a daemon, does something, waits, and starts it again.
    pub fn without<T>(&self, daemon: &str, lasts: Duration, work: impl FnOnce() -> T) -> T {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(daemon.to_owned());
        cluster(&["kill", daemon]);
        let done = work();
        thread::sleep(lasts);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        cluster(&["start", daemon]);
        *held = None;
        done
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn revive(held: &Mutex<Option<String>>) {
    let script = repository().join("e2e/cluster/cluster.sh");
    let Ok(status) = Command::new(&script).arg("status").output() else { return };
    for line in String::from_utf8_lossy(&status.stdout).lines() {
        let Some((daemon, _)) = line.split_once(" is dead") else { continue };
        let held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_deref() != Some(daemon) {
            let _ = Command::new(&script).args(["start", daemon]).output();
        }
    }
}
