//! A plugin that does what its configuration says, good or hostile: the guest of the runtime's tests.
//!
//! One crate, so that a test is one row (`{"do": "spin"}` and the sentence expected), not one crate each. It is built
//! three times:
//!
//! | component | roles | needs |
//! |---|---|---|
//! | `test/guest.wasm` | filter, router | the secret `site-key` |
//! | `test/roles.wasm` | all | the secret `site-key` |
//! | `test/hostile.wasm` | all | a grant of each capability |
//!
//! `do` is what every call does; `check` is what the check at loading does (the filter's; the others check nothing).
//! With `"do": "as-told"` the input says it, so that one call among many is the bad one: a filter's or router's object
//! in Image Comments (0020,4000), a study's first member likewise, an authenticator's bearer token, an authorizer's
//! attribute `path`, a gate's calling AE title in lower case, a sink's event kind (all of the batch, in order), a
//! route's path without its first `/`, a worker's payload, an analyzer's token when it resumes.
//! `url`, `model`, `queue`, `job` and `mib` are what some acts need.
//!
//! **In every role** ([`acts`]): `nothing`, `spin`, `spin-in-host`, `eat` (a memory bomb), `panic`, `trap`, `recurse`,
//! `busy` (computes for 300 ms, within its limit), `clocks` (reads the clock 10,000 times),
//! `never`, `later`, `remember`, `clock`, `chance` (says the time and what it draws), `random`, `too-much-random`, `secret`, `metrics`, `observe`, `metric-flood`,
//! `log-flood`, `log-field`, `huge-log`, `huge-metric`, `huge-secret` (a string of `mib` MiB of the guest's memory),
//! `gib-log`, `gib-log-field`, `gib-metric`, `gib-secret` (a string that claims 1 GiB and has none).
//!
//! **With grants** ([`granted`]): `state` (writes, reads, meets its conflict), `state-flood`, `huge-key`, `huge-value`,
//! `gib-key`; `fetch` (a GET of `url`: says the status and how much came, or the trouble), `fetch-secret`, `requests`
//! (a handle bomb), `responses`, `huge-body`, `huge-header`, `gib-header`, `gib-url`; `enqueue`, `leave-job`, `enqueue-flood`,
//! `huge-job`; `infer` (`model` doubles or not), `tensors` (a handle bomb), `huge-tensor`, `wrong-tensor`.
//!
//! **Of a role** (in this file, where each role is): of a filter `edits`, `read`, `gets` (reads one element 10,000 times),
//! `read-30-edit-50`, `describe`, `many-edits`,
//! `large-edits`, `huge-edit`, `gib-edit`, `many-paths`, `deep-path`, `frame`, `frames` (a handle bomb), `drop`,
//! `refuse`, `quarantine`, `huge-reason`, `exfiltrate` (with grants: patient's name in the query of `url`); of a router
//! `everywhere`, `nowhere`, `unplanned`, `gib-destination`; of a study-router `everywhere`, `members`, `objects` (a
//! handle bomb); of an analyzer the last two, `wait`, `huge-token`, `draft`, `draft-and-wait`, `drafts` (a handle
//! bomb), `draft-values`, `draft-pixels`; of an authenticator `nobody`, `nameless`, `many-claims`; of an authorizer
//! `within`, `within-nothing`, `many-limits`, `deny`; of a gate `reject`, `nameless`; of a route `page`, `echo`,
//! `object`, `study`, `search`, `status-99`, `write-flood`, `split-header`.
//! What an act says is in the verdict, the subject, the reason, the body or the log, by role.
//!
//! What no compiler makes (an endless start function, a table bomb, a compile bomb, a forged manifest, another
//! contract) is in `tests/runtime/forged.rs`.

mod acts;
#[cfg(feature = "grants")]
mod granted;
#[cfg(feature = "roles")]
mod roles;

use std::hint::black_box;

use isocenter::{
    Edits, Error, Filter, Form, Object, Passage, Path, Plan, Result, Router, Step, Tag, Value, Verdict, tags,
};

use crate::acts::{act, gib_string, mebibytes};

/// What to do.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// In every call.
    #[serde(default, rename = "do")]
    act: String,
    /// When it is loaded.
    #[serde(default)]
    check: String,
    /// Where to send requests.
    #[cfg(feature = "grants")]
    #[serde(default)]
    url: String,
    /// Which model to run.
    #[cfg(feature = "grants")]
    #[serde(default)]
    model: String,
    /// Where to leave jobs.
    #[cfg(feature = "grants")]
    #[serde(default)]
    queue: String,
    /// What the jobs say.
    #[cfg(feature = "grants")]
    #[serde(default = "nothing")]
    job: String,
    /// How large what is huge is.
    #[serde(default = "sixteen")]
    mib: usize,
}

fn sixteen() -> usize {
    16
}

#[cfg(feature = "grants")]
fn nothing() -> String {
    "nothing".into()
}

impl Config {
    /// What to do in a call whose input says `told`.
    fn act(&self, told: impl FnOnce() -> String) -> String {
        if self.act == "as-told" {
            told()
        } else {
            self.act.clone()
        }
    }
}

struct Probe;

/// What an object says.
fn told(object: &Object<'_>) -> String {
    object.first(tags::IMAGE_COMMENTS).unwrap_or_default()
}

impl Filter for Probe {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        match config.check.as_str() {
            "refuse" => Err(Error::never("the probe was told to refuse")),
            what => act(what, config).map(|_| ()),
        }
    }

    fn apply(object: &Object<'_>, passage: &Passage<'_>, edits: &mut Edits<'_>, config: &Config) -> Result<Verdict> {
        match config.act(|| told(object)).as_str() {
            "edits" => {
                edits.set_text(tags::PATIENT_ID, "new");
                edits.clear(tags::PATIENT_NAME);
                edits.remove(tags::PATIENT_BIRTH_DATE);
                edits.remove_everywhere(tags::OPERATORS_NAME);
                edits.add_item(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE);
                edits.remove_private(&["KEPT".into()]);
                let new = edits.remap_uid(tags::STUDY_INSTANCE_UID);
                edits.remap_uids_everywhere(&[tags::SOP_CLASS_UID]);
                edits.shift_dates_everywhere(-10);
                edits.set(tags::IMAGE_COMMENTS, Value::Text(new));
            }
            "read" => {
                // What a small filter does: a dozen reads and an edit.
                let read = [
                    tags::MODALITY,
                    tags::STUDY_DATE,
                    tags::PATIENT_ID,
                    tags::PATIENT_NAME,
                    tags::INSTITUTION_NAME,
                    tags::STATION_NAME,
                    tags::STUDY_DESCRIPTION,
                    tags::BODY_PART_EXAMINED,
                    tags::ROWS,
                    tags::COLUMNS,
                    tags::IMAGE_TYPE,
                ];
                let present = read.iter().filter(|&&tag| object.get(tag).is_some()).count();
                edits.set_text(tags::IMAGE_COMMENTS, format!("{present}"));
            }
            "gets" => {
                for _ in 0..10_000 {
                    black_box(object.get(tags::ROWS));
                }
            }
            "read-30-edit-50" => read_and_edit(object, edits),
            "describe" => return Ok(Verdict::Refuse(describe(object, passage))),
            "many-edits" => loop {
                edits.clear(tags::PATIENT_NAME);
            },
            "large-edits" => loop {
                edits.set_text(tags::PATIENT_NAME, "x".repeat(1 << 20));
            },
            "huge-edit" => edits.set_text(tags::PATIENT_NAME, "x".repeat(9 << 20)),
            "gib-edit" => {
                let value = Value::Text(vec![gib_string()]);
                edits.set(tags::PATIENT_NAME, value);
            }
            "many-paths" => {
                let paths = vec![Path::from(tags::PATIENT_NAME); 1_000_000];
                return Ok(Verdict::Refuse(format!("{} values", object.get_many(&paths).len())));
            }
            "deep-path" => {
                let steps = vec![Tag(0x0040_A730).item(0); 1_000_000];
                edits.set(Path::inside(&steps, tags::TEXT_VALUE), Value::Text(vec!["deep".into()]));
            }
            "frame" => {
                let frame = object.frame(0, Form::Decoded)?;
                let sum: u64 = frame.bytes().iter().map(|&byte| u64::from(byte)).sum();
                return Ok(Verdict::Refuse(format!(
                    "{} frames, the first is {} by {} of {} bits, {} bytes, sum {sum}",
                    object.frames(),
                    frame.rows(),
                    frame.columns(),
                    frame.bits_allocated(),
                    frame.size(),
                )));
            }
            "frames" => {
                let mut open = Vec::new();
                loop {
                    open.push(object.frame(0, Form::Stored)?);
                }
            }
            "drop" => return Ok(Verdict::Drop("not wanted".into())),
            "refuse" => return Ok(Verdict::Refuse("not for us".into())),
            "quarantine" => return Ok(Verdict::Quarantine("look\nat it".into())),
            "huge-reason" => return Ok(Verdict::Refuse(mebibytes(config))),
            #[cfg(feature = "grants")]
            "exfiltrate" => return granted::exfiltrate(object, config).map(Verdict::Refuse),
            what => {
                let said = act(what, config)?;
                if !said.is_empty() {
                    return Ok(Verdict::Refuse(said));
                }
            }
        }
        Ok(Verdict::Keep)
    }
}

/// What a large filter does: 30 elements are read one by one, 50 are edited.
fn read_and_edit(object: &Object<'_>, edits: &mut Edits<'_>) {
    for tag in READ {
        if let Some(text) = object.first(tag) {
            edits.set_text(tag, text);
        } else {
            edits.clear(tag);
        }
    }
    for tag in REMOVED {
        edits.remove(tag);
    }
}

/// Thirty elements of a CT image, all of text.
const READ: [Tag; 30] = [
    Tag(0x0008_0008),
    Tag(0x0008_0018),
    Tag(0x0008_0020),
    Tag(0x0008_0030),
    Tag(0x0008_0050),
    Tag(0x0008_0060),
    Tag(0x0008_0070),
    Tag(0x0008_0080),
    Tag(0x0008_0081),
    Tag(0x0008_0090),
    Tag(0x0008_1010),
    Tag(0x0008_1030),
    Tag(0x0008_103E),
    Tag(0x0008_1040),
    Tag(0x0008_1050),
    Tag(0x0008_1070),
    Tag(0x0008_1090),
    Tag(0x0010_0010),
    Tag(0x0010_0020),
    Tag(0x0010_0021),
    Tag(0x0010_0030),
    Tag(0x0010_0040),
    Tag(0x0010_1010),
    Tag(0x0018_0015),
    Tag(0x0018_0050),
    Tag(0x0018_0060),
    Tag(0x0020_000D),
    Tag(0x0020_000E),
    Tag(0x0020_0013),
    Tag(0x0028_0004),
];

/// Twenty more, some of which are seldom there.
const REMOVED: [Tag; 20] = [
    Tag(0x0008_0012),
    Tag(0x0008_0013),
    Tag(0x0008_0014),
    Tag(0x0008_0201),
    Tag(0x0008_1032),
    Tag(0x0008_1048),
    Tag(0x0008_1060),
    Tag(0x0008_1110),
    Tag(0x0008_1140),
    Tag(0x0010_1020),
    Tag(0x0010_1030),
    Tag(0x0010_21B0),
    Tag(0x0010_4000),
    Tag(0x0018_0010),
    Tag(0x0018_1020),
    Tag(0x0018_1030),
    Tag(0x0020_4000),
    Tag(0x0032_1060),
    Tag(0x0040_0244),
    Tag(0x0040_A124),
];

/// What of an object and its passage a filter can see.
fn describe(object: &Object<'_>, passage: &Passage<'_>) -> String {
    let json = object.json().len() > 2;
    let elements = object.elements(&[]);
    let agree = object.tags(&[]) == elements.iter().map(|(tag, _)| *tag).collect::<Vec<_>>();
    let vr = elements
        .iter()
        .find(|(tag, _)| *tag == tags::PATIENT_NAME)
        .map(|(_, vr)| *vr);
    let sequence = tags::REFERENCED_STUDY_SEQUENCE;
    let within: [Step; 1] = [sequence.item(0)];
    let nested = object.first(Path::inside(&within, tags::REFERENCED_SOP_INSTANCE_UID));
    format!(
        "{} {} {:?} rows {:?} items {:?} nested {:?} json {json} tags {agree} vr {vr:?} {:?} {:?} {:?} {}",
        object.study(),
        object.transfer_syntax(),
        object.first(tags::PATIENT_NAME),
        object.get(tags::ROWS),
        object.items(sequence),
        nested,
        passage.direction(),
        passage.transport(),
        passage.calling_ae(),
        passage.hops(),
    )
}

impl Router for Probe {
    type Config = Config;

    fn route(object: &Object<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        match config.act(|| told(object)).as_str() {
            "everywhere" => everywhere(plan),
            "nowhere" => plan.send_to("no-such-place"),
            "unplanned" => plan.priority("research", 3),
            "gib-destination" => plan.send_to(&gib_string()),
            what => act(what, config).map(|_| ()),
        }
    }
}

fn everywhere(plan: &mut Plan<'_>) -> Result<()> {
    for destination in plan.destinations() {
        plan.send_to(&destination)?;
        plan.send_to(&destination)?;
    }
    plan.delay_seconds("research", 90)?;
    plan.priority("research", 3)
}

#[cfg(not(feature = "roles"))]
isocenter::plugin!(Probe: filter, router);

#[cfg(feature = "roles")]
isocenter::plugin!(
    Probe: filter,
    router,
    study_router,
    analyzer,
    authenticator,
    authorizer,
    gate,
    sink,
    route,
    worker
);
