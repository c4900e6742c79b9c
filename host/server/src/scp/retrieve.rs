//! C-GET and C-MOVE (PS3.4 §C.4.2, §C.4.3): what is asked for is found level by level, counted, and sent object by object,
//! while the peer hears how far it is and may cancel.
//!
//! What the two have in common is here: the identifier, the walk, the counts and the last response. [`get`] sends on the
//! association that asks, [`moving`] on another.

mod get;
mod moving;

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use futures::stream::{self, Stream};
use isocenter_archive::Archive;
use isocenter_archive::index::{Cursor, Find, FindLevel, Located, Match, Position, SearchError, Within};
use isocenter_dicom::header::Header;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, answer, tags};
use isocenter_dimse::{
    AeTitle, Association, AssociationError, Command, Message, Status, Stream as Wire, element, status,
};
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::retrieve::Kinds;
use isocenter_role::Action;
use serde_json::json;

use super::identifier::{self, Root, Unfit};
use super::operation::Operation;
use super::permission::Who;

/// Places asked of the index at a time.
const PAGE: u32 = 250;
/// UIDs in a Failed SOP Instance UID List (0008,0058) at most: so many fit an element of explicit VR.
const MOST_FAILED: usize = 1000;

/// What retrievals have in common.
pub(super) struct Retriever<'a> {
    pub(super) pipeline: &'a Pipeline,
    /// Who asks, and under which AE title.
    pub(super) who: &'a Who,
    pub(super) calling_ae: &'a AeTitle,
}

/// How a retrieval ended that was performed.
enum Ended {
    Done,
    Cancelled,
    Unfit(Unfit),
}

/// How far a retrieval is.
#[derive(Debug, Default)]
struct Progress {
    remaining: u64,
    completed: u64,
    failed: u64,
    warning: u64,
    failed_objects: Vec<String>,
}

impl Progress {
    /// Notes what became of an object.
    fn note(&mut self, located: &Located, result: Result<Status, String>) {
        self.remaining = self.remaining.saturating_sub(1);
        let reason = match result {
            Ok(status) if status == status::SUCCESS => {
                self.completed += 1;
                return;
            }
            Ok(status) if status.is_performed() => {
                self.warning += 1;
                return;
            }
            Ok(status) => format!("the receiver answered {status}"),
            Err(reason) => reason,
        };
        tracing::warn!(object = %located.identity.sop_instance, reason, "an object was not sent");
        self.failed += 1;
        if self.failed_objects.len() < MOST_FAILED {
            self.failed_objects.push(located.identity.sop_instance.to_string());
        }
    }

    /// Notes that nothing of what is asked for can be sent.
    async fn fail_all(&mut self, archive: &Archive, asked: &Asked) -> Result<(), SearchError> {
        use futures::TryStreamExt as _;
        self.failed = std::mem::take(&mut self.remaining);
        let mut objects = std::pin::pin!(walk(archive, asked));
        while self.failed_objects.len() < MOST_FAILED {
            let Some(located) = objects.try_next().await? else {
                break;
            };
            self.failed_objects.push(located.identity.sop_instance.to_string());
        }
        Ok(())
    }

    /// A response with the counts; what remains only where that is still to be done (PS3.7 §9.1.3.1, §9.1.4.1).
    fn counted(&self, response: Command, remaining: bool) -> Command {
        let number = |count: u64| u16::try_from(count).unwrap_or(u16::MAX);
        let response = response
            .with_number(element::COMPLETED_SUB_OPERATIONS, number(self.completed))
            .with_number(element::FAILED_SUB_OPERATIONS, number(self.failed))
            .with_number(element::WARNING_SUB_OPERATIONS, number(self.warning));
        if remaining {
            response.with_number(element::REMAINING_SUB_OPERATIONS, number(self.remaining))
        } else {
            response
        }
    }

    fn pending(&self, request: &Command) -> Command {
        self.counted(request.response(status::PENDING), true)
    }

    /// The status of what was done to its end (PS3.4 Tables C.4-2 and C.4-3).
    fn status(&self) -> Status {
        match (self.failed, self.completed + self.warning) {
            (0, _) if self.warning == 0 => status::SUCCESS,
            (1.., 0) => status::OUT_OF_RESOURCES_SUBOPERATIONS,
            _ => status::COERCION,
        }
    }

    /// The data set that names what failed.
    fn list(&self, syntax: &TransferSyntax) -> Option<Bytes> {
        if self.failed_objects.is_empty() {
            return None;
        }
        let list = json!({ "00080058": { "vr": "UI", "Value": self.failed_objects } });
        let list = list.as_object()?;
        Some(Bytes::from(answer::data_set(list, syntax, None)))
    }
}

/// Where objects go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// To who asks: C-GET.
    Back,
    /// To a destination: C-MOVE.
    On,
}

impl Retriever<'_> {
    /// One C-GET or C-MOVE.
    pub(super) async fn perform(
        &self,
        association: &mut Association<Wire>,
        message: &Message,
        root: Root,
        way: Way,
    ) -> Result<(), AssociationError> {
        let mut progress = Progress::default();
        let ended = match read(association, message, root).await? {
            Ok(asked) => {
                let mut operation = Operation {
                    association,
                    request: message,
                };
                let action = match way {
                    Way::Back => Action::Retrieve,
                    Way::On => Action::Move,
                };
                let may = self.who.may(self.pipeline, action, message, &asked);
                match operation.unless_cancelled(may).await? {
                    None => Ended::Cancelled,
                    Some(Err(unfit)) => Ended::Unfit(unfit),
                    Some(Ok(within)) => {
                        let asked = Asked { find: asked, within };
                        match way {
                            Way::Back => self.send_back(&mut operation, &asked, &mut progress).await?,
                            Way::On => self.send_on(&mut operation, &asked, &mut progress).await?,
                        }
                    }
                }
            }
            Err(unfit) => Ended::Unfit(unfit),
        };
        let service = match way {
            Way::Back => "C-GET",
            Way::On => "C-MOVE",
        };
        conclude(association, message, ended, &progress, service).await
    }
}

/// The last response.
async fn conclude(
    association: &mut Association<Wire>,
    message: &Message,
    ended: Ended,
    progress: &Progress,
    service: &'static str,
) -> Result<(), AssociationError> {
    let syntax = association
        .context(message.context)
        .and_then(|context| TransferSyntax::lookup(&context.transfer_syntax))
        .unwrap_or_else(TransferSyntax::implicit_le);
    let request = &message.command;
    let (response, outcome) = match ended {
        Ended::Done => (progress.counted(request.response(progress.status()), false), "done"),
        Ended::Cancelled => (progress.counted(request.response(status::CANCEL), true), "cancelled"),
        Ended::Unfit(unfit) => {
            tracing::warn!(service, status = %unfit.status, reason = unfit.comment, "refused");
            (progress.counted(unfit.response(request), false), "refused")
        }
    };
    association
        .send(message.context, &response, progress.list(&syntax))
        .await?;
    let Progress {
        completed,
        failed,
        warning,
        ..
    } = progress;
    tracing::info!(service, outcome, completed, failed, warning, "objects were asked for");
    metrics::counter!("isocenter_retrievals_total", "service" => service, "outcome" => outcome).increment(1);
    metrics::counter!("isocenter_retrieved_objects_total", "service" => service).increment(completed + warning);
    Ok(())
}

async fn read(
    association: &mut Association<Wire>,
    message: &Message,
    root: Root,
) -> Result<Result<Find, Unfit>, AssociationError> {
    let agreed = message
        .command
        .sop_class()
        .and_then(|sop_class| association.extended(sop_class));
    let relational = agreed.and_then(|agreed| agreed.first()) == Some(&1);
    let identifier = identifier::receive(association, message).await?;
    Ok(identifier.and_then(|identifier| asked(&identifier, root, relational)))
}

/// What is asked for, as a query by unique keys alone: at the level one or several, above it one (PS3.4 §C.4.2.1.4.1).
fn asked(identifier: &Header, root: Root, relational: bool) -> Result<Find, Unfit> {
    let level = identifier::level(identifier, root)?;
    if !relational {
        identifier::check_above(identifier, root, level)?;
    }
    let mut matching = Vec::new();
    for (of, name, key) in root.levels().take_while(|(of, ..)| *of <= level) {
        let values: Vec<String> = identifier.text(key).unwrap_or_default();
        let values: Vec<String> = values.into_iter().filter(|value| !value.is_empty()).collect();
        if values.iter().any(|value| value.contains(['*', '?'])) {
            return Err(Unfit::key(key, "a unique key is a value, not a pattern"));
        }
        if key != tags::PATIENT_ID && values.iter().any(|value| Uid::parse(value).is_err()) {
            return Err(Unfit::key(key, "a unique key is no UID"));
        }
        if values.is_empty() && of == level {
            return Err(Unfit::key(
                key,
                format!("the unique key of the {name} level must be given"),
            ));
        }
        if !values.is_empty() {
            matching.push((key, values.join("\\")));
        }
    }
    // An issuer says which of several patients with one ID it is.
    if root != Root::Study
        && let Some(issuer) = identifier.first(tags::ISSUER_OF_PATIENT_ID)
        && !issuer.contains(['*', '?'])
    {
        matching.push((tags::ISSUER_OF_PATIENT_ID, issuer));
    }
    // A patient is found as studies.
    let level = level.max(FindLevel::Study);
    Ok(Find {
        level,
        matching,
        wanted: Vec::<Tag>::new(),
        fuzzy: false,
        combined: false,
    })
}

/// What is asked for, of what the caller may have.
struct Asked {
    find: Find,
    within: Within,
}

/// The objects that are asked for, a page at a time.
struct Walk<'a> {
    archive: &'a Archive,
    asked: &'a Asked,
    /// Studies, series or objects whose objects are still to come.
    found: VecDeque<Match>,
    /// Where the next page of these begins; `None`: there is none.
    position: Option<Option<Position>>,
    /// Whose objects are coming, and where their next page begins.
    current: Option<(Match, Option<Cursor>)>,
    page: VecDeque<Located>,
}

/// Every object that is asked for, in order, with one page in memory.
fn walk<'a>(archive: &'a Archive, asked: &'a Asked) -> impl Stream<Item = Result<Located, SearchError>> + Send + 'a {
    let walk = Walk {
        archive,
        asked,
        found: VecDeque::new(),
        position: Some(None),
        current: None,
        page: VecDeque::new(),
    };
    stream::try_unfold(walk, |mut walk| async move {
        let next = walk.next().await?;
        Ok(next.map(|located| (located, walk)))
    })
}

impl Walk<'_> {
    async fn next(&mut self) -> Result<Option<Located>, SearchError> {
        loop {
            if let Some(located) = self.page.pop_front() {
                return Ok(Some(located));
            }
            let index = self.archive.index();
            let Asked { find, within } = self.asked;
            if let Some((found, after)) = self.current.take() {
                let page = index
                    .locate(
                        &found.study,
                        found.series.as_ref(),
                        found.object.as_ref(),
                        after.as_ref(),
                        PAGE,
                        within,
                    )
                    .await?;
                let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
                if let (true, Some(last)) = (full, page.last()) {
                    self.current = Some((found, Some(last.cursor())));
                }
                self.page = page.into();
                continue;
            }
            if let Some(found) = self.found.pop_front() {
                self.current = Some((found, None));
                continue;
            }
            let Some(position) = self.position.take() else {
                return Ok(None);
            };
            let (found, next) = index.find(find, position.as_ref(), PAGE, within).await?;
            self.found = found.into();
            self.position = next.map(Some);
        }
    }
}

/// How many objects are asked for, and of which kinds.
async fn survey(archive: &Archive, asked: &Asked) -> Result<(u64, Kinds), SearchError> {
    use futures::TryStreamExt as _;
    let mut kinds: Kinds = BTreeSet::new();
    let mut count = 0;
    let mut objects = std::pin::pin!(walk(archive, asked));
    while let Some(located) = objects.try_next().await? {
        count += 1;
        let kind = (located.identity.sop_class.to_string(), located.syntax.to_string());
        kinds.insert(kind);
    }
    Ok((count, kinds))
}

/// "Unable to calculate number of matches" (PS3.4 Tables C.4-2 and C.4-3).
pub(super) const NOT_COUNTED: Status = Status::new(0xA701);

fn not_counted(error: SearchError) -> Unfit {
    Unfit::new(NOT_COUNTED, error.to_string())
}

#[cfg(test)]
mod tests;
