//! Security group rules in a request that let the whole world in.

use event::value::Value;

use super::range::Ranges;
use super::walk::{each, member, members};

/// Ports that nobody should reach from everywhere: remote shells and desktops, databases, control planes.
const PORTS: [u16; 29] = [
    20, 21, 22, 23, 25, 135, 139, 445, 1433, 1521, 2049, 2375, 2379, 3306, 3389, 5432, 5601, 5900, 5985, 5986, 6379,
    6443, 8020, 8888, 9000, 9200, 9300, 11211, 27017,
];

/// A rule of a security group: ports, where the protocol has any, and who may reach them.
struct Permission {
    ports: Option<(i64, i64)>,
    from: Ranges,
}

/// Which of [`PORTS`] the request opens to every address or nearly so, sorted; nothing where it opens none.
///
/// A permission is any object that names addresses beside a protocol or port (flat requests, rules being modified) or in a list of ranges.
/// All of one call are judged together, for the internet can be let in half by half.
pub fn world_open(request: &Value) -> Option<Vec<u16>> {
    let mut permissions = Vec::new();
    each(request, |_, value| {
        let from = Ranges::read(addresses(value));
        if !from.is_empty() {
            permissions.push(Permission { ports: ports(value), from });
        }
    });
    if !Ranges::are_world(permissions.iter().map(|permission| &permission.from)) {
        return None;
    }
    let opens = |permission: &&Permission, port: u16| {
        permission.ports.is_some_and(|(first, last)| (first..=last).contains(&i64::from(port)))
    };
    let open = |port: &u16| Ranges::are_world(permissions.iter().filter(|p| opens(p, *port)).map(|p| &p.from));
    Some(PORTS.into_iter().filter(open).collect())
}

/// The addresses that a permission names; an object that is none has no such.
fn addresses(value: &Value) -> Vec<&str> {
    let is_rule = ["ipProtocol", "fromPort"].iter().any(|key| member(value, key).is_some());
    let direct = is_rule.then_some(value).into_iter();
    let listed = ["ipRanges", "ipv6Ranges"].into_iter().flat_map(|key| members(value, key)).flat_map(items);
    direct.chain(listed).flat_map(networks).collect()
}

fn networks(value: &Value) -> impl Iterator<Item = &str> {
    ["cidrIp", "cidrIpv4", "cidrIpv6"].into_iter().flat_map(|key| members(value, key)).filter_map(Value::as_str)
}

/// EC2 writes lists as `{"items": […]}`.
fn items(list: &Value) -> &[Value] {
    match member(list, "items").unwrap_or(list) {
        Value::Array(items) => items,
        _ => &[],
    }
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
