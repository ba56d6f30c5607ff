//! Security group rules in a request that let the whole world in.

use std::net::IpAddr;

use event::value::Value;

use super::walk::{each, member};

/// Ports that nobody should reach from everywhere: remote shells and desktops, databases, control planes.
const PORTS: [u16; 29] = [
    20, 21, 22, 23, 25, 135, 139, 445, 1433, 1521, 2049, 2375, 2379, 3306, 3389, 5432, 5601, 5900, 5985, 5986, 6379,
    6443, 8020, 8888, 9000, 9200, 9300, 11211, 27017,
];

/// Which of [`PORTS`] the request opens to every address, sorted; nothing where it opens none to every address.
///
/// A permission is any object that names addresses beside a protocol or port (flat requests, rules being modified) or in a list of ranges.
pub fn world_open(request: &Value) -> Option<Vec<u16>> {
    let mut permissions = Vec::new();
    each(request, |_, value| {
        if covers_world(value) {
            permissions.push(value);
        }
    });
    if permissions.is_empty() {
        return None;
    }
    let ranges: Vec<(i64, i64)> = permissions.into_iter().filter_map(ports).collect();
    let open = |port: &u16| ranges.iter().any(|(from, to)| (*from..=*to).contains(&i64::from(*port)));
    Some(PORTS.into_iter().filter(open).collect())
}

fn covers_world(permission: &Value) -> bool {
    let is_rule = ["ipProtocol", "fromPort"].iter().any(|key| member(permission, key).is_some());
    let direct = is_rule && addresses(permission).any(is_world);
    let lists = ["ipRanges", "ipv6Ranges"].into_iter().filter_map(|key| member(permission, key));
    direct || lists.flat_map(items).any(|range| addresses(range).any(is_world))
}

fn addresses(value: &Value) -> impl Iterator<Item = &str> {
    ["cidrIp", "cidrIpv4", "cidrIpv6"].into_iter().filter_map(|key| member(value, key)).filter_map(Value::as_str)
}

/// EC2 writes lists as `{"items": […]}`.
fn items(list: &Value) -> &[Value] {
    match member(list, "items").unwrap_or(list) {
        Value::Array(items) => items,
        _ => &[],
    }
}

fn is_world(range: &str) -> bool {
    let Some((address, length)) = range.trim().split_once('/') else { return false };
    address.parse::<IpAddr>().is_ok() && length.parse::<u8>() == Ok(0)
}

/// The ports of a permission, first and last; nothing for protocols without ports.
fn ports(permission: &Value) -> Option<(i64, i64)> {
    const ALL: (i64, i64) = (0, 65_535);
    let protocol = member(permission, "ipProtocol").and_then(text).unwrap_or_default().to_ascii_lowercase();
    if protocol == "-1" {
        return Some(ALL);
    }
    if protocol.starts_with("icmp") || matches!(protocol.as_str(), "1" | "58") {
        return None;
    }
    let port = |key| member(permission, key).and_then(text).and_then(|n| n.parse::<i64>().ok());
    match (port("fromPort"), port("toPort")) {
        (None | Some(-1), _) | (_, Some(-1)) => Some(ALL),
        (Some(from), to) => Some((from, to.unwrap_or(from))),
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(text) => Some(text),
        _ => None,
    }
}
