//! Asking over one association: C-FIND, C-GET and C-MOVE at study level (PS3.4 Annex C).
//!
//! Separate from the measuring, which knows nothing of messages. Answers are counted and not looked into: what is timed is
//! who answers.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::generate::SOP_CLASS;
use crate::load::Peer;
use crate::wire::{Association, CONTEXT, command, number, raw};

const FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
const GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Keys of a query in ascending order, as tag, VR and value.
pub(crate) type Keys<'a> = [(u32, &'static str, &'a str)];

/// What was sent for a retrieval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

/// Opens an association for C-FIND.
///
/// # Errors
/// As [`Association::open`].
pub(crate) fn finder(peer: &Peer) -> io::Result<Association> {
    Association::open_for(peer.address, &peer.called, &peer.calling, PATIENCE, &[FIND], false)
}

/// Opens an association for C-GET, on which CT objects come back.
///
/// # Errors
/// As [`Association::open`].
pub(crate) fn getter(peer: &Peer) -> io::Result<Association> {
    let classes = [GET, SOP_CLASS];
    Association::open_for(peer.address, &peer.called, &peer.calling, PATIENCE, &classes, true)
}

/// Opens an association for C-MOVE.
///
/// # Errors
/// As [`Association::open`].
pub(crate) fn mover(peer: &Peer) -> io::Result<Association> {
    Association::open_for(peer.address, &peer.called, &peer.calling, PATIENCE, &[MOVE], false)
}

/// One C-FIND: the number of its matches.
///
/// # Errors
/// The association ended, or the query did not end with success.
pub(crate) fn find(association: &mut Association, keys: &Keys<'_>) -> io::Result<u64> {
    request(association, 0x0020, FIND, None, keys)?;
    let mut matches = 0;
    loop {
        let heard = association.heard()?.ok_or_else(ended)?;
        match number(&heard.command, 0x0900) {
            Some(0xFF00 | 0xFF01) => matches += 1,
            Some(0) => return Ok(matches),
            status => return Err(refused("C-FIND", status)),
        }
    }
}

/// One C-GET of a study.
///
/// # Errors
/// The association ended, or not all objects came.
pub(crate) fn get(association: &mut Association, study: &str) -> io::Result<Sent> {
    request(association, 0x0010, GET, None, &one(study))?;
    let mut sent = Sent::default();
    loop {
        let heard = association.heard()?.ok_or_else(ended)?;
        if number(&heard.command, 0x0100) == Some(0x0001) {
            sent.objects += 1;
            sent.bytes += heard.data_bytes;
            association.say(heard.context, &stored(&heard.command), None)?;
            continue;
        }
        match number(&heard.command, 0x0900) {
            Some(0xFF00) => {}
            Some(0) => return Ok(sent),
            status => return Err(refused("C-GET", status)),
        }
    }
}

/// One C-MOVE of a study to an AE title: the number of objects that the peer says it has sent.
///
/// # Errors
/// The association ended, or not all objects were sent.
pub(crate) fn send_on(association: &mut Association, study: &str, to: &str) -> io::Result<u64> {
    request(association, 0x0021, MOVE, Some(to), &one(study))?;
    loop {
        let heard = association.heard()?.ok_or_else(ended)?;
        match number(&heard.command, 0x0900) {
            Some(0xFF00) => {}
            // Number of Completed Sub-operations.
            Some(0) => return Ok(u64::from(number(&heard.command, 0x1021).unwrap_or_default())),
            status => return Err(refused("C-MOVE", status)),
        }
    }
}

/// Takes an association and answers C-STORE until it is released, as the receiver of C-MOVE; counts what comes.
///
/// # Errors
/// The connection broke.
pub(crate) fn receive(stream: TcpStream, bytes: &AtomicU64) -> io::Result<()> {
    let mut association = Association::over(stream, PATIENCE)?;
    let (kind, body) = association.pdu()?;
    if kind != 0x01 {
        return Err(io::Error::other(format!("PDU type {kind} where an association begins")));
    }
    association.write(&crate::wire::acceptance(&body))?;
    while let Some(heard) = association.heard()? {
        bytes.fetch_add(heard.data_bytes, Ordering::Relaxed);
        association.say(heard.context, &stored(&heard.command), None)?;
    }
    // A-RELEASE-RP, whatever ended it.
    association.write(&[6, 0, 0, 0, 0, 4, 0, 0, 0, 0])
}

fn one(study: &str) -> [(u32, &'static str, &str); 2] {
    [(0x0008_0052, "CS", "STUDY"), (0x0020_000D, "UI", study)]
}

fn request(
    association: &mut Association,
    field: u16,
    class: &str,
    to: Option<&str>,
    keys: &Keys<'_>,
) -> io::Result<()> {
    let (id, field) = (association.next_id().to_le_bytes(), field.to_le_bytes());
    let mut elements: Vec<(u16, &[u8])> = vec![(0x0002, class.as_bytes()), (0x0100, &field), (0x0110, &id)];
    // An AE title is padded by a space, which an even number of letters needs not.
    if let Some(to) = to {
        elements.push((0x0600, to.as_bytes()));
    }
    elements.extend([(0x0700, &[0, 0][..]), (0x0800, &[1, 0][..])]);
    let mut data = Vec::new();
    for (tag, vr, value) in keys {
        data.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
        data.extend_from_slice(&(*tag as u16).to_le_bytes());
        data.extend_from_slice(vr.as_bytes());
        data.extend_from_slice(&((value.len() + value.len() % 2) as u16).to_le_bytes());
        data.extend_from_slice(value.as_bytes());
        if value.len() % 2 == 1 {
            data.push(if *vr == "UI" { 0 } else { b' ' });
        }
    }
    association.say(CONTEXT, &command(&elements), Some(&data))
}

/// C-STORE-RSP with success.
fn stored(request: &[u8]) -> Vec<u8> {
    command(&[
        (0x0002, raw(request, 0x0002).unwrap_or_default()),
        (0x0100, &0x8001_u16.to_le_bytes()),
        (0x0120, raw(request, 0x0110).unwrap_or_default()),
        (0x0800, &0x0101_u16.to_le_bytes()),
        (0x0900, &[0, 0]),
        (0x1000, raw(request, 0x1000).unwrap_or_default()),
    ])
}

fn ended() -> io::Error {
    io::Error::other("the peer ended the association")
}

fn refused(what: &str, status: Option<u16>) -> io::Error {
    io::Error::other(match status {
        Some(status) => format!("{what}: status {status:04X}H"),
        None => format!("{what}: an answer without a status"),
    })
}
