//! Packs: plain tar files of objects, one per study and receiving association.

pub(crate) mod entry;
pub(crate) mod writer;
