//! A disk that fills up or becomes read-only: writes fail with the true cause, and succeed again within seconds of
//! recovery without opening the ledger anew.

use std::{
    env,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use studious_ledger::{Cause, Health, Ledger};

use crate::{TRIAL, lines, study_row, trial_row};

const FOLDER_OF_CHILD: &str = "DISK_OF_CHILD";

/// Runs a test of this file in a mount namespace of its own, where it may mount a small disk. Fails where that is not
/// possible.
fn in_a_namespace(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let uid = Command::new("id").arg("-u").output().unwrap().stdout;
    // Root needs no user namespace, which some containers forbid.
    let how: &[&str] = if uid == b"0\n" { &["--mount"] } else { &["--mount", "--user", "--map-root-user"] };
    let output = Command::new("unshare")
        .args(how)
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER_OF_CHILD, folder.path())
        .output()
        .unwrap_or_else(|error| panic!("unshare of util-linux must be installed: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Mounts a small disk, or changes how it is mounted; waits for files that are being closed.
fn mount(options: &str, folder: &Path) {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "ledger"]).arg(folder);
    let done = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        command.status().unwrap().success()
    });
    assert!(done, "mount -o {options}");
}

async fn opened(folder: &Path) -> Ledger {
    let ledger = Ledger::open(folder.join("ledger.sqlite")).await.unwrap();
    ledger.upsert_study(&study_row("study-uid")).await.unwrap();
    ledger.upsert_trial(&trial_row(TRIAL, "study-uid", 0)).await.unwrap();
    ledger
}

/// Within seconds of recovery a write succeeds.
async fn recovers(ledger: &Ledger) {
    let begun = Instant::now();
    while !ledger.probe().await.is_working() {
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", ledger.health());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn free_space_of_the_volume_is_known() {
    let (folder, ledger) = crate::ledger().await;
    let free = ledger.free_bytes().unwrap();
    let said = std::process::Command::new("df").args(["--output=avail", "-B1"]).arg(folder.path()).output().unwrap();
    let df: u64 = String::from_utf8(said.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
    // Other programs write meanwhile.
    assert!(free.abs_diff(df) < (1 << 30), "{free} {df}");
}

#[tokio::test]
async fn a_full_disk_is_named_and_recovered_from() {
    in_a_namespace("disk::full");
}

#[tokio::test]
async fn a_read_only_disk_is_named_and_recovered_from() {
    in_a_namespace("disk::read_only");
}

#[tokio::test]
#[ignore = "run by a_full_disk_is_named_and_recovered_from"]
async fn full() {
    let folder = std::path::PathBuf::from(env::var(FOLDER_OF_CHILD).unwrap());
    mount("size=1m", &folder);
    let ledger = opened(&folder).await;
    let (mut at, mut failures) = (0, 0);
    while failures < 5 {
        match ledger.append(TRIAL, 1, 0, at, &lines(at..at + 500)).await {
            Ok(appended) => at = appended.next_line,
            Err(error) => {
                failures += 1;
                assert!(error.is_transient());
                assert!(error.to_string().starts_with("the ledger: the disk is full"), "{error}");
            }
        }
    }
    let Health::Failing { cause: Cause::DiskFull, message, .. } = ledger.health() else {
        panic!("{:?}", ledger.health())
    };
    assert!(message.contains("Free space on the ledger's volume"), "{message}");
    assert!(!ledger.probe().await.is_working(), "a probe on a full disk");
    // What was acknowledged is there, and can be read meanwhile.
    assert_eq!(ledger.curves(TRIAL, 0, None).await.unwrap()["train_loss"].len() as u64, at);

    mount("remount,size=64m", &folder);
    recovers(&ledger).await;
    at = ledger.append(TRIAL, 1, 0, at, &lines(at..at + 500)).await.unwrap().next_line;
    assert_eq!(ledger.health(), Health::Working);
    assert_eq!(ledger.curves(TRIAL, 0, None).await.unwrap()["train_loss"].len() as u64, at);
}

#[tokio::test]
#[ignore = "run by a_read_only_disk_is_named_and_recovered_from"]
async fn read_only() {
    let folder = std::path::PathBuf::from(env::var(FOLDER_OF_CHILD).unwrap());
    mount("size=1m", &folder);
    let ledger = opened(&folder).await;
    // The kernel remounts no disk on which a file is open to be written. The ledger closes its connection after a failed
    // write, and nothing was read yet: now no file is open.
    let mut index = 1;
    while ledger.upsert_trial(&trial_row(&format!("t{index}"), "study-uid", index)).await.is_ok() {
        index += 1;
    }
    mount("remount,ro,size=64m", &folder);
    let error = ledger.upsert_study(&study_row("study-uid")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let Health::Failing { cause, .. } = ledger.health() else { panic!("{:?}", ledger.health()) };
    assert_eq!(cause, Cause::ReadOnly, "{error}");
    // A reader that opened the file then must not keep the writer from recovering.
    let read = ledger.trials("study-uid").await;
    mount("remount,rw", &folder);
    recovers(&ledger).await;
    assert!(!ledger.trials("study-uid").await.unwrap().is_empty(), "{read:?}");
    assert_eq!(ledger.append(TRIAL, 1, 0, 0, &lines(0..5)).await.unwrap().next_line, 5);
}

#[tokio::test]
async fn a_ledger_in_a_folder_that_cannot_be_written_can_be_read() {
    in_a_namespace("disk::read_only_folder");
}

#[tokio::test]
#[ignore = "run by a_ledger_in_a_folder_that_cannot_be_written_can_be_read"]
async fn read_only_folder() {
    let root = std::path::PathBuf::from(env::var(FOLDER_OF_CHILD).unwrap());
    let written = tempfile::tempdir().unwrap();
    let ledger = opened(written.path()).await;
    ledger.append(TRIAL, 1, 0, 0, &lines(0..50)).await.unwrap();
    mount("size=16m", &root);
    let folders = ["closed", "killed", "copied"].map(|how| root.join(how));
    let copy = |endings: &[&str], folder: &Path| {
        std::fs::create_dir(folder).unwrap();
        for ending in endings {
            let name = format!("ledger.sqlite{ending}");
            std::fs::copy(written.path().join(&name), folder.join(&name)).unwrap();
        }
    };
    let [closed, killed, copied] = &folders;
    // The log of writes holds all of it: nothing was written into the file yet.
    assert!(std::fs::metadata(written.path().join("ledger.sqlite-wal")).unwrap().len() > 4096);
    copy(&["", "-wal", "-shm"], killed);
    copy(&["", "-wal"], copied);
    ledger.close().await;
    copy(&[""], closed);
    mount("remount,ro", &root);
    for folder in &folders {
        let ledger = Ledger::open_to_read(folder.join("ledger.sqlite")).await.unwrap();
        let curves = ledger.curves(TRIAL, 0, None).await.unwrap();
        assert_eq!(curves["train_loss"].len(), 50, "{}", folder.display());
        ledger.close().await;
    }
}
