//! One object being appended to a pack, while it arrives.
//!
//! What fits into one piece ([`super::body`]) is written at commit, together with the headers before it, in one write.

use std::{
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use bytes::Bytes;
use isocenter_dicom::{header::Identity, uid::Uid};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::{
    Pack, Tail,
    body::Body,
    label::{self, Label},
};
use crate::{
    ArchiveError,
    archive::Inner,
    group::{Cut, Finish},
    index::{Attributes, Held, Indexed, NewJob, Source},
};

/// What the index needs to know about an object besides where it is.
#[derive(Clone, Debug)]
pub struct NewObjectParts {
    /// Its four UIDs, as stored.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// What can be searched for.
    pub attributes: Attributes,
    /// Work to enqueue in the same transaction, if the object is new or replaces another.
    pub jobs: Vec<NewJob>,
}

/// An object being appended to a pack. Dropping it, or [`Entry::abandon`], takes its bytes back out.
#[must_use = "an entry that is not committed is taken back"]
pub struct Entry {
    /// Empty once it was committed or abandoned.
    open: Option<Open>,
}

struct Open {
    archive: Arc<Inner>,
    tail: OwnedMutexGuard<Tail>,
    object: Uid,
    study: Uid,
    source: Source,
    held: Option<Held>,
    arrived: SystemTime,
    /// Where the entry starts in the pack.
    start: u64,
    body: Body,
}

impl Entry {
    pub(super) fn new(
        archive: Arc<Inner>,
        pack: Arc<Pack>,
        tail: OwnedMutexGuard<Tail>,
        (study, object): (&Uid, &Uid),
        source: Source,
        held: Option<Held>,
    ) -> Self {
        let start = tail.end;
        let room = label::reserved(&source, held.as_ref(), None);
        let open = Open {
            archive,
            tail,
            object: object.clone(),
            study: study.clone(),
            source,
            held,
            arrived: SystemTime::now(),
            start,
            body: Body::new(pack, start, room),
        };
        Self { open: Some(open) }
    }

    /// Appends a piece of the Part 10 file. After an error the entry can only be abandoned: a full disk, say. What was
    /// committed before it is safe.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ArchiveError> {
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        open.body.write(bytes).await
    }

    /// Says that the header ends here: the pixel data element starts with the next byte. Without it the whole object
    /// counts as header.
    pub fn header_done(&mut self) {
        if let Some(open) = self.open.as_mut() {
            open.body.header_done();
        }
    }

    /// Makes the object durable and indexes it; returns when both is done. It stays in the pack if it is new, replaces
    /// another or is held; otherwise its bytes are taken back out.
    ///
    /// Dropping the returned future does not stop the commit. An error means that the object is not acknowledged;
    /// [`ArchiveError::Unconfirmed`] that it may be stored all the same.
    pub async fn commit(mut self, parts: NewObjectParts) -> Result<Indexed, ArchiveError> {
        for job in &parts.jobs {
            job.for_new_object()?;
        }
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        open.body.written().await?;
        let permit = open.archive.group.permit().await?;
        let (answer, answered) = oneshot::channel();
        let open = self.open.take().ok_or(ArchiveError::Closed)?;
        let (archive, pack) = (open.archive.clone(), open.body.pack.clone());
        let rest = open.body.rest()?;
        let label = Label {
            object: open.object,
            study: open.study,
            length: rest.length,
            header_length: rest.header_length,
            digest: [0; 32],
            arrived: open.arrived,
            source: open.source,
            duplicates: archive.duplicates,
            held: open.held,
            together: None,
        };
        archive.group.finish(Finish {
            pack,
            tail: open.tail,
            start: open.start,
            rest,
            label,
            parts,
            answer,
            permit,
        });
        answered.await.map_err(|_| ArchiveError::Closed)?
    }

    /// Takes the object's bytes back out of the pack; returns when the pack is free for the next entry.
    pub async fn abandon(mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.body.pack.clearing.store(true, Ordering::Release);
        // Whether the last piece could be written makes no difference now.
        let _ = open.body.written().await;
        let (reply, replied) = oneshot::channel();
        open.cut(Some(Box::new(move || {
            let _ = reply.send(());
        })));
        let _ = replied.await;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.body.pack.clearing.store(true, Ordering::Release);
        if !open.body.is_writing() {
            return open.cut(None);
        }
        let archive = open.archive.clone();
        archive.spawn(async move {
            let _ = open.body.written().await;
            open.cut(None);
        });
    }
}

impl Open {
    fn cut(self, reply: Option<Box<dyn FnOnce() + Send>>) {
        let Self {
            archive,
            body,
            tail,
            start,
            ..
        } = self;
        archive.group.cut(Cut {
            pack: body.pack,
            tail,
            to: start,
            reply,
        });
    }
}
