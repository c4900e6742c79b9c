//! What the dictionary says, asked once and asked again.

use super::*;

#[test]
fn table() {
    type Case = (u16, u16, Option<(VR, bool)>);
    let cases: &[Case] = &[
        (0x0010, 0x0010, Some((VR::PN, false))),
        (0x0008, 0x1140, Some((VR::SQ, false))),
        (0x0028, 0x0106, Some((VR::US, true))),
        (0x0028, 0x3006, Some((VR::OW, false))),
        (0x7FE0, 0x0010, Some((VR::OW, false))),
        (0x6002, 0x3000, Some((VR::OW, false))),
        (0x6002, 0x0010, Some((VR::US, false))),
        (0x0008, 0x0000, Some((VR::UL, false))),
        (0x0009, 0x0000, Some((VR::UL, false))),
        (0x0009, 0x0010, Some((VR::LO, false))),
        (0x0009, 0x1001, None),
        (0x0008, 0xFFFE, None),
    ];
    for round in 0..2 {
        for &(group, element, expected) in cases {
            let found = lookup(Tag(group, element)).map(|known| (known.vr, known.by_pixel_representation));
            assert_eq!(found, expected, "{} round {round}", Tag(group, element));
        }
    }
}
