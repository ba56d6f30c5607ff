//! What runs: EC2, Auto Scaling, Lambda, ECS, EKS, ECR.

use super::{Call, Service, read, service, write};

pub const ALL: &[Service] = &[
    service("ec2.amazonaws.com", "ec2.$region.amazonaws.com", EC2).version("1.10").fails(EC2_FAILURES),
    service("autoscaling.amazonaws.com", "autoscaling.$region.amazonaws.com", AUTO_SCALING).version("1.08"),
    service("lambda.amazonaws.com", "lambda.$region.amazonaws.com", LAMBDA).version("1.10"),
    service("ecs.amazonaws.com", "ecs.$region.amazonaws.com", ECS),
    service("eks.amazonaws.com", "eks.$region.amazonaws.com", EKS),
    service("ecr.amazonaws.com", "api.ecr.$region.amazonaws.com", ECR).version("1.09"),
];

const EC2_FAILURES: &[(&str, &str)] = &[
    ("Client.RequestLimitExceeded", "Request limit exceeded."),
    ("Client.UnauthorizedOperation", "You are not authorized to perform this operation. User: $arn is not authorized to perform this action because no identity-based policy allows it"),
    ("Client.InvalidInstanceID.NotFound", "The instance ID '$instance' does not exist"),
    ("Client.RequestLimitExceeded", "Request limit exceeded."),
    ("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
];

const RETURNED: &str = r#"{"requestId":"$uuid","_return":true}"#;

const EC2: &[Call] = &[
    read("DescribeInstances", r#"{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}}"#),
    read("DescribeInstanceStatus", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]},"filterSet":{},"includeAllInstances":true}"#),
    read("DescribeInstanceAttribute", r#"{"instanceId":"$instance","attribute":"userData"}"#),
    read("DescribeInstanceTypes", r#"{"DescribeInstanceTypesRequest":{"MaxResults":100,"NextToken":""}}"#),
    read("DescribeVolumes", r#"{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"$instance"}]}}]}}"#),
    read("DescribeVolumeStatus", r#"{"volumeSet":{},"filterSet":{}}"#),
    read("DescribeSnapshots", r#"{"maxResults":500,"snapshotSet":{},"ownersSet":{"items":[{"owner":"self"}]},"sharedUsersSet":{},"filterSet":{}}"#),
    read("DescribeImages", r#"{"imagesSet":{"items":[{"imageId":"$image"}]},"executableBySet":{},"ownersSet":{},"filterSet":{}}"#),
    read("DescribeSecurityGroups", r#"{"maxResults":1000,"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"$vpc"}]}}]}}"#),
    read("DescribeSecurityGroupRules", r#"{"DescribeSecurityGroupRulesRequest":{"Filter":{"Name":"group-id","tag":1,"Value":{"tag":1,"content":"$group"}},"MaxResults":100}}"#),
    read("DescribeNetworkInterfaces", r#"{"maxResults":200,"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"group-id","valueSet":{"items":[{"value":"$group"}]}}]}}"#),
    read("DescribeSubnets", r#"{"subnetSet":{"items":[{"subnetId":"$subnet"}]},"filterSet":{}}"#),
    read("DescribeVpcs", r#"{"vpcSet":{},"filterSet":{}}"#),
    read("DescribeVpcAttribute", r#"{"vpcId":"$vpc","attribute":"enableDnsHostnames"}"#),
    read("DescribeVpcEndpoints", r#"{"DescribeVpcEndpointsRequest":{"VpcEndpointId":{"tag":1,"content":"$vpce"}}}"#),
    read("DescribeRouteTables", r#"{"routeTableIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"$vpc"}]}}]}}"#),
    read("DescribeNetworkAcls", r#"{"networkAclIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"$vpc"}]}}]}}"#),
    read("DescribeNatGateways", r#"{"DescribeNatGatewaysRequest":{"NatGatewayId":{"tag":1,"content":"$nat"}}}"#),
    read("DescribeInternetGateways", r#"{"internetGatewayIdSet":{},"filterSet":{}}"#),
    read("DescribeAddresses", r#"{"publicIpsSet":{},"filterSet":{},"allocationIdsSet":{}}"#),
    read("DescribeAvailabilityZones", r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#),
    read("DescribeRegions", r#"{"regionSet":{},"allRegions":true}"#),
    read("DescribeAccountAttributes", r#"{"filterSet":{},"accountAttributeNameSet":{"items":[{"attributeName":"supported-platforms"}]}}"#),
    read("DescribeTags", r#"{"maxResults":1000,"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"$instance"}]}}]}}"#),
    read("DescribeKeyPairs", r#"{"keySet":{},"keyPairIdSet":{},"filterSet":{}}"#),
    read("DescribeFlowLogs", r#"{"DescribeFlowLogsRequest":{"MaxResults":100}}"#),
    read("DescribeLaunchTemplates", r#"{"DescribeLaunchTemplatesRequest":{"MaxResults":100}}"#),
    read("DescribeReservedInstances", r#"{"reservedInstancesSet":{},"filterSet":{}}"#),
    read("GetEbsEncryptionByDefault", r#"{"GetEbsEncryptionByDefaultRequest":""}"#),
    write("RunInstances", r#"{"instancesSet":{"items":[{"imageId":"$image","minCount":1,"maxCount":1}]},"instanceType":"t3.medium","blockDeviceMapping":{},"monitoring":{"enabled":false},"subnetId":"$subnet","groupSet":{"items":[{"groupId":"$group"}]},"iamInstanceProfile":{"name":"$role"},"disableApiTermination":false,"disableApiStop":false,"clientToken":"$uuid","metadataOptions":{"httpTokens":"required"}}"#, r#"{"requestId":"$uuid2","reservationId":"r-0$hex16","ownerId":"$account","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-0$hex16a","imageId":"$image","currentState":{"code":0,"name":"pending"},"instanceState":{"code":0,"name":"pending"},"amiLaunchIndex":0,"productCodes":{},"instanceType":"t3.medium","launchTime":$epochms,"placement":{"availabilityZone":"$zone","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"$subnet","vpcId":"$vpc","privateIpAddress":"$privateip","architecture":"x86_64"}]}}"#),
    write("TerminateInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]}}"#, r#"{"requestId":"$uuid","instancesSet":{"items":[{"instanceId":"$instance","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}"#),
    write("StartInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]}}"#, r#"{"requestId":"$uuid","instancesSet":{"items":[{"instanceId":"$instance","currentState":{"code":0,"name":"pending"},"previousState":{"code":80,"name":"stopped"}}]}}"#),
    write("StopInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]},"force":false}"#, r#"{"requestId":"$uuid","instancesSet":{"items":[{"instanceId":"$instance","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}"#),
    write("RebootInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]}}"#, RETURNED),
    write("CreateTags", r#"{"resourcesSet":{"items":[{"resourceId":"$instance"}]},"tagSet":{"items":[{"key":"owner","value":"$user"}]}}"#, RETURNED),
    write("CreateSnapshot", r#"{"volumeId":"$volume","description":"nightly $volume","tagSpecificationSet":{"items":[{"resourceType":"snapshot","tags":[{"key":"backup","value":"nightly"}]}]}}"#, r#"{"requestId":"$uuid","snapshotId":"snap-0$hex16","volumeId":"$volume","status":"pending","startTime":$epochms,"progress":"","ownerId":"$account","volumeSize":"100","encrypted":true,"description":"nightly $volume"}"#),
    write("DeleteSnapshot", r#"{"snapshotId":"$snapshot","force":false}"#, RETURNED),
    write("ModifySnapshotAttribute", r#"{"snapshotId":"$snapshot","createVolumePermission":{"add":{"items":[{"userId":"777788889999"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#, RETURNED),
    write("CreateVolume", r#"{"size":"100","zone":"$zone","volumeType":"gp3","encrypted":true}"#, r#"{"requestId":"$uuid","volumeId":"vol-0$hex16","size":"100","zone":"$zone","status":"creating","createTime":$epochms,"volumeType":"gp3","encrypted":true}"#),
    write("AttachVolume", r#"{"volumeId":"$volume","instanceId":"$instance","device":"/dev/sdf","deleteOnTermination":false}"#, r#"{"requestId":"$uuid","volumeId":"$volume","instanceId":"$instance","device":"/dev/sdf","status":"attaching","attachTime":$epochms}"#),
    write("CreateSecurityGroup", r#"{"groupName":"$role","groupDescription":"of $role","vpcId":"$vpc"}"#, r#"{"requestId":"$uuid","_return":true,"groupId":"sg-0$hex16"}"#),
    write("AuthorizeSecurityGroupIngress", r#"{"groupId":"$group","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8","description":"internal"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, r#"{"requestId":"$uuid","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"$account","groupId":"$group","securityGroupRuleId":"sgr-0$hex16","description":"internal","isEgress":false,"ipProtocol":"tcp","fromPort":443,"toPort":443,"cidrIpv4":"10.0.0.0/8"}]}}"#),
    write("RevokeSecurityGroupIngress", r#"{"groupId":"$group","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":8080,"toPort":8080,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.16.0.0/16"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, RETURNED),
    write("AuthorizeSecurityGroupEgress", r#"{"groupId":"$group","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":5432,"toPort":5432,"groups":{"items":[{"groupId":"$group"}]},"ipRanges":{},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, RETURNED),
    write("CreateNetworkInterface", r#"{"subnetId":"$subnet","description":"AWS Lambda VPC ENI-$function","groupSet":{"items":[{"groupId":"$group"}]},"privateIpAddressesSet":{},"clientToken":"$uuid"}"#, r#"{"requestId":"$uuid2","networkInterface":{"networkInterfaceId":"eni-0$hex16","subnetId":"$subnet","vpcId":"$vpc","availabilityZone":"$zone","ownerId":"$account","requesterManaged":false,"status":"pending","privateIpAddress":"$privateip","groupSet":{"items":[{"groupId":"$group"}]}}}"#),
    write("DeleteNetworkInterface", r#"{"networkInterfaceId":"$eni"}"#, RETURNED),
    write("CreateLaunchTemplateVersion", r#"{"CreateLaunchTemplateVersionRequest":{"LaunchTemplateName":"$asg","SourceVersion":"$count","LaunchTemplateData":{"ImageId":"$image","InstanceType":"m6i.large"}}}"#, r#"{"CreateLaunchTemplateVersionResponse":{"requestId":"$uuid","launchTemplateVersion":{"launchTemplateName":"$asg","defaultVersion":false,"versionNumber":$count,"createdBy":"$arn","createTime":"$time"}}}"#),
];

const AUTO_SCALING: &[Call] = &[
    read("DescribeAutoScalingGroups", r#"{"maxRecords":100,"autoScalingGroupNames":["$asg"]}"#),
    read("DescribeAutoScalingInstances", r#"{"instanceIds":["$instance"]}"#),
    read("DescribeScalingActivities", r#"{"autoScalingGroupName":"$asg","maxRecords":20}"#),
    read("DescribePolicies", r#"{"autoScalingGroupName":"$asg"}"#),
    read("DescribeLaunchConfigurations", r#"{"maxRecords":100}"#),
    write("SetDesiredCapacity", r#"{"autoScalingGroupName":"$asg","desiredCapacity":$count,"honorCooldown":false}"#, "null"),
    write("UpdateAutoScalingGroup", r#"{"autoScalingGroupName":"$asg","minSize":2,"maxSize":$count}"#, "null"),
];

const FUNCTION: &str = r#"[{"accountId":"$account","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:$region:$account:function:$function"}]"#;

const LAMBDA: &[Call] = &[
    read("ListFunctions20150331", r#"{"maxItems":50}"#),
    read("GetFunction20150331v2", r#"{"functionName":"$function"}"#),
    read("GetFunctionConfiguration20150331v2", r#"{"functionName":"arn:aws:lambda:$region:$account:function:$function"}"#),
    read("GetPolicy20150331v2", r#"{"functionName":"$function"}"#),
    read("ListTags20170331", r#"{"resource":"arn:aws:lambda:$region:$account:function:$function"}"#),
    read("ListEventSourceMappings20150331", r#"{"functionName":"$function"}"#),
    read("ListVersionsByFunction20150331", r#"{"functionName":"$function","maxItems":50}"#),
    write("UpdateFunctionCode20150331v2", r#"{"functionName":"$function","imageUri":"$account.dkr.ecr.$region.amazonaws.com/$repository:$hex8","publish":true,"dryRun":false}"#, r#"{"functionName":"$function","functionArn":"arn:aws:lambda:$region:$account:function:$function","role":"arn:aws:iam::$account:role/$role","codeSize":0,"description":"","timeout":30,"memorySize":512,"lastModified":"$time","codeSha256":"$hex40","version":"$count","tracingConfig":{"mode":"Active"},"revisionId":"$uuid","state":"Active","lastUpdateStatus":"InProgress","packageType":"Image","architectures":["arm64"]}"#),
    write("UpdateFunctionConfiguration20150331v2", r#"{"functionName":"$function","memorySize":1024,"environment":{}}"#, r#"{"functionName":"$function","functionArn":"arn:aws:lambda:$region:$account:function:$function","memorySize":1024,"environment":{},"lastModified":"$time","version":"$LATEST","revisionId":"$uuid","state":"Active"}"#),
    write("PublishVersion20150331", r#"{"functionName":"$function","revisionId":"$uuid"}"#, r#"{"functionName":"$function","functionArn":"arn:aws:lambda:$region:$account:function:$function:$count","version":"$count","lastModified":"$time","state":"Active"}"#),
    write("AddPermission20150331v2", r#"{"functionName":"$function","statementId":"events-$hex8","action":"lambda:InvokeFunction","principal":"events.amazonaws.com","sourceArn":"arn:aws:events:$region:$account:rule/$rule"}"#, r#"{"statement":"{\"Sid\":\"events-$hex8\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:$region:$account:function:$function\",\"Condition\":{\"ArnLike\":{\"AWS:SourceArn\":\"arn:aws:events:$region:$account:rule/$rule\"}}}"}"#),
    read("Invoke", r#"{"functionName":"arn:aws:lambda:$region:$account:function:$function","invocationType":"RequestResponse","contentType":"application/json"}"#).on(FUNCTION).data().adds(r#"{"customerEniId":"$eni"}"#),
];

const ECS: &[Call] = &[
    read("ListClusters", r#"{"maxResults":100}"#),
    read("DescribeClusters", r#"{"clusters":["$cluster"]}"#),
    read("DescribeServices", r#"{"cluster":"$cluster","services":["$ecsservice"]}"#),
    read("DescribeTasks", r#"{"cluster":"$cluster","tasks":["arn:aws:ecs:$region:$account:task/$cluster/$hex32"]}"#),
    read("ListTasks", r#"{"cluster":"$cluster","serviceName":"$ecsservice","desiredStatus":"RUNNING"}"#),
    read("DescribeTaskDefinition", r#"{"taskDefinition":"$ecsservice:$count"}"#),
    read("DescribeContainerInstances", r#"{"cluster":"$cluster","containerInstances":["$hex32"]}"#),
    read("DiscoverPollEndpoint", r#"{"cluster":"$cluster","containerInstance":"arn:aws:ecs:$region:$account:container-instance/$cluster/$hex32"}"#).gets(r#"{"endpoint":"https://ecs-a-1.$region.amazonaws.com/","telemetryEndpoint":"https://ecs-t-1.$region.amazonaws.com/"}"#),
    write("SubmitTaskStateChange", r#"{"cluster":"$cluster","task":"arn:aws:ecs:$region:$account:task/$cluster/$hex32","status":"RUNNING","containers":[]}"#, r#"{"acknowledgment":"ACK"}"#),
    write("RegisterTaskDefinition", r#"{"family":"$ecsservice","taskRoleArn":"arn:aws:iam::$account:role/$role","networkMode":"awsvpc","cpu":"512","memory":"1024","requiresCompatibilities":["FARGATE"],"containerDefinitions":[{"name":"app","image":"$account.dkr.ecr.$region.amazonaws.com/$repository:$hex8","essential":true}]}"#, r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:$region:$account:task-definition/$ecsservice:$count","family":"$ecsservice","revision":$count,"status":"ACTIVE","registeredBy":"$arn"}}"#),
    write("UpdateService", r#"{"cluster":"$cluster","service":"$ecsservice","taskDefinition":"$ecsservice:$count","forceNewDeployment":false}"#, r#"{"service":{"serviceArn":"arn:aws:ecs:$region:$account:service/$cluster/$ecsservice","serviceName":"$ecsservice","clusterArn":"arn:aws:ecs:$region:$account:cluster/$cluster","status":"ACTIVE","desiredCount":$count,"runningCount":$count,"pendingCount":0,"launchType":"FARGATE"}}"#),
    write("RunTask", r#"{"cluster":"$cluster","taskDefinition":"$ecsservice","count":1,"launchType":"FARGATE","startedBy":"$rule"}"#, r#"{"tasks":[{"taskArn":"arn:aws:ecs:$region:$account:task/$cluster/$hex32","lastStatus":"PROVISIONING","desiredStatus":"RUNNING","startedBy":"$rule"}],"failures":[]}"#),
];

const EKS: &[Call] = &[
    read("ListClusters", r#"{"maxResults":100}"#),
    read("DescribeCluster", r#"{"name":"$cluster"}"#),
    read("ListNodegroups", r#"{"name":"$cluster"}"#),
    read("DescribeNodegroup", r#"{"name":"$cluster","nodegroupName":"$asg"}"#),
    read("ListAddons", r#"{"name":"$cluster"}"#),
];

const ECR: &[Call] = &[
    read("GetAuthorizationToken", "null"),
    read("BatchGetImage", r#"{"registryId":"$account","repositoryName":"$repository","imageIds":[{"imageTag":"$hex8"}],"acceptedMediaTypes":["application/vnd.docker.distribution.manifest.v2+json","application/vnd.oci.image.manifest.v1+json"]}"#).on(REPOSITORY),
    read("GetDownloadUrlForLayer", r#"{"registryId":"$account","repositoryName":"$repository","layerDigest":"sha256:$hex64"}"#).on(REPOSITORY),
    read("BatchCheckLayerAvailability", r#"{"registryId":"$account","repositoryName":"$repository","layerDigests":["sha256:$hex64"]}"#).on(REPOSITORY),
    read("DescribeRepositories", r#"{"maxResults":100}"#),
    read("DescribeImages", r#"{"repositoryName":"$repository","imageIds":[{"imageTag":"$hex8"}]}"#).on(REPOSITORY),
    read("DescribeImageScanFindings", r#"{"repositoryName":"$repository","imageId":{"imageDigest":"sha256:$hex64"}}"#).on(REPOSITORY),
    write("InitiateLayerUpload", r#"{"registryId":"$account","repositoryName":"$repository"}"#, r#"{"uploadId":"$uuid","partSize":20971520}"#).on(REPOSITORY),
    write("PutImage", r#"{"registryId":"$account","repositoryName":"$repository","imageTag":"$hex8","imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json"}"#, r#"{"image":{"registryId":"$account","repositoryName":"$repository","imageId":{"imageDigest":"sha256:$hex64","imageTag":"$hex8"}}}"#).on(REPOSITORY),
];

const REPOSITORY: &str = r#"[{"accountId":"$account","ARN":"arn:aws:ecr:$region:$account:repository/$repository"}]"#;
