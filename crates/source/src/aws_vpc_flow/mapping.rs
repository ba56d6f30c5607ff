//! Flow log rows as OCSF Network Activity.
//!
//! The native record is an object of the fields as the log spells them, with hyphens, and their text; a field that was `-` is absent.
//! A row that tells of no traffic (`NODATA`, `SKIPDATA`) is an event without activity, at the interface.

use std::borrow::Cow;

use event::mapping::{Entry, Expr, Got, Kind, Mapping, Names, Native, Natives, Type, When, text_at};
use event::ocsf::{ACTION, BOUNDARY, DIRECTION, DISPOSITION, PROTOCOL_VER, SEVERITY};
use event::value::View;

/// The mapping of flow log rows.
pub static MAPPING: Mapping = Mapping {
    source: "aws_vpc_flow",
    title: "AWS VPC flow logs",
    profiles: &["cloud", "security_control", "datetime"],
    entries: ENTRIES,
    observables: &[
        ("dst_endpoint.ip", 2),
        ("dst_endpoint.instance_uid", 10),
        ("src_endpoint.ip", 2),
        ("src_endpoint.instance_uid", 10),
    ],
    natives: NATIVES,
    open: &[],
    looks: &["flow-direction", "start", "end", "srcaddr", "pkt-srcaddr", "dstaddr", "pkt-dstaddr"],
    names: Names::new(),
};

const UNKNOWN: Expr = Expr::Const("Unknown");

const ENTRIES: &[Entry] = &[
    derived("class_uid", Type::Class, Expr::Const("4001")),
    derived(
        "activity_id",
        Type::Activity,
        Expr::FirstOf(&[by_action(&[("ACCEPT", "Traffic"), ("REJECT", "Refuse")]), UNKNOWN]),
    ),
    derived("severity_id", Type::Enum(&SEVERITY), Expr::Const("Informational")),
    derived("time", Type::Timestamp, Expr::FirstOf(&[START, END, Expr::Const("1970-01-01T00:00:00Z")])),
    derived("start_time", Type::Timestamp, START),
    derived("end_time", Type::Timestamp, END),
    derived(
        "action_id",
        Type::Enum(&ACTION),
        Expr::FirstOf(&[by_action(&[("ACCEPT", "Allowed"), ("REJECT", "Denied")]), UNKNOWN]),
    ),
    Entry {
        when: When::Has("action"),
        ..derived(
            "disposition_id",
            Type::Enum(&DISPOSITION),
            by_action(&[("ACCEPT", "Allowed"), ("REJECT", "Blocked")]),
        )
    },
    exact("status_code", Type::Text, "log-status"),
    // The event itself
    derived("metadata.product.name", Type::Text, Expr::Const("Amazon VPC")),
    derived("metadata.product.vendor_name", Type::Text, Expr::Const("AWS")),
    derived("metadata.product.feature.name", Type::Text, Expr::Const("Flowlogs")),
    exact("metadata.product.version", Type::Text, "version"),
    derived("cloud.provider", Type::Text, Expr::Const("AWS")),
    exact("cloud.account.uid", Type::Text, "account-id"),
    exact("cloud.region", Type::Text, "region"),
    exact("cloud.zone", Type::Text, "az-id"),
    // The connection
    exact("connection_info.protocol_num", Type::Integer, "protocol"),
    derived(
        "connection_info.protocol_ver_id",
        Type::Enum(&PROTOCOL_VER),
        Expr::Table {
            of: "type",
            rows: &[("IPv4", "Internet Protocol version 4 (IPv4)"), ("IPv6", "Internet Protocol version 6 (IPv6)")],
        },
    ),
    exact("connection_info.tcp_flags", Type::Integer, "tcp-flags"),
    derived(
        "connection_info.direction_id",
        Type::Enum(&DIRECTION),
        Expr::FirstOf(&[
            Expr::Table { of: "flow-direction", rows: &[("ingress", "Inbound"), ("egress", "Outbound")] },
            UNKNOWN,
        ]),
    ),
    derived(
        "connection_info.boundary_id",
        Type::Enum(&BOUNDARY),
        Expr::Table {
            of: "traffic-path",
            rows: &[
                ("1", "Same VPC"),
                ("2", "Internet/VPC Gateway"),
                ("3", "Virtual Private Gateway"),
                ("4", "Intra-region VPC"),
                ("5", "Inter-region VPC"),
                ("6", "Local Gateway"),
                ("7", "Gateway VPC"),
                ("8", "Internet Gateway"),
            ],
        },
    ),
    exact("traffic.bytes", Type::Integer, "bytes"),
    exact("traffic.packets", Type::Integer, "packets"),
    // The two ends
    derived(
        "src_endpoint.ip",
        Type::Ip,
        Expr::Function {
            name: "packet address, else interface address",
            reads: &["srcaddr", "pkt-srcaddr"],
            call: source_ip,
        },
    ),
    derived(
        "src_endpoint.intermediate_ips",
        Type::Ips,
        Expr::Function { name: "interface address, if another", reads: &[], call: source_hop },
    ),
    exact("src_endpoint.port", Type::Port, "srcport"),
    exact("src_endpoint.svc_name", Type::Text, "pkt-src-aws-service"),
    derived(
        "dst_endpoint.ip",
        Type::Ip,
        Expr::Function {
            name: "packet address, else interface address",
            reads: &["dstaddr", "pkt-dstaddr"],
            call: target_ip,
        },
    ),
    derived(
        "dst_endpoint.intermediate_ips",
        Type::Ips,
        Expr::Function { name: "interface address, if another", reads: &[], call: target_hop },
    ),
    exact("dst_endpoint.port", Type::Port, "dstport"),
    exact("dst_endpoint.svc_name", Type::Text, "pkt-dst-aws-service"),
    // The interface is the end that the traffic leaves or reaches
    outward("src_endpoint.interface_uid", "interface-id"),
    outward("src_endpoint.instance_uid", "instance-id"),
    outward("src_endpoint.subnet_uid", "subnet-id"),
    outward("src_endpoint.vpc_uid", "vpc-id"),
    inward("dst_endpoint.interface_uid", "interface-id"),
    inward("dst_endpoint.instance_uid", "instance-id"),
    inward("dst_endpoint.subnet_uid", "subnet-id"),
    inward("dst_endpoint.vpc_uid", "vpc-id"),
    // OCSF requires a destination; a row without addresses is at its interface
    Entry {
        when: When::Without(&["dst_endpoint.ip"]),
        ..derived("dst_endpoint.interface_uid", Type::Text, Expr::Path("interface-id"))
    },
    Entry { when: When::Without(&DST_IDS), ..derived("dst_endpoint.name", Type::Text, Expr::Const("unknown")) },
    Entry { when: When::Without(&SRC_IDS), ..derived("src_endpoint.name", Type::Text, Expr::Const("unknown")) },
];

const SRC_IDS: [&str; 4] =
    ["src_endpoint.ip", "src_endpoint.svc_name", "src_endpoint.interface_uid", "src_endpoint.instance_uid"];
const DST_IDS: [&str; 4] =
    ["dst_endpoint.ip", "dst_endpoint.svc_name", "dst_endpoint.interface_uid", "dst_endpoint.instance_uid"];

const START: Expr =
    Expr::Function { name: "seconds to milliseconds", reads: &["start"], call: |row| milliseconds(row, "start") };
const END: Expr =
    Expr::Function { name: "seconds to milliseconds", reads: &["end"], call: |row| milliseconds(row, "end") };

const fn by_action(rows: &'static [(&'static str, &'static str)]) -> Expr {
    Expr::Table { of: "action", rows }
}

const fn exact(to: &'static str, ty: Type, from: &'static str) -> Entry {
    Entry { when: When::Always, to, ty, from: Expr::Path(from), kind: Kind::Exact, alias: &[] }
}

const fn derived(to: &'static str, ty: Type, from: Expr) -> Entry {
    Entry { when: When::Always, to, ty, from, kind: Kind::Derived, alias: &[] }
}

const fn outward(to: &'static str, from: &'static str) -> Entry {
    Entry {
        when: When::Is("egress", |row| direction(row).as_deref() == Some("egress")),
        ..derived(to, Type::Text, Expr::Path(from))
    }
}

const fn inward(to: &'static str, from: &'static str) -> Entry {
    Entry {
        when: When::Is("ingress", |row| direction(row).as_deref() == Some("ingress")),
        ..derived(to, Type::Text, Expr::Path(from))
    }
}

fn direction(row: &dyn Natives) -> Option<Cow<'_, str>> {
    text_at(row, "flow-direction")
}

fn milliseconds<'r>(row: &'r dyn Natives, field: &str) -> Option<Got<'r>> {
    Some(Got::Integer(text_at(row, field)?.parse::<i64>().ok()?.checked_mul(1_000)?))
}

fn source_ip(row: &dyn Natives) -> Option<Got<'_>> {
    end_ip(row, "pkt-srcaddr", "srcaddr")
}

fn source_hop(row: &dyn Natives) -> Option<Got<'_>> {
    hop(row, "pkt-srcaddr", "srcaddr")
}

fn target_ip(row: &dyn Natives) -> Option<Got<'_>> {
    end_ip(row, "pkt-dstaddr", "dstaddr")
}

fn target_hop(row: &dyn Natives) -> Option<Got<'_>> {
    hop(row, "pkt-dstaddr", "dstaddr")
}

/// The packet's own address, else that of the interface.
fn end_ip<'r>(row: &'r dyn Natives, packet: &str, interface: &str) -> Option<Got<'r>> {
    address(row, packet).or_else(|| address(row, interface)).map(Got::Text)
}

/// The interface that a packet with another address went through.
fn hop<'r>(row: &'r dyn Natives, packet: &str, interface: &str) -> Option<Got<'r>> {
    // Most packets have the interface's own address: then there is no need to look at what it says.
    if row.scalar(packet) == row.scalar(interface) {
        return None;
    }
    let (_, interface) = (address(row, packet)?, address(row, interface)?);
    Some(Got::Texts(vec![interface]))
}

fn address<'r>(row: &'r dyn Natives, field: &str) -> Option<Cow<'r, str>> {
    let Some(View::String(text)) = row.scalar(field) else { return None };
    (text.len() <= 40 && text.parse::<std::net::IpAddr>().is_ok()).then_some(text)
}

const fn native(path: &'static str, alias: &'static [&'static str]) -> Native {
    Native { path, alias }
}

const NATIVES: &[Native] = &[
    native("version", &[]),
    native("account-id", &[]),
    native("interface-id", &[]),
    native("srcaddr", &[]),
    native("dstaddr", &[]),
    native("srcport", &[]),
    native("dstport", &[]),
    native("protocol", &[]),
    native("packets", &[]),
    native("bytes", &[]),
    native("start", &["startTime"]),
    native("end", &["endTime"]),
    native("action", &[]),
    native("log-status", &[]),
    native("vpc-id", &[]),
    native("subnet-id", &[]),
    native("instance-id", &[]),
    native("tcp-flags", &[]),
    native("type", &[]),
    native("pkt-srcaddr", &[]),
    native("pkt-dstaddr", &[]),
    native("region", &[]),
    native("az-id", &[]),
    native("sublocation-type", &[]),
    native("sublocation-id", &[]),
    native("pkt-src-aws-service", &[]),
    native("pkt-dst-aws-service", &[]),
    native("flow-direction", &[]),
    native("traffic-path", &[]),
    native("ecs-cluster-arn", &[]),
    native("ecs-cluster-name", &[]),
    native("ecs-container-instance-arn", &[]),
    native("ecs-container-instance-id", &[]),
    native("ecs-container-id", &[]),
    native("ecs-second-container-id", &[]),
    native("ecs-service-name", &[]),
    native("ecs-task-definition-arn", &[]),
    native("ecs-task-arn", &[]),
    native("ecs-task-id", &[]),
    native("reject-reason", &[]),
    native("resource-id", &[]),
    native("encryption-status", &[]),
    native("instance-tag", &[]),
    native("instance-tag-2", &[]),
    native("interface-tag", &[]),
    native("interface-tag-2", &[]),
    native("asg-tag", &[]),
    native("asg-tag-2", &[]),
    native("interface-type", &[]),
    native("next-hop-interface-id", &[]),
    native("next-hop-subnet-id", &[]),
    native("next-hop-az-id", &[]),
    native("next-hop-vpc-id", &[]),
    native("next-hop-interface-type", &[]),
];
