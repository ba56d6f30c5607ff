//! The server's own log: a line of JSON on standard error for each record. JSON escapes what could forge a line or move a terminal's cursor.

use serde_json::json;

fn line(level: &str, about: &str, text: &str) {
    tell!(
        "{}",
        json!({"time": event::time::rfc3339(super::now_ms()), "level": level, "about": about, "message": text})
    );
}

/// Something that people may want to know.
pub fn info(about: &str, text: &str) {
    line("info", about, text);
}

/// Something that needs somebody to look.
pub fn error(about: &str, text: &str) {
    line("error", about, text);
}
