//! Records of our own, in the shape in which AWS delivers them.

use serde_json::{Value, json};

/// A CloudTrail event with this number: its id, and the minute at which it happened.
pub fn record(number: u32, name: &str) -> Value {
    let (hour, minute) = (14 + number / 60 % 8, number % 60);
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "arn": "arn:aws:iam::111122223333:user/mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "mallory",
        },
        "eventTime": format!("2026-11-10T{hour:02}:{minute:02}:00Z"),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.24",
        "userAgent": "aws-cli/2.31.4 md/command#cloudtrail.stop-logging",
        "requestParameters": {"name": "org-trail"},
        "responseElements": null,
        "requestID": format!("cb764ce4-be24-439d-abfb-{number:012}"),
        "eventID": id(number),
        "readOnly": name.starts_with("Describe"),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    })
}

/// The id of the event with this number.
pub fn id(number: u32) -> String {
    format!("4ab7c225-4a75-46f6-b01b-{number:012}")
}

/// The same event in another account and Region, by somebody else.
pub fn elsewhere(mut record: Value, account: &str, region: &str) -> Value {
    record["awsRegion"] = json!(region);
    record["recipientAccountId"] = json!(account);
    record["userIdentity"]["accountId"] = json!(account);
    record["userIdentity"]["arn"] = json!(format!("arn:aws:iam::{account}:user/mallory"));
    record
}

/// Two acts of an attacker with a look around between them.
pub fn attack() -> Vec<Value> {
    vec![record(1, "StopLogging"), record(2, "DescribeTrails"), record(3, "DeleteTrail")]
}

/// An object as CloudTrail writes it to S3.
pub fn object(records: &[Value]) -> String {
    json!({"Records": records}).to_string()
}

/// One record a line.
pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// An event of CloudTrail Insights, which has no name of its own.
pub fn insight() -> Value {
    json!({
        "eventVersion": "1.07",
        "eventTime": "2026-11-10T14:05:00Z",
        "awsRegion": "eu-west-1",
        "eventID": id(900),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": "111122223333",
        "sharedEventID": "c0a4b1ac-2b43-4f4f-8f4d-5b4e0a9d2a11",
        "insightDetails": {
            "state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
            "insightType": "ApiCallRateInsight",
            "insightContext": {"statistics": {"baseline": {"average": 0.02}, "insight": {"average": 51}}},
        },
        "eventCategory": "Insight",
    })
}

/// A call through a VPC endpoint that the endpoint's policy refused.
pub fn network_activity() -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "AWSAccount", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": "444455556666"},
        "eventTime": "2026-11-10T14:06:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "10.0.0.5",
        "errorCode": "VpceAccessDenied",
        "errorMessage": "The request was denied due to a VPC endpoint policy",
        "eventID": id(901),
        "eventType": "AwsVpceEvent",
        "recipientAccountId": "111122223333",
        "vpcEndpointId": "vpce-0a1b2c3d4e5f60718",
        "vpcEndpointAccountId": "111122223333",
        "eventCategory": "NetworkActivity",
    })
}

/// A read of an object.
pub fn data_event() -> Value {
    let mut record = record(7, "GetObject");
    record["eventSource"] = json!("s3.amazonaws.com");
    record["eventID"] = json!(id(902));
    record["readOnly"] = json!(true);
    record["managementEvent"] = json!(false);
    record["eventCategory"] = json!("Data");
    record["requestParameters"] = json!({"bucketName": "payroll", "key": "2026/november.csv"});
    record["resources"] = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payroll/2026/november.csv"}]);
    record
}

/// A digest file, which lists log files and holds no records.
pub fn digest() -> Value {
    json!({
        "awsAccountId": "111122223333",
        "digestStartTime": "2026-11-10T13:31:00Z",
        "digestEndTime": "2026-11-10T14:31:00Z",
        "digestS3Bucket": "org-trail-logs",
        "digestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/10/x.json.gz",
        "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": "2026-11-10T14:03:00Z",
        "oldestEventTime": "2026-11-10T14:01:00Z",
        "previousDigestS3Bucket": null,
        "logFiles": [{"s3Bucket": "org-trail-logs", "s3Object": "AWSLogs/x.json.gz", "hashValue": "00", "hashAlgorithm": "SHA-256"}],
    })
}
