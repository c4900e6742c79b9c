//! Where the cluster's folder is: `DATA/postgres`, which the user that runs Postgres must be able to reach.
//!
//! A host that is root keeps its data folder closed (0700). It is opened just so far that the database's group may pass
//! through (0710). When something above the data folder is closed too, a home directory such as /root, it is not ours to
//! open: then the cluster is under /var/lib/isocenter, and `DATA/postgres` is a link to it.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

use super::{ClusterError, owner::Owner, survivors};

/// Where clusters are that cannot be in their data folder.
const ELSEWHERE: &str = "/var/lib/isocenter";

/// The real folder of the cluster, absolute, with every folder above it existing and open to its user.
pub(super) fn choose(folder: &Path, owner: &Owner) -> Result<PathBuf, ClusterError> {
    let data = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(data).map_err(ClusterError::file("create", data))?;
    let data = fs::canonicalize(data).map_err(ClusterError::file("find", data))?;
    let folder = data.join(folder.file_name().unwrap_or("postgres".as_ref()));
    if let Ok(real) = fs::canonicalize(&folder) {
        open(&data, owner)?;
        return match closed(&real, owner) {
            Some(at) => Err(ClusterError::Unreachable { uid: owner.uid, at }),
            None => Ok(real),
        };
    }
    // A link whose target is gone: the data folder was moved to another machine without it.
    match fs::remove_file(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(ClusterError::file("remove", &folder)(error));
        }
        _ => {}
    }
    open(&data, owner)?;
    if closed(&folder, owner).is_none() {
        return Ok(folder);
    }
    elsewhere(&folder, owner, Path::new(ELSEWHERE))
}

/// Lets the database's group pass through the data folder, if it is root's and closed.
fn open(data: &Path, owner: &Owner) -> Result<(), ClusterError> {
    let found = fs::metadata(data).map_err(ClusterError::file("read", data))?;
    if !owner.switch || enters(&found, owner) {
        return Ok(());
    }
    let mode = found.mode() & 0o7777;
    let opened = if found.gid() == owner.gid {
        mode | 0o010
    } else if mode & 0o070 == 0 {
        // Nobody relies on the group: it becomes the database's.
        chown(data, None, Some(owner.gid)).map_err(ClusterError::file("change the group of", data))?;
        mode | 0o010
    } else {
        mode | 0o001
    };
    fs::set_permissions(data, fs::Permissions::from_mode(opened)).map_err(ClusterError::file("open", data))
}

/// The topmost folder above `folder` that the owner cannot enter.
fn closed(folder: &Path, owner: &Owner) -> Option<PathBuf> {
    let above: Vec<&Path> = folder.ancestors().skip(1).collect();
    above
        .into_iter()
        .rev()
        .find(|at| fs::metadata(at).is_ok_and(|found| !enters(&found, owner)))
        .map(Path::to_owned)
}

fn enters(found: &fs::Metadata, owner: &Owner) -> bool {
    let bit = if found.uid() == owner.uid {
        0o100
    } else if found.gid() == owner.gid {
        0o010
    } else {
        0o001
    };
    found.mode() & bit != 0
}

/// A folder under `root`, named by the data folder's path, that `link` leads to.
fn elsewhere(link: &Path, owner: &Owner, root: &Path) -> Result<PathBuf, ClusterError> {
    fs::create_dir_all(root).map_err(ClusterError::file("create", root))?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o711)).map_err(ClusterError::file("open", root))?;
    let name = blake3::hash(link.as_os_str().as_encoded_bytes()).to_hex();
    let real = root.join(format!("postgres-{}", name.get(..16).unwrap_or_default()));
    if let Some(at) = closed(&real, owner) {
        return Err(ClusterError::Unreachable { uid: owner.uid, at });
    }
    // What is there without a link to it belonged to a data folder that was removed. One such is kept, for regrets.
    if real.exists() {
        survivors::end(&real)?;
        let old = real.with_extension("old");
        match fs::remove_dir_all(&old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ClusterError::file("remove", &old)(error));
            }
            _ => {}
        }
        fs::rename(&real, &old).map_err(ClusterError::file("rename", &real))?;
    }
    fs::create_dir(&real).map_err(ClusterError::file("create", &real))?;
    chown(&real, Some(owner.uid), Some(owner.gid)).map_err(ClusterError::file("give away", &real))?;
    symlink(&real, link).map_err(ClusterError::file("create", link))?;
    tracing::info!(
        folder = %real.display(), link = %link.display(),
        "the private database is outside the data folder, which its user cannot reach"
    );
    Ok(real)
}

#[cfg(test)]
pub(super) mod tests;
