//! YAML as a tree whose every node knows its place.

use std::collections::HashMap;

use serde_json::Value;
use yaml_rust2::{
    parser::{Event, Parser, Tag},
    scanner::{Marker, ScanError, TScalarStyle},
};

use super::scalar;
use crate::{schema, validate::Violation};

/// Nodes of a file once aliases are replaced by what they stand for. A study has a few hundred.
const MOST_NODES: usize = 50_000;
/// Deepest nesting. A study's deepest field has about a dozen.
const DEEPEST: usize = 64;

/// A place in a file, both from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Mark {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    fn of(marker: &Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() + 1 }
    }
}

/// Why a file is not YAML that can be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) at: Mark,
    pub(super) message: String,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Mark,
    /// The closing bracket of a list or mapping in brackets; of anything else where the next thing begins.
    pub(super) next: Mark,
    pub(super) kind: NodeKind,
    /// A tag that no study needs.
    tag: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    /// `doubt` is what stands there and why it is doubtful.
    Scalar {
        value: Value,
        doubt: Option<(String, String)>,
    },
    List(Vec<Node>),
    Mapping(Vec<MappingEntry>),
}

#[derive(Clone, Debug)]
pub(super) struct MappingEntry {
    pub(super) key: String,
    pub(super) at: Mark,
    /// What is doubtful about the key.
    doubt: Option<String>,
    /// Whether the key is given again, which may mean another value.
    is_twice: bool,
    pub(super) node: Node,
}

/// All documents of a file that hold anything, and what keeps none of them from being read.
pub(super) fn parse(text: &str) -> Result<(Vec<Node>, Vec<Unreadable>), Unreadable> {
    if let Some(refused) = control_character(text) {
        return Err(refused);
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)),
        anchors: HashMap::new(),
        nodes: 0,
        faults: Vec::new(),
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok((documents, reader.faults)),
            (Event::DocumentStart, _) => {
                let first = reader.next()?;
                let document = reader.node(first, 0)?;
                if !matches!(&document.kind, NodeKind::Scalar { value: Value::Null, .. }) {
                    documents.push(document);
                }
            }
            _ => {}
        }
    }
}

/// The first character that YAML does not allow (YAML 1.2.2, 5.1). The parser ends a file at a NUL, without a word.
fn control_character(text: &str) -> Option<Unreadable> {
    let (mut line, mut column) = (1, 1);
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}') {
            let message =
                format!("is the control character U+{:04X}, which YAML does not allow. Remove it", u32::from(c));
            return Some(Unreadable { at: Mark { line, column }, message });
        }
        (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    None
}

struct Reader<'a> {
    parser: Parser<std::str::Chars<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    faults: Vec<Unreadable>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<(Event, Mark), Unreadable> {
        let (event, marker) = self.parser.next_token().map_err(|e| syntax(&e))?;
        Ok((event, Mark::of(&marker)))
    }

    /// Where the next event is.
    fn peek(&mut self) -> Result<Mark, Unreadable> {
        self.parser.peek().map(|(_, marker)| Mark::of(marker)).map_err(|e| syntax(&e))
    }

    fn node(&mut self, (event, at): (Event, Mark), depth: usize) -> Result<Node, Unreadable> {
        let refuse = |message: String| Err(Unreadable { at, message });
        if depth > DEEPEST {
            return refuse(format!("is nested more than {DEEPEST} deep. No field of a study is"));
        }
        let (anchor, tag, kind, next) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let (kind, tag) = scalar_of(text, style, tag.as_ref());
                (anchor, tag, kind, self.peek()?)
            }
            Event::SequenceStart(anchor, tag) => {
                let (items, end) = self.items(depth)?;
                (anchor, tag.as_ref().map(shown), NodeKind::List(items), end)
            }
            Event::MappingStart(anchor, tag) => {
                let (entries, end) = self.entries(depth)?;
                (anchor, tag.as_ref().map(shown), NodeKind::Mapping(entries), end)
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return refuse("refers to an anchor that contains itself. Write it out".to_owned());
                };
                self.count(node.size(), at)?;
                return Ok(node);
            }
            _ => return refuse("is not a value".to_owned()),
        };
        self.count(1, at)?;
        let node = Node { at, next, kind, tag };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<(Vec<Node>, Mark), Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => return Ok((items, end)),
                other => items.push(self.node(other, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<MappingEntry>, Mark), Unreadable> {
        let mut entries: Vec<MappingEntry> = Vec::new();
        let mut merged: Vec<MappingEntry> = Vec::new();
        let end = loop {
            let (event, at) = self.next()?;
            let (key, plain) = match event {
                Event::MappingEnd => break at,
                Event::Scalar(text, style, _, _) => (text, style == TScalarStyle::Plain),
                _ => return Err(Unreadable { at, message: "keys must be plain words".to_owned() }),
            };
            let value = self.next()?;
            let node = self.node(value, depth + 1)?;
            if key == "<<" && plain {
                merged.extend(node.merged(at)?);
                continue;
            }
            if let Some(first) = entries.iter_mut().find(|e| e.key == key) {
                first.is_twice = true;
                let message =
                    format!("{key} is given twice; the first is on line {}. Remove one of them", first.at.line);
                self.faults.push(Unreadable { at, message });
                continue;
            }
            let doubt = if plain { scalar::resolve(&key).1 } else { None };
            entries.push(MappingEntry { key, at, doubt, is_twice: false, node });
        };
        for entry in merged {
            if !entries.iter().any(|e| e.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok((entries, end))
    }

    fn count(&mut self, nodes: usize, at: Mark) -> Result<(), Unreadable> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            let message = format!("the file holds more than {MOST_NODES} values once aliases are replaced");
            return Err(Unreadable { at, message });
        }
        Ok(())
    }
}

fn syntax(e: &ScanError) -> Unreadable {
    // The parser's words are for people who write parsers.
    let hint = match e.info() {
        info if info.contains("tab") => " (YAML is indented with blanks, never with tabs)",
        info if info.contains("block mapping")
            || info.contains("simple key")
            || info.contains("did not find expected key") =>
        {
            " (look for a missing ':' or '-', or for a line that is indented too far or too little)"
        }
        info if info.contains("flow") || info.contains("','") => " (look for a missing ',' or bracket)",
        _ => "",
    };
    Unreadable { at: Mark::of(e.marker()), message: format!("is not YAML: {}{hint}", e.info()) }
}

fn shown(tag: &Tag) -> String {
    if tag.handle == "tag:yaml.org,2002:" {
        format!("!!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    }
}

/// A scalar, and its tag where that is not one for texts.
fn scalar_of(text: String, style: TScalarStyle, tag: Option<&Tag>) -> (NodeKind, Option<String>) {
    let tag = tag.map(shown);
    let is_for_text = matches!(tag.as_deref(), Some("!!str" | "!"));
    let other = tag.filter(|_| !is_for_text);
    if is_for_text || style != TScalarStyle::Plain {
        return (NodeKind::Scalar { value: Value::String(text), doubt: None }, other);
    }
    let (value, doubt) = scalar::resolve(&text);
    (NodeKind::Scalar { value, doubt: doubt.map(|doubt| (text, doubt)) }, other)
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.node)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { value, .. } => value.as_str(),
            _ => None,
        }
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.kind, NodeKind::Mapping(_))
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { value, .. } => value.clone(),
            NodeKind::List(items) => items.iter().map(Node::to_json).collect(),
            NodeKind::Mapping(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.node.to_json())).collect())
            }
        }
    }

    /// What readers of YAML would understand differently.
    pub(super) fn doubts(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        self.doubtful("", &mut found);
        found
    }

    /// Fields that are given again.
    pub(super) fn given_twice(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.twice("", &mut found);
        found
    }

    fn twice(&self, at: &str, found: &mut Vec<String>) {
        match &self.kind {
            NodeKind::Scalar { .. } => {}
            NodeKind::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    item.twice(&format!("{at}[{i}]"), found);
                }
            }
            NodeKind::Mapping(entries) => {
                for entry in entries {
                    let field = schema::join(at, &entry.key);
                    entry.node.twice(&field, found);
                    found.extend(Some(field).filter(|_| entry.is_twice));
                }
            }
        }
    }

    fn doubtful(&self, at: &str, found: &mut Vec<Violation>) {
        if let Some(tag) = &self.tag {
            let field = if at.is_empty() { "the study" } else { at };
            found.push(Violation::new(field, &(), format!("has the tag {tag}"), "Remove it: a study needs none."));
        }
        match &self.kind {
            NodeKind::Scalar { doubt: Some((text, doubt)), .. } => found.push(doubtful(at, text, doubt)),
            NodeKind::Scalar { .. } => {}
            NodeKind::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    item.doubtful(&format!("{at}[{i}]"), found);
                }
            }
            NodeKind::Mapping(entries) => {
                for MappingEntry { key, doubt, node, .. } in entries {
                    let field = schema::join(at, key);
                    if let Some(doubt) = doubt {
                        found.push(doubtful(&field, key, doubt));
                    }
                    node.doubtful(&field, found);
                }
            }
        }
    }

    /// Where a field stands, or the nearest that holds it: the value of a scalar, the key of anything else.
    pub(super) fn place(&self, field: &str) -> Mark {
        let (mut node, mut at) = (self, self.at);
        for step in steps(field) {
            let next = match &node.kind {
                NodeKind::List(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)).map(|n| (n, n.at)),
                _ => node.entry(step).map(|e| (&e.node, if e.node.is_printed_scalar() { e.node.at } else { e.at })),
            };
            match next {
                Some(next) => (node, at) = next,
                None => break,
            }
        }
        at
    }

    /// A scalar that takes room: an empty value has no place of its own.
    pub(super) fn is_printed_scalar(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { value, doubt } if !value.is_null() || doubt.is_some())
    }

    pub(super) fn entry(&self, key: &str) -> Option<&MappingEntry> {
        match &self.kind {
            NodeKind::Mapping(entries) => entries.iter().find(|e| e.key == key),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        1 + match &self.kind {
            NodeKind::Scalar { .. } => 0,
            NodeKind::List(items) => items.iter().map(Node::size).sum(),
            NodeKind::Mapping(entries) => entries.iter().map(|e| e.node.size()).sum(),
        }
    }

    /// What `<<: *this` adds.
    fn merged(self, at: Mark) -> Result<Vec<MappingEntry>, Unreadable> {
        match self.kind {
            NodeKind::Mapping(entries) => Ok(entries),
            NodeKind::List(items) => {
                let mut all = Vec::new();
                for item in items {
                    all.extend(item.merged(at)?);
                }
                Ok(all)
            }
            NodeKind::Scalar { .. } => Err(Unreadable { at, message: "<< merges mappings only".to_owned() }),
        }
    }
}

fn doubtful(at: &str, value: &str, doubt: &str) -> Violation {
    let (rule, fix) = doubt.split_once(". ").unwrap_or((doubt, ""));
    Violation::new(at, &value, rule, format!("{fix}."))
}

/// `spec.rounds[1].name` → spec, rounds, 1, name.
pub(super) fn steps(field: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            steps.push(&inner[..end]);
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end > 0 {
                steps.push(&rest[..end]);
            }
            rest = if rest[end..].starts_with('.') { &rest[end + 1..] } else { &rest[end..] };
        }
    }
    steps
}
