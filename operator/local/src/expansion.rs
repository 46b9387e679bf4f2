//! `$(VAR)` as Kubernetes expands it in a container's command, args and env.

use std::collections::BTreeMap;

/// Replaces each `$(VAR)` whose variable is known. `$$` stands for one `$`, so `$$(VAR)` is the text `$(VAR)`; a
/// reference to an unknown variable stays as it stands, as in a pod.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(escaped) = after.strip_prefix('$') {
            out.push('$');
            rest = escaped;
            continue;
        }
        let reference =
            after.strip_prefix('(').and_then(|inner| inner.find(')').map(|end| (&inner[..end], &inner[end + 1..])));
        let Some((name, tail)) = reference else {
            out.push('$');
            rest = after;
            continue;
        };
        if let Some(value) = variables.get(name) {
            out.push_str(value);
        } else {
            out.push_str("$(");
            out.push_str(name);
            out.push(')');
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kubernetes_does() {
        let vars: BTreeMap<String, String> = [("A", "1"), ("HP_LEARNING_RATE", "0.1"), ("EMPTY", ""), ("REF", "$(A)")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        // The cases are those of Kubernetes' own table for third_party/forked/golang/expansion.
        for (input, expected) in [
            ("--lr=$(HP_LEARNING_RATE)", "--lr=0.1"),
            ("$(A)", "1"),
            ("$(A)$(A)-$(A)", "11-1"),
            ("$(MISSING)", "$(MISSING)"),
            ("a$(EMPTY)b", "ab"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$$$$(A)", "$$(A)"),
            ("$(A", "$(A"),
            ("$A $ 5$", "$A $ 5$"),
            ("$(REF)", "$(A)"),
            ("$()", "$()"),
            ("", ""),
            ("grüße $(A)", "grüße 1"),
        ] {
            assert_eq!(expand(input, &vars), expected, "{input}");
        }
    }
}
