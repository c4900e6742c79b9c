//! New objects: what an analyzer described, made into a data set that may be stored.
//!
//! Separate from [`crate::edit`], which changes an object and keeps the rest of it: a draft begins with nothing. Whose it
//! is (patient, study, the UIDs that it is filed by) comes from the object that it was derived from and from the host; its
//! author sets everything else, and cannot set that. So no plugin can put a picture into another patient's record, or
//! pretend that a person has verified a report.
//!
//! A draft is text in UTF-8 and explicit VR little endian, whatever its source was. Values that identify are copied byte
//! for byte, but for their character set; one that cannot be read in its own is an error, because a patient must not come
//! out under another name. Private elements are not copied: what is in them is not known.
//!
//! What each kind must have is in `kind`. The result is complete by the tables of PS3.3 as far as they can be checked
//! without knowing what the author meant; what is missing is named.

mod copy;
mod kind;
mod moment;
mod pixels;
mod provenance;
mod script;

pub use kind::Kind;

use crate::edit::{self, Edit, EditError, SiteKey};
use crate::header::{Header, Identity, Limits, MissingIdentity};
use crate::path::{Path, Step};
use crate::syntax::TransferSyntax;
use crate::uid::Uid;
use crate::value::Value;
use crate::{ParseError, Tag, VR, dictionary, tags};
use bytes::Bytes;
use moment::Moment;
use script::Script;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Elements that a draft may set at most.
const ELEMENTS: usize = 200_000;

/// Bytes before the pixel data at most, an encapsulated document included: less than the default of
/// [`Limits::header_bytes`], so that the host takes in what it made.
const HEADER: usize = 30 << 20;

/// A new object as its author described it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it becomes.
    pub kind: Kind,
    /// Headers of the objects that it derives from. Patient, study and frame of reference come from the first; all of
    /// them are referenced, and must be of one patient.
    pub sources: Vec<Arc<Header>>,
    /// Elements in the order in which they were set. Items on the way are made: item 0 of a sequence first, then item 1.
    /// An empty text for a sequence makes it, empty.
    pub elements: Vec<(Path, Value)>,
    /// Pixel data, native and little endian, or the document.
    pub pixels: Bytes,
}

/// Who made it, for its provenance.
#[derive(Debug, Clone)]
pub struct Maker {
    /// Version of the host.
    pub host_version: String,
    /// The plugin, as the operator configured it.
    pub plugin: String,
    /// The plugin's own version.
    pub plugin_version: String,
    /// Digest of the plugin's code; its first 16 characters serve as serial number of the device.
    pub digest: String,
}

/// What the host gives a draft.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Its SOP Instance UID; see [`Uid::random`].
    pub instance: Uid,
    /// The series that it is put into, which must be new: nothing of a source's series is taken over. Drafts of one kind
    /// that one analysis makes may share it.
    pub series: Uid,
    /// Further UIDs, one for each thing in the object that needs one: 16 random bytes, from which they are derived.
    pub seed: [u8; 16],
    /// Instance Number (0020,0013), unless the author sets another.
    pub number: u32,
    /// When it is made. Written in the source's time zone (0008,0201), in UTC where it states none.
    pub created: SystemTime,
    /// Who made it.
    pub maker: Maker,
}

/// A complete data set in Explicit VR Little Endian.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its header.
    pub header: Header,
    /// The UIDs that it is filed by.
    pub identity: Identity,
    /// What follows the header: pixel data, or nothing.
    pub body: Vec<Bytes>,
}

impl Built {
    /// The data set, in pieces.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(self.header.bytes()).chain(&self.body)
    }
}

/// A draft that cannot become an object. Names elements, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// It is nobody's.
    #[error("a draft needs an object that it derives from: patient and study come from there")]
    NoSource,
    /// A source has no identity.
    #[error("an object that the draft derives from cannot be referenced: {0}")]
    Source(#[from] MissingIdentity),
    /// The sources are of several patients.
    #[error(
        "the objects that the draft derives from are of different patients: Patient ID (0010,0020), or its issuer, differs"
    )]
    SeveralPatients,
    /// An identifying value of the source is not text in the character set that the source states.
    #[error("{0} of the object that the draft derives from cannot be read in its character set")]
    SourceText(Path),
    /// An element that is the host's.
    #[error("{keyword} {at} cannot be set in a draft: {reason}")]
    Owned {
        /// The element.
        at: Path,
        /// Its keyword.
        keyword: &'static str,
        /// Whose it is.
        reason: &'static str,
    },
    /// Items are made in order.
    #[error("{0} cannot be set: the item before it has not been set yet")]
    ItemSkipped(Path),
    /// An element cannot be given this value.
    #[error(transparent)]
    Element(#[from] EditError),
    /// An element that the kind must have.
    #[error("a {kind} needs {keyword} {tag}, which was not set")]
    Missing {
        /// The kind.
        kind: Kind,
        /// The element.
        tag: Tag,
        /// Its keyword.
        keyword: &'static str,
    },
    /// An element has another value than the kind allows.
    #[error("{keyword} {tag} of a {kind} must be {wanted}")]
    Wrong {
        /// The kind.
        kind: Kind,
        /// The element.
        tag: Tag,
        /// Its keyword.
        keyword: &'static str,
        /// What is allowed.
        wanted: &'static str,
    },
    /// The pixel data is not what the elements say.
    #[error("the pixel data has {have} bytes, and {why} needs {need}")]
    PixelLength {
        /// Bytes that were given.
        have: u64,
        /// Bytes that belong there.
        need: u64,
        /// The elements that say so.
        why: &'static str,
    },
    /// Pixel data where there is none.
    #[error("a {0} has no pixel data")]
    NoPixels(Kind),
    /// Not a document.
    #[error("the document is not a PDF: it does not begin with \"%PDF-\"")]
    NotPdf,
    /// More than is sensible.
    #[error("the draft is too large: {what}, at most {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// The result does not read as a data set.
    #[error("the draft cannot be read again: {0}")]
    Result(ParseError),
}

impl Draft {
    /// Makes the object.
    pub fn build(&self, issue: &Issue) -> Result<Built, DraftError> {
        let first = self.sources.first().ok_or(DraftError::NoSource)?;
        self.check_sources(first)?;
        let identities = self.sources.iter().map(|source| source.identity());
        let sources = identities.collect::<Result<Vec<_>, _>>()?;
        if !self.kind.is_image() && self.pixels.len() > HEADER {
            let limit = HEADER as u64;
            let what = "bytes of the document";
            return Err(DraftError::TooLarge { what, limit });
        }
        let own = self.script()?;
        let base = parsed(&copy::begin(first)?)?;
        let authored = apply(&base, own)?;
        let work = Work {
            kind: self.kind,
            issue,
            first,
            headers: &self.sources,
            sources: &sources,
            created: Moment::of(issue.created, first),
            authored: &authored,
            pixels: &self.pixels,
        };
        let mut script = Script::default();
        provenance::write(&work, &mut script);
        kind::write(&work, &mut script)?;
        pixels::write(&work, &mut script);
        let header = apply(&authored, script.finish())?;
        kind::check(self.kind, &header)?;
        let body = pixels::body(self.kind, &header, &self.pixels)?;
        if header.bytes().len() > HEADER {
            let limit = HEADER as u64;
            let what = "bytes before the pixel data";
            return Err(DraftError::TooLarge { what, limit });
        }
        let identity = header.identity()?;
        Ok(Built { header, identity, body })
    }

    fn check_sources(&self, first: &Header) -> Result<(), DraftError> {
        let patient = |source: &Header| {
            let name = if has_value(source, tags::PATIENT_ID) {
                None
            } else {
                source.first(tags::PATIENT_NAME)
            };
            let [id, issuer] = [tags::PATIENT_ID, tags::ISSUER_OF_PATIENT_ID].map(|tag| source.first(tag));
            (id, issuer, name)
        };
        let known = patient(first);
        if self.sources.iter().any(|source| patient(source) != known) {
            return Err(DraftError::SeveralPatients);
        }
        Ok(())
    }

    /// What the author set, as edits: each item is added before the first element in it is set.
    fn script(&self) -> Result<Vec<Edit>, DraftError> {
        if self.elements.len() > ELEMENTS {
            let limit = ELEMENTS as u64;
            return Err(DraftError::TooLarge {
                what: "elements",
                limit,
            });
        }
        let mut items: BTreeMap<Path, u32> = BTreeMap::new();
        let mut edits = Vec::with_capacity(self.elements.len());
        for (at, value) in &self.elements {
            let outermost = at.within.first().map_or(at.tag, |step| step.sequence);
            if let Some(reason) = kind::owner(self.kind, outermost) {
                return Err(DraftError::Owned {
                    at: at.clone(),
                    keyword: dictionary::keyword(outermost),
                    reason,
                });
            }
            for (depth, Step { sequence, item }) in at.within.iter().enumerate() {
                let within = at.within.get(..depth).unwrap_or_default().to_vec();
                let sequence = Path { within, tag: *sequence };
                let count = items.entry(sequence.clone()).or_default();
                if item > count {
                    return Err(DraftError::ItemSkipped(at.clone()));
                }
                if item == count {
                    *count += 1;
                    edits.push(Edit::AddItem(sequence));
                }
            }
            let is_sequence = dictionary::lookup(at.tag).is_some_and(|known| known.vr == VR::SQ);
            if is_sequence && *value == Value::Text(Vec::new()) {
                if !items.contains_key(at) {
                    edits.extend([Edit::AddItem(at.clone()), Edit::Clear(at.clone())]);
                }
                continue;
            }
            edits.push(Edit::Set {
                at: at.clone(),
                value: value.clone(),
            });
        }
        Ok(edits)
    }
}

impl Issue {
    /// The UID of something in the object that is not the object: always the same for the same thing.
    fn further_uid(&self, of: &[u8]) -> Uid {
        use sha2::Digest;
        let digest: [u8; 32] = sha2::Sha256::new()
            .chain_update(self.seed)
            .chain_update(of)
            .finalize()
            .into();
        Uid::random(digest.first_chunk().copied().unwrap_or(self.seed))
    }
}

/// What is known while the host writes its part.
struct Work<'a> {
    kind: Kind,
    issue: &'a Issue,
    first: &'a Header,
    headers: &'a [Arc<Header>],
    sources: &'a [Identity],
    created: Moment,
    /// What was copied, and what the author set.
    authored: &'a Header,
    pixels: &'a Bytes,
}

impl Work<'_> {
    /// Whether the element is there, empty or not.
    fn has(&self, tag: Tag) -> bool {
        self.authored.element(&tag.into()).is_some()
    }

    /// Whether the element is there and has a value.
    fn has_value(&self, tag: Tag) -> bool {
        has_value(self.authored, tag)
    }

    /// The first value of an element as a number.
    fn number(&self, tag: Tag) -> Option<u64> {
        number(self.authored, tag)
    }

    /// The first value of an element.
    fn text(&self, tag: Tag) -> Option<String> {
        self.authored.first(tag)
    }
}

/// The first value of an element of a source, when it may be written anew as it is: sources hold what the standard does
/// not allow.
fn inherited(source: &Header, tag: Tag) -> Option<String> {
    source.first(tag).filter(|text| edit::accepts(tag, text))
}

fn has_value(header: &Header, tag: Tag) -> bool {
    header
        .element(&tag.into())
        .is_some_and(|element| !element.bytes().is_empty())
}

fn number(header: &Header, tag: Tag) -> Option<u64> {
    header.first(tag)?.trim().parse().ok()
}

fn apply(header: &Header, edits: Vec<Edit>) -> Result<Header, DraftError> {
    // No UID of a draft is mapped: the key is not used.
    let edited = edit::apply(header, &edits, &SiteKey::new([0; 32]))?;
    Ok(edited.header)
}

fn parsed(bytes: &[u8]) -> Result<Header, DraftError> {
    let syntax = TransferSyntax::explicit_le();
    let (header, _) = Header::parse(syntax, bytes, Limits::default()).map_err(DraftError::Result)?;
    Ok(header)
}

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod tests;
