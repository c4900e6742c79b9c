//! What is behind the capabilities of plugins: the archive's state, the outbound client.
//!
//! Separate because it is glue between crates that do not know each other. All of it runs on the host's own runtime: a
//! connection that was opened on the threads of plugins would end with them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use isocenter_archive::Archive;
use isocenter_archive::index::{self, Index};
use isocenter_outbound as outbound;
use isocenter_role::backing::{
    self, Backing, Element, JobQueue, ModelTrouble, Outbound, OutboundClient, OutboundRequest, OutboundResponse,
    OutboundTrouble, StateEntry, StateStore, StateTrouble, Tensor,
};
use tokio::runtime::Handle;

use crate::config::Config;

/// Runs work on the host's runtime and waits for it; dropping the future ends the work.
async fn on_host<T: Send + 'static>(
    host: &Handle,
    gone: impl FnOnce(String) -> T,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut task = tokio_util::task::AbortOnDropHandle::new(host.spawn(work));
    match (&mut task).await {
        Ok(done) => done,
        Err(error) => gone(error.to_string()),
    }
}

/// What a running host gives its plugins.
///
/// # Errors
/// One sentence.
pub fn of(config: &Config, archive: &Archive) -> Result<Backing, String> {
    let host = Handle::current();
    Ok(Backing {
        state: Some(Arc::new(State::new(archive.index().clone(), host.clone()))),
        jobs: Some(Arc::new(Jobs {
            index: archive.index().clone(),
            host: host.clone(),
        })),
        outbound: Some(Arc::new(Http::new(outbound_of(config)?, host))),
        ..Backing::default()
    })
}

/// The same where no database is open: grants are checked, and what would need the database is not available.
///
/// # Errors
/// One sentence.
pub fn of_nothing(config: &Config) -> Result<Backing, String> {
    Ok(Backing {
        state: Some(Arc::new(Nothing)),
        outbound: Some(Arc::new(Http::new(outbound_of(config)?, Handle::current()))),
        jobs: Some(Arc::new(Nothing)),
        ..Backing::default()
    })
}

fn outbound_of(config: &Config) -> Result<outbound::Outbound, String> {
    let options = outbound::Options {
        ca: config.outbound.ca.clone(),
        ..outbound::Options::default()
    };
    outbound::Outbound::new(options).map_err(|error| format!("requests of plugins: {error}"))
}

/// Stands where there is no database.
struct Nothing;

fn nothing<T: Send + 'static>() -> BoxFuture<'static, Result<T, StateTrouble>> {
    let why = "there is no database in this run".to_owned();
    Box::pin(std::future::ready(Err(StateTrouble::Unavailable(why))))
}

impl StateStore for Nothing {
    fn get(&self, _plugin: String, _key: String) -> BoxFuture<'_, Result<Option<StateEntry>, StateTrouble>> {
        nothing()
    }

    fn put(
        &self,
        _plugin: String,
        _key: String,
        _value: Vec<u8>,
        _expect: Option<u64>,
        _lifetime: Option<Duration>,
        _quota: u64,
    ) -> BoxFuture<'_, Result<u64, StateTrouble>> {
        nothing()
    }

    fn delete(&self, _plugin: String, _key: String) -> BoxFuture<'_, Result<(), StateTrouble>> {
        nothing()
    }

    fn keys(
        &self,
        _plugin: String,
        _prefix: String,
        _after: Option<String>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StateTrouble>> {
        nothing()
    }
}

impl JobQueue for Nothing {
    fn enqueue(
        &self,
        _plugin: String,
        _queue: String,
        _payload: Vec<u8>,
        _key: Option<String>,
        _delay: Duration,
    ) -> BoxFuture<'_, Result<u64, String>> {
        Box::pin(std::future::ready(Err("there is no database in this run".to_owned())))
    }
}

/// Jobs of plugins, in the queue of the index.
struct Jobs {
    index: Index,
    host: Handle,
}

impl JobQueue for Jobs {
    fn enqueue(
        &self,
        plugin: String,
        queue: String,
        payload: Vec<u8>,
        key: Option<String>,
        delay: Duration,
    ) -> BoxFuture<'_, Result<u64, String>> {
        let index = self.index.clone();
        let work = async move {
            let job = index::NewJob::Plugin {
                plugin,
                queue,
                payload,
                key,
                delay,
            };
            match index.enqueue(&[job.alone()]).await {
                Ok(ids) => Ok(ids.first().map_or(0, |id| id.unsigned_abs())),
                Err(error @ (index::IndexError::QueueFull { .. } | index::IndexError::TooLong { .. })) => {
                    Err(error.to_string())
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a plugin's job is not enqueued"
                    );
                    Err("the database does not answer".to_owned())
                }
            }
        };
        Box::pin(on_host(&self.host, Err, work))
    }
}

/// Models of the configuration, for plugins.
pub struct Inference {
    models: Arc<isocenter_native::Models>,
    host: Handle,
}

impl Inference {
    pub fn new(models: Arc<isocenter_native::Models>) -> Inference {
        Inference {
            models,
            host: Handle::current(),
        }
    }
}

fn to_native(tensor: Tensor) -> Result<isocenter_native::Tensor, isocenter_native::Trouble> {
    let element = match tensor.element {
        Element::Uint8 => isocenter_native::Element::UInt8,
        Element::Int16 => isocenter_native::Element::Int16,
        Element::Float16 => isocenter_native::Element::Float16,
        Element::Float32 => isocenter_native::Element::Float32,
        Element::Int64 => isocenter_native::Element::Int64,
    };
    isocenter_native::Tensor::new(element, tensor.shape, tensor.data)
}

fn from_native(tensor: &isocenter_native::Tensor) -> Tensor {
    Tensor {
        element: match tensor.element() {
            isocenter_native::Element::UInt8 => Element::Uint8,
            isocenter_native::Element::Int16 => Element::Int16,
            isocenter_native::Element::Float16 => Element::Float16,
            isocenter_native::Element::Float32 => Element::Float32,
            isocenter_native::Element::Int64 => Element::Int64,
        },
        shape: tensor.shape().to_vec(),
        data: tensor.data().clone(),
    }
}

fn model_trouble(trouble: isocenter_native::Trouble) -> ModelTrouble {
    match trouble {
        isocenter_native::Trouble::NoSuchModel => ModelTrouble::NoSuchModel,
        isocenter_native::Trouble::BadShape(why) => ModelTrouble::BadShape(why),
        isocenter_native::Trouble::OutOfMemory => ModelTrouble::OutOfMemory,
        isocenter_native::Trouble::Busy(why) | isocenter_native::Trouble::Failed(why) => ModelTrouble::Failed(why),
    }
}

impl backing::Models for Inference {
    fn has(&self, model: &str) -> bool {
        self.models.get(model).is_some()
    }

    fn run(
        &self,
        model: String,
        inputs: Vec<(String, Tensor)>,
    ) -> BoxFuture<'_, Result<Vec<(String, Tensor)>, ModelTrouble>> {
        let models = Arc::clone(&self.models);
        let work = async move {
            let inputs = inputs
                .into_iter()
                .map(|(name, tensor)| Ok((name, to_native(tensor)?)))
                .collect::<Result<Vec<_>, _>>()
                .map_err(model_trouble)?;
            let outputs = models.run(&model, inputs).await.map_err(model_trouble)?;
            Ok(outputs
                .iter()
                .map(|(name, tensor)| (name.clone(), from_native(tensor)))
                .collect())
        };
        Box::pin(on_host(&self.host, |why| Err(ModelTrouble::Failed(why)), work))
    }
}

/// State of plugins, in the index.
pub struct State {
    index: Index,
    host: Handle,
}

impl State {
    pub fn new(index: Index, host: Handle) -> State {
        State { index, host }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StateTrouble>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StateTrouble>> {
        Box::pin(on_host(&self.host, |why| Err(StateTrouble::Unavailable(why)), work))
    }
}

fn unavailable(error: index::IndexError) -> StateTrouble {
    // What the database says may hold a value.
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "the state of a plugin is not available"
    );
    StateTrouble::Unavailable("the database does not answer".to_owned())
}

impl StateStore for State {
    fn get(&self, plugin: String, key: String) -> BoxFuture<'_, Result<Option<StateEntry>, StateTrouble>> {
        let index = self.index.clone();
        self.run(async move {
            let found = index.state_get(&plugin, &key).await.map_err(unavailable)?;
            Ok(found.map(|entry| StateEntry {
                value: entry.value,
                version: entry.version,
            }))
        })
    }

    fn put(
        &self,
        plugin: String,
        key: String,
        value: Vec<u8>,
        expect: Option<u64>,
        lifetime: Option<Duration>,
        quota: u64,
    ) -> BoxFuture<'_, Result<u64, StateTrouble>> {
        let index = self.index.clone();
        self.run(async move {
            let put = index.state_put(&plugin, &key, &value, expect, lifetime, quota).await;
            put.map_err(|trouble| match trouble {
                index::StateTrouble::Conflict => StateTrouble::Conflict,
                index::StateTrouble::OverQuota { .. } | index::StateTrouble::TooLong { .. } => StateTrouble::OverQuota,
                index::StateTrouble::Index(error) => unavailable(error),
            })
        })
    }

    fn delete(&self, plugin: String, key: String) -> BoxFuture<'_, Result<(), StateTrouble>> {
        let index = self.index.clone();
        self.run(async move {
            let deleted = index.state_delete(&plugin, &key).await;
            deleted.map(|_| ()).map_err(unavailable)
        })
    }

    fn keys(
        &self,
        plugin: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StateTrouble>> {
        let index = self.index.clone();
        self.run(async move {
            let keys = index.state_keys(&plugin, &prefix, after.as_deref(), limit).await;
            keys.map_err(unavailable)
        })
    }
}

/// HTTP of plugins.
pub struct Http {
    outbound: outbound::Outbound,
    host: Handle,
}

impl Http {
    pub fn new(outbound: outbound::Outbound, host: Handle) -> Http {
        Http { outbound, host }
    }
}

impl Outbound for Http {
    fn client(&self, _plugin: &str, grant: &[String]) -> Result<Arc<dyn OutboundClient>, String> {
        let grant = outbound::Grant::parse(grant).map_err(|error| error.to_string())?;
        Ok(Arc::new(Client {
            client: self.outbound.client(grant),
            host: self.host.clone(),
        }))
    }
}

struct Client {
    client: outbound::Client,
    host: Handle,
}

fn trouble(trouble: outbound::Trouble) -> OutboundTrouble {
    match trouble {
        outbound::Trouble::Denied(why) => OutboundTrouble::Denied(why),
        outbound::Trouble::Timeout => OutboundTrouble::Timeout,
        outbound::Trouble::TooLarge => OutboundTrouble::TooLarge,
        outbound::Trouble::Connect(why) => OutboundTrouble::Connect(why),
        outbound::Trouble::Protocol(why) => OutboundTrouble::Protocol(why),
    }
}

impl OutboundClient for Client {
    fn send(&self, request: OutboundRequest) -> BoxFuture<'_, Result<Box<dyn OutboundResponse>, OutboundTrouble>> {
        if request.dry && !matches!(request.method.as_str(), "GET" | "HEAD") {
            // The method is in the guest's words.
            let why = "a dry run sends nothing but GET and HEAD".to_owned();
            return Box::pin(std::future::ready(Err(OutboundTrouble::Denied(why))));
        }
        let client = self.client.clone();
        let host = self.host.clone();
        let work = async move {
            let mut sent = outbound::Request::new(request.method, request.url);
            sent.headers = request
                .headers
                .into_iter()
                .map(|(name, value, secret)| {
                    if secret {
                        outbound::Header::secret(name, value)
                    } else {
                        outbound::Header::new(name, value)
                    }
                })
                .collect();
            sent.body = Bytes::from(request.body);
            sent.timeout = Some(request.timeout);
            let response = client.send(sent).await.map_err(trouble)?;
            let headers = response
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                })
                .collect();
            Ok(Box::new(Response {
                status: response.status(),
                headers,
                response: Some(response),
                host,
            }) as Box<dyn OutboundResponse>)
        };
        Box::pin(on_host(&self.host, |why| Err(OutboundTrouble::Connect(why)), work))
    }
}

struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    /// Away while it is read.
    response: Option<outbound::Response>,
    host: Handle,
}

impl OutboundResponse for Response {
    fn status(&self) -> u16 {
        self.status
    }

    fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    fn read(&mut self, limit: u32) -> BoxFuture<'_, Result<Bytes, OutboundTrouble>> {
        Box::pin(async move {
            let Some(mut response) = self.response.take() else {
                return Err(OutboundTrouble::Protocol("the answer was given up".to_owned()));
            };
            let host = self.host.clone();
            let work = async move {
                let read = response.read(limit as usize).await;
                (read.map_err(trouble), Some(response))
            };
            let gone = |why| (Err(OutboundTrouble::Connect(why)), None);
            let (read, response) = on_host(&host, gone, work).await;
            self.response = response;
            read
        })
    }
}
