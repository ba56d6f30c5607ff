//! Any text as a rule file: what is wrong with it can be drawn, and what is right can be compiled.

#![no_main]

use detect::load::{Options, load};
use event::layout::Paths;
use libfuzzer_sys::fuzz_target;
use predicate::matcher::Matcher;

fuzz_target!(|text: &str| {
    let set = load([("rule.yml", text)], &Options::default());
    for problem in &set.problems {
        for diagnostic in problem.diagnostics.iter().take(20) {
            diagnostic.draw(&problem.file, &problem.text);
        }
    }
    let predicates: Vec<_> = set.rules.into_iter().map(|rule| rule.predicate).collect();
    Matcher::new(&predicates, &mut Paths::default());
});
