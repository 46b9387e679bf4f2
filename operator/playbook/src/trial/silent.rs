//! Trainers that fail before they write a line: the command cannot work, whatever the point.

use studious_api::trial::AttemptOutcome;

/// Longest line that is kept, in characters.
const LONGEST: usize = 300;

/// Attempts of a trial that all failed alike, before the trial wrote a line of metrics.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SilentFailures {
    /// Exit code and last line: see [`silent_failure`].
    pub said: String,
    /// How many.
    pub attempts: u32,
}

impl SilentFailures {
    /// Of attempts that have ended, with what [`silent_failure`] says about each. `None` unless one failed, and all that failed
    /// did so alike.
    #[must_use]
    pub fn of<'a>(attempts: impl IntoIterator<Item = (AttemptOutcome, Option<&'a str>)>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for (_, said) in attempts.into_iter().filter(|(outcome, _)| *outcome == AttemptOutcome::Failed) {
            match (&mut all, said?) {
                (Some(all), said) if all.said != said => return None,
                (Some(all), _) => all.attempts += 1,
                (None, said) => all = Some(Self { said: said.to_owned(), attempts: 1 }),
            }
        }
        all
    }
}

/// What an attempt says that failed before a line of metrics: the exit code and what the trainer printed last. One that
/// printed nothing says nothing.
#[must_use]
pub fn silent_failure(exit_code: i32, output: &str) -> Option<String> {
    Some(format!("exit code {exit_code}, and printed last: {}", last_line(output)?))
}

/// The last line of an output that is not empty, shortened and without control characters: escape sequences would color
/// what comes after.
#[must_use]
pub fn last_line(output: &str) -> Option<String> {
    let line = output.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_fail_alike_with_the_same_code_and_line() {
        let (failed, lost) = (AttemptOutcome::Failed, AttemptOutcome::Disrupted);
        let of = |attempts: &[(AttemptOutcome, Option<&str>)]| {
            SilentFailures::of(attempts.iter().copied()).map(|failures| (failures.said, failures.attempts))
        };
        assert_eq!(of(&[(failed, Some("a")), (lost, None), (failed, Some("a"))]), Some(("a".to_owned(), 2)));
        assert_eq!(of(&[(failed, Some("a")), (failed, Some("b"))]), None);
        assert_eq!(of(&[(failed, None), (failed, Some("a"))]), None);
        assert_eq!(of(&[(lost, None)]), None);
    }

    #[test]
    fn the_last_line_that_says_something_is_kept() {
        let said = silent_failure(2, "usage: train.py\ntrain.py: error: \u{1b}[31mno such option: --lr\n\n  \n");
        assert_eq!(said.unwrap(), "exit code 2, and printed last: train.py: error: [31mno such option: --lr");
        assert_eq!(silent_failure(2, " \n"), None);
    }
}
