//! The command line: one file a command.

mod about;
pub mod backtest;
mod backup;
mod doctor;
mod events;
mod export;
mod generate;
mod geoip;
mod ingest;
pub mod input;
mod lake;
mod progress;
mod quarantine;
pub mod query;
pub mod rules;
mod scan;
mod serve;
mod tail;
mod upkeep;
mod verify;
mod view;

use std::process::ExitCode;

pub use about::VERSION;

use clap::{Parser, Subcommand, ValueEnum};

/// Cloud security monitoring in one binary: point it at AWS logs and learn what happened.
#[derive(Debug, Parser)]
#[command(name = "skywarden", disable_version_flag = true, arg_required_else_help = true, propagate_version = false)]
#[command(
    after_help = "Exit codes: 0 ok, 1 failure, 2 usage, 3 findings at or above --fail-on, 4 partial (some input was not read)."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,

    /// Print the version, with --json its parts
    #[arg(short = 'V', long)]
    version: bool,

    /// With --version: as JSON
    #[arg(long, requires = "version")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for attacks in files, folders or standard input; no server, no configuration
    Scan(Box<scan::Args>),
    /// Keep logs in a lake: Iceberg tables that any engine reads
    Ingest(Box<ingest::Args>),
    /// Ask a lake, or logs that are in none, in Logs Insights QL or SQL
    Query(Box<query::Args>),
    /// Print what comes into a lake, as it comes
    Tail(tail::Args),
    /// Queries that a lake keeps
    #[command(subcommand)]
    View(view::Command),
    /// What a lake holds, and its upkeep
    #[command(subcommand)]
    Lake(lake::Command),
    /// Print events as OCSF, one JSON object a line
    Events(events::Args),
    /// List, show, check and test detection rules
    #[command(subcommand)]
    Rules(rules::Command),
    /// Run day and night: take logs live, detect, keep, answer
    Serve(Box<serve::Args>),
    /// Serve logs that are made up, with an attack in them
    Demo(serve::Demo),
    /// What `serve` would run with
    #[command(subcommand)]
    Config(Box<serve::Command>),
    /// Look whether what should not change has not
    #[command(subcommand)]
    Verify(verify::Command),
    /// Look whether the data folder of a server is well
    Doctor(doctor::Args),
    /// Where addresses are
    #[command(subcommand)]
    Geoip(geoip::Command),
    /// Write what a server knows besides its lake into one file
    Backup(backup::Backup),
    /// Put such a file into a data folder
    Restore(backup::Restore),
    /// Write realistic logs with an attack in them
    Generate(generate::Args),
    /// Print the completions of a shell
    Completions(about::Completions),
    /// Print the manual page, or write all pages into a folder
    Man(about::Man),
    /// Print the version
    Version(about::Version),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All went well.
    Ok,
    /// It did not do what was asked.
    Failure,
    /// The command line makes no sense.
    Usage,
    /// There are findings at or above the asked tier.
    Findings,
    /// Some input was not read.
    Partial,
}

impl From<End> for ExitCode {
    fn from(end: End) -> ExitCode {
        ExitCode::from(match end {
            End::Ok => 0,
            End::Failure => 1,
            End::Usage => 2,
            End::Findings => 3,
            End::Partial => 4,
        })
    }
}

/// Reads the command line and runs the command.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let (stdout_color, stderr_color) = colors(cli.color);
    terminal::set_colors_enabled(stdout_color);
    terminal::set_colors_enabled_stderr(stderr_color);
    let ended = match cli.command {
        _ if cli.version => about::version(cli.json),
        Some(Command::Scan(args)) => scan::run(&args),
        Some(Command::Ingest(args)) => ingest::run(&args),
        Some(Command::Query(args)) => query::run(&args),
        Some(Command::Tail(args)) => tail::run(&args),
        Some(Command::View(command)) => view::run(&command),
        Some(Command::Lake(command)) => lake::run(&command),
        Some(Command::Events(args)) => events::run(&args),
        Some(Command::Rules(command)) => rules::run(&command),
        Some(Command::Serve(args)) => serve::run(&args),
        Some(Command::Demo(args)) => serve::demo(&args),
        Some(Command::Config(command)) => serve::config(&command),
        Some(Command::Verify(command)) => verify::run(&command),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Geoip(command)) => geoip::run(&command),
        Some(Command::Backup(args)) => backup::back_up(&args),
        Some(Command::Restore(args)) => backup::restore(&args),
        Some(Command::Generate(args)) => generate::run(&args),
        Some(Command::Completions(args)) => about::completions(&args),
        Some(Command::Man(args)) => about::man(&args),
        Some(Command::Version(args)) => about::version(args.json),
        None => Ok(End::Usage),
    };
    match ended {
        Ok(end) => end.into(),
        Err(err) if is_broken_pipe(&err) => ExitCode::SUCCESS,
        Err(err) => {
            tell!(
                "{} {}",
                terminal::style("error:").red().bold().for_stderr(),
                predicate::diagnostic::visible(&format!("{err:#}"))
            );
            End::Failure.into()
        }
    }
}

/// Whether somebody stopped reading our output, which is theirs to decide.
fn is_broken_pipe(err: &anyhow::Error) -> bool {
    err.chain().filter_map(|e| e.downcast_ref::<std::io::Error>()).any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Colours on standard output and on standard error.
fn colors(asked: Color) -> (bool, bool) {
    let given = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    match asked {
        Color::Always => (true, true),
        Color::Never => (false, false),
        Color::Auto if given("NO_COLOR") => (false, false),
        Color::Auto if given("CLICOLOR_FORCE") => (true, true),
        Color::Auto => (terminal::user_attended(), terminal::user_attended_stderr()),
    }
}

/// The whole command line, for completions and manual pages.
fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
