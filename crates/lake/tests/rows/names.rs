//! Where the names of fields lead.

use std::collections::{HashMap, HashSet};

use event::mapping::{Mapping, Rank};
use event::value::Value;
use lake::columns::{Columns, Place, Type};

use crate::reference::{Cell, leaves};
use crate::{CLOUDTRAIL, FLOW, Made, corpus};

/// The value of each leaf of a record is found by its dotted path, and as it is.
fn check(made: &Made, record: &Value) -> Vec<String> {
    let columns = &made.columns;
    let mut first: HashMap<String, String> = HashMap::new();
    leaves("", true, record, &mut |path, text| {
        first.entry(path.to_owned()).or_insert_with(|| text.to_owned());
    });
    let mut wrong = Vec::new();
    for (path, text) in first {
        let found = match columns.find(&path).map(|meaning| meaning.place) {
            Ok(Place::Column(column)) => match &made.cells[column] {
                Cell::Text(text) => Some(text.clone()),
                Cell::Long(n) => Some(n.to_string()),
                Cell::Boolean(yes) => Some(yes.to_string()),
                _ => None,
            },
            Ok(Place::Key { column, key }) => match &made.cells[column] {
                Cell::Map(entries) => entries.iter().find(|(have, _)| *have == key).map(|(_, text)| text.clone()),
                _ => None,
            },
            // Objects: the record's text has them, and whatever stands in their place.
            Ok(Place::Record(path)) => {
                event::mapping::at(record, &path).and_then(|value| value.view().scalar_text().map(str::to_owned))
            }
            Err(err) => Some(format!("error: {err}")),
        };
        // OCSF names and aliases come before keys that the source does not know, and a column of numbers does not hold texts.
        let comes_second = columns.find(&path).is_ok_and(|meaning| match (meaning.rank, meaning.place) {
            (Some(Rank::Native), Place::Column(column)) => columns.list[column].ty != Type::Text,
            (rank, _) => rank != Some(Rank::Native),
        });
        let is_unmapped = || match columns.find(&format!("unmapped.{path}")).map(|meaning| meaning.place) {
            Ok(Place::Key { column, key }) => {
                matches!(&made.cells[column], Cell::Map(entries) if entries.contains(&(key, text.clone())))
            }
            _ => false,
        };
        if found.as_ref() != Some(&text) && !(comes_second && is_unmapped()) {
            wrong.push(format!("{path}: {text:?} is found as {found:?} at {:?}", columns.find(&path)));
        }
    }
    wrong
}

#[test]
fn every_leaf_is_found_by_its_path() {
    let (trail, flow) = corpus::generated();
    let mut made = crate::cloudtrail(&corpus::cloudtrail());
    made.extend(crate::cloudtrail(&trail));
    made.extend(crate::flow(&corpus::flow()));
    made.extend(crate::flow(&flow));
    let wrong: Vec<String> = made.iter().flat_map(|made| check(made, &made.record)).collect();
    let shown: Vec<&String> = wrong.iter().take(20).collect();
    assert!(wrong.is_empty(), "{} of {} records: {shown:#?}", wrong.len(), made.len());
}

fn mappings() -> [&'static Mapping; 2] {
    [CLOUDTRAIL.mapping, FLOW.mapping]
}

#[test]
fn names_of_columns_differ_in_more_than_letter_case() {
    for mapping in mappings() {
        let mut seen = HashSet::new();
        for column in &Columns::new(mapping).list {
            assert!(seen.insert(column.name.to_ascii_lowercase()), "{}: {}", mapping.source, column.name);
            let is_plain = column.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            assert!(is_plain, "{}: {}", mapping.source, column.name);
        }
    }
}

#[test]
fn native_names_lead_to_columns() {
    for mapping in mappings() {
        let columns = Columns::new(mapping);
        for native in mapping.natives {
            let is_object = mapping.open.contains(&native.path) || native.path == "resources";
            match columns.find(native.path).expect("a native name is known").place {
                Place::Column(_) if !is_object => {}
                Place::Record(path) if is_object && path == native.path => {}
                place => panic!("{}: `{}` leads to {place:?}", mapping.source, native.path),
            }
        }
    }
}

#[test]
fn ocsf_names_lead_to_columns() {
    for mapping in mappings() {
        let columns = Columns::new(mapping);
        for target in mapping.columns() {
            let place = columns.find(&target.path).map(|meaning| meaning.place);
            // The log's own `resources` comes first, and whole requests and answers are in the maps.
            let is_json = target.path == "resources" || target.path.starts_with("api.re");
            match place.expect("an OCSF name is known") {
                Place::Column(_) => {}
                Place::Record(_) if is_json => {}
                // They repeat other columns and are not kept.
                Place::Key { .. } if target.path == "observables" => {}
                place => panic!("{}: `{}` leads to {place:?}", mapping.source, target.path),
            }
        }
    }
}

/// The id of an event and that of a request are kept once, whatever they are called.
#[test]
fn ids_are_kept_once() {
    let columns = Columns::new(source::aws_cloudtrail::SOURCE.mapping);
    for (native, ocsf, column) in
        [("eventID", "metadata.uid", "metadata_uid"), ("requestID", "api.request.uid", "api_request_uid")]
    {
        let place = |name: &str| columns.find(name).map(|meaning| meaning.place);
        assert_eq!(place(native), Ok(Place::Column(columns.column(column).expect("it is kept"))));
        assert_eq!(place(ocsf), place(native));
        assert_eq!(columns.column(native), None);
    }
}

/// Flow logs have an `action`, and OCSF has another.
#[test]
fn the_log_has_the_first_say() {
    let columns = Columns::new(FLOW.mapping);
    let name = |name: &str| match columns.find(name).expect("known").place {
        Place::Column(column) => columns.list[column].name.clone(),
        place => format!("{place:?}"),
    };
    assert_eq!(name("action"), "native_action");
    assert_eq!(name("disposition"), "disposition");
    assert_eq!(name("type"), "type");
}

#[test]
fn maps_are_maps() {
    for mapping in mappings() {
        let columns = Columns::new(mapping);
        for open in mapping.open {
            let Ok(Place::Key { column, key }) = columns.find(&format!("{open}.a.b-C.0")).map(|meaning| meaning.place)
            else {
                panic!("`{open}` has no map")
            };
            assert_eq!((columns.list[column].ty, key.as_str()), (Type::Map, "a.b-C.0"));
        }
    }
}
