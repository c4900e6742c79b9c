//! `seed`: sample studies of several modalities, made in memory and sent through the front door.
//!
//! They exist so that a newcomer sees images a minute after the first command, and so that documentation and tests have
//! objects which belong to nobody. Made, not shipped: a few hundred lines instead of 22 MB in the repository.

use std::io;
use std::path::Path;

use isocenter_dicom::header::Identity;
use isocenter_dicom::part10;
use isocenter_dicom::syntax::{EXPLICIT_LE, TransferSyntax};
use isocenter_dicom::uid::{BadUid, Uid};

use crate::send::{Batch, Data, Outgoing, Receiver, SendError};

mod data_set;
mod phantom;
mod report;
mod studies;

pub use studies::{Sample, all};

/// Why samples could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or folder.
    #[error("cannot write {path}: {cause}")]
    File {
        /// Which one.
        path: std::path::PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A sample with a UID that is none; tests see to it that there is no such sample.
    #[error("sample {label}: {cause}")]
    Uid {
        /// Which sample.
        label: String,
        /// What is wrong.
        cause: BadUid,
    },
}

/// Sends every sample, and tells the fate of each that was refused; returns how many were stored.
///
/// # Errors
/// The host cannot be reached.
pub async fn send(receiver: &Receiver, mut refused: impl FnMut(&str, &str)) -> Result<usize, SendError> {
    let mut batch = Batch::default();
    for sample in all() {
        // Seven SOP classes and a hundred objects: they fit.
        batch.add(Outgoing {
            name: sample.label,
            sop_class: sample.sop_class.to_owned(),
            sop_instance: sample.sop_instance,
            syntax: EXPLICIT_LE.to_owned(),
            data: Data::Memory(sample.data_set),
        });
    }
    let mut stored = 0;
    batch
        .send(receiver, |object, fate| match fate {
            Ok(()) => stored += 1,
            Err(reason) => refused(&object.name, &reason),
        })
        .await?;
    Ok(stored)
}

/// Writes every sample as a Part 10 file below `folder`; returns how many.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path) -> Result<usize, WriteError> {
    let samples = all();
    for sample in &samples {
        let path = folder.join(format!("{}.dcm", sample.label));
        let failed = |cause| WriteError::File {
            path: path.clone(),
            cause,
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let identity = identity(sample).map_err(|cause| WriteError::Uid {
            label: sample.label.clone(),
            cause,
        })?;
        let preface = part10::preface(&identity, &TransferSyntax::explicit_le());
        std::fs::write(&path, [preface.as_ref(), sample.data_set.as_ref()].concat()).map_err(failed)?;
    }
    Ok(samples.len())
}

fn identity(sample: &Sample) -> Result<Identity, BadUid> {
    Ok(Identity {
        sop_class: Uid::parse(sample.sop_class)?,
        sop_instance: Uid::parse(&sample.sop_instance)?,
        series: Uid::parse(&sample.series)?,
        study: Uid::parse(&sample.study)?,
    })
}

#[cfg(test)]
mod tests;
