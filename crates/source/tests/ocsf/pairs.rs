//! The published pairs of native record and OCSF 1.1.0 event agree with what the mappings write, but for the listed differences.

use std::collections::BTreeMap;

use event::mapping::Mapping;
use event::ocsf::OcsfVersion;
use event::time::parse;
use event::value::Value;
use serde_json::Value as Json;

/// What we write and the published events leave out: a number where they have its text only, a caption where they have its number
/// only, and milliseconds where they have the text of the instant only.
const OURS_ONLY: [&str; 7] = [
    "status_id",
    "actor.user.type_id",
    "actor.session.created_time",
    "start_time",
    "end_time",
    "disposition_id",
    "connection_info.protocol_ver_id",
];

/// What the published events hold and we do not write, with the value that it has there.
const THEIRS_ONLY: [(&str, &str); 5] = [
    // The converter's sign for a request without an id.
    ("api.request.uid", "\"''\""),
    // A traffic path of `-` is no value, and so no boundary either.
    ("connection_info.boundary", "\"-\""),
    ("connection_info.boundary_id", "99"),
    // A service of `-` is no value.
    ("src_endpoint.svc_name", "\"-\""),
    ("dst_endpoint.svc_name", "\"-\""),
];

/// What both hold, with their value and ours.
const UNLIKE: [(&str, &str, &str); 2] = [
    // The published text is not the caption of the number that belongs to it.
    ("connection_info.protocol_ver", "\"IPv4\"", "\"Internet Protocol version 4 (IPv4)\""),
    // The published event names an interface of two digits more than its record.
    ("dst_endpoint.interface_uid", "\"eni-000000000000000000\"", "\"eni-0000000000000000\""),
];

#[test]
fn cloudtrail_pairs_agree() {
    for name in ["account_change/account_change", "api_activity/generic_api_activity", "authentication/authentication"]
    {
        let Some((raw, expected)) = pair(&format!("cloudtrail/{name}")) else { return };
        let record = Value::parse(&raw).expect("a published record is JSON");
        check(name, &source::aws_cloudtrail::mapping::MAPPING, &record, &expected);
    }
}

#[test]
fn flow_pairs_agree() {
    let Some((raw, expected)) = pair("vpc_flowlogs/vpcflowlog") else { return };
    let mut lines = raw.lines();
    let mut columns = || lines.next().unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>();
    let (names, values) = (columns(), columns());
    let fields = names.into_iter().zip(values.into_iter().map(Value::String)).collect();
    let row = crate::corpus::row(&Value::Object(fields));
    check("vpcflowlog", &source::aws_vpc_flow::mapping::MAPPING, &row, &expected);
}

fn pair(name: &str) -> Option<(String, String)> {
    let path = crate::corpus::shared(&format!("ocsf/examples/v1.1.0/{name}.raw"))?;
    let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("a published pair can be read");
    Some((read(&path), read(&path.with_extension("ocsf"))))
}

fn check(name: &str, mapping: &Mapping, record: &Value, expected: &str) {
    let expected: Json = serde_json::from_str(expected).expect("a published event is JSON");
    let mut theirs = flat(&expected);
    let mut ours = flat(&mapping.project(record, OcsfVersion::V1_1_0));
    for path in OURS_ONLY {
        if !theirs.contains_key(path) {
            ours.remove(path);
        }
    }
    for (path, value) in THEIRS_ONLY {
        if theirs.get(path).is_some_and(|have| have == value) && !ours.contains_key(path) {
            theirs.remove(path);
        }
    }
    for (path, there, here) in UNLIKE {
        if theirs.get(path).is_some_and(|have| have == there) && ours.get(path).is_some_and(|have| have == here) {
            theirs.insert(path.to_owned(), here.to_owned());
        }
    }
    // A `-` that nothing was made of is no value.
    theirs.retain(|path, value| !(path.starts_with("unmapped.") && value == "\"-\""));
    assert_eq!(ours, theirs, "{name}");
}

/// Path and JSON of every leaf. The instant of `…_dt` counts, not its zone; observables are known by their name.
fn flat(event: &Json) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut due = vec![(String::new(), event)];
    while let Some((path, value)) = due.pop() {
        let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Json::Object(members) => due.extend(members.iter().map(|(key, member)| (inside(key), member))),
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    let key = item["name"].as_str().map_or_else(|| i.to_string(), |name| format!("[{name}]"));
                    due.push((inside(&key), item));
                }
            }
            Json::String(text) if path.ends_with("_dt") => {
                out.insert(path, format!("{:?}", parse(text)));
            }
            leaf => {
                out.insert(path, leaf.to_string());
            }
        }
    }
    out
}
