//! The table of places: where it lies, and the one that is made up for the demo.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use collect::walk::show;
use enrich::{About, Maker, Network, Places, Spot};

/// What the table is called where nobody says a name.
const NAME: &str = "places";

/// The table in this file; without one that in the data folder, else that which `make geoip` made. Nothing if there is none of these.
pub fn open(asked: Option<&Path>, data: Option<&Path>) -> anyhow::Result<Option<Places>> {
    if let Some(path) = asked {
        return read(path).map(Some);
    }
    let known = data.map(|data| data.join(NAME)).into_iter().chain(cache());
    known.filter(|path| path.exists()).map(|path| read(&path)).next().transpose()
}

/// Where `make geoip` puts it.
pub fn cache() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(folder.join("skywarden/geoip").join(NAME))
}

fn read(path: &Path) -> anyhow::Result<Places> {
    let failed = || format!("cannot read the table of places {}", show(path));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(Places::BYTES_MAX + 1).read_to_end(&mut bytes)).with_context(failed)?;
    if bytes.len() as u64 > Places::BYTES_MAX {
        bail!("{} is larger than {} MiB: no table of places is", show(path), Places::BYTES_MAX >> 20);
    }
    Places::read(&bytes).with_context(failed)
}

/// The table of the demo: the addresses of its people and its attacker are no real ones, and no real table has them.
pub fn made_up() -> anyhow::Result<Places> {
    let mut maker = Maker::new(About {
        name: "demo".to_owned(),
        date: "2026-11-01".to_owned(),
        attribution: "Made up for the demo: these addresses are for documentation and are nowhere.".to_owned(),
        is_made_up: true,
    });
    for place in generate::PLACES {
        let (first, last) = (place.first.parse()?, place.last.parse()?);
        let at = Some((place.latitude, place.longitude));
        maker.place(first, last, Spot { country: place.country.to_owned(), city: place.city.to_owned(), at });
        maker.network(first, last, Network { number: place.network, organisation: place.organisation.to_owned() });
    }
    Ok(maker.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_a_place_for_whom_it_tells_of() {
        let places = made_up().expect("it is right");
        for (address, city) in [
            ("203.0.113.10", Some("Berlin")),
            ("203.0.113.24", Some("Dublin")),
            ("192.0.2.44", Some("Seattle")),
            ("2001:db8:40:1::a17", Some("Dublin")),
            ("198.51.100.77", Some("Reykjavik")),
            ("198.51.100.201", Some("Singapore")),
            ("10.0.0.1", None),
            ("8.8.8.8", None),
        ] {
            let place = places.find(address.parse().expect("an address"));
            assert_eq!(place.spot.map(|spot| spot.city.as_str()), city, "{address}");
            assert_eq!(place.network.is_some(), city.is_some(), "{address}");
        }
        assert!(places.about().is_made_up);
    }

    #[test]
    fn a_table_is_what_was_asked_for_or_what_lies_there_or_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let other = folder.path().join("other");
        std::fs::write(&path, made_up().expect("it is right").write()).expect("written");
        std::fs::write(&other, Places::default().write()).expect("written");
        assert!(open(None, Some(folder.path())).expect("it reads").is_some_and(|places| places.about().is_made_up));
        assert!(
            open(Some(&other), Some(folder.path())).expect("it reads").is_some_and(|places| !places.about().is_made_up)
        );
        assert!(open(Some(&folder.path().join("none")), None).is_err(), "what was asked for must be there");
        std::fs::write(&path, "no table").expect("written");
        let err = format!("{:#}", open(None, Some(folder.path())).expect_err("it is none"));
        assert!(err.ends_with("it is no table of places: it does not begin like one"), "{err}");
    }
}
