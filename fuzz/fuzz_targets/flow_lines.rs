//! A format and a row of it: headers, formats and rows are read in more than one way, and the ways agree.

#![no_main]

use event::value::Value;
use libfuzzer_sys::fuzz_target;
use source::aws_vpc_flow::format::{Columns, is_flow_line};

fuzz_target!(|input: (&str, &str)| {
    let (format, line) = input;
    let _ = Columns::from_header(format);
    let Ok(columns) = Columns::from_format(format) else { return };
    assert_eq!(Columns::from_format(&columns.format()).as_ref(), Ok(&columns));
    let checked = columns.check(line);
    assert!(!is_flow_line(&columns, line) || checked.is_ok());
    let Value::Object(members) = columns.tree(line) else { panic!("a row is an object") };
    assert!(members.len() <= columns.len());
});
