//! Functions of IP addresses. What is no address is in no subnet and is neither private, public nor reserved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result;
use predicate::diagnostic::Diagnostic;

use super::native::{Columns, Gives, Native, Take};
use super::{Call, Function, Value};
use crate::kind::{Kind, Typed};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "isValidIp",
        aliases: &[],
        usage: "isValidIp(f)",
        doc: "Whether the text is an IPv4 or IPv6 address.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &IS_IP),
    },
    Function {
        name: "isValidIpV4",
        aliases: &["isValidIp4"],
        usage: "isValidIpV4(f)",
        doc: "Whether the text is an IPv4 address.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &IS_IP4),
    },
    Function {
        name: "isValidIpV6",
        aliases: &["isValidIp6"],
        usage: "isValidIpV6(f)",
        doc: "Whether the text is an IPv6 address.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &IS_IP6),
    },
    Function {
        name: "isIpInSubnet",
        aliases: &[],
        usage: "isIpInSubnet(f, \"10.0.0.0/8\")",
        doc: "Whether the address lies in the subnet.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| in_subnet(call, &IN_SUBNET, |_| true),
    },
    Function {
        name: "isIpv4InSubnet",
        aliases: &[],
        usage: "isIpv4InSubnet(f, \"10.0.0.0/8\")",
        doc: "Whether the IPv4 address lies in the subnet.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| in_subnet(call, &IN_SUBNET4, |ip| ip.is_ipv4()),
    },
    Function {
        name: "isIpv6InSubnet",
        aliases: &[],
        usage: "isIpv6InSubnet(f, \"fd00::/8\")",
        doc: "Whether the IPv6 address lies in the subnet.",
        arity: 2..=2,
        is_aggregate: false,
        lower: |call| in_subnet(call, &IN_SUBNET6, |ip| ip.is_ipv6()),
    },
    Function {
        name: "ipv4ToNumber",
        aliases: &[],
        usage: "ipv4ToNumber(f)",
        doc: "The IPv4 address as a number; null if it is none.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| Ok(Typed { expr: IP4_NUMBER.call(vec![call.text(0)?]), kind: Kind::Integer }),
    },
    Function {
        name: "isPrivateIP",
        aliases: &[],
        usage: "isPrivateIP(f)",
        doc: "Whether the address is one of RFC 1918.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &IS_PRIVATE),
    },
    Function {
        name: "isPublicIP",
        aliases: &[],
        usage: "isPublicIP(f)",
        doc: "Whether the address can be routed on the Internet.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &IS_PUBLIC),
    },
    Function {
        name: "isReservedIP",
        aliases: &[],
        usage: "isReservedIP(f)",
        doc: "Whether the address is in a range that IANA's special-purpose registries do not call globally reachable.",
        arity: 1..=1,
        is_aggregate: false,
        lower: |call| of_one(call, &IS_RESERVED),
    },
];

fn of_one(call: &Call<'_>, native: &'static Native) -> Result<Typed, Diagnostic> {
    Ok(Typed { expr: native.call(vec![call.text(0)?]), kind: Kind::Boolean })
}

fn in_subnet(call: &Call<'_>, native: &'static Native, is_right: fn(IpAddr) -> bool) -> Result<Typed, Diagnostic> {
    if let Value::String(text) = &call.args[1].value
        && Subnet::parse(text).is_none_or(|subnet| !is_right(subnet.ip))
    {
        call.ctx
            .warnings
            .borrow_mut()
            .push(Diagnostic::warning(call.args[1].span.clone(), "this is no such subnet, so no address lies in it"));
    }
    Ok(Typed { expr: native.call(vec![call.text(0)?, call.text(1)?]), kind: Kind::Boolean })
}

/// A range of addresses: `10.0.0.0/8`; a lone address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subnet {
    ip: IpAddr,
    n_bits: u32,
}

impl Subnet {
    /// Reads `address/bits`; bits behind the prefix do not matter.
    fn parse(text: &str) -> Option<Subnet> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let ip: IpAddr = address.trim().parse().ok()?;
        let n_bits_max = if ip.is_ipv4() { 32 } else { 128 };
        let n_bits = match bits {
            Some(bits) => bits.trim().parse().ok().filter(|n| *n <= n_bits_max)?,
            None => n_bits_max,
        };
        Some(Subnet { ip, n_bits })
    }

    /// Whether the address lies in it.
    fn contains(&self, ip: IpAddr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (a.to_bits() ^ b.to_bits()).checked_shr(32 - self.n_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (a.to_bits() ^ b.to_bits()).checked_shr(128 - self.n_bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

fn is_private(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_private())
}

/// IANA's special-purpose registries, but for the ranges that they call globally reachable; multicast and class E are in none of them.
fn is_reserved(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_reserved4(ip),
        IpAddr::V6(ip) => is_reserved6(ip),
    }
}

fn is_reserved4(ip: Ipv4Addr) -> bool {
    match ip.octets() {
        [192, 0, 0, 9 | 10] => false,
        [0 | 10 | 127, ..] | [240..=255, ..] | [224..=239, ..] => true,
        [100, second, ..] => second & 0xC0 == 64,
        [169, 254, ..] | [192, 168, ..] => true,
        [172, second, ..] => second & 0xF0 == 16,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    }
}

fn is_reserved6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] | [0, 0, 0, 0, 0, 0xffff, ..] => true,
        [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, 0 | 1, ..] => true,
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] | [0x2001, 3 | 0x20..=0x3f, ..] | [0x2001, 4, 0x112, ..] => false,
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x2002 | 0x5f00, ..] => true,
        [0x3fff, second, ..] => second < 0x1000,
        [first, ..] => first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first & 0xff00 == 0xff00,
    }
}

/// What this file calls.
pub(super) const NATIVES: &[&Native] = &[
    &IS_IP,
    &IS_IP4,
    &IS_IP6,
    &IN_SUBNET,
    &IN_SUBNET4,
    &IN_SUBNET6,
    &IP4_NUMBER,
    &IS_PRIVATE,
    &IS_PUBLIC,
    &IS_RESERVED,
];

const TEXT: Take = Take::Kind(Kind::Text);
const TRUTH: Gives = Gives::Kind(Kind::Boolean);

static IS_IP: Native = Native { name: "lq_is_ip", takes: &[TEXT], gives: TRUTH, run: |args| each(args, |_| true) };
static IS_IP4: Native =
    Native { name: "lq_is_ip4", takes: &[TEXT], gives: TRUTH, run: |args| each(args, |ip| ip.is_ipv4()) };
static IS_IP6: Native =
    Native { name: "lq_is_ip6", takes: &[TEXT], gives: TRUTH, run: |args| each(args, |ip| ip.is_ipv6()) };
static IS_PRIVATE: Native =
    Native { name: "lq_is_private_ip", takes: &[TEXT], gives: TRUTH, run: |args| each(args, is_private) };
static IS_PUBLIC: Native =
    Native { name: "lq_is_public_ip", takes: &[TEXT], gives: TRUTH, run: |args| each(args, |ip| !is_reserved(ip)) };
static IS_RESERVED: Native =
    Native { name: "lq_is_reserved_ip", takes: &[TEXT], gives: TRUTH, run: |args| each(args, is_reserved) };
static IN_SUBNET: Native =
    Native { name: "lq_in_subnet", takes: &[TEXT, TEXT], gives: TRUTH, run: |args| subnet(args, |_| true) };
static IN_SUBNET4: Native =
    Native { name: "lq_in_subnet4", takes: &[TEXT, TEXT], gives: TRUTH, run: |args| subnet(args, |ip| ip.is_ipv4()) };
static IN_SUBNET6: Native =
    Native { name: "lq_in_subnet6", takes: &[TEXT, TEXT], gives: TRUTH, run: |args| subnet(args, |ip| ip.is_ipv6()) };
static IP4_NUMBER: Native = Native {
    name: "lq_ip4_number",
    takes: &[TEXT],
    gives: Gives::Kind(Kind::Integer),
    run: |args| {
        let text = args.texts(0);
        args.integer(|i| text.get(i)?.parse::<Ipv4Addr>().ok().map(|ip| i64::from(ip.to_bits())))
    },
};

fn each(args: &Columns, f: fn(IpAddr) -> bool) -> Result<ArrayRef> {
    let text = args.texts(0);
    args.boolean(|i| Some(text.get(i).and_then(|text| text.parse().ok()).is_some_and(f)))
}

fn subnet(args: &Columns, is_right: fn(IpAddr) -> bool) -> Result<ArrayRef> {
    let (text, subnet) = (args.texts(0), args.texts(1));
    let constant = if subnet.is_single() { subnet.get(0).and_then(Subnet::parse) } else { None };
    args.boolean(|i| {
        let subnet = if subnet.is_single() { constant } else { subnet.get(i).and_then(Subnet::parse) };
        let ip = text.get(i).and_then(|text| text.parse().ok()).filter(|ip| is_right(*ip));
        Some(ip.zip(subnet).is_some_and(|(ip, subnet)| subnet.contains(ip)))
    })
}
