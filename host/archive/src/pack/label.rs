//! What stands before each object in a pack: a pax extended header with Isocenter's records, and the file's own header.
//!
//! Isocenter's records are lines (`ISOCENTER.blake3=…`) within a pax `comment`, not keywords of their own as POSIX would
//! allow: GNU tar warns about every keyword that it does not know, for every object, and says nothing about comments.
//!
//! The room for it is reserved, as zeros, when the entry begins, and filled when the entry ends, because only then are
//! length and digest known. A zero block ends an archive, so a tar that meets an unfinished entry stops there. Everything
//! that the index cannot learn from the object itself is in the records: they are what `reindex` rebuilds it from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use isocenter_dicom::uid::Uid;

use super::tar::{self, BLOCK, Kind};
use crate::{
    NewObjectParts,
    index::{Duplicates, Held, NewObject, PackId, Place, Source, Transport},
};

/// What an entry says about its object.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) object: Uid,
    pub(crate) study: Uid,
    /// Bytes of the Part 10 file.
    pub(crate) length: u64,
    /// Bytes of the Part 10 file up to the pixel data element.
    pub(crate) header_length: u32,
    /// BLAKE3 of the Part 10 file.
    pub(crate) digest: [u8; 32],
    pub(crate) arrived: SystemTime,
    pub(crate) source: Source,
    /// The policy in force when it arrived: rebuilding the index must decide as was decided then.
    pub(crate) duplicates: Duplicates,
    pub(crate) held: Option<Held>,
    /// Of the first of several that were stored together: how many they are.
    pub(crate) together: Option<usize>,
}

/// How many objects can be stored together.
pub(crate) const MOST_TOGETHER: usize = 256;

const COMMENT: &str = "comment";
const PREFIX: &str = "ISOCENTER.";

// Longer values are cut, so that the reserved room always suffices.
const AE: usize = 16;
const PEER: usize = 64;
const SUBJECT: usize = 256;
const PLUGIN: usize = 128;
const REASON: usize = 1024;

/// The longest that the records of an archived object without a subject get: all UIDs, AE titles and sizes at their maximum.
const ROOM: usize = BLOCK;
/// What the record of a subject adds besides its value.
const SUBJECT_ROOM: usize = 24;
/// What the record of how many were stored together adds.
const TOGETHER_ROOM: usize = 24;
/// What the records of a quarantined object add besides their values: keywords, lengths and line ends.
const HELD_ROOM: usize = 64;

/// How many bytes stand before an object's first byte.
pub(crate) fn reserved(source: &Source, held: Option<&Held>, together: Option<usize>) -> usize {
    2 * BLOCK + room(source, held, together)
}

/// A held reason as it is kept: without control characters, at most 1024 bytes (the plugin's name at most 128).
pub(crate) fn clipped(held: &Held) -> Held {
    Held {
        plugin: held.plugin.as_deref().map(|name| clip(name, PLUGIN)),
        reason: clip(&held.reason, REASON),
    }
}

/// A source as it is kept: AE titles at most 16 bytes, the peer at most 64, the subject at most 256.
pub(crate) fn clipped_source(source: &Source) -> Source {
    Source {
        calling_ae: source.calling_ae.as_deref().map(|ae| clip(ae, AE)),
        called_ae: source.called_ae.as_deref().map(|ae| clip(ae, AE)),
        peer: source.peer.as_deref().map(|peer| clip(peer, PEER)),
        transport: source.transport,
        subject: source.subject.as_deref().map(|subject| clip(subject, SUBJECT)),
        hops: source.hops,
    }
}

impl Label {
    /// The bytes that stand before the object: exactly [`reserved`].
    pub(crate) fn encode(&self) -> Vec<u8> {
        let since = self.arrived.duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}.dcm", self.object);
        let body = self.records(since);
        let mut out = Vec::with_capacity(self.reserved());
        out.extend_from_slice(&tar::header(&tar::Header {
            name: format!("PaxHeaders/{name}"),
            size: body.len() as u64,
            modified: since.as_secs(),
            kind: Kind::Extended,
        }));
        out.extend_from_slice(&body);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out.extend_from_slice(&tar::header(&tar::Header {
            name,
            size: self.length,
            modified: since.as_secs(),
            kind: Kind::File,
        }));
        debug_assert_eq!(out.len(), self.reserved());
        out
    }

    /// How many bytes it takes.
    pub(crate) fn reserved(&self) -> usize {
        reserved(&self.source, self.held.as_ref(), self.together)
    }

    /// What the index is told of the entry that starts at `start`, and where it ends.
    pub(crate) fn object(self, pack: PackId, start: u64, parts: NewObjectParts) -> (NewObject, u64) {
        let place = Place {
            pack,
            offset: start + self.reserved() as u64,
            length: self.length,
            header_length: self.header_length,
            digest: self.digest,
        };
        let object = NewObject {
            identity: parts.identity,
            syntax: parts.syntax,
            place,
            attributes: parts.attributes,
            source: self.source,
            arrived: self.arrived,
            jobs: parts.jobs,
            held: self.held,
        };
        (object, place.offset + tar::padded(place.length))
    }

    fn records(&self, since: Duration) -> Vec<u8> {
        let room = room(&self.source, self.held.as_ref(), self.together);
        let mut body = Vec::with_capacity(room);
        if self.length > tar::LARGEST {
            tar::put_record(&mut body, "size", &self.length.to_string());
        }
        tar::put_record(
            &mut body,
            "mtime",
            &format!("{}.{:09}", since.as_secs(), since.subsec_nanos()),
        );
        let mut lines = self.lines();
        // The room was reserved in whole blocks: the last of them must be begun.
        let least = room - BLOCK + 1;
        let written = body.len() + lines.len();
        lines.extend(std::iter::repeat_n('\n', least.saturating_sub(written)));
        tar::put_record(&mut body, COMMENT, &lines);
        body
    }

    fn lines(&self) -> String {
        let source = clipped_source(&self.source);
        let held = self.held.as_ref().map(clipped);
        let lines = [
            ("blake3", Some(hex(&self.digest))),
            ("header", Some(self.header_length.to_string())),
            ("study", Some(self.study.to_string())),
            ("transport", Some(source.transport.as_str().to_owned())),
            ("policy", Some(policy_name(self.duplicates).to_owned())),
            ("calling", source.calling_ae),
            ("called", source.called_ae),
            ("peer", source.peer),
            ("subject", source.subject),
            ("together", self.together.map(|together| together.to_string())),
            ("hops", (source.hops > 0).then(|| source.hops.to_string())),
            ("held", held.as_ref().map(|held| held.reason.clone())),
            ("plugin", held.and_then(|held| held.plugin)),
        ];
        lines
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{PREFIX}{name}={}\n", value?)))
            .collect()
    }

    /// Reads the records and the file's header back.
    pub(crate) fn decode(body: &[u8], file: &tar::Header) -> Result<Self, &'static str> {
        let records = tar::records(body).ok_or("the pax records are malformed")?;
        let record = |keyword| {
            records
                .iter()
                .find(|(found, _)| *found == keyword)
                .map(|(_, value)| *value)
        };
        let lines = record(COMMENT).unwrap_or_default();
        let find = |name: &str| {
            lines
                .lines()
                .find_map(|line| line.strip_prefix(PREFIX)?.strip_prefix(name)?.strip_prefix('='))
        };
        let object = file.name.strip_suffix(".dcm").and_then(|name| Uid::parse(name).ok());
        let length = match record("size") {
            Some(size) => size.parse().map_err(|_| "the size record is malformed")?,
            None => file.size,
        };
        let plugin = find("plugin").map(str::to_owned);
        Ok(Self {
            object: object.ok_or("the name is not a UID")?,
            study: find("study")
                .and_then(|uid| Uid::parse(uid).ok())
                .ok_or("the study is missing")?,
            length,
            header_length: find("header")
                .and_then(|length| length.parse().ok())
                .ok_or("the length of the header is missing")?,
            digest: find("blake3").and_then(unhex).ok_or("the digest is missing")?,
            arrived: record("mtime")
                .and_then(moment)
                .unwrap_or(UNIX_EPOCH + Duration::from_secs(file.modified)),
            source: Source {
                calling_ae: find("calling").map(str::to_owned),
                called_ae: find("called").map(str::to_owned),
                peer: find("peer").map(str::to_owned),
                transport: find("transport")
                    .and_then(Transport::parse)
                    .ok_or("the transport is missing")?,
                subject: find("subject").map(str::to_owned),
                hops: match find("hops") {
                    None => 0,
                    Some(hops) => hops.parse().map_err(|_| "the number of hops is malformed")?,
                },
            },
            duplicates: find("policy").and_then(policy).ok_or("the policy is missing")?,
            held: find("held").map(|reason| Held {
                plugin,
                reason: reason.to_owned(),
            }),
            together: match find("together").map(str::parse) {
                None => None,
                Some(Ok(together)) if (1..=MOST_TOGETHER).contains(&together) => Some(together),
                Some(_) => return Err("the number of those stored together is malformed"),
            },
        })
    }
}

fn room(source: &Source, held: Option<&Held>, together: Option<usize>) -> usize {
    let subject = source.subject.as_deref().map(|subject| clip(subject, SUBJECT));
    let subject = subject.map_or(0, |subject| SUBJECT_ROOM + subject.len());
    let held = held.map(clipped).map_or(0, |held| {
        HELD_ROOM + held.reason.len() + held.plugin.map_or(0, |name| name.len())
    });
    let together = together.map_or(0, |_| TOGETHER_ROOM);
    (ROOM + subject + held + together).next_multiple_of(BLOCK)
}

/// Without control characters, and not longer than `most` bytes.
pub(crate) fn clip(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.get(..text.floor_char_boundary(most))
        .unwrap_or_default()
        .to_owned()
}

fn policy_name(policy: Duplicates) -> &'static str {
    match policy {
        Duplicates::KeepFirst => "keep-first",
        Duplicates::Replace => "replace",
        Duplicates::KeepBoth => "keep-both",
    }
}

fn policy(name: &str) -> Option<Duplicates> {
    [Duplicates::KeepFirst, Duplicates::Replace, Duplicates::KeepBoth]
        .into_iter()
        .find(|known| policy_name(*known) == name)
}

/// `seconds.nanoseconds`, always nine digits after the point, as [`Label::encode`] writes it.
fn moment(text: &str) -> Option<SystemTime> {
    let (seconds, nanos) = text.split_once('.')?;
    let since = Duration::from_secs(seconds.parse().ok()?).checked_add(Duration::from_nanos(nanos.parse().ok()?))?;
    UNIX_EPOCH.checked_add(since)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests;
