//! The contract's imports as the wrappers call them, over the fakes.

use super::host::current;

/// The bytes that a read answers: at most 1 MiB, shorter at the end, none past it.
pub(crate) fn part(bytes: &[u8], offset: u64, len: u32) -> Vec<u8> {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
    let rest = rest.unwrap_or_default();
    let len = rest.len().min(len as usize).min(1 << 20);
    rest.get(..len).unwrap_or_default().to_vec()
}

pub(crate) mod objects {
    pub(crate) use crate::fake::Object;
}

pub(crate) mod edits {
    pub(crate) use crate::fake::Edits;
}

pub(crate) mod passage {
    pub(crate) use crate::fake::Passage;
}

pub(crate) mod studies {
    pub(crate) use crate::fake::Study;
}

pub(crate) mod drafts {
    pub(crate) use crate::fake::Draft;
}

pub(crate) mod results {
    pub(crate) use crate::fake::Results;
}

pub(crate) mod evidence {
    pub(crate) use crate::fake::{Access, Association, Credentials};
}

pub(crate) mod exchange {
    pub(crate) use crate::fake::{Request, Response};
}

pub(crate) mod plan {
    pub(crate) use crate::fake::Plan;

    pub(crate) fn destinations() -> Vec<String> {
        super::current().destinations.borrow().clone()
    }
}

pub(crate) mod pixels {
    use crate::bindings::imports::isocenter::dicom::pixels::{Form, Trouble};
    pub(crate) use crate::fake::Frame;
    use crate::fake::Object;

    pub(crate) fn frames(of: &Object) -> u32 {
        of.frame_count()
    }

    pub(crate) fn open(of: &Object, index: u32, form: Form) -> Result<Frame, Trouble> {
        of.open_frame(index, form)
    }
}

pub(crate) mod config {
    pub(crate) fn get() -> String {
        super::current().config.borrow().clone().unwrap_or_else(|| "{}".into())
    }
}

pub(crate) mod log {
    use crate::fake::Line;
    use crate::host::Level;

    pub(crate) fn enabled(_level: Level) -> bool {
        true
    }

    pub(crate) fn write(level: Level, message: &str, fields: &[(String, String)]) {
        eprintln!("{level:?}: {message}");
        super::current().lines.borrow_mut().push(Line {
            level,
            message: message.to_owned(),
            fields: fields.to_vec(),
        });
    }
}

pub(crate) mod metrics {
    pub(crate) fn count(name: &str, by: u64) {
        *super::current().counts.borrow_mut().entry(name.to_owned()).or_default() += by;
    }

    pub(crate) fn observe(name: &str, value: f64) {
        let host = super::current();
        host.observed
            .borrow_mut()
            .entry(name.to_owned())
            .or_default()
            .push(value);
    }
}

pub(crate) mod clock {
    pub(crate) fn unix_millis() -> u64 {
        super::current().millis.get()
    }

    pub(crate) fn monotonic_nanos() -> u64 {
        super::current().millis.get() * 1_000_000
    }
}

pub(crate) mod random {
    use sha2::{Digest as _, Sha256};

    /// The next bytes of a stream: digests of a seed and a counter.
    pub(crate) fn bytes(len: u32) -> Vec<u8> {
        let host = super::current();
        let mut bytes = Vec::new();
        while bytes.len() < len as usize {
            let drawn = host.drawn.get();
            host.drawn.set(drawn + 1);
            let digest = Sha256::new().chain_update(host.seed.get().to_le_bytes());
            bytes.extend(digest.chain_update(drawn.to_le_bytes()).finalize());
        }
        bytes.truncate(len as usize);
        bytes
    }
}

pub(crate) mod secrets {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use crate::fake::KEY;

    pub(super) fn key(name: &str) -> Result<Vec<u8>, String> {
        let host = super::current();
        let secrets = host.secrets.borrow();
        match secrets.get(name) {
            Some(key) => Ok(key.clone()),
            None if secrets.is_empty() => Ok(KEY.to_vec()),
            None => Err(format!("the secret `{name}` is not granted")),
        }
    }

    pub(crate) fn hmac_sha256(secret: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).map_err(|error| error.to_string())?;
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

pub(crate) mod state {
    use crate::bindings::imports::isocenter::host::state::{Entry, Trouble};

    /// Of the contract.
    const LONGEST_KEY: usize = 512;
    const LARGEST_VALUE: usize = 64 * 1024;

    pub(crate) fn get(key: &str) -> Result<Option<Entry>, Trouble> {
        let host = super::current();
        let state = host.state.borrow();
        let live = |ends: Option<u64>| ends.is_none_or(|ends| host.millis.get() < ends);
        Ok(state
            .get(key)
            .filter(|(_, _, ends)| live(*ends))
            .map(|(value, version, _)| Entry {
                value: value.clone(),
                version: *version,
            }))
    }

    pub(crate) fn put(key: &str, value: &[u8], expect: Option<u64>, ttl_seconds: Option<u32>) -> Result<u64, Trouble> {
        if key.len() > LONGEST_KEY || value.len() > LARGEST_VALUE {
            return Err(Trouble::OverQuota);
        }
        let host = super::current();
        let found = get(key)?.map_or(0, |entry| entry.version);
        if let Some(expected) = expect {
            let others = host.conflicts.get();
            host.conflicts.set(others.saturating_sub(1));
            if others > 0 || expected != found {
                return Err(Trouble::Conflict);
            }
        }
        let version = host.version.get() + 1;
        host.version.set(version);
        let ends = ttl_seconds.map(|seconds| host.millis.get() + 1000 * u64::from(seconds));
        host.state
            .borrow_mut()
            .insert(key.to_owned(), (value.to_vec(), version, ends));
        Ok(version)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the contract has it")]
    pub(crate) fn delete(key: &str) -> Result<(), Trouble> {
        super::current().state.borrow_mut().remove(key);
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the contract has it")]
    pub(crate) fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Trouble> {
        let host = super::current();
        let state = host.state.borrow();
        let keys = state
            .keys()
            .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(keys.take(limit.min(1000) as usize).cloned().collect())
    }
}

pub(crate) mod http {
    use std::cell::Cell;

    use crate::bindings::imports::isocenter::host::http::Trouble;
    use crate::fake::Sent;

    pub(crate) struct Request(Sent);

    impl Request {
        pub(crate) fn new(method: &str, url: &str) -> Request {
            Request(Sent {
                method: method.to_owned(),
                url: url.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
                timeout_millis: 10_000,
            })
        }

        pub(crate) fn header(&mut self, name: &str, value: &str) {
            self.0.headers.push((name.to_owned(), value.to_owned()));
        }

        pub(crate) fn header_from_secret(&mut self, name: &str, prefix: &str, secret: &str) -> Result<(), String> {
            super::secrets::key(secret)?;
            self.header(name, &format!("{prefix}<secret {secret}>"));
            Ok(())
        }

        pub(crate) fn timeout_millis(&mut self, limit: u32) {
            self.0.timeout_millis = limit;
        }

        pub(crate) fn body(&mut self, bytes: &[u8]) {
            self.0.body = bytes.to_vec();
        }
    }

    pub(crate) struct Response {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        read: Cell<usize>,
    }

    impl Response {
        pub(crate) fn status(&self) -> u16 {
            self.status
        }

        pub(crate) fn header(&self, name: &str) -> Option<String> {
            let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        }

        #[expect(clippy::unnecessary_wraps, reason = "as the contract has it")]
        pub(crate) fn read(&self, limit: u32) -> Result<Vec<u8>, Trouble> {
            let piece = super::part(&self.body, self.read.get() as u64, limit);
            self.read.set(self.read.get() + piece.len());
            Ok(piece)
        }
    }

    pub(crate) fn send(request: Request) -> Result<Response, Trouble> {
        let host = super::current();
        let answer = host.http.borrow().clone();
        host.sent.borrow_mut().push(request.0.clone());
        let answer = answer.ok_or_else(|| Trouble::Denied("the test has no server".into()))?;
        let (status, headers, body) = answer(&request.0)?;
        Ok(Response {
            status,
            headers,
            body,
            read: Cell::new(0),
        })
    }
}

pub(crate) mod jobs {
    use crate::fake::Job;

    /// Of the contract.
    const LARGEST_PAYLOAD: usize = 64 * 1024;

    pub(crate) fn enqueue(queue: &str, payload: &[u8], key: Option<&str>, delay_seconds: u32) -> Result<u64, String> {
        let host = super::current();
        let granted = host.queues.borrow();
        if granted
            .as_ref()
            .is_some_and(|queues| !queues.iter().any(|name| name == queue))
        {
            return Err(format!("the queue `{queue}` is not granted"));
        }
        if payload.len() > LARGEST_PAYLOAD {
            return Err("the payload is larger than 64 KiB".into());
        }
        let mut jobs = host.jobs.borrow_mut();
        let waits = |job: &Job| key.is_some() && job.queue == queue && job.key.as_deref() == key;
        let at = jobs.iter().position(waits).unwrap_or_else(|| {
            jobs.push(Job {
                queue: queue.to_owned(),
                payload: payload.to_vec(),
                key: key.map(str::to_owned),
                delay_seconds,
            });
            jobs.len() - 1
        });
        Ok(at as u64 + 1)
    }
}

pub(crate) mod models {
    use crate::bindings::imports::isocenter::inference::models::Trouble;
    pub(crate) use crate::fake::Numbers as Tensor;
    use crate::fake::host::Outputs;

    pub(crate) fn run(model: &str, inputs: &[(String, &Tensor)]) -> Outputs {
        let run = super::current().models.borrow().get(model).cloned();
        let run = run.ok_or(Trouble::NoSuchModel)?;
        run(&inputs
            .iter()
            .map(|(name, tensor)| (name.clone(), (*tensor).clone()))
            .collect())
    }
}

pub(crate) mod archive {
    use crate::fake::{Object, Study};
    use crate::tags;

    pub(crate) fn open(object: &str) -> Option<Object> {
        let host = super::current();
        let objects = host.objects.borrow();
        objects
            .iter()
            .find(|stored| stored.first(tags::SOP_INSTANCE_UID) == object)
            .cloned()
    }

    pub(crate) fn open_study(study: &str) -> Option<Study> {
        let host = super::current();
        let objects = host.objects.borrow();
        let members = objects
            .iter()
            .filter(|stored| stored.first(tags::STUDY_INSTANCE_UID) == study);
        let members: Vec<Object> = members.cloned().collect();
        (!members.is_empty()).then(|| Study::of(study, members))
    }

    pub(crate) fn search(query: &str) -> Result<String, String> {
        let answer = super::current().search.borrow().clone();
        answer.map_or_else(|| Ok("[]".into()), |answer| answer(query.to_owned()))
    }
}
