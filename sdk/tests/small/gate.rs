use isocenter::{Admission, Association, Gate, Identity, Rejection, Result};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    network: String,
}

struct Inside;

impl Gate for Inside {
    type Config = Config;

    fn admit(association: &Association, config: &Config) -> Result<Admission> {
        if !association.peer().starts_with(&config.network) {
            return Ok(Admission::Reject(Rejection::CallingAeUnknown));
        }
        Ok(Admission::Admit(Identity::new(association.calling_ae(), "inside")))
    }
}

isocenter::plugin!(Inside: gate);
