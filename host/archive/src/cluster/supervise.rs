//! Keeps the server running until it is told to stop. It has a thread of its own, which lives as long as the host: the
//! kernel stops a server whose starting thread has ended.

use std::{
    fs, io,
    process::Child,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::{ClusterError, launch::Launch, survivors};

/// Between a death and the next start; doubled by each that follows soon.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A server that ran this long was well.
const WELL: Duration = Duration::from_secs(60);
/// Starting includes replaying what was written since the last checkpoint: with 2 GB of it, minutes.
const START: Duration = Duration::from_secs(600);
/// So many starts may fail before the first that succeeds: the first may meet the last of an earlier run.
const FAILURES: u32 = 3;

/// The thread that runs the server, seen from outside.
pub(super) struct Supervisor {
    state: Mutex<State>,
    changed: Condvar,
    launch: Launch,
}

#[derive(Default)]
struct State {
    /// The server, while it is a child that was not waited for: only then is its number surely its own.
    child: Option<Pid>,
    failures: u32,
    /// Why the last start failed.
    failure: Option<String>,
    stopping: bool,
    ended: bool,
}

impl Supervisor {
    /// Starts the thread, which starts the server.
    pub(super) fn start(launch: Launch) -> Result<Arc<Self>, ClusterError> {
        let supervisor = Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            launch,
        });
        let inside = Arc::clone(&supervisor);
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || inside.run())
            .map_err(ClusterError::file("start a thread for", &supervisor.launch.folder))?;
        Ok(supervisor)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements here, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut pause = PAUSES.0;
        while !self.state().stopping {
            let start = Instant::now();
            let failure = match self.serve() {
                Ok(()) => format!("the server ended: {}", self.launch.said()),
                Err(error) => error.to_string(),
            };
            let mut state = self.state();
            if state.stopping {
                break;
            }
            tracing::error!(failure, "the private database is down; starting it again");
            state.failures += 1;
            state.failure = Some(failure);
            self.changed.notify_all();
            pause = if start.elapsed() >= WELL {
                PAUSES.0
            } else {
                (pause * 2).min(PAUSES.1)
            };
            let _ = self.changed.wait_timeout_while(state, pause, |state| !state.stopping);
        }
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// One life of the server.
    fn serve(&self) -> Result<(), ClusterError> {
        survivors::end(&self.launch.folder)?;
        let failed = |error: io::Error| ClusterError::Program {
            program: "postgres",
            said: error.to_string(),
        };
        let mut child = {
            let mut state = self.state();
            if state.stopping {
                return Ok(());
            }
            let child = self.launch.spawn().map_err(failed)?;
            state.child = pid(&child);
            child
        };
        self.changed.notify_all();
        if let Some(pid) = pid(&child) {
            // Waits without taking its number from it, so that nobody is signalled by mistake.
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
        }
        self.state().child = None;
        child.wait().map(|_| ()).map_err(failed)
    }

    /// Returns when the server accepts connections.
    pub(super) fn wait_until_ready(&self) -> Result<(), ClusterError> {
        let start = Instant::now();
        loop {
            let state = self.state();
            if state.child.is_some_and(|child| self.ready(child)) {
                return Ok(());
            }
            if state.failures >= FAILURES || start.elapsed() > START || state.ended {
                let said = state
                    .failure
                    .clone()
                    .unwrap_or_else(|| format!("not ready after {} s", START.as_secs()));
                return Err(ClusterError::Program {
                    program: "postgres",
                    said,
                });
            }
            let _ = self.changed.wait_timeout(state, Duration::from_millis(20));
        }
    }

    /// The server says so in the eighth line of its pid file.
    fn ready(&self, child: Pid) -> bool {
        let Ok(text) = fs::read_to_string(self.launch.folder.join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines().map(str::trim);
        let own = lines
            .next()
            .is_some_and(|first| first == child.as_raw_nonzero().to_string());
        own && lines.nth(6) == Some("ready")
    }

    /// Stops the server and the thread: a fast stop, after `patience` an immediate one, at last by force.
    pub(super) fn stop(&self, patience: Duration) {
        self.state().stopping = true;
        self.changed.notify_all();
        let steps = [
            (Signal::INT, patience),
            (Signal::QUIT, Duration::from_secs(5)),
            (Signal::KILL, Duration::from_secs(5)),
        ];
        for (signal, patience) in steps {
            let state = self.state();
            if state.ended {
                return;
            }
            if let Some(child) = state.child {
                // It may have ended by now.
                let _ = rustix::process::kill_process(child, signal);
            }
            let (state, _) = self
                .changed
                .wait_timeout_while(state, patience, |state| !state.ended)
                .unwrap_or_else(PoisonError::into_inner);
            if state.ended {
                return;
            }
        }
        tracing::error!("the private database did not stop");
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}
