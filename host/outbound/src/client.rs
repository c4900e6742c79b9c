//! Who sends: one [`Outbound`] per host, one [`Client`] per plugin.
//!
//! Separate because it is the order of things: slots, time, grant, exchange, redirect. Each of them is elsewhere.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::exchange;
use crate::grant::Grant;
use crate::network::{Network, System};
use crate::options::{LONGEST, Options, StartError};
use crate::redirect;
use crate::request::{Checked, Request};
use crate::response::Response;
use crate::tls;
use crate::trouble::Trouble;

/// Outbound HTTP for all plugins. Cheap to clone; clones share their bounds.
#[derive(Clone)]
pub struct Outbound {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) tls: Arc<ClientConfig>,
    connections: Arc<Semaphore>,
}

impl Outbound {
    /// Reads the trusted certificates. Asks nobody anything yet.
    ///
    /// # Errors
    /// [`StartError`] where the file of certificates or a bound is not right.
    pub fn new(options: Options) -> Result<Outbound, StartError> {
        Outbound::with_network(options, Arc::new(System))
    }

    /// The same over another network, for tests. Its addresses are judged in the same way.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn with_network(options: Options, network: Arc<dyn Network>) -> Result<Outbound, StartError> {
        if options.connections == 0 || options.connections_per_plugin == 0 || options.timeout.is_zero() {
            return Err(StartError::Bound(
                "outbound requests need a timeout and a number of connections above zero".into(),
            ));
        }
        if options.timeout > LONGEST {
            return Err(StartError::Bound(
                "the timeout of outbound requests is at most 300 s".into(),
            ));
        }
        let connections = Arc::new(Semaphore::new(options.connections.min(Semaphore::MAX_PERMITS)));
        let tls = Arc::new(tls::config(options.ca.as_deref())?);
        Ok(Outbound {
            shared: Arc::new(Shared {
                options,
                network,
                tls,
                connections,
            }),
        })
    }

    /// The client of one plugin.
    #[must_use]
    pub fn client(&self, grant: Grant) -> Client {
        let most = self.shared.options.connections_per_plugin.min(Semaphore::MAX_PERMITS);
        Client {
            shared: self.shared.clone(),
            grant: Arc::new(grant),
            connections: Arc::new(Semaphore::new(most)),
        }
    }
}

/// Outbound HTTP for one plugin, within its grant. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    grant: Arc<Grant>,
    connections: Arc<Semaphore>,
}

/// The right to one connection, held as long as the connection, or a resolution that cannot be ended, lasts.
pub(crate) struct Slot {
    _of_plugin: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Client {
    /// Makes a request and follows its redirects, at most 5, each within the grant. Must be called on a tokio runtime.
    /// Where all connections are in use, it waits for one within its time. Dropping the future ends the request.
    ///
    /// # Errors
    /// [`Trouble`]; an answer with an error's status is not one.
    pub async fn send(&self, request: Request) -> Result<Response, Trouble> {
        let deadline = self.deadline(request.timeout, request.deadline);
        let checked = Checked::new(request, &self.shared.options)?;
        // Before waiting for anything: what is denied is denied at once.
        self.judge(&checked)?;
        tokio::time::timeout_at(deadline, self.follow(checked, deadline))
            .await
            .unwrap_or(Err(Trouble::Timeout))
    }

    fn deadline(&self, timeout: Option<Duration>, callers: Option<std::time::Instant>) -> Instant {
        let own = Instant::now() + timeout.unwrap_or(self.shared.options.timeout).min(LONGEST);
        callers.map_or(own, |callers| own.min(callers.into()))
    }

    fn judge(&self, request: &Checked) -> Result<(), Trouble> {
        self.grant
            .judge(&request.origin, request.url.path())
            .map_err(Trouble::Denied)
    }

    async fn follow(&self, mut request: Checked, deadline: Instant) -> Result<Response, Trouble> {
        let slot = Arc::new(self.slot().await?);
        for _ in 0..=redirect::MOST {
            let reply = exchange::run(&self.shared, &self.grant, &request, &slot, deadline).await?;
            let Some(next) = redirect::next(&request, reply.status(), reply.headers())? else {
                return Response::new(reply, &request, &self.shared.options, deadline, slot);
            };
            self.judge(&next).map_err(|trouble| match trouble {
                Trouble::Denied(why) => Trouble::Denied(format!("{} redirects, and {why}", request.origin)),
                other => other,
            })?;
            request = next;
        }
        Err(Trouble::Protocol(format!(
            "{} redirects more than {} times",
            request.origin,
            redirect::MOST
        )))
    }

    async fn slot(&self) -> Result<Slot, Trouble> {
        let closed = |_| Trouble::Connect("the host is ending".into());
        Ok(Slot {
            _of_plugin: self.connections.clone().acquire_owned().await.map_err(closed)?,
            _of_all: self.shared.connections.clone().acquire_owned().await.map_err(closed)?,
        })
    }
}
