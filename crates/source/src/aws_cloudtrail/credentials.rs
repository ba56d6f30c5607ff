//! Who handed credentials to whom: what ties the sessions of a role to the person behind them.

use event::event::Issued;
use event::path::Path;
use event::value::Value;
use predicate::pattern::{Case, Pattern};
use predicate::predicate::Predicate;
use predicate::test::Test;

use super::terms;

/// Calls that answer with credentials.
const CALLS: &[&str] = &[
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "GetSessionToken",
    "GetFederationToken",
    "CreateAccessKey",
];

/// Records in which somebody other than a service is given credentials.
pub fn issues() -> Predicate {
    let is = |path: &str, text: &str| {
        Predicate::Field(Path::visiting(path), Test::Text(Pattern::exact(text, Case::Insensitive)))
    };
    Predicate::All(vec![
        Predicate::Any(CALLS.iter().map(|call| is("eventName", call)).collect()),
        is("userIdentity.type", "AWSService").negate(),
        terms::failed().clone().negate(),
    ])
}

/// The credentials in the answer.
pub fn issued(record: &Value) -> Option<Issued> {
    let text = |path: &str| path.split('.').try_fold(record, |v, key| v.get(key)).and_then(Value::as_str).unwrap_or("");
    let by = text("eventName");
    let key = [text("responseElements.credentials.accessKeyId"), text("responseElements.accessKey.accessKeyId")];
    let access_key = key.into_iter().find(|k| !k.is_empty())?;
    let role = text("requestParameters.roleArn").rsplit('/').next().unwrap_or("");
    let session = text("requestParameters.roleSessionName");
    let to = match by {
        "GetSessionToken" => "itself".to_owned(),
        "GetFederationToken" => format!("federated user {}", text("requestParameters.name")),
        "CreateAccessKey" => format!("user/{}", text("responseElements.accessKey.userName")),
        "AssumeRoot" => "root".to_owned(),
        _ if session.is_empty() => format!("role/{role}"),
        _ => format!("role/{role} (session {session})"),
    };
    Some(Issued { access_key: access_key.to_owned(), to, by: by.to_owned() })
}
