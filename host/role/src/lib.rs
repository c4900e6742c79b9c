//! Roles: what the host asks of plugins, as traits, with the types that cross them.
//!
//! Separate so that those who ask (pipeline, web, the DICOM service provider) know neither Wasm nor the archive's rows,
//! and those who answer (host/plugin, or a part built into the host) know no pipeline. A built-in and a Wasm plugin are
//! the same to whoever holds one of these traits.
//!
//! [`backing`] is the other direction: what plugins ask of the host. The plugin runtime calls these traits, the host
//! gives them.

mod analyzer;
mod auth;
pub mod backing;
mod event;
mod filter;
mod limits;
mod outcome;
mod page;
mod part;
mod routing;
mod study;
mod worker;

pub use analyzer::{Analysis, Analyzer, DraftKind, Next, PlannedDraft};
pub use auth::{
    Access, Action, Applicant, Authenticator, Authorizer, Credentials, Decision, Gate, GateRejection, Identity, Limit,
};
pub use event::{Event, Sink};
pub use filter::{Direction, Filter, FilterAnswer, Passage, Transport, Verdict};
pub use limits::{Limits, LimitsOverride};
pub use outcome::{Clock, Cost, Failure, Outcome};
pub use page::{Answer, Piece, Request, RequestBody, Route};
pub use part::{Manifest, Measure, Part, Plugin, Role, Series, State};
pub use routing::{PlannedSend, Router, StudyRouter};
pub use study::{Form, Frame, FrameTrouble, Frames, Member, OpenObject, Study, Visible, Volume};
pub use worker::Worker;

/// What a call gives back: it may be awaited on any thread, and dropping it ends the call.
pub type Call<'a, T> = futures::future::BoxFuture<'a, Outcome<T>>;
