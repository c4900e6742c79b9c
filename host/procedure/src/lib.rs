//! Procedure steps: what is scheduled (the modality worklist, PS3.4 Annex K) and what was performed (PS3.4 Annex F), each as a
//! data set that has been checked.
//!
//! Whoever holds a [`ScheduledStep`] or a [`PerformedStep`] holds one that has all that modalities and the index rely on,
//! whichever door it came by. Data sets are DICOM JSON (PS3.18 Annex F): any attribute that was given is kept.
//!
//! What is absent: I/O, clocks, and any memory of what was said before; that is the archive's.

mod data_set;
mod performed;
mod scheduled;

pub use data_set::{DataSet, Values};
pub use performed::{PerformedStep, Reference, State, Unfit, Why};
pub use scheduled::{Identity, Order, ScheduledStep};
