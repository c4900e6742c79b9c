//! What the host gives, made by hand, for native tests of plugin logic: plain `cargo test`, no sandbox.
//!
//! Separate because none of it is in a component. What a call is handed is built as a value ([`Object`], [`Study`],
//! [`Credentials`] and so on); what a plugin asks of the host (time, secrets, state, HTTP, jobs, models, the archive) is
//! a [`Host`]. A fake knows what it is told; it keeps the contract's bounds where a plugin can run into them by mistake.
//!
//! ```
//! use isocenter::{fake, http, state};
//!
//! let host = fake::Host::new();
//! host.on_http(|request| fake::reply(200, request.url.as_bytes()));
//! let answer = http::get("https://example.org/").send()?.body(100)?;
//! state::put("last", &answer, None)?;
//! assert_eq!(host.sent().len(), 1);
//! assert_eq!(host.state("last").as_deref(), Some(&b"https://example.org/"[..]));
//! # Ok::<(), isocenter::Error>(())
//! ```

/// Methods that answer a field, as the contract has them.
macro_rules! fields {
    ($($fake:ident: $($field:ident: $answer:ty),*;)*) => {
        $(impl $fake {
            $(pub(crate) fn $field(&self) -> $answer {
                self.$field.clone()
            })*
        })*
    };
}

mod auth;
mod exchange;
mod host;
mod json;
mod object;
mod passing;
pub(crate) mod raw;
mod study;

pub use auth::{Access, Association, Credentials};
pub use exchange::{Body, Request, Response};
pub use host::{Host, Job, KEY, Line, Reply, Sent, reply};
pub use object::{Frame, Object};
pub use passing::{Edit, Edits, Passage, Plan};
pub use study::{Draft, Numbers, Results, Study};

pub use crate::bindings::imports::isocenter::host::http::Trouble as HttpTrouble;
pub use crate::bindings::imports::isocenter::inference::models::Trouble as ModelTrouble;
pub use crate::{Direction, Transport};
