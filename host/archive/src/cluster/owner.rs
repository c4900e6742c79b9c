//! As whom Postgres runs.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command};

use super::ClusterError;

/// The user and group that Postgres runs as.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The host is root and must become this user to start it.
    pub(super) switch: bool,
    /// The name of the host's own user, who alone may connect.
    pub(super) host: String,
}

/// The host's own user; for root the user that already owns the cluster, else `postgres`, else `nobody`.
pub(super) fn choose(folder: &Path) -> Result<Owner, ClusterError> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let host = ask(&["-un"]).ok_or_else(|| ClusterError::Program {
        program: "id -un",
        said: format!("user id {uid} has no name; Postgres needs one, so add it to /etc/passwd"),
    })?;
    let made = fs::metadata(folder).ok().map(|found| (found.uid(), found.gid()));
    if uid != 0 {
        return match made {
            Some((other, _)) if other != uid => Err(ClusterError::Foreign {
                folder: folder.to_owned(),
                uid: other,
            }),
            _ => Ok(Owner {
                uid,
                gid,
                switch: false,
                host,
            }),
        };
    }
    if let Some((uid, gid)) = made.filter(|(uid, _)| *uid != 0) {
        return Ok(Owner {
            uid,
            gid,
            switch: true,
            host,
        });
    }
    for name in ["postgres", "nobody"] {
        let number = |option| ask(&[option, name])?.parse::<u32>().ok();
        if let (Some(uid), Some(gid)) = (number("-u"), number("-g")) {
            return Ok(Owner {
                uid,
                gid,
                switch: true,
                host,
            });
        }
    }
    Err(ClusterError::NoUser)
}

/// `id` knows every source of users that the machine has; reading /etc/passwd would not.
fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !said.trim().is_empty()).then(|| said.trim().to_owned())
}
