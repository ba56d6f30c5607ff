//! `serve`, `demo`, `config`: the platform, day and night.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand};

use super::End;
use super::scan::now_ms;
use crate::failpoint;
use crate::serve::config::{self, ALL, Config};
use crate::serve::serve;

/// `serve`
#[derive(Debug, Default, ClapArgs)]
#[command(
    after_help = "Settings come from flags, from SKYWARDEN_… in the environment, from the file of --config, in this order; `skywarden config show` tells which.\n\n\
The first start prints a link that makes the first admin. SIGTERM ends it after what runs; what was taken is never lost.\n\n\
Examples:\n  skywarden serve --data ./data --import ./cloudtrail\n  skywarden serve --data /var/lib/skywarden --listen 0.0.0.0:8787 --tls-cert cert.pem --tls-key key.pem"
)]
pub struct Args {
    /// The folder of everything: state, lake, log of deliveries [default: ./skywarden-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address and port [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Certificate chain in PEM form; read again when it changes
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Its key in PEM form
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Allow other addresses than loopback without TLS: something in front speaks it
    #[arg(long)]
    plain_http: bool,
    /// Go on although the state is missing, older or another than the one that was here: say it once, and the audit says it for ever
    #[arg(long)]
    accept_state: bool,
    /// Rules of this file or folder too, read again when they change; may be given several times
    #[arg(long, value_name = "PATH")]
    rules: Vec<String>,
    /// An AWS account that is yours; may be given several times
    #[arg(long, value_name = "ID")]
    own_account: Vec<String>,
    /// Take in the files of this folder as they come; may be given several times
    #[arg(long, value_name = "DIR")]
    watch: Vec<String>,
    /// Take in this file or folder at the start; may be given several times
    #[arg(long, value_name = "PATH")]
    import: Vec<String>,
    /// URL of an SQS queue that is told of new objects, by S3, SNS or EventBridge; may be given several times
    #[arg(long, value_name = "URL")]
    queue: Vec<String>,
    /// Objects that are taken in, newest first: s3://bucket/prefix; may be given several times
    #[arg(long, value_name = "URI")]
    bucket: Vec<String>,
    /// The AWS Region, where a URL does not say [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Address and port of syslog datagrams
    #[arg(long, value_name = "ADDR")]
    syslog_udp: Option<String>,
    /// Address and port of syslog streams
    #[arg(long, value_name = "ADDR")]
    syslog_tcp: Option<String>,
    /// Address and port of syslog streams with TLS
    #[arg(long, value_name = "ADDR")]
    syslog_tls: Option<String>,
    /// The table of places, as `skywarden geoip make` makes it [default: places in the data folder, or what `make geoip` made]
    #[arg(long, value_name = "FILE")]
    geoip: Option<String>,
    /// Days that events are kept [default: for ever]
    #[arg(long, value_name = "N")]
    retain_days: Option<String>,
    /// A source that sends nothing for so many seconds is silent [default: 900]
    #[arg(long, value_name = "S")]
    silent_after_s: Option<String>,
    /// Events are in the lake so long after they came, or sooner [default: 10]
    #[arg(long, value_name = "SECONDS")]
    commit_after_s: Option<String>,
    /// How often a caller may ask the API, ten times as much at once; logs may come as they like [default: 200]
    #[arg(long, value_name = "N")]
    requests_per_s: Option<String>,
    /// The most bytes of deliveries that are not in the lake yet [default: 4 GiB]
    #[arg(long, value_name = "BYTES")]
    log_bytes_max: Option<String>,
    /// A file of settings in TOML [default: SKYWARDEN_CONFIG in the environment]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print every setting, and with --origin who says so
    Show(Show),
}

/// `config show`
#[derive(Debug, ClapArgs)]
pub struct Show {
    #[command(flatten)]
    settings: Args,
    /// Say where each comes from
    #[arg(long)]
    origin: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// `demo`
#[derive(Debug, ClapArgs)]
pub struct Demo {
    /// Address and port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    listen: String,
    /// Keep what is made up in this folder, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Args {
    fn read(&self) -> anyhow::Result<Config> {
        let mut flags = BTreeMap::new();
        let one = [
            ("data", &self.data),
            ("listen", &self.listen),
            ("tls_cert", &self.tls_cert),
            ("tls_key", &self.tls_key),
            ("region", &self.region),
            ("syslog_udp", &self.syslog_udp),
            ("syslog_tcp", &self.syslog_tcp),
            ("syslog_tls", &self.syslog_tls),
            ("geoip", &self.geoip),
            ("retain_days", &self.retain_days),
            ("silent_after_s", &self.silent_after_s),
            ("commit_after_s", &self.commit_after_s),
            ("requests_per_s", &self.requests_per_s),
            ("log_bytes_max", &self.log_bytes_max),
        ];
        flags.extend(one.into_iter().filter_map(|(name, value)| Some((name, vec![value.clone()?]))));
        let many = [
            ("rules", &self.rules),
            ("own_account", &self.own_account),
            ("watch", &self.watch),
            ("queue", &self.queue),
            ("bucket", &self.bucket),
            ("import", &self.import),
        ];
        flags.extend(many.into_iter().filter(|(_, v)| !v.is_empty()).map(|(name, values)| (name, values.clone())));
        if self.plain_http {
            flags.insert("plain_http", vec!["true".to_owned()]);
        }
        let file = self.config.clone().or_else(|| std::env::var_os("SKYWARDEN_CONFIG").map(PathBuf::from));
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in config::unknown(names.filter(|name| name != "SKYWARDEN_CONFIG" && !failpoint::is_known(name))) {
            tell!("warning: {name} is set, and is no setting; `skywarden config show` lists them");
        }
        Config::read(&flags, &|name| std::env::var(name).ok(), file.as_deref())
    }
}

/// Serves until it is told to stop.
pub fn run(args: &Args) -> anyhow::Result<End> {
    let mut config = args.read()?;
    config.is_state_accepted = args.accept_state;
    serve(&config, false)?;
    Ok(End::Ok)
}

/// Serves logs that are made up.
pub fn demo(args: &Demo) -> anyhow::Result<End> {
    let folder = tempfile::tempdir().context("cannot make a folder for the demo")?;
    let logs = folder.path().join("logs");
    super::generate::write_demo(&logs, now_ms())?;
    let data = args.data.clone().unwrap_or_else(|| folder.path().join("data"));
    serve(&of_demo(&args.listen, &data, &logs.join("AWSLogs")).read()?, true)?;
    Ok(End::Ok)
}

fn of_demo(listen: &str, data: &Path, logs: &Path) -> Args {
    Args {
        data: Some(data.to_string_lossy().into_owned()),
        listen: Some(listen.to_owned()),
        commit_after_s: Some("1".to_owned()),
        // Its logs come once: that no more do is nothing to look after.
        silent_after_s: Some(u32::MAX.to_string()),
        import: vec![logs.to_string_lossy().into_owned()],
        ..Args::default()
    }
}

/// Prints settings.
pub fn config(command: &Command) -> anyhow::Result<End> {
    let Command::Show(args) = command;
    let mut out = std::io::stdout().lock();
    let shown = args.settings.read()?.shown();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
        return Ok(End::Ok);
    }
    for setting in ALL {
        let said = &shown[setting.name];
        let origin = said["origin"].as_str().unwrap_or_default();
        let from = if args.origin { format!(" [{origin}]") } else { String::new() };
        writeln!(out, "{} = {}   # {}{from}", setting.name, said["value"], setting.help)?;
    }
    Ok(End::Ok)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_of_a_demo_is_called_silent_while_somebody_looks_at_it() {
        let config = of_demo("127.0.0.1:0", Path::new("data"), Path::new("logs")).read().expect("settings");
        assert!(config.silent_after > Duration::from_secs(365 * 86_400), "{:?}", config.silent_after);
    }
}
