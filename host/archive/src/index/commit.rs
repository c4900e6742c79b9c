//! Makes durable objects findable.

use super::{Duplicates, Index, IndexError, Indexed, NewObject};

impl Index {
    /// Indexes objects whose bytes are durable, and enqueues their jobs, in one round trip; answers in their order.
    ///
    /// May be repeated: what is indexed at the same place is [`Indexed::New`] (or `Held`) again. After an error it is
    /// unknown whether any object was indexed, so its bytes must stay until a repetition or [`Index::known`] tells.
    pub async fn commit(&self, objects: &[NewObject], duplicates: Duplicates) -> Result<Vec<Indexed>, IndexError> {
        let _ = (objects, duplicates);
        todo!()
    }
}
