use isocenter::{Request, Response, Result, Route, archive};

#[derive(serde::Deserialize)]
struct Config {}

struct Header;

impl Route for Header {
    type Config = Config;

    fn handle(request: &Request, response: &mut Response, _: &Config) -> Result<()> {
        match archive::open(request.path().trim_start_matches('/')) {
            Some(object) => response.text("application/dicom+json", &object.json()),
            // What the caller may not see is not found either.
            None => response.status(404).text("text/plain", "no such object\n"),
        };
        Ok(())
    }
}

isocenter::plugin!(Header: route);
