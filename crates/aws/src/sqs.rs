//! A queue: messages received, kept from others, deleted. Sending is deliberately not here.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::{Aws, Call, CallError};
use crate::http::Request;

const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// A call to a queue failed.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// A permission is missing.
    #[error("the permission {permission} is missing")]
    Denied {
        /// `sqs:ReceiveMessage on https://…`.
        permission: String,
        /// What AWS said.
        #[source]
        err: CallError,
    },
    /// The call failed.
    #[error("cannot call {action} of the queue {queue}")]
    Call {
        /// `ReceiveMessage`.
        action: &'static str,
        /// Its URL.
        queue: String,
        /// Why.
        #[source]
        err: CallError,
    },
    /// The answer is not what SQS answers.
    #[error("cannot read the answer to {action}: {reason}")]
    Answer {
        /// `ReceiveMessage`.
        action: &'static str,
        /// Why.
        reason: String,
    },
}

impl SqsError {
    /// Whether the message is not ours any more: its time is over, or it was deleted.
    pub fn is_lost(&self) -> bool {
        let Self::Call { err, .. } = self else { return false };
        ["ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"]
            .iter()
            .any(|c| err.code().ends_with(c))
    }
}

/// A message that was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name, the same each time it is received.
    pub id: String,
    /// Names this receipt.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// How often it was received, with this time.
    pub n_received: u32,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} ({} bytes, received {} times)", self.id, self.body.len(), self.n_received)
    }
}

/// What a queue is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// How many messages wait, roughly.
    pub n_waiting: u64,
    /// How many are with somebody, roughly.
    pub n_under_way: u64,
    /// How often a message is received before it is put aside, if ever.
    pub receives_max: Option<u32>,
}

/// A queue.
#[derive(Clone)]
pub struct Queue {
    aws: Aws,
    url: String,
    region: String,
}

impl Queue {
    /// The queue of that URL; the Region is that in its host's name.
    pub fn new(aws: Aws, url: &str) -> Self {
        let host = url.split_once("://").map_or("", |(_, rest)| rest);
        let mut labels = host.split(['/', ':']).next().unwrap_or_default().split('.');
        let region = match (labels.next(), labels.next(), labels.next()) {
            (Some("sqs"), Some(region), Some("amazonaws")) => region.to_owned(),
            _ => aws.region.clone(),
        };
        Self { aws, url: url.to_owned(), region }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits that long, 20 s at most, for up to 10 messages, which nobody else gets for that time.
    pub fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<Message>, SqsError> {
        let action = "ReceiveMessage";
        let answer = self.call(
            action,
            json!({
                "MaxNumberOfMessages": 10,
                "WaitTimeSeconds": wait.as_secs().min(20),
                "VisibilityTimeout": visibility.as_secs(),
                "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
                "AttributeNames": ["ApproximateReceiveCount"],
            }),
        )?;
        let answer: Received =
            serde_json::from_value(answer).map_err(|err| SqsError::Answer { action, reason: err.to_string() })?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        Ok(messages
            .map(|m| Message {
                n_received: m.attributes["ApproximateReceiveCount"].as_str().and_then(|n| n.parse().ok()).unwrap_or(1),
                id: m.message_id,
                receipt: m.receipt_handle,
                body: m.body,
            })
            .collect())
    }

    /// Removes a message. It may come again all the same, rarely.
    pub fn delete(&self, receipt: &str) -> Result<(), SqsError> {
        self.call("DeleteMessage", json!({ "ReceiptHandle": receipt })).map(drop)
    }

    /// Nobody else gets the message for that long from now.
    pub fn set_visibility(&self, receipt: &str, visibility: Duration) -> Result<(), SqsError> {
        let body = json!({ "ReceiptHandle": receipt, "VisibilityTimeout": visibility.as_secs() });
        self.call("ChangeMessageVisibility", body).map(drop)
    }

    /// What the queue is like.
    pub fn attributes(&self) -> Result<Attributes, SqsError> {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy"];
        let answer = self.call("GetQueueAttributes", json!({ "AttributeNames": names }))?;
        let text = |name: &str| answer["Attributes"][name].as_str();
        let count = |name: &str| text(name).and_then(|n| n.parse().ok()).unwrap_or(0);
        let policy: Option<Value> = text(names[2]).and_then(|policy| serde_json::from_str(policy).ok());
        let receives_max = policy.and_then(|policy| {
            let max = &policy["maxReceiveCount"];
            max.as_u64().or_else(|| max.as_str()?.parse().ok()).and_then(|n| u32::try_from(n).ok())
        });
        Ok(Attributes { n_waiting: count(names[0]), n_under_way: count(names[1]), receives_max })
    }

    fn call(&self, action: &'static str, mut body: Value) -> Result<Value, SqsError> {
        body["QueueUrl"] = self.url.as_str().into();
        let suffix = if self.region.starts_with("cn-") { ".cn" } else { "" };
        let url = match &self.aws.endpoints.sqs {
            Some(url) => format!("{url}/"),
            None => format!("https://sqs.{}.amazonaws.com{suffix}/", self.region),
        };
        let headers = vec![
            ("content-type".to_owned(), "application/x-amz-json-1.0".to_owned()),
            ("x-amz-target".to_owned(), format!("AmazonSQS.{action}")),
        ];
        let request = Request { method: "POST", url, headers, body: body.to_string().into_bytes() };
        let response = self
            .aws
            .call(&Call { service: "sqs", region: &self.region, request })
            .map_err(|err| self.failed(action, err))?;
        let wrong = |reason: String| SqsError::Answer { action, reason };
        let body = response.read(ANSWER_BYTES_MAX).map_err(|err| wrong(err.to_string()))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|err| wrong(err.to_string()))
    }

    fn failed(&self, action: &'static str, err: CallError) -> SqsError {
        if err.is_denied() {
            return SqsError::Denied { permission: format!("sqs:{action} on {}", self.url), err };
        }
        SqsError::Call { action, queue: self.url.clone(), err }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    messages: Option<Vec<ReceivedMessage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceivedMessage {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: Value,
}
