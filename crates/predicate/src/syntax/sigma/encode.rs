//! Base64 and UTF-16, as `base64`, `base64offset`, `wide` and their kin need them.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            // One byte fills two characters, two bytes fill three.
            if i <= chunk.len() {
                out.push(char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// What base64 makes of the bytes wherever they begin in a longer text: a variant for each remainder of three,
/// less the characters at both ends that depend on the neighbours.
pub(super) fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|offset| {
        let mut padded = vec![b' '; offset];
        padded.extend_from_slice(bytes);
        let text = base64(&padded);
        let drop_first = [0, 2, 3][offset];
        let drop_last = [0, 3, 2][padded.len() % 3];
        text.get(drop_first..text.len().saturating_sub(drop_last)).unwrap_or_default().to_owned()
    })
}

/// UTF-16, little endian.
pub(super) fn utf16_le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// UTF-16, big endian.
pub(super) fn utf16_be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// UTF-16, little endian, behind a byte order mark.
pub(super) fn utf16_marked(text: &str) -> Vec<u8> {
    [vec![0xff, 0xfe], utf16_le(text)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_and_shifts() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
        assert_eq!(base64_offsets(b"foobar"), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
        assert_eq!(base64_offsets(b""), ["", "", ""]);
    }

    #[test]
    fn every_variant_is_found_wherever_the_text_begins() {
        for bytes in [&b"a"[..], b"ab", b"abc", b"abcd", b"abcde", b"\xff\x00\xfe"] {
            for before in 0..6 {
                for after in 0..3 {
                    let whole = [vec![0x5a; before], bytes.to_vec(), vec![0xa5; after]].concat();
                    let variant = &base64_offsets(bytes)[before % 3];
                    assert!(base64(&whole).contains(variant.as_str()), "{bytes:?} behind {before}");
                }
            }
        }
    }
}
