use isocenter_dicom::tags;
use isocenter_procedure::Values;
use proptest::prelude::*;

use super::*;
use crate::message::{Verdict, acknowledgement};

const ORM: &str = "MSH|^~\\&|RIS|HOSPITAL|PACS|RADIOLOGY|20260304080000||ORM^O01|M1|P|2.3.1||||||UNICODE UTF-8\r\
PID|||P1^^^HOSPITAL||Müller^Jörg^Karl^Jr^Dr||19600203|M\r\
PV1||I|WARD3^2|||||1234^Referrer^Rob|||||||||||V77\r\
ORC|NW|PL1^RIS|FI1^RIS||SC||1^^^20260304093000^^S\r\
OBR|1|PL1^RIS|FI1^RIS|RPC^CT chest^99RIS^PRC^Chest with contrast^99MOD||||||||||||77^Orderer^Ann||ACC1|RP1|SPS1|CT7|||CT|||1^^^20260304093000^^S|||WALK|^Cough|||55&Tech&Tom\r\
ZDS|1.2.3.4^HOSPITAL^Application^DICOM\r";

fn instructions(text: &str) -> Result<Vec<Instruction>, Refusal> {
    let stations = Stations::from([("MR".to_owned(), vec!["MR1".to_owned(), "MR2".to_owned()])]);
    read(text.as_bytes(), &stations)
}

fn entry(instruction: &Instruction) -> &ScheduledStep {
    match &instruction.action {
        Action::New(step) | Action::Change(step) => step,
        other => panic!("{other:?}"),
    }
}

fn first(step: &ScheduledStep, tag: Tag) -> String {
    step.data_set().first(tag).unwrap_or_default()
}

#[test]
fn an_orm_is_mapped_as_ihe_says() {
    let read = instructions(ORM).unwrap();
    let [only] = &read[..] else { panic!("{read:?}") };
    let step = entry(only);
    assert_eq!(step.study().as_str(), "1.2.3.4");
    for (tag, expected) in [
        (tags::PATIENT_NAME, "Müller^Jörg^Karl^Dr^Jr"),
        (tags::PATIENT_ID, "P1"),
        (tags::ISSUER_OF_PATIENT_ID, "HOSPITAL"),
        (tags::PATIENT_BIRTH_DATE, "19600203"),
        (tags::PATIENT_SEX, "M"),
        (tags::ACCESSION_NUMBER, "ACC1"),
        (tags::REQUESTED_PROCEDURE_ID, "RP1"),
        (tags::REQUESTED_PROCEDURE_DESCRIPTION, "CT chest"),
        (tags::REQUESTED_PROCEDURE_PRIORITY, "STAT"),
        (tags::REFERRING_PHYSICIAN_NAME, "Referrer^Rob"),
        (tags::REQUESTING_PHYSICIAN, "Orderer^Ann"),
        (tags::PATIENT_TRANSPORT_ARRANGEMENTS, "WALK"),
        (tags::REASON_FOR_THE_REQUESTED_PROCEDURE, "Cough"),
        (tags::CURRENT_PATIENT_LOCATION, "WARD3"),
        (tags::ADMISSION_ID, "V77"),
        (tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, "PL1^RIS"),
        (tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, "FI1^RIS"),
    ] {
        assert_eq!(first(step, tag), expected, "{tag}");
    }
    for (tag, expected) in [
        (tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS1"),
        (tags::MODALITY, "CT"),
        (tags::SCHEDULED_STATION_AE_TITLE, "CT7"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20260304"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "093000"),
        (tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, "Chest with contrast"),
    ] {
        assert_eq!(step.of_step(tag).as_deref(), Some(expected), "{tag}");
    }
    let codes: Vec<String> = step
        .data_set()
        .items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE)
        .map(|item| item.first(tags::CODE_VALUE).unwrap())
        .collect();
    assert_eq!(codes, ["RPC"]);
}

const OMI: &str = "MSH|^~\\&|RIS|H|PACS|R|20260304||OMI^O23^OMI_O23|M2|P|2.5.1||||||ASCII~ISO IR87\r\
PID|||P2^^^H||YAMADA^TAROU^^^^^L^A~P^Q^^^^^L^P\r\
ORC|NW|PL2|FI2\rTQ1|||||||20260305101500+0900||R\rOBR|1|PL2|FI2|X^Knee^L\r\
IPC|ACC2|RP2|1.2.9|SPS2A|MR|PC^Knee plain^L|ROOM1|FLOOR2\r\
IPC|ACC2|RP2|1.2.9|SPS2B|MR|PC^Knee plain^L|||MR9\r";

#[test]
fn each_ipc_of_an_omi_is_a_step() {
    let read = instructions(OMI).unwrap();
    let steps: Vec<&ScheduledStep> = read.iter().map(entry).collect();
    let ids: Vec<&str> = steps.iter().map(|step| step.step()).collect();
    assert_eq!(ids, ["SPS2A", "SPS2B"]);
    assert_eq!(steps[0].study().as_str(), "1.2.9");
    let stations = &steps[0].data_set()["00400100"]["Value"][0]["00400001"]["Value"];
    assert_eq!(stations, &json!(["MR1", "MR2"]));
    assert_eq!(
        steps[1].of_step(tags::SCHEDULED_STATION_AE_TITLE).as_deref(),
        Some("MR9")
    );
    assert_eq!(
        steps[0].of_step(tags::SCHEDULED_PROCEDURE_STEP_START_TIME).as_deref(),
        Some("101500")
    );
    let name = &steps[0].data_set()["00100010"]["Value"][0];
    assert_eq!(name, &json!({"Alphabetic": "YAMADA^TAROU", "Phonetic": "P^Q"}));
}

#[test]
fn what_an_order_control_code_says() {
    for (control, expected) in [
        ("CA", Action::End("cancelled")),
        ("OC", Action::End("cancelled")),
        ("DC", Action::End("discontinued")),
    ] {
        let read = instructions(&ORM.replace("ORC|NW", &format!("ORC|{control}"))).unwrap();
        assert_eq!(read[0].action, expected);
        assert_eq!(read[0].identity.step.as_deref(), Some("SPS1"));
        assert_eq!(read[0].identity.patient.as_deref(), Some("P1"));
    }
    for (status, expected) in [
        ("IP", Action::Status("STARTED")),
        ("SC", Action::Status("SCHEDULED")),
        ("CM", Action::End("completed")),
        ("CA", Action::End("cancelled")),
    ] {
        let text = ORM.replace(
            "ORC|NW|PL1^RIS|FI1^RIS||SC|",
            &format!("ORC|SC|PL1^RIS|FI1^RIS||{status}|"),
        );
        assert_eq!(instructions(&text).unwrap()[0].action, expected);
    }
    assert!(matches!(
        instructions(&ORM.replace("ORC|NW", "ORC|XO")).unwrap()[0].action,
        Action::Change(_)
    ));
    // A cancellation needs no more than the order's number.
    let short = "MSH|^~\\&|RIS|H|PACS|R|20260304||ORM^O01|M3|P|2.3.1\rPID|||P1\rORC|CA|PL1^RIS\r";
    assert_eq!(
        instructions(short).unwrap()[0].identity.order.placer.as_deref(),
        Some("PL1^RIS")
    );
}

#[test]
fn what_is_refused_and_how() {
    let table: [(&str, &str, Verdict, u16); 15] = [
        ("ORM^O01", "ADT^A08", Verdict::Reject, 200),
        ("|2.3.1|", "|3.0|", Verdict::Reject, 203),
        ("|P|2.3.1", "|T|2.3.1", Verdict::Reject, 202),
        ("|M1|", "||", Verdict::Reject, 101),
        ("MSH|", "XSH|", Verdict::Reject, 100),
        ("UNICODE UTF-8", "KLINGON", Verdict::Error, 102),
        ("UNICODE UTF-8", "ASCII", Verdict::Error, 102),
        ("PID|", "PIX|", Verdict::Error, 100),
        ("ORC|NW", "ORC|ZZ", Verdict::Error, 103),
        (
            "ORC|NW|PL1^RIS|FI1^RIS||SC||1^^^20260304093000",
            "ORC|NW|PL1^RIS|FI1^RIS||SC||1^^^2026",
            Verdict::Error,
            102,
        ),
        ("|SPS1|", "||", Verdict::Error, 101),
        ("ACC1", "ACCESSION-NUMBER-SECRET", Verdict::Error, 101),
        ("|CT7|", "||", Verdict::Error, 101),
        ("1.2.3.4^", "secret^", Verdict::Error, 102),
        ("\rZDS|", "\rZ|", Verdict::Error, 100),
    ];
    for (from, to, verdict, code) in table {
        let text = ORM.replacen(from, to, 1);
        assert_ne!(text, ORM);
        let refusal = instructions(&text).unwrap_err();
        assert_eq!((refusal.verdict, refusal.code), (verdict, code), "{to}: {refusal}");
        for word in ["Müller", "secret", "SECRET", "P1"] {
            assert!(!refusal.reason.contains(word), "{refusal}");
        }
        let answer = String::from_utf8(acknowledgement(text.as_bytes(), Err(&refusal))).unwrap();
        assert!(
            answer.contains(if verdict == Verdict::Error {
                "\rMSA|AE|"
            } else {
                "\rMSA|AR|"
            }),
            "{answer}"
        );
        assert!(answer.contains(&format!("\rERR|||{code}^^HL70357|E|")), "{answer}");
    }
}

#[test]
fn an_acknowledgement_turns_the_addresses_round() {
    let answer = String::from_utf8(acknowledgement(ORM.as_bytes(), Ok(()))).unwrap();
    assert!(
        answer.starts_with("MSH|^~\\&|PACS|RADIOLOGY|RIS|HOSPITAL|20"),
        "{answer}"
    );
    assert!(
        answer.contains("||ACK^O01^ACK|") && answer.ends_with("|P|2.3.1\rMSA|AA|M1\r"),
        "{answer}"
    );
}

#[test]
fn character_sets_of_msh_18() {
    for (set, name, encoded) in [
        (
            "8859/1",
            "Müller",
            encoding_rs::WINDOWS_1252.encode("Müller").0.into_owned(),
        ),
        ("", "Müller", encoding_rs::WINDOWS_1252.encode("Müller").0.into_owned()),
        ("", "Müller", "Müller".into()),
        (
            "8859/5",
            "Иванов",
            encoding_rs::ISO_8859_5.encode("Иванов").0.into_owned(),
        ),
        (
            "KS X 1001",
            "홍길동",
            encoding_rs::EUC_KR.encode("홍길동").0.into_owned(),
        ),
        (
            "ASCII~ISO IR87",
            "山田",
            encoding_rs::ISO_2022_JP.encode("山田").0.into_owned(),
        ),
        (
            "GB 18030-2000",
            "王小东",
            encoding_rs::GB18030.encode("王小东").0.into_owned(),
        ),
    ] {
        let (before, after) = ORM.split_once("Müller").unwrap();
        let bytes = [
            before.replace("UNICODE UTF-8", set).replace("Jörg", "Jorg").as_bytes(),
            &encoded,
            after.replace("Jörg", "Jorg").as_bytes(),
        ]
        .concat();
        let read = read(&bytes, &Stations::new()).unwrap();
        assert_eq!(
            first(entry(&read[0]), tags::PATIENT_NAME),
            format!("{name}^Jorg^Karl^Dr^Jr"),
            "{set}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, &Stations::new());
        let _ = acknowledgement(&bytes, Ok(()));
    }

    #[test]
    fn any_cut_and_any_change(cut in 0_usize..700, at in 0_usize..700, to: u8) {
        let mut bytes = ORM.as_bytes().to_vec();
        if let Some(byte) = bytes.get_mut(at) { *byte = to; }
        bytes.truncate(cut);
        let _ = read(&bytes, &Stations::new());
        let _ = acknowledgement(&bytes, Ok(()));
    }
}
