//! How much there is, and what runs: plugins, chains, destinations.

use std::time::SystemTime;

use isocenter_archive::index::{Backlog, JobKind, Totals};
use isocenter_pipeline::chain::{Chain, Condition, Element, OnFailure};
use isocenter_pipeline::destination::{Destination, Target};
use isocenter_role::{Part, Plugin, State};
use maud::{Markup, html};
use std::sync::Arc;

use crate::app::AppState;
use crate::attribute::keyword;
use crate::time;

pub(super) fn totals(totals: &Totals) -> Markup {
    let about = if totals.estimated { "≈ " } else { "" };
    html! {
        dl.totals {
            div { dt { "Studies" } dd { (time::count(totals.studies)) } }
            div { dt { "Series" } dd { (about) (time::count(totals.series)) } }
            div { dt { "Objects" } dd { (about) (time::count(totals.objects)) } }
            div { dt { "Stored" } dd { (about) (time::bytes(totals.bytes)) } }
            div { dt { "In the queue" } dd { (time::count(totals.waiting)) } }
            div { dt { "Quarantined" } dd class=[(totals.quarantined > 0).then_some("bad")] { (time::count(totals.quarantined)) } }
            div { dt { "Dead letters" } dd class=[(totals.dead > 0).then_some("bad")] { (time::count(totals.dead)) } }
        }
    }
}

pub(super) fn section(state: &AppState, backlogs: &[Backlog]) -> Markup {
    let set = state.app.pipeline.set();
    html! {
        section aria-labelledby="runs-title" {
            h2 #runs-title { "What runs" }
            h3 { "Chains" }
            @if set.chains.is_empty() {
                p.empty { "None is configured: every object is stored as it comes, and nothing is routed." }
            } @else { div.scroll { (chains(&set.chains)) } }
            h3 { "Plugins" }
            @if set.plugins.is_empty() {
                p.empty { "None is configured." }
            } @else { div.scroll { (plugins(set.plugins.values())) } }
            h3 { "Destinations" }
            @if set.destinations.is_empty() {
                p.empty { "None is configured: objects are not sent anywhere." }
            } @else { div.scroll { (destinations(set.destinations.values(), backlogs)) } }
            (routing(backlogs))
        }
    }
}

fn chains(chains: &[Chain]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Chain" }
                th scope="col" { "For" }
                th scope="col" { "Ingest" }
                th scope="col" { "Route" }
                th scope="col" { "When a filter fails" }
            } }
            tbody { @for chain in chains { tr {
                th scope="row" { (chain.name) }
                td { (condition(&chain.when)) }
                td { (names(&chain.ingest)) }
                td { (names(&chain.route)) }
                td { (match chain.on_failure {
                    OnFailure::Quarantine => "quarantine the original",
                    OnFailure::Refuse => "refuse the object",
                }) }
            } } }
        }
    }
}

/// What decides, a line for each key with its patterns.
fn condition(when: &Condition) -> Markup {
    let transports: Vec<_> = when.transport.iter().map(|transport| transport.as_str()).collect();
    let mut keys = vec![
        ("calling AE title".to_owned(), shown(&when.calling_ae)),
        ("called AE title".to_owned(), shown(&when.called_ae)),
        ("address".to_owned(), shown(&when.address)),
        ("transport".to_owned(), shown(&transports)),
    ];
    keys.retain(|(_, patterns)| !patterns.is_empty());
    keys.extend(
        when.elements
            .iter()
            .map(|(element, patterns)| (path(element), shown(patterns))),
    );
    html! {
        @if keys.is_empty() { "every object" }
        @for (key, patterns) in &keys { div { (key) " " @for (position, pattern) in patterns.iter().enumerate() {
            @if position > 0 { " or " }
            code { (pattern) }
        } } }
    }
}

fn shown(patterns: &[impl ToString]) -> Vec<String> {
    patterns.iter().map(ToString::to_string).collect()
}

/// An element as the configuration names it.
fn path(element: &Element) -> String {
    let tags = element.sequences.iter().chain([&element.tag]);
    tags.map(|tag| keyword(*tag)).collect::<Vec<_>>().join("/")
}

/// Plugins in the order in which they are called.
fn names<P: Part + ?Sized>(plugins: &[Arc<P>]) -> Markup {
    html! {
        @if plugins.is_empty() { "—" }
        @for (position, plugin) in plugins.iter().enumerate() {
            @if position > 0 { " → " }
            (plugin.name())
        }
    }
}

fn plugins<'p>(plugins: impl Iterator<Item = &'p Arc<dyn Plugin>>) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Plugin" }
                th scope="col" { "Roles" }
                th scope="col" { "State" }
                th scope="col" { "Digest" }
            } }
            tbody { @for plugin in plugins { tr {
                th scope="row" { (plugin.name())
                    @if let Some(manifest) = plugin.manifest() { span.second { (manifest.description) } } }
                td {
                    @for role in plugin.roles() { span.tag { (role.as_str()) } }
                }
                td.nowrap { (state_of(plugin.state())) }
                td { code title=(plugin.digest()) { (plugin.digest().chars().take(16).collect::<String>()) "…" } }
            } } }
        }
    }
}

fn state_of(state: State) -> Markup {
    html! {
        @match state {
            State::Ready => span.good { "ready" },
            State::Tripped { retry_after } => span.bad { "tripped, tried again in " (retry_after.as_secs()) " s" },
        }
    }
}

fn destinations<'d>(destinations: impl Iterator<Item = &'d Destination>, backlogs: &[Backlog]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Destination" }
                th scope="col" { "Where" }
                th scope="col" { "Egress" }
                th.number scope="col" { "Waiting" }
                th.number scope="col" { "Dead" }
                th scope="col" { "Last failure" }
            } }
            tbody { @for destination in destinations {
                @let backlog = backlogs.iter().find(|backlog| backlog.destination.as_deref() == Some(&destination.name));
                tr {
                    th scope="row" { (destination.name) }
                    td { (target(&destination.target)) }
                    td { (names(&destination.egress)) }
                    td.number { (waiting(backlog)) }
                    td.number { (time::count(backlog.map_or(0, |backlog| backlog.dead))) }
                    td.reason { (backlog.and_then(|backlog| backlog.last_failure.as_deref()).unwrap_or("—")) }
                }
            } }
        }
    }
}

fn target(target: &Target) -> Markup {
    html! {
        @match target {
            Target::Dicom(peer) => { code { (peer.ae_title.to_string()) } span.second { "DICOM, " code { (peer.address) } } },
            Target::Folder(folder) => { code { (folder.display().to_string()) } span.second { "folder" } },
        }
    }
}

/// How many wait, and since when.
fn waiting(backlog: Option<&Backlog>) -> Markup {
    html! {
        (time::count(backlog.map_or(0, |backlog| backlog.waiting)))
        @if let Some(oldest) = backlog.and_then(|backlog| backlog.oldest) {
            span.second { "since " (time::ago(oldest, SystemTime::now())) }
        }
    }
}

/// The queue in front of the routers, and of destinations that are configured no more.
fn routing(backlogs: &[Backlog]) -> Markup {
    let waiting = backlogs
        .iter()
        .find(|backlog| backlog.kind == JobKind::Route)
        .map_or(0, |backlog| backlog.waiting);
    html! {
        @if waiting > 0 { p.note { (time::count(waiting)) " objects wait to be routed." } }
    }
}
