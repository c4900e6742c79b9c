//! The example of each role in the running host, through the doors that its users use.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use door::object::{Object, associate_as, store};
use door::{Host, models, plugin_table};
use serde_json::Value;

/// A secret of the configuration.
fn secret(folder: &Path, name: &str, value: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, value).unwrap();
    format!("[secrets]\n{name} = {{ file = \"{}\" }}\n", file.display())
}

/// A server of another system: takes what is posted, and keeps it with its authorization.
struct Other {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Other {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut length, mut authorization) = (0, String::new());
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    let (name, value) = line.trim_end().split_once(": ").unwrap_or_default();
                    match name.to_ascii_lowercase().as_str() {
                        "content-length" => length = value.parse().unwrap(),
                        "authorization" => value.clone_into(&mut authorization),
                        _ => {}
                    }
                }
                let mut body = vec![0; length];
                let whole = reader.read_exact(&mut body);
                // A host that was killed in the middle of a request has told nothing.
                let (Ok(()), Ok(told)) = (whole, serde_json::from_slice(&body)) else {
                    continue;
                };
                keeps.lock().unwrap().push((authorization, told));
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { address, taken }
    }

    fn taken(&self) -> Vec<(String, Value)> {
        self.taken.lock().unwrap().clone()
    }
}

#[test]
fn an_authenticator_names_the_caller_and_an_authorizer_bounds_what_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = secret(folder.path(), "token-key", "a key for tests")
        + &plugin_table(
            "tokens",
            "test/authenticator",
            "grant = { secrets = [\"token-key\"], state = \"1 MiB\" }\nconfig = { tries = 3 }",
        )
        + &plugin_table(
            "own",
            "test/roles",
            "grant = { secrets = [\"site-key\"] }\nconfig = { do = \"within\" }",
        )
        + "[http]\nauthenticate = [\"tokens\"]\nauthorize = [\"own\"]\n";
    let host = Host::start(folder.path(), &config);
    // The limit is a Patient ID that is the caller's name.
    let with_patient = |mut object: Object, id: &[u8; 5]| {
        let at = object.data_set.windows(5).position(|five| five == b"PID-7").unwrap();
        let mut bytes = object.data_set.to_vec();
        bytes[at..at + 5].copy_from_slice(id);
        object.data_set = bytes.into();
        object
    };
    let own = with_patient(Object::ct(1, 1, 100), b"alice");
    let others = Object::ct(2, 1, 100);
    assert_eq!(host.send(&[own.clone(), others.clone()]), [0, 0]);

    // HMAC-SHA-256 under the secret, which the plugin uses and never sees.
    let token = "alice.9999999999.1184781fb5bd4657c374b4fa5dc1a6d4627f48958867a28786bc061a41198b1f";
    let ask = |path: &str, token: &str| host.get_with(path, "authorization", &format!("Bearer {token}"));
    let (status, found) = ask("/dicom-web/studies", token);
    assert_eq!(status, 200);
    let found: Value = serde_json::from_slice(&found).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["0020000D"]["Value"][0], own.study.as_str());
    let instance = |object: &Object| {
        let path = format!(
            "/dicom-web/studies/{}/series/{}/instances/{}",
            object.study, object.series, object.uid
        );
        ask(&path, token).0
    };
    assert_eq!(
        (instance(&own), instance(&others)),
        (200, 404),
        "as if it were not there"
    );

    assert_eq!(ask("/dicom-web/studies", "nonsense").0, 401);
    for _ in 0..3 {
        assert_eq!(ask("/dicom-web/studies", "alice.9999999999.00").0, 401);
    }
    // Its state is in the database: three wrong guesses from this address, and it is not listened to.
    assert_eq!(ask("/dicom-web/studies", token).0, 401);
    let guessed = host.log();
    assert!(!guessed.contains("1184781fb5"), "a token in the log");
}

#[test]
fn a_gate_admits_known_peers_before_any_context_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let config = secret(folder.path(), "gate-key", "a key for tests")
        + &plugin_table(
            "known",
            "test/gate",
            "grant = { secrets = [\"gate-key\"] }\n\
             config = { called-ae = \"ISOCENTER\", peers = { CT1 = { addresses = [\"127.0.0.1\"] }, \
             CT2 = { addresses = [\"10.0.0.7\"] } } }",
        )
        + "[dicom]\ngate = [\"known\"]\n";
    let host = Host::start(folder.path(), &config);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let try_as = |calling: &str| runtime.block_on(associate_as(calling, host.dicom));
    for stranger in ["CT2", "CT3"] {
        let error = try_as(stranger).err().unwrap().to_string();
        assert!(error.contains("calling ae title not recognized"), "{error}");
    }
    let mut association = try_as("CT1").unwrap();
    let object = Object::ct(1, 1, 100);
    let answer = runtime.block_on(store(&mut association, &object)).unwrap();
    assert_eq!(answer.status.code(), 0);
}

fn sink(folder: &Path, other: &Other) -> String {
    let more = format!(
        "grant = {{ secrets = [\"webhook\"], http = [\"http://{0}\"] }}\nconfig = {{ url = \"http://{0}/events\" }}",
        other.address
    );
    secret(folder, "webhook", "hunter2")
        + &plugin_table("hook", "test/sink", &more)
        + "[[sinks]]\nplugin = \"hook\"\nkinds = [\"object.stored\"]\nbatch = 3\n"
}

#[test]
fn a_sink_is_told_at_least_once_and_in_order_also_over_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let other = Other::start();
    let mut host = Host::start(folder.path(), &sink(folder.path(), &other));
    let objects: Vec<Object> = (1..=20).map(|number| Object::ct(1, number, 100)).collect();
    for (at, some) in objects.chunks(5).enumerate() {
        assert_eq!(host.send(some), [0; 5]);
        if at % 2 == 1 {
            host.kill();
            host.restart();
        }
    }
    let told = || -> Vec<(u64, String)> {
        let events = other.taken().into_iter().flat_map(|(authorization, batch)| {
            assert_eq!(authorization, "Bearer hunter2");
            batch.as_array().unwrap().clone()
        });
        let about = |event: Value| {
            assert_eq!(event["kind"], "object.stored");
            let object = event["data"]["object"].as_str().unwrap().to_owned();
            (event["cursor"].as_u64().unwrap(), object)
        };
        events.map(about).collect()
    };
    host.eventually("each object is told of", |_| {
        objects
            .iter()
            .all(|object| told().iter().any(|(_, told)| *told == object.uid))
    });
    // What is told again is told from an earlier place on: an event that is new never stands before one told already.
    let mut first_told = Vec::new();
    for (cursor, object) in told() {
        if !first_told.contains(&(cursor, object.clone())) {
            first_told.push((cursor, object));
        }
    }
    assert_eq!(first_told.len(), objects.len());
    assert!(first_told.is_sorted(), "{first_told:?}");
    let order: Vec<&str> = first_told.iter().map(|(_, object)| object.as_str()).collect();
    let sent: Vec<&str> = objects.iter().map(|object| object.uid.as_str()).collect();
    assert_eq!(order, sent);
    assert!(!host.log().contains("hunter2"), "a secret in the log");
}

#[test]
fn a_study_router_sends_a_study_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let config = plugin_table(
        "complete",
        "test/study-router",
        "config = { min-series = 2, send-to = \"research\" }",
    ) + &format!(
        "[destinations.research]\nfolder = \"{}\"\n\
         [[chains]]\nname = \"all\"\nstudy-route = [\"complete\"]\nquiet = \"1 s\"\n",
        out.display()
    );
    let host = Host::start(folder.path(), &config);
    let first = Object::ct(1, 1, 100);
    assert_eq!(host.send(std::slice::from_ref(&first)), [0]);
    host.eventually("the study was looked at", |host| {
        !host.list(&format!("/api/outcomes?study={}", first.study)).is_empty()
    });
    assert!(files(&out).is_empty(), "one series is not enough");
    let mut second = Object::ct(1, 2, 100);
    second.data_set = replaced(&second.data_set, b"1451.1.1.2", b"1451.1.2.2");
    second.data_set = replaced(&second.data_set, b"10.1451.1.1\0", b"10.1451.1.2\0");
    second.series = format!("{}.2", second.study);
    second.uid = format!("{}.2", second.series);
    assert_eq!(host.send(&[second]), [0]);
    host.eventually("both series have arrived", |_| files(&out).len() == 2);
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> bytes::Bytes {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat().into()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "dcm") {
            found.push(path);
        }
    }
    found
}

#[test]
fn an_analyzer_waits_resumes_runs_a_model_and_its_report_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let config = models(&["bright"])
        + &plugin_table(
            "measure",
            "test/analyzer",
            "grant = { models = [\"bright\"] }\nconfig = { model = \"bright\", threshold = 0.9, wait-seconds = 1 }\n\
             limits = { cpu = \"20 s\" }",
        )
        + "[[chains]]\nname = \"volumes\"\nwhen = { transport = [\"dimse\", \"stow\"] }\nanalyze = [\"measure\"]\nquiet = \"1 s\"\n";
    let host = Host::start(folder.path(), &config);
    // Five slices; the inner voxels of the bright ones have a bright neighbourhood.
    let slices: Vec<Object> = (1..=5).map(|number| Object::slice(1, number, 250)).collect();
    assert_eq!(host.send(&slices), [0; 5]);
    let study = &slices[0].study;
    host.eventually("the report is found", |host| {
        host.search(&format!("/studies/{study}/series?Modality=SR")).len() == 1
    });
    let series = &host.search(&format!("/studies/{study}/series?Modality=SR"))[0];
    let series = series["0020000E"]["Value"][0].as_str().unwrap();
    let instance = &host.search(&format!("/studies/{study}/series/{series}/instances"))[0];
    let uid = instance["00080018"]["Value"][0].as_str().unwrap();
    let report = host.object(study, series, uid).unwrap();
    let text = String::from_utf8_lossy(&report);
    // Three inner slices of 62 x 62, of 5 x 64 x 64.
    let said = "11532 of 20480 voxels are at least 0.9";
    assert!(
        text.contains(said),
        "{}",
        text.chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .collect::<String>()
    );
    assert!(
        text.contains("Test^Patient"),
        "the report is of the patient of its source"
    );
    // It was not analyzed in its turn.
    let steps = host.list(&format!("/api/outcomes?study={study}"));
    assert!(
        steps.iter().filter(|step| step["role"] == "analyzer").count() <= 4,
        "{steps:?}"
    );
}

#[test]
fn a_filter_looks_at_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let config = plugin_table("edge", "test/filter", "config = { rows = 2, bright = 10 }")
        + "[[chains]]\nname = \"all\"\ningest = [\"edge\"]\n";
    let host = Host::start(folder.path(), &config);
    let (dark, bright) = (Object::slice(1, 1, 10), Object::slice(2, 1, 250));
    assert_eq!(host.send(&[dark.clone(), bright.clone()]), [0, 0]);
    let stored = |object: &Object| host.object(&object.study, &object.series, &object.uid);
    assert!(dark.is_data_set_of(&stored(&dark).unwrap()), "bit for bit");
    assert!(stored(&bright).is_none());
    let held = host.list("/api/quarantine");
    assert_eq!(held[0]["object"], bright.uid.as_str());
    assert!(
        held[0]["reason"].as_str().unwrap().contains("upper edge is bright"),
        "{held:?}"
    );
}

#[test]
fn a_filter_leaves_a_job_and_the_worker_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let other = Other::start();
    // The example waits for a quarter of an hour; this one does not.
    let more = format!(
        "config = {{ do = \"as-told\", queue = \"later\", job = \"state\", url = \"http://{0}/\" }}\n\
         [plugins.jobs.grant]\nsecrets = [\"site-key\"]\nstate = \"1 MiB\"\njobs = [\"later\"]\nmodels = [\"segment\"]\n\
         http = [\"http://{0}\"]",
        other.address
    );
    let config = models(&["segment"])
        + &plugin_table("jobs", "test/hostile", &more)
        + "[[chains]]\nname = \"all\"\ningest = [\"jobs\"]\n";
    let mut host = Host::start(folder.path(), &config);
    let leaves = |number| Object::ct(1, number, 100).with(0x0020, 0x4000, b"LT", b"leave-job");
    assert_eq!(host.send(&[leaves(1)]), [0]);
    host.eventually("the job is done", |host| host.log().contains("sum 1"));
    // What it remembered outlives the host.
    host.kill();
    host.restart();
    assert_eq!(host.send(&[leaves(2)]), [0]);
    host.eventually("the job is done after a restart", |host| host.log().contains("sum 2"));
}

#[test]
fn a_route_serves_pages_and_objects() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        plugin_table("list", "test/route", "config = { title = \"Work <list>\" }") + "[http]\nroutes = [\"list\"]\n";
    let host = Host::start(folder.path(), &config);
    let object = Object::ct(1, 1, 300_000);
    assert_eq!(host.send(std::slice::from_ref(&object)), [0]);
    let (status, page) = host.get("/plugins/list/");
    let page = String::from_utf8(page).unwrap();
    assert!(
        status == 200 && page.contains("<h1>Work &lt;list&gt;</h1>") && page.contains("20260102"),
        "{page}"
    );
    // The pixels go from the archive to the caller, past the sandbox.
    let (status, file) = host.get(&format!("/plugins/list/object/{}", object.uid));
    assert!(status == 200 && object.is_data_set_of(&file), "{status}");
    assert_eq!(host.get("/plugins/list/object/1.2.3").0, 404);
}

#[test]
fn a_loop_of_plugins_ends() {
    let folder = tempfile::tempdir().unwrap();
    let config = plugin_table(
        "again",
        "test/roles",
        "grant = { secrets = [\"site-key\"] }\nconfig = { do = \"draft\" }",
    ) + "[[chains]]\nname = \"all\"\nanalyze = [\"again\"]\nquiet = \"1 s\"\n";
    let host = Host::start(folder.path(), &config);
    // Each object that it makes of the study has it look at the study again.
    let object = Object::ct(1, 1, 100);
    assert_eq!(host.send(std::slice::from_ref(&object)), [0]);
    host.eventually("what was made once too often is held", |host| {
        let held = host.list("/api/quarantine");
        held.iter()
            .any(|held| held["reason"].as_str().unwrap().contains("more than 4 times over"))
    });
    let made = host.search(&format!("/studies/{}/instances", object.study)).len();
    assert_eq!(made, 1 + 4, "the object, and one of each round");
}
