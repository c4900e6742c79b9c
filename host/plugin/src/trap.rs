//! A trap in one line that an operator can read.
//!
//! Separate because wasmtime's text is either the cause without the place or a page of both.

use wasmtime::{Error, Trap, WasmBacktrace};

/// Functions shown, innermost first.
const FRAMES: usize = 4;
const LONGEST: usize = 1000;
/// Parts of names that say how a guest panics, not where.
const NOISE: &[&str] = &[
    "rust_panic",
    "__rustc::",
    "std::panicking",
    "core::panicking",
    "std::sys",
    "std::process",
    "__rust_abort",
];

/// What happened, what the guest's panic hook said about it, and where.
pub(crate) fn describe(error: &Error, last_error: Option<&str>) -> String {
    let mut text = match (error.downcast_ref::<Trap>(), last_error) {
        // What a panic becomes; the hook's line says more than the trap.
        (Some(Trap::UnreachableCodeReached), Some(line)) => line.to_owned(),
        (Some(trap), _) => trap.to_string(),
        (None, _) => error.root_cause().to_string(),
    };
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map(|trace| frames(&trace.to_string()))
        .unwrap_or_default();
    if !frames.is_empty() {
        text = format!("{text} (in {})", frames.join(" < "));
    }
    shorten(&text)
}

/// The names in wasmtime's rendering of a backtrace: lines of `number: address - module!function`.
fn frames(rendered: &str) -> Vec<String> {
    rendered
        .lines()
        .filter_map(|line| line.trim_start().split_once(" - "))
        .map(|(_, place)| place.split_once('!').map_or(place, |(_, function)| function).trim())
        .map(without_hashes)
        .filter(|name| !NOISE.iter().any(|noise| name.contains(noise)))
        .take(FRAMES)
        .collect()
}

/// `std[0123456789abcdef]::panicking` as `std::panicking`.
fn without_hashes(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        short.push_str(before);
        match after.split_once(']') {
            Some((hash, after)) if hash.len() >= 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => rest = after,
            _ => {
                short.push('[');
                rest = after;
            }
        }
    }
    short.push_str(rest);
    short
}

fn shorten(text: &str) -> String {
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
