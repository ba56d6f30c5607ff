//! What the mappings write is OCSF: every record of the shared corpus, records made up at random, and our own findings
//! validate against the published schema, and the published pairs of record and event agree.
//!
//! The corpus and the schema lie beside the repository; where they are missing, the tests say so and check less.

#![allow(clippy::print_stderr, reason = "a test says what it skips")]

mod cases;
mod corpus;
mod finding;
mod pairs;
mod random;
mod schema;

use event::mapping::Mapping;
use event::ocsf::OcsfVersion;
use event::value::Value;
use schema::Schema;

/// What is wrong with the events of these records, each mistake with its record's name.
fn mistakes(mapping: &Mapping, records: &[(String, Value)]) -> Vec<String> {
    let mut out = Vec::new();
    for version in [OcsfVersion::V1_3_0, OcsfVersion::V1_1_0] {
        let Some(schema) = Schema::load(version.text()) else { continue };
        for (name, record) in records {
            let event = mapping.project_with_raw(record, "raw", version);
            let wrong = schema.mistakes(&event);
            if !wrong.is_empty() {
                out.push(format!("{name} under {}: {}", version.text(), wrong.join("; ")));
            }
        }
    }
    out
}

fn assert_valid(mapping: &Mapping, records: &[(String, Value)]) {
    let mistakes = mistakes(mapping, records);
    let shown: Vec<&String> = mistakes.iter().take(10).collect();
    assert!(mistakes.is_empty(), "{} of {} records: {shown:#?}", mistakes.len(), records.len());
}

#[test]
fn every_cloudtrail_record_validates() {
    let records = corpus::cloudtrail();
    eprintln!("{} CloudTrail records", records.len());
    assert!(corpus::shared("cloudtrail").is_none() || records.len() >= 4_500, "records of the corpus are not found");
    assert_valid(&source::aws_cloudtrail::mapping::MAPPING, &records);
}

#[test]
fn every_flow_row_validates() {
    let rows = corpus::flow_rows();
    eprintln!("{} flow rows", rows.len());
    assert!(corpus::shared("vpcflow").is_none() || rows.len() >= 51, "rows of the corpus are not found");
    assert_valid(&source::aws_vpc_flow::mapping::MAPPING, &rows);
}

/// A validator that finds nothing would pass every test above.
#[test]
fn the_validator_finds_mistakes() {
    let Some(schema) = Schema::load("1.3.0") else { return };
    let record = Value::parse(corpus::CREATE_USER).expect("our own record is JSON");
    let good = source::aws_cloudtrail::mapping::MAPPING.project(&record, OcsfVersion::V1_3_0);
    assert_eq!(schema.mistakes(&good), Vec::<String>::new());
    for (pointer, bad, expected) in [
        ("/type_uid", serde_json::json!(300_102), "type_uid: 300102"),
        ("/severity_id", serde_json::json!(7), "severity_id: 7 is not in its enum"),
        ("/severity", serde_json::json!("Low"), "severity: `Low` is not the caption of 1"),
        ("/time", serde_json::json!("now"), "time: not a timestamp_t"),
        ("/time_dt", serde_json::json!("now"), "time_dt: not a datetime_t"),
        ("/user", serde_json::json!({"type_id": 1, "type": "User"}), "user: none of account, name, uid"),
        ("/user", serde_json::json!(null), "user: not a user"),
        ("/src_endpoint", serde_json::json!({"port": 1}), "src_endpoint: none of"),
        ("/src_endpoint/ip", serde_json::json!("somewhere"), "src_endpoint.ip: not a ip_t"),
        ("/api/operation", serde_json::json!(1), "api.operation: not a string_t"),
        ("/cloud", serde_json::json!({"region": "x", "planet": "y"}), "cloud.planet: unknown"),
        ("/cloud", serde_json::json!({"region": "x"}), "cloud.provider: missing"),
        ("/metadata/profiles", serde_json::json!("cloud"), "metadata.profiles: not a list"),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(pointer).expect("the attribute is there") = bad;
        let wrong = schema.mistakes(&event).join("; ");
        assert!(wrong.contains(expected), "{pointer}: {wrong}");
    }
}
