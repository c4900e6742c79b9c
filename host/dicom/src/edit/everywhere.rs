//! The edits that reach every element at every depth.
//!
//! Separate from walking the tree, so that each is a few lines that say which elements it concerns and what happens to
//! them; the same four are asked about elements after the pixel data, one at a time.

use super::ChangeKind;
use super::date;
use super::encode::padding;
use super::key::SiteKey;
use super::tree::{Candidate, Everywhere, Fate};
use crate::{Tag, VR, tags};
use std::collections::BTreeMap;

/// UIDs of these elements name a kind of thing, not a thing: classes, encodings, code systems, software.
const KINDS: [Tag; 26] = [
    tags::SOP_CLASS_UID,
    tags::RELATED_GENERAL_SOP_CLASS_UID,
    tags::ORIGINAL_SPECIALIZED_SOP_CLASS_UID,
    tags::SOP_CLASSES_IN_STUDY,
    tags::CODING_SCHEME_UID,
    tags::CONTEXT_GROUP_EXTENSION_CREATOR_UID,
    tags::CONTEXT_UID,
    tags::MAPPING_RESOURCE_UID,
    tags::STORED_INSTANCE_TRANSFER_SYNTAX_UID,
    tags::REFERENCED_SOP_CLASS_UID,
    tags::SOP_CLASSES_SUPPORTED,
    tags::AVAILABLE_TRANSFER_SYNTAX_UID,
    tags::FLOW_TRANSFER_SYNTAX_UID,
    tags::MAC_CALCULATION_TRANSFER_SYNTAX_UID,
    tags::ENCRYPTED_CONTENT_TRANSFER_SYNTAX_UID,
    tags::SEGMENTATION_TEMPLATE_UID,
    tags::PERTINENT_SOP_CLASSES_IN_STUDY,
    tags::PERTINENT_SOP_CLASSES_IN_SERIES,
    tags::MEDIA_STORAGE_SOP_CLASS_UID,
    tags::TRANSFER_SYNTAX_UID,
    tags::IMPLEMENTATION_CLASS_UID,
    tags::PRIVATE_INFORMATION_CREATOR_UID,
    tags::REFERENCED_SOP_CLASS_UID_IN_FILE,
    tags::REFERENCED_TRANSFER_SYNTAX_UID_IN_FILE,
    tags::REFERENCED_RELATED_GENERAL_SOP_CLASS_UID_IN_FILE,
    tags::CREATOR_VERSION_UID,
];

/// Takes away every element with one tag.
pub(super) struct RemoveTag(pub(super) Tag);

impl Everywhere for RemoveTag {
    fn concerns(&self, tag: Tag, _: VR) -> bool {
        tag == self.0
    }

    fn judge(&mut self, _: &Candidate<'_>) -> Fate {
        Fate::Remove
    }

    fn kind(&self) -> ChangeKind {
        ChangeKind::Removed
    }
}

/// Takes private groups away, but for blocks of some creators.
pub(super) struct RemovePrivate<'a> {
    pub(super) keep: &'a [String],
    /// Of the level at hand: the blocks reserved, and whether by a creator to keep. A block that is reserved twice is
    /// kept only if both are.
    pub(super) blocks: BTreeMap<(u16, u16), bool>,
    /// Spare the next level, somebody else has judged it, and judge only those below.
    pub(super) spare_next: bool,
    pub(super) sparing: bool,
}

/// The private block that an element reserves or is in (PS3.5 §7.8.1).
pub(super) fn block(tag: Tag) -> Option<(u16, u16)> {
    match tag.element() {
        element @ 0x0010..=0x00FF => Some((tag.group(), element)),
        element if element >= 0x1000 => Some((tag.group(), element >> 8)),
        _ => None,
    }
}

/// Whether a private creator's value is one of those to keep.
pub(super) fn is_kept(creator: &[u8], keep: &[String]) -> bool {
    let creator = String::from_utf8_lossy(creator);
    let creator = creator.trim_matches(['\0', ' ']);
    keep.iter().any(|kept| kept.trim() == creator)
}

impl Everywhere for RemovePrivate<'_> {
    fn concerns(&self, tag: Tag, _: VR) -> bool {
        tag.group() % 2 == 1
    }

    fn enter(&mut self, creators: &mut dyn Iterator<Item = (Tag, Vec<u8>)>) {
        self.blocks.clear();
        self.sparing = std::mem::take(&mut self.spare_next);
        for (tag, value) in creators {
            let kept = is_kept(&value, self.keep);
            if let Some(block) = block(tag) {
                self.blocks
                    .entry(block)
                    .and_modify(|both| *both &= kept)
                    .or_insert(kept);
            }
        }
    }

    fn judge(&mut self, element: &Candidate<'_>) -> Fate {
        let kept = block(element.tag).and_then(|block| self.blocks.get(&block)) == Some(&true);
        if kept || self.sparing { Fate::Keep } else { Fate::Remove }
    }

    fn kind(&self) -> ChangeKind {
        ChangeKind::Removed
    }
}

/// Replaces UIDs.
pub(super) struct RemapUids<'a> {
    pub(super) keep: &'a [Tag],
    pub(super) key: &'a SiteKey,
}

impl Everywhere for RemapUids<'_> {
    fn concerns(&self, tag: Tag, vr: VR) -> bool {
        vr == VR::UI && !KINDS.contains(&tag) && !self.keep.contains(&tag)
    }

    fn judge(&mut self, element: &Candidate<'_>) -> Fate {
        changed(element, remapped(element.bytes, self.key))
    }

    fn kind(&self) -> ChangeKind {
        ChangeKind::Remapped
    }
}

/// A UI value with each of its UIDs replaced.
pub(super) fn remapped(bytes: &[u8], key: &SiteKey) -> Vec<u8> {
    each(VR::UI, bytes, |uid| key.remap_text(uid))
}

/// Moves dates.
pub(super) struct ShiftDates {
    pub(super) days: i32,
    /// A value of the last element could not be read.
    pub(super) cleared: bool,
}

impl Everywhere for ShiftDates {
    fn concerns(&self, _: Tag, vr: VR) -> bool {
        matches!(vr, VR::DA | VR::DT)
    }

    fn judge(&mut self, element: &Candidate<'_>) -> Fate {
        self.cleared = false;
        let moved = each(element.vr, element.bytes, |value| {
            date::shift(element.vr, value, self.days).unwrap_or_else(|| {
                self.cleared = true;
                String::new()
            })
        });
        changed(element, moved)
    }

    fn kind(&self) -> ChangeKind {
        if self.cleared {
            ChangeKind::Cleared
        } else {
            ChangeKind::Shifted
        }
    }
}

/// Changes each value of a multi-valued ASCII element. Bytes that are not UTF-8 are seen as U+FFFD, so are no date and no
/// UID that anything else maps to.
fn each(vr: VR, bytes: &[u8], mut change: impl FnMut(&str) -> String) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\0', ' ']);
    let values: Vec<String> = text
        .split('\\')
        .map(|value| change(value.trim_matches([' ', '\0'])))
        .collect();
    let mut out = values.join("\\").into_bytes();
    if out.len() % 2 == 1 {
        out.push(padding(vr));
    }
    out
}

fn changed(element: &Candidate<'_>, bytes: Vec<u8>) -> Fate {
    let padless = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches(['\0', ' ']).to_owned();
    if padless(&bytes) == padless(element.bytes) {
        Fate::Keep
    } else {
        Fate::Rewrite(bytes)
    }
}
