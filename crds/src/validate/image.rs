//! Names of images, as registries and kubelets read them: the grammar of `distribution/reference`. A kubelet answers others
//! with `InvalidImageName`, once for every trial.

use std::sync::LazyLock;

use regex_lite::Regex;

/// Longest name of a repository, its registry included, in characters.
const MAX_NAME: usize = 255;

/// Registry, repository, tag, digest.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let component = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!(r"(?:{component}(?:\.{component})*|\[[a-fA-F0-9:]+\])");
    let part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let pattern = format!(
        r"^(?P<name>(?:{host}(?::[0-9]+)?/)?{part}(?:/{part})*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{digest})?$"
    );
    Regex::new(&pattern).ok()
});

/// What is wrong with the name of an image, as a clause; nothing when a kubelet can read it.
pub(super) fn wrong(image: &str) -> Option<&'static str> {
    if image.chars().any(char::is_whitespace) {
        return Some("is not the name of an image: it has white space");
    }
    let Some(named) = REFERENCE.as_ref()?.captures(image) else {
        return Some(match image {
            _ if image.contains("://") => "is not the name of an image: it has a scheme",
            _ if is_lower_case_better(image) => "is not the name of an image: the repository must be lower-case",
            _ => "is not the name of an image: expected [registry[:port]/]repository[:tag][@digest]",
        });
    };
    let name = named.name("name").map_or(0, |name| name.as_str().len());
    if name > MAX_NAME {
        return Some("is not the name of an image: the repository has more than 255 characters");
    }
    // 64 hexadecimal digits are an image's id, which is no name.
    let is_id = image.len() == 64 && image.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then_some("is the id of an image, not a name")
}

fn is_lower_case_better(image: &str) -> bool {
    REFERENCE.as_ref().is_some_and(|reference| reference.is_match(&image.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_registries_know() {
        let digest = format!("ghcr.io/team/trainer:1.0@sha256:{}", "a1".repeat(32));
        for image in [
            "trainer",
            "localhost/studious-trainer:dev",
            "localhost:5000/trainer",
            "ghcr.io/studious-dev/studious:v0.1.0_rc-1",
            "registry.example.com:5000/a/b__c/d-e.f:latest",
            "[2001:db8::1]:5000/trainer",
            "UPPER.example.com/trainer",
            "us-docker.pkg.dev/project-1/repo/image",
            "a---b",
            &digest,
        ] {
            assert_eq!(wrong(image), None, "{image}");
        }
    }

    #[test]
    fn names_that_no_kubelet_reads() {
        for (image, why) in [
            ("Trainer", "lower-case"),
            ("ghcr.io/Team/trainer", "lower-case"),
            ("https://ghcr.io/team/trainer", "scheme"),
            ("trainer:", "expected"),
            ("trainer:a b", "white space"),
            ("trainer:v1 ", "white space"),
            ("trainer::v1", "expected"),
            ("team//trainer", "expected"),
            ("-trainer", "expected"),
            ("trainer@sha256:12", "expected"),
            ("trainer:.v1", "expected"),
            ("<image>", "expected"),
            ("$(IMAGE)", "expected"),
        ] {
            assert!(wrong(image).is_some_and(|wrong| wrong.contains(why)), "{image}: {:?}", wrong(image));
        }
        assert!(wrong(&"a".repeat(256)).is_some_and(|wrong| wrong.contains("255")));
        assert!(wrong(&"0a".repeat(32)).is_some_and(|wrong| wrong.contains("id")));
        assert!(wrong(&format!("trainer:{}", "a".repeat(129))).is_some());
    }
}
