//! A plugin that does what its configuration says, good or hostile: the guest of the runtime's tests.
//!
//! One crate, so that a test is one row (`{"do": "spin"}` and the sentence expected), not one crate each.

use std::hint::black_box;

use isocenter_sdk::{
    Edits, Error, Filter, Object, Passage, Path, Plan, Result, Router, Step, Value, Verdict, host, tags,
};

/// What to do.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// In `apply` and `route`.
    #[serde(default, rename = "do")]
    act: String,
    /// In `check`.
    #[serde(default)]
    check: String,
}

struct Probe;

static mut CALLS: u32 = 0;

/// Does what every role can do; answers what to say.
#[expect(clippy::panic, reason = "the point of one of the acts")]
fn act(what: &str) -> Result<String> {
    match what {
        "" | "nothing" => {}
        "spin" => loop {
            black_box(());
        },
        "spin-in-host" => loop {
            black_box(host::monotonic_nanos());
        },
        "eat" => {
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            loop {
                eaten.push(black_box(vec![1; 1 << 20]));
            }
        }
        "panic" => panic!("this guest panics on purpose"),
        "recurse" => {
            black_box(recurse(black_box(1)));
        }
        "log-flood" => {
            for line in 0..10_000 {
                host::log(
                    host::Level::Info,
                    &format!("line {line}"),
                    &[("patient".into(), "Doe".into())],
                );
            }
        }
        "log-field" => {
            host::log(
                host::Level::Warn,
                "one line\nforged",
                &[("patient".into(), "Secretname".into())],
            );
        }
        "random" => return Ok(format!("{} bytes", host::random(16).len())),
        "too-much-random" => {
            let _ = host::random(1 << 20);
        }
        "secret" => {
            let mac = host::hmac_sha256("site-key", b"message")?;
            return Ok(mac.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        "metrics" => {
            for name in 0..100 {
                host::count(&format!("counter_{name:03}"), 2);
            }
            host::count("bad name", 1);
            host::observe("counter_000", 1.0);
        }
        "observe" => {
            host::observe("seconds", 1.5);
            host::observe("seconds", 0.5);
            host::observe("seconds", f64::NAN);
        }
        "clock" => return Ok(format!("{}", host::unix_millis() > 1_700_000_000_000)),
        "never" => return Err(Error::never("this guest never can")),
        "later" => return Err(Error::after(7, "this guest can later")),
        "remember" => {
            // A fresh instance has a fresh memory: this is 1 in each call.
            #[expect(
                unsafe_code,
                reason = "the point is a global that would survive in a reused instance"
            )]
            // SAFETY: an instance has one thread, and nothing else refers to the counter.
            let calls = unsafe {
                CALLS += 1;
                CALLS
            };
            return Ok(format!("call {calls}"));
        }
        other => return Err(Error::never(format!("no such act: {other}"))),
    }
    Ok(String::new())
}

#[expect(unconditional_recursion, reason = "it overflows the stack on purpose")]
fn recurse(depth: u64) -> u64 {
    black_box([depth; 64]);
    recurse(black_box(depth + 1)) + 1
}

impl Filter for Probe {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        match config.check.as_str() {
            "refuse" => Err(Error::never("the probe was told to refuse")),
            what => act(what).map(|_| ()),
        }
    }

    fn apply(object: &Object<'_>, passage: &Passage<'_>, edits: &mut Edits<'_>, config: &Config) -> Result<Verdict> {
        match config.act.as_str() {
            "edits" => {
                edits.set_text(tags::PATIENT_ID, "new");
                edits.clear(tags::PATIENT_NAME);
                edits.remove(tags::PATIENT_BIRTH_DATE);
                edits.remove_everywhere(tags::OPERATORS_NAME);
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
            "describe" => {
                let json = object.json().len() > 2;
                let elements = object.elements(&[]);
                let agree = object.tags(&[]) == elements.iter().map(|(tag, _)| *tag).collect::<Vec<_>>();
                let vr = elements
                    .iter()
                    .find(|(tag, _)| *tag == tags::PATIENT_NAME)
                    .map(|(_, vr)| *vr);
                let sequence = tags::REFERENCED_STUDY_SEQUENCE;
                let within = [Step {
                    sequence: sequence.0,
                    item: 0,
                }];
                let nested = object.first(Path::inside(&within, tags::REFERENCED_SOP_INSTANCE_UID));
                return Ok(Verdict::Refuse(format!(
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
                )));
            }
            "many-edits" => loop {
                edits.clear(tags::PATIENT_NAME);
            },
            "large-edits" => loop {
                edits.set_text(tags::PATIENT_NAME, "x".repeat(1 << 20));
            },
            "huge-edit" => edits.set_text(tags::PATIENT_NAME, "x".repeat(9 << 20)),
            "drop" => return Ok(Verdict::Drop("not wanted".into())),
            "refuse" => return Ok(Verdict::Refuse("not for us".into())),
            "quarantine" => return Ok(Verdict::Quarantine("look\nat it".into())),
            what => {
                let said = act(what)?;
                if !said.is_empty() {
                    return Ok(Verdict::Refuse(said));
                }
            }
        }
        Ok(Verdict::Keep)
    }
}

impl Router for Probe {
    type Config = Config;

    fn check(_: &Config, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn route(_: &Object<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        match config.act.as_str() {
            "everywhere" => {
                for destination in plan.destinations() {
                    plan.send_to(&destination)?;
                    plan.send_to(&destination)?;
                }
                plan.delay_seconds("research", 90)?;
                plan.priority("research", 3)
            }
            "nowhere" => plan.send_to("no-such-place"),
            "unplanned" => plan.priority("research", 3),
            what => act(what).map(|_| ()),
        }
    }
}

isocenter_sdk::plugin!(filter = Probe, router = Probe);
