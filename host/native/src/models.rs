//! The configured models, by name.
//!
//! Separate because it is what the host holds and swaps: a set of engines and models that was loaded as a whole. A new
//! set takes from the one before it what did not change, so that a reload neither reads gigabytes into memory twice nor
//! forgets which slots are lost.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::calls::{Limits, on_thread};
use crate::digest::Digest;
use crate::engine::{Engine, Model, Opened};
use crate::library::{Library, LibraryError};
use crate::tensor::Tensor;
use crate::trouble::Trouble;

/// For loading a library, and for opening a model: gigabytes are read and prepared.
const LONGEST: Duration = Duration::from_secs(600);

/// An engine of the configuration.
#[derive(Clone, Debug)]
pub struct EngineSpec {
    /// The operator's name for it.
    pub name: String,
    /// The shared library.
    pub source: PathBuf,
    /// Whether the configuration says so.
    pub trusted: bool,
    /// The library's.
    pub digest: Option<Digest>,
    /// How much of it may run at once.
    pub limits: Limits,
}

/// A model of the configuration.
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// The operator's name for it, which plugins use.
    pub name: String,
    /// The name of its engine.
    pub engine: String,
    /// What the engine opens.
    pub file: PathBuf,
    /// The file's, if the configuration gives one.
    pub digest: Option<Digest>,
}

/// Why a configuration's engines and models cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An engine's library is refused.
    #[error("engine {name}: {why}")]
    Engine {
        /// The operator's name.
        name: String,
        /// The reason.
        why: LibraryError,
    },
    /// A model names an engine that there is not.
    #[error("model {name} names the engine {engine}; there are: {}", known.join(", "))]
    NoSuchEngine {
        /// The operator's name.
        name: String,
        /// What it names.
        engine: String,
        /// What it could name.
        known: Vec<String>,
    },
    /// A model's file cannot be read, or its engine refuses it.
    #[error("model {name}: {} {why}", file.display())]
    Model {
        /// The operator's name.
        name: String,
        /// The file.
        file: PathBuf,
        /// What the file does, as the rest of a sentence.
        why: String,
    },
    /// Two have one name.
    #[error("two {what} have the name {name}")]
    Twice {
        /// Engines or models.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Native code did not return.
    #[error("{what} {name} was not loaded within {LONGEST:?}; the thread that loads it was left behind")]
    Overdue {
        /// Engine or model.
        what: &'static str,
        /// The operator's name.
        name: String,
    },
    /// The host cannot load anything now.
    #[error("{what} {name}: no thread could be started to load it: {source}")]
    NoThread {
        /// Engine or model.
        what: &'static str,
        /// The operator's name.
        name: String,
        /// The reason.
        source: io::Error,
    },
}

/// All engines and models of a configuration.
#[derive(Debug, Default)]
pub struct Models {
    engines: BTreeMap<String, Arc<Engine>>,
    models: BTreeMap<String, Model>,
}

impl Models {
    /// Loads the engines and opens the models. What is as it was in the set `before` is shared with it.
    ///
    /// # Errors
    /// The first that cannot be used. What was loaded for this set alone is closed; libraries stay loaded.
    pub async fn load(
        engines: &[EngineSpec],
        models: &[ModelSpec],
        before: Option<&Models>,
    ) -> Result<Models, LoadError> {
        let mut set = Models::default();
        for spec in engines {
            let engine = set.engine(spec, before).await?;
            if set.engines.insert(spec.name.clone(), engine).is_some() {
                return Err(LoadError::Twice {
                    what: "engines",
                    name: spec.name.clone(),
                });
            }
        }
        for spec in models {
            let model = set.open(spec, before).await?;
            if set.models.insert(spec.name.clone(), model).is_some() {
                return Err(LoadError::Twice {
                    what: "models",
                    name: spec.name.clone(),
                });
            }
        }
        Ok(set)
    }

    async fn engine(&self, spec: &EngineSpec, before: Option<&Models>) -> Result<Arc<Engine>, LoadError> {
        let wanted = spec.clone();
        let loading = move || Library::load(&wanted.source, wanted.trusted, wanted.digest.as_ref());
        let library = in_time("engine", &spec.name, loading)
            .await?
            .map_err(|why| LoadError::Engine {
                name: spec.name.clone(),
                why,
            })?;
        let known = before.and_then(|before| before.engines.get(&spec.name));
        Ok(match known {
            Some(known) if known.library() == library && known.limits() == spec.limits => Arc::clone(known),
            _ => Arc::new(Engine::new(spec.name.clone(), library, spec.limits)),
        })
    }

    async fn open(&self, spec: &ModelSpec, before: Option<&Models>) -> Result<Model, LoadError> {
        let engine = self.engines.get(&spec.engine).ok_or_else(|| LoadError::NoSuchEngine {
            name: spec.name.clone(),
            engine: spec.engine.clone(),
            known: self.engines.keys().cloned().collect(),
        })?;
        let sets = [Some(self), before];
        let others: Vec<Arc<Opened>> = sets
            .into_iter()
            .flatten()
            .flat_map(|set| set.models.values())
            .map(|model| Arc::clone(model.opened()))
            .collect();
        let (library, wanted) = (engine.library(), spec.clone());
        let opening = move || Opened::open(library, &wanted.file, wanted.digest.as_ref(), &others);
        let opened = in_time("model", &spec.name, opening)
            .await?
            .map_err(|why| LoadError::Model {
                name: spec.name.clone(),
                file: spec.file.clone(),
                why,
            })?;
        Ok(Model::new(spec.name.clone(), Arc::clone(engine), opened))
    }

    /// The engines, by name.
    pub fn engines(&self) -> impl Iterator<Item = &Arc<Engine>> {
        self.engines.values()
    }

    /// The models, by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// The model of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// Runs a model. Dropping the future tells the engine to stop, and waits for nothing.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn run(&self, model: &str, inputs: Vec<(String, Tensor)>) -> Result<Vec<(String, Tensor)>, Trouble> {
        let model = self.models.get(model).ok_or(Trouble::NoSuchModel)?;
        model.run(inputs).await
    }
}

/// Runs what may never return on a thread of its own.
async fn in_time<T: Send + 'static>(
    what: &'static str,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    let name = || name.to_owned();
    let answer = on_thread(&name(), work).map_err(|source| LoadError::NoThread {
        what,
        name: name(),
        source,
    })?;
    match tokio::time::timeout(LONGEST, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(LoadError::Overdue { what, name: name() }),
    }
}
