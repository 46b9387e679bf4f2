//! Finds the entry of a name: the one matcher of hyperparameters' names.

use super::{Around, KnownHyperparameter, hyperparameters, optimizers::is_optimizer_word, words::words};

/// Words that say where a value is set and leave the meaning of the name.
const SETTINGS: [&str; 28] = [
    "optimizer",
    "optimiser",
    "optim",
    "optimization",
    "opt",
    "train",
    "trainer",
    "training",
    "model",
    "config",
    "cfg",
    "hp",
    "hps",
    "hparam",
    "hparams",
    "hyperparameters",
    "params",
    "args",
    "kwargs",
    "settings",
    "options",
    "value",
    "my",
    "default",
    "data",
    "dataset",
    "loader",
    "dataloader",
];
/// Words that say that a learning rate is the one that a schedule starts at or peaks at.
const PEAK: [&str; 8] = ["base", "peak", "initial", "init", "max", "maximum", "main", "global"];
/// Words that say which part of the model, or which device, a value is for.
const PARTS: [&str; 38] = [
    "encoder",
    "decoder",
    "backbone",
    "head",
    "body",
    "trunk",
    "embedding",
    "embeddings",
    "embed",
    "classifier",
    "generator",
    "discriminator",
    "gen",
    "disc",
    "actor",
    "critic",
    "policy",
    "finetune",
    "finetuning",
    "pretrain",
    "pretraining",
    "global",
    "local",
    "total",
    "per",
    "device",
    "devices",
    "gpu",
    "gpus",
    "tpu",
    "core",
    "host",
    "worker",
    "replica",
    "node",
    "text",
    "learner",
    "group",
];
/// Words that say what is scheduled.
const SCHEDULED: [&str; 11] =
    ["lr", "learning", "rate", "schedule", "scheduler", "sched", "linear", "cosine", "num", "n", "decay"];
/// Words that make a name another thing, whatever else it holds: `dropout_warmup_steps` is no dropout.
const FOREIGN: [&str; 26] = [
    "lr",
    "learning",
    "schedule",
    "scheduler",
    "warmup",
    "start",
    "end",
    "step",
    "steps",
    "epoch",
    "epochs",
    "iteration",
    "iterations",
    "num",
    "n",
    "number",
    "count",
    "layers",
    "seed",
    "free",
    "every",
    "interval",
    "type",
    "kind",
    "mask",
    "position",
];

/// The entry of a name, as `lr`, `adam_lr`, `optim.lr`, `learningRate` or `LR_HEAD` are the learning rate. Nothing where the
/// name is not known, or could as well be another thing: `lrelu_slope`, `batch_norm_momentum` and `eps` are not taken.
#[must_use]
pub fn known(name: &str) -> Option<&'static KnownHyperparameter> {
    best(name, |entry| entry.spellings)
}

/// Whether a name is one of an entry's.
#[must_use]
pub fn is_known(name: &str, entry: &KnownHyperparameter) -> bool {
    known(name).is_some_and(|found| found.id == entry.id)
}

/// Whether a name that is not known may be that of a learning rate, as `g_lr`, `lrG` and `blr` may: nothing is claimed then of
/// a study whose learning rates are not tuned.
#[must_use]
pub fn may_be_learning_rate(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| word.starts_with("lr") || word.ends_with("lr")) || words.concat().contains("learningrate")
}

/// The entries of names that stand in one study. Names that other things have too, such as `eps`, count where the study has
/// another number of the optimizer beside the learning rate, or names an optimizer (`has_optimizer`).
#[must_use]
pub fn known_together(names: &[&str], has_optimizer: bool) -> Vec<Option<&'static KnownHyperparameter>> {
    let mut found: Vec<_> = names.iter().map(|name| known(name)).collect();
    let of_optimizer = |entry: &KnownHyperparameter| entry.is_of_optimizer() && entry.id != "learning_rate";
    if has_optimizer || found.iter().flatten().any(|entry| of_optimizer(entry)) {
        for (name, entry) in names.iter().zip(&mut found).filter(|(_, entry)| entry.is_none()) {
            *entry = best(name, |entry| entry.loose);
        }
    }
    found
}

/// The options of a command line by name, without their values: `--epochs=90`, `--num-epochs 90`, `trainer.max_epochs=90`
/// and `EPOCHS=90` give `epochs`, `num-epochs` and so on.
pub fn option_names<'a>(arguments: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let words = arguments.flat_map(str::split_whitespace);
    let named = words.filter_map(|word| {
        let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
        let (name, assigned) = match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word, false),
        };
        (flag.is_some() || assigned).then(|| name.trim_start_matches(['-', '+']))
    });
    named.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())).collect()
}

/// Some words of a name that stand together, and those before and after them.
struct Span {
    together: String,
    before: Vec<String>,
    after: Vec<String>,
}

/// All ways to take some words of a name that stand together.
fn spans(words: &[String]) -> Vec<Span> {
    let ends = |start: usize| (start + 1..=words.len()).map(move |end| (start, end));
    (0..words.len())
        .flat_map(ends)
        .map(|(start, end)| Span {
            together: words[start..end].concat(),
            before: words[..start].to_vec(),
            after: words[end..].to_vec(),
        })
        .collect()
}

/// The entry of which the most letters of a name are a spelling: `lr_decay_epochs` holds `decay_epochs`, but is a list of
/// epochs.
fn best(
    name: &str,
    spellings: fn(&KnownHyperparameter) -> &'static [&'static str],
) -> Option<&'static KnownHyperparameter> {
    let spans = spans(&words(name));
    let matched = hyperparameters().filter_map(|entry| Some((entry.longest(&spans, spellings(entry))?, entry)));
    // Of several, the first.
    matched.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, entry)| entry)
}

impl KnownHyperparameter {
    /// The letters of the longest of `spellings` that whole words of a name are, where the words around it leave its meaning.
    fn longest(&self, spans: &[Span], spellings: &[&str]) -> Option<usize> {
        let fits = |span: &&Span| {
            spellings.contains(&span.together.as_str())
                && span.before.iter().all(|word| self.around.may_precede(word))
                && span.after.iter().all(|word| self.around.may_follow(word))
        };
        spans.iter().filter(fits).map(|span| span.together.len()).max()
    }
}

impl Around {
    fn may_precede(self, word: &str) -> bool {
        self.may_follow(word) || (self == Self::Scheduled && SCHEDULED.contains(&word))
    }

    fn may_follow(self, word: &str) -> bool {
        let is_plain = SETTINGS.contains(&word) || word.chars().all(|c| c.is_ascii_digit());
        let of_optimizer = || PEAK.contains(&word) || is_optimizer_word(word);
        match self {
            Self::Settings | Self::Scheduled => is_plain,
            Self::Optimizer => is_plain || of_optimizer(),
            Self::Parts => is_plain || PARTS.contains(&word),
            Self::OptimizerAndParts => is_plain || of_optimizer() || PARTS.contains(&word),
            Self::Anything => !FOREIGN.contains(&word),
        }
    }
}
