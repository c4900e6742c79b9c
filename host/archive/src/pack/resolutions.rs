//! What was decided about objects in quarantine, beside their packs: `DATA/quarantine/<2 hex>/<32 hex>/resolved.jsonl`, one
//! line of JSON for each decision. It is what rebuilding the index learns from that an object is not to come back.
//!
//! Separate from the packs because a pack that is sealed is not written to again. A decision is about a digest of an object,
//! not about a place alone: other copies of the same bytes that came before it stay away with it. A line that cannot be read
//! counts for nothing, so that the worst a damaged file does is to bring an object back into quarantine.

use std::{
    fs::OpenOptions,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use isocenter_dicom::uid::Uid;
use serde::{Deserialize, Serialize};

use super::{
    folder::sync_folder,
    label::{clip, hex},
};
use crate::index::{NewObject, Outcome, PackId, Quarantined, Resolution};

/// Longer lines are not ours.
const LONGEST_LINE: u64 = 16 * 1024;
// Longer values are cut.
const BY: usize = 256;
const REASON: usize = 1024;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    object: String,
    /// BLAKE3 of the Part 10 file, in hexadecimal digits.
    blake3: String,
    pack: String,
    offset: u64,
    outcome: String,
    by: String,
    reason: String,
    /// Microseconds since 1970.
    at: u64,
}

/// What was decided about the objects of a study, in the order of the decisions.
#[derive(Debug, Default)]
pub(crate) struct Resolutions {
    lines: Vec<Line>,
    /// Lines that could not be read.
    pub(crate) damaged: u64,
}

/// What a decision means for an entry of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was about this entry.
    Resolved(Resolution),
    /// It was about the same bytes elsewhere.
    Copy,
}

/// A decision as it is kept: now, without control characters, its author cut to 256 bytes and its reason to 1024.
pub(crate) fn now(outcome: Outcome, by: &str, reason: &str) -> Resolution {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Resolution {
        outcome,
        by: clip(by, BY),
        reason: clip(reason, REASON),
        at: UNIX_EPOCH + Duration::from_micros(micros(since)),
    }
}

fn micros(since: Duration) -> u64 {
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Writes a decision to the end of a study's file and makes it durable. Blocking; one at a time.
pub(crate) fn append(path: &Path, held: &Quarantined, resolution: &Resolution) -> io::Result<()> {
    let line = Line {
        object: held.identity.sop_instance.to_string(),
        blake3: hex(&held.place.digest),
        pack: held.place.pack.to_string(),
        offset: held.place.offset,
        outcome: resolution.outcome.as_str().to_owned(),
        by: resolution.by.clone(),
        reason: resolution.reason.clone(),
        at: micros(resolution.at.duration_since(UNIX_EPOCH).unwrap_or_default()),
    };
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let mut out = Vec::new();
    if torn(&mut file)? {
        out.push(b'\n');
    }
    serde_json::to_writer(&mut out, &line)?;
    out.push(b'\n');
    file.write_all(&out)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Whether a crash left half a line.
fn torn(file: &mut std::fs::File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Resolutions {
    /// Reads a study's file; one that is absent holds nothing. Blocking.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut reader = BufReader::new(file);
        let mut found = Self::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(found);
            }
            match serde_json::from_slice::<Line>(&line) {
                Ok(line) if Outcome::parse(&line.outcome).is_some() => found.lines.push(line),
                _ => found.damaged += 1,
            }
        }
    }

    /// What was decided about an entry in quarantine; the last decision counts. `None`: nothing.
    pub(crate) fn of(&self, object: &NewObject) -> Option<Fate> {
        object.held.as_ref()?;
        let place = &object.place;
        let (uid, digest, pack) = (&object.identity.sop_instance, hex(&place.digest), place.pack);
        let same = |line: &&Line| line.blake3 == digest && Uid::parse(&line.object).is_ok_and(|other| other == *uid);
        let here = |line: &&Line| PackId::parse(&line.pack) == Some(pack) && line.offset == place.offset;
        if let Some(line) = self.lines.iter().rev().filter(same).find(here) {
            return Some(Fate::Resolved(Resolution {
                outcome: Outcome::parse(&line.outcome)?,
                by: line.by.clone(),
                reason: line.reason.clone(),
                at: line.at(),
            }));
        }
        let before = |line: &Line| object.arrived <= line.at();
        self.lines.iter().filter(same).any(before).then_some(Fate::Copy)
    }
}

impl Line {
    fn at(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_micros(self.at))
            .unwrap_or(UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests;
