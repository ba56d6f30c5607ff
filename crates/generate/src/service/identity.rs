//! Who may: IAM, STS, sign-in, Identity Center, Organizations.

use super::{Access, Call, Home, RequestId, Service, read, service, write};

pub const ALL: &[Service] = &[
    service("iam.amazonaws.com", "iam.amazonaws.com", IAM).global().version("1.09").fails(IAM_FAILURES),
    service("sts.amazonaws.com", "sts.$region.amazonaws.com", STS).version("1.08").fails(STS_FAILURES),
    Service { event_type: "AwsConsoleSignIn", request_id: RequestId::None, home: Home::Global, ..service("signin.amazonaws.com", "$region.signin.aws.amazon.com", SIGNIN).version("1.08") },
    Service { event_type: "AwsServiceEvent", request_id: RequestId::None, ..service("sso.amazonaws.com", "portal.sso.$region.amazonaws.com", SSO).version("1.08") },
    service("organizations.amazonaws.com", "organizations.us-east-1.amazonaws.com", ORGANIZATIONS).global(),
];

const IAM_FAILURES: &[(&str, &str)] = &[
    ("NoSuchEntityException", "The role with name $role cannot be found."),
    ("ThrottlingException", "Rate exceeded"),
    ("AccessDenied", "User: $arn is not authorized to perform this action on resource: role $role because no identity-based policy allows it"),
    ("NoSuchEntityException", "The policy with name $policy cannot be found."),
];

const STS_FAILURES: &[(&str, &str)] = &[
    ("AccessDenied", "User: $arn is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::$account:role/$role"),
];

const IAM: &[Call] = &[
    read("ListUsers", "null"),
    read("ListRoles", r#"{"maxItems":1000}"#),
    read("ListPolicies", r#"{"scope":"Local","onlyAttached":false,"maxItems":1000}"#),
    read("ListGroups", "null"),
    read("ListAccessKeys", r#"{"userName":"$user"}"#),
    read("ListMFADevices", r#"{"userName":"$user"}"#),
    read("ListVirtualMFADevices", "null"),
    read("ListAttachedRolePolicies", r#"{"roleName":"$role"}"#),
    read("ListRolePolicies", r#"{"roleName":"$role"}"#),
    read("ListAttachedUserPolicies", r#"{"userName":"$user"}"#),
    read("ListInstanceProfilesForRole", r#"{"roleName":"$role"}"#),
    read("ListSAMLProviders", "null"),
    read("ListOpenIDConnectProviders", "null"),
    read("ListAccountAliases", "null"),
    read("ListPolicyVersions", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy"}"#),
    read("GetUser", r#"{"userName":"$user"}"#),
    read("GetRole", r#"{"roleName":"$role"}"#),
    read("GetRolePolicy", r#"{"roleName":"$role","policyName":"inline"}"#),
    read("GetPolicy", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy"}"#),
    read("GetPolicyVersion", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy","versionId":"v1"}"#),
    read("GetAccessKeyLastUsed", r#"{"accessKeyId":"$akia"}"#),
    read("GetAccountSummary", "null"),
    read("GetAccountPasswordPolicy", "null"),
    read("GetCredentialReport", "null"),
    read("GenerateCredentialReport", "null").gets(r#"{"state":"STARTED","description":"No report exists. Starting a new report generation task"}"#),
    read("GenerateServiceLastAccessedDetails", r#"{"arn":"arn:aws:iam::$account:role/$role"}"#).gets(r#"{"jobId":"$uuid"}"#),
    read("GetAccountAuthorizationDetails", r#"{"maxItems":1000}"#),
    read("GetInstanceProfile", r#"{"instanceProfileName":"$role"}"#),
    write("CreateRole", r#"{"path":"/","roleName":"$role-$hex8","assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}","maxSessionDuration":3600,"tags":[{"key":"owner","value":"platform"}]}"#, r#"{"role":{"path":"/","roleName":"$role-$hex8","roleId":"$aroa","arn":"arn:aws:iam::$account:role/$role-$hex8","createDate":"$date","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D","tags":[{"key":"owner","value":"platform"}]}}"#),
    write("AttachRolePolicy", r#"{"roleName":"$role","policyArn":"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}"#, "null"),
    write("PutRolePolicy", r#"{"roleName":"$role","policyName":"inline","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\"],\"Resource\":\"arn:aws:s3:::$bucket/*\"}]}"}"#, "null"),
    write("DetachRolePolicy", r#"{"roleName":"$role","policyArn":"arn:aws:iam::$account:policy/$policy"}"#, "null"),
    write("TagRole", r#"{"roleName":"$role","tags":[{"key":"owner","value":"platform"}]}"#, "null"),
    write("CreatePolicy", r#"{"policyName":"$policy-$hex8","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"sqs:SendMessage\"],\"Resource\":\"arn:aws:sqs:$region:$account:$queue\"}]}"}"#, r#"{"policy":{"policyName":"$policy-$hex8","policyId":"$anpa","arn":"arn:aws:iam::$account:policy/$policy-$hex8","path":"/","defaultVersionId":"v1","attachmentCount":0,"isAttachable":true,"createDate":"$date","updateDate":"$date"}}"#),
    write("CreatePolicyVersion", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"dynamodb:GetItem\",\"dynamodb:Query\"],\"Resource\":\"arn:aws:dynamodb:$region:$account:table/$table\"}]}","setAsDefault":true}"#, r#"{"policyVersion":{"versionId":"v$count","isDefaultVersion":true,"createDate":"$date"}}"#),
    write("CreateAccessKey", r#"{"userName":"$user"}"#, r#"{"accessKey":{"userName":"$user","accessKeyId":"$akia","status":"Active","createDate":"$date"}}"#),
    write("UpdateAccessKey", r#"{"userName":"$user","accessKeyId":"$akia","status":"Inactive"}"#, "null"),
    write("DeleteAccessKey", r#"{"userName":"$user","accessKeyId":"$akia"}"#, "null"),
    write("ChangePassword", "null", "null"),
    write("CreateServiceLinkedRole", r#"{"aWSServiceName":"elasticache.amazonaws.com"}"#, r#"{"role":{"path":"/aws-service-role/elasticache.amazonaws.com/","roleName":"AWSServiceRoleForElastiCache","roleId":"$aroa","arn":"arn:aws:iam::$account:role/aws-service-role/elasticache.amazonaws.com/AWSServiceRoleForElastiCache","createDate":"$date"}}"#),
];

const STS: &[Call] = &[
    read("GetCallerIdentity", "null"),
    read("AssumeRole", r#"{"roleArn":"arn:aws:iam::$account:role/$role","roleSessionName":"$session","durationSeconds":3600}"#)
        .gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"},"assumedRoleUser":{"assumedRoleId":"$aroa:$session","arn":"arn:aws:sts::$account:assumed-role/$role/$session"}}"#)
        .on(r#"[{"accountId":"$account","type":"AWS::IAM::Role","ARN":"arn:aws:iam::$account:role/$role"}]"#),
    read("GetSessionToken", r#"{"durationSeconds":43200,"serialNumber":"arn:aws:iam::$account:mfa/$user"}"#).gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"}}"#),
    read("GetAccessKeyInfo", r#"{"accessKeyId":"$akia"}"#),
];

const SIGNIN: &[Call] = &[
    Call { access: Access::Write, ..read("CheckMfa", "null") }.gets(r#"{"CheckMfa":"Success"}"#).adds(r#"{"MfaType":"Virtual MFA"}"#),
    write("SwitchRole", "null", r#"{"SwitchRole":"Success"}"#).adds(r#"{"SwitchFrom":"$arn","RedirectTo":"https://console.aws.amazon.com/console/home?region=$region","SwitchTo":"arn:aws:iam::$account:role/$role"}"#),
];

const SSO: &[Call] = &[
    read("ListAccounts", "null"),
    read("ListAccountRoles", r#"{"accountId":"$account"}"#),
    write("Authenticate", "null", "null"),
    write("Federate", "null", "null"),
];

const ORGANIZATIONS: &[Call] = &[
    read("DescribeOrganization", "null"),
    read("ListAccounts", "null"),
    read("DescribeAccount", r#"{"accountId":"$account"}"#),
    read("ListPoliciesForTarget", r#"{"targetId":"$account","filter":"SERVICE_CONTROL_POLICY"}"#),
    read("ListDelegatedAdministrators", "null"),
];
