//! sigma-rust on CloudTrail files: it has no engine over many rules, so each rule is asked of each record.

use sigma_rust::{Event, Rule, rule_from_yaml};

fn main() {
    let task = peers::Task::from_arguments();
    // Rules that it cannot read stay out and show as a lower number of rules.
    let rules: Vec<Rule> = task.rule_texts().iter().filter_map(|text| rule_from_yaml(text).ok()).collect();
    task.run(rules.len(), |record, hits| {
        let event = Event::try_from(record).expect("an object");
        for rule in rules.iter().filter(|rule| rule.is_match(&event)) {
            hits.add(rule.id.as_deref());
        }
    });
}
