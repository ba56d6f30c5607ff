//! Signatures against those that AWS published, and credentials.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws::credentials::{Chain, CredentialSource as _, Credentials};
use aws::sign::{PathEncoding, Scope, Signable, encoded, hash, sign};
use proptest::prelude::*;

use crate::fake::{Fake, answer};

fn credentials(id: &str, secret: &str) -> Credentials {
    Credentials { access_key_id: id.into(), secret_access_key: secret.into(), session_token: None, expires: None }
}

fn signature(request: &Signable<'_>, credentials: &Credentials, scope: &Scope<'_>) -> String {
    let added = sign(request, credentials, scope);
    let (_, value) = added.iter().find(|(name, _)| name == "authorization").unwrap();
    value.rsplit_once("Signature=").unwrap().1.to_owned()
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn signatures_of_the_published_suite() {
    let credentials = credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let time = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    let scope = Scope { region: "us-east-1", service: "service", time, path: PathEncoding::Twice };
    let base = "https://example.amazonaws.com";
    let form: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];
    for (method, path, with, body, expected) in [
        ("GET", "/", &[][..], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            &[],
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("GET", "/?Param1=value1", &[], "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        ("GET", "/ሴ", &[], "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        ("POST", "/", &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("POST", "/", form, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ] {
        let (url, headers, hash) = (format!("{base}{path}"), headers(with), hash(body.as_bytes()));
        let request = Signable { method, url: &url, headers: &headers, payload_hash: &hash };
        assert_eq!(signature(&request, &credentials, &scope), expected, "{method} {path}");
    }
}

#[test]
fn signatures_of_the_guide_of_s3() {
    let credentials = credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let time = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
    let scope = Scope { region: "us-east-1", service: "s3", time, path: PathEncoding::Once };
    let empty = hash(b"");
    for (path, range, expected) in [
        ("/test.txt", true, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/?lifecycle", false, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", false, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ] {
        let url = format!("https://examplebucket.s3.amazonaws.com{path}");
        let mut with = headers(&[("x-amz-content-sha256", &empty)]);
        with.extend(range.then(|| ("Range".to_owned(), "bytes=0-9".to_owned())));
        let request = Signable { method: "GET", url: &url, headers: &with, payload_hash: &empty };
        assert_eq!(signature(&request, &credentials, &scope), expected, "{path}");
    }
}

#[test]
fn an_encoded_path_is_encoded_again_but_for_s3() {
    let credentials = credentials("a", "b");
    let of = |url: &str, path| {
        let scope = Scope { region: "r", service: "s", time: UNIX_EPOCH, path };
        let request = Signable { method: "GET", url, headers: &[], payload_hash: "" };
        signature(&request, &credentials, &scope)
    };
    let url = format!("https://h/{}", encoded("a b", "/"));
    assert_ne!(of(&url, PathEncoding::Once), of(&url, PathEncoding::Twice));
    assert_eq!(of("https://h:443/", PathEncoding::Once), of("https://h", PathEncoding::Once));
    assert_eq!(of("https://h/?b=1&a", PathEncoding::Once), of("https://h/?a=&b=1", PathEncoding::Once));
}

#[test]
fn an_instance_is_asked_once_until_its_credentials_end() {
    let http = Fake::answering(|request| {
        assert!(request.url.starts_with("http://169.254.169.254/latest/"));
        if request.method == "PUT" {
            return answer(200, &[], b"token");
        }
        assert_eq!(request.headers[0].1, "token");
        match request.url.rsplit('/').next().unwrap() {
            "" => answer(200, &[], b"role\n"),
            _ => answer(
                200,
                &[],
                br#"{"AccessKeyId":"AKIA","SecretAccessKey":"hush","Token":"quiet","Expiration":"1970-01-01T01:00:00Z"}"#,
            ),
        }
    });
    let chain = Chain::new(Arc::new(http.clone()), Box::new(|_| None));
    let at = |s| UNIX_EPOCH + Duration::from_secs(s);
    let got = chain.credentials(at(0)).unwrap();
    assert_eq!((got.access_key_id.as_str(), got.expires), ("AKIA", Some(at(3600))));
    let shown = format!("{got:?}{chain:?}");
    assert!(!shown.contains("hush") && !shown.contains("quiet"), "{shown}");
    chain.credentials(at(3299)).unwrap();
    assert_eq!(http.n_calls(), 3);
    chain.credentials(at(3300)).unwrap();
    assert_eq!(http.n_calls(), 6);
}

#[test]
fn a_profile_is_read_and_what_is_not_supported_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let text = "[default]\naws_access_key_id = D\naws_secret_access_key=s\n[team]\naws_access_key_id=T\naws_secret_access_key=t\n[role]\nrole_arn=x\n";
    std::fs::write(&path, text).unwrap();
    let of = |profile: Option<&'static str>| {
        let path = path.to_str().unwrap().to_owned();
        let var = move |name: &str| match name {
            "AWS_PROFILE" => profile.map(str::to_owned),
            "AWS_SHARED_CREDENTIALS_FILE" => Some(path.clone()),
            _ => None,
        };
        let http = Fake::answering(|_| panic!("nobody is asked"));
        Chain::new(Arc::new(http), Box::new(var)).credentials(UNIX_EPOCH)
    };
    assert_eq!(of(None).unwrap().access_key_id, "D");
    assert_eq!(of(Some("team")).unwrap().access_key_id, "T");
    let err = of(Some("role")).unwrap_err().to_string();
    assert_eq!(err, "cannot use the profile `role`: `role_arn` is not supported");
}

#[test]
fn a_container_asks_nobody_far() {
    for url in ["http://evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/"] {
        let var = move |name: &str| (name == "AWS_CONTAINER_CREDENTIALS_FULL_URI").then(|| url.to_owned());
        let http = Fake::answering(|_| panic!("nobody is asked"));
        Chain::new(Arc::new(http), Box::new(var)).credentials(UNIX_EPOCH).unwrap_err();
    }
}

#[test]
fn notices_of_all_forms() {
    let s3 = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"logs"},"object":{"key":"a+b%2Bc","eTag":"e","size":3,"sequencer":"1"}}},{"eventName":"ObjectRemoved:Delete","s3":{}}]}"#;
    let got = aws::notice::parse(s3).unwrap();
    assert_eq!((got.len(), got[0].key.as_str(), got[0].size), (1, "a b+c", Some(3)));
    let sns = serde_json::json!({"Type": "Notification", "TopicArn": "arn", "Message": s3}).to_string();
    assert_eq!(aws::notice::parse(&sns).unwrap(), got);
    let bridge = r#"{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"logs"},"object":{"key":"a+b","etag":"e","version-id":"v"}}}"#;
    let got = aws::notice::parse(bridge).unwrap();
    assert_eq!((got[0].key.as_str(), got[0].version_id.as_deref()), ("a+b", Some("v")));
    assert_eq!(aws::notice::parse(r#"{"Event":"s3:TestEvent"}"#).unwrap(), []);
    for wrong in ["", "{}", "[]", "hello", &s3.replace("logs", "evil.example/x"), &s3.replace("logs", "Logs")] {
        assert_eq!(aws::notice::parse(wrong).unwrap_err().raw, wrong);
    }
}

proptest! {
    #[test]
    fn no_body_panics(text in ".*", key in ".*", bucket in "[a-z.%/]{0,9}") {
        let _any = aws::notice::parse(&text);
        let record = serde_json::json!({"eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": {"key": key, "eTag": text}}});
        let body = serde_json::json!({"Records": [record]}).to_string();
        let _any = aws::notice::parse(&body);
        for end in 0..body.len() {
            if let Some(part) = body.get(..end) {
                aws::notice::parse(part).unwrap_err();
            }
        }
    }
}
