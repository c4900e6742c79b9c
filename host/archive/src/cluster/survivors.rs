//! Processes of an earlier run: their host was killed, and they have not ended yet. Two servers on one folder would destroy
//! it, so they are waited for, then stopped, before anything else is done with the folder.
//!
//! They are recognised by their working folder, which for every process of Postgres is the cluster's: a process id alone, as
//! in `postmaster.pid`, may long be someone else's.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use super::ClusterError;

/// What is done, and how long may be waited for its effect.
type Step = (Option<Signal>, Duration);

/// What is done, and how long it may take, before the next: the kernel has already told them that their host died; then a
/// fast stop, an immediate one, and the end.
pub(super) const STEPS: [Step; 4] = [
    (None, Duration::from_secs(10)),
    (Some(Signal::INT), Duration::from_secs(20)),
    (Some(Signal::QUIT), Duration::from_secs(5)),
    (Some(Signal::KILL), Duration::from_secs(5)),
];

/// Returns when no process works in the folder. Then `postmaster.pid` is stale, and removed lest its number be mistaken for
/// that of a process that has it now.
pub(super) fn end(folder: &Path) -> Result<(), ClusterError> {
    end_by(folder, &STEPS)
}

pub(super) fn end_by(folder: &Path, steps: &[Step]) -> Result<(), ClusterError> {
    for (signal, patience) in steps.iter().copied() {
        let start = Instant::now();
        let mut left = working_in(folder);
        if let (Some(signal), false) = (signal, left.is_empty()) {
            tracing::warn!(folder = %folder.display(), ?signal, "stopping a database that outlived its host");
            for pid in &left {
                // It may have ended by now.
                let _ = rustix::process::kill_process(*pid, signal);
            }
        }
        while !left.is_empty() && start.elapsed() < patience {
            thread::sleep(Duration::from_millis(20));
            left = working_in(folder);
        }
        if left.is_empty() {
            return forget(folder);
        }
    }
    let pids = working_in(folder)
        .iter()
        .map(|pid| pid.as_raw_nonzero().to_string())
        .collect::<Vec<_>>()
        .join(", ");
    Err(ClusterError::StillRunning {
        folder: folder.to_owned(),
        pids,
    })
}

fn forget(folder: &Path) -> Result<(), ClusterError> {
    let file = folder.join("postmaster.pid");
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ClusterError::file("remove", &file)(error)),
        _ => Ok(()),
    }
}

fn working_in(folder: &Path) -> Vec<Pid> {
    let pid = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        let at = fs::read_link(entry.path().join("cwd")).ok()?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        // A shell of the operator may stand there too.
        (at == folder && name.starts_with("postgres")).then(|| Pid::from_raw(number))?
    };
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(pid)
        .collect()
}
