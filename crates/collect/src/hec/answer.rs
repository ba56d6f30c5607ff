//! What is answered: the statuses, numbers and texts that Splunk documents.

use std::fmt::Write as _;

use crate::json::quoted;

/// What to answer, as `application/json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// All is durable.
    Success,
    /// The token is known, and not to be used.
    TokenDisabled,
    /// There is no token.
    TokenRequired,
    /// The header with the token makes no sense.
    InvalidAuthorization,
    /// Nobody knows the token.
    InvalidToken,
    /// The body is empty.
    NoData,
    /// The body is not what it should be.
    InvalidDataFormat,
    /// The token may not write to this index.
    IncorrectIndex,
    /// Something failed here.
    Internal,
    /// Nothing more is taken now: come again.
    Busy,
    /// The token has acknowledgement, and the request no channel.
    ChannelMissing,
    /// The channel is no GUID.
    InvalidChannel,
    /// An event has no `event`.
    EventRequired,
    /// An event's `event` says nothing.
    EventBlank,
    /// The token has no acknowledgement.
    AckDisabled,
    /// Fields have parts, or a time is none.
    IndexedFields,
    /// The token is in the query, where others see it.
    QueryAuthorization,
    /// More is taken.
    Healthy,
    /// More is not taken now.
    QueuesFull,
    /// Acknowledgements cannot be looked up.
    AckUnavailable,
    /// Both.
    QueuesFullAckUnavailable,
    /// The token of a question about health is not known.
    HealthInvalidToken,
    /// The token of a question about health is not to be used.
    HealthTokenDisabled,
}

impl Code {
    /// All of them, by number.
    pub const ALL: [Self; 23] = [
        Self::Success,
        Self::TokenDisabled,
        Self::TokenRequired,
        Self::InvalidAuthorization,
        Self::InvalidToken,
        Self::NoData,
        Self::InvalidDataFormat,
        Self::IncorrectIndex,
        Self::Internal,
        Self::Busy,
        Self::ChannelMissing,
        Self::InvalidChannel,
        Self::EventRequired,
        Self::EventBlank,
        Self::AckDisabled,
        Self::IndexedFields,
        Self::QueryAuthorization,
        Self::Healthy,
        Self::QueuesFull,
        Self::AckUnavailable,
        Self::QueuesFullAckUnavailable,
        Self::HealthInvalidToken,
        Self::HealthTokenDisabled,
    ];

    /// Its number, its HTTP status and its text.
    pub fn spelled(self) -> (u8, u16, &'static str) {
        match self {
            Self::Success => (0, 200, "Success"),
            Self::TokenDisabled => (1, 403, "Token disabled"),
            Self::TokenRequired => (2, 401, "Token is required"),
            Self::InvalidAuthorization => (3, 401, "Invalid authorization"),
            Self::InvalidToken => (4, 403, "Invalid token"),
            Self::NoData => (5, 400, "No data"),
            Self::InvalidDataFormat => (6, 400, "Invalid data format"),
            Self::IncorrectIndex => (7, 400, "Incorrect index"),
            Self::Internal => (8, 500, "Internal server error"),
            Self::Busy => (9, 503, "Server is busy"),
            Self::ChannelMissing => (10, 400, "Data channel is missing"),
            Self::InvalidChannel => (11, 400, "Invalid data channel"),
            Self::EventRequired => (12, 400, "Event field is required"),
            Self::EventBlank => (13, 400, "Event field cannot be blank"),
            Self::AckDisabled => (14, 400, "ACK is disabled"),
            Self::IndexedFields => (15, 400, "Error in handling indexed fields"),
            Self::QueryAuthorization => (16, 400, "Query string authorization is not enabled"),
            Self::Healthy => (17, 200, "HEC is healthy"),
            Self::QueuesFull => (18, 503, "HEC is unhealthy, queues are full"),
            Self::AckUnavailable => (19, 503, "HEC is unhealthy, ack service unavailable"),
            Self::QueuesFullAckUnavailable => (20, 503, "HEC is unhealthy, queues are full, ack service unavailable"),
            Self::HealthInvalidToken => (21, 400, "Invalid token"),
            Self::HealthTokenDisabled => (22, 400, "Token disabled"),
        }
    }

    /// The answer.
    pub fn answer(self) -> Answer {
        let (number, status, text) = self.spelled();
        Answer { status, body: format!("{{\"text\":{},\"code\":{number}}}", quoted(text)) }
    }

    /// The answer that says which event it is about, counted from 0.
    pub fn answer_about(self, event: usize) -> Answer {
        let (number, status, text) = self.spelled();
        let text = quoted(text);
        Answer { status, body: format!("{{\"text\":{text},\"code\":{number},\"invalid-event-number\":{event}}}") }
    }
}

/// The answer to events that are durable, with the id to ask about them with if their token has acknowledgement.
pub fn success(ack_id: Option<u64>) -> Answer {
    let mut answer = Code::Success.answer();
    if let Some(id) = ack_id {
        answer.body = format!("{{\"text\":\"Success\",\"code\":0,\"ackId\":{id}}}");
    }
    answer
}

/// The answer to a question about acknowledgements: which of the ids stand for events that are in the lake.
pub fn acknowledged(acks: &[(u64, bool)]) -> Answer {
    let mut body = String::from("{\"acks\":{");
    for (n_before, (id, is_in)) in acks.iter().enumerate() {
        let comma = if n_before > 0 { "," } else { "" };
        // Writing to a string does not fail.
        _ = write!(body, "{comma}\"{id}\":{is_in}");
    }
    body.push_str("}}");
    Answer { status: 200, body }
}
