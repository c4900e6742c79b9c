use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
};

use super::{closed, elsewhere, open};
use crate::cluster::{ClusterError, owner};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

pub(crate) fn check() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root runs the database as another user");
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let data = outside.path().join("home/data");
    fs::create_dir_all(&data).unwrap();
    let folder = data.join("postgres");
    let owner = owner::choose(&folder).unwrap();

    // The data folder is opened to the group alone, and what others rely on stays.
    for (group, before, after) in [
        (0, 0o700, 0o710),
        (0, 0o711, 0o711),
        (0, 0o740, 0o741),
        (0, 0o755, 0o755),
        (owner.gid, 0o740, 0o750),
    ] {
        chown(&data, None, Some(group)).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(before)).unwrap();
        open(&data, &owner).unwrap();
        assert_eq!(mode(&data), after, "{before:o}");
        assert_eq!(closed(&folder, &owner), None);
    }

    // A closed folder above it stays closed: the cluster is elsewhere.
    fs::set_permissions(outside.path().join("home"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(closed(&folder, &owner), Some(outside.path().join("home")));
    let root = outside.path().join("var");
    let real = elsewhere(&folder, &owner, &root).unwrap();
    assert_eq!(fs::canonicalize(&folder).unwrap(), real);
    assert_eq!(fs::metadata(&real).unwrap().uid(), owner.uid);

    // The data folder was removed and made again: the old cluster is not its own.
    fs::write(real.join("PG_VERSION"), "15\n").unwrap();
    fs::remove_file(&folder).unwrap();
    let again = elsewhere(&folder, &owner, &root).unwrap();
    assert_eq!(again, real);
    assert!(!real.join("PG_VERSION").exists() && real.with_extension("old").join("PG_VERSION").exists());

    let error = elsewhere(&data.join("other"), &owner, &outside.path().join("home/var")).unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
}
