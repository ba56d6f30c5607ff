//! Pages of findings. A page goes on behind the last finding of the one before, so that what comes in between neither repeats nor skips.

use rusqlite::types::Value as Sql;
use sha2::{Digest as _, Sha256};

use crate::entropy::hex;
use crate::finding::{COLUMNS, FindingRow, Shown, Status, Verdict, shown};
use crate::role::Identity;
use crate::store::{State, StateError};

/// The most findings of a page.
const LIMIT_MAX: usize = 200;

/// Which findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// With one of these statuses; all if empty.
    pub status: Vec<Status>,
    /// Of this severity at least.
    pub severity_min: Option<u8>,
    /// Of this account.
    pub account: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Of those whose name has this text.
    pub principal: Option<String>,
    /// Assigned to; `Some(None)` is nobody.
    pub assignee: Option<Option<String>>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
    /// With events at or after this time.
    pub from_ms: Option<i64>,
    /// With events before this time.
    pub to_ms: Option<i64>,
    /// With this text in title, principal, resources or addresses, in any letter case.
    pub text: Option<String>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// The worst first, of these the latest.
    #[default]
    Worst,
    /// The latest first.
    Latest,
    /// Those that began last first.
    Begun,
    /// Those with the most events first.
    Most,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its findings.
    pub findings: Vec<Shown>,
    /// What the next page is asked with; nothing if there is none.
    pub next: Option<String>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The cursor is not one that we gave for this question.
    #[error("the cursor was given for another question, or was changed")]
    Foreign,
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Sort {
    /// The column that decides; of the worst, among those of one severity.
    fn column(self) -> &'static str {
        match self {
            Sort::Worst | Sort::Latest => "last_ms",
            Sort::Begun => "first_ms",
            Sort::Most => "count",
        }
    }

    /// The value of that column.
    fn key(self, found: &Shown) -> i64 {
        match self {
            Sort::Worst | Sort::Latest => found.row.last_ms,
            Sort::Begun => found.row.first_ms,
            Sort::Most => found.row.count as i64,
        }
    }
}

/// Where a page ended.
struct Place {
    severity: i64,
    key: i64,
    uid: String,
}

impl Place {
    /// As a text that goes with one question only.
    fn cursor(&self, question: &str) -> String {
        let place = format!("{}.{}.{}", self.severity, self.key, self.uid);
        format!("{place}.{}", sum(&place, question))
    }

    fn read(cursor: &str, question: &str) -> Option<Place> {
        let (place, sent) = cursor.rsplit_once('.')?;
        if sum(place, question) != sent {
            return None;
        }
        let mut parts = place.splitn(3, '.');
        let (severity, key) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Place { severity, key, uid: parts.next()?.to_owned() })
    }
}

fn sum(place: &str, question: &str) -> String {
    hex(&Sha256::digest(format!("{question}\0{place}"))[..6])
}

/// A text as `LIKE` takes it, anywhere in a value.
fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

impl Filter {
    /// The conditions, and the values in them.
    fn conditions(&self, of: &Identity) -> (Vec<String>, Vec<Sql>) {
        let (mut tests, mut values) = (Vec::new(), Vec::new());
        let mut add = |test: String, more: Vec<Sql>| {
            tests.push(test);
            values.extend(more);
        };
        let marks = |n: usize| vec!["?"; n].join(", ");
        let text = |text: &str| Sql::Text(text.to_owned());
        if !self.status.is_empty() {
            add(
                format!("status IN ({})", marks(self.status.len())),
                self.status.iter().map(|s| text(s.name())).collect(),
            );
        }
        if let Some(min) = self.severity_min {
            add("severity >= ?".into(), vec![Sql::Integer(i64::from(min))]);
        }
        if let Some(accounts) = &of.accounts {
            add(format!("account IN ({})", marks(accounts.len())), accounts.iter().map(|a| text(a)).collect());
        }
        for (name, value) in [("account", &self.account), ("rule", &self.rule)] {
            if let Some(value) = value {
                add(format!("{name} = ?"), vec![text(value)]);
            }
        }
        if let Some(principal) = &self.principal {
            add("principal LIKE ? ESCAPE '\\'".into(), vec![Sql::Text(anywhere(principal))]);
        }
        match &self.assignee {
            None => {}
            Some(None) => add("assignee IS NULL".into(), Vec::new()),
            Some(Some(name)) => add("assignee = ?".into(), vec![text(name)]),
        }
        if let Some(verdict) = self.verdict {
            add("verdict = ?".into(), vec![text(verdict.name())]);
        }
        if let Some(from_ms) = self.from_ms {
            add("last_ms >= ?".into(), vec![Sql::Integer(from_ms)]);
        }
        if let Some(to_ms) = self.to_ms {
            add("first_ms < ?".into(), vec![Sql::Integer(to_ms)]);
        }
        if let Some(some) = &self.text {
            let pattern = Sql::Text(anywhere(some));
            let tests =
                ["title", "principal", "resource", "source_ip", "uid"].map(|c| format!("{c} LIKE ? ESCAPE '\\'"));
            add(format!("({})", tests.join(" OR ")), vec![pattern; 5]);
        }
        (tests, values)
    }
}

/// The query of a page.
fn sql(filter: &Filter, sort: Sort, of: &Identity, behind: Option<&Place>, limit: usize) -> (String, Vec<Sql>) {
    let (mut tests, mut values) = filter.conditions(of);
    if let Some(place) = behind {
        // The first part lets the index find the place, the second is exact.
        let key = sort.column();
        let (test, more) = match sort {
            Sort::Worst => (
                format!("severity <= ? AND (severity < ? OR ({key} <= ? AND ({key} < ? OR uid > ?)))"),
                vec![place.severity, place.severity, place.key, place.key],
            ),
            Sort::Latest | Sort::Begun | Sort::Most => {
                (format!("{key} <= ? AND ({key} < ? OR uid > ?)"), vec![place.key, place.key])
            }
        };
        tests.push(test);
        values.extend(more.into_iter().map(Sql::Integer));
        values.push(Sql::Text(place.uid.clone()));
    }
    let order = match sort {
        Sort::Worst => "severity DESC, last_ms DESC, uid".to_owned(),
        Sort::Latest | Sort::Begun | Sort::Most => format!("{} DESC, uid", sort.column()),
    };
    let tests = if tests.is_empty() { "1".to_owned() } else { tests.join(" AND ") };
    values.push(Sql::Integer(limit as i64));
    (format!("SELECT {COLUMNS} FROM finding WHERE {tests} ORDER BY {order} LIMIT ?"), values)
}

impl State {
    /// A page of findings that the caller may see.
    ///
    /// # Errors
    /// When the cursor is of another question, or findings cannot be read.
    pub fn findings(
        &self,
        of: &Identity,
        filter: &Filter,
        sort: Sort,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, CursorError> {
        let limit = limit.clamp(1, LIMIT_MAX);
        let question = format!("{filter:?} {sort:?} {:?}", of.accounts);
        let place = match cursor {
            None => None,
            Some(cursor) => Some(Place::read(cursor, &question).ok_or(CursorError::Foreign)?),
        };
        let (text, values) = sql(filter, sort, of, place.as_ref(), limit + 1);
        let mut findings: Vec<Shown> = self.read("list findings", |connection| {
            let mut statement = connection.prepare_cached(&text)?;
            let rows = statement.query_map(rusqlite::params_from_iter(values), shown)?;
            rows.collect()
        })?;
        let has_more = findings.len() > limit;
        findings.truncate(limit);
        let next = findings.last().filter(|_| has_more).map(|last| {
            let place =
                Place { severity: i64::from(last.row.severity), key: sort.key(last), uid: last.row.uid.clone() };
            place.cursor(&question)
        });
        Ok(Page { findings, next })
    }

    /// How many findings there are that the caller may see, by status and severity.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn finding_counts(&self, of: &Identity) -> Result<Vec<(Status, u8, u64)>, StateError> {
        self.read("count findings", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT account, status, severity, n FROM finding_count WHERE n > 0")?;
            let mut rows = statement.query([])?;
            let mut counts = std::collections::BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (account, status): (String, String) = (row.get(0)?, row.get(1)?);
                if let Some(status) = Status::parse(&status).filter(|_| of.sees(&account)) {
                    *counts.entry((status.name(), row.get::<_, u8>(2)?)).or_default() += row.get::<_, i64>(3)? as u64;
                }
            }
            let known = |((status, severity), n)| Some((Status::parse(status)?, severity, n));
            Ok(counts.into_iter().filter_map(known).collect())
        })
    }

    /// The number of the newest finding, or of the newest that it says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_seq(&self) -> Result<i64, StateError> {
        self.read("read findings", |connection| {
            connection.query_row("SELECT coalesce(max(seq), 0) FROM finding", [], |row| row.get(0))
        })
    }

    /// The findings that are new or say something new since a number, oldest first, and the number to go on with.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn findings_since(&self, of: &Identity, seq: i64, limit: usize) -> Result<(Vec<Shown>, i64), StateError> {
        let (found, last) = self.changed_since(seq, limit, usize::MAX)?;
        Ok((found.into_iter().filter(|shown| of.sees(&shown.row.account)).collect(), last))
    }

    /// What findings of all accounts say that are new or say something new since a number, oldest first, and the number to go on with.
    /// Not more than so many, nor more once their documents have so many bytes.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn said_since(&self, seq: i64, limit: usize, bytes: usize) -> Result<(Vec<FindingRow>, i64), StateError> {
        let (found, last) = self.changed_since(seq, limit, bytes)?;
        Ok((found.into_iter().map(|shown| shown.row).collect(), last))
    }

    fn changed_since(&self, seq: i64, limit: usize, bytes: usize) -> Result<(Vec<Shown>, i64), StateError> {
        let sql = format!("SELECT {COLUMNS}, seq FROM finding WHERE seq > ? ORDER BY seq LIMIT ?");
        self.read("list findings", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((seq, limit as i64))?;
            let (mut found, mut last, mut n_bytes) = (Vec::new(), seq, 0);
            while let Some(row) = rows.next()? {
                let one = shown(row)?;
                n_bytes += one.row.document.len();
                last = row.get(20)?;
                found.push(one);
                if n_bytes >= bytes {
                    break;
                }
            }
            Ok((found, last))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::{Kind, Role};

    /// Pages come off an index, in its order: whatever there is, no page sorts.
    #[test]
    fn pages_come_off_an_index() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::open(&folder.path().join("state.sqlite"), std::sync::Arc::new(crate::SystemEntropy), 0)
            .expect("opens");
        let of = Identity { kind: Kind::User, name: "a".into(), role: Role::Admin, accounts: None };
        let place = Place { severity: 3, key: 7, uid: "u".into() };
        let filters = [
            Filter::default(),
            Filter { status: vec![Status::New], ..Filter::default() },
            Filter { rule: Some("r".into()), ..Filter::default() },
            Filter { severity_min: Some(4), ..Filter::default() },
            Filter { account: Some("1".into()), ..Filter::default() },
        ];
        let sorts = [Sort::Worst, Sort::Latest, Sort::Begun, Sort::Most];
        // Another order than the worst first is an index of its own, which filters are looked at along.
        let asked = filters.iter().map(|f| (f, Sort::Worst)).chain(sorts.map(|sort| (&filters[0], sort)));
        for (filter, sort) in asked {
            for behind in [None, Some(&place)] {
                let (text, values) = sql(filter, sort, &of, behind, 50);
                let plan: Vec<String> = state
                    .read("explain", |connection| {
                        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
                        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3))?;
                        rows.collect()
                    })
                    .expect("explains");
                let plan = plan.join("; ");
                assert!(
                    plan.contains("USING INDEX finding_") && !plan.contains("TEMP B-TREE"),
                    "{filter:?} {sort:?}: {plan}"
                );
            }
        }
    }
}
