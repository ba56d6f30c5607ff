//! Everyone who calls AWS here: people, pipelines, functions, instances, tools and AWS services.
//!
//! A diet names the calls of an actor, the most frequent first; the n-th is made about 1/n as often as the first.

use crate::estate::{DEVELOPMENT, FRANKFURT, IRELAND, OREGON, PRODUCTION, SECURITY, VIRGINIA};
use crate::record::Through;

/// A client program, as `userAgent` tells it.
pub struct Agent {
    pub text: &'static str,
    pub through: Through,
}

/// How an actor is known to AWS.
pub enum Identity {
    /// An IAM user at the console, with a second factor or without.
    User { name: &'static str, mfa: Option<&'static str> },
    /// An IAM user's long-term key.
    Key { name: &'static str },
    /// A person of Identity Center in a permission set's role.
    Sso { set: &'static str, email: &'static str },
    /// A pipeline that proves itself by OpenID Connect.
    Pipeline { role: &'static str, repository: &'static str },
    /// A role that an AWS service hands to what it runs.
    Runtime { role: &'static str, session: &'static str, by: &'static str },
    /// A role of this account that a tool of another account assumes.
    Tool { role: &'static str, session: &'static str },
    /// A service-linked role, used by its service.
    Linked { role: &'static str, session: &'static str, by: &'static str },
    /// An AWS service by itself.
    Service { host: &'static str },
}

/// When an actor is at work.
pub enum Rhythm {
    /// Office days, by the offset from UTC in hours and the share of weekends worked.
    Office { utc: i64, weekend: f64 },
    /// Busy when the offices are, and never quite still.
    Follows,
    Steady,
    /// One hour of the night, UTC.
    Nightly(i64),
}

/// One actor as written down; `actor::Actor` is one that can act.
pub struct Person {
    pub account: usize,
    pub identity: Identity,
    pub rhythm: Rhythm,
    /// Weight among all actors, by calls.
    pub share: f64,
    pub addresses: &'static [&'static str],
    pub agents: &'static [Agent],
    pub regions: &'static [usize],
    /// The most calls it makes in one go.
    pub burst: u64,
    /// Share of calls that fail.
    pub trouble: f64,
    pub diet: &'static str,
}

const fn agent(text: &'static str) -> Agent {
    Agent { text, through: Through::Program }
}

const fn browser(text: &'static str) -> Agent {
    Agent { text, through: Through::Console }
}

const CHROME: Agent = browser("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36");
const FIREFOX: Agent = browser("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0");
const EDGE: Agent = browser("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0");
const CLI_MAC: Agent = agent("aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/prompt#off");
const CLI_LINUX: Agent = agent("aws-cli/2.28.11 md/awscrt#0.27.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.5 md/prompt#off");
const BOTO: Agent = agent("Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#5.10.245 lang/python#3.12.11 Botocore/1.40.21");
const GO: Agent = agent("aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOARCH#amd64 m/E,e");
const JAVA: Agent = agent("aws-sdk-java/2.33.11 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.153 lang/java#21.0.8");
const NODE: Agent = agent("aws-sdk-js/3.896.0 ua/2.1 os/linux#5.10.245 lang/js md/nodejs#22.19.0 m/E,n");
const TERRAFORM: Agent = agent("APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.1 aws-sdk-go-v2/1.39.0 os/linux lang/go#1.24.6");
const ACTIONS: Agent = agent("configure-aws-credentials-for-github-actions aws-sdk-js/3.896.0 os/linux#6.11.0 exec-env/GitHub_Actions");
const SSM_AGENT: Agent = agent("aws-sdk-go/1.55.5 (go1.23.9; linux; amd64) amazon-ssm-agent/3.3.987.0");
const SCANNER: Agent = agent("Boto3/1.39.15 md/Botocore#1.39.15 ua/2.1 os/linux#6.1.150 lang/python#3.11.13 posture-scanner/4.2");
const NOT_TOLD: Agent = Agent { text: "", through: Through::Service };

const HOME: &[usize] = &[IRELAND, IRELAND, IRELAND, VIRGINIA, FRANKFURT];
const HERE: &[usize] = &[IRELAND];
const EVERYWHERE: &[usize] = &[IRELAND, VIRGINIA, FRANKFURT, OREGON];

const BERLIN: &[&str] = &["203.0.113.10", "203.0.113.10", "203.0.113.11"];
const DUBLIN: &[&str] = &["203.0.113.24"];
const VPN: &[&str] = &["203.0.113.50", "203.0.113.51"];
const HOME_MARA: &[&str] = &["203.0.113.10", "203.0.113.187"];
const HOME_SIX: &[&str] = &["2001:db8:40:1::a17", "203.0.113.24"];
const SEATTLE: &[&str] = &["192.0.2.44"];
const RUNNERS: &[&str] = &["192.0.2.101", "192.0.2.102", "192.0.2.103", "192.0.2.117", "192.0.2.130"];
const AWS_SIDE: &[&str] = &["192.0.2.201", "192.0.2.202", "192.0.2.215", "192.0.2.230"];
const INSIDE_A: &[&str] = &["10.0.1.21", "10.0.2.22", "10.0.3.40"];
const INSIDE_B: &[&str] = &["10.16.1.30", "10.16.2.31"];

const LOOKING: &str = "ec2:DescribeInstances ec2:DescribeSecurityGroups monitoring:DescribeAlarms logs:DescribeLogGroups lambda:ListFunctions20150331 \
    monitoring:GetMetricData ec2:DescribeVolumes s3:ListBuckets logs:FilterLogEvents cloudformation:DescribeStacks health:DescribeEventAggregates \
    ecs:DescribeServices ec2:DescribeRegions ec2:DescribeVpcs tagging:GetResources rds:DescribeDBInstances ec2:DescribeSubnets ec2:DescribeTags \
    elasticloadbalancing:DescribeLoadBalancers dynamodb:ListTables sqs:ListQueues iam:ListRoles cloudformation:ListStacks logs:GetLogEvents \
    ecs:ListClusters ecs:ListTasks ecs:DescribeTasks monitoring:ListMetrics monitoring:ListDashboards monitoring:GetDashboard logs:StartQuery \
    logs:GetQueryResults ec2:DescribeInstanceStatus ec2:DescribeAccountAttributes ec2:DescribeKeyPairs s3:GetBucketLocation s3:GetBucketAcl \
    s3:GetBucketPolicyStatus autoscaling:DescribeAutoScalingGroups sns:ListTopics events:ListRules states:ListStateMachines eks:ListClusters \
    kms:ListAliases secretsmanager:ListSecrets ssm:DescribeParameters lambda:GetFunction20150331v2 dynamodb:DescribeTable codepipeline:ListPipelines";
const PLATFORM: &str = "ec2:DescribeInstances ec2:DescribeSecurityGroups sts:GetCallerIdentity logs:DescribeLogGroups iam:GetRole iam:ListRoles \
    ec2:DescribeInstanceTypes eks:DescribeCluster ssm:GetParametersByPath cloudformation:DescribeStackEvents ecs:DescribeServices ecs:DescribeTaskDefinition \
    ec2:DescribeRouteTables ec2:DescribeNetworkInterfaces iam:ListPolicies iam:ListAttachedRolePolicies route53:ListHostedZones \
    route53:ListResourceRecordSets acm:ListCertificates autoscaling:DescribeScalingActivities ssm:StartSession ec2:CreateTags ec2:StartInstances \
    ec2:StopInstances ec2:AuthorizeSecurityGroupIngress ec2:CreateSecurityGroup ec2:RebootInstances autoscaling:SetDesiredCapacity \
    route53:ChangeResourceRecordSets logs:PutRetentionPolicy monitoring:PutMetricAlarm iam:AttachRolePolicy iam:CreateRole ec2:RevokeSecurityGroupIngress \
    s3:PutBucketLifecycle s3:PutBucketTagging ec2:RunInstances ec2:TerminateInstances iam:CreatePolicyVersion rds:ModifyDBInstance \
    lambda:AddPermission20150331v2 ec2:CreateVolume ec2:AttachVolume sts:AssumeRole signin:SwitchRole";
const DEVELOPING: &str = "sts:GetCallerIdentity logs:FilterLogEvents lambda:GetFunction20150331v2 s3:ListBuckets dynamodb:Query s3:GetObject \
    ecr:GetAuthorizationToken ssm:GetParameter logs:DescribeLogStreams lambda:ListFunctions20150331 dynamodb:Scan sqs:GetQueueAttributes cloudformation:DescribeStacks \
    ecs:DescribeTasks lambda:UpdateFunctionCode20150331v2 lambda:UpdateFunctionConfiguration20150331v2 s3:PutObject s3:ListObjects ecr:DescribeImages \
    states:DescribeExecution states:StartExecution events:DescribeRule lambda:Invoke secretsmanager:DescribeSecret secretsmanager:GetSecretValue athena:StartQueryExecution \
    athena:GetQueryExecution athena:GetQueryResults ecr:BatchGetImage apigateway:GetRestApis codebuild:BatchGetBuilds codebuild:StartBuild iam:GetUser iam:ListAccessKeys";
const SECURING: &str = "guardduty:ListFindings guardduty:GetFindings securityhub:GetFindings cloudtrail:LookupEvents config:GetResourceConfigHistory iam:ListUsers \
    guardduty:ListDetectors access-analyzer:ListFindingsV2 inspector2:ListFindings config:SelectResourceConfig iam:GetCredentialReport iam:GenerateCredentialReport \
    iam:GetAccountSummary iam:ListVirtualMFADevices cloudtrail:DescribeTrails cloudtrail:GetTrailStatus cloudtrail:GetEventSelectors macie2:ListFindings \
    organizations:ListAccounts organizations:DescribeOrganization iam:GenerateServiceLastAccessedDetails kms:ListKeys guardduty:ListMembers iam:GetAccountAuthorizationDetails \
    securityhub:BatchUpdateFindings config:DescribeConfigRules config:DescribeComplianceByConfigRule access-analyzer:ListAnalyzers athena:StartQueryExecution";
const MONEY: &str = "ce:GetCostAndUsage ce:GetCostForecast organizations:ListAccounts organizations:DescribeAccount tagging:GetResources tagging:GetTagKeys ec2:DescribeReservedInstances ec2:DescribeInstances rds:DescribeDBInstances";
const TERRAFORMING: &str = "ec2:DescribeSecurityGroups iam:GetRole ec2:DescribeVpcAttribute iam:ListRolePolicies iam:ListAttachedRolePolicies ec2:DescribeRouteTables \
    s3:GetBucketVersioning s3:GetBucketPolicy s3:GetBucketEncryption s3:GetBucketTagging s3:GetBucketLifecycle s3:GetBucketLogging s3:GetBucketAcl s3:GetBucketPublicAccessBlock \
    iam:GetPolicy iam:GetPolicyVersion iam:GetRolePolicy iam:ListInstanceProfilesForRole ec2:DescribeSubnets ec2:DescribeNatGateways ec2:DescribeVpcEndpoints \
    ec2:DescribeNetworkAcls lambda:GetFunction20150331v2 lambda:ListVersionsByFunction20150331 lambda:GetPolicy20150331v2 kms:DescribeKey kms:GetKeyPolicy kms:GetKeyRotationStatus \
    dynamodb:DescribeTable dynamodb:DescribeTimeToLive dynamodb:DescribeContinuousBackups sqs:GetQueueAttributes sns:GetTopicAttributes events:DescribeRule \
    events:ListTargetsByRule logs:DescribeLogGroups route53:GetHostedZone route53:ListResourceRecordSets acm:DescribeCertificate wafv2:GetWebACL ecs:DescribeServices \
    ec2:DescribeLaunchTemplates elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeRules cloudfront:GetDistribution ec2:DescribeSecurityGroupRules \
    iam:CreateRole iam:AttachRolePolicy iam:PutRolePolicy iam:CreatePolicy iam:CreatePolicyVersion iam:TagRole ec2:CreateSecurityGroup ec2:AuthorizeSecurityGroupIngress \
    ec2:AuthorizeSecurityGroupEgress s3:CreateBucket s3:PutBucketEncryption s3:PutBucketPolicy sqs:CreateQueue events:PutRule events:PutTargets monitoring:PutMetricAlarm \
    logs:CreateLogGroup lambda:AddPermission20150331v2 sns:Subscribe kms:CreateGrant ec2:CreateLaunchTemplateVersion iam:CreateServiceLinkedRole dynamodb:UpdateTable iam:DetachRolePolicy";
const BUILDING: &str = "ecr:BatchCheckLayerAvailability ecr:GetAuthorizationToken ecr:InitiateLayerUpload s3:PutObject s3:GetObject ecr:PutImage sts:GetCallerIdentity \
    ecs:DescribeServices ecs:RegisterTaskDefinition ecs:UpdateService lambda:UpdateFunctionCode20150331v2 lambda:PublishVersion20150331 cloudformation:CreateChangeSet \
    cloudformation:ExecuteChangeSet cloudformation:DescribeStackEvents cloudfront:CreateInvalidation ssm:GetParameter apigateway:CreateDeployment codepipeline:StartPipelineExecution";
const SERVING: &str = "dynamodb:GetItem dynamodb:Query s3:GetObject dynamodb:UpdateItem dynamodb:PutItem kms:Decrypt s3:PutObject dynamodb:BatchGetItem ssm:GetParameter s3:HeadObject \
    secretsmanager:GetSecretValue lambda:Invoke logs:CreateLogStream dynamodb:DeleteItem s3:ListObjects sqs:GetQueueUrl";
const CRUNCHING: &str = "s3:GetObject s3:PutObject s3:ListObjects kms:Decrypt kms:GenerateDataKey s3:UploadPart s3:HeadObject glue:GetTable glue:GetPartitions s3:CompleteMultipartUpload \
    glue:BatchCreatePartition athena:GetQueryExecution s3:CopyObject s3:DeleteObject glue:StartJobRun glue:GetTables";
const AGENT_ROUND: &str = "ssm:UpdateInstanceInformation ssm:ListAssociations ecs:DiscoverPollEndpoint ssmmessages:OpenControlChannel ec2:DescribeTags ecr:GetAuthorizationToken ecs:SubmitTaskStateChange \
    ssmmessages:CreateControlChannel ecr:BatchGetImage ecr:GetDownloadUrlForLayer s3:GetObject autoscaling:DescribeAutoScalingInstances ssm:GetParameters";
const WATCHING: &str = "monitoring:GetMetricData monitoring:ListMetrics ec2:DescribeInstances tagging:GetResources ec2:DescribeInstanceStatus ec2:DescribeVolumes rds:DescribeDBInstances lambda:ListFunctions20150331 \
    elasticloadbalancing:DescribeLoadBalancers elasticloadbalancing:DescribeTargetHealth elasticloadbalancing:DescribeTargetGroups autoscaling:DescribeAutoScalingGroups sqs:ListQueues dynamodb:DescribeTable \
    monitoring:GetMetricStatistics ecs:ListClusters ecs:DescribeClusters ecs:DescribeServices ecs:DescribeContainerInstances kinesis:ListStreams kinesis:DescribeStreamSummary ses:GetSendStatistics \
    health:DescribeEvents cloudfront:ListDistributions apigateway:GetStages rds:DescribeEvents logs:DescribeMetricFilters logs:DescribeSubscriptionFilters servicequotas:ListServiceQuotas backup:ListBackupJobs";
const SCANNING: &str = "s3:GetBucketPublicAccessBlock s3:GetBucketEncryption s3:GetBucketPolicy s3:GetBucketLogging s3:GetBucketVersioning s3:GetBucketAcl ec2:DescribeSecurityGroups iam:ListAttachedUserPolicies \
    iam:GetPolicyVersion kms:GetKeyRotationStatus iam:ListMFADevices iam:ListAccessKeys iam:GetAccessKeyLastUsed lambda:GetPolicy20150331v2 ec2:DescribeSnapshots rds:DescribeDBSnapshots rds:DescribeDBSnapshotAttributes \
    cloudtrail:GetTrailStatus cloudtrail:DescribeTrails config:DescribeConfigurationRecorders guardduty:ListDetectors guardduty:GetDetector securityhub:DescribeHub iam:GetAccountPasswordPolicy iam:GetAccountSummary \
    ec2:GetEbsEncryptionByDefault ec2:DescribeFlowLogs ec2:DescribeNetworkAcls ec2:DescribeImages ecr:DescribeRepositories ecr:DescribeImageScanFindings eks:DescribeCluster eks:ListNodegroups \
    iam:ListPolicies iam:ListUsers iam:ListGroups iam:ListSAMLProviders iam:ListOpenIDConnectProviders kms:ListGrants secretsmanager:GetResourcePolicy s3:GetAccountPublicAccessBlock wafv2:ListWebACLs \
    lambda:GetFunctionConfiguration20150331v2 lambda:ListEventSourceMappings20150331 inspector2:ListCoverage macie2:DescribeBuckets elasticloadbalancing:DescribeLoadBalancerAttributes organizations:ListPoliciesForTarget securityhub:BatchImportFindings";

const fn office(utc: i64) -> Rhythm {
    Rhythm::Office { utc, weekend: 0.08 }
}

/// Someone of the office in Berlin.
const fn person(account: usize, identity: Identity, share: f64, diet: &'static str) -> Person {
    let rhythm = office(1);
    Person { account, identity, rhythm, share, addresses: BERLIN, agents: &[CHROME, CHROME, CLI_MAC], regions: HOME, burst: 9, trouble: 0.012, diet }
}

/// A program on the far side of the internet, that speaks Python.
const fn robot(account: usize, identity: Identity, share: f64, diet: &'static str) -> Person {
    let agents = &[BOTO];
    Person { account, identity, rhythm: Rhythm::Follows, share, addresses: AWS_SIDE, agents, regions: HERE, burst: 12, trouble: 0.006, diet }
}

const fn aws(account: usize, host: &'static str, share: f64, diet: &'static str) -> Person {
    let identity = Identity::Service { host };
    Person { account, identity, rhythm: Rhythm::Steady, share, addresses: &[], agents: &[NOT_TOLD], regions: HOME, burst: 2, trouble: 0.0, diet }
}

const SCALER: Identity =
    Identity::Linked { role: "AWSServiceRoleForAutoScaling", session: "AutoScaling", by: "autoscaling.amazonaws.com" };
const RECORDER: Identity =
    Identity::Linked { role: "AWSServiceRoleForConfig", session: "AWSConfig-Describe", by: "config.amazonaws.com" };

const fn linked(account: usize, identity: Identity, share: f64, diet: &'static str) -> Person {
    Person { identity, burst: 8, ..aws(account, "", share, diet) }
}

const fn sso(set: &'static str, email: &'static str) -> Identity {
    Identity::Sso { set, email }
}

const fn lambda(role: &'static str, session: &'static str) -> Identity {
    Identity::Runtime { role, session, by: "lambda.amazonaws.com" }
}

const fn instance(role: &'static str, session: &'static str) -> Identity {
    Identity::Runtime { role, session, by: "ec2.amazonaws.com" }
}

const fn task(role: &'static str, session: &'static str) -> Identity {
    Identity::Runtime { role, session, by: "ecs-tasks.amazonaws.com" }
}

const fn pipeline(role: &'static str, repository: &'static str) -> Identity {
    Identity::Pipeline { role, repository }
}

/// Whose key leaks, in the story of the takeover.
pub const VICTIM: &str = "mara.lindqvist";

/// Everyone.
pub const ALL: &[Person] = &[
    person(PRODUCTION, sso("AdministratorAccess", "nora.hale@example.com"), 0.9, PLATFORM),
    person(PRODUCTION, sso("PlatformEngineer", "tomas.berg@example.com"), 1.0, PLATFORM),
    Person { rhythm: office(0), addresses: DUBLIN, agents: &[FIREFOX, CLI_LINUX], ..person(PRODUCTION, sso("PlatformEngineer", "aoife.brannigan@example.com"), 1.0, PLATFORM) },
    Person { rhythm: office(-8), addresses: SEATTLE, agents: &[EDGE, CLI_MAC], ..person(PRODUCTION, sso("ReadOnlyAccess", "li.wei@example.com"), 0.6, LOOKING) },
    person(PRODUCTION, sso("ReadOnlyAccess", "jonas.pfeiffer@example.com"), 0.7, LOOKING),
    Person { addresses: HOME_SIX, agents: &[FIREFOX], ..person(PRODUCTION, sso("SupportEngineer", "ines.moreau@example.com"), 0.7, LOOKING) },
    person(DEVELOPMENT, sso("DeveloperAccess", "jonas.pfeiffer@example.com"), 1.2, DEVELOPING),
    Person { rhythm: office(0), addresses: DUBLIN, agents: &[CLI_LINUX, CHROME], ..person(DEVELOPMENT, sso("DeveloperAccess", "sean.okafor@example.com"), 1.2, DEVELOPING) },
    Person { addresses: HOME_SIX, ..person(DEVELOPMENT, sso("DeveloperAccess", "priya.raman@example.com"), 1.2, DEVELOPING) },
    Person { rhythm: office(-8), addresses: SEATTLE, agents: &[CLI_MAC, CHROME], ..person(DEVELOPMENT, sso("DeveloperAccess", "li.wei@example.com"), 0.8, DEVELOPING) },
    person(DEVELOPMENT, Identity::User { name: "viktor.dahl", mfa: Some("viktor.dahl") }, 0.8, LOOKING),
    Person { rhythm: office(2), agents: &[EDGE], ..person(DEVELOPMENT, Identity::User { name: "agency-design", mfa: None }, 0.2, "s3:ListBuckets s3:ListObjects s3:PutObject s3:GetObject cloudfront:ListDistributions") },
    Person { addresses: HOME_MARA, agents: &[CLI_MAC], rhythm: Rhythm::Office { utc: 1, weekend: 0.9 }, ..person(DEVELOPMENT, Identity::Key { name: VICTIM }, 1.1, DEVELOPING) },
    person(DEVELOPMENT, Identity::User { name: VICTIM, mfa: Some(VICTIM) }, 0.3, LOOKING),
    Person { addresses: VPN, ..person(SECURITY, sso("SecurityAudit", "ruth.adeyemi@example.com"), 1.1, SECURING) },
    Person { addresses: VPN, agents: &[FIREFOX, CLI_LINUX], ..person(SECURITY, sso("SecurityAudit", "pavel.novak@example.com"), 1.1, SECURING) },
    Person { addresses: VPN, ..person(PRODUCTION, sso("SecurityAudit", "ruth.adeyemi@example.com"), 0.5, SECURING) },
    Person { agents: &[EDGE], ..person(SECURITY, sso("Billing", "greta.holm@example.com"), 0.2, MONEY) },
    Person { agents: &[ACTIONS], addresses: RUNNERS, burst: 60, regions: HERE, ..robot(PRODUCTION, pipeline("github-deploy", "example-org/shop"), 2.2, BUILDING) },
    Person { agents: &[ACTIONS], addresses: RUNNERS, burst: 60, regions: HERE, ..robot(DEVELOPMENT, pipeline("github-deploy", "example-org/shop"), 3.0, BUILDING) },
    Person { agents: &[TERRAFORM], addresses: RUNNERS, burst: 180, regions: HOME, ..robot(PRODUCTION, pipeline("github-terraform", "example-org/infrastructure"), 4.0, TERRAFORMING) },
    Person { agents: &[TERRAFORM], addresses: RUNNERS, burst: 180, regions: HOME, ..robot(DEVELOPMENT, pipeline("github-terraform", "example-org/infrastructure"), 4.0, TERRAFORMING) },
    Person { agents: &[TERRAFORM], addresses: RUNNERS, burst: 120, regions: EVERYWHERE, ..robot(SECURITY, pipeline("github-terraform", "example-org/guardrails"), 1.0, TERRAFORMING) },
    Person { agents: &[NODE], ..robot(PRODUCTION, lambda("prod-orders-api-role", "prod-orders-api"), 9.0, SERVING) },
    Person { agents: &[NODE], ..robot(PRODUCTION, lambda("prod-catalog-api-role", "prod-catalog-api"), 7.0, SERVING) },
    robot(PRODUCTION, lambda("prod-payments-worker-role", "prod-payments-worker"), 5.0, SERVING),
    robot(PRODUCTION, lambda("prod-mail-worker-role", "prod-mail-worker"), 2.0, SERVING),
    Person { agents: &[NODE], ..robot(DEVELOPMENT, lambda("dev-orders-api-role", "dev-orders-api"), 2.0, SERVING) },
    Person { agents: &[GO], addresses: INSIDE_A, ..robot(PRODUCTION, task("prod-search-task-role", "3f6c0d1b7a5e4c21"), 6.0, SERVING) },
    Person { agents: &[JAVA], addresses: INSIDE_A, ..robot(PRODUCTION, task("prod-sessions-task-role", "a81d55c07e2b4f90"), 6.0, SERVING) },
    Person { agents: &[JAVA], addresses: INSIDE_A, rhythm: Rhythm::Steady, ..robot(PRODUCTION, instance("prod-exports-worker-role", "i-0a1b2c3d4e5f60718"), 4.0, CRUNCHING) },
    Person { addresses: INSIDE_A, rhythm: Rhythm::Nightly(3), burst: 40, ..robot(PRODUCTION, instance("prod-reports-worker-role", "i-0b2c3d4e5f6071829"), 1.5, CRUNCHING) },
    Person { agents: &[SSM_AGENT], addresses: INSIDE_A, rhythm: Rhythm::Steady, regions: HOME, ..robot(PRODUCTION, instance("prod-fleet-role", "i-0c3d4e5f607182930"), 3.0, AGENT_ROUND) },
    Person { agents: &[SSM_AGENT], addresses: INSIDE_B, rhythm: Rhythm::Steady, ..robot(DEVELOPMENT, instance("dev-fleet-role", "i-0d4e5f60718293041"), 1.5, AGENT_ROUND) },
    Person { agents: &[GO], rhythm: Rhythm::Steady, regions: EVERYWHERE, burst: 50, addresses: &["192.0.2.77", "192.0.2.78"], trouble: 0.02, ..robot(PRODUCTION, Identity::Tool { role: "MonitoringIntegration", session: "metrics-collector" }, 6.0, WATCHING) },
    Person { agents: &[GO], rhythm: Rhythm::Steady, regions: EVERYWHERE, burst: 50, addresses: &["192.0.2.77", "192.0.2.78"], trouble: 0.02, ..robot(DEVELOPMENT, Identity::Tool { role: "MonitoringIntegration", session: "metrics-collector" }, 3.0, WATCHING) },
    Person { agents: &[SCANNER], rhythm: Rhythm::Nightly(22), regions: EVERYWHERE, burst: 200, addresses: &["192.0.2.90"], trouble: 0.03, ..robot(PRODUCTION, Identity::Tool { role: "PostureAudit", session: "posture-scan" }, 2.5, SCANNING) },
    Person { agents: &[SCANNER], rhythm: Rhythm::Nightly(23), regions: EVERYWHERE, burst: 200, addresses: &["192.0.2.90"], trouble: 0.03, ..robot(DEVELOPMENT, Identity::Tool { role: "PostureAudit", session: "posture-scan" }, 2.0, SCANNING) },
    Person { rhythm: Rhythm::Nightly(5), burst: 1, ..robot(DEVELOPMENT, Identity::Key { name: "svc-backup" }, 0.06, "ec2:DescribeVolumes ec2:CreateSnapshot backup:StartBackupJob ec2:DeleteSnapshot iam:ListAccessKeys iam:CreateAccessKey iam:UpdateAccessKey iam:DeleteAccessKey dynamodb:CreateBackup") },
    Person { rhythm: Rhythm::Nightly(2), ..robot(PRODUCTION, lambda("prod-backup-role", "prod-backup"), 0.3, "ec2:DescribeVolumes ec2:CreateSnapshot ec2:DescribeSnapshots ec2:DeleteSnapshot rds:CreateDBSnapshot dynamodb:CreateBackup ec2:ModifySnapshotAttribute") },
    aws(PRODUCTION, "s3.amazonaws.com", 2.0, "kms:Decrypt kms:GenerateDataKey"),
    aws(PRODUCTION, "dynamodb.amazonaws.com", 1.5, "kms:Decrypt kms:DescribeKey"),
    aws(PRODUCTION, "logs.amazonaws.com", 0.8, "kms:Decrypt kms:GenerateDataKey"),
    aws(PRODUCTION, "lambda.amazonaws.com", 3.0, "sts:AssumeRole kms:Decrypt ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DeleteNetworkInterface"),
    aws(PRODUCTION, "ecs-tasks.amazonaws.com", 1.2, "sts:AssumeRole"),
    aws(PRODUCTION, "ec2.amazonaws.com", 1.2, "sts:AssumeRole"),
    linked(PRODUCTION, SCALER, 0.6, "ec2:DescribeInstances elasticloadbalancing:DescribeTargetHealth ec2:RunInstances elasticloadbalancing:RegisterTargets ec2:TerminateInstances elasticloadbalancing:DeregisterTargets"),
    aws(PRODUCTION, "cloudtrail.amazonaws.com", 1.2, "s3:GetBucketAcl kms:GenerateDataKey s3:PutObject"),
    linked(PRODUCTION, RECORDER, 1.6, "s3:GetBucketAcl ec2:DescribeSecurityGroups iam:GetRole s3:GetBucketPolicy lambda:GetFunction20150331v2 rds:ListTagsForResource config:PutEvaluations ssm:ListTagsForResource lambda:ListTags20170331"),
    aws(PRODUCTION, "delivery.logs.amazonaws.com", 0.6, "s3:PutObject s3:GetBucketAcl"),
    aws(PRODUCTION, "events.amazonaws.com", 0.8, "sts:AssumeRole lambda:Invoke ecs:RunTask"),
    aws(PRODUCTION, "secretsmanager.amazonaws.com", 0.3, "secretsmanager:RotateSecret secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage lambda:Invoke"),
    aws(DEVELOPMENT, "lambda.amazonaws.com", 1.0, "sts:AssumeRole kms:Decrypt"),
    linked(DEVELOPMENT, RECORDER, 0.8, "s3:GetBucketAcl ec2:DescribeSecurityGroups iam:GetRole config:PutEvaluations"),
    aws(DEVELOPMENT, "ec2.amazonaws.com", 0.5, "sts:AssumeRole"),
    aws(SECURITY, "cloudtrail.amazonaws.com", 1.5, "s3:GetBucketAcl s3:PutObject kms:GenerateDataKey"),
    aws(SECURITY, "guardduty.amazonaws.com", 0.6, "sts:AssumeRole ec2:DescribeInstances"),
    aws(SECURITY, "securityhub.amazonaws.com", 0.5, "sts:AssumeRole config:DescribeConfigRules securityhub:BatchImportFindings"),
];
