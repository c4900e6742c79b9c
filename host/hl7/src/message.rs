//! One message: read, judged by its header, and acknowledged (HL7 v2.5.1 chapter 2, original mode).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hl7_parser::Message;
use hl7_parser::message::{Component, Repeat, Segment, Separators};

use crate::charset;

/// What an acknowledgement says first (MSA-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Application error: the message cannot be done, now or ever.
    Error,
    /// Application reject: this is no message for this host.
    Reject,
}

/// Why a message is not done: a sentence for its sender, without patient data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Error or reject.
    pub verdict: Verdict,
    /// Of HL7 table 0357.
    pub code: u16,
    /// What was wrong and what would be right.
    pub reason: String,
}

impl Refusal {
    /// Of a field or segment that is missing or wrong.
    pub fn error(code: u16, reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Error,
            code,
            reason: reason.into(),
        }
    }

    pub(crate) fn reject(code: u16, reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Reject,
            code,
            reason: reason.into(),
        }
    }
}

/// Table 0357.
pub(crate) const SEGMENT_SEQUENCE: u16 = 100;
pub(crate) const REQUIRED_FIELD: u16 = 101;
pub(crate) const DATA_TYPE: u16 = 102;
pub(crate) const VALUE_NOT_FOUND: u16 = 103;
const UNSUPPORTED_TYPE: u16 = 200;
const UNSUPPORTED_PROCESSING_ID: u16 = 202;
const UNSUPPORTED_VERSION: u16 = 203;

/// What this host takes (MSH-9): code, trigger.
const TAKEN: [(&str, &str); 3] = [("ORM", "O01"), ("OMI", "O23"), ("OMG", "O19")];

/// A segment whose values are read without escapes and padding.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'s, 'm> {
    pub(crate) segment: &'s Segment<'m>,
    separators: &'s Separators,
}

impl<'s, 'm> Fields<'s, 'm> {
    pub(crate) fn of(segment: &'s Segment<'m>, message: &'s Message<'m>) -> Self {
        Self {
            segment,
            separators: &message.separators,
        }
    }

    /// The repetitions of a field.
    pub(crate) fn repeats(&self, field: usize) -> impl Iterator<Item = &'s Repeat<'m>> + use<'s, 'm> {
        let found = self.segment.field(field);
        found.into_iter().flat_map(|field| field.repeats())
    }

    /// A component of the first repetition; of subcomponents the first. `None` where it is empty or `""`.
    pub(crate) fn text(&self, field: usize, component: usize) -> Option<String> {
        self.of_repeat(self.repeats(field).next()?, component)
    }

    /// A component of a repetition.
    pub(crate) fn of_repeat(&self, repeat: &Repeat<'m>, component: usize) -> Option<String> {
        self.plain(repeat.component(component)?)
    }

    fn plain(&self, component: &Component<'m>) -> Option<String> {
        let raw = component
            .subcomponent(1)
            .map_or(component.raw_value(), |first| first.raw_value());
        // What is begun and not ended is no escape sequence.
        let whole = raw.matches(self.separators.escape).count().is_multiple_of(2);
        let text = if whole {
            self.separators.decode(raw).to_string()
        } else {
            raw.to_owned()
        };
        let text = text.trim();
        (!text.is_empty() && text != "\"\"").then(|| text.to_owned())
    }
}

/// What of a header goes into the acknowledgement; as it stands in the bytes, of which the first segment is ASCII in every
/// character set that is taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    fields: Vec<String>,
    separator: char,
}

impl Head {
    /// Reads MSH from bytes whose character set is not known yet; `None` where there is none.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let rest = line.strip_prefix(b"MSH")?;
        let separator = char::from(*rest.first().filter(|byte| byte.is_ascii_punctuation())?);
        // MSH-1 is the separator itself.
        let fields = rest.split(|byte| char::from(*byte) == separator);
        let fields = fields.take(25).map(|field| String::from_utf8_lossy(field).into_owned());
        Some(Self {
            fields: fields.collect(),
            separator,
        })
    }

    fn field(&self, number: usize) -> &str {
        self.fields.get(number.saturating_sub(1)).map_or("", String::as_str)
    }

    fn first_component(&self, number: usize) -> &str {
        let component = self.field(2).chars().next().unwrap_or('^');
        self.field(number).split(component).next().unwrap_or_default()
    }

    /// Message control ID.
    pub(crate) fn control_id(&self) -> &str {
        self.field(10)
    }

    /// MSH-18, each repetition.
    pub(crate) fn character_sets(&self) -> Vec<String> {
        let repetition = self.field(2).chars().nth(1).unwrap_or('~');
        let sets = self.field(18).split(repetition).map(|set| set.trim().to_owned());
        sets.filter(|set| !set.is_empty()).collect()
    }

    /// Whether the message is for this host.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let component = self.field(2).chars().next().unwrap_or('^');
        let mut kind = self.field(9).split(component);
        let (code, trigger) = (kind.next().unwrap_or_default(), kind.next().unwrap_or_default());
        if !TAKEN.contains(&(code, trigger)) {
            let taken = TAKEN.map(|(code, trigger)| format!("{code}^{trigger}")).join(", ");
            return Err(Refusal::reject(
                UNSUPPORTED_TYPE,
                format!("the message type (MSH-9) must be one of {taken}"),
            ));
        }
        let version = self.first_component(12);
        if !version.starts_with("2.") {
            return Err(Refusal::reject(
                UNSUPPORTED_VERSION,
                "the version (MSH-12) must be one of 2.1 to 2.9",
            ));
        }
        if self.first_component(11) != "P" {
            return Err(Refusal::reject(
                UNSUPPORTED_PROCESSING_ID,
                "the processing ID (MSH-11) must be P: what is for training or debugging is not scheduled",
            ));
        }
        if self.control_id().is_empty() {
            return Err(Refusal::reject(
                REQUIRED_FIELD,
                "the message control ID (MSH-10) is missing",
            ));
        }
        Ok(())
    }
}

/// The acknowledgement of a message, or of bytes that are none.
pub fn acknowledgement(bytes: &[u8], outcome: Result<(), &Refusal>) -> Vec<u8> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let head = Head::of(bytes).unwrap_or_default();
    let (bar, hat) = ('|', '^');
    // Values of ours go into a message with our separators; a peer's with others are left out.
    let same = head.separator == bar && head.field(2).starts_with("^~\\&");
    let echoed = |number: usize| if same { head.field(number) } else { "" };
    let trigger = echoed(9).split(hat).nth(1).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let own_id = format!("{:X}-{number:X}", now.as_secs());
    let version = match head.first_component(12) {
        version if same && version.starts_with("2.") => version,
        _ => "2.5.1",
    };
    let kind = if trigger.is_empty() {
        "ACK".to_owned()
    } else {
        format!("ACK{hat}{trigger}{hat}ACK")
    };
    let code = match outcome {
        Ok(()) => "AA",
        Err(refusal) => match refusal.verdict {
            Verdict::Error => "AE",
            Verdict::Reject => "AR",
        },
    };
    let mut text = format!(
        "MSH|^~\\&|{}|{}|{}|{}|{}||{kind}|{own_id}|P|{version}\rMSA|{code}|{}",
        echoed(5),
        echoed(6),
        echoed(3),
        echoed(4),
        timestamp(now.as_secs()),
        if same { head.control_id() } else { "" },
    );
    if let Err(refusal) = outcome {
        let reason = escaped(&refusal.reason);
        text.push_str(&format!("|{reason}\rERR|||{}^^HL70357|E||||{reason}", refusal.code));
    }
    text.push('\r');
    text.into_bytes()
}

/// What would be read as a separator, and what is not ASCII, replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            '\\' => out.push_str("\\E\\"),
            ' '..='}' => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

/// `YYYYMMDDHHMMSS+0000`.
fn timestamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days of a calendar whose years begin in March, counted by eras of 400 years.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}{:02}{:02}{:02}+0000",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The text of a message whose header is that of one for this host.
pub(crate) fn text(bytes: &[u8]) -> Result<String, Refusal> {
    let head = Head::of(bytes)
        .ok_or_else(|| Refusal::reject(SEGMENT_SEQUENCE, "the message does not begin with an MSH segment"))?;
    head.check()?;
    let text = charset::decode(bytes, &head.character_sets());
    let text = text.map_err(|bad| Refusal::error(DATA_TYPE, bad.to_string()))?;
    // Some write lines as their system does.
    Ok(text.replace("\r\n", "\r").replace('\n', "\r"))
}

/// A text as segments, all of it.
pub(crate) fn parse(text: &str) -> Result<Message<'_>, Refusal> {
    let unread = || {
        Refusal::error(
            SEGMENT_SEQUENCE,
            "the message cannot be read to its end: a segment is malformed",
        )
    };
    let message = Message::parse(text).map_err(|_| unread())?;
    let rest = text.get(message.raw_value().len()..).unwrap_or_default();
    if !rest.trim().is_empty() {
        return Err(unread());
    }
    Ok(message)
}
