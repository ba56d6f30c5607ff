//! AWS VPC flow logs: metadata of network traffic, in the default format, in custom ones, and as Parquet.

pub mod format;
pub mod mapping;
pub mod rows;

use event::event::{Description, Envelope};
use event::layout::Fields;
use event::scan::Slot;
use event::value::Value;
use predicate::predicate::Predicate;

use crate::source::Source;
use format::Columns;

/// AWS VPC flow logs, versions 2 to 11.
pub const SOURCE: Source = Source {
    name: "aws_vpc_flow",
    product: "aws",
    services: &["vpcflow", "vpc_flow", "vpcflowlogs", "aws_vpc_flow"],
    envelope_paths: &[
        "start",
        "account-id",
        "region",
        "interface-id",
        "resource-id",
        "pkt-srcaddr",
        "srcaddr",
        "end",
        "instance-id",
    ],
    envelope,
    describe,
    brief,
    targets,
    issues: || Predicate::Any(Vec::new()),
    issued: |_| None,
    terms: &[],
    derived: None,
    mapping: &mapping::MAPPING,
    parse: |raw| Columns::default_format().tree(raw),
};

fn envelope(fields: &mut Fields<'_>, slots: &[Slot], out: &mut Envelope) {
    let raw = fields.raw;
    let (values, _) = fields.at(slots[0]);
    let text = |slot: Slot| values.spans(slot).next().and_then(|span| values.plain(span, raw)).unwrap_or("");
    // A custom format may leave out one of the two times.
    let time_s = [slots[0], slots[7]].into_iter().find_map(|slot| text(slot).parse::<i64>().ok());
    out.time_ms = time_s.and_then(|s| s.checked_mul(1_000));
    out.account.push_str(text(slots[1]));
    out.region.push_str(text(slots[2]));
    let interface = text(slots[3]);
    out.principal_uid.push_str(if interface.is_empty() { text(slots[4]) } else { interface });
    let packet = text(slots[5]);
    out.source_ip.push_str(if packet.is_empty() { text(slots[6]) } else { packet });
}

fn brief(fields: &mut Fields<'_>, _: &[Slot]) -> (String, String) {
    // A row is short, and nearly all of it is in the words.
    let mut description = Description::default();
    describe(fields.tree(), &mut description);
    (description.action, description.error)
}

fn targets(fields: &mut Fields<'_>, slots: &[Slot], add: &mut dyn FnMut(&str)) {
    let raw = fields.raw;
    let (values, _) = fields.at(slots[0]);
    let text = |slot: Slot| values.spans(slot).next().and_then(|span| values.plain(span, raw));
    if let Some(target) = [slots[8], slots[4], slots[3]].into_iter().find_map(text) {
        add(target);
    }
}

fn describe(record: &Value, out: &mut Description) {
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("-");
    let first = |a: &'static str, b: &'static str| if text(a) == "-" { text(b) } else { text(a) };
    let protocol = match text("protocol") {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        other => other,
    };
    let address = |addr: &str, port: &str| {
        if addr.contains(':') { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
    };
    out.principal = match first("interface-id", "resource-id") {
        "-" => "an unnamed interface".into(),
        interface => interface.to_owned(),
    };
    out.action = match text("log-status") {
        "OK" | "-" => format!(
            "{protocol} {} > {} {}",
            address(first("pkt-srcaddr", "srcaddr"), text("srcport")),
            address(first("pkt-dstaddr", "dstaddr"), text("dstport")),
            text("action"),
        ),
        status => status.to_owned(),
    };
    out.error = if text("action") == "REJECT" { "REJECT".into() } else { String::new() };
    let targets = ["instance-id", "resource-id", "interface-id"].map(text);
    out.resources = targets.into_iter().filter(|t| *t != "-").take(1).map(str::to_owned).collect();
}
