//! `docs/hyperparameters.md`, made from the registry. `UPDATE_DOCS=1 cargo test -p studious-rules the_page_of_hyperparameters`
//! writes it; without that, the test fails when the page is not what it would write.

use std::{fmt::Write as _, path::PathBuf};

use super::{Counterpart, HyperparameterCategory, KnownHyperparameter, hyperparameters, optimizers};

const HEAD: &str = "\
<!-- Made by `UPDATE_DOCS=1 cargo test -p studious-rules the_page_of_hyperparameters` from the code. Change it there. -->
# Hyperparameters and optimizers

What Studious knows of hyperparameters, by the names that people give them. Advice before a run, findings and validation ask
this registry and nothing else, so that a name means one thing everywhere. What it doesn't know is unknown: nothing is claimed
of it.

Names are compared by whole words, whatever their case and separators: `adamBeta1`, `adam.beta_1` and `ADAM_BETA1` are one. The
name of an optimizer, where a value is set (`optim.`, `train_`) and, of a learning rate, the part of the model may stand around
it: `adam_lr`, `encoder_lr`, `lr_head`. A word of another meaning makes it another name: `lrelu_slope`, `warmup_lr_ratio` and
`batch_norm_momentum` are no learning rates or momenta. Names in parentheses belong to other things as well (`epsilon` to
exploration, say): they count beside another number of the optimizer, or an `optimizer` that is known. If the name is unknown,
the `alias` is asked.

Of a name that is not known, or that misleads, a study says itself what it is:

```yaml
hyperparameters:
- {name: step_scale, knownAs: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: mixing, category: Regularization, range: {min: 0, max: 0.5}}
- {name: damping, optimizerOf: my_newton, range: {min: 1.0e-6, max: 1, scale: Log}}
```

`knownAs` takes a name of the first column below. `category` gives the kind of what is not below: advice on all of that kind
holds for it, and a name that is known as another kind is not taken for that any more. `optimizerOf` says that it is a
hyperparameter of that optimizer, which the study need not name otherwise: of one below, the others are asked for too.

One piece of advice that misleads is waived for that hyperparameter, with a reason:

```yaml
policy:
  waive:
  - {code: BatchSizeTuned, hyperparameter: bs, reason: bs is the block size of the tokenizer.}
```

- **Role**: the role it usually has. Roles belong to a study's question, not to the hyperparameter.
- **Fix it not while comparing**: what it interacts with so strongly that one fixed value is unfair.
- **Carries over**: how likely its best value in short training is best in long training, as the playbook suspects (\"Round 1\").
- **First range**: where to begin to search. The playbook gives no search spaces; these are ours.

";

const OPTIMIZERS: &str = "\
## Optimizers

With all hyperparameters of their update rules; extras are what implementations offer beside them. None is the best of all
(arXiv:1910.05446), and nothing here chooses one. For early work, SGD with momentum, better Nesterov's, or Adam or NAdam are good
starts, with all but the learning rate fixed at first (\"Choosing the optimizer\").

| optimizer | names | hyperparameters | extras | source |
|---|---|---|---|---|
";

const END: &str = "
Sections are those of the Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue, Nado, 2023,
<https://github.com/google/tuning_playbook>, CC BY 4.0), adapted here; its authors endorse nothing of this.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for category in HyperparameterCategory::ALL {
        let words = category.words();
        let title = words[..1].to_uppercase() + &words[1..];
        writeln!(page, "## {title}\n").unwrap();
        page.push_str(
            "| name | also written | role | why | fix it not while comparing | carries over | first range | source |\n",
        );
        page.push_str("|---|---|---|---|---|---|---|---|\n");
        for entry in hyperparameters().filter(|entry| entry.category == category) {
            page.push_str(&row(entry));
        }
        page.push('\n');
    }
    page.push_str(OPTIMIZERS);
    for optimizer in optimizers() {
        let code = |ids: &[&str]| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let names: Vec<_> = optimizer.spellings().collect();
        writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            optimizer.name,
            code(&names),
            code(optimizer.hyperparameters),
            code(optimizer.extras),
            optimizer.papers.join(", ")
        )
        .unwrap();
    }
    page.push_str(END);
    page
}

fn row(entry: &KnownHyperparameter) -> String {
    let strict = entry.spellings().map(|name| format!("`{name}`"));
    let loose = entry.loose_spellings().map(|name| format!("(`{name}`)"));
    let names: Vec<_> = strict.chain(loose).collect();
    let with: Vec<_> = entry
        .interacts
        .iter()
        .map(|interaction| match interaction.with {
            Counterpart::Any(category) => format!("any {}", category.words()),
            Counterpart::One(id) => format!("`{id}`"),
        })
        .collect();
    let range = entry.range.map_or_else(|| "—".to_owned(), |r| format!("{} to {}, {}", r.min, r.max, r.scale));
    let sources: Vec<_> = std::iter::once(entry.section).chain(entry.papers.iter().copied()).collect();
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {range} | {} |\n",
        entry.id,
        names.join(", "),
        entry.role.words(),
        entry.why,
        with.join(", "),
        entry.transfer.words(),
        sources.join("; ")
    )
}

#[test]
fn the_page_of_hyperparameters_is_made_from_the_registry() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/hyperparameters.md");
    let expected = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(path).unwrap_or_default();
    assert!(stands == expected, "docs/hyperparameters.md is not up to date: run with UPDATE_DOCS=1");
}
