//! The wrappers over the fakes: what an author calls, as they call it in a plugin.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use isocenter::jobs::Job;
use isocenter::{
    Error, Form, FrameTrouble, Identity, Modification, Path, Tensor, Value, archive, escape_html, fake, host, http,
    models, same_secret, state, tags,
};

#[test]
fn state_is_written_by_version() {
    let host = fake::Host::new();
    assert_eq!(state::get("key").unwrap(), None);
    assert!(state::put_new("key", b"1", None).unwrap());
    assert!(!state::put_new("key", b"2", None).unwrap());
    let version = state::get("key").unwrap().unwrap().version;
    assert!(state::put_over("key", b"3", version, None).unwrap());
    assert!(!state::put_over("key", b"4", version, None).unwrap());
    assert_eq!(host.state("key").as_deref(), Some(&b"3"[..]));
    state::delete("key").unwrap();
    assert_eq!(state::get("key").unwrap(), None);
    for (key, value) in [("k".repeat(513), vec![]), ("k".into(), vec![0; 65_537])] {
        let error = state::put(&key, &value, None).unwrap_err();
        assert_eq!(error.after_seconds(), None, "{}", error.reason());
    }
}

#[test]
fn state_is_gone_after_its_time() {
    let host = fake::Host::new();
    state::write("seen", &vec![1, 2], Some(60)).unwrap();
    host.pass_seconds(59);
    assert_eq!(state::read::<Vec<u8>>("seen").unwrap(), Some(vec![1, 2]));
    host.pass_seconds(1);
    assert_eq!(state::read::<Vec<u8>>("seen").unwrap(), None);
}

#[test]
fn an_update_begins_again_until_it_gives_way() {
    let host = fake::Host::new();
    let add = |count: Option<u32>| Ok(count.unwrap_or(0) + 1);
    host.conflict(31);
    assert_eq!(state::update("count", None, add).unwrap(), 1);
    assert_eq!(state::update("count", None, add).unwrap(), 2);
    host.conflict(32);
    assert_eq!(state::update("count", None, add).unwrap_err().after_seconds(), Some(1));
    let refused = state::update("count", None, |_: Option<u32>| Err(Error::never("no")));
    assert_eq!(refused.unwrap_err().reason(), "no");
    assert_eq!(host.state("count").as_deref(), Some(&b"2"[..]));
    // What is not of the type is an error, not a new beginning.
    state::put("count", b"many", None).unwrap();
    assert!(state::update("count", None, add).is_err());
}

#[test]
fn keys_come_in_pages() {
    let _host = fake::Host::new();
    for key in 0..2_001 {
        state::put(&format!("a/{key:04}"), b"", None).unwrap();
    }
    state::put("b/1", b"", None).unwrap();
    let keys: Vec<String> = state::keys("a/").collect::<Result<_, _>>().unwrap();
    assert_eq!(keys.len(), 2_001);
    assert!(keys.is_sorted());
    assert_eq!(state::keys("c/").count(), 0);
}

#[test]
fn answers_of_servers() {
    let host = fake::Host::new();
    host.on_http(|request| match request.url.as_str() {
        "https://a/large" => fake::reply(200, &[7; 3 << 20]),
        "https://a/json" => Ok((200, vec![("X-Kind".into(), "list".into())], b"[1, 2]".to_vec())),
        _ => fake::reply(404, b""),
    });
    let large = || http::get("https://a/large").send().unwrap();
    assert_eq!(large().body(3 << 20).unwrap().len(), 3 << 20);
    assert_eq!(large().body((3 << 20) - 1).unwrap_err(), http::Trouble::TooLarge);
    let list = http::post("https://a/json")
        .json(&[0])
        .unwrap()
        .timeout_millis(5)
        .send()
        .unwrap();
    assert_eq!(list.header("x-kind").as_deref(), Some("list"));
    assert_eq!(list.json::<Vec<u8>>(100).unwrap(), [1, 2]);
    let absent = http::get("https://a/absent").send().unwrap().success();
    assert_eq!(absent.map(|_| ()).unwrap_err().reason(), "the server answered 404");
    let sent = host.sent();
    let last = sent.get(2).unwrap();
    assert_eq!(
        (last.method.as_str(), last.body.as_slice(), last.timeout_millis),
        ("POST", &b"[0]"[..], 5)
    );
    assert!(http::get("https://a").header_from_secret("a", "", "any").is_ok());
    host.grant_secret("other", b"key");
    assert!(http::get("https://a").header_from_secret("a", "", "any").is_err());
}

#[test]
fn one_job_of_a_key_waits() {
    let host = fake::Host::new();
    let first = Job::new("queue", "1").key("a").enqueue().unwrap();
    assert_eq!(Job::new("queue", "2").key("a").enqueue().unwrap(), first);
    assert_ne!(Job::new("queue", "2").key("b").enqueue().unwrap(), first);
    assert_ne!(Job::new("queue", "2").enqueue().unwrap(), first);
    assert_eq!(host.jobs().len(), 3);
    host.grant_jobs(&["other"]);
    let error = Job::new("queue", "3").enqueue().unwrap_err();
    assert_eq!(error.reason(), "the queue `queue` is not granted");
}

#[test]
fn tensors_have_shapes() {
    let tensor = Tensor::of_i16(&[2, 3], &[1, -2, 3, -4, 5, -6]).unwrap();
    assert_eq!((tensor.shape(), tensor.element()), (vec![2, 3], models::Element::Int16));
    assert_eq!(tensor.to_i16().unwrap(), [1, -2, 3, -4, 5, -6]);
    assert_eq!(tensor.read(2, 4), [0xFE, 0xFF, 3, 0]);
    assert_eq!(tensor.reshape(&[6]).unwrap().shape(), [6]);
    assert!(tensor.reshape(&[5]).is_err());
    assert_eq!(
        tensor.to_f32().unwrap_err().reason(),
        "the tensor is of Element::Int16, not of Element::Float32"
    );
    for (shape, values, expected) in [
        (
            &[2, 2][..],
            3,
            "the shape does not fit: [2, 2] of Element::Uint8 takes 4 bytes, and there are 3",
        ),
        (
            &[u32::MAX; 3],
            3,
            "the shape does not fit: [4294967295, 4294967295, 4294967295] of Element::Uint8 takes too many bytes, and there are 3",
        ),
    ] {
        let error = Tensor::of_u8(shape, &vec![0; values]).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    // More than one read brings.
    let large = Tensor::of_f32(&[1 << 19], &vec![0.5; 1 << 19]).unwrap();
    assert_eq!(large.to_f32().unwrap(), vec![0.5; 1 << 19]);
}

#[test]
fn models_answer_by_name() {
    let host = fake::Host::new();
    host.on_model("lung", |inputs| {
        let image = inputs
            .get("image")
            .ok_or(fake::ModelTrouble::BadShape("no input `image`".into()))?;
        Ok(vec![("mask".into(), image.clone())])
    });
    let image = Tensor::of_f32(&[2], &[1.0, 2.0]).unwrap();
    let mut outputs = models::run("lung", &[("image", &image)]).unwrap();
    let missing = outputs.take("score").map(|_| ()).unwrap_err();
    assert_eq!(missing.reason(), "the model has no output `score` (it has: mask)");
    assert_eq!(outputs.take("mask").unwrap().to_f32().unwrap(), [1.0, 2.0]);
    for (model, input, expected) in [
        ("lung", "picture", "the shape does not fit: no input `image`"),
        ("liver", "image", "the model is not configured, or not granted"),
    ] {
        let error = models::run(model, &[(input, &image)]).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn frames_are_pulled() {
    let large: Vec<u8> = (0..3 << 20).map(|at| (at % 251) as u8).collect();
    let object = fake::Object::default().with_frame(fake::Frame::gray(1536, 2048, large.clone()));
    let object = object.object();
    let frame = object.frame(0, Form::Decoded).unwrap();
    assert_eq!(
        (frame.rows(), frame.columns(), frame.samples(), frame.bits_allocated()),
        (1536, 2048, 1, 8)
    );
    assert_eq!(frame.read(5, 3), [5, 6, 7]);
    assert!(frame.read(3 << 20, 1).is_empty());
    assert_eq!(frame.bytes(), large);
    assert_eq!(
        object.frame(1, Form::Stored).map(|_| ()).unwrap_err(),
        FrameTrouble::NoSuchFrame
    );
    let empty = fake::Object::default();
    assert_eq!(empty.object().frames(), 0);
    assert_eq!(
        empty.object().frame(0, Form::Stored).map(|_| ()).unwrap_err(),
        FrameTrouble::NoPixels
    );
}

#[test]
fn members_come_by_series() {
    let object = |series, number: &str| fake::Object::of("1.2", series, number);
    let study = fake::Study::of("1.2", vec![object("b", "b1"), object("a", "a1"), object("b", "b2")]);
    let mut study = study.study();
    assert_eq!(
        (study.id(), study.count(), study.series()),
        ("1.2".into(), 3, vec!["a".into(), "b".into()])
    );
    let names = |members: isocenter::Members<'_>| members.map(|member| member.sop_instance()).collect::<Vec<_>>();
    assert_eq!(names(study.members()), ["a1", "b1", "b2"]);
    assert_eq!(names(study.members_of("b")), ["b1", "b2"]);
    assert_eq!(names(study.members_of("c")), Vec::<String>::new());
    assert_eq!(names(study.members()), ["a1", "b1", "b2"]);
}

#[test]
fn the_archive_is_searched_by_encoded_values() {
    let host = fake::Host::new();
    host.store(fake::Object::of("1", "1.2", "1.2.3"));
    host.on_search(|query| match query.as_str() {
        "series?PatientName=%C3%89%2A%26a%3D1&limit=5" => {
            Ok(r#"[{"00080060": {"Value": ["CT"]}, "00200011": {"Value": [3]}}]"#.into())
        }
        other => Err(format!("unexpected: {other}")),
    });
    let found = archive::search("series", &[("PatientName", "É*&a=1"), ("limit", "5")]).unwrap();
    let [series] = found.as_slice() else { panic!() };
    let texts = [tags::MODALITY, tags::SERIES_NUMBER, tags::PATIENT_NAME].map(|tag| series.first(tag));
    assert_eq!(texts, ["CT", "3", ""]);
    let error = archive::search("studies", &[]).map(|_| ()).unwrap_err();
    assert_eq!(error.reason(), "unexpected: studies");
    assert_eq!(archive::open("1.2.3").unwrap().study(), "1");
    assert!(archive::open("1.2.4").is_none());
    assert_eq!(archive::open_study("1").unwrap().members().count(), 1);
    assert!(archive::open_study("2").is_none());
}

#[test]
fn identities_expire() {
    let host = fake::Host::new();
    host.set_millis(1_000_500);
    let identity = Identity::new("ada", "test")
        .with_claim("role", "a")
        .with_claim("role", "b")
        .for_seconds(60);
    assert_eq!(identity.expires_unix_seconds, 1_060);
    assert_eq!(identity.claims("role").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(identity.claims("none").count(), 0);
}

#[test]
fn small_things() {
    assert!(same_secret(b"abc", b"abc"));
    assert!(!same_secret(b"abc", b"abd"));
    assert!(!same_secret(b"abc", b"ab"));
    assert_eq!(
        escape_html(r#"<a href="x">'&'"#),
        "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;"
    );
    let path = Path::inside(&[tags::CONTENT_SEQUENCE.item(1)], tags::CONTENT_SEQUENCE);
    let steps = [tags::CONTENT_SEQUENCE.item(1), tags::CONTENT_SEQUENCE.item(4)];
    assert_eq!(path.into_item(4), steps);
    let object = fake::Object::default().with_text(tags::NUMBER_OF_FRAMES, b"IS", "12 ");
    assert_eq!(object.object().integer(tags::NUMBER_OF_FRAMES), Some(12));
    assert_eq!(object.object().integer(tags::ROWS), None);
}

#[test]
fn a_host_ends_with_its_test() {
    {
        let host = fake::Host::new();
        host.set_millis(7_000);
        host::log(host::Level::Info, "here", &[]);
        host::observe("seconds", 1.5);
        assert_eq!(host::unix_millis(), 7_000);
        assert_eq!(host.lines().len(), 1);
        assert_eq!(host.observed("seconds"), [1.5]);
    }
    assert_eq!(host::unix_millis(), 0);
}

#[test]
fn a_server_says_when_to_come_again() {
    let host = fake::Host::new();
    for (line, seconds) in [
        (Some("120"), 120),
        (Some("0"), 1),
        (Some("86400"), 3600),
        (Some("Fri, 02 Jan 2026 03:04:05 GMT"), 10),
        (None, 10),
    ] {
        let headers = line.map(|value| ("retry-after".to_owned(), value.to_owned()));
        let headers: Vec<_> = headers.into_iter().collect();
        host.on_http(move |_| Ok((503, headers.clone(), Vec::new())));
        let answer = http::get("https://example.org/").send().unwrap().success();
        assert_eq!(answer.err().unwrap().after_seconds(), Some(seconds), "{line:?}");
    }
}

#[test]
fn rows_of_other_servers_are_read_as_those_of_the_archive() {
    let rows = r#"[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}}, {}]"#;
    let rows: Vec<archive::Found> = serde_json::from_str(rows).unwrap();
    assert_eq!(rows[0].first(tags::PATIENT_NAME), "Doe^Jane");
    assert_eq!(rows[1].first(tags::PATIENT_NAME), "");
}

#[test]
fn originals_are_kept_in_an_item_of_their_own() {
    let before = fake::Object::default()
        .with_text(tags::STATION_NAME, b"SH", "CT_OLD")
        .with_items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, vec![fake::Object::default()]);
    let mut edits = fake::Edits::default();
    let why = Modification {
        when: "20260102",
        source: "CT1",
        system: "here",
        reason: "COERCE",
    };
    edits
        .edits()
        .keep_originals(&before.object(), &[tags::STATION_NAME, tags::STUDY_DESCRIPTION], &why);
    let item = [tags::ORIGINAL_ATTRIBUTES_SEQUENCE.item(1)];
    let within = [item[0], tags::MODIFIED_ATTRIBUTES_SEQUENCE.item(0)];
    let set = |at, text: &str| fake::Edit::Set(at, Value::Text(vec![text.into()]));
    let expected = [
        fake::Edit::AddItem(tags::ORIGINAL_ATTRIBUTES_SEQUENCE.into()),
        set(Path::inside(&item, tags::SOURCE_OF_PREVIOUS_VALUES), "CT1"),
        set(Path::inside(&item, tags::ATTRIBUTE_MODIFICATION_DATE_TIME), "20260102"),
        set(Path::inside(&item, tags::MODIFYING_SYSTEM), "here"),
        set(
            Path::inside(&item, tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION),
            "COERCE",
        ),
        fake::Edit::AddItem(Path::inside(&item, tags::MODIFIED_ATTRIBUTES_SEQUENCE)),
        set(Path::inside(&within, tags::STATION_NAME), "CT_OLD"),
    ];
    assert_eq!(edits.recorded, expected);
}
