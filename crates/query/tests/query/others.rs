//! The queries of others over the 2,900 real records of Invictus IR, and those that the source document prints. They lie outside the repository.

use std::fmt::Write as _;
use std::time::Duration;

use query::output::cell;
use query::{Engine, Lang, Options, Outcome, Window};
use serde_json::Value as Json;

use crate::data;

/// The values of an answer as text, row by row.
async fn rows(outcome: &mut Outcome) -> Result<Vec<Vec<Option<String>>>, query::QueryError> {
    let kinds: Vec<_> = outcome.columns.iter().map(|(_, kind)| *kind).collect();
    let mut rows = Vec::new();
    for batch in outcome.all().await? {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(&kinds).map(|(array, kind)| cell(array, *kind, row).text());
            rows.push(cells.collect());
        }
    }
    Ok(rows)
}

fn engine() -> Option<Engine> {
    let cloudtrail = data::dataset(&source::aws_cloudtrail::SOURCE, data::invictus()?);
    let vpc = data::dataset(&source::aws_vpc_flow::SOURCE, Vec::new());
    let options = Options { threads: 2, deadline: Duration::from_secs(120), ..Options::default() };
    Some(Engine::new(vec![cloudtrail, vpc], options).unwrap())
}

#[test]
fn cases_of_others_give_the_rows_they_expect() {
    let (Some(engine), Some(path)) = (engine(), data::shared("logs-insights/cases-invictus.json")) else { return };
    let cases: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    let mut wrong = String::new();
    for case in cases {
        if let Err(what) = engine.block_on(fits(&engine, case)) {
            let _ = writeln!(wrong, "{}: {}\n  {what}", case["name"], case["query"]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(cases.len(), 51);
}

async fn fits(engine: &Engine, case: &Json) -> Result<(), String> {
    // Only CloudTrail is meant; a second, empty dataset must not change an answer.
    let text = case["query"].as_str().unwrap();
    let started = engine.query(text, Lang::Insights, Window::default(), 0).await;
    let mut outcome = started.map_err(|err| match &err {
        query::QueryError::Text(said) => said.iter().map(|one| one.draw("query", text)).collect(),
        other => format!("{other:?}"),
    })?;
    let names: Vec<String> = outcome.columns.iter().map(|(name, _)| name.clone()).collect();
    let wanted: Vec<&str> = case["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    if names != wanted {
        return Err(format!("columns {names:?} and not {wanted:?}"));
    }
    let got = rows(&mut outcome).await.map_err(|err| format!("{err:?}"))?;
    if let Some(n) = case["n_column"].as_array() {
        let at = names.iter().position(|name| *name == "n").unwrap();
        let got: Vec<_> = got.iter().map(|row| row[at].clone().unwrap()).collect();
        let wanted: Vec<_> = n.iter().map(Json::to_string).collect();
        return if got == wanted { Ok(()) } else { Err(format!("{got:?} and not {wanted:?}")) };
    }
    let Some(wanted) = case["rows"].as_array() else {
        return if got.len() == 7 { Ok(()) } else { Err(format!("{} rows", got.len())) };
    };
    let wanted: Vec<Vec<Option<String>>> =
        wanted.iter().map(|row| row.as_array().unwrap().iter().map(shown).collect()).collect();
    let tolerance = case["tolerance"].as_f64().unwrap_or(1e-9);
    let is_ordered = case["ordered"].as_bool().unwrap();
    let sorted = |mut rows: Vec<Vec<Option<String>>>| {
        if !is_ordered {
            rows.sort();
        }
        rows
    };
    let (got, wanted) = (sorted(got), sorted(wanted));
    let is_same = got.len() == wanted.len()
        && got.iter().zip(&wanted).all(|(got, wanted)| got.iter().zip(wanted).all(|(a, b)| is_near(a, b, tolerance)));
    if is_same { Ok(()) } else { Err(format!("{got:?}\n  and not {wanted:?}")) }
}

fn shown(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn is_near(a: &Option<String>, b: &Option<String>, tolerance: f64) -> bool {
    let numbers = a.as_ref().zip(b.as_ref()).and_then(|(a, b)| Some((a.parse::<f64>().ok()?, b.parse::<f64>().ok()?)));
    a == b || numbers.is_some_and(|(a, b)| (a - b).abs() <= tolerance * b.abs().max(1.0))
}

/// The queries of the source document as it prints them, comments included, and how many rows each gives.
const DOCUMENT: [(&str, usize); 11] = [
    ("fields @timestamp, @message\n| filter @message like /error/\n| sort @timestamp desc\n| limit 100", 100),
    (
        "# Failed console logins\nfields @timestamp, userIdentity.userName, sourceIPAddress,\nerrorCode, errorMessage\n\
         | filter eventSource = 'signin.amazonaws.com'\n| filter errorCode = 'ConsoleLoginFailure'\n\
         | stats count(*) as failedLogins by sourceIPAddress,\nuserIdentity.userName\n| sort failedLogins desc",
        0,
    ),
    (
        "# Root account usage\nfields @timestamp, eventName, sourceIPAddress, userAgent\n\
         | filter userIdentity.type = 'Root'\n| filter eventName not like /ConsoleLogin/",
        0,
    ),
    (
        "# Security group changes\nfields @timestamp, userIdentity.userName, eventName,\nrequestParameters.groupId\n\
         | filter eventSource = 'ec2.amazonaws.com'\n| filter eventName in ['AuthorizeSecurityGroupIngress',\n\
         'AuthorizeSecurityGroupEgress',\n'RevokeSecurityGroupIngress',\n'RevokeSecurityGroupEgress']",
        6,
    ),
    (
        "# IAM policy changes\nfields @timestamp, userIdentity.userName, eventName,\nrequestParameters.policyName\n\
         | filter eventSource = 'iam.amazonaws.com'\n| filter eventName in ['CreatePolicy', 'DeletePolicy',\n\
         'AttachUserPolicy', 'DetachUserPolicy',\n'PutUserPolicy', 'DeleteUserPolicy']",
        6,
    ),
    (
        "# S3 bucket access from unusual IPs\nfields @timestamp, userIdentity.userName, sourceIPAddress,\n\
         requestParameters.bucketName\n| filter eventSource = 's3.amazonaws.com'\n\
         | filter sourceIPAddress not like /^10\\./\n| filter sourceIPAddress not like /^192\\.168\\./\n\
         | stats count(*) by sourceIPAddress, requestParameters.bucketName\n| sort count desc",
        3,
    ),
    (
        "# What did this principal do?\nfields @timestamp, eventName, eventSource, sourceIPAddress,\n\
         requestParameters, responseElements\n| filter userIdentity.arn = 'arn:aws:iam::123456789012:user/suspect'\n\
         | sort @timestamp asc",
        0,
    ),
    (
        "# What else happened from this IP?\nfields @timestamp, userIdentity.arn, eventName, eventSource\n\
         | filter sourceIPAddress = '192.0.2.1'\n| sort @timestamp asc",
        0,
    ),
    (
        "# What resources were accessed?\nfields @timestamp, eventName, requestParameters\n\
         | filter userIdentity.arn = 'arn:aws:iam::123456789012:user/suspect'\n\
         | filter eventSource in ['s3.amazonaws.com', 'dynamodb.amazonaws.com',\n'secretsmanager.amazonaws.com']",
        0,
    ),
    (
        "# Were credentials created for persistence?\nfields @timestamp, eventName, requestParameters, responseElements\n\
         | filter userIdentity.arn = 'arn:aws:iam::123456789012:user/suspect'\n\
         | filter eventName in ['CreateAccessKey', 'CreateUser',\n'CreateRole', 'CreateLoginProfile']",
        0,
    ),
    (
        "# Network connections from instance\nfields @timestamp, srcaddr, dstaddr, dstport, bytes, action\n\
         | filter interfaceId = 'eni-abc123'\n| filter action = 'ACCEPT'\n\
         | filter dstport not in [80, 443] # unusual ports\n| sort bytes desc",
        0,
    ),
];

#[test]
fn queries_of_the_document_run_as_they_are_printed() {
    let Some(engine) = engine() else { return };
    let mut out = String::new();
    for (text, n_wanted) in DOCUMENT {
        let n = engine.block_on(async {
            let mut outcome =
                engine.query(text, Lang::Insights, Window::default(), 0).await.map_err(|err| match err {
                    query::QueryError::Text(said) => said.iter().map(|one| one.draw("query", text)).collect::<String>(),
                    other => format!("{other:?}"),
                })?;
            rows(&mut outcome).await.map(|rows| rows.len()).map_err(|err| format!("{err:?}"))
        });
        if n != Ok(n_wanted) {
            let _ = writeln!(out, "{text}\n→ {n:?} and not {n_wanted}");
        }
    }
    assert!(out.is_empty(), "{out}");
}
