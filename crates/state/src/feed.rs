//! How far feeds have read.

use rusqlite::OptionalExtension as _;

use crate::store::{State, StateError};

pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS feed_position (feed TEXT NOT NULL, key TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (feed, key)) STRICT, WITHOUT ROWID;";

impl State {
    /// What a feed remembers of an object.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn feed_position(&self, feed: &str, key: &str) -> Result<Option<String>, StateError> {
        self.read("read how far a feed is", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT mark FROM feed_position WHERE feed = ? AND key = ?")?;
            statement.query_row([feed, key], |row| row.get(0)).optional()
        })
    }

    /// Remembers something of an object.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_feed_position(&self, feed: &str, key: &str, mark: &str) -> Result<(), StateError> {
        self.take("write how far a feed is", |tx| {
            let sql = "INSERT INTO feed_position (feed, key, mark) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET mark = excluded.mark";
            tx.prepare_cached(sql)?.execute([feed, key, mark]).map(|_| ())
        })
    }
}
