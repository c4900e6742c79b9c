//! The part of `plugin-api/errors.md` about what the host's capabilities answer a plugin, as the guest crate words it.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use isocenter::http::Trouble;
use isocenter::{Error, fake, host, http, jobs::Job, state};
use isocenter_contract::{page_says, repository, table};

fn remedy(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Denied(_) => "name the origin in `grant.http`; an address of a private network, as an address",
        Trouble::Timeout => "it is asked again; set `timeout_millis` below the `wall` limit of the call",
        Trouble::TooLarge => "ask for less at a time",
        Trouble::Connect(_) => "it is asked again; look at name, port and certificate",
        Trouble::Protocol(_) => "look at what listens there",
    }
}

#[test]
fn what_a_plugin_is_told() {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |error: Error, remedy: &str| {
        let again = match error.after_seconds() {
            Some(seconds) => format!("after {seconds} s"),
            None => "never".to_owned(),
        };
        rows.push(vec![error.reason().to_owned(), again, remedy.to_owned()]);
    };
    for trouble in [
        Trouble::Denied("…".into()),
        Trouble::Timeout,
        Trouble::TooLarge,
        Trouble::Connect("…".into()),
        Trouble::Protocol("…".into()),
    ] {
        let remedy = remedy(&trouble);
        row(trouble.into(), remedy);
    }
    let around = fake::Host::new();
    for (status, remedy) in [
        (503, "it is asked again"),
        (404, "look at the address, and at what the server wants"),
    ] {
        around.on_http(move |_| fake::reply(status, b""));
        let answer = http::get("https://example.org/").send().unwrap().success();
        row(answer.err().unwrap(), remedy);
    }
    row(
        state::put(&"k".repeat(600), b"", None).unwrap_err(),
        "grant more, or let entries end by themselves",
    );
    around.grant_secret("another", b"key");
    row(
        host::hmac_sha256("token-key", b"").unwrap_err(),
        "grant it: `grant = { secrets = [\"token-key\"] }`",
    );
    around.grant_jobs(&["arrivals"]);
    row(
        Job::new("later", "").enqueue().unwrap_err(),
        "grant it: `grant = { jobs = [\"later\"] }`",
    );
    let mut plan = fake::Plan::over(&["reading"]);
    row(
        plan.plan().send_to("teaching").unwrap_err(),
        "configure it, or look for it in `check`",
    );
    let page = repository().join("plugin-api/errors.md");
    let head = ["said", "tried again", "do"];
    if let Err(difference) = page_says(page, "table: guest", &table(&head, &rows)) {
        panic!("{difference}");
    }
}
