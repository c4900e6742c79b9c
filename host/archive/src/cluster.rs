//! A private Postgres cluster, for a host that has no database configured.

use std::{io, path::{Path, PathBuf}};

use sqlx::postgres::PgConnectOptions;

/// A running private cluster. Dropping it stops it.
pub struct Cluster {}

/// Why the private cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A file or folder of the cluster could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Cluster {
    /// Starts the cluster of a folder (`DATA/postgres`), making it first where it does not exist.
    pub async fn start(folder: &Path, binaries: Option<&Path>) -> Result<Cluster, ClusterError> {
        let _ = (folder, binaries);
        todo!()
    }

    /// How to connect to it. Valid while the cluster is.
    pub fn connect_options(&self) -> PgConnectOptions {
        todo!()
    }

    /// Stops it: ends sessions, writes a checkpoint; forcefully after a bounded time.
    pub async fn stop(self) {
        todo!()
    }
}
