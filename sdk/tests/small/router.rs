use isocenter::{Object, Plan, Result, Router, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    research: String,
}

struct Trial;

impl Router for Trial {
    type Config = Config;

    fn route(object: &Object, plan: &mut Plan, config: &Config) -> Result<()> {
        if object.first(tags::CLINICAL_TRIAL_PROTOCOL_ID).is_some() {
            plan.send_to(&config.research)?;
        }
        Ok(())
    }
}

isocenter::plugin!(Trial: router);
