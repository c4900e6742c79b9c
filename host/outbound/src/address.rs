//! Which addresses a name may lead to. Separate because it is a table, and each row has its reason.
//!
//! Only what the registries of special-purpose addresses (RFC 6890 and its updates, IANA) leave as global unicast is
//! fit. An IPv4 address inside an IPv6 one is refused whatever it is: it is a way around a rule about the former.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a plugin's request does not go to this address unless the grant names it; `None` for a public address.
pub(crate) fn reason(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => reason_v4(address),
        IpAddr::V6(address) => reason_v6(address),
    }
}

/// Why no request can go to this address, even if a grant names it.
pub(crate) fn not_a_host(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) if address.octets()[0] == 0 => Some("it is no host's address"),
        IpAddr::V4(address) if address.is_broadcast() => Some("it is a broadcast address"),
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => Some("write the IPv4 address that is in it"),
        _ if address.is_unspecified() => Some("it is no host's address"),
        _ if address.is_multicast() => Some("it is a multicast address"),
        _ => None,
    }
}

fn reason_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [169, 254, 169, 254] | [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => {
            "a cloud's metadata address"
        }
        [0, ..] => "an unspecified address",
        [127, ..] => "a loopback address",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "a carrier's shared address",
        [169, 254, ..] => "a link-local address",
        [192, 88, 99, _] => "a 6to4 relay",
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => "a reserved address",
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

fn reason_v6(address: Ipv6Addr) -> Option<&'static str> {
    const METADATA: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xFD00, 0xEC2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xFD20, 0xCE, 0, 0, 0, 0, 0, 0x254),
    ];
    if METADATA.contains(&address) {
        return Some("a cloud's metadata address");
    }
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "an unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        // ::/96 compatible, ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated.
        [0, 0, 0, 0, 0, 0 | 0xFFFF, ..] | [0, 0, 0, 0, 0xFFFF, 0, ..] => "an IPv4 address inside an IPv6 address",
        // NAT64: the well-known prefix and the local ones; then 6to4 and Teredo.
        [0x64, 0xFF9B, ..] | [0x2002, ..] | [0x2001, 0, ..] => "an IPv4 address inside an IPv6 address",
        [0xFC00..=0xFDFF, ..] => "a private address",
        [0xFE80..=0xFEBF, ..] => "a link-local address",
        [0xFEC0..=0xFEFF, ..] => "a site-local address",
        [0xFF00..=0xFFFF, ..] => "a multicast address",
        // IETF protocol assignments, documentation.
        [0x2001, 0..=0x1FF, ..] | [0x2001, 0xDB8, ..] | [0x3FFF, 0..=0xFFF, ..] => "a reserved address",
        // ISATAP (RFC 5214): the interface identifier is an IPv4 address.
        [_, _, _, _, 0 | 0x200, 0x5EFE, ..] => "an IPv4 address inside an IPv6 address",
        [0x2000..=0x3FFF, ..] => return None,
        _ => "a reserved address",
    })
}

#[cfg(test)]
mod tests;
