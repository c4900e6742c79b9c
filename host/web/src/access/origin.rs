//! Whether a browser sends a request because another site told it to.
//!
//! Without authenticators the host trusts whoever reaches its loopback address, and any page that an operator has open
//! can make the browser reach it. So what changes something is refused when the browser says that another site asked for
//! it (`Sec-Fetch-Site`, `Origin`), and what runs the host also when it was reached under a name that is none of its own:
//! a stranger's name may have been pointed at this address for that. Programs send none of these headers, and pass.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, Uri};
use isocenter_role::Action;

use super::Need;
use crate::app::About;
use crate::error::RouteError;

/// Refuses what another site asked for. `open`: nobody has to show a name here.
pub(super) fn check(request: &Request, about: &About, need: Option<Need>, open: bool) -> Result<(), RouteError> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let headers = request.headers();
    if !is_same_site(headers, about) {
        return Err(RouteError::OtherSite("only pages of this host may do that"));
    }
    if open && need == Some(Need::May(Action::Admin)) && !is_own_name(headers, about) {
        return Err(RouteError::OtherSite(
            "without authenticators the host is run only under its address, localhost, or its `public-url`; or by the command line",
        ));
    }
    Ok(())
}

fn is_same_site(headers: &HeaderMap, about: &About) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    // `null` is an origin that does not say which it is.
    let origin = origin.to_str().ok().and_then(authority);
    let ours = [
        text(headers, HOST.as_str()).map(str::to_owned),
        text(headers, "x-forwarded-host").map(str::to_owned),
        about.public_url.as_deref().and_then(authority),
    ];
    origin.is_some_and(|origin| {
        ours.into_iter()
            .flatten()
            .any(|ours| ours.eq_ignore_ascii_case(&origin))
    })
}

fn is_own_name(headers: &HeaderMap, about: &About) -> bool {
    // HTTP/1.0 has none, and no browser speaks it.
    let Some(named) = headers.get(HOST) else {
        return true;
    };
    let Ok(named) = named.to_str() else {
        return false;
    };
    let public = about.public_url.as_deref().and_then(authority);
    if public.is_some_and(|public| public.eq_ignore_ascii_case(named)) || named == about.http_listen {
        return true;
    }
    let Some(host) = named.parse::<axum::http::uri::Authority>().ok() else {
        return false;
    };
    let host = host.host().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    uri.authority().map(|authority| authority.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use isocenter_role::Action;

    use super::check;
    use crate::access::Need;
    use crate::app::About;

    fn about() -> About {
        About {
            http_listen: "127.0.0.1:8080".to_owned(),
            public_url: Some("https://pacs.example.org/x".to_owned()),
            ..About::default()
        }
    }

    fn passes(method: &str, headers: &[(&str, &str)], action: Action, open: bool) -> bool {
        let mut request = Request::builder().method(method).uri("/api/reload");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        check(&request, &about(), Some(Need::May(action)), open).is_ok()
    }

    #[test]
    fn what_another_site_asks_for_is_refused() {
        for (headers, passed) in [
            (&[("host", "127.0.0.1:8080")][..], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (
                &[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:9090")],
                false,
            ),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://evil.example")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "null")], false),
            (&[("host", "10.0.0.1"), ("origin", "https://pacs.example.org")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "same-origin")], true),
        ] {
            for open in [true, false] {
                assert_eq!(passes("POST", headers, Action::Admin, open), passed, "{headers:?}");
                assert_eq!(passes("POST", headers, Action::Store, open), passed, "{headers:?}");
            }
            assert!(passes("GET", headers, Action::Search, true), "{headers:?}");
        }
    }

    #[test]
    fn a_host_that_anybody_may_run_is_not_run_under_a_strangers_name() {
        for (name, passed) in [
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("localhost:8080", true),
            ("10.1.2.3", true),
            ("pacs.example.org", true),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
        ] {
            let rebound = [("host", name), ("sec-fetch-site", "same-origin")];
            assert_eq!(passes("POST", &rebound, Action::Admin, true), passed, "{name}");
            assert!(passes("POST", &rebound, Action::Admin, false), "{name}");
            assert!(passes("POST", &rebound, Action::Store, true), "{name}");
        }
    }
}
