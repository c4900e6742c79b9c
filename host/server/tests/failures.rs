//! The tables of failures in `plugin-api/limits.md`, run: a plugin of every role fails in the host, and what comes of it
//! is what its author and its operator were told.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::path::Path;

use door::object::{Object, associate_as};
use door::{Host, models, plugin_table, said};

/// The object with another Study ID (0020,0010), of an even number of characters.
fn with_study_id(mut object: Object, id: &[u8]) -> Object {
    let at = object.data_set.windows(2).position(|two| two == b"S1").unwrap();
    let length = u16::try_from(id.len()).unwrap().to_le_bytes();
    let mut bytes = object.data_set.to_vec();
    bytes.splice(at - 2..at + 2, length.into_iter().chain(id.iter().copied()));
    object.data_set = bytes.into();
    object
}

/// A plugin of every role, with this configuration.
fn probe(name: &str, config: &str) -> String {
    let more = format!("grant = {{ secrets = [\"site-key\"] }}\nconfig = {{ {config} }}");
    plugin_table(name, "test/roles", &more)
}

fn reload(host: &Host, folder: &Path, config: &str) {
    std::fs::write(folder.join("isocenter.toml"), config).unwrap();
    let (fine, text) = said(&mut host.command("reload"));
    assert!(fine, "{text}");
}

/// The last call of a role that is written down, which failed: outcome and reason.
fn failed(host: &Host, role: &str) -> String {
    let path = "/api/outcomes?failed";
    let find = |host: &Host| host.list(path).into_iter().find(|entry| entry["role"] == role);
    host.eventually(&format!("the failure of the {role} is written down"), |host| {
        find(host).is_some()
    });
    let entry = find(host).unwrap();
    let reason = entry["reason"].as_str().unwrap();
    format!(
        "{}: {}",
        entry["outcome"].as_str().unwrap(),
        reason.split(" (in ").next().unwrap()
    )
}

#[test]
fn i7_filters() {
    let folder = tempfile::tempdir().unwrap();
    let config = probe("bad", "do = \"as-told\"")
        + "[[chains]]\nname = \"strict\"\nwhen = { StudyID = \"STRICT\" }\ningest = [\"bad\"]\non-failure = \"refuse\"\n\
           [[chains]]\nname = \"usual\"\ningest = [\"bad\"]\n";
    let host = Host::start(folder.path(), &config);
    let told = |number, act: &str| Object::ct(number, 1, 100).with(0x0020, 0x4000, b"LT", act.as_bytes());
    let strict = |object| with_study_id(object, b"STRICT");
    let kept = |object: &Object| {
        let stored = host.object(&object.study, &object.series, &object.uid).is_some();
        let held = host
            .list("/api/quarantine")
            .iter()
            .any(|held| held["object"] == object.uid.as_str());
        (stored, held)
    };

    let (trap, never) = (told(1, "trap"), told(2, "never"));
    for object in [&trap, &never] {
        assert_eq!(host.send_one(object), 0);
        assert_eq!(kept(object), (false, true), "held for a person");
    }
    let refused = strict(told(3, "trap"));
    assert_eq!(host.send_one(&refused), 0x0124, "not taken");
    assert_eq!(kept(&refused), (false, false));

    let later = told(4, "later");
    for _ in 0..3 {
        assert_eq!(host.send_one(&later), 0xa700, "come again");
        assert_eq!(kept(&later), (false, false));
    }
    assert_eq!(host.send_one(&later), 0);
    assert_eq!(kept(&later), (false, true), "held for a person the fourth time");

    let later = strict(told(5, "later"));
    for _ in 0..3 {
        assert_eq!(host.send_one(&later), 0xa700, "come again");
    }
    assert_eq!(host.send_one(&later), 0x0124);
    assert_eq!(kept(&later), (false, false));
}

/// A chain in which everything after the storing fails: each plugin does as `act` says, which the filter is not asked.
fn work(folder: &Path, act: &str) -> String {
    let hostile = format!(
        "config = {{ do = \"as-told\", queue = \"later\", job = \"{act}\", url = \"http://127.0.0.1:9/\" }}\n\
         [plugins.jobs.grant]\nsecrets = [\"site-key\"]\nstate = \"1 MiB\"\njobs = [\"later\"]\nmodels = [\"segment\"]\n\
         http = [\"http://127.0.0.1:9\"]"
    );
    let rules = "config = { default = [\"out\"] }";
    models(&["segment"])
        + &plugin_table("jobs", "test/hostile", &hostile)
        + &plugin_table("rules", "rules", rules)
        + &probe("bad", &format!("do = \"{act}\""))
        + &format!(
            "[destinations.out]\nfolder = \"{}\"\negress = [\"bad\"]\n\
             [[chains]]\nname = \"way out\"\nwhen = {{ StudyID = \"OUT\" }}\nroute = [\"rules\"]\n\
             [[chains]]\nname = \"work\"\nwhen = {{ StudyID = \"S1\" }}\ningest = [\"jobs\"]\nroute = [\"bad\"]\n\
             study-route = [\"bad\"]\nquiet = \"1 s\"\n\
             [[chains]]\nname = \"measure\"\nwhen = {{ StudyID = \"S1\" }}\nanalyze = [\"bad\"]\nquiet = \"1 s\"\n\
             [[sinks]]\nplugin = \"bad\"\nkinds = [\"object.*\"]\n",
            folder.join("out").display()
        )
}

#[test]
fn what_waits_in_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), &work(folder.path(), "trap"));
    let object = Object::ct(1, 1, 100).with(0x0020, 0x4000, b"LT", b"leave-job");
    let sent = with_study_id(Object::ct(2, 1, 100), b"OUT ");
    for object in [&object, &sent] {
        assert_eq!(host.send_one(object), 0, "stored, whatever comes of what follows");
    }
    assert!(host.object(&object.study, &object.series, &object.uid).is_some());

    // Router, study-router, analyzer, worker, and the delivery whose filter fails.
    host.eventually("each has become a dead letter", |host| {
        host.list("/api/dead-letters").len() == 5
    });
    let mut letters: Vec<String> = host
        .list("/api/dead-letters")
        .iter()
        .map(|letter| {
            let text = |name: &str| letter[name].as_str().unwrap_or("-").to_owned();
            let reason = text("reason");
            let reason = reason.split(" (in ").next().unwrap().to_owned();
            format!("{} {} {reason}", text("kind"), text("plugin"))
        })
        .collect();
    letters.sort();
    expect_test::expect![[r#"
        analyze bad the plugin trapped: wasm trap: wasm `unreachable` instruction executed
        deliver - bad: the plugin trapped: wasm trap: wasm `unreachable` instruction executed
        plugin jobs the plugin trapped: wasm trap: wasm `unreachable` instruction executed
        route - bad: the plugin trapped: wasm trap: wasm `unreachable` instruction executed
        settle - bad: the plugin trapped: wasm trap: wasm `unreachable` instruction executed
    "#]]
    .assert_eq(&(letters.join("\n") + "\n"));
    let (fine, listed) = said(host.command("dead-letters").arg("list"));
    assert!(fine && listed.lines().count() == 5, "{listed}");
    for role in ["router", "study-router", "analyzer", "worker", "filter", "sink"] {
        let failure = failed(&host, role);
        assert!(
            failure.starts_with("trap: the plugin trapped: wasm trap: wasm `unreachable`"),
            "{role}: {failure}"
        );
    }
    // The event that no sink takes stands aside, alone.
    host.eventually("the event is parked", |host| !host.list("/api/parked").is_empty());
    assert!(std::fs::read_dir(folder.path().join("out")).map_or(true, |mut entries| entries.next().is_none()));

    // Mended: each is done when somebody says so.
    reload(&host, folder.path(), &work(folder.path(), "nothing"));
    for letter in host.list("/api/dead-letters") {
        // The job itself says `trap`: no reload mends it.
        let decision = if letter["kind"] == "plugin" { "discard" } else { "retry" };
        let (fine, text) = said(host.command("dead-letters").args([decision, &letter["id"].to_string()]));
        assert!(fine, "{text}");
    }
    for event in host.list("/api/parked") {
        let (fine, text) = said(host.command("parked").args(["retry", &event["id"].to_string()]));
        assert!(fine, "{text}");
    }
    host.eventually("nothing waits any more", |host| {
        host.list("/api/dead-letters").is_empty() && host.list("/api/parked").is_empty()
    });
    let arrived = || std::fs::read_dir(folder.path().join("out")).is_ok_and(|mut entries| entries.next().is_some());
    host.eventually("the delivery has arrived", |_| arrived());
}

#[test]
fn work_that_may_go_well_later_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), &work(folder.path(), "later"));
    let object = Object::ct(1, 1, 100).with(0x0020, 0x4000, b"LT", b"leave-job");
    let sent = with_study_id(Object::ct(2, 1, 100), b"OUT ");
    for object in [&object, &sent] {
        assert_eq!(host.send_one(object), 0);
    }
    for role in ["router", "study-router", "analyzer", "worker", "filter", "sink"] {
        assert_eq!(
            failed(&host, role),
            "after: the plugin asks to be tried again in 7 s: this guest can later",
            "{role}"
        );
    }
    assert!(host.list("/api/dead-letters").is_empty());
    assert!(host.list("/api/parked").is_empty());
    reload(&host, folder.path(), &work(folder.path(), "nothing"));
    let arrived = || std::fs::read_dir(folder.path().join("out")).is_ok_and(|mut entries| entries.next().is_some());
    host.eventually("the delivery has arrived", |_| arrived());
}

#[test]
fn gates() {
    let folder = tempfile::tempdir().unwrap();
    let config = probe("keeper", "do = \"as-told\"") + "[dicom]\ngate = [\"keeper\"]\n";
    let host = Host::start(folder.path(), &config);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut report = String::new();
    for calling in ["NOTHING", "REJECT", "TRAP", "NEVER", "SPIN", "LATER", "NAMELESS"] {
        let answer = runtime.block_on(associate_as(calling, host.dicom));
        let answer = answer.map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
        report.push_str(&format!("{calling}: {answer}\n"));
    }
    expect_test::expect![[r#"
        NOTHING: accepted
        REJECT: the peer rejected the association: calling ae title not recognized (for good)
        TRAP: the peer rejected the association: no reason given (for good)
        NEVER: the peer rejected the association: no reason given (for good)
        SPIN: the peer rejected the association: no reason given (for good)
        LATER: the peer rejected the association: temporary congestion (for now)
        NAMELESS: the peer rejected the association: no reason given (for good)
    "#]]
    .assert_eq(&report);
    host.eventually("who was kept out is written down", |host| {
        let failures = host.list("/api/outcomes?failed");
        ["TRAP", "NEVER", "SPIN", "LATER", "NAMELESS"].iter().all(|calling| {
            let who = format!("{calling} from 127.0.0.1");
            failures
                .iter()
                .any(|entry| entry["role"] == "gate" && entry["reason"].as_str().unwrap().contains(&who))
        })
    });
}

#[test]
fn authenticators_and_authorizers() {
    let folder = tempfile::tempdir().unwrap();
    let config = |authorizer: &str| {
        probe("who", "do = \"as-told\"")
            + &probe("what", &format!("do = \"{authorizer}\""))
            + "[http]\nauthenticate = [\"who\"]\nauthorize = [\"what\"]\n"
    };
    let host = Host::start(folder.path(), &config("nothing"));
    let ask = |token: &str| {
        let (status, body) = host.get_with("/dicom-web/studies", "authorization", &format!("Bearer {token}"));
        assert!(
            !String::from_utf8_lossy(&body).contains("guest"),
            "a plugin's failure is the operator's to read"
        );
        status
    };
    let mut report = String::new();
    for token in [
        "nothing",
        "nobody",
        "trap",
        "never",
        "spin",
        "later",
        "nameless",
        "many-claims",
    ] {
        report.push_str(&format!("authenticator {token}: {}\n", ask(token)));
    }
    assert_eq!(host.get("/dicom-web/studies").0, 401, "nobody");
    for authorizer in [
        "deny",
        "within-nothing",
        "trap",
        "never",
        "spin",
        "later",
        "many-limits",
        "nothing",
    ] {
        // The operator's socket is not the web's: no plugin can lock the operator out.
        reload(&host, folder.path(), &config(authorizer));
        report.push_str(&format!("authorizer {authorizer}: {}\n", ask("nothing")));
    }
    expect_test::expect![[r#"
        authenticator nothing: 200
        authenticator nobody: 401
        authenticator trap: 401
        authenticator never: 401
        authenticator spin: 401
        authenticator later: 503
        authenticator nameless: 401
        authenticator many-claims: 401
        authorizer deny: 403
        authorizer within-nothing: 403
        authorizer trap: 403
        authorizer never: 403
        authorizer spin: 403
        authorizer later: 503
        authorizer many-limits: 403
        authorizer nothing: 200
    "#]]
    .assert_eq(&report);
}

#[test]
fn routes() {
    let folder = tempfile::tempdir().unwrap();
    let config = probe("pages", "do = \"as-told\"") + "[http]\nroutes = [\"pages\"]\n";
    let host = Host::start(folder.path(), &config);
    let mut report = String::new();
    for act in [
        "page",
        "trap",
        "never",
        "later",
        "spin",
        "page",
        "eat",
        "status-99",
        "split-header",
        "write-flood",
        "page",
    ] {
        let (status, body) = host.get(&format!("/plugins/pages/{act}"));
        let body = String::from_utf8_lossy(&body);
        let body: String = body.chars().take(100).collect();
        report.push_str(&format!("{act}: {status} {body}\n"));
    }
    expect_test::expect![[r#"
        page: 200 <h1>probe</h1>
        trap: 502 {"error":"the plugin did not give an answer: its operator finds the cause in the log"}
        never: 502 {"error":"the plugin did not give an answer: its operator finds the cause in the log"}
        later: 503 {"error":"the plugin cannot answer now: try again in 7 s"}
        spin: 504 {"error":"the plugin did not answer in time"}
        page: 200 <h1>probe</h1>
        eat: 502 {"error":"the plugin did not give an answer: its operator finds the cause in the log"}
        status-99: 502 {"error":"the plugin did not give an answer: its operator finds the cause in the log"}
        split-header: 200 
        write-flood: 502 {"error":"the plugin did not give an answer: its operator finds the cause in the log"}
        page: 200 <h1>probe</h1>
    "#]]
    .assert_eq(&report);
    let failure = failed(&host, "route");
    assert!(failure.starts_with("trap: "), "{failure}");
}
