//! One HTTP request to a plugin, and its answer.

use bytes::Bytes;
use isocenter_role::{self as role, Answer, Piece};
use wasmtime::component::Resource;

use crate::bindings::isocenter::http_ext::exchange;
use crate::call::Call;
use crate::host::object::Object;

/// Bytes of one read.
pub(crate) const MOST_READ: u32 = 1 << 20;
/// Bytes that a plugin may write into one answer, its headers included.
pub(crate) const MOST_ANSWER: usize = 16 << 20;
/// Pieces of one answer.
pub(crate) const MOST_PIECES: usize = 10_000;

/// Behind the handle `request`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Request {
    pub(crate) request: role::Request,
    /// Came from the client and was not read yet.
    rest: Bytes,
}

impl Request {
    pub(crate) fn new(request: role::Request) -> Request {
        Request {
            request,
            rest: Bytes::new(),
        }
    }
}

/// Behind the handle `response`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Response {
    pub(crate) answer: Answer,
    bytes: usize,
}

impl Response {
    pub(crate) fn new() -> Response {
        Response {
            answer: Answer {
                status: 200,
                ..Answer::default()
            },
            bytes: 0,
        }
    }

    fn take(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_ANSWER || self.answer.body.len() >= MOST_PIECES {
            return Err(wasmtime::Error::msg("an answer of more than 16 MiB or 10,000 pieces"));
        }
        Ok(())
    }
}

impl exchange::HostRequest for Call {
    fn method(&mut self, this: Resource<Request>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.request.method.clone())
    }

    fn path(&mut self, this: Resource<Request>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.request.path.clone())
    }

    fn query(&mut self, this: Resource<Request>, name: String) -> wasmtime::Result<Vec<String>> {
        let request = &self.table.get(&this)?.request;
        let values = request.query.iter().filter(|(known, _)| *known == name);
        Ok(values.map(|(_, value)| value.clone()).collect())
    }

    fn header(&mut self, this: Resource<Request>, name: String) -> wasmtime::Result<Option<String>> {
        let request = &self.table.get(&this)?.request;
        let found = request
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&name));
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn subject(&mut self, this: Resource<Request>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.request.subject.clone())
    }

    async fn read(&mut self, this: Resource<Request>, limit: u32) -> wasmtime::Result<Vec<u8>> {
        let begun = std::time::Instant::now();
        let request = self.table.get_mut(&this)?;
        if request.rest.is_empty() {
            let next = request.request.body.next().await;
            request.rest = next.map_err(|why| wasmtime::Error::msg(format!("the request ended: {why}")))?;
        }
        let most = limit.min(MOST_READ) as usize;
        let read = request.rest.split_to(most.min(request.rest.len()));
        self.waited += begun.elapsed();
        Ok(read.to_vec())
    }

    fn drop(&mut self, this: Resource<Request>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl exchange::HostResponse for Call {
    fn status(&mut self, this: Resource<Response>, code: u16) -> wasmtime::Result<()> {
        if !(200..600).contains(&code) {
            return Err(wasmtime::Error::msg(format!("{code} is no status of an answer")));
        }
        self.table.get_mut(&this)?.answer.status = code;
        Ok(())
    }

    fn header(&mut self, this: Resource<Response>, name: String, value: String) -> wasmtime::Result<()> {
        let response = self.table.get_mut(&this)?;
        response.take(name.len() + value.len() + size_of::<(String, String)>())?;
        response.answer.headers.push((name, value));
        Ok(())
    }

    fn write(&mut self, this: Resource<Response>, bytes: Vec<u8>) -> wasmtime::Result<()> {
        let response = self.table.get_mut(&this)?;
        response.take(bytes.len())?;
        response.answer.body.push(Piece::Bytes(Bytes::from(bytes)));
        Ok(())
    }

    fn write_object(&mut self, this: Resource<Response>, object: Resource<Object>) -> wasmtime::Result<()> {
        let object = self.table.get(&object)?;
        let piece = Piece::Object {
            study: object.study_uid(),
            object: object.object_uid(),
        };
        let response = self.table.get_mut(&this)?;
        response.take(0)?;
        response.answer.body.push(piece);
        Ok(())
    }

    fn drop(&mut self, this: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl exchange::Host for Call {}
