//! Framings: where the records are in a text, whatever envelope they came in.
//!
//! AWS delivers the same record in an object `{"Records":[…]}`, one a line, in an array, in an EventBridge event, in a CloudWatch Logs
//! subscription message (base64 and gzip), as a string in the answer of a look-up. The form is recognised by content.
//! A [`Reader`] is fed chunk by chunk and calls a [`Sink`] for each record; a record is scanned where it lies and nothing is copied.

use base64::Engine;
use event::scan::{ScanError, blanks, colon, key, skip, string};
use event::value::unescape;

use crate::aws_vpc_flow::format::{Columns, is_flow_line};
use crate::envelope::{Elements, Seen, elements_under, members, name_of, recognise, texts_before};

/// A record larger than this is not read; AWS's largest event is 1 MiB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Envelopes in envelopes deeper than this are not opened.
const NESTED_MAX: usize = 4;
/// So many lines, or bytes of them, are passed over in search of the first record before a text is given up.
const STRANGE_LINES_MAX: usize = 20;
const STRANGE_BYTES_MAX: usize = 64 << 10;
/// How many bytes of JSON objects that are no records are put aside before it is taken for granted that a log is among them.
const STRANGE_JSON_BYTES_MAX: usize = 1 << 20;
/// The mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// What one envelope may inflate to.
const ENVELOPE_BYTES_MAX: u64 = 64 << 20;

/// What takes the records.
pub trait Sink {
    /// A JSON record begins at `at`; returns where it ends. A record that the sink does not want is its own to count.
    fn json(&mut self, text: &[u8], at: usize) -> Result<usize, ScanError>;
    /// A row of a flow log.
    fn flow(&mut self, columns: &Columns, line: &str);
    /// Something that is not a record, why, and its text as far as it was seen.
    fn note(&mut self, note: Note, text: &[u8]);
    /// The records that follow, up to the end of their envelope, come from this log group and stream of CloudWatch Logs.
    fn group(&mut self, _owner: &str, _group: &str, _stream: &str) {}
}

/// What was found beside records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A record that cannot be read; reading went on behind it.
    Rejected {
        /// Why.
        why: String,
        /// Its size.
        bytes: usize,
    },
    /// The text is damaged here and reading stopped.
    Damaged {
        /// Why.
        why: String,
        /// The size of what was not read, as far as it was seen.
        bytes: usize,
    },
    /// A CloudTrail digest file: no records, kept for verification.
    Digest,
    /// The text is no log that is known.
    Unknown {
        /// What it looks like.
        why: String,
    },
}

/// What is being read at one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// JSON values one behind the other, on one line each or not.
    Stream,
    /// The elements of an array, and whether one was read.
    Array(Elements, bool),
    /// The members of an envelope behind the one of this name that held the records. Another of the name holds records too:
    /// two readers may see two different ones.
    Rest(&'static str),
}

#[derive(Debug)]
enum Mode {
    Undecided,
    Json(Vec<Frame>),
    /// Rows of a flow log.
    Lines(Columns),
    /// What CloudWatch Logs exports: lines of a time, a blank and a message.
    Export,
    /// Nothing more is read; what still comes is counted as damaged.
    Stopped,
}

/// Finds the records in one text that comes in chunks.
#[derive(Debug)]
pub struct Reader {
    mode: Mode,
    /// The columns of flow-log rows that come without a header.
    headless: Columns,
    /// The rest of a line is being thrown away after a mistake in it.
    skipping_line: bool,
    depth: usize,
    /// Whether something was read.
    began: bool,
    /// Lines before the first record; in JSON objects, while nothing of a log was seen.
    strange: Vec<Vec<u8>>,
    /// Whether something of a known log was seen, or too much besides: then an object that is no record is one that cannot be read.
    is_log: bool,
    /// The log group of the envelope that was opened last.
    group: [String; 3],
}

/// What to do after one step.
enum Next {
    Go(usize),
    End,
}

impl Reader {
    /// A reader of a new text; flow-log rows without a header have these columns.
    pub fn new(headless: Columns) -> Reader {
        Reader {
            mode: Mode::Undecided,
            headless,
            skipping_line: false,
            depth: 0,
            began: false,
            strange: Vec::new(),
            is_log: false,
            group: Default::default(),
        }
    }

    /// Reads as many whole records as the chunk holds and returns how many bytes of it are done with.
    /// The next chunk begins with the bytes left over. `is_last` says that nothing follows.
    pub fn read(&mut self, text: &[u8], is_last: bool, sink: &mut impl Sink) -> usize {
        let mut at = 0;
        if let Mode::Undecided = self.mode {
            match self.decide(text, is_last) {
                Decided::Records(start) => at = start,
                Decided::NotYet(done) => return done,
                Decided::Unknown => {
                    if let Some(line) = self.strange.first() {
                        let why = match std::str::from_utf8(line) {
                            Ok(line) => unknown_text(line),
                            Err(_) => "not a log that is known (begins with what is not UTF-8)".into(),
                        };
                        sink.note(Note::Unknown { why }, line);
                        self.mode = Mode::Stopped;
                    }
                    return text.len();
                }
            }
            for line in std::mem::take(&mut self.strange) {
                let why = "a line that is no record of a known log".into();
                sink.note(Note::Rejected { why, bytes: line.len() }, &line);
            }
        }
        match self.mode {
            Mode::Json(_) => {
                let done = self.read_json(text, at, is_last, sink);
                if is_last && let Some(first) = std::mem::take(&mut self.strange).first() {
                    let why = unknown_text(&String::from_utf8_lossy(first));
                    sink.note(Note::Unknown { why }, first);
                }
                done
            }
            Mode::Lines(_) | Mode::Export => self.read_lines(text, at, is_last, sink),
            Mode::Undecided | Mode::Stopped => {
                if !text.is_empty() {
                    let why = "what follows a damaged place is not read".into();
                    sink.note(Note::Damaged { why, bytes: text.len() }, text);
                }
                text.len()
            }
        }
    }

    /// Looks for the first record, past a few lines that are none.
    fn decide(&mut self, text: &[u8], is_last: bool) -> Decided {
        let mut at = 0;
        if !self.began {
            if !is_last && text.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(text) {
                return Decided::NotYet(0);
            }
            at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            self.began = true;
        }
        loop {
            at = blanks(text, at);
            match text.get(at) {
                None if is_last => return Decided::Unknown,
                None => return Decided::NotYet(at),
                // Between strange lines, a brace alone makes no JSON.
                Some(b'{' | b'[') => match text.get(blanks(text, at + 1)) {
                    None if !is_last && !self.strange.is_empty() => return Decided::NotYet(at),
                    Some(next) if !self.strange.is_empty() && !b"\"{}[]".contains(next) => {}
                    _ => {
                        self.mode = Mode::Json(vec![Frame::Stream]);
                        return Decided::Records(at);
                    }
                },
                Some(_) => {}
            }
            let end = match memchr::memchr(b'\n', &text[at..]) {
                Some(newline) => at + newline,
                None if is_last => text.len(),
                None if text.len() - at > RECORD_BYTES_MAX => {
                    self.mode = Mode::Lines(self.headless.clone());
                    return Decided::Records(at);
                }
                None => return Decided::NotYet(at),
            };
            let line = text[at..end].trim_ascii_end();
            if let Some(mode) = std::str::from_utf8(line).ok().and_then(|line| self.mode_of(line)) {
                self.mode = mode;
                return Decided::Records(at);
            }
            let n_bytes: usize = self.strange.iter().map(Vec::len).sum();
            // Of one that is too long its start says what it is.
            self.strange.push(line[..line.len().min(STRANGE_BYTES_MAX)].to_vec());
            if self.strange.len() > STRANGE_LINES_MAX || n_bytes + line.len() > STRANGE_BYTES_MAX {
                return Decided::Unknown;
            }
            at = end;
        }
    }

    /// What a line begins that is no JSON.
    fn mode_of(&self, line: &str) -> Option<Mode> {
        if let Some(header) = Columns::from_header(line) {
            return Some(Mode::Lines(header));
        }
        if is_flow_line(&self.headless, line) {
            return Some(Mode::Lines(self.headless.clone()));
        }
        let message = exported(line)?;
        (message.starts_with('{') || is_flow_line(&self.headless, message)).then_some(Mode::Export)
    }

    fn read_json(&mut self, text: &[u8], mut at: usize, is_last: bool, sink: &mut impl Sink) -> usize {
        if self.skipping_line {
            match memchr::memchr(b'\n', &text[at..]) {
                Some(newline) => at += newline + 1,
                None => return text.len(),
            }
            self.skipping_line = false;
        }
        loop {
            match self.step(text, at, sink) {
                Ok(Next::Go(next)) => at = next,
                Ok(Next::End) => return text.len(),
                Err(ScanError::Incomplete) if !is_last && text.len() - at <= RECORD_BYTES_MAX => return at,
                Err(error) => match self.recover(text, at, is_last, error, sink) {
                    Some(next) => at = next,
                    None => return text.len(),
                },
            }
        }
    }

    /// After a mistake in a record: between lines, reading goes on with the next line; inside an array there is no place to go on.
    fn recover(
        &mut self,
        text: &[u8],
        at: usize,
        is_last: bool,
        error: ScanError,
        sink: &mut impl Sink,
    ) -> Option<usize> {
        self.is_of_log(sink);
        // The end of the line before is no line of its own.
        let at = blanks(text, at);
        let rest = text.len() - at;
        let between_lines = matches!(&self.mode, Mode::Json(frames) if frames.len() == 1);
        let why = match error {
            ScanError::Incomplete if is_last => "ends in the middle of a record".to_owned(),
            ScanError::Incomplete => format!("a record larger than {} MiB", RECORD_BYTES_MAX >> 20),
            ScanError::Bad { what, .. } => format!("not JSON: {what}"),
        };
        if between_lines
            && !(is_last
                && error == ScanError::Incomplete
                && memchr::memchr(b'\n', text[at..].trim_ascii_end()).is_none())
        {
            let line = memchr::memchr(b'\n', &text[at..]);
            self.skipping_line = line.is_none() && !is_last;
            let bytes = line.unwrap_or(rest);
            sink.note(Note::Rejected { why, bytes }, &text[at..at + bytes]);
            return line.map(|newline| at + newline + 1);
        }
        self.mode = Mode::Stopped;
        sink.note(Note::Damaged { why, bytes: rest }, &text[at..]);
        None
    }

    fn step(&mut self, text: &[u8], at: usize, sink: &mut impl Sink) -> Result<Next, ScanError> {
        let Mode::Json(frames) = &mut self.mode else { return Ok(Next::End) };
        let Some(frame) = frames.last_mut() else { return Ok(Next::End) };
        let at = blanks(text, at);
        let byte = text.get(at).copied();
        match frame {
            Frame::Stream => match byte {
                None => Err(ScanError::Incomplete).or_else(|e| if at == text.len() { Ok(Next::End) } else { Err(e) }),
                // The ASCII record separator of JSON text sequences.
                Some(0x1e) => Ok(Next::Go(at + 1)),
                Some(b'[') => {
                    frames.push(Frame::Array(Elements::Values, false));
                    Ok(Next::Go(at + 1))
                }
                Some(b'{') => self.object(text, at, sink),
                Some(_) => Err(ScanError::Bad { at, what: "a JSON object is due" }),
            },
            Frame::Rest(name) => match byte {
                Some(b',') => {
                    let name = *name;
                    self.further(text, at, name, sink)
                }
                Some(b'}') => {
                    frames.pop();
                    Ok(Next::Go(at + 1))
                }
                Some(_) => Err(ScanError::Bad { at, what: "a comma or `}` is due" }),
                None => Err(ScanError::Incomplete),
            },
            Frame::Array(elements, began) => {
                let elements = *elements;
                let value = match byte {
                    Some(b']') => {
                        frames.pop();
                        if elements == Elements::TextUnder("message") {
                            sink.group("", "", "");
                        }
                        return Ok(Next::Go(at + 1));
                    }
                    Some(b',') if *began => blanks(text, at + 1),
                    Some(_) if !*began => at,
                    Some(_) => return Err(ScanError::Bad { at, what: "a comma or `]` is due" }),
                    None => return Err(ScanError::Incomplete),
                };
                let next = self.element(text, value, elements, sink)?;
                self.began(elements);
                Ok(next)
            }
        }
    }

    /// Reads the member of an envelope behind the comma; records only where it has the name of the member that held them.
    fn further(
        &mut self,
        text: &[u8],
        comma: usize,
        name: &'static str,
        sink: &mut impl Sink,
    ) -> Result<Next, ScanError> {
        let at = blanks(text, comma + 1);
        let (key_end, is_escaped) = key(text, at)?;
        let value = colon(text, key_end)?;
        if *name_of(text, at, key_end, is_escaped) != *name.as_bytes() {
            return Ok(Next::Go(skip(text, value, 0)?));
        }
        let Mode::Json(frames) = &mut self.mode else { return Ok(Next::End) };
        let end = match (elements_under(name), text.get(value)) {
            (_, None) => return Err(ScanError::Incomplete),
            (Some(elements), Some(b'[')) => {
                if elements == Elements::TextUnder("message") {
                    let [owner, group, stream] = &self.group;
                    sink.group(owner, group, stream);
                }
                frames.push(Frame::Array(elements, false));
                value + 1
            }
            (None, Some(b'{')) => sink.json(text, value)?,
            (_, Some(b'n')) => skip(text, value, 0)?,
            _ => {
                let end = skip(text, value, 0)?;
                let why = format!("a second `{name}` that holds no records");
                sink.note(Note::Rejected { why, bytes: end - value }, &text[value..end]);
                end
            }
        };
        Ok(Next::Go(end))
    }

    /// Notes that the array's first element is behind. The frame may lie under those that the element opened.
    fn began(&mut self, elements: Elements) {
        if let Mode::Json(frames) = &mut self.mode
            && let Some(frame) = frames.iter_mut().rev().find(|f| matches!(f, Frame::Array(e, _) if *e == elements))
        {
            *frame = Frame::Array(elements, true);
        }
    }

    fn element(&mut self, text: &[u8], at: usize, elements: Elements, sink: &mut impl Sink) -> Result<Next, ScanError> {
        if *text.get(at).ok_or(ScanError::Incomplete)? != b'{' {
            let end = skip(text, at, 0)?;
            let why = "a record that is not a JSON object".into();
            sink.note(Note::Rejected { why, bytes: end - at }, &text[at..end]);
            return Ok(Next::Go(end));
        }
        match elements {
            Elements::Records => Ok(Next::Go(sink.json(text, at)?)),
            Elements::Values => self.object(text, at, sink),
            Elements::TextUnder(name) => {
                let (values, end) = members(text, at, name)?;
                let texts: Vec<usize> = values.into_iter().filter(|value| text[*value] == b'"').collect();
                if texts.is_empty() {
                    let why = format!("an element without a text under `{name}`");
                    sink.note(Note::Rejected { why, bytes: end - at }, &text[at..end]);
                }
                for value in texts {
                    self.inner(text, value, sink)?;
                }
                Ok(Next::Go(end))
            }
        }
    }

    /// Reads the record or the envelope that begins here.
    fn object(&mut self, text: &[u8], at: usize, sink: &mut impl Sink) -> Result<Next, ScanError> {
        let seen = recognise(text, at)?;
        if !matches!(seen, Seen::Other) {
            self.is_of_log(sink);
        }
        let Mode::Json(frames) = &mut self.mode else { return Ok(Next::End) };
        match seen {
            Seen::Record => Ok(Next::Go(sink.json(text, at)?)),
            Seen::Inside(name, record) => {
                frames.push(Frame::Rest(name));
                let end = sink.json(text, record);
                if end.is_err()
                    && let Mode::Json(frames) = &mut self.mode
                {
                    frames.pop();
                }
                Ok(Next::Go(end?))
            }
            Seen::List(name, elements, first) => {
                if elements == Elements::TextUnder("message") {
                    self.group = texts_before(text, at, first, ["owner", "logGroup", "logStream"]);
                    let [owner, group, stream] = &self.group;
                    sink.group(owner, group, stream);
                }
                let Mode::Json(frames) = &mut self.mode else { return Ok(Next::End) };
                frames.push(Frame::Rest(name));
                frames.push(Frame::Array(elements, false));
                Ok(Next::Go(first))
            }
            Seen::Text(name) => {
                let (values, end) = members(text, at, name)?;
                for value in values.into_iter().filter(|value| text[*value] == b'"') {
                    self.inner(text, value, sink)?;
                }
                Ok(Next::Go(end))
            }
            Seen::Packed => {
                let (outer, end) = members(text, at, "awslogs")?;
                for value in outer.into_iter().filter(|value| text[*value] == b'{') {
                    for data in members(text, value, "data")?.0 {
                        self.packed(text, data, sink)?;
                    }
                }
                Ok(Next::Go(end))
            }
            Seen::Digest => {
                let end = skip(text, at, 0)?;
                sink.note(Note::Digest, &text[at..end]);
                Ok(Next::Go(end))
            }
            Seen::Other => {
                let end = skip(text, at, 0)?;
                self.strange.push(text[at..end].to_vec());
                if self.depth > 0
                    || self.is_log
                    || self.strange.iter().map(Vec::len).sum::<usize>() > STRANGE_JSON_BYTES_MAX
                {
                    self.is_of_log(sink);
                }
                Ok(Next::Go(end))
            }
        }
    }

    /// From here on the text is a log, so the objects before that are none were records that cannot be read.
    fn is_of_log(&mut self, sink: &mut impl Sink) {
        self.is_log = true;
        for object in std::mem::take(&mut self.strange) {
            let why = "a JSON object that is no record of a known log".into();
            sink.note(Note::Rejected { why, bytes: object.len() }, &object);
        }
    }

    /// Reads a record that lies as a string inside another.
    fn inner(&mut self, text: &[u8], at: usize, sink: &mut impl Sink) -> Result<(), ScanError> {
        let (end, _) = string(text, at)?;
        let Ok(inside) = std::str::from_utf8(&text[at + 1..end - 1]) else {
            let why = "text that is not UTF-8".into();
            sink.note(Note::Rejected { why, bytes: end - at }, &text[at..end]);
            return Ok(());
        };
        let inner = unescape(inside);
        if is_flow_line(&self.headless, inner.trim_end()) {
            sink.flow(&self.headless, inner.trim_end());
            return Ok(());
        }
        self.nested(inner.as_bytes(), sink);
        Ok(())
    }

    /// Reads what lies in base64 and gzip under `data`, as CloudWatch Logs hands it to subscribers.
    fn packed(&mut self, text: &[u8], at: usize, sink: &mut impl Sink) -> Result<(), ScanError> {
        if text[at] != b'"' {
            let end = skip(text, at, 0)?;
            let why = "an envelope whose data is not base64".into();
            sink.note(Note::Rejected { why, bytes: end - at }, &text[at..end]);
            return Ok(());
        }
        let (end, _) = string(text, at)?;
        let mut rejected = |why: &str| sink.note(Note::Rejected { why: why.into(), bytes: end - at }, &text[at..end]);
        let Ok(packed) = base64::engine::general_purpose::STANDARD.decode(&text[at + 1..end - 1]) else {
            rejected("an envelope whose data is not base64");
            return Ok(());
        };
        let mut inflated = Vec::new();
        let mut gzip = std::io::Read::take(flate2::read::MultiGzDecoder::new(&*packed), ENVELOPE_BYTES_MAX + 1);
        if std::io::Read::read_to_end(&mut gzip, &mut inflated).is_err() {
            rejected("an envelope whose data is not good gzip");
        } else if inflated.len() as u64 > ENVELOPE_BYTES_MAX {
            rejected("an envelope whose data inflates to more than 64 MiB");
        } else {
            self.nested(&inflated, sink);
        }
        Ok(())
    }

    fn nested(&mut self, text: &[u8], sink: &mut impl Sink) {
        if self.depth >= NESTED_MAX {
            let why = "envelopes in envelopes, too deep".into();
            sink.note(Note::Rejected { why, bytes: text.len() }, text);
            return;
        }
        let mut reader = Reader { depth: self.depth + 1, ..Reader::new(self.headless.clone()) };
        reader.read(text, true, sink);
    }

    fn read_lines(&mut self, text: &[u8], mut at: usize, is_last: bool, sink: &mut impl Sink) -> usize {
        // Looked at as a whole, since a look at each line costs more; what is not UTF-8 is looked at line by line.
        let good = match std::str::from_utf8(text) {
            Ok(good) => good,
            Err(err) => std::str::from_utf8(&text[..err.valid_up_to()]).unwrap_or(""),
        };
        while at < text.len() {
            let end = match memchr::memchr(b'\n', &text[at..]) {
                Some(newline) => at + newline,
                None if is_last => text.len(),
                None if text.len() - at > RECORD_BYTES_MAX => {
                    self.mode = Mode::Stopped;
                    let why = "a line of more than 16 MiB".into();
                    sink.note(Note::Damaged { why, bytes: text.len() - at }, &text[at..]);
                    return text.len();
                }
                None => return at,
            };
            let start = std::mem::replace(&mut at, (end + 1).min(text.len()));
            let line = good.get(start..end).map_or_else(|| std::str::from_utf8(&text[start..end]), Ok);
            match line.map(str::trim_ascii_end) {
                Ok("") => {}
                Ok(line) => self.line(line, sink),
                Err(_) => {
                    let line = text[start..end].trim_ascii_end();
                    sink.note(Note::Rejected { why: "a line that is not UTF-8".into(), bytes: line.len() }, line);
                }
            }
        }
        at
    }

    /// Takes one line.
    fn line(&mut self, line: &str, sink: &mut impl Sink) {
        match &mut self.mode {
            Mode::Lines(columns) => match Columns::from_header(line) {
                // Files of one flow log that were put together repeat their header.
                Some(header) => *columns = header,
                None => sink.flow(columns, line),
            },
            _ => match exported(line) {
                Some(message) if is_flow_line(&self.headless, message) => sink.flow(&self.headless, message),
                Some(message) if message.starts_with('{') => self.nested(message.as_bytes(), sink),
                _ => {
                    let why = "a line that is no record of a known log".into();
                    sink.note(Note::Rejected { why, bytes: line.len() }, line.as_bytes());
                }
            },
        }
    }
}

/// What was found of the beginning of a text.
enum Decided {
    /// The first record is due here.
    Records(usize),
    /// So many bytes are behind, and more are needed to tell.
    NotYet(usize),
    /// No log that is known.
    Unknown,
}

/// The message of a line as CloudWatch Logs exports it: behind a time and one blank.
fn exported(line: &str) -> Option<&str> {
    // Nearly all other lines fail this look.
    if line.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (time, message) = line.split_once(' ')?;
    (time.as_bytes().get(10) == Some(&b'T') && event::time::parse(time).is_some()).then_some(message)
}

/// What to say of a text whose first line is none of ours.
fn unknown_text(line: &str) -> String {
    let n_fields = line.split_ascii_whitespace().count();
    let looks_like_flow =
        n_fields > 5 && line.split_ascii_whitespace().any(|f| matches!(f, "ACCEPT" | "REJECT" | "NODATA" | "SKIPDATA"));
    if looks_like_flow {
        return format!("{n_fields} columns without a header, not the default ones: name them with --flow-format");
    }
    let start: String = line.chars().take(40).collect();
    format!("not a log that is known (begins with {start:?})")
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
