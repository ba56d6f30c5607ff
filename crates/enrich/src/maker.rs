//! Tables that others publish into one table of places.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;

use crate::country::country;
use crate::csv::cells;
use crate::places::{About, Network, Places, Ranges, Spot};

/// The most bytes of a name.
pub(crate) const NAME_BYTES_MAX: usize = 200;
/// The most places, and the most networks: there are some 120,000 autonomous systems.
pub(crate) const NAMES_MAX: usize = 4_000_000;

/// A table that is no table of places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// A line is not as it should be.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Gathers ranges.
#[derive(Debug, Default)]
pub struct Maker {
    places: Places,
    spots: Vec<(IpAddr, IpAddr, u32)>,
    networks: Vec<(IpAddr, IpAddr, u32)>,
    known_spots: HashMap<(String, String), u32>,
    known_networks: HashMap<u32, u32>,
}

impl Maker {
    /// No ranges yet.
    pub fn new(about: About) -> Maker {
        Maker { places: Places { about, ..Places::default() }, ..Maker::default() }
    }

    /// Adds a range of addresses, both ends included, at a place.
    pub fn place(&mut self, first: IpAddr, last: IpAddr, spot: Spot) {
        let places = &mut self.places.spots;
        let number = *self.known_spots.entry((spot.country.clone(), spot.city.clone())).or_insert_with(|| {
            places.push(spot);
            places.len() as u32
        });
        self.spots.push((first, last, number));
    }

    /// Adds a range of addresses, both ends included, of a network. One number has one name, the first.
    pub fn network(&mut self, first: IpAddr, last: IpAddr, network: Network) {
        let networks = &mut self.places.networks;
        let number = *self.known_networks.entry(network.number).or_insert_with(|| {
            networks.push(network);
            networks.len() as u32
        });
        self.networks.push((first, last, number));
    }

    /// Adds a table of countries: `first,last,CC` a line.
    ///
    /// # Errors
    /// The first line that is not so.
    pub fn countries(&mut self, text: &str) -> Result<(), MakeError> {
        self.each(text, |maker, first, last, rest| {
            let [code] = rest else { return Err("three cells are due: first and last address, country") };
            let code = code.to_ascii_uppercase();
            // Blocks that belong to no country are left out.
            if country(&code).is_some() {
                maker.place(first, last, Spot { country: code, ..Spot::default() });
            }
            Ok(())
        })
    }

    /// Adds a table of networks: `first,last,number,organisation` a line.
    ///
    /// # Errors
    /// The first line that is not so.
    pub fn networks(&mut self, text: &str) -> Result<(), MakeError> {
        self.each(text, |maker, first, last, rest| {
            let [number, name] = rest else { return Err("four cells are due: first and last address, number, name") };
            let number = number.parse().map_err(|_| "the number of the network is none")?;
            let end = (0..=NAME_BYTES_MAX.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
            maker.network(first, last, Network { number, organisation: name[..end].to_owned() });
            Ok(())
        })
    }

    /// Takes the lines of a table one by one: the two addresses, and the cells behind them.
    fn each(
        &mut self,
        text: &str,
        take: impl Fn(&mut Maker, IpAddr, IpAddr, &[String]) -> Result<(), &'static str>,
    ) -> Result<(), MakeError> {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |why| MakeError::Line { line: number + 1, why };
            let cells = cells(line).map_err(wrong)?;
            let [first, last, rest @ ..] = cells.as_slice() else { return Err(wrong("there are no two addresses")) };
            let address = |text: &str| text.parse::<IpAddr>().map_err(|_| wrong("an address is none"));
            let (first, last) = (address(first)?, address(last)?);
            if first.is_ipv4() != last.is_ipv4() || first > last {
                return Err(wrong("the first address is not before the last"));
            }
            take(self, first, last, rest).map_err(wrong)?;
            if self.places.spots.len().max(self.places.networks.len()) > NAMES_MAX {
                return Err(wrong("there are more names than there can be"));
            }
        }
        Ok(())
    }

    /// The table.
    pub fn finish(self) -> Places {
        let Maker { mut places, spots, networks, .. } = self;
        (places.spots_v4, places.spots_v6) = ranges(&spots);
        (places.networks_v4, places.networks_v6) = ranges(&networks);
        places
    }
}

type Both = (Ranges<u32>, Ranges<u128>);

/// What holds of each address: published tables overlap, and of ranges that hold an address the narrowest says; of those as narrow the one that begins first.
fn ranges(all: &[(IpAddr, IpAddr, u32)]) -> Both {
    let (mut v4, mut v6): Both = Default::default();
    let numbers = |is_v4: bool| {
        let of_kind = all.iter().filter(move |(first, ..)| first.is_ipv4() == is_v4);
        let ranges = of_kind.map(|(first, last, value)| (number(*first), number(*last), *value));
        ranges.collect::<Vec<_>>()
    };
    sweep(numbers(true), |start, value| u32::try_from(start).into_iter().for_each(|start| v4.push(start, value)));
    sweep(numbers(false), |start, value| v6.push(start, value));
    (v4, v6)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// Calls with each address from which on something else may hold, and what does.
fn sweep(mut ranges: Vec<(u128, u128, u32)>, mut put: impl FnMut(u128, u32)) {
    ranges.sort_by_key(|(first, ..)| *first);
    let ends = ranges.iter().filter_map(|(_, last, _)| last.checked_add(1));
    let mut bounds: Vec<u128> = ranges.iter().map(|(first, ..)| *first).chain(ends).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let mut next = 0;
    // The narrowest of those that have begun; those that have ended are left behind when they come to the top.
    let mut begun: BinaryHeap<Reverse<(u128, usize)>> = BinaryHeap::new();
    for bound in bounds {
        while let Some((first, last, _)) = ranges.get(next).filter(|(first, ..)| *first <= bound) {
            begun.push(Reverse((last - first, next)));
            next += 1;
        }
        while begun.peek().is_some_and(|Reverse((_, at))| ranges[*at].1 < bound) {
            begun.pop();
        }
        put(bound, begun.peek().map_or(0, |Reverse((_, at))| ranges[*at].2));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spot(places: &Places, address: &str) -> Option<String> {
        places.find(address.parse().expect("an address")).spot.map(|spot| spot.country.clone())
    }

    #[test]
    fn addresses_are_where_the_tables_say() {
        let mut maker = Maker::new(About::default());
        let v4 =
            "1.0.0.0,1.0.0.255,AU\n1.0.1.0,1.0.3.255,cn\n\n1.0.4.0,1.0.7.255,ZZ\n223.255.255.0,223.255.255.255,US\r\n";
        maker.countries(v4).expect("a table");
        maker.countries("2001:2::,2001:2::ffff:ffff:ffff:ffff:ffff,JP\n").expect("a table");
        maker
            .networks("1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\n1.0.1.0,1.0.1.0,7,\"\"\"Q\"\" é\"\n")
            .expect("a table");
        let places = maker.finish();
        for (address, country) in [
            ("0.255.255.255", None),
            ("1.1.0.0", None),
            ("1.0.0.0", Some("AU")),
            ("1.0.0.255", Some("AU")),
            ("1.0.1.0", Some("CN")),
            ("1.0.3.255", Some("CN")),
            ("1.0.4.0", None),
            ("223.255.254.255", None),
            ("223.255.255.255", Some("US")),
            ("::ffff:1.0.0.9", Some("AU")),
            ("::", None),
            ("2001:2::1", Some("JP")),
            ("2001:2:1::", None),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ] {
            assert_eq!(spot(&places, address).as_deref(), country, "{address}");
        }
        let network = |address: &str| places.find(address.parse().expect("an address")).network.cloned();
        assert_eq!(network("1.0.0.7"), Some(Network { number: 13335, organisation: "Cloudflare, Inc.".into() }));
        assert_eq!(network("1.0.1.0").map(|network| network.organisation), Some("\"Q\" é".into()));
        assert_eq!(network("1.0.1.1"), None);
    }

    #[test]
    fn what_is_nowhere_has_no_place_whatever_a_table_says() {
        let all = "0.0.0.0,255.255.255.255,AU\n::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,JP\n";
        let made = |is_made_up: bool| {
            let mut maker = Maker::new(About { is_made_up, ..About::default() });
            maker.countries(all).expect("a table");
            maker.finish()
        };
        let (real, invented) = (made(false), made(true));
        for address in [
            "0.0.0.1",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.9.9",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.77",
            "203.0.113.5",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "100::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert_eq!(spot(&real, address), None, "{address}");
            assert!(spot(&invented, address).is_some(), "{address}");
        }
        for address in
            ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.255"]
        {
            assert_eq!(spot(&real, address).as_deref(), Some("AU"), "{address}");
        }
        for address in ["2001:4860:4860::8888", "2600:1f18::1", "2a05:d018::1"] {
            assert_eq!(spot(&real, address).as_deref(), Some("JP"), "{address}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let countries = |text: &str| Maker::default().countries(text).map_err(|err| err.to_string());
        let networks = |text: &str| Maker::default().networks(text).map_err(|err| err.to_string());
        for (said, why) in [
            (countries("1.0.0.0,1.0.0.255\n"), "line 1: three cells are due"),
            (
                countries("1.0.0.0,1.0.0.1,AU\n\n1.0.0.9,1.0.0.8,AU\n"),
                "line 3: the first address is not before the last",
            ),
            (countries("1.0.0.0,::1,AU\n"), "line 1: the first address"),
            (countries("16777216,16777471,AU\n"), "line 1: an address is none"),
            (networks("1.0.0.0,1.0.0.255,AS5,x\n"), "line 1: the number of the network is none"),
            (networks("1.0.0.0,1.0.0.255,5,\"x\n"), "line 1: a quote is not closed"),
        ] {
            let err = said.expect_err("it is refused");
            assert!(err.starts_with(why), "{err}");
        }
        let mut maker = Maker::default();
        maker.networks(&format!("1.0.0.0,1.0.0.9,1,{}\n", "é".repeat(500))).expect("long names are cut");
        assert_eq!(maker.finish().networks[0].organisation.len(), NAME_BYTES_MAX);
    }

    /// 9.0.0.0.
    const BASE: u32 = 9 << 24;

    proptest! {
        /// The definition: look at every range.
        #[test]
        fn looking_up_says_what_looking_at_every_range_says(
            ranges in proptest::collection::vec((0_u32..300, 0_u32..60, 0_usize..3), 0..40), looked in 0_u32..400,
        ) {
            let mut maker = Maker::default();
            let mut all: Vec<(u32, u32, &str)> = Vec::new();
            for (first, length, which) in ranges {
                let code = ["DE", "FR", "IT"][which];
                all.push((first, first + length, code));
                let address = |n: u32| IpAddr::V4((BASE + n).into());
                let (first, last) = (address(first), address(first + length));
                maker.place(first, last, Spot { country: code.into(), ..Spot::default() });
            }
            let places = maker.finish();
            let holding = all.iter().filter(|(first, last, _)| (*first..=*last).contains(&looked));
            let narrowest = holding.min_by_key(|(first, last, _)| (last - first, *first)).map(|(.., code)| *code);
            let found = spot(&places, &std::net::Ipv4Addr::from(BASE + looked).to_string());
            prop_assert_eq!(found.as_deref(), narrowest);
            prop_assert_eq!(Places::read(&places.write()).expect("it is whole"), places);
        }
    }
}
