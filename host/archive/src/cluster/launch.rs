//! Starts programs of Postgres: as its user, with nothing of the host's environment, to be stopped by the kernel when the
//! host dies.

use std::{
    fs::OpenOptions,
    io::{self, Read, Seek},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{ClusterError, binaries::Binaries, owner::Owner};

/// The most of what a program printed that an error carries, in bytes.
const SAID: u64 = 2000;

/// How to start the server.
pub(super) struct Launch {
    program: PathBuf,
    pub(super) folder: PathBuf,
    owner: Owner,
}

impl Launch {
    pub(super) fn new(binaries: &Binaries, folder: &Path, owner: Owner) -> Self {
        Self {
            program: binaries.path("postgres"),
            folder: folder.to_owned(),
            owner,
        }
    }

    /// Starts the server. The kernel stops it when the *thread* that calls this ends.
    pub(super) fn spawn(&self) -> io::Result<Child> {
        let path = self.log();
        // The folder is its user's, who may have put a link there: never write through one.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let log = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let mut command = command(&self.program, &self.owner);
        command.arg("-D").arg(&self.folder);
        // A terminal's Ctrl-C is for the host, which stops its database last.
        command.process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }

    /// The end of what the server said before it opened its own log.
    pub(super) fn said(&self) -> String {
        std::fs::File::open(self.log())
            .map(|mut log| tail(&mut log))
            .unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.join("start.log")
    }
}

/// A command that runs as the owner.
pub(super) fn command(program: &Path, owner: &Owner) -> Command {
    let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"]
        .into_iter()
        .find(|path| Path::new(path).is_file());
    let mut command = match setpriv {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            if owner.switch {
                command
                    .arg(format!("--reuid={}", owner.uid))
                    .arg(format!("--regid={}", owner.gid))
                    .arg("--clear-groups");
            }
            command.args(["--pdeathsig", "INT", "--"]).arg(program);
            command
        }
        None => {
            let mut command = Command::new(program);
            if owner.switch {
                command.uid(owner.uid).gid(owner.gid);
            }
            command
        }
    };
    // The host's folder may be closed to the owner; its environment may name another database.
    command
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command
}

/// Runs a command to its end, within a bounded time.
pub(super) fn run(program: &'static str, mut command: Command, patience: Duration) -> Result<(), ClusterError> {
    let failed = |said: String| ClusterError::Program { program, said };
    // A file and not a pipe: nobody needs to read it while the program runs.
    let mut out = unnamed().map_err(|error| failed(error.to_string()))?;
    let handle = |file: &std::fs::File| {
        file.try_clone()
            .map(Stdio::from)
            .map_err(|error| failed(error.to_string()))
    };
    command.stdin(Stdio::null()).stdout(handle(&out)?).stderr(handle(&out)?);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("{status}: {}", tail(&mut out)))),
            Ok(None) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                // Nothing more can be done about it than to report it.
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!(
                    "not done after {} s: {}",
                    patience.as_secs(),
                    tail(&mut out)
                )));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}

/// A file without a name, in memory or on disk as the kernel likes.
fn unnamed() -> io::Result<std::fs::File> {
    let handle = rustix::fs::memfd_create("isocenter-output", rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(handle.into())
}

fn tail(file: &mut std::fs::File) -> String {
    let length = file.metadata().map_or(0, |found| found.len());
    let mut said = Vec::new();
    // What cannot be read is left out: this only explains another error.
    let _ = file.seek(io::SeekFrom::Start(length.saturating_sub(SAID)));
    let _ = file.take(SAID).read_to_end(&mut said);
    String::from_utf8_lossy(&said)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
