//! Plugins that mean harm, in the running host: what the sender got, what the operator sees, and that the association
//! beside them did not notice.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;
#[path = "../../plugin/tests/runtime/forged.rs"]
mod forged;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use door::object::{Object, associate, store};
use door::{Host, models, plugin_table};

/// A server that counts who comes: `/redirect` sends them to `elsewhere`, `/slow` says nothing, all else is fine.
struct Server {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Server {
    fn start(elsewhere: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                counted.fetch_add(1, Ordering::Relaxed);
                let elsewhere = elsewhere.clone();
                std::thread::spawn(move || {
                    let mut request = [0; 4096];
                    let length = stream.read(&mut request).unwrap_or(0);
                    let request = String::from_utf8_lossy(&request[..length]).into_owned();
                    let answer = if request.contains(" /slow") {
                        std::thread::sleep(Duration::from_secs(60));
                        return;
                    } else if request.contains(" /redirect") {
                        format!("HTTP/1.1 307 Go\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n")
                    } else {
                        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong".to_owned()
                    };
                    let _ = stream.write_all(answer.as_bytes());
                });
            }
        });
        Self { address, visits }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }
}

/// One hostile plugin: what it does, and whom it asks.
struct Row {
    act: &'static str,
    name: &'static str,
    url: String,
}

/// What a guest built by a usual compiler can do as a filter, each in a plugin of its own behind a chain of its own.
fn rows(allowed: &Server, attacker: &Server) -> Vec<Row> {
    let mut rows: Vec<Row> = [
        "spin",
        "spin-in-host",
        "eat",
        "recurse",
        "panic",
        "trap",
        "many-edits",
        "large-edits",
        "huge-edit",
        "gib-edit",
        "gib-log",
        "gib-log-field",
        "gib-metric",
        "gib-secret",
        "gib-key",
        "gib-header",
        "gib-url",
        "many-paths",
        "deep-path",
        "requests",
        "tensors",
        "too-much-random",
        "huge-reason",
        "state-flood",
        "log-flood",
        "metric-flood",
    ]
    .into_iter()
    .map(|act| Row {
        act,
        name: act,
        url: allowed.url("/"),
    })
    .collect();
    let named = format!("http://localhost:{}/", attacker.address.port());
    for (name, act, url) in [
        ("sleeps-in-the-host", "fetch", allowed.url("/slow")),
        ("leaks-by-name", "exfiltrate", named),
        ("leaks-by-redirect", "exfiltrate", allowed.url("/redirect")),
        ("leaks-by-address", "exfiltrate", attacker.url("/")),
        ("leaks-by-metadata", "exfiltrate", "http://169.254.169.254/".to_owned()),
    ] {
        rows.push(Row { act, name, url });
    }
    rows
}

fn config(rows: &[Row], allowed: &Server) -> String {
    let mut config = models(&["segment"]);
    for Row { act, name, url } in rows {
        // Another limit than a clock ends most: they get more time than a busy machine can make them need.
        let limits = match *name {
            "spin" | "spin-in-host" | "metric-flood" | "sleeps-in-the-host" => "",
            _ => "limits = { cpu = \"10 s\", wall = \"15 s\" }\n",
        };
        let more = format!(
            "{limits}config = {{ do = \"{act}\", url = \"{url}\", model = \"segment\", queue = \"later\" }}\n\
             [plugins.{name}.grant]\nsecrets = [\"site-key\"]\nstate = \"1 MiB\"\njobs = [\"later\"]\n\
             models = [\"segment\"]\nhttp = [\"{}\"]",
            allowed.url("")
        );
        config.push_str(&plugin_table(name, "test/hostile", &more));
        writeln!(
            config,
            "[[chains]]\nname = \"{name}\"\nwhen = {{ ImageComments = \"{name}\" }}\ningest = [\"{name}\"]"
        )
        .unwrap();
    }
    config
}

fn send(host: &Host, object: &Object) -> (u16, String) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut association = associate(host.dicom).await.unwrap();
        let answer = store(&mut association, object).await.unwrap();
        association.release().await.unwrap();
        (answer.status.code(), answer.comment.unwrap_or_default())
    })
}

/// An honest sender on an association of its own: stores until it is told to end, and says how long each store took.
fn bystander(host: &Host, ends: &AtomicBool) -> Vec<Duration> {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut association = associate(host.dicom).await.unwrap();
        let mut took = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            let object = Object::ct(900, u32::try_from(took.len()).unwrap(), 1000);
            let began = Instant::now();
            let answer = store(&mut association, &object).await.unwrap();
            assert_eq!(answer.status.code(), 0, "{:?}", answer.comment);
            took.push(began.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        association.release().await.unwrap();
        took
    })
}

/// What the operator reads of the call for an object.
fn outcome(host: &Host, object: &Object) -> String {
    let path = format!("/api/outcomes?object={}", object.uid);
    host.eventually("the call is written down", |host| !host.list(&path).is_empty());
    let found = &host.list(&path)[0];
    assert_eq!(found["digest"].as_str().unwrap().len(), 64);
    let reason = found["reason"].as_str().unwrap_or_default();
    // Where in the guest it was is the compiler's business.
    let reason = reason.split(" (in ").next().unwrap();
    format!("{} {reason}", found["outcome"].as_str().unwrap())
}

#[test]
fn each_is_contained_and_the_association_beside_it_goes_on() {
    let attacker = Server::start(String::new());
    let allowed = Server::start(attacker.url("/stolen"));
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(&allowed, &attacker);
    let host = Host::start(folder.path(), &config(&rows, &allowed));

    let ends = AtomicBool::new(false);
    let mut report = String::new();
    let (beside, began) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| bystander(&host, &ends));
        let began = Instant::now();
        for (number, row) in (1..).zip(&rows) {
            let object = Object::ct(number, 1, 100).with(0x0020, 0x4000, b"LT", row.name.as_bytes());
            let began = Instant::now();
            let (status, comment) = send(&host, &object);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(20), "{}: {took:?}", row.name);
            let stored = host.object(&object.study, &object.series, &object.uid).is_some();
            let what = match (status, stored) {
                (0, true) => "stored".to_owned(),
                (0, false) => "held".to_owned(),
                // An error comment is short, and the sentence is in the outcome.
                (status, _) => format!("{status:04x} {}", comment.split(':').next().unwrap()),
            };
            let line = format!("{}: {what}; {}", row.name, outcome(&host, &object));
            let line = line
                .replace(&allowed.address.to_string(), "ALLOWED")
                .replace(&attacker.address.to_string(), "ATTACKER")
                .replace(&format!("localhost:{}", attacker.address.port()), "localhost:ATTACKER");
            // Which of its two clocks is the first depends on how long the host's own part of each call takes.
            let line = match row.name {
                "metric-flood" => line.split(" more than").next().unwrap().to_owned(),
                _ => line,
            };
            let line: String = line.chars().take(240).collect();
            writeln!(report, "{}", line.trim_end()).unwrap();
        }
        ends.store(true, Ordering::Relaxed);
        (beside.join().unwrap(), began.elapsed())
    });
    assert_eq!(attacker.visits(), 0, "somebody got out");

    // Each store beside them was answered; how much longer it took is for `make bench` to say.
    println!("{} stores beside them in {began:?}", beside.len());
    assert!(beside.len() > rows.len(), "{} stores in {began:?}", beside.len());
    assert!(beside.iter().all(|took| *took < Duration::from_secs(5)), "{beside:?}");

    let log = host.log();
    for leaked in ["Test^Patient", "PID-7"] {
        assert!(!log.contains(leaked), "patient data in the log");
    }
    assert!(log.lines().filter(|line| line.contains("log-flood")).count() < 250);
    expect_test::expect![[r#"
        spin: held; deadline the plugin used more than 500 ms of CPU time
        spin-in-host: held; deadline the plugin used more than 500 ms of CPU time
        eat: held; memory the plugin wanted more than 128 MiB of memory
        recurse: held; trap the plugin trapped: wasm trap: out of bounds memory access
        panic: held; trap the plugin trapped: panicked at host/plugin/tests/guest/src/acts.rs:28: this guest panics on purpose
        trap: held; trap the plugin trapped: wasm trap: wasm `unreachable` instruction executed
        many-edits: held; trap the plugin trapped: more than 100000 edits
        large-edits: held; trap the plugin trapped: edits of more than 8 MiB
        huge-edit: held; trap the plugin trapped: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted
        gib-edit: held; trap the plugin trapped: string pointer/length out of bounds of memory
        gib-log: held; trap the plugin trapped: string pointer/length out of bounds of memory
        gib-log-field: held; trap the plugin trapped: string pointer/length out of bounds of memory
        gib-metric: held; trap the plugin trapped: string pointer/length out of bounds of memory
        gib-secret: held; trap the plugin trapped: list pointer/length out of bounds of memory
        gib-key: held; trap the plugin trapped: string pointer/length out of bounds of memory
        gib-header: held; trap the plugin trapped: string pointer/length out of bounds of memory
        gib-url: held; trap the plugin trapped: string pointer/length out of bounds of memory
        many-paths: held; trap the plugin trapped: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted
        deep-path: held; never the plugin could not do its work: an edit cannot be applied: (0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,A730)[0].(0040,
        requests: held; trap the plugin trapped: cannot allocate another handle: store handle limit exceeded
        tensors: held; trap the plugin trapped: cannot allocate another handle: store handle limit exceeded
        too-much-random: held; trap the plugin trapped: 1048576 random bytes asked for, at most 65536 are given
        huge-reason: held; trap the plugin trapped: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted
        state-flood: 0124 state-flood; refuse 15 values, then: the state is full, its key longer than 512 bytes or its value than 64 KiB
        log-flood: stored; keep
        metric-flood: held; deadline the plugin used
        sleeps-in-the-host: held; deadline the plugin used more than 2000 ms of wall time
        leaks-by-name: 0124 leaks-by-name; refuse the request is not allowed: its grant does not name http://localhost:ATTACKER (grant = { http = ["http://localhost:ATTACKER"] })
        leaks-by-redirect: 0124 leaks-by-redirect; refuse the request is not allowed: http://ALLOWED redirects, and its grant does not name http://ATTACKER (grant = { http = ["http://ATTACKER"] })
        leaks-by-address: 0124 leaks-by-address; refuse the request is not allowed: its grant does not name http://ATTACKER (grant = { http = ["http://ATTACKER"] })
        leaks-by-metadata: 0124 leaks-by-metadata; refuse the request is not allowed: its grant does not name http://169.254.169.254 (grant = { http = ["http://169.254.169.254"] })
    "#]].assert_eq(&report);
}

#[test]
fn what_no_compiler_makes_does_not_load_and_the_host_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), "");
    let file = folder.path().join("isocenter.toml");
    let guest = std::fs::read(door::plugin("test/guest")).unwrap();

    let ends = AtomicBool::new(false);
    let mut report = String::new();
    let beside = std::thread::scope(|scope| {
        let beside = scope.spawn(|| bystander(&host, &ends));
        for (name, component) in [
            ("endless-start", forged::endless_start()),
            ("trapping-start", forged::trapping_start()),
            ("huge-table", forged::huge_table()),
            ("huge-memory", forged::huge_memory()),
            ("many-tables", forged::many_tables(100)),
            (
                "second-manifest",
                forged::with_manifest(&guest, b"{\"name\": \"other\"}"),
            ),
            (
                "other-contract",
                replaced(
                    &guest,
                    b"isocenter:filter/filter@0.1.1",
                    b"isocenter:filter/filter@0.7.1",
                ),
            ),
            ("compile-bomb", forged::compile_bomb(8, 2000, 4000)),
        ] {
            let path = folder.path().join(format!("{name}.wasm"));
            std::fs::write(&path, component).unwrap();
            std::fs::write(&file, loads(name, &path)).unwrap();
            let output = host.command("reload").output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).replace(folder.path().to_str().unwrap(), "");
            assert!(!output.status.success(), "{name} loads");
            // Which of its two limits the compiler meets first depends on the machine.
            let said = said
                .replace("signal: 9 (SIGKILL)", "killed")
                .replace("signal: 6 (SIGABRT)", "killed");
            writeln!(report, "{}", said.trim()).unwrap();
        }
        ends.store(true, Ordering::Relaxed);
        beside.join().unwrap()
    });
    assert!(beside.len() > 100, "{} stores beside them", beside.len());
    assert!(beside.iter().all(|took| *took < Duration::from_secs(5)), "{beside:?}");
    expect_test::expect![[r#"
        isocenter: nothing was reloaded, what ran goes on
        the plugin `endless-start` does not load: its check failed: the plugin used more than 5000 ms of wall time
        isocenter: nothing was reloaded, what ran goes on
        the plugin `trapping-start` does not load: its check failed: the plugin trapped: wasm trap: wasm `unreachable` instruction executed (in start)
        isocenter: nothing was reloaded, what ran goes on
        the plugin `huge-table` does not load: /huge-table.wasm does not compile: module table does not fit in pooling allocator requirements
        isocenter: nothing was reloaded, what ran goes on
        the plugin `huge-memory` does not load: /huge-memory.wasm does not compile: module memory does not fit in pooling allocator requirements
        isocenter: nothing was reloaded, what ran goes on
        the plugin `many-tables` does not load: /many-tables.wasm does not compile: module table does not fit in pooling allocator requirements
        isocenter: nothing was reloaded, what ran goes on
        the plugin `second-manifest` does not load: its manifest is not valid: there are two of them
        isocenter: nothing was reloaded, what ran goes on
        the plugin `other-contract` does not load: it was built for isocenter:filter@0.7.1, this host offers 0.1.1
        isocenter: nothing was reloaded, what ran goes on
        the plugin `compile-bomb` does not load: /compile-bomb.wasm does not compile: the compiler ended (killed) within its limits of 60 s and 4 GiB
    "#]].assert_eq(&report);
}

fn loads(name: &str, path: &Path) -> String {
    format!(
        "[plugins.{name}]\nsource = \"{}\"\n[[chains]]\ningest = [\"{name}\"]\n",
        path.display()
    )
}

/// The bytes with every place of `from` replaced by `to`, which is as long.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}
