//! One call: a fresh instance, its limits, its end.
//!
//! Separate because this is where the sandbox's promises are kept. An instance is made for the call and dropped after
//! it, whatever happens: so a trap, an error and a caller that went away need no handling of their own, and no
//! instance ever sees a second patient.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use isocenter_dicom::edit::SiteKey;
use isocenter_role::{Clock, Cost, Failure, Limits, Outcome, Role, State, Visible};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use wasmtime::component::{Instance, InstancePre, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::engine::thread_cpu;
use crate::host::drafts::DraftBudget;
use crate::host::http::RequestBytes;
use crate::host::log::LogBudget;
use crate::host::models::TensorBytes;
use crate::host::pixels::FrameBytes;
use crate::host::state::Overlay;
use crate::limits::{Meter, SLICE};
use crate::plugin::{Facts, WasmPlugin};
use crate::trap;

/// Bytes that a guest may pass to the host in one host call.
pub(crate) const HOSTCALL_FUEL: usize = 8 * 1024 * 1024;
/// Handles alive at the same time; a filter is given three.
pub(crate) const MOST_HANDLES: usize = 4096;
/// Reasons are shown and stored; longer ones are cut.
pub(crate) const LONGEST_REASON: usize = 512;

/// The data of a store: what one call may reach, and what it has used.
pub(crate) struct Call {
    pub(crate) table: ResourceTable,
    pub(crate) facts: Arc<Facts>,
    pub(crate) site_key: SiteKey,
    /// Names the call in the log.
    pub(crate) id: CallId,
    /// Whether it changes nothing.
    pub(crate) dry: bool,
    /// The archive as the caller may see it, where there is a caller.
    pub(crate) archive: Option<Arc<dyn Visible>>,
    pub(crate) log: LogBudget,
    pub(crate) requests: RequestBytes,
    pub(crate) overlay: Overlay,
    pub(crate) frames: FrameBytes,
    pub(crate) tensors: TensorBytes,
    pub(crate) drafts: DraftBudget,
    /// What was asked for first and is not granted.
    pub(crate) missing: Option<Missing>,
    /// How long the guest has waited for the host.
    pub(crate) waited: Duration,
    meter: Meter,
}

impl Call {
    /// Awaits something of the host's and books the time.
    pub(crate) async fn waiting<T>(&mut self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.await;
        self.waited += begun.elapsed();
        done
    }
}

/// Something that a plugin asked for by name and that its grant does not name.
#[derive(Debug)]
pub(crate) struct Missing(String);

impl Missing {
    /// `key` is that of the grant, `uses` what the plugin does with it.
    pub(crate) fn new(key: &str, name: &str, uses: &str) -> Missing {
        Missing(format!(
            "it {uses} `{name}`, which its grant does not name (grant = {{ {key} = [\"{name}\"] }})"
        ))
    }

    pub(crate) fn sentence(self) -> String {
        self.0
    }
}

/// Eight hex digits that name a call; they come again after four thousand million calls.
#[derive(Clone, Debug)]
pub(crate) struct CallId(String);

impl CallId {
    pub(crate) fn next() -> CallId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        CallId(format!("{:08x}", NEXT.fetch_add(1, Ordering::Relaxed) & 0xFFFF_FFFF))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is to be called, on an instance that is ready.
pub(crate) trait Work: Send + 'static {
    type Answer: Send + 'static;

    /// A word for an answer, for metrics.
    fn word(_answer: &Self::Answer) -> &'static str {
        "ok"
    }

    /// `Err` is a trap; a failure that the guest states is an answer.
    fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> impl Future<Output = wasmtime::Result<Result<Self::Answer, Failure>>> + Send;
}

/// Marks the trap that ends a guest whose CPU time is spent.
#[derive(Debug)]
struct CpuSpent;

impl std::fmt::Display for CpuSpent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the CPU time is spent")
    }
}

impl std::error::Error for CpuSpent {}

/// Calls a plugin: the breaker first, then a slot, then a fresh instance on the plugin runtime's threads.
pub(crate) async fn run<W: Work>(plugin: Arc<WasmPlugin>, role: Role, work: W) -> Outcome<W::Answer> {
    let Some(seat) = plugin.seats.get(&role) else {
        return Outcome {
            result: Err(Failure::Never(format!("it is no {role}"))),
            cost: Cost::default(),
        };
    };
    let leave = match seat.breaker.admit(Instant::now()) {
        Ok(leave) => leave,
        Err(tripped) => {
            let cost = Cost::default();
            seat.account.record(tripped.word(), &cost);
            return Outcome {
                result: Err(tripped),
                cost,
            };
        }
    };
    let task = Task::new(&plugin, seat.limits);
    let span = tracing::info_span!(
        target: "plugin",
        "plugin call",
        plugin = plugin.facts.name,
        role = role.as_str(),
        call = task.id.as_str(),
        digest = plugin.facts.short_digest(),
        outcome = tracing::field::Empty,
    );
    let slots = [seat.slots.clone(), plugin.core.slots.clone()];
    let asked = Instant::now();
    let called = async move {
        match acquire(slots, task.limits.wall).await {
            // The permits live until the store is gone: the pool is never asked for more than it has.
            Some(_permits) => {
                let queue = asked.elapsed();
                let mut outcome = task.perform(work).await.0;
                outcome.cost.queue = queue;
                outcome
            }
            None => Outcome {
                result: Err(Failure::Overloaded),
                cost: Cost {
                    queue: asked.elapsed(),
                    ..Cost::default()
                },
            },
        }
    }
    .instrument(span.clone());
    let outcome = if plugin.core.is_here() {
        called.await
    } else {
        // Dropped with the caller: then the call ends.
        let task = AbortOnDropHandle::new(plugin.core.short.handle().spawn(called));
        task.await.unwrap_or_else(|error| lost(&error))
    };
    let word = match &outcome.result {
        Ok(answer) => W::word(answer),
        Err(failure) => failure.word(),
    };
    span.record("outcome", word);
    seat.account.record(word, &outcome.cost);
    let failed = outcome.result.as_ref().is_err_and(Failure::is_fault);
    if leave.report(failed, Instant::now()) {
        let rest = match seat.breaker.state() {
            State::Tripped { retry_after } => retry_after,
            State::Ready => Duration::ZERO,
        };
        tracing::error!(
            plugin = plugin.facts.name,
            %role,
            seconds = rest.as_secs(),
            "failed too often in a row and rests"
        );
    }
    outcome
}

/// A call whose task ended without it: only a panic of the host or its end leads here.
fn lost<T>(error: &JoinError) -> Outcome<T> {
    Outcome {
        result: Err(Failure::Trap(format!("the call was lost: {error}"))),
        cost: Cost::default(),
    }
}

/// A call under way, with the CPU time that it has used.
struct Metered<F> {
    call: Pin<Box<F>>,
    cpu: Duration,
}

impl<F> Metered<F> {
    /// Whether it has used more than the smallest unit of CPU time: then it is not one of the many that end in microseconds.
    fn is_long(&self) -> bool {
        self.cpu >= SLICE
    }
}

thread_local! {
    /// Of the call that is being polled here: what it had used, and what the thread had, when the poll began.
    static POLLED: Cell<(Duration, Duration)> = const { Cell::new((Duration::ZERO, Duration::ZERO)) };
}

/// CPU time that the call which is being polled on this thread has used.
fn used_so_far() -> Duration {
    let (used, before) = POLLED.get();
    used + thread_cpu().saturating_sub(before)
}

impl<F: Future> Future for Metered<F> {
    type Output = (F::Output, Duration);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let before = thread_cpu();
        POLLED.set((self.cpu, before));
        let poll = self.call.as_mut().poll(context);
        self.cpu += thread_cpu().saturating_sub(before);
        Poll::Ready((ready!(poll), self.cpu))
    }
}

/// A permit of each, or none after `patience`.
async fn acquire(slots: [Arc<Semaphore>; 2], patience: Duration) -> Option<[OwnedSemaphorePermit; 2]> {
    let [role, pool] = slots;
    if let (Ok(a), Ok(b)) = (role.clone().try_acquire_owned(), pool.clone().try_acquire_owned()) {
        return Some([a, b]);
    }
    let both = async { Some([role.acquire_owned().await.ok()?, pool.acquire_owned().await.ok()?]) };
    tokio::time::timeout(patience, both).await.ok().flatten()
}

/// Everything that a call needs, owned, so that it can move to another runtime.
pub(crate) struct Task {
    engine: Engine,
    facts: Arc<Facts>,
    site_key: SiteKey,
    pre: InstancePre<Call>,
    limits: Limits,
    dry: bool,
    id: CallId,
    /// Where it goes on when it is long.
    long: Handle,
}

impl Task {
    pub(crate) fn new(plugin: &WasmPlugin, limits: Limits) -> Task {
        Task {
            engine: plugin.core.engine.clone(),
            facts: plugin.facts.clone(),
            site_key: plugin.core.site_key.clone(),
            pre: plugin.pre.clone(),
            limits,
            dry: plugin.dry,
            id: CallId::next(),
            long: plugin.core.long.handle(),
        }
    }

    /// Runs the work in a fresh instance. Also answers what was asked for in vain.
    ///
    /// A call that computes for longer than a slice goes on on the threads for long calls: see [`crate::runtime`].
    pub(crate) async fn perform<W: Work>(self, work: W) -> (Outcome<W::Answer>, Option<Missing>) {
        let long = self.long.clone();
        let mut metered = Metered {
            call: Box::pin(self.call(work)),
            cpu: Duration::ZERO,
        };
        let short = poll_fn(|context| match Pin::new(&mut metered).poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if metered.is_long() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        let ((mut outcome, missing), cpu) = match short {
            Some(ended) => ended,
            None => {
                let moved = AbortOnDropHandle::new(long.spawn(metered.in_current_span()));
                moved
                    .await
                    .unwrap_or_else(|error| ((lost(&error), None), Duration::ZERO))
            }
        };
        outcome.cost.cpu = cpu;
        (outcome, missing)
    }

    /// The call from its instance to its account, of which the CPU time is left out.
    async fn call<W: Work>(self, work: W) -> (Outcome<W::Answer>, Option<Missing>) {
        let begun = Instant::now();
        let limits = self.limits;
        let mut store = self.store();
        let mut instantiate = Duration::ZERO;
        let called = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            instantiate = begun.elapsed();
            work.call(&mut store, &instance).await
        };
        let ended = tokio::time::timeout(limits.wall, called).await;
        let call = store.data_mut();
        let result = match ended {
            Err(_elapsed) => Err(Failure::Deadline {
                clock: Clock::Wall,
                limit: limits.wall,
            }),
            Ok(Ok(result)) => result,
            Ok(Err(error)) if error.is::<CpuSpent>() => Err(Failure::Deadline {
                clock: Clock::Cpu,
                limit: limits.cpu,
            }),
            Ok(Err(_)) if call.meter.denied() => Err(Failure::Memory { limit: limits.memory }),
            Ok(Err(error)) => Err(Failure::Trap(trap::describe(&error, call.log.last_error()))),
        };
        if call.log.suppressed() > 0 {
            let (plugin, lines) = (call.facts.name.as_str(), call.log.suppressed());
            tracing::warn!(target: "plugin", plugin, call = call.id.as_str(), lines, "log lines of one call suppressed");
        }
        let cost = Cost {
            queue: Duration::ZERO,
            instantiate,
            cpu: Duration::ZERO,
            wall: begun.elapsed(),
            host_wait: call.waited,
            peak_memory: call.meter.peak(),
        };
        (Outcome { result, cost }, call.missing.take())
    }

    fn store(&self) -> Store<Call> {
        let call = Call {
            table: ResourceTable::new(),
            facts: self.facts.clone(),
            site_key: self.site_key.clone(),
            id: self.id.clone(),
            dry: self.dry,
            archive: None,
            log: LogBudget::default(),
            requests: RequestBytes::default(),
            overlay: Overlay::default(),
            frames: FrameBytes::default(),
            tensors: TensorBytes::default(),
            drafts: DraftBudget::default(),
            missing: None,
            waited: Duration::ZERO,
            meter: Meter::new(self.limits.memory),
        };
        let mut store = Store::new(&self.engine, call);
        store.limiter(|call| &mut call.meter);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_max_component_handles(MOST_HANDLES);
        store.set_epoch_deadline(1);
        let limit = self.limits.cpu;
        store.epoch_deadline_callback(move |_| {
            // Not the ticks: on a busy machine they pass while the thread waits for a core.
            if used_so_far() > limit {
                return Err(CpuSpent.into());
            }
            // tokio's own yield, because the engine's wakes at once and can starve the I/O of this thread.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }
}

/// Text from a guest, in one line of bounded length.
pub(crate) fn reason(text: &str) -> String {
    let mut reason: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_REASON)
        .collect();
    reason.truncate(reason.trim_end().len());
    reason
}
