//! Small mappings and what they make of records.

use serde_json::{Value as Json, json};

use super::*;
use crate::ocsf::OcsfVersion;

static TABLE: Mapping = Mapping {
    source: "test",
    title: "Test log",
    profiles: &["cloud", "datetime"],
    entries: &[
        entry(When::Always, "class_uid", Type::Class, Expr::Const("6003")),
        entry(When::Always, "activity_id", Type::Activity, Expr::Table { of: "verb", rows: &[("get", "Read")] }),
        Entry {
            alias: &["operation"],
            ..exact("api.operation", Expr::FirstOf(&[Expr::Path("call"), Expr::Const("unknown")]))
        },
        exact("api.service.name", Expr::Path("service-name")),
        entry(When::Always, "time", Type::Timestamp, Expr::FirstOf(&[Expr::Path("at"), Expr::Path("start")])),
        entry(When::Always, "src_endpoint.ip", Type::Ip, Expr::Path("from")),
        entry(When::Without(&["src_endpoint.ip"]), "src_endpoint.name", Type::Text, Expr::Path("from")),
        entry(When::Has("params"), "api.request.uid", Type::Text, Expr::Split { of: "id", by: ':', part: 1 }),
        entry(When::Class(&[6003]), "api.request.data", Type::Json, Expr::Path("params")),
        entry(When::Class(&[3001]), "user.name", Type::Text, Expr::Path("params.user")),
        Entry {
            alias: &["who"],
            ..entry(When::Always, "actor.user.type_id", Type::Enum(&crate::ocsf::USER_TYPE), Expr::Path("kind"))
        },
        entry(
            When::Always,
            "resources",
            Type::Objects,
            Expr::Each {
                of: "things",
                entries: &[entry(When::Always, "uid", Type::Text, Expr::Path("ARN"))],
                need: &["uid"],
            },
        ),
        entry(
            When::Is("it is loud", |record| text_at(record, "loud").is_some()),
            "message",
            Type::Text,
            Expr::Function {
                name: "the call in capitals",
                reads: &["loud"],
                call: |record| Some(Got::text(text_at(record, "loud")?.to_uppercase())),
            },
        ),
    ],
    observables: &[("src_endpoint.ip", 2)],
    natives: &[
        Native { path: "call", alias: &[] },
        Native { path: "service-name", alias: &["who"] },
        Native { path: "from", alias: &["srcAddr"] },
        Native { path: "extra-field", alias: &[] },
    ],
    open: &["params"],
    looks: &["loud"],
    names: Names::new(),
};

const fn entry(when: When, to: &'static str, ty: Type, from: Expr) -> Entry {
    Entry { when, to, ty, from, kind: Kind::Derived, alias: &[] }
}

const fn exact(to: &'static str, from: Expr) -> Entry {
    Entry { when: When::Always, to, ty: Type::Text, from, kind: Kind::Exact, alias: &[] }
}

fn project(record: &str) -> Json {
    TABLE.project(&Value::parse(record).expect("a test's record is JSON"), OcsfVersion::V1_3_0)
}

#[test]
fn each_expression_gives_its_target_a_value() {
    let event = project(
        r#"{"verb":"get","call":"GetIt","at":"2023-07-10T11:42:00Z","from":"192.0.2.1","params":{"user":"a"},"id":"x:y",
            "kind":"Root","things":[{"ARN":"arn:1","n":1},{"n":2},3],"loud":"hey"}"#,
    );
    assert_eq!(
        event,
        json!({
            "class_uid": 6003, "class_name": "API Activity", "category_uid": 6, "category_name": "Application Activity",
            "type_uid": 600_302, "type_name": "API Activity: Read", "activity_id": 2, "activity_name": "Read",
            "api": {"operation": "GetIt", "request": {"uid": "y", "data": "{\"user\":\"a\"}"}},
            "time": 1_688_989_320_000_i64, "time_dt": "2023-07-10T11:42:00Z",
            "src_endpoint": {"ip": "192.0.2.1"},
            "actor": {"user": {"type_id": 99, "type": "Root"}},
            "resources": [{"uid": "arn:1"}],
            "message": "HEY",
            "metadata": {"version": "1.3.0", "profiles": ["cloud", "datetime"]},
            "observables": [{"name": "src_endpoint.ip", "type": "IP Address", "type_id": 2, "value": "192.0.2.1"}],
            "unmapped": {"id": "x:y", "things.0.n": "1", "things.1.n": "2", "things.2": "3"},
        })
    );
}

#[test]
fn what_has_the_wrong_type_is_unmapped() {
    let event =
        project(r#"{"verb":"put","call":{"a":[true,null]},"at":"noon","start":"20131102T010628Z","from":["x"]}"#);
    assert_eq!(event["activity_id"], 99);
    assert_eq!(event["activity_name"], "put");
    assert_eq!(event["type_name"], "API Activity: Other");
    assert_eq!(event["api"]["operation"], "unknown");
    assert_eq!(event["time_dt"], "2013-11-02T01:06:28Z");
    assert_eq!(event["unmapped"], json!({"call.a.0": "true", "at": "noon", "from.0": "x"}));
}

#[test]
fn the_second_value_of_a_key_is_not_lost() {
    let event = project(r#"{"call":"A","call":"B"}"#);
    assert_eq!(event["api"]["operation"], "A");
    assert_eq!(event["unmapped"], json!({"call": "B"}));
}

#[test]
fn the_raw_text_is_there_when_asked_for() {
    let event = TABLE.project_with_raw(&Value::Null, "null", OcsfVersion::V1_1_0);
    assert_eq!(event["raw_data"], "null");
    assert_eq!(event["metadata"]["version"], "1.1.0");
}

fn resolve(name: &str) -> String {
    match TABLE.resolve(name) {
        Ok(resolution) => format!("{:?}: {}", resolution.rank, resolution.at),
        Err(err) => err.to_string(),
    }
}

#[test]
fn names_by_rank() {
    for (name, expected) in [
        ("call", "Native: column `api.operation`"),
        ("service-name", "Native: column `api.service.name`"),
        // A source's name never means a derived column.
        ("from", "Native: raw record, `from`"),
        ("at", "Native: raw record, `at`"),
        ("kind", "Native: raw record, `kind`"),
        ("extra-field", "Native: `unmapped`, key `extra-field`"),
        ("params.Type", "Native: `params`, key `Type`"),
        ("params.type", "Native: `params`, key `type`"),
        ("Params.type", "unknown field `Params.type`"),
        ("api.operation", "Ocsf: column `api.operation`"),
        ("activity_name", "Ocsf: column `activity_name`"),
        ("time_dt", "Ocsf: column `time_dt`"),
        ("api.Operation", "unknown field `api.Operation`"),
        ("Operation", "Alias: column `api.operation`"),
        ("src_addr", "Alias: raw record, `from`"),
        ("SERVICE_NAME", "Alias: column `api.service.name`"),
        ("extrafield", "Alias: `unmapped`, key `extra-field`"),
        ("Who", "`Who` may be column `api.service.name` or column `actor.user.type_id`"),
        ("nothing", "unknown field `nothing`"),
    ] {
        assert_eq!(resolve(name), expected, "{name}");
    }
}

#[test]
fn columns_are_listed_once_and_say_whether_they_are_exact() {
    let columns = TABLE.columns();
    let of = |path: &str| columns.iter().filter(|column| column.path == path).collect::<Vec<_>>();
    for path in
        ["class_uid", "type_name", "time", "time_dt", "actor.user.type_id", "actor.user.type", "metadata.version"]
    {
        assert_eq!(of(path).len(), 1, "{path}");
    }
    let operation = of("api.operation")[0];
    assert_eq!((operation.kind, operation.stand_in), (Kind::Exact, Some("unknown")));
    assert_eq!(of("src_endpoint.ip")[0].kind, Kind::Derived);
}

#[test]
fn the_reference_page_names_every_target_and_field() {
    let page = TABLE.reference();
    for entry in TABLE.entries {
        assert!(page.contains(&format!("| `{}` |", entry.to)), "{} is missing in\n{page}", entry.to);
    }
    assert!(page.contains("| `resources[].uid` | text | `ARN` |"), "{page}");
    assert!(page.contains("| `from` | raw record, `from` | srcAddr |"), "{page}");
}
