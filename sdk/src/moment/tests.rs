use super::Moment;
use crate::fake;

#[test]
fn moments_as_dicom_writes_them() {
    for (seconds, expected) in [
        (0, "19700101000000+0000"),
        (951_782_399, "20000228235959+0000"),
        (951_782_400, "20000229000000+0000"),
        (951_868_800, "20000301000000+0000"),
        (1_767_323_045, "20260102030405+0000"),
        (4_107_542_400, "21000301000000+0000"),
        (4_107_542_399, "21000228235959+0000"),
        (253_402_300_799, "99991231235959+0000"),
    ] {
        assert_eq!(
            Moment::of_unix_millis(seconds * 1000 + 999).to_string(),
            expected,
            "{seconds}"
        );
    }
}

#[test]
fn now_is_the_hosts() {
    let host = fake::Host::new();
    host.set_millis(1_767_323_045_678);
    assert_eq!(
        (Moment::now().date(), Moment::now().time()),
        ("20260102".into(), "030405".into())
    );
}
