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
            // AWS writes a text, and none where nothing went wrong.
            (r#"{"errorCode":"404"}"#, "true"),
            (r#"{"errorCode":" \t"}"#, "false"),
            (r#"{"errorCode":false}"#, "false"),
            (r#"{"errorCode":404}"#, "false"),
            (r#"{"errorCode":{"a":"AccessDenied"}}"#, "false"),
            (r#"{"errorCode":["AccessDenied"]}"#, "false"),
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

/// The services of which all is granted by an identity's policy with one statement.
fn full_services(statement: &str) -> String {
    let record = with_policy(&format!(r#"{{"Statement":[{{"Effect":"Allow",{statement}}}]}}"#));
    let services = at(&record, "policy.full_services");
    assert_eq!(at(&record, "policy.wildcard"), (services != "[]").to_string(), "{statement}");
    services
}

#[test]
fn services_that_are_granted_whole() {
    for (statement, services) in [
        (r#""Action":"s3:*","Resource":"*""#, r#"["s3"]"#),
        (r#""Action":"S3:*","Resource":"*""#, r#"["s3"]"#),
        (r#""Action":["iam:**","sqs:?*"],"Resource":"*""#, r#"["iam","sqs"]"#),
        (r#""Action":"i?m:*","Resource":"*""#, r#"["iam"]"#),
        (r#""Action":"ia*","Resource":"*""#, r#"["iam"]"#),
        (r#""Action":"iam:*","Resource":"arn:aws:iam::*:*""#, r#"["iam"]"#),
        (r#""Action":"*","Resource":"arn:aws:iam::111122223333:*""#, r#"["iam"]"#),
        (r#""Action":"*","Resource":["arn:aws:s3:::b","arn:aws-cn:sqs:*:*:*","arn:aws:s3:::*"]"#, r#"["s3","sqs"]"#),
        (r#""Action":["iam:A*","iam:C*","iam:D*","iam:P*","iam:S*","iam:U*"],"Resource":"**""#, r#"["iam"]"#),
        (r#""Action":"kms:*","NotResource":"arn:aws:kms:us-east-1:111122223333:key/a""#, r#"["kms"]"#),
        (
            r#""NotAction":["s3:*","iam:*","ssm:Get*"],"Resource":"*""#,
            r#"["cloudformation","ec2","kms","lambda","organizations","secretsmanager","ssm","sso","sts"]"#,
        ),
    ] {
        assert_eq!(full_services(statement), services, "{statement}");
    }
    for statement in [
        r#""Action":"s3:Get*","Resource":"*""#,
        r#""Action":"s3:*","Resource":"arn:aws:s3:::b""#,
        r#""Action":"iam:*","Resource":"arn:aws:iam::444455556666:*""#,
        r#""Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:*:*""#,
        r#""Action":"*","Resource":"arn:aws:s3:::b/*""#,
        r#""Action":["iam:?","iam:*y"],"Resource":"*""#,
        r#""NotAction":"s3:*","Resource":"arn:aws:s3:::b""#,
        r#""NotAction":"*","Resource":"*""#,
        r#""Action":"iam:*","NotResource":"*""#,
        r#""Action":"s3:*","Resource":"*","Principal":{"AWS":"444455556666"}"#,
    ] {
        assert_eq!(full_services(statement), "[]", "{statement}");
    }
    let denied = with_policy(r#"{"Statement":[{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}]}"#);
    assert_eq!(at(&denied, "policy.wildcard"), "false");
}

#[test]
fn full_control_under_other_names() {
    for statement in [
        r#""Action":"**","Resource":"*""#,
        r#""Action":"?*","Resource":"**""#,
        r#""Action":"*","Resource":"arn:aws:*:*:*:*""#,
        r#""Action":"*","NotResource":"arn:aws:s3:::x""#,
    ] {
        let record = with_policy(&format!(r#"{{"Statement":[{{"Effect":"Allow",{statement}}}]}}"#));
        assert_eq!(at(&record, "policy.admin"), "true", "{statement}");
    }
}

#[test]
fn rights_that_lead_to_more_rights() {
    let escalations = |statement: &str| {
        at(&with_policy(&format!(r#"{{"Statement":[{{"Effect":"Allow",{statement}}}]}}"#)), "policy.escalations")
    };
    let attach = r#"["iam:AttachGroupPolicy","iam:AttachRolePolicy","iam:AttachUserPolicy"]"#;
    for (statement, found) in [
        (r#""Action":"IAM:passrole","Resource":"arn:aws:iam::111122223333:role/a""#, r#"["iam:PassRole"]"#),
        (r#""Action":"iam:PassRol?","Resource":"*""#, r#"["iam:PassRole"]"#),
        (r#""Action":"iam:Pass*","Resource":"arn:*""#, r#"["iam:PassRole"]"#),
        (r#""Action":"iam:Attach*","Resource":"*""#, attach),
        (r#""Action":"*:Attach*","Resource":"arn:aws:i*::111122223333:*""#, attach),
        (
            r#""Action":"iam:*Boundary","NotResource":"x""#,
            r#"["iam:DeleteRolePermissionsBoundary","iam:DeleteUserPermissionsBoundary"]"#,
        ),
        (r#""Action":"iam:Get*","Resource":"*""#, "[]"),
        (r#""Action":"*","Resource":"arn:aws:s3:::b""#, "[]"),
        (r#""NotAction":"iam:*","Resource":"*""#, "[]"),
        (r#""Action":"iam:PassRole","Resource":"*","Principal":"*""#, "[]"),
    ] {
        assert_eq!(escalations(statement), found, "{statement}");
    }
    assert_eq!(escalations(r#""NotAction":"s3:*","Resource":"*""#).matches("iam:").count(), 16);
}

/// What a statement for these principals and under these conditions lets in: the public, and named outsiders.
fn opened(rest: &str) -> String {
    let policy = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",{rest}}}]}}"#);
    format!("{} {}", at(&with_policy(&policy), "policy.public"), at(&with_policy(&policy), "policy.outsiders"))
}

#[test]
fn policies_for_everybody() {
    for principal in [
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"*"}"#,
        r#""Principal":{"AWS":["arn:aws:iam::111122223333:root","*"]}"#,
        r#""Principal":["*"]"#,
        r#""Principal":{"Federated":"*"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::*:root"}"#,
        r#""Principal":{"AWS":"111122223333"},"Principal":"*""#,
        r#""NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"}"#,
    ] {
        assert_eq!(opened(principal), "true []", "{principal}");
    }
    for principal in
        [r#""Principal":{"Service":"*"}"#, r#""Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#, r#""Sid":"*""#]
    {
        assert_eq!(opened(principal), "false []", "{principal}");
    }
    let canonical = r#""Principal":{"CanonicalUser":"79a59df900b949e5"}"#;
    assert_eq!(opened(canonical), r#"false ["canonical user 79a59df900b949e5"]"#);
}

#[test]
fn conditions_that_let_everybody_through() {
    for condition in [
        "null",
        "{}",
        r#""none""#,
        r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
        r#"{"StringLike":{"aws:Referer":"https://example.com/*"}}"#,
        r#"{"StringLike":{"aws:UserAgent":"*"}}"#,
        r#"{"StringLike":{"aws:PrincipalArn":"*"}}"#,
        r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}}"#,
        r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}"#,
        r#"{"StringLike":{"aws:PrincipalAccount":["111122223333","*"]}}"#,
        r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#,
        r#"{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}"#,
        r#"{"StringEquals":{"aws:PrincipalAccount":[]}}"#,
        r#"{"StringLike":{"aws:SourceVpce":"vpce-*"}}"#,
        r#"{"StringLike":{"aws:userid":"*:session"}}"#,
        r#"{"StringLike":{"sts:ExternalId":"*"}}"#,
        r#"{"StringEquals":{"aws:PrincipalTag/team":"ours"}}"#,
        r#"{"StringEqualsIfExists":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-ours"}}"#,
        r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:*"}}"#,
        r#"{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#"{"ForAllValues:StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"Null":{"aws:PrincipalAccount":"true"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","::/0"]}}"#,
        r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"anywhere"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0","aws:SourceIp":"192.0.2.0/24"}}"#,
    ] {
        assert_eq!(opened(&format!(r#""Principal":"*","Condition":{condition}"#)), "true []", "{condition}");
    }
}

#[test]
fn conditions_that_limit() {
    for condition in [
        r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#"{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"AWS:sourceip":["192.0.2.0/24","2001:db8::/32"]}}"#,
        r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"StringEquals":{"aws:SourceAccount":111122223333}}"#,
        r#"{"StringEquals":{"AWS:SourceOwner":"111122223333"}}"#,
        r#"{"StringEquals":{"aws:PrincipalOrgID":"${aws:ResourceOrgID}"}}"#,
        r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:reports"}}"#,
        r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#,
        r#"{"StringEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f"}}"#,
        r#"{"StringLike":{"aws:userId":"AROAEXAMPLEID:*"}}"#,
        r#"{"StringEquals":{"sts:ExternalId":"x"}}"#,
        r#"{"Bool":{"aws:PrincipalIsAWSService":true}}"#,
        r#"{"ForAnyValue:StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/a"}}"#,
        // Both must hold, and one lets only us through.
        r#"{"StringLike":{"aws:PrincipalArn":"*"},"StringEquals":{"aws:PrincipalAccount":"111122223333","aws:SourceAccount":"444455556666"}}"#,
    ] {
        assert_eq!(opened(&format!(r#""Principal":"*","Condition":{condition}"#)), "false []", "{condition}");
    }
    for (condition, outsiders) in [
        (r#"{"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}}"#, r#"["account 444455556666"]"#),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:*"}}"#, r#"["account 444455556666"]"#),
        (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-attacker"}}"#, r#"["organization o-attacker"]"#),
        (r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-attacker/*"}}"#, r#"["organization o-attacker"]"#),
        // From one address, but somebody else's.
        (
            r#"{"StringEquals":{"aws:PrincipalAccount":"444455556666"},"IpAddress":{"aws:SourceIp":"192.0.2.1"}}"#,
            r#"["account 444455556666"]"#,
        ),
    ] {
        let expected = format!("false {outsiders}");
        assert_eq!(opened(&format!(r#""Principal":{{"AWS":"*"}},"Condition":{condition}"#)), expected, "{condition}");
    }
}

#[test]
fn permissions_that_a_request_spells_out() {
    let opened = |request: &str| {
        let record = format!(r#"{{"recipientAccountId":"111122223333","requestParameters":{request}}}"#);
        format!("{} {}", at(&record, "policy.public"), at(&record, "policy.outsiders"))
    };
    for (request, expected) in [
        (r#"{"action":"lambda:InvokeFunction","principal":"*"}"#, "true []"),
        (r#"{"action":"lambda:InvokeFunction","principal":"*","sourceArn":"arn:aws:s3:::*"}"#, "true []"),
        (r#"{"action":"lambda:InvokeFunction","principal":"*","sourceAccount":null}"#, "true []"),
        (r#"{"action":"a","principal":"*","sourceAccount":"111122223333","sourceAccount":"*"}"#, "true []"),
        (r#"{"action":"lambda:InvokeFunction","principal":"*","sourceAccount":"111122223333"}"#, "false []"),
        (r#"{"action":"lambda:InvokeFunction","principal":"s3.amazonaws.com"}"#, "false []"),
        (r#"{"action":"lambda:InvokeFunction","principal":"444455556666"}"#, r#"false ["account 444455556666"]"#),
        (
            r#"{"action":"lambda:GetLayerVersion","principal":"*","organizationId":"o-ours"}"#,
            r#"false ["organization o-ours"]"#,
        ),
        (
            r#"{"action":"events:PutEvents","principal":"*","condition":{"type":"StringEquals","key":"aws:PrincipalOrgID","value":"o-ours"}}"#,
            r#"false ["organization o-ours"]"#,
        ),
        (r#"{"principal":"*"}"#, "false []"),
    ] {
        assert_eq!(opened(request), expected, "{request}");
    }
}

/// Which of two values counts is decided by whoever reads them; either is looked at.
#[test]
fn policies_that_say_a_thing_twice() {
    for policy in [
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Action":"s3:GetObject","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"x","Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        r#"{"Statement":[],"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ] {
        assert_eq!(at(&with_policy_text(policy), "policy.admin"), "true", "{policy}");
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
    for ranges in [
        r#"{"cidrIp":"0.0.0.0/1"},{"cidrIp":"128.0.0.0/1"}"#,
        r#"{"cidrIp":"0.0.0.0/2"},{"cidrIp":"64.0.0.0/2"},{"cidrIp":"128.0.0.0/2"},{"cidrIp":"192.0.0.0/2"}"#,
        r#"{"cidrIp":"96.0.0.0/7"}"#,
        r#"{"cidrIp":"11.0.0.0/8"},{"cidrIp":"12.0.0.0/8"}"#,
        r#"{"cidrIpv6":"2000::/3"}"#,
        r#"{"cidrIpv6":"2600::/16"},{"cidrIpv6":"2601::/16"}"#,
    ] {
        let inside = format!(r#""ipProtocol":"tcp","fromPort":22,"toPort":22,"ipRanges":{{"items":[{ranges}]}}"#);
        assert_eq!(permission(&inside), "true [22]", "{ranges}");
    }
    for ranges in [
        r#"{"cidrIp":"96.0.0.0/8"}"#,
        r#"{"cidrIp":"96.0.0.0/8"},{"cidrIp":"96.1.0.0/16"},{"cidrIp":"96.0.0.0/8"}"#,
        r#"{"cidrIp":"10.0.0.0/8"},{"cidrIp":"11.0.0.0/8"}"#,
        r#"{"cidrIpv6":"fc00::/7"},{"cidrIpv6":"2600::/16"}"#,
        r#"{"cidrIp":"0.0.0.0/33"}"#,
    ] {
        let inside = format!(r#""ipProtocol":"tcp","fromPort":22,"toPort":22,"ipRanges":{{"items":[{ranges}]}}"#);
        assert_eq!(permission(&inside), "false []", "{ranges}");
    }
    // Half in each of two permissions of one call; a port of which only half is open is not.
    let half = |port: u16, range: &str| {
        format!(r#"{{"ipProtocol":"tcp","fromPort":{port},"toPort":{port},"ipRanges":[{{"cidrIp":"{range}"}}]}}"#)
    };
    let call = |halves: &[String]| open(&format!(r#"{{"ipPermissions":[{}]}}"#, halves.join(",")));
    assert_eq!(call(&[half(22, "11.0.0.0/8"), half(22, "12.0.0.0/8"), half(3389, "13.0.0.0/8")]), "true [22]");
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
    let many = (0..10_000).map(|n| format!(r#""*a?{n}","s{n}:*","arn:aws:s{n}:*""#)).collect::<Vec<_>>().join(",");
    for patterns in
        [format!("[{many}]"), format!(r#""{}""#, "*a?b".repeat(50_000)), format!(r#""{}""#, "a?".repeat(50_000))]
    {
        let policy = format!(r#"{{"Statement":{{"Effect":"Allow","Action":{patterns},"Resource":{patterns}}}}}"#);
        assert_eq!(at(&with_policy(&policy), "policy.admin"), "false");
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
