//! How wide text is in columns, and text cut to a width.

use unicode_width::UnicodeWidthChar;

/// Columns as the sum over characters, so that cutting anywhere keeps the sum true.
pub fn width_of(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of the start as fits.
pub fn start_of(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// The two ends around an ellipsis where the text does not fit.
pub fn middle_out(text: &str, width: usize, ellipsis: &str) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(width_of(ellipsis));
    let start = start_of(text, room.div_ceil(2));
    let mut end = text.len();
    let mut used = width_of(start);
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        end = at;
    }
    format!("{start}{ellipsis}{}", &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice_and_are_not_halved() {
        assert_eq!([width_of("日本"), width_of("e\u{301}"), width_of("🦀")], [4, 1, 2]);
        assert_eq!(start_of("日本語", 5), "日本");
        assert_eq!(middle_out("日本語日本語", 7, "…"), "日…本語");
        assert_eq!(middle_out("role/admin", 10, "…"), "role/admin");
    }
}
