//! The engine's settings, and the thread that advances its epoch.
//!
//! Separate because every knob here has a cost, and each says which.

use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::limits::{MOST_MEMORY, SLICE};

/// Calls that run at the same time, of all plugins together.
pub(crate) const POOL: u32 = 64;
/// Core instances of one component.
pub(crate) const CORE_INSTANCES: u32 = 64;

/// Where a fresh instance gets its memories, tables and stack from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// From slots that are mapped once and cleaned after each call: what makes a fresh instance cost microseconds. Takes
    /// 260 GiB of address space; where that is not to be had, instances are made on demand, with a warning.
    #[default]
    Pooled,
    /// Mapped for each call and unmapped after it.
    OnDemand,
}

/// Starts an engine, and the thread that advances its epoch.
pub(crate) fn start(allocation: Allocation) -> wasmtime::Result<Engine> {
    let engine = match Engine::new(&config(allocation)) {
        Err(error) if allocation == Allocation::Pooled => {
            tracing::warn!("no pool of plugin instances, calls will be slower: {error:#}");
            Engine::new(&config(Allocation::OnDemand))?
        }
        made => made?,
    };
    tick(&engine);
    Ok(engine)
}

/// An engine that only compiles: without the pool, whose address space would not fit into the compiler's limits. What
/// it makes is the same.
pub(crate) fn for_compiling() -> wasmtime::Result<Engine> {
    Engine::new(&config(Allocation::OnDemand))
}

/// Compiles a component for engines of these settings.
pub(crate) fn precompile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
    engine.precompile_component(bytes)
}

fn config(allocation: Allocation) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        // The CPU limit: guest code looks at a counter at loop heads and calls, which costs some per cent.
        .epoch_interruption(true)
        // A new instance maps the initial memory copy-on-write instead of copying it.
        .memory_init_cow(true)
        // Host functions run on the guest's fiber, with the text and JSON work of one header at most.
        .max_wasm_stack(512 * 1024)
        .async_stack_size(1024 * 1024)
        // A stack holds what the previous call left: another patient's data.
        .async_stack_zeroing(true)
        // Component-model async cannot cancel one task yet; the contract is synchronous.
        .concurrency_support(false)
        // Not in the contract, so not in the sandbox.
        .wasm_memory64(false)
        // The 4 GiB of address space per memory make bounds checks free. It is address space, not memory.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20);
    if allocation == Allocation::Pooled {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    config
}

/// One component with imports is three core instances (the module, the shim, its fix-up), with one memory and two
/// tables. Interpreters are linked of more: CPython of 38, which share its memory and tables, and whose metadata is
/// allocated with the call. Address space: 64 × 4 GiB; memory: what is kept resident, at most 64 × 256 KiB, and only
/// after that many calls at once.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(POOL)
        .total_core_instances(POOL * CORE_INSTANCES)
        .total_memories(POOL)
        .total_tables(POOL * 3)
        .total_stacks(POOL)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(4)
        .max_memory_size(usize::try_from(MOST_MEMORY).unwrap_or(usize::MAX))
        .table_elements(20_000)
        // Cleaning these by memset is cheaper than giving the pages back and faulting them in again.
        .linear_memory_keep_resident(128 * 1024)
        // Those that were written, wherever they are, where the kernel (Linux 6.7) can tell; else the lowest addresses,
        // which a Rust guest hardly uses.
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(16 * 1024)
        .async_stack_keep_resident(64 * 1024)
        .max_unused_warm_slots(POOL);
    pool
}

/// An OS thread, because a tokio timer would stand still exactly when a guest holds the worker. It ends with the
/// engine. Under load it slips, so calls are also under a wall clock.
fn tick(engine: &Engine) {
    let weak = engine.weak();
    let started = std::thread::Builder::new().name("plugin-epoch".into()).spawn(move || {
        loop {
            std::thread::sleep(SLICE);
            match weak.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
    if let Err(error) = started {
        // Without it no CPU limit holds; the wall limit cannot interrupt a computing guest. So better nothing runs.
        tracing::error!("the epoch thread does not start: {error}; plugins will not be interrupted");
    }
}

/// CPU time that the calling thread has used.
pub(crate) fn thread_cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}
