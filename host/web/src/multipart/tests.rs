//! Bodies in every way of cutting them into chunks.

use bytes::Bytes;

use super::{BadMultipart, Event, Limits, Reader};

const LIMITS: Limits = Limits {
    parts: 3,
    header_bytes: 64,
};

/// A part as the tests see it: its header lines and its content, whole or not.
#[derive(Debug, PartialEq, Eq, Default)]
struct Part {
    head: Vec<(String, String)>,
    content: Vec<u8>,
    whole: bool,
}

/// Reads `chunks` to the end; the parts, whether the closing delimiter came, and how the body ended.
fn read(chunks: &[&[u8]]) -> (Vec<Part>, Result<(), BadMultipart>) {
    let mut reader = Reader::new("b0", LIMITS).unwrap();
    let mut parts: Vec<Part> = Vec::new();
    let mut closed = false;
    for chunk in chunks {
        reader.push(Bytes::copy_from_slice(chunk));
        loop {
            match reader.next() {
                Ok(Some(Event::Head(head))) => parts.push(Part {
                    head: head.lines,
                    ..Part::default()
                }),
                Ok(Some(Event::Data(data))) => {
                    assert!(!data.is_empty());
                    parts.last_mut().unwrap().content.extend_from_slice(&data);
                }
                Ok(Some(Event::End)) => parts.last_mut().unwrap().whole = true,
                Ok(Some(Event::Closed)) => closed = true,
                Ok(None) => break,
                Err(error) => return (parts, Err(error)),
            }
        }
        assert!(
            reader.rest.len() <= LIMITS.header_bytes + chunk.len(),
            "held {}",
            reader.rest.len()
        );
    }
    let ending = if closed { Ok(()) } else { Err(reader.end()) };
    (parts, ending)
}

fn part(head: &[(&str, &str)], content: &[u8]) -> Part {
    Part {
        head: head
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        content: content.to_vec(),
        whole: true,
    }
}

fn torn(head: &[(&str, &str)], content: &[u8]) -> Part {
    Part {
        whole: false,
        ..part(head, content)
    }
}

/// A body, its parts and how it ends.
type Case = (&'static [u8], Vec<Part>, Result<(), BadMultipart>);

/// Bodies and what they hold, whatever the chunks. The content of a torn part may lack what could be a delimiter.
fn table() -> Vec<Case> {
    let dicom = [("content-type", "application/dicom")];
    vec![
        (
            b"--b0\r\nContent-Type: application/dicom\r\n\r\none\r\n--b0\r\n\r\ntwo\r\n--b0--",
            vec![part(&dicom, b"one"), part(&[], b"two")],
            Ok(()),
        ),
        (
            b"preamble\r\n--b0x\r\n--b0 \t \r\nA:1\r\nB : 2 \r\n\r\n\r\n\r\n--b\r\r\n--b0\r\n\r\n\r\n--b0--\r\nepilogue --b0",
            vec![part(&[("a", "1"), ("b", "2")], b"\r\n\r\n--b\r"), part(&[], b"")],
            Ok(()),
        ),
        // Content that looks like a delimiter, but is a longer word.
        (
            b"--b0\r\n\r\nx\r\n--b01\r\n--b0-\r\n--b0--",
            vec![part(&[], b"x\r\n--b01\r\n--b0-")],
            Ok(()),
        ),
        // The empty line of the head is the line end of the next delimiter.
        (
            b"--b0\r\nA: 1\r\n\r\n--b0\r\n\r\ny\r\n--b0--",
            vec![part(&[("a", "1")], b""), part(&[], b"y")],
            Ok(()),
        ),
        (b"--b0--\r\n", vec![], Ok(())),
        (b"", vec![], Err(BadMultipart::NoDelimiter)),
        (b"nothing here\r\n--b", vec![], Err(BadMultipart::NoDelimiter)),
        (b"--b0\n\nlf only\n--b0--", vec![], Err(BadMultipart::NoDelimiter)),
        (
            b"--b0\r\n\r\none\r\n--b0\r\n\r\ntwo",
            vec![part(&[], b"one"), torn(&[], b"two")],
            Err(BadMultipart::Truncated { parts: 1 }),
        ),
        (
            b"--b0\r\n\r\none\r\n--b0",
            vec![torn(&[], b"one")],
            Err(BadMultipart::Truncated { parts: 0 }),
        ),
        (
            b"--b0\r\n\r\none\r\n--b0\r\nContent-Ty",
            vec![part(&[], b"one")],
            Err(BadMultipart::Truncated { parts: 1 }),
        ),
        (
            b"--b0\r\nno colon\r\n\r\nx",
            vec![],
            Err(BadMultipart::HeadLine { part: 1 }),
        ),
        (
            b"--b0\r\nlong: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\nx\r\n--b0--",
            vec![],
            Err(BadMultipart::HeadTooLong { part: 1, limit: 64 }),
        ),
        (
            b"--b0\r\n\r\n1\r\n--b0\r\n\r\n2\r\n--b0\r\n\r\n3\r\n--b0\r\n\r\n4\r\n--b0--",
            vec![part(&[], b"1"), part(&[], b"2"), part(&[], b"3")],
            Err(BadMultipart::Parts { limit: 3 }),
        ),
    ]
}

#[test]
fn every_chunking_reads_the_same() {
    for (body, parts, ending) in table() {
        let name = String::from_utf8_lossy(body);
        for size in 1..=body.len().max(1) {
            let chunks: Vec<&[u8]> = body.chunks(size).collect();
            assert_eq!(
                read(&chunks),
                (clone(&parts), ending.clone()),
                "chunks of {size}: {name:?}"
            );
        }
        for cut in 0..body.len() {
            let (head, tail) = body.split_at(cut);
            assert_eq!(
                read(&[head, tail]),
                (clone(&parts), ending.clone()),
                "cut at {cut}: {name:?}"
            );
        }
    }
}

fn clone(parts: &[Part]) -> Vec<Part> {
    parts
        .iter()
        .map(|part| Part {
            head: part.head.clone(),
            content: part.content.clone(),
            whole: part.whole,
        })
        .collect()
}

#[test]
fn random_content_in_random_chunks_survives() {
    // Xorshift: the same sequence on every run, with many bytes of the delimiter's own alphabet.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..2000 {
        let mut body = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..random(4) {
            let alphabet = b"\r\n--b0\x00\xff";
            let content: Vec<u8> = (0..random(200)).map(|_| alphabet[random(alphabet.len())]).collect();
            if content.windows(4).any(|window| window == b"--b0") {
                continue;
            }
            body.extend_from_slice(b"\r\n--b0\r\nA: 1\r\n\r\n");
            body.extend_from_slice(&content);
            expected.push(part(&[("a", "1")], &content));
        }
        body.extend_from_slice(b"\r\n--b0--\r\n");
        let mut rest = body.as_slice();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at((1 + random(40)).min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        assert_eq!(read(&chunks), (expected, Ok(())));
    }
}

#[test]
fn data_is_not_copied() {
    let mut reader = Reader::new("b0", LIMITS).unwrap();
    reader.push(Bytes::from_static(b"--b0\r\n\r\n"));
    while reader.next().unwrap().is_some() {}
    // The empty line of the head is held back while it may open a delimiter: the first chunk is joined to it …
    reader.push(Bytes::from(vec![7u8; 100_000]));
    while reader.next().unwrap().is_some() {}
    // … and from then on chunks pass as they are.
    let chunk = Bytes::from(vec![8u8; 100_000]);
    let expected = (chunk.as_ptr(), chunk.len());
    reader.push(chunk);
    match reader.next().unwrap() {
        Some(Event::Data(data)) => assert_eq!((data.as_ptr(), data.len()), expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn boundaries() {
    for (boundary, good) in [
        ("a", true),
        ("", false),
        ("with space inside", true),
        ("ends with ", false),
        ("ümlaut", false),
        ("line\nend", false),
        (&"x".repeat(70), true),
        (&"x".repeat(71), false),
    ] {
        assert_eq!(Reader::new(boundary, LIMITS).is_ok(), good, "{boundary:?}");
    }
}
