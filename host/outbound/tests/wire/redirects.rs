//! Every redirect is judged like a request, and carries no more than it may.

use isocenter_outbound::{Header, Request, Trouble};

use crate::network::Faked;
use crate::server::{Answer, Server};
use crate::{client, client_over, get, read};

/// A server that redirects all but `/end`.
async fn redirecting(status: u16, location: impl Into<String>) -> Server {
    let location = location.into();
    Server::start(move |request| match request.split(' ').nth(1) {
        Some("/end") => Answer::ok("here"),
        _ => Answer::redirect(status, &location),
    })
    .await
}

#[tokio::test]
async fn a_redirect_within_the_grant_is_followed() {
    let server = redirecting(302, "/end").await;
    let mut response = client(&[server.origin()])
        .send(get(server.url("/begin")))
        .await
        .unwrap();
    assert_eq!(read(&mut response).await.unwrap(), "here");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_redirect_out_of_the_grant_reaches_nobody() {
    let other = Server::start(|_| Answer::ok("not to be had")).await;
    for location in [other.url("/end?patient=1"), format!("//{}/", other.address)] {
        let server = redirecting(307, location).await;
        let denied = client(&[server.origin()])
            .send(get(server.url("/begin")))
            .await
            .unwrap_err();
        assert_eq!(
            denied.to_string(),
            format!(
                "denied: {} redirects, and its grant does not name {2} (grant = {{ http = [\"{1}\"] }})",
                server.origin(),
                other.origin(),
                other.origin()
            )
        );
        assert_eq!(server.requests().len(), 1);
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_to_an_address_that_is_not_named_is_denied() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://100.100.100.200/",
        "http://127.0.0.1:1/",
        "http://0x7f.1:1/",
        "http://2130706433:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://[::1]:1/",
        "http://0:1/",
        "http://localhost:1/",
        "http://metadata.google.internal/",
        "gopher://127.0.0.1:1/",
        "file:///etc/passwd",
    ] {
        let server = redirecting(302, location).await;
        let network = Faked::always("8.8.8.8");
        let client = client_over(Default::default(), network.clone(), &[server.origin()]);
        let denied = client.send(get(server.url("/begin"))).await;
        assert!(matches!(denied, Err(Trouble::Denied(_))), "{location}: {denied:?}");
        assert_eq!(network.dialled(), ["127.0.0.1"], "{location}");
        assert!(network.resolved().is_empty(), "{location}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_climb_out_of_a_prefix() {
    for location in [
        "/admin",
        "../../admin",
        "/fhir/%2e%2e/admin",
        "/fhir/..%2fadmin",
        "/fhir/..;/admin",
    ] {
        let server = redirecting(302, location).await;
        let client = client(&[server.url("/fhir")]);
        let denied = client.send(get(server.url("/fhir/begin"))).await;
        assert!(matches!(denied, Err(Trouble::Denied(_))), "{location}: {denied:?}");
        assert_eq!(server.requests().len(), 1, "{location}");
    }
}

#[tokio::test]
async fn five_redirects_and_no_more() {
    let server = redirecting(302, "/again").await;
    let refused = client(&[server.origin()])
        .send(get(server.url("/begin")))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        Trouble::Protocol(format!("{} redirects more than 5 times", server.origin()))
    );
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_secret_stays_with_the_origin_that_it_is_for() {
    let other = Server::start(|_| Answer::ok("thanks")).await;
    let server = redirecting(308, other.url("/end")).await;
    let request = Request {
        headers: vec![
            Header::secret("x-api-key", "hunter2"),
            Header::new("authorization", "Bearer of-the-plugin"),
            Header::new("cookie", "session=1"),
            Header::new("x-kept", "yes"),
        ],
        body: "body".into(),
        ..Request::new("PUT", server.url("/begin"))
    };
    client(&[server.origin(), other.origin()]).send(request).await.unwrap();
    let first = &server.requests()[0];
    assert!(first.contains("hunter2") && first.contains("of-the-plugin") && first.contains("session=1"));
    assert_eq!(
        other.requests(),
        [format!(
            "PUT /end HTTP/1.1\r\nuser-agent: isocenter/{}\r\nx-kept: yes\r\nhost: {}\r\nconnection: close\r\n\
             content-length: 4\r\n\r\nbody",
            env!("CARGO_PKG_VERSION"),
            other.address
        )]
    );
}

#[tokio::test]
async fn a_redirect_to_the_same_name_is_resolved_and_judged_again() {
    let server = redirecting(302, "/end").await;
    let network = Faked::new(|_, nth| {
        vec![if nth == 1 {
            [8, 8, 8, 8].into()
        } else {
            [127, 0, 0, 1].into()
        }]
    });
    let origin = format!("http://rebinding.example:{}", server.address.port());
    let client = client_over(Default::default(), network.clone(), std::slice::from_ref(&origin));
    let denied = client.send(get(format!("{origin}/begin"))).await.unwrap_err();
    assert!(
        denied.to_string().contains("leads to 127.0.0.1, a loopback address"),
        "{denied}"
    );
    assert_eq!(network.dialled(), ["8.8.8.8"]);
    assert_eq!(server.requests().len(), 1);
}
