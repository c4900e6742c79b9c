//! Who may associate and what for, by the list of the configuration; and who this host is where TLS is spoken.
//!
//! Separate from the gates because it needs no plugin, and because a reload exchanges it while the port stays open.

use std::sync::Arc;

use isocenter_dimse::{AeTitle, Rejection, ServerTls, TlsError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::service::Service;
use crate::config::{self, Config, UnknownCallers};
use crate::gate::Peer;

/// What a reload exchanges of the provider.
#[derive(Debug)]
pub struct Callers {
    known: Vec<Known>,
    unknown: UnknownCallers,
    /// `None` where TLS is not spoken.
    pub(super) tls: Option<ServerTls>,
}

#[derive(Debug)]
struct Known {
    caller: config::Caller,
    places: Option<Arc<Semaphore>>,
}

/// What a caller may do, for as long as its association lasts.
#[derive(Debug, Default)]
pub(super) struct Leave {
    /// `None`: everything.
    services: Option<Vec<config::Service>>,
    /// Its place among those that the same entry fits.
    _place: Option<OwnedSemaphorePermit>,
}

impl Leave {
    /// Whether it may ask for that service.
    pub(super) fn holds(&self, service: Service) -> bool {
        let (Some(services), Some(needed)) = (&self.services, service.needs()) else {
            return true;
        };
        services.contains(&needed)
    }

    /// Whether the list of callers says in so many words that it may.
    pub(super) fn names(&self, service: Service) -> bool {
        self.services.is_some() && self.holds(service)
    }
}

fn places(most: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX)))
}

impl Callers {
    /// As configured; reads the files of TLS. An entry that `before` has, too, keeps its places: associations that are open
    /// go on counting.
    ///
    /// # Errors
    /// A file of TLS that cannot be used.
    pub fn of(config: &Config, before: Option<&Self>) -> Result<Self, TlsError> {
        let dicom = &config.dicom;
        let tls = dicom.tls.as_ref();
        let tls = tls.map(|tls| ServerTls::load(&tls.identity, tls.client_ca.as_deref()));
        let mut left: Vec<&Known> = before.map_or_else(Vec::new, |before| before.known.iter().collect());
        let mut known = Vec::with_capacity(dicom.callers.len());
        for caller in &dicom.callers {
            let same = left.iter().position(|known| known.caller == *caller);
            // Taken once: two entries that are alike do not come to share their places.
            let places = match same.map(|at| left.remove(at)) {
                Some(same) => same.places.clone(),
                None => caller.max_associations.map(places),
            };
            let caller = caller.clone();
            known.push(Known { caller, places });
        }
        Ok(Self {
            known,
            unknown: dicom.unknown_callers,
            tls: tls.transpose()?,
        })
    }

    /// The first entry that fits decides.
    ///
    /// # Errors
    /// The rejection for the peer (PS3.8 §9.3.4).
    pub(super) fn admit(&self, calling: &AeTitle, peer: &Peer) -> Result<Leave, Rejection> {
        let address = peer.address;
        let fits = |known: &&Known| {
            let Known { caller, .. } = known;
            let title = calling.to_string();
            (caller.ae_titles.is_empty() || caller.ae_titles.iter().any(|pattern| pattern.matches(&title)))
                && (caller.addresses.is_empty() || caller.addresses.iter().any(|network| network.holds(address)))
                && (peer.over_tls || !caller.tls)
        };
        let Some(known) = self.known.iter().find(fits) else {
            let accepted = match self.unknown {
                UnknownCallers::Accept => true,
                UnknownCallers::Local => self.known.is_empty() || address.to_canonical().is_loopback(),
                UnknownCallers::Refuse => false,
            };
            return if accepted {
                Ok(Leave::default())
            } else {
                Err(Rejection::CALLING_AE)
            };
        };
        let place = match &known.places {
            None => None,
            Some(places) => Some(
                Arc::clone(places)
                    .try_acquire_owned()
                    .map_err(|_| Rejection::LOCAL_LIMIT)?,
            ),
        };
        Ok(Leave {
            services: known.caller.services.clone(),
            _place: place,
        })
    }
}

#[cfg(test)]
mod tests;
