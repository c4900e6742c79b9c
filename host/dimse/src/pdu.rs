//! Protocol data units (PS3.8 §9.3) as bytes: their types, and the short ones. Separate from the stream they travel on,
//! so that every field can be tested without one. P-DATA-TF is not here: it is never held as a whole, see `wire`.

pub(crate) mod associate;
mod fields;

use bytes::{BufMut, BytesMut};

use crate::error::{AbortReason, Rejection};

pub(crate) const ASSOCIATE_RQ: u8 = 0x01;
pub(crate) const ASSOCIATE_AC: u8 = 0x02;
pub(crate) const ASSOCIATE_RJ: u8 = 0x03;
pub(crate) const DATA: u8 = 0x04;
pub(crate) const RELEASE_RQ: u8 = 0x05;
pub(crate) const RELEASE_RP: u8 = 0x06;
pub(crate) const ABORT: u8 = 0x07;

/// Type, reserved byte, length of four bytes.
pub(crate) const HEADER: usize = 6;
/// The longest A-ASSOCIATE PDU that is read. 128 contexts of 30 transfer syntaxes each fit.
pub(crate) const MAX_ASSOCIATE: u32 = 256 << 10;
/// The length of every PDU without items.
pub(crate) const SHORT: u32 = 4;

/// Appends an A-ASSOCIATE-RJ (§9.3.4).
pub(crate) fn put_reject(out: &mut BytesMut, rejection: Rejection) {
    let (result, source, reason) = rejection.codes();
    put_short(out, ASSOCIATE_RJ, [0, result, source, reason]);
}

/// Appends an A-RELEASE-RQ or -RP (§9.3.6, §9.3.7).
pub(crate) fn put_release(out: &mut BytesMut, pdu: u8) {
    put_short(out, pdu, [0; 4]);
}

/// Appends an A-ABORT (§9.3.8).
pub(crate) fn put_abort(out: &mut BytesMut, reason: AbortReason) {
    let (source, reason) = reason.codes();
    put_short(out, ABORT, [0, 0, source, reason]);
}

fn put_short(out: &mut BytesMut, pdu: u8, body: [u8; 4]) {
    out.put_slice(&[pdu, 0]);
    out.put_u32(SHORT);
    out.put_slice(&body);
}
