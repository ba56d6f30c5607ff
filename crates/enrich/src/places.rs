//! Where addresses are: sorted ranges, looked up by binary search.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::country::country;

/// What a table of places is, and who is to be named for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What it was made of.
    pub name: String,
    /// Of when it is: `2026-06-17`.
    pub date: String,
    /// What its licence wants to be shown wherever a place of it is.
    pub attribution: String,
    /// Whether it is invented, for a demo.
    pub is_made_up: bool,
}

/// A place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spot {
    /// The country: two capitals.
    pub country: String,
    /// The city; empty where only the country is known.
    pub city: String,
    /// Latitude and longitude in degrees, where more than the country is known.
    pub at: Option<(f64, f64)>,
}

/// Whose an address is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The number of its autonomous system.
    pub number: u32,
    /// Who runs it.
    pub organisation: String,
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place<'p> {
    /// Where it is.
    pub spot: Option<&'p Spot>,
    /// Whose it is.
    pub network: Option<&'p Network>,
}

/// A table of places. What is wrong with a file is found when it is read, so that looking up cannot fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    pub(crate) about: About,
    pub(crate) spots: Vec<Spot>,
    pub(crate) networks: Vec<Network>,
    pub(crate) spots_v4: Ranges<u32>,
    pub(crate) spots_v6: Ranges<u128>,
    pub(crate) networks_v4: Ranges<u32>,
    pub(crate) networks_v6: Ranges<u128>,
}

impl Places {
    /// What the table is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What is known of an address.
    pub fn find(&self, address: IpAddr) -> Place<'_> {
        // Sockets of IPv6 show IPv4 addresses so.
        let address = address.to_canonical();
        // Tables have places for addresses that are nowhere, since somebody announces them.
        if is_nowhere(address) && !self.about.is_made_up {
            return Place { spot: None, network: None };
        }
        let (spot, network) = match address {
            IpAddr::V4(address) => (self.spots_v4.find(address.into()), self.networks_v4.find(address.into())),
            IpAddr::V6(address) => (self.spots_v6.find(address.into()), self.networks_v6.find(address.into())),
        };
        let at = |number: u32| (number as usize).checked_sub(1);
        Place {
            spot: at(spot).and_then(|at| self.spots.get(at)),
            network: at(network).and_then(|at| self.networks.get(at)),
        }
    }

    /// How many ranges there are.
    pub fn n_ranges(&self) -> usize {
        self.spots_v4.len() + self.spots_v6.len() + self.networks_v4.len() + self.networks_v6.len()
    }
}

/// Whether an address belongs to nobody in particular: private, of one machine or one network, for documentation or tests, multicast, reserved.
fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || matches!((a, b, c), (0 | 224.., ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _))
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            v6.is_multicast()
                || matches!((a, b), (0, _) | (0x100, _) | (0x2001, 0xdb8) | (0x3fff, 0..=0xfff))
                || matches!(a, 0xfc00..=0xfdff | 0xfe80..=0xffff)
        }
    }
}

impl Spot {
    /// Latitude and longitude, and whether they are only those of the middle of the country.
    pub fn coordinates(&self) -> Option<(f64, f64, bool)> {
        match self.at {
            Some((latitude, longitude)) => Some((latitude, longitude, false)),
            None => country(&self.country).map(|country| (country.latitude, country.longitude, true)),
        }
    }
}

/// Where ranges begin, and what holds from there to where the next begins: a number from 1, or 0 for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges<A> {
    pub(crate) starts: Vec<A>,
    pub(crate) values: Vec<u32>,
}

impl<A: Ord + Copy> Ranges<A> {
    fn find(&self, address: A) -> u32 {
        let behind = self.starts.partition_point(|start| *start <= address);
        behind.checked_sub(1).map_or(0, |at| self.values[at])
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Adds what holds from here on. Neighbours that hold the same are one range.
    pub(crate) fn push(&mut self, start: A, value: u32) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().unwrap_or(0) != value {
            self.starts.push(start);
            self.values.push(value);
        }
    }
}
