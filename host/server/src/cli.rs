//! The command line: what can be asked of the program.
//!
//! Apart from what answers, so that the whole surface is seen at a glance; scripts are written against it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use isocenter_dimse::AeTitle;

use crate::config::PeerAddress;

/// A PACS that is extended by sandboxed plugins.
#[derive(Debug, Parser)]
#[command(name = "isocenter", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// The configuration, a TOML file; without it everything has its default
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the host until SIGINT or SIGTERM, then drain
    Serve,
    /// Load the configuration and every plugin, say what is wrong, and bind no port
    Check,
    /// Send sample studies of several modalities to the running host (sent again, they are stored once)
    Seed {
        /// Whom to send to
        #[command(flatten)]
        peer: Peer,
        /// Write the studies into this folder instead of sending them
        #[arg(long, value_name = "DIR", conflicts_with_all = ["to", "called", "calling"])]
        folder: Option<PathBuf>,
    },
    /// Send every DICOM file of a folder to the running host; the status says whether all were taken
    Import {
        /// Whom to send to
        #[command(flatten)]
        peer: Peer,
        /// The folder, or a single file; links to folders are not followed
        #[arg(value_name = "DIR")]
        from: PathBuf,
    },
    /// Compare packs, digests and the index
    Verify,
    /// Rebuild the index from the packs alone
    Reindex,
    /// Print the version
    Version,
    /// Compiles a plugin from standard input to standard output; the host calls itself so.
    #[command(hide = true)]
    CompilePlugin,
}

/// Whom objects are sent to; by default the host of the configuration.
#[derive(Args, Clone, Debug, Default)]
pub struct Peer {
    /// Address of the DICOM port [default: the configuration's]
    #[arg(long, value_name = "HOST:PORT")]
    pub to: Option<PeerAddress>,
    /// AE title to call [default: the configuration's]
    #[arg(long, value_name = "AE")]
    pub called: Option<AeTitle>,
    /// AE title to call from [default: ISOCENTER-SEND]
    #[arg(long, value_name = "AE")]
    pub calling: Option<AeTitle>,
}

#[cfg(test)]
mod tests;
