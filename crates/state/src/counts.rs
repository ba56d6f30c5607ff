//! How many findings there are, kept as they change: a million are not counted for every page.

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS finding_count (
    account TEXT NOT NULL, status TEXT NOT NULL, severity INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account, status, severity)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS finding_made AFTER INSERT ON finding BEGIN
    INSERT INTO finding_count VALUES (new.account, new.status, new.severity, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER IF NOT EXISTS finding_changed AFTER UPDATE OF account, status, severity ON finding
WHEN (old.account, old.status, old.severity) IS NOT (new.account, new.status, new.severity) BEGIN
    UPDATE finding_count SET n = n - 1 WHERE (account, status, severity) = (old.account, old.status, old.severity);
    INSERT INTO finding_count VALUES (new.account, new.status, new.severity, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;";
