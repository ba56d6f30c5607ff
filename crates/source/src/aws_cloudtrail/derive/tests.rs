//! What is worked out of whole records.

use super::*;

/// The derived value at a dotted path under `skywarden`, as JSON.
fn at(record: &str, path: &str) -> String {
    let derived = derive(&Value::parse(record).expect("a test's record is JSON"), &Estate::default());
    let found = path.split('.').try_fold(&derived, |value, key| value.get(key));
    found.expect("the field is always there").compact()
}

fn check(path: &str, cases: &[(&str, &str)]) {
    for (record, expected) in cases {
        assert_eq!(at(record, path), *expected, "{path} of {record}");
    }
}

/// A record of account 111122223333 whose request holds this policy.
fn with_policy(policy: &str) -> String {
    format!(r#"{{"recipientAccountId":"111122223333","requestParameters":{{"policyDocument":{policy}}}}}"#)
}

/// The same, with the policy as JSON text.
fn with_policy_text(policy: &str) -> String {
    with_policy(&Value::String(policy.to_owned()).compact())
}

#[test]
fn calls_of_services() {
    check(
        "by_service",
        &[
            (r#"{"userIdentity":{"type":"AWSService"}}"#, "true"),
            (r#"{"userIdentity":{"type":"AssumedRole","invokedBy":"autoscaling.amazonaws.com"}}"#, "true"),
            (r#"{"userIdentity":{"invokedBy":"AWS Internal"}}"#, "true"),
            (r#"{"userIdentity":{"type":"IAMUser","invokedBy":"me"},"sourceIPAddress":"192.0.2.1"}"#, "false"),
            (r#"{"sourceIPAddress":"ec2.amazonaws.com"}"#, "true"),
            (r#"{"sourceIPAddress":"AWS Internal/3"}"#, "true"),
            (r#"{"sourceIPAddress":"AWS Internal","sessionCredentialFromConsole":"true"}"#, "false"),
            (
                r#"{"sourceIPAddress":"AWS Internal","sessionCredentialFromConsole":"true","userIdentity":{"invokedBy":"AWS Internal"}}"#,
                "true",
            ),
            (r#"{"sourceIPAddress":["x"],"userIdentity":7}"#, "false"),
            ("{}", "false"),
            ("[]", "false"),
        ],
    );
}

#[test]
fn calls_that_failed() {
    check(
        "failed",
        &[
            (r#"{"errorCode":"AccessDenied"}"#, "true"),
            (r#"{"errorCode":""}"#, "false"),
            (r#"{"errorCode":null}"#, "false"),
            (r#"{"responseElements":{"ConsoleLogin":"Failure"}}"#, "true"),
            (r#"{"responseElements":{"ConsoleLogin":"Success"}}"#, "false"),
            (r#"{"responseElements":"text"}"#, "false"),
        ],
    );
}

#[test]
fn accounts_that_are_not_ours() {
    check(
        "outside_accounts",
        &[
            (
                r#"{"recipientAccountId":"111122223333","requestParameters":{"a":["arn:aws:iam::444455556666:root","111122223333"],"b":{"id":123456789012}}}"#,
                r#"["123456789012","444455556666"]"#,
            ),
            (
                r#"{"userIdentity":{"accountId":"111122223333"},"requestParameters":{"x":"arn:aws:iam::111122223333:user/a"}}"#,
                "[]",
            ),
            (
                r#"{"recipientAccountId":"111122223333","requestParameters":{"x":"arn:aws:s3:::bucket","y":"1234567890123","z":"id 444455556666"}}"#,
                "[]",
            ),
            (r#"{"requestParameters":{"x":"444455556666"}}"#, "[]"),
            (r#"{"recipientAccountId":"111122223333"}"#, "[]"),
        ],
    );
    let inside =
        with_policy_text(r#"{"Statement":{"Condition":{"StringEquals":{"aws:SourceAccount":"444455556666"}}}}"#);
    assert_eq!(at(&inside, "outside_accounts"), r#"["444455556666"]"#);
    let encoded = with_policy(r#""%7B%22Statement%22%3A%5B%22arn%3Aaws%3Aiam%3A%3A444455556666%3Aroot%22%5D%7D""#);
    assert_eq!(at(&encoded, "outside_accounts"), r#"["444455556666"]"#);
}

#[test]
fn policies_of_administrators() {
    for policy in [
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":{"Effect":"Allow","Action":["s3:Get*","*:*"],"Resource":["x","*"]}}"#,
    ] {
        assert_eq!(at(&with_policy(policy), "policy.admin"), "true", "{policy}");
        assert_eq!(at(&with_policy_text(policy), "policy.admin"), "true", "{policy}");
        assert_eq!(at(&with_policy_text(policy), "policy.wildcard"), "true", "{policy}");
    }
    for policy in [
        r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"x"}}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
        r#""no policy""#,
        "7",
    ] {
        assert_eq!(at(&with_policy(policy), "policy.admin"), "false", "{policy}");
    }
}

#[test]
fn policies_with_wildcards() {
    for policy in [
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}"#,
    ] {
        assert_eq!(at(&with_policy(policy), "policy.wildcard"), "true", "{policy}");
    }
    for policy in [
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}]}"#,
        r#"{"Statement":[{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}]}"#,
    ] {
        assert_eq!(at(&with_policy(policy), "policy.wildcard"), "false", "{policy}");
    }
}

#[test]
fn policies_for_everybody() {
    for principal in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["arn:aws:iam::1:root","*"]}"#, r#"["*"]"#] {
        let policy = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"*"}}]}}"#
        );
        assert_eq!(at(&with_policy(&policy), "policy.public"), "true", "{policy}");
    }
    for rest in [
        r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#""Principal":{"Service":"*"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::1:root"}"#,
        r#""Action":"*""#,
    ] {
        let policy = format!(r#"{{"Statement":[{{"Effect":"Allow",{rest}}}]}}"#);
        assert_eq!(at(&with_policy(&policy), "policy.public"), "false", "{policy}");
    }
}

#[test]
fn accounts_and_actions_of_policies() {
    let policy = r#"{"Statement":[
        {"Effect":"Allow","Action":["sts:AssumeRole","s3:*"],"Principal":{"AWS":["444455556666","arn:aws:iam::777788889999:role/r","arn:aws:iam::111122223333:root"]}},
        {"Effect":"Deny","Action":"iam:*","Principal":{"AWS":"123456789012"}}]}"#;
    let record = with_policy_text(policy);
    assert_eq!(at(&record, "policy.outside_accounts"), r#"["444455556666","777788889999"]"#);
    assert_eq!(at(&record, "policy.actions"), r#"["s3:*","sts:AssumeRole"]"#);
    assert_eq!(at("{}", "policy.outside_accounts"), "[]");
    assert_eq!(at("{}", "policy.actions"), "[]");
}

#[test]
fn keys_that_hold_policies() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    for (request, expected) in [
        (format!(r#"{{"bucketPolicy":{policy}}}"#), "true"),
        (format!(r#"{{"a":[{{"b":{{"assumeRolePolicyDocument":{policy}}}}}]}}"#), "true"),
        (format!(r#"{{"PolicyText":{policy}}}"#), "true"),
        (format!(r#"{{"policyName":{policy}}}"#), "false"),
        (
            format!(r#"{{"attributeName":"Policy","attributeValue":{}}}"#, Value::String(policy.to_owned()).compact()),
            "true",
        ),
        (format!(r#"[{policy}]"#), "false"),
    ] {
        assert_eq!(at(&format!(r#"{{"requestParameters":{request}}}"#), "policy.admin"), expected, "{request}");
    }
}

/// The open flag and the open ports of a request.
fn open(request: &str) -> String {
    let record = format!(r#"{{"requestParameters":{request}}}"#);
    format!("{} {}", at(&record, "world_open"), at(&record, "world_open_ports"))
}

#[test]
fn ports_open_to_the_world() {
    let permission = |inside: &str| open(&format!(r#"{{"ipPermissions":{{"items":[{{{inside}}}]}}}}"#));
    let world = r#""ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"},{"cidrIp":"0.0.0.0/0"}]}"#;
    assert_eq!(permission(&format!(r#""ipProtocol":"tcp","fromPort":20,"toPort":22,{world}"#)), "true [20,21,22]");
    assert_eq!(permission(&format!(r#""ipProtocol":"tcp","fromPort":443,"toPort":443,{world}"#)), "true []");
    assert_eq!(permission(&format!(r#""ipProtocol":"icmp","fromPort":-1,"toPort":-1,{world}"#)), "true []");
    assert_eq!(permission(&format!(r#""ipProtocol":"-1",{world}"#)).matches(',').count(), PORTS_N - 1);
    assert_eq!(permission(&format!(r#""ipProtocol":"tcp",{world}"#)).matches(',').count(), PORTS_N - 1);
    assert_eq!(
        permission(r#""ipProtocol":"udp","fromPort":22,"toPort":22,"ipRanges":{"items":[{"cidrIp":"192.0.2.9/0"}]}"#),
        "true [22]"
    );
    assert_eq!(
        permission(r#""ipProtocol":"tcp","fromPort":3306,"toPort":3306,"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]}"#),
        "true [3306]"
    );
    assert_eq!(
        permission(r#""ipProtocol":"tcp","fromPort":22,"toPort":22,"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"}]}"#),
        "false []"
    );
    assert_eq!(open(r#"{"cidrIp":"0.0.0.0/0","ipProtocol":"tcp","fromPort":"22","toPort":"22"}"#), "true [22]");
    let modify = r#"{"ModifySecurityGroupRulesRequest":{"SecurityGroupRule":{"SecurityGroupRule":{"CidrIpv4":"0.0.0.0/0","FromPort":3389,"ToPort":3389,"IpProtocol":"tcp"}}}}"#;
    assert_eq!(open(modify), "true [3389]");
    for none in ["null", "7", r#"{"cidrIp":"0.0.0.0/0x"}"#, r#"{"cidrIp":7}"#, r#"{"ipRanges":"0.0.0.0/0"}"#] {
        assert_eq!(open(none), "false []", "{none}");
    }
}

const PORTS_N: usize = 29;

#[test]
fn managed_policies_of_administrators() {
    let request = |request: &str| at(&format!(r#"{{"requestParameters":{request}}}"#), "managed_admin");
    for yes in [
        r#"{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
        r#"{"managedPolicyArn":"arn:aws-cn:iam::aws:policy/IAMFullAccess"}"#,
        r#"{"policyArns":[{"arn":"arn:aws:iam::aws:policy/PowerUserAccess"}]}"#,
        r#"{"policyArn":"arn:aws:iam::aws:policy/job-function/NetworkAdministrator"}"#,
    ] {
        assert_eq!(request(yes), "true", "{yes}");
    }
    for no in [
        r#"{"policyArn":"arn:aws:iam::111122223333:policy/AdministratorAccess"}"#,
        r#"{"policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}"#,
        r#"{"policyArn":"arn:aws:iam::aws:policy/job-function/Billing"}"#,
        r#"{"policyName":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
        "{}",
    ] {
        assert_eq!(request(no), "false", "{no}");
    }
}

#[test]
fn longest_lists() {
    check(
        "longest_list",
        &[
            (r#"{"requestParameters":{"a":{"items":[1,{"b":[1,2,3]}]},"c":[]}}"#, "3"),
            (r#"{"requestParameters":{"a":"[1,2,3]"},"responseElements":[1,2]}"#, "0"),
            ("{}", "0"),
        ],
    );
}

#[test]
fn hostile_policies_cost_little() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"Statement":[{}]}}"#, " ".repeat(300 * 1024));
    let arns = "arn:".repeat(60_000);
    for policy in [deep, long, arns, "%7B%2".to_owned(), "%é7B".to_owned()] {
        assert_eq!(at(&with_policy_text(&policy), "policy.admin"), "false");
        assert_eq!(at(&with_policy_text(&policy), "outside_accounts"), "[]");
    }
}

#[test]
fn accounts_of_the_estate_are_ours() {
    let record =
        r#"{"recipientAccountId":"111122223333","requestParameters":{"userId":["444455556666","999988887777"]}}"#;
    let estate = Estate { accounts: ["444455556666".to_owned()].into() };
    let derived = derive(&Value::parse(record).expect("JSON"), &estate);
    assert_eq!(derived.get("outside_accounts").map(Value::compact).as_deref(), Some(r#"["999988887777"]"#));
}
