//! Who asks a registry: from the environment, or from the file that `docker login` and `podman login` write.
//!
//! Separate because these are secrets. They are never on a command line, where others read them, and never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

/// The largest file with credentials, in bytes.
const MOST_FILE: u64 = 1 << 20;

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub user: String,
    password: String,
}

impl Credentials {
    /// Of a user.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials {
            user: user.into(),
            password: password.into(),
        }
    }

    /// As HTTP has them (RFC 7617).
    pub(crate) fn basic(&self) -> String {
        let text = format!("{}:{}", self.user, self.password);
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ..)", self.user)
    }
}

/// Why credentials were not read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// One variable without the other.
    #[error("{0} is set and {1} is not; set both, or neither to use what `docker login` wrote")]
    Half(&'static str, &'static str),
    /// The file is there, and not as Docker writes it.
    #[error("{}: {problem}; it should be as `docker login` writes it", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong. Nothing of its content.
        problem: String,
    },
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: String,
}

const USER: &str = "ISOCENTER_REGISTRY_USER";
const PASSWORD: &str = "ISOCENTER_REGISTRY_PASSWORD";

/// Who asks the registry `host`, by the environment: `ISOCENTER_REGISTRY_USER` and `ISOCENTER_REGISTRY_PASSWORD`, or else
/// the entry for this host in the first of `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json`,
/// `$XDG_RUNTIME_DIR/containers/auth.json` and `~/.docker/config.json` that is there. `None`: nobody in particular.
///
/// # Errors
/// When a variable is missing, or the file is not as Docker writes it.
pub fn credentials(
    host: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Credentials>, CredentialsError> {
    match (variable(USER), variable(PASSWORD)) {
        (Some(user), Some(password)) => return Ok(Some(Credentials::new(user, password))),
        (Some(_), None) => return Err(CredentialsError::Half(USER, PASSWORD)),
        (None, Some(_)) => return Err(CredentialsError::Half(PASSWORD, USER)),
        (None, None) => {}
    }
    let folder = |name: &str, rest: &str| variable(name).map(|folder| PathBuf::from(folder).join(rest));
    let files = [
        variable("REGISTRY_AUTH_FILE").map(PathBuf::from),
        folder("DOCKER_CONFIG", "config.json"),
        folder("XDG_RUNTIME_DIR", "containers/auth.json"),
        folder("HOME", ".docker/config.json"),
    ];
    for path in files.into_iter().flatten().filter(|path| path.is_file()) {
        if let Some(found) = in_file(&path, host)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn in_file(path: &std::path::Path, host: &str) -> Result<Option<Credentials>, CredentialsError> {
    let wrong = |problem: String| CredentialsError::File {
        path: path.to_owned(),
        problem,
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_FILE).read_to_string(&mut text))
        .map_err(|error| wrong(error.to_string()))?;
    let config: Config = serde_json::from_str(&text)
        // The parser's own words could hold a piece of a secret.
        .map_err(|error| wrong(format!("line {} is not valid", error.line())))?;
    // Docker writes some as URLs.
    let bare = |key: &str| -> String {
        let key = key.split_once("://").map_or(key, |(_, rest)| rest);
        key.split('/').next().unwrap_or_default().to_owned()
    };
    let entry = config.auths.iter().find(|(key, _)| bare(key) == host);
    let Some((_, entry)) = entry.filter(|(_, entry)| !entry.auth.is_empty()) else {
        return Ok(None);
    };
    let decoded = BASE64_STANDARD.decode(entry.auth.trim()).ok();
    let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.as_deref().and_then(|pair| pair.split_once(':'));
    let (user, password) = pair.ok_or_else(|| wrong(format!("the entry for {host} has no `auth` in base64")))?;
    Ok(Some(Credentials::new(user, password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_counts_before_the_file_and_an_entry_only_for_its_host() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        let auth = BASE64_STANDARD.encode("alice:pass:word");
        let text = format!(
            r#"{{"auths":{{"https://registry.example/v1/":{{"auth":"{auth}"}},"helped.example":{{}}}},"credsStore":"x"}}"#
        );
        std::fs::write(&file, text).unwrap();
        let asked = |host: &str, variables: &[(&str, &str)]| {
            credentials(host, |name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let docker = folder.path().display().to_string();
        let docker = ("DOCKER_CONFIG", docker.as_str());
        assert_eq!(
            asked("registry.example", &[docker]).unwrap(),
            Some(Credentials::new("alice", "pass:word"))
        );
        assert_eq!(asked("other.example", &[docker]).unwrap(), None);
        assert_eq!(asked("helped.example", &[docker]).unwrap(), None);
        let both = [docker, (USER, "bob"), (PASSWORD, "secret")];
        assert_eq!(
            asked("registry.example", &both).unwrap(),
            Some(Credentials::new("bob", "secret"))
        );
        let error = asked("registry.example", &[(USER, "bob")]).unwrap_err().to_string();
        assert!(error.contains(PASSWORD), "{error}");
        std::fs::write(&file, "{\"auths\": hunter2").unwrap();
        let error = asked("registry.example", &[docker]).unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("hunter2"), "{error}");
        assert_eq!(
            format!("{:?}", Credentials::new("bob", "secret")),
            "Credentials(bob, ..)"
        );
    }
}
