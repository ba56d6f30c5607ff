//! What carries messages: SQS, SNS, EventBridge, Kinesis, Step Functions, SES.

use super::{Call, Service, read, service, write};

pub const ALL: &[Service] = &[
    service("sqs.amazonaws.com", "sqs.$region.amazonaws.com", SQS),
    service("sns.amazonaws.com", "sns.$region.amazonaws.com", SNS).version("1.08"),
    service("events.amazonaws.com", "events.$region.amazonaws.com", EVENTS).version("1.08"),
    service("kinesis.amazonaws.com", "kinesis.$region.amazonaws.com", KINESIS),
    service("states.amazonaws.com", "states.$region.amazonaws.com", STATES).version("1.08"),
    service("ses.amazonaws.com", "email.$region.amazonaws.com", SES),
];

const SQS: &[Call] = &[
    read("ListQueues", r#"{"maxResults":1000}"#),
    read("GetQueueAttributes", r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue","attributeNames":["All"]}"#),
    read("GetQueueUrl", r#"{"queueName":"$queue"}"#).gets(r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue"}"#),
    write("SetQueueAttributes", r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue","attributes":{"VisibilityTimeout":"120"}}"#, "null"),
    write("CreateQueue", r#"{"queueName":"$queue","attributes":{"SqsManagedSseEnabled":"true"}}"#, r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue"}"#),
];

const SNS: &[Call] = &[
    read("ListTopics", "null"),
    read("GetTopicAttributes", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic"}"#),
    read("ListSubscriptionsByTopic", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic"}"#),
    write("Subscribe", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic","protocol":"sqs","endpoint":"arn:aws:sqs:$region:$account:$queue","returnSubscriptionArn":false}"#, r#"{"subscriptionArn":"arn:aws:sns:$region:$account:$topic:$uuid"}"#),
];

const EVENTS: &[Call] = &[
    read("ListRules", r#"{"limit":100}"#),
    read("DescribeRule", r#"{"name":"$rule"}"#),
    read("ListTargetsByRule", r#"{"rule":"$rule"}"#),
    write("PutRule", r#"{"name":"$rule","scheduleExpression":"rate(1 hour)","state":"ENABLED"}"#, r#"{"ruleArn":"arn:aws:events:$region:$account:rule/$rule"}"#),
    write("PutTargets", r#"{"rule":"$rule","targets":[{"id":"1","arn":"arn:aws:lambda:$region:$account:function:$function"}]}"#, r#"{"failedEntryCount":0,"failedEntries":[]}"#),
];

const KINESIS: &[Call] = &[
    read("ListStreams", r#"{"limit":100}"#),
    read("DescribeStreamSummary", r#"{"streamName":"$stream"}"#),
    read("ListShards", r#"{"streamName":"$stream"}"#),
];

const STATES: &[Call] = &[
    read("ListStateMachines", r#"{"maxResults":100}"#),
    read("DescribeStateMachine", r#"{"stateMachineArn":"arn:aws:states:$region:$account:stateMachine:$machine"}"#),
    read("DescribeExecution", r#"{"executionArn":"arn:aws:states:$region:$account:execution:$machine:$uuid"}"#),
    write("StartExecution", r#"{"stateMachineArn":"arn:aws:states:$region:$account:stateMachine:$machine","name":"$uuid","input":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"executionArn":"arn:aws:states:$region:$account:execution:$machine:$uuid","startDate":"$date"}"#),
];

const SES: &[Call] = &[
    read("GetSendQuota", "null"),
    read("GetSendStatistics", "null"),
    read("ListIdentities", r#"{"maxItems":100}"#),
];
