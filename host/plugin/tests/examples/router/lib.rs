//! A router that sends each modality to its own reading room.

use std::collections::BTreeMap;

use isocenter::{Error, Object, Plan, Result, Router, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Modality and destination: `rooms = { CT = "room-1", MR = "room-2" }`.
    rooms: BTreeMap<String, String>,
}

struct Rooms;

impl Router for Rooms {
    type Config = Config;

    fn check(config: &Config, destinations: &[String]) -> Result<()> {
        match config.rooms.values().find(|room| !destinations.contains(room)) {
            Some(room) => Err(Error::never(format!("`{room}` is no configured destination"))),
            None => Ok(()),
        }
    }

    fn route(object: &Object<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        let modality = object.first(tags::MODALITY).unwrap_or_default();
        match config.rooms.get(&modality) {
            Some(room) => plan.send_to(room),
            None => Ok(()),
        }
    }
}

isocenter::plugin!(Rooms: router);

#[cfg(test)]
mod tests;
