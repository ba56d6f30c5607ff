//! The few calls to AWS that the server makes, signed here, and the feeds of objects from buckets over them.
//!
//! A [`Notice`](notice::Notice) says that an object was put. [`feed::S3Queue`] turns the messages of a queue into objects, and
//! [`feed::S3Backfill`] lists those that were there before. Both hand each object to a [`feed::Sink`] and remember in a
//! [`feed::Done`] what is safe; a message is deleted only after all its objects are. Nothing here has a thread of its own.
//!
//! What is in an object is deliberately not known here.

pub mod call;
pub mod credentials;
pub mod env;
pub mod feed;
pub mod http;
pub mod notice;
pub mod s3;
pub mod sign;
pub mod sqs;

mod xml;
