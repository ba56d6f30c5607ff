//! rsigma on CloudTrail files: parse with serde_json, evaluate all rules on each record.

use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;

fn main() {
    let (folders, corpus) = peers::arguments();
    let mut engine = Engine::new();
    for text in peers::rules(&folders) {
        let collection = rsigma_parser::parse_sigma_yaml(&text).expect("a rule file");
        engine.add_rules(&collection.rules);
    }
    let (mut events, mut hits) = (0, 0);
    let mut buffer = Vec::new();
    for file in peers::files(&corpus) {
        peers::inflate(&file, &mut buffer);
        let file: serde_json::Value = serde_json::from_slice(&buffer).expect("JSON");
        for record in file["Records"].as_array().expect("records") {
            events += 1;
            hits += engine.evaluate(&JsonEvent::borrow(record)).len() as u64;
        }
    }
    peers::finish(events, hits);
}
