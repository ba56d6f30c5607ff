//! The mappings as a person reads them: a few records and their events.

use event::mapping::Mapping;
use event::ocsf::OcsfVersion;
use event::value::Value;

#[test]
fn records_and_their_events() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/ocsf"), |case| match case.blocks.as_slice() {
        [(info, text)] if info == "cloudtrail" => event(&source::aws_cloudtrail::mapping::MAPPING, text),
        [(info, text)] if info == "flow" => event(&source::aws_vpc_flow::mapping::MAPPING, text),
        [(info, text)] if info == "cloudtrail names" => names(&source::aws_cloudtrail::mapping::MAPPING, text),
        [(info, text)] if info == "flow names" => names(&source::aws_vpc_flow::mapping::MAPPING, text),
        _ => "a case needs one block: `cloudtrail`, `flow`, `cloudtrail names` or `flow names`".to_owned(),
    });
}

fn event(mapping: &Mapping, text: &str) -> String {
    let record = Value::parse(text).expect("the record of a case is JSON");
    let event = mapping.project(&record, OcsfVersion::V1_3_0);
    serde_json::to_string_pretty(&event).expect("an event can be written")
}

/// What each name means, and as what it is known.
fn names(mapping: &Mapping, text: &str) -> String {
    let meaning = |name: &str| match mapping.resolve(name) {
        Ok(resolution) => format!("{name}: {} ({:?})\n", resolution.at, resolution.rank),
        Err(err) => format!("{name}: {err}\n"),
    };
    text.lines().map(meaning).collect()
}
