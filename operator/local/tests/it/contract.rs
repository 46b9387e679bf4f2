//! What trainers write, as they write it, and what it means: real trainers in Python against the contract.

use std::fmt::Write as _;

use studious_api::trial::TrialPhase;
use studious_playbook::record::CurveSelection;

use crate::bench::{Bench, study};

/// What every trainer begins with; trials find their own lines by their number.
const PROLOGUE: &str = r#"
import json, os, time
D = os.environ["STUDIOUS_TRIAL_DIR"]; T = json.load(open(D + "/trial.json"))
F = open(D + "/metrics.jsonl", "a")
def w(text): F.write(text + "\n"); F.flush()
def v(s): return 0.1 + 1/(s+1)
def case0(): raise SystemExit("no such case")
"#;

/// How a trial must end: reason or objective with its step, and what its message must say.
struct Case {
    fault: &'static str,
    lines: &'static str,
    ends: Result<(f64, u64), &'static str>,
    says: &'static str,
}

const fn case(
    fault: &'static str,
    lines: &'static str,
    ends: Result<(f64, u64), &'static str>,
    says: &'static str,
) -> Case {
    Case { fault, lines, ends, says }
}

const AT_100: Result<(f64, u64), &str> = Ok((0.1 + 1.0 / 101.0, 100));

const CASES: &[Case] = &[
    case(
        "F-007 nan",
        r#"[w('{"step":%d,"error":%s}' % (s, v(s) if s < 60 else "nan")) for s in range(10, 101, 10)]"#,
        Err("Diverged"),
        "error was not finite at step 60",
    ),
    case(
        "F-007 -inf",
        r#"[w('{"step":%d,"error":%s}' % (s, v(s) if s < 60 else "-inf")) for s in range(10, 101, 10)]"#,
        Err("Diverged"),
        "at step 60",
    ),
    case(
        "F-007 1e400",
        r#"[w('{"step":%d,"error":%s}' % (s, v(s) if s < 60 else "1e400")) for s in range(10, 101, 10)]"#,
        Err("Diverged"),
        "at step 60",
    ),
    case(
        "F-007 null",
        r#"[w('{"step":%d,"error":%s}' % (s, v(s) if s < 60 else "null")) for s in range(10, 101, 10)]"#,
        Err("Diverged"),
        "at step 60",
    ),
    case(
        "F-007 loss",
        r#"w('{"step":10,"error":0.5,"train_loss":null}'); w('{"step":100,"error":0.4}')"#,
        Err("Diverged"),
        "train_loss was not finite at step 10",
    ),
    case(
        "F-008 label",
        r#"[w('{"step":%d,%s"error":%r}' % (s, '"split":"val",' if s == 100 else "", v(s))) for s in range(10, 101, 10)]"#,
        AT_100,
        "fields without numbers are left out: split",
    ),
    case(
        "F-008 label everywhere",
        r#"[w('{"step":%d,"split":"val","error":%r}' % (s, v(s))) for s in range(10, 101, 10)]"#,
        AT_100,
        "left out: split",
    ),
    case(
        "F-008 null and truth",
        r#"[w('{"step":%d,"lr":null,"early":true,"error":%r}' % (s, v(s))) for s in range(10, 101, 10)]"#,
        AT_100,
        "",
    ),
    case(
        "F-009",
        r#"w('{"event":"init","init_seed":"12"}'); w('{"step":100,"error":0.3}'); w('{"event":"infeasible","reason":null}')"#,
        Err("TrainerReported"),
        "init_seed: expected a whole number from 0, got \"12\"",
    ),
    case(
        "F-009 done",
        r#"w('{"step":100,"error":0.3}'); w('{"event":"done","step":3.0}'); time.sleep(0.2)"#,
        Ok((0.3, 100)),
        "",
    ),
    case(
        "F-010",
        r#"[w('{"step":%d,"error":%r}' % (s, v(s))) for s in range(10, 301, 10)]"#,
        AT_100,
        "evaluations beyond maxTrainSteps 100, up to step 300, do not count",
    ),
    case(
        "F-010 only beyond",
        r#"w('{"step":100000000000,"error":0.3}')"#,
        Err("NoObjective"),
        "it evaluated beyond, up to step 100000000000",
    ),
    case(
        "F-060 rename",
        r#"
    rows = []
    for s in range(10, 101, 10):
        time.sleep(.1)
        rows.append('{"step":%d,"error":%r}\n' % (s, v(s))); open(D + "/m", "w").writelines(rows); os.replace(D + "/m", D + "/metrics.jsonl")"#,
        AT_100,
        "",
    ),
    case(
        "F-060 truncate",
        r#"
    for s in range(10, 101, 10):
        time.sleep(.1); open(D + "/metrics.jsonl", "w").write('{"step":%d,"error":%r}\n' % (s, v(s)))"#,
        AT_100,
        "",
    ),
    case(
        "F-079 case",
        r#"w('{"step":100,"Error":0.1}')"#,
        Err("NoObjective"),
        "it reported Error. Did you mean Error?",
    ),
    case(
        "F-079 prefix",
        r#"w('{"step":100,"val/error":0.1,"train_loss":1}')"#,
        Err("NoObjective"),
        "it reported train_loss and val/error. Did you mean val/error?",
    ),
    case(
        "F-080",
        r#"w(json.dumps({"step": 100, **{"gn/%d" % i: 1.0 for i in range(300)}, "error": 0.25}))"#,
        Ok((0.25, 100)),
        "lines have up to 44 metrics more than the 256 that are read",
    ),
    case(
        "half a line",
        r#"w('{"step":100,"error":0.25}'); F.write('{"step":1'); F.flush()"#,
        Ok((0.25, 100)),
        "1 line of metrics.jsonl could not be read; host 0, line 2",
    ),
];

#[tokio::test]
async fn what_trainers_write_means_what_the_contract_says() {
    let bench = Bench::new();
    let mut script = PROLOGUE.to_owned();
    for (i, case) in CASES.iter().enumerate() {
        writeln!(script, "def case{i}():\n    {}", case.lines.trim_start_matches("\n    ")).unwrap();
    }
    script.push_str("globals()['case%d' % int(T['name'][-4:])]()\n");
    std::fs::write(bench.file("t.py"), script).unwrap();
    let rounds = format!(
        "  rounds: [{{name: r, trials: {}, maxTrainSteps: 100}}]\n  failure: {{attempts: 1, maxFailedTrials: 100}}\n  parallelism: 4",
        CASES.len()
    );
    let seen = bench.run(&study("exec python3 t.py", &rounds)).await;
    let records = bench.ledger().await.records("s", CurveSelection::WHOLE).await.unwrap();
    assert_eq!(seen.trials.len(), CASES.len());
    for (i, case) in CASES.iter().enumerate() {
        let state = &seen.trial(&format!("s-r-{i:04}")).state;
        let message = state.message.clone().unwrap_or_default();
        match case.ends {
            Ok((objective, step)) => {
                assert_eq!(state.phase, TrialPhase::Succeeded, "{}: {message}", case.fault);
                assert_eq!((state.objective, state.best_step), (Some(objective), Some(step)), "{}", case.fault);
            }
            Err(reason) => assert_eq!(state.reason.as_deref(), Some(reason), "{}: {message}", case.fault),
        }
        assert!(message.contains(case.says), "{}: {message}", case.fault);
        // What could not be read or was left out is in what findings, report and export read.
        let remarks = records[i].remarks.join("; ");
        for word in ["could not be read", "left out", "metrics more than"] {
            assert_eq!(remarks.contains(word), message.contains(word), "{}: {remarks:?} and {message:?}", case.fault);
        }
    }
}
