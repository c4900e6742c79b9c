use isocenter::fake;

use super::*;

#[test]
fn a_study_is_told_once() {
    let host = fake::Host::new();
    host.grant_jobs(&[QUEUE]);
    host.on_http(|_| fake::reply(200, b""));
    let config = Config {
        url: "https://ris.example.org".into(),
    };
    for number in ["1.2.1", "1.2.2"] {
        let object = fake::Object::of("1.2", "1.2.0", number);
        let (passage, mut edits) = (fake::Passage::default(), fake::Edits::default());
        let verdict = Arrivals::apply(&object.object(), &passage.passage(), &mut edits.edits(), &config).unwrap();
        assert!(matches!(verdict, Verdict::Keep));
    }
    let [job] = host.jobs().try_into().unwrap();
    assert_eq!((job.queue.as_str(), job.delay_seconds), (QUEUE, 900));
    Arrivals::run(&job.queue, &job.payload, &config).unwrap();
    let [sent] = host.sent().try_into().unwrap();
    assert_eq!(String::from_utf8(sent.body).unwrap(), r#"{"study":"1.2"}"#);
    assert!(Arrivals::run("other", &job.payload, &config).is_err());
    assert!(Arrivals::run(QUEUE, b"no json", &config).is_err());
}
