//! JSON that acts on no terminal: what JSON may leave as it is and terminals obey (DEL, the second set of controls, changes of direction) is
//! written as escapes, which say the same. Outside of strings JSON has none of it.

use std::io::{self, Write};

/// Writes JSON so.
pub struct Spelled<W: Write> {
    inner: W,
    /// The beginning of a character whose rest has not come.
    held: Vec<u8>,
}

impl<W: Write> Spelled<W> {
    /// Nothing is written yet.
    pub fn new(inner: W) -> Spelled<W> {
        Spelled { inner, held: Vec::new() }
    }

    fn spell(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while let Some(at) = rest.iter().position(|byte| matches!(byte, 0x7F | 0xC2 | 0xE2)) {
            self.inner.write_all(&rest[..at])?;
            rest = &rest[at..];
            let len = match rest[0] {
                0x7F => 1,
                0xC2 => 2,
                _ => 3,
            };
            let Some((bytes, behind)) = rest.split_at_checked(len) else {
                self.held = rest.to_vec();
                return Ok(());
            };
            match std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()).filter(|c| acts(*c)) {
                Some(c) => write!(self.inner, "\\u{:04x}", u32::from(c))?,
                None => self.inner.write_all(bytes)?,
            }
            rest = behind;
        }
        self.inner.write_all(rest)
    }
}

fn acts(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl<W: Write> Write for Spelled<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            self.spell(bytes)?;
        } else {
            let mut whole = std::mem::take(&mut self.held);
            whole.extend_from_slice(bytes);
            self.spell(&whole)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.inner.write_all(&held)?;
        self.inner.flush()
    }
}

/// A line of JSON so.
pub fn spelled(json: &str) -> String {
    let mut out = Spelled::new(Vec::new());
    let _ = out.write_all(json.as_bytes()).and_then(|()| out.flush());
    String::from_utf8_lossy(&out.inner).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_same_and_acts_on_no_terminal() {
        let text = "a\u{1b}[2J \u{7f}\u{80}\u{9b}31m\u{9f} é\u{a0}¿ \u{200e}\u{2028}\u{202e}x\u{2069} “—” \u{fdfd}😀";
        let json = serde_json::to_string(text).expect("a text is JSON");
        let out = spelled(&json);
        assert_eq!(serde_json::from_str::<String>(&out).expect("it is JSON"), text);
        assert!(!out.chars().any(|c| c.is_control() || acts(c)), "{out:?}");
        assert!(out.contains("é\u{a0}¿") && out.contains("“—” \u{fdfd}😀") && out.contains("\\u009b31m"), "{out}");
        // However it comes.
        for at in 0..json.len() {
            let mut pieces = Spelled::new(Vec::new());
            let (first, second) = json.as_bytes().split_at(at);
            [first, second].into_iter().for_each(|piece| pieces.write_all(piece).expect("memory"));
            pieces.flush().expect("memory");
            assert_eq!(String::from_utf8_lossy(&pieces.inner), out, "cut at {at}");
        }
    }
}
