//! A sink that posts events to a webhook, a batch at a time, with a bearer token that it never sees.

use isocenter::{Error, Event, Result, Sink, http};
use serde_json::{Value, json};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    /// Its host must be granted: `grant = { http = ["https://hooks.example.org"], secrets = ["webhook"] }`.
    url: String,
    #[serde(default = "webhook")]
    secret: String,
}

fn webhook() -> String {
    "webhook".into()
}

struct Webhook;

impl Sink for Webhook {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        if config.url.starts_with("https://") || config.url.starts_with("http://") {
            return Ok(());
        }
        Err(Error::never("`url` must begin with https:// or http://"))
    }

    fn deliver(batch: &[Event], config: &Config) -> Result<()> {
        let mut events = Vec::new();
        for event in batch {
            events.push(json!({
                "cursor": event.cursor,
                "unix-millis": event.unix_millis,
                "kind": event.kind,
                "data": event.read::<Value>()?,
            }));
        }
        // Events come at least once: the receiver knows a batch that it has by this key.
        let key = batch.last().map_or_else(String::new, |event| event.cursor.to_string());
        http::post(&config.url)
            .header("idempotency-key", &key)
            .header_from_secret("authorization", "Bearer ", &config.secret)?
            .json(&events)?
            .send()?
            .success()?;
        Ok(())
    }
}

isocenter::plugin!(Webhook: sink);

#[cfg(test)]
mod tests;
