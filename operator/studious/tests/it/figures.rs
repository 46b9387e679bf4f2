//! What docs/figures.md quotes is what the command says of the real trainings that it shows.

use std::{fs, path::Path};

use crate::bench::{Bench, STUDY};

/// Words with one space between them: lines are broken elsewhere in a page than in a terminal.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Block quotes of a page, each as its finding's code and its pieces, which ellipses divide.
fn quotes(page: &str) -> Vec<(String, Vec<String>)> {
    let mut quotes = vec![String::new()];
    for line in page.lines() {
        match line.strip_prefix("> ") {
            Some(text) => {
                let quote = quotes.last_mut().unwrap();
                quote.push(' ');
                quote.push_str(text);
            }
            None => quotes.push(String::new()),
        }
    }
    let read = |quote: &String| {
        let (head, text) = quote.trim().split_once(". ").expect("WARNING Code. What was said");
        let code = head.strip_prefix("WARNING ").expect("a warning").to_owned();
        (code, text.split("[…]").map(words).filter(|piece| !piece.is_empty()).collect())
    };
    quotes.iter().filter(|quote| !quote.is_empty()).map(read).collect()
}

#[test]
fn the_page_of_the_playbooks_figures_quotes_what_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/figures.md")).unwrap();
    let bench = Bench::with(STUDY);
    let mut said = String::new();
    for entry in fs::read_dir(root.join("examples/playbook-figures")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            let [study, trials] = ["study.yaml", "trials.jsonl"].map(|name| folder.join(name).display().to_string());
            let found = bench.call(&["findings", "--study", &study, "--trials", &trials]);
            assert_eq!(found.code, 0, "{}", found.err);
            said.push_str(&found.out);
        }
    }
    let said = words(&said);
    let quotes = quotes(&page);
    assert!(quotes.len() >= 5, "{quotes:?}");
    for (code, pieces) in quotes {
        assert!(said.contains(&format!("WARNING {code} ")), "{code} is not raised");
        for piece in pieces {
            assert!(said.contains(piece.trim_end_matches('.')), "{code}: nothing says: {piece}");
        }
    }
}
