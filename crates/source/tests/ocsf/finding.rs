//! Our own findings are OCSF too.

use std::sync::Arc;

use event::finding::{AtLeast, Evidence, Finding, RELATED_EVENTS_MAX, Related, Severity, Technique, Uid};

use crate::schema::Schema;

fn finding() -> Finding {
    Finding {
        uid: "f-1".into(),
        rule_id: "r-1".into(),
        rule_title: "A rule".into(),
        source: "aws_cloudtrail".into(),
        title: "user/alice made herself an administrator".into(),
        description: Arc::new("What it means.".into()),
        severity: Severity::High,
        techniques: vec![
            Technique {
                id: "T1078.004".into(),
                name: "Cloud Accounts".into(),
                tactics: vec!["Defense Evasion".into()],
            },
            Technique { id: "T1098".into(), name: "Account Manipulation".into(), tactics: vec!["Persistence".into()] },
            Technique { id: "T9999".into(), name: String::new(), tactics: Vec::new() },
            Technique { id: "T9999.001".into(), name: String::new(), tactics: Vec::new() },
        ]
        .into(),
        first_ms: 1_709_287_200_000,
        last_ms: 1_709_287_260_500,
        count: 2,
        account: "111122223333".into(),
        regions: vec!["us-east-1".into()],
        principal: "user/alice".into(),
        principal_uid: "arn:aws:iam::111122223333:user/alice".into(),
        source_ips: vec!["198.51.100.7".into(), "cloudtrail.amazonaws.com".into(), "2001:db8::1".into()],
        resources: vec!["arn:aws:iam::111122223333:user/bob".into()],
        n_resources: AtLeast { n: 1_000, is_more: true },
        triage: vec!["Ask alice.".into()].into(),
        false_positives: vec!["Somebody's first day.".into()].into(),
        evidence: vec![Evidence {
            uid: "e-1".into(),
            time_ms: 1_709_287_200_000,
            action: "iam:AttachUserPolicy".into(),
            error: String::new(),
            source_ip: "198.51.100.7".into(),
            raw: Some("{}".into()),
        }],
        related: vec![Related { time_ms: 1_709_287_200_000, uid: Uid::new("e-1") }],
    }
}

#[test]
fn findings_validate() {
    let Some(schema) = Schema::load("1.3.0") else { return };
    let bare = Finding {
        techniques: Arc::default(),
        regions: Vec::new(),
        principal: String::new(),
        principal_uid: String::new(),
        account: String::new(),
        source_ips: vec!["AWS Internal".into()],
        resources: Vec::new(),
        n_resources: AtLeast::default(),
        triage: Arc::default(),
        false_positives: Arc::default(),
        evidence: Vec::new(),
        related: Vec::new(),
        description: Arc::default(),
        ..finding()
    };
    let related = |i: usize| Related { time_ms: 1_709_287_200_000 + i as i64, uid: Uid::new(&format!("e-{i}")) };
    let several = Finding {
        regions: vec!["us-east-1".into(), "eu-west-1".into()],
        severity: Severity::Critical,
        related: (0..=RELATED_EVENTS_MAX).map(related).collect(),
        ..finding()
    };
    for (finding, n_pages) in [(finding(), 1), (bare, 1), (several, 2)] {
        let pages = finding.to_ocsf("0.1.0");
        assert_eq!(pages.len(), n_pages);
        for event in pages {
            let wrong = schema.mistakes(&event);
            assert!(wrong.is_empty(), "{:?}", &wrong[..wrong.len().min(10)]);
        }
    }
}
