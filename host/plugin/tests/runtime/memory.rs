//! What the tests put behind the capabilities, in memory: state, servers, queues, models, a study, an archive.
//!
//! Separate because it is the host's side of a test; it keeps what plugins did, to be looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use isocenter_dicom::header::Header;
use isocenter_dicom::tags;
use isocenter_role::backing::{
    Backing, JobQueue, ModelTrouble, Models, Outbound, OutboundClient, OutboundRequest, OutboundResponse,
    OutboundTrouble, StateEntry, StateStore, StateTrouble, Tensor,
};
use isocenter_role::{Form, Frame, FrameTrouble, Frames, Member, OpenObject, RequestBody, Study, Visible};

/// Queue, payload and key.
pub(crate) type Job = (String, Vec<u8>, Option<String>);

/// Everything that plugins reach, and what they did.
#[derive(Default)]
pub(crate) struct Memory {
    state: Mutex<BTreeMap<(String, String), StateEntry>>,
    /// Requests that were sent.
    pub(crate) sent: Mutex<Vec<OutboundRequest>>,
    /// Jobs that were left.
    pub(crate) jobs: Mutex<Vec<Job>>,
}

impl Memory {
    /// As the runtime wants it.
    pub(crate) fn backing(self: &Arc<Memory>) -> Backing {
        Backing {
            state: Some(self.clone()),
            outbound: Some(Arc::new(Net(self.clone()))),
            jobs: Some(self.clone()),
            models: Some(self.clone()),
            ..Backing::default()
        }
    }
}

/// Done already.
fn now<T: Send + 'static>(answer: T) -> BoxFuture<'static, T> {
    std::future::ready(answer).boxed()
}

impl StateStore for Memory {
    fn get(&self, plugin: String, key: String) -> BoxFuture<'_, Result<Option<StateEntry>, StateTrouble>> {
        now(Ok(self.state.lock().unwrap().get(&(plugin, key)).cloned()))
    }

    fn put(
        &self,
        plugin: String,
        key: String,
        value: Vec<u8>,
        expect: Option<u64>,
        _lifetime: Option<Duration>,
        quota: u64,
    ) -> BoxFuture<'_, Result<u64, StateTrouble>> {
        let mut state = self.state.lock().unwrap();
        let found = state
            .get(&(plugin.clone(), key.clone()))
            .map_or(0, |entry| entry.version);
        if expect.is_some_and(|expect| expect != found) {
            return now(Err(StateTrouble::Conflict));
        }
        let used: usize = state
            .iter()
            .filter(|((of, other), _)| *of == plugin && *other != key)
            .map(|((_, key), entry)| key.len() + entry.value.len())
            .sum();
        if (used + key.len() + value.len()) as u64 > quota {
            return now(Err(StateTrouble::OverQuota));
        }
        let version = found + 1;
        state.insert((plugin, key), StateEntry { value, version });
        now(Ok(version))
    }

    fn delete(&self, plugin: String, key: String) -> BoxFuture<'_, Result<(), StateTrouble>> {
        self.state.lock().unwrap().remove(&(plugin, key));
        now(Ok(()))
    }

    fn keys(
        &self,
        plugin: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StateTrouble>> {
        let state = self.state.lock().unwrap();
        let keys = state
            .keys()
            .filter(|(of, key)| *of == plugin && key.starts_with(&prefix))
            .map(|(_, key)| key.clone())
            .filter(|key| after.as_ref().is_none_or(|after| key > after));
        now(Ok(keys.take(limit as usize).collect()))
    }
}

/// Servers: `/slow` never answers, `/status/N` answers so, all else is fine.
struct Net(Arc<Memory>);

impl Outbound for Net {
    fn client(&self, _plugin: &str, _grant: &[String]) -> Result<Arc<dyn OutboundClient>, String> {
        Ok(Arc::new(Net(self.0.clone())))
    }
}

impl OutboundClient for Net {
    fn send(&self, request: OutboundRequest) -> BoxFuture<'_, Result<Box<dyn OutboundResponse>, OutboundTrouble>> {
        if request.url.ends_with("/slow") {
            return std::future::pending().boxed();
        }
        let status = request
            .url
            .rsplit_once("/status/")
            .and_then(|(_, status)| status.parse().ok());
        self.0.sent.lock().unwrap().push(request);
        now(Ok(Box::new(Pong {
            status: status.unwrap_or(200),
            body: Bytes::from_static(b"pong"),
        })))
    }
}

struct Pong {
    status: u16,
    body: Bytes,
}

impl OutboundResponse for Pong {
    fn status(&self) -> u16 {
        self.status
    }

    fn headers(&self) -> &[(String, String)] {
        &[]
    }

    fn read(&mut self, _limit: u32) -> BoxFuture<'_, Result<Bytes, OutboundTrouble>> {
        now(Ok(std::mem::take(&mut self.body)))
    }
}

impl JobQueue for Memory {
    fn enqueue(
        &self,
        _plugin: String,
        queue: String,
        payload: Vec<u8>,
        key: Option<String>,
        _delay: Duration,
    ) -> BoxFuture<'_, Result<u64, String>> {
        let mut jobs = self.jobs.lock().unwrap();
        let waits = jobs
            .iter()
            .position(|(of, _, waiting)| key.is_some() && *of == queue && *waiting == key);
        let number = waits.unwrap_or_else(|| {
            jobs.push((queue, payload, key));
            jobs.len() - 1
        });
        now(Ok(number as u64 + 1))
    }
}

/// One model, `same`: `image` comes out as `mask`.
impl Models for Memory {
    fn has(&self, model: &str) -> bool {
        model == "same"
    }

    fn run(
        &self,
        _model: String,
        inputs: Vec<(String, Tensor)>,
    ) -> BoxFuture<'_, Result<Vec<(String, Tensor)>, ModelTrouble>> {
        let image = inputs.into_iter().find(|(name, _)| name == "image");
        let image = image.ok_or_else(|| ModelTrouble::BadShape("there is no input `image`".into()));
        now(image.map(|(_, tensor)| vec![("mask".into(), tensor)]))
    }
}

/// Gray frames of 8 bits.
pub(crate) struct Gray {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl Frames for Gray {
    fn count(&self) -> u32 {
        self.frames.len() as u32
    }

    fn open(&self, index: u32, _form: Form) -> BoxFuture<'_, Result<Frame, FrameTrouble>> {
        let frame = self.frames.get(index as usize).cloned();
        now(frame.ok_or(FrameTrouble::NoSuchFrame).map(|bytes| Frame {
            rows: self.rows,
            columns: self.columns,
            samples: 1,
            bits_allocated: 8,
            signed: false,
            bytes: bytes.into(),
        }))
    }
}

/// A study of these headers; its volume is 0, 1, 2, 3.
pub(crate) struct Headers {
    uid: String,
    members: Vec<Member>,
    headers: Vec<Arc<Header>>,
}

impl Headers {
    pub(crate) fn of(uid: &str, headers: Vec<Arc<Header>>) -> Arc<Headers> {
        let member = |header: &Arc<Header>| Member {
            series: header.first(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
            object: header.first(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        };
        Arc::new(Headers {
            uid: uid.to_owned(),
            members: headers.iter().map(member).collect(),
            headers,
        })
    }
}

impl Study for Headers {
    fn uid(&self) -> &str {
        &self.uid
    }

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn open(&self, position: usize) -> BoxFuture<'_, Result<Option<OpenObject>, String>> {
        now(Ok(self.headers.get(position).cloned().map(OpenObject::header)))
    }

    fn volume(&self, _series: String) -> BoxFuture<'_, Result<(Vec<u32>, Vec<f32>), String>> {
        now(Ok((vec![1, 2, 2], vec![0.0, 1.0, 2.0, 3.0])))
    }
}

/// An archive of one study.
pub(crate) struct Archive(pub(crate) Arc<Headers>);

impl Visible for Archive {
    fn open(&self, object: String) -> BoxFuture<'_, Result<Option<OpenObject>, String>> {
        let at = self.0.members.iter().position(|member| member.object == object);
        let header = at.and_then(|at| self.0.headers.get(at).cloned());
        now(Ok(header.map(OpenObject::header)))
    }

    fn open_study(&self, study: String) -> BoxFuture<'_, Result<Option<Arc<dyn Study>>, String>> {
        let found: Option<Arc<dyn Study>> = (study == self.0.uid).then(|| self.0.clone() as _);
        now(Ok(found))
    }

    fn search(&self, query: String) -> BoxFuture<'_, Result<String, String>> {
        if query.starts_with("studies") {
            let found = r#"[{"00080020": {"vr": "DA", "Value": ["20240102"]}}]"#;
            return now(Ok(found.into()));
        }
        now(Err(format!("`{query}` is no resource")))
    }
}

/// A request without a body.
pub(crate) struct NoBody;

impl RequestBody for NoBody {
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, String>> {
        now(Ok(Bytes::new()))
    }
}
