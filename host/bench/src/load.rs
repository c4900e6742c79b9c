//! One load: so many objects of a size over so many associations, each association a thread with its own
//! studies, timed.
//!
//! Separate from what is loaded, so that every system gets the same one; and bounded in time, so that a slow
//! system costs minutes and not an evening: what was acknowledged until then makes its rate.

use std::error::Error;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::generate::{Feed, Generator, Outgoing, Size};
use crate::wire::Association;

/// What is sent; the same for every system of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) size: Size,
    /// Associations, or writers for the reference.
    pub(crate) lanes: u32,
    pub(crate) objects: u32,
    /// Nothing is begun after this.
    pub(crate) limit: Duration,
}

/// Who receives it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) called: String,
    pub(crate) calling: String,
}

/// What came of it. Several can be added up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Objects acknowledged with success (or a warning, which also means stored).
    pub(crate) objects: u64,
    /// Their data sets' bytes.
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    /// From the first byte sent to the answer read, one per acknowledged object.
    pub(crate) latencies: Vec<Duration>,
    /// Objects that were not acknowledged; associations that broke count as one.
    pub(crate) failures: u64,
    pub(crate) first_failure: Option<String>,
    /// The time limit ended it before all objects were sent.
    pub(crate) cut: bool,
    /// Studies sent, with their number of objects.
    pub(crate) studies: Vec<(String, u32)>,
}

impl Outcome {
    /// Both, one after the other: seconds add up.
    pub(crate) fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.merge(other);
    }

    /// Both, side by side: seconds are those of the longer one.
    fn join(&mut self, other: Self) {
        self.seconds = self.seconds.max(other.seconds);
        self.merge(other);
    }

    fn merge(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.latencies.extend(other.latencies);
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        self.cut |= other.cut;
        self.studies.extend(other.studies);
    }

    /// Acknowledged objects per second.
    pub(crate) fn rate(&self) -> f64 {
        if self.seconds > 0.0 {
            self.objects as f64 / self.seconds
        } else {
            0.0
        }
    }

    fn fail(&mut self, reason: impl ToString) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(|| reason.to_string());
    }
}

/// Something that takes objects one after the other and answers when each is safe.
trait Lane: Send {
    fn put(&mut self, object: &Outgoing<'_>) -> Result<(), PutError>;
    fn end(self);
}

enum PutError {
    /// This object was refused; the next may be tried.
    Refused(String),
    /// The lane is broken.
    Broken(io::Error),
}

/// Sends a load to a peer.
///
/// # Errors
/// An association cannot be opened. What fails later is counted in the outcome.
pub(crate) fn send(generator: &Generator, load: Load, peer: &Peer) -> io::Result<Outcome> {
    let patience = load.limit + Duration::from_secs(30);
    let open = |_| Association::open(peer.address, &peer.called, &peer.calling, patience);
    let lanes = (0..load.lanes).map(open).collect::<io::Result<Vec<_>>>()?;
    run(generator, load, lanes)
}

/// The reference: the same bytes appended to one file per writer, each object followed by `fdatasync`. The
/// files are removed.
///
/// # Errors
/// A file cannot be created, written or removed.
pub(crate) fn append(generator: &Generator, load: Load, folder: &std::path::Path) -> io::Result<Outcome> {
    let create = |nth| {
        let path = folder.join(format!("append-{nth}"));
        Ok(Appending {
            file: File::create(&path)?,
            path,
        })
    };
    let lanes = (0..load.lanes).map(create).collect::<io::Result<Vec<_>>>()?;
    run(generator, load, lanes)
}

fn run<L: Lane>(generator: &Generator, load: Load, lanes: Vec<L>) -> io::Result<Outcome> {
    let start = Barrier::new(lanes.len() + 1);
    thread::scope(|scope| {
        let mut running = Vec::new();
        for (nth, lane) in (0..).zip(lanes) {
            let share = load.objects / load.lanes + u32::from(nth < load.objects % load.lanes);
            let feed = generator.feed(load.size, share);
            let start = &start;
            running.push(scope.spawn(move || {
                start.wait();
                drive(lane, feed, load.limit)
            }));
        }
        start.wait();
        let mut outcome = Outcome::default();
        for lane in running {
            match lane.join() {
                Ok(done) => outcome.join(done),
                Err(_) => outcome.fail("a sending thread panicked"),
            }
        }
        Ok(outcome)
    })
}

fn drive<L: Lane>(mut lane: L, mut feed: Feed, limit: Duration) -> Outcome {
    let begun = Instant::now();
    let mut outcome = Outcome::default();
    if let Err(error) = drive_until(&mut lane, &mut feed, begun + limit, &mut outcome) {
        outcome.fail(error);
    }
    // Before the release: what a system does at the end of an association delays no answer.
    outcome.seconds = begun.elapsed().as_secs_f64();
    outcome.studies = feed.studies().to_vec();
    lane.end();
    outcome
}

fn drive_until<L: Lane>(
    lane: &mut L,
    feed: &mut Feed,
    until: Instant,
    outcome: &mut Outcome,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    loop {
        if Instant::now() >= until {
            outcome.cut = true;
            return Ok(());
        }
        let Some(object) = feed.next()? else {
            return Ok(());
        };
        let begun = Instant::now();
        match lane.put(&object) {
            Ok(()) => {
                outcome.latencies.push(begun.elapsed());
                outcome.objects += 1;
                outcome.bytes += object.bytes();
            }
            Err(PutError::Refused(status)) => outcome.fail(status),
            Err(PutError::Broken(error)) => return Err(error.into()),
        }
    }
}

impl Lane for Association {
    fn put(&mut self, object: &Outgoing<'_>) -> Result<(), PutError> {
        match self.store(object) {
            // Success, or one of the warnings of C-STORE: stored with a remark (PS3.4 §B.2.3).
            Ok(0x0000 | 0xB000 | 0xB006 | 0xB007) => Ok(()),
            Ok(status) => Err(PutError::Refused(format!("status {status:04X}H"))),
            Err(error) => Err(PutError::Broken(error)),
        }
    }

    fn end(self) {
        self.release();
    }
}

struct Appending {
    file: File,
    path: PathBuf,
}

impl Lane for Appending {
    fn put(&mut self, object: &Outgoing<'_>) -> Result<(), PutError> {
        let mut slices = [IoSlice::new(object.header), IoSlice::new(object.pixels)];
        let mut slices = slices.as_mut_slice();
        while !slices.is_empty() {
            let written = self.file.write_vectored(slices).map_err(PutError::Broken)?;
            if written == 0 {
                return Err(PutError::Broken(io::ErrorKind::WriteZero.into()));
            }
            IoSlice::advance_slices(&mut slices, written);
        }
        self.file.sync_data().map_err(PutError::Broken)
    }

    fn end(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
