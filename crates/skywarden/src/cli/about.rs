//! `version`, `completions`, `man`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{End, command};

/// `version`
#[derive(Debug, Args)]
pub struct Version {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for every command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the version.
pub fn version(json: bool) -> anyhow::Result<End> {
    let commit = env!("SKYWARDEN_COMMIT");
    let mut out = std::io::stdout();
    if json {
        let parts = serde_json::json!({
            "name": "skywarden", "version": VERSION, "commit": commit, "target": env!("SKYWARDEN_TARGET"),
            "ocsf": "1.3.0", "attack": event::ocsf::ATTACK_VERSION, "rules": detect::load::BUNDLED.len(),
        });
        writeln!(out, "{parts}")?;
    } else {
        writeln!(out, "skywarden {VERSION} ({commit})")?;
    }
    Ok(End::Ok)
}

/// Prints the completions of a shell.
pub fn completions(args: &Completions) -> anyhow::Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "skywarden", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(End::Ok)
}

/// Prints the manual page, or writes all of them.
pub fn man(args: &Man) -> anyhow::Result<End> {
    match &args.out {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make folder {}", folder.display()))?;
            clap_mangen::generate_to(command(), folder)
                .with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command()).render(&mut page)?;
            std::io::stdout().write_all(&page)?;
        }
    }
    Ok(End::Ok)
}
