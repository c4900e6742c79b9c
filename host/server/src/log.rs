//! Logs: one subscriber, human lines on a terminal, JSON lines elsewhere.
//!
//! Standard error is used, so that what a command prints stays apart. No patient's data is logged by anyone; UIDs are.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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

/// Starts logging. `RUST_LOG` says what is logged; by default everything from `least` on, and of Postgres from `warn`.
///
/// # Errors
/// A variable that cannot be understood, or a subscriber that is already there.
pub fn start(least: Level) -> Result<(), String> {
    let wanted = std::env::var("ISOCENTER_LOG_FORMAT").ok();
    let terminal = std::io::stderr().is_terminal();
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => {
            EnvFilter::try_new(text).map_err(|cause| format!("the environment's RUST_LOG: {cause}"))?
        }
        _ => EnvFilter::new(format!("{least},sqlx=warn")),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format(wanted.as_deref(), terminal)? {
        Format::Human => registry.with(lines.with_ansi(terminal).with_target(false)).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    }
    .map_err(|cause| cause.to_string())
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
