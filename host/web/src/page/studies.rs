//! The list of studies: a search form, a page of results, and the way to the next.

use isocenter_archive::index::{Include, Index, Level, Query, SearchError};
use isocenter_dicom::tags;
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::access::Within;

use super::values::{date, name, text, texts};

/// Studies on a page.
const PAGE: u32 = 25;
/// Pages that can be turned; whoever needs more narrows the search.
const PAGES: u32 = 10_000;

/// What the form asks, straight from the query string.
#[derive(Debug, Default)]
pub(super) struct Search {
    name: String,
    id: String,
    page: String,
}

impl Search {
    /// Of a field that is given twice the last one counts; others are nobody's business.
    pub(super) fn read(pairs: Vec<(String, String)>) -> Self {
        let mut search = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "name" => search.name = value,
                "id" => search.id = value,
                "page" => search.page = value,
                _ => {}
            }
        }
        search
    }

    /// As the keys of a search are called.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        [("PatientName", &self.name), ("PatientID", &self.id)]
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// Counted from 1; nonsense is the first page.
    fn page(&self) -> u32 {
        self.page.trim().parse().unwrap_or(1).clamp(1, PAGES)
    }

    fn query(&self) -> Query {
        let mut query = Query::new(Level::Study);
        let (name, id) = (self.name.trim(), self.id.trim());
        if !name.is_empty() {
            // Every word by its beginning, in any order: what people type.
            query.matching.push((tags::PATIENT_NAME, name.to_owned()));
            query.fuzzy = !name.contains(['*', '?']);
        }
        if !id.is_empty() {
            let pattern = if id.contains(['*', '?']) {
                id.to_owned()
            } else {
                format!("{id}*")
            };
            query.matching.push((tags::PATIENT_ID, pattern));
        }
        query.include = Include::Tags(vec![tags::STUDY_DESCRIPTION]);
        // One more than is shown says whether there is a next page.
        query.limit = PAGE + 1;
        query.offset = u64::from(self.page() - 1) * u64::from(PAGE);
        query
    }

    /// The query string of another page.
    fn link(&self, page: u32) -> String {
        let mut link = String::from("?");
        for (key, value) in [("name", self.name.trim()), ("id", self.id.trim())] {
            if !value.is_empty() {
                link.push_str(key);
                link.push('=');
                percent_encode(value, &mut link);
                link.push('&');
            }
        }
        link + &format!("page={page}#studies")
    }

    fn is_empty(&self) -> bool {
        self.name.trim().is_empty() && self.id.trim().is_empty()
    }
}

/// Everything but unreserved characters (RFC 3986 §2.3).
fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(char::from(byte)),
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// A page of studies.
pub(super) struct Listing {
    search: Search,
    studies: Vec<Map<String, Value>>,
    more: bool,
    /// Why there are none, when that is the index's doing.
    trouble: Option<String>,
}

impl Listing {
    #[cfg(test)]
    pub(super) fn of(searched: &str, studies: Vec<Map<String, Value>>) -> Self {
        Self {
            search: Search {
                name: searched.to_owned(),
                id: searched.to_owned(),
                page: searched.to_owned(),
            },
            studies,
            more: true,
            trouble: None,
        }
    }

    pub(super) async fn find(index: &Index, search: Search, within: &Within) -> Self {
        let (mut studies, trouble) = match within.search(index, &search.query()).await {
            Ok(studies) => (studies, None),
            Err(SearchError::Index(error)) => {
                tracing::warn!(%error, "the studies could not be listed");
                (Vec::new(), Some("The index cannot be asked now.".to_owned()))
            }
            Err(error) => (Vec::new(), Some(format!("This cannot be searched for: {error}."))),
        };
        let shown = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let more = studies.len() > shown;
        studies.truncate(shown);
        Self {
            search,
            studies,
            more,
            trouble,
        }
    }
}

pub(super) fn section(listing: &Listing) -> Markup {
    html! {
        section #studies aria-labelledby="studies-title" {
            div.head {
                h2 #studies-title { "Studies" }
                (form(&listing.search))
            }
            @if let Some(trouble) = &listing.trouble {
                p.notice role="alert" { (trouble) }
            } @else if listing.studies.is_empty() {
                p.empty { (nothing(&listing.search)) }
            } @else {
                div.scroll role="region" aria-labelledby="studies-title" tabindex="0" { (table(&listing.studies)) }
            }
            (pager(listing))
        }
    }
}

fn form(search: &Search) -> Markup {
    html! {
        form method="get" action="./" role="search" {
            label { "Patient name" input type="search" name="name" value=(search.name) autocomplete="off" spellcheck="false"; }
            label { "Patient ID" input type="search" name="id" value=(search.id) autocomplete="off" spellcheck="false"; }
            button type="submit" { "Search" }
            @if !search.is_empty() { a href="./#studies" { "Clear" } }
        }
    }
}

fn nothing(search: &Search) -> &'static str {
    match (search.is_empty(), search.page()) {
        (true, 1) => "Nothing is stored yet. Send objects by C-STORE or STOW-RS to the addresses above.",
        (false, 1) => "No study matches. Names match by the beginning of each word; * and ? are wild cards.",
        _ => "There are no more studies.",
    }
}

fn table(studies: &[Map<String, Value>]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Patient" }
                th scope="col" { "Study" }
                th scope="col" { "Date" }
                th scope="col" { "Modalities" }
                th.number scope="col" { "Series" }
                th.number scope="col" { "Objects" }
                th scope="col" { "Data" }
            } }
            tbody { @for study in studies { (row(study)) } }
        }
    }
}

fn row(study: &Map<String, Value>) -> Markup {
    let uid = text(study, tags::STUDY_INSTANCE_UID);
    let (patient, ideographic) = name(study, tags::PATIENT_NAME);
    let description = text(study, tags::STUDY_DESCRIPTION);
    let accession = text(study, tags::ACCESSION_NUMBER);
    html! {
        tr {
            th scope="row" {
                // Isolated, so that a name's direction of writing turns around nothing but itself.
                @if patient.is_empty() { span.empty { "no name" } } @else { bdi { (patient) } }
                @if let Some(ideographic) = ideographic { span.second { bdi { (ideographic) } } }
                span.second { bdi { (text(study, tags::PATIENT_ID)) } }
            }
            td {
                @if description.is_empty() { span.empty { "no description" } } @else { bdi { (description) } }
                @if !accession.is_empty() { span.second { "Accession " bdi { (accession) } } }
            }
            td.nowrap { (date(study, tags::STUDY_DATE)) }
            td { @for modality in texts(study, tags::MODALITIES_IN_STUDY) { span.tag { (modality) } } }
            td.number { (text(study, tags::NUMBER_OF_STUDY_RELATED_SERIES)) }
            td.number { (text(study, tags::NUMBER_OF_STUDY_RELATED_INSTANCES)) }
            // A UID holds digits and dots only, or it would not have been indexed.
            td.nowrap {
                a href={ "dicom-web/studies/" (uid) "/series" } { "series" }
                " · "
                a href={ "dicom-web/studies/" (uid) "/metadata" } { "metadata" }
                span.second { code { (uid) } }
            }
        }
    }
}

fn pager(listing: &Listing) -> Markup {
    let page = listing.search.page();
    html! {
        @if page > 1 || listing.more {
            nav.pager aria-label="Pages of studies" {
                @if page > 1 { a rel="prev" href=(listing.search.link(page - 1)) { "← Newer" } } @else { span {} }
                span { "Page " (page) }
                @if listing.more { a rel="next" href=(listing.search.link(page + 1)) { "Older →" } } @else { span {} }
            }
        }
    }
}
