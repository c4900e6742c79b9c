//! Logs: one subscriber, human lines on a terminal, JSON lines elsewhere.
//!
//! Standard error is used, so that what a command prints stays apart. No patient's data is logged by anyone; UIDs are.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::telemetry::Tracing;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For eyes.
    Human,
    /// One JSON object a line.
    Json,
}

/// `ISOCENTER_LOG_FORMAT` (`human` or `json`), else by whether standard error is a terminal.
pub fn format(wanted: Option<&str>, terminal: bool) -> Result<Format, String> {
    match wanted {
        Some("human") => Ok(Format::Human),
        Some("json") => Ok(Format::Json),
        Some(other) => Err(format!(
            "the environment's ISOCENTER_LOG_FORMAT must be human or json; it is {other:?}"
        )),
        None if terminal => Ok(Format::Human),
        None => Ok(Format::Json),
    }
}

/// How this process logs, as its environment says.
pub struct Settings {
    format: Format,
    terminal: bool,
    filter: EnvFilter,
}

impl Settings {
    /// Reads them. `RUST_LOG` says what is logged; by default everything from `least` on, and of Postgres from `warn`.
    ///
    /// # Errors
    /// A variable that cannot be understood.
    pub fn from_environment(least: Level) -> Result<Self, String> {
        let wanted = std::env::var("ISOCENTER_LOG_FORMAT").ok();
        let terminal = std::io::stderr().is_terminal();
        let filter = match std::env::var("RUST_LOG") {
            Ok(text) if !text.is_empty() => {
                EnvFilter::try_new(text).map_err(|cause| format!("the environment's RUST_LOG: {cause}"))?
            }
            _ => EnvFilter::new(format!("{least},sqlx=warn")),
        };
        Ok(Self {
            format: format(wanted.as_deref(), terminal)?,
            terminal,
            filter,
        })
    }

    /// Starts logging, and tracing where there is a way for traces.
    ///
    /// # Errors
    /// A subscriber is there already.
    pub fn start(self, tracing: Option<Tracing>) -> Result<(), String> {
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match self.format {
            Format::Human => lines.with_ansi(self.terminal).with_target(false).boxed(),
            Format::Json => lines.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry()
            .with(lines.with_filter(self.filter))
            .with(tracing.map(Tracing::layer))
            .try_init()
            .map_err(|cause| cause.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, format};

    #[test]
    fn formats() {
        let table = [
            (None, true, Some(Format::Human)),
            (None, false, Some(Format::Json)),
            (Some("json"), true, Some(Format::Json)),
            (Some("human"), false, Some(Format::Human)),
            (Some("xml"), true, None),
        ];
        for (wanted, terminal, chosen) in table {
            assert_eq!(format(wanted, terminal).ok(), chosen, "{wanted:?}");
        }
    }
}
