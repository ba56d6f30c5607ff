//! What logs cost without any meaning: `ceiling trail|flow -- CORPUS`.
//!
//! CloudTrail is inflated and walked over, strings skipped at once, to find where records begin and end. Flow logs are inflated and split
//! into lines and fields, and the place of each field is kept.

use memchr::{memchr2, memchr2_iter};
use serde_json::json;

fn main() {
    let task = peers::Task::from_arguments();
    let is_flow = std::env::args().nth(1).is_some_and(|kind| kind == "flow");
    let (mut n_events, mut n_bytes, mut check) = (0, 0, 0);
    task.each_file(|text| {
        n_bytes += text.len() as u64;
        let (n, sum) = if is_flow { rows(text) } else { records(text) };
        n_events += n;
        check += sum;
    });
    // The check is printed so that the optimiser cannot leave the work out.
    peers::print(json!({"events": n_events, "bytes": n_bytes, "check": check}));
}

/// Rows behind the header, and a sum of the places of their fields.
fn rows(text: &[u8]) -> (u64, u64) {
    let mut places = [(0_u32, 0_u32); 64];
    let (mut n_rows, mut sum, mut from, mut field) = (0, 0, 0, 0);
    for to in memchr2_iter(b' ', b'\n', text) {
        places[field % 64] = (from as u32, to as u32);
        from = to + 1;
        field += 1;
        if text[to] == b'\n' {
            n_rows += 1;
            sum += u64::from(places[field / 2].0);
            field = 0;
        }
    }
    (n_rows - 1, sum)
}

/// Records, and a sum of their lengths.
fn records(text: &[u8]) -> (u64, u64) {
    const RECORD_DEPTH: u32 = 3;
    let (mut n_records, mut sum, mut depth, mut from, mut at) = (0, 0, 0, 0, 0);
    while at < text.len() {
        match text[at] {
            b'"' => at = string_end(text, at + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth == RECORD_DEPTH {
                    from = at;
                }
            }
            b'}' | b']' => {
                if depth == RECORD_DEPTH {
                    n_records += 1;
                    sum += (at - from) as u64;
                }
                depth -= 1;
            }
            _ => {}
        }
        at += 1;
    }
    (n_records, sum)
}

fn string_end(text: &[u8], mut at: usize) -> usize {
    loop {
        at += memchr2(b'"', b'\\', &text[at..]).expect("strings end");
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
}
