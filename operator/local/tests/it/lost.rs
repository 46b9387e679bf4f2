//! Ledgers that are lost, torn or of another run: rebuilt from the trials' folders, or refused; nothing is deleted.

use std::{fs, path::PathBuf};

use studious_api::{Study, trial::TrialPhase};
use studious_ledger::{Ledger, LedgerError};
use studious_local::{Error, Event};
use tokio::sync::mpsc;

use crate::bench::{Bench, GOOD, Seen, lines, study};

/// Trains step by step from its checkpoint; at step `stop` it waits until the file `go` is there.
fn checkpointing(stop: u64) -> Study {
    let script = format!(
        "d=$STUDIOUS_TRIAL_DIR; c=$d/checkpoints/step; s=0; [ -f $c ] && s=$(cat $c)\n\
         echo \"$(basename $(dirname $(dirname $d))) $s\" >> tried\n\
         while [ $s -lt 60 ]; do s=$((s+1))\n\
         echo \"{{\\\"step\\\":$s,\\\"error\\\":0.$((99-s))}}\" >> $d/metrics.jsonl; echo $s > $c.t; mv $c.t $c\n\
         [ $s -eq {stop} ] && until [ -f go ]; do sleep 0.02; done; done"
    );
    study(&script, "  rounds: [{name: r, trials: 2, maxTrainSteps: 60}]\n  parallelism: 2")
}

fn files(bench: &Bench) -> [PathBuf; 3] {
    let ledger = bench.folder.ledger();
    ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", ledger.display())))
}

/// Removes the ledger once no handle of this process has it open: SQLite removes its log by name when it closes the file.
async fn remove_ledger(bench: &Bench) {
    let name = bench.folder.ledger();
    let is_open = || {
        let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        open.into_iter().any(|file| file.to_string_lossy().starts_with(&*name.to_string_lossy()))
    };
    for _ in 0..500 {
        if !is_open() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!is_open());
    for file in files(bench) {
        let _ = fs::remove_file(file);
    }
}

/// Runs until both trials have come to step `stop`, then kills the run, as far as its folder goes. `then` is called before.
async fn killed_at(bench: &Bench, stop: u64, then: impl FnOnce()) {
    let (tell, _told) = mpsc::unbounded_channel();
    let (_keep, interrupts) = mpsc::channel(1);
    let study = checkpointing(stop);
    let come = async {
        let reached = |trial: &str| fs::read_to_string(bench.folder.trial(trial).join("checkpoints/host-0/step"));
        let has_come = |trial| reached(trial).is_ok_and(|at| at.trim() == stop.to_string());
        while !(has_come("s-r-0000") && has_come("s-r-0001")) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        then();
        // The ledger has the lines too.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    };
    tokio::select! {
        end = studious_local::run(bench.options(&study), tell, interrupts) => panic!("{end:?}"),
        () = come => {}
    }
}

async fn assert_whole(bench: &Bench, seen: &Seen) {
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 2], "{:?}", seen.trials);
    let ledger = Ledger::open_to_read(bench.folder.ledger()).await.unwrap();
    for trial in seen.trials.keys() {
        let curve = &ledger.curves(trial, 0, None).await.unwrap()["error"];
        assert_eq!(curve.iter().map(|point| point.0).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>(), "{trial}");
    }
}

#[tokio::test]
async fn a_lost_ledger_of_a_finished_run_is_rebuilt() {
    for how in ["missing", "empty"] {
        let bench = Bench::new();
        let study = study(&format!("echo x >> tried\n{GOOD}"), "");
        let first = bench.run(&study).await;
        let metrics = bench.folder.host("s-r-0000", 1, 0).join("metrics.jsonl");
        let written = fs::read_to_string(&metrics).unwrap();
        remove_ledger(&bench).await;
        if how == "empty" {
            fs::write(bench.folder.ledger(), "").unwrap();
        }
        let again = bench.run(&study).await;
        assert_eq!(again.trials, first.trials, "{how}");
        assert!(again.events.iter().any(|event| matches!(event, Event::Rebuilt { trials: 2 })), "{:?}", again.events);
        assert_eq!(lines(&bench.file("tried")).len(), 2, "{how}: trained again");
        assert_eq!(fs::read_to_string(&metrics).unwrap(), written);
        let ledger = Ledger::open_to_read(bench.folder.ledger()).await.unwrap();
        assert_eq!(ledger.curves("s-r-0000", 0, None).await.unwrap()["error"].len(), 2);
        // The next time there is nothing to rebuild.
        let third = bench.run(&study).await;
        assert!(!third.events.iter().any(|event| matches!(event, Event::Rebuilt { .. })), "{:?}", third.events);
    }
}

#[tokio::test]
async fn trials_go_on_with_whole_curves_after_their_ledger_was_lost() {
    let bench = Bench::new();
    killed_at(&bench, 20, || {}).await;
    remove_ledger(&bench).await;
    fs::write(bench.file("go"), "").unwrap();
    assert_whole(&bench, &bench.run(&checkpointing(60)).await).await;
    let tried = lines(&bench.file("tried"));
    assert_eq!(tried[2..].iter().filter(|line| line.ends_with(" 20")).count(), 2, "{tried:?}");
}

/// `kill -9` and the loss of `ledger.sqlite-wal`, or a copy of `ledger.sqlite` alone.
#[tokio::test]
async fn a_ledger_without_its_last_commits_catches_up() {
    let bench = Bench::new();
    let copy = bench.file("copy");
    killed_at(&bench, 20, || {
        fs::copy(bench.folder.ledger(), &copy).unwrap();
    })
    .await;
    remove_ledger(&bench).await;
    fs::copy(&copy, bench.folder.ledger()).unwrap();
    fs::write(bench.file("go"), "").unwrap();
    assert_whole(&bench, &bench.run(&checkpointing(60)).await).await;

    // The same of a run that is over: the ledger still says that its trials run.
    remove_ledger(&bench).await;
    fs::copy(&copy, bench.folder.ledger()).unwrap();
    let tried = lines(&bench.file("tried")).len();
    assert_whole(&bench, &bench.run(&checkpointing(60)).await).await;
    assert_eq!(lines(&bench.file("tried")).len(), tried, "trained again");
}

#[tokio::test]
async fn a_damaged_ledger_is_refused_with_the_way_to_rebuild_it() {
    let bench = Bench::new();
    let study = study(GOOD, "");
    let first = bench.run(&study).await;
    let path = bench.folder.ledger();
    let mut bytes = fs::read(&path).unwrap();
    bytes[..16].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = bench.try_run(bench.options(&study)).await.unwrap_err();
    assert!(matches!(error, Error::Ledger(LedgerError::Damaged { .. })), "{error}");
    assert!(error.to_string().contains("move ledger.sqlite"), "{error}");
    remove_ledger(&bench).await;
    assert_eq!(bench.run(&study).await.trials, first.trials);
}

#[tokio::test]
async fn folders_that_do_not_say_enough_are_refused_and_kept() {
    let bench = Bench::new();
    let study = study(GOOD, "");
    bench.run(&study).await;
    remove_ledger(&bench).await;
    for trial in ["s-r-0000", "s-r-0001"] {
        fs::remove_file(bench.folder.trial(trial).join("record.json")).unwrap();
    }
    let error = bench.try_run(bench.options(&study)).await.unwrap_err();
    assert!(matches!(error, Error::LedgerLost { trials: 2, .. }), "{error}");
    assert_eq!(lines(&bench.folder.host("s-r-0000", 1, 0).join("metrics.jsonl")).len(), 3);
}

#[tokio::test]
async fn a_ledger_of_another_run_is_refused() {
    let (bench, other) = (Bench::new(), Bench::new());
    let study = study(GOOD, "");
    bench.run(&study).await;
    other.run(&study).await;
    remove_ledger(&bench).await;
    fs::copy(other.folder.ledger(), bench.folder.ledger()).unwrap();
    let error = bench.try_run(bench.options(&study)).await.unwrap_err();
    assert!(matches!(error, Error::OtherRun { .. }), "{error}");
}

#[tokio::test]
async fn a_checkpoint_that_is_not_this_runs_is_not_resumed() {
    let bench = Bench::new();
    fs::write(bench.file("go"), "").unwrap();
    bench.run(&checkpointing(60)).await;
    let foreign = bench.folder.trial("s-r-0002").join("checkpoints/host-0");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("step"), "40").unwrap();
    let mut more = checkpointing(60);
    more.spec.rounds[0].trials = Some(3);
    let seen = bench.run(&more).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 3]);
    assert_eq!(lines(&bench.file("tried"))[2], "s-r-0002 0");
    let kept = bench.folder.trial("s-r-0002.before-1").join("checkpoints/host-0/step");
    assert_eq!(fs::read_to_string(kept).unwrap(), "40");
}
