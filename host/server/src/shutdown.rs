//! Stopping: signals become two tokens, "drain" and "now".
//!
//! Apart from the host so that everything which must end asks a token and nothing else asks for signals.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long after the second signal the process may still take before it exits unasked.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// What the shell reports for a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// When to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Begin nothing new, end what has begun, close: after the first SIGINT or SIGTERM.
    pub drain: CancellationToken,
    /// Wait for nothing: after the second. Also cancels `drain`'s waiting; the process exits 5 s later at the latest.
    pub now: CancellationToken,
}

impl Shutdown {
    /// Listens to signals from now on; to be called once, on a tokio runtime.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub fn on_signals() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let shutdown = Self::default();
        let tokens = shutdown.clone();
        tokio::spawn(async move {
            let name = either(&mut interrupt, &mut terminate).await;
            tracing::info!(signal = name, "draining; signal again to stop at once");
            tokens.drain.cancel();
            let name = either(&mut interrupt, &mut terminate).await;
            tracing::warn!(signal = name, "stopping at once");
            tokens.now.cancel();
            tokio::time::sleep(LAST_GRACE).await;
            std::process::exit(INTERRUPTED);
        });
        Ok(shutdown)
    }
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
