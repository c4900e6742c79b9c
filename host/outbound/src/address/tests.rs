use super::*;

#[test]
fn only_global_unicast_is_public() {
    for (expected, addresses) in [
        (
            None,
            "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.1.1 \
             172.15.255.255 172.32.0.0 192.0.1.1 192.167.1.1 192.169.0.0 198.17.1.1 198.20.0.0 223.255.255.255 \
             2606:4700::1111 2a00:1450:4001::200e 2001:4860:4860::8888 2001:200::1 3ffe::1",
        ),
        (
            Some("a cloud's metadata address"),
            "169.254.169.254 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254 fd20:ce::254",
        ),
        (Some("an unspecified address"), "0.0.0.0 0.1.2.3 ::"),
        (Some("a loopback address"), "127.0.0.1 127.255.255.254 ::1"),
        (
            Some("a private address"),
            "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 fc00::1 fd12:3456::1",
        ),
        (Some("a carrier's shared address"), "100.64.0.0 100.127.255.255"),
        (
            Some("a link-local address"),
            "169.254.0.1 169.254.170.2 fe80::1 febf::1",
        ),
        (Some("a site-local address"), "fec0::1"),
        (Some("a multicast address"), "224.0.0.1 239.255.255.255 ff02::1"),
        (Some("a 6to4 relay"), "192.88.99.1"),
        (
            Some("a reserved address"),
            "192.0.0.8 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 240.0.0.1 255.255.255.255 \
             100::1 2001:2::1 2001:20::1 2001:db8::1 3fff::1 5f00::1 4000::1",
        ),
        (
            Some("an IPv4 address inside an IPv6 address"),
            "::ffff:127.0.0.1 ::ffff:8.8.8.8 ::10.0.0.1 ::ffff:0:10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8 \
             64:ff9b:1::10.0.0.1 2002:7f00:1::1 2001:0:4136:e378::1 2a00:1450::5efe:10.0.0.1 2a00:1450::200:5efe:7f00:1",
        ),
    ] {
        for address in addresses.split_whitespace() {
            assert_eq!(reason(address.parse().unwrap()), expected, "{address}");
        }
    }
}

#[test]
fn what_is_no_hosts_address_cannot_even_be_granted() {
    for address in [
        "0.0.0.0",
        "0.0.0.1",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "ff02::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(not_a_host(address.parse().unwrap()).is_some(), "{address}");
    }
    for address in [
        "127.0.0.1",
        "10.0.0.5",
        "169.254.169.254",
        "::1",
        "fd00:ec2::254",
        "8.8.8.8",
    ] {
        assert_eq!(not_a_host(address.parse().unwrap()), None, "{address}");
    }
}
