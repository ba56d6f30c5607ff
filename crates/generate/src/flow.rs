//! VPC flow logs: one in the default format, two in a custom one, with the traffic of the attack among the rest.

use crate::attack;
use crate::benign::World;
use crate::corpus::Options;
use crate::estate::{ACCOUNTS, DEVELOPMENT, IRELAND, PRODUCTION, REGIONS, VIRGINIA};
use crate::layout::{Disk, flow_name, gzip};
use crate::rng::{Rng, join, mix, name};
use crate::template::{number, put};
use crate::time::MINUTE_MS;
use std::ops::Range;
use std::path::PathBuf;

const DEFAULT: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
const CUSTOM: &str = "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport \
    pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status region az-id flow-direction \
    traffic-path pkt-src-aws-service pkt-dst-aws-service";

const HOSTS: usize = 16;

/// The interfaces that one flow log watches.
struct FlowLog {
    account: usize,
    region: usize,
    id: String,
    fields: Vec<&'static str>,
    share: u64,
    hosts: Vec<Host>,
}

struct Host {
    eni: String,
    instance: String,
    subnet: String,
    vpc: String,
    address: String,
    address_v6: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// One record, before a format is chosen.
struct Flow<'a> {
    host: &'a Host,
    way: Way,
    peer: &'a str,
    /// Ports at the host and at the peer.
    port: u64,
    peer_port: u64,
    protocol: u64,
    packets: u64,
    bytes: u64,
    start_s: i64,
    seconds: i64,
    action: &'static str,
    flags: u64,
}

/// All flow logs, and the count of what they hold.
pub struct Flows {
    logs: Vec<FlowLog>,
    episodes: Vec<Episode>,
    seed: u64,
    pub records: u64,
}

impl Flows {
    pub fn new(options: &Options, world: &World) -> Flows {
        let logs = vec![
            FlowLog::new(world, PRODUCTION, IRELAND, CUSTOM, 55),
            FlowLog::new(world, PRODUCTION, VIRGINIA, CUSTOM, 15),
            FlowLog::new(world, DEVELOPMENT, IRELAND, DEFAULT, 30),
        ];
        let episodes = attack::start(options).map_or(Vec::new(), episodes);
        Flows { logs, episodes, seed: join(options.seed, name("flows")), records: 0 }
    }

    /// Writes the files of one span, until `target` records are written in all.
    pub fn write(&mut self, span: (i64, i64), target: u64, disk: &mut Disk) -> Result<(), (PathBuf, std::io::Error)> {
        let mut rng = Rng::new(join(self.seed, span.0 as u64));
        let mut texts: Vec<Vec<u8>> =
            self.logs.iter().map(|log| [log.fields.join(" ").as_bytes(), b"\n"].concat()).collect();
        let headers: Vec<usize> = texts.iter().map(Vec::len).collect();
        for episode in &self.episodes {
            self.records += episode.tell(&self.logs[episode.log], span, &mut rng, &mut texts[episode.log]);
        }
        while self.records < target {
            let at = self.log_for(rng.below(100));
            self.records += ordinary(&self.logs[at], span, &mut rng, &mut texts[at]);
        }
        for ((log, text), header) in self.logs.iter().zip(texts).zip(headers) {
            if text.len() > header {
                let name = flow_name(
                    log.account,
                    log.region,
                    &log.id,
                    span.0,
                    mix(join(self.seed, span.0 as u64) ^ log.share),
                );
                disk.write(&name, &gzip(&text))?;
            }
        }
        Ok(())
    }

    fn log_for(&self, mut percent: u64) -> usize {
        let at = self.logs.iter().position(|log| {
            let here = percent < log.share;
            percent = percent.saturating_sub(log.share);
            here
        });
        at.unwrap_or(0)
    }
}

impl FlowLog {
    fn new(world: &World, account: usize, region: usize, format: &'static str, share: u64) -> FlowLog {
        let estate = &world.estates[account];
        let hosts = (0..HOSTS).map(|i| Host {
            eni: estate.numbered("eni", i * 4 + region).to_owned(),
            instance: estate.numbered("instance", i * 4 + region).to_owned(),
            subnet: estate.numbered("subnet", (i % 3) * 4 + region).to_owned(),
            vpc: estate.numbered("vpc", region).to_owned(),
            address: format!("10.{}.{}.{}", account * 16 + region, i % 3 + 1, 20 + i),
            address_v6: format!("2001:db8:{account}{region}:{}::{:x}", i % 3 + 1, 20 + i),
        });
        let hosts = hosts.collect();
        let id = estate.numbered("flowlog", region).to_owned();
        FlowLog { account, region, id, fields: format.split_whitespace().collect(), share, hosts }
    }

    fn line(&self, out: &mut Vec<u8>, flow: &Flow) {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            self.field(out, field, flow);
        }
        out.push(b'\n');
    }

    fn field(&self, out: &mut Vec<u8>, field: &str, flow: &Flow) {
        let incoming = flow.way == Way::In;
        let v6 = flow.peer.contains(':');
        let host = if v6 { &flow.host.address_v6 } else { &flow.host.address };
        let ((src, src_port), (dst, dst_port)) = match flow.way {
            Way::In => ((flow.peer, flow.peer_port), (host.as_str(), flow.port)),
            Way::Out => ((host.as_str(), flow.port), (flow.peer, flow.peer_port)),
        };
        match field {
            "srcaddr" | "pkt-srcaddr" => put(out, &[src]),
            "dstaddr" | "pkt-dstaddr" => put(out, &[dst]),
            "srcport" => number(out, src_port),
            "dstport" => number(out, dst_port),
            "protocol" => number(out, flow.protocol),
            "packets" => number(out, flow.packets),
            "bytes" => number(out, flow.bytes),
            "start" => number(out, flow.start_s),
            "end" => number(out, flow.start_s + flow.seconds),
            "action" => put(out, &[flow.action]),
            "log-status" => put(out, &["OK"]),
            "type" => put(out, &[if v6 { "IPv6" } else { "IPv4" }]),
            "tcp-flags" => number(out, flow.flags),
            "flow-direction" => put(out, &[if incoming { "ingress" } else { "egress" }]),
            "traffic-path" => put(
                out,
                &[if incoming {
                    "-"
                } else if flow.peer.starts_with("10.") {
                    "1"
                } else {
                    "8"
                }],
            ),
            "pkt-src-aws-service" => put(out, &[if incoming { owner(flow.peer) } else { "-" }]),
            "pkt-dst-aws-service" => put(out, &[if incoming { "-" } else { owner(flow.peer) }]),
            _ => self.place(out, field, flow.host),
        }
    }

    /// The fields that say where, which also a record without traffic has.
    fn place(&self, out: &mut Vec<u8>, field: &str, host: &Host) {
        let account = &ACCOUNTS[self.account];
        match field {
            "version" => put(out, &[if self.fields.len() == 14 { "2" } else { "5" }]),
            "account-id" => put(out, &[account.id]),
            "interface-id" => put(out, &[&host.eni]),
            "instance-id" => put(out, &[&host.instance]),
            "subnet-id" => put(out, &[&host.subnet]),
            "vpc-id" => put(out, &[&host.vpc]),
            "region" => put(out, &[REGIONS[self.region]]),
            "az-id" => put(out, &[["euw1-az1", "use1-az4", "euc1-az2", "usw2-az1"][self.region % 4]]),
            _ => out.push(b'-'),
        }
    }

    /// A record that tells of no traffic, or of records lost.
    fn silent(&self, out: &mut Vec<u8>, host: &Host, start_s: i64, status: &str) {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            match *field {
                "start" => number(out, start_s),
                "end" => number(out, start_s + 59),
                "log-status" => put(out, &[status]),
                _ => self.place(out, field, host),
            }
        }
        out.push(b'\n');
    }
}

fn owner(peer: &str) -> &'static str {
    match peer {
        "192.0.2.201" | "192.0.2.202" => "S3",
        "192.0.2.215" => "DYNAMODB",
        "192.0.2.230" => "AMAZON",
        _ => "-",
    }
}

const SYN: u64 = 2;
const OPENED: u64 = 3;
const ANSWERED: u64 = 19;

/// Some kind of conversation: who opens it, to which port, how much is said each way.
struct Talk {
    opener: Way,
    port: u64,
    protocol: u64,
    bytes_max: u64,
    peers: &'static [&'static str],
    weight: u64,
}

const CLIENTS: &[&str] = &[
    "203.0.113.10",
    "203.0.113.24",
    "203.0.113.50",
    "203.0.113.187",
    "198.51.100.130",
    "198.51.100.141",
    "198.51.100.152",
    "198.51.100.163",
    "192.0.2.44",
    "198.51.100.174",
];
const AWS: &[&str] = &["192.0.2.201", "192.0.2.202", "192.0.2.215", "192.0.2.230"];
const INSIDE: &[&str] = &["10.0.1.21", "10.0.2.22", "10.0.3.23", "10.0.1.24", "10.0.2.25"];
const NOISE: &[&str] =
    &["198.51.100.201", "198.51.100.214", "198.51.100.227", "198.51.100.238", "203.0.113.222", "2001:db8:bad::9"];
const NOISE_PORTS: &[u64] = &[22, 23, 80, 445, 1433, 3389, 5900, 6379, 8080, 8443, 9200];

const TALKS: &[Talk] = &[
    Talk { opener: Way::In, port: 443, protocol: 6, bytes_max: 90_000, peers: CLIENTS, weight: 30 },
    Talk { opener: Way::In, port: 8080, protocol: 6, bytes_max: 40_000, peers: INSIDE, weight: 22 },
    Talk { opener: Way::Out, port: 443, protocol: 6, bytes_max: 400_000, peers: AWS, weight: 20 },
    Talk { opener: Way::Out, port: 5432, protocol: 6, bytes_max: 60_000, peers: INSIDE, weight: 12 },
    Talk { opener: Way::Out, port: 6379, protocol: 6, bytes_max: 8_000, peers: INSIDE, weight: 8 },
    Talk { opener: Way::Out, port: 123, protocol: 17, bytes_max: 152, peers: &["192.0.2.123"], weight: 3 },
    Talk {
        opener: Way::In,
        port: 22,
        protocol: 6,
        bytes_max: 30_000,
        peers: &["203.0.113.50", "203.0.113.51"],
        weight: 1,
    },
    Talk { opener: Way::Out, port: 0, protocol: 1, bytes_max: 840, peers: INSIDE, weight: 1 },
];

/// One conversation of every day, or a refusal, or silence. Gives the number of records.
fn ordinary(log: &FlowLog, span: (i64, i64), rng: &mut Rng, out: &mut Vec<u8>) -> u64 {
    let host = &log.hosts[rng.below(log.hosts.len() as u64) as usize];
    let start_s = span.0 / 1000 + rng.below(((span.1 - span.0) / 1000 - 60) as u64) as i64;
    match rng.below(1000) {
        0..2 => log.silent(out, host, start_s, "NODATA"),
        2 => log.silent(out, host, start_s, "SKIPDATA"),
        3..45 => refuse(log, (host, start_s), rng, out),
        _ => return converse(log, (host, start_s), rng, out),
    }
    1
}

fn refuse(log: &FlowLog, (host, start_s): (&Host, i64), rng: &mut Rng, out: &mut Vec<u8>) {
    let (peer, port, packets) = (*rng.pick(NOISE), *rng.pick(NOISE_PORTS), rng.between(1, 3));
    let flow = Flow {
        host,
        way: Way::In,
        peer,
        port,
        peer_port: rng.between(32_768, 60_999),
        protocol: 6,
        packets,
        bytes: packets * 44,
        start_s,
        seconds: rng.between(1, 40) as i64,
        action: "REJECT",
        flags: SYN,
    };
    log.line(out, &flow);
}

fn converse(log: &FlowLog, (host, start_s): (&Host, i64), rng: &mut Rng, out: &mut Vec<u8>) -> u64 {
    let mut at = rng.below(TALKS.iter().map(|talk| talk.weight).sum());
    let talk = TALKS.iter().find(|talk| {
        let here = at < talk.weight;
        at = at.saturating_sub(talk.weight);
        here
    });
    let talk = talk.unwrap_or(&TALKS[0]);
    let far = if talk.port == 0 { 0 } else { rng.between(32_768, 60_999) };
    let (port, peer_port) = if talk.opener == Way::In { (talk.port, far) } else { (far, talk.port) };
    let said = 60 + rng.next() % (1 + rng.next() % talk.bytes_max);
    let asked = 60 + said / 12;
    let (seconds, peer) = (rng.between(1, 59) as i64, *rng.pick(talk.peers));
    for way in [Way::In, Way::Out] {
        let opens = way == talk.opener;
        let bytes = if opens { asked } else { said };
        let flags = if talk.protocol != 6 {
            0
        } else if opens {
            OPENED
        } else {
            ANSWERED
        };
        let (protocol, packets) = (talk.protocol, 1 + bytes / 900);
        log.line(
            out,
            &Flow {
                host,
                way,
                peer,
                port,
                peer_port,
                protocol,
                packets,
                bytes,
                start_s,
                seconds,
                action: "ACCEPT",
                flags,
            },
        );
    }
    2
}

/// A part of the attack that the network sees.
struct Episode {
    log: usize,
    host: usize,
    opener: Way,
    peer: &'static str,
    ports: Ports,
    span: Range<i64>,
    every_ms: i64,
    action: &'static str,
    /// Bytes from the host and to it, by record.
    out: u64,
    back: u64,
}

enum Ports {
    One(u64),
    /// Every time another one.
    Sweep,
}

/// What the network sees of the night, in minutes from its beginning.
fn episodes(start_ms: i64) -> Vec<Episode> {
    let at = |from: i64, to: i64| (start_ms + from * MINUTE_MS)..(start_ms + to * MINUTE_MS);
    let (pool, sweeper) = ("198.51.100.99", "198.51.100.201");
    let home = |span, opener, peer, port| Episode {
        log: 0,
        host: 0,
        opener,
        peer,
        ports: Ports::One(port),
        span,
        every_ms: MINUTE_MS,
        action: "ACCEPT",
        out: 2_100,
        back: 3_400,
    };
    let scan = home(at(-40, -34), Way::In, sweeper, 0);
    vec![
        Episode { log: 2, host: 3, ports: Ports::Sweep, every_ms: 1_000, action: "REJECT", out: 0, back: 44, ..scan },
        Episode { out: 9_000, back: 5_200, ..home(at(112, 190), Way::In, attack::ADDRESS, 22) },
        Episode { out: 640_000_000, back: 5_100_000, ..home(at(140, 160), Way::Out, attack::ADDRESS, 443) },
        Episode { host: 1, ..home(at(125, 245), Way::Out, pool, 14_444) },
        home(at(125, 245), Way::Out, pool, 3333),
    ]
}

impl Episode {
    fn tell(&self, log: &FlowLog, span: (i64, i64), rng: &mut Rng, out: &mut Vec<u8>) -> u64 {
        let first = self.span.start.max(span.0 + (self.span.start - span.0).rem_euclid(self.every_ms));
        let mut records = 0;
        for time_ms in (first..self.span.end.min(span.1)).step_by(self.every_ms as usize) {
            records += self.once(log, time_ms, rng, out);
        }
        records
    }

    fn once(&self, log: &FlowLog, time_ms: i64, rng: &mut Rng, out: &mut Vec<u8>) -> u64 {
        let nth = (time_ms - self.span.start) / self.every_ms;
        let served = match self.ports {
            Ports::One(port) => port,
            Ports::Sweep => 1 + (nth as u64 * 37) % 9_000,
        };
        // A long connection keeps its port.
        let far = 32_768 + mix(self.span.start as u64 ^ served) % 28_000;
        let (port, peer_port) = if self.opener == Way::In { (served, far) } else { (far, served) };
        let ways: &[Way] = if self.action == "REJECT" { &[Way::In] } else { &[Way::In, Way::Out] };
        for way in ways.iter().copied() {
            let mean = if way == Way::Out { self.out } else { self.back };
            let bytes = if self.action == "REJECT" { mean } else { mean / 2 + rng.below(mean) };
            let flags = if self.action == "REJECT" || nth == 0 && way == self.opener {
                SYN
            } else if nth == 0 {
                18
            } else {
                0
            };
            let (host, packets, seconds) = (&log.hosts[self.host], 1 + bytes / 1_200, 1 + rng.below(50) as i64);
            log.line(
                out,
                &Flow {
                    host,
                    way,
                    peer: self.peer,
                    port,
                    peer_port,
                    protocol: 6,
                    packets,
                    bytes,
                    start_s: time_ms / 1000,
                    seconds,
                    action: self.action,
                    flags,
                },
            );
        }
        ways.len() as u64
    }
}
