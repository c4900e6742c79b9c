//! C-FIND (PS3.4 §C.4.1): the index finds, headers fill in what it does not hold, and each match is a response. Pages are
//! asked for as the peer takes them, so that memory is a page whatever is found.

mod keys;

use std::collections::VecDeque;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use isocenter_archive::index::{Match, Position, SearchError, Within};
use isocenter_archive::{Archive, ArchiveError};
use isocenter_dicom::answer;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dimse::{AeTitle, Association, AssociationError, Message, Stream as Wire, status};
use isocenter_pipeline::Pipeline;
use isocenter_role::Action;

pub(super) use self::keys::Options;

use self::keys::Asked;
use super::identifier::{self, Root, Unfit};
use super::operation::Operation;
use super::permission::Who;

/// Matches asked of the index at a time.
const PAGE: u32 = 250;
/// Headers read at a time to fill in matches.
const HEADERS_AT_ONCE: usize = 4;
/// Headers read for one query; what later matches lack is left empty, which their status says.
const MOST_HEADERS: usize = 2000;

/// What queries have in common.
pub(super) struct Finder<'a> {
    pub(super) pipeline: &'a Pipeline,
    /// Who asks.
    pub(super) who: &'a Who,
    /// Retrieve AE Title (0008,0054).
    pub(super) ae_title: &'a AeTitle,
    /// Matches of one query at most.
    pub(super) limit: u64,
}

/// How a query ended, when it was answered to its end.
enum Ended {
    Done,
    Cancelled,
    Unfit(Unfit),
}

impl Finder<'_> {
    /// One C-FIND. A query that cannot be performed is answered with its status, and the association goes on.
    pub(super) async fn perform(
        &self,
        association: &mut Association<Wire>,
        message: &Message,
        root: Root,
    ) -> Result<(), AssociationError> {
        let began = std::time::Instant::now();
        let mut found = 0;
        let ended = match self.read(association, message, root).await? {
            Ok(asked) => {
                let mut operation = Operation {
                    association,
                    request: message,
                };
                let may = self.who.may(self.pipeline, Action::Search, message, &asked.find);
                match operation.unless_cancelled(may).await? {
                    None => Ended::Cancelled,
                    Some(Err(unfit)) => Ended::Unfit(unfit),
                    Some(Ok(within)) => self.answer(&mut operation, &asked, &within, &mut found).await?,
                }
            }
            Err(unfit) => Ended::Unfit(unfit),
        };
        let (response, outcome) = match ended {
            Ended::Done => (message.command.response(status::SUCCESS), "done"),
            Ended::Cancelled => (message.command.response(status::CANCEL), "cancelled"),
            Ended::Unfit(unfit) => {
                tracing::warn!(status = %unfit.status, reason = unfit.comment, found, "C-FIND refused");
                (unfit.response(&message.command), "refused")
            }
        };
        association.send(message.context, &response, None).await?;
        tracing::debug!(found, outcome, "C-FIND");
        metrics::counter!("isocenter_find_total", "outcome" => outcome).increment(1);
        metrics::histogram!("isocenter_find_seconds").record(began.elapsed().as_secs_f64());
        Ok(())
    }

    async fn read(
        &self,
        association: &mut Association<Wire>,
        message: &Message,
        root: Root,
    ) -> Result<Result<Asked, Unfit>, AssociationError> {
        let options = Options::negotiated(
            message
                .command
                .sop_class()
                .and_then(|sop_class| association.extended(sop_class)),
        );
        let identifier = identifier::receive(association, message).await?;
        Ok(identifier.and_then(|identifier| Asked::read(&identifier, root, options)))
    }

    async fn answer(
        &self,
        operation: &mut Operation<'_>,
        asked: &Asked,
        within: &Within,
        found: &mut u64,
    ) -> Result<Ended, AssociationError> {
        let syntax = operation
            .association
            .context(operation.request.context)
            .and_then(|context| TransferSyntax::lookup(&context.transfer_syntax))
            .unwrap_or_else(TransferSyntax::implicit_le);
        let mut matches = std::pin::pin!(self.matches(asked, within));
        loop {
            let next = match operation.unless_cancelled(matches.next()).await? {
                None => return Ok(Ended::Cancelled),
                Some(None) => return Ok(Ended::Done),
                Some(Some(Err(error))) => return Ok(Ended::Unfit(unfit(error))),
                Some(Some(Ok(next))) => next,
            };
            if *found >= self.limit {
                super::limit_reached("find_limit");
                let comment = format!("more than {found} match: the others are not answered");
                return Ok(Ended::Unfit(Unfit::new(status::OUT_OF_RESOURCES, comment)));
            }
            *found += 1;
            let (complete, attributes) = asked.response(next, self.ae_title);
            let status = if complete {
                status::PENDING
            } else {
                status::PENDING_WARNING
            };
            let data = answer::data_set(&attributes, &syntax, asked.character_set.as_deref());
            let response = operation.request.command.response(status);
            operation.respond(&response, Some(Bytes::from(data))).await?;
        }
    }

    /// What matches, filled in from headers where that was asked for.
    fn matches<'s>(
        &'s self,
        asked: &'s Asked,
        within: &'s Within,
    ) -> impl Stream<Item = Result<Filled, FindError>> + Send + 's {
        let pages = Pages {
            archive: self.pipeline.archive(),
            asked,
            within,
            page: VecDeque::new(),
            next: Next::First,
        };
        let found = stream::try_unfold(pages, |mut pages| async move {
            let found = pages.pop().await?;
            Ok::<_, FindError>(found.map(|found| (found, pages)))
        });
        let mut headers = MOST_HEADERS;
        found
            .map(move |found| {
                let may_read = headers > 0;
                if !asked.from_header.is_empty() {
                    headers = headers.saturating_sub(1);
                }
                async move { self.filled(asked, within, found?, may_read).await }
            })
            .buffered(HEADERS_AT_ONCE)
    }

    /// Adds what only a header says: of the object, or of the first one of a series or study.
    async fn filled(&self, asked: &Asked, within: &Within, found: Match, may_read: bool) -> Result<Filled, FindError> {
        if asked.from_header.is_empty() {
            return Ok(Filled { found, complete: true });
        }
        if !may_read {
            return Ok(Filled { found, complete: false });
        }
        let mut found = found;
        let archive = self.pipeline.archive();
        let at = archive
            .index()
            .locate(
                &found.study,
                found.series.as_ref(),
                found.object.as_ref(),
                None,
                1,
                within,
            )
            .await
            .map_err(SearchError::from)?;
        if let Some(at) = at.first() {
            let header = archive.read_header(at).await?;
            for (tag, element) in header.json_of(&asked.from_header) {
                found.attributes.entry(tag).or_insert(element);
            }
        }
        Ok(Filled { found, complete: true })
    }
}

/// A match as it is answered.
struct Filled {
    found: Match,
    /// Nothing was left out for want of time.
    complete: bool,
}

/// Why finding ended early.
#[derive(Debug, thiserror::Error)]
enum FindError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

fn unfit(error: FindError) -> Unfit {
    match error {
        FindError::Search(SearchError::BadValue { tag, expected }) => Unfit {
            status: status::CANNOT_UNDERSTAND,
            offending: vec![tag],
            comment: format!("the value must be {expected}"),
        },
        FindError::Search(SearchError::Index(error)) if error.is_passing() => {
            Unfit::new(status::OUT_OF_RESOURCES, error.to_string())
        }
        error => Unfit::new(status::CANNOT_UNDERSTAND, error.to_string()),
    }
}

/// Where the next page begins.
enum Next {
    First,
    After(Position),
    Nowhere,
}

/// The matches of a query, a page at a time.
struct Pages<'a> {
    archive: &'a Archive,
    asked: &'a Asked,
    within: &'a Within,
    page: VecDeque<Match>,
    next: Next,
}

impl Pages<'_> {
    async fn pop(&mut self) -> Result<Option<Match>, FindError> {
        if self.page.is_empty() {
            let after = match &self.next {
                Next::Nowhere => return Ok(None),
                Next::First => None,
                Next::After(position) => Some(position),
            };
            let index = self.archive.index();
            let (page, position) = index.find(&self.asked.find, after, PAGE, self.within).await?;
            self.page = page.into();
            self.next = position.map_or(Next::Nowhere, Next::After);
        }
        Ok(self.page.pop_front())
    }
}
