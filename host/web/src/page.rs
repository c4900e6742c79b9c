//! The page at `/`: what is stored, what runs, and what waits for a person.
//!
//! One document from the server, without script and without anything loaded from elsewhere; its policy says so
//! (`default-src 'none'`, the style by its digest). It is written with maud, which escapes every value: names and
//! reasons come from strangers. Each section is a function of what it shows; this file fetches and puts together.

mod attention;
mod studies;
mod style;
mod system;
mod values;

use axum::extract::{Query as QueryString, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use isocenter_archive::index::Index;
use isocenter_role::Action;
use maud::{DOCTYPE, Markup, html};

use self::studies::{Listing, Search};
use crate::access::{ADMIN, Doors, Visitor, Within, keys, plain};
use crate::app::AppState;
use crate::error::RouteError;

/// Entries of quarantine and dead letters that are shown.
const SHOWN: u32 = 20;

pub(crate) fn routes() -> Doors {
    Doors::new().get("/", ADMIN, page)
}

/// Whoever may run the host sees it; its list of studies is a search of its own, for who may search and within what.
async fn page(
    State(state): State<AppState>,
    visitor: Visitor,
    QueryString(pairs): QueryString<Vec<(String, String)>>,
) -> Result<Response, RouteError> {
    let search = Search::read(pairs);
    let within = searched(&visitor, &search).await?;
    let index = state.archive().index();
    let (totals, listing, backlogs, held, dead) = tokio::join!(
        index.totals(),
        listing(index, search, within),
        index.waiting_by_destination(),
        index.quarantined(SHOWN),
        index.dead(SHOWN),
    );
    for error in [
        totals.as_ref().err(),
        backlogs.as_ref().err(),
        held.as_ref().err(),
        dead.as_ref().err(),
    ]
    .into_iter()
    .flatten()
    {
        tracing::warn!(%error, "a section of the page could not be filled");
    }
    let body = html! {
        (header(&state))
        main id="content" {
            @match &totals {
                Ok(totals) => (system::totals(totals)),
                Err(_) => (unavailable()),
            }
            @match &held {
                Ok(held) => (attention::quarantine(held, totals.as_ref().map_or(0, |totals| totals.quarantined))),
                Err(_) => {},
            }
            @match &dead {
                Ok(dead) => (attention::dead_letters(dead, totals.as_ref().map_or(0, |totals| totals.dead))),
                Err(_) => {},
            }
            @if let Some(listing) = &listing { (studies::section(listing)) }
            (system::section(&state, backlogs.as_deref().unwrap_or_default()))
        }
        (footer())
    };
    let document = document(&state.app.about.ae_title, &body);
    Ok((
        [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CONTENT_SECURITY_POLICY, style::policy()),
        ],
        document.into_string(),
    )
        .into_response())
}

/// Within what the visitor may search; `None` if they may not.
async fn searched(visitor: &Visitor, search: &Search) -> Result<Option<Within>, RouteError> {
    let mut access = plain(Action::Search);
    keys(&search.keys(), &mut access.attributes)?;
    match visitor.may(access).await {
        Ok(within) => Ok(Some(within)),
        Err(RouteError::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn listing(index: &Index, search: Search, within: Option<Within>) -> Option<Listing> {
    Some(Listing::find(index, search, &within?).await)
}

fn document(ae_title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (ae_title) " · Isocenter" }
                style { (style::sheet()) }
            }
            body {
                a.skip href="#content" { "Skip to content" }
                (body)
            }
        }
    }
}

fn header(state: &AppState) -> Markup {
    let about = &state.app.about;
    html! {
        header.top {
            h1 { "Isocenter" span.version { (about.version) } }
            dl.facts {
                div { dt { "AE title" } dd { code { (about.ae_title) } } }
                div { dt { "DICOM" } dd { code { (about.dicom_listen) } } }
                div { dt { "HTTP" } dd { code { (about.http_listen) } } }
                div { dt { "DICOMweb" } dd { code { "/dicom-web" } } }
                div { dt { "Database" } dd { (about.database) } }
            }
            @if state.app.draining.is_cancelled() {
                p.notice role="status" { "This host is draining: it ends what it has begun and takes nothing new." }
            }
        }
    }
}

fn footer() -> Markup {
    html! {
        footer {
            nav aria-label="For machines" {
                a href="healthz" { "health" }
                a href="readyz" { "readiness" }
                a href="metrics" { "metrics" }
                a href="api/about" { "about" }
                a href="api/quarantine" { "quarantine" }
                a href="api/dead-letters" { "dead letters" }
            }
            p { "Not a medical device. Times are UTC." }
        }
    }
}

fn unavailable() -> Markup {
    html! { p.notice role="alert" { "The index cannot be asked now; what is below may be incomplete." } }
}

#[cfg(test)]
mod tests;
