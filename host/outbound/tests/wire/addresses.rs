//! The address that is dialled is one that was judged, and a name cannot lead where the grant does not.

use std::net::IpAddr;

use isocenter_outbound::{Network as _, Options, System, Trouble};

use crate::network::{CLOSED, Faked, OWN};
use crate::server::{Answer, Server};
use crate::{client, client_over, get, read};

/// A server, and the origin by which a name leads to it.
async fn named() -> (Server, String) {
    let server = Server::start(|_| Answer::ok("reached")).await;
    let origin = format!("http://api.example.org:{}", server.address.port());
    (server, origin)
}

#[tokio::test]
async fn a_name_with_a_public_address_is_resolved_once_and_dialled_there() {
    let (server, origin) = named().await;
    let network = Faked::always("93.184.215.14");
    let client = client_over(Options::default(), network.clone(), std::slice::from_ref(&origin));
    let mut response = client.send(get(format!("{origin}/x"))).await.unwrap();
    assert_eq!(read(&mut response).await.unwrap(), "reached");
    assert_eq!(network.resolved(), ["api.example.org"]);
    assert_eq!(network.dialled(), ["93.184.215.14"]);
    let host = format!("host: api.example.org:{}\r\n", server.address.port());
    assert!(server.requests()[0].contains(&host));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_denied_and_nothing_is_dialled() {
    let (server, origin) = named().await;
    for (address, reason) in [
        ("127.0.0.1", "a loopback address"),
        ("::1", "a loopback address"),
        ("10.1.2.3", "a private address"),
        ("fd12::1", "a private address"),
        ("169.254.169.254", "a cloud's metadata address"),
        ("fd00:ec2::254", "a cloud's metadata address"),
        ("100.64.0.1", "a carrier's shared address"),
        ("fe80::1", "a link-local address"),
        ("0.0.0.0", "an unspecified address"),
        ("224.0.0.1", "a multicast address"),
        ("::ffff:127.0.0.1", "an IPv4 address inside an IPv6 address"),
        ("64:ff9b::7f00:1", "an IPv4 address inside an IPv6 address"),
    ] {
        let network = Faked::always(address);
        let client = client_over(Options::default(), network.clone(), std::slice::from_ref(&origin));
        let Err(Trouble::Denied(why)) = client.send(get(format!("{origin}/patients/4711?name=DOE"))).await else {
            panic!("{address} is not denied");
        };
        let start = format!("api.example.org leads to {address}, {reason}, and its grant does not name ");
        assert!(why.starts_with(&start), "{why}");
        assert!(!why.contains("DOE") && !why.contains("4711"), "{why}");
        assert!(network.dialled().is_empty(), "{address}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_name_may_lead_inside_where_the_address_is_granted_too() {
    let (server, origin) = named().await;
    let network = Faked::always("127.0.0.1");
    let client = client_over(Options::default(), network, &[origin.clone(), server.url("/x")]);
    let mut response = client.send(get(format!("{origin}/x"))).await.unwrap();
    assert_eq!(read(&mut response).await.unwrap(), "reached");
    let denied = client.send(get(format!("{origin}/y"))).await;
    assert!(matches!(denied, Err(Trouble::Denied(_))), "{denied:?}");
}

#[tokio::test]
async fn a_name_that_leads_to_this_very_machine_is_denied_before_anything_is_sent() {
    let (server, origin) = named().await;
    let network = Faked::always(&OWN.to_string());
    let client = client_over(Options::default(), network, std::slice::from_ref(&origin));
    let denied = client.send(get(&origin)).await.unwrap_err();
    assert_eq!(
        denied.to_string(),
        format!(
            "denied: api.example.org leads to {OWN}, an address of this machine, \
             and its grant does not name http://{OWN}:{} for this path",
            server.address.port()
        )
    );
    server.ended(1).await;
    assert!(server.requests().is_empty());
    let by_address = format!("http://{OWN}:{}", server.address.port());
    let client = client_over(
        Options::default(),
        Faked::always(&OWN.to_string()),
        &[origin.clone(), by_address.clone()],
    );
    for url in [origin, by_address] {
        assert_eq!(client.send(get(url)).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_name_that_is_bound_again_after_its_judgement_gains_nothing() {
    let (server, origin) = named().await;
    let network = Faked::new(|_, nth| {
        vec![if nth == 1 {
            [93, 184, 215, 14].into()
        } else {
            [127, 0, 0, 1].into()
        }]
    });
    let client = client_over(Options::default(), network.clone(), std::slice::from_ref(&origin));
    // One resolution for judging and dialling: the second answer is never asked for.
    client.send(get(&origin)).await.unwrap();
    assert_eq!(network.resolved().len(), 1);
    assert_eq!(network.dialled(), ["93.184.215.14"]);
    // And no memory of the first: the next request judges anew.
    let denied = client.send(get(&origin)).await;
    assert!(matches!(denied, Err(Trouble::Denied(_))), "{denied:?}");
    assert_eq!(network.dialled().len(), 1);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_are_tried_in_turn() {
    let (server, origin) = named().await;
    let network = Faked::always(&format!("10.0.0.1 {CLOSED} 127.0.0.1 93.184.215.14 8.8.8.8"));
    let client = client_over(Options::default(), network.clone(), std::slice::from_ref(&origin));
    client.send(get(&origin)).await.unwrap();
    assert_eq!(network.dialled(), [&CLOSED.to_string(), "93.184.215.14"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_not_granted_is_not_even_resolved() {
    let network = Faked::always("93.184.215.14");
    let client = client_over(Options::default(), network.clone(), &["https://api.example.org".into()]);
    for url in [
        "https://patient-doe.evil.example/",
        "http://api.example.org/",
        "https://93.184.215.14/",
    ] {
        let denied = client.send(get(url)).await;
        assert!(matches!(denied, Err(Trouble::Denied(_))), "{url}: {denied:?}");
    }
    assert!(network.resolved().is_empty() && network.dialled().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named() {
    let network = Faked::new(|host, _| if host == "gone.example" { vec![] } else { vec![CLOSED] });
    let origins = ["http://gone.example".to_owned(), "http://closed.example".to_owned()];
    let client = client_over(Options::default(), network, &origins);
    for (url, error) in [
        (
            "http://gone.example/?DOE",
            "no connection: http://gone.example is not found: no such name",
        ),
        (
            "http://closed.example/?DOE",
            "no connection: http://closed.example does not answer: connection refused",
        ),
    ] {
        assert_eq!(client.send(get(url)).await.unwrap_err().to_string(), error);
    }
}

#[tokio::test]
async fn the_system_resolves_and_an_address_is_dialled_as_it_is() {
    let found = System.resolve("localhost").await.unwrap();
    assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    assert!(!found.is_empty());
    let server = Server::start(|_| Answer::ok("reached")).await;
    let mut response = client(&[server.origin()]).send(get(server.url("/"))).await.unwrap();
    assert_eq!(read(&mut response).await.unwrap(), "reached");
}
