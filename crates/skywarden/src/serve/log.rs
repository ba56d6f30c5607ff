//! The server's own log: a line of JSON on standard error for each record. JSON escapes what could forge a line or move a terminal's cursor.

use serde_json::json;

use crate::spelled::spelled;

fn line(level: &str, about: &str, text: &str) {
    let line = json!({"time": event::time::rfc3339(super::now_ms()), "level": level, "about": about, "message": text});
    tell!("{}", spelled(&line.to_string()));
}

/// Something that people may want to know.
pub fn info(about: &str, text: &str) {
    line("info", about, text);
}

/// Something that needs somebody to look.
pub fn error(about: &str, text: &str) {
    line("error", about, text);
}
