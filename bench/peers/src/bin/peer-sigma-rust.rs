//! sigma-rust on CloudTrail files: parse with serde_json, ask each rule of each record.

fn main() {
    let (folders, corpus) = peers::arguments();
    let rules: Vec<sigma_rust::Rule> =
        peers::rules(&folders).iter().filter_map(|text| sigma_rust::rule_from_yaml(text).ok()).collect();
    let (mut events, mut hits) = (0, 0);
    let mut buffer = Vec::new();
    for file in peers::files(&corpus) {
        peers::inflate(&file, &mut buffer);
        let mut file: serde_json::Value = serde_json::from_slice(&buffer).expect("JSON");
        for record in file["Records"].as_array_mut().expect("records") {
            events += 1;
            let event = sigma_rust::Event::try_from(record.take()).expect("an event");
            hits += rules.iter().filter(|rule| rule.is_match(&event)).count() as u64;
        }
    }
    peers::finish(events, hits);
}
