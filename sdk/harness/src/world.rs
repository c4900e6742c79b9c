//! What is around the plugin of a case: state in memory, servers that answer what the case says, jobs that nobody runs,
//! time that stands. What the plugin did to them is told in the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use isocenter_role::backing::{
    Backing, JobQueue, Listener, ModelTrouble, Models, Outbound, OutboundClient, OutboundRequest, OutboundResponse,
    OutboundTrouble, Random, StateEntry, StateStore, StateTrouble, Tensor, Time,
};

use crate::case::{Answer, Case, Fails};
use crate::chance::{Drawn, Stopped};

pub(crate) struct World {
    state: Mutex<BTreeMap<String, StateEntry>>,
    before: BTreeMap<String, String>,
    answers: Vec<Answer>,
    models: Vec<String>,
    /// `None`: the system's.
    time: Option<Arc<Stopped>>,
    random: Option<Arc<dyn Random>>,
    /// Requests, jobs, and what it logged and counted, a line each, in their order.
    did: Mutex<Vec<String>>,
    /// How often each of the answers was given.
    given: Mutex<Vec<u32>>,
}

pub(crate) fn backing(world: &Arc<World>) -> Backing {
    Backing {
        state: Some(world.clone()),
        outbound: Some(Arc::new(Net(world.clone()))),
        jobs: Some(world.clone()),
        models: Some(world.clone()),
        time: world.time.clone().map(|time| time as Arc<dyn Time>),
        random: world.random.clone(),
        listener: Some(world.clone()),
    }
}

/// Nothing in here panics with it held.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now<T: Send + 'static>(answer: T) -> BoxFuture<'static, T> {
    std::future::ready(answer).boxed()
}

impl World {
    pub(crate) fn new(case: &Case) -> World {
        let entry = |value: &String| StateEntry {
            value: value.clone().into_bytes(),
            version: 1,
        };
        World {
            state: Mutex::new(
                case.state
                    .iter()
                    .map(|(key, value)| (key.clone(), entry(value)))
                    .collect(),
            ),
            before: case.state.clone(),
            answers: case.http.clone(),
            models: case.models.clone(),
            time: Stopped::of(case.now),
            random: Drawn::of(case.random),
            did: Mutex::default(),
            given: Mutex::new(vec![0; case.http.len()]),
        }
    }

    /// What the plugin did, in lines.
    pub(crate) fn said(&self) -> String {
        let mut lines: Vec<String> = held(&self.did).clone();
        let state = held(&self.state);
        for (key, entry) in state.iter() {
            let value = String::from_utf8_lossy(&entry.value);
            if self.before.get(key).is_none_or(|before| *before != value) {
                lines.push(format!("state: {key} = {value}"));
            }
        }
        for key in self.before.keys().filter(|key| !state.contains_key(*key)) {
            lines.push(format!("state: {key} is gone"));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// Lets time pass that nobody waits for.
    pub(crate) fn wait(&self, pause: Duration) {
        if let Some(time) = &self.time {
            time.pass(pause);
        }
    }

    fn does(&self, line: String) {
        held(&self.did).push(line);
    }

    /// What the case has for a request: each of several answers once, in their order, and the last again and again.
    fn answer(&self, method: &str, url: &str) -> Option<Answer> {
        let mut given = held(&self.given);
        let mut fitting = None;
        for (answer, given) in self.answers.iter().zip(given.iter_mut()) {
            if answer.fits(method, url) {
                fitting = Some((answer, given));
                if fitting.as_ref().is_some_and(|(_, given)| **given == 0) {
                    break;
                }
            }
        }
        let (answer, given) = fitting?;
        *given += 1;
        Some(answer.clone())
    }
}

impl StateStore for World {
    fn get(&self, _plugin: String, key: String) -> BoxFuture<'_, Result<Option<StateEntry>, StateTrouble>> {
        now(Ok(held(&self.state).get(&key).cloned()))
    }

    fn put(
        &self,
        _plugin: String,
        key: String,
        value: Vec<u8>,
        expect: Option<u64>,
        _lifetime: Option<Duration>,
        quota: u64,
    ) -> BoxFuture<'_, Result<u64, StateTrouble>> {
        let mut state = held(&self.state);
        let found = state.get(&key).map_or(0, |entry| entry.version);
        if expect.is_some_and(|expect| expect != found) {
            return now(Err(StateTrouble::Conflict));
        }
        let others = state.iter().filter(|(other, _)| **other != key);
        let used: usize = others.map(|(key, entry)| key.len() + entry.value.len()).sum();
        if (used + key.len() + value.len()) as u64 > quota {
            return now(Err(StateTrouble::OverQuota));
        }
        let version = found + 1;
        state.insert(key, StateEntry { value, version });
        now(Ok(version))
    }

    fn delete(&self, _plugin: String, key: String) -> BoxFuture<'_, Result<(), StateTrouble>> {
        held(&self.state).remove(&key);
        now(Ok(()))
    }

    fn keys(
        &self,
        _plugin: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StateTrouble>> {
        let state = held(&self.state);
        let keys = state.keys().filter(|key| key.starts_with(&prefix)).cloned();
        let keys = keys.filter(|key| after.as_ref().is_none_or(|after| key > after));
        now(Ok(keys.take(limit as usize).collect()))
    }
}

struct Net(Arc<World>);

impl Outbound for Net {
    fn client(&self, _plugin: &str, _grant: &[String]) -> Result<Arc<dyn OutboundClient>, String> {
        Ok(Arc::new(Net(Arc::clone(&self.0))))
    }
}

impl OutboundClient for Net {
    fn send(&self, request: OutboundRequest) -> BoxFuture<'_, Result<Box<dyn OutboundResponse>, OutboundTrouble>> {
        let mut line = format!("http: {} {}", request.method, request.url);
        for (name, value, secret) in &request.headers {
            let value = if *secret { "(a secret)" } else { value.as_str() };
            line.push_str(&format!("\n  {name}: {value}"));
        }
        if !request.body.is_empty() {
            line.push_str(&format!("\n  {}", String::from_utf8_lossy(&request.body)));
        }
        self.0.does(line);
        now(match self.0.answer(&request.method, &request.url) {
            Some(Answer {
                fails: Some(Fails::Timeout),
                ..
            }) => Err(OutboundTrouble::Timeout),
            Some(Answer {
                fails: Some(Fails::Connect),
                ..
            }) => Err(OutboundTrouble::Connect("the case says so".to_owned())),
            Some(answer) => Ok(Box::new(Canned {
                headers: answer.headers.into_iter().collect(),
                status: answer.status,
                body: answer.body,
            }) as _),
            None => Err(OutboundTrouble::Connect(format!(
                "the case has no answer for {} ([[http]] in case.toml)",
                request.url
            ))),
        })
    }
}

struct Canned {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl OutboundResponse for Canned {
    fn status(&self) -> u16 {
        self.status
    }

    fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    fn read(&mut self, limit: u32) -> BoxFuture<'_, Result<Bytes, OutboundTrouble>> {
        let mut at = self.body.len().min(limit as usize);
        while !self.body.is_char_boundary(at) {
            at -= 1;
        }
        let rest = self.body.split_off(at);
        now(Ok(std::mem::replace(&mut self.body, rest).into()))
    }
}

impl Listener for World {
    fn logged(&self, level: &'static str, message: &str, attributes: &str) {
        let between = if attributes.is_empty() { "" } else { " " };
        self.does(format!("log: {level}: {message}{between}{attributes}"));
    }

    fn counted(&self, name: &str, by: u64) {
        self.does(format!("count: {name} +{by}"));
    }

    fn observed(&self, name: &str, value: f64) {
        self.does(format!("observe: {name} = {value}"));
    }
}

impl JobQueue for World {
    fn enqueue(
        &self,
        _plugin: String,
        queue: String,
        payload: Vec<u8>,
        key: Option<String>,
        delay: Duration,
    ) -> BoxFuture<'_, Result<u64, String>> {
        let mut line = format!("job: {queue}");
        if let Some(key) = key {
            line.push_str(&format!(" key={key}"));
        }
        if !delay.is_zero() {
            line.push_str(&format!(" in {} s", delay.as_secs()));
        }
        line.push_str(&format!(": {}", String::from_utf8_lossy(&payload)));
        self.does(line);
        now(Ok(held(&self.did).len() as u64))
    }
}

impl Models for World {
    fn has(&self, model: &str) -> bool {
        self.models.iter().any(|known| known == model)
    }

    fn run(
        &self,
        model: String,
        inputs: Vec<(String, Tensor)>,
    ) -> BoxFuture<'_, Result<Vec<(String, Tensor)>, ModelTrouble>> {
        let Some((name, tensor)) = inputs.into_iter().next() else {
            return now(Err(ModelTrouble::BadShape("there is no input".into())));
        };
        self.does(format!("model: {model}({name} {:?})", tensor.shape));
        now(Ok(vec![("mask".into(), tensor)]))
    }
}
