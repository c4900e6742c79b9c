//! The archive as the other crates see it: opened once, cloned freely. Separate from the crate root so that the root is
//! a table of contents.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Future, Stream};
use isocenter_dicom::{header::Header, uid::Uid};
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::{
    ArchiveError, Checked, PackWriter, Recovery, Reindexed, Verified,
    cluster::Cluster,
    group::Group,
    index::{Duplicates, Index, IndexError, Located, Outcome, Place, Quarantined},
    pack::{
        folder::{Area, Created, Folder, PackName, StudyFolder},
        parse,
        read::{Files, Reading},
    },
    recover, reindex, resolve, verify,
};

/// How long closing waits for packs to be sealed.
const CLOSING: Duration = Duration::from_secs(10);

/// How to open an archive.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder; created (mode 0700) when it is absent.
    pub data: PathBuf,
    /// A Postgres URL. `None`: a private cluster is started in the data folder.
    pub database: Option<String>,
    /// Where the Postgres binaries of the private cluster are. `None`: they are searched for.
    pub postgres_binaries: Option<PathBuf>,
    /// Connections to the database at most, at least 4. Two are for the commits of all associations, one for what plugins
    /// did; the others are for searches and the queue.
    pub max_connections: u32,
    /// What happens when a SOP Instance UID arrives again with different content.
    pub duplicates: Duplicates,
}

/// Packs and index together. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

/// What the clones share.
pub(crate) struct Inner {
    pub(crate) folder: Arc<Folder>,
    pub(crate) index: Index,
    pub(crate) group: Group,
    /// The policy, also written beside each object.
    pub(crate) duplicates: Duplicates,
    pub(crate) files: Arc<Files>,
    /// Entries and packs that were dropped and are put in order in the background; closing waits for them.
    tasks: TaskTracker,
    /// Where those run: they may be dropped on a thread that has no runtime.
    runtime: Handle,
    cluster: Mutex<Option<Cluster>>,
    /// Held by who decides about an object in quarantine, or rebuilds the index.
    pub(crate) resolving: tokio::sync::Mutex<()>,
}

impl Archive {
    /// Locks the data folder, starts or connects the database, and settles what a crash left behind; all packs that were
    /// not sealed are read for that. Must be called within a multi-threaded tokio runtime.
    pub async fn open(options: Options) -> Result<(Archive, Recovery), ArchiveError> {
        let Options {
            data,
            database,
            postgres_binaries,
            max_connections,
            duplicates,
        } = options;
        // As root the private cluster runs as another user, who has to get through to its own folder.
        let traversable = database.is_none() && rustix::process::geteuid().is_root();
        let folder = blocking(move || Folder::take(&data, traversable)).await?;
        let folder = Arc::new(folder);
        let (cluster, connect) = match database {
            Some(url) => (None, PgConnectOptions::from_str(&url).map_err(IndexError::from)?),
            None => {
                let cluster = Cluster::start(&folder.root().join("postgres"), postgres_binaries.as_deref()).await?;
                let connect = cluster.connect_options();
                (Some(cluster), connect)
            }
        };
        let index = Index::connect(connect, max_connections.max(4)).await?;
        let recovery = recover::run(&folder, &index).await?;
        if cluster.is_some() {
            // This folder is locked and its database is its own: whoever held a sink is gone.
            index.release_all_sinks().await?;
        }
        let inner = Inner {
            group: Group::start(folder.clone(), index.clone(), duplicates)?,
            files: Arc::new(Files::new(folder.clone())),
            folder,
            index,
            duplicates,
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            cluster: Mutex::new(cluster),
            resolving: tokio::sync::Mutex::default(),
        };
        Ok((Archive { inner: Arc::new(inner) }, recovery))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The index of what is stored.
    pub fn index(&self) -> &Index {
        &self.inner.index
    }

    /// A writer for one association or STOW request.
    pub fn writer(&self) -> PackWriter {
        PackWriter::new(self.inner.clone())
    }

    /// The Part 10 file of a stored object, in chunks of at most 128 KiB; at most two are held in memory. An error ends
    /// the stream.
    pub fn read(&self, at: &Located) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
        self.reading(Area::Archive, &at.identity.study, &at.place)
    }

    /// The Part 10 file of an object in quarantine.
    pub fn read_held(&self, at: &Quarantined) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
        self.reading(Area::Quarantine, &at.identity.study, &at.place)
    }

    /// The header of a stored object, parsed again from its pack; no pixel data is read.
    pub async fn read_header(&self, at: &Located) -> Result<Header, ArchiveError> {
        let name = PackName {
            area: Area::Archive,
            study: StudyFolder::of(&at.identity.study),
            id: at.place.pack,
        };
        let (inner, place) = (self.inner.clone(), at.place);
        blocking(move || {
            let path = inner.folder.path(&name);
            let file = inner
                .files
                .open(&name)
                .map_err(|error| ArchiveError::file("open", &path, error))?;
            parse::header(&file, &path, &place)
        })
        .await
    }

    /// Takes an object out of quarantine that is not wanted; what it was is answered. Who decided (256 bytes) and why (1024
    /// bytes, no patient data) is kept for good. Its bytes stay in their pack. `None`: there is no object of that number in
    /// quarantine.
    ///
    /// After an error it may be gone or not, and be gone after the index was rebuilt; deciding again does no harm.
    pub async fn discard_held(&self, id: i64, by: &str, reason: &str) -> Result<Option<Quarantined>, ArchiveError> {
        resolve::run(&self.inner, id, Outcome::Discarded, by, reason).await
    }

    /// Takes an object out of quarantine that was stored again from [`Archive::read_held`]: to be called afterwards. As
    /// [`Archive::discard_held`] otherwise.
    pub async fn release_held(&self, id: i64, by: &str, reason: &str) -> Result<Option<Quarantined>, ArchiveError> {
        resolve::run(&self.inner, id, Outcome::Released, by, reason).await
    }

    /// The bytes of a stored object by their place. Blocks; so does reading from what it answers.
    pub fn stored_bytes(&self, at: &Located) -> io::Result<StoredBytes> {
        let name = PackName {
            area: Area::Archive,
            study: StudyFolder::of(&at.identity.study),
            id: at.place.pack,
        };
        Ok(StoredBytes {
            file: self.inner.files.open(&name)?,
            offset: at.place.offset,
            length: at.place.length,
        })
    }

    /// Compares packs, digests and index, while the host goes on; reads every stored byte once. `progress` is called
    /// after each few hundred objects.
    pub async fn verify(&self, progress: impl FnMut(&Checked) + Send) -> Result<Verified, ArchiveError> {
        verify::run(&self.inner, progress).await
    }

    /// Forgets the index and rebuilds it from the packs alone; nothing is routed again. Refused while packs are open.
    pub async fn reindex(&self) -> Result<Reindexed, ArchiveError> {
        reindex::run(&self.inner).await
    }

    /// Waits for what is under way (writers that were dropped are sealed, at most 10 s), then stops the private cluster
    /// and frees the data folder once the last clone is gone. What still uses the archive gets [`ArchiveError::Closed`].
    pub async fn close(self) {
        let inner = &self.inner;
        inner.tasks.close();
        if tokio::time::timeout(CLOSING, inner.tasks.wait()).await.is_err() {
            tracing::warn!(
                packs = inner.group.open_packs(),
                "closing with packs that are not sealed"
            );
        }
        inner.group.close().await;
        inner.index.close().await;
        let cluster = inner.cluster.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(cluster) = cluster {
            cluster.stop().await;
        }
    }

    fn reading(&self, area: Area, study: &Uid, place: &Place) -> Reading {
        let name = PackName {
            area,
            study: StudyFolder::of(study),
            id: place.pack,
        };
        Reading::new(self.inner.files.clone(), name, place.offset, place.length)
    }
}

/// A stored Part 10 file, read by place.
#[derive(Clone, Debug)]
pub struct StoredBytes {
    file: Arc<File>,
    offset: u64,
    length: u64,
}

impl StoredBytes {
    /// Bytes of the Part 10 file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Exactly `length` bytes from `from` on; an error where there are not so many. Blocks.
    pub fn read(&self, from: u64, length: usize) -> io::Result<Bytes> {
        let end = from.checked_add(length as u64).filter(|end| *end <= self.length);
        if end.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, self.offset + from)?;
        Ok(bytes.into())
    }
}

impl Inner {
    /// Runs in the background; closing waits for it.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Creates a pack. If the caller goes away meanwhile, it is removed again.
    pub(crate) async fn create(self: &Arc<Self>, name: PackName) -> Result<(PathBuf, Created), ArchiveError> {
        let archive = self.clone();
        let mut unclaimed = blocking(move || {
            archive.group.opened(name.id);
            let mut unclaimed = Unclaimed {
                archive,
                name,
                created: None,
                claimed: false,
            };
            unclaimed.created = Some(unclaimed.archive.folder.create(&unclaimed.name)?);
            Ok(unclaimed)
        })
        .await?;
        let path = self.folder.path(&unclaimed.name);
        let created = unclaimed.created.take().ok_or(ArchiveError::Closed)?;
        unclaimed.claimed = true;
        Ok((path, created))
    }
}

/// A pack that nobody writes to yet: unless it is claimed, it goes away again.
struct Unclaimed {
    archive: Arc<Inner>,
    name: PackName,
    created: Option<Created>,
    claimed: bool,
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if self.claimed {
            return;
        }
        if self.created.is_some() {
            self.archive.folder.remove(&self.name);
            self.archive.folder.unmark(&self.name);
        }
        self.archive.group.closed(self.name.id);
    }
}

/// Runs on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(ArchiveError::Closed))
}
