//! What an account owns: the instances, buckets, roles … that its events speak of.

use crate::rng::{below, join, mix, name};

/// An account of the organization. Documentation numbers, never a customer's.
pub struct Account {
    pub id: &'static str,
    pub short: &'static str,
}

pub const PRODUCTION: usize = 0;
pub const DEVELOPMENT: usize = 1;
pub const SECURITY: usize = 2;

pub const ACCOUNTS: &[Account] = &[
    Account { id: "111122223333", short: "prod" },
    Account { id: "444455556666", short: "dev" },
    Account { id: "777788889999", short: "sec" },
];

/// The account that receives what the attacker takes.
pub const OUTSIDE: &str = "999988887777";

pub const IRELAND: usize = 0;
pub const VIRGINIA: usize = 1;
pub const FRANKFURT: usize = 2;
pub const OREGON: usize = 3;
pub const OSAKA: usize = 4;
pub const MILAN: usize = 5;

/// The first four are in use; nobody but the attacker calls the others.
pub const REGIONS: &[&str] = &["eu-west-1", "us-east-1", "eu-central-1", "us-west-2", "ap-northeast-3", "eu-south-1"];
const IN_USE: u64 = 4;

enum Make {
    /// A prefix and 17 hexadecimal digits; such things live in one Region.
    Id(&'static str),
    Uuid,
    Hex,
    /// Account, noun, ending: `prod-orders-worker`.
    Named(&'static [&'static str]),
}

struct Pool {
    name: &'static str,
    size: u64,
    make: Make,
}

const fn ids(name: &'static str, prefix: &'static str, size: u64) -> Pool {
    Pool { name, size, make: Make::Id(prefix) }
}

const fn named(name: &'static str, endings: &'static [&'static str], size: u64) -> Pool {
    Pool { name, size, make: Make::Named(endings) }
}

const NOUNS: &[&str] = &[
    "orders", "billing", "search", "catalog", "payments", "sessions", "mail", "media", "stock", "reports", "fraud",
    "pricing", "ledger", "partners", "exports", "loyalty",
];

const POOLS: &[Pool] = &[
    ids("instance", "i-", 64),
    ids("group", "sg-", 24),
    ids("eni", "eni-", 80),
    ids("volume", "vol-", 64),
    ids("snapshot", "snap-", 48),
    ids("subnet", "subnet-", 24),
    ids("vpc", "vpc-", 8),
    ids("image", "ami-", 16),
    ids("vpce", "vpce-", 8),
    ids("rtb", "rtb-", 12),
    ids("acl", "acl-", 8),
    ids("nat", "nat-", 4),
    ids("flowlog", "fl-", 8),
    Pool { name: "kms", size: 12, make: Make::Uuid },
    Pool { name: "certificate", size: 8, make: Make::Uuid },
    Pool { name: "detector", size: 4, make: Make::Hex },
    Pool { name: "hub", size: 4, make: Make::Uuid },
    named("bucket", &["-assets-example", "-data-example", "-logs-example"], 36),
    named("function", &["-worker", "-api", "-hook"], 40),
    named("role", &["-worker-role", "-task-role", "-api-role"], 40),
    named("policy", &["-read", "-write"], 20),
    named("table", &["", "-index"], 20),
    named("secret", &["/database", "/api-token"], 20),
    named("parameter", &["/config", "/endpoint", "/flags"], 40),
    named("queue", &["-queue", "-dead-letters"], 24),
    named("topic", &["-events"], 12),
    named("cluster", &["-cluster"], 4),
    named("ecsservice", &["-service"], 14),
    named("repository", &["", "-base"], 24),
    named("stack", &["-stack"], 14),
    named("alarm", &["-errors", "-latency"], 24),
    named("database", &["-db"], 8),
    named("balancer", &["-alb"], 6),
    named("rule", &["-nightly", "-on-change"], 16),
    named("project", &["-build"], 10),
    named("pipeline", &["-release"], 8),
    named("machine", &["-flow"], 8),
    named("stream", &["-stream"], 8),
    named("asg", &["-asg"], 8),
    named("keypair", &["-key"], 4),
];

/// One account's possessions, made from the seed.
pub struct Estate {
    pub account: &'static Account,
    pools: Vec<(&'static str, bool, Vec<String>)>,
}

impl Estate {
    pub fn new(seed: u64, account: usize) -> Estate {
        let account = &ACCOUNTS[account];
        let seed = join(seed, name(account.id));
        let pools = POOLS.iter().map(|pool| {
            let things = (0..pool.size).map(|i| make(pool, i, account, join(seed, name(pool.name) ^ i)));
            (pool.name, matches!(pool.make, Make::Id(_)), things.collect())
        });
        Estate { account, pools: pools.collect() }
    }

    /// A thing of this kind. Few are spoken of often and many seldom; what lives in a Region is of that Region.
    pub fn thing(&self, kind: &str, region: usize, random: u64) -> Option<&str> {
        let (_, regional, things) = self.pools.iter().find(|pool| pool.0 == kind)?;
        let n = things.len() as u64;
        let skewed = below(mix(random), below(random, n) + 1);
        let i = if *regional { skewed - skewed % IN_USE + region as u64 % IN_USE } else { skewed };
        things.get(i as usize).map(String::as_str)
    }

    /// The thing with this number, for those that must be met again.
    pub fn numbered(&self, kind: &str, i: usize) -> &str {
        let pool = self.pools.iter().find(|pool| pool.0 == kind).expect("callers name kinds of POOLS");
        &pool.2[i % pool.2.len()]
    }
}

fn make(pool: &Pool, i: u64, account: &Account, random: u64) -> String {
    match pool.make {
        Make::Id(prefix) => format!("{prefix}0{:016x}", mix(random)),
        Make::Hex => format!("{:016x}{:016x}", mix(random), mix(random ^ 1)),
        Make::Uuid => {
            let mut out = Vec::with_capacity(36);
            crate::template::uuid(&mut out, random);
            String::from_utf8(out).expect("hexadecimal digits and dashes")
        }
        Make::Named(endings) => {
            let (noun, ending) = (NOUNS[i as usize % NOUNS.len()], endings[i as usize / NOUNS.len() % endings.len()]);
            format!("{}-{noun}{ending}", account.short)
        }
    }
}
