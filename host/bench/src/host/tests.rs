use super::*;

#[test]
fn the_calling_ae_title_chooses_the_chain() {
    let chains = [
        Chain::none(),
        Chain::of("BENCH-SMALL", &[&STAMP, &STAMP_AGAIN]),
        Chain::of("BENCH-ANON", &[&ANONYMIZE, &STAMP]),
    ];
    let text = configuration(Path::new("/plugins"), &chains);
    for expected in [
        "[plugins.stamp]\nsource = \"/plugins/stamp.wasm\"\n",
        "when = { calling-ae = [\"BENCH-SMALL\"] }\ningest = [\"stamp\", \"stamp-again\"]\n",
        "when = { calling-ae = [\"BENCH-ANON\"] }\ningest = [\"anonymize\", \"stamp\"]\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert_eq!(text.matches("[plugins.stamp]").count(), 1);
    assert_eq!(text.matches("[[chains]]").count(), 2);
}
