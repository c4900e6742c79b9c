use super::*;

#[test]
fn shares_are_split_into_studies() {
    let cases: [(u32, &[u32]); 5] = [
        (0, &[]),
        (8, &[8]),
        (125, &[100, 25]),
        (1000, &[100, 250, 500, 150]),
        (1250, &[100, 250, 500, 150, 100, 150]),
    ];
    for (objects, expected) in cases {
        assert_eq!(study_sizes(objects), expected);
    }
}

/// Walks explicit little endian elements and returns them as (tag, value), sequences flattened.
fn walk(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let half = |at: usize| u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let whole = |at: usize| half(at) | half(at + 2) << 16;
        let tag = half(0) << 16 | half(2);
        let (start, length) = match &bytes[4..6] {
            _ if tag >> 16 == 0xFFFE => (8, 0),
            b"SQ" => (12, 0),
            b"OW" => (12, 0),
            b"OB" => (12, whole(8)),
            _ => (8, half(6)),
        };
        assert_eq!(length % 2, 0, "{tag:08x}");
        found.push((tag, bytes[start..start + length as usize].to_vec()));
        bytes = &bytes[start + length as usize..];
    }
    found
}

#[test]
fn headers_are_whole_and_objects_differ() {
    let generator = Generator::new();
    let mut feed = generator.feed(Size::Large, 300);
    let mut seen = std::collections::HashSet::new();
    while let Some(object) = feed.next().unwrap() {
        let elements = walk(object.header);
        let value = |tag: u32| {
            let (_, bytes) = elements.iter().find(|(other, _)| *other == tag).unwrap();
            String::from_utf8(bytes.clone()).unwrap()
        };
        assert!(elements.len() > 170, "{}", elements.len());
        assert_eq!(object.pixels.len(), 512 * 512 * 2);
        assert_eq!(value(0x0008_0018).trim_end_matches('\0'), object.sop_instance);
        assert!(
            object
                .sop_instance
                .starts_with(value(0x0020_000E).trim_end_matches('\0'))
        );
        assert!(object.sop_instance.len() <= 64);
        assert!(seen.insert(object.sop_instance.to_owned()));
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(feed.studies().iter().map(|(_, objects)| objects).sum::<u32>(), 300);
    let small = generator.feed(Size::Small, 1).next().unwrap().unwrap().bytes();
    assert!((19_000..22_000).contains(&small), "{small}");
}
