//! The server as its users meet it: the binary, over its sockets, with what goes wrong on the way.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

mod access;
mod backup;
mod buckets;
mod console;
mod damage;
mod failpoints;
mod faults;
mod figures;
mod findings;
mod hostile;
mod kept;
mod places;
mod protocols;
mod quarantine;
mod queries;
mod rules;
mod server;
mod state;
