use super::*;

#[test]
fn the_calling_ae_title_chooses_the_chain() {
    let chains = [
        Chain::none(),
        Chain::of("BENCH-SMALL", &[&STAMP, &STAMP_AGAIN]),
        Chain::of("BENCH-ANON", &[&ANONYMIZE, &STAMP]),
    ];
    let text = configuration(Path::new("/plugins"), &chains).unwrap();
    for expected in [
        "[plugins.stamp]\nsource = \"/plugins/stamp.wasm\"\nconfig = { \"set\" = { \"InstitutionalDepartmentName\" = \
         \"RADIOLOGY\", \"StationName\" = \"CT-2\" } }\n",
        "[plugins.anonymize]\nsource = \"/plugins/anonymize.wasm\"\nconfig = {  }\ngrant = { secrets = [\"site-key\"] }\n",
        "when = { calling-ae = [\"BENCH-SMALL\"] }\ningest = [\"stamp\", \"stamp-again\"]\n",
        "when = { calling-ae = [\"BENCH-ANON\"] }\ningest = [\"anonymize\", \"stamp\"]\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert_eq!(text.matches("[plugins.stamp]").count(), 1);
    assert_eq!(text.matches("[[chains]]").count(), 2);
}

#[test]
fn filters_are_configured_in_json() {
    for filter in [&STAMP, &STAMP_AGAIN, &ANONYMIZE, &ANONYMIZE_AGAIN] {
        assert!(filter.spec(Path::new("/plugins")).is_ok(), "{}", filter.name);
    }
}
