//! Settings: from the command line, the environment, a file, or as they are if nobody says anything; and which of these each came from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::buckets::Wanted;
use super::syslog::Addresses;

/// A setting that there is.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, as files have it. The environment has `SKYWARDEN_` and the same in capitals.
    pub name: &'static str,
    /// What it is where nobody says anything; empty is not set.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    List,
    Number,
    Switch,
}

/// All settings.
pub const ALL: &[Setting] = &[
    Setting { name: "data", default: "./skywarden-data", help: "the folder of everything", kind: Kind::Text },
    Setting { name: "listen", default: "127.0.0.1:8787", help: "address and port", kind: Kind::Text },
    Setting {
        name: "tls_cert",
        default: "",
        help: "certificate chain, PEM; read again when it changes",
        kind: Kind::Text,
    },
    Setting { name: "tls_key", default: "", help: "its key, PEM", kind: Kind::Text },
    Setting {
        name: "plain_http",
        default: "false",
        help: "allow other addresses than loopback without TLS",
        kind: Kind::Switch,
    },
    Setting {
        name: "rules",
        default: "",
        help: "more rules: files and folders, read again when they change",
        kind: Kind::List,
    },
    Setting { name: "own_account", default: "", help: "ids of your AWS accounts", kind: Kind::List },
    Setting { name: "watch", default: "", help: "folders whose new files are taken in", kind: Kind::List },
    Setting { name: "import", default: "", help: "files and folders that are taken in at the start", kind: Kind::List },
    Setting { name: "queue", default: "", help: "URLs of SQS queues that are told of new objects", kind: Kind::List },
    Setting {
        name: "bucket",
        default: "",
        help: "s3://bucket/prefix whose objects are taken in, newest first",
        kind: Kind::List,
    },
    Setting {
        name: "region",
        default: "us-east-1",
        help: "the AWS Region, where a URL does not say",
        kind: Kind::Text,
    },
    Setting { name: "syslog_udp", default: "", help: "address and port of syslog datagrams", kind: Kind::Text },
    Setting { name: "syslog_tcp", default: "", help: "address and port of syslog streams", kind: Kind::Text },
    Setting { name: "syslog_tls", default: "", help: "address and port of syslog streams with TLS", kind: Kind::Text },
    Setting {
        name: "geoip",
        default: "",
        help: "the table of places; if nothing is said, `places` in the data folder, else the one that `make geoip` made",
        kind: Kind::Text,
    },
    Setting {
        name: "retain_days",
        default: "",
        help: "days that events are kept; for ever if nothing is said",
        kind: Kind::Number,
    },
    Setting {
        name: "silent_after_s",
        default: "900",
        help: "a source that sends nothing for so long is silent",
        kind: Kind::Number,
    },
    Setting {
        name: "commit_after_s",
        default: "10",
        help: "events are in the lake so long after they came, or sooner: short makes small files, which are merged later",
        kind: Kind::Number,
    },
    Setting {
        name: "requests_per_s",
        default: "200",
        help: "how often a caller may ask the API, ten times as much at once; logs may come as they like",
        kind: Kind::Number,
    },
    Setting {
        name: "log_bytes_max",
        default: "4294967296",
        help: "the most that deliveries may take on the disk before they are in the lake",
        kind: Kind::Number,
    },
];

/// What a setting is, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its values; one unless it is a list.
    pub values: Vec<String>,
    /// `flag --data`, `environment SKYWARDEN_DATA`, `file /etc/skywarden.toml`, `default`.
    pub origin: String,
}

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of everything.
    pub data: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate.
    pub tls_cert: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// Whether other addresses than loopback may go without TLS.
    pub is_plain_http_allowed: bool,
    /// Whether a state is gone on with that is not the one that was here. Said by a flag only, once.
    pub is_state_accepted: bool,
    /// More rules.
    pub rules: Vec<PathBuf>,
    /// Our accounts.
    pub own_accounts: Vec<String>,
    /// Folders that are watched.
    pub watch: Vec<PathBuf>,
    /// Files and folders that are taken in at the start.
    pub import: Vec<PathBuf>,
    /// Queues and buckets that are read.
    pub buckets: Wanted,
    /// Where syslog is listened to.
    pub syslog: Addresses,
    /// The table of places.
    pub geoip: Option<PathBuf>,
    /// Days that events are kept.
    pub retain_days: Option<u32>,
    /// A source that sends nothing for so long is silent.
    pub silent_after: Duration,
    /// Events are in the lake so long after they came, or sooner.
    pub commit_after: Duration,
    /// How often a caller may ask the API.
    pub requests_per_s: u64,
    /// The most that the log of deliveries may take.
    pub log_bytes_max: u64,
    said: BTreeMap<&'static str, Said>,
}

impl Config {
    /// Settles every setting.
    ///
    /// # Errors
    /// What is not a setting, or not a value of it, with who said it.
    pub fn read(
        flags: &BTreeMap<&'static str, Vec<String>>,
        environment: &dyn Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> anyhow::Result<Config> {
        let from_file = file.map(read_file).transpose()?.unwrap_or_default();
        let mut said = BTreeMap::new();
        for setting in ALL {
            said.insert(setting.name, settle(setting, flags, environment, &from_file, file)?);
        }
        Config::of(said)
    }

    fn of(said: BTreeMap<&'static str, Said>) -> anyhow::Result<Config> {
        let one = |name: &str| said[name].values.first().cloned();
        let paths = |name: &str| said[name].values.iter().map(PathBuf::from).collect();
        let bad = |name: &str, why: &str| anyhow::anyhow!("`{name}` ({}) {why}", said[name].origin);
        let listen: SocketAddr = one("listen")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad("listen", "is not an address and a port, like 127.0.0.1:8787 or [::1]:8787"))?;
        let address = |name: &'static str| {
            let parse =
                |text: String| text.parse().map_err(|_| bad(name, "is not an address and a port, like 127.0.0.1:6514"));
            one(name).map(parse).transpose()
        };
        let syslog =
            Addresses { udp: address("syslog_udp")?, tcp: address("syslog_tcp")?, tls: address("syslog_tls")? };
        let number = |name: &'static str| {
            one(name)
                .map(|text| {
                    text.parse::<u32>()
                        .ok()
                        .filter(|n| *n > 0)
                        .ok_or_else(|| bad(name, "is not a whole number above 0"))
                })
                .transpose()
        };
        let (retain_days, silent_after_s) = (number("retain_days")?, number("silent_after_s")?.unwrap_or(900));
        let commit_after_s = number("commit_after_s")?.unwrap_or(10);
        let requests_per_s = number("requests_per_s")?.unwrap_or(200);
        if requests_per_s > 100_000 {
            return Err(bad("requests_per_s", "is above 100,000"));
        }
        let buckets = Wanted {
            queues: said["queue"].values.clone(),
            buckets: said["bucket"].values.clone(),
            region: one("region").unwrap_or_default(),
        };
        let own_accounts = said["own_account"].values.clone();
        let is_account = |id: &String| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
        if let Some(id) = own_accounts.iter().find(|id| !is_account(id)) {
            return Err(bad("own_account", &format!("has `{id}`, which is not an account id of 12 digits")));
        }
        let log_bytes_max = one("log_bytes_max").and_then(|text| text.parse().ok()).filter(|n| *n >= 128 << 20);
        Ok(Config {
            data: one("data").map(PathBuf::from).ok_or_else(|| bad("data", "is empty"))?,
            listen,
            tls_cert: one("tls_cert").map(PathBuf::from),
            tls_key: one("tls_key").map(PathBuf::from),
            is_state_accepted: false,
            is_plain_http_allowed: one("plain_http").as_deref() == Some("true"),
            rules: paths("rules"),
            own_accounts,
            watch: paths("watch"),
            import: paths("import"),
            buckets,
            syslog,
            geoip: one("geoip").map(PathBuf::from),
            retain_days,
            silent_after: Duration::from_secs(u64::from(silent_after_s)),
            commit_after: Duration::from_secs(u64::from(commit_after_s)),
            requests_per_s: u64::from(requests_per_s),
            log_bytes_max: log_bytes_max
                .ok_or_else(|| bad("log_bytes_max", "is not a number of bytes, 128 MiB at least"))?,
            said,
        })
    }

    /// Every setting with its value, and who says so.
    pub fn shown(&self) -> Value {
        let shown = ALL.iter().map(|setting| {
            let Said { values, origin } = &self.said[setting.name];
            let first = values.first();
            let value = match setting.kind {
                Kind::List => json!(values),
                Kind::Text => json!(first),
                Kind::Number => first.and_then(|text| text.parse::<u64>().ok()).map_or(json!(first), |n| json!(n)),
                Kind::Switch => json!(first.map(|text| text == "true")),
            };
            (setting.name.to_owned(), json!({"value": value, "origin": origin}))
        });
        Value::Object(shown.collect())
    }
}

fn settle(
    setting: &Setting,
    flags: &BTreeMap<&'static str, Vec<String>>,
    environment: &dyn Fn(&str) -> Option<String>,
    from_file: &toml::Table,
    file: Option<&Path>,
) -> anyhow::Result<Said> {
    let variable = format!("SKYWARDEN_{}", setting.name.to_ascii_uppercase());
    let parts = |text: &str| match setting.kind {
        Kind::List => text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
        _ => Some(text.to_owned()).filter(|text| !text.is_empty()).into_iter().collect(),
    };
    let said = if let Some(values) = flags.get(setting.name) {
        Said { values: values.clone(), origin: format!("flag --{}", setting.name.replace('_', "-")) }
    } else if let Some(text) = environment(&variable) {
        Said { values: parts(&text), origin: format!("environment {variable}") }
    } else if let (Some(value), Some(file)) = (from_file.get(setting.name), file) {
        let origin = format!("file {}", file.display());
        Said { values: values(value).with_context(|| format!("`{}` ({origin})", setting.name))?, origin }
    } else if let Some((name, text)) = of_aws(setting, environment) {
        Said { values: parts(&text), origin: format!("environment {name}") }
    } else {
        Said { values: parts(setting.default), origin: "default".to_owned() }
    };
    if setting.kind == Kind::Switch && !said.values.iter().all(|v| v == "true" || v == "false") {
        bail!("`{}` ({}) is neither true nor false", setting.name, said.origin);
    }
    if setting.kind != Kind::List && said.values.len() > 1 {
        bail!("`{}` ({}) is one value and not a list", setting.name, said.origin);
    }
    Ok(said)
}

/// The Region that AWS's own tools would take.
fn of_aws(setting: &Setting, environment: &dyn Fn(&str) -> Option<String>) -> Option<(&'static str, String)> {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().filter(|_| setting.name == "region");
    names.filter_map(|name| Some((name, environment(name)?))).find(|(_, text)| !text.is_empty())
}

/// The variables among these that look like settings and are none.
pub fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let is_setting = |name: &str| ALL.iter().any(|setting| setting.name.eq_ignore_ascii_case(name));
    let mut out: Vec<String> =
        names.filter(|name| name.strip_prefix("SKYWARDEN_").is_some_and(|rest| !is_setting(rest))).collect();
    out.sort();
    out
}

fn values(value: &toml::Value) -> anyhow::Result<Vec<String>> {
    Ok(match value {
        toml::Value::String(text) => vec![text.clone()],
        toml::Value::Integer(n) => vec![n.to_string()],
        toml::Value::Boolean(yes) => vec![yes.to_string()],
        toml::Value::Array(all) => all.iter().map(values).collect::<Result<Vec<_>, _>>()?.concat(),
        _ => bail!("is not a text, a number, true, false, or a list of these"),
    })
}

fn read_file(path: &Path) -> anyhow::Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    if let Some(name) = table.keys().find(|name| ALL.iter().all(|setting| setting.name != **name)) {
        let names: Vec<&str> = ALL.iter().map(|setting| setting.name).collect();
        bail!("{} sets `{name}`, which is no setting: there are {}", path.display(), names.join(", "));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("skywarden.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata = \"/from-file\"\nown_account = [111122223333]\n")
            .expect("written");
        let flags = BTreeMap::from([("data", vec!["/from-flag".to_owned()])]);
        let environment =
            |name: &str| (name == "SKYWARDEN_DATA" || name == "SKYWARDEN_WATCH").then(|| "/a, /b".to_owned());
        let config = Config::read(&flags, &environment, Some(&file)).expect("it is right");
        assert_eq!(config.data, PathBuf::from("/from-flag"));
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.watch, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(config.own_accounts, ["111122223333"]);
        let shown = config.shown();
        assert_eq!(shown["data"]["origin"], "flag --data");
        assert_eq!(shown["watch"]["origin"], "environment SKYWARDEN_WATCH");
        assert_eq!(shown["listen"]["origin"], format!("file {}", file.display()));
        assert_eq!(shown["import"]["origin"], "default");
    }

    #[test]
    fn the_region_is_what_the_tools_of_aws_would_take() {
        let environment = |name: &str| (name == "AWS_DEFAULT_REGION").then(|| "eu-north-1".to_owned());
        let config = Config::read(&BTreeMap::new(), &environment, None).expect("it is right");
        assert_eq!(config.buckets.region, "eu-north-1");
        assert_eq!(config.shown()["region"]["origin"], "environment AWS_DEFAULT_REGION");
        let flags = BTreeMap::from([("region", vec!["eu-west-1".to_owned()])]);
        assert_eq!(Config::read(&flags, &environment, None).expect("it is right").buckets.region, "eu-west-1");
    }

    #[test]
    fn values_have_the_type_that_they_are_of_and_variables_that_are_no_settings_are_named() {
        let shown = Config::read(&BTreeMap::new(), &|_| None, None).expect("it is right").shown();
        assert_eq!(shown["silent_after_s"]["value"], 900);
        assert_eq!(shown["plain_http"]["value"], false);
        assert_eq!(shown["retain_days"]["value"], Value::Null);
        let names = ["SKYWARDEN_LISEN", "SKYWARDEN_LISTEN", "HOME"].map(str::to_owned);
        assert_eq!(unknown(names.into_iter()), ["SKYWARDEN_LISEN"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_who_said_it() {
        let wrong = |name: &'static str, value: &str| {
            let flags = BTreeMap::from([(name, vec![value.to_owned()])]);
            Config::read(&flags, &|_| None, None).expect_err("it is wrong").to_string()
        };
        for (name, value) in [("listen", "8787"), ("own_account", "12"), ("plain_http", "yes"), ("log_bytes_max", "1k")]
        {
            let said = wrong(name, value);
            assert!(said.contains(name) && said.contains("flag --"), "{said}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x.toml");
        std::fs::write(&file, "lisen = 1\n").expect("written");
        let said = Config::read(&BTreeMap::new(), &|_| None, Some(&file)).expect_err("it is wrong").to_string();
        assert!(said.contains("`lisen`") && said.contains("listen"), "{said}");
    }
}
