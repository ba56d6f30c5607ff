//! Identity chains: from an access key back to who first held the credentials that led to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One handing-out of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// When.
    pub time_ms: i64,
    /// The stable id of who asked for them.
    pub from_uid: Arc<str>,
    /// Who that is, in words.
    pub from: Arc<str>,
    /// The access key that asked.
    pub from_key: Arc<str>,
    /// For whom, in words.
    pub to: Arc<str>,
    /// By which call.
    pub by: Arc<str>,
}

/// Handings-out by the key that was handed out. Bounded: a chain that is cut only makes two stories of one.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    links: HashMap<Box<str>, Link>,
    /// The texts of links: there are many links, and few people and roles.
    texts: HashSet<Arc<str>>,
    /// How many were not kept.
    pub n_dropped: u64,
}

fn rank(link: &Link) -> (bool, i64, &str) {
    (link.from_key.is_empty(), link.time_ms, &link.from_uid)
}

/// The link with each of its texts kept once.
fn shared(texts: &mut HashSet<Arc<str>>, mut link: Link) -> Link {
    for text in [&mut link.from_uid, &mut link.from, &mut link.from_key, &mut link.to, &mut link.by] {
        match texts.get(text) {
            Some(have) => *text = Arc::clone(have),
            None => drop(texts.insert(Arc::clone(text))),
        }
    }
    link
}

/// The most links that are kept.
const LINKS_MAX: usize = 200_000;
/// The most links that are followed.
const LENGTH_MAX: usize = 16;

impl Chain {
    /// Keeps a link. A call into another account is told by both: of two for one key that which names the caller's own key is kept,
    /// else the earlier, so that order does not matter.
    pub fn add(&mut self, access_key: &str, link: Link) {
        let has_room = self.links.len() < LINKS_MAX;
        match self.links.get_mut(access_key) {
            Some(have) if rank(have) <= rank(&link) => {}
            Some(have) => *have = shared(&mut self.texts, link),
            None if has_room => {
                let link = shared(&mut self.texts, link);
                self.links.insert(access_key.into(), link);
            }
            None => self.n_dropped += 1,
        }
    }

    /// Takes over the links of another chain.
    pub fn merge(&mut self, other: Chain) {
        self.n_dropped += other.n_dropped;
        for (key, link) in other.links {
            self.add(&key, link);
        }
    }

    /// The links from a key back to its origin, nearest first, each with the key it handed out.
    pub fn back_from<'c>(&'c self, access_key: &'c str) -> Vec<(&'c str, &'c Link)> {
        let mut out: Vec<(&str, &Link)> = Vec::new();
        let mut key = access_key;
        while let Some(link) = self.links.get(key) {
            if out.len() == LENGTH_MAX || out.iter().any(|(seen, _)| *seen == key) {
                break;
            }
            out.push((key, link));
            key = &link.from_key;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_leads_back_to_the_person_and_a_ring_ends() {
        let link = |from: &str, from_key: &str| Link {
            time_ms: 1,
            from_uid: from.into(),
            from: from.into(),
            from_key: from_key.into(),
            to: "".into(),
            by: "AssumeRole".into(),
        };
        let mut chain = Chain::default();
        chain.add("ASIA2", link("role/dev", "ASIA1"));
        chain.add("ASIA1", link("user/alice", "AKIA0"));
        let back: Vec<&str> = chain.back_from("ASIA2").iter().map(|(_, link)| &*link.from).collect();
        assert_eq!(back, ["role/dev", "user/alice"]);
        chain.add("AKIA0", link("role/dev", "ASIA2"));
        assert_eq!(chain.back_from("ASIA2").len(), 3);
    }
}
