//! A private Postgres cluster, for a host that has no database configured: made once, started with the host, started again
//! when it dies, stopped with the host. Separate because nothing else needs to know that there is one: the index connects to
//! it as to any database.
//!
//! Nobody else can connect. There is no port, only a socket in the cluster's folder, which none but its user can enter; and
//! on the socket the kernel says who is calling, and only the host's user may be the database's user.
//!
//! Postgres refuses to run as root, so a host that is root runs it as `postgres`, or `nobody`. That user must be able to
//! reach the folder; [`seat`] sees to that.
//!
//! The host may be killed at any moment. Postgres is started through `setpriv --pdeathsig`, so that the kernel stops it when
//! the host dies (setting that in the child by ourselves would need unsafe code); where `setpriv` is missing, and whenever the
//! next host is faster, [`survivors`] are waited for and stopped at the next start.

mod binaries;
mod launch;
mod make;
mod owner;
mod seat;
mod settings;
mod supervise;
mod survivors;

use std::{
    fs::File,
    io,
    mem::ManuallyDrop,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use self::{launch::Launch, supervise::Supervisor};

/// The database's user, who owns everything in it.
const USER: &str = "isocenter";
/// The socket's file name ends in it; there is no port.
const PORT: u16 = 5432;

/// A running private cluster. Dropping it stops it.
pub struct Cluster {
    supervisor: Arc<Supervisor>,
    /// Keeps the folder open: connections name the socket by way of this handle, because the name of a socket must be
    /// shorter than 108 bytes and the path of a data folder may not be. Never closed, also when the cluster has stopped: who
    /// connects again then would reach what the number had come to mean, and that may be another cluster.
    folder: ManuallyDrop<File>,
}

/// Why the private cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No Postgres was found.
    #[error(
        "no Postgres server found (looked in {looked}): install it (Debian: `apt install postgresql`), \
         name the folder of `initdb` and `postgres` in the configuration, or configure a database"
    )]
    NoBinaries {
        /// The folders that were looked in.
        looked: String,
    },
    /// The cluster was made by another major version.
    #[error(
        "the database in {} was made by Postgres {made}, but only {found} was found: install Postgres {made} \
         (Debian: `apt install postgresql-{made}`)", folder.display()
    )]
    OtherVersion {
        /// The cluster's folder.
        folder: PathBuf,
        /// Major version that made it.
        made: String,
        /// Major version at hand.
        found: String,
    },
    /// The folder holds something else.
    #[error("{} is not empty and not a Postgres cluster; move it away", .0.display())]
    NotACluster(PathBuf),
    /// The folder belongs to a user that the host cannot be.
    #[error("{} belongs to user id {uid}, not to the user that the host runs as", folder.display())]
    Foreign {
        /// The cluster's folder.
        folder: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// The unprivileged user cannot reach the folder.
    #[error(
        "user id {uid}, which runs the database, cannot enter {}: allow it (chmod o+x), or move the data folder", at.display()
    )]
    Unreachable {
        /// The user that runs Postgres.
        uid: u32,
        /// The folder that cannot be entered.
        at: PathBuf,
    },
    /// There is no user to run Postgres as.
    #[error("the host is root, which Postgres refuses to be, and there is neither a user `postgres` nor `nobody`")]
    NoUser,
    /// A program did not do what it should.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The end of what it printed.
        said: String,
    },
    /// Processes of an earlier run do not end.
    #[error("Postgres processes of an earlier run still use {} and cannot be stopped: {pids}", folder.display())]
    StillRunning {
        /// The cluster's folder.
        folder: PathBuf,
        /// Their process ids.
        pids: String,
    },
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
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopping,
}

impl ClusterError {
    /// For `map_err`.
    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

impl Cluster {
    /// Starts the cluster of a folder (`DATA/postgres`), making it first where it does not exist. The caller sees to it that
    /// no other host runs on the data folder. `binaries` is the folder of `initdb` and `postgres`; `None`: it is searched for.
    pub async fn start(folder: &Path, binaries: Option<&Path>) -> Result<Cluster, ClusterError> {
        let folder = folder.to_owned();
        let binaries = binaries.map(Path::to_owned);
        let task = tokio::task::spawn_blocking(move || Self::start_blocking(&folder, binaries.as_deref()));
        task.await.unwrap_or(Err(ClusterError::Stopping))
    }

    fn start_blocking(folder: &Path, configured: Option<&Path>) -> Result<Cluster, ClusterError> {
        let owner = owner::choose(folder)?;
        let folder = seat::choose(folder, &owner)?;
        survivors::end(&folder)?;
        let binaries = binaries::find(configured, make::version(&folder)?.as_deref())?;
        make::ensure(&folder, &binaries, &owner)?;
        binaries.fit(&folder, make::version(&folder)?.as_deref())?;
        settings::write(&folder, &owner)?;
        let handle = File::open(&folder).map_err(ClusterError::file("open", &folder))?;
        let supervisor = Supervisor::start(Launch::new(&binaries, &folder, owner))?;
        let cluster = Cluster {
            supervisor,
            folder: ManuallyDrop::new(handle),
        };
        cluster.supervisor.wait_until_ready()?;
        tracing::info!(folder = %folder.display(), "private database started");
        Ok(cluster)
    }

    /// How to connect to it. Valid while the cluster is.
    pub fn connect_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(format!("/proc/self/fd/{}", self.folder.as_raw_fd()))
            .port(PORT)
            .username(USER)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }

    /// Stops it: ends sessions, writes a checkpoint; forcefully after a bounded time.
    pub async fn stop(self) {
        let supervisor = Arc::clone(&self.supervisor);
        // A failure to join means that the runtime is going away; then dropping `self` stops it.
        let _ = tokio::task::spawn_blocking(move || supervisor.stop(Duration::from_secs(30))).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.supervisor.stop(Duration::from_secs(5));
    }
}

#[cfg(test)]
pub(crate) mod tests;
