//! What is run and watched: CloudWatch, Logs, SSM, CloudFormation, builds, tags, cost.

use super::{Call, Service, read, service, write};

pub const ALL: &[Service] = &[
    service("monitoring.amazonaws.com", "monitoring.$region.amazonaws.com", MONITORING),
    service("logs.amazonaws.com", "logs.$region.amazonaws.com", LOGS),
    service("ssm.amazonaws.com", "ssm.$region.amazonaws.com", SSM).fails(SSM_FAILURES),
    service("ssmmessages.amazonaws.com", "ssmmessages.$region.amazonaws.com", SSM_MESSAGES).version("1.08"),
    service("cloudformation.amazonaws.com", "cloudformation.$region.amazonaws.com", CLOUDFORMATION).version("1.08"),
    service("codebuild.amazonaws.com", "codebuild.$region.amazonaws.com", CODEBUILD).version("1.08"),
    service("codepipeline.amazonaws.com", "codepipeline.$region.amazonaws.com", CODEPIPELINE).version("1.08"),
    service("tagging.amazonaws.com", "tagging.$region.amazonaws.com", TAGGING),
    service("health.amazonaws.com", "health.us-east-1.amazonaws.com", HEALTH).global(),
    service("ce.amazonaws.com", "ce.us-east-1.amazonaws.com", COST).global().version("1.08"),
    service("servicequotas.amazonaws.com", "servicequotas.$region.amazonaws.com", QUOTAS).version("1.08"),
    service("backup.amazonaws.com", "backup.$region.amazonaws.com", BACKUP).version("1.09"),
];

const MONITORING: &[Call] = &[
    read("DescribeAlarms", r#"{"maxRecords":100,"alarmTypes":["MetricAlarm"]}"#),
    read("GetMetricData", r#"{"startTime":"$date","endTime":"$date","metricDataQueries":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/EC2","metricName":"CPUUtilization","dimensions":[{"name":"InstanceId","value":"$instance"}]},"period":300,"stat":"Average"}}]}"#),
    read("GetMetricStatistics", r#"{"namespace":"AWS/Lambda","metricName":"Errors","dimensions":[{"name":"FunctionName","value":"$function"}],"period":60,"statistics":["Sum"]}"#),
    read("ListMetrics", r#"{"namespace":"AWS/ApplicationELB"}"#),
    read("ListDashboards", "null"),
    read("GetDashboard", r#"{"dashboardName":"$ecsservice"}"#),
    write("PutMetricAlarm", r#"{"alarmName":"$alarm","metricName":"Errors","namespace":"AWS/Lambda","statistic":"Sum","period":300,"evaluationPeriods":1,"threshold":5.0,"comparisonOperator":"GreaterThanThreshold","alarmActions":["arn:aws:sns:$region:$account:$topic"]}"#, "null"),
    write("PutDashboard", r#"{"dashboardName":"$ecsservice","dashboardBody":"{\"widgets\":[{\"type\":\"metric\",\"width\":12}]}"}"#, r#"{"dashboardValidationMessages":[]}"#),
];

const LOGS: &[Call] = &[
    read("DescribeLogGroups", r#"{"limit":50}"#),
    read("DescribeLogStreams", r#"{"logGroupName":"/aws/lambda/$function","orderBy":"LastEventTime","descending":true,"limit":50}"#),
    read("FilterLogEvents", r#"{"logGroupName":"/aws/lambda/$function","startTime":$epochms,"limit":100,"interleaved":true}"#),
    read("GetLogEvents", r#"{"logGroupName":"/aws/lambda/$function","logStreamName":"2026/11/01/[$LATEST]$hex32","startFromHead":true}"#),
    read("StartQuery", r#"{"logGroupName":"/aws/lambda/$function","queryString":"***OMITTED***"}"#).gets(r#"{"queryId":"$uuid"}"#),
    read("GetQueryResults", r#"{"queryId":"$uuid"}"#),
    read("DescribeMetricFilters", r#"{"logGroupName":"/aws/lambda/$function"}"#),
    read("DescribeSubscriptionFilters", r#"{"logGroupName":"/aws/lambda/$function"}"#),
    write("CreateLogStream", r#"{"logGroupName":"/aws/lambda/$function","logStreamName":"2026/11/01/[$LATEST]$hex32"}"#, "null"),
    write("CreateLogGroup", r#"{"logGroupName":"/aws/lambda/$function"}"#, "null"),
    write("PutRetentionPolicy", r#"{"logGroupName":"/aws/lambda/$function","retentionInDays":90}"#, "null"),
];

const SSM_FAILURES: &[(&str, &str)] = &[
    ("ParameterNotFound", "Parameter /$parameter not found."),
    ("ThrottlingException", "Rate exceeded"),
    ("AccessDenied", "User: $arn is not authorized to perform: ssm:GetParameter because no identity-based policy allows it"),
];

const SSM: &[Call] = &[
    read("GetParameter", r#"{"name":"/$parameter","withDecryption":true}"#),
    read("GetParameters", r#"{"names":["/$parameter"],"withDecryption":true}"#),
    read("GetParametersByPath", r#"{"path":"/$short","recursive":true,"withDecryption":false}"#),
    read("DescribeParameters", r#"{"maxResults":50}"#),
    read("DescribeInstanceInformation", r#"{"maxResults":50}"#),
    read("ListAssociations", r#"{"maxResults":50}"#),
    read("ListTagsForResource", r#"{"resourceType":"Parameter","resourceId":"/$parameter"}"#),
    read("GetCommandInvocation", r#"{"commandId":"$uuid","instanceId":"$instance"}"#),
    write("UpdateInstanceInformation", r#"{"instanceId":"$instance","agentVersion":"3.3.987.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"$privateip","computerName":"ip-host.$region.compute.internal","agentName":"amazon-ssm-agent"}"#, "null"),
    write("PutParameter", r#"{"name":"/$parameter","value":"HIDDEN_DUE_TO_SECURITY_REASONS","type":"String","overwrite":true}"#, r#"{"version":$count,"tier":"Standard"}"#),
    write("SendCommand", r#"{"documentName":"AWS-RunPatchBaseline","instanceIds":["$instance"],"parameters":"HIDDEN_DUE_TO_SECURITY_REASONS","interactive":false}"#, r#"{"command":{"commandId":"$uuid","documentName":"AWS-RunPatchBaseline","status":"Pending","instanceIds":["$instance"],"targetCount":1}}"#),
    write("StartSession", r#"{"target":"$instance"}"#, r#"{"sessionId":"$user-$hex16","tokenValue":"Value hidden due to security reasons.","streamUrl":"wss://ssmmessages.$region.amazonaws.com/v1/data-channel/$user-$hex16?role=publish_subscribe"}"#),
];

const SSM_MESSAGES: &[Call] = &[
    write("CreateControlChannel", r#"{"ChannelId":"$instance","MessageSchemaVersion":"1.0","RequestId":"$uuid"}"#, r#"{"TokenValue":"Value hidden due to security reasons.","MessageSchemaVersion":"1.0"}"#),
    write("OpenControlChannel", r#"{"ChannelId":"$instance"}"#, "null"),
];

const CLOUDFORMATION: &[Call] = &[
    read("DescribeStacks", r#"{"stackName":"$stack"}"#),
    read("ListStacks", r#"{"stackStatusFilter":["CREATE_COMPLETE","UPDATE_COMPLETE"]}"#),
    read("DescribeStackEvents", r#"{"stackName":"$stack"}"#),
    read("DescribeStackResources", r#"{"stackName":"$stack"}"#),
    read("GetTemplate", r#"{"stackName":"$stack"}"#),
    write("CreateChangeSet", r#"{"stackName":"$stack","changeSetName":"deploy-$hex8","changeSetType":"UPDATE","capabilities":["CAPABILITY_IAM"]}"#, r#"{"id":"arn:aws:cloudformation:$region:$account:changeSet/deploy-$hex8/$uuid","stackId":"arn:aws:cloudformation:$region:$account:stack/$stack/$uuid2"}"#),
    write("ExecuteChangeSet", r#"{"stackName":"$stack","changeSetName":"deploy-$hex8"}"#, "null"),
];

const CODEBUILD: &[Call] = &[
    read("BatchGetBuilds", r#"{"ids":["$project:$uuid"]}"#),
    read("BatchGetProjects", r#"{"names":["$project"]}"#),
    read("ListProjects", "null"),
    write("StartBuild", r#"{"projectName":"$project","sourceVersion":"$hex40"}"#, r#"{"build":{"id":"$project:$uuid","arn":"arn:aws:codebuild:$region:$account:build/$project:$uuid","buildStatus":"IN_PROGRESS","initiator":"$user"}}"#),
];

const CODEPIPELINE: &[Call] = &[
    read("GetPipelineState", r#"{"name":"$pipeline"}"#),
    read("ListPipelines", "null"),
    read("PollForJobs", r#"{"actionTypeId":{"category":"Build","owner":"Custom","provider":"Runner","version":"1"},"maxBatchSize":1}"#),
    write("StartPipelineExecution", r#"{"name":"$pipeline"}"#, r#"{"pipelineExecutionId":"$uuid"}"#),
];

const TAGGING: &[Call] = &[
    read("GetResources", r#"{"resourcesPerPage":100,"tagFilters":[{"key":"owner","values":["platform"]}]}"#),
    read("GetTagKeys", "null"),
];

const HEALTH: &[Call] = &[
    read("DescribeEventAggregates", r#"{"aggregateField":"eventTypeCategory","filter":{"eventStatusCodes":["open","upcoming"]}}"#),
    read("DescribeEvents", r#"{"filter":{"eventStatusCodes":["open"]},"maxResults":100}"#),
];

const COST: &[Call] = &[
    read("GetCostAndUsage", r#"{"timePeriod":{"start":"2026-10-01","end":"2026-11-01"},"granularity":"DAILY","metrics":["UnblendedCost"]}"#),
    read("GetCostForecast", r#"{"timePeriod":{"start":"2026-11-01","end":"2026-12-01"},"granularity":"MONTHLY","metric":"UNBLENDED_COST"}"#),
];

const QUOTAS: &[Call] = &[
    read("ListServiceQuotas", r#"{"serviceCode":"ec2"}"#),
    read("GetServiceQuota", r#"{"serviceCode":"ec2","quotaCode":"L-1216C47A"}"#),
];

const BACKUP: &[Call] = &[
    read("ListBackupJobs", r#"{"maxResults":100}"#),
    read("ListRecoveryPointsByBackupVault", r#"{"backupVaultName":"Default"}"#),
    write("StartBackupJob", r#"{"backupVaultName":"Default","resourceArn":"arn:aws:ec2:$region:$account:volume/$volume","iamRoleArn":"arn:aws:iam::$account:role/service-role/AWSBackupDefaultServiceRole"}"#, r#"{"backupJobId":"$uuid","recoveryPointArn":"arn:aws:ec2:$region::snapshot/snap-0$hex16","creationDate":"$date"}"#),
];
