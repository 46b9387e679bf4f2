//! The words of a name.

/// The words of a name in lower case: it is split at whatever is not a letter or digit, and where capitals begin a word.
/// Digits stay with the letters before them: `adamBeta1`, `adam.beta1` and `ADAM_BETA1` are `adam`, `beta1`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let letters: Vec<char> = part.chars().collect();
        let mut word = String::new();
        for (i, c) in letters.iter().enumerate() {
            let before = i.checked_sub(1).map(|j| letters[j]);
            let next = letters.get(i + 1);
            let begins = c.is_ascii_uppercase()
                && before.is_some_and(|b| !b.is_ascii_uppercase() || next.is_some_and(char::is_ascii_lowercase));
            if begins && !word.is_empty() {
                all.push(std::mem::take(&mut word));
            }
            word.push(c.to_ascii_lowercase());
        }
        all.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_fall_into_words() {
        for (name, expected) in [
            ("learning_rate", &["learning", "rate"][..]),
            ("learningRate", &["learning", "rate"]),
            ("LearningRate", &["learning", "rate"]),
            ("LEARNING_RATE", &["learning", "rate"]),
            ("optim.lr", &["optim", "lr"]),
            ("--adam-beta-1", &["adam", "beta", "1"]),
            ("adamBeta1", &["adam", "beta1"]),
            ("batchSizePerGPU", &["batch", "size", "per", "gpu"]),
            ("LRSchedule", &["lr", "schedule"]),
            ("model/layers[0].dropout", &["model", "layers", "0", "dropout"]),
            ("", &[]),
            ("__", &[]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }
}
