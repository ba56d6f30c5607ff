#!/usr/bin/env python3
"""Writes distinct Sigma rules for CloudTrail: rules.py COUNT FOLDER

Nine of ten name their events, as rules of the field do; each tenth can be told by a piece of text, a network or a start of a name only.
The same rule always has the same number, so that a smaller set is the start of a larger one.
"""
import pathlib
import random
import sys

# Calls by service: verbs, and what they are done to.
APIS = """
iam             Create,Delete,Get,Update,List,Tag User,Role,Group,Policy,AccessKey,LoginProfile,SAMLProvider,InstanceProfile,ServerCertificate
iam             Attach,Detach,Put,Delete UserPolicy,RolePolicy,GroupPolicy
ec2             Create,Delete,Describe,Modify Vpc,Subnet,SecurityGroup,RouteTable,NetworkAcl,InternetGateway,NatGateway,VpcEndpoint,Snapshot,Volume,Image,KeyPair,LaunchTemplate,FlowLogs,TransitGateway
ec2             Run,Start,Stop,Terminate,Reboot,Describe,Monitor Instances
ec2             Authorize,Revoke SecurityGroupIngress,SecurityGroupEgress
ec2             Attach,Detach,Enable,Disable Volume,InternetGateway,VpcClassicLink,NetworkInterface,EbsEncryptionByDefault,SerialConsoleAccess
ec2             Modify,Reset,Describe SnapshotAttribute,ImageAttribute,InstanceAttribute,VpcAttribute,NetworkInterfaceAttribute
s3              Get,Put,Delete Object,ObjectAcl,ObjectTagging,BucketAcl,BucketPolicy,BucketEncryption,BucketLifecycle,BucketLogging,BucketReplication,BucketTagging,BucketVersioning,BucketWebsite,BucketCors,BucketPublicAccessBlock
s3              Create,Delete,Head,List Bucket,Buckets,MultipartUpload,AccessPoint
kms             Create,Delete,Update,List,Describe Key,Alias,Grant,CustomKeyStore
kms             Encrypt,Decrypt,ReEncrypt,GenerateDataKey,ScheduleKeyDeletion,DisableKey,EnableKey,PutKeyPolicy,RetireGrant -
lambda          Create,Delete,Get,Update,List,Publish Function,EventSourceMapping,Alias,LayerVersion,FunctionConfiguration,FunctionCode,FunctionUrlConfig
lambda          Add,Remove Permission,LayerVersionPermission
sts             AssumeRole,AssumeRoleWithSAML,AssumeRoleWithWebIdentity,GetCallerIdentity,GetSessionToken,GetFederationToken -
cloudtrail      Create,Delete,Get,Update,List,Describe Trail,Trails,EventDataStore,EventSelectors,InsightSelectors,Channel
cloudtrail      StartLogging,StopLogging,LookupEvents,PutEventSelectors,PutInsightSelectors -
guardduty       Create,Delete,Get,Update,List Detector,Detectors,Filter,Filters,IPSet,ThreatIntelSet,Members,Findings,PublishingDestination
rds             Create,Delete,Describe,Modify,Start,Stop,Reboot DBInstance,DBCluster,DBSnapshot,DBClusterSnapshot,DBParameterGroup,DBSubnetGroup,OptionGroup
secretsmanager  Create,Delete,Get,Update,List,Describe,Restore,Rotate Secret,Secrets,SecretValue,ResourcePolicy
ssm             Create,Delete,Get,Put,Describe,Update Parameter,Parameters,Document,Association,MaintenanceWindow,PatchBaseline
ssm             SendCommand,StartSession,TerminateSession,GetParametersByPath,GetInventory -
eks             Create,Delete,Describe,List,Update Cluster,ClusterConfig,Nodegroup,FargateProfile,Addon,AccessEntry
ecs             Create,Delete,Describe,List,Update,Register Cluster,Service,Services,TaskDefinition,Tasks,CapacityProvider
ecr             Create,Delete,Describe,Get,Put,Set Repository,Repositories,RepositoryPolicy,LifecyclePolicy,Image,ImageScanFindings
dynamodb        Create,Delete,Describe,Update,List Table,Tables,Backup,GlobalTable,ContinuousBackups,TimeToLive
sns             Create,Delete,Get,Set,List Topic,TopicAttributes,Subscription,SubscriptionAttributes,PlatformApplication
sqs             Create,Delete,Get,Set,List,Purge Queue,Queues,QueueAttributes
events          Put,Delete,Describe,Enable,Disable,List Rule,Rules,Targets,EventBus,Permission,Archive
logs            Create,Delete,Describe,Put LogGroup,LogGroups,LogStream,MetricFilter,SubscriptionFilter,RetentionPolicy,ResourcePolicy
organizations   Create,Delete,Describe,List,Attach,Detach,Move,Leave Account,Accounts,Organization,OrganizationalUnit,Policy
config          Put,Delete,Describe,Start,Stop ConfigRule,ConfigRules,ConfigurationRecorder,DeliveryChannel,ConformancePack,RemediationConfigurations
securityhub     Create,Delete,Get,Update,Enable,Disable,Batch Findings,Insight,Insights,SecurityHub,ActionTarget,Members
route53         Create,Delete,Get,List,Change HostedZone,HostedZones,ResourceRecordSets,HealthCheck,TrafficPolicy
cloudformation  Create,Delete,Describe,Update,Execute,List Stack,Stacks,StackSet,ChangeSet,StackInstances
signin          ConsoleLogin,SwitchRole,CheckMfa,PasswordRecoveryRequested -
"""
AGENTS = "hydra nmap sqlmap masscan nikto burp wfuzz gobuster ffuf amass subfinder nuclei metasploit empire sliver havoc mythic".split()
TEAMS = "deploy backup audit build data network support security".split()
ERRORS = "AccessDenied Client.UnauthorizedOperation ThrottlingException ValidationException NoSuchBucket ResourceNotFoundException".split()


def apis():
    """(service, event name) of every call."""
    out = []
    for line in APIS.split("\n"):
        if line:
            service, verbs, nouns = line.split()
            out += [(service, verb + noun) for verb in verbs.split(",") for noun in nouns.replace("-", "").split(",")]
    return sorted(set(out))


def selection(*fields):
    return "  selection:\n" + "".join(f"    {field}\n" for field in fields)


def listed(field, values):
    return f"{field}:" + "".join(f"\n      - {value}" for value in values)


def named(rng, i, calls):
    """A rule that names the events it is about, and something that is seldom true of them."""
    service, name = rng.choice(calls)
    source, event = f"eventSource: {service}.amazonaws.com", f"eventName: {name}"
    several = listed("eventName", sorted({name, *(rng.choice(calls)[1] for _ in range(3))}))
    team = rng.choice(TEAMS)
    return rng.choice([
        selection(source, event, f"userIdentity.arn|contains: ':user/{team}-{i}'") + "  condition: selection\n",
        selection(source, event, f"errorCode: {rng.choice(ERRORS)}", f"userIdentity.userName: {team}-{i}") + "  condition: selection\n",
        selection(source, event, f"errorCode: {rng.choice(ERRORS)}")
        + f"  filter:\n    userIdentity.arn|contains: {team}-{i}\n  condition: selection and not filter\n",
        selection(source, event, "userIdentity.type: IAMUser", f"sourceIPAddress|endswith: '{i % 10}'")
        + f"  filter:\n    sourceIPAddress|cidr: 10.{i % 256}.0.0/16\n  condition: selection and not filter\n",
        selection(source, event, "errorCode: null", f"requestParameters.name|startswith: x{i}") + "  condition: selection\n",
        selection(source, several, f"sourceIPAddress|cidr: 100.{64 + i % 64}.{i // 64 % 256}.0/24") + "  condition: selection\n",
        selection(several, f"userAgent|contains: {rng.choice(AGENTS)}/{i}") + "  condition: selection\n",
        selection(source, event, listed("userIdentity.type", ["Root", "IAMUser"]), f"awsRegion: xx-north-{i}") + "  condition: selection\n",
        selection(source, event, f"userIdentity.accountId: '{i:012}'")
        + f"  filter_service:\n    sourceIPAddress|endswith: .amazonaws.com\n  filter_team:\n    userIdentity.arn|contains: {team}\n"
        + "  condition: selection and not 1 of filter_*\n",
    ])


def unnamed(rng, i, calls):
    """A rule with no event name to look it up by."""
    service, name = rng.choice(calls)
    source = f"eventSource: {service}.amazonaws.com"
    return rng.choice([
        selection(f"userAgent|contains: {rng.choice(AGENTS)}-{i}"),
        selection(f"userIdentity.arn|startswith: 'arn:aws:iam::{i:012}:user/'"),
        selection(f"userIdentity.arn|endswith: ':user/{rng.choice(TEAMS)}-{i}'", "errorCode: null"),
        selection(source, f"errorCode: {rng.choice(ERRORS)}", f"errorMessage|contains: '{rng.choice(TEAMS)}-{i}'"),
        selection(source, f"sourceIPAddress|cidr: 100.{64 + i % 64}.{i // 64 % 256}.0/24"),
        selection(source, f"eventName|startswith: {name}V{i}"),
        selection(source, f"eventName: {name[:4]}*Q{i}"),
        selection(source, f"eventName|re: '^{name}[0-9]{{1,{i % 9 + 1}}}$'", f"recipientAccountId: '{i:012}'"),
    ]) + "  condition: selection\n"


def main():
    count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng, calls = random.Random(11), apis()
    for i in range(count):
        detection = (unnamed if i % 10 == 9 else named)(rng, i, calls)
        text = (f"title: Bench rule {i}\nid: {rng.getrandbits(32):08x}-0000-4000-8000-{i:012x}\nstatus: test\n"
                f"logsource:\n  product: aws\n  service: cloudtrail\ndetection:\n{detection}level: low\n")
        (folder / f"rule_{i:05}.yml").write_text(text)


if __name__ == "__main__":
    main()
