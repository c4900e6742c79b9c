//! The header of a stored object, parsed again from its pack. Blocking: call it off the async threads.
//!
//! Separate because it is the one place of this crate that looks into an object: recovery and reindexing learn from it
//! what the index must know, and filters of later chains see it.

use std::{fs::File, os::unix::fs::FileExt};

use isocenter_dicom::{
    header::{Header, HeaderReader, Limits, Progress},
    inflate::Inflater,
    part10::MetaReader,
};

use crate::{
    ArchiveError,
    index::{Attributes, NewJob, NewObject, PackId, Place},
    pack::{label::Label, scan::Found},
};

/// What is read at once.
const PIECE: u64 = 64 * 1024;
/// More than deflate can reach: what is stored passed its limits when it was received.
const RATIO: u32 = 1100;

/// Parses the header of the object at a place.
pub(crate) fn header(file: &File, pack: &std::path::Path, place: &Place) -> Result<Header, ArchiveError> {
    let unreadable = |source| ArchiveError::Unreadable {
        pack: place.pack,
        offset: place.offset,
        source,
    };
    let damaged = |what: &str| ArchiveError::Damaged {
        pack: place.pack,
        offset: place.offset,
        what: what.to_owned(),
    };
    let mut pieces = Pieces {
        file,
        at: place.offset,
        left: u64::from(place.header_length).min(place.length),
    };
    let read = |pieces: &mut Pieces<'_>| pieces.next().map_err(|error| ArchiveError::file("read", pack, error));

    let mut meta = MetaReader::new();
    let (meta, rest) = loop {
        let piece = read(&mut pieces)?;
        if piece.is_empty() {
            return Err(damaged("it ends inside the file meta information"));
        }
        if let Some(found) = meta.push(&piece).map_err(unreadable)? {
            break found;
        }
    };
    let limits = Limits::default();
    let mut inflater = None;
    if meta.syntax.is_deflated() {
        // A place inside a deflated stream says nothing about places in what it inflates to: read until the header ends.
        pieces.left = (place.offset + place.length).saturating_sub(pieces.at);
        inflater = Some(Inflater::new(
            limits.header_bytes as u64 + PIECE * u64::from(RATIO),
            RATIO,
        ));
    }
    let mut reader = HeaderReader::new(meta.syntax, limits);
    let mut piece = rest.to_vec();
    loop {
        let progress = match &mut inflater {
            None => reader.push(&piece).map_err(unreadable)?,
            Some(inflater) => {
                let mut inflated = Vec::new();
                inflater.push(&piece, &mut inflated).map_err(unreadable)?;
                reader.push(&inflated).map_err(unreadable)?
            }
        };
        if progress == Progress::PixelDataReached {
            break;
        }
        piece = read(&mut pieces)?;
        if piece.is_empty() {
            break;
        }
    }
    let (header, _) = reader.finish().map_err(unreadable)?;
    Ok(header)
}

/// What the index must know about an entry, from the entry alone.
pub(crate) fn object(
    file: &File,
    path: &std::path::Path,
    pack: PackId,
    found: &Found,
    jobs: Vec<NewJob>,
) -> Result<NewObject, ArchiveError> {
    let place = place(pack, found);
    let damaged = |what: String| ArchiveError::Damaged {
        pack,
        offset: place.offset,
        what,
    };
    let header = header(file, path, &place)?;
    let identity = header.identity().map_err(|error| damaged(error.to_string()))?;
    let Label {
        object,
        study,
        source,
        arrived,
        held,
        ..
    } = found.label.clone();
    if identity.sop_instance != object || identity.study != study {
        return Err(damaged("its identity is not what the entry says".to_owned()));
    }
    let syntax = header.syntax().uid().clone();
    Ok(NewObject {
        identity,
        syntax,
        place,
        attributes: Attributes::of(&header),
        source,
        arrived,
        jobs,
        held,
    })
}

/// Where the object of an entry is.
pub(crate) fn place(pack: PackId, found: &Found) -> Place {
    Place {
        pack,
        offset: found.content,
        length: found.label.length,
        header_length: found.label.header_length,
        digest: found.label.digest,
    }
}

struct Pieces<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Pieces<'_> {
    /// The next piece; empty at the end.
    fn next(&mut self) -> std::io::Result<Vec<u8>> {
        let size = self.left.min(PIECE);
        let mut piece = vec![0; usize::try_from(size).unwrap_or_default()];
        self.file.read_exact_at(&mut piece, self.at)?;
        self.at += size;
        self.left -= size;
        Ok(piece)
    }
}
