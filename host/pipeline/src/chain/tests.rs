use std::time::Duration;

use isocenter_archive::index::{Source, Transport};
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;

use super::{Chain, Condition, Glob, OnFailure, Pattern, matching};

#[test]
fn several_chains_match_in_their_order() {
    let chain = |name: &str, calling_ae: &[&str]| Chain {
        name: name.to_owned(),
        when: Condition {
            calling_ae: calling_ae.iter().map(|text| Pattern::Glob(Glob::new(text))).collect(),
            ..Condition::default()
        },
        ingest: Vec::new(),
        route: Vec::new(),
        study_route: Vec::new(),
        analyze: Vec::new(),
        quiet: Duration::from_secs(60),
        shadow: false,
        on_failure: OnFailure::Quarantine,
    };
    let chains = [
        chain("z", &["CT*"]),
        chain("y", &["MR*"]),
        chain("x", &[]),
        chain("a", &["*1"]),
    ];
    let (header, _) = Header::parse(TransferSyntax::implicit_le(), &[], Limits::default()).unwrap();
    let source = Source {
        calling_ae: Some("CT1".to_owned()),
        called_ae: None,
        peer: None,
        transport: Transport::Dimse,
        subject: None,
        hops: 0,
    };
    let names: Vec<_> = matching(&chains, &header, &source)
        .iter()
        .map(|chain| chain.name.as_str())
        .collect();
    assert_eq!(names, ["z", "x", "a"]);
}
