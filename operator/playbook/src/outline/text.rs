//! The text of a study file, with comments that say why each choice is made.

use std::fmt::Write as _;

use serde::Serialize;
use studious_api::{
    document::one_line,
    study::{Hyperparameter, Role},
};
use studious_rules::{registry, thresholds::search::TRIALS_PER_DIMENSION};

use super::StudyDraft;
use crate::findings::wording::wrap;

/// Evaluations of a training: enough for a curve.
const EVALUATIONS: u64 = 20;
/// Retrainings of the best point of each arm: as docs/study.md has.
const RETRAININGS: u32 = 5;

pub(super) fn of(outline: &StudyDraft, all: &[Hyperparameter], trials: u32, is_enough: bool) -> String {
    let mut text = String::new();
    let mut put = |lines: &str| text.push_str(lines);
    let StudyDraft { name, goal, metric, direction, steps, parallelism, .. } = outline;
    put(
        "# Made by `studious init`. `studious plan` says what it asks, costs and could see; change what you know better.\n",
    );
    put("apiVersion: studious.dev/v1alpha1\nkind: Study\n");
    put(&format!("metadata: {{name: {}}}\nspec:\n", line(name)));
    put("  # One narrow question. Playbook: \"Choosing the goal for the next round of experiments\".\n");
    put(&format!("  goal: {}\n", line(goal)));
    put("  # A metric of the validation set: choosing trials by the test set would use it up.\n");
    put(&format!("  objective: {{metric: {}, direction: {direction:?}}}\n", line(metric)));
    put("  # Playbook: \"Identifying scientific, nuisance, and fixed hyperparameters\".\n");
    put("  hyperparameters:\n");
    put(&hyperparameters(all));
    put(
        "  # Points that do not depend on results tell more while a study explores. Playbook: \"Exploration vs exploitation\".\n",
    );
    put("  search: {algorithm: QuasiRandom, seed: 1}\n");
    put("  rounds:\n");
    put(&why_trials(trials, is_enough));
    put(&format!("  - {{name: explore, trials: {trials}, maxTrainSteps: {steps}}}\n"));
    put("  # The best points again with other seeds: what one training says is partly its seed.\n");
    let per = if all.iter().any(|h| h.role == Role::Scientific) { ", per: Scientific" } else { "" };
    put(&format!("  retrain: {{best: 1, times: {RETRAININGS}{per}}}\n"));
    put(
        "  # Trials at once: as many as the hardware holds. Playbook: \"A scientific approach to improving model performance\".\n",
    );
    put(&format!("  parallelism: {parallelism}\n"));
    put("  # By steps, never by the clock. Playbook: \"Setting up periodic evaluations\".\n");
    put(&format!("  evaluation: {{everySteps: {}}}\n", (steps / EVALUATIONS).max(1)));
    put(&trainer(outline));
    text
}

fn trainer(outline: &StudyDraft) -> String {
    let mut text =
        "  # The trainer reads its values as HP_<NAME>, and writes metrics.jsonl (docs/trainer.md).\n".to_owned();
    text.push_str("  trial:\n    template:\n      spec:\n        containers:\n        - name: trainer\n");
    match &outline.image {
        Some(image) => _ = writeln!(text, "          image: {}", line(image)),
        None => text.push_str("          # For a cluster, name its image here: image: …\n"),
    }
    let _ = writeln!(text, "          command: {}", line(&outline.command));
    text
}

fn why_trials(trials: u32, is_enough: bool) -> String {
    if is_enough {
        format!(
            "  # Enough for every dimension that an arm tunes ({} each). Playbook: \"Striking a balance between\n  # informative and \
             affordable experiments\".\n",
            TRIALS_PER_DIMENSION.default
        )
    } else {
        format!(
            "  # {trials} were asked for. Playbook: \"Striking a balance between informative and affordable experiments\".\n"
        )
    }
}

/// Characters of a comment's line.
const COMMENT: usize = 100;

fn hyperparameters(all: &[Hyperparameter]) -> String {
    let mut text = String::new();
    let mut last = None;
    let is_compared = all.iter().any(|h| h.role == Role::Scientific);
    for h in all {
        if last != Some(h.role) {
            text.push_str(match h.role {
                Role::Scientific => "  # Scientific: its effect is the question.\n",
                Role::Nuisance if !is_compared => "  # Nuisance: tuned.\n",
                Role::Nuisance => "  # Nuisance: tuned for each scientific value, so that the comparison is fair.\n",
                Role::Fixed => "  # Fixed: not tuned in this study, so conclusions hold for these values.\n",
                Role::Derived => "  # Derived: worked out from others.\n",
            });
            last = Some(h.role);
        }
        if let Some(known) = registry::known(&h.name).filter(|_| h.role == Role::Nuisance) {
            for words in wrap(known.why, COMMENT) {
                let _ = writeln!(text, "  # {words}");
            }
        }
        let _ = writeln!(text, "  - {}", line(h));
    }
    text
}

/// A value on one line.
fn line(value: &impl Serialize) -> String {
    one_line(value)
}
