//! A sink that tells a chat channel what waits for a person: held objects and deliveries that were given up.
//!
//! It speaks to Slack (`chat.postMessage`). A message has counts and names of the configuration, and nothing by which an
//! object, a study or a patient could be told.

use std::collections::BTreeMap;

use isocenter::{Error, Event, Result, Sink, http};
use serde_json::{Value, json};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    channel: String,
    /// The host's page, for who may see it.
    link: String,
    #[serde(default = "slack")]
    url: String,
}

fn slack() -> String {
    "https://slack.com/api/chat.postMessage".into()
}

#[derive(serde::Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: String,
}

struct Notify;

impl Sink for Notify {
    type Config = Config;

    fn deliver(batch: &[Event], config: &Config) -> Result<()> {
        // One message for a batch, however much has happened.
        let mut lines: BTreeMap<String, u32> = BTreeMap::new();
        for event in batch {
            let data: Value = event.read()?;
            let name = |member: &str| plain(data.get(member).and_then(Value::as_str).unwrap_or("nobody known"));
            let line = match event.kind.as_str() {
                "object.quarantined" => format!("held by {}, from {}", name("plugin"), name("calling_ae")),
                "delivery.dead" => format!("not delivered to {}", name("destination")),
                _ => continue,
            };
            *lines.entry(line).or_default() += 1;
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut text: String = lines
            .iter()
            .map(|(line, count)| format!("{count} × {line}\n"))
            .collect();
        text.push_str(&plain(&config.link));
        let answer: Answer = http::post(&config.url)
            .header_from_secret("authorization", "Bearer ", "slack-token")?
            .json(&json!({ "channel": config.channel, "text": text }))?
            .send()?
            .success()?
            .json(64 << 10)?;
        // Slack says 200 to what it does not take. No event is at fault, so none is parked: the sink keeps its place.
        match answer.ok {
            true => Ok(()),
            false => Err(Error::after(60, format!("the message was not taken: {}", answer.error))),
        }
    }
}

/// Senders choose their own names: none of them calls the whole channel or makes a link.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

isocenter::plugin!(Notify: sink);

#[cfg(test)]
mod tests;
