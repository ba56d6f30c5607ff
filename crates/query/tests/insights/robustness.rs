//! Whatever is given, parsing ends, and what it says can be drawn.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use query::insights::{QUERY_CHARS_MAX, parse};

use crate::survives_printing;

/// Far above what any of these needs in a debug build; a hang is caught and a slow machine is not.
const PATIENCE: Duration = Duration::from_secs(20);

fn survives(text: &str) -> usize {
    let start = Instant::now();
    let (query, diagnostics) = parse(text);
    assert!(start.elapsed() < PATIENCE, "{:?} for {} bytes", start.elapsed(), text.len());
    assert_eq!(query.is_none(), diagnostics.iter().any(|d| d.is_error()));
    for diagnostic in diagnostics.iter().take(50) {
        let drawn = diagnostic.draw("query", text);
        assert!(drawn.contains('^'), "{drawn}");
        assert!(text.is_char_boundary(diagnostic.span.start) && text.is_char_boundary(diagnostic.span.end), "{drawn}");
        assert!(diagnostic.span.start <= diagnostic.span.end && diagnostic.span.end <= text.len(), "{drawn}");
    }
    if let Some(query) = query.filter(|_| text.len() < QUERY_CHARS_MAX / 2) {
        survives_printing(&query);
    }
    diagnostics.len()
}

/// Queries that have a little of everything.
const QUERIES: [&str; 4] = [
    "SOURCE logGroups(namePrefix: ['a', \"b\"], class: ['STANDARD']) start=-1d end=now # all\n| fields `a b`.c, d.0.e as f, jsonParse(@message).`x y`[0] - 2 ^ -3\n| filter \
     not (f =~ /x\\/[^\\/]|y/ and d not in [1, 2.5e3, \"it\\\"s\"]) or g not like 'é%h'\n| stats count(*) as n, pct(d, 95) / 2 by bin(5m) as t, g offset 1h\n| sort n desc, t | \
     limit any 10",
    "parse @message /(?<a>\\d+)|(b)/ as c multi | parse a \"* - *\" as x, y | parse logfmt as m | unnest jsonParse(x) into z | filter x in (SOURCE 'g' | filter y = 1 | fields z) | dedup a, b | limit 5",
    "join type=left left=a right=b where a.k=b.k (SOURCE 'g') | lookup t k as f OUTPUT c | cidrlookup t ip AS net OUTPUTNEW d AS e | relevantfields a, b where c > 1 | appendcols max=5 (fields x | limit 3) | estimate",
    "addtotals fieldname=All row=true col=false a | accum a as b | autoregress a as b p=1-3 | filldown a* b | outlier action=remove param=2 a b | sessionize a, b maxspan 30m as s | json field=f 'a.b' as c | pattern @message | diff previousDay | fillmissing with 0 for a, 1 for b | logcompare timeshift 7d",
];

/// Pieces that mean something to the language.
const PIECES: [&str; 56] = [
    "|",
    "||",
    " ",
    "\n",
    "#",
    "'",
    "\"",
    "`",
    "/",
    "\\",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "*",
    "-",
    "=",
    "==",
    "=~",
    "!",
    "%",
    "^",
    "<>",
    "&&",
    "not ",
    "and ",
    "or ",
    "in ",
    "like ",
    "as ",
    "by ",
    "fields ",
    "filter ",
    "stats ",
    "sort ",
    "limit ",
    "parse ",
    "SOURCE 'g' ",
    "join ",
    "count(*)",
    "5m",
    "1e999",
    "10.0.0.1",
    "a.b",
    "a.",
    "@message",
    "true",
    "null",
    "é",
    "“",
    "\u{0}",
    "\u{202e}",
    "/x|y/",
    "(SOURCE",
];

#[test]
fn the_queries_that_are_mutated_are_good_ones() {
    for text in QUERIES {
        let (query, diagnostics) = parse(text);
        let drawn: String = diagnostics.iter().map(|d| d.draw("query", text)).collect();
        assert!(query.is_some(), "{drawn}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
    }

    #[test]
    fn a_query_with_mistakes(
        text in prop::sample::select(&QUERIES[..]),
        edits in prop::collection::vec((0..500_usize, 0..8_usize, prop::sample::select(&PIECES[..])), 1..6),
    ) {
        let mut text = text.to_owned();
        for (at, n_dropped, piece) in edits {
            let at = at.min(text.len());
            let end = (at + n_dropped).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, piece);
            }
        }
        survives(&text);
    }
}

/// Texts that ask for far more work, memory or stack than their size.
#[test]
fn bombs() {
    let filled = |before: &str, piece: &str, after: &str| {
        let n = (QUERY_CHARS_MAX - before.chars().count() - after.chars().count()) / piece.chars().count();
        format!("{before}{}{after}", piece.repeat(n))
    };
    for before in ["", "filter ", "parse ", "SOURCE "] {
        for piece in PIECES {
            survives(&filled(before, piece, ""));
            survives(&filled(before, &format!("{piece} "), " a"));
        }
    }
    let pieces = [
        "(",
        "[",
        "f(",
        "not ",
        "!",
        "- ",
        "2^",
        "a+",
        "a*",
        "a or ",
        "a and ",
        "a = 1 or ",
        "a[",
        "f(x).a",
        ".a",
        "a or (",
        "-(",
        "case(a,",
        "x in (SOURCE 'g' | filter ",
        "x in [",
        "appendcols (",
        "a like ",
        "| stats count(*) ",
        "| dedup a ",
        "| join left=a right=b where a.x=b.x (SOURCE 'g' ",
        "(((((((((((((((((((((((((a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+",
        "a == b | ",
        "'",
        "| 'x",
        "/(a{100}){100}/, ",
    ];
    for piece in pieces {
        survives(&filled("filter ", piece, ""));
        survives(&filled("filter ", piece, "a"));
        survives(&filled("", piece, ")"));
    }
    survives(&"(".repeat(10 * QUERY_CHARS_MAX));
}

/// A tree leans, but is not deep.
#[test]
fn hundreds_of_alternatives() {
    let alternatives: Vec<String> = (0..600).map(|n| format!("eventName = {n}")).collect();
    assert_eq!(survives(&format!("filter {}", alternatives.join(" or "))), 1, "it is too long");
    assert_eq!(survives(&format!("filter {}", alternatives[..500].join(" or "))), 0);
    let both = format!("filter {} and {}", alternatives[..200].join(" and "), alternatives[..200].join(" or "));
    assert_eq!(survives(&both), 0);
}
