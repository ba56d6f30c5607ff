//! Calls and feeds.
