//! The columns of flow logs, and rows in any order of them.

use std::sync::Arc;

use event::value::Value;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Digits.
    Number,
    /// Anything without blanks.
    Text,
}

/// A field that AWS documents: its name, the version that brought it, what it holds.
pub type Field = (&'static str, u8, Kind);

/// Every field of versions 2 to 11. There are no VPC fields of version 6.
pub const FIELDS: &[Field] = &[
    ("version", 2, Kind::Number),
    ("account-id", 2, Kind::Text),
    ("interface-id", 2, Kind::Text),
    ("srcaddr", 2, Kind::Text),
    ("dstaddr", 2, Kind::Text),
    ("srcport", 2, Kind::Number),
    ("dstport", 2, Kind::Number),
    ("protocol", 2, Kind::Number),
    ("packets", 2, Kind::Number),
    ("bytes", 2, Kind::Number),
    ("start", 2, Kind::Number),
    ("end", 2, Kind::Number),
    ("action", 2, Kind::Text),
    ("log-status", 2, Kind::Text),
    ("vpc-id", 3, Kind::Text),
    ("subnet-id", 3, Kind::Text),
    ("instance-id", 3, Kind::Text),
    ("tcp-flags", 3, Kind::Number),
    ("type", 3, Kind::Text),
    ("pkt-srcaddr", 3, Kind::Text),
    ("pkt-dstaddr", 3, Kind::Text),
    ("region", 4, Kind::Text),
    ("az-id", 4, Kind::Text),
    ("sublocation-type", 4, Kind::Text),
    ("sublocation-id", 4, Kind::Text),
    ("pkt-src-aws-service", 5, Kind::Text),
    ("pkt-dst-aws-service", 5, Kind::Text),
    ("flow-direction", 5, Kind::Text),
    ("traffic-path", 5, Kind::Number),
    ("ecs-cluster-arn", 7, Kind::Text),
    ("ecs-cluster-name", 7, Kind::Text),
    ("ecs-container-instance-arn", 7, Kind::Text),
    ("ecs-container-instance-id", 7, Kind::Text),
    ("ecs-container-id", 7, Kind::Text),
    ("ecs-second-container-id", 7, Kind::Text),
    ("ecs-service-name", 7, Kind::Text),
    ("ecs-task-definition-arn", 7, Kind::Text),
    ("ecs-task-arn", 7, Kind::Text),
    ("ecs-task-id", 7, Kind::Text),
    ("reject-reason", 8, Kind::Text),
    ("resource-id", 9, Kind::Text),
    ("encryption-status", 10, Kind::Number),
    ("instance-tag", 11, Kind::Text),
    ("instance-tag-2", 11, Kind::Text),
    ("interface-tag", 11, Kind::Text),
    ("interface-tag-2", 11, Kind::Text),
    ("asg-tag", 11, Kind::Text),
    ("asg-tag-2", 11, Kind::Text),
    ("interface-type", 11, Kind::Text),
    ("next-hop-interface-id", 11, Kind::Text),
    ("next-hop-subnet-id", 11, Kind::Text),
    ("next-hop-az-id", 11, Kind::Text),
    ("next-hop-vpc-id", 11, Kind::Text),
    ("next-hop-interface-type", 11, Kind::Text),
];

/// The columns of one flow log, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Arc<[Column]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: Box<str>,
    kind: Kind,
}

impl Columns {
    /// The default format: the fields of version 2.
    pub fn default_format() -> Columns {
        Columns::named(FIELDS.iter().take_while(|(_, version, _)| *version == 2).map(|(name, ..)| *name))
    }

    /// Columns of these names; `_` counts as `-`, and a name that is not known holds text.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Columns {
        let column = |name: &str| {
            let name = name.replace('_', "-").to_ascii_lowercase();
            let known = FIELDS.iter().find(|(have, ..)| *have == name);
            Column { kind: known.map_or(Kind::Text, |(_, _, kind)| *kind), name: name.into() }
        };
        Columns(names.into_iter().map(column).collect())
    }

    /// Reads a format as it is given to AWS: `${version} ${srcaddr}`; bare names do too.
    pub fn from_format(format: &str) -> Result<Columns, String> {
        let name = |word: &str| {
            let name = word.strip_prefix("${").and_then(|w| w.strip_suffix('}')).unwrap_or(word).to_owned();
            let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            good.then_some(name).ok_or_else(|| format!("`{word}` is not a field name such as `${{srcaddr}}`"))
        };
        let names: Vec<String> = format.split_ascii_whitespace().map(name).collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Err("a flow-log format needs at least one field, such as `${srcaddr}`".into());
        }
        Ok(Columns::named(names.iter().map(String::as_str)))
    }

    /// The columns, when the line is a header: names only, and several that AWS documents.
    pub fn from_header(line: &str) -> Option<Columns> {
        // The cheap look first: most rows begin with a digit or `-`, and no field does.
        if !line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let first = line.split([' ', '\t']).next()?;
        let same = |a: u8, b: u8| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b'-');
        let is_first =
            |name: &str| name.len() == first.len() && first.bytes().zip(name.bytes()).all(|(a, b)| same(a, b));
        let is_field = |name: &str| FIELDS.iter().any(|(have, ..)| *have == name);
        if !FIELDS.iter().any(|(name, ..)| is_first(name)) && !line.contains("account") && !line.contains("srcaddr") {
            return None;
        }
        let columns = Columns::named(line.split_ascii_whitespace());
        let n_known = columns.0.iter().filter(|c| is_field(&c.name)).count();
        (n_known >= 2 && n_known * 2 > columns.0.len()).then_some(columns)
    }

    /// The name of a column, by its number from 0.
    pub fn name(&self, column: usize) -> &str {
        &self.0[column].name
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The format as AWS writes it.
    pub fn format(&self) -> String {
        let fields: Vec<String> = self.0.iter().map(|c| format!("${{{}}}", c.name)).collect();
        fields.join(" ")
    }

    /// Whether these are the same columns, told at a glance.
    pub fn is_same(&self, other: &Columns) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| &*column.name)
    }

    /// Whether the column holds digits.
    pub fn is_number(&self, column: usize) -> bool {
        self.0[column].kind == Kind::Number
    }

    /// Whether a row has these columns.
    pub fn check(&self, line: &str) -> Result<(), &'static str> {
        self.values(line, |_, _, _| {})
    }

    /// Calls with the number, start and end of each column that has a value. Several blanks part columns as one does, and so do tabs.
    pub fn values(&self, line: &str, mut put: impl FnMut(usize, usize, usize)) -> Result<(), &'static str> {
        let bytes = line.as_bytes();
        let mut at = 0;
        for (number, column) in self.0.iter().enumerate() {
            while let Some(b' ' | b'\t') = bytes.get(at) {
                at += 1;
            }
            if at >= bytes.len() {
                return Err("a row with too few columns");
            }
            let end = blank(bytes, at);
            let value = &bytes[at..end];
            if value != b"-" {
                if column.kind == Kind::Number && !value.iter().all(u8::is_ascii_digit) {
                    return Err("a row with text where a number is due");
                }
                put(number, at, end);
            }
            at = end + 1;
        }
        // Blanks behind the last column are no column.
        let is_end = bytes.get(at..).is_none_or(|rest| rest.iter().all(|b| matches!(b, b' ' | b'\t')));
        if is_end { Ok(()) } else { Err("a row with too many columns") }
    }

    /// A row as a tree: an object of the native names.
    pub fn tree(&self, line: &str) -> Value {
        let present = self.0.iter().zip(words(line)).filter(|(_, value)| *value != "-");
        Value::Object(
            present.map(|(column, value)| (column.name.to_string(), Value::String(value.to_owned()))).collect(),
        )
    }
}

/// The values of a row.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t']).filter(|word| !word.is_empty())
}

/// The offset of the next blank, or of the end. Values are short, so eight bytes at a time beat a search made for long texts.
#[inline]
fn blank(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(eight) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let found = zero_in(word ^ (ONES * b' ' as u64)) | zero_in(word ^ (ONES * b'\t' as u64));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    bytes[at..].iter().position(|b| matches!(b, b' ' | b'\t')).map_or(bytes.len(), |behind| at + behind)
}

/// Whether a line without a header can be a row of these columns: each documented value looks as it must.
pub fn is_flow_line(columns: &Columns, line: &str) -> bool {
    let mut n_checked = 0;
    let mut fits = |column: &Column, value: &str| {
        n_checked += 1;
        match &*column.name {
            "account-id" => {
                value == "unknown" || value == "-" || (value.len() == 12 && value.bytes().all(|b| b.is_ascii_digit()))
            }
            "action" => matches!(value, "ACCEPT" | "REJECT" | "-"),
            "log-status" => matches!(value, "OK" | "NODATA" | "SKIPDATA" | "-"),
            "srcaddr" | "dstaddr" | "pkt-srcaddr" | "pkt-dstaddr" => {
                value == "-" || value.parse::<std::net::IpAddr>().is_ok()
            }
            _ if column.kind == Kind::Number => value == "-" || value.bytes().all(|b| b.is_ascii_digit()),
            _ => !value.is_empty(),
        }
    };
    let values: Vec<&str> = words(line).collect();
    values.len() == columns.len() && columns.0.iter().zip(&values).all(|(c, v)| fits(c, v)) && n_checked > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_as_aws_takes_it() {
        let columns = Columns::from_format("${version} ${vpc-id} srcaddr").expect("a format");
        assert_eq!(columns.format(), "${version} ${vpc-id} ${srcaddr}");
        assert!(Columns::from_format("").is_err());
        assert!(Columns::from_format("${a b}").is_err());
        assert_eq!(FIELDS.len(), 54);
    }

    #[test]
    fn a_header_is_told_from_a_row() {
        assert!(Columns::from_header("version account-id interface-id srcaddr").is_some());
        assert!(Columns::from_header("dstport account_id future-field srcaddr").is_some());
        assert!(Columns::from_header("2 123456789012 eni-0a - - - - - - - 1700000000 1700000060 - NODATA").is_none());
        assert!(Columns::from_header("region the quick brown fox jumps").is_none());
    }
}
