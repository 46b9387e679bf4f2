//! The dashboard's API over a source in memory. What the sources of a backend say is tested where they are.

#![allow(clippy::panic, clippy::unwrap_used)]

mod asking;
mod format;
mod memory;

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use asking::Asking;
use memory::Memory;

const STUDY: &str = "/v1/namespaces/local/studies/digits";

#[tokio::test]
async fn studies_are_listed_with_their_tags() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    run.succeed(0, 0.4);
    let studies = asking.json("/v1/studies").await;
    let study = &studies["studies"][0];
    assert_eq!((study["namespace"].as_str(), study["name"].as_str()), (Some("local"), Some("digits")));
    assert_eq!((study["standing"].as_str(), study["ended"].as_u64()), (Some("Running"), Some(1)));
    assert_eq!(study["counts"]["planned"], 4);
    assert_eq!(study["labels"], json!({ "team": "vision" }));
    assert_eq!(study["archived"], true);
    assert!(asking.json(STUDY).await["yaml"].as_str().unwrap().contains("kind: Study"));
}

#[tokio::test]
async fn the_table_is_sorted_filtered_and_cut_by_the_server() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    for (index, objective) in [0.4, 0.2, 0.3].into_iter().enumerate() {
        run.succeed(index, objective);
    }
    run.diverge(3, 0.01);
    let names = async |query: &str| -> Vec<String> {
        let page = asking.json(&format!("{STUDY}/trials{query}")).await;
        let rows = page["rows"].as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().trim_start_matches("digits-explore-").to_owned()).collect()
    };
    assert_eq!(names("").await, ["0001", "0002", "0000", "0003"], "the best first, then infeasible");
    assert_eq!(names("?sort=-objective").await, ["0000", "0002", "0001", "0003"], "what has no value comes last");
    assert_eq!(names("?sort=objective").await, ["0001", "0002", "0000", "0003"]);
    assert_eq!(names("?sort=-hyperparameters.learning_rate&limit=2").await.len(), 2);
    assert_eq!(names("?sort=name&offset=3").await, ["0003"]);
    assert_eq!(names("?phase=Infeasible,Failed").await, ["0003"]);
    assert_eq!(names("?text=DIVERGED").await, ["0003"]);
    assert_eq!(names("?text=optimizer%3Dsgd%20explore-0002").await, ["0002"]);
    assert_eq!(names("?round=confirm").await, [""; 0]);
    let page = asking.json(&format!("{STUDY}/trials?limit=1&phase=Succeeded")).await;
    assert_eq!((page["total"].as_u64(), page["matching"].as_u64()), (Some(4), Some(3)));
    let row = &asking.json(&format!("{STUDY}/trials?phase=Infeasible")).await["rows"][0];
    assert!(row.get("objective").is_none(), "an infeasible trial has none: {row}");
    for wrong in ["?sort=colour", "?phase=Fine", "?sort=hyperparameters.momentum", "?colour=red"] {
        assert_eq!(asking.get(&format!("{STUDY}/trials{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

/// F-018 and F-064: as everywhere else, what violates a constraint comes after what doesn't, and retraining last.
#[tokio::test]
async fn bounds_hold_and_retraining_comes_last() {
    let run = Memory::bounded_and_retrained();
    let asking = Asking::new(&run);
    run.retrain(1);
    run.retrain(1);
    for (index, (objective, cost)) in
        [(0.10, 10.0), (0.11, 1.0), (0.12, 1.0), (0.2, 1.0), (0.05, 1.0), (0.13, 1.0)].into_iter().enumerate()
    {
        run.succeed(index, objective);
        run.cost(index, cost);
    }
    let names = async |query: &str| -> Vec<String> {
        let page = asking.json(&format!("{STUDY}/trials{query}")).await;
        let rows = page["rows"].as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().trim_start_matches("digits-").to_owned()).collect()
    };
    let of_verify = ["verify-0001", "verify-0002", "verify-0003", "verify-0000"];
    assert_eq!(names("").await, [&of_verify[..], &["retrain-0000", "retrain-0001"]].concat());
    assert_eq!(names("?sort=round").await[4..], ["retrain-0000", "retrain-0001"], "not by their budgets or names");
    let trial = asking.json(&format!("{STUDY}/trials/digits-verify-0001")).await;
    assert_eq!(trial["rank"], json!({ "place": 1, "of": 4 }));
    let rounds = asking.json(STUDY).await["rounds"].clone();
    let bests: Vec<_> = rounds.as_array().unwrap().iter().map(|r| (r["name"].as_str(), r["best"].as_f64())).collect();
    assert_eq!(bests, [(Some("verify"), Some(0.11)), (Some("retrain"), Some(0.05))]);
}

#[tokio::test]
async fn whoever_knows_what_is_there_is_told_so_until_it_changes() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    run.succeed(0, 0.4);
    for path in ["", "/trials", "/trials/digits-explore-0000", "/trials/digits-explore-0000/plots"] {
        let path = format!("{STUDY}{path}");
        let first = asking.get(&path).await;
        let tag = first.header("etag").to_owned();
        assert_eq!(asking.again(&path, &tag).await.status, StatusCode::NOT_MODIFIED, "{path}");
        run.measure(0, 1_000, 0.1);
        let changed = asking.again(&path, &tag).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}");
        assert_ne!(changed.header("etag"), tag);
    }
    let list = asking.get("/v1/studies").await.header("etag").to_owned();
    assert_eq!(asking.again("/v1/studies", &list).await.status, StatusCode::NOT_MODIFIED);
    run.succeed(1, 0.3);
    assert_eq!(asking.again("/v1/studies", &list).await.status, StatusCode::OK);
}

#[tokio::test]
async fn conclusions_come_with_their_pictures() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    for (index, objective) in [0.4, 0.3, 0.2, 0.1].into_iter().enumerate() {
        run.succeed(index, objective);
    }
    let findings = asking.until(&format!("{STUDY}/findings"), |body| body["state"] == "ready").await;
    assert_eq!(findings["trials"], 4);
    assert_eq!(findings["checklist"]["questions"].as_array().map(Vec::len), Some(5));
    assert!(findings["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "BestTrial"));
    let plots = findings["plots"].as_array().unwrap();
    assert!(plots.iter().any(|plot| plot["id"] == "axis-learning_rate"), "{plots:?}");
    for plot in plots {
        let specification = asking.json(&format!("{STUDY}/plots/{}", plot["id"].as_str().unwrap())).await;
        assert!(specification["$schema"].as_str().unwrap().contains("vega-lite"));
    }
    assert_eq!(asking.get(&format!("{STUDY}/plots/no-such-plot")).await.status, StatusCode::NOT_FOUND);
}

/// Between two waves of trials the study doesn't look as if it had asked for a few only.
#[tokio::test]
async fn trials_that_are_not_made_yet_are_expected() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    run.make_only(2);
    run.succeed(0, 0.4);
    run.succeed(1, 0.3);
    let findings = asking.until(&format!("{STUDY}/findings"), |body| body["state"] == "ready").await;
    assert_eq!(findings["trials"], 2);
    let sampled = &findings["checklist"]["questions"][1];
    assert_eq!(sampled["answer"], "Unknown");
    assert!(sampled["reason"].as_str().unwrap().starts_with("2 trials of round explore have not ended"), "{sampled}");
}

/// Requirement R-144: by another objective everything that is concluded is drawn anew, and nothing is trained.
#[tokio::test]
async fn conclusions_follow_the_objective_that_is_chosen() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    for (index, objective) in [0.4, 0.3, 0.2, 0.1].into_iter().enumerate() {
        run.succeed(index, objective);
    }
    let ready = |body: &serde_json::Value| body["state"] == "ready";
    let own = asking.until(&format!("{STUDY}/findings"), ready).await;
    let choices = own["choices"].as_array().unwrap();
    assert_eq!(choices[0], json!({ "by": "", "label": "validation_error, best" }));
    assert!(choices.iter().any(|choice| choice["by"] == "validation_error:min:final"), "{choices:?}");
    let best = |findings: &serde_json::Value| {
        let all = findings["findings"].as_array().unwrap().clone();
        all.into_iter().find(|finding| finding["code"] == "BestTrial").unwrap()["trials"][0].clone()
    };
    let other = asking.until(&format!("{STUDY}/findings?by=validation_error:max"), ready).await;
    assert_eq!((best(&own), best(&other)), (json!("digits-explore-0003"), json!("digits-explore-0000")));
    let plot = async |by: &str| asking.get(&format!("{STUDY}/plots/axis-learning_rate{by}")).await;
    let (shown, otherwise) = (plot("").await, plot("?by=validation_error:max").await);
    assert_ne!(shown.text(), otherwise.text());
    assert_ne!(shown.header("etag"), otherwise.header("etag"));
    for (by, why) in [("bleu", "no trial measured 'bleu'"), ("a:b", "unknown suffix `b`")] {
        let path = format!("{STUDY}/findings?by={by}");
        let mut refused = asking.get(&path).await;
        // While conclusions are being drawn, nobody knows.
        for _ in 0..300 {
            if refused.status != StatusCode::OK {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            refused = asking.get(&path).await;
        }
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text().contains(why), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_trial_is_shown_whole() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    run.succeed(0, 0.4);
    run.succeed(1, 0.2);
    let trial = asking.json(&format!("{STUDY}/trials/digits-explore-0000")).await;
    assert_eq!(trial["rank"], json!({ "place": 2, "of": 2 }));
    assert_eq!(trial["inits"][0]["parameters_sha256"], "ab");
    assert!(trial["seeds"]["init"].is_u64());
    assert!(trial["yaml"].as_str().unwrap().contains("kind: Trial"));
    let commands = trial["commands"].to_string();
    assert!(commands.contains("metrics.jsonl"), "{commands}");
    let plots = asking.json(&format!("{STUDY}/trials/digits-explore-0000/plots")).await;
    assert_eq!(plots["plots"][0]["id"], "validation_error", "the objective first");
    assert_eq!(asking.get(&format!("{STUDY}/trials/nobody")).await.status, StatusCode::NOT_FOUND);

    let both = "/v1/compare?trial=local/digits/digits-explore-0000&trial=local/digits/digits-explore-0001";
    let both = asking.json(both).await;
    assert_eq!(both["trials"].as_array().map(Vec::len), Some(2));
    let specification = both["plots"][0]["specification"].to_string();
    assert!(specification.contains("digits-explore-0000") && specification.contains("digits-explore-0001"));
    for wrong in ["", "?trial=digits-explore-0000", "?colour=red"] {
        assert_eq!(asking.get(&format!("/v1/compare{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let many = vec!["trial=local/digits/digits-explore-0000"; 13].join("&");
    assert_eq!(asking.get(&format!("/v1/compare?{many}")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_not_a_study_is_not_shown() {
    let asking = Asking::new(&Memory::new());
    for name in ["nobody", "..", "%2e%2e", "."] {
        let answer = asking.get(&format!("/v1/namespaces/local/studies/{name}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }
    assert_eq!(asking.get("/v1/namespaces/team-a/studies/digits").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn trials_are_read_by_programs_line_by_line() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    let answer = asking.get(&format!("{STUDY}/records?points=10")).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/x-ndjson"));
    let names: Vec<String> = answer
        .text()
        .lines()
        .map(|line| serde_json::from_str::<studious_playbook::record::TrialRecord>(line).unwrap().name)
        .collect();
    assert_eq!((names.len(), names[0].as_str()), (4, "digits-explore-0000"));
    let missing = asking.get("/v1/namespaces/local/studies/nobody/records").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    let records = format!("{STUDY}/records");
    for path in ["/v1/studies", "/v1/about", STUDY, &records, "/v1/compare?trial=local/digits/digits-explore-0000"] {
        assert_eq!(asking.as_host(path, "evil.example").await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

/// F-059: other users of this machine reach the port.
#[tokio::test]
async fn studies_are_shown_to_whoever_has_the_token() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    let records = format!("{STUDY}/records");
    for path in ["/v1/studies", "/v1/about", STUDY, &records, "/v1/compare?trial=local/digits/digits-explore-0000"] {
        for token in ["", "another", "a-token-and-more"] {
            let answer = asking.showing(path, "studious-token", token).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}, {token:?}");
            assert!(answer.text().contains("the link that `studious ui` printed"), "{}", answer.text());
        }
    }
    // The link leaves the token in a cookie and takes it out of the address.
    let entered = asking.showing("/?token=a-token", "studious-token", "").await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = entered.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let shown = cookie.split(';').next().unwrap();
    assert_eq!(asking.showing("/v1/studies", "cookie", shown).await.status, StatusCode::OK);
    let wrong = asking.showing("/?token=another", "studious-token", "").await;
    assert_eq!(wrong.status, StatusCode::OK, "the page says what is missing");
}

#[tokio::test]
async fn pages_run_nothing_but_their_own_files() {
    let run = Memory::new();
    let asking = Asking::new(&run);
    let page = asking.get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-cache");
    let text = page.text();
    assert!(!text.contains("<style") && !text.contains(" onload") && !text.contains("=\"http"));
    let files: Vec<&str> = text.split('"').filter(|part| part.starts_with("assets/")).collect();
    assert!(files.len() >= 2, "{text}");
    let mut said = String::new();
    for file in files {
        let plain = asking.get(&format!("/{file}")).await;
        said.push_str(plain.text());
        assert!(plain.header("cache-control").contains("immutable"));
        for coding in ["br", "gzip"] {
            let packed = asking.packed(&format!("/{file}"), coding).await;
            assert_eq!(packed.header("content-encoding"), coding);
            // Of a few words nothing can be saved.
            assert!(packed.body.len() < plain.body.len().max(200), "{file} as {coding}");
        }
    }
    // The playbook's licence asks for this wherever its advice is shown.
    for notice in
        ["creativecommons.org/licenses/by/4.0", "Godbole", "github.com/google/tuning_playbook", "endorse neither"]
    {
        assert!(said.contains(notice), "{notice}");
    }
    assert_eq!(asking.get("/assets/none.js").await.status, StatusCode::NOT_FOUND);
    run.succeed(0, 0.4);
    assert_eq!(
        asking.packed(&format!("{STUDY}/trials/digits-explore-0000"), "br").await.header("content-encoding"),
        "br"
    );
}
