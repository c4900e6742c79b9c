//! Requests to a registry: who asks, redirects, bounds, and what an answer that is no success means.

use std::io::Read as _;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{HeaderMap, Request};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, SendBody};
use url::Url;

use crate::PackError;
use crate::reference::Image;
use crate::registry::challenge::Challenge;
use crate::registry::credentials::Credentials;

/// The most redirects of one request.
const MOST_REDIRECTS: u32 = 5;
/// The largest answer of a token server, in bytes.
const MOST_TOKEN: u64 = 64 << 10;
/// How much of what a registry says of an error is shown, in characters.
const MOST_SHOWN: usize = 200;
/// Until a connection stands, and between two pieces of an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// A whole request.
const LONGEST: Duration = Duration::from_secs(600);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }
}

/// The client of one repository.
pub(crate) struct Http {
    agent: Agent,
    image: Image,
    credentials: Option<Credentials>,
    plain: bool,
    what: &'static str,
    /// What the registry was told last of who asks.
    authorization: Option<String>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// What a registry says of an error (the distribution specification, "Error codes").
#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Http {
    pub(crate) fn new(image: &Image, credentials: Option<Credentials>, plain: bool, what: &'static str) -> Http {
        // The system's, which a hospital may have added its own to; where it has none, those of Mozilla.
        let system: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let roots = if system.is_empty() {
            RootCerts::WebPki
        } else {
            RootCerts::new_with_certs(&system)
        };
        let agent = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            // Followed here, where it is known who may be told what.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .timeout_global(Some(LONGEST))
            .user_agent(concat!("isocenter/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Http {
            agent,
            plain: plain || image.is_here(),
            image: image.clone(),
            credentials,
            what,
            authorization: None,
        }
    }

    /// Scheme, host and port of the registry.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.plain { "http" } else { "https" };
        format!("{scheme}://{}", self.image.host)
    }

    /// Asks for something, and follows where it is sent.
    pub(crate) fn get(&mut self, url: &Url, accept: &str, most: u64) -> Result<Answer, PackError> {
        let mut at = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.asked("GET", &at, &[("accept", accept)], &[], most)?;
            if !matches!(answer.status, 301..=303 | 307 | 308) {
                return Ok(answer);
            }
            let location = answer.header("location");
            at = self.follow(&at, &location.ok_or_else(|| self.protocol("it redirects to nowhere"))?)?;
        }
        Err(self.protocol(format!("it redirects more than {MOST_REDIRECTS} times")))
    }

    /// Sends something. An answer with another status than the caller hopes for is an answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        url: &Url,
        content_type: Option<&str>,
        body: &[u8],
        most: u64,
    ) -> Result<Answer, PackError> {
        let headers: Vec<(&str, &str)> = content_type.map(|is| ("content-type", is)).into_iter().collect();
        self.asked(method, url, &headers, body, most)
    }

    /// A location that the registry names.
    pub(crate) fn follow(&self, from: &Url, location: &str) -> Result<Url, PackError> {
        let next = from
            .join(location)
            .map_err(|error| self.protocol(format!("it names a location that is no URL ({error})")))?;
        match (from.scheme(), next.scheme()) {
            (_, "https") | ("http", "http") => Ok(next),
            _ => Err(self.protocol(format!(
                "it sends from {} to {}, which is not safe",
                from.scheme(),
                next.scheme()
            ))),
        }
    }

    /// One request; where the registry asks who asks, told once and repeated.
    fn asked(
        &mut self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        body: &[u8],
        most: u64,
    ) -> Result<Answer, PackError> {
        let ours = self.is_registry(url);
        let told = self.authorization.clone().filter(|_| ours);
        let answer = self.once(method, url, headers, told.as_deref(), body, most)?;
        if answer.status != 401 || !ours {
            return self.judged(answer, ours);
        }
        let challenges = answer.headers.get_all("www-authenticate");
        let challenge = challenges.iter().find_map(|line| Challenge::parse(line.to_str().ok()?));
        let Some(authorization) = self.authorize(challenge)? else {
            return Err(self.unauthorized());
        };
        self.authorization = Some(authorization.clone());
        let answer = self.once(method, url, headers, Some(&authorization), body, most)?;
        self.judged(answer, ours)
    }

    fn judged(&self, answer: Answer, ours: bool) -> Result<Answer, PackError> {
        match answer.status {
            401 | 403 if ours => Err(self.unauthorized()),
            _ => Ok(answer),
        }
    }

    /// Whether a URL is of the registry that was named: nobody else is told who asks.
    fn is_registry(&self, url: &Url) -> bool {
        Url::parse(&self.base()).is_ok_and(|base| base.origin() == url.origin())
    }

    /// What answers a challenge.
    fn authorize(&self, challenge: Option<Challenge>) -> Result<Option<String>, PackError> {
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.credentials.as_ref().map(Credentials::basic)),
            Some(Challenge::Bearer { realm, service, scope }) => self.token(&realm, service, scope).map(Some),
        }
    }

    /// A token of whom the registry named.
    fn token(&self, realm: &str, service: Option<String>, scope: Option<String>) -> Result<String, PackError> {
        let strange = |problem: &str| self.protocol(format!("the token server that it names {problem}"));
        let mut url = Url::parse(realm).map_err(|_| strange("has no URL"))?;
        let safe = url.scheme() == "https" || self.is_registry(&url) || (self.plain && url.scheme() == "http");
        if !safe {
            return Err(strange("is not asked by https"));
        }
        for (key, value) in [("service", service), ("scope", scope)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(key, &value);
            }
        }
        // To another host only by TLS, whatever is said of the registry.
        let trusted = url.scheme() == "https" || self.is_registry(&url);
        let who = self.credentials.as_ref().filter(|_| trusted).map(Credentials::basic);
        let answer = self.once("GET", &url, &[], who.as_deref(), &[], MOST_TOKEN)?;
        match answer.status {
            200 => {}
            401 | 403 => return Err(self.unauthorized()),
            status => return Err(strange(&format!("answers {status}"))),
        }
        let token: Token = serde_json::from_slice(&answer.body).map_err(|_| strange("gives no token"))?;
        let token = if token.token.is_empty() {
            token.access_token
        } else {
            token.token
        };
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(strange("gives no token"));
        }
        Ok(format!("Bearer {token}"))
    }

    fn once(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        authorization: Option<&str>,
        body: &[u8],
        most: u64,
    ) -> Result<Answer, PackError> {
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let failed = |error: ureq::Error| self.unreachable(url, &error);
        let built = |error: ureq::http::Error| self.protocol(error.to_string());
        let response = if method == "PUT" || method == "POST" {
            self.agent.run(request.body(body).map_err(built)?)
        } else {
            self.agent.run(request.body(SendBody::none()).map_err(built)?)
        };
        let (head, content) = response.map_err(failed)?.into_parts();
        let mut bytes = Vec::new();
        content
            .into_reader()
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| failed(ureq::Error::Io(error)))?;
        if bytes.len() as u64 > most {
            return Err(PackError::TooLarge {
                from: self.image.to_string(),
                what: "an answer",
                most,
            });
        }
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: bytes,
        })
    }

    fn unreachable(&self, url: &Url, error: &ureq::Error) -> PackError {
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => self.image.host.clone(),
        };
        PackError::Unreachable {
            host,
            why: error.to_string(),
            plain: self.plain,
        }
    }

    fn unauthorized(&self) -> PackError {
        PackError::Unauthorized {
            host: self.image.host.clone(),
            who: match &self.credentials {
                Some(credentials) => credentials.user.clone(),
                None => "nobody in particular".into(),
            },
            what: self.what,
            repository: self.image.repository.clone(),
            known: self.credentials.is_some(),
        }
    }

    pub(crate) fn protocol(&self, problem: impl Into<String>) -> PackError {
        PackError::Protocol {
            host: self.image.host.clone(),
            problem: problem.into(),
        }
    }

    /// An answer that is no success, with what the registry says of it, on one line.
    pub(crate) fn status(&self, answer: Answer) -> PackError {
        let said: Option<Errors> = serde_json::from_slice(&answer.body).ok();
        let said = said.and_then(|errors| errors.errors.into_iter().next());
        let why = said.map_or_else(String::new, |error| {
            let text = format!(": {} {}", error.code, error.message);
            text.chars().filter(|c| !c.is_control()).take(MOST_SHOWN).collect()
        });
        PackError::Status {
            host: self.image.host.clone(),
            status: answer.status,
            why,
        }
    }
}
