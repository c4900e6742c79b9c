//! The table of an edited header, where it is known without reading the header again.
//!
//! Most filters give a few elements of the data set itself another value. All other rows are then as they were, at another
//! place, and reading everything again would cost more than the filter. Whatever makes another row read differently (a
//! sequence that is new, changed or gone, Pixel Representation) and whatever may itself be read as something else than it
//! was written as (UN, elements of which the dictionary does not know) leads to the long way. Debug builds go both ways and
//! compare.

use super::tree::{Content, Level, Node};
use crate::header::{Entry, Header};
use crate::structure::{Encoding, Head};
use crate::{VR, dictionary, tags, vr};

/// The rows of what [`Level::write`] writes for this level; `None` where it has to be read.
pub(super) fn of(header: &Header, top: &Level) -> Option<Vec<Entry>> {
    if !others_read_as_before(header, top) {
        return None;
    }
    let mut rows = Vec::with_capacity(header.table().len() + top.nodes.len());
    let mut at = 0;
    for node in top.written() {
        match &node.content {
            Content::Row(row) => {
                let entry = header.table().get(*row)?;
                let moved = header.table().get(*row..entry.next as usize)?;
                let begins = rows.len();
                rows.extend(
                    moved
                        .iter()
                        .map(|row_below| row_below.moved((entry.start, at), (*row, begins))),
                );
                at += entry.after() - entry.start;
            }
            Content::Value { style, bytes } => {
                let head = head(node, style.plain()?, u32::try_from(bytes.len()).ok()?)?;
                let row = u32::try_from(rows.len()).ok()?;
                rows.push(Entry::new(&head, at, row));
                at = at.checked_add(u32::from(head.size))?.checked_add(head.length?)?;
            }
            Content::Items { .. } => return None,
        }
    }
    Some(rows)
}

/// Whether nothing is changed or gone that decides how others are read.
fn others_read_as_before(header: &Header, top: &Level) -> bool {
    let decides = |tag, vr| tag == tags::PIXEL_REPRESENTATION || vr == VR::SQ;
    let mut kept = top.nodes.iter().filter_map(|node| match node.content {
        Content::Row(row) => Some(row),
        _ => None,
    });
    let mut next = kept.next();
    let original = header.level(header.top()).all(|(row, entry)| {
        if next == Some(row) {
            next = kept.next();
            return true;
        }
        !decides(entry.tag, entry.vr) && !entry.has_items()
    });
    let new = top
        .nodes
        .iter()
        .filter(|node| !matches!(node.content, Content::Row(_)))
        .all(|node| !decides(node.tag, node.vr));
    // Rows that are kept stand in the order in which they were.
    original && next.is_none() && new
}

/// The header that an element with a new value is written with, if it is read as that and nothing else.
fn head(node: &Node, encoding: Encoding, length: u32) -> Option<Head> {
    let known = dictionary::lookup(node.tag);
    let certain = if encoding.explicit {
        node.vr != VR::UN
    } else {
        known.is_some_and(|known| known.vr == node.vr && !known.by_pixel_representation)
    };
    certain.then_some(Head {
        tag: node.tag,
        vr: node.vr,
        size: if encoding.explicit && vr::has_long_header(node.vr) {
            12
        } else {
            8
        },
        length: Some(length),
        encoding,
        wrapped: false,
        sign_depends: false,
    })
}
