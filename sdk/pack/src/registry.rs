//! A registry that speaks the OCI distribution protocol.
//!
//! Separate because it talks to strangers. Every answer is bounded in size and time. Who asks is told to the registry that
//! was named and to the token server that it names itself, over TLS, and to nobody else: a redirect or an upload location
//! at another host is followed without. From https there is no way to http.

mod challenge;
mod credentials;
mod http;

use url::Url;

pub use credentials::{Credentials, CredentialsError, credentials};

use crate::PackError;
use crate::digest::Digest;
use crate::manifest::{MANIFEST, MOST_JSON};
use crate::packed::{About, Destination, Source};
use crate::reference::{Image, is_tag};
use crate::registry::http::{Answer, Http};

/// What an answer without content may hold all the same, in bytes.
const MOST_REMARK: u64 = 64 << 10;

/// One repository of a registry.
pub(crate) struct Registry {
    image: Image,
    http: Http,
}

impl Registry {
    /// `what` is done there: `pull` or `push to`. Asks nobody anything yet.
    pub(crate) fn new(image: &Image, credentials: Option<Credentials>, plain: bool, what: &'static str) -> Registry {
        Registry {
            http: Http::new(image, credentials, plain, what),
            image: image.clone(),
        }
    }

    fn url(&self, rest: &str) -> Result<Url, PackError> {
        let text = format!("{}/v2/{}/{rest}", self.http.base(), self.image.repository);
        Url::parse(&text).map_err(|error| self.http.protocol(format!("{text} is no URL ({error})")))
    }

    fn unknown(&self) -> PackError {
        let mut name = self.image.repository.clone();
        let version = self.image.version();
        if !version.is_empty() {
            name.push(if self.image.digest.is_some() { '@' } else { ':' });
            name.push_str(&version);
        }
        PackError::Unknown {
            name,
            from: format!("the registry {}", self.image.host),
            known: Vec::new(),
        }
    }

    /// What is not as the protocol has it.
    fn refused(&self, answer: Answer) -> PackError {
        if answer.status == 404 {
            return self.unknown();
        }
        self.http.status(answer)
    }
}

impl Source for Registry {
    fn manifest(&mut self) -> Result<Vec<u8>, PackError> {
        let url = self.url(&format!("manifests/{}", self.image.version()))?;
        let answer = self.http.get(&url, MANIFEST, MOST_JSON)?;
        if answer.status != 200 {
            return Err(self.refused(answer));
        }
        if let Some(wanted) = &self.image.digest {
            let found = Digest::of(&answer.body);
            if found != *wanted {
                return Err(PackError::Digest {
                    from: self.image.to_string(),
                    wanted: wanted.clone(),
                    found,
                });
            }
        }
        Ok(answer.body)
    }

    fn blob(&mut self, digest: &Digest, size: u64) -> Result<Vec<u8>, PackError> {
        let url = self.url(&format!("blobs/{digest}"))?;
        let answer = self.http.get(&url, "*/*", size)?;
        if answer.status != 200 {
            return Err(self.refused(answer));
        }
        Ok(answer.body)
    }
}

impl Destination for Registry {
    fn blob(&mut self, digest: &Digest, bytes: &[u8]) -> Result<(), PackError> {
        let there = self.url(&format!("blobs/{digest}"))?;
        if self.http.send("HEAD", &there, None, &[], MOST_REMARK)?.status == 200 {
            return Ok(());
        }
        let begin = self.url("blobs/uploads/")?;
        let answer = self.http.send("POST", &begin, None, &[], MOST_REMARK)?;
        if answer.status != 202 {
            return Err(self.refused(answer));
        }
        let location = answer.header("location");
        let location = location.ok_or_else(|| self.http.protocol("it gives an upload no location"))?;
        let mut at = self.http.follow(&begin, &location)?;
        at.query_pairs_mut().append_pair("digest", &digest.to_string());
        let answer = self
            .http
            .send("PUT", &at, Some("application/octet-stream"), bytes, MOST_REMARK)?;
        if answer.status != 201 {
            return Err(self.refused(answer));
        }
        Ok(())
    }

    fn manifest(&mut self, about: &About, bytes: &[u8]) -> Result<(), PackError> {
        let digest = Digest::of(bytes);
        let version = match (&self.image.tag, &self.image.digest) {
            (Some(tag), _) => tag.clone(),
            (None, Some(wanted)) if *wanted != digest => {
                return Err(PackError::Digest {
                    from: "this plugin".into(),
                    wanted: wanted.clone(),
                    found: digest,
                });
            }
            (None, Some(wanted)) => wanted.to_string(),
            (None, None) if is_tag(&about.version) => about.version.clone(),
            (None, None) => {
                self.image.wants_tag()?;
                String::new()
            }
        };
        let url = self.url(&format!("manifests/{version}"))?;
        let answer = self.http.send("PUT", &url, Some(MANIFEST), bytes, MOST_REMARK)?;
        if answer.status != 201 {
            return Err(self.refused(answer));
        }
        Ok(())
    }
}
