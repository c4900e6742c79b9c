//! An engine and the models that it has open.
//!
//! Separate from `models.rs`, which finds them by name: here is what happens to one run, from the plugin's tensors to
//! the engine's.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::calls::{Calls, EngineState, Lapse, Limits, on_thread};
use crate::digest::{Digest, Hasher};
use crate::library::Library;
use crate::port::{Port, admit};
use crate::raw::Handle;
use crate::sealed;
use crate::tensor::Tensor;
use crate::trouble::Trouble;

/// Bytes of a model's file.
const MOST_MODEL: u64 = 4 << 30;

/// A configured engine: a library, and how much of it may run at once.
#[derive(Debug)]
pub struct Engine {
    name: String,
    library: Library,
    calls: Arc<Calls>,
}

impl Engine {
    pub(crate) fn new(name: String, library: Library, limits: Limits) -> Engine {
        Engine {
            calls: Calls::new(name.clone(), limits),
            name,
            library,
        }
    }

    /// The operator's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is loaded, with its own name, version and digest.
    #[must_use]
    pub fn library(&self) -> Library {
        self.library
    }

    /// What is in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.calls.limits()
    }

    /// What its slots are doing.
    #[must_use]
    pub fn state(&self) -> EngineState {
        self.calls.state()
    }
}

/// A configured model, open in its engine.
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    engine: Arc<Engine>,
    opened: Arc<Opened>,
}

impl Model {
    pub(crate) fn new(name: String, engine: Arc<Engine>, opened: Arc<Opened>) -> Model {
        Model { name, engine, opened }
    }

    /// The operator's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What runs it.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The BLAKE3 digest of its file: which model it is, whatever its name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::Blake3(self.opened.digest)
    }

    /// What it wants.
    #[must_use]
    pub fn inputs(&self) -> &[Port] {
        &self.opened.inputs
    }

    /// What it gives.
    #[must_use]
    pub fn outputs(&self) -> &[Port] {
        &self.opened.outputs
    }

    pub(crate) fn opened(&self) -> &Arc<Opened> {
        &self.opened
    }

    /// Runs it. Dropping the future tells the engine to stop, and waits for nothing.
    ///
    /// # Errors
    /// See [`Trouble`]; never [`Trouble::NoSuchModel`].
    pub async fn run(&self, inputs: Vec<(String, Tensor)>) -> Result<Vec<(String, Tensor)>, Trouble> {
        admit(&self.opened.inputs, &inputs)?;
        let opened = Arc::clone(&self.opened);
        let work = move |stop: &AtomicU32| opened.run(&inputs, stop);
        match self.engine.calls.call(&self.name, work).await {
            Ok(outcome) => outcome,
            Err(lapse @ (Lapse::Busy(..) | Lapse::Crowded | Lapse::Lost(_) | Lapse::NoThread)) => {
                Err(Trouble::Busy(lapse.to_string()))
            }
            Err(lapse @ (Lapse::Overdue(_) | Lapse::Died)) => Err(Trouble::Failed(lapse.to_string())),
        }
    }
}

/// A file that an engine made a model of. Models of the same content in the same library share one.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Taken only when dropped.
    handle: Option<Handle>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    digest: [u8; 32],
    library: Library,
}

impl Opened {
    /// Opens a file, or finds that one of `others` is the same. It blocks, perhaps for minutes. The error is a sentence
    /// without its subject.
    pub(crate) fn open(
        library: Library,
        file: &Path,
        expected: Option<&Digest>,
        others: &[Arc<Opened>],
    ) -> Result<Arc<Opened>, String> {
        let bytes = read(file).map_err(|error| format!("cannot be read: {error}"))?;
        let mut hasher = Hasher::toward(expected);
        hasher.update(&bytes);
        let found = hasher.finish();
        if let Some(expected) = expected {
            found
                .compare(expected)
                .map_err(|found| format!("has the digest {found}; the configuration wants {expected}"))?;
        }
        let same = |other: &&Arc<Opened>| other.library == library && other.digest == found.blake3;
        if let Some(other) = others.iter().find(same) {
            return Ok(Arc::clone(other));
        }
        let refused = |why| format!("is refused by {}: {why}", library.name());
        let handle = library.functions().open(&bytes).map_err(refused)?;
        drop(bytes);
        let (inputs, outputs) = handle.ports().map_err(refused)?;
        Ok(Arc::new(Opened {
            handle: Some(handle),
            inputs,
            outputs,
            digest: found.blake3,
            library,
        }))
    }

    fn run(&self, inputs: &[(String, Tensor)], stop: &AtomicU32) -> Result<Vec<(String, Tensor)>, Trouble> {
        match &self.handle {
            Some(handle) => handle.run(inputs, &self.outputs, stop),
            None => Err(Trouble::NoSuchModel),
        }
    }
}

impl Drop for Opened {
    /// Closes the model on a thread of its own: it blocks, and the last to have it may be an async task.
    fn drop(&mut self) {
        let handle = self.handle.take();
        // Where no thread can be had, the closure is dropped, and so the model is closed here.
        let _ = on_thread(self.library.name(), move || drop(handle));
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, len) = sealed::open(path, MOST_MODEL)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(len).map_err(io::Error::other)?)?;
    let read = File::take(file, MOST_MODEL + 1).read_to_end(&mut bytes)?;
    if read as u64 > MOST_MODEL {
        return Err(sealed::too_large(MOST_MODEL));
    }
    Ok(bytes)
}
