//! Names of ATT&CK techniques. An id that the list does not know is kept without a name: ATT&CK renumbers, and rules outlive its versions.

use std::collections::HashMap;
use std::sync::OnceLock;

use event::finding::Technique;

type Table = HashMap<&'static str, (&'static str, Vec<&'static str>)>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let rows = include_str!("attack.tsv").lines().filter(|line| !line.starts_with('#'));
        rows.filter_map(|line| {
            let mut cells = line.split('\t');
            let (id, name, tactics) = (cells.next()?, cells.next()?, cells.next()?);
            Some((id, (name, tactics.split(',').collect())))
        })
        .collect()
    })
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
    }
}
