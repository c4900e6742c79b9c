//! HTTP requests that plugins make: to the hosts of their grant, and to no others.
//!
//! A plugin may hold patient data, so a request is the way by which it could leave. Every request and every redirect is
//! compared with the operator's [`Grant`]; every address that a name resolves to is judged before it is dialled, and the
//! judged address is the one that is dialled, without a second resolution. What is deliberately absent: proxies from the
//! environment, cookies, decompression, HTTP/2, connections that outlive their exchange (an answer can never be
//! another request's), and a way to switch off the verification of certificates.
//!
//! ```text
//! Outbound::new(Options) → client(Grant) → send(Request) → Response::read
//!                            per plugin      grant → resolve → judge → dial → TLS → exchange → redirect? again
//! ```
//!
//! Separate because it knows neither WebAssembly nor plugins: it can be read and tested as what it is, a client that
//! distrusts who uses it, whom it talks to, and the names in between.

mod address;
mod client;
mod exchange;
mod grant;
mod network;
mod options;
mod redirect;
mod request;
mod response;
mod tls;
mod trouble;

pub use client::{Client, Outbound};
pub use grant::{Grant, GrantError};
pub use network::{Connection, Network, System};
pub use options::{Options, StartError};
pub use request::{Header, Request};
pub use response::Response;
pub use trouble::Trouble;
