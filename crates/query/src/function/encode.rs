//! Other spellings of text and numbers: URLs, base64, hexadecimal, digests.

use std::fmt::Write as _;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result;
use md5::{Digest as _, Md5};
use predicate::diagnostic::Diagnostic;
use sha2::Sha256;

use super::native::{Columns, Gives, Native, Take};
use super::{Call, Function};
use crate::kind::{Kind, Typed, whole};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "urlencode",
        aliases: &["url_encode"],
        usage: "urlencode(s)",
        doc: "The text with every byte but letters, digits and `-._~` as `%XX`.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &URL_ENCODE),
    },
    Function {
        name: "urldecode",
        aliases: &["url_decode"],
        usage: "urldecode(s)",
        doc: "The text that was encoded; `+` is a blank, and what is no escape stays.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &URL_DECODE),
    },
    Function {
        name: "base64encode",
        aliases: &["base64_encode"],
        usage: "base64encode(s)",
        doc: "The text in base64.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &BASE64_ENCODE),
    },
    Function {
        name: "base64decode",
        aliases: &["base64_decode"],
        usage: "base64decode(s)",
        doc: "The text that base64 stands for, also in the alphabet of URLs and without padding; null if it is none.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &BASE64_DECODE),
    },
    Function {
        name: "hexToAscii",
        aliases: &[],
        usage: "hexToAscii(s)",
        doc: "The text whose bytes are written in hexadecimal; null if there is none.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &HEX_TEXT),
    },
    Function {
        name: "hexToDec",
        aliases: &[],
        usage: "hexToDec(s)",
        doc: "The number that is written in hexadecimal; null if there is none.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: HEX_NUMBER.call(vec![call.text(0)?]), kind: Kind::Number }),
    },
    Function {
        name: "decToHex",
        aliases: &[],
        usage: "decToHex(n)",
        doc: "The number in hexadecimal, without its fraction.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: TO_HEX.call(vec![call.number(0)?]), kind: Kind::Text }),
    },
    Function {
        name: "md5",
        aliases: &[],
        usage: "md5(s)",
        doc: "The MD5 digest of the text, in hexadecimal.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &MD5),
    },
    Function {
        name: "sha256",
        aliases: &[],
        usage: "sha256(s)",
        doc: "The SHA-256 digest of the text, in hexadecimal.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &SHA256),
    },
];

fn of_one(call: &Call<'_>, native: &'static Native) -> Result<Typed, Diagnostic> {
    Ok(Typed { expr: native.call(vec![call.text(0)?]), kind: Kind::Text })
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] =
    &[&URL_ENCODE, &URL_DECODE, &BASE64_ENCODE, &BASE64_DECODE, &HEX_TEXT, &HEX_NUMBER, &TO_HEX, &MD5, &SHA256];

const TEXT: Take = Take::Kind(Kind::Text);
const TEXTS: Gives = Gives::Kind(Kind::Text);

static URL_ENCODE: Native = Native {
    name: "lq_url_encode",
    takes: &[TEXT],
    gives: TEXTS,
    run: |args| each(args, |text| Some(url_encode(text))),
};
static URL_DECODE: Native = Native {
    name: "lq_url_decode",
    takes: &[TEXT],
    gives: TEXTS,
    run: |args| each(args, |text| Some(url_decode(text))),
};
static BASE64_ENCODE: Native = Native {
    name: "lq_base64_encode",
    takes: &[TEXT],
    gives: TEXTS,
    run: |args| each(args, |text| Some(base64_encode(text))),
};
static BASE64_DECODE: Native =
    Native { name: "lq_base64_decode", takes: &[TEXT], gives: TEXTS, run: |args| each(args, base64_decode) };
static HEX_TEXT: Native =
    Native { name: "lq_hex_text", takes: &[TEXT], gives: TEXTS, run: |args| each(args, hex_text) };
static HEX_NUMBER: Native = Native {
    name: "lq_hex_number",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Number),
    run: |args| {
        let text = args.texts(0);
        args.number(|i| text.get(i).and_then(hex_number))
    },
};
static TO_HEX: Native = Native {
    name: "lq_to_hex",
    takes: &[Take::Kind(Kind::Number)],
    gives: TEXTS,
    run: |args| {
        let n = args.numbers(0);
        args.text(|i| n.get(i).and_then(whole).map(to_hex))
    },
};
static MD5: Native = Native {
    name: "lq_md5",
    takes: &[TEXT],
    gives: TEXTS,
    run: |args| each(args, |text| Some(hex(&Md5::digest(text)))),
};
static SHA256: Native = Native {
    name: "lq_sha256",
    takes: &[TEXT],
    gives: TEXTS,
    run: |args| each(args, |text| Some(hex(&<Sha256 as sha2::Digest>::digest(text)))),
};

fn each(args: &Columns, f: fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let text = args.texts(0);
    args.text(|i| text.get(i).and_then(f))
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn url_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], escaped(&bytes[at..])) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The byte that `%XX` stands for.
fn escaped(bytes: &[u8]) -> Option<u8> {
    Some(hex_digit(*bytes.get(1)?)? << 4 | hex_digit(*bytes.get(2)?)?)
}

fn hex_digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).map(|digit| digit as u8)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len().div_ceil(3) * 4);
    for three in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, i| bits << 8 | u32::from(three.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let letter = char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]);
            out.push(if i > three.len() { '=' } else { letter });
        }
    }
    out
}

fn base64_decode(text: &str) -> Option<String> {
    let unpadded = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(unpadded.len() / 4 * 3 + 2);
    let (mut bits, mut n_bits) = (0_u32, 0);
    for c in unpadded.bytes().filter(|c| !c.is_ascii_whitespace()) {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((bits >> n_bits) as u8);
            bits &= (1 << n_bits) - 1;
        }
    }
    // A lone letter at the end is the rest of nothing.
    (n_bits < 6).then(|| String::from_utf8_lossy(&out).into_owned())
}

fn without_prefix(text: &str) -> &str {
    text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text)
}

fn hex_text(text: &str) -> Option<String> {
    let digits = without_prefix(text).as_bytes();
    if digits.is_empty() || digits.len() % 2 == 1 {
        return None;
    }
    let byte = |pair: &[u8]| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?);
    let bytes = digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex_number(text: &str) -> Option<f64> {
    let (text, sign) = text.strip_prefix('-').map_or((text, 1.0), |text| (text, -1.0));
    let digits = without_prefix(text);
    if digits.is_empty() {
        return None;
    }
    let n = digits.bytes().try_fold(0.0, |n, c| Some(n * 16.0 + f64::from(hex_digit(c)?)))?;
    Some(sign * n)
}

fn to_hex(n: i64) -> String {
    format!("{}0x{:x}", if n < 0 { "-" } else { "" }, n.unsigned_abs())
}
