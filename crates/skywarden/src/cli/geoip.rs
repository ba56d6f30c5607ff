//! `geoip`: where addresses are.

use std::io::{Read as _, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use collect::walk::show;
use enrich::{About, Maker, Places};
use predicate::diagnostic::visible;
use serde_json::json;

use super::End;
use crate::places;

/// Larger tables are not read; the largest that are published are a hundredth of it.
const TABLE_BYTES_MAX: u64 = 1 << 30;

/// `geoip …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say where addresses are, and whose
    Look(Look),
    /// Make a table of places out of tables that others publish; `make geoip` does it
    Make(Make),
}

/// `geoip look`
#[derive(Debug, ClapArgs)]
pub struct Look {
    /// The addresses
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    /// The table of places [default: the one that `make geoip` made]
    #[arg(long, value_name = "FILE")]
    geoip: Option<PathBuf>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One object a line
    Jsonl,
}

/// `geoip make`
#[derive(Debug, ClapArgs)]
pub struct Make {
    /// A table of countries, `first,last,CC` a line; may be given several times
    #[arg(long, value_name = "CSV")]
    countries: Vec<PathBuf>,
    /// A table of networks, `first,last,number,organisation` a line; may be given several times
    #[arg(long, value_name = "CSV")]
    networks: Vec<PathBuf>,
    /// What it is made of
    #[arg(long, value_name = "WORDS")]
    name: String,
    /// Of when it is: 2026-06-17
    #[arg(long, value_name = "DATE")]
    date: String,
    /// What its licence wants to be shown with it
    #[arg(long, value_name = "WORDS")]
    attribution: String,
    /// The file to write [default: where `serve` looks for it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs one of them.
pub fn run(command: &Command) -> anyhow::Result<End> {
    match command {
        Command::Look(args) => look(args),
        Command::Make(args) => make(args),
    }
}

fn look(args: &Look) -> anyhow::Result<End> {
    let Some(places) = places::open(args.geoip.as_deref(), None)? else {
        bail!("there is no table of places: `make geoip` fetches one, --geoip names another");
    };
    let mut out = std::io::stdout().lock();
    for address in &args.addresses {
        let place = places.find(*address);
        let country = place.spot.and_then(|spot| enrich::country(&spot.country));
        let (city, network) =
            (place.spot.map(|spot| spot.city.as_str()).filter(|city| !city.is_empty()), place.network);
        if args.format == Format::Jsonl {
            let coordinates = place.spot.and_then(enrich::Spot::coordinates);
            let line = json!({
                "address": address, "country": country.map(|c| c.code), "country_name": country.map(|c| c.name), "city": city,
                "latitude": coordinates.map(|c| c.0), "longitude": coordinates.map(|c| c.1), "is_approximate": coordinates.map(|c| c.2),
                "asn": network.map(|n| n.number), "organisation": network.map(|n| &n.organisation),
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let place = [city, country.map(|country| country.name)].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let place = if place.is_empty() { "no known place" } else { &place };
        let network = network.map(|n| format!("AS{} {}", n.number, n.organisation)).unwrap_or_default();
        writeln!(out, "{address:<39}  {:<28}  {}", visible(place), visible(&network))?;
    }
    let about = places.about();
    tell!("{} of {}: {}", visible(&about.name), visible(&about.date), visible(&about.attribution));
    Ok(End::Ok)
}

fn make(args: &Make) -> anyhow::Result<End> {
    let out = args.out.clone().or_else(places::cache).context("there is no folder for it: --out names the file")?;
    let mut maker = Maker::new(About {
        name: args.name.clone(),
        date: args.date.clone(),
        attribution: args.attribution.clone(),
        is_made_up: false,
    });
    for path in &args.countries {
        maker
            .countries(&table(path)?)
            .with_context(|| format!("cannot read {} as a table of countries", show(path)))?;
    }
    for path in &args.networks {
        maker.networks(&table(path)?).with_context(|| format!("cannot read {} as a table of networks", show(path)))?;
    }
    let made = maker.finish();
    let bytes = made.write();
    // What could not be read again must not replace what can.
    Places::read(&bytes).context("cannot make a table of places")?;
    replace(&out, &bytes).with_context(|| format!("cannot write {}", show(&out)))?;
    writeln!(std::io::stdout(), "{} ranges in {} bytes: {}", made.n_ranges(), bytes.len(), show(&out))?;
    Ok(End::Ok)
}

fn table(path: &Path) -> anyhow::Result<String> {
    let failed = || format!("cannot read {}", show(path));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(failed)?;
    file.take(TABLE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(failed)?;
    if bytes.len() as u64 > TABLE_BYTES_MAX {
        bail!("{} is larger than {} MiB: no such table is", show(path), TABLE_BYTES_MAX >> 20);
    }
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is not UTF-8", show(path)))
}

/// Puts a file in place as a whole.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|err| err.error)?;
    Ok(())
}
