//! What is at hand while a document is read: its text, the options, and the diagnostics so far.

use std::ops::Range;

use event::path::{Path, Step};

use crate::diagnostic::{Diagnostic, Level};
use crate::pattern::{Pattern, Piece};
use crate::predicate::Predicate;
use crate::syntax::nearest;
use crate::test::Test;
use crate::yaml::{Node, Yaml};

use super::Options;

/// The largest rule, in tests once it is written out. `1 of them` copies, `windash` and `expand` multiply,
/// so a short text can ask for any size.
const COST_MAX: usize = 100_000;
/// A long text costs as much as another test for every so many bytes.
const BYTES_PER_COST: usize = 32;
/// The most regular expressions of a rule: each may take two megabytes once compiled.
const REGEXES_MAX: usize = 128;
/// The most diagnostics about one text; a generated one may hold the same mistake a hundred thousand times.
const DIAGNOSTICS_MAX: usize = 1000;

pub(super) struct Context<'a> {
    pub(super) text: &'a str,
    pub(super) options: &'a Options,
    diagnostics: Vec<Diagnostic>,
    n_errors: usize,
    /// The last diagnostic that was not kept, and how many there were.
    unkept: Diagnostic,
    n_unkept: usize,
    cost: usize,
    n_regexes: usize,
}

impl<'a> Context<'a> {
    pub(super) fn new(text: &'a str, options: &'a Options, diagnostics: Vec<Diagnostic>) -> Context<'a> {
        let n_errors = diagnostics.iter().filter(|d| d.is_error()).count();
        let unkept = Diagnostic::error(0..0, "");
        Context { text, options, diagnostics, n_errors, unkept, n_unkept: 0, cost: 0, n_regexes: 0 }
    }

    pub(super) fn begin_document(&mut self) {
        self.cost = 0;
        self.n_regexes = 0;
    }

    /// The diagnostics in the order of the text.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
        if self.n_unkept > 0 {
            let message = format!("{} more mistakes are not shown, of which this is the last", self.n_unkept);
            self.diagnostics.push(Diagnostic { level: Level::Error, message, ..self.unkept });
        }
        self.diagnostics
    }

    pub(super) fn n_errors(&self) -> usize {
        self.n_errors
    }

    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.tell(Diagnostic::error(span, message))
    }

    pub(super) fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.tell(Diagnostic::warning(span, message))
    }

    pub(super) fn tell(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.n_errors += usize::from(diagnostic.is_error());
        if self.is_full() {
            self.n_unkept += 1;
            self.unkept = diagnostic;
            return &mut self.unkept;
        }
        let at = self.diagnostics.len();
        self.diagnostics.push(diagnostic);
        &mut self.diagnostics[at]
    }

    fn is_full(&self) -> bool {
        self.diagnostics.len() >= DIAGNOSTICS_MAX
    }

    /// What a person may have meant, as a question; not sought for a diagnostic that will not be kept.
    pub(super) fn meant<'c>(&self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
        if self.is_full() {
            return None;
        }
        nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
    }

    /// Says that a node is not what its key needs.
    pub(super) fn wrong_kind(&mut self, what: &str, wanted: &str, node: &Node) -> &mut Diagnostic {
        let diagnostic = self.error(node.span.clone(), format!("{what} must be {wanted}"));
        diagnostic.label = format!("this is {}", node.kind());
        diagnostic
    }

    /// One of a fixed set of words, letter case aside.
    pub(super) fn word<T: Copy>(&mut self, what: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let Some(text) = node.text() else {
            self.wrong_kind(what, "a text", node);
            return None;
        };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let near = self.meant(text, all.iter().copied());
            let diagnostic = self.error(node.span.clone(), format!("no such {what}: `{text}`"));
            diagnostic.label = near.unwrap_or_default();
            diagnostic.help = Some(format!("one of {}", all.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Counts what is about to be made; false, and told once, when the rule asks for too much.
    pub(super) fn afford(&mut self, cost: usize, span: &Range<usize>) -> bool {
        let before = self.cost;
        self.cost = before.saturating_add(cost);
        if before <= COST_MAX && self.cost > COST_MAX {
            self.error(span.clone(), "rule is too large").label =
                format!("more than {COST_MAX} tests once written out");
        }
        self.cost <= COST_MAX
    }

    /// The same for regular expressions.
    pub(super) fn afford_regex(&mut self, span: &Range<usize>) -> bool {
        self.n_regexes += 1;
        if self.n_regexes == REGEXES_MAX + 1 {
            self.error(span.clone(), "rule has too many regular expressions").label =
                format!("at most {REGEXES_MAX} are compiled");
        }
        self.n_regexes <= REGEXES_MAX
    }
}

/// What a test with so much text in it costs.
pub(super) fn test_cost(n_bytes: usize) -> usize {
    1 + n_bytes / BYTES_PER_COST
}

/// What a copy of a predicate costs.
pub(super) fn cost(predicate: &Predicate) -> usize {
    let mut sum = 0;
    predicate.each(&mut |p| {
        sum += test_cost(match p {
            Predicate::Field(path, Test::Text(pattern)) => path_bytes(path) + pattern_bytes(pattern),
            Predicate::Field(path, _) => path_bytes(path),
            Predicate::Compare(left, _, right) => path_bytes(left) + path_bytes(right),
            Predicate::AnyString(pattern) | Predicate::Raw(pattern) => pattern_bytes(pattern),
            Predicate::All(_) | Predicate::Any(_) | Predicate::Not(_) | Predicate::Same(..) => 0,
        });
    });
    sum
}

fn path_bytes(path: &Path) -> usize {
    path.steps().iter().map(|step| if let Step::Name(name) = step { 1 + name.len() } else { 0 }).sum()
}

fn pattern_bytes(pattern: &Pattern) -> usize {
    pattern.pieces().iter().map(|piece| if let Piece::Text(text) = piece { 1 + text.len() } else { 1 }).sum()
}

/// The keys of a mapping, taken one by one; what remains is unknown and kept.
pub(super) struct Keys {
    pairs: Vec<(Node, Node)>,
}

impl Keys {
    /// None when the node is no mapping.
    pub(super) fn of(node: Node) -> Option<Keys> {
        match node.value {
            Yaml::Map(pairs) => Some(Keys { pairs }),
            _ => None,
        }
    }

    /// A key and its value, if it is there; it may be null.
    pub(super) fn take(&mut self, name: &str) -> Option<(Node, Node)> {
        let at = self.pairs.iter().position(|(key, _)| key.text() == Some(name))?;
        Some(self.pairs.remove(at))
    }

    /// The value of a key, if it is there and not null.
    pub(super) fn given(&mut self, name: &str) -> Option<Node> {
        self.take(name).map(|(_, value)| value).filter(|node| !node.is_null())
    }

    /// A text; numbers and booleans are taken as written.
    pub(super) fn string(&mut self, name: &str, ctx: &mut Context<'_>) -> Option<String> {
        let node = self.given(name)?;
        let text = node.text().map(str::to_owned);
        if text.is_none() {
            ctx.wrong_kind(&format!("`{name}`"), "a text", &node);
        }
        text
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn strings(&mut self, name: &str, ctx: &mut Context<'_>) -> Vec<String> {
        self.given(name).map(|node| strings(name, &node, ctx)).unwrap_or_default()
    }

    /// `true` or `false`; false when absent.
    pub(super) fn flag(&mut self, name: &str, ctx: &mut Context<'_>) -> bool {
        match self.given(name) {
            None => false,
            Some(Node { value: Yaml::Bool(flag), .. }) => flag,
            Some(other) => {
                ctx.wrong_kind(&format!("`{name}`"), "true or false", &other);
                false
            }
        }
    }

    /// The keys that nobody asked for, by name.
    pub(super) fn rest(self) -> Vec<(Node, Node)> {
        self.pairs
    }
}

/// The texts of a list, or the one text.
pub(super) fn strings(name: &str, node: &Node, ctx: &mut Context<'_>) -> Vec<String> {
    let items = match &node.value {
        Yaml::Seq(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut out = Vec::new();
    for item in items.iter().filter(|item| !item.is_null()) {
        match item.text() {
            Some(text) => out.push(text.to_owned()),
            None => {
                ctx.wrong_kind(&format!("`{name}`"), "a list of texts", item);
            }
        }
    }
    out
}
