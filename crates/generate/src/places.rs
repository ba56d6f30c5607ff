//! Where the addresses of generated logs would be, if they were anywhere: they are kept for documentation, as are the numbers of their networks.

/// A range of addresses and its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The first address.
    pub first: &'static str,
    /// The last.
    pub last: &'static str,
    /// The country: two capitals.
    pub country: &'static str,
    /// The city.
    pub city: &'static str,
    /// In degrees.
    pub latitude: f64,
    /// In degrees.
    pub longitude: f64,
    /// The number of its autonomous system.
    pub network: u32,
    /// Who runs that.
    pub organisation: &'static str,
}

const fn city(country: &'static str, city: &'static str, latitude: f64, longitude: f64) -> Place {
    Place { first: "", last: "", country, city, latitude, longitude, network: 0, organisation: "" }
}

const BERLIN: Place = city("DE", "Berlin", 52.52, 13.405);
const DUBLIN: Place = city("IE", "Dublin", 53.3498, -6.2603);
const SEATTLE: Place = city("US", "Seattle", 47.6062, -122.3321);
const COLUMBUS: Place = city("US", "Columbus", 39.9612, -82.9988);
const FRANKFURT: Place = city("DE", "Frankfurt", 50.1109, 8.6821);
const REYKJAVIK: Place = city("IS", "Reykjavik", 64.1466, -21.9426);
const SINGAPORE: Place = city("SG", "Singapore", 1.3521, 103.8198);
const SAO_PAULO: Place = city("BR", "São Paulo", -23.5505, -46.6333);

const OFFICE: (u32, &str) = (64_496, "Example Office");
const HOMES: (u32, &str) = (64_497, "Example Broadband");
const BUILDS: (u32, &str) = (64_498, "Example Builds");
const CLOUD: (u32, &str) = (64_499, "Example Cloud");
const RENTED: (u32, &str) = (64_500, "Example Rented Servers");

const fn at(first: &'static str, last: &'static str, place: Place, network: (u32, &'static str)) -> Place {
    Place { first, last, network: network.0, organisation: network.1, ..place }
}

/// People, builds and services, and those who mean harm.
pub const PLACES: &[Place] = &[
    at("192.0.2.1", "192.0.2.79", SEATTLE, HOMES),
    at("192.0.2.80", "192.0.2.139", COLUMBUS, BUILDS),
    at("192.0.2.140", "192.0.2.254", FRANKFURT, CLOUD),
    at("198.51.100.1", "198.51.100.120", REYKJAVIK, RENTED),
    at("198.51.100.121", "198.51.100.180", SAO_PAULO, HOMES),
    at("198.51.100.181", "198.51.100.254", SINGAPORE, RENTED),
    at("203.0.113.1", "203.0.113.19", BERLIN, OFFICE),
    at("203.0.113.20", "203.0.113.49", DUBLIN, OFFICE),
    at("203.0.113.50", "203.0.113.99", FRANKFURT, OFFICE),
    at("203.0.113.100", "203.0.113.199", BERLIN, HOMES),
    at("203.0.113.200", "203.0.113.254", SINGAPORE, RENTED),
    at("2001:db8::", "2001:db8:bac:ffff:ffff:ffff:ffff:ffff", DUBLIN, HOMES),
    at("2001:db8:bad::", "2001:db8:bad:ffff:ffff:ffff:ffff:ffff", SINGAPORE, RENTED),
    at("2001:db8:bae::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", FRANKFURT, CLOUD),
];
