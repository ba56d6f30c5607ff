//! Ranges of addresses, and whether together they are as good as all.

use std::net::IpAddr;

/// As many addresses as a /7 has. Nobody who lists the networks that may come in names so many,
/// and whoever splits the whole internet names more.
const WORLD_V4_MIN: u128 = 1 << 25;
/// As many addresses as a /15 has; the internet as it is lies in one /3.
const WORLD_V6_MIN: u128 = 1 << 113;

/// Networks that are not on the internet, however large.
const PRIVATE: [&str; 6] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"];

/// First and last address.
type Range = (u128, u128);

/// Ranges on the internet.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    v4: Vec<Range>,
    v6: Vec<Range>,
    n_read: usize,
}

impl Ranges {
    /// Those of the texts that are networks in CIDR form, or one address.
    pub fn read<'t>(texts: impl IntoIterator<Item = &'t str>) -> Ranges {
        let mut ranges = Ranges::default();
        for (is_v4, range) in texts.into_iter().filter_map(parse) {
            ranges.n_read += 1;
            if !is_private(is_v4, range) {
                if is_v4 { ranges.v4.push(range) } else { ranges.v6.push(range) }
            }
        }
        ranges
    }

    /// Whether no text was a network.
    pub fn is_empty(&self) -> bool {
        self.n_read == 0
    }

    /// Whether they and the others together let in so much of the internet that they might as well let in all.
    pub fn are_world<'r>(all: impl Iterator<Item = &'r Ranges> + Clone) -> bool {
        n_addresses(all.clone().flat_map(|ranges| &ranges.v4)) >= WORLD_V4_MIN
            || n_addresses(all.flat_map(|ranges| &ranges.v6)) >= WORLD_V6_MIN
    }
}

fn parse(text: &str) -> Option<(bool, Range)> {
    let text = text.trim();
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let (is_v4, bits, width) = match address.parse().ok()? {
        IpAddr::V4(address) => (true, u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (false, u128::from(address), 128),
    };
    let length = length.map_or(Some(width), |length| length.parse::<u32>().ok())?;
    let n_free = width.checked_sub(length)?;
    let last = bits | 1u128.checked_shl(n_free).map_or(u128::MAX, |size| size - 1);
    let first = last.checked_shr(n_free).and_then(|prefix| prefix.checked_shl(n_free)).unwrap_or(0);
    Some((is_v4, (first, last)))
}

fn is_private(is_v4: bool, (first, last): Range) -> bool {
    let mut private = PRIVATE.iter().filter_map(|network| parse(network)).filter(|(of_v4, _)| *of_v4 == is_v4);
    private.any(|(_, network)| network.0 <= first && last <= network.1)
}

/// How many addresses there are in some of the ranges; what lies in several counts once.
fn n_addresses<'r>(ranges: impl Iterator<Item = &'r Range>) -> u128 {
    let mut sorted: Vec<Range> = ranges.copied().collect();
    sorted.sort_unstable();
    let mut n_addresses = 0u128;
    let mut next = 0;
    for (first, last) in sorted {
        let first = first.max(next);
        if first <= last {
            n_addresses = n_addresses.saturating_add((last - first).saturating_add(1));
            next = last.saturating_add(1);
        }
    }
    n_addresses
}
