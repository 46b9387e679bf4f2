//! Reads expressions: words first, then what they make.

use std::fmt;

use super::{ArithmeticTerm, Expression, Function, HyperparameterConstraint, Operator, Relation};
use crate::spelling;

/// Where a text is no comparison.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseError {
    /// The number of the character, from 1.
    pub character: usize,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.character, self.problem)
    }
}

impl std::error::Error for ParseError {}

#[derive(Clone, Debug, PartialEq)]
enum Word<'a> {
    Number(f64),
    Name(&'a str),
    Operator(Operator),
    Relation(Relation),
    Open,
    Close,
    Comma,
}

/// A word with the number of its first character, from 1, and how it is written.
struct PlacedWord<'a> {
    word: Word<'a>,
    character: usize,
    written: &'a str,
}

/// Longest first, so that `<=` is not `<`.
const SIGNS: [(&str, Word<'static>); 18] = [
    ("<=", Word::Relation(Relation::LessOrEqual)),
    (">=", Word::Relation(Relation::MoreOrEqual)),
    ("==", Word::Relation(Relation::Equal)),
    ("!=", Word::Relation(Relation::Different)),
    ("**", Word::Operator(Operator::Power)),
    ("≤", Word::Relation(Relation::LessOrEqual)),
    ("≥", Word::Relation(Relation::MoreOrEqual)),
    ("<", Word::Relation(Relation::Less)),
    (">", Word::Relation(Relation::More)),
    ("^", Word::Operator(Operator::Power)),
    ("*", Word::Operator(Operator::Times)),
    ("/", Word::Operator(Operator::Over)),
    ("%", Word::Operator(Operator::Modulo)),
    ("+", Word::Operator(Operator::Plus)),
    ("-", Word::Operator(Operator::Minus)),
    ("(", Word::Open),
    (")", Word::Close),
    (",", Word::Comma),
];

const NO_AND: &str = "comparisons can't be joined: list each of them";
const NO_OR: &str = "there is no or and no not: every constraint that is listed must hold";

fn words(text: &str) -> Result<Vec<PlacedWord<'_>>, ParseError> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(words) };
        let character = text[..text.len() - rest.len()].chars().count() + 1;
        let error = |problem: String| ParseError { character, problem };
        let (word, written) = if let Some((sign, word)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            (word.clone(), &rest[..sign.len()])
        } else if first.is_ascii_digit() || first == '.' {
            let written = &rest[..number_length(rest)];
            let number = written.parse().ok().filter(|x: &f64| x.is_finite());
            (Word::Number(number.ok_or_else(|| error(format!("{written} is not a number")))?), written)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            match &rest[..length] {
                "and" => return Err(error(NO_AND.to_owned())),
                "or" | "not" => return Err(error(NO_OR.to_owned())),
                name => match dotted(rest, length) {
                    Some(alias) => {
                        return Err(error(format!(
                            "{alias} is no name: write the hyperparameter's name, not its alias"
                        )));
                    }
                    None => (Word::Name(name), name),
                },
            }
        } else {
            let problem = match first {
                '=' => "= is no comparison: write ==".to_owned(),
                '"' | '\'' => "names of values can't be compared: when says where a hyperparameter exists".to_owned(),
                '&' => NO_AND.to_owned(),
                '|' | '!' => NO_OR.to_owned(),
                other => format!("{other} is no part of an expression"),
            };
            return Err(error(problem));
        };
        words.push(PlacedWord { word, character, written });
        rest = &rest[written.len()..];
    }
}

/// A name with a dot in it, as programs have them: what begins like a name of this length.
fn dotted(text: &str, length: usize) -> Option<&str> {
    let after = text[length..].strip_prefix('.')?;
    let is_name = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    is_name.then(|| &text[..end])
}

/// How long the number is with which a text begins: digits, a point, an exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

/// Reads a whole text.
pub(super) fn comparison(text: &str) -> Result<HyperparameterConstraint, ParseError> {
    let mut reader = WordReader { words: words(text)?, next: 0, end: text.chars().count() + 1 };
    let first = reader.sum()?;
    let mut others = Vec::new();
    while let Some(relation) = reader.take(|word| if let Word::Relation(r) = word { Some(*r) } else { None }) {
        others.push((relation, reader.sum()?));
    }
    if reader.next < reader.words.len() || others.is_empty() {
        return Err(reader.unexpected("a comparison such as <="));
    }
    Ok(HyperparameterConstraint { text: text.trim().to_owned(), first, others })
}

/// Reads a whole text that is one number.
pub(super) fn expression(text: &str) -> Result<Expression, ParseError> {
    let mut reader = WordReader { words: words(text)?, next: 0, end: text.chars().count() + 1 };
    let term = reader.sum()?;
    if reader.next < reader.words.len() {
        return Err(reader.unexpected("the end"));
    }
    Ok(Expression { text: text.trim().to_owned(), term })
}

struct WordReader<'a> {
    words: Vec<PlacedWord<'a>>,
    next: usize,
    /// The number of the character after the last.
    end: usize,
}

impl WordReader<'_> {
    /// The next word, if it is what is looked for.
    fn take<T>(&mut self, is: impl Fn(&Word) -> Option<T>) -> Option<T> {
        let found = is(&self.words.get(self.next)?.word)?;
        self.next += 1;
        Some(found)
    }

    fn takes(&mut self, word: &Word) -> bool {
        self.take(|next| (next == word).then_some(())).is_some()
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        match self.words.get(self.next) {
            Some(word) => ParseError {
                character: word.character,
                problem: format!("expected {expected}, and found {}", word.written),
            },
            None => ParseError { character: self.end, problem: format!("expected {expected}, and found the end") },
        }
    }

    fn sum(&mut self) -> Result<ArithmeticTerm, ParseError> {
        self.chain(Self::product, |operator| matches!(operator, Operator::Plus | Operator::Minus))
    }

    fn product(&mut self) -> Result<ArithmeticTerm, ParseError> {
        self.chain(Self::signed, |o| matches!(o, Operator::Times | Operator::Over | Operator::Modulo))
    }

    /// Parts between operators of one kind, from left to right.
    fn chain(
        &mut self,
        part: fn(&mut Self) -> Result<ArithmeticTerm, ParseError>,
        is: fn(Operator) -> bool,
    ) -> Result<ArithmeticTerm, ParseError> {
        let mut term = part(self)?;
        while let Some(operator) = self.take(|word| match word {
            Word::Operator(operator) if is(*operator) => Some(*operator),
            _ => None,
        }) {
            term = ArithmeticTerm::Of(operator, Box::new(term), Box::new(part(self)?));
        }
        Ok(term)
    }

    fn signed(&mut self) -> Result<ArithmeticTerm, ParseError> {
        if self.takes(&Word::Operator(Operator::Minus)) {
            return Ok(ArithmeticTerm::Negative(Box::new(self.signed()?)));
        }
        let base = self.single()?;
        if self.takes(&Word::Operator(Operator::Power)) {
            return Ok(ArithmeticTerm::Of(Operator::Power, Box::new(base), Box::new(self.signed()?)));
        }
        Ok(base)
    }

    fn single(&mut self) -> Result<ArithmeticTerm, ParseError> {
        if let Some(number) = self.take(|word| if let Word::Number(x) = word { Some(*x) } else { None }) {
            return Ok(ArithmeticTerm::Number(number));
        }
        if self.takes(&Word::Open) {
            let term = self.sum()?;
            return if self.takes(&Word::Close) { Ok(term) } else { Err(self.unexpected(")")) };
        }
        let at = self.next;
        let Some(name) = self.take(|word| if let Word::Name(name) = word { Some((*name).to_owned()) } else { None })
        else {
            return Err(self.unexpected("a number, a hyperparameter or ("));
        };
        if self.takes(&Word::Open) { self.function(&name, at) } else { Ok(ArithmeticTerm::Hyperparameter(name)) }
    }

    /// What stands between the parentheses of a function, whose name is a word before.
    fn function(&mut self, name: &str, at: usize) -> Result<ArithmeticTerm, ParseError> {
        let character = self.words[at].character;
        let error = |problem: String| ParseError { character, problem };
        let Some((_, function)) = Function::ALL.into_iter().find(|(known, _)| *known == name) else {
            let known = Function::ALL.map(|(known, _)| known);
            let meant = spelling::did_you_mean(name, known);
            let all = || format!("There are {}", known.join(", "));
            return Err(error(format!("{name} is no function. {}", meant.unwrap_or_else(all))));
        };
        let mut terms = vec![self.sum()?];
        while self.takes(&Word::Comma) {
            terms.push(self.sum()?);
        }
        if !self.takes(&Word::Close) {
            return Err(self.unexpected("a comma or )"));
        }
        match (function.takes_several(), terms.len()) {
            (true, 1) => Err(error(format!("{name} takes two numbers or more"))),
            (false, n) if n > 1 => Err(error(format!("{name} takes one number"))),
            _ => Ok(ArithmeticTerm::Function(function, terms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_character() {
        for (text, expected) in [
            ("", "at character 1: expected a number, a hyperparameter or (, and found the end"),
            ("heads", "at character 6: expected a comparison such as <=, and found the end"),
            ("heads <= ", "at character 10: expected a number, a hyperparameter or (, and found the end"),
            ("heads = 3", "at character 7: = is no comparison: write =="),
            ("heads * * 3 <= 4", "at character 9: expected a number, a hyperparameter or (, and found *"),
            ("(heads + 3 <= 4", "at character 12: expected ), and found <="),
            ("heads 3 <= 4", "at character 7: expected a comparison such as <=, and found 3"),
            ("2heads <= 4", "at character 2: expected a comparison such as <=, and found heads"),
            ("heads <= 4)", "at character 11: expected a comparison such as <=, and found )"),
            ("1.2.3 < a", "at character 4: expected a comparison such as <=, and found .3"),
            ("1e999 < a", "at character 1: 1e999 is not a number"),
            (". < a", "at character 1: . is not a number"),
            ("2 * optim.lr < 1", "at character 5: optim.lr is no name: write the hyperparameter's name, not its alias"),
            ("heads.3 < 1", "at character 6: expected a comparison such as <=, and found .3"),
            (
                "optimizer == 'sgd'",
                "at character 14: names of values can't be compared: when says where a hyperparameter exists",
            ),
            ("a < 1 && b < 2", "at character 7: comparisons can't be joined: list each of them"),
            ("a < 1 and b < 2", "at character 7: comparisons can't be joined: list each of them"),
            ("a < 1 || b < 2", "at character 7: there is no or and no not: every constraint that is listed must hold"),
            ("größe < 2", "at character 3: ö is no part of an expression"),
            ("sqrtt(a) < 2", "at character 1: sqrtt is no function. Did you mean sqrt?"),
            ("min(a) < 2", "at character 1: min takes two numbers or more"),
            ("sqrt(a, b) < 2", "at character 1: sqrt takes one number"),
            ("max(a, ) < 2", "at character 8: expected a number, a hyperparameter or (, and found )"),
        ] {
            assert_eq!(comparison(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn spaces_and_signs_are_free() {
        let plain = comparison("a*b<=3").unwrap();
        assert_eq!(plain.first, comparison("  a * b ≤ 3").unwrap().first);
        assert!(comparison(&format!("{}1{} < a", "(".repeat(120), ")".repeat(120))).is_ok());
    }
}
