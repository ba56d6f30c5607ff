//! Texts of which one must be in whatever a regular expression matches.

use regex_syntax::hir::{Class, Hir, HirKind};

/// More alternatives than this are no handle.
const LITERALS_MAX: usize = 64;

/// Folded texts of which one, in whatever letter case, must be in a match; nothing where none can be named.
pub fn required(regex: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(regex).ok()?;
    of(&hir).filter(|texts| texts.len() <= LITERALS_MAX)
}

fn of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => folded(hir).map(|text| vec![text]),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min >= 1 => of(&repetition.sub),
        HirKind::Concat(parts) => of_sequence(parts),
        HirKind::Alternation(parts) => {
            let each: Option<Vec<Vec<String>>> = parts.iter().map(of).collect();
            each.map(|texts| texts.concat())
        }
        HirKind::Repetition(_) | HirKind::Look(_) | HirKind::Empty => None,
    }
}

/// The part of a sequence whose shortest text is longest; neighbours that are plain text count as one.
fn of_sequence(parts: &[Hir]) -> Option<Vec<String>> {
    let mut choices: Vec<Vec<String>> = Vec::new();
    let mut run = String::new();
    for part in parts {
        match folded(part) {
            Some(text) => run.push_str(&text),
            None => {
                choices.push(vec![std::mem::take(&mut run)]);
                choices.extend(of(part));
            }
        }
    }
    choices.push(vec![run]);
    let shortest = |texts: &Vec<String>| texts.iter().map(String::len).min().unwrap_or(0);
    choices.into_iter().max_by_key(shortest).filter(|texts| shortest(texts) > 0)
}

/// The one text that a part matches but for letter case, folded.
fn folded(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(text.chars().flat_map(char::to_lowercase).collect())
        }
        HirKind::Class(Class::Unicode(class)) => {
            // `(?i)k` stands for k, K and the Kelvin sign; all of them fold to k. Those of `s` do not fold to one.
            let n_chars: u32 = class.iter().map(|range| range.end() as u32 - range.start() as u32 + 1).sum();
            if n_chars > 4 {
                return None;
            }
            let fold = |c: char| c.to_lowercase().collect::<String>();
            let mut all = class.iter().flat_map(|range| range.start()..=range.end()).map(fold);
            let first = all.next()?;
            all.all(|other| other == first).then_some(first)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_in_a_match() {
        let of = |regex: &str| required(regex).map(|texts| texts.join(" "));
        assert_eq!(of("(?i)(^|[^a-z])(kali|parrot)([^a-z]|$)").as_deref(), Some("kali parrot"));
        assert_eq!(of("^Admin").as_deref(), Some("admin"));
        assert_eq!(of("a?bcd+").as_deref(), Some("bc"));
        assert_eq!(of("(abc|.*)").as_deref(), None);
        assert_eq!(of("x*").as_deref(), None);
        assert_eq!(of("[ab]").as_deref(), None);
    }
}
