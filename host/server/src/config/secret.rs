//! Secrets: where a plugin's secret comes from, and how it is read.
//!
//! The configuration holds the source, never the secret, so that printing or logging a configuration shows none.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Environment;

/// Longest secret, in bytes.
const LONGEST: u64 = 64 * 1024;

/// `[secrets]` NAME: where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The content of a file, without a line end at its end.
    File(PathBuf),
    /// The value of an environment variable.
    Environment(String),
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is not there or not readable.
    #[error("cannot read {path}: {cause}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file is too long to be a secret.
    #[error("{path} holds more than {LONGEST} bytes")]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// The environment has no such variable.
    #[error("the environment variable {name} is not set")]
    Environment {
        /// Which variable.
        name: String,
    },
}

impl SecretSource {
    /// The secret itself, read now, so that a reload sees a rotated one.
    ///
    /// # Errors
    /// The file cannot be read or holds more than 64 KiB; the variable is not set.
    pub fn read(&self, environment: &Environment) -> Result<Vec<u8>, SecretError> {
        match self {
            Self::File(path) => {
                let failed = |cause| SecretError::File {
                    path: path.clone(),
                    cause,
                };
                let file = std::fs::File::open(path).map_err(failed)?;
                let mut bytes = Vec::new();
                file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
                if bytes.len() as u64 > LONGEST {
                    return Err(SecretError::TooLong { path: path.clone() });
                }
                for end in [b'\n', b'\r'] {
                    if bytes.last() == Some(&end) {
                        bytes.pop();
                    }
                }
                Ok(bytes)
            }
            Self::Environment(name) => environment
                .get(name)
                .map(|value| value.clone().into_bytes())
                .ok_or_else(|| SecretError::Environment { name: name.clone() }),
        }
    }

    /// Why the file of this secret cannot be one, if that is so.
    pub(super) fn missing_file(&self) -> Option<String> {
        match self {
            Self::File(path) => missing(path),
            Self::Environment(_) => None,
        }
    }
}

/// Why there is no file at `path`, if that is so.
pub(super) fn missing(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => None,
        Ok(_) => Some(format!("{} is not a file", path.display())),
        Err(cause) => Some(format!("cannot read {}: {cause}", path.display())),
    }
}
