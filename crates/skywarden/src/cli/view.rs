//! `view`: queries that a lake keeps.

use std::io::Write;

use clap::{Args as ClapArgs, Subcommand};
use lake::{Lake, Mode, View};
use predicate::diagnostic::visible;

use super::End;
use super::query::Language;

/// `view …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Save a query; `query --view NAME` asks it
    Save(Save),
    /// All saved queries
    List(Place),
    /// The text of one
    Show(Named),
    /// Remove one
    Remove(Named),
}

/// Where the lake is.
#[derive(Debug, ClapArgs)]
pub struct Place {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "URI")]
    lake: String,
}

/// `view save`
#[derive(Debug, ClapArgs)]
pub struct Save {
    #[command(flatten)]
    place: Place,
    /// Its name: letters, digits, `-` and `_`
    #[arg(value_name = "NAME")]
    name: String,
    /// The query
    #[arg(value_name = "TEXT", allow_hyphen_values = true, value_parser = super::query::query_text)]
    text: String,
    /// The language of the query
    #[arg(long, value_enum, default_value_t = Language::Ql)]
    lang: Language,
    /// What it is for
    #[arg(long, default_value = "", value_name = "WORDS")]
    about: String,
}

/// One of them.
#[derive(Debug, ClapArgs)]
pub struct Named {
    #[command(flatten)]
    place: Place,
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

/// Runs one of them.
pub fn run(command: &Command) -> anyhow::Result<End> {
    match command {
        Command::Save(args) => save(args),
        Command::List(place) => {
            let mut out = std::io::stdout().lock();
            for view in Lake::open(&place.lake, Mode::Read)?.views()? {
                writeln!(out, "{:<24} {:<4} {}", visible(&view.name), visible(&view.lang), visible(&view.about))?;
            }
            Ok(End::Ok)
        }
        Command::Show(args) => {
            let text = Lake::open(&args.place.lake, Mode::Read)?.view(&args.name)?.text;
            writeln!(std::io::stdout(), "{}", visible_lines(&text))?;
            Ok(End::Ok)
        }
        Command::Remove(args) => {
            Lake::open(&args.place.lake, Mode::Create)?.remove_view(&args.name)?;
            Ok(End::Ok)
        }
    }
}

fn save(args: &Save) -> anyhow::Result<End> {
    if args.lang == Language::Ql {
        let (query, diagnostics) = query::insights::parse(&args.text);
        diagnostics.iter().for_each(|d| crate::stderr::print(&d.draw("query", &args.text)));
        if query.is_none() {
            return Ok(End::Usage);
        }
    }
    let lang = match args.lang {
        Language::Ql => "ql",
        Language::Sql => "sql",
    };
    let view = View { name: args.name.clone(), text: args.text.clone(), lang: lang.into(), about: args.about.clone() };
    Lake::open(&args.place.lake, Mode::Create)?.save_view(&view)?;
    Ok(End::Ok)
}

/// What a stranger wrote, line by line.
fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
