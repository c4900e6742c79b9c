//! What plugins log: bounded per call, and without patient data unless the operator allowed it.
//!
//! Separate because it holds the policy: the message is printed, attribute names are printed, attribute values are
//! not (`log-values = true` prints them). The contract tells authors to put whatever may identify a patient into an
//! attribute.

use tracing::Level;

use crate::bindings::isocenter::host::log;
use crate::call::Call;

pub(crate) const MOST_LINES: u32 = 200;
pub(crate) const MOST_BYTES: usize = 64 * 1024;
/// Longer messages are cut: one line must not fill the budget of a log shipper either.
pub(crate) const LONGEST_LINE: usize = 4096;

/// What one call has logged.
#[derive(Debug, Default)]
pub(crate) struct LogBudget {
    lines: u32,
    bytes: usize,
    suppressed: u64,
    /// The last error line: where a guest panics, its panic hook has just written it.
    last_error: Option<String>,
}

impl LogBudget {
    /// Lines that were not printed.
    pub(crate) fn suppressed(&self) -> u64 {
        self.suppressed
    }

    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn take(&mut self, bytes: usize) -> bool {
        if self.lines >= MOST_LINES || self.bytes.saturating_add(bytes) > MOST_BYTES {
            self.suppressed = self.suppressed.saturating_add(1);
            return false;
        }
        self.lines += 1;
        self.bytes += bytes;
        true
    }
}

fn enabled(level: log::Level) -> bool {
    match level {
        log::Level::Trace => tracing::enabled!(target: "plugin", Level::TRACE),
        log::Level::Debug => tracing::enabled!(target: "plugin", Level::DEBUG),
        log::Level::Info => tracing::enabled!(target: "plugin", Level::INFO),
        log::Level::Warn => tracing::enabled!(target: "plugin", Level::WARN),
        log::Level::Error => tracing::enabled!(target: "plugin", Level::ERROR),
    }
}

fn word(level: log::Level) -> &'static str {
    match level {
        log::Level::Trace => "trace",
        log::Level::Debug => "debug",
        log::Level::Info => "info",
        log::Level::Warn => "warn",
        log::Level::Error => "error",
    }
}

/// Text from a guest in one line of bounded length: a log line must not be able to forge another.
pub(crate) fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST_LINE));
    for c in text.chars() {
        if line.len() >= LONGEST_LINE {
            line.push('…');
            break;
        }
        if c.is_control() {
            line.extend(c.escape_default())
        } else {
            line.push(c)
        }
    }
    line
}

fn attributes(fields: &[(String, String)], values: bool) -> String {
    let shown: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            if values {
                format!("{}={}", line(name), line(value))
            } else {
                line(name)
            }
        })
        .collect();
    shown.join(" ")
}

impl log::Host for Call {
    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        Ok(enabled(level) || self.facts.backing.listener.is_some())
    }

    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let bytes = message.len()
            + fields
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>();
        if !self.log.take(bytes) {
            return Ok(());
        }
        let message = line(&message);
        if level == log::Level::Error {
            self.log.last_error = Some(message.clone());
        }
        if let Some(listener) = &self.facts.backing.listener {
            listener.logged(word(level), &message, &attributes(&fields, true));
        }
        if !enabled(level) {
            return Ok(());
        }
        let (plugin, call, digest) = (self.facts.name.as_str(), self.id.as_str(), self.facts.short_digest());
        let attributes = attributes(&fields, self.facts.log_values);
        match level {
            log::Level::Trace => tracing::trace!(target: "plugin", plugin, call, digest, attributes, "{message}"),
            log::Level::Debug => tracing::debug!(target: "plugin", plugin, call, digest, attributes, "{message}"),
            log::Level::Info => tracing::info!(target: "plugin", plugin, call, digest, attributes, "{message}"),
            log::Level::Warn => tracing::warn!(target: "plugin", plugin, call, digest, attributes, "{message}"),
            log::Level::Error => tracing::error!(target: "plugin", plugin, call, digest, attributes, "{message}"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
