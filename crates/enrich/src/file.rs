//! A table of places as bytes.
//!
//! A heading, what it is as JSON, places, networks, four tables of ranges, and the SHA-256 of all before. Numbers are little-endian.
//! Reading trusts nothing: every length is looked at before it is believed, ranges must rise, and numbers must lead to what is there.

use sha2::{Digest, Sha256};

use crate::maker::{NAME_BYTES_MAX, NAMES_MAX};
use crate::places::{About, Network, Places, Ranges, Spot};

const HEADING: &[u8] = b"skywarden places 1\n";
const ABOUT_BYTES_MAX: usize = 16 << 10;
const HASH_BYTES: usize = 32;
/// What stands for no coordinate.
const NOWHERE: i32 = i32::MIN;
/// Coordinates are kept in so many parts of a degree: some ten metres.
const PARTS: f64 = 10_000.0;

/// A file that is no table of places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no table of places: {why}")]
pub struct FileError {
    /// What is wrong.
    pub why: &'static str,
}

const fn wrong(why: &'static str) -> FileError {
    FileError { why }
}

impl Places {
    /// The most bytes of a file.
    pub const BYTES_MAX: u64 = 256 << 20;

    /// The table as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = HEADING.to_vec();
        let about = serde_json::to_vec(&self.about).expect("texts and a boolean are JSON");
        put_bytes(&mut out, &about);
        put_number(&mut out, self.spots.len());
        for spot in &self.spots {
            put_bytes(&mut out, spot.country.as_bytes());
            put_bytes(&mut out, spot.city.as_bytes());
            let (latitude, longitude) = match spot.at {
                Some((latitude, longitude)) => ((latitude * PARTS).round() as i32, (longitude * PARTS).round() as i32),
                None => (NOWHERE, NOWHERE),
            };
            out.extend(latitude.to_le_bytes());
            out.extend(longitude.to_le_bytes());
        }
        put_number(&mut out, self.networks.len());
        for network in &self.networks {
            out.extend(network.number.to_le_bytes());
            put_bytes(&mut out, network.organisation.as_bytes());
        }
        put_ranges(&mut out, &self.spots_v4, |start| start.to_le_bytes());
        put_ranges(&mut out, &self.spots_v6, |start| start.to_le_bytes());
        put_ranges(&mut out, &self.networks_v4, |start| start.to_le_bytes());
        put_ranges(&mut out, &self.networks_v6, |start| start.to_le_bytes());
        let hash = Sha256::digest(&out);
        out.extend(hash);
        out
    }

    /// The table of these bytes.
    ///
    /// # Errors
    /// When they are not a whole table, in whatever way.
    pub fn read(bytes: &[u8]) -> Result<Places, FileError> {
        let rest = bytes.strip_prefix(HEADING).ok_or(wrong("it does not begin like one"))?;
        let (content, hash) =
            bytes.split_at_checked(bytes.len().saturating_sub(HASH_BYTES)).ok_or(wrong("it is too short"))?;
        if Sha256::digest(content).as_slice() != hash {
            return Err(wrong("it is damaged, or not all there"));
        }
        let mut reader = Reader { rest: &rest[..rest.len().saturating_sub(HASH_BYTES)] };
        let about = reader.bytes(ABOUT_BYTES_MAX)?;
        let about: About = serde_json::from_slice(about).map_err(|_| wrong("it does not say what it is"))?;
        let spots = reader.list(16, Reader::spot)?;
        let networks = reader.list(8, Reader::network)?;
        let places = Places {
            about,
            spots_v4: reader.ranges(u32::from_le_bytes, spots.len())?,
            spots_v6: reader.ranges(u128::from_le_bytes, spots.len())?,
            networks_v4: reader.ranges(u32::from_le_bytes, networks.len())?,
            networks_v6: reader.ranges(u128::from_le_bytes, networks.len())?,
            spots,
            networks,
        };
        if reader.rest.is_empty() { Ok(places) } else { Err(wrong("there is more than there should be")) }
    }
}

fn put_number(out: &mut Vec<u8>, n: usize) {
    out.extend(u32::try_from(n).expect("tables are far smaller").to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend(bytes);
}

fn put_ranges<A: Copy, const N: usize>(out: &mut Vec<u8>, ranges: &Ranges<A>, bytes: fn(A) -> [u8; N]) {
    put_number(out, ranges.starts.len());
    ranges.starts.iter().for_each(|start| out.extend(bytes(*start)));
    ranges.values.iter().for_each(|value| out.extend(value.to_le_bytes()));
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, n: usize) -> Result<&'b [u8], FileError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(wrong("it ends too soon"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FileError> {
        self.take(N)?.try_into().map_err(|_| wrong("it ends too soon"))
    }

    fn number(&mut self) -> Result<u32, FileError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn bytes(&mut self, most: usize) -> Result<&'b [u8], FileError> {
        let n = self.number()? as usize;
        if n > most { Err(wrong("a text is too long")) } else { self.take(n) }
    }

    fn text(&mut self) -> Result<String, FileError> {
        String::from_utf8(self.bytes(NAME_BYTES_MAX)?.to_vec()).map_err(|_| wrong("a text is not UTF-8"))
    }

    /// How many of something come that take at least so many bytes each.
    fn count(&mut self, bytes_each: usize) -> Result<usize, FileError> {
        let n = self.number()? as usize;
        if n > self.rest.len() / bytes_each { Err(wrong("it ends too soon")) } else { Ok(n) }
    }

    fn list<T>(&mut self, bytes_each: usize, one: fn(&mut Self) -> Result<T, FileError>) -> Result<Vec<T>, FileError> {
        let n = self.count(bytes_each)?;
        if n > NAMES_MAX {
            return Err(wrong("there are more names than there can be"));
        }
        (0..n).map(|_| one(self)).collect()
    }

    fn spot(&mut self) -> Result<Spot, FileError> {
        let (country, city) = (self.text()?, self.text()?);
        let (latitude, longitude) = (i32::from_le_bytes(self.array()?), i32::from_le_bytes(self.array()?));
        let degrees = |parts: i32| f64::from(parts) / PARTS;
        let at = match (latitude, longitude) {
            (NOWHERE, NOWHERE) => None,
            _ => Some((degrees(latitude), degrees(longitude))),
        };
        if at.is_some_and(|(latitude, longitude)| latitude.abs() > 90.0 || longitude.abs() > 180.0) {
            return Err(wrong("a place is not on Earth"));
        }
        Ok(Spot { country, city, at })
    }

    fn network(&mut self) -> Result<Network, FileError> {
        Ok(Network { number: self.number()?, organisation: self.text()? })
    }

    fn ranges<A: Ord, const N: usize>(
        &mut self,
        start: fn([u8; N]) -> A,
        value_max: usize,
    ) -> Result<Ranges<A>, FileError> {
        let n = self.count(N + 4)?;
        let starts: Vec<A> = (0..n).map(|_| Ok(start(self.array()?))).collect::<Result<_, FileError>>()?;
        let values: Vec<u32> = (0..n).map(|_| self.number()).collect::<Result<_, _>>()?;
        if !starts.is_sorted_by(|a, b| a < b) {
            return Err(wrong("its ranges are not in order"));
        }
        if values.iter().any(|value| *value as usize > value_max) {
            return Err(wrong("a range leads nowhere"));
        }
        Ok(Ranges { starts, values })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Maker;

    fn sample() -> Places {
        let mut maker = Maker::new(About {
            name: "made up".into(),
            date: "2026-06-17".into(),
            attribution: "nobody".into(),
            is_made_up: true,
        });
        maker.countries("1.0.0.0,1.0.0.255,AU\n2.0.0.0,2.0.0.255,FR\n2001:db8::,2001:db8::ff,DE\n").expect("a table");
        maker.networks("1.0.0.0,1.0.0.255,13335,Cloudflare\n2001:db8::,2001:db8::f,7,Y\n").expect("a table");
        let city = Spot { country: "IE".into(), city: "Dublin".into(), at: Some((53.3498, -6.2603)) };
        maker.place("9.0.0.0".parse().expect("an address"), "9.0.0.255".parse().expect("an address"), city);
        maker.finish()
    }

    /// The same with a hash that goes with it, as somebody would make it who means harm.
    fn hashed(mut content: Vec<u8>) -> Vec<u8> {
        content.truncate(content.len() - HASH_BYTES);
        let hash = Sha256::digest(&content);
        content.extend(hash);
        content
    }

    #[test]
    fn what_is_written_is_read() {
        let places = sample();
        let read = Places::read(&places.write()).expect("it is whole");
        assert_eq!(read, places);
        let dublin = read.find("9.0.0.9".parse().expect("an address")).spot.cloned().expect("it is there");
        assert_eq!((dublin.city.as_str(), dublin.coordinates()), ("Dublin", Some((53.3498, -6.2603, false))));
        assert_eq!(Places::read(&Places::default().write()), Ok(Places::default()));
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused() {
        let bytes = sample().write();
        for n in 0..bytes.len() {
            assert!(Places::read(&bytes[..n]).is_err(), "cut after {n}");
            let mut flipped = bytes.clone();
            flipped[n] ^= 1;
            assert!(Places::read(&flipped).is_err(), "flipped at {n}");
        }
        let mut more = bytes.clone();
        more.insert(bytes.len() - HASH_BYTES, 0);
        assert_eq!(Places::read(&hashed(more)), Err(wrong("there is more than there should be")));
    }

    #[test]
    fn what_would_lead_astray_is_refused() {
        let refused = |change: &dyn Fn(&mut Places)| {
            let mut places = sample();
            change(&mut places);
            Places::read(&places.write()).expect_err("it is refused").why
        };
        assert_eq!(refused(&|p| p.spots_v4.values[0] = 99), "a range leads nowhere");
        assert_eq!(refused(&|p| p.networks_v6.starts.reverse()), "its ranges are not in order");
        assert_eq!(refused(&|p| p.spots[0].at = Some((91.0, 0.0))), "a place is not on Earth");
        assert_eq!(refused(&|p| p.spots[0].city = "x".repeat(NAME_BYTES_MAX + 1)), "a text is too long");
        assert_eq!(refused(&|p| p.about.name = "x".repeat(ABOUT_BYTES_MAX)), "a text is too long");
        // A count that is not true asks for no memory.
        let mut bytes = HEADING.to_vec();
        put_bytes(&mut bytes, &serde_json::to_vec(&About::default()).expect("JSON"));
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.extend([0; HASH_BYTES]);
        assert_eq!(Places::read(&hashed(bytes)), Err(wrong("it ends too soon")));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let mut bytes = sample().write();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(places) = Places::read(&hashed(bytes)) {
                places.find("1.0.0.1".parse().expect("an address"));
                places.find("2001:db8::1".parse().expect("an address"));
            }
        }
    }
}
