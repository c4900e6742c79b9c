//! A route that serves a page with one study: whose it is, when, and its series.
//!
//! `GET /plugins/NAME/?study=UID`. The host answers its questions within the limits of whoever opens the page: what they
//! may not see is not found, and counts nowhere.

use isocenter::{Request, Response, Result, Route, archive, escape_html, tags};

/// A page with more series says that there are more.
const MOST_SERIES: usize = 200;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

struct Summary;

impl Route for Summary {
    type Config = Config;

    fn handle(request: &Request<'_>, response: &mut Response<'_>, _: &Config) -> Result<()> {
        if request.method() != "GET" || request.path() != "/" {
            response.status(404).text("text/plain", "GET /?study=UID\n");
            return Ok(());
        }
        let study = request.query("study").concat();
        // Digits and dots: nothing that a search takes for a pattern, or a path for a step.
        let is_uid = !study.is_empty() && study.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let found = match is_uid {
            true => archive::search("studies", &[("StudyInstanceUID", &study), ("limit", "1")])?,
            false => Vec::new(),
        };
        let Some(found) = found.first() else {
            response.status(404).text("text/plain", "no such study\n");
            return Ok(());
        };
        let limit = (MOST_SERIES + 1).to_string();
        let series = archive::search(&format!("studies/{study}/series"), &[("limit", &limit)])?;

        let text = |found: &archive::Found, tag| escape_html(&found.first(tag));
        let name = text(found, tags::PATIENT_NAME).replace('^', " ");
        let mut page = format!("<!doctype html><meta charset=utf-8><title>{name}</title><h1>{name}</h1>\n<p>");
        for tag in [
            tags::PATIENT_ID,
            tags::PATIENT_BIRTH_DATE,
            tags::STUDY_DATE,
            tags::STUDY_DESCRIPTION,
        ] {
            page.push_str(&format!("{}<br>", text(found, tag)));
        }
        page.push_str("\n<table><tr><th>Series<th>Modality<th>Description<th>Objects\n");
        for one in series.iter().take(MOST_SERIES) {
            page.push_str("<tr>");
            for tag in [
                tags::SERIES_NUMBER,
                tags::MODALITY,
                tags::SERIES_DESCRIPTION,
                tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
            ] {
                page.push_str(&format!("<td>{}", text(one, tag)));
            }
            page.push('\n');
        }
        page.push_str("</table>\n");
        if series.len() > MOST_SERIES {
            page.push_str(&format!("<p>The study has more than these {MOST_SERIES} series.\n"));
        }
        // It loads nothing and runs nothing, whatever stands in it.
        response.header("content-security-policy", "default-src 'none'");
        response.text("text/html; charset=utf-8", &page);
        Ok(())
    }
}

isocenter::plugin!(Summary: route);

#[cfg(test)]
mod tests;
