//! Several new objects of a study that are stored all together or not at all: what an analyzer made, say.
//!
//! They stand one after another at the end of one pack. The label of the first is written when all of them are durable, and
//! says how many they are: until then its room is zero, which ends the pack for whoever reads it, and a crash leaves none of
//! them. One transaction indexes all; after a crash before it, they are indexed together or cut off together.

use std::{
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use bytes::Bytes;
use isocenter_dicom::uid::Uid;
use tokio::{
    sync::{OwnedMutexGuard, oneshot},
    task::JoinHandle,
};

use super::{
    Pack, Tail,
    body::Body,
    entry::NewObjectParts,
    label::{self, Label, MOST_TOGETHER},
};
use crate::{
    ArchiveError,
    archive::Inner,
    group::{Cut, FinishTogether},
    index::{NewObject, Source, StoredTogether},
};

/// Objects that are being appended to a pack together. Dropping it takes their bytes back out.
#[must_use = "what is not committed is taken back"]
pub struct Together {
    /// Of all of them; its folder holds the pack.
    study: Uid,
    /// Empty once it was committed.
    open: Option<Box<Open>>,
}

struct Open {
    archive: Arc<Inner>,
    pack: Arc<Pack>,
    tail: OwnedMutexGuard<Tail>,
    source: Source,
    /// Where the first entry starts in the pack, and where the next one does.
    start: u64,
    end: u64,
    /// The label of the first; complete but for how many there are.
    first: Option<Label>,
    objects: Vec<NewObject>,
    arriving: Option<Arriving>,
    /// The end of an object that is being written.
    ending: Option<JoinHandle<Result<Label, ArchiveError>>>,
    /// A write failed: nothing can follow.
    failed: bool,
}

/// The object that is being written.
struct Arriving {
    object: Uid,
    arrived: SystemTime,
    body: Body,
}

impl Together {
    /// How many there may be.
    pub const MOST: usize = MOST_TOGETHER;

    pub(super) fn new(
        archive: Arc<Inner>,
        pack: Arc<Pack>,
        tail: OwnedMutexGuard<Tail>,
        study: &Uid,
        source: Source,
    ) -> Self {
        let start = tail.end;
        let open = Open {
            archive,
            pack,
            tail,
            source,
            start,
            end: start,
            first: None,
            objects: Vec::new(),
            arriving: None,
            ending: None,
            failed: false,
        };
        Self {
            study: study.clone(),
            open: Some(Box::new(open)),
        }
    }

    /// The study that all of them are of.
    pub fn study(&self) -> &Uid {
        &self.study
    }

    /// Starts the next object; the one before it has been ended.
    pub fn begin(&mut self, object: &Uid) -> Result<(), ArchiveError> {
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        if !open.is_between() {
            return Err(ArchiveError::Closed);
        }
        if open.objects.len() >= MOST_TOGETHER {
            return Err(ArchiveError::TooManyTogether(MOST_TOGETHER));
        }
        let together = open.objects.is_empty().then_some(MOST_TOGETHER);
        let room = label::reserved(&open.source, None, together);
        open.arriving = Some(Arriving {
            object: object.clone(),
            arrived: SystemTime::now(),
            body: Body::new(open.pack.clone(), open.end, room),
        });
        Ok(())
    }

    /// Appends a piece of the Part 10 file of the object that was begun. After an error all of them can only be dropped.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ArchiveError> {
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        let arriving = open.arriving.as_mut().ok_or(ArchiveError::Closed)?;
        let written = arriving.body.write(bytes).await;
        open.failed |= written.is_err();
        written
    }

    /// As [`crate::Entry::header_done`].
    pub fn header_done(&mut self) {
        if let Some(arriving) = self.open.as_mut().and_then(|open| open.arriving.as_mut()) {
            arriving.body.header_done();
        }
    }

    /// The object that was begun is complete. After an error all of them can only be dropped.
    pub async fn end(&mut self, parts: NewObjectParts) -> Result<(), ArchiveError> {
        for job in &parts.jobs {
            job.for_new_object()?;
        }
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        let ended = open.end(&self.study, parts).await;
        open.failed |= ended.is_err();
        ended
    }

    /// Makes all objects that were ended durable and indexes them; returns when both is done. Where an object is served
    /// under the UID of one of them, and is another, nothing is stored.
    ///
    /// Dropping the returned future does not stop the commit. An error is one as of [`crate::Entry::commit`], of all of them.
    pub async fn commit(mut self) -> Result<StoredTogether, ArchiveError> {
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        if !open.is_between() {
            return Err(ArchiveError::Closed);
        }
        let Some(mut first) = open.first.take() else {
            return Ok(StoredTogether::All(Vec::new()));
        };
        first.together = Some(open.objects.len());
        let permit = open.archive.group.permit().await?;
        let (answer, answered) = oneshot::channel();
        let open = *self.open.take().ok_or(ArchiveError::Closed)?;
        let archive = open.archive.clone();
        archive.group.finish_together(FinishTogether {
            pack: open.pack,
            tail: open.tail,
            start: open.start,
            end: open.end,
            label: first.encode(),
            objects: open.objects,
            answer,
            permit,
        });
        answered.await.map_err(|_| ArchiveError::Closed)?
    }
}

impl Open {
    /// Whether what was begun is ended.
    fn is_between(&self) -> bool {
        !self.failed && self.arriving.is_none() && self.ending.is_none()
    }

    async fn end(&mut self, study: &Uid, parts: NewObjectParts) -> Result<(), ArchiveError> {
        let arriving = self.arriving.as_mut().ok_or(ArchiveError::Closed)?;
        arriving.body.written().await?;
        let Arriving { object, arrived, body } = self.arriving.take().ok_or(ArchiveError::Closed)?;
        let mut rest = body.rest()?;
        let is_first = self.objects.is_empty();
        let mut label = Label {
            object,
            study: study.clone(),
            length: rest.length,
            header_length: rest.header_length,
            digest: [0; 32],
            arrived,
            source: self.source.clone(),
            duplicates: self.archive.duplicates,
            held: None,
            together: is_first.then_some(MOST_TOGETHER),
        };
        let (pack, start) = (self.pack.clone(), self.end);
        // Kept here, so that nothing is cut off while it is being written.
        let ending = self.ending.insert(tokio::task::spawn_blocking(move || {
            label.digest = rest.end();
            let encoded = (!is_first).then(|| label.encode());
            rest.write(&pack.file, start, encoded.as_deref())
                .map_err(|error| ArchiveError::file("write", &pack.path, error))?;
            Ok(label)
        }));
        let label = ending.await;
        self.ending = None;
        let label = label.unwrap_or(Err(ArchiveError::Closed))?;
        if is_first {
            self.first = Some(label.clone());
        }
        let (object, end) = label.object(self.pack.name.id, start, parts);
        self.objects.push(object);
        self.end = end;
        Ok(())
    }

    fn cut(self) {
        self.archive.group.cut(Cut {
            pack: self.pack,
            tail: self.tail,
            to: self.start,
            reply: None,
        });
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.pack.clearing.store(true, Ordering::Release);
        let writing = open
            .arriving
            .as_ref()
            .is_some_and(|arriving| arriving.body.is_writing());
        if !writing && open.ending.is_none() {
            return open.cut();
        }
        let archive = open.archive.clone();
        archive.spawn(async move {
            // Whether the last piece could be written makes no difference now.
            if let Some(mut arriving) = open.arriving.take() {
                let _ = arriving.body.written().await;
            }
            if let Some(ending) = open.ending.take() {
                let _ = ending.await;
            }
            open.cut();
        });
    }
}
