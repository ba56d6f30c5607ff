"""Writes distinct CloudTrail rules, a tenth of them without a literal event name: rules.py N DIR"""
import random, sys, pathlib

VERBS = "Create Delete Update Put Get List Describe Modify Attach Detach Start Stop Enable Disable Associate Disassociate Register Deregister Tag Untag".split()
NOUNS = ("User Role Group Policy AccessKey LoginProfile Bucket Object Key Alias Secret Parameter Function Layer Instance Image Snapshot Volume Vpc Subnet "
         "RouteTable SecurityGroup Gateway Trail Detector Filter Rule Target Queue Topic Table Stream Cluster Service TaskDefinition Repository Domain "
         "Certificate HostedZone Distribution WebAcl Backup Vault Pipeline Project Stack Account").split()
SERVICES = "iam ec2 s3 kms lambda sts cloudtrail guardduty rds secretsmanager ssm eks ecs ecr dynamodb sns sqs events logs organizations".split()
AGENTS = "hydra nmap sqlmap masscan nikto burp wfuzz gobuster ffuf amass subfinder nuclei metasploit empire sliver havoc mythic".split()


def detection(rng, i):
    """A named rule nine times out of ten; otherwise one that only a piece of text, a network or a prefix tells."""
    name, service = rng.choice(VERBS) + rng.choice(NOUNS), rng.choice(SERVICES)
    if i % 10:
        extra = rng.choice([
            f"    userIdentity.arn|contains: ':user/{rng.choice(AGENTS)}{i}'",
            f"    errorCode: null\n    requestParameters.name|startswith: x{i}",
            f"    sourceIPAddress|cidr: 10.{i % 250}.0.0/16",
            f"    userIdentity.type: [Root, IAMUser]\n    awsRegion: xx-north-{i}",
        ])
        return f"    eventSource: {service}.amazonaws.com\n    eventName: {name}\n{extra}"
    return rng.choice([
        f"    userAgent|contains: {rng.choice(AGENTS)}-{i}",
        f"    userIdentity.arn|endswith: ':user/{rng.choice(AGENTS)}{i}'",
        f"    eventSource: {service}.amazonaws.com\n    errorCode|contains: Denied{i}",
        f"    eventSource: {service}.amazonaws.com\n    eventName|startswith: {name}V{i}",
        f"    eventName|re: '^{name}[0-9]{{1,{i % 9 + 1}}}$'\n    eventSource: {service}.amazonaws.com",
    ])


def main():
    count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(11)
    for i in range(count):
        rule = f"""title: Bench rule {i}
id: {rng.getrandbits(32):08x}-0000-4000-8000-{i:012x}
logsource: {{product: aws, service: cloudtrail}}
detection:
  selection:
{detection(rng, i)}
  condition: selection
level: low
"""
        (folder / f"rule_{i:05}.yml").write_text(rule)


main()
