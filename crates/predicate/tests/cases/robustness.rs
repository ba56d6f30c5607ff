//! Whatever is given, parsing ends, and what it says can be drawn.

use std::time::{Duration, Instant};

use event::layout::Paths;
use predicate::matcher::Matcher;
use predicate::syntax::sigma::{self, Document, Options};
use proptest::prelude::*;

/// Far above what any of these needs in a debug build; a hang is caught and a slow machine is not.
const PATIENCE: Duration = Duration::from_secs(20);

fn survives(text: &str) -> usize {
    let start = Instant::now();
    let (documents, diagnostics) = sigma::parse(text, &Options::default());
    for diagnostic in diagnostics.iter().take(50) {
        let drawn = diagnostic.draw("rule.yml", text);
        assert!(drawn.contains('^'), "{drawn}");
    }
    assert!(start.elapsed() < PATIENCE, "{:?} for {} bytes", start.elapsed(), text.len());
    documents.len()
}

const RULE: &str = "title: Rule\nid: 7ba4b0a1-0e7e-4b55-9a3f-0f4c7a3b1f10\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  \
    selection:\n    eventName|startswith: ['Delete', \"Put*\"]\n    errorCode: null\n    n|gte: 5\n  words:\n    - 'alpha?'\n    - 22\n  filter_a:\n    \
    - ip|cidr: 10.0.0.0/8\n    - user|re|i: '^adm(in)?$'\n  condition: >\n    selection and\n    not 1 of filter_* or words\nlevel: high\n---\ntitle: \
    Many\ncorrelation:\n  type: event_count\n  rules: Rule\n  group-by: [a, b]\n  timespan: 5m\n  condition: {gte: 3}\n---\ntitle: Not \
    me\nlogsource: {product: aws}\nfilter:\n  rules: any\n  own: {user: me}\n  condition: not own\n";

/// Pieces that mean something to YAML or Sigma.
const PIECES: [&str; 28] = [
    "---\n", "...\n", ": ", "- ", "? ", "| ", ">\n", "'", "\"", "{", "}", "[", "]", "&a ", "*a", "<<: ", "!!str ", "%",
    "#", "\t", "\u{0}", "\u{202e}", "|all", "|re", "(", "not ", "1 of ", "é",
];

#[test]
fn the_rule_that_is_mutated_is_a_good_one() {
    assert_eq!(survives(RULE), 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
    }

    #[test]
    fn a_rule_with_mistakes(edits in prop::collection::vec((0..RULE.len(), 0..8usize, prop::sample::select(&PIECES[..])), 1..6)) {
        let mut text = RULE.to_owned();
        for (at, n_dropped, piece) in edits {
            let at = at.min(text.len());
            let end = (at + n_dropped).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, piece);
            }
        }
        survives(&text);
    }

    #[test]
    fn any_condition(pieces in prop::collection::vec(prop::sample::select(&["a", "b*", "(", ")", "and", "or", "not", "1", "all", "of", "them", "|", " "][..]), 0..30)) {
        survives(&detection(&format!("a: {{x: 1}}\n  b1: {{y: 2}}\n  condition: '{}'", pieces.join(" "))));
    }
}

fn detection(body: &str) -> String {
    format!("title: Rule\nlogsource: {{product: aws}}\ndetection:\n  {body}\n")
}

/// Texts that ask for far more work or memory than their size.
#[test]
fn bombs() {
    let many = |text: &str, n: usize| text.repeat(n);
    let bombs = [
        many("[", 100_000),
        many("{a: ", 100_000),
        many("- ", 100_000),
        many("? ", 50_000),
        format!("a: &a [x]\nb: [{}]", many("*a, ", 1000)),
        many("---\n", 50_000),
        many("title: x\n", 50_000),
        detection(&format!("a: {{x: 1}}\n  condition: {}a{}", many("(", 50_000), many(")", 50_000))),
        detection(&format!("a: {{x: 1}}\n  condition: {}a", many("not ", 100_000))),
        detection(&format!("a: {{x: {}}}\n  condition: a{}", many("y", 300_000), many(" and a", 100_000))),
        detection(&format!(
            "{}condition: 1 of them{}",
            (0..20_000).map(|i| format!("a{i}: x\n  ")).collect::<String>(),
            many(" or 1 of b*", 20_000)
        )),
        detection(&format!(
            "{}condition: b0{}",
            (0..20_000).map(|i| format!("a{i}: x\n  ")).collect::<String>(),
            many(" or b", 50_000)
        )),
        detection(&format!("a: {{x|windash: '{}'}}\n  condition: a", many(" -a", 100_000))),
        detection(&format!("a: {{x|re: [{}]}}\n  condition: a", many("'(a{500}){500}', ", 20_000))),
        detection(&format!("a: {{{}: [{}]}}\n  condition: a", many("f", 400_000), many("b, ", 50_000))),
        detection(&format!("a: {{x|contains: '{}'}}\n  condition: a", many("*?a", 100_000))),
        detection(&format!("a: {{x: [{}]}}\n  condition: a", many("{y: 1}, ", 50_000))),
        detection(&format!("a: [{}]\n  condition: a", many("{x|contain: 1}, ", 50_000))),
        many("---\na: 1\na: 1\n", 20_000),
        detection(&format!("a: {{x|{}: 1}}\n  condition: a", many("contain|", 50_000))),
    ];
    for bomb in bombs {
        survives(&bomb);
    }
}

/// What a value costs when it is compared grows with its length, so there is a longest.
#[test]
fn values_that_are_too_long_are_mistakes() {
    let rule =
        |modifiers: &str, n: usize| detection(&format!("a: {{x{modifiers}: '{}'}}\n  condition: a", "A".repeat(n)));
    for (modifiers, n_bytes_max) in
        [("", 4096), ("|contains", 4096), ("|base64|contains", 3072), ("|wide|base64offset|contains", 1536)]
    {
        assert_eq!(survives(&rule(modifiers, n_bytes_max)), 1, "{modifiers}");
        assert_eq!(survives(&rule(modifiers, n_bytes_max + 2)), 0, "{modifiers}");
    }
    let text = rule("|contains", 5_000);
    let (_, diagnostics) = sigma::parse(&text, &Options::default());
    let [diagnostic] = &diagnostics[..] else { panic!("{diagnostics:?}") };
    assert_eq!(diagnostic.message, "value is too long");
    assert_eq!(text[diagnostic.span.clone()].trim_matches('\'').len(), 5_000);
    assert!(diagnostic.help.is_some());
}

/// The shifted forms of a text that repeats itself are alike but for their start, which is dear to build an automaton of.
#[test]
fn long_values_are_compiled_quickly() {
    let text = detection(&format!("a: {{x|base64offset|contains: '{}'}}\n  condition: a", "A".repeat(3_000)));
    let (documents, _) = sigma::parse(&text, &Options::default());
    let [Document::Rule(rule)] = &documents[..] else { panic!("a rule") };
    let start = Instant::now();
    Matcher::new(std::slice::from_ref(&rule.predicate), &mut Paths::default());
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}
