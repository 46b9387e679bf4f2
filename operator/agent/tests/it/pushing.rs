use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use studious_contract::{Event, Line};

use crate::{Pod, eventually, operator::Operator};

#[tokio::test]
async fn lines_arrive_within_a_second_and_events_at_once() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..1);
    eventually("the first line", || async { operator.next_line().await == 1 }).await;
    // These wait for company, up to a second.
    pod.write_lines(1..3);
    let begun = Instant::now();
    eventually("two lines", || async { operator.next_line().await == 3 }).await;
    assert!(begun.elapsed() < Duration::from_millis(1800), "{:?}", begun.elapsed());
    for line in [r#"{"event":"init"}"#, r#"{"step":9,"train_loss":NaN}"#, r#"{"event":"done"}"#] {
        let wanted = operator.next_line().await + 1;
        let begun = Instant::now();
        pod.write(&format!("{line}\n"));
        eventually(line, || async { operator.next_line().await == wanted }).await;
        assert!(begun.elapsed() < Duration::from_millis(800), "{line}: {:?}", begun.elapsed());
    }
    pod.end().await.unwrap();
    assert_eq!(operator.drained(), 1);
}

/// The trainer is killed in the middle of a line.
#[tokio::test]
async fn a_killed_trainer_loses_nothing_it_wrote() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..2500);
    pod.write(r#"{"step":2500,"train_lo"#);
    pod.end().await.unwrap();
    let mut taken = operator.shared.taken.lock().unwrap().clone();
    let (number, half) = taken.pop().unwrap();
    assert_eq!((number, taken.len()), (2500, 2500));
    assert!(half.is_err(), "{half:?}");
    assert_eq!(operator.drained(), 1);
}

/// A trainer that uses up the pod's grace is killed when the agent is told to end, not before.
#[tokio::test]
async fn what_a_trainer_writes_while_it_is_killed_arrives() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..3);
    eventually("what was written before", || async { operator.next_line().await == 3 }).await;
    let metrics = pod.metrics();
    let late = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        write_step_3(&metrics);
    };
    let (ended, ()) = tokio::join!(pod.end(), late);
    ended.unwrap();
    assert_eq!((operator.steps(), operator.drained()), (vec![0, 1, 2, 3], 1));
}

fn write_step_3(metrics: &Path) {
    let mut file = File::options().append(true).open(metrics).unwrap();
    file.write_all(b"{\"step\":3,\"train_loss\":3.25}\n").unwrap();
}

/// Whoever has said that it is done writes no more: nobody waits for it.
#[tokio::test]
async fn a_trainer_that_is_done_is_not_waited_for() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..3);
    pod.write("{\"event\":\"done\",\"step\":3}\n");
    eventually("all lines", || async { operator.next_line().await == 4 }).await;
    let begun = Instant::now();
    pod.end().await.unwrap();
    assert!(begun.elapsed() < studious_agent::FAREWELL, "{:?}", begun.elapsed());
}

/// Nor for one that the kubelet has seen end, whose last lines arrive all the same.
#[tokio::test]
async fn a_trainer_that_is_known_to_have_ended_is_not_waited_for() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..3);
    eventually("all lines", || async { operator.next_line().await == 3 }).await;
    pod.write_lines(3..5);
    operator.shared.trainer_ended.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    pod.end().await.unwrap();
    assert!(begun.elapsed() < studious_agent::FAREWELL, "{:?}", begun.elapsed());
    assert_eq!((operator.steps(), operator.drained()), (vec![0, 1, 2, 3, 4], 1));
}

/// The kubelet's word may come a little later than its signal. What a trainer writes until then arrives.
#[tokio::test]
async fn the_word_that_a_trainer_has_ended_is_waited_for() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..3);
    eventually("what was written before", || async { operator.next_line().await == 3 }).await;
    let metrics = pod.metrics();
    let (ended, ()) = tokio::join!(pod.end(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        write_step_3(&metrics);
        operator.shared.trainer_ended.store(true, Ordering::SeqCst);
    });
    ended.unwrap();
    assert_eq!((operator.steps(), operator.drained()), (vec![0, 1, 2, 3], 1));
}

#[tokio::test]
async fn the_last_line_may_lack_its_break() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write(r#"{"event":"done","step":7}"#);
    pod.end().await.unwrap();
    let taken = operator.shared.taken.lock().unwrap();
    assert_eq!(taken[..], [(0, Ok(Line::Event(Event::Done { step: Some(7) })))]);
}

#[tokio::test]
async fn a_trainer_that_writes_nothing_is_drained_too() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.end().await.unwrap();
    assert_eq!((operator.drained(), operator.next_line().await), (1, 0));
}

#[tokio::test]
async fn an_operator_that_takes_small_bodies_only() {
    let operator = Operator::with_body_limit(4096).await;
    let mut pod = Pod::new(&operator.url());
    pod.write_lines(0..1000);
    pod.start();
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..1000).collect::<Vec<_>>());
}

/// A trainer that writes much, and one line of a size that no line should have, in bounded memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_megabytes_in_bounded_memory() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.options.drain_limit = Duration::from_mins(5);
    // Few lines and long ones: it is the agent's memory that is looked at, not the ledger's speed.
    let noise = "x".repeat(60_000);
    let (lines, mut bytes) = (1500_u64, 0);
    {
        let mut file = BufWriter::new(File::create(pod.metrics()).unwrap());
        for step in 0..lines {
            let line = format!("{{\"event\":\"noise\",\"step\":{step},\"text\":\"{noise}\"}}\n");
            bytes += line.len();
            file.write_all(line.as_bytes()).unwrap();
        }
        for _ in 0..110 {
            let block = vec![b'y'; 1 << 20];
            bytes += block.len();
            file.write_all(&block).unwrap();
        }
        file.write_all(b"\n{\"event\":\"done\"}\n").unwrap();
    }
    assert!(bytes > 200_000_000, "{bytes}");
    let before = resident_bytes();
    pod.start();
    let mut most = before;
    let watched = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            most = most.max(resident_bytes());
            // The test's own copy of what was taken isn't the agent's memory.
            operator.shared.taken.lock().unwrap().clear();
            if operator.next_line().await == lines + 2 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(4), watched).await.unwrap();
    pod.end().await.unwrap();
    let grown = most.saturating_sub(before);
    println!("{grown} bytes more in memory for {bytes} bytes of file");
    assert!(grown < 100_000_000, "{grown} bytes more");
    let stream = &operator.shared.ledger.streams(crate::operator::TRIAL).await.unwrap()[0];
    assert_eq!((stream.malformed, stream.cursor.next_line), (1, lines + 2));
    assert!(stream.malformed_examples[0].1.contains("at most 65536 are read"), "{:?}", stream.malformed_examples);
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
