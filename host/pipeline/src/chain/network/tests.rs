use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::{Network, NetworkError, any_holds};

fn network(text: &str) -> Network {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

proptest! {
    #[test]
    fn ipv4(base in any::<u32>(), other in any::<u32>(), prefix in 0..=32_u32) {
        let shift = 32 - prefix;
        let first = base.checked_shr(shift).unwrap_or(0).checked_shl(shift).unwrap_or(0);
        let network = network(&format!("{}/{prefix}", Ipv4Addr::from_bits(first)));
        let alike = base.checked_shr(shift) == other.checked_shr(shift);
        let address = Ipv4Addr::from_bits(other);
        prop_assert_eq!(network.holds(address.into()), alike);
        prop_assert_eq!(network.holds(address.to_ipv6_mapped().into()), alike);
        prop_assert!(network.holds(Ipv4Addr::from_bits(base).into()));
    }

    #[test]
    fn ipv6(base in any::<u128>(), other in any::<u128>(), prefix in 0..=128_u32) {
        let shift = 128 - prefix;
        let first = base.checked_shr(shift).unwrap_or(0).checked_shl(shift).unwrap_or(0);
        prop_assume!(Ipv6Addr::from_bits(first).to_ipv4_mapped().is_none());
        prop_assume!(Ipv6Addr::from_bits(other).to_ipv4_mapped().is_none());
        let network = network(&format!("{}/{prefix}", Ipv6Addr::from_bits(first)));
        let alike = base.checked_shr(shift) == other.checked_shr(shift);
        prop_assert_eq!(network.holds(Ipv6Addr::from_bits(other).into()), alike);
    }

    #[test]
    fn what_is_shown_is_read_again(address in any::<IpAddr>(), prefix in 0..=32_u8) {
        let text = format!("{address}/{prefix}");
        let shown = match text.parse::<Network>() {
            Ok(network) | Err(NetworkError::BeyondPrefix(network)) => network,
            Err(NetworkError::Unreadable) => return Ok(()),
        };
        prop_assert_eq!(shown.to_string().parse::<Network>(), Ok(shown));
    }

    #[test]
    fn every_text_is_taken(text in "[0-9a-f:./]{0,24}") {
        drop(text.parse::<Network>());
    }
}

#[test]
fn notations() {
    for (text, shown) in [
        ("10.0.0.7", "10.0.0.7"),
        ("10.0.0.7/32", "10.0.0.7"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fd00::/8", "fd00::/8"),
        ("::1", "::1"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ] {
        assert_eq!(network(text).to_string(), shown);
    }
    for wrong in [
        "",
        "10.0.0",
        "10.0.0.0/33",
        "fd00::/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "pacs",
        "10.0.0.0/8/8",
        "::ffff:10.0.0.0/95",
    ] {
        assert_eq!(wrong.parse::<Network>(), Err(NetworkError::Unreadable), "{wrong:?}");
    }
    assert_eq!(
        "10.0.0.7/8".parse::<Network>(),
        Err(NetworkError::BeyondPrefix(network("10.0.0.0/8")))
    );
}

#[test]
fn an_address_that_is_not_there_is_held_by_none() {
    let everywhere = [network("0.0.0.0/0"), network("::/0")];
    assert!(any_holds(&everywhere, Some("10.1.2.3")));
    assert!(any_holds(&everywhere, Some("fd00::1")));
    assert!(!any_holds(&everywhere, None));
    assert!(!any_holds(&everywhere, Some("")));
    assert!(!any_holds(&everywhere, Some("pacs.example")));
    assert!(!any_holds(&[network("0.0.0.0/0")], Some("fd00::1")));
}
