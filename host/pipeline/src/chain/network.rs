//! Networks: addresses that begin alike.
//!
//! Apart from patterns because an address is no text: `10.1.2.3`, `::ffff:10.1.2.3` and what `10.0.0.0/8` names are
//! compared as numbers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One address, or all that have their first bits in common (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text names no network, to follow "must be".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address, or too many bits.
    #[error("an IP address or a network, such as \"10.0.0.7\" or \"10.0.0.0/8\"")]
    Unreadable,
    /// Bits are set beyond the prefix: what is meant is not certain.
    #[error("a network without bits beyond its prefix, here \"{0}\", or the address alone")]
    BeyondPrefix(Network),
}

impl Network {
    /// Whether this address belongs to it. An IPv4 address is the same in its IPv6 form.
    pub fn holds(&self, address: IpAddr) -> bool {
        first_bits(address.to_canonical(), self.prefix) == Some(self.address)
    }
}

/// Whether one of the networks holds the address that is written here; a missing one, or what is none, none holds.
pub(super) fn any_holds(networks: &[Network], address: Option<&str>) -> bool {
    let address: Option<IpAddr> = address.and_then(|text| text.parse().ok());
    address.is_some_and(|address| networks.iter().any(|network| network.holds(address)))
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NetworkError::Unreadable)?;
        let address = written.to_canonical();
        // A prefix counts in the form that was written.
        let (all, extra) = (width(address), width(written) - width(address));
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                let bits: u8 = digits.parse().map_err(|_| NetworkError::Unreadable)?;
                bits.checked_sub(extra).ok_or(NetworkError::Unreadable)?
            }
            Some(_) => return Err(NetworkError::Unreadable),
            None => all,
        };
        let masked = first_bits(address, prefix).ok_or(NetworkError::Unreadable)?;
        let network = Self {
            address: masked,
            prefix,
        };
        if masked == address {
            Ok(network)
        } else {
            Err(NetworkError::BeyondPrefix(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        if self.prefix == width(self.address) {
            Ok(())
        } else {
            write!(f, "/{}", self.prefix)
        }
    }
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all further bits zero; `None` when it has not so many.
fn first_bits(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let unused = u32::from(width(address).checked_sub(prefix)?);
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(unused).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(unused).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    })
}

#[cfg(test)]
mod tests;
