//! A folder as a destination: `STUDY/SERIES/OBJECT.dcm`, whole files only.
//!
//! The names are UIDs, and the type carries the proof that they are digits and dots with no empty component: nothing
//! else from a data set ever becomes part of a path. A file is written under a temporary name, synced and renamed.

use std::io;
use std::path::Path;

use futures::StreamExt;
use isocenter_dicom::part10;
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::Delivered;
use crate::egress::Outgoing;

/// Writes one object into the folder.
pub(super) async fn put(folder: &Path, outgoing: Outgoing) -> Delivered {
    match write(folder, outgoing).await {
        Ok(()) => Delivered::Done,
        // What is stored cannot be parsed, or not as edited: trying again will not help.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Delivered::Dead(error.to_string()),
        Err(error) => Delivered::Later(format!("the folder cannot be written: {error}")),
    }
}

async fn write(folder: &Path, outgoing: Outgoing) -> io::Result<()> {
    let identity = &outgoing.identity;
    let series = folder.join(identity.study.as_str()).join(identity.series.as_str());
    fs::create_dir_all(&series).await?;
    let whole = series.join(format!("{}.dcm", identity.sop_instance));
    let part = series.join(format!("{}.part", identity.sop_instance));
    let mut file = fs::File::create(&part).await?;
    file.write_all(&part10::preface(identity, &outgoing.syntax)).await?;
    let mut data = outgoing.data;
    while let Some(piece) = data.next().await {
        match piece {
            Ok(piece) => file.write_all(&piece).await?,
            Err(error) => {
                drop(file);
                fs::remove_file(&part).await?;
                return Err(error);
            }
        }
    }
    file.flush().await?;
    file.sync_data().await?;
    fs::rename(&part, &whole).await?;
    // The name is durable only with its folder, and that one with its own.
    for level in series.ancestors().take(3) {
        fs::File::open(level).await?.sync_all().await?;
    }
    Ok(())
}
