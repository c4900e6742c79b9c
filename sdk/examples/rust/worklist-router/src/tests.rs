use isocenter::fake::{self, HttpTrouble, reply};

use super::*;

fn config() -> Config {
    serde_json::from_value(serde_json::json!({
        "url": "https://ris.example/mwlitems",
        "services": { "NEURO": "neuro" },
        "otherwise": "general",
    }))
    .unwrap()
}

fn object(accession: &str, patient: &str) -> fake::Object {
    fake::Object::of("1.2", "1.2.1", "1.2.1.1")
        .with_text(tags::ACCESSION_NUMBER, b"SH", accession)
        .with_text(tags::PATIENT_ID, b"LO", patient)
}

fn route(object: &fake::Object) -> Result<String> {
    let mut plan = fake::Plan::over(&["general", "neuro"]);
    Worklist::route(&object.object(), &mut plan.plan(), &config())?;
    Ok(plan.sends.into_keys().collect())
}

fn entry(accession: &str, patient: &str, service: &str) -> String {
    let text = |value| serde_json::json!({ "vr": "LO", "Value": [value] });
    let entry =
        serde_json::json!([{ "00080050": text(accession), "00100020": text(patient), "00321033": text(service) }]);
    entry.to_string()
}

#[test]
fn a_study_asks_once_while_its_answer_is_good() {
    let host = fake::Host::new();
    host.on_http(|_| reply(200, entry("A 7", "P1", "NEURO").as_bytes()));
    for _ in 0..3 {
        assert_eq!(route(&object("A 7", "P1")).unwrap(), "neuro");
    }
    let asked = host.sent();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url, "https://ris.example/mwlitems?AccessionNumber=A%207");
    host.pass_seconds(300);
    assert_eq!(route(&object("A 7", "P1")).unwrap(), "neuro");
    assert_eq!(host.sent().len(), 2);
}

#[test]
fn an_answer_about_somebody_else_is_not_used() {
    let host = fake::Host::new();
    host.on_http(|_| reply(200, entry("A7", "P1", "NEURO").as_bytes()));
    assert_eq!(route(&object("A7", "P1")).unwrap(), "neuro");
    // The same study, with another patient: what is remembered is not for this one, and neither is the worklist's answer.
    let error = route(&object("A7", "P2")).unwrap_err();
    assert_eq!(
        error.reason(),
        "the worklist has this accession number for another patient"
    );
    assert_eq!(error.after_seconds(), None);
    // An entry for another number, as of a server that ignores the question, is no answer.
    assert_eq!(route(&object("A8", "P1")).unwrap(), "general");
}

#[test]
fn what_nobody_ordered_goes_elsewhere_and_is_asked_again() {
    let host = fake::Host::new();
    host.on_http(|_| reply(204, b""));
    assert_eq!(route(&object("A7", "P1")).unwrap(), "general");
    host.on_http(|_| reply(200, entry("A7", "P1", "NEURO").as_bytes()));
    assert_eq!(route(&object("A7", "P1")).unwrap(), "neuro");
    assert_eq!(route(&object("", "P1")).unwrap(), "general");
    assert_eq!(host.sent().len(), 2);
}

#[test]
fn a_worklist_that_is_down_is_asked_again_later() {
    let host = fake::Host::new();
    for answer in [
        Err(HttpTrouble::Timeout),
        Err(HttpTrouble::Connect("refused".into())),
        reply(503, b""),
        reply(200, b"<html>signed out</html>"),
    ] {
        host.on_http(move |_| answer.clone());
        assert!(route(&object("A7", "P1")).unwrap_err().after_seconds().is_some());
    }
}

#[test]
fn destinations_are_configured() {
    let refused = Worklist::check(&config(), &["neuro".into()]).unwrap_err();
    assert_eq!(refused.reason(), "`general` is no configured destination");
}
