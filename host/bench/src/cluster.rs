//! A scratch Postgres cluster: the reference for commits, and what Orthanc with Postgres stores its index in.
//!
//! Separate from the host's own private cluster, whose cost belongs to the host. Durable settings throughout.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Process, fresh_folder};

const USER: &str = "bench";

/// A running cluster, reached by a socket in a private folder.
pub(crate) struct Cluster {
    process: Process,
    binaries: PathBuf,
    socket: PathBuf,
    owner: Option<(u32, u32)>,
}

/// What `pgbench` counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Commits {
    pub(crate) per_second: f64,
    pub(crate) mean_latency: Duration,
}

impl Cluster {
    /// Makes and starts a cluster below `folder`; `None` where Debian's Postgres is not installed.
    ///
    /// # Errors
    /// It is installed but cannot be started.
    pub(crate) fn start(folder: &Path) -> io::Result<Option<Self>> {
        let Some(binaries) = newest_binaries() else {
            return Ok(None);
        };
        // Postgres refuses to run as root.
        let owner = if rustix::process::geteuid().is_root() {
            Some(unprivileged()?)
        } else {
            None
        };
        let data = folder.join("postgres");
        fresh_folder(&data, owner)?;
        // The path of a socket must be shorter than 108 bytes, which a build folder cannot promise.
        let socket = std::env::temp_dir().join(format!("isocenter-bench-{}", std::process::id()));
        fresh_folder(&socket, owner)?;
        let made = as_owner(&binaries.join("initdb"), owner)
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--username",
                USER,
                "--pgdata",
            ])
            .arg(&data)
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(format!(
                "initdb: {}",
                String::from_utf8_lossy(&made.stderr)
            )));
        }
        let settings = [
            "listen_addresses=",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "shared_buffers=128MB",
        ];
        let mut command = as_owner(&binaries.join("postgres"), owner);
        command.arg("-D").arg(&data).arg("-k").arg(&socket);
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let process = Process::start("postgres", &mut command, &folder.join("postgres.log"), Signal::INT)?;
        let mut cluster = Self {
            process,
            binaries,
            socket,
            owner,
        };
        let mut asking = cluster.client("pg_isready");
        asking.arg("--quiet");
        let asking = std::cell::RefCell::new(asking);
        let ready = || asking.borrow_mut().status().is_ok_and(|status| status.success());
        cluster.process.wait_until(Duration::from_secs(30), ready)?;
        Ok(Some(cluster))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Makes a database and returns the URI that a client reaches it by.
    ///
    /// # Errors
    /// It could not be made.
    pub(crate) fn database(&self, name: &str) -> io::Result<String> {
        let made = self.client("createdb").arg(name).output()?;
        if !made.status.success() {
            return Err(io::Error::other(format!(
                "createdb: {}",
                String::from_utf8_lossy(&made.stderr)
            )));
        }
        let socket = self
            .socket
            .display()
            .to_string()
            .replace('%', "%25")
            .replace('/', "%2F");
        Ok(format!("postgresql://{USER}@{socket}/{name}"))
    }

    /// Rows of an index row's width inserted one per transaction, by so many clients, for so long.
    ///
    /// # Errors
    /// `pgbench` fails or is missing.
    pub(crate) fn commits(&self, clients: u32, time: Duration) -> io::Result<Commits> {
        let table = "create table if not exists commits \
                     (study text, object text, offset_in_pack bigint, attributes text, primary key (study, object));";
        let made = self
            .client("psql")
            .args(["-d", "postgres", "-q", "-c", table])
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(format!(
                "psql: {}",
                String::from_utf8_lossy(&made.stderr)
            )));
        }
        let script = self.socket.join("commit.sql");
        let insert = "\\set a random(1, 1000000000)\n\\set b random(1, 1000000000)\ninsert into commits values \
                      ('1.2.826.0.1.3680043.10.1451.7.' || :a, '1.2.826.0.1.3680043.10.1451.7.' || :a || '.1.' || :b, :b, \
                      repeat('index row ', 40)) on conflict do nothing;\n";
        fs::write(&script, insert)?;
        let (clients, time) = (clients.to_string(), time.as_secs().max(1).to_string());
        let mut command = self.client("pgbench");
        command
            .args([
                "-n", "-M", "prepared", "-c", &clients, "-j", &clients, "-T", &time, "-f",
            ])
            .arg(&script)
            .arg("postgres");
        let done = command.output()?;
        let printed = String::from_utf8_lossy(&done.stdout);
        parse(&printed)
            .ok_or_else(|| io::Error::other(format!("pgbench: {}{printed}", String::from_utf8_lossy(&done.stderr))))
    }

    fn client(&self, program: &str) -> Command {
        let mut command = as_owner(&self.binaries.join(program), self.owner);
        command.arg("-h").arg(&self.socket).args(["-U", USER]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.socket);
    }
}

fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// `/usr/lib/postgresql/<version>/bin` of the highest version.
fn newest_binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let version = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.map(|entry| entry.path()).max_by_key(|path| version(path))?;
    Some(newest.join("bin")).filter(|folder| folder.join("initdb").exists())
}

/// User and group of `postgres`, else of `nobody`.
fn unprivileged() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let mut fields = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?
            .split(':')
            .skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .ok_or_else(|| io::Error::other("no user postgres or nobody to run Postgres as"))
}

fn parse(printed: &str) -> Option<Commits> {
    let number = |label: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(label))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let mean_latency = Duration::from_secs_f64(number("latency average = ")? / 1e3);
    Some(Commits {
        per_second: number("tps = ")?,
        mean_latency,
    })
}

#[cfg(test)]
mod tests;
