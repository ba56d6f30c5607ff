//! Where native paths lead, and the pass over a record that takes its leaves there.

use std::borrow::Cow;

use event::mapping::{Natives, Numbered, Program};
use event::scan::{Keys, ScanError, blanks, colon, key, skip, string};
use event::value::{DEPTH_MAX, Value, View, unescape};

use super::Values;
use super::column::Column;

/// The known native paths as a tree; its root is the record.
#[derive(Debug)]
pub struct Paths {
    nodes: Vec<Node>,
    /// The map of leaves that no other column takes.
    unmapped: usize,
    /// The length of the longest path.
    longest: usize,
}

#[derive(Debug, Default)]
struct Node {
    path: String,
    children: Keys,
    /// The column that holds a leaf here.
    column: Option<usize>,
    /// The map of the leaves of the open object here.
    open: Option<usize>,
}

type NodeId = u32;
const ROOT: NodeId = 0;

impl Paths {
    /// The tree of the paths that have a column, of the open objects and their maps, and of paths that somebody else looks at.
    pub fn new(
        columns: &[(&'static str, usize)],
        open: &[(&'static str, usize)],
        others: &[&'static str],
        unmapped: usize,
    ) -> Paths {
        let mut children: Vec<Vec<(Box<str>, NodeId)>> = vec![Vec::new()];
        let mut nodes = vec![Node::default()];
        let mut node = |path: &str| {
            let mut at = ROOT;
            for (end, name) in ends(path) {
                let have = children[at as usize].iter().find(|(have, _)| **have == *name).map(|(_, id)| *id);
                at = have.unwrap_or_else(|| {
                    let id = nodes.len() as NodeId;
                    nodes.push(Node { path: path[..end].to_owned(), ..Node::default() });
                    children.push(Vec::new());
                    children[at as usize].push((name.into(), id));
                    id
                });
            }
            at as usize
        };
        let columns: Vec<_> = columns.iter().map(|(path, column)| (node(path), *column)).collect();
        let open: Vec<_> = open.iter().map(|(path, map)| (node(path), *map)).collect();
        for path in others {
            node(path);
        }
        columns.into_iter().for_each(|(at, column)| nodes[at].column = Some(column));
        open.into_iter().for_each(|(at, map)| nodes[at].open = Some(map));
        for (node, children) in nodes.iter_mut().zip(children) {
            node.children = Keys::new(children);
        }
        let longest = nodes.iter().map(|node| node.path.len()).max().unwrap_or_default();
        Paths { nodes, unmapped, longest }
    }

    #[inline]
    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    #[inline]
    fn child(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.node(id).children.find(name.as_bytes()).map(|(_, child)| child)
    }

    /// The node of a path, if it is known.
    pub fn find(&self, path: &str) -> Option<NodeId> {
        path.split('.').try_fold(ROOT, |at, name| self.child(at, name))
    }

    /// Where a dotted path leads that was not followed name by name.
    fn spelled(&self, path: &str) -> Spelled {
        let mut at = ROOT;
        for (end, name) in ends(path) {
            match self.child(at, name) {
                Some(child) => at = child,
                None => return Spelled::Key { map: self.unmapped, from: 0 },
            }
            if let Some(map) = self.node(at).open.filter(|_| end < path.len()) {
                return Spelled::Key { map, from: end + 1 };
            }
        }
        Spelled::Node(at)
    }

    /// Places for the values of a record.
    pub fn seen(&self) -> Seen {
        Seen { spans: vec![Span::default(); self.nodes.len()], epoch: 0, is_twice: false }
    }
}

/// Where a spelled path leads.
enum Spelled {
    Node(NodeId),
    /// Under the path from this byte on in this map.
    Key {
        map: usize,
        from: usize,
    },
}

/// The names of a dotted path, each with the end of the path that it ends.
fn ends(path: &str) -> impl Iterator<Item = (usize, &str)> {
    path.split('.').scan(0, |end, name| {
        *end += name.len() + usize::from(*end > 0);
        Some((*end, name))
    })
}

/// Where the values of known paths lie in the record in hand.
#[derive(Debug)]
pub struct Seen {
    spans: Vec<Span>,
    epoch: u32,
    /// Whether a known path has two values: a key was given twice.
    pub is_twice: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    epoch: u32,
    start: u32,
    end: u32,
    kind: Kind,
}

/// What kind of value lies somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Null, a number, a boolean.
    #[default]
    Literal,
    /// A string without escapes, with its quotes.
    Plain,
    /// A string with escapes, with its quotes.
    Escaped,
    /// An object or list.
    Json,
    /// Text as it stands, without quotes.
    Word,
}

impl Seen {
    fn clear(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.spans.fill(Span::default());
            self.epoch = 1;
        }
        self.is_twice = false;
    }

    #[inline]
    fn note(&mut self, node: NodeId, start: usize, end: usize, kind: Kind) {
        let span = &mut self.spans[node as usize];
        if span.epoch == self.epoch {
            self.is_twice = true;
            return;
        }
        *span = Span { epoch: self.epoch, start: start as u32, end: end as u32, kind };
    }
}

/// One record on its way into the columns.
pub struct Fill<'f> {
    /// The paths.
    pub paths: &'f Paths,
    /// Where the values of the paths lie.
    pub seen: &'f mut Seen,
    /// The columns.
    pub columns: &'f mut [Column],
    /// The number of the row.
    pub row: usize,
    /// The record.
    pub raw: &'f str,
    /// A buffer.
    pub path: &'f mut String,
    /// How many bytes the paths of leaves in maps may still take.
    pub path_bytes: usize,
    /// Whether they took more, and leaves were left out.
    pub is_cut: bool,
    /// What kind of value was read last.
    pub kind: Kind,
}

/// Where the value in hand lies.
#[derive(Clone, Copy)]
enum Place {
    /// At a known path.
    Known(NodeId),
    /// In an open object, or it is the object itself; at a known path, or at any.
    Open { map: usize, known: Option<NodeId>, is_object: bool },
    /// Below a key that holds dots: it may spell a known path.
    Spelled,
    /// Where no path leads.
    Unknown,
}

impl Fill<'_> {
    /// Takes the leaves of a JSON record to their columns. Bad JSON must have been refused before: here, what stands before the mistake counts.
    pub fn json(&mut self) -> Result<(), ScanError> {
        self.seen.clear();
        let at = blanks(self.raw.as_bytes(), 0);
        self.value(at, 0, Place::Known(ROOT)).map(|_| ())
    }

    /// Takes the values of a row to their columns; `known` are the paths of the row's columns.
    pub fn words(&mut self, values: &dyn Values, known: &mut Vec<Option<NodeId>>) {
        self.seen.clear();
        values.each(&mut |column, start, end| {
            while known.len() <= column {
                known.push(self.paths.find(values.name(known.len())));
            }
            let Some(text) = self.raw.get(start..end) else { return };
            match known[column] {
                Some(node) => {
                    self.seen.note(node, start, end, Kind::Word);
                    self.leaf_at(node, text);
                }
                None => {
                    values.name(column).clone_into(self.path);
                    self.leaf(text, Place::Spelled);
                }
            }
        });
    }

    fn value(&mut self, at: usize, depth: usize, place: Place) -> Result<usize, ScanError> {
        if depth > DEPTH_MAX {
            return Err(ScanError::Bad { at, what: "nested too deep" });
        }
        let raw = self.raw;
        match raw.as_bytes().get(at) {
            Some(b'"') => {
                let (end, is_escaped) = string(raw.as_bytes(), at)?;
                let inside = &raw[at + 1..end - 1];
                if is_escaped {
                    self.leaf(&unescape(inside), place)
                } else {
                    self.leaf(inside, place)
                }
                self.kind = if is_escaped { Kind::Escaped } else { Kind::Plain };
                Ok(end)
            }
            Some(open @ (b'{' | b'[')) => {
                let end = match open {
                    b'{' => self.object(at, depth, place)?,
                    _ => self.array(at, depth, place)?,
                };
                self.kind = Kind::Json;
                Ok(end)
            }
            _ => {
                let end = skip(raw.as_bytes(), at, depth)?;
                match &raw[at..end] {
                    "null" => {}
                    text => self.leaf(text, place),
                }
                self.kind = Kind::Literal;
                Ok(end)
            }
        }
    }

    fn object(&mut self, at: usize, depth: usize, place: Place) -> Result<usize, ScanError> {
        let raw = self.raw;
        let text = raw.as_bytes();
        let mut at = blanks(text, at + 1);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            let (key_end, is_escaped) = key(text, at)?;
            let inside = &raw[at + 1..key_end - 1];
            at = colon(text, key_end)?;
            at = if is_escaped {
                self.member(&unescape(inside), at, depth, place)?
            } else {
                self.member(inside, at, depth, place)?
            };
            at = blanks(text, at);
            match text.get(at) {
                Some(b',') => at = blanks(text, at + 1),
                Some(b'}') => return Ok(at + 1),
                Some(_) => return Err(ScanError::Bad { at, what: "a comma or `}` is due" }),
                None => return Err(ScanError::Incomplete),
            }
        }
    }

    #[inline]
    fn member(&mut self, name: &str, at: usize, depth: usize, place: Place) -> Result<usize, ScanError> {
        if let Place::Known(node) = place {
            let Some(child) = self.paths.child(node, name) else {
                self.path.clear();
                self.path.push_str(&self.paths.node(node).path);
                self.step(name, node == ROOT);
                let place = if name.contains('.') { Place::Spelled } else { Place::Unknown };
                return self.value(at, depth + 1, place);
            };
            let place = match self.paths.node(child).open {
                Some(map) => Place::Open { map, known: Some(child), is_object: true },
                None => Place::Known(child),
            };
            let end = self.value(at, depth + 1, place)?;
            self.seen.note(child, at, end, self.kind);
            return Ok(end);
        }
        let (before, place) = self.enter(name, place);
        let end = self.value(at, depth + 1, place)?;
        self.path.truncate(before);
        if let Place::Open { known: Some(child), .. } = place {
            self.seen.note(child, at, end, self.kind);
        }
        Ok(end)
    }

    /// Steps to a member or element whose path is kept, and gives the length of the path before.
    #[inline]
    fn enter(&mut self, name: &str, place: Place) -> (usize, Place) {
        if let Place::Open { map, known, is_object } = place {
            if is_object {
                self.path.clear();
            }
            let before = self.path.len();
            self.step(name, is_object);
            let known = known.and_then(|node| self.paths.child(node, name));
            return (before, Place::Open { map, known, is_object: false });
        }
        let before = self.path.len();
        self.step(name, false);
        (before, place)
    }

    #[inline]
    fn step(&mut self, name: &str, is_first: bool) {
        if !is_first {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    fn array(&mut self, at: usize, depth: usize, place: Place) -> Result<usize, ScanError> {
        let text = self.raw.as_bytes();
        let mut at = blanks(text, at + 1);
        if text.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        // A known path goes through objects only.
        let place = match place {
            Place::Known(node) => {
                self.path.clear();
                self.path.push_str(&self.paths.node(node).path);
                Place::Unknown
            }
            Place::Open { map, is_object, .. } => Place::Open { map, known: None, is_object },
            place => place,
        };
        let is_top = depth == 0;
        let mut digits = [0; 20];
        for i in 0usize.. {
            let name = decimal(i, &mut digits);
            let (before, inner) = match is_top {
                true => {
                    self.step(name, true);
                    (0, place)
                }
                false => self.enter(name, place),
            };
            at = self.value(at, depth + 1, inner)?;
            self.path.truncate(before);
            at = blanks(text, at);
            match text.get(at) {
                Some(b',') => at = blanks(text, at + 1),
                Some(b']') => return Ok(at + 1),
                Some(_) => return Err(ScanError::Bad { at, what: "a comma or `]` is due" }),
                None => return Err(ScanError::Incomplete),
            }
        }
        Err(ScanError::Incomplete)
    }

    #[inline]
    fn leaf(&mut self, text: &str, place: Place) {
        match place {
            Place::Known(node) => self.leaf_at(node, text),
            Place::Open { known: Some(node), is_object: true, .. } => self.leaf_at(node, text),
            Place::Open { map, .. } => self.put(map, 0, text),
            Place::Spelled => self.leaf_spelled(text),
            Place::Unknown => self.put(self.paths.unmapped, 0, text),
        }
    }

    #[inline]
    fn leaf_at(&mut self, node: NodeId, text: &str) {
        let node = self.paths.node(node);
        if node.column.is_some_and(|column| self.columns[column].put_exact(self.row, text)) {
            return;
        }
        self.path.clear();
        self.path.push_str(&node.path);
        self.put(self.paths.unmapped, 0, text);
    }

    /// A key that holds dots means the path that it spells.
    #[cold]
    fn leaf_spelled(&mut self, text: &str) {
        // A path is not looked at again and again when it is longer than what may be kept of it.
        if self.path.len() > self.paths.longest && self.path.len() > self.path_bytes {
            return self.put(self.paths.unmapped, 0, text);
        }
        match self.paths.spelled(self.path) {
            Spelled::Node(node) => self.leaf_at(node, text),
            Spelled::Key { map, from } => self.put(map, from, text),
        }
    }

    /// Puts a leaf into a map, under its path from a place on.
    #[inline]
    fn put(&mut self, map: usize, from: usize, text: &str) {
        let key = &self.path[from..];
        match self.path_bytes.checked_sub(key.len()) {
            Some(left) => {
                self.path_bytes = left;
                self.columns[map].put_leaf(self.row, key, text);
            }
            None => {
                self.path_bytes = 0;
                self.is_cut = true;
            }
        }
    }
}

/// A number in decimal digits.
fn decimal(mut n: usize, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            return std::str::from_utf8(&digits[at..]).expect("digits are UTF-8");
        }
    }
}

/// A record whose known values were found.
pub struct Found<'r> {
    /// The record.
    pub raw: &'r str,
    /// Where they lie.
    pub seen: &'r Seen,
    /// The paths by the numbers of the program.
    pub nodes: &'r [NodeId],
    /// Who asks.
    pub program: &'r Program,
}

impl<'r> Found<'r> {
    #[inline]
    fn text(&self, number: usize) -> Option<(&'r str, Kind)> {
        let span = self.seen.spans[self.nodes[number] as usize];
        if span.epoch != self.seen.epoch {
            return None;
        }
        Some((self.raw.get(span.start as usize..span.end as usize)?, span.kind))
    }

    #[inline]
    fn view(&self, number: usize) -> Option<View<'r>> {
        let (text, kind) = self.text(number)?;
        let inside = || text.get(1..text.len() - 1);
        Some(match (kind, text) {
            (Kind::Word, _) => View::String(text.into()),
            (Kind::Plain, _) => View::String(inside()?.into()),
            (Kind::Escaped, _) => View::String(unescape(inside()?).into()),
            (Kind::Json, _) => View::Json(text.into()),
            (Kind::Literal, "null") => View::Null,
            (Kind::Literal, "true") => View::Bool(true),
            (Kind::Literal, "false") => View::Bool(false),
            (Kind::Literal, _) => View::Number(text),
        })
    }
}

impl Natives for Found<'_> {
    fn scalar(&self, path: &str) -> Option<View<'_>> {
        let number = self.program.number(path);
        debug_assert!(number.is_some(), "`{path}` is not among the paths that the mapping says it looks at");
        self.view(number?).filter(|view| !matches!(view, View::Json(_)))
    }

    fn any(&self, path: &str, passes: &mut dyn FnMut(&View<'_>) -> bool) -> bool {
        self.program.number(path).and_then(|number| self.view(number)).is_some_and(|view| passes(&view))
    }
}

impl Numbered for Found<'_> {
    fn nth(&self, number: usize) -> Option<View<'_>> {
        match self.view(number)? {
            View::Json(text) => Some(View::Json(Value::parse(&text).ok()?.compact().into())),
            view => Some(view),
        }
    }

    fn has(&self, number: usize) -> bool {
        self.text(number).is_some_and(|(text, kind)| kind != Kind::Literal || text != "null")
    }

    fn tree(&self, number: usize) -> Option<Cow<'_, Value>> {
        Value::parse(self.text(number)?.0).ok().map(Cow::Owned)
    }
}

/// A record as a tree, for one in which a key is given twice.
pub struct Tree<'r> {
    /// The record.
    pub record: Value,
    /// Who asks.
    pub program: &'r Program,
}

impl Tree<'_> {
    fn at(&self, number: usize) -> Option<&Value> {
        event::mapping::at(&self.record, self.program.natives()[number])
    }
}

impl Natives for Tree<'_> {
    fn scalar(&self, path: &str) -> Option<View<'_>> {
        self.record.scalar(path)
    }

    fn any(&self, path: &str, passes: &mut dyn FnMut(&View<'_>) -> bool) -> bool {
        self.record.any(path, passes)
    }
}

impl Numbered for Tree<'_> {
    fn nth(&self, number: usize) -> Option<View<'_>> {
        self.at(number).map(Value::view)
    }

    fn has(&self, number: usize) -> bool {
        self.at(number).is_some_and(|value| *value != Value::Null)
    }

    fn tree(&self, number: usize) -> Option<Cow<'_, Value>> {
        self.at(number).map(Cow::Borrowed)
    }
}
