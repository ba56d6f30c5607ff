//! The lake as its users see it: what is appended once is there once, whatever happens in between.

mod append;
mod bucket;
mod crash;
mod foreign;
mod maintain;
mod model;
mod world;
