//! Where addresses are, as the server says it.

use serde_json::{Value, json};

use crate::server::{Server, skywarden};

/// A table as `geoip make` makes it.
fn table(folder: &std::path::Path) -> String {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let countries = file(
        "countries.csv",
        "1.1.1.0,1.1.1.255,AU\n2600::,2600:ffff:ffff:ffff:ffff:ffff:ffff:ffff,US\n198.51.100.0,198.51.100.255,FR\n",
    );
    let networks = file("networks.csv", "1.1.1.0,1.1.1.255,13335,\"Cloudflare, <b>Inc.</b>\"\n");
    let out = folder.join("places").to_str().unwrap().to_owned();
    let about = ["--name", "test", "--date", "2026-06-17", "--attribution", "By nobody, CC0"];
    let mut command = skywarden();
    command.args(["geoip", "make", "--countries", &countries, "--networks", &networks, "--out", &out]).args(about);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    out
}

fn nowhere(address: &str) -> Value {
    json!({"address": address, "country": null, "country_name": null, "city": null, "latitude": null, "longitude": null,
        "is_approximate": null, "asn": null, "organisation": null})
}

#[test]
fn addresses_have_the_places_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let out = table(folder.path());
    let (_server, admin) = Server::with_admin(&folder.path().join("data"), &["--geoip", &out]);
    let asked = "1.1.1.1,%202600:1f18::9,198.51.100.7,10.0.0.1,cloudtrail.amazonaws.com,,8.8.8.8";
    let said = admin.get(&format!("/api/v1/places?addresses={asked}")).json();
    assert_eq!(
        said["database"],
        json!({"name": "test", "date": "2026-06-17", "attribution": "By nobody, CC0", "is_made_up": false})
    );
    let expected = json!([
        {"address": "1.1.1.1", "country": "AU", "country_name": "Australia", "city": null, "latitude": -27.0, "longitude": 133.0,
            "is_approximate": true, "asn": 13335, "organisation": "Cloudflare, <b>Inc.</b>"},
        {"address": "2600:1f18::9", "country": "US", "country_name": "United States", "city": null, "latitude": 38.0, "longitude": -97.0,
            "is_approximate": true, "asn": null, "organisation": null},
        nowhere("198.51.100.7"), nowhere("10.0.0.1"), nowhere("cloudtrail.amazonaws.com"), nowhere(""), nowhere("8.8.8.8"),
    ]);
    assert_eq!(said["places"], expected);
    let many = |n: usize| vec!["1.1.1.1"; n].join(",");
    assert_eq!(
        admin.get(&format!("/api/v1/places?addresses={}", many(200))).json()["places"].as_array().unwrap().len(),
        200
    );
    for wrong in [many(201), "x".repeat(300)] {
        assert_eq!(admin.get(&format!("/api/v1/places?addresses={wrong}")).status, 422);
    }
    assert_eq!(admin.get("/api/v1/places").status, 400);
}

#[test]
fn a_server_without_a_table_knows_no_places_and_one_with_a_broken_table_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    {
        // Whoever runs the tests may have a table.
        let nothing = folder.path().to_str().unwrap();
        let (_server, admin) = Server::with_admin_in(&data, &[], &[("XDG_CACHE_HOME", nothing)]);
        let said = admin.get("/api/v1/places?addresses=1.1.1.1").json();
        assert_eq!(said, json!({"database": null, "places": [nowhere("1.1.1.1")]}));
    }
    std::fs::write(data.join("places"), "no table").unwrap();
    let ran = skywarden().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(1) && said.contains("places: it is no table of places"), "{said}");
}
