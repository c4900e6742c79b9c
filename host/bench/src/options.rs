//! The command line. Separate so that `main.rs` begins with what the program does.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::generate::Size;
use crate::load::Load;

/// Measures the host's ingest beside an append-and-sync, Postgres commits and Orthanc, in one run.
#[derive(Parser)]
#[command(name = "isocenter-bench")]
pub(crate) struct Options {
    /// The host's binary.
    #[arg(long, default_value = "target/release/isocenter")]
    pub(crate) host: PathBuf,
    /// Folder of the plugins' components.
    #[arg(long, default_value = "target/plugins")]
    pub(crate) plugins: PathBuf,
    /// Working folder, made anew and removed at the end. About 14 GB are written to it, 2 GB with --quick.
    #[arg(long, default_value = "target/bench")]
    pub(crate) folder: PathBuf,
    /// A tenth of the objects.
    #[arg(long)]
    pub(crate) quick: bool,
    /// One part only: a size of objects, single calls of filters, hosts that do nothing, a sender beside busy filters,
    /// queries or retrieval.
    #[arg(long, value_name = "SIZE")]
    only: Option<Part>,
    /// Numbers of associations to measure.
    #[arg(long, value_delimiter = ',', default_value = "1,4,8", value_parser = clap::value_parser!(u32).range(1..=64))]
    associations: Vec<u32>,
    /// Seconds after which a load is stopped and its rate taken from what was acknowledged.
    #[arg(long, default_value_t = 60)]
    limit: u64,
    /// Do not measure Orthanc although it is installed.
    #[arg(long)]
    pub(crate) without_orthanc: bool,
    /// Do not measure the host: references and Orthanc alone.
    #[arg(long)]
    pub(crate) without_host: bool,
    /// Writes the measurements to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Leaves the working folder, with the logs of all systems.
    #[arg(long)]
    pub(crate) keep: bool,
}

/// What can be measured alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Small,
    Large,
    Calls,
    Idle,
    Beside,
    Queries,
    Retrieval,
}

impl Options {
    /// Whether this part, which needs the host, is measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        !self.without_host && self.only.is_none_or(|only| only == part)
    }

    /// The rows of the table.
    pub(crate) fn loads(&self) -> Vec<Load> {
        let sizes = [(Size::Small, Part::Small, 5000), (Size::Large, Part::Large, 1000)];
        let sizes = sizes
            .iter()
            .filter(|(_, only, _)| self.only.is_none_or(|wanted| wanted == *only));
        let limit = Duration::from_secs(self.limit);
        let of_size = |&(size, _, objects): &(Size, Part, u32)| {
            let objects = if self.quick { objects / 10 } else { objects };
            self.associations.iter().map(move |&lanes| Load {
                size,
                lanes,
                objects,
                limit,
            })
        };
        sizes.flat_map(of_size).collect()
    }
}
