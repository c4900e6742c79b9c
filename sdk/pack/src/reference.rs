//! Where a plugin is: `HOST[:PORT]/NAME:TAG` or `…@sha256:…` in a registry, `dir:FOLDER[#NAME:TAG]`, `file:FILE`.
//!
//! Separate because it is what people type, and because parts of it become URLs: what has been read is of the grammar of
//! the OCI distribution specification and nothing else.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::digest::Digest;

/// Where a plugin is or is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// In a registry.
    Registry(Image),
    /// In an OCI image layout.
    Folder {
        /// The folder.
        path: PathBuf,
        /// `NAME:TAG`, where the folder holds several.
        name: Option<String>,
    },
    /// In a file, which is a layout as a tar archive.
    File(PathBuf),
}

/// An artifact in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Host, and port if it is not the scheme's own.
    pub host: String,
    /// Its name in the registry.
    pub repository: String,
    /// A name for one version.
    pub tag: Option<String>,
    /// The manifest itself; counts before a tag.
    pub digest: Option<Digest>,
}

/// What was typed is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` {problem}; write HOST[:PORT]/NAME:TAG or HOST[:PORT]/NAME@sha256:…, dir:FOLDER[#NAME:TAG], or file:FILE"
)]
pub struct ReferenceError {
    /// What was typed.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Image {
    /// What stands for the manifest in a URL: the digest, or the tag.
    pub(crate) fn version(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => String::new(),
        }
    }

    pub(crate) fn wants_tag(&self) -> Result<(), ReferenceError> {
        if self.tag.is_none() && self.digest.is_none() {
            return Err(ReferenceError {
                text: self.to_string(),
                problem: "does not say which version",
            });
        }
        Ok(())
    }

    /// Whether the host is this machine, which is asked without TLS.
    pub(crate) fn is_here(&self) -> bool {
        let name = match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        };
        let address: Result<std::net::IpAddr, _> = name.parse();
        name == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Registry(image) => image.fmt(f),
            Reference::Folder { path, name: None } => write!(f, "dir:{}", path.display()),
            Reference::Folder { path, name: Some(name) } => write!(f, "dir:{}#{name}", path.display()),
            Reference::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        let wrong = |problem| ReferenceError {
            text: text.to_owned(),
            problem,
        };
        if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Ok(Reference::File(path.into()));
        }
        if let Some(rest) = text.strip_prefix("dir:").filter(|path| !path.is_empty()) {
            let (path, name) = match rest.rsplit_once('#') {
                None => (rest, None),
                Some((path, name)) if is_layout_name(name) && !path.is_empty() => (path, Some(name.to_owned())),
                Some(_) => return Err(wrong("has no NAME:TAG after its #")),
            };
            return Ok(Reference::Folder {
                path: path.into(),
                name,
            });
        }
        let (host, rest) = text.split_once('/').ok_or_else(|| wrong("names no registry"))?;
        if !is_host(host) {
            return Err(wrong("does not begin with the host of a registry"));
        }
        let (rest, digest) = match rest.split_once('@') {
            None => (rest, None),
            Some((rest, digest)) => {
                let digest = Digest::parse(digest).ok_or_else(|| wrong("has a digest that is not one of SHA-256"))?;
                (rest, Some(digest))
            }
        };
        let (repository, tag) = match rest.split_once(':') {
            None => (rest, None),
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
        };
        if !repository.split('/').all(is_component) || repository.len() > 255 {
            return Err(wrong(
                "has a name that is not lower-case letters, digits, dots, dashes and slashes",
            ));
        }
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong(
                "has a tag that is not letters, digits, dots, dashes and underscores",
            ));
        }
        Ok(Reference::Registry(Image {
            host: host.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest,
        }))
    }
}

/// A name with a dot or a port, `localhost`, or an address: as Docker tells a registry from a user's name.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match rest.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None if rest.is_empty() => (address, None),
                None => return false,
            }
        }
        None => {
            let (name, port) = match host.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (host, None),
            };
            let fine = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
            if !name.chars().all(fine) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                return false;
            }
            (name, port)
        }
    };
    let number = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    number && (port.is_some() || name.contains(['.', ':']) || name == "localhost")
}

fn is_component(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    edge(text.chars().next()) && edge(text.chars().next_back()) && text.chars().all(fine) && !text.contains("..")
}

pub(crate) fn is_tag(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=128).contains(&text.len()) && text.chars().all(fine) && !text.starts_with(['.', '-'])
}

fn is_layout_name(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(name, tag)| is_name(name) && is_tag(tag))
}

/// What a plugin may be called: its file is named so.
pub(crate) fn is_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fine) && name.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_or_refused() {
        let digest = "a".repeat(64);
        for text in [
            "localhost:5000/edge:0.1.0".to_owned(),
            "registry.example/team/edge:0.1.0".to_owned(),
            format!("registry.example/edge@sha256:{digest}"),
            format!("[::1]:5000/edge:1@sha256:{digest}"),
            "10.0.0.5/edge".to_owned(),
            "dir:/media/usb".to_owned(),
            "dir:packs#edge:0.1.0".to_owned(),
            "file:edge.tar".to_owned(),
        ] {
            let read: Reference = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        let mut report = String::new();
        for text in [
            "edge:0.1.0",
            "team/edge:0.1.0",
            "https://registry.example/edge:1",
            "user:secret@registry.example/edge:1",
            "registry.example/Edge:1",
            "registry.example/../edge:1",
            "registry.example/edge:a b",
            "registry.example:port/edge:1",
            "registry.example/edge@sha256:12",
            "dir:",
            "dir:packs#edge",
        ] {
            let error = text.parse::<Reference>().unwrap_err();
            report.push_str(&format!("{}: {}\n", error.text, error.problem));
        }
        expect_test::expect![[r#"
            edge:0.1.0: names no registry
            team/edge:0.1.0: does not begin with the host of a registry
            https://registry.example/edge:1: does not begin with the host of a registry
            user:secret@registry.example/edge:1: does not begin with the host of a registry
            registry.example/Edge:1: has a name that is not lower-case letters, digits, dots, dashes and slashes
            registry.example/../edge:1: has a name that is not lower-case letters, digits, dots, dashes and slashes
            registry.example/edge:a b: has a tag that is not letters, digits, dots, dashes and underscores
            registry.example:port/edge:1: does not begin with the host of a registry
            registry.example/edge@sha256:12: has a digest that is not one of SHA-256
            dir:: names no registry
            dir:packs#edge: has no NAME:TAG after its #
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (text, here) in [
            ("localhost:5000/a:1", true),
            ("127.0.0.2/a:1", true),
            ("[::1]:5000/a:1", true),
            ("localhost.example/a:1", false),
            ("10.0.0.1/a:1", false),
        ] {
            let Reference::Registry(image) = text.parse().unwrap() else {
                panic!("{text}")
            };
            assert_eq!(image.is_here(), here, "{text}");
        }
    }
}
