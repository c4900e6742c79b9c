use isocenter::{Result, Worker, http};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    url: String,
}

struct Later;

impl Worker for Later {
    type Config = Config;

    /// What another role of this plugin has put into a queue of it.
    fn run(_: &str, payload: &[u8], config: &Config) -> Result<()> {
        http::post(&config.url).body(payload).send()?.success()?;
        Ok(())
    }
}

isocenter::plugin!(Later: worker);
