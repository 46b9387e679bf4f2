//! What files and tools call a study's hyperparameters: the one place where a column or a key is matched to one.

use studious_api::{
    Hyperparameters,
    study::{Hyperparameter, name_of},
};

/// Columns that every trial has. A hyperparameter that is called so has a prefix in tables.
pub(crate) const OF_A_TRIAL: [&str; 6] = ["name", "round", "outcome", "reason", "objective", "step"];
/// The prefix that Studious itself writes.
const OWN_PREFIX: &str = "hyperparameters.";
/// Those of Studious, MLflow, Optuna, Ray Tune and Weights & Biases.
const PREFIXES: [&str; 5] = [OWN_PREFIX, "params.", "params_", "config/", "config."];

/// What a hyperparameter may be called: by its alias or its name, with the prefixes of tools or without one.
#[derive(Debug, PartialEq)]
pub(crate) struct Spellings {
    /// Its name in the study.
    pub name: String,
    /// With a prefix.
    pub prefixed: Vec<String>,
    /// Without one.
    pub bare: Vec<String>,
}

/// The spellings of each name once, in the order of the names. What is exactly another hyperparameter's alias or name is no
/// spelling of this one.
pub(crate) fn spellings(hyperparameters: &[Hyperparameter]) -> Vec<Spellings> {
    let mut names: Vec<&str> = hyperparameters.iter().map(|h| h.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let of = |name: &str| {
        let aliases = hyperparameters.iter().filter(|h| h.name == name).filter_map(|h| h.alias.clone());
        let mut bare: Vec<String> = aliases.chain([name.to_owned()]).collect();
        bare.dedup();
        let is_free = |word: &String| name_of(hyperparameters, word).is_none_or(|other| other == name);
        let prefixed = PREFIXES.iter().flat_map(|prefix| bare.iter().map(move |word| format!("{prefix}{word}")));
        Spellings { name: name.to_owned(), prefixed: prefixed.filter(is_free).collect(), bare }
    };
    names.into_iter().map(of).collect()
}

impl Spellings {
    /// The keys of a file of settings, the likeliest first. Weights & Biases writes a mapping with the value in it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        let nested = self.bare.iter().map(|word| match word.split_once('.') {
            Some((group, rest)) => format!("{group}.value.{rest}"),
            None => format!("{word}.value"),
        });
        self.bare.iter().cloned().chain(nested).chain(self.prefixed.iter().cloned())
    }

    /// The columns of a table, those with a prefix first. A column that is called as one of every trial is that one.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let bare = self.bare.iter().map(String::as_str).filter(|word| !OF_A_TRIAL.contains(word));
        self.prefixed.iter().map(String::as_str).chain(bare)
    }
}

/// The column of a hyperparameter in tables that Studious writes.
pub(crate) fn column(h: &Hyperparameter) -> String {
    let called = h.program_name();
    let is_taken = OF_A_TRIAL.contains(&called) || called.starts_with("metrics.") || called.starts_with(OWN_PREFIX);
    if is_taken { format!("{OWN_PREFIX}{called}") } else { called.to_owned() }
}

/// A point whose keys are names or aliases, by name. A key of neither is kept as it is.
///
/// # Errors
/// The alias and the name of a hyperparameter that is given under both.
pub(crate) fn by_name(
    hyperparameters: &[Hyperparameter],
    given: Hyperparameters,
) -> Result<Hyperparameters, (String, String)> {
    let mut point = Hyperparameters::new();
    let (names, aliases): (Vec<_>, Vec<_>) =
        given.into_iter().partition(|(key, _)| name_of(hyperparameters, key).is_none_or(|name| name == key));
    point.extend(names);
    for (key, value) in aliases {
        let name = name_of(hyperparameters, &key).unwrap_or(&key).to_owned();
        if point.insert(name.clone(), value).is_some() {
            return Err((key, name));
        }
    }
    Ok(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(yaml: &str) -> Vec<Hyperparameter> {
        studious_api::yaml::from_str(yaml).unwrap()
    }

    /// F-120.
    #[test]
    fn an_alias_is_a_spelling_as_the_name_is() {
        let space = space("[{name: lr, alias: optim.lr, values: [1]}, {name: step, alias: params.lr, values: [1]}]");
        let all = spellings(&space);
        assert_eq!(all[0].bare, ["optim.lr", "lr"]);
        assert!(all[0].prefixed.contains(&"params_optim.lr".to_owned()), "{all:?}");
        assert!(!all[0].prefixed.contains(&"params.lr".to_owned()), "the alias of another: {all:?}");
        let keys: Vec<String> = all[0].keys().take(4).collect();
        assert_eq!(keys, ["optim.lr", "lr", "optim.value.lr", "lr.value"]);
        assert!(all[1].columns().any(|column| column == "params.lr") && !all[1].columns().any(|c| c == "step"));
    }

    /// F-120.
    #[test]
    fn tables_are_written_by_the_alias() {
        let space = space("[{name: a, alias: optim.lr}, {name: b, alias: step}, {name: c}, {name: step}]");
        let columns: Vec<String> = space.iter().map(column).collect();
        assert_eq!(columns, ["optim.lr", "hyperparameters.step", "c", "hyperparameters.step"]);
    }

    /// F-120.
    #[test]
    fn a_point_may_name_hyperparameters_by_alias_but_not_twice() {
        let space = space("[{name: lr, alias: optim.lr}, {name: width}]");
        let point = |json: &str| by_name(&space, serde_json::from_str(json).unwrap());
        let read = point(r#"{"optim.lr":0.1,"width":8,"other":1}"#).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["lr", "other", "width"]);
        assert_eq!(point(r#"{"optim.lr":0.1,"lr":0.1}"#), Err(("optim.lr".to_owned(), "lr".to_owned())));
    }
}
