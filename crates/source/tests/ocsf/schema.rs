//! A validator over the compiled OCSF schema: required attributes, types, enums and their captions, `type_uid`, no unknown attribute.

use std::collections::BTreeMap;
use std::io::Read;

use regex::Regex;
use serde_json::Value;

/// One version of the schema.
pub struct Schema {
    compiled: Value,
    patterns: BTreeMap<String, Regex>,
}

/// Attributes that may stand though their profile is not active: Security Lake writes the caller into account changes and
/// authentications without the profile `host`, to which OCSF gives it there.
const INACTIVE: [(&str, &str); 1] = [("actor", "host")];

/// One of which an object must have. The compiled schema is wrong for objects that derive from its entity and endpoint: they list
/// `name` and `uid` only.
const AT_LEAST_ONE: [(&str, &[&str]); 6] = [
    (
        "network_endpoint",
        &["ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name", "svc_name"],
    ),
    ("endpoint", &["ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"]),
    ("device", &["ip", "uid", "name", "hostname", "instance_uid", "interface_uid", "interface_name"]),
    ("user", &["account", "name", "uid"]),
    ("process", &["pid", "uid"]),
    ("network_interface", &["ip", "mac", "name", "hostname"]),
];

impl Schema {
    /// Reads the schema of a version, or says that it is missing.
    pub fn load(version: &str) -> Option<Schema> {
        let path = super::corpus::shared(&format!("ocsf/schema/ocsf-{version}.compiled.json.gz"))?;
        let file = std::fs::File::open(path).expect("a found file can be opened");
        let mut text = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the schema is gzip text");
        let compiled: Value = serde_json::from_str(&text).expect("the schema is JSON");
        let types = compiled["types"].as_object().expect("the schema has types");
        let pattern = |(name, ty): (&String, &Value)| {
            let regex = Regex::new(ty["regex"].as_str()?).expect("the schema's patterns are regular expressions");
            Some((name.clone(), regex))
        };
        let patterns = types.iter().filter_map(pattern).collect();
        Some(Schema { compiled, patterns })
    }

    /// What is wrong with an event; nothing if it validates.
    pub fn mistakes(&self, event: &Value) -> Vec<String> {
        let mut check = Check { schema: self, profiles: strings(&event["metadata"]["profiles"]), wrong: Vec::new() };
        let uid = &event["class_uid"];
        let classes = self.compiled["classes"].as_object().expect("the schema has classes");
        let Some(class) = classes.values().find(|class| class["uid"] == *uid) else {
            return vec![format!("class_uid: {uid} is no class")];
        };
        check.facts(event, class);
        check.object(event, class, "", "event");
        check.wrong
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

struct Check<'a> {
    schema: &'a Schema,
    profiles: Vec<&'a str>,
    wrong: Vec<String>,
}

impl Check<'_> {
    /// What the event says of its own class.
    fn facts(&mut self, event: &Value, class: &Value) {
        let activity = &event["activity_id"];
        let expected =
            event["class_uid"].as_i64().zip(activity.as_i64()).map(|(class, activity)| class * 100 + activity);
        self.expect(event["type_uid"].as_i64() == expected, || {
            format!("type_uid: {} is not {expected:?}", event["type_uid"])
        });
        let caption = class["attributes"]["activity_id"]["enum"][activity.to_string()].as_str().unwrap_or_default();
        let name = format!("{}: {caption}", class["caption"].as_str().unwrap_or_default());
        self.expect(event["type_name"] == name.as_str(), || format!("type_name: {} is not {name}", event["type_name"]));
        self.expect(event["class_name"] == class["caption"], || format!("class_name: {}", event["class_name"]));
        let (category_uid, category) = match event["class_uid"].as_i64().unwrap_or_default() / 1000 {
            2 => (2, "Findings"),
            3 => (3, "Identity & Access Management"),
            4 => (4, "Network Activity"),
            6 => (6, "Application Activity"),
            other => (other, "?"),
        };
        self.expect(event["category_uid"] == category_uid, || format!("category_uid: {}", event["category_uid"]));
        self.expect(event["category_name"] == category, || format!("category_name: {}", event["category_name"]));
    }

    fn expect(&mut self, holds: bool, mistake: impl Fn() -> String) {
        if !holds {
            self.wrong.push(mistake());
        }
    }

    fn active(&self, attribute: &Value) -> bool {
        attribute["profile"].as_str().is_none_or(|profile| self.profiles.contains(&profile))
    }

    fn object(&mut self, value: &Value, definition: &Value, path: &str, name: &str) {
        let Some(members) = value.as_object() else {
            self.wrong.push(format!("{path}: not a {name}"));
            return;
        };
        let attributes = definition["attributes"].as_object().expect("what is defined has attributes");
        for (key, attribute) in attributes {
            let required = attribute["req"] == "required" && self.active(attribute);
            self.expect(!required || members.contains_key(key), || format!("{}: missing", inside(path, key)));
        }
        for (key, member) in members {
            let path = inside(path, key);
            match attributes.get(key) {
                None => self.wrong.push(format!("{path}: unknown")),
                Some(attribute) => {
                    let tolerated = INACTIVE.contains(&(key, attribute["profile"].as_str().unwrap_or_default()));
                    self.expect(self.active(attribute) || tolerated, || format!("{path}: profile is not active"));
                    self.attribute(member, attribute, &path);
                    self.caption(members, key, attribute, &path);
                }
            }
        }
        self.at_least_one(members, definition, path, name);
    }

    fn at_least_one(&mut self, members: &serde_json::Map<String, Value>, definition: &Value, path: &str, name: &str) {
        let corrected = AT_LEAST_ONE.iter().find(|(object, _)| *object == name).map(|(_, one_of)| one_of.to_vec());
        let one_of = corrected.unwrap_or_else(|| strings(&definition["constraints"]["at_least_one"]));
        let some = one_of.is_empty() || one_of.iter().any(|key| members.contains_key(*key));
        self.expect(some, || format!("{path}: none of {}", one_of.join(", ")));
    }

    /// The text beside a number is the caption of the number; beside 99 it is the source's own.
    fn caption(&mut self, members: &serde_json::Map<String, Value>, key: &str, attribute: &Value, path: &str) {
        let (Some(sibling), Some(captions)) = (attribute["sibling"].as_str(), attribute["enum"].as_object()) else {
            return;
        };
        let id = &members[key];
        let text = members.get(sibling).and_then(Value::as_str);
        match (id.as_i64(), text) {
            (Some(99), text) => {
                self.expect(text.is_some_and(|text| !text.is_empty()), || format!("{path}: 99 without a text"))
            }
            (_, Some(text)) => {
                let caption = captions.get(&id.to_string()).and_then(Value::as_str);
                let path = path.strip_suffix(key).unwrap_or_default();
                self.expect(caption == Some(text), || format!("{path}{sibling}: `{text}` is not the caption of {id}"));
            }
            (_, None) => self.wrong.push(format!("{path}: {id} without its caption")),
        }
    }

    fn attribute(&mut self, value: &Value, attribute: &Value, path: &str) {
        if attribute["array"] != true {
            self.one(value, attribute, path);
            return;
        }
        match value.as_array() {
            Some(items) => {
                items.iter().enumerate().for_each(|(i, item)| self.one(item, attribute, &format!("{path}[{i}]")))
            }
            None => self.wrong.push(format!("{path}: not a list")),
        }
    }

    fn one(&mut self, value: &Value, attribute: &Value, path: &str) {
        let schema = self.schema;
        let ty = attribute["type"].as_str().expect("an attribute has a type");
        if ty == "object" {
            self.expect(value.is_object(), || format!("{path}: not an object"));
        } else if let Some(object) = schema.compiled["objects"].get(ty) {
            self.object(value, object, path, ty);
        } else {
            self.primitive(value, ty, path);
            if let Some(captions) = attribute["enum"].as_object() {
                self.expect(captions.contains_key(&value.to_string()), || {
                    format!("{path}: {value} is not in its enum")
                });
            }
        }
    }

    fn primitive(&mut self, value: &Value, ty: &str, path: &str) {
        let definition = &self.schema.compiled["types"][ty];
        let base = definition["type"].as_str().unwrap_or(ty);
        let fits = match base {
            "string_t" => value.is_string(),
            "integer_t" | "long_t" => value.is_i64() || value.is_u64(),
            "float_t" => value.is_number(),
            "boolean_t" => value.is_boolean(),
            "json_t" => true,
            other => panic!("{path}: the schema's type {other} is new to this test"),
        };
        let text = value.as_str().unwrap_or_default();
        let pattern = self.schema.patterns.get(ty).is_none_or(|pattern| pattern.is_match(text));
        // The whole record may be longer than OCSF's longest string.
        let longest =
            definition["max_len"].as_u64().or_else(|| self.schema.compiled["types"][base]["max_len"].as_u64());
        let short = path == "raw_data" || longest.is_none_or(|longest| text.chars().count() as u64 <= longest);
        let range = definition["range"].as_array().map(|range| (range[0].as_i64(), range[1].as_i64()));
        let within = range.is_none_or(|(low, high)| (low..=high).contains(&value.as_i64()));
        self.expect(fits && pattern && short && within, || format!("{path}: not a {ty}: {value}"));
    }
}

fn inside(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
