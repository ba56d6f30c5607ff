//! A made-up report of an intrusion: a stolen key, a role taken over, logging stopped, data shared away.

use event::finding::{AtLeast, EVIDENCE_MAX, Evidence, Finding, Related, Severity, Technique, Uid};
use event::time::parse;
use report::{Counted, Histogram, Inputs, Link, Report, Skipped, StepLine, Story};

const MIN_MS: i64 = 60_000;

/// One kind of finding that the sample draws from: severity, sentence, rule, action, technique (id, name, tactic), resource.
type Kind =
    (Severity, &'static str, &'static str, &'static str, (&'static str, &'static str, &'static str), &'static str);

const KINDS: [Kind; 15] = [
    (
        Severity::Critical,
        "stopped CloudTrail trail org-trail",
        "CloudTrail logging stopped",
        "cloudtrail:StopLogging",
        ("T1562.008", "Disable or Modify Cloud Logs", "Defense Evasion"),
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/org-trail",
    ),
    (
        Severity::Critical,
        "shared snapshot snap-0f3e8a6d with account 999988887777",
        "Snapshot shared outside the organization",
        "ec2:ModifySnapshotAttribute",
        ("T1537", "Transfer Data to Cloud Account", "Exfiltration"),
        "snap-0f3e8a6d",
    ),
    (
        Severity::High,
        "made an access key for user/backdoor",
        "Access key made for another user",
        "iam:CreateAccessKey",
        ("T1098.001", "Additional Cloud Credentials", "Persistence"),
        "arn:aws:iam::111122223333:user/backdoor",
    ),
    (
        Severity::High,
        "attached AdministratorAccess to user/backdoor",
        "Administrator policy attached",
        "iam:AttachUserPolicy",
        ("T1098.003", "Additional Cloud Roles", "Privilege Escalation"),
        "arn:aws:iam::111122223333:user/backdoor",
    ),
    (
        Severity::High,
        "read 14 secrets in 40 seconds",
        "Many secrets read at once",
        "secretsmanager:GetSecretValue",
        ("T1555.006", "Cloud Secrets Management Stores", "Credential Access"),
        "prod/db/master",
    ),
    (
        Severity::High,
        "logged in to the console without MFA from a new country",
        "Console login without MFA",
        "signin:ConsoleLogin",
        ("T1078.004", "Cloud Accounts", "Initial Access"),
        "",
    ),
    (
        Severity::Medium,
        "opened port 22 to the world in sg-0a1b2c3d",
        "Security group open to the world",
        "ec2:AuthorizeSecurityGroupIngress",
        ("T1562.007", "Disable or Modify Cloud Firewall", "Defense Evasion"),
        "sg-0a1b2c3d",
    ),
    (
        Severity::Medium,
        "listed users, roles and policies in quick succession",
        "IAM enumeration",
        "iam:ListUsers",
        ("T1087.004", "Cloud Account", "Discovery"),
        "",
    ),
    (
        Severity::Medium,
        "ran a command on i-0c7be1f9 through Systems Manager",
        "Command sent to an instance",
        "ssm:SendCommand",
        ("T1651", "Cloud Administration Command", "Execution"),
        "i-0c7be1f9",
    ),
    (
        Severity::Medium,
        "was refused 31 calls in 5 minutes",
        "Burst of refused calls",
        "s3:GetBucketAcl",
        ("T1580", "Cloud Infrastructure Discovery", "Discovery"),
        "arn:aws:s3:::corp-payroll",
    ),
    (
        Severity::Low,
        "called GetCallerIdentity from an unusual user agent",
        "Who-am-I from a hacking tool",
        "sts:GetCallerIdentity",
        ("T1033", "System Owner/User Discovery", "Discovery"),
        "",
    ),
    (
        Severity::Low,
        "copied 212 objects out of corp-payroll",
        "Bulk read of a bucket",
        "s3:GetObject",
        ("T1530", "Data from Cloud Storage", "Collection"),
        "arn:aws:s3:::corp-payroll",
    ),
    (
        Severity::Low,
        "started 8 instances of a type never used before",
        "Unusual instance type",
        "ec2:RunInstances",
        ("T1496.001", "Compute Hijacking", "Impact"),
        "i-0d11aa22",
    ),
    (
        Severity::Low,
        "assumed a role in another account",
        "Cross-account role assumed",
        "sts:AssumeRole",
        ("T1550.001", "Application Access Token", "Lateral Movement"),
        "arn:aws:iam::444455556666:role/audit",
    ),
    (
        Severity::Informational,
        "used a Region for the first time",
        "New Region",
        "ec2:DescribeInstances",
        ("T1535", "Unused/Unsupported Cloud Regions", "Defense Evasion"),
        "",
    ),
];

const PRINCIPALS: [(&str, &str, &str); 5] = [
    ("role/admin", "arn:aws:sts::111122223333:assumed-role/admin/x", "198.51.100.23"),
    ("user/backdoor", "arn:aws:iam::111122223333:user/backdoor", "203.0.113.77"),
    ("user/alice", "arn:aws:iam::111122223333:user/alice", "198.51.100.23"),
    (
        "role/ci-deploy-production-eu-central-1",
        "arn:aws:sts::111122223333:assumed-role/ci-deploy-production-eu-central-1/gh-7712",
        "192.0.2.14",
    ),
    ("root", "arn:aws:iam::444455556666:root", "2001:db8:85a3::8a2e:370:7334"),
];

fn start_ms() -> i64 {
    parse("2023-07-03T06:00:00Z").expect("a good time")
}

/// A report with so many findings.
pub fn report(n_findings: usize) -> Report {
    let mut findings: Vec<Finding> = (0..n_findings).map(finding).collect();
    findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.first_ms));
    let stories = stories(&findings);
    Report {
        version: "0.1.0".to_owned(),
        generated_ms: parse("2023-07-10T14:02:11Z").expect("a good time"),
        command: "skywarden scan ./cloudtrail --report case.html".to_owned(),
        inputs: inputs(),
        period: Some((start_ms(), start_ms() + 7 * 24 * 60 * MIN_MS + 41 * MIN_MS)),
        accounts: counted(&[("111122223333", 46_120), ("444455556666", 2_087)]).into(),
        regions: counted(&[("us-east-1", 40_012), ("eu-central-1", 6_194), ("ap-southeast-2", 2_001)]).into(),
        principals: principals().into(),
        source_ips: counted(&[
            ("192.0.2.14", 30_110),
            ("cloudformation.amazonaws.com", 9_932),
            ("198.51.100.23", 5_201),
            ("203.0.113.77", 2_400),
            ("2001:db8:85a3::8a2e:370:7334", 564),
        ])
        .into(),
        sources: counted(&[("aws_cloudtrail", 45_200), ("aws_vpc_flow", 3_007)]).into(),
        histogram: Some(histogram(&findings)),
        rules_loaded: 412,
        rules_fired: 15,
        findings,
        unlisted: Vec::new(),
        n_stories: AtLeast::exactly(stories.len()),
        stories,
        notes: vec!["role/admin and user/alice are one actor: the role was assumed with her key.".to_owned()],
    }
}

fn inputs() -> Inputs {
    let skip =
        |what: &str, why: &str, records, bytes| Skipped { what: what.to_owned(), why: why.to_owned(), records, bytes };
    Inputs {
        files: 355,
        bytes: 61_700_000,
        events: 48_207,
        seconds: 1.24,
        skipped: vec![
            skip("cloudtrail/notes.json", "not JSON, line 1", 0, 1_204),
            skip(
                "cloudtrail/111122223333_CloudTrail_us-east-1_20230709T1155Z_Qx81.json.gz",
                "truncated gzip after 212 records",
                212,
                18_431,
            ),
        ],
        filtered: 0,
        repeats: 3,
    }
}

fn counted(names: &[(&str, u64)]) -> Vec<Counted> {
    names.iter().map(|(name, count)| Counted { name: (*name).to_owned(), count: *count }).collect()
}

fn principals() -> Vec<Counted> {
    let mut all = counted(&[
        ("role/ci-deploy-production-eu-central-1", 30_110),
        ("role/admin", 4_900),
        ("user/alice", 3_204),
        ("user/backdoor", 900),
        ("root", 40),
    ]);
    all.extend((1..=18).map(|i| Counted { name: format!("role/service-{i:02}"), count: 38 - i }));
    all
}

fn histogram(findings: &[Finding]) -> Histogram {
    let (n, step_ms) = (169, 60 * MIN_MS);
    let wave = |i: u64| 90 + (i % 24) * 12 + (i * 7_919) % 70;
    let events = (0..n).map(|i| if i > 160 { wave(i) * 3 } else { wave(i) }).collect();
    let mut hits = vec![0; n as usize];
    for event in findings.iter().flat_map(|f| &f.related) {
        hits[((event.time_ms - start_ms()) / step_ms) as usize] += 1;
    }
    Histogram { start_ms: start_ms(), step_ms, events, hits }
}

fn finding(i: usize) -> Finding {
    let (severity, what, rule, action, technique, resource) = KINDS[(i * i + i / 4) % KINDS.len()];
    let (principal, uid, ip) = PRINCIPALS[(i * 3 + i / 5) % PRINCIPALS.len()];
    // Three bursts: a first look on Friday, the attack on Monday morning, and its aftermath.
    let burst_ms = match i % 5 {
        0 => start_ms() + 4 * 24 * 60 * MIN_MS + 17 * MIN_MS,
        1..=3 => start_ms() + 7 * 24 * 60 * MIN_MS - 5 * 60 * MIN_MS,
        _ => start_ms() + 7 * 24 * 60 * MIN_MS,
    };
    let first_ms = burst_ms + (i as i64 * 7 % 41) * MIN_MS + (i as i64 * 13 % 60) * 1_000;
    let count = [1, 3, 12, 2, 64, 1, 7][i % 7];
    let evidence: Vec<Evidence> = (0..count).map(|k| evidence(i, k, first_ms, action, ip)).collect();
    Finding {
        uid: format!("f{:015x}", (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4),
        rule_id: format!("aws-{}", rule.to_lowercase().replace(' ', "-")),
        rule_title: rule.to_owned(),
        source: "aws_cloudtrail".to_owned(),
        title: format!("{principal} {what}"),
        description: format!("{rule}. Whoever does this can hide what follows, or prepares to come back. In this account it was never seen in the thirty days before.\n\nThe call came from {ip}, an address that this principal had not used.").into(),
        severity,
        techniques: vec![Technique { id: technique.0.to_owned(), name: technique.1.to_owned(), tactics: vec![technique.2.to_owned()] }].into(),
        first_ms,
        last_ms: evidence.last().map_or(first_ms, |e| e.time_ms),
        count: count as u64,
        account: if principal == "root" { "444455556666" } else { "111122223333" }.to_owned(),
        regions: if i.is_multiple_of(4) { vec!["ap-southeast-2".to_owned(), "us-east-1".to_owned()] } else { vec!["us-east-1".to_owned()] },
        principal: principal.to_owned(),
        principal_uid: uid.to_owned(),
        source_ips: vec![ip.to_owned()],
        n_resources: AtLeast::exactly(usize::from(!resource.is_empty())),
        resources: if resource.is_empty() { vec![] } else { vec![resource.to_owned()] },
        triage: vec![
            "Ask the owner of the key whether the call was theirs; if not, disable the key first and look further after.".to_owned(),
            "List everything the same access key did within the hour before and after.".to_owned(),
            "Check whether the trail logs again: aws cloudtrail get-trail-status --name org-trail".to_owned(),
        ].into(),
        false_positives: vec!["A planned migration of the organization trail, with a change ticket.".to_owned()].into(),
        related: evidence.iter().map(|e| Related { time_ms: e.time_ms, uid: Uid::new(&e.uid) }).collect(),
        evidence: evidence.into_iter().take(EVIDENCE_MAX).collect(),
    }
}

fn evidence(i: usize, k: usize, first_ms: i64, action: &str, ip: &str) -> Evidence {
    let (service, name) = action.split_once(':').unwrap_or(("", action));
    let time_ms = first_ms + k as i64 * 3_700;
    let uid = format!("{:08x}-5b1e-4c7d-9a3f-{:012x}", i * 7_919 + 1, k * 104_729 + 7);
    let error = if k % 6 == 5 { "AccessDenied" } else { "" };
    let raw = (k < 2).then(|| format!(r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"alice"}},"eventTime":"{}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"{ip}","userAgent":"Boto3/1.26 md/Botocore#1.29 ua/2.0 os/linux","requestParameters":{{"name":"org-trail","filters":[]}},"responseElements":null,"eventID":"{uid}","recipientAccountId":"111122223333"}}"#, event::time::rfc3339(time_ms)));
    Evidence { uid, time_ms, action: action.to_owned(), error: error.to_owned(), source_ip: ip.to_owned(), raw }
}

fn stories(findings: &[Finding]) -> Vec<Story> {
    PRINCIPALS
        .iter()
        .filter_map(|(principal, ..)| {
            let mut steps: Vec<StepLine> = findings.iter().filter(|f| f.principal == *principal).map(step).collect();
            steps.sort_by_key(|step| step.time_ms);
            let first_ms = steps.first()?.time_ms;
            let links = if *principal == "role/admin" {
                vec![Link {
                    time_ms: first_ms - MIN_MS,
                    text: "user/alice key …7Q2A assumed role/admin as session x (key …Z4QA)".to_owned(),
                }]
            } else {
                vec![]
            };
            let severity = steps.iter().map(|step| step.severity).max()?;
            Some(Story { principal: (*principal).to_owned(), severity, links, steps, n_unlisted: 0 })
        })
        .collect()
}

fn step(finding: &Finding) -> StepLine {
    StepLine {
        time_ms: finding.first_ms,
        severity: finding.severity,
        text: finding.title.split_once(' ').map_or("", |(_, rest)| rest).to_owned(),
        source_ip: finding.source_ips.first().cloned().unwrap_or_default(),
        technique: finding.techniques.first().map(|t| t.id.clone()).unwrap_or_default(),
        count: finding.count,
        finding_uid: finding.uid.clone(),
    }
}
