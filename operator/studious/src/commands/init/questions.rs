//! Questions in a terminal, in the order of the playbook. What was answered by a flag is not asked.

use std::io::{self, BufRead, Write};

use studious_api::study::Hyperparameter;
use studious_playbook::outline::{self, outlined};

use super::{Answers, Words, direction};

/// One who asks.
struct Asker<'a, R, W> {
    input: &'a mut R,
    output: &'a mut W,
}

/// Asks what is missing. False when the input ends first.
pub(super) fn ask(answers: &mut Answers, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    let mut asker = Asker { input, output };
    Ok(asker.all(answers)?.is_some())
}

impl<R: BufRead, W: Write> Asker<'_, R, W> {
    fn all(&mut self, answers: &mut Answers) -> io::Result<Option<()>> {
        let done = self.goal(answers)?.is_some()
            && self.objective(answers)?.is_some()
            && self.space(answers)?.is_some()
            && self.budget(answers)?.is_some();
        Ok(done.then_some(()))
    }

    fn goal(&mut self, answers: &mut Answers) -> io::Result<Option<()>> {
        if answers.goal.is_none() {
            let sentence =
                |text: &str| if text.is_empty() { Err("expected a question".to_owned()) } else { Ok(text.to_owned()) };
            answers.goal = self.one("The goal: one question, in a sentence", sentence)?;
        }
        Ok(answers.goal.as_ref().map(|_| ()))
    }

    fn objective(&mut self, answers: &mut Answers) -> io::Result<Option<()>> {
        if answers.metric.is_none() {
            let name =
                |text: &str| if text.is_empty() { Err("expected a metric".to_owned()) } else { Ok(text.to_owned()) };
            answers.metric =
                self.one("The metric of the validation set that judges a trial, such as validation_error", name)?;
        }
        if answers.metric.is_some() && answers.known_direction().is_none() {
            answers.direction = self.one("Which way is it better, minimize or maximize", direction)?;
        }
        Ok(answers.known_direction().map(|_| ()))
    }

    /// Scientific, then nuisance, then what is fixed.
    fn space(&mut self, answers: &mut Answers) -> io::Result<Option<()>> {
        if answers.scientific.is_empty() {
            let kind = "Its kind: 1 try an improvement, 2 understand a hyperparameter, 3 maximize the objective";
            let number = |text: &str| match text {
                "1" | "2" | "3" => Ok(text == "3"),
                _ => Err("expected 1, 2 or 3".to_owned()),
            };
            let Some(is_only_best) = self.one(kind, number)? else { return Ok(None) };
            if !is_only_best {
                let what = "Scientific: what is compared, such as activation=relu,gelu or mixup=true,false";
                if self.several(what, outline::scientific, &mut answers.scientific, &[], true)?.is_none() {
                    return Ok(None);
                }
            }
        }
        if answers.optimizer.is_none() && answers.nuisance.is_empty() {
            let known = |text: &str| if text.is_empty() { Ok(None) } else { outline::optimizer(text).map(Some) };
            let Some(optimizer) = self.one("The optimizer, such as adamw (empty if it is another)", known)? else {
                return Ok(None);
            };
            answers.optimizer = optimizer;
            let mut proposed = String::new();
            for h in optimizer.map(|optimizer| outline::proposed(optimizer, &[])).unwrap_or_default() {
                let range = h.range.map_or_else(String::new, |r| format!("={}..{}:{:?}", r.min, r.max, r.scale));
                proposed = format!("{proposed}\n  {}{range}", h.name);
            }
            if !proposed.is_empty() {
                writeln!(self.output, "Nuisance: tuned unless you say otherwise:{proposed}")?;
            }
            let what = "Nuisance: others, or other ranges, such as dropout or lr=1e-4..1e-1:log";
            let is_needed = optimizer.is_none() && answers.scientific.is_empty();
            if self.several(what, outline::nuisance, &mut answers.nuisance, &answers.scientific, is_needed)?.is_none() {
                return Ok(None);
            }
        }
        self.fixed(answers)
    }

    fn fixed(&mut self, answers: &mut Answers) -> io::Result<Option<()>> {
        if !answers.fixed.is_empty() {
            return Ok(Some(()));
        }
        if let Some(trials) = trials_enough(answers) {
            writeln!(
                self.output,
                "To tune all of that takes {trials} trials. What you can't afford to tune is fixed."
            )?;
        }
        let what = "Fixed: such as batch_size=128: the largest that fits";
        let Some(()) = self.several(what, outline::fixed, &mut answers.fixed, &answers.scientific, false)? else {
            return Ok(None);
        };
        let Answers { fixed, nuisance, .. } = answers;
        nuisance.retain(|h| !fixed.iter().any(|held| held.name == h.name));
        Ok(Some(()))
    }

    fn budget(&mut self, answers: &mut Answers) -> io::Result<Option<()>> {
        let number = |text: &str| {
            text.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(|| "expected a whole number above 0".to_owned())
        };
        if answers.trials.is_none() {
            let enough = trials_enough(answers);
            let label = enough.map_or_else(|| "Trials".to_owned(), |n| format!("Trials [{n}, which are enough]"));
            let or_enough =
                |text: &str| if text.is_empty() && enough.is_some() { Ok(None) } else { number(text).map(Some) };
            let Some(trials) = self.one(&label, or_enough)? else { return Ok(None) };
            answers.trials = trials;
        }
        if answers.steps.is_none() {
            answers.steps = self.one("Training steps of each trial", number)?.map(u64::from);
        }
        if answers.steps.is_some() && answers.parallelism.is_none() {
            let label = format!("Trials at once [{}]", outline::PARALLELISM);
            answers.parallelism =
                self.one(&label, |text| if text.is_empty() { Ok(outline::PARALLELISM) } else { number(text) })?;
        }
        if answers.parallelism.is_some() && answers.command.is_none() {
            answers.command = self.one("The trainer's command, such as python train.py", Words::read)?;
        }
        Ok(answers.command.as_ref().map(|_| ()))
    }

    /// Asks until the answer can be read; nothing when the input ends.
    fn one<T>(&mut self, question: &str, read: impl Fn(&str) -> Result<T, String>) -> io::Result<Option<T>> {
        loop {
            write!(self.output, "{question}: ")?;
            self.output.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                writeln!(self.output)?;
                return Ok(None);
            }
            match read(line.trim()) {
                Ok(answer) => return Ok(Some(answer)),
                Err(wrong) => writeln!(self.output, "  {wrong}")?,
            }
        }
    }

    /// Asks again and again until an empty line. What validation would refuse, beside the others too, is asked again at once.
    fn several(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<Hyperparameter, String>,
        found: &mut Vec<Hyperparameter>,
        others: &[Hyperparameter],
        is_needed: bool,
    ) -> io::Result<Option<()>> {
        let question = format!("{question} (empty line: no more)");
        loop {
            let may_end = !is_needed || !found.is_empty();
            let before: Vec<Hyperparameter> = others.iter().chain(&*found).cloned().collect();
            let sound = |text: &str| {
                if text.is_empty() && may_end {
                    return Ok(None);
                }
                let h = read(text)?;
                outline::refusal(&h, &before).map_or(Ok(Some(h)), Err)
            };
            match self.one(&question, sound)? {
                None => return Ok(None),
                Some(None) => return Ok(Some(())),
                Some(Some(one)) => found.push(one),
            }
        }
    }
}

/// The trials that are enough for what is answered so far.
fn trials_enough(answers: &Answers) -> Option<u32> {
    let mut whole = answers.clone();
    whole.trials = None;
    whole.steps.get_or_insert(1000);
    whole.command.get_or_insert(Words(vec!["train".to_owned()]));
    outlined(&whole.outline("study")?).ok().map(|made| made.trials)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &str) -> (bool, Answers, String) {
        let (mut answers, mut output) = (Answers::default(), Vec::new());
        let is_whole = ask(&mut answers, &mut lines.as_bytes(), &mut output).unwrap();
        (is_whole, answers, String::from_utf8(output).unwrap())
    }

    #[test]
    fn questions_come_in_the_order_of_the_playbook() {
        let lines = "Does mixup help?\nscore\nmore\nmaximize\n1\nmixup=true\nmixup=true,false\n\nadamw\n\n\
                     beta2=0.999: too few trials\nepsilon=1e-8: too few trials\n\n\n2000\n\npython train.py\n";
        let (is_whole, answers, said) = asked(lines);
        assert!(is_whole, "{said}");
        insta::assert_snapshot!(said.replace(": ", ":\n"));
        let made = outlined(&answers.outline("study").unwrap()).unwrap();
        assert_eq!(made.advised.warnings.len(), 1, "{:#?}", made.advised.warnings);
    }

    /// None of these ends the questions, or is found out after the last one.
    #[test]
    fn answers_that_validation_refuses_are_asked_again() {
        let lines = "Which width?\nscore\nmaximize\n2\nwi dth=1,2\nwidth=1,1\n=1,2\nwidth=1,2\nwidth=3,4\n\n\nlr=1..0\n\
                     lr=0..1:log\nwidth=1,2\nlr=0.01..1:log\n\nwidth=3\nbatch_size=128\n\n\n2000\n\npython train.py\n";
        let (is_whole, answers, said) = asked(lines);
        assert!(is_whole, "{said}");
        insta::assert_snapshot!(said.replace(": ", ":\n"));
        let names = |all: &[Hyperparameter]| all.iter().map(|h| h.name.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(
            (names(&answers.scientific), names(&answers.nuisance), names(&answers.fixed)),
            ("width".into(), "lr".into(), "batch_size".into())
        );
        outlined(&answers.outline("study").unwrap()).unwrap();
    }

    #[test]
    fn an_input_that_ends_answers_nothing() {
        let (is_whole, answers, _) = asked("Does mixup help?\nerror\n");
        assert!(!is_whole && !answers.missing().is_empty());
        assert!(!asked("").0);
    }
}
