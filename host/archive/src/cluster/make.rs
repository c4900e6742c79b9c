//! Makes the cluster, once. `initdb` works in a folder of another name, which is renamed when it is done: a cluster that has
//! its name is whole, whenever the host was killed.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{ClusterError, USER, binaries::Binaries, launch, owner::Owner, survivors};

/// `initdb` takes one or two seconds; a busy disk may take its time.
const PATIENCE: Duration = Duration::from_secs(180);

/// The major version that made the cluster; `None` when there is none yet.
pub(super) fn version(folder: &Path) -> Result<Option<String>, ClusterError> {
    let file = folder.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(version) => Ok(Some(version.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClusterError::file("read", &file)(error)),
    }
}

/// Makes the cluster where it does not exist.
pub(super) fn ensure(folder: &Path, binaries: &Binaries, owner: &Owner) -> Result<(), ClusterError> {
    if version(folder)?.is_some() {
        return Ok(());
    }
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ClusterError::NotACluster(folder.to_owned()));
    }
    let new = draft(folder);
    survivors::end(&new)?;
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(ClusterError::file("remove", &new)(error));
        }
        _ => {}
    }
    fs::create_dir(&new).map_err(ClusterError::file("create", &new))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).map_err(ClusterError::file("close", &new))?;
    chown(&new, Some(owner.uid), Some(owner.gid)).map_err(ClusterError::file("give away", &new))?;
    let mut command = launch::command(&binaries.path("initdb"), owner);
    command.arg("--pgdata").arg(&new);
    command.args([
        "--username",
        USER,
        "--auth",
        "peer",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-instructions",
    ]);
    launch::run("initdb", command, PATIENCE)?;
    fs::rename(&new, folder).map_err(ClusterError::file("rename", &new))?;
    let parent = folder.parent().unwrap_or(Path::new("/"));
    File::open(parent)
        .and_then(|parent| parent.sync_all())
        .map_err(ClusterError::file("sync", parent))
}

/// Where it is made.
fn draft(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
