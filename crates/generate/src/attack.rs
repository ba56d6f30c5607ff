//! The takeover: a leaked access key, and what is done with it in one night.

use crate::actor::{Names, user_id};
use crate::benign::World;
use crate::corpus::{Options, Scenario};
use crate::estate::{ACCOUNTS, DEVELOPMENT, IRELAND, MILAN, OSAKA, PRODUCTION, VIRGINIA};
use crate::people::VICTIM;
use crate::record::{self, Failure, Origin, Record, Through};
use crate::rng::{join, name};
use crate::service::{self, Access, Call, Home, read, write};
use crate::session;
use crate::template::{Scene, key_text};
use crate::time::{self, DAY_MS, MINUTE_MS};

/// Where the attacker comes from; nobody else does.
pub const ADDRESS: &str = "198.51.100.77";

const SCRIPT_AGENT: &str = "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.6.9-amd64 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.51";
const CLI_AGENT: &str =
    "aws-cli/2.15.30 Python/3.11.8 Linux/6.6.9-amd64 exe/x86_64.kali.2024 prompt/off command/unknown";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0";

/// One event of the attack.
pub struct Told {
    pub time_ms: i64,
    pub account: usize,
    pub region: usize,
    pub json: Vec<u8>,
    /// Its line of the ground truth.
    pub truth: String,
}

/// Whose credentials are used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// The leaked key of a developer.
    Leaked,
    /// The key made for a service user.
    Planted,
    /// The new administrator, at the sign-in page and at the console.
    Newcomer,
    /// A role of the development account.
    Deployer,
    /// The role by which the development account may administer production.
    Admin,
    /// The development account, as production's log sees it.
    Neighbour,
}

struct Step {
    at_s: i64,
    who: Who,
    service: &'static str,
    call: Call,
    region: usize,
    failure: Option<(&'static str, &'static str)>,
    times: i64,
    step: &'static str,
    technique: &'static str,
    what: &'static str,
}

const fn step(at_s: i64, who: Who, service: &'static str, call: Call) -> Step {
    Step { at_s, who, service, call, region: IRELAND, failure: None, times: 1, step: "", technique: "", what: "" }
}

impl Step {
    const fn tells(mut self, step: &'static str, technique: &'static str, what: &'static str) -> Step {
        self.step = step;
        self.technique = technique;
        self.what = what;
        self
    }

    const fn fails(mut self, code: &'static str, message: &'static str) -> Step {
        self.failure = Some((code, message));
        self
    }

    const fn times(mut self, times: i64) -> Step {
        self.times = times;
        self
    }

    const fn elsewhere(mut self, region: usize) -> Step {
        self.region = region;
        self
    }
}

const DENIED: &str = "User: $arn is not authorized to perform this action because no identity-based policy allows it";
const RETURNED: &str = r#"{"requestId":"$uuid","_return":true}"#;
const BUCKET: &str =
    r#"[{"accountId":"$account","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::prod-exports-data-example"}]"#;
const TO_DEPLOYER: Call = read("AssumeRole", r#"{"roleArn":"arn:aws:iam::$account:role/dev-deployer","roleSessionName":"deploy"}"#)
    .gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"},"assumedRoleUser":{"assumedRoleId":"$deployerrole:deploy","arn":"arn:aws:sts::$account:assumed-role/dev-deployer/deploy"}}"#)
    .on(r#"[{"accountId":"$account","type":"AWS::IAM::Role","ARN":"arn:aws:iam::$account:role/dev-deployer"}]"#);
const TO_ADMIN: Call = read("AssumeRole", r#"{"roleArn":"arn:aws:iam::111122223333:role/OrganizationAccountAccessRole","roleSessionName":"deploy"}"#)
    .gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"},"assumedRoleUser":{"assumedRoleId":"$adminrole:deploy","arn":"arn:aws:sts::111122223333:assumed-role/OrganizationAccountAccessRole/deploy"}}"#)
    .on(r#"[{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"}]"#);

const fn gpus(kind: &'static str) -> Call {
    write(
        "RunInstances",
        kind,
        r#"{"requestId":"$uuid2","reservationId":"r-0$hex16","ownerId":"$account","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-0$hex16a","imageId":"ami-0$hex16b","currentState":{"code":0,"name":"pending"},"instanceState":{"code":0,"name":"pending"},"keyName":"x","amiLaunchIndex":0,"instanceType":"p4d.24xlarge","launchTime":$epochms,"placement":{"availabilityZone":"$zone","tenancy":"default"},"monitoring":{"state":"disabled"},"privateIpAddress":"172.31.9.14","architecture":"x86_64"}]}}"#,
    )
}

const GPUS: &str = r#"{"instancesSet":{"items":[{"imageId":"ami-0$hex16b","minCount":1,"maxCount":8,"keyName":"x"}]},"instanceType":"p4d.24xlarge","blockDeviceMapping":{},"monitoring":{"enabled":false},"disableApiTermination":true,"disableApiStop":false,"clientToken":"$uuid","instanceInitiatedShutdownBehavior":"terminate","userData":"<sensitiveDataRemoved>"}"#;

use Who::{Admin, Deployer, Leaked, Neighbour, Newcomer, Planted};

/// The night, in seconds from its beginning.
#[rustfmt::skip]
const TAKEOVER: &[Step] = &[
    step(0, Leaked, "sts", read("GetCallerIdentity", "null")).elsewhere(VIRGINIA).tells("initial-access", "T1078.004", "the leaked key is tried from a new address"),
    step(45, Leaked, "iam", read("ListUsers", "null")).tells("discovery", "T1087.004", "lists users"),
    step(52, Leaked, "iam", read("ListRoles", "null")).tells("discovery", "T1087.004", "lists roles"),
    step(60, Leaked, "iam", read("ListAttachedUserPolicies", r#"{"userName":"mara.lindqvist"}"#)).tells("discovery", "T1069.003", "looks what the key may do"),
    step(75, Leaked, "iam", read("GetAccountAuthorizationDetails", r#"{"maxItems":1000}"#)).tells("discovery", "T1087.004", "reads all users, roles and policies at once"),
    step(110, Leaked, "s3", read("ListBuckets", r#"{"Host":"s3.$region.amazonaws.com"}"#)).tells("discovery", "T1619", "lists buckets"),
    step(130, Leaked, "ec2", read("DescribeInstances", r#"{"maxResults":1000,"instancesSet":{},"filterSet":{}}"#)).tells("discovery", "T1580", "lists instances"),
    step(139, Leaked, "ec2", read("DescribeInstances", r#"{"maxResults":1000,"instancesSet":{},"filterSet":{}}"#)).elsewhere(OSAKA).tells("discovery", "T1580", "lists instances in a Region out of use"),
    step(150, Leaked, "secretsmanager", read("ListSecrets", r#"{"maxResults":100}"#)).tells("discovery", "T1526", "lists secrets"),
    step(171, Leaked, "organizations", read("ListAccounts", "null")).fails("AccessDeniedException", "You don't have permissions to access this resource.").tells("discovery", "T1087.004", "is refused the list of accounts"),
    step(185, Leaked, "cloudtrail", read("DescribeTrails", r#"{"trailNameList":[],"includeShadowTrails":true}"#)).tells("discovery", "T1526", "looks for trails"),
    step(196, Leaked, "guardduty", read("ListDetectors", "null")).fails("AccessDeniedException", DENIED).tells("discovery", "T1518.001", "is refused the list of detectors"),
    step(204, Leaked, "ses", read("GetSendQuota", "null")).fails("AccessDenied", DENIED).tells("discovery", "T1526", "is refused the mail quota"),
    step(640, Leaked, "iam", write("CreateAccessKey", r#"{"userName":"svc-backup"}"#, r#"{"accessKey":{"userName":"svc-backup","accessKeyId":"$akia","status":"Active","createDate":"$date"}}"#)).tells("persistence", "T1098.001", "makes an access key for another user"),
    step(700, Leaked, "iam", write("CreateUser", r#"{"userName":"support-backup"}"#, r#"{"user":{"path":"/","userName":"support-backup","userId":"$issueduser","arn":"arn:aws:iam::$account:user/support-backup","createDate":"$date"}}"#)).tells("persistence", "T1136.003", "makes a user"),
    step(716, Leaked, "iam", write("CreateLoginProfile", r#"{"userName":"support-backup","passwordResetRequired":false}"#, r#"{"loginProfile":{"userName":"support-backup","createDate":"$date","passwordResetRequired":false}}"#)).tells("persistence", "T1098.001", "gives it a password"),
    step(731, Leaked, "iam", write("AttachUserPolicy", r#"{"userName":"support-backup","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#, "null")).tells("privilege-escalation", "T1098.003", "makes it an administrator"),
    step(1_020, Newcomer, "signin", session::LOGIN).elsewhere(VIRGINIA).tells("initial-access", "T1078.004", "the new user signs in without a second factor"),
    step(1_090, Newcomer, "iam", write("DeactivateMFADevice", r#"{"userName":"viktor.dahl","serialNumber":"arn:aws:iam::$account:mfa/viktor.dahl"}"#, "null")).tells("credential-access", "T1556.006", "takes an administrator's second factor away"),
    step(1_500, Planted, "sts", read("GetCallerIdentity", "null")).elsewhere(VIRGINIA).tells("persistence", "T1078.004", "the key made for another user is tried"),
    step(1_530, Planted, "sts", read("GetSessionToken", r#"{"durationSeconds":129600}"#).gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"}}"#)).elsewhere(VIRGINIA).tells("persistence", "T1550.001", "draws temporary credentials from it"),
    step(1_580, Leaked, "sts", TO_DEPLOYER).tells("privilege-escalation", "T1548.005", "becomes the deployer"),
    step(1_640, Deployer, "sts", TO_ADMIN).tells("lateral-movement", "T1550.001", "becomes administrator of production, by way of the deployer"),
    step(1_640, Neighbour, "sts", TO_ADMIN).tells("lateral-movement", "T1550.001", "the same, as production sees it"),
    step(1_700, Admin, "sts", read("GetCallerIdentity", "null")).tells("lateral-movement", "T1550.001", "the issued key is used in production"),
    step(1_760, Admin, "cloudtrail", write("StopLogging", r#"{"name":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/prod-trail"}"#, "null")).tells("defense-evasion", "T1562.008", "stops a trail"),
    step(1_790, Admin, "cloudtrail", write("PutEventSelectors", r#"{"trailName":"prod-trail","eventSelectors":[{"readWriteType":"ReadOnly","includeManagementEvents":false,"dataResources":[],"excludeManagementEventSources":[]}]}"#, r#"{"trailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/prod-trail","eventSelectors":[{"readWriteType":"ReadOnly","includeManagementEvents":false,"dataResources":[],"excludeManagementEventSources":[]}]}"#)).tells("defense-evasion", "T1562.008", "leaves management events out of a trail"),
    step(1_840, Admin, "ec2", write("DeleteFlowLogs", r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-0$hex16"}}}"#, r#"{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"$uuid","unsuccessful":""}}"#)).elsewhere(VIRGINIA).tells("defense-evasion", "T1562.008", "deletes a flow log"),
    step(2_300, Admin, "iam", write("UpdateAssumeRolePolicy", r#"{"roleName":"prod-reports-worker-role","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"},{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::$outside:root\"},\"Action\":\"sts:AssumeRole\"}]}"}"#, "null")).tells("persistence", "T1098.003", "lets an outside account assume a role"),
    step(2_390, Admin, "lambda", write("AddPermission20150331v2", r#"{"functionName":"prod-payments-worker","statementId":"sync","action":"lambda:InvokeFunction","principal":"$outside"}"#, r#"{"statement":"{\"Sid\":\"sync\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::$outside:root\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:$region:$account:function:prod-payments-worker\"}"}"#)).tells("persistence", "T1546", "lets an outside account invoke a function"),
    step(2_900, Admin, "secretsmanager", read("ListSecrets", r#"{"maxResults":100}"#)).tells("discovery", "T1526", "lists production's secrets"),
    step(2_930, Admin, "secretsmanager", read("GetSecretValue", r#"{"secretId":"$secret"}"#)).times(10).tells("credential-access", "T1555.006", "reads secret after secret"),
    step(3_600, Admin, "ec2", read("DescribeSnapshots", r#"{"snapshotSet":{},"ownersSet":{"items":[{"owner":"self"}]},"sharedUsersSet":{},"filterSet":{}}"#)).tells("discovery", "T1580", "lists snapshots"),
    step(3_660, Admin, "ec2", write("ModifySnapshotAttribute", r#"{"snapshotId":"$snapshot","createVolumePermission":{"add":{"items":[{"userId":"$outside"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#, RETURNED)).times(2).tells("exfiltration", "T1537", "shares a snapshot with an outside account"),
    step(4_200, Admin, "s3", write("PutBucketPolicy", r#"{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"sync","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::prod-exports-data-example","arn:aws:s3:::prod-exports-data-example/*"]}]},"bucketName":"prod-exports-data-example","Host":"prod-exports-data-example.s3.$region.amazonaws.com","policy":""}"#, "null").on(BUCKET)).tells("exfiltration", "T1567.002", "opens a bucket to everyone"),
    step(4_290, Admin, "s3", write("PutBucketReplication", r#"{"replication":"","bucketName":"prod-exports-data-example","Host":"prod-exports-data-example.s3.$region.amazonaws.com","ReplicationConfiguration":{"Role":"arn:aws:iam::$account:role/prod-exports-worker-role","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"Status":"Enabled","Destination":{"Bucket":"arn:aws:s3:::sync-target-example","Account":"$outside"},"Filter":"","Priority":0,"ID":"sync","DeleteMarkerReplication":{"Status":"Disabled"}}}}"#, "null").on(BUCKET)).tells("exfiltration", "T1537", "replicates a bucket to an outside account"),
    step(4_800, Admin, "s3", read("ListObjects", r#"{"list-type":"2","bucketName":"prod-exports-data-example","prefix":"","encoding-type":"url","Host":"prod-exports-data-example.s3.$region.amazonaws.com"}"#).on(BUCKET).data()).tells("discovery", "T1619", "lists a bucket"),
    step(4_830, Admin, "s3", read("GetObject", r#"{"bucketName":"prod-exports-data-example","Host":"prod-exports-data-example.s3.$region.amazonaws.com","key":"exports/customers-$hex8.csv"}"#).on(r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::prod-exports-data-example/exports/customers-$hex8.csv"},{"accountId":"$account","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::prod-exports-data-example"}]"#).data()).times(10).tells("exfiltration", "T1530", "takes object after object"),
    step(5150, Leaked, "sts", TO_DEPLOYER).tells("privilege-escalation", "T1548.005", "becomes the deployer again, for a chained session lasts an hour"),
    step(5210, Deployer, "sts", TO_ADMIN).tells("lateral-movement", "T1550.001", "becomes administrator of production again"),
    step(5210, Neighbour, "sts", TO_ADMIN).tells("lateral-movement", "T1550.001", "the same, as production sees it"),
    step(6_480, Admin, "ec2", write("AuthorizeSecurityGroupIngress", r#"{"groupId":"$group","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, r#"{"requestId":"$uuid","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"$account","groupId":"$group","securityGroupRuleId":"sgr-0$hex16","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"}]}}"#)).tells("defense-evasion", "T1562.007", "opens SSH to the world"),
    step(7_300, Admin, "ec2", gpus(GPUS)).elsewhere(MILAN).fails("Client.VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.").tells("impact", "T1496", "is refused GPU instances in a Region out of use"),
    step(7_380, Admin, "ec2", write("CreateKeyPair", r#"{"keyName":"x","keyType":"rsa","keyFormat":"pem"}"#, r#"{"requestId":"$uuid","keyName":"x","keyFingerprint":"$hex40","keyPairId":"key-0$hex16","keyMaterial":"<sensitiveDataRemoved>"}"#)).elsewhere(OSAKA).tells("impact", "T1496", "makes a key pair in a Region out of use"),
    step(7_420, Admin, "ec2", gpus(GPUS)).elsewhere(OSAKA).tells("impact", "T1496", "runs GPU instances in a Region out of use"),
    step(8700, Leaked, "sts", TO_DEPLOYER).tells("privilege-escalation", "T1548.005", "becomes the deployer again, for a chained session lasts an hour"),
    step(8760, Deployer, "sts", TO_ADMIN).tells("lateral-movement", "T1550.001", "becomes administrator of production again"),
    step(8760, Neighbour, "sts", TO_ADMIN).tells("lateral-movement", "T1550.001", "the same, as production sees it"),
    step(9_900, Admin, "iam", read("ListAccountAliases", "null")).tells("discovery", "T1087.004", "looks around once more"),
];

/// When the attack begins: before two in the morning of the second day.
pub fn start(options: &Options) -> Option<i64> {
    let day = i64::from(options.days.saturating_sub(1).min(1));
    (options.attack == Scenario::Takeover).then_some(options.start_ms + day * DAY_MS + 100 * MINUTE_MS)
}

/// The attack's events in the order of time.
pub fn script(options: &Options, world: &World) -> Vec<Told> {
    let Some(start_ms) = start(options) else { return Vec::new() };
    let seed = join(options.seed, name("takeover"));
    let mut told = Vec::new();
    for step in TAKEOVER {
        for n in 0..step.times {
            told.push(tell(&Moment { step, start_ms, at_s: step.at_s + n * 19, seed, world }));
        }
    }
    told.sort_by_key(|told| told.time_ms);
    told
}

/// The attacker's chained sessions begin at these seconds; the admin's a minute later.
const ROUNDS: [i64; 3] = [1_580, 5_150, 8_700];
const SIGN_IN_S: i64 = 1_020;

/// One step at its time, with the seed that makes the attacker's keys.
struct Moment<'a> {
    step: &'a Step,
    start_ms: i64,
    at_s: i64,
    seed: u64,
    world: &'a World,
}

fn tell(moment: &Moment) -> Told {
    let step = moment.step;
    let service = service::find(step.service).expect("the story calls listed services");
    let region = if service.home == Home::Global { VIRGINIA } else { step.region };
    let account = if matches!(step.who, Admin | Neighbour) { PRODUCTION } else { DEVELOPMENT };
    let names = moment.names();
    let scene = Scene {
        estate: &moment.world.estates[account],
        region,
        time_ms: moment.start_ms + moment.at_s * 1000,
        random: join(join(moment.seed, name(step.call.name)), moment.at_s as u64),
        names: &names,
        issued: moment.issued(),
    };
    let identity = moment.identity(&names);
    let origin = Origin {
        address: ADDRESS,
        agent: agent(step),
        through: if moment.signed_in() { Through::Console } else { Through::Program },
    };
    let failure = step.failure.map(|(code, message)| Failure { code, message });
    // Both accounts of a call across accounts keep it, with one shared id.
    let shared = matches!(step.who, Deployer | Neighbour).then(|| join(moment.seed, step.at_s as u64));
    let record = Record { service, call: &step.call, identity: identity.as_bytes(), origin, failure, shared };
    let mut json = Vec::new();
    record::write(&mut json, &record, &scene);
    Told { time_ms: scene.time_ms, account, region, json, truth: truth(step, &scene) }
}

fn truth(step: &Step, scene: &Scene) -> String {
    let mut when = Vec::new();
    time::iso(&mut when, scene.time_ms);
    format!(
        "{{\"eventID\":\"{}\",\"time\":\"{}\",\"account\":\"{}\",\"step\":\"{}\",\"technique\":\"{}\",\"what\":\"{}\"}}\n",
        record::event_id(scene),
        String::from_utf8_lossy(&when),
        scene.estate.account.id,
        step.step,
        step.technique,
        step.what
    )
}

fn agent(step: &Step) -> &'static str {
    match step.who {
        Newcomer => BROWSER,
        Planted => CLI_AGENT,
        _ if step.call.access == Access::Write => CLI_AGENT,
        _ => SCRIPT_AGENT,
    }
}

impl Moment<'_> {
    fn signed_in(&self) -> bool {
        self.step.who == Newcomer && self.at_s > SIGN_IN_S
    }

    /// Which of the chained sessions is on, by the second of the night at which `lag` ago it began.
    fn round(&self, lag: i64) -> usize {
        ROUNDS.iter().rposition(|begin| begin + lag <= self.at_s).unwrap_or(0)
    }

    fn number(&self, who: &str, round: usize) -> u64 {
        join(self.seed, name(who) ^ round as u64)
    }

    /// The number of the key or id that this step brings into the world.
    fn issued(&self) -> u64 {
        match (self.step.call.name, self.step.who) {
            ("CreateAccessKey", _) => self.number("planted", 0),
            ("CreateUser", _) => self.number("newcomer", 0),
            ("AssumeRole", Leaked) => self.number("deployer", self.round(0)),
            ("AssumeRole", _) => self.number("admin", self.round(60)),
            _ => self.number(self.step.what, 0),
        }
    }

    fn names(&self) -> Names {
        let (dev, prod) = (ACCOUNTS[DEVELOPMENT].id, ACCOUNTS[PRODUCTION].id);
        let user = |user: &str, principal: String| Names {
            arn: format!("arn:aws:iam::{dev}:user/{user}"),
            user: user.to_owned(),
            role: String::new(),
            role_arn: String::new(),
            principal,
        };
        let role = |account: &str, role: &str, number: u64| Names {
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/deploy"),
            user: "deploy".to_owned(),
            role: role.to_owned(),
            role_arn: format!("arn:aws:iam::{account}:role/{role}"),
            principal: key_text("AROA", number),
        };
        match self.step.who {
            Leaked => user(VICTIM, user_id(VICTIM, dev)),
            Planted => user("svc-backup", user_id("svc-backup", dev)),
            Newcomer => user("support-backup", key_text("AIDA", self.number("newcomer", 0))),
            Deployer | Neighbour => role(dev, "dev-deployer", name("dev-deployer")),
            Admin => role(prod, "OrganizationAccountAccessRole", name("OrganizationAccountAccessRole")),
        }
    }

    fn identity(&self, names: &Names) -> String {
        let Names { arn, user, role, role_arn, principal } = names;
        let dev = ACCOUNTS[DEVELOPMENT].id;
        let of_user = format!(r#"{{"type":"IAMUser","principalId":"{principal}","arn":"{arn}","accountId":"{dev}""#);
        let session = |key: u64, begin_s: i64, issuer: &str| {
            let mut when = Vec::new();
            time::iso(&mut when, self.start_ms + begin_s * 1000);
            let (key, when) = (key_text("ASIA", key), String::from_utf8_lossy(&when).into_owned());
            (
                key,
                format!(
                    r#""sessionContext":{{{issuer}"attributes":{{"creationDate":"{when}","mfaAuthenticated":"false"}}}}}}"#
                ),
            )
        };
        match self.step.who {
            Leaked => self.world.leaked_identity(),
            Planted => format!(
                r#"{of_user},"accessKeyId":"{}","userName":"{user}"}}"#,
                key_text("AKIA", self.number("planted", 0))
            ),
            Newcomer if !self.signed_in() => format!(r#"{of_user},"userName":"{user}"}}"#),
            Newcomer => {
                let (key, context) = session(self.number("console", 0), SIGN_IN_S, "");
                format!(r#"{of_user},"accessKeyId":"{key}","userName":"{user}",{context}"#)
            }
            Neighbour => format!(r#"{{"type":"AWSAccount","principalId":"{principal}:{user}","accountId":"{dev}"}}"#),
            Deployer | Admin => {
                let (who, lag) = if self.step.who == Admin { ("admin", 60) } else { ("deployer", 0) };
                let account = if self.step.who == Admin { ACCOUNTS[PRODUCTION].id } else { dev };
                let issuer = format!(
                    r#""sessionIssuer":{{"type":"Role","principalId":"{principal}","arn":"{role_arn}","accountId":"{account}","userName":"{role}"}},"#
                );
                let round = self.round(lag);
                let (key, context) = session(self.number(who, round), ROUNDS[round] + lag, &issuer);
                format!(
                    r#"{{"type":"AssumedRole","principalId":"{principal}:{user}","arn":"{arn}","accountId":"{account}","accessKeyId":"{key}",{context}"#
                )
            }
        }
    }
}
