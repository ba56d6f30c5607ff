//! Rules of one's own, tiers, and the commands about rules.

use super::record::{attack, lines};
use super::{Folder, Ran, inside, skywarden};

const GOOD: &str = "title: Somebody looked at trails
id: 6f1e0c52-3a3e-4a35-9d0f-1b2c3d4e5f60
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: DescribeTrails}
  condition: selection
level: low
";

const BROKEN: &str = "title: Broken
id: 7a2e0c52-3a3e-4a35-9d0f-1b2c3d4e5f61
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName|contians: Describe
  condition: selection
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.file("logs/a.json", lines(&attack()));
    folder.file("mine/good.yml", GOOD);
    folder
}

/// The titles of the rules that fired, sorted.
fn fired(ran: &Ran) -> Vec<String> {
    let title = |f: &serde_json::Value| f["finding_info"]["analytic"]["name"].as_str().unwrap().to_owned();
    let mut titles: Vec<String> = ran.json_lines().iter().map(title).collect();
    titles.sort();
    titles
}

#[test]
fn rules_adds_and_only_rules_replaces() {
    let folder = folder();
    let ours = ["CloudTrail logging stopped", "CloudTrail trail deleted"];
    let mine = "Somebody looked at trails";
    assert_eq!(fired(&inside(&folder, "scan logs --format jsonl").run().ends(0)), ours);
    let ran = inside(&folder, "scan logs --format jsonl --rules mine").run().ends(0);
    assert_eq!(fired(&ran), [ours[0], ours[1], mine]);
    for path in ["mine", "mine/good.yml"] {
        let ran = inside(&folder, "scan logs --format jsonl --only-rules").arg(path).run().ends(0);
        assert_eq!(fired(&ran), [mine]);
        let analytic = &ran.json_lines()[0]["finding_info"]["analytic"];
        assert_eq!(analytic["uid"], "6f1e0c52-3a3e-4a35-9d0f-1b2c3d4e5f60");
    }
}

#[test]
fn a_broken_rule_is_drawn_and_the_others_run() {
    let folder = folder();
    folder.file("mine/broken.yml", BROKEN);
    folder.file("mine/not-yaml.yml", "title: [\n");
    folder.file("mine/notes.txt", "not a rule");
    let ran = inside(&folder, "scan logs --format jsonl --rules mine").run().ends(4);
    assert_eq!(fired(&ran).len(), 3, "the others run");
    assert!(ran.stderr.contains("mine/broken.yml:6:15"), "{}", ran.stderr);
    assert!(ran.stderr.contains("eventName|contians: Describe"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `contains`?"), "{}", ran.stderr);
    assert!(ran.stderr.contains("mine/not-yaml.yml:"), "{}", ran.stderr);
    let ran = inside(&folder, "scan logs --rules mine --fail-on critical").run().ends(3);
    assert!(ran.stderr.contains("mine/broken.yml:6:15") && ran.stdout.contains(" in rule files"), "{}", ran.said());
}

#[cfg(unix)]
#[test]
fn a_rule_file_that_cannot_be_read_is_named_and_the_others_run() {
    let folder = folder();
    folder.file("mine/latin.yml", b"title: ok\nauthor: Ren\xe9\n");
    folder.file("mine/huge.yml", "#".repeat((4 << 20) + 1));
    std::os::unix::fs::symlink("..", folder.path().join("mine/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere.yml", folder.path().join("mine/link.yml")).unwrap();
    std::fs::create_dir(folder.path().join("alone")).unwrap();
    folder.file("alone/latin.yml", b"\xff");
    let ran = inside(&folder, "scan logs --format jsonl --rules mine").run().ends(4);
    assert_eq!(fired(&ran).len(), 3, "the others run");
    let said = [
        "mine/latin.yml is not UTF-8",
        "mine/latin.yml:2:12",
        "mine/huge.yml is larger than 4 MiB",
        "mine/link.yml is a broken link to nowhere.yml",
    ];
    let lint = inside(&folder, "rules lint mine").run().ends(1);
    for text in said {
        assert!(ran.stderr.contains(text), "{text}\n{}", ran.stderr);
        assert!(lint.stdout.contains(text), "{text}\n{}", lint.stdout);
    }
    assert!(ran.stderr.contains("mine/loop/mine is a loop: it leads back to mine"), "{}", ran.stderr);
    inside(&folder, "rules list --rules mine").run().ends(4).says("Somebody looked at trails").says("is not UTF-8");
    inside(&folder, "scan logs --only-rules alone").run().ends(4).says("alone/latin.yml is not UTF-8");
    inside(&folder, "scan logs --rules nowhere").run().ends(1).says("nowhere does not exist");
}

#[test]
fn tiers_are_changed_without_touching_rules() {
    let folder = folder();
    folder.file("tiers.yml", "cloudtrail_logging_stopped: low\n494a781d-0b7e-48fc-80cb-48c387472795: informational\n");
    let ran = inside(&folder, "scan logs --format jsonl --tiers tiers.yml").run().ends(0);
    let tiers: Vec<_> = ran.json_lines().iter().map(|f| f["severity"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tiers, ["Low", "Informational"]);
    for (text, why) in [
        ("no_such_rule: low\n", "no rule is called `no_such_rule`"),
        (
            "cloudtrail_logging_stopped: urgent\n",
            "`urgent` of `cloudtrail_logging_stopped` is no level: use informational",
        ),
        ("- a\n", "it must be a YAML map"),
        ("a: [\n", "tiers.yml"),
    ] {
        folder.file("tiers.yml", text);
        inside(&folder, "scan logs --tiers tiers.yml").run().ends(1).says(why);
    }
}

#[test]
fn placeholders_are_filled_from_a_file() {
    let folder = folder();
    folder.file(
        "mine/good.yml",
        GOOD.replace("{eventName: Describe", "{'eventName|expand': '%looks%'").replace("Trails}\n", "}\n"),
    );
    folder.file("lists.yml", "looks: [DescribeTrails, GetTrail]\n");
    let ran = inside(&folder, "scan logs --format jsonl --only-rules mine --placeholders lists.yml").run().ends(0);
    assert_eq!(fired(&ran), ["Somebody looked at trails"]);
    inside(&folder, "scan logs --only-rules mine").run().ends(4).says("good.yml:5").says("looks");
}

#[test]
fn list() {
    let folder = folder();
    let ran = skywarden(["rules", "list"]).run().ends(0);
    assert!(
        ran.stdout
            .lines()
            .any(|l| l.starts_with("critical") && l.contains("CloudTrail logging stopped") && l.contains("T1562.008"))
    );
    let ran = skywarden(["rules", "list", "--format", "json"]).run().ends(0);
    let rules: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let rules = rules.as_array().unwrap();
    assert!(rules.len() >= 60, "{} rules of our own", rules.len());
    for rule in rules {
        assert!(rule["tests"].as_u64() >= Some(3), "{rule}");
    }
    let ran = inside(&folder, "rules list --only-rules mine").run().ends(0);
    assert!(ran.stdout.starts_with("low") && ran.stdout.contains("1 rules"), "{}", ran.stdout);
    folder.file("mine/broken.yml", BROKEN);
    inside(&folder, "rules list --only-rules mine").run().ends(4).says("broken.yml:6:15").says("1 rules");
    inside(&folder, "rules list --only-rules nowhere").run().ends(1).says("nowhere does not exist");
    inside(&folder, "rules list --only-rules logs").run().ends(1).says("no rule files (*.yml) in logs");
}

#[test]
fn show() {
    let by_id = skywarden(["rules", "show", "b43ca50a-bfe4-4bb4-897b-f62eccc9763f"]).run().ends(0);
    let by_file = skywarden(["rules", "show", "cloudtrail_logging_stopped"]).run().ends(0);
    let by_title = skywarden(["rules", "show", "cloudtrail LOGGING stopped"]).run().ends(0);
    assert!(by_id.stdout == by_file.stdout && by_file.stdout == by_title.stdout);
    by_id
        .says("T1562.008 Disable or Modify Cloud Logs")
        .says("check")
        .says("looks for")
        .says("eventName[*] = \"stoplogging\"i");
    skywarden(["rules", "show", "no_such_rule"]).run().ends(1).says("no rule is called `no_such_rule`");
}

#[test]
fn lint() {
    let folder = folder();
    skywarden(["rules", "lint"]).run().ends(0).says("0 errors, 0 warnings");
    inside(&folder, "rules lint mine").run().ends(0).says("1 good documents in 1 files, 0 errors");
    folder.file("mine/broken.yml", BROKEN);
    folder.file("mine/twin.yml", GOOD);
    let ran = inside(&folder, "rules lint mine").run().ends(1);
    ran.says("mine/broken.yml:6:15")
        .says("did you mean `contains`?")
        .says("is taken: mine/good.yml has it too")
        .says("2 errors");
    let elsewhere = Folder::new();
    elsewhere.file("linux.yml", GOOD.replace("aws", "linux"));
    inside(&elsewhere, "rules lint linux.yml").run().ends(0).says("never runs").says("1 warnings");
    inside(&elsewhere, "rules lint --strict linux.yml").run().ends(1);
    inside(&elsewhere, "rules lint nowhere").run().ends(1).says("nowhere does not exist");
}

#[test]
fn test() {
    let folder = folder();
    skywarden(["rules", "test"]).run().ends(0).says(" 0 failed, 0 rules without tests");
    let tests = |fires: &str, silent: &str| {
        let event =
            |name: &str| format!("{{eventVersion: '1.11', eventName: {name}, eventSource: cloudtrail.amazonaws.com}}");
        format!(
            "{GOOD}skywarden:\n  tests:\n    fires:\n      - name: a look\n        event: {}\n    silent:\n      - name: another call\n        event: {}\n",
            event(fires),
            event(silent)
        )
    };
    folder.file("mine/good.yml", tests("DescribeTrails", "GetTrail"));
    inside(&folder, "rules test --only-rules mine").run().ends(0).says("1 rules, 2 tests, 0 failed");
    folder.file("mine/good.yml", tests("GetTrail", "DescribeTrails"));
    let ran = inside(&folder, "rules test --only-rules mine").run().ends(1);
    ran.says("mine/good.yml: a look: does not fire").says("mine/good.yml: another call: fires").says("2 failed");
}
