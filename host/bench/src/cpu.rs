//! What a process tree has cost, read from `/proc`: CPU seconds, memory peak, quietness.
//!
//! Separate from the systems under test because each of them is judged by the same accounting: a tree is
//! counted from its root, so that a database which the host starts for itself counts with the host.

use std::collections::HashMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A set of process trees, named by their roots, that are charged together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees {
    roots: Vec<u32>,
}

/// One line of `/proc/<pid>/stat`, as far as it is needed here.
struct Process {
    parent: u32,
    /// User and system time of the process and of the children it has reaped, in clock ticks.
    ticks: u64,
}

impl Trees {
    /// The trees below these processes, the processes included.
    pub(crate) fn of(roots: impl IntoIterator<Item = u32>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
        }
    }

    /// CPU seconds used so far by every living process of the trees and by the children they have reaped.
    ///
    /// A process that ends between two readings moves its time to the parent that reaps it, so the difference
    /// of two readings is the cost of what ran between them.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let processes = processes();
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (pid, process) in &processes {
            children.entry(process.parent).or_default().push(*pid);
        }
        let mut open = self.roots.clone();
        let mut ticks = 0;
        while let Some(pid) = open.pop() {
            if let Some(process) = processes.get(&pid) {
                ticks += process.ticks;
                open.extend(children.get(&pid).into_iter().flatten().copied());
            }
        }
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// Waits until the trees use less than a twentieth of a core, at most `longest`. Work that a system defers
    /// past its answer is thereby charged to the load that caused it, not to the next one.
    pub(crate) fn settle(&self, longest: Duration) {
        let until = Instant::now() + longest;
        let step = Duration::from_millis(200);
        let mut before = self.cpu_seconds();
        while Instant::now() < until {
            sleep(step);
            let now = self.cpu_seconds();
            if now - before <= 0.05 * step.as_secs_f64() {
                return;
            }
            before = now;
        }
    }
}

/// CPU seconds of this process, which generates the load.
pub(crate) fn own_cpu_seconds() -> f64 {
    let own = fs::read_to_string("/proc/self/stat").ok().and_then(|line| parse(&line));
    own.map_or(0.0, |own| {
        own.ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    })
}

/// Resident bytes of one process now, 0 when it is gone.
pub(crate) fn resident(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

/// Resident bytes of one process that it shares with no other, and its part of those that it does; 0 when it is gone.
pub(crate) fn proportional(pid: u32) -> u64 {
    bytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// The largest resident size of one process since its start or since [`forget_peak`], in bytes; 0 when it is
/// gone.
pub(crate) fn peak(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

/// Starts a new peak for one process. Where the kernel refuses, the peak stays that of its whole life, which
/// only errs upwards.
pub(crate) fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

fn status_bytes(pid: u32, field: &str) -> u64 {
    bytes(&format!("/proc/{pid}/status"), field)
}

/// A field of a file of `/proc` that counts in kB.
fn bytes(file: &str, field: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

fn processes() -> HashMap<u32, Process> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// The fields after the command's name: that one may hold spaces and parentheses, so the last parenthesis ends
/// it.
fn parse(line: &str) -> Option<Process> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times = fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse::<u64>().unwrap_or(0));
    Some(Process {
        parent,
        ticks: times.sum(),
    })
}

#[cfg(test)]
mod tests;
