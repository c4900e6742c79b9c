//! HTTP to the hosts of the grant. What may be dialled is decided behind [`isocenter_role::backing::Outbound`]; here are
//! the handles, the secrets and the bounds.

use std::time::Duration;

use isocenter_role::backing::{Backing, OutboundRequest, OutboundResponse, OutboundTrouble};
use wasmtime::component::Resource;

use crate::bindings::isocenter::host::http;
use crate::call::Call;
use crate::spec::PluginSpec;

/// How long a request may take unless the plugin says less or the call ends sooner.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of one read.
pub(crate) const MOST_READ: u32 = 1 << 20;
/// Bytes of all requests of one call that are being written.
pub(crate) const MOST_REQUESTS: usize = 16 << 20;

/// What a grant for it holds, as an operator writes it.
pub(crate) const GRANT: &str = "http = [\"https://…\"]";

pub(crate) fn validate(spec: &PluginSpec, backing: &Backing) -> Result<(), String> {
    let interface = "isocenter:host/http";
    if spec.grant.http.is_empty() {
        return Err(super::not_granted(interface, GRANT));
    }
    let outbound = backing.outbound.as_ref().ok_or_else(|| super::not_offered(interface))?;
    outbound.client(&spec.name, &spec.grant.http).map(|_| ())
}

/// Behind the handle `request`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Default)]
pub struct Request(OutboundRequest);

/// Behind the handle `response`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Response(Box<dyn OutboundResponse>);

/// Bytes that the requests of one call hold.
#[derive(Debug, Default)]
pub(crate) struct RequestBytes(usize);

impl RequestBytes {
    fn take(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 > MOST_REQUESTS {
            return Err(wasmtime::Error::msg("the requests of one call hold more than 16 MiB"));
        }
        Ok(())
    }
}

fn to_guest(trouble: OutboundTrouble) -> http::Trouble {
    match trouble {
        OutboundTrouble::Denied(why) => http::Trouble::Denied(why),
        OutboundTrouble::Timeout => http::Trouble::Timeout,
        OutboundTrouble::TooLarge => http::Trouble::TooLarge,
        OutboundTrouble::Connect(why) => http::Trouble::Connect(why),
        OutboundTrouble::Protocol(why) => http::Trouble::Protocol(why),
    }
}

impl http::HostRequest for Call {
    fn new(&mut self, method: String, url: String) -> wasmtime::Result<Resource<Request>> {
        self.requests.take(method.len() + url.len())?;
        let request = Request(OutboundRequest {
            method,
            url,
            timeout: TIMEOUT,
            dry: self.dry,
            ..OutboundRequest::default()
        });
        Ok(self.table.push(request)?)
    }

    fn header(&mut self, this: Resource<Request>, name: String, value: String) -> wasmtime::Result<()> {
        self.requests
            .take(name.len() + value.len() + size_of::<(String, String)>())?;
        self.table.get_mut(&this)?.0.headers.push((name, value, false));
        Ok(())
    }

    fn header_from_secret(
        &mut self,
        this: Resource<Request>,
        name: String,
        prefix: String,
        secret: String,
    ) -> wasmtime::Result<Result<(), String>> {
        let secret = match self.secret(&secret) {
            Ok(secret) => secret,
            Err(sentence) => return Ok(Err(sentence)),
        };
        let Ok(text) = std::str::from_utf8(secret.bytes()) else {
            return Ok(Err("the secret is no text, so it cannot stand in a header".into()));
        };
        let value = format!("{prefix}{}", text.trim_end_matches(['\r', '\n']));
        self.requests
            .take(name.len() + value.len() + size_of::<(String, String)>())?;
        self.table.get_mut(&this)?.0.headers.push((name, value, true));
        Ok(Ok(()))
    }

    fn timeout_millis(&mut self, this: Resource<Request>, limit: u32) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.0.timeout = Duration::from_millis(u64::from(limit));
        Ok(())
    }

    fn body(&mut self, this: Resource<Request>, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.requests.take(bytes.len())?;
        self.table.get_mut(&this)?.0.body = bytes;
        Ok(())
    }

    fn drop(&mut self, this: Resource<Request>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl http::HostResponse for Call {
    fn status(&mut self, this: Resource<Response>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&this)?.0.status())
    }

    fn header(&mut self, this: Resource<Response>, name: String) -> wasmtime::Result<Option<String>> {
        let response = self.table.get(&this)?;
        let found = response
            .0
            .headers()
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&name));
        Ok(found.map(|(_, value)| value.clone()))
    }

    async fn read(&mut self, this: Resource<Response>, limit: u32) -> wasmtime::Result<Result<Vec<u8>, http::Trouble>> {
        let begun = std::time::Instant::now();
        let read = self.table.get_mut(&this)?.0.read(limit.min(MOST_READ)).await;
        self.waited += begun.elapsed();
        Ok(read.map(Vec::from).map_err(to_guest))
    }

    fn drop(&mut self, this: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl http::Host for Call {
    async fn send(
        &mut self,
        request: Resource<Request>,
    ) -> wasmtime::Result<Result<Resource<Response>, http::Trouble>> {
        let request = self.table.delete(request)?.0;
        let Some(client) = self.facts.http.clone() else {
            return Ok(Err(http::Trouble::Denied("this plugin has no grant for HTTP".into())));
        };
        match self.waiting(client.send(request)).await {
            Ok(response) => Ok(Ok(self.table.push(Response(response))?)),
            Err(trouble) => Ok(Err(to_guest(trouble))),
        }
    }
}
