//! A data folder with a private cluster, and what tests look at in it.
#![allow(clippy::allow_attributes, dead_code, reason = "each test file uses some of it")]
#![expect(clippy::unwrap_used, reason = "it is only ever called by tests")]

pub(crate) mod objects;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use futures::TryStreamExt;
use isocenter_archive::{
    Archive, Options, Recovery,
    index::{Duplicates, Known, Located, Quarantined, Standing, Within},
};
use objects::Object;

pub(crate) struct Data {
    pub(crate) folder: tempfile::TempDir,
}

impl Data {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("isocenter").tempdir().unwrap();
        // As root, a private cluster runs as another user, who must get through to it.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn options(&self, duplicates: Duplicates) -> Options {
        options(self.path(), duplicates)
    }

    pub(crate) async fn open(&self, duplicates: Duplicates) -> (Archive, Recovery) {
        Archive::open(self.options(duplicates)).await.unwrap()
    }

    /// The folder as a host that dies now would leave it. The database must have been stopped.
    pub(crate) fn as_left_by_a_crash(&self) -> Self {
        let copy = Self::new();
        let copied = Command::new("cp")
            .arg("-a")
            .arg(self.path())
            .arg(copy.path())
            .status()
            .unwrap();
        assert!(copied.success());
        copy
    }

    /// All packs, in order of their paths.
    pub(crate) fn packs(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for area in ["packs", "quarantine"] {
            files(&self.path().join(area), &mut found);
        }
        found.sort();
        found
    }

    /// How many packs are marked as not sealed.
    pub(crate) fn markers(&self) -> usize {
        std::fs::read_dir(self.path().join("open")).unwrap().count()
    }
}

pub(crate) fn options(data: PathBuf, duplicates: Duplicates) -> Options {
    Options {
        data,
        database: None,
        postgres_binaries: None,
        max_connections: 8,
        duplicates,
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The served object, if there is one.
pub(crate) async fn locate(archive: &Archive, object: &Object) -> Option<Located> {
    let (study, object) = (&object.identity.study, &object.identity.sop_instance);
    let mut found = archive
        .index()
        .locate(study, None, Some(object), None, 10, &Within::everything())
        .await
        .unwrap();
    assert!(found.len() <= 1);
    found.pop()
}

/// What is served under the object's UID.
pub(crate) async fn served(archive: &Archive, object: &Object) -> Option<Vec<u8>> {
    let at = locate(archive, object).await?;
    let chunks: Vec<_> = archive.read(&at).try_collect().await.unwrap();
    assert!(chunks.iter().all(|chunk| chunk.len() <= 128 * 1024));
    Some(chunks.concat())
}

/// Every row of the index, as text, in order.
pub(crate) async fn rows(archive: &Archive) -> Vec<String> {
    let mut found = Vec::new();
    for standing in [
        Standing::Served,
        Standing::Superseded,
        Standing::Held,
        Standing::Resolved,
    ] {
        let rows: Vec<Known> = archive.index().rows(standing, None, 10_000).await.unwrap();
        for row in &rows {
            let served = match standing {
                Standing::Served => archive
                    .index()
                    .locate(&row.study, None, Some(&row.object), None, 1, &Within::everything())
                    .await
                    .unwrap(),
                _ => Vec::new(),
            };
            found.push(format!("{row:?} {served:?}"));
        }
    }
    let held = archive.index().quarantined(1000).await.unwrap();
    // Its number is another one after the index was rebuilt.
    found.extend(
        held.into_iter()
            .map(|held| format!("{:?}", Quarantined { id: 0, ..held })),
    );
    let resolved = archive.index().resolved(1000).await.unwrap();
    found.extend(resolved.iter().map(|resolved| format!("{resolved:?}")));
    found
}
