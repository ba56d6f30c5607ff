//! The CloudTrail record, member by member in the order in which AWS writes them.

use crate::rng::{below, join, mix, name};
use crate::service::{Access, Call, RequestId, Service};
use crate::template::{Scene, escape, expand, hex, put, uuid};
use crate::time;

/// How a refused or failed call ended. Sign-ins fail with a message and no code.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    pub code: &'a str,
    pub message: &'a str,
}

/// Where a call came from, as far as the record tells.
pub struct Origin<'a> {
    pub address: &'a str,
    pub agent: &'a str,
    pub through: Through,
}

/// What the caller used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Through {
    Program,
    Console,
    /// An AWS service, which tells nothing about TLS.
    Service,
}

/// One call by one identity.
pub struct Record<'a> {
    pub service: &'a Service,
    pub call: &'a Call,
    /// The JSON object `userIdentity`.
    pub identity: &'a [u8],
    pub origin: Origin<'a>,
    pub failure: Option<Failure<'a>>,
    /// The number that copies of one event in several accounts share.
    pub shared: Option<u64>,
}

const REQUEST_ID: u64 = 0x7265_7175;
const EVENT_ID: u64 = 0x6576_656e;

/// Each account that keeps an event gives it an id of its own.
fn event_number(scene: &Scene) -> u64 {
    join(scene.random, EVENT_ID ^ name(scene.estate.account.id))
}

/// The eventID of the event with these circumstances.
pub fn event_id(scene: &Scene) -> String {
    let mut out = Vec::with_capacity(36);
    uuid(&mut out, event_number(scene));
    String::from_utf8(out).expect("hexadecimal digits and dashes")
}

/// Writes one record, compact, without a comma before or after it.
pub fn write(out: &mut Vec<u8>, record: &Record, scene: &Scene) {
    caller(out, record, scene);
    if let Some(failure) = &record.failure {
        failed(out, failure, scene);
    }
    asked_and_got(out, record, scene);
    ids(out, record, scene);
    classes(out, record, scene);
    ending(out, record, scene);
    out.push(b'}');
}

fn caller(out: &mut Vec<u8>, record: &Record, scene: &Scene) {
    let service = record.service;
    put(out, &["{\"eventVersion\":\"", service.version, "\",\"userIdentity\":"]);
    out.extend_from_slice(record.identity);
    out.extend_from_slice(b",\"eventTime\":\"");
    time::iso(out, scene.time_ms);
    put(out, &["\",\"eventSource\":\"", service.source, "\",\"eventName\":\"", record.call.name]);
    put(out, &["\",\"awsRegion\":\"", scene.region_name(), "\",\"sourceIPAddress\":\""]);
    escape(out, record.origin.address);
    // S3 copies the header as it is and puts it in brackets.
    let bracketed = service.request_id == RequestId::Short && record.origin.through != Through::Service;
    put(out, &["\",\"userAgent\":\"", if bracketed { "[" } else { "" }]);
    escape(out, record.origin.agent);
    put(out, &[if bracketed { "]\"" } else { "\"" }]);
}

fn failed(out: &mut Vec<u8>, failure: &Failure, scene: &Scene) {
    if !failure.code.is_empty() {
        put(out, &[",\"errorCode\":\"", failure.code, "\""]);
    }
    out.extend_from_slice(b",\"errorMessage\":\"");
    expand(out, failure.message, scene);
    out.push(b'"');
}

fn asked_and_got(out: &mut Vec<u8>, record: &Record, scene: &Scene) {
    let call = record.call;
    out.extend_from_slice(b",\"requestParameters\":");
    expand(out, call.request, scene);
    out.extend_from_slice(b",\"responseElements\":");
    let kept = record.failure.is_none_or(|failure| failure.code.is_empty());
    expand(out, if kept { call.response } else { "null" }, scene);
    let additional = if call.additional.is_empty() { record.service.additional } else { call.additional };
    if !additional.is_empty() {
        out.extend_from_slice(b",\"additionalEventData\":");
        expand(out, additional, scene);
    }
}

fn ids(out: &mut Vec<u8>, record: &Record, scene: &Scene) {
    let random = join(scene.random, REQUEST_ID);
    match record.service.request_id {
        RequestId::Uuid => {
            out.extend_from_slice(b",\"requestID\":\"");
            uuid(out, random);
            out.push(b'"');
        }
        RequestId::Short => {
            out.extend_from_slice(b",\"requestID\":\"");
            let start = out.len();
            hex(out, random, 16);
            out[start..].make_ascii_uppercase();
            out.push(b'"');
        }
        RequestId::None => {}
    }
    out.extend_from_slice(b",\"eventID\":\"");
    uuid(out, event_number(scene));
    out.push(b'"');
}

fn classes(out: &mut Vec<u8>, record: &Record, scene: &Scene) {
    let call = record.call;
    put(out, &[",\"readOnly\":", if call.access.reads() { "true" } else { "false" }]);
    if !call.resources.is_empty() {
        out.extend_from_slice(b",\"resources\":");
        expand(out, call.resources, scene);
    }
    let data = matches!(call.access, Access::DataRead | Access::DataWrite);
    put(out, &[",\"eventType\":\"", record.service.event_type]);
    put(out, &["\",\"managementEvent\":", if data { "false" } else { "true" }]);
    put(out, &[",\"recipientAccountId\":\"", scene.estate.account.id, "\""]);
    if let Some(shared) = record.shared {
        out.extend_from_slice(b",\"sharedEventID\":\"");
        uuid(out, shared);
        out.push(b'"');
    }
    let inside = record.origin.address.starts_with("10.");
    if inside && let Some(endpoint) = scene.estate.thing("vpce", scene.region, scene.random) {
        put(out, &[",\"vpcEndpointId\":\"", endpoint, "\",\"vpcEndpointAccountId\":\"", scene.estate.account.id, "\""]);
    }
    put(out, &[",\"eventCategory\":\"", if data { "Data" } else { "Management" }, "\""]);
}

fn ending(out: &mut Vec<u8>, record: &Record, scene: &Scene) {
    if record.origin.through == Through::Service {
        return;
    }
    // Some clients still speak 1.2.
    let old = below(mix(scene.random), 100) < 9;
    let (version, cipher) =
        if old { ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256") } else { ("TLSv1.3", "TLS_AES_128_GCM_SHA256") };
    put(out, &[",\"tlsDetails\":{\"tlsVersion\":\"", version, "\",\"cipherSuite\":\"", cipher]);
    out.extend_from_slice(b"\",\"clientProvidedHostHeader\":\"");
    expand(out, record.service.host, scene);
    out.extend_from_slice(b"\"}");
    if record.origin.through == Through::Console {
        out.extend_from_slice(b",\"sessionCredentialFromConsole\":\"true\"");
    }
}
