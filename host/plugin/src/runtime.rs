//! The runtime: one engine, one linker, the threads that plugins run on.
//!
//! Separate from the host's own tokio runtime, so that a plugin that computes cannot starve the network. Twice: a call
//! begins on threads for short ones, which answer in microseconds, and one that goes on computing is moved to threads that
//! the kernel prefers less than anything else here. So neither the network nor the small filters of others wait for it.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use isocenter_dicom::edit::SiteKey;
use isocenter_role::backing::Backing;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::engine::{self, Allocation, POOL};
use crate::load::{self, LoadError};
use crate::plugin::WasmPlugin;
use crate::spec::PluginSpec;

/// What a runtime needs to start.
#[derive(Clone)]
pub struct RuntimeOptions {
    /// Folder for compiled code. Made with mode 0700; not used, with a warning, when others may write to it.
    pub cache: PathBuf,
    /// The key under which UIDs are remapped.
    pub site_key: SiteKey,
    /// Threads that run plugins; clamped to 1..=16. The default is the machine's cores, at least 2 and at most 4.
    pub threads: usize,
    /// A program that compiles a component when it is called with the argument `compile-plugin`: see
    /// [`crate::compile_plugin`]. Apart from the host, so that a component that takes for ever or eats memory in the
    /// compiler costs a process and not the host. `None`: the host compiles by itself.
    pub compiler: Option<PathBuf>,
    /// Pooled, unless somebody wants to measure the difference.
    pub allocation: Allocation,
}

impl RuntimeOptions {
    /// The defaults for this machine.
    #[must_use]
    pub fn new(cache: impl Into<PathBuf>, site_key: SiteKey) -> RuntimeOptions {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        RuntimeOptions {
            cache: cache.into(),
            site_key,
            threads: cores.clamp(2, 4),
            compiler: None,
            allocation: Allocation::default(),
        }
    }
}

/// What a plugin finds around it when it is loaded.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// The names that routers may plan.
    pub destinations: Vec<String>,
    /// What is behind the capabilities that need more than the call itself.
    pub backing: Backing,
}

/// Why the runtime did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refused its settings or could not get its memory.
    #[error("the plugin engine does not start: {0}")]
    Engine(String),
    /// No threads.
    #[error("the threads for plugins do not start")]
    Threads(#[source] std::io::Error),
}

/// Runs plugins. Dropping it, and the last plugin that it loaded, ends its threads without waiting for calls.
pub struct Runtime {
    core: Arc<Core>,
}

thread_local! {
    /// Whose thread this is: an address of [`Core::slots`], or 0.
    static HERE: Cell<usize> = const { Cell::new(0) };
}

/// What plugins share.
pub(crate) struct Core {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) cache: Cache,
    pub(crate) compiler: Option<PathBuf>,
    pub(crate) site_key: SiteKey,
    /// As many permits as the pool has slots: a call waits here and never finds the pool empty.
    pub(crate) slots: Arc<Semaphore>,
    /// Where calls begin.
    pub(crate) short: Threads,
    /// Where those go on that compute for longer than [`crate::limits::SLICE`].
    pub(crate) long: Threads,
}

/// How much nicer than the host the threads for long calls are: half of the share of others where cores are scarce. More
/// would let a long filter miss its wall clock on a busy host, and hold what it should have passed.
const LONG_NICE: i32 = 3;

/// Threads of a tokio runtime. Dropping it does not wait for what runs there.
pub(crate) struct Threads(Option<tokio::runtime::Runtime>, Handle);

impl Threads {
    fn start(name: &str, count: usize, on_start: impl Fn() + Send + Sync + 'static) -> Result<Threads, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .on_thread_start(on_start)
            .worker_threads(count.clamp(1, 16))
            .thread_name(name)
            .enable_time()
            .build()
            .map_err(StartError::Threads)?;
        let handle = runtime.handle().clone();
        Ok(Threads(Some(runtime), handle))
    }

    pub(crate) fn handle(&self) -> Handle {
        self.1.clone()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Dropping a tokio runtime waits for its threads, and panics inside another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets the kernel prefer others to this thread.
fn step_back() {
    // On Linux a "process" is a thread here, and none is the calling one.
    let usual = rustix::process::getpriority_process(None).unwrap_or(0);
    if let Err(error) = rustix::process::setpriority_process(None, usual + LONG_NICE) {
        tracing::warn!("the threads for long plugin calls keep their priority: {error}");
    }
}

impl Runtime {
    /// Starts the engine, its epoch thread and the threads for calls.
    ///
    /// # Errors
    /// When the engine or the threads do not start.
    pub fn start(options: RuntimeOptions) -> Result<Runtime, StartError> {
        let engine = engine::start(options.allocation).map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let slots = Arc::new(Semaphore::new(POOL as usize));
        let here = Arc::as_ptr(&slots).addr();
        let short = Threads::start("plugin", options.threads, move || HERE.set(here))?;
        let long = Threads::start("plugin-long", options.threads, step_back)?;
        let core = Core {
            cache: Cache::open(&options.cache, &engine),
            engine,
            compiler: options.compiler,
            site_key: options.site_key,
            slots,
            short,
            long,
        };
        Ok(Runtime { core: Arc::new(core) })
    }

    /// Where calls run. A task that is spawned here makes its calls without changing threads: one visit for a whole
    /// chain instead of one for each filter. It must do nothing else that takes time.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.core.short.handle()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Reads, compiles, links and checks one plugin.
    ///
    /// Blocks the calling thread: up to seconds for the compiler where the cache is empty, then at most 5 s for the
    /// plugin's own check. In async code call it from a blocking thread.
    ///
    /// # Errors
    /// One sentence that says what is wrong and, where it can, what would be right.
    pub fn load(&self, spec: PluginSpec, around: &Surroundings) -> Result<Arc<WasmPlugin>, LoadError> {
        load::load(&self.core, spec, around)
    }
}

impl Core {
    /// Whether the current thread is one of those that run plugins.
    pub(crate) fn is_here(&self) -> bool {
        HERE.get() == Arc::as_ptr(&self.slots).addr()
    }
}
