//! Tag to VR, for implicit data sets and for new elements.
//!
//! The library's dictionary hashes with SipHash, which would cost more than the rest of reading an implicit element. A
//! small table of answers already given stands in front of it; it is direct-mapped, so it needs no lock and no bound
//! beyond its size.

use crate::vr;
use crate::{Tag, VR};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_dictionary_std::StandardDataDictionary;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the data dictionary (PS3.6, and PS3.5 §7.8 for private creators) says of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The VR; of "US or SS" US, of "OB or OW" and "US or OW" OW (PS3.5 §A.1).
    pub(crate) vr: VR,
    /// US or SS, whichever Pixel Representation (0028,0103) asks for.
    pub(crate) by_pixel_representation: bool,
}

const ANSWERED: u64 = 1 << 63;
const SIGN_DEPENDS: u64 = 1 << 48;
const UNKNOWN: u64 = 1 << 49;
const SLOTS: usize = 1 << 12;

static ANSWERS: LazyLock<Box<[AtomicU64]>> = LazyLock::new(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect());

/// What the dictionary says of `tag`; `None` when it does not know it.
pub(crate) fn lookup(tag: Tag) -> Option<Known> {
    let key = u32::from(tag.group()) << 16 | u32::from(tag.element());
    let slot = (key.wrapping_mul(0x9E37_79B1) >> 20) as usize;
    let Some(answer) = ANSWERS.get(slot) else {
        return ask(tag);
    };
    let seen = answer.load(Ordering::Relaxed);
    if seen & ANSWERED != 0 && seen & 0xFFFF_FFFF == u64::from(key) {
        return unpack(seen);
    }
    let known = ask(tag);
    answer.store(pack(key, known), Ordering::Relaxed);
    known
}

/// The keyword of a tag (PS3.6 §6); "element" when the dictionary does not know it.
pub(crate) fn keyword(tag: Tag) -> &'static str {
    StandardDataDictionary
        .by_tag(tag)
        .map_or("element", |entry| entry.alias())
}

fn pack(key: u32, known: Option<Known>) -> u64 {
    let Some(known) = known else {
        return ANSWERED | UNKNOWN | u64::from(key);
    };
    let vr = u16::from_be_bytes(known.vr.to_bytes());
    let sign = if known.by_pixel_representation { SIGN_DEPENDS } else { 0 };
    ANSWERED | sign | u64::from(vr) << 32 | u64::from(key)
}

fn unpack(answer: u64) -> Option<Known> {
    if answer & UNKNOWN != 0 {
        return None;
    }
    let [_, _, high, low, ..] = answer.to_be_bytes();
    Some(Known {
        vr: vr::from_bytes([high, low])?,
        by_pixel_representation: answer & SIGN_DEPENDS != 0,
    })
}

fn ask(tag: Tag) -> Option<Known> {
    let exact = |vr| {
        Some(Known {
            vr,
            by_pixel_representation: false,
        })
    };
    if tag.element() == 0 {
        return exact(VR::UL);
    }
    if tag.group() % 2 == 1 {
        return if (0x0010..=0x00FF).contains(&tag.element()) {
            exact(VR::LO)
        } else {
            None
        };
    }
    match StandardDataDictionary.by_tag(tag)?.vr() {
        VirtualVr::Exact(vr) => exact(vr),
        VirtualVr::Xs => Some(Known {
            vr: VR::US,
            by_pixel_representation: true,
        }),
        _ => exact(VR::OW),
    }
}

#[cfg(test)]
mod tests;
