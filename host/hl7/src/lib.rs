//! Orders by HL7 v2: what a scheduler sends over MLLP, read into entries of the worklist (IHE Scheduled Workflow, RAD-4).
//!
//! [`message`] reads a message and makes its acknowledgement, [`order`] maps it, [`mllp`] is the wire. Whoever keeps entries
//! implements [`Orders`]; success is acknowledged when that has returned, and so when they are durable.
//!
//! What is absent: SQL, and patient data in any error, log line or acknowledgement. A message is never kept.

mod charset;
mod message;
mod mllp;
mod order;

use std::collections::BTreeMap;
use std::future::Future;

pub use message::{Refusal, Verdict, acknowledgement};
pub use mllp::{Admits, Options, serve};
pub use order::{Action, Instruction, read};

/// Where steps are done whose order does not say it: AE titles of stations, by modality.
pub type Stations = BTreeMap<String, Vec<String>>;

/// Whoever keeps what is ordered.
pub trait Orders: Send + Sync + 'static {
    /// Does what a message says, all of it; durably, before it returns.
    ///
    /// # Errors
    /// A sentence for the sender, without patient data: nothing, or only a part, was done, and the message may be sent again.
    fn perform(&self, instructions: Vec<Instruction>) -> impl Future<Output = Result<(), Refusal>> + Send;
}
