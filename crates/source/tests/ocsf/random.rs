//! Records that nobody would send still make valid events, and never a panic.

use event::mapping::Mapping;
use event::ocsf::OcsfVersion;
use event::value::Value;
use proptest::prelude::*;

use crate::schema::Schema;

/// Any value, of the kinds that mappings stumble over.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(String::new()),
        Just("-".to_owned()),
        Just("2023-07-10T11:42:00Z".to_owned()),
        Just("9999-12-31T23:59:59-23:59".to_owned()),
        Just("0000-01-01T00:00:00+23:59".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("9223372036854775807".to_owned()),
        Just("198.51.100.7".to_owned()),
        Just("0000:0000:0000:0000:0000:ffff:255.255.255.255".to_owned()),
        Just("ec2.amazonaws.com".to_owned()),
        Just("Other".to_owned()),
        Just("Unknown".to_owned()),
        Just("x".repeat(70_000)),
        ".{0,12}",
    ];
    let number = prop_oneof![Just("-1"), Just("0"), Just("65536"), Just("1e999"), Just("1.5"), Just("1689000000")];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|n| Value::Number(n.into())),
        text.prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-zA-Z.]{0,6}", inner), 0..4).prop_map(Value::Object),
        ]
    })
}

/// A change of a record: the value at a place, counted in the order of the walk, replaced or removed.
#[derive(Clone, Debug)]
struct Change {
    place: prop::sample::Index,
    to: Option<Value>,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (any::<prop::sample::Index>(), prop::option::of(value())).prop_map(|(place, to)| Change { place, to });
    prop::collection::vec(change, 1..8)
}

fn apply(record: &mut Value, changes: &[Change]) {
    for change in changes {
        let n_places = count(record);
        let mut at = change.place.index(n_places.max(1));
        alter(record, &mut at, &change.to);
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.iter().map(|(_, member)| 1 + count(member)).sum(),
        Value::Array(items) => items.iter().map(|item| 1 + count(item)).sum(),
        _ => 0,
    }
}

/// Changes the place that `at` counts down to; gives whether it is done.
fn alter(value: &mut Value, at: &mut usize, to: &Option<Value>) -> bool {
    let Value::Object(members) = value else {
        let Value::Array(items) = value else { return false };
        return items.iter_mut().any(|item| step(item, at, to));
    };
    if let (None, Some(_)) = (to, members.get(*at)) {
        members.remove(*at);
        return true;
    }
    members.iter_mut().any(|(_, member)| step(member, at, to))
}

fn step(value: &mut Value, at: &mut usize, to: &Option<Value>) -> bool {
    if *at == 0 {
        *value = to.clone().unwrap_or(Value::Null);
        return true;
    }
    *at -= 1;
    alter(value, at, to)
}

/// One of each kind of record, all their members present.
fn seeds() -> Vec<Value> {
    let identity = r#"{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::111122223333:assumed-role/r/s","accountId":"111122223333",
        "accessKeyId":"ASIA1","userName":"u","invokedBy":"ec2.amazonaws.com","identityProvider":"p","credentialId":"c",
        "onBehalfOf":{"userId":"1","identityStoreArn":"arn:i"},"sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/r"},
        "webIdFederationData":{"federatedProvider":"f"},"attributes":{"creationDate":"20131102T010628Z","mfaAuthenticated":"true"}}}"#;
    let rest = r#""eventVersion":"1.08","eventTime":"2024-03-01T10:00:00Z","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7",
        "userAgent":"a","errorCode":"AccessDenied","errorMessage":"m","requestID":"r","eventID":"e","eventType":"AwsApiCall","apiVersion":"2010",
        "eventCategory":"Management","readOnly":false,"vpcEndpointId":"vpce-1","resources":[{"ARN":"arn:b","accountId":"111122223333","type":"T"}],
        "timeWindow":{"windowStart":"2024-03-01T10:00:00Z","windowEnd":"2024-03-01T10:05:00Z"},
        "additionalEventData":{"MFAUsed":"Yes","LoginTo":"https://console"},
        "requestParameters":{"userName":"bob","roleName":"r","roleArn":"arn:aws:iam::111122223333:role/r","roleSessionName":"s"},
        "responseElements":{"ConsoleLogin":"Failure","user":{"userName":"bob","arn":"arn:u","userId":"AIDA"},"role":{"roleName":"r","arn":"arn:r","roleId":"AROA"}}"#;
    let calls = [
        ("iam", "CreateUser"),
        ("iam", "DeleteAccountPasswordPolicy"),
        ("signin", "ConsoleLogin"),
        ("sts", "AssumeRole"),
        ("s3", "GetObject"),
    ];
    let text = |(service, name)| {
        format!(r#"{{"eventSource":"{service}.amazonaws.com","eventName":"{name}","userIdentity":{identity},{rest}}}"#)
    };
    calls.into_iter().map(|call| Value::parse(&text(call)).expect("our own record is JSON")).collect()
}

fn flow_seed() -> Value {
    Value::parse(
        r#"{"version":"5","account-id":"111122223333","interface-id":"eni-1","srcaddr":"10.0.0.1","dstaddr":"10.0.0.2","srcport":"1",
        "dstport":"2","protocol":"6","packets":"1","bytes":"40","start":"1649721732","end":"1649721788","action":"ACCEPT","log-status":"OK",
        "vpc-id":"vpc-1","subnet-id":"subnet-1","instance-id":"i-1","tcp-flags":"2","type":"IPv4","pkt-srcaddr":"10.0.0.3","pkt-dstaddr":"10.0.0.2",
        "region":"us-east-1","az-id":"use1-az1","pkt-src-aws-service":"EC2","pkt-dst-aws-service":"S3","flow-direction":"egress","traffic-path":"8"}"#,
    )
    .expect("our own row is JSON")
}

#[test]
fn changed_records_validate() {
    let Some(schemas) = schemas() else { return };
    let seeds = seeds();
    proptest!(config(1_000), |(seed in 0..seeds.len(), changes in changes())| {
        let mut record = seeds[seed].clone();
        apply(&mut record, &changes);
        source::aws_cloudtrail::derive::derive(&record, &Default::default());
        assert_valid(&schemas, &source::aws_cloudtrail::mapping::MAPPING, &record)?;
    });
}

#[test]
fn changed_rows_validate() {
    let Some(schemas) = schemas() else { return };
    proptest!(config(600), |(changes in changes())| {
        let mut row = flow_seed();
        apply(&mut row, &changes);
        assert_valid(&schemas, &source::aws_vpc_flow::mapping::MAPPING, &row)?;
    });
}

#[test]
fn values_that_are_no_records_validate() {
    let Some(schemas) = schemas() else { return };
    proptest!(config(200), |(record in value())| {
        source::aws_cloudtrail::derive::derive(&record, &Default::default());
        assert_valid(&schemas, &source::aws_cloudtrail::mapping::MAPPING, &record)?;
        assert_valid(&schemas, &source::aws_vpc_flow::mapping::MAPPING, &record)?;
    });
}

/// A failure is told, not written beside the tests: it enters as a case.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn schemas() -> Option<[(OcsfVersion, Schema); 2]> {
    Some([(OcsfVersion::V1_3_0, Schema::load("1.3.0")?), (OcsfVersion::V1_1_0, Schema::load("1.1.0")?)])
}

fn assert_valid(schemas: &[(OcsfVersion, Schema)], mapping: &Mapping, record: &Value) -> Result<(), TestCaseError> {
    for (version, schema) in schemas {
        let event = mapping.project(record, *version);
        let wrong = schema.mistakes(&event);
        prop_assert!(wrong.is_empty(), "{version:?}: {}", wrong.join("; "));
    }
    Ok(())
}
