//! One call: a fresh instance, its limits, its end.
//!
//! Separate because this is where the sandbox's promises are kept. An instance is made for the call and dropped after
//! it, whatever happens: so a trap, an error and a caller that went away need no handling of their own, and no
//! instance ever sees a second patient.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::Header;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{Instance, InstancePre, Resource, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::answer::{Clock, Cost, Failure, FilterAnswer, Outcome, Passage, PlannedSend, Verdict};
use crate::bindings::exports::isocenter::{filter::filter, routing::router};
use crate::bindings::isocenter::host::failure;
use crate::contract::Exports;
use crate::engine::thread_cpu;
use crate::host::LogBudget;
use crate::host::edits::Edits;
use crate::host::object::Object;
use crate::host::plan::Plan;
use crate::limits::{Limits, Meter, SLICE};
use crate::plugin::{Facts, Gate, Plugin};
use crate::trap;

/// Bytes that a guest may pass to the host in one host call.
const HOSTCALL_FUEL: usize = 8 * 1024 * 1024;
/// Handles alive at the same time; a filter is given three.
const MOST_HANDLES: usize = 4096;
/// Reasons are shown and stored; longer ones are cut.
const LONGEST_REASON: usize = 512;

/// The data of a store: what one call may reach, and what it has used.
pub(crate) struct Call {
    pub(crate) table: ResourceTable,
    pub(crate) facts: Arc<Facts>,
    pub(crate) site_key: SiteKey,
    pub(crate) log: LogBudget,
    /// The first secret that was asked for and is not granted.
    pub(crate) missing_secret: Option<String>,
    meter: Meter,
    /// Ticks of the epoch that found the guest computing.
    slices: u32,
}

/// What is to be called, on an instance that is ready.
pub(crate) trait Work: Send + 'static {
    type Answer: Send + 'static;

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
pub(crate) async fn run<W: Work>(plugin: &Plugin, gate: &Gate, work: W) -> Outcome<W::Answer> {
    let leave = match plugin.breaker.admit(Instant::now()) {
        Ok(leave) => leave,
        Err(tripped) => {
            return Outcome {
                result: Err(tripped),
                cost: Cost::default(),
            };
        }
    };
    let task = Task {
        engine: plugin.core.engine.clone(),
        facts: plugin.facts.clone(),
        site_key: plugin.core.site_key.clone(),
        pre: plugin.pre.clone(),
        limits: gate.limits,
    };
    let slots = [gate.slots.clone(), plugin.core.slots.clone()];
    let outcome = Running(plugin.core.handle.spawn(async move {
        match acquire(slots, task.limits.wall).await {
            // The permits live until the store is gone: the pool is never asked for more than it has.
            Some(_permits) => task.perform(work).await.0,
            None => Outcome {
                result: Err(Failure::Overloaded),
                cost: Cost::default(),
            },
        }
    }))
    .finish()
    .await;
    let failed = outcome.result.as_ref().is_err_and(Failure::is_fault);
    if leave.report(failed, Instant::now()) {
        tracing::error!(plugin = plugin.name(), "failed too often in a row and rests");
    }
    outcome
}

/// A task that is aborted when its caller goes away; dropping a bare `JoinHandle` would let it run on.
struct Running<T>(tokio::task::JoinHandle<T>);

impl<T> Running<Outcome<T>> {
    async fn finish(mut self) -> Outcome<T> {
        (&mut self.0).await.unwrap_or_else(|error| Outcome {
            // Only a panic of the host or its end leads here.
            result: Err(Failure::Trap(format!("the call was lost: {error}"))),
            cost: Cost::default(),
        })
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
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
    pub(crate) engine: Engine,
    pub(crate) facts: Arc<Facts>,
    pub(crate) site_key: SiteKey,
    pub(crate) pre: InstancePre<Call>,
    pub(crate) limits: Limits,
}

impl Task {
    /// Runs the work in a fresh instance. Also answers the first secret that was asked for in vain.
    pub(crate) async fn perform<W: Work>(self, work: W) -> (Outcome<W::Answer>, Option<String>) {
        let begun = Instant::now();
        let limits = self.limits;
        let mut store = self.store();
        let mut cpu = Duration::ZERO;
        let ended = {
            let pre = &self.pre;
            let store = &mut store;
            let mut call = pin!(async move {
                let instance = pre.instantiate_async(&mut *store).await?;
                work.call(store, &instance).await
            });
            let metered = poll_fn(|context| {
                let before = thread_cpu();
                let poll = call.as_mut().poll(context);
                cpu += thread_cpu().saturating_sub(before);
                poll
            });
            tokio::time::timeout(limits.wall, metered).await
        };
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
            tracing::warn!(target: "plugin", plugin, lines, "log lines of one call suppressed");
        }
        let cost = Cost {
            cpu,
            wall: begun.elapsed(),
            peak_memory: call.meter.peak(),
        };
        (Outcome { result, cost }, call.missing_secret.take())
    }

    fn store(&self) -> Store<Call> {
        let call = Call {
            table: ResourceTable::new(),
            facts: self.facts.clone(),
            site_key: self.site_key.clone(),
            log: LogBudget::default(),
            missing_secret: None,
            meter: Meter::new(self.limits.memory),
            slices: 0,
        };
        let mut store = Store::new(&self.engine, call);
        store.limiter(|call| &mut call.meter);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_max_component_handles(MOST_HANDLES);
        store.set_epoch_deadline(1);
        // One more than the limit holds, because the first slice may be the rest of one.
        let most = u32::try_from(self.limits.cpu.as_millis() / SLICE.as_millis()).unwrap_or(u32::MAX);
        store.epoch_deadline_callback(move |mut store| {
            let call = store.data_mut();
            // Ticks that pass while the guest waits do not come here, so this counts CPU, not time.
            call.slices = call.slices.saturating_add(1);
            if call.slices > most {
                return Err(CpuSpent.into());
            }
            // tokio's own yield, because the engine's wakes at once and can starve the I/O of this thread.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }
}

/// Text from a guest, in one line of bounded length.
fn reason(text: &str) -> String {
    let mut reason: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_REASON)
        .collect();
    reason.truncate(reason.trim_end().len());
    reason
}

impl From<failure::Failure> for Failure {
    fn from(stated: failure::Failure) -> Failure {
        match stated.retry {
            failure::Retry::Never => Failure::Never(reason(&stated.reason)),
            failure::Retry::AfterSeconds(seconds) => Failure::After {
                seconds,
                reason: reason(&stated.reason),
            },
        }
    }
}

fn absent(role: &str) -> Failure {
    Failure::Never(format!("it is no {role}"))
}

pub(crate) struct FilterWork {
    pub(crate) header: Arc<Header>,
    pub(crate) passage: Passage,
    pub(crate) export: Option<filter::GuestIndices>,
}

impl Work for FilterWork {
    type Answer = FilterAnswer;

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<FilterAnswer, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent("filter")));
        };
        let guest = export.load(&mut *store, instance)?;
        let table = &mut store.data_mut().table;
        let object = table.push(Object {
            header: self.header.clone(),
        })?;
        let passage = table.push(self.passage)?;
        let edits = table.push(Edits::new(self.header))?;
        let answer = guest
            .call_apply(&mut *store, lend(&object), lend(&passage), lend(&edits))
            .await?;
        let edits = store.data_mut().table.delete(edits)?;
        Ok(answer.map_err(Failure::from).map(|verdict| match verdict {
            filter::Verdict::Keep => FilterAnswer {
                verdict: Verdict::Keep,
                edits: edits.recorded,
            },
            filter::Verdict::Drop(why) => without_edits(Verdict::Drop(reason(&why))),
            filter::Verdict::Refuse(why) => without_edits(Verdict::Refuse(reason(&why))),
            filter::Verdict::Quarantine(why) => without_edits(Verdict::Quarantine(reason(&why))),
        }))
    }
}

fn without_edits(verdict: Verdict) -> FilterAnswer {
    FilterAnswer {
        verdict,
        edits: Vec::new(),
    }
}

/// The guest borrows; the table keeps.
fn lend<T: 'static>(resource: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(resource.rep())
}

pub(crate) struct RouteWork {
    pub(crate) header: Arc<Header>,
    pub(crate) export: Option<router::GuestIndices>,
}

impl Work for RouteWork {
    type Answer = Vec<PlannedSend>;

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<Vec<PlannedSend>, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent("router")));
        };
        let guest = export.load(&mut *store, instance)?;
        let table = &mut store.data_mut().table;
        let object = table.push(Object { header: self.header })?;
        let plan = table.push(Plan::default())?;
        let answer = guest.call_route(&mut *store, lend(&object), lend(&plan)).await?;
        let plan = store.data_mut().table.delete(plan)?;
        Ok(answer.map(|()| plan.into_sends()).map_err(Failure::from))
    }
}

/// Calls `check()`, after a look at whether the roles have the types of the contract.
pub(crate) struct CheckWork {
    pub(crate) exports: Exports,
}

/// What `check()` says, or what is wrong before it is called.
pub(crate) enum Checked {
    Fine,
    Refused(String),
    Unlike(String),
}

impl Work for CheckWork {
    type Answer = Checked;

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<Checked, Failure>> {
        let Exports {
            lifecycle,
            filter,
            router,
        } = self.exports;
        let filter = filter
            .map(|export| export.load(&mut *store, instance).map(|_| ()))
            .transpose();
        let router = router
            .map(|export| export.load(&mut *store, instance).map(|_| ()))
            .transpose();
        let guest = match (filter, router, lifecycle.load(&mut *store, instance)) {
            (Ok(_), Ok(_), Ok(guest)) => guest,
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return Ok(Ok(Checked::Unlike(reason(&format!("{error:#}")))));
            }
        };
        Ok(Ok(match guest.call_check(&mut *store).await? {
            Ok(()) => Checked::Fine,
            Err(why) => Checked::Refused(reason(&why)),
        }))
    }
}
