//! What sinks are told.
//!
//! Separate because kinds are many and grow: a sink reads those that it knows.

use serde::de::DeserializeOwned;

use crate::Result;
pub use crate::bindings::sink::exports::isocenter::events::sink::Event;

impl Event {
    /// What the kind says, as a type of the plugin.
    ///
    /// # Errors
    /// The data is not of this type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(&self.data)?)
    }
}
