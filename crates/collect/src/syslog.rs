//! Syslog: messages as in RFC 5424 and RFC 3164, and as programs write them, and the framing of RFC 6587 for streams.
//!
//! Anything is a message: what cannot be told apart stays in its text. Nothing is copied but what is escaped.

use std::borrow::Cow;

mod framing;
mod time;

pub use framing::{Frame, Framer, Framing};
pub use time::Time;

/// How many elements of structured data are told apart; the rest stays in the message's bytes.
const ELEMENTS_MAX: usize = 256;
/// How many parameters all elements may have together.
const PARAMS_MAX: usize = 4_096;

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// RFC 5424: `<34>1 2003-10-11T22:14:15.003Z host app procid msgid - text`.
    Rfc5424,
    /// RFC 3164, or nearly: `<34>Oct 11 22:14:15 host app[procid]: text`.
    Rfc3164,
    /// None of them: all but a priority is text.
    Plain,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// How it is written.
    pub form: Form,
    /// What kind of program it is from, 0 to 23, and how grave it is, 0 to 7.
    pub priority: Option<(u8, u8)>,
    /// When it was written, as it says.
    pub time: Option<Time>,
    /// By which host, as it says.
    pub host: Option<Cow<'a, str>>,
    /// By which program.
    pub app: Option<Cow<'a, str>>,
    /// By which process.
    pub procid: Option<Cow<'a, str>>,
    /// Which kind of message.
    pub msgid: Option<Cow<'a, str>>,
    /// Structured data.
    pub data: Vec<Element<'a>>,
    /// The text.
    pub text: &'a [u8],
}

/// An element of structured data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its name: `exampleSDID@32473`.
    pub id: Cow<'a, str>,
    /// Names and values, without escapes.
    pub params: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Reads a message. What ends it on the wire is not part of it.
pub fn parse(bytes: &[u8]) -> Message<'_> {
    let (priority, rest) = priority(bytes);
    let plain = Message {
        form: Form::Plain,
        priority,
        time: None,
        host: None,
        app: None,
        procid: None,
        msgid: None,
        data: Vec::new(),
        text: rest,
    };
    if priority.is_some()
        && let Some(message) = rest.strip_prefix(b"1 ").and_then(|rest| rfc5424(rest, &plain))
    {
        return message;
    }
    rfc3164(rest, &plain).unwrap_or(plain)
}

/// `<34>`, as facility and severity.
fn priority(bytes: &[u8]) -> (Option<(u8, u8)>, &[u8]) {
    let read = || {
        let inside = bytes.strip_prefix(b"<")?;
        let end = inside.iter().take(4).position(|byte| *byte == b'>')?;
        let digits =
            std::str::from_utf8(&inside[..end]).ok().filter(|_| inside[..end].iter().all(u8::is_ascii_digit))?;
        let value: u8 = digits.parse().ok().filter(|value| *value < 192)?;
        Some((value, &inside[end + 1..]))
    };
    match read() {
        Some((value, rest)) => (Some((value / 8, value % 8)), rest),
        None => (None, bytes),
    }
}

/// The bytes before a blank, and those behind it.
fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    (!bytes.is_empty() && bytes != b"-").then(|| String::from_utf8_lossy(bytes))
}

/// All behind the version.
fn rfc5424<'a>(bytes: &'a [u8], plain: &Message<'a>) -> Option<Message<'a>> {
    let (stamp, rest) = word(bytes);
    let time = if stamp == b"-" { None } else { Some(Time::rfc3339(stamp)?) };
    let (host, rest) = word(rest);
    let (app, rest) = word(rest);
    let (procid, rest) = word(rest);
    let (msgid, rest) = word(rest);
    if [host, app, procid, msgid].iter().any(|word| word.is_empty()) {
        return None;
    }
    let (data, rest) = structured(rest)?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    // A mark that the text is UTF-8, and no part of it.
    let rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
    Some(Message {
        form: Form::Rfc5424,
        priority: plain.priority,
        time,
        host: text(host),
        app: text(app),
        procid: text(procid),
        msgid: text(msgid),
        data,
        text: rest,
    })
}

/// `-`, or elements one behind the other.
fn structured(bytes: &[u8]) -> Option<(Vec<Element<'_>>, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(b"-") {
        return (rest.is_empty() || rest[0] == b' ').then_some((Vec::new(), rest));
    }
    let mut elements = Vec::new();
    let mut n_params = 0;
    let mut rest = bytes;
    while let Some(inside) = rest.strip_prefix(b"[") {
        if elements.len() == ELEMENTS_MAX || n_params > PARAMS_MAX {
            return None;
        }
        let (element, behind) = element(inside)?;
        n_params += element.params.len();
        elements.push(element);
        rest = behind;
    }
    (!elements.is_empty() && (rest.is_empty() || rest[0] == b' ')).then_some((elements, rest))
}

/// An element, behind its `[`.
fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let end = bytes.iter().position(|byte| matches!(byte, b' ' | b']' | b'=' | b'"'))?;
    let id = text(&bytes[..end])?;
    let mut params = Vec::new();
    let mut rest = &bytes[end..];
    loop {
        if let Some(behind) = rest.strip_prefix(b"]") {
            return Some((Element { id, params }, behind));
        }
        if params.len() > PARAMS_MAX {
            return None;
        }
        let start = rest.iter().position(|byte| *byte != b' ').filter(|start| *start > 0)?;
        let named = &rest[start..];
        if named[0] == b']' {
            rest = named;
            continue;
        }
        let equals = named.iter().position(|byte| matches!(byte, b'=' | b' ' | b']' | b'"'))?;
        let value = named[equals..].strip_prefix(b"=\"")?;
        let end = quote(value)?;
        params.push((String::from_utf8_lossy(&named[..equals]), unescaped(&value[..end])));
        rest = &value[end + 1..];
    }
}

/// Where the quote is that ends a value.
fn quote(value: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &value[at..])?;
        if value[at] == b'"' {
            return Some(at);
        }
        at += 2;
        if at > value.len() {
            return None;
        }
    }
}

/// A value without the backslashes before `"`, `\` and `]`. Others stay.
fn unescaped(value: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', value).is_none() {
        return String::from_utf8_lossy(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match bytes.peek() {
            Some(next @ (b'"' | b'\\' | b']')) if byte == b'\\' => {
                out.push(*next);
                bytes.next();
            }
            _ => out.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// All behind the priority: a time, a host, and a tag that ends with a colon.
fn rfc3164<'a>(bytes: &'a [u8], plain: &Message<'a>) -> Option<Message<'a>> {
    let (time, rest) = Time::leading(bytes)?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let message = Message { form: Form::Rfc3164, time: Some(time), text: rest, ..plain.clone() };
    let (host, behind) = word(rest);
    // Without a host the tag comes first.
    let (host, tagged) = if host.ends_with(b":") || host.ends_with(b"]") { (&[][..], rest) } else { (host, behind) };
    let message = Message { host: text(host), text: tagged, ..message };
    Some(tag(tagged, &message).unwrap_or(message))
}

/// `app[procid]: text` or `app: text`.
fn tag<'a>(bytes: &'a [u8], message: &Message<'a>) -> Option<Message<'a>> {
    // A tag has 32 letters at most; programs write longer ones.
    let is_end = |byte: &u8| matches!(byte, b':' | b'[' | b' ');
    let end = bytes.iter().take(256).position(is_end).filter(|end| *end > 0)?;
    let (app, rest) = bytes.split_at(end);
    let (procid, rest) = match rest.strip_prefix(b"[") {
        Some(inside) => {
            let end = inside.iter().take(128).position(|byte| *byte == b']')?;
            (text(&inside[..end]), &inside[end + 1..])
        }
        None => (None, rest),
    };
    let said = rest.strip_prefix(b":")?;
    let said = said.strip_prefix(b" ").unwrap_or(said);
    Some(Message { app: text(app), procid, text: said, ..message.clone() })
}
