//! Label selectors: `a`, `!a`, `a=b`, `a==b`, `a!=b`, joined by commas.

use serde_json::Value;

#[derive(Clone, Debug)]
enum Term {
    Exists(String, bool),
    Equals(String, String, bool),
}

/// A label selector.
#[derive(Clone, Debug)]
pub(crate) struct LabelSelector(Vec<Term>);

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Self {
        let terms = text.split(',').map(str::trim).filter(|term| !term.is_empty());
        Self(
            terms
                .map(|term| {
                    let of =
                        |key: &str, value: &str, equal| Term::Equals(key.trim().into(), value.trim().into(), equal);
                    if let Some((key, value)) = term.split_once("!=") {
                        of(key, value, false)
                    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                        of(key, value, true)
                    } else {
                        match term.strip_prefix('!') {
                            Some(key) => Term::Exists(key.to_owned(), false),
                            None => Term::Exists(term.to_owned(), true),
                        }
                    }
                })
                .collect(),
        )
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&object["metadata"]["labels"])
    }

    pub(crate) fn matches_labels(&self, labels: &Value) -> bool {
        self.0.iter().all(|term| match term {
            Term::Exists(key, there) => labels.get(key).is_some() == *there,
            Term::Equals(key, value, equal) => (labels.get(key).and_then(Value::as_str) == Some(value)) == *equal,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn terms_are_joined_by_and() {
        let labels = json!({"app": "x", "tier": "1"});
        for (text, matches) in
            [("", true), ("app", true), ("app=x,tier==1", true), ("app!=x", false), ("!app", false), ("!other", true)]
        {
            assert_eq!(LabelSelector::parse(text).matches_labels(&labels), matches, "{text}");
        }
    }
}
