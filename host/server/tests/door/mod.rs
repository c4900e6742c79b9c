//! A running host, as its users meet it: the real binary on loopback ports, its private Postgres, its data folder.
//!
//! Shared by the tests of this folder; each takes what it needs.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test binary compiles this module whole and uses a part of it"
)]

pub mod object;

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a host may take to start: initdb, migrations, and the first compilation of its plugins in a debug build.
const STARTS_WITHIN: Duration = Duration::from_secs(180);

/// The binary under test.
pub const ISOCENTER: &str = env!("CARGO_BIN_EXE_isocenter");

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A plugin that `make plugins` built.
pub fn plugin(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let path = target.join("plugins").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is not there; run `make plugins`", path.display());
    path
}

/// A `[plugins.NAME]` of one of them, with more of its table.
pub fn plugin_table(name: &str, file: &str, more: &str) -> String {
    let source = plugin(file);
    format!("[plugins.{name}]\nsource = \"{}\"\n{more}\n", source.display())
}

/// `[engines.onnx]`, the one that Cargo builds beside the tests, and models of it from the tests of that engine.
pub fn models(names: &[&str]) -> String {
    let library = std::env::current_exe()
        .unwrap()
        .with_file_name("libisocenter_engine_onnx.so");
    assert!(
        library.is_file(),
        "{} is not there; `cargo test --workspace` builds it",
        library.display()
    );
    let digest = blake3::hash(&std::fs::read(&library).unwrap());
    let mut config = format!(
        "[engines.onnx]\nsource = \"{}\"\ntrusted = true\ndigest = \"blake3:{digest}\"\n",
        library.display()
    );
    for name in names {
        let file = repository().join(format!("plugins/engine-onnx/tests/models/{name}.onnx"));
        config.push_str(&format!(
            "[models.{name}]\nengine = \"onnx\"\nfile = \"{}\"\n",
            file.display()
        ));
    }
    config
}

/// The collection of DICOM files beside the repository, or `None` with a message.
pub fn shared() -> Option<PathBuf> {
    let folder = repository().join("../shared/dicom");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.display());
    None
}

/// A host of the test's own. Ends, hard, with the test.
pub struct Host {
    child: Option<Child>,
    /// Its data folder.
    pub data: PathBuf,
    /// Its DICOM port.
    pub dicom: SocketAddr,
    /// Its HTTP port.
    pub http: SocketAddr,
    /// More variables of its environment.
    pub environment: Vec<(&'static str, String)>,
    config: PathBuf,
    log: PathBuf,
}

impl Host {
    /// Starts a host in `folder` and waits until it is ready. `config` is TOML; its ports and data folder are set here.
    pub fn start(folder: &Path, config: &str) -> Self {
        let host = Self::prepare(folder, config);
        host.started()
    }

    /// A host that is not started yet.
    pub fn prepare(folder: &Path, config: &str) -> Self {
        // As root the private cluster runs as another user, who must get through to it.
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let file = folder.join("isocenter.toml");
        std::fs::write(&file, config).unwrap();
        Self {
            child: None,
            data: folder.join("data"),
            dicom: free_port(),
            http: free_port(),
            environment: Vec::new(),
            config: file,
            log: folder.join("host.log"),
        }
    }

    /// Starts it (again) and waits until it is ready.
    pub fn started(mut self) -> Self {
        self.restart();
        self
    }

    /// Starts it again on the same data and ports, and waits until it is ready.
    pub fn restart(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let child = self.command("serve").stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the host ended while it started ({status}):\n{}", self.log());
            }
            if self.get("/readyz").0 == 200 {
                return;
            }
            assert!(
                began.elapsed() < STARTS_WITHIN,
                "the host is not ready:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One of the program's commands against this host's configuration.
    pub fn command(&self, command: &str) -> Command {
        let mut process = Command::new(ISOCENTER);
        process
            .arg(command)
            .arg("--config")
            .arg(&self.config)
            .env_remove("DATABASE_URL")
            .env("ISOCENTER_DATA", &self.data)
            .env("ISOCENTER_DICOM_LISTEN", self.dicom.to_string())
            .env("ISOCENTER_HTTP_LISTEN", self.http.to_string())
            .env("ISOCENTER_LOG_FORMAT", "human")
            .envs(self.environment.clone())
            .stdin(Stdio::null());
        process
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("the host runs").id()
    }

    /// SIGKILL: no last words.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        signal(self.id(), "TERM");
        self.ended()
    }

    /// Waits for the end of a host that was told to end: how it ended.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the host runs");
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if began.elapsed() > Duration::from_secs(60) {
                let _ = child.kill();
                panic!("the host does not end:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A GET: status and body. Status 0 where nothing answers.
    pub fn get(&self, path: &str) -> (u16, Vec<u8>) {
        self.get_as(path, "*/*")
    }

    /// A GET with a header of the caller's.
    pub fn get_with(&self, path: &str, name: &str, value: &str) -> (u16, Vec<u8>) {
        let answer = agent()
            .get(format!("http://{}{path}", self.http))
            .header(name, value)
            .call();
        read(answer)
    }

    /// A GET with an Accept header.
    pub fn get_as(&self, path: &str, accept: &str) -> (u16, Vec<u8>) {
        self.get_with(path, "accept", accept)
    }

    /// A POST: status and body.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let url = format!("http://{}{path}", self.http);
        read(agent().post(url).header("content-type", content_type).send(body))
    }

    /// STOW-RS of Part 10 files: status and the answer.
    pub fn stow(&self, files: &[Vec<u8>]) -> (u16, serde_json::Value) {
        let mut body = Vec::new();
        for file in files {
            body.extend_from_slice(b"--frontier\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--frontier--\r\n");
        let content_type = "multipart/related; type=\"application/dicom\"; boundary=frontier";
        let (status, answer) = self.post("/dicom-web/studies", content_type, &body);
        (status, serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// C-STORE of these objects over one association: the statuses.
    pub fn send(&self, objects: &[object::Object]) -> Vec<u16> {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut association = object::associate(self.dicom).await.unwrap();
            let mut statuses = Vec::new();
            for object in objects {
                let answer = object::store(&mut association, object).await.unwrap();
                statuses.push(answer.status.code());
            }
            association.release().await.unwrap();
            statuses
        })
    }

    /// C-STORE of one object over an association of its own: the status.
    pub fn send_one(&self, object: &object::Object) -> u16 {
        self.send(std::slice::from_ref(object))[0]
    }

    /// QIDO-RS: the results.
    pub fn search(&self, path: &str) -> Vec<serde_json::Value> {
        let (status, body) = self.get(&format!("/dicom-web{path}"));
        assert!(
            status == 200 || status == 204,
            "{path}: {status}: {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// The Part 10 file of an object, by WADO-RS.
    pub fn object(&self, study: &str, series: &str, object: &str) -> Option<Vec<u8>> {
        let path = format!("/dicom-web/studies/{study}/series/{series}/instances/{object}");
        let (status, body) = self.get_as(&path, "application/dicom");
        (status == 200).then_some(body)
    }

    /// A list of the operator's API.
    pub fn list(&self, path: &str) -> Vec<serde_json::Value> {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// A number of `/metrics`, by the start of its line.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = String::from_utf8(self.get("/metrics").1).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Waits until `done` says so.
    pub fn eventually(&self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "never happened: {what}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- log of the host\n{}", self.log());
        }
        self.kill();
    }
}

/// What a command prints, and whether it succeeded.
pub fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Sends a signal to a process that the test started.
pub fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .status();
    assert!(status.unwrap().success(), "kill -{name} {process}");
}

/// A port of loopback that was free just now.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Vec<u8>) {
    match answer {
        Ok(mut answer) => {
            let mut body = Vec::new();
            let _ = answer.body_mut().as_reader().read_to_end(&mut body);
            (answer.status().as_u16(), body)
        }
        Err(_) => (0, Vec::new()),
    }
}
