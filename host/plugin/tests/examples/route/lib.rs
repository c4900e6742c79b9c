//! A route: a page that lists the studies that the caller may see, and each of their objects as a file.
//!
//! `GET /plugins/NAME/?patient=…` and `GET /plugins/NAME/object/UID`.

use isocenter::{Request, Response, Result, Route, archive, escape_html, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    title: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            title: "Studies".into(),
        }
    }
}

struct Page;

impl Route for Page {
    type Config = Config;

    fn handle(request: &Request<'_>, response: &mut Response<'_>, config: &Config) -> Result<()> {
        let path = request.path();
        match (request.method().as_str(), path.as_str()) {
            ("GET", "/") => list(&request.query("patient").concat(), response, config),
            ("GET", path) if path.starts_with("/object/") => {
                let uid = path.trim_start_matches("/object/");
                // What the caller may not see is not found either.
                let Some(object) = archive::open(uid) else {
                    response.status(404).text("text/plain", "no such object\n");
                    return Ok(());
                };
                // The host streams it: it does not enter the sandbox.
                response.header("content-type", "application/dicom").object(&object);
                Ok(())
            }
            _ => {
                response.status(404).text("text/plain", "GET / or /object/UID\n");
                Ok(())
            }
        }
    }
}

fn list(patient: &str, response: &mut Response<'_>, config: &Config) -> Result<()> {
    let keys = [("PatientID", patient), ("limit", "100")];
    let keys = if patient.is_empty() {
        keys.get(1..)
    } else {
        keys.get(..)
    };
    let title = escape_html(&config.title);
    let mut page = format!("<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1><ul>");
    for study in archive::search("studies", keys.unwrap_or_default())? {
        let text = [tags::STUDY_DATE, tags::PATIENT_NAME, tags::STUDY_DESCRIPTION].map(|tag| study.first(tag));
        page.push_str(&format!("<li>{}", escape_html(&text.join(" "))));
    }
    page.push_str("</ul>\n");
    response.text("text/html; charset=utf-8", &page);
    Ok(())
}

isocenter::plugin!(Page: route);

#[cfg(test)]
mod tests;
