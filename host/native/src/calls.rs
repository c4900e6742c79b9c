//! Calls into an engine: on threads of their own, a bounded number at once, and no longer waited for than the limit.
//!
//! Separate because it knows nothing of engines: it runs closures that may never return. A thread cannot be ended from
//! outside. So a call that overruns is left behind: its caller gets an answer, its stop flag is set, and its slot stays
//! taken until it returns, if ever. When every slot is held by such calls, new ones are refused at once instead of
//! waiting in vain; only a restart of the host frees them. The threads are not tokio's blocking ones, for which the end
//! of the process would wait.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How long a call that nobody waits for may take to notice, before its slot counts as lost.
const GRACE: Duration = Duration::from_secs(5);
/// Calls that may wait for a slot: each holds its tensors.
const MOST_WAITING: usize = 64;
/// Of each thread. Engines recurse over graphs; only what is touched becomes memory.
const STACK: usize = 16 << 20;

/// How many calls at once, and how long each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at the same time, of all models of the engine.
    pub concurrency: NonZeroU32,
    /// From asking for a run to its answer, the wait for a slot included.
    pub wall: Duration,
}

impl Default for Limits {
    /// Two runs at once, each of at most 300 s: those of an analyzer's step, which is what waits for them.
    fn default() -> Limits {
        Limits {
            concurrency: NonZeroU32::new(2).unwrap_or(NonZeroU32::MIN),
            wall: Duration::from_secs(300),
        }
    }
}

/// What the slots of an engine are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineState {
    /// Calls that may run at the same time.
    pub slots: u32,
    /// Slots that are taken, the lost ones among them.
    pub busy: u32,
    /// Slots taken by calls that nobody waits for any more and that did not return when asked to stop. If this equals
    /// `slots`, the engine is dead until the host is restarted.
    pub lost: u32,
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lapse {
    #[error("no slot of the engine became free within {0:?}; {1} runs may go on at once")]
    Busy(Duration, u32),
    #[error("{MOST_WAITING} runs wait for the engine already")]
    Crowded,
    #[error(
        "all {0} slots of the engine are held by runs that did not end when they should; only a restart of the host \
         frees them"
    )]
    Lost(u32),
    #[error("the engine did not answer within {0:?}; its thread was left behind")]
    Overdue(Duration),
    #[error("no thread could be started for the engine")]
    NoThread,
    #[error("the engine's thread ended without an answer")]
    Died,
}

/// The slots of one engine.
#[derive(Debug)]
pub(crate) struct Calls {
    engine: String,
    limits: Limits,
    grace: Duration,
    slots: Arc<Semaphore>,
    /// One for each call that may wait.
    waiting: Semaphore,
    under_way: Mutex<Register>,
}

#[derive(Debug, Default)]
struct Register {
    next: u64,
    calls: BTreeMap<u64, Arc<Running>>,
}

/// One call.
#[derive(Debug, Default)]
struct Running {
    /// What the engine looks at.
    stop: AtomicU32,
    /// When it was told to stop.
    stopped: OnceLock<Instant>,
}

impl Running {
    /// How long it has run on since it was told to stop and given this time.
    fn overrun(&self, grace: Duration) -> Option<Duration> {
        self.stopped.get()?.elapsed().checked_sub(grace)
    }
}

impl Calls {
    pub(crate) fn new(engine: String, limits: Limits) -> Arc<Calls> {
        Calls::with_grace(engine, limits, GRACE)
    }

    fn with_grace(engine: String, limits: Limits, grace: Duration) -> Arc<Calls> {
        let slots = usize::try_from(limits.concurrency.get()).unwrap_or(usize::MAX);
        Arc::new(Calls {
            engine,
            limits,
            grace,
            slots: Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS))),
            waiting: Semaphore::new(MOST_WAITING),
            under_way: Mutex::default(),
        })
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn state(&self) -> EngineState {
        let register = self.register();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let lost = register
            .calls
            .values()
            .filter(|call| call.overrun(self.grace).is_some());
        EngineState {
            slots: self.limits.concurrency.get(),
            busy: count(register.calls.len()),
            lost: count(lost.count()),
        }
    }

    /// Runs `work` on a thread of its own once a slot is free. Dropping the future tells it to stop.
    pub(crate) async fn call<T: Send + 'static>(
        self: &Arc<Calls>,
        model: &str,
        work: impl FnOnce(&AtomicU32) -> T + Send + 'static,
    ) -> Result<T, Lapse> {
        let limit = self.limits.wall;
        let deadline = tokio::time::Instant::now() + limit;
        let slot = self.slot(deadline).await?;
        let place = Place::take(Arc::clone(self), model.to_owned(), slot);
        let running = Arc::clone(&place.running);
        let waiting = Waiting(Arc::clone(&running));
        let answer = on_thread(&self.engine, move || {
            let answer = work(&running.stop);
            drop(place);
            answer
        })
        .map_err(|_| Lapse::NoThread)?;
        let answer = tokio::time::timeout_at(deadline, answer).await;
        drop(waiting);
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Lapse::Died),
            Err(_) => {
                let state = self.state();
                tracing::error!(
                    engine = self.engine,
                    model,
                    busy = state.busy,
                    slots = state.slots,
                    "a run did not end within {limit:?} and was left behind; its slot is taken until it returns"
                );
                Err(Lapse::Overdue(limit))
            }
        }
    }

    async fn slot(&self, deadline: tokio::time::Instant) -> Result<OwnedSemaphorePermit, Lapse> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(slot);
        }
        let state = self.state();
        if state.lost >= state.slots {
            return Err(Lapse::Lost(state.slots));
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Lapse::Crowded)?;
        match tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Lapse::Busy(self.limits.wall, state.slots)),
        }
    }
}

/// A slot while it is taken. Dropped on the call's thread when the call has returned.
struct Place {
    calls: Arc<Calls>,
    model: String,
    running: Arc<Running>,
    number: u64,
    slot: Option<OwnedSemaphorePermit>,
}

impl Place {
    fn take(calls: Arc<Calls>, model: String, slot: OwnedSemaphorePermit) -> Place {
        let running = Arc::new(Running::default());
        let number = {
            let mut register = calls.register();
            let number = register.next;
            register.next = number.wrapping_add(1);
            register.calls.insert(number, Arc::clone(&running));
            number
        };
        Place {
            calls,
            model,
            running,
            number,
            slot: Some(slot),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.calls.register().calls.remove(&self.number);
        drop(self.slot.take());
        if let Some(overrun) = self.running.overrun(self.calls.grace) {
            tracing::warn!(
                engine = self.calls.engine,
                model = self.model,
                "a run that was left behind returned {overrun:?} after it should have; its slot is free again"
            );
        }
    }
}

/// Somebody waits for the answer. Dropped, also with a future that is dropped, it tells the call to stop.
struct Waiting(Arc<Running>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.stopped.set(Instant::now());
        self.0.stop.store(1, Ordering::Relaxed);
    }
}

/// Runs something that may never return.
///
/// # Errors
/// No thread could be started.
pub(crate) fn on_thread<T: Send + 'static>(
    engine: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<oneshot::Receiver<T>> {
    let (answer, waiting) = oneshot::channel();
    std::thread::Builder::new()
        .name(format!("engine {engine}"))
        .stack_size(STACK)
        .spawn(move || {
            let _ = answer.send(work());
        })
        .inspect_err(|error| tracing::error!(engine, "no thread could be started: {error}"))?;
    Ok(waiting)
}

#[cfg(test)]
mod tests;
