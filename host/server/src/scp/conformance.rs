//! The parts of `host/CONFORMANCE.md` about services, limits and statuses, made from what is in force.

use std::time::Duration;

use isocenter_contract::{page_says, repository, table};
use isocenter_dicom::syntax::{self, TransferSyntax};
use isocenter_dimse::{Status, sop, status};
use isocenter_pipeline::commitment;
use isocenter_pipeline::refusal::RefusalKind;

use super::service::NAMED;
use super::{negotiate, retrieve, store};
use crate::config;

fn says(part: &str, head: &[&str], rows: &[Vec<String>]) {
    if let Err(difference) = page_says(repository().join("host/CONFORMANCE.md"), part, &table(head, rows)) {
        panic!("{difference}");
    }
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).into()
}

/// A service, its provider's and its user's side.
#[test]
fn services() {
    let mut rows: Vec<Vec<String>> = NAMED
        .iter()
        .map(|(uid, _)| {
            let Some(name) = sop::name(uid) else {
                panic!("isocenter_dimse::sop has no name for {uid}")
            };
            row([name, uid, if USED.contains(uid) { "yes" } else { "no" }, "yes"])
        })
        .collect();
    rows.push(row(["all storage classes, below", "", "yes", "yes"]));
    says("table: services", &["SOP class", "UID", "user", "provider"], &rows);
}

/// SOP classes of services, without storage, that this host asks others for.
const USED: [&str; 5] = [
    sop::STORAGE_COMMITMENT,
    sop::PATIENT_ROOT_FIND,
    sop::STUDY_ROOT_FIND,
    sop::STUDY_ROOT_GET,
    sop::STUDY_ROOT_MOVE,
];

#[test]
fn identity() {
    let wire = isocenter_dimse::Options::default();
    says(
        "table: identity",
        &["", ""],
        &[
            row(["Implementation Class UID", &wire.implementation_class_uid]),
            row(["Implementation Version Name", &wire.implementation_version]),
            row(["application context", "1.2.840.10008.3.1.1.1"]),
        ],
    );
}

#[test]
fn limits() {
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    let set = config::Dicom::default();
    let wire = isocenter_dimse::Options::default();
    let rows = [
        (
            "associations at a time",
            set.max_associations.to_string(),
            "`max-associations`, of all and of a caller",
        ),
        (
            "associations at a time from one address",
            match set.max_associations_per_address {
                Some(most) => most.to_string(),
                None => "as many as in all".to_owned(),
            },
            "`max-associations-per-address`",
        ),
        (
            "bytes per second of a caller's associations together",
            "any number".to_owned(),
            "`bandwidth` of a caller",
        ),
        (
            "largest PDU that is taken, in bytes",
            set.max_pdu.to_string(),
            "`max-pdu`",
        ),
        ("to ask for an association, and for TLS", seconds(set.artim), "`artim`"),
        ("for a whole PDU", seconds(set.pdu_time), "`pdu-time`"),
        ("between two messages", seconds(set.idle), "`idle`"),
        (
            "for an association in all, and twice that if it does not rest",
            seconds(set.association_time),
            "`association-time`",
        ),
        (
            "for a storage commitment to be reported on the association that asks",
            seconds(set.report_within),
            "`report-within`",
        ),
        (
            "objects of a request for storage commitment",
            commitment::MOST_REFERENCES.to_string(),
            "no",
        ),
        ("answers to a C-FIND", set.find_limit.to_string(), "`find-limit`"),
        ("as user: for a response", seconds(wire.response_time), "no"),
        ("for a peer to take what is sent", seconds(wire.write_time), "no"),
        (
            "operations outstanding, of an association for storage alone",
            negotiate::MOST_OUTSTANDING.to_string(),
            "no",
        ),
        ("operations outstanding, of any other", "1".to_owned(), "no"),
    ];
    let rows = rows.map(|(what, most, set)| row([what, &most, set]));
    says("table: limits", &["", "at most", "configured"], &rows);
}

#[test]
fn transfer_syntaxes() {
    let mut rows = Vec::new();
    for (uid, name) in SYNTAXES {
        let known = TransferSyntax::lookup(uid).unwrap();
        let decoded = isocenter_pixels::is_decodable(&known);
        let sent = if decoded {
            "as stored, or in another"
        } else {
            "as stored"
        };
        let plain = uid == syntax::EXPLICIT_LE || uid == syntax::IMPLICIT_LE;
        let made = match isocenter_pixels::encodable().position(|encodable| encodable == uid) {
            Some(place) => format!("compressed, choice {}", place + 1),
            None if plain => "uncompressed".to_owned(),
            None => "no".to_owned(),
        };
        rows.push(row([name, uid, "yes", sent, &made]));
    }
    let head = ["transfer syntax", "UID", "stored", "sent", "made of others"];
    says("table: syntaxes", &head, &rows);
}

/// PS3.6 Table A-1, without what is video beyond the first of a kind.
const SYNTAXES: [(&str, &str); 27] = [
    ("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    (
        "1.2.840.10008.1.2.1.98",
        "Encapsulated Uncompressed Explicit VR Little Endian",
    ),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian (retired)"),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)"),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 & 4)"),
    ("1.2.840.10008.1.2.4.57", "JPEG Lossless, Non-Hierarchical (Process 14)"),
    (
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, First-Order Prediction (Selection Value 1)",
    ),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless"),
    ("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)"),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000"),
    (
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 Part 2 Multi-component (Lossless Only)",
    ),
    ("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component"),
    ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level"),
    ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    ("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1"),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"),
    ("1.2.840.10008.1.2.4.112", "JPEG XL"),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)"),
    (
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL (Lossless Only)",
    ),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
    ("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
    ("1.2.840.10008.1.2.5", "RLE Lossless"),
    ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression"),
];

fn statuses(part: &str, rows: &[(Status, &str)]) {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(status, when)| row([&format!("{:04X}H", status.code()), when]))
        .collect();
    says(part, &["status", "when"], &rows);
}

#[test]
fn statuses_of_storage() {
    let mut rows = vec![(
        status::SUCCESS,
        "the object and its index are on disk; or it was there already, byte for byte",
    )];
    let kinds = [
        (
            RefusalKind::CannotUnderstand,
            "the data set cannot be read, or does not say which object it is",
        ),
        (
            RefusalKind::Mismatch,
            "SOP class, SOP instance or data set contradict each other",
        ),
        (
            RefusalKind::Duplicate,
            "another object with this SOP Instance UID is there, and stays",
        ),
        (
            RefusalKind::OutOfResources,
            "the disk, the index or a plugin cannot take it now, or it is larger than a limit",
        ),
        (
            RefusalKind::RefusedByPlugin,
            "a plugin refuses it, or its sender may not store",
        ),
    ];
    rows.extend(kinds.map(|(kind, when)| (store::status_of(kind), when)));
    // Those that are told with another.
    for kind in [RefusalKind::TooLarge, RefusalKind::TryLater] {
        assert_eq!(store::status_of(kind), store::status_of(RefusalKind::OutOfResources));
    }
    statuses("table: store", &rows);
}

#[test]
fn statuses_of_queries() {
    statuses(
        "table: find",
        &[
            (status::SUCCESS, "all matches have been answered"),
            (status::PENDING, "a match"),
            (
                status::PENDING_WARNING,
                "a match, where a key was asked for that does not match or cannot be answered",
            ),
            (status::CANCEL, "cancelled"),
            (
                status::OUT_OF_RESOURCES,
                "more match than are answered, or the index is away",
            ),
            (
                status::DATA_SET_MISMATCH,
                "the level or a unique key is missing or wrong; Offending Element says which",
            ),
            (
                status::CANNOT_UNDERSTAND,
                "the identifier cannot be read, or a value is none of its VR",
            ),
            (
                status::SOP_CLASS_NOT_SUPPORTED,
                "the SOP class is not that of the presentation context",
            ),
            (
                status::NOT_AUTHORIZED,
                "the caller may not query, or is a destination with filters that `callers` does not name for it",
            ),
        ],
    );
}

#[test]
fn statuses_of_performed_steps() {
    statuses(
        "table: performed",
        &[
            (status::SUCCESS, "what was said is on disk"),
            (
                status::ATTRIBUTE_LIST_ERROR,
                "N-GET: some of the attributes that were named are not there",
            ),
            (
                status::INVALID_ATTRIBUTE_VALUE,
                "the status is none, or not IN PROGRESS at first; a UID is none; the data set cannot be read",
            ),
            (
                status::PROCESSING_FAILURE,
                "the step has ended and may no longer be updated (Error ID A506H)",
            ),
            (status::DUPLICATE, "there is a step of that SOP Instance UID"),
            (
                status::NO_SUCH_SOP_INSTANCE,
                "there is no step of that SOP Instance UID",
            ),
            (status::INVALID_SOP_INSTANCE, "the SOP Instance UID is none"),
            (
                status::MISSING_ATTRIBUTE,
                "a required attribute is missing; Offending Element says which",
            ),
            (
                status::MISSING_ATTRIBUTE_VALUE,
                "a required attribute is empty; Offending Element says which",
            ),
            (status::NOT_AUTHORIZED, "the caller may not say what was done"),
            (status::RESOURCE_LIMITATION, "the database is away; nothing is kept"),
        ],
    );
}

#[test]
fn statuses_of_retrieval() {
    statuses(
        "table: retrieve",
        &[
            (status::SUCCESS, "all objects have been sent"),
            (status::PENDING, "objects are being sent, with the numbers so far"),
            (status::COERCION, "some objects have not been sent, or with a warning"),
            (status::CANCEL, "cancelled, with the numbers so far"),
            (
                retrieve::NOT_COUNTED,
                "what matches cannot be counted: the index is away",
            ),
            (status::OUT_OF_RESOURCES_SUBOPERATIONS, "no object could be sent"),
            (
                status::MOVE_DESTINATION_UNKNOWN,
                "no destination of the configuration has this AE title",
            ),
            (
                status::DATA_SET_MISMATCH,
                "the level or a unique key is missing, a pattern or no UID",
            ),
            (status::CANNOT_UNDERSTAND, "the identifier cannot be read"),
            (
                status::NOT_AUTHORIZED,
                "the caller may not retrieve, or several destinations have its AE title",
            ),
        ],
    );
}

#[test]
fn statuses_of_commitment() {
    statuses(
        "table: action",
        &[
            (status::SUCCESS, "the request is on disk and will be reported"),
            (
                status::NO_SUCH_SOP_INSTANCE,
                "the SOP instance is not the well-known one",
            ),
            (status::NO_SUCH_SOP_CLASS, "the SOP class is not that of the context"),
            (status::NO_SUCH_ACTION, "the action type is not 1"),
            (
                status::INVALID_ARGUMENT_VALUE,
                "the data set cannot be read, or lacks a Transaction UID or the UIDs of a reference",
            ),
            (
                status::RESOURCE_LIMITATION,
                "too many references, too many requests that wait for their report, or the index is away",
            ),
            (status::PROCESSING_FAILURE, "the request could not be written down"),
            (status::NOT_AUTHORIZED, "the caller may not store"),
        ],
    );
    statuses("table: reasons", &commitment::REASONS);
}
