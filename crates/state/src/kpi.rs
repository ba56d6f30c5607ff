//! What findings add up to: how many are open, how fast they are found and dealt with, and where they come from.
//!
//! When a finding was made and resolved is kept beside it, in a narrow table: rows of `finding` carry documents, and are slow to read through.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use crate::finding::Status;
use crate::role::Identity;
use crate::store::{State, StateError};

/// Events that came later than this were imported, and say nothing of how fast the server finds.
const IMPORTED_MS: i64 = 86_400_000;
/// The most of a list.
const TOP: i64 = 10;
const DAY_MS: i64 = 86_400_000;

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS finding_time (
    uid TEXT PRIMARY KEY, account TEXT NOT NULL, made_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL, resolved_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS finding_time_made ON finding_time (made_ms, account, late_ms);
CREATE INDEX IF NOT EXISTS finding_time_resolved ON finding_time (resolved_ms, account, made_ms) WHERE resolved_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS finding_begun ON finding (first_ms, account, severity);
CREATE INDEX IF NOT EXISTS finding_seen ON finding (last_ms, account, severity, status, verdict, rule, principal);
CREATE TRIGGER IF NOT EXISTS finding_time_of AFTER INSERT ON finding BEGIN
    INSERT OR REPLACE INTO finding_time VALUES (new.uid, new.account, new.seen_ms, max(new.seen_ms - new.first_ms, 0), NULL);
END;
CREATE TRIGGER IF NOT EXISTS finding_time_resolved_at AFTER INSERT ON history WHEN json_extract(new.what, '$.status.to') IS NOT NULL BEGIN
    UPDATE finding_time SET resolved_ms = CASE json_extract(new.what, '$.status.to') WHEN 'resolved' THEN new.time_ms END
    WHERE uid = new.finding;
END;";

/// What findings add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kpis {
    /// Those that are to be dealt with now, by severity.
    pub open: Vec<(u8, u64)>,
    /// Those that were made since the day began, UTC.
    pub new_today: u64,
    /// The median of the time from the first event to the finding; of those that were not imported.
    pub detected_ms: Option<i64>,
    /// The median of the time from the finding to when it was resolved.
    pub resolved_ms: Option<i64>,
    /// Those with a verdict.
    pub judged: u64,
    /// Those of them that were none.
    pub false_positives: u64,
    /// How many began on a day: its start, severity, count.
    pub trend: Vec<(i64, u8, u64)>,
    /// Who has the worst.
    pub principals: Vec<TopPrincipal>,
    /// Which rules have the worst.
    pub rules: Vec<TopRule>,
}

/// A principal with findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopPrincipal {
    /// Its name.
    pub principal: String,
    /// Its account.
    pub account: String,
    /// How many it has.
    pub findings: u64,
    /// The severity of the worst.
    pub severity: u8,
}

/// A rule with findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopRule {
    /// Its id.
    pub rule: String,
    /// How many it has.
    pub findings: u64,
    /// The severity of the worst.
    pub severity: u8,
}

/// Which findings are added up.
struct Asked<'a> {
    of: &'a Identity,
    since_ms: i64,
    day_ms: i64,
}

impl Asked<'_> {
    /// A statement with `{scope}` in it, and its values: the time, and the accounts that may be seen.
    fn bind(&self, statement: &str, from_ms: i64) -> (String, Vec<Sql>) {
        let mut values = vec![Sql::Integer(from_ms)];
        let scope = match &self.of.accounts {
            None => "1".to_owned(),
            Some(accounts) => {
                values.extend(accounts.iter().map(|account| Sql::Text(account.clone())));
                format!("account IN ({})", vec!["?"; accounts.len()].join(", "))
            }
        };
        (statement.replace("{scope}", &scope), values)
    }
}

const NEW_TODAY: &str = "SELECT count(*) FROM finding_time WHERE made_ms >= ? AND {scope}";
const DETECTED: &str =
    "SELECT late_ms AS ms FROM finding_time WHERE made_ms >= ? AND {scope} AND late_ms <= {imported}";
const RESOLVED: &str =
    "SELECT max(resolved_ms - made_ms, 0) AS ms FROM finding_time WHERE resolved_ms >= ? AND {scope}";
const JUDGED: &str = "SELECT count(*), coalesce(sum(verdict = 'false_positive'), 0) FROM finding INDEXED BY finding_seen \
    WHERE last_ms >= ? AND {scope} AND verdict IS NOT NULL";
const TREND: &str = "SELECT first_ms / {day} * {day} AS day, severity, count(*) FROM finding INDEXED BY finding_begun WHERE first_ms >= ? AND {scope} \
    GROUP BY day, severity ORDER BY day, severity";
const PRINCIPALS: &str = "SELECT principal, account, count(*) AS n, max(severity) AS worst FROM finding INDEXED BY finding_seen \
    WHERE last_ms >= ? AND {scope} AND status <> 'suppressed' GROUP BY principal, account \
    ORDER BY worst DESC, n DESC, principal, account LIMIT {top}";
const RULES: &str = "SELECT rule, count(*) AS n, max(severity) AS worst FROM finding INDEXED BY finding_seen \
    WHERE last_ms >= ? AND {scope} AND status <> 'suppressed' GROUP BY rule ORDER BY worst DESC, n DESC, rule LIMIT {top}";
const BY_RULE: &str =
    "SELECT rule, count(*) FROM finding INDEXED BY finding_seen WHERE ? IS NOT NULL AND {scope} GROUP BY rule";

fn filled(statement: &str) -> String {
    let numbers = [("{imported}", IMPORTED_MS), ("{day}", DAY_MS), ("{top}", TOP)];
    numbers.iter().fold(statement.to_owned(), |text, (name, n)| text.replace(name, &n.to_string()))
}

fn median(connection: &Connection, statement: &str, values: Vec<Sql>) -> rusqlite::Result<Option<i64>> {
    let sql = format!(
        "WITH times AS MATERIALIZED ({statement}), n AS (SELECT count(*) AS n FROM times) \
        SELECT avg(ms) FROM (SELECT ms FROM times ORDER BY ms LIMIT (SELECT 2 - n % 2 FROM n) OFFSET (SELECT max(n - 1, 0) / 2 FROM n))"
    );
    let mean: Option<f64> = connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    Ok(mean.map(|ms| ms.round() as i64))
}

fn rows<T>(
    connection: &Connection,
    (sql, values): (String, Vec<Sql>),
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), read)?;
    rows.collect()
}

fn n(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::unsigned_abs)
}

impl State {
    /// What the findings of so many days add up to, of those that the caller may see. What is open is counted whatever its age.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn kpis(&self, of: &Identity, days: u32, now_ms: i64) -> Result<Kpis, StateError> {
        let day_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
        let asked = Asked { of, since_ms: day_ms - (i64::from(days) - 1) * DAY_MS, day_ms };
        let mut open = std::collections::BTreeMap::new();
        for (status, severity, n) in self.finding_counts(of)? {
            if matches!(status, Status::New | Status::Notified | Status::InProgress) {
                *open.entry(severity).or_default() += n;
            }
        }
        self.read("add up findings", |connection| {
            let bind = |statement: &str, from_ms| asked.bind(&filled(statement), from_ms);
            let since = |statement: &str| bind(statement, asked.since_ms);
            let (detected, resolved) = (since(DETECTED), since(RESOLVED));
            let judged = rows(connection, since(JUDGED), |row| Ok((n(row, 0)?, n(row, 1)?)))?;
            let (judged, false_positives) = judged.first().copied().unwrap_or_default();
            Ok(Kpis {
                open: open.into_iter().collect(),
                new_today: rows(connection, bind(NEW_TODAY, asked.day_ms), |row| n(row, 0))?.into_iter().sum(),
                detected_ms: median(connection, &detected.0, detected.1)?,
                resolved_ms: median(connection, &resolved.0, resolved.1)?,
                judged,
                false_positives,
                trend: rows(connection, since(TREND), |row| Ok((row.get(0)?, row.get(1)?, n(row, 2)?)))?,
                principals: rows(connection, since(PRINCIPALS), |row| {
                    let (principal, account) = (row.get(0)?, row.get(1)?);
                    Ok(TopPrincipal { principal, account, findings: n(row, 2)?, severity: row.get(3)? })
                })?,
                rules: rows(connection, since(RULES), |row| {
                    Ok(TopRule { rule: row.get(0)?, findings: n(row, 1)?, severity: row.get(2)? })
                })?,
            })
        })
    }

    /// How many findings each rule has, of those that the caller may see.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn findings_by_rule(&self, of: &Identity) -> Result<Vec<(String, u64)>, StateError> {
        let asked = Asked { of, since_ms: 0, day_ms: 0 };
        self.read("count findings", |connection| {
            rows(connection, asked.bind(BY_RULE, asked.since_ms), |row| Ok((row.get(0)?, n(row, 1)?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Change, FindingRow, Verdict};
    use crate::role::{Kind, Role};

    const NOW: i64 = 1_800_000_000_000;
    const DAY: i64 = DAY_MS;

    fn state(folder: &std::path::Path) -> State {
        State::open(&folder.join("state.sqlite"), std::sync::Arc::new(crate::SystemEntropy), 0).expect("opens")
    }

    fn of(accounts: Option<&[&str]>) -> Identity {
        let accounts = accounts.map(|accounts| accounts.iter().map(|a| (*a).to_owned()).collect());
        Identity { kind: Kind::User, name: "a".into(), role: Role::Admin, accounts }
    }

    fn row(uid: &str, account: &str, severity: u8, first_ms: i64) -> FindingRow {
        FindingRow {
            uid: uid.into(),
            rule: format!("r{severity}"),
            title: String::new(),
            severity,
            account: account.into(),
            region: String::new(),
            principal: format!("p{account}"),
            source: String::new(),
            source_ip: String::new(),
            resource: String::new(),
            first_ms,
            last_ms: first_ms,
            count: 1,
            document: uid.into(),
        }
    }

    #[test]
    fn findings_add_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = state(folder.path());
        let all = of(None);
        assert_eq!(state.kpis(&all, 30, NOW).expect("reads"), Kpis::default());
        // Found after 1, 3 and 5 minutes, and one that was imported.
        for (n, minutes) in [(1, 1), (2, 3), (3, 5), (4, 3 * 24 * 60)] {
            let account = if n == 3 { "2" } else { "1" };
            let severity = if n == 1 { 5 } else { 4 };
            let made = NOW - DAY;
            state.upsert(&[row(&format!("u{n}"), account, severity, made - minutes * 60_000)], made).expect("kept");
        }
        let decide = |uid: &str, version, status, verdict, at_ms| {
            let change = Change { status: Some(status), verdict: Some(verdict), ..Change::default() };
            state.decide(&all, uid, version, &change, at_ms).expect("decided")
        };
        decide("u1", 1, Status::Resolved, Some(Verdict::FalsePositive), NOW - DAY + 7_000);
        decide("u2", 1, Status::Resolved, Some(Verdict::TruePositive), NOW - DAY + 9_000);
        let kpis = state.kpis(&all, 30, NOW).expect("reads");
        assert_eq!((kpis.open, kpis.new_today), (vec![(4, 2)], 0));
        assert_eq!((kpis.detected_ms, kpis.resolved_ms), (Some(180_000), Some(8_000)));
        assert_eq!((kpis.judged, kpis.false_positives), (2, 1));
        assert_eq!(kpis.trend.iter().map(|(_, _, n)| n).sum::<u64>(), 4);
        assert!(kpis.trend.iter().all(|(day, ..)| day % DAY == 0));
        let top: Vec<_> = kpis.principals.iter().map(|p| (p.principal.as_str(), p.findings, p.severity)).collect();
        assert_eq!(top, [("p1", 3, 5), ("p2", 1, 4)]);
        let top: Vec<_> = kpis.rules.iter().map(|r| (r.rule.as_str(), r.findings, r.severity)).collect();
        assert_eq!(top, [("r5", 1, 5), ("r4", 3, 4)]);
        assert_eq!(state.findings_by_rule(&all).expect("reads"), [("r4".to_owned(), 3), ("r5".to_owned(), 1)]);

        // What is open again is not resolved, and what is of other accounts is not counted.
        decide("u1", 2, Status::New, None, NOW);
        let kpis = state.kpis(&all, 1, NOW).expect("reads");
        assert_eq!((kpis.resolved_ms, kpis.judged, kpis.trend.len()), (None, 0, 0));
        assert_eq!(state.kpis(&all, 2, NOW).expect("reads").resolved_ms, Some(9_000));
        let other = of(Some(&["2"]));
        let kpis = state.kpis(&other, 30, NOW).expect("reads");
        assert_eq!((kpis.open, kpis.detected_ms, kpis.judged), (vec![(4, 1)], Some(300_000), 0));
        assert_eq!((kpis.principals.len(), kpis.trend.len(), kpis.resolved_ms), (1, 1, None));
        assert_eq!(state.findings_by_rule(&other).expect("reads"), [("r4".to_owned(), 1)]);
        assert_eq!(state.kpis(&of(Some(&[])), 30, NOW).expect("reads"), Kpis::default());
        assert_eq!(state.kpis(&all, 3, NOW - DAY).expect("reads").new_today, 4);
    }

    /// Whatever there is, no document is read for it.
    #[test]
    fn it_all_comes_off_narrow_indexes() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = state(folder.path());
        for of in [of(None), of(Some(&["1", "2"]))] {
            let asked = Asked { of: &of, since_ms: 0, day_ms: 0 };
            for statement in [NEW_TODAY, DETECTED, RESOLVED, JUDGED, TREND, PRINCIPALS, RULES, BY_RULE] {
                let (sql, values) = asked.bind(&filled(statement), 0);
                let plan: Vec<String> = state
                    .read("explain", |connection| {
                        rows(connection, (format!("EXPLAIN QUERY PLAN {sql}"), values), |row| row.get(3))
                    })
                    .expect("explains");
                assert!(plan.join("; ").contains("USING COVERING INDEX finding_"), "{sql}: {plan:?}");
            }
        }
    }
}
