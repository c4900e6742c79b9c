//! Stored studies and objects as plugins are handed them: a list made when they are opened, each member read when it is
//! asked for.

use std::sync::Arc;

use futures::future::BoxFuture;
use isocenter_archive::index::{IndexError, Located, Within};
use isocenter_dicom::uid::Uid;
use isocenter_role::{self as role, Member, OpenObject, Volume};

use crate::{Pipeline, frames};

/// Objects of a study that a plugin is shown.
const MOST_MEMBERS: usize = 100_000;
/// Rows asked for at a time.
const PAGE: u32 = 5_000;

/// A stored study.
pub struct Study {
    pipeline: Pipeline,
    uid: Uid,
    members: Vec<Member>,
    located: Vec<Located>,
}

impl Study {
    /// The study as it is now, as far as it is `within` what its reader may see; `None` where nothing of it is.
    ///
    /// # Errors
    /// When the index does not answer.
    pub async fn open(pipeline: &Pipeline, uid: &Uid, within: &Within) -> Result<Option<Arc<Study>>, IndexError> {
        let index = pipeline.archive().index();
        let mut located: Vec<Located> = Vec::new();
        while located.len() < MOST_MEMBERS {
            let after = located.last().map(Located::cursor);
            let page = index.locate(uid, None, None, after.as_ref(), PAGE, within).await?;
            let last = page.len() < PAGE as usize;
            located.extend(page);
            if last {
                break;
            }
        }
        if located.is_empty() {
            return Ok(None);
        }
        let members = located
            .iter()
            .map(|located| Member {
                series: located.identity.series.as_str().to_owned(),
                object: located.identity.sop_instance.as_str().to_owned(),
            })
            .collect();
        Ok(Some(Arc::new(Study {
            pipeline: pipeline.clone(),
            uid: uid.clone(),
            members,
            located,
        })))
    }

    /// Where its members are.
    pub(crate) fn located(&self) -> &[Located] {
        &self.located
    }
}

/// Opens a stored object: its header now, its pixels when they are asked for.
///
/// # Errors
/// One sentence, without patient data.
pub async fn open_object(pipeline: &Pipeline, located: &Located) -> Result<OpenObject, String> {
    let header = pipeline.archive().read_header(located).await;
    let header = Arc::new(header.map_err(|error| error.to_string())?);
    let frames = frames::stored(pipeline.archive(), located, &header);
    Ok(OpenObject {
        header,
        frames: Some(frames),
    })
}

impl role::Study for Study {
    fn uid(&self) -> &str {
        self.uid.as_str()
    }

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn open(&self, position: usize) -> BoxFuture<'_, Result<Option<OpenObject>, String>> {
        Box::pin(async move {
            match self.located.get(position) {
                Some(located) => open_object(&self.pipeline, located).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn volume(&self, series: String) -> BoxFuture<'_, Result<Volume, String>> {
        Box::pin(async move {
            let mut members = Vec::new();
            for located in &self.located {
                if located.identity.series.as_str() == series {
                    let header = self.pipeline.archive().read_header(located).await;
                    let header = header.map_err(|error| error.to_string())?;
                    members.push((located.clone(), Arc::new(header)));
                }
            }
            let archive = self.pipeline.archive().clone();
            let volume = tokio::task::spawn_blocking(move || frames::volume(&archive, &members));
            volume.await.map_err(|error| error.to_string())?
        })
    }
}
