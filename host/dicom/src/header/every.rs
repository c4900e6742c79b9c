//! One element in every item of the sequences that lead to it: what conditions look at.
//!
//! Separate from the header because it walks the table once for all items, where a [`Path`](super::Path) names one.

use super::Header;
use crate::Tag;
use std::ops::Range;

impl Header {
    /// Whether `accepts` takes a value of this element in any item of these sequences, each inside the one before;
    /// without sequences, a value of the top-level element. Values are as in [`Header::text`]. An element of more than
    /// `longest` bytes is passed over undecoded.
    pub fn any_text(&self, sequences: &[Tag], tag: Tag, longest: usize, accepts: &mut dyn FnMut(&str) -> bool) -> bool {
        let mut levels = Vec::with_capacity(sequences.len() + 1);
        levels.push(self.top());
        self.any_below(&mut levels, sequences, tag, longest, accepts)
    }

    /// As deep as there are sequences. `levels` are the rows of the data set and of every item on the way.
    fn any_below(
        &self,
        levels: &mut Vec<Range<usize>>,
        sequences: &[Tag],
        tag: Tag,
        longest: usize,
        accepts: &mut dyn FnMut(&str) -> bool,
    ) -> bool {
        let Some(level) = levels.last().cloned() else {
            return false;
        };
        let Some((sequence, deeper)) = sequences.split_first() else {
            return self.any_value(levels, level, tag, longest, accepts);
        };
        let Some((row, entry)) = self.find(level, *sequence) else {
            return false;
        };
        if !entry.has_items() {
            return false;
        }
        self.level(row + 1..entry.next as usize).any(|(item, entry)| {
            levels.push(item + 1..entry.next as usize);
            let found = self.any_below(levels, deeper, tag, longest, accepts);
            levels.pop();
            found
        })
    }

    fn any_value(
        &self,
        levels: &[Range<usize>],
        level: Range<usize>,
        tag: Tag,
        longest: usize,
        accepts: &mut dyn FnMut(&str) -> bool,
    ) -> bool {
        let Some((_, entry)) = self.find(level, tag) else {
            return false;
        };
        if self.raw(entry).len() > longest {
            return false;
        }
        let set = self.character_set_within(entry, levels.iter().rev().cloned());
        let texts = self.decode(entry, &set).and_then(super::shown);
        texts.unwrap_or_default().iter().any(|text| accepts(text))
    }
}

#[cfg(test)]
mod tests;
