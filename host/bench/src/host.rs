//! The host under test: its configuration, its start on a fresh data folder, and what it can be asked
//! afterwards.
//!
//! Separate because one process serves all of the host's rows. The calling AE title chooses the chain, so that
//! with and without filters is the same process, the same data folder and the same index, minutes apart.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::chain::Chain;
use crate::cpu::{self, Trees};
use crate::load::Peer;
use crate::process::{Process, free_address, http_get};

/// The running host.
pub(crate) struct Host {
    process: Process,
    dicom: SocketAddr,
    http: SocketAddr,
    pub(crate) trees: Trees,
    /// From the start of the process until it said that it is ready.
    pub(crate) start: Duration,
    /// Resident bytes once ready, plugins loaded, before the first object.
    pub(crate) idle: u64,
}

impl Host {
    /// Starts the host below `folder` with this configuration. A folder that an earlier one has left is taken over.
    ///
    /// # Errors
    /// It does not become ready within five minutes.
    pub(crate) fn start(program: &Path, configuration: &str, folder: &Path) -> io::Result<Self> {
        let folder = folder.join("host");
        fs::create_dir_all(&folder)?;
        let file = folder.join("isocenter.toml");
        fs::write(&file, configuration)?;
        let (dicom, http) = (free_address()?, free_address()?);
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&file);
        command
            .env_remove("DATABASE_URL")
            .env_remove("RUST_LOG")
            .env("ISOCENTER_DATA", folder.join("data"));
        command
            .env("ISOCENTER_DICOM_LISTEN", dicom.to_string())
            .env("ISOCENTER_HTTP_LISTEN", http.to_string());
        let begun = Instant::now();
        let mut process = Process::start("isocenter", &mut command, &folder.join("log"), Signal::TERM)?;
        process.wait_until(Duration::from_secs(300), || {
            matches!(http_get(http, "/readyz"), Ok((200, _)))
        })?;
        let start = begun.elapsed();
        let trees = Trees::of([process.id()]);
        trees.settle(Duration::from_secs(10));
        sleep(Duration::from_secs(1));
        let idle = cpu::resident(process.id());
        Ok(Self {
            process,
            dicom,
            http,
            trees,
            start,
            idle,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The address at which it is asked, and takes objects that pass no chain.
    pub(crate) fn asked(&self) -> Peer {
        Peer {
            address: self.dicom,
            called: "ISOCENTER".to_owned(),
            calling: "BENCH".to_owned(),
        }
    }

    /// The address under which objects pass this chain.
    pub(crate) fn peer(&self, chain: &Chain) -> Peer {
        Peer {
            address: self.dicom,
            called: "ISOCENTER".to_owned(),
            calling: chain.calling().to_owned(),
        }
    }

    /// How many objects the host says it has stored as new ones, by `/metrics`. A fast answer to the sender is
    /// worth nothing if the object went to quarantine.
    ///
    /// # Errors
    /// The metrics cannot be read.
    pub(crate) fn stored(&self) -> io::Result<u64> {
        let (status, body) = http_get(self.http, "/metrics")?;
        let line = body
            .lines()
            .find_map(|line| line.strip_prefix("isocenter_objects_total{outcome=\"new\"} "));
        match line {
            Some(count) => count
                .trim()
                .parse()
                .map_err(|_| io::Error::other(format!("{count:?} objects stored"))),
            None if status == 200 => Ok(0),
            None => Err(io::Error::other(format!("GET /metrics: status {status}"))),
        }
    }

    /// Counts by QIDO-RS how many objects of these studies can be found. `None` where the chain gave the
    /// studies other UIDs.
    ///
    /// # Errors
    /// The search fails.
    pub(crate) fn found(&self, chain: &Chain, studies: &[(String, u32)]) -> io::Result<Option<u64>> {
        if !chain.keeps_studies() {
            return Ok(None);
        }
        let mut found = 0;
        for (study, _) in studies {
            let target = format!("/dicom-web/studies?StudyInstanceUID={study}&includefield=00201208");
            let (status, body) = http_get(self.http, &target)?;
            if status == 204 {
                continue;
            }
            let json: serde_json::Value = serde_json::from_str(&body)
                .map_err(|error| io::Error::other(format!("GET {target}: status {status}, {error}")))?;
            found += json
                .pointer("/0/00201208/Value/0")
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0);
        }
        Ok(Some(found))
    }

    /// An error that quotes the host's log.
    pub(crate) fn trouble(&self, what: &str) -> io::Error {
        self.process.trouble(what)
    }
}
