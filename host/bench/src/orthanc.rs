//! Debian's Orthanc as the peer to be measured against, with Postgres or with SQLite, as durable and as fast as
//! it can be set.
//!
//! Separate because its settings are an argument of their own: with Postgres (index in the scratch cluster,
//! files synced) it is durable when it answers; with SQLite it is not, as its index is written with
//! `synchronous=NORMAL`, which cannot be set.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::cluster::Cluster;
use crate::cpu::Trees;
use crate::load::Peer;
use crate::process::{Process, free_address, fresh_folder};

/// Orthanc's index.
#[derive(Clone, Copy)]
pub(crate) enum Store<'a> {
    Postgres(&'a Cluster),
    Sqlite,
}

/// A running Orthanc.
pub(crate) struct Orthanc {
    process: Process,
    pub(crate) peer: Peer,
    pub(crate) trees: Trees,
}

impl Orthanc {
    /// The version of the installed Orthanc, `None` where there is none.
    pub(crate) fn version() -> Option<String> {
        let printed = Command::new(program()?).arg("--version").output().ok()?;
        let printed = String::from_utf8_lossy(&printed.stdout);
        let (_, version) = printed.lines().next()?.split_once(' ')?;
        Some(version.split(' ').next()?.to_owned())
    }

    /// Starts one below `folder`; `None` where Orthanc (or its plugin for Postgres) is not installed.
    ///
    /// # Errors
    /// It is installed but does not become ready.
    pub(crate) fn start(folder: &Path, store: Store<'_>) -> io::Result<Option<Self>> {
        Self::start_with(folder, store, None)
    }

    /// The same, with a peer that it may send to by C-MOVE.
    ///
    /// # Errors
    /// As [`Orthanc::start`].
    pub(crate) fn start_with(
        folder: &Path,
        store: Store<'_>,
        to: Option<(&str, SocketAddr)>,
    ) -> io::Result<Option<Self>> {
        let Some(program) = program() else {
            return Ok(None);
        };
        let (name, plugin) = match store {
            Store::Postgres(_) => ("orthanc-postgresql", index_plugin()),
            Store::Sqlite => ("orthanc-sqlite", None),
        };
        let folder = folder.join(name);
        fresh_folder(&folder, None)?;
        let address = free_address()?;
        let mut configuration = json!({
            "Name": name,
            "StorageDirectory": folder.join("storage"),
            "IndexDirectory": folder.join("storage"),
            "TemporaryDirectory": folder.join("temporary"),
            "HttpServerEnabled": false,
            "DicomAet": "ORTHANC",
            "DicomPort": address.port(),
            "DicomAlwaysAllowStore": true,
            "DicomAlwaysAllowFind": true,
            "DicomAlwaysAllowGet": true,
            "DicomAlwaysAllowMove": true,
            "StorageCompression": false,
            "SyncStorageArea": true,
            "SaveJobs": false,
            // More than the defaults, in its favour.
            "MaximumPduLength": 131_072,
            "DicomThreadsCount": 8,
        });
        if let (Some((title, address)), Some(configuration)) = (to, configuration.as_object_mut()) {
            let peer = json!({ "receiver": [title, address.ip().to_string(), address.port()] });
            configuration.insert("DicomModalities".to_owned(), peer);
        }
        let mut roots = Vec::new();
        if let Store::Postgres(cluster) = store {
            let Some(plugin) = plugin else {
                return Ok(None);
            };
            let uri = cluster.database("orthanc")?;
            // One connection: its transactions are serializable, and with several most of the time goes into
            // retries.
            let settings = json!({
                "EnableIndex": true, "EnableStorage": false, "ConnectionUri": uri, "EnableSsl": false, "Lock": true,
                "IndexConnectionsCount": 1,
            });
            if let Some(configuration) = configuration.as_object_mut() {
                configuration.insert("Plugins".to_owned(), json!([plugin]));
                configuration.insert("PostgreSQL".to_owned(), settings);
            }
            roots.push(cluster.id());
        }
        let file = folder.join("orthanc.json");
        fs::create_dir_all(folder.join("temporary"))?;
        fs::write(&file, serde_json::to_vec_pretty(&configuration)?)?;
        let mut command = Command::new(program);
        // Without this its DICOM library leaves Nagle's algorithm on, and every answer waits for a delayed
        // acknowledgement.
        command.arg(&file).env("TCP_NODELAY", "1");
        let mut process = Process::start(name, &mut command, &folder.join("log"), Signal::TERM)?;
        process.wait_until(Duration::from_secs(30), || TcpStream::connect(address).is_ok())?;
        roots.push(process.id());
        let peer = Peer {
            address,
            called: "ORTHANC".to_owned(),
            calling: "BENCH".to_owned(),
        };
        Ok(Some(Self {
            process,
            peer,
            trees: Trees::of(roots),
        }))
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

fn program() -> Option<PathBuf> {
    ["/usr/sbin/Orthanc", "/usr/bin/Orthanc", "/usr/local/sbin/Orthanc"]
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

fn index_plugin() -> Option<PathBuf> {
    let folders = [
        "/usr/share/orthanc/plugins",
        "/usr/lib/orthanc/plugins",
        "/usr/local/share/orthanc/plugins",
    ];
    folders
        .iter()
        .map(|folder| Path::new(folder).join("libOrthancPostgreSQLIndex.so"))
        .find(|path| path.exists())
}
