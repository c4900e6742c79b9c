//! What plugins do, as an operator reads it in `/metrics` and in the log.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use door::Host;
use door::object::Object;

/// The test guest under several names, each with an act of its own; all look at every object, the last panics.
fn config() -> String {
    let source = door::plugin("test/guest");
    let mut text = String::new();
    for (name, act) in [("counts", "metrics"), ("observes", "observe"), ("bad", "panic")] {
        text.push_str(&format!(
            "[plugins.{name}]\nsource = \"{}\"\ngrant = {{ secrets = [\"site-key\"] }}\nconfig = {{ do = \"{act}\" }}\n",
            source.display()
        ));
    }
    text + "[[chains]]\ningest = [\"counts\", \"observes\", \"bad\"]\n"
}

#[test]
fn every_role_of_every_plugin_has_its_numbers_and_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), &config());
    let state = |plugin: &str, role: &str, state: &str| {
        let line = format!("isocenter_plugin_state{{plugin=\"{plugin}\",role=\"{role}\",state=\"{state}\"}}");
        host.metric(&line)
    };
    assert_eq!(state("bad", "filter", "ready"), Some(1.0));
    // The guest is a router, too, and no chain asks it.
    assert_eq!(state("bad", "router", "disabled"), Some(1.0));
    assert_eq!(state("bad", "router", "ready"), Some(0.0));

    let objects: Vec<Object> = (1..=6).map(|number| Object::ct(1, number, 100)).collect();
    host.send(&objects);
    let resting = ["tripped", "half-open"].map(|word| state("bad", "filter", word).unwrap());
    assert_eq!(resting.iter().sum::<f64>(), 1.0, "{resting:?}");
    assert_eq!(state("bad", "filter", "ready"), Some(0.0));
    assert_eq!(state("counts", "filter", "ready"), Some(1.0));

    let calls = |plugin: &str, outcome: &str| {
        // The order of labels is the recorder's.
        let text = String::from_utf8(host.get("/metrics").1).unwrap();
        let labels = [
            "role=\"filter\"".to_owned(),
            format!("plugin=\"{plugin}\""),
            format!("outcome=\"{outcome}\""),
        ];
        let mut lines = text
            .lines()
            .filter(|line| line.starts_with("isocenter_plugin_calls_total{"));
        let line = lines.find(|line| labels.iter().all(|label| line.contains(label)));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    assert_eq!(calls("counts", "keep"), Some(6.0));
    assert_eq!((calls("bad", "trap"), calls("bad", "tripped")), (Some(5.0), Some(1.0)));
    for histogram in [
        "isocenter_plugin_queue_seconds",
        "isocenter_plugin_instantiate_seconds",
        "isocenter_plugin_seconds",
        "isocenter_plugin_host_wait_seconds",
        "isocenter_plugin_memory_bytes",
    ] {
        let count = host.metric(&format!("{histogram}_count{{plugin=\"counts\",role=\"filter\"}}"));
        assert_eq!(count, Some(6.0), "{histogram}");
        let bucket = host.metric(&format!(
            "{histogram}_bucket{{plugin=\"counts\",role=\"filter\",le=\"+Inf\"}}"
        ));
        assert_eq!(bucket, Some(6.0), "{histogram}");
    }
    // What plugins count themselves.
    for (line, value) in [
        ("count_total{plugin=\"counts\",name=\"counter_000\"}", 12.0),
        ("observed_count{plugin=\"observes\",name=\"seconds\"}", 12.0),
        ("observed_sum{plugin=\"observes\",name=\"seconds\"}", 12.0),
        ("observed_least{plugin=\"observes\",name=\"seconds\"}", 0.5),
        ("observed_greatest{plugin=\"observes\",name=\"seconds\"}", 1.5),
    ] {
        assert_eq!(
            host.metric(&format!("isocenter_plugin_own_{line}")),
            Some(value),
            "{line}"
        );
    }

    // A panic arrives with its words and its place, and says whose it is.
    let log = host.log();
    let line = log
        .lines()
        .find(|line| line.contains("this guest panics on purpose") && line.contains("ERROR"))
        .unwrap_or_else(|| panic!("{log}"));
    for part in ["src/acts.rs:", "plugin=\"bad\"", "call=\"", "digest=\""] {
        assert!(line.contains(part), "{part} is not in {line}");
    }

    // Who is gone has no lines.
    std::fs::write(folder.path().join("isocenter.toml"), "").unwrap();
    assert!(host.command("reload").output().unwrap().status.success());
    let text = String::from_utf8(host.get("/metrics").1).unwrap();
    let left: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("isocenter_plugin_state{"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
