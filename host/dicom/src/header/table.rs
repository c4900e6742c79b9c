//! The flat table of elements: one row of 24 bytes per element or item, in the order of the bytes.
//!
//! A tree of owned nodes would cost an allocation per element, and a recursion to build and to drop. Here the children
//! of a sequence or item are simply the rows after it, up to the row that `next` names.

use crate::structure::{Encoding, Head};
use crate::{Tag, VR};

/// One element or item. Offsets are from the start of the header; a header is under 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub(crate) tag: Tag,
    pub(crate) vr: VR,
    flags: u8,
    /// Where its own header begins.
    pub(crate) start: u32,
    /// Where its value begins.
    pub(crate) value: u32,
    /// Where its value ends; a delimiter may follow.
    pub(crate) end: u32,
    /// The row after its last descendant.
    pub(crate) next: u32,
}

const UNDEFINED: u8 = 1;
const EXPLICIT: u8 = 2;
const BIG_ENDIAN: u8 = 4;
const WRAPPED: u8 = 8;
const ITEMS: u8 = 16;
const UNREADABLE: u8 = 32;
const LARGE: u8 = 64;

impl Entry {
    /// A row for `head`, which begins at `start`; it has no descendants yet.
    pub(crate) fn new(head: &Head, start: u32, row: u32) -> Self {
        let value = start.saturating_add(u32::from(head.size));
        let mut flags = 0;
        for (flag, set) in [
            (UNDEFINED, head.length.is_none()),
            (EXPLICIT, head.encoding.explicit),
            (BIG_ENDIAN, head.encoding.big_endian),
            (WRAPPED, head.wrapped),
            (LARGE, head.size == 12),
        ] {
            if set {
                flags |= flag;
            }
        }
        let end = value.saturating_add(head.length.unwrap_or(0));
        Self {
            tag: head.tag,
            vr: head.vr,
            flags,
            start,
            value,
            end,
            next: row.saturating_add(1),
        }
    }

    /// The same element at another place: each pair is where something was and where it is now, in bytes and in rows.
    pub(crate) fn moved(&self, (from, to): (u32, u32), (from_row, to_row): (usize, usize)) -> Self {
        let at = |offset: u32| offset.wrapping_sub(from).wrapping_add(to);
        let row = |row: u32| row.wrapping_sub(from_row as u32).wrapping_add(to_row as u32);
        Self {
            start: at(self.start),
            value: at(self.value),
            end: at(self.end),
            next: row(self.next),
            ..*self
        }
    }

    /// Whether its length is undefined, so that a delimiter of 8 bytes follows its value.
    pub(crate) fn is_undefined(&self) -> bool {
        self.flags & UNDEFINED != 0
    }

    /// Where the next element begins.
    pub(crate) fn after(&self) -> u32 {
        if self.is_undefined() {
            self.end.saturating_add(8)
        } else {
            self.end
        }
    }

    /// How its own header is encoded.
    pub(crate) fn encoding(&self) -> Encoding {
        Encoding {
            explicit: self.flags & EXPLICIT != 0,
            big_endian: self.flags & BIG_ENDIAN != 0,
        }
    }

    /// How numbers in its value are encoded: UN is always little endian.
    pub(crate) fn value_is_big_endian(&self) -> bool {
        self.flags & BIG_ENDIAN != 0 && !self.is_wrapped()
    }

    /// The element states UN; `vr` is the dictionary's.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.flags & WRAPPED != 0
    }

    /// It has items, which are rows of their own.
    pub(crate) fn has_items(&self) -> bool {
        self.flags & ITEMS != 0
    }

    /// The dictionary says that it is a sequence, it states UN, and its value does not read as items.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.flags & UNREADABLE != 0
    }

    pub(crate) fn set_items(&mut self) {
        self.flags |= ITEMS;
        self.vr = VR::SQ;
    }

    pub(crate) fn set_unreadable(&mut self) {
        self.flags |= UNREADABLE;
        self.flags &= !WRAPPED;
        self.vr = VR::UN;
    }
}
