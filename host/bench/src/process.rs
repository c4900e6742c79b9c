//! Child processes that end with the benchmark, and the few things about them that every system needs.
//!
//! Separate so that nothing measured is left behind whatever fails: a dropped process is asked to stop, waited
//! for, and then killed.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running child process.
pub(crate) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
    stop: Signal,
}

impl Process {
    /// Starts a command with its output in a log file. `stop` is the signal for an orderly end.
    ///
    /// # Errors
    /// The log cannot be created or the command not be started.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path, stop: Signal) -> io::Result<Self> {
        let output = File::create(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let started = command.spawn();
        let child = started
            .map_err(|error| io::Error::other(format!("cannot start {name} ({:?}): {error}", command.get_program())))?;
        Ok(Self {
            child,
            name: name.to_owned(),
            log: log.to_owned(),
            stop,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks again and again until `ready` says yes.
    ///
    /// # Errors
    /// The process ended, or is not ready in time; both with the end of its log.
    pub(crate) fn wait_until(&mut self, longest: Duration, ready: impl Fn() -> bool) -> io::Result<()> {
        let until = Instant::now() + longest;
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.trouble(&format!("ended at its start ({status})")));
            }
            if Instant::now() > until {
                return Err(self.trouble(&format!("is not ready after {} s", longest.as_secs())));
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// An error about this process, with the last lines of what it wrote.
    pub(crate) fn trouble(&self, what: &str) -> io::Error {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let end = lines
            .get(lines.len().saturating_sub(8)..)
            .unwrap_or_default()
            .join("\n  ");
        io::Error::other(format!(
            "{} {what}; its log {} ends in:\n  {end}",
            self.name,
            self.log.display()
        ))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, self.stop);
        }
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        eprintln!("{} did not stop and is killed", self.name);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address that was free a moment ago.
///
/// # Errors
/// No port can be bound.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A fresh, private folder, which belongs to `owner` (user and group) if one is given.
///
/// # Errors
/// The file system's.
pub(crate) fn fresh_folder(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    DirBuilder::new().mode(0o700).create(path)?;
    if let Some((user, group)) = owner {
        chown(path, Some(user), Some(group))?;
    }
    Ok(())
}

/// The status and body of a GET without TLS.
///
/// # Errors
/// The connection's, or an answer that is not HTTP.
pub(crate) fn http_get(address: SocketAddr, target: &str) -> io::Result<(u16, String)> {
    let patience = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    let accept = "Accept: application/dicom+json, */*;q=0.1";
    // HTTP/1.0: the answer ends with the connection and comes in no chunks.
    write!(stream, "GET {target} HTTP/1.0\r\nHost: {address}\r\n{accept}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 << 20).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other("an answer without a header"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((
        status.ok_or_else(|| io::Error::other("an answer without a status"))?,
        body.to_owned(),
    ))
}
