//! Two roles in one plugin: a filter that must be quick leaves a job behind, and a worker with more time does it: it
//! tells another system that a study is arriving, once per study and quarter of an hour.

use isocenter::jobs::Job;
use isocenter::{Edits, Error, Filter, Object, Passage, Result, Verdict, Worker, http};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Its host must be granted: `grant = { http = ["https://ris.example.org"], jobs = ["arrivals"] }`.
    url: String,
}

/// What the worker is told.
#[derive(serde::Serialize, serde::Deserialize)]
struct Arrival {
    study: String,
}

const QUEUE: &str = "arrivals";

struct Arrivals;

impl Filter for Arrivals {
    type Config = Config;

    fn apply(object: &Object<'_>, _: &Passage<'_>, _: &mut Edits<'_>, _: &Config) -> Result<Verdict> {
        let study = object.study();
        // While such a job waits, the other objects of the study add none.
        Job::json(QUEUE, &Arrival { study: study.clone() })?
            .key(&study)
            .delay_seconds(900)
            .enqueue()?;
        Ok(Verdict::Keep)
    }
}

impl Worker for Arrivals {
    type Config = Config;

    fn run(queue: &str, payload: &[u8], config: &Config) -> Result<()> {
        if queue != QUEUE {
            return Err(Error::never(format!("the queue `{queue}` is not mine")));
        }
        let arrival: Arrival = serde_json::from_slice(payload)?;
        http::post(&config.url).json(&arrival)?.send()?.success()?;
        Ok(())
    }
}

isocenter::plugin!(Arrivals: filter, worker);

#[cfg(test)]
mod tests;
