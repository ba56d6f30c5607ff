//! What commands must not stand where they stand. Each is right by itself.

use predicate::diagnostic::Diagnostic;

use super::STATS_MAX;
use super::ast::{Command, Kind};

/// Looks at the commands of one query; those of queries in it were looked at already.
pub(super) fn check(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    before_stats(commands, diagnostics);
    behind_dedup(commands, diagnostics);
    too_many(commands, diagnostics);
    behind_estimate(commands, diagnostics);
    without_pattern(commands, diagnostics);
    displays(commands, diagnostics);
}

fn before_stats(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    let Some(last) = commands.iter().rposition(|command| matches!(command.kind, Kind::Stats(_))) else { return };
    for command in &commands[..last] {
        if matches!(command.kind, Kind::Sort(_) | Kind::Limit(_)) {
            let message = format!("`{}` stands before a `stats`", command.kind.name());
            let diagnostic = Diagnostic::error(command.span.clone(), message);
            diagnostics.push(diagnostic.help("move it behind the last `stats`"));
        }
    }
}

fn behind_dedup(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    let Some(first) = commands.iter().position(|command| matches!(command.kind, Kind::Dedup(_))) else { return };
    for command in &commands[first + 1..] {
        if !matches!(command.kind, Kind::Limit(_)) {
            let message = format!("`{}` stands behind `dedup`", command.kind.name());
            let diagnostic = Diagnostic::error(command.span.clone(), message);
            diagnostics.push(diagnostic.help("only `limit` may follow `dedup`: move the others before it"));
        }
    }
}

fn too_many(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    let joins = commands.iter().filter(|command| matches!(command.kind, Kind::Join(_)));
    for second in joins.skip(1) {
        let diagnostic = Diagnostic::error(second.span.clone(), "a query has one `join`");
        diagnostics
            .push(diagnostic.help("rows of a further log group are chosen with `filter field in (SOURCE … | …)`"));
    }
    let stats = commands.iter().filter(|command| matches!(command.kind, Kind::Stats(_)));
    for surplus in stats.skip(STATS_MAX) {
        let message = format!("a query has no more than {STATS_MAX} `stats`");
        diagnostics.push(Diagnostic::error(surplus.span.clone(), message));
    }
}

fn behind_estimate(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    let Some((_, but_last)) = commands.split_last() else { return };
    for estimate in but_last.iter().filter(|command| command.kind == Kind::Estimate) {
        let diagnostic = Diagnostic::error(estimate.span.clone(), "`estimate` is not the last command");
        diagnostics.push(diagnostic.help("move it to the end of the query"));
    }
}

/// `diff` and `anomaly` look at patterns.
fn without_pattern(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    let first = commands.iter().position(|command| matches!(command.kind, Kind::Pattern(_)));
    for command in &commands[..first.unwrap_or(commands.len())] {
        if matches!(command.kind, Kind::Diff(_) | Kind::Anomaly) {
            let name = command.kind.name();
            let diagnostic = Diagnostic::error(command.span.clone(), format!("`{name}` stands behind no `pattern`"));
            diagnostics.push(diagnostic.help(format!("write `pattern @message | {name}`")));
        }
    }
}

fn displays(commands: &[Command], diagnostics: &mut Vec<Diagnostic>) {
    let Some(last) = commands.iter().rposition(|command| matches!(command.kind, Kind::Display(_))) else { return };
    for earlier in commands[..last].iter().filter(|command| matches!(command.kind, Kind::Display(_))) {
        let diagnostic =
            Diagnostic::warning(earlier.span.clone(), "another `display` follows, and the last one counts");
        diagnostics.push(diagnostic.help("leave this one out"));
    }
}
