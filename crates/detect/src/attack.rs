//! Names of ATT&CK techniques. An id that the list does not know is kept without a name: ATT&CK renumbers, and rules outlive its versions.

use std::collections::HashMap;
use std::sync::OnceLock;

use event::finding::Technique;

/// The version of ATT&CK that the list is of.
pub const VERSION: &str = "18.1";

/// The tactics of the enterprise matrix, in its order.
pub const TACTICS: [&str; 14] = [
    "Reconnaissance",
    "Resource Development",
    "Initial Access",
    "Execution",
    "Persistence",
    "Privilege Escalation",
    "Defense Evasion",
    "Credential Access",
    "Discovery",
    "Lateral Movement",
    "Collection",
    "Command and Control",
    "Exfiltration",
    "Impact",
];

type Table = HashMap<&'static str, (&'static str, Vec<&'static str>)>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| rows().map(|(id, name, tactics)| (id, (name, tactics))).collect())
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    let lines = include_str!("attack.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut cells = line.split('\t');
        let (id, name, tactics) = (cells.next()?, cells.next()?, cells.next()?);
        Some((id, name, tactics.split(',').collect()))
    })
}

/// All techniques of the list, by id.
pub fn techniques() -> Vec<Technique> {
    rows().map(|(id, _, _)| technique(id)).collect()
}

/// The tactics that techniques serve, in the order of the matrix.
pub fn tactics(techniques: &[Technique]) -> Vec<&'static str> {
    let serves = |tactic: &&str| techniques.iter().any(|technique| technique.tactics.iter().any(|t| t == tactic));
    TACTICS.into_iter().filter(serves).collect()
}

/// The technique with this id.
pub fn technique(id: &str) -> Technique {
    let id = id.to_ascii_uppercase();
    let (name, tactics) = table().get(id.as_str()).cloned().unwrap_or_default();
    Technique { name: name.to_owned(), tactics: tactics.into_iter().map(str::to_owned).collect(), id }
}

/// Whether the list knows the id.
pub fn is_known(id: &str) -> bool {
    table().contains_key(id.to_ascii_uppercase().as_str())
}

/// The technique ids among the tags of a rule: `attack.t1078.004`.
pub fn technique_ids(tags: &[String]) -> Vec<String> {
    let id = |tag: &String| {
        let name = tag.to_ascii_lowercase();
        let id = name.strip_prefix("attack.t")?;
        id.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("T{id}"))
    };
    tags.iter().filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_names_where_the_list_knows_them() {
        let tags = ["attack.persistence", "attack.t1078.004", "attack.T9999", "cve.2021-44228"].map(str::to_owned);
        let techniques: Vec<_> = technique_ids(&tags).iter().map(|id| technique(id)).collect();
        assert_eq!(techniques[0].name, "Cloud Accounts");
        assert!(techniques[0].tactics.contains(&"Persistence".to_owned()));
        assert_eq!((techniques[1].id.as_str(), techniques[1].name.as_str()), ("T9999", ""));
        assert!(is_known("t1078.004") && !is_known("T9999"));
        assert_eq!(tactics(&techniques[1..]), Vec::<&str>::new());
        let of_cloud = ["Initial Access", "Persistence", "Privilege Escalation", "Defense Evasion"];
        assert_eq!(tactics(&techniques), of_cloud);
    }

    #[test]
    fn the_list_is_in_order_and_of_this_version() {
        assert!(include_str!("attack.tsv").lines().next().is_some_and(|head| head.contains(VERSION)));
        let all = techniques();
        assert!(all.is_sorted_by(|a, b| a.id < b.id) && all.len() > 150);
        for tactic in all.iter().flat_map(|technique| &technique.tactics) {
            assert!(TACTICS.contains(&tactic.as_str()), "{tactic}");
        }
    }
}
