//! Where records go: the folders and names of an organization trail, gzip, and the deliveries of one span of time.

use crate::estate::{ACCOUNTS, REGIONS};
use crate::rng::Rng;
use crate::time;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of one kind of CloudTrail record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    Trail,
    Insight,
    Network,
}

const FOLDERS: &[(Folder, &str)] = &[
    (Folder::Trail, "CloudTrail"),
    (Folder::Insight, "CloudTrail-Insight"),
    (Folder::Network, "CloudTrail-NetworkActivity"),
];

/// Account, Region and folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub account: usize,
    pub region: usize,
    pub folder: Folder,
}

impl Place {
    pub fn trail(account: usize, region: usize) -> Place {
        Place { account, region, folder: Folder::Trail }
    }

    fn index(self) -> usize {
        (self.account * REGIONS.len() + self.region) * FOLDERS.len() + self.folder as usize
    }

    fn at(index: usize) -> Place {
        let (rest, folder) = (index / FOLDERS.len(), FOLDERS[index % FOLDERS.len()].0);
        Place { account: rest / REGIONS.len(), region: rest % REGIONS.len(), folder }
    }
}

/// The only door to the disk. Counts what went through it.
pub struct Disk {
    dir: PathBuf,
    pub files: u64,
    pub bytes: u64,
}

impl Disk {
    pub fn new(dir: &Path) -> Disk {
        Disk { dir: dir.to_owned(), files: 0, bytes: 0 }
    }

    pub fn write(&mut self, name: &str, content: &[u8]) -> Result<(), (PathBuf, std::io::Error)> {
        let path = self.dir.join(name);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, content)).map_err(|err| (path, err))?;
        self.files += 1;
        self.bytes += content.len() as u64;
        Ok(())
    }
}

/// The content as gzip, with no name and no time in it.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 8), Compression::new(GZIP_LEVEL));
    encoder.write_all(content).expect("a Vec takes every write");
    encoder.finish().expect("a Vec takes every write")
}

const GZIP_LEVEL: u32 = 6;

/// The name of one CloudTrail file.
pub fn trail_name(place: Place, time_ms: i64, unique: &str) -> String {
    let (account, region, folder) =
        (ACCOUNTS[place.account].id, REGIONS[place.region], FOLDERS[place.folder as usize].1);
    let (day, stamp) = (time::folder(time_ms), time::stamp(time_ms));
    format!(
        "AWSLogs/o-exampleorgid/{account}/{folder}/{region}/{day}/{account}_{folder}_{region}_{stamp}_{unique}.json.gz"
    )
}

/// The name of one flow log file.
pub fn flow_name(account: usize, region: usize, flow_log: &str, time_ms: i64, hash: u64) -> String {
    let (account, region) = (ACCOUNTS[account].id, REGIONS[region]);
    let (day, stamp) = (time::folder(time_ms), time::stamp(time_ms));
    format!(
        "AWSLogs/{account}/vpcflowlogs/{region}/{day}/{account}_vpcflowlogs_{region}_{flow_log}_{stamp}_{:08x}.log.gz",
        hash as u32
    )
}

#[derive(Default)]
struct Batch {
    json: Vec<u8>,
    records: u32,
}

/// The CloudTrail records of one span of time, on their way into files.
pub struct Deliveries {
    batches: Vec<Batch>,
    /// Records that come with the next span: late ones, and second copies.
    late: Vec<(usize, Vec<u8>)>,
    full: Vec<(usize, Vec<u8>)>,
    rng: Rng,
    records_max: u32,
    /// Records taken, each once.
    pub events: u64,
    /// Records that are delivered twice.
    pub twice: u64,
}

const LATE: f64 = 0.003;
const TWICE: f64 = 0.002;

impl Deliveries {
    pub fn new(seed: u64, records_max: u32) -> Deliveries {
        let batches = (0..ACCOUNTS.len() * REGIONS.len() * FOLDERS.len()).map(|_| Batch::default()).collect();
        let (late, full, rng) = (Vec::new(), Vec::new(), Rng::new(seed));
        Deliveries { batches, late, full, rng, records_max: records_max.max(1), events: 0, twice: 0 }
    }

    /// Takes one record that `record` writes.
    pub fn take(&mut self, place: Place, record: impl FnOnce(&mut Vec<u8>)) {
        let index = place.index();
        let fate = self.rng.unit();
        self.events += 1;
        if fate < LATE {
            let mut json = Vec::new();
            record(&mut json);
            self.late.push((index, json));
            return;
        }
        let start = self.put(index, record);
        if fate < LATE + TWICE {
            self.twice += 1;
            self.late.push((index, self.batches[index].json[start..].to_vec()));
        }
        self.cut(index);
    }

    /// Takes a record that is delivered once and in time.
    pub fn take_on_time(&mut self, place: Place, json: &[u8]) {
        self.events += 1;
        self.put(place.index(), |out| out.extend_from_slice(json));
        self.cut(place.index());
    }

    fn put(&mut self, index: usize, record: impl FnOnce(&mut Vec<u8>)) -> usize {
        let batch = &mut self.batches[index];
        batch.json.extend_from_slice(if batch.records == 0 { b"{\"Records\":[" } else { b"," });
        let start = batch.json.len();
        record(&mut batch.json);
        batch.records += 1;
        start
    }

    fn cut(&mut self, index: usize) {
        if self.batches[index].records >= self.records_max {
            self.close(index);
        }
    }

    fn close(&mut self, index: usize) {
        let batch = &mut self.batches[index];
        if batch.records > 0 {
            batch.json.extend_from_slice(b"]}");
            self.full.push((index, gzip(&batch.json)));
            batch.json.clear();
            batch.records = 0;
        }
    }

    /// Writes the files of the span that ends now, then lets the late records in.
    pub fn flush(&mut self, disk: &mut Disk, time_ms: i64) -> Result<(), (PathBuf, std::io::Error)> {
        (0..self.batches.len()).for_each(|index| self.close(index));
        for (index, content) in std::mem::take(&mut self.full) {
            let unique = self.unique();
            disk.write(&trail_name(Place::at(index), time_ms, &unique), &content)?;
        }
        for (index, json) in std::mem::take(&mut self.late) {
            self.put(index, |out| out.extend_from_slice(&json));
            self.cut(index);
        }
        Ok(())
    }

    fn unique(&mut self) -> String {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..16).map(|_| char::from(*self.rng.pick(letters))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(
            trail_name(Place { account: 1, region: 1, folder: Folder::Insight }, 1_793_491_509_000, "x"),
            "AWSLogs/o-exampleorgid/444455556666/CloudTrail-Insight/us-east-1/2026/11/01/444455556666_CloudTrail-Insight_us-east-1_20261101T0005Z_x.json.gz"
        );
        assert_eq!(
            flow_name(0, 0, "fl-01", 1_793_491_509_000, 255),
            "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/11/01/111122223333_vpcflowlogs_eu-west-1_fl-01_20261101T0005Z_000000ff.log.gz"
        );
    }

    #[test]
    fn a_place_is_its_index() {
        let places = ACCOUNTS.len() * REGIONS.len() * FOLDERS.len();
        assert!((0..places).all(|index| Place::at(index).index() == index));
    }
}
