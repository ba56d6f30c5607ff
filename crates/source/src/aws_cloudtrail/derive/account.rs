//! Account ids: where a text names one.

use std::collections::BTreeSet;

use event::layout::Estate;
use event::value::Value;

/// The account ids seen so far, sorted.
#[derive(Debug, Default)]
pub struct Accounts(BTreeSet<String>);

impl Accounts {
    /// Adds the accounts that a string or number names: it is one, or it holds ARNs.
    pub fn add_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            Value::Number(text) if is_account(text) => {
                self.0.insert(text.to_string());
            }
            _ => {}
        }
    }

    /// Adds the account that the text is, or those of the ARNs anywhere in it.
    pub fn add_text(&mut self, text: &str) {
        if is_account(text) {
            self.0.insert(text.to_owned());
        }
        for (at, _) in text.match_indices("arn:") {
            self.0.extend(account_of_arn(&text[at..]).map(str::to_owned));
        }
    }

    /// All but our own, which must be known.
    pub fn outside(self, own: &Own<'_>) -> Vec<String> {
        if own.account.is_none() {
            return Vec::new();
        }
        self.0.into_iter().filter(|account| !own.has(account)).collect()
    }
}

/// The accounts that are ours.
pub struct Own<'a> {
    /// The one the record is about.
    pub account: Option<&'a str>,
    /// What is known beside it.
    pub estate: &'a Estate,
}

impl Own<'_> {
    /// Whether it is one of them.
    pub fn has(&self, account: &str) -> bool {
        self.account == Some(account) || self.estate.accounts.contains(account)
    }
}

/// Whether the text is wholly an account id.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}

/// The account of `arn:partition:service:region:account:…`. The four parts before it are short, so a long text costs no more than its length.
pub fn account_of_arn(text: &str) -> Option<&str> {
    const HEAD_MAX: usize = 160;
    let head = text.char_indices().nth(HEAD_MAX).map_or(text, |(end, _)| &text[..end]);
    let mut parts = head.split(':').skip(4);
    let account = parts.next()?;
    parts.next()?;
    is_account(account).then_some(account)
}
