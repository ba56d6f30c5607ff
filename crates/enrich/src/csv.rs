//! Lines of comma-separated cells.

/// The most bytes of a line.
const LINE_BYTES_MAX: usize = 4_096;

/// The cells of a line; quotes are undone.
pub fn cells(line: &str) -> Result<Vec<String>, &'static str> {
    if line.len() > LINE_BYTES_MAX {
        return Err("it is too long");
    }
    let mut cells = vec![String::new()];
    let (mut is_quoted, mut chars) = (false, line.chars().peekable());
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().expect("there is one from the start");
        match c {
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            '\r' if chars.peek().is_none() => {}
            c => cell.push(c),
        }
    }
    if is_quoted { Err("a quote is not closed") } else { Ok(cells) }
}
