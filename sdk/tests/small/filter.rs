use isocenter::{Edits, Filter, Object, Passage, Result, Verdict, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    institution: String,
}

struct Stamp;

impl Filter for Stamp {
    type Config = Config;

    fn apply(object: &Object, _: &Passage, edits: &mut Edits, config: &Config) -> Result<Verdict> {
        if object.first(tags::PATIENT_ID).is_none() {
            return Ok(Verdict::Quarantine("it says not whose it is".into()));
        }
        edits.set_text(tags::INSTITUTION_NAME, &config.institution);
        Ok(Verdict::Keep)
    }
}

isocenter::plugin!(Stamp: filter);
