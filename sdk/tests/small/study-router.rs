use isocenter::{Plan, Result, Study, StudyRouter};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    send_to: String,
}

struct Whole;

impl StudyRouter for Whole {
    type Config = Config;

    fn route_study(study: &mut Study, plan: &mut Plan, config: &Config) -> Result<()> {
        if study.series().len() >= 2 {
            plan.send_to(&config.send_to)?;
        }
        Ok(())
    }
}

isocenter::plugin!(Whole: study_router);
