//! The data folder: where packs, markers and the lock are. Separate so that every path is made in one place, from digests
//! and ids alone: no name on disk comes from the network.

use std::{
    collections::HashSet,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use isocenter_dicom::uid::Uid;

use super::label::hex;
use crate::{ArchiveError, index::PackId};

/// The two trees of packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Area {
    Archive,
    Quarantine,
}

impl Area {
    pub(crate) const ALL: [Area; 2] = [Area::Archive, Area::Quarantine];

    fn folder(self) -> &'static str {
        match self {
            Area::Archive => "packs",
            Area::Quarantine => "quarantine",
        }
    }
}

/// The name of a study's folder: 128 bits of the digest of its UID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StudyFolder(String);

impl StudyFolder {
    pub(crate) fn of(study: &Uid) -> Self {
        let digest = blake3::hash(study.as_str().as_bytes());
        Self(hex(digest.as_bytes().get(..16).unwrap_or_default()))
    }

    fn parse(name: &str) -> Option<Self> {
        (name.len() == 32 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
            .then(|| Self(name.to_owned()))
    }

    fn fan(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }
}

/// Which pack: enough to find its file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PackName {
    pub(crate) area: Area,
    pub(crate) study: StudyFolder,
    pub(crate) id: PackId,
}

/// A new pack and what must be synced besides its data before its first entry is acknowledged.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) file: File,
    pub(crate) folders: Vec<PathBuf>,
}

/// The data folder, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Folders made since the start whose own name is not durable yet: who puts a pack below one syncs its parent too.
    fresh: Mutex<HashSet<PathBuf>>,
    _lock: File,
}

impl Folder {
    /// Creates what is missing and takes the lock. `traversable`: the folder itself must let another user pass, because a
    /// private cluster below it runs as one (when the host is root).
    pub(crate) fn take(root: &Path, traversable: bool) -> Result<Self, ArchiveError> {
        let mode = if traversable { 0o711 } else { 0o700 };
        create_folder(root, mode)?;
        let root = root
            .canonicalize()
            .map_err(|error| ArchiveError::file("find", root, error))?;
        let path = root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| ArchiveError::file("open", &path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArchiveError::InUse(root)),
            Err(TryLockError::Error(error)) => {
                return Err(ArchiveError::file("lock", &path, error));
            }
        }
        for name in ["packs", "quarantine", "open"] {
            create_folder(&root.join(name), 0o700)?;
        }
        sync_folder(&root).map_err(|error| ArchiveError::file("sync", &root, error))?;
        Ok(Self {
            root,
            fresh: Mutex::default(),
            _lock: lock,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, pack: &PackName) -> PathBuf {
        self.study_path(pack).join(format!("{}.tar", pack.id))
    }

    fn study_path(&self, pack: &PackName) -> PathBuf {
        self.root
            .join(pack.area.folder())
            .join(pack.study.fan())
            .join(&pack.study.0)
    }

    /// What was decided about quarantined objects of a study.
    pub(crate) fn resolutions(&self, study: &StudyFolder) -> PathBuf {
        let area = self.root.join(Area::Quarantine.folder());
        area.join(study.fan()).join(&study.0).join("resolved.jsonl")
    }

    fn marker(&self, pack: &PackName) -> PathBuf {
        self.root
            .join("open")
            .join(format!("{}.{}.{}", pack.id, pack.study.0, pack.area.folder()))
    }

    /// Creates a pack, its folder and its marker. The marker first: a journal keeps that order, so that a pack that
    /// survived a power loss is always found again.
    pub(crate) fn create(&self, pack: &PackName) -> Result<Created, ArchiveError> {
        let marker = self.marker(pack);
        create_file(&marker).map_err(|error| ArchiveError::file("create", &marker, error))?;
        let path = self.path(pack);
        let create = || -> Result<Created, ArchiveError> {
            let mut folders = vec![self.root.join("open")];
            let area = self.root.join(pack.area.folder());
            let fan = area.join(pack.study.fan());
            let study = self.study_path(pack);
            for (folder, parent) in [(&fan, &area), (&study, &fan)] {
                if self.make(folder)? {
                    folders.push(parent.clone());
                }
            }
            folders.push(study);
            let file = create_file(&path).map_err(|error| ArchiveError::file("create", &path, error))?;
            Ok(Created { file, folders })
        };
        create().inspect_err(|_| self.unmark(pack))
    }

    /// Creates a folder; says whether its name in the parent is yet to be synced.
    fn make(&self, folder: &Path) -> Result<bool, ArchiveError> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {
                fresh.insert(folder.to_owned());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(fresh.contains(folder)),
            Err(error) => Err(ArchiveError::file("create", folder, error)),
        }
    }

    /// Remembers that the folders of a new pack are durable.
    pub(crate) fn synced(&self, pack: &PackName) {
        let study = self.study_path(pack);
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if !fresh.is_empty() {
            if let Some(fan) = study.parent() {
                fresh.remove(fan);
            }
            fresh.remove(&study);
        }
    }

    /// Makes the names of a pack and of the folders above it durable.
    pub(crate) fn sync_above(&self, pack: &PackName) -> Result<(), ArchiveError> {
        for folder in self.path(pack).ancestors().skip(1).take(3) {
            sync_folder(folder).map_err(|error| ArchiveError::file("sync", folder, error))?;
        }
        Ok(())
    }

    /// Removes the marker. It is not synced: a marker that comes back only costs a scan.
    pub(crate) fn unmark(&self, pack: &PackName) {
        let marker = self.marker(pack);
        if let Err(error) = std::fs::remove_file(&marker) {
            tracing::warn!(marker = %marker.display(), %error, "cannot remove the marker of a sealed pack");
        }
    }

    /// Removes a pack that holds nothing.
    pub(crate) fn remove(&self, pack: &PackName) {
        let path = self.path(pack);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(pack = %path.display(), %error, "cannot remove an empty pack");
        }
    }

    /// Renames a pack that cannot be understood, so that nothing walks it any more and nothing of it is lost.
    pub(crate) fn set_aside(&self, pack: &PackName) -> Result<(), ArchiveError> {
        let path = self.path(pack);
        std::fs::rename(&path, path.with_extension("torn")).map_err(|error| ArchiveError::file("rename", path, error))
    }

    /// The packs that were not sealed, oldest first.
    pub(crate) fn unsealed(&self) -> Result<Vec<PackName>, ArchiveError> {
        let open = self.root.join("open");
        let mut packs = Vec::new();
        for name in names(&open)? {
            match marked(&name) {
                Some(pack) => packs.push(pack),
                None => tracing::warn!(name, "a file in the folder of markers is not a marker; left alone"),
            }
        }
        packs.sort_by_key(|pack| pack.id);
        Ok(packs)
    }

    /// The studies that have packs in an area, in order of their folder names.
    pub(crate) fn studies(
        &self,
        area: Area,
    ) -> Result<impl Iterator<Item = Result<StudyFolder, ArchiveError>> + Send + use<>, ArchiveError> {
        let area = self.root.join(area.folder());
        let fans = names(&area)?;
        Ok(fans.into_iter().flat_map(move |fan| match names(&area.join(&fan)) {
            Ok(names) => names
                .iter()
                .filter_map(|name| StudyFolder::parse(name))
                .map(Ok)
                .collect(),
            Err(error) => vec![Err(error)],
        }))
    }

    /// The packs of a study, oldest first.
    pub(crate) fn packs(&self, area: Area, study: &StudyFolder) -> Result<Vec<PackName>, ArchiveError> {
        let folder = self.root.join(area.folder()).join(study.fan()).join(&study.0);
        let mut packs: Vec<_> = names(&folder)?
            .iter()
            .filter_map(|name| PackId::parse(name.strip_suffix(".tar")?))
            .map(|id| PackName {
                area,
                study: study.clone(),
                id,
            })
            .collect();
        packs.sort_by_key(|pack| pack.id);
        Ok(packs)
    }
}

/// `<pack id>.<study folder>.<area>`
fn marked(name: &str) -> Option<PackName> {
    let mut parts = name.split('.');
    let (id, study, area) = (parts.next()?, parts.next()?, parts.next()?);
    let area = Area::ALL.into_iter().find(|known| known.folder() == area)?;
    if parts.next().is_some() {
        return None;
    }
    Some(PackName {
        area,
        study: StudyFolder::parse(study)?,
        id: PackId::parse(id)?,
    })
}

fn create_folder(path: &Path, mode: u32) -> Result<(), ArchiveError> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(|error| ArchiveError::file("create", path, error))
}

fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn names(folder: &Path) -> Result<Vec<String>, ArchiveError> {
    let fail = |error| ArchiveError::file("list", folder, error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        if let Ok(name) = entry.map_err(fail)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
