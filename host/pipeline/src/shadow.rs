//! Shadows: chains that run for the record alone. What they answer is written down and changes nothing.
//!
//! Separate because nothing here may hold up or touch the object: shadows run beside it, on dry plugins, a bounded number
//! at a time; one more is not run, and counted.

use std::sync::Arc;

use isocenter_dicom::header::{Header, Identity};
use isocenter_role::{OpenObject, Passage};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::chain::Chain;
use crate::record::{self, About};
use crate::rewrite::{self, Placed, Way};
use crate::{Pipeline, Set};

/// Objects in shadows at the same time.
static ROOM: Semaphore = Semaphore::const_new(32);

/// Shows an arriving object to the ingest filters of the shadows among its chains.
pub(crate) fn filters(
    pipeline: &Pipeline,
    set: &Arc<Set>,
    chains: &[&Chain],
    header: &Arc<Header>,
    passage: &Arc<Passage>,
    identity: &Identity,
) {
    let filters: Vec<Placed> = chains
        .iter()
        .filter(|chain| chain.shadow)
        .flat_map(|chain| chain.placed())
        .collect();
    if filters.is_empty() {
        return;
    }
    let Ok(room) = ROOM.try_acquire() else {
        metrics::counter!("isocenter_shadows_skipped_total").increment(1);
        return;
    };
    let (pipeline, set) = (pipeline.clone(), Arc::clone(set));
    let object = OpenObject::header(Arc::clone(header));
    let passage = Arc::clone(passage);
    let about = About {
        chain: None,
        shadow: true,
        study: Some(identity.study.clone()),
        object: Some(identity.sop_instance.clone()),
    };
    let run = async move {
        let site_key = &pipeline.config().site_key;
        let way = Way::In { tries: 0, most: 0 };
        let passed = rewrite::pass(set.threads.as_ref(), object, filters, passage, site_key, way).await;
        for step in passed.steps {
            let about = About {
                chain: step.chain,
                ..about.clone()
            };
            record::write(&pipeline, step.called, &about).await;
        }
        drop(room);
    };
    tokio::spawn(run.in_current_span());
}
