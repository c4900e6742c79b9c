//! Who may associate and what for, by the list of the configuration; and who this host is where TLS is spoken.
//!
//! Separate from the gates because it needs no plugin, and because a reload exchanges it while the port stays open.

mod addresses;

use std::num::NonZeroU64;
use std::sync::Arc;

use isocenter_dimse::{AeTitle, Bandwidth, Rejection, ServerTls, TlsError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::addresses::{Addresses, Seat};
use super::service::Service;
use crate::config::{self, Config, UnknownCallers};
use crate::gate::Peer;

/// What a reload exchanges of the provider.
#[derive(Debug)]
pub struct Callers {
    known: Vec<Known>,
    unknown: UnknownCallers,
    /// Associations of one address at most, and those that there are.
    most_of_address: Option<u32>,
    addresses: Arc<Addresses>,
    /// `None` where TLS is not spoken.
    pub(super) tls: Option<ServerTls>,
}

#[derive(Clone, Debug)]
struct Known {
    caller: config::Caller,
    places: Option<Arc<Semaphore>>,
    bandwidth: Option<Arc<Bandwidth>>,
}

/// Why somebody is not let in: what the peer is told (PS3.8 §9.3.4), and the same as a word for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) rejection: Rejection,
    pub(super) reason: &'static str,
}

/// What a caller may do, for as long as its association lasts.
#[derive(Debug, Default)]
pub(super) struct Leave {
    /// `None`: everything.
    services: Option<Vec<config::Service>>,
    /// Its place among those that the same entry fits.
    _place: Option<OwnedSemaphorePermit>,
    /// Its place among those of its address.
    _seat: Option<Seat>,
    /// What all that the same entry fits have together.
    pub(super) bandwidth: Option<Arc<Bandwidth>>,
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

impl Refusal {
    /// Too many: the peer may come again.
    pub(super) const fn limit(reason: &'static str) -> Self {
        Self {
            rejection: Rejection::LOCAL_LIMIT,
            reason,
        }
    }
}

impl Known {
    fn new(caller: config::Caller) -> Self {
        let places = |most: u32| Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX)));
        let bandwidth = caller.bandwidth.and_then(|rate| NonZeroU64::new(rate.bytes()));
        Self {
            places: caller.max_associations.map(places),
            bandwidth: bandwidth.map(|rate| Arc::new(Bandwidth::new(rate))),
            caller,
        }
    }
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
            known.push(match same.map(|at| left.remove(at)) {
                Some(same) => same.clone(),
                None => Known::new(caller.clone()),
            });
        }
        Ok(Self {
            known,
            unknown: dicom.unknown_callers,
            most_of_address: dicom.max_associations_per_address,
            addresses: before.map(|before| Arc::clone(&before.addresses)).unwrap_or_default(),
            tls: tls.transpose()?,
        })
    }

    /// The first entry that fits decides.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn admit(&self, calling: &AeTitle, peer: &Peer) -> Result<Leave, Refusal> {
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
            if !accepted {
                return Err(Refusal {
                    rejection: Rejection::CALLING_AE,
                    reason: "unknown-caller",
                });
            }
            return Ok(Leave {
                _seat: self.seat(peer)?,
                ..Leave::default()
            });
        };
        let place = match &known.places {
            None => None,
            Some(places) => Some(
                Arc::clone(places)
                    .try_acquire_owned()
                    .map_err(|_| Refusal::limit("caller-associations"))?,
            ),
        };
        Ok(Leave {
            services: known.caller.services.clone(),
            _place: place,
            _seat: self.seat(peer)?,
            bandwidth: known.bandwidth.clone(),
        })
    }

    fn seat(&self, peer: &Peer) -> Result<Option<Seat>, Refusal> {
        let Some(most) = self.most_of_address else {
            return Ok(None);
        };
        let seat = self.addresses.seat(peer.address, most);
        seat.map(Some).ok_or(Refusal::limit("address-associations"))
    }
}

#[cfg(test)]
mod tests;
