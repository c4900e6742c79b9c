//! The binary `isocenter`: command line, configuration, wiring.

mod cli;
mod config;
mod log;
mod shutdown;

fn main() {}
