//! What a person writes of a hyperparameter: `name=a,b,c`, `name=1e-4..1e-1:log`, `name=128: why`.

use studious_api::{
    HyperparameterValue,
    study::{Hyperparameter, Range, Role, Scale},
    yaml,
};
use studious_rules::registry;

use crate::first_range::first_range;

/// `name=a,b,c`: what is compared.
///
/// # Errors
/// When there are no two values.
pub fn scientific(text: &str) -> Result<Hyperparameter, String> {
    let (name, list) = text.split_once('=').unwrap_or((text, ""));
    let values: Vec<HyperparameterValue> =
        list.split(',').filter(|value| !value.trim().is_empty()).map(value).collect();
    if values.len() < 2 {
        return Err("expected a name and at least two values, such as activation=relu,gelu".to_owned());
    }
    Ok(Hyperparameter { values: Some(values), ..Hyperparameter::named(name.trim(), Role::Scientific) })
}

/// `name=1e-4..1e-1:log`, `name=16..256:log:integer`, `name=a,b`, or `name` for the first range of the registry.
///
/// # Errors
/// When that is no range, and the registry knows none.
pub fn nuisance(text: &str) -> Result<Hyperparameter, String> {
    let Some((name, space)) = text.split_once('=') else {
        let known = registry::known(text.trim())
            .and_then(|known| known.range)
            .ok_or_else(|| format!("no first range is known of {text}. Give one, such as {text}=1e-4..1e-1:log"))?;
        return Ok(Hyperparameter {
            range: Some(first_range(known)),
            ..Hyperparameter::named(text.trim(), Role::Nuisance)
        });
    };
    let h = Hyperparameter::named(name.trim(), Role::Nuisance);
    if let Some((min, rest)) = space.split_once("..") {
        return Ok(Hyperparameter { range: Some(range(min, rest)?), ..h });
    }
    let values: Vec<HyperparameterValue> =
        space.split(',').filter(|value| !value.trim().is_empty()).map(value).collect();
    if values.len() < 2 {
        return Err("expected a range, such as learning_rate=1e-4..1e-1:log, or at least two values".to_owned());
    }
    Ok(Hyperparameter { values: Some(values), ..h })
}

/// `name=128`, or with the reason `name=128: larger ones do not fit`.
///
/// # Errors
/// When there is no value.
pub fn fixed(text: &str) -> Result<Hyperparameter, String> {
    let (name, rest) = text.split_once('=').unwrap_or((text, ""));
    let (held, because) = rest.split_once(": ").map_or((rest, None), |(held, why)| (held, Some(why.trim().to_owned())));
    if held.trim().is_empty() {
        return Err(
            "expected a name and a value, such as batch_size=128, or batch_size=128: larger ones do not fit".to_owned()
        );
    }
    Ok(Hyperparameter {
        value: Some(value(held)),
        fixed_because: because,
        ..Hyperparameter::named(name.trim(), Role::Fixed)
    })
}

/// The words of a command line, in which quotes hold blanks together.
///
/// # Errors
/// When a quote is not closed, or there are no words.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote, mut is_word) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => (quote, is_word) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            _ => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed. Close it".to_owned());
    }
    words.extend(is_word.then_some(word));
    if words.is_empty() { Err("expected a command, such as python train.py".to_owned()) } else { Ok(words) }
}

/// A number or a truth value as YAML reads it; anything else is a text, whatever YAML would make of it.
fn value(text: &str) -> HyperparameterValue {
    let text = text.trim();
    match yaml::from_str(text) {
        Ok(yaml::Value::Bool(is)) => is.into(),
        Ok(yaml::Value::Number(_)) => yaml::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}

fn range(min: &str, rest: &str) -> Result<Range, String> {
    let number =
        |text: &str| text.trim().parse::<f64>().map_err(|_| format!("expected a number, got `{}`", text.trim()));
    let mut parts = rest.split(':');
    let max = number(parts.next().unwrap_or_default())?;
    let mut range = Range { min: number(min)?, max, scale: Scale::Linear, integer: false };
    for word in parts {
        match word.trim().to_ascii_lowercase().as_str() {
            "log" => range.scale = Scale::Log,
            "linear" => range.scale = Scale::Linear,
            "reverselog" | "reverse-log" => range.scale = Scale::ReverseLog,
            "integer" => range.integer = true,
            _ => return Err(format!("unknown scale `{word}`; expected log, linear, reverse-log or integer")),
        }
    }
    Ok(range)
}
