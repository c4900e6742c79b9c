//! Real clusters. The shared one serves every test of this crate that needs a database, each in a database of its own.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::{Cluster, ClusterError, binaries, launch::Launch, make, owner, seat, settings, survivors};
use crate::index::{Index, IndexError};

struct Shared {
    cluster: Cluster,
    _folder: TempDir,
}

static SHARED: tokio::sync::Mutex<Weak<Shared>> = tokio::sync::Mutex::const_new(Weak::new());

/// An empty index in a database of its own.
pub(crate) struct Fresh {
    pub(crate) index: Index,
    pub(crate) options: sqlx::postgres::PgConnectOptions,
    /// The last test to end stops the cluster.
    _shared: Arc<Shared>,
}

/// Makes one; the cluster is started by whoever comes first.
pub(crate) async fn fresh_index() -> Fresh {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut slot = SHARED.lock().await;
    let shared = match slot.upgrade() {
        Some(shared) => shared,
        None => {
            let folder = tempfile::tempdir().unwrap();
            let cluster = Cluster::start(&folder.path().join("postgres"), None).await.unwrap();
            let shared = Arc::new(Shared {
                cluster,
                _folder: folder,
            });
            *slot = Arc::downgrade(&shared);
            shared
        }
    };
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let options = shared.cluster.connect_options();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    // Tests of what is committed need not wait for the disk; those of what is durable kill no machine.
    let quick = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    sqlx::query(AssertSqlSafe(quick))
        .execute(&mut connection)
        .await
        .unwrap();
    drop(slot);
    let options = options.database(&name);
    let index = Index::connect(options.clone(), 8).await.unwrap();
    Fresh {
        index,
        options,
        _shared: shared,
    }
}

fn postmaster(folder: &Path) -> Pid {
    let text = fs::read_to_string(folder.join("postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

async fn eventually(index: &Index, within: Duration) -> Duration {
    let start = Instant::now();
    while let Err(error) = index.ping().await {
        assert!(matches!(error, IndexError::Unavailable(_)), "{error:?}");
        assert!(start.elapsed() < within, "still {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_once_and_survives_the_death_of_its_server_and_of_its_host() {
    let data = tempfile::tempdir().unwrap();
    // Longer than the name of a socket may be.
    let data = data.path().join("a-long-name-".repeat(8));
    let folder = data.join("postgres");
    // A host was killed while it made the cluster.
    fs::create_dir_all(data.join("postgres.new/base")).unwrap();

    let cluster = Cluster::start(&folder, None).await.unwrap();
    let index = Index::connect(cluster.connect_options(), 4).await.unwrap();
    index.ping().await.unwrap();
    assert!(!data.join("postgres.new").exists());

    // The server dies; connections that were open are lost; the index comes back by itself.
    rustix::process::kill_process(postmaster(&folder), Signal::KILL).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    eventually(&index, Duration::from_secs(20)).await;
    index.close().await;
    cluster.stop().await;
    assert!(!folder.join("postmaster.pid").exists());

    // A stale pid file, whose number belongs to another process by now.
    let text = format!(
        "{}\n{}\n1\n5432\n.\n\n 1 1\nready\n",
        std::process::id(),
        folder.display()
    );
    fs::write(folder.join("postmaster.pid"), text).unwrap();
    let cluster = Cluster::start(&folder, None).await.unwrap();
    let index = Index::connect(cluster.connect_options(), 4).await.unwrap();
    assert_eq!(index.totals().await.unwrap(), crate::index::Totals::default());
    index.close().await;
    drop(cluster);
    assert!(!folder.join("postmaster.pid").exists());

    // A server that outlived its host, which was killed.
    let owner = owner::choose(&folder).unwrap();
    let found = binaries::find(None, make::version(&folder).unwrap().as_deref()).unwrap();
    settings::write(&folder, &owner).unwrap();
    let real = fs::canonicalize(&folder).unwrap();
    let launch = Launch::new(&found, &real, owner);
    let (told, orphan) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut child = launch.spawn().unwrap();
        told.send(()).unwrap();
        child.wait().unwrap()
    });
    orphan.recv().unwrap();
    while !fs::read_to_string(folder.join("postmaster.pid")).is_ok_and(|text| text.contains("ready")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let old = postmaster(&folder);
    survivors::end_by(
        &real,
        &[
            (None, Duration::from_millis(50)),
            (Some(Signal::INT), Duration::from_secs(20)),
        ],
    )
    .unwrap();
    thread.join().unwrap();
    let cluster = Cluster::start(&folder, None).await.unwrap();
    assert_ne!(postmaster(&folder), old);
    cluster.stop().await;
}

/// The kernel stops the server when the thread that started it ends, as it does when the host is killed.
#[tokio::test]
async fn the_server_ends_with_its_host() {
    if !Path::new("/usr/bin/setpriv").exists() {
        println!("skipped: no setpriv here");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("postgres");
    Cluster::start(&folder, None).await.unwrap().stop().await;
    let owner = owner::choose(&folder).unwrap();
    let found = binaries::find(None, None).unwrap();
    let real = fs::canonicalize(&folder).unwrap();
    let launch = Launch::new(&found, &real, owner);
    let pid_file = folder.join("postmaster.pid");
    let mut child = std::thread::spawn(move || {
        let child = launch.spawn().unwrap();
        while !fs::read_to_string(&pid_file).is_ok_and(|text| text.contains("ready")) {
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    })
    .join()
    .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("postgres");
    let nowhere = data.path().join("nowhere");
    let error = Cluster::start(&folder, Some(&nowhere)).await.err().unwrap();
    assert!(
        matches!(error, ClusterError::NoBinaries { .. }) && error.to_string().contains("apt install postgresql"),
        "{error}"
    );

    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("letter.txt"), "dear").unwrap();
    let error = Cluster::start(&folder, None).await.err().unwrap();
    assert!(matches!(error, ClusterError::NotACluster(_)), "{error}");

    fs::write(folder.join("PG_VERSION"), "9\n").unwrap();
    let error = Cluster::start(&folder, None).await.err().unwrap();
    assert!(matches!(error, ClusterError::OtherVersion { .. }), "{error}");
}

#[test]
fn seat_is_where_its_user_can_reach_it() {
    seat::tests::check();
}
