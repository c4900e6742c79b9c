use isocenter::{Access, Authorizer, Decision, Identity, Result};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    operators: Vec<String>,
}

struct Readers;

impl Authorizer for Readers {
    type Config = Config;

    fn authorize(who: &Identity, access: &Access, config: &Config) -> Result<Decision> {
        Ok(match access.action().as_str() {
            "search" | "retrieve" => Decision::Allow,
            _ if config.operators.contains(&who.subject) => Decision::Allow,
            _ => Decision::deny("only operators may"),
        })
    }
}

isocenter::plugin!(Readers: authorizer);
