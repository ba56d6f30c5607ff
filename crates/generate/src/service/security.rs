//! What guards: KMS, Secrets Manager, CloudTrail, GuardDuty, Security Hub, Config, Inspector, Access Analyzer, Macie.

use super::{Call, Service, read, service, write};

pub const ALL: &[Service] = &[
    service("kms.amazonaws.com", "kms.$region.amazonaws.com", KMS),
    service("secretsmanager.amazonaws.com", "secretsmanager.$region.amazonaws.com", SECRETS).version("1.10"),
    service("cloudtrail.amazonaws.com", "cloudtrail.$region.amazonaws.com", CLOUDTRAIL),
    service("guardduty.amazonaws.com", "guardduty.$region.amazonaws.com", GUARDDUTY),
    service("securityhub.amazonaws.com", "securityhub.$region.amazonaws.com", SECURITY_HUB).version("1.08"),
    service("config.amazonaws.com", "config.$region.amazonaws.com", CONFIG).version("1.08"),
    service("inspector2.amazonaws.com", "inspector2.$region.amazonaws.com", INSPECTOR).version("1.08"),
    service("access-analyzer.amazonaws.com", "access-analyzer.$region.amazonaws.com", ACCESS_ANALYZER),
    service("macie2.amazonaws.com", "macie2.$region.amazonaws.com", MACIE).version("1.08"),
];

const KEY: &str = r#"[{"accountId":"$account","type":"AWS::KMS::Key","ARN":"arn:aws:kms:$region:$account:key/$kms"}]"#;

const KMS: &[Call] = &[
    read("Decrypt", r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::$bucket"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#).on(KEY).via("AWS Internal"),
    read("GenerateDataKey", r#"{"keyId":"arn:aws:kms:$region:$account:key/$kms","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::$bucket"},"keySpec":"AES_256"}"#).on(KEY).via("AWS Internal"),
    read("Encrypt", r#"{"encryptionContext":{"PARAMETER_ARN":"arn:aws:ssm:$region:$account:parameter/$parameter"},"keyId":"alias/aws/ssm","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#).on(KEY).via("AWS Internal"),
    read("DescribeKey", r#"{"keyId":"$kms"}"#).on(KEY),
    read("ListKeys", r#"{"limit":1000}"#),
    read("ListAliases", r#"{"limit":100}"#),
    read("GetKeyPolicy", r#"{"keyId":"$kms","policyName":"default"}"#).on(KEY),
    read("GetKeyRotationStatus", r#"{"keyId":"$kms"}"#).on(KEY),
    read("ListGrants", r#"{"keyId":"$kms"}"#).on(KEY),
    write("CreateGrant", r#"{"keyId":"arn:aws:kms:$region:$account:key/$kms","granteePrincipal":"dynamodb.$region.amazonaws.com","operations":["Decrypt","GenerateDataKey"],"constraints":{"encryptionContextSubset":{"aws:dynamodb:tableName":"$table"}}}"#, r#"{"grantId":"$hex64","keyId":"arn:aws:kms:$region:$account:key/$kms"}"#).on(KEY),
];

const SECRETS: &[Call] = &[
    read("GetSecretValue", r#"{"secretId":"$secret"}"#),
    read("DescribeSecret", r#"{"secretId":"$secret"}"#),
    read("ListSecrets", r#"{"maxResults":100,"includePlannedDeletion":false}"#),
    read("GetResourcePolicy", r#"{"secretId":"$secret"}"#),
    write("RotateSecret", r#"{"secretId":"$secret","clientRequestToken":"$uuid"}"#, r#"{"aRN":"arn:aws:secretsmanager:$region:$account:secret:$secret-$hex6","versionId":"$uuid"}"#),
    write("PutSecretValue", r#"{"secretId":"arn:aws:secretsmanager:$region:$account:secret:$secret-$hex6","clientRequestToken":"$uuid","versionStages":["AWSPENDING"]}"#, "null"),
    write("UpdateSecretVersionStage", r#"{"secretId":"arn:aws:secretsmanager:$region:$account:secret:$secret-$hex6","versionStage":"AWSCURRENT","moveToVersionId":"$uuid"}"#, "null"),
];

const CLOUDTRAIL: &[Call] = &[
    read("DescribeTrails", r#"{"trailNameList":[],"includeShadowTrails":true}"#),
    read("GetTrailStatus", r#"{"name":"arn:aws:cloudtrail:$region:$account:trail/org-trail"}"#),
    read("GetEventSelectors", r#"{"trailName":"arn:aws:cloudtrail:$region:$account:trail/org-trail"}"#),
    read("LookupEvents", r#"{"maxResults":50,"lookupAttributes":[{"attributeKey":"Username","attributeValue":"$user"}]}"#),
    read("ListTrails", "null"),
];

const GUARDDUTY: &[Call] = &[
    read("ListDetectors", r#"{"maxResults":50}"#),
    read("GetDetector", r#"{"detectorId":"$detector"}"#),
    read("ListFindings", r#"{"detectorId":"$detector","maxResults":50}"#),
    read("GetFindings", r#"{"detectorId":"$detector","findingIds":["$hex32"]}"#),
    read("ListMembers", r#"{"detectorId":"$detector"}"#),
];

const SECURITY_HUB: &[Call] = &[
    read("GetFindings", r#"{"Filters":{"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}]},"MaxResults":100}"#),
    read("DescribeHub", "null"),
    read("GetEnabledStandards", "null"),
    read("DescribeStandards", "null"),
    write("BatchUpdateFindings", r#"{"FindingIdentifiers":[{"Id":"arn:aws:securityhub:$region:$account:subscription/aws-foundational-security-best-practices/v/1.0.0/S3.1/finding/$uuid","ProductArn":"arn:aws:securityhub:$region::product/aws/securityhub"}],"Workflow":{"Status":"NOTIFIED"}}"#, r#"{"ProcessedFindings":[{"Id":"arn:aws:securityhub:$region:$account:subscription/aws-foundational-security-best-practices/v/1.0.0/S3.1/finding/$uuid"}],"UnprocessedFindings":[]}"#),
    write("BatchImportFindings", r#"{"Findings":[{"Id":"$uuid","GeneratorId":"scanner"}]}"#, r#"{"FailedCount":0,"SuccessCount":1,"FailedFindings":[]}"#),
];

const CONFIG: &[Call] = &[
    read("DescribeConfigurationRecorders", "null"),
    read("DescribeConfigurationRecorderStatus", "null"),
    read("DescribeConfigRules", "null"),
    read("DescribeComplianceByConfigRule", r#"{"complianceTypes":["NON_COMPLIANT"]}"#),
    read("GetResourceConfigHistory", r#"{"resourceType":"AWS::EC2::Instance","resourceId":"$instance","limit":10}"#),
    read("SelectResourceConfig", r#"{"expression":"SELECT resourceId WHERE resourceType = 'AWS::S3::Bucket'","limit":100}"#),
    write("PutEvaluations", r#"{"evaluations":[{"complianceResourceType":"AWS::S3::Bucket","complianceResourceId":"$bucket","complianceType":"COMPLIANT"}],"resultToken":"***"}"#, r#"{"failedEvaluations":[]}"#),
];

const INSPECTOR: &[Call] = &[
    read("ListFindings", r#"{"maxResults":100,"filterCriteria":{"severity":[{"comparison":"EQUALS","value":"HIGH"}]}}"#),
    read("ListCoverage", r#"{"maxResults":100}"#),
    read("BatchGetAccountStatus", r#"{"accountIds":["$account"]}"#),
];

const ACCESS_ANALYZER: &[Call] = &[
    read("ListAnalyzers", r#"{"type":"ACCOUNT"}"#),
    read("ListFindingsV2", r#"{"analyzerArn":"arn:aws:access-analyzer:$region:$account:analyzer/account","maxResults":100}"#),
    read("ValidatePolicy", r#"{"policyType":"IDENTITY_POLICY","policyDocument":"***"}"#),
];

const MACIE: &[Call] = &[
    read("GetMacieSession", "null"),
    read("ListFindings", r#"{"maxResults":50}"#),
    read("DescribeBuckets", r#"{"maxResults":50}"#),
];
