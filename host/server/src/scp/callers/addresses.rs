//! How many associations each address has open. Separate because it counts those who have no entry, too, and outlives a
//! reload.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The addresses of open associations.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    open: Mutex<HashMap<IpAddr, u32>>,
}

/// An association's place among those of its address, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    of: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// A place for one more; `None` where there are `most`.
    pub(super) fn seat(self: &Arc<Self>, address: IpAddr, most: u32) -> Option<Seat> {
        let address = address.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Seat {
            of: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}
