//! C-FIND of the modality worklist (PS3.4 Annex K): what is to be done is found by the archive, and each entry is answered with
//! the attributes that were asked for. Separate from [`super::find`], whose levels and headers it has none of.

use std::collections::VecDeque;

use bytes::Bytes;
use isocenter_archive::Archive;
use isocenter_archive::index::{KeptStep, Scheduled, ScheduledPosition, SearchError};
use isocenter_dicom::answer;
use isocenter_dicom::header::{Header, Path, Step};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::{Association, AssociationError, Message, Stream, status};
use serde_json::{Map, Value, json};

use super::identifier::{self, Unfit};
use super::operation::Operation;

type DataSet = Map<String, Value>;

/// Entries asked of the index at a time.
const PAGE: u32 = 250;

/// What searches of the worklist have in common.
pub(super) struct Worklist<'a> {
    pub(super) archive: &'a Archive,
    /// Entries that one search answers at most.
    pub(super) limit: u64,
}

/// How a search ended, when it was answered to its end.
enum Ended {
    Done,
    Cancelled,
    Unfit(Unfit),
}

impl Worklist<'_> {
    /// One C-FIND. A search that cannot be performed is answered with its status, and the association goes on.
    pub(super) async fn perform(
        &self,
        association: &mut Association<Stream>,
        message: &Message,
    ) -> Result<(), AssociationError> {
        let began = std::time::Instant::now();
        let mut found = 0;
        let asked = identifier::receive(association, message).await?;
        let ended = match asked.and_then(|identifier| Asked::read(&identifier)) {
            Ok(asked) => {
                let mut operation = Operation {
                    association,
                    request: message,
                };
                self.answer(&mut operation, &asked, &mut found).await?
            }
            Err(unfit) => Ended::Unfit(unfit),
        };
        let (response, outcome) = match ended {
            Ended::Done => (message.command.response(status::SUCCESS), "done"),
            Ended::Cancelled => (message.command.response(status::CANCEL), "cancelled"),
            Ended::Unfit(unfit) => {
                tracing::warn!(status = %unfit.status, reason = unfit.comment, found, "worklist C-FIND refused");
                (unfit.response(&message.command), "refused")
            }
        };
        association.send(message.context, &response, None).await?;
        tracing::debug!(found, outcome, "worklist C-FIND");
        metrics::counter!("isocenter_worklist_find_total", "outcome" => outcome).increment(1);
        metrics::histogram!("isocenter_worklist_find_seconds").record(began.elapsed().as_secs_f64());
        Ok(())
    }

    async fn answer(
        &self,
        operation: &mut Operation<'_>,
        asked: &Asked,
        found: &mut u64,
    ) -> Result<Ended, AssociationError> {
        let syntax = operation
            .association
            .context(operation.request.context)
            .and_then(|context| TransferSyntax::lookup(&context.transfer_syntax))
            .unwrap_or_else(TransferSyntax::implicit_le);
        let status = if asked.complete {
            status::PENDING
        } else {
            status::PENDING_WARNING
        };
        let mut after: Option<ScheduledPosition> = None;
        loop {
            let page = self.archive.index().worklist(&asked.search, after.as_ref(), PAGE);
            let (entries, next) = match operation.unless_cancelled(page).await? {
                None => return Ok(Ended::Cancelled),
                Some(Err(error)) => return Ok(Ended::Unfit(unfit(error))),
                Some(Ok(page)) => page,
            };
            let mut entries = VecDeque::from(entries);
            while let Some(entry) = entries.pop_front() {
                // Between two answers as well: a page may be long.
                if operation.unless_cancelled(std::future::ready(())).await?.is_none() {
                    return Ok(Ended::Cancelled);
                }
                if *found >= self.limit {
                    super::limit_reached("find_limit");
                    let comment = format!("more than {found} match: the others are not answered");
                    return Ok(Ended::Unfit(Unfit::new(status::OUT_OF_RESOURCES, comment)));
                }
                *found += 1;
                let data = answer::data_set(&asked.response(&entry), &syntax, asked.character_set.as_deref());
                let response = operation.request.command.response(status);
                operation.respond(&response, Some(Bytes::from(data))).await?;
            }
            match next {
                None => return Ok(Ended::Done),
                next => after = next,
            }
        }
    }
}

fn unfit(error: SearchError) -> Unfit {
    match error {
        SearchError::BadValue { tag, expected } => Unfit {
            status: status::CANNOT_UNDERSTAND,
            offending: vec![tag],
            comment: format!("the value must be {expected}"),
        },
        SearchError::Index(error) if error.is_passing() => Unfit::new(status::OUT_OF_RESOURCES, error.to_string()),
        error => Unfit::new(status::CANNOT_UNDERSTAND, error.to_string()),
    }
}

/// A search of the worklist, ready to be answered.
#[derive(Debug)]
struct Asked {
    search: Scheduled,
    wanted: Vec<Wanted>,
    /// Specific Character Set of the search.
    character_set: Option<String>,
    /// Every matching key is supported.
    complete: bool,
}

/// An attribute that an answer has, with a value or without.
#[derive(Debug)]
struct Wanted {
    key: String,
    vr: &'static str,
    /// Of a sequence, what is wanted of its items; without any, all of them.
    of_items: Vec<Wanted>,
}

impl Asked {
    /// Reads a search.
    ///
    /// # Errors
    /// It does not fit the information model.
    fn read(identifier: &Header) -> Result<Self, Unfit> {
        let character_set = identifier.text(tags::SPECIFIC_CHARACTER_SET);
        let mut asked = Self {
            search: Scheduled::default(),
            wanted: Vec::new(),
            character_set: character_set
                .map(|terms| terms.join("\\"))
                .filter(|terms| !terms.is_empty()),
            complete: true,
        };
        asked.wanted = asked.level(identifier, &[])?;
        Ok(asked)
    }

    /// The keys of the identifier, or of an item in it; as deep as [`identifier::receive`] lets a data set be.
    fn level(&mut self, identifier: &Header, within: &[Step]) -> Result<Vec<Wanted>, Unfit> {
        let mut wanted = Vec::new();
        for tag in identifier.tags(within) {
            // Worklists have no level; some ask for one all the same.
            let apart = matches!(tag, tags::SPECIFIC_CHARACTER_SET | tags::QUERY_RETRIEVE_LEVEL);
            if tag.element() == 0 || apart {
                continue;
            }
            let at = Path {
                within: within.to_vec(),
                tag,
            };
            let Some(element) = identifier.element(&at) else {
                continue;
            };
            let of_items = match identifier.items(&at) {
                None => {
                    let value = match identifier.value(&at) {
                        Some(isocenter_dicom::Value::Text(values)) => values.join("\\"),
                        _ if element.bytes().is_empty() => String::new(),
                        _ => {
                            self.complete = false;
                            String::new()
                        }
                    };
                    self.matching(within, tag, value);
                    Vec::new()
                }
                Some(0) => Vec::new(),
                Some(1) => {
                    let within = [within, &[Step { sequence: tag, item: 0 }]].concat();
                    self.level(identifier, &within)?
                }
                Some(_) => return Err(Unfit::key(tag, "a sequence key has one item")),
            };
            wanted.push(Wanted {
                key: key_of(tag),
                vr: element.vr().to_string(),
                of_items,
            });
        }
        Ok(wanted)
    }

    fn matching(&mut self, within: &[Step], tag: Tag, value: String) {
        if value.bytes().all(|byte| matches!(byte, b'*' | b' ' | 0)) {
            return;
        }
        let sequence = within.first().map(|step| step.sequence);
        match (within.len(), sequence) {
            (0, _) if Scheduled::can_match(tag) => self.search.of_entry.push((tag, value)),
            (1, Some(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)) if Scheduled::can_match_of_step(tag) => {
                self.search.of_step.push((tag, value));
            }
            _ => self.complete = false,
        }
    }

    /// What an entry has of what was asked for; the rest is there without a value.
    fn response(&self, entry: &KeptStep) -> DataSet {
        pick(&self.wanted, &entry.data_set)
    }
}

fn pick(wanted: &[Wanted], from: &DataSet) -> DataSet {
    let mut out = DataSet::new();
    for Wanted { key, vr, of_items } in wanted {
        let element = match from.get(key) {
            None => json!({ "vr": vr }),
            Some(whole) if of_items.is_empty() => whole.clone(),
            Some(sequence) => {
                let items = sequence.get("Value").and_then(Value::as_array).into_iter().flatten();
                let items: Vec<DataSet> = items
                    .filter_map(Value::as_object)
                    .map(|item| pick(of_items, item))
                    .collect();
                json!({ "vr": vr, "Value": items })
            }
        };
        out.insert(key.clone(), element);
    }
    out
}

fn key_of(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

#[cfg(test)]
mod tests;
