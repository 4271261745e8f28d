//! Fixes as suggestions on pull requests: the hosts and what is said to them.

pub mod ci;
pub mod host;
mod hosts;
pub mod http;

pub use ci::{Given, Place, PlaceError, Token, place};
pub use host::{Host, HostError, HostKind};
pub use hosts::connect;
pub use http::Transport;
