//! Any text as YAML: every node and every mistake lies in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use predicate::yaml;

fuzz_target!(|text: &str| {
    let (nodes, diagnostics) = yaml::parse(text);
    for node in &nodes {
        assert!(node.span.end <= text.len());
    }
    for diagnostic in diagnostics.iter().take(20) {
        diagnostic.draw("file.yml", text);
    }
});
