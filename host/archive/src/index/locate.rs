//! From UIDs to places: what retrieval, recovery and verification ask.

use std::time::SystemTime;

use isocenter_dicom::{header::Identity, uid::Uid};

use super::{Held, Index, IndexError, Place, Source};

/// A stored object.
#[derive(Clone, Debug)]
pub struct Located {
    /// Its four UIDs, as stored. Its pack is in the folder of `identity.study`.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// Where it is.
    pub place: Place,
    /// Instance Number (0020,0013), where it is a number.
    pub instance_number: Option<i32>,
    /// Number of Frames (0028,0008), where it is a number.
    pub frames: Option<i32>,
    /// Where it came from.
    pub source: Source,
    /// When it arrived.
    pub arrived: SystemTime,
}

impl Located {
    /// Where the next page begins.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            series: self.identity.series.clone(),
            number: self.instance_number.unwrap_or(i32::MAX),
            object: self.identity.sop_instance.clone(),
        }
    }
}

/// Where a page of [`Index::locate`] ended.
#[derive(Clone, Debug)]
pub struct Cursor {
    series: Uid,
    number: i32,
    object: Uid,
}

/// What the index says about bytes under one SOP Instance UID.
#[derive(Clone, Debug)]
pub struct Known {
    /// The study.
    pub study: Uid,
    /// SOP Instance UID.
    pub object: Uid,
    /// Where it is.
    pub place: Place,
    /// What it is to the archive.
    pub standing: Standing,
}

/// What a row is to the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is found and served.
    Served,
    /// Another took its place.
    Superseded,
    /// It is in quarantine.
    Held,
}

/// An object in quarantine.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Its four UIDs.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// Where it is.
    pub place: Place,
    /// Why.
    pub held: Held,
    /// Where it came from.
    pub source: Source,
    /// When it arrived.
    pub arrived: SystemTime,
}

impl Index {
    /// The served objects of a study, or of one of its series, or one object: ordered by series, instance number and UID, at
    /// most `limit`, after the `after` of the page before.
    pub async fn locate(
        &self,
        study: &Uid,
        series: Option<&Uid>,
        object: Option<&Uid>,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<Located>, IndexError> {
        let _ = (study, series, object, after, limit);
        todo!()
    }

    /// Every row of these objects of a study, in whatever standing.
    pub async fn known(&self, study: &Uid, objects: &[Uid]) -> Result<Vec<Known>, IndexError> {
        let _ = (study, objects);
        todo!()
    }

    /// A page of all rows of one standing, ordered by study, object and pack place; `after` is the last of the page before.
    pub async fn rows(&self, standing: Standing, after: Option<&Known>, limit: u32) -> Result<Vec<Known>, IndexError> {
        let _ = (standing, after, limit);
        todo!()
    }

    /// What is in quarantine, the latest first.
    pub async fn quarantined(&self, limit: u32) -> Result<Vec<Quarantined>, IndexError> {
        let _ = limit;
        todo!()
    }

    /// Forgets all objects, so that they can be indexed anew. The queue stays: packs do not know it.
    pub async fn clear(&self) -> Result<(), IndexError> {
        todo!()
    }
}
