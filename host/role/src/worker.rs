//! Workers: do the jobs that their own plugin enqueued.

use std::sync::Arc;

use crate::{Call, Part};

/// Does a job that the same plugin enqueued earlier, in whatever role.
pub trait Worker: Part {
    /// One job: the queue it was put into, and its payload.
    fn run(self: Arc<Self>, queue: String, payload: Vec<u8>) -> Call<'static, ()>;
}
