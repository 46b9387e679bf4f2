//! Where the parts of a file begin and end, in bytes, and how its text changes there.

use std::ops::Range;

use serde_json::Value;

use crate::document::tree::{MappingEntry, Mark, Node, NodeKind};

/// One step from a value to one within it.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A field of a mapping.
    Key(String),
    /// An entry of a list.
    Index(usize),
}

/// A value, with the field that holds it if one does.
#[derive(Clone, Copy)]
pub(super) struct FieldPlace<'a> {
    node: &'a Node,
    entry: Option<&'a MappingEntry>,
    /// Whether brackets stand around it.
    is_within_flow: bool,
}

/// A text and where its lines begin.
pub(super) struct FieldPlaces<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> FieldPlaces<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let begins = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, lines: std::iter::once(0).chain(begins).collect() }
    }

    /// The values on the way to a field, and the steps that lead no further.
    pub(super) fn find<'n, 'p>(&self, root: &'n Node, path: &'p [Step]) -> (Vec<FieldPlace<'n>>, &'p [Step]) {
        let mut found = vec![FieldPlace { node: root, entry: None, is_within_flow: false }];
        for (i, step) in path.iter().enumerate() {
            let Some(holder) = found.last().copied() else { break };
            let is_within_flow = holder.is_within_flow || self.is_flow(holder.node);
            let next = match (step, &holder.node.kind) {
                (Step::Key(key), NodeKind::Mapping(_)) => holder.node.entry(key).map(|entry| FieldPlace {
                    node: &entry.node,
                    entry: Some(entry),
                    is_within_flow,
                }),
                (Step::Index(i), NodeKind::List(items)) => {
                    items.get(*i).map(|node| FieldPlace { node, entry: None, is_within_flow })
                }
                _ => None,
            };
            let Some(next) = next else { return (found, &path[i..]) };
            found.push(next);
        }
        (found, &[])
    }

    /// Another value in place of one.
    pub(super) fn replaced(&self, place: &FieldPlace<'_>, value: &str) -> Option<String> {
        let (start, end) = (self.at(place.node.at)?, self.end(place.node, place.is_within_flow)?);
        self.with(self.block_indicator(start).unwrap_or(start)..end, value)
    }

    /// A field, as `key: value`, in a mapping: after the last of those that come before it.
    pub(super) fn inserted(&self, holder: &FieldPlace<'_>, before: &[String], field: &str) -> Option<String> {
        let own = self.entries(holder.node)?;
        let is_flow = self.is_flow(holder.node);
        let first = match own.first() {
            Some(first) => self.at(first.at)?,
            None if is_flow => return self.with_at(self.at(holder.node.at)? + 1, field),
            None => return None,
        };
        let Some(previous) = own.iter().rev().find(|entry| before.contains(&entry.key)) else {
            let after = if is_flow { ", ".to_owned() } else { format!("{}{}", self.line_break(), self.indent(first)) };
            return self.with_at(first, &format!("{field}{after}"));
        };
        let end = self.end_of_entry(previous, holder.is_within_flow || is_flow)?;
        if is_flow {
            return self.with_at(end, &format!(", {field}"));
        }
        let end = self.end_of_line(end);
        self.with_at(end, &format!("{}{}{field}", self.line_break(), self.indent(first)))
    }

    /// The text without a field, whose value is the last of those found on the way to it.
    pub(super) fn removed(&self, mut found: Vec<FieldPlace<'_>>) -> Option<String> {
        let (place, holder) = (found.pop()?, found.pop()?);
        let entry = place.entry?;
        let own = self.entries(holder.node)?;
        let index = own.iter().position(|other| std::ptr::eq(*other, entry))?;
        let start = self.at(entry.at)?;
        let end = self.end_of_entry(entry, place.is_within_flow)?;
        let next = own.get(index + 1).map(|next| self.at(next.at));
        if self.is_flow(holder.node) {
            let range = match (next, index.checked_sub(1)) {
                (Some(next), _) => start..next?,
                (None, Some(previous)) => self.end_of_entry(own[previous], true)?..end,
                (None, None) => start..end,
            };
            return self.with(range, "");
        }
        if own.len() == 1 {
            return self.emptied(start..end);
        }
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let leads = self.text.get(line..start)?;
        if !leads.trim().is_empty() {
            // It follows the dash of a list: what comes next takes its place.
            return self.with(start..next??, "");
        }
        let end_of_line = self.end_of_line(end);
        // Comments stay where the field was.
        let begins = if matches!(place.node.kind, NodeKind::Scalar { .. }) { end } else { start };
        let lines = self.text.get(begins..end_of_line)?.lines();
        let comments = lines.filter_map(comment_of_line);
        let kept = comments.map(|(_, comment)| [leads, comment, self.line_break()].concat()).collect::<String>();
        let whole = line..(end_of_line + self.text[end_of_line..].find('\n').map_or(0, |at| at + 1));
        self.with(whole, &kept)
    }

    /// `{}` in place of the only field of a mapping over several lines: beside the key that holds it where nothing stands
    /// between.
    fn emptied(&self, field: Range<usize>) -> Option<String> {
        let before = self.text.get(..field.start)?.trim_end();
        if before.ends_with(':') { self.with(before.len()..field.end, " {}") } else { self.with(field, "{}") }
    }

    /// Whether a list or mapping is written in brackets.
    fn is_flow(&self, node: &Node) -> bool {
        let bracket = self.at(node.at).and_then(|at| self.text[at..].chars().next());
        match node.kind {
            NodeKind::List(_) => bracket == Some('['),
            NodeKind::Mapping(_) => bracket == Some('{'),
            NodeKind::Scalar { .. } => false,
        }
    }

    /// The fields of a mapping that stand there themselves, in the order of the text: none that `<<` brings.
    fn entries<'n>(&self, node: &'n Node) -> Option<Vec<&'n MappingEntry>> {
        let NodeKind::Mapping(entries) = &node.kind else { return None };
        // The parser puts a mapping without brackets at the colon of its first key.
        let at = self.at(node.at)?;
        let from = if self.is_flow(node) { at } else { self.text[..at].rfind('\n').map_or(0, |end| end + 1) };
        let to = self.at(node.next).unwrap_or(self.text.len());
        let is_own = |entry: &&MappingEntry| self.at(entry.at).is_some_and(|at| (from..=to).contains(&at));
        let mut own: Vec<_> = entries.iter().filter(is_own).collect();
        own.sort_by_key(|entry| (entry.at.line, entry.at.column));
        Some(own)
    }

    /// Where a place is in the text; nothing beyond its end.
    fn at(&self, mark: Mark) -> Option<usize> {
        let line = *self.lines.get(mark.line - 1)?;
        let rest = self.text.get(line..)?;
        let mut characters = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        characters.nth(mark.column - 1).map(|at| line + at)
    }

    fn end_of_entry(&self, entry: &MappingEntry, is_within_flow: bool) -> Option<usize> {
        if matches!(entry.node.kind, NodeKind::Scalar { .. }) && !entry.node.is_printed_scalar() {
            // `key:` with nothing after it, or `key: null`.
            let key = self.at(entry.at)?;
            let rest = self.text.get(key..)?;
            let colon = key + rest.find(':')? + 1;
            let null = ["null", "~"].into_iter().find_map(|null| {
                let value = self.text[colon..].trim_start_matches(' ');
                value.starts_with(null).then(|| self.text.len() - value.len() + null.len())
            });
            return Some(null.unwrap_or(colon));
        }
        self.end(&entry.node, is_within_flow)
    }

    /// Where a value ends, without the blanks and comments after it.
    fn end(&self, node: &Node, is_within_flow: bool) -> Option<usize> {
        if self.is_flow(node) {
            return self.at(node.next).map(|bracket| bracket + 1);
        }
        match &node.kind {
            NodeKind::Scalar { value, .. } => self.end_of_scalar(node, value, is_within_flow),
            NodeKind::List(items) => self.end(items.last()?, is_within_flow),
            NodeKind::Mapping(_) => self.end_of_entry(self.entries(node)?.last()?, is_within_flow),
        }
    }

    fn end_of_scalar(&self, node: &Node, value: &Value, is_within_flow: bool) -> Option<usize> {
        let (start, limit) = (self.at(node.at)?, self.at(node.next).unwrap_or(self.text.len()));
        let raw = self.text.get(start..limit.max(start))?;
        let length = match raw.chars().next()? {
            _ if self.block_indicator(start).is_some() => end_of_block(raw, self.indent(start).len()),
            '"' => end_of_quoted(raw, '"')?,
            '\'' => end_of_quoted(raw, '\'')?,
            _ if is_within_flow => comment_start(raw.find([',', ']', '}', '\n']).map_or(raw, |end| &raw[..end])),
            _ => end_of_plain(raw, value)?,
        };
        Some(start + length)
    }

    /// The `|` or `>` of a text over lines that begins at `start`: the parser puts such a text at its first word.
    fn block_indicator(&self, start: usize) -> Option<usize> {
        let before = self.text[..start].trim_end();
        let word = before.rsplit(char::is_whitespace).next()?;
        let is_indicator = word.starts_with(['|', '>'])
            && word[1..].chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
            && self.text[before.len()..start].contains('\n');
        is_indicator.then(|| before.len() - word.len())
    }

    fn end_of_line(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
        if self.text[..end].ends_with('\r') { end - 1 } else { end }
    }

    /// The blanks below which the fields of a mapping begin, of which the first is there.
    fn indent(&self, first: usize) -> String {
        let line = self.text[..first].rfind('\n').map_or(0, |at| at + 1);
        " ".repeat(self.text[line..first].chars().count())
    }

    fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    fn with(&self, range: Range<usize>, by: &str) -> Option<String> {
        Some(format!("{}{by}{}", self.text.get(..range.start)?, self.text.get(range.end..)?))
    }

    fn with_at(&self, at: usize, by: &str) -> Option<String> {
        self.with(at..at, by)
    }
}

fn end_of_quoted(raw: &str, quote: char) -> Option<usize> {
    let mut chars = raw.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => _ = chars.next(),
            _ if c == quote && quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) => {
                chars.next();
            }
            _ if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The end of the last line of a block that is not blank; lines after it that are less indented are not part of it.
fn end_of_block(raw: &str, indent: usize) -> usize {
    let mut end = 0;
    let mut at = 0;
    for line in raw.split_inclusive('\n') {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if !line.trim().is_empty() {
            if at > 0 && blanks < indent {
                break;
            }
            end = at + line.trim_end().len();
        }
        at += line.len();
    }
    end
}

/// What stands before the comment of a line, which has a blank, a tab or nothing before it, and the comment. A `#` within
/// quotes begins none, where they begin on the same line.
pub(super) fn comment_of_line(line: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut before = None;
    for (at, c) in line.char_indices() {
        let opens = before.is_none_or(|b: char| b.is_whitespace() || matches!(b, '[' | '{' | ',' | ':'));
        match (quote, c) {
            (None, '#') if before.is_none_or(char::is_whitespace) => return Some((&line[..at], line[at..].trim_end())),
            // Two in a row are one within the quotes.
            (None, '"' | '\'') if opens || before == Some(c) => quote = Some(c),
            (Some(open), _) if c == open && !(c == '"' && before == Some('\\')) => quote = None,
            _ => {}
        }
        before = Some(c);
    }
    None
}

/// Where the text of a line ends, before its comment.
fn comment_start(line: &str) -> usize {
    comment_of_line(line).map_or(line, |(before, _)| before).trim_end().len()
}

/// The end of a plain scalar, which may continue over lines.
fn end_of_plain(raw: &str, value: &Value) -> Option<usize> {
    let mut words: Vec<&str> = Vec::new();
    let mut at = 0;
    for line in raw.split_inclusive('\n') {
        let end = at + comment_start(line);
        words.extend(raw[at..end].split_whitespace());
        let is_whole = value.as_str().is_none_or(|text| text.split_whitespace().eq(words.iter().copied()));
        if is_whole && !words.is_empty() {
            return Some(end);
        }
        at += line.len();
    }
    None
}
