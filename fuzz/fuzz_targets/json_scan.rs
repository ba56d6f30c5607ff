//! The scanner and the parser of JSON agree on what is JSON, and the tree prints to what it was read from.

#![no_main]

use event::scan::skip;
use event::value::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = Value::parse(text);
    let Ok(end) = skip(text.as_bytes(), 0, 0) else { return };
    if text[end..].trim_ascii().is_empty() && text.starts_with(['{', '[']) {
        let tree = parsed.expect("what is scanned can be parsed");
        assert_eq!(Value::parse(&tree.compact()).as_ref(), Ok(&tree));
    }
});
