//! What the durable log keeps of a delivery: who sent it, what it is called, and the texts that came with it.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::keep::QUARANTINED;
use crate::pipeline::Piece;

/// What one part of a delivery may have: the log takes twice as much.
const PART_BYTES_MAX: usize = 32 << 20;
/// What the number of a piece takes.
const NUMBER_BYTES: usize = 9;

/// How far a sender is trusted, as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// It showed a token.
    Push,
    /// Anybody may have sent it.
    Anonymous,
    /// It was in the quarantine, where it stays.
    Quarantine,
}

impl Trust {
    /// As events name it.
    pub fn name(self) -> &'static str {
        match self {
            Trust::Push => "push",
            Trust::Anonymous => "anonymous",
            Trust::Quarantine => QUARANTINED,
        }
    }
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The feed: `http`, `firehose`, `hec`, `syslog`.
    pub feed: String,
    /// What it is called by its sender: the same when it is sent again.
    pub name: String,
    /// How far the sender is trusted.
    pub trust: Trust,
    /// When it came.
    pub at_ms: i64,
    /// The texts, packed or not.
    pub pieces: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    feed: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    trust: Trust,
    at_ms: i64,
    lens: Vec<usize>,
}

impl Frame {
    /// As the log keeps it, in parts that it takes: most deliveries are one. A piece that is longer than any record may be is cut.
    pub fn parts(&self) -> impl Iterator<Item = Vec<u8>> {
        let mut parts: Vec<Vec<&[u8]>> = vec![Vec::new()];
        let mut bytes = 0;
        for piece in self.pieces.iter().flat_map(|piece| piece.chunks(PART_BYTES_MAX)) {
            // Each piece has a number in the head.
            let more = piece.len() + NUMBER_BYTES;
            if bytes + more > PART_BYTES_MAX && bytes > 0 {
                parts.push(Vec::new());
                bytes = 0;
            }
            bytes += more;
            parts.last_mut().expect("there is one").push(piece);
        }
        parts.into_iter().enumerate().map(|(at, pieces)| match at {
            0 => self.encode(&self.name, &pieces),
            at => self.encode(&format!("{}+{at}", self.name), &pieces),
        })
    }

    /// As the log keeps one that is short.
    #[cfg(test)]
    pub fn encoded(&self) -> Vec<u8> {
        self.parts().next().expect("there is one")
    }

    /// A line of JSON, and the pieces behind it.
    fn encode(&self, name: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let lens: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
        let len = lens.iter().sum::<usize>();
        let head =
            Head { feed: self.feed.as_str().into(), name: name.into(), trust: self.trust, at_ms: self.at_ms, lens };
        let mut out = serde_json::to_vec(&head).expect("texts and numbers are JSON");
        out.reserve(len + 1);
        out.push(b'\n');
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
        out
    }

    /// Reads what was encoded.
    pub fn decode(bytes: &[u8]) -> anyhow::Result<Frame> {
        let end = bytes.iter().position(|b| *b == b'\n').context("a delivery in the log has no head")?;
        let head: Head<'_> = serde_json::from_slice(&bytes[..end]).context("the head of a delivery is not readable")?;
        let mut rest = &bytes[end + 1..];
        let mut pieces = Vec::new();
        for len in head.lens {
            let Some((piece, behind)) = rest.split_at_checked(len) else {
                bail!("a delivery in the log is shorter than its head says")
            };
            pieces.push(piece.to_vec());
            rest = behind;
        }
        let (feed, name) = (head.feed.into_owned(), head.name.into_owned());
        Ok(Frame { feed, name, trust: head.trust, at_ms: head.at_ms, pieces })
    }

    /// The pieces as the pipeline reads them: what is packed stands on its own, and plain texts stand together, a line or more each.
    pub fn into_pieces(self) -> Vec<Piece> {
        let is_packed = |piece: &[u8]| piece.starts_with(&[0x1F, 0x8B]) || piece.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut can_join = false;
        for piece in self.pieces {
            let packed = is_packed(&piece);
            match texts.last_mut().filter(|_| can_join && !packed) {
                Some(text) => {
                    if !text.ends_with(b"\n") {
                        text.push(b'\n');
                    }
                    text.extend_from_slice(&piece);
                }
                None => texts.push(piece),
            }
            can_join = !packed;
        }
        let n = texts.len();
        let name = |at: usize| {
            if n == 1 { format!("{}/{}", self.feed, self.name) } else { format!("{}/{}#{at}", self.feed, self.name) }
        };
        let trust = self.trust.name();
        texts.into_iter().enumerate().map(|(at, bytes)| Piece { name: name(at), trust, bytes }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(pieces: &[&[u8]]) -> Frame {
        Frame {
            feed: "http".into(),
            name: "a \"b\"\n".into(),
            trust: Trust::Push,
            at_ms: 7,
            pieces: pieces.iter().map(|p| p.to_vec()).collect(),
        }
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        for pieces in [&[b"".as_slice()][..], &[b"{}\n", b"\n\n", b"x\0y"]] {
            let frame = frame(pieces);
            let parts: Vec<Vec<u8>> = frame.parts().collect();
            let [bytes] = parts.as_slice() else { panic!("it is short") };
            let read = Frame::decode(bytes).expect("it was encoded just now");
            assert_eq!(read.pieces.concat(), frame.pieces.concat());
            assert_eq!(Frame { pieces: Vec::new(), ..read }, Frame { pieces: Vec::new(), ..frame });
        }
        let bytes = frame(&[b"abc"]).encoded();
        assert!(Frame::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Frame::decode(b"").is_err());
    }

    #[test]
    fn a_delivery_that_is_longer_than_the_log_takes_is_in_parts() {
        let long = vec![b'x'; 2 * PART_BYTES_MAX + 5];
        let many = vec![b"y".as_slice(); 5 << 20];
        for pieces in [&[long.as_slice()][..], &[b"a", long.as_slice(), b"b"], many.as_slice()] {
            let frame = frame(pieces);
            let parts: Vec<Vec<u8>> = frame.parts().collect();
            assert!(parts.len() > 1 && parts.iter().all(|part| part.len() < wal::PAYLOAD_BYTES_MAX));
            let read: Vec<Frame> = parts.iter().map(|part| Frame::decode(part).expect("it is one")).collect();
            let bytes: Vec<u8> = read.iter().flat_map(|part| part.pieces.concat()).collect();
            assert!(bytes == frame.pieces.concat(), "nothing is lost");
            let mut names: Vec<&str> = read.iter().map(|part| part.name.as_str()).collect();
            names.dedup();
            assert_eq!(names.len(), parts.len());
        }
    }

    #[test]
    fn texts_stand_together_and_packed_ones_alone() {
        let pieces = frame(&[b"a", b"b\n", b"c", b"\x1F\x8Bx", b"d"]).into_pieces();
        let bytes: Vec<&[u8]> = pieces.iter().map(|p| p.bytes.as_slice()).collect();
        assert_eq!(bytes, [b"a\nb\nc".as_slice(), b"\x1F\x8Bx", b"d"]);
    }
}
