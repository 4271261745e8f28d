//! Fixes as suggestions on pull requests: the hosts and what is said to them.

pub mod host;

pub use host::{Host, HostError, HostKind};
