//! What holds data: S3, DynamoDB, RDS, Athena, Glue.

use super::{Call, RequestId, Service, read, service, write};

pub const ALL: &[Service] = &[
    Service { request_id: RequestId::Short, additional: S3_ADDITIONAL, ..service("s3.amazonaws.com", "$bucket.s3.$region.amazonaws.com", S3).fails(S3_FAILURES) },
    service("dynamodb.amazonaws.com", "dynamodb.$region.amazonaws.com", DYNAMODB),
    service("rds.amazonaws.com", "rds.$region.amazonaws.com", RDS).version("1.09"),
    service("athena.amazonaws.com", "athena.$region.amazonaws.com", ATHENA),
    service("glue.amazonaws.com", "glue.$region.amazonaws.com", GLUE).version("1.08"),
];

const S3_ADDITIONAL: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"$amzid","bytesTransferredOut":$size}"#;
const S3_SENT: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":$size,"SSEApplied":"SSE_KMS","AuthenticationMethod":"AuthHeader","x-amz-id-2":"$amzid","bytesTransferredOut":0}"#;

const S3_FAILURES: &[(&str, &str)] = &[
    ("NoSuchKey", "The specified key does not exist."),
    ("AccessDenied", "User: $arn is not authorized to perform this action because no identity-based policy allows it"),
    ("NoSuchBucket", "The specified bucket does not exist"),
    ("SlowDown", "Please reduce your request rate."),
];

const BUCKET: &str = r#"[{"accountId":"$account","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::$bucket"}]"#;
const OBJECT: &str = r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::$bucket/$key"},{"accountId":"$account","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::$bucket"}]"#;
const OBJECTS: &str = r#"[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::$bucket/events/"},{"accountId":"$account","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::$bucket"}]"#;

const S3: &[Call] = &[
    read("ListBuckets", r#"{"Host":"s3.$region.amazonaws.com"}"#),
    read("GetBucketAcl", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","acl":""}"#).on(BUCKET),
    read("GetBucketPolicy", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","policy":""}"#).on(BUCKET),
    read("GetBucketPolicyStatus", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","policyStatus":""}"#).on(BUCKET),
    read("GetBucketLocation", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","location":""}"#).on(BUCKET),
    read("GetBucketVersioning", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","versioning":""}"#).on(BUCKET),
    read("GetBucketEncryption", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","encryption":""}"#).on(BUCKET),
    read("GetBucketLogging", r#"{"logging":"","bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com"}"#).on(BUCKET),
    read("GetBucketTagging", r#"{"tagging":"","bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com"}"#).on(BUCKET),
    read("GetBucketLifecycle", r#"{"lifecycle":"","bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com"}"#).on(BUCKET),
    read("GetBucketPublicAccessBlock", r#"{"publicAccessBlock":"","bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com"}"#).on(BUCKET),
    read("GetAccountPublicAccessBlock", r#"{"publicAccessBlock":"","Host":"$account.s3-control.$region.amazonaws.com"}"#),
    write("PutBucketTagging", r#"{"tagging":"","bucketName":"$bucket","Tagging":{"TagSet":{"Tag":{"Key":"owner","Value":"platform"}},"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"Host":"$bucket.s3.$region.amazonaws.com"}"#, "null").on(BUCKET),
    write("PutBucketPolicy", r#"{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::$bucket","arn:aws:s3:::$bucket/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]},"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","policy":""}"#, "null").on(BUCKET),
    write("PutBucketLifecycle", r#"{"lifecycle":"","bucketName":"$bucket","LifecycleConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"Status":"Enabled","Filter":{"Prefix":"tmp/"},"Expiration":{"Days":365},"ID":"tmp"}},"Host":"$bucket.s3.$region.amazonaws.com"}"#, "null").on(BUCKET),
    write("CreateBucket", r#"{"CreateBucketConfiguration":{"LocationConstraint":"$region","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"bucketName":"$bucket-$hex8","Host":"s3.$region.amazonaws.com"}"#, "null"),
    write("PutBucketEncryption", r#"{"encryption":"","bucketName":"$bucket","ServerSideEncryptionConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}},"Host":"$bucket.s3.$region.amazonaws.com"}"#, "null").on(BUCKET),
    read("GetObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key"}"#).on(OBJECT).data(),
    read("HeadObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key"}"#).on(OBJECT).data(),
    read("ListObjects", r#"{"list-type":"2","bucketName":"$bucket","prefix":"events/","encoding-type":"url","Host":"$bucket.s3.$region.amazonaws.com"}"#).on(OBJECTS).data(),
    write("PutObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key","x-amz-server-side-encryption":"aws:kms"}"#, r#"{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:$region:$account:key/$kms"}"#).on(OBJECT).adds(S3_SENT).data(),
    write("CopyObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key","x-amz-copy-source":"$bucket/staging/$hex8"}"#, r#"{"x-amz-server-side-encryption":"AES256"}"#).on(OBJECT).data(),
    write("DeleteObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key"}"#, "null").on(OBJECT).data(),
    write("UploadPart", r#"{"uploadId":"$hex64","partNumber":"$count","bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key"}"#, r#"{"x-amz-server-side-encryption":"aws:kms"}"#).on(OBJECT).adds(S3_SENT).data(),
    write("CompleteMultipartUpload", r#"{"uploadId":"$hex64","bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$key"}"#, "null").on(OBJECT).data(),
];

const TABLE: &str = r#"[{"accountId":"$account","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:$region:$account:table/$table"}]"#;

const DYNAMODB: &[Call] = &[
    read("ListTables", r#"{"limit":100}"#),
    read("DescribeTable", r#"{"tableName":"$table"}"#).on(TABLE),
    read("DescribeTimeToLive", r#"{"tableName":"$table"}"#).on(TABLE),
    read("DescribeContinuousBackups", r#"{"tableName":"$table"}"#).on(TABLE),
    write("UpdateTable", r#"{"tableName":"$table","billingMode":"PAY_PER_REQUEST"}"#, r#"{"tableDescription":{"tableName":"$table","tableStatus":"UPDATING","tableArn":"arn:aws:dynamodb:$region:$account:table/$table","tableId":"$uuid"}}"#).on(TABLE),
    write("CreateBackup", r#"{"tableName":"$table","backupName":"nightly-$hex8"}"#, r#"{"backupDetails":{"backupArn":"arn:aws:dynamodb:$region:$account:table/$table/backup/$hex16","backupName":"nightly-$hex8","backupStatus":"CREATING","backupType":"USER"}}"#).on(TABLE),
    read("GetItem", r#"{"tableName":"$table","key":{"id":"$uuid"},"consistentRead":false}"#).on(TABLE).data(),
    read("Query", r#"{"tableName":"$table","keyConditionExpression":"id = :id","limit":50}"#).on(TABLE).data(),
    read("BatchGetItem", r#"{"requestItems":{"$table":{"keys":[{"id":"$uuid"}]}}}"#).on(TABLE).data(),
    read("Scan", r#"{"tableName":"$table","limit":100}"#).on(TABLE).data(),
    write("PutItem", r#"{"tableName":"$table","key":{"id":"$uuid"},"items":["id","owner","state","changed"]}"#, "null").on(TABLE).data(),
    write("UpdateItem", r#"{"tableName":"$table","key":{"id":"$uuid"},"updateExpression":"SET #s = :s"}"#, "null").on(TABLE).data(),
    write("DeleteItem", r#"{"tableName":"$table","key":{"id":"$uuid"}}"#, "null").on(TABLE).data(),
];

const RDS: &[Call] = &[
    read("DescribeDBInstances", r#"{"dBInstanceIdentifier":"$database"}"#),
    read("DescribeDBClusters", r#"{"maxRecords":100}"#),
    read("DescribeDBSnapshots", r#"{"dBInstanceIdentifier":"$database","includeShared":false,"includePublic":false}"#),
    read("DescribeDBSnapshotAttributes", r#"{"dBSnapshotIdentifier":"$database-2026-11-01"}"#),
    read("DescribeDBEngineVersions", r#"{"engine":"postgres","defaultOnly":false}"#),
    read("DescribeEvents", r#"{"duration":60,"sourceType":"db-instance"}"#),
    read("ListTagsForResource", r#"{"resourceName":"arn:aws:rds:$region:$account:db:$database"}"#),
    write("CreateDBSnapshot", r#"{"dBSnapshotIdentifier":"$database-$hex8","dBInstanceIdentifier":"$database"}"#, r#"{"dBSnapshotIdentifier":"$database-$hex8","dBInstanceIdentifier":"$database","engine":"postgres","allocatedStorage":100,"status":"creating","encrypted":true,"dBSnapshotArn":"arn:aws:rds:$region:$account:snapshot:$database-$hex8"}"#),
    write("ModifyDBInstance", r#"{"dBInstanceIdentifier":"$database","allocatedStorage":200,"applyImmediately":false,"allowMajorVersionUpgrade":false}"#, r#"{"dBInstanceIdentifier":"$database","dBInstanceClass":"db.m6g.large","engine":"postgres","dBInstanceStatus":"available","publiclyAccessible":false,"storageEncrypted":true,"pendingModifiedValues":{"allocatedStorage":200}}"#),
];

const ATHENA: &[Call] = &[
    read("ListWorkGroups", "null"),
    read("GetWorkGroup", r#"{"workGroup":"primary"}"#),
    read("GetQueryExecution", r#"{"queryExecutionId":"$uuid"}"#),
    read("GetQueryResults", r#"{"queryExecutionId":"$uuid","maxResults":1000}"#),
    write("StartQueryExecution", r#"{"queryString":"***OMITTED***","clientRequestToken":"$uuid2","queryExecutionContext":{"database":"reports"},"workGroup":"primary"}"#, r#"{"queryExecutionId":"$uuid"}"#),
];

const GLUE: &[Call] = &[
    read("GetDatabases", "null"),
    read("GetTables", r#"{"databaseName":"reports"}"#),
    read("GetTable", r#"{"databaseName":"reports","name":"$table"}"#),
    read("GetPartitions", r#"{"databaseName":"reports","tableName":"$table","maxResults":1000}"#),
    write("StartJobRun", r#"{"jobName":"$rule"}"#, r#"{"jobRunId":"jr_$hex64"}"#),
    write("BatchCreatePartition", r#"{"databaseName":"reports","tableName":"$table","partitionInputList":[{"values":["2026","11","01"]}]}"#, r#"{"errors":[]}"#),
];
