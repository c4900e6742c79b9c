//! Rehearsals (`isocenter try`): what a chain would do to an object, step by step. Nothing is stored, sent or kept.
//!
//! The plugins are dry: what they write into their state is forgotten, their jobs are not enqueued, their HTTP is GET.
//! The answer shows values of the object, so it is for whoever may see the object.

use std::sync::Arc;

use bytes::Bytes;
use isocenter_dicom::diff::{self, Change};
use isocenter_dicom::header::{Header, HeaderReader};
use isocenter_dicom::part10::MetaReader;
use isocenter_role::{Cost, Direction, OpenObject, Passage, Plugin, Transport};

use crate::chain::OnFailure;
use crate::decide::Next;
use crate::record::Described;
use crate::rewrite::{self, Placed, Way};
use crate::{Pipeline, frames};

/// What a chain would do.
#[derive(Debug)]
pub struct Rehearsal {
    /// The chain.
    pub chain: String,
    /// Whether the chain is for this object; its plugins were tried all the same.
    pub matches: bool,
    /// Its filters, as far as they were asked, then its routers.
    pub steps: Vec<Step>,
    /// What would become of the object, in a sentence.
    pub end: String,
}

/// What one plugin would do.
#[derive(Debug)]
pub struct Step {
    /// The operator's name for it.
    pub plugin: String,
    /// `filter` or `router`.
    pub role: &'static str,
    /// The verdict, or a word for the failure.
    pub outcome: &'static str,
    /// Why; the destinations, of a router.
    pub reason: Option<String>,
    /// What the call used.
    pub cost: Cost,
    /// The edits as the plugin recorded them.
    pub edits: Vec<String>,
    /// What the edits change.
    pub changes: Vec<Change>,
}

/// Why an object cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The configuration has no such chain.
    #[error("there is no chain `{0}`; there are: {1}")]
    NoSuchChain(String, String),
    /// The file is not one of PS3.10, or its header does not read.
    #[error("the file is not readable: {0}")]
    Unreadable(String),
}

impl Pipeline {
    /// Tries the ingest filters and the routers of a chain on a Part 10 file. Only the file's beginning, to its pixel
    /// data, is needed unless a filter looks at pixels.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn rehearse(&self, chain: &str, file: Bytes) -> Result<Rehearsal, RehearsalError> {
        let set = self.set();
        let Some(found) = set.chains.iter().find(|known| known.name == chain) else {
            let known: Vec<&str> = set.chains.iter().map(|chain| chain.name.as_str()).collect();
            return Err(RehearsalError::NoSuchChain(chain.to_owned(), known.join(", ")));
        };
        let unreadable = |error: isocenter_dicom::ParseError| RehearsalError::Unreadable(error.to_string());
        let (header, data_set) = self.header_of(&file).map_err(unreadable)?;
        let header = Arc::new(header);
        let source = isocenter_archive::index::Source {
            calling_ae: None,
            called_ae: None,
            peer: None,
            transport: isocenter_archive::index::Transport::File,
            subject: None,
            hops: 0,
        };
        let matches = found.when.matches(&header, &source);
        let dry = |name: &str| -> Option<Arc<dyn Plugin>> { Some(set.plugins.get(name)?.clone().dry()) };
        let filters: Vec<Placed> = found
            .ingest
            .iter()
            .filter_map(|filter| dry(filter.name())?.as_filter())
            .map(|filter| Placed {
                filter,
                chain: None,
                on_failure: OnFailure::Quarantine,
            })
            .collect();
        let passage = Arc::new(Passage {
            direction: Direction::Ingest,
            transport: Transport::File,
            calling_ae: None,
            called_ae: None,
            peer: None,
            subject: None,
            destination: None,
            hops: 0,
        });
        let object = OpenObject {
            header: Arc::clone(&header),
            frames: Some(frames::of(&header, move || Ok(Arc::new(data_set.clone())))),
        };
        let way = Way::In { tries: 0, most: 1 };
        let site_key = &self.config().site_key;
        let passed = rewrite::pass(set.threads.as_ref(), object, filters, passage, site_key, way).await;
        let mut before = header;
        let mut steps = Vec::new();
        for step in passed.steps {
            let after = step.after.unwrap_or_else(|| Arc::clone(&before));
            steps.push(Step {
                plugin: step.called.plugin().to_owned(),
                role: "filter",
                outcome: step.called.word,
                reason: step.called.reason,
                cost: step.called.cost,
                edits: step
                    .called
                    .edits
                    .iter()
                    .map(|edit| Described(edit).to_string())
                    .collect(),
                changes: diff::changes(&before, &after),
            });
            before = after;
        }
        let end = match passed.ended {
            Some((next, plugin)) => ended(&next, &plugin),
            None => {
                for router in &found.route {
                    if let Some(router) = dry(router.name()).and_then(|plugin| plugin.as_router()) {
                        steps.push(routed(&router, &before).await);
                    }
                }
                "it would be stored".to_owned()
            }
        };
        Ok(Rehearsal {
            chain: chain.to_owned(),
            matches,
            steps,
            end,
        })
    }

    fn header_of(&self, file: &Bytes) -> Result<(Header, Bytes), isocenter_dicom::ParseError> {
        let mut reader = MetaReader::new();
        let (meta, behind) = match reader.push(file)? {
            Some(found) => found,
            None => reader.finish()?,
        };
        let limits = self.config().limits;
        if meta.syntax.is_deflated() {
            let header = rewrite::inflated_header(&behind, limits)?;
            // Without its pixels where it inflates too far; its filters then see none.
            let plain = isocenter_pixels::inflated(&behind).unwrap_or_default();
            return Ok((header, plain));
        }
        let mut reader = HeaderReader::new(meta.syntax, limits);
        // Whether there are pixels, or they are in the part that was given, does not matter here.
        reader.push(&behind)?;
        Ok((reader.finish()?.0, behind))
    }
}

async fn routed(router: &Arc<dyn isocenter_role::Router>, header: &Arc<Header>) -> Step {
    let outcome = Arc::clone(router).route(OpenObject::header(Arc::clone(header))).await;
    let (word, reason) = match &outcome.result {
        Ok(sends) => {
            let names: Vec<&str> = sends.iter().map(|send| send.destination.as_str()).collect();
            ("routed", Some(names.join(", ")))
        }
        Err(failure) => (failure.word(), Some(failure.to_string())),
    };
    Step {
        plugin: router.name().to_owned(),
        role: "router",
        outcome: word,
        reason,
        cost: outcome.cost,
        edits: Vec::new(),
        changes: Vec::new(),
    }
}

/// What would become of an object whose passage ends here.
fn ended(next: &Next, plugin: &str) -> String {
    match next {
        Next::GoOn => "it would be stored".to_owned(),
        Next::Drop(reason) => format!("{plugin} would drop it: {reason}"),
        Next::Refuse(reason) => format!("{plugin} would refuse it: {reason}"),
        Next::TryLater(_, reason) => format!("the sender would be told to come again ({plugin}: {reason})"),
        Next::Hold(reason) => format!("it would be held in quarantine ({plugin}: {reason})"),
    }
}
