//! The name that a misspelled one is probably meant to be.

pub(crate) const DID_YOU_MEAN: &str = "Did you mean ";

/// The known name that is most similar to a word, if any is close: equal but for case and separators, or with few letters
/// that differ. Of names that are equally close the first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&wanted, &plain(name)), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `Did you mean learning_rate?`, when a known name is close.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|name| format!("{DID_YOU_MEAN}{name}?"))
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !"_-. ".contains(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_letters_may_differ_and_separators_any() {
        for (word, expected) in [
            ("learningRate", Some("learning_rate")),
            ("learning_raet", Some("learning_rate")),
            ("lr", None),
            ("Adam", Some("adam")),
            ("adan", Some("adam")),
            ("sgd", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, ["learning_rate", "adam", "x"]), expected, "{word}");
        }
        assert_eq!(did_you_mean("widht", ["width"]).as_deref(), Some("Did you mean width?"));
    }
}
