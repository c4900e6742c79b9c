//! The same edits for elements after the pixel data, which stream by one at a time.
//!
//! Separate because there is no header to look things up in: an element is judged by its own tag and VR, and only if an
//! edit may have to look inside is it held back, as a header of one element.

use super::everywhere::{block, is_kept};
use super::{Edit, EditError, Log, Scope, SiteKey, is_searched, run};
use crate::header::{Header, Limits};
use crate::syntax::TransferSyntax;
use crate::{Tag, VR};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to happen to elements after the pixel data.
#[derive(Debug, Clone)]
pub struct TailEdits {
    edits: Arc<[Edit]>,
    key: SiteKey,
    /// Private blocks reserved so far, and whether to keep them.
    blocks: BTreeMap<(u16, u16), bool>,
}

/// What happens to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TailFate {
    Pass,
    Drop,
    /// It must be seen whole: [`TailEdits::rewrite`].
    Hold,
}

impl TailEdits {
    pub(super) fn new(edits: &[Edit], key: &SiteKey) -> Self {
        Self {
            edits: edits.into(),
            key: key.clone(),
            blocks: BTreeMap::new(),
        }
    }

    /// What happens to a top-level element, of which only the header has been seen.
    pub(crate) fn fate(&self, tag: Tag, vr: VR, has_items: bool) -> TailFate {
        if self.edits.is_empty() {
            return TailFate::Pass;
        }
        // A group length: its group may be about to change.
        if tag.element() == 0 {
            return TailFate::Drop;
        }
        let mut hold = false;
        let inside = has_items || is_searched(vr);
        for edit in self.edits.iter() {
            match edit {
                Edit::Remove(at) if at.within.is_empty() && at.tag == tag => return TailFate::Drop,
                Edit::RemoveEverywhere(removed) if *removed == tag => return TailFate::Drop,
                Edit::RemovePrivate { .. } if tag.group() % 2 == 1 => match block(tag) {
                    Some((_, own)) if own == tag.element() => hold = true,
                    Some(block) if self.blocks.get(&block) == Some(&true) => hold |= inside,
                    _ => return TailFate::Drop,
                },
                Edit::Set { at, .. } | Edit::AddItem(at) | Edit::Clear(at) | Edit::Remove(at) | Edit::RemapUid(at) => {
                    hold |= at.within.first().map_or(at.tag, |step| step.sequence) == tag;
                }
                Edit::RemoveEverywhere(_) | Edit::RemovePrivate { .. } => hold |= has_items,
                Edit::RemapUidsEverywhere { .. } | Edit::ShiftDatesEverywhere { .. } => hold |= inside,
            }
        }
        if hold { TailFate::Hold } else { TailFate::Pass }
    }

    /// Edits an element that was held back; gives its new bytes, empty when it is gone.
    pub(crate) fn rewrite(&mut self, syntax: &TransferSyntax, element: &[u8]) -> Result<Bytes, EditError> {
        let limits = Limits {
            header_bytes: usize::MAX,
            depth: u16::MAX,
            elements: u32::MAX,
        };
        let (header, _) = Header::parse(syntax.clone(), element, limits).map_err(EditError::Result)?;
        let Some(entry) = header.table().first() else {
            return Ok(Bytes::new());
        };
        if let Some(block) = block(entry.tag).filter(|(group, own)| group % 2 == 1 && *own == entry.tag.element()) {
            for edit in self.edits.iter() {
                if let Edit::RemovePrivate { keep_creators } = edit {
                    let kept = is_kept(header.raw(entry), keep_creators);
                    let both = *self
                        .blocks
                        .entry(block)
                        .and_modify(|both| *both &= kept)
                        .or_insert(kept);
                    if !both {
                        return Ok(Bytes::new());
                    }
                }
            }
        }
        let edited = run(&header, &self.edits, &self.key, &mut Log::default(), Scope::TailElement)?;
        Ok(edited.bytes().clone())
    }
}
