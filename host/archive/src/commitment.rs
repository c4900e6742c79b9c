//! What this archive can answer for: whether an object is stored, and its bytes are still those that were acknowledged.
//!
//! Separate from `verify`, which looks at everything and says what is wrong: this is asked about some objects, by those who
//! may delete theirs on the answer. So every doubt is a no.

use std::collections::HashMap;

use isocenter_dicom::uid::Uid;

use crate::{
    Archive, ArchiveError,
    archive::blocking,
    index::{Reference, Served},
    pack::folder::Area,
    verify::compared,
};

/// What the archive says of an object that somebody refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custody {
    /// It is stored, and its bytes have the digest that they had when it was acknowledged.
    Intact,
    /// No such object is served. One in quarantine is none: a person may still discard it.
    Missing,
    /// The object is of another SOP class.
    OtherClass,
    /// Its bytes are not those that were stored, or cannot be read.
    Damaged,
}

/// References that are looked up, and whose bytes are read, in one step.
const PAGE: usize = 64;

impl Archive {
    /// Says of each reference whether it can be answered for. Reads every byte of the objects. Where several studies have an
    /// object of that UID, all must be intact.
    ///
    /// # Errors
    /// The index did not answer.
    pub async fn custody(&self, references: &[Reference]) -> Result<Vec<Custody>, ArchiveError> {
        let mut answers = Vec::with_capacity(references.len());
        for page in references.chunks(PAGE) {
            let objects: Vec<&str> = page.iter().map(|reference| reference.object.as_str()).collect();
            let served = self.index().served(&objects).await?;
            let inner = self.inner().clone();
            let read = move || {
                let look = |one: Served| {
                    let problem = compared(&inner, Area::Archive, &one.study, &one.place);
                    if let Some(problem) = &problem {
                        tracing::error!(object = %one.object, pack = %one.place.pack, %problem, "a stored object is damaged");
                    }
                    (one.object, one.sop_class, problem.is_none())
                };
                Ok(served.into_iter().map(look).collect::<Vec<_>>())
            };
            let mut found: HashMap<Uid, Vec<(Uid, bool)>> = HashMap::new();
            for (object, sop_class, intact) in blocking(read).await? {
                found.entry(object).or_default().push((sop_class, intact));
            }
            answers.extend(page.iter().map(|reference| {
                let copies = found.get(&reference.object).map(Vec::as_slice).unwrap_or_default();
                judged(&reference.sop_class, copies)
            }));
        }
        Ok(answers)
    }
}

/// By the SOP class and soundness of each object of that UID.
fn judged(sop_class: &Uid, copies: &[(Uid, bool)]) -> Custody {
    if copies.is_empty() {
        Custody::Missing
    } else if copies.iter().any(|(class, _)| class != sop_class) {
        Custody::OtherClass
    } else if copies.iter().any(|(_, intact)| !intact) {
        Custody::Damaged
    } else {
        Custody::Intact
    }
}
