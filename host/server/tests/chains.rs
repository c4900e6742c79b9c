//! Which chains an object passes, seen from outside: each leaves its stamp, and the stored object shows them.
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
use door::object::{Object, associate, element, store};

/// A chain for each way to ask, and the element in which it leaves its name.
const CHAINS: [(&str, &str); 9] = [
    (
        "InstitutionName",
        "calling-ae = { regex = \"^TEST(ER)?$\" }, address = [\"127.0.0.0/8\"]",
    ),
    ("StationName", "transport = \"stow\", address = \"127.0.0.0/8\""),
    ("ProtocolName", "address = \"10.0.0.0/8\""),
    (
        "SeriesDescription",
        "rows = { from = 64, to = 64.0 }, study-date = { to = 2026-01-02 }, study-time = { from = \"10:00\", to = \"10:59\" }",
    ),
    ("BodyPartExamined", "rows = { from = 65 }"),
    (
        "PatientComments",
        "\"request-attributes-sequence/RequestedProcedureID\" = \"P2\"",
    ),
    ("ImageComments", "\"0029,1001\" = \"yes\""),
    // By what the chains before left, which does not count: an object is judged as it was received.
    ("OperatorsName", "InstitutionName = \"*\""),
    (
        "PatientState",
        "modality = [\"MR\", { regex = \"^C[RT]$\" }], calling-ae = \"*\", called-ae = \"ISOCENTER\"",
    ),
];

/// An object with a sequence of two items and a private element, which stand where tags ascend.
fn object(number: u32) -> Object {
    let mut object = Object::ct(1, number, 100);
    let item = |id: &[u8]| {
        let value = element(0x0040, 0x1001, b"SH", id);
        let mut item = vec![0xfe, 0xff, 0x00, 0xe0];
        item.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        item.extend(value);
        item
    };
    let private = element(0x0029, 0x1001, b"LO", b"yes");
    let sequence = element(0x0040, 0x0275, b"SQ", &[item(b"P1"), item(b"P2")].concat());
    let pixels = element(0x7fe0, 0x0010, b"OW", &[0; 100]).len();
    let mut bytes = object.data_set.to_vec();
    let rest = bytes.split_off(bytes.len() - pixels);
    let rows = bytes.windows(4).position(|at| at == [0x28, 0, 0x11, 0]).unwrap();
    let end = rows + 10;
    assert_eq!(end, bytes.len(), "columns stand last");
    for piece in [private, sequence, rest] {
        bytes.extend(piece);
    }
    object.data_set = bytes.into();
    object
}

/// The chains that left their name on a stored object.
fn stamped(host: &Host, object: &Object) -> Vec<&'static str> {
    let file = host.object(&object.study, &object.series, &object.uid).unwrap();
    let text = String::from_utf8_lossy(&file);
    let stamps = CHAINS.iter().map(|(name, _)| *name);
    stamps.filter(|name| text.contains(&format!("by {name}"))).collect()
}

#[test]
fn an_object_passes_the_chains_that_are_for_it() {
    let mut config = String::new();
    for (name, when) in CHAINS {
        let source = door::plugin("stamp");
        config.push_str(&format!(
            "[plugins.{name}]\nsource = \"{}\"\nconfig = {{ set = {{ {name} = \"by {name}\" }} }}\n\
             [[chains]]\nname = \"{name}\"\nwhen = {{ {when} }}\ningest = [\"{name}\"]\n",
            source.display()
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), &config);

    let (sent, stowed) = (object(1), object(2));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut association = associate(host.dicom).await.unwrap();
        assert_eq!(store(&mut association, &sent).await.unwrap().status.code(), 0);
        association.release().await.unwrap();
    });
    let (status, answer) = host.stow(&[stowed.file()]);
    assert_eq!(status, 200, "{answer}");

    let by_all = ["SeriesDescription", "PatientComments", "ImageComments"];
    assert_eq!(
        stamped(&host, &sent),
        [&["InstitutionName"], &by_all[..], &["PatientState"]].concat()
    );
    assert_eq!(stamped(&host, &stowed), [&["StationName"], &by_all[..]].concat());

    let (status, page) = host.get("/");
    assert_eq!(status, 200);
    let page = String::from_utf8(page).unwrap();
    for shown in [
        "/^TEST(ER)?$/",
        "127.0.0.0/8",
        "64 to 64.0",
        "RequestAttributesSequence/RequestedProcedureID",
        "P2",
    ] {
        assert!(page.contains(shown), "the page does not show {shown}");
    }
}
