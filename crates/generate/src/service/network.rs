//! What connects: load balancing, Route 53, CloudFront, API Gateway, certificates, WAF.

use super::{Call, Service, read, service, write};

pub const ALL: &[Service] = &[
    service("elasticloadbalancing.amazonaws.com", "elasticloadbalancing.$region.amazonaws.com", BALANCING).version("1.08"),
    service("route53.amazonaws.com", "route53.amazonaws.com", ROUTE_53).global().version("1.08"),
    service("cloudfront.amazonaws.com", "cloudfront.amazonaws.com", CLOUDFRONT).global().version("1.08"),
    service("apigateway.amazonaws.com", "apigateway.$region.amazonaws.com", API_GATEWAY).version("1.08"),
    service("acm.amazonaws.com", "acm.$region.amazonaws.com", ACM).version("1.09"),
    service("wafv2.amazonaws.com", "wafv2.$region.amazonaws.com", WAF),
];

const BALANCING: &[Call] = &[
    read("DescribeLoadBalancers", r#"{"pageSize":400}"#),
    read("DescribeTargetGroups", r#"{"loadBalancerArn":"arn:aws:elasticloadbalancing:$region:$account:loadbalancer/app/$balancer/$hex16"}"#),
    read("DescribeTargetHealth", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:$region:$account:targetgroup/$ecsservice/$hex16"}"#),
    read("DescribeListeners", r#"{"loadBalancerArn":"arn:aws:elasticloadbalancing:$region:$account:loadbalancer/app/$balancer/$hex16"}"#),
    read("DescribeRules", r#"{"listenerArn":"arn:aws:elasticloadbalancing:$region:$account:listener/app/$balancer/$hex16/$hex16b"}"#),
    read("DescribeLoadBalancerAttributes", r#"{"loadBalancerArn":"arn:aws:elasticloadbalancing:$region:$account:loadbalancer/app/$balancer/$hex16"}"#),
    write("RegisterTargets", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:$region:$account:targetgroup/$ecsservice/$hex16","targets":[{"id":"$privateip","port":8080}]}"#, "null"),
    write("DeregisterTargets", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:$region:$account:targetgroup/$ecsservice/$hex16","targets":[{"id":"$privateip","port":8080}]}"#, "null"),
];

const ROUTE_53: &[Call] = &[
    read("ListHostedZones", "null"),
    read("ListResourceRecordSets", r#"{"hostedZoneId":"Z0$hex16"}"#),
    read("GetHostedZone", r#"{"id":"Z0$hex16"}"#),
    write("ChangeResourceRecordSets", r#"{"hostedZoneId":"Z0$hex16","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"$ecsservice.example.com","type":"A","tTL":60,"resourceRecords":[{"value":"$privateip"}]}}]}}"#, r#"{"changeInfo":{"id":"/change/C0$hex16","status":"PENDING","submittedAt":"$date"}}"#),
];

const CLOUDFRONT: &[Call] = &[
    read("ListDistributions", "null"),
    read("GetDistribution", r#"{"id":"E$hex12"}"#),
    write("CreateInvalidation", r#"{"distributionId":"E$hex12","invalidationBatch":{"callerReference":"$uuid","paths":{"quantity":1,"items":["/*"]}}}"#, r#"{"invalidation":{"id":"I$hex12","status":"InProgress","createTime":"$date"}}"#),
];

const API_GATEWAY: &[Call] = &[
    read("GetRestApis", r#"{"limit":500}"#),
    read("GetStages", r#"{"restApiId":"$hex10"}"#),
    read("GetResources", r#"{"restApiId":"$hex10","limit":500}"#),
    write("CreateDeployment", r#"{"restApiId":"$hex10","createDeploymentInput":{"stageName":"live"}}"#, r#"{"id":"$hex6","createdDate":"$date"}"#),
];

const ACM: &[Call] = &[
    read("ListCertificates", r#"{"maxItems":1000}"#),
    read("DescribeCertificate", r#"{"certificateArn":"arn:aws:acm:$region:$account:certificate/$certificate"}"#),
];

const WAF: &[Call] = &[
    read("ListWebACLs", r#"{"scope":"REGIONAL"}"#),
    read("GetWebACL", r#"{"name":"$balancer","scope":"REGIONAL","id":"$uuid"}"#),
    read("GetWebACLForResource", r#"{"resourceArn":"arn:aws:elasticloadbalancing:$region:$account:loadbalancer/app/$balancer/$hex16"}"#),
];
