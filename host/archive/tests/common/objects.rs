//! Small objects for tests: explicit little endian data sets, composed by hand, and how to store them. Shared by the
//! tests in `tests/` and those inside the crate.

use bytes::Bytes;
use isocenter_archive::{
    ArchiveError, Entry, NewObjectParts, PackWriter, Shelf,
    index::{Attributes, Indexed, NewJob, Source, Transport},
};
use isocenter_dicom::{Header, Identity, Limits, TransferSyntax, Uid, part10};

/// An object as a Part 10 file, and what is known of it.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) identity: Identity,
    pub(crate) syntax: TransferSyntax,
    pub(crate) file: Bytes,
    /// Where the pixel data element starts.
    pub(crate) header_length: usize,
    pub(crate) header: Header,
}

pub(crate) fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// An object of a study: `salt` varies its content, `pixels` is its size in bytes, about.
pub(crate) fn object(study: usize, number: usize, salt: u8, pixels: usize) -> Object {
    let identity = Identity {
        sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: uid(&format!("1.2.826.{study}.1.{number}")),
        series: uid(&format!("1.2.826.{study}.1")),
        study: uid(&format!("1.2.826.{study}")),
    };
    let syntax = TransferSyntax::lookup("1.2.840.10008.1.2.1").unwrap();
    let mut set = Vec::new();
    element(&mut set, 0x0008_0016, b"UI", identity.sop_class.as_str(), '\0');
    element(&mut set, 0x0008_0018, b"UI", identity.sop_instance.as_str(), '\0');
    element(&mut set, 0x0008_0020, b"DA", "20261121", ' ');
    element(&mut set, 0x0008_0060, b"CS", "CT", ' ');
    element(&mut set, 0x0010_0010, b"PN", &format!("Doe^Study{study}"), ' ');
    element(&mut set, 0x0010_0020, b"LO", &format!("P{study}"), ' ');
    element(&mut set, 0x0020_000D, b"UI", identity.study.as_str(), '\0');
    element(&mut set, 0x0020_000E, b"UI", identity.series.as_str(), '\0');
    element(&mut set, 0x0020_0013, b"IS", &number.to_string(), ' ');
    let (header, _) = Header::parse(syntax.clone(), &set, Limits::default()).unwrap();
    let mut file = part10::preface(&identity, &syntax).to_vec();
    file.extend(set);
    let header_length = file.len();
    let pixels: Vec<u8> = (0..pixels.next_multiple_of(2))
        .map(|at| (at / 3) as u8 ^ salt)
        .collect();
    file.extend([0xE0, 0x7F, 0x10, 0x00]);
    file.extend(b"OW\0\0");
    file.extend((pixels.len() as u32).to_le_bytes());
    file.extend(pixels);
    Object {
        identity,
        syntax,
        file: file.into(),
        header_length,
        header,
    }
}

fn element(set: &mut Vec<u8>, tag: u32, vr: &[u8], value: &str, pad: char) {
    let mut value = value.to_owned();
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    set.extend(((tag >> 16) as u16).to_le_bytes());
    set.extend((tag as u16).to_le_bytes());
    set.extend(vr);
    set.extend((value.len() as u16).to_le_bytes());
    set.extend(value.bytes());
}

/// Where objects of tests come from.
pub(crate) fn source() -> Source {
    Source {
        calling_ae: Some("SENDER".into()),
        called_ae: Some("ISOCENTER".into()),
        peer: Some("127.0.0.1".into()),
        transport: Transport::Dimse,
        subject: None,
        hops: 0,
    }
}

pub(crate) fn parts(object: &Object, shelf: &Shelf) -> NewObjectParts {
    NewObjectParts {
        identity: object.identity.clone(),
        syntax: object.syntax.uid().clone(),
        attributes: Attributes::of(&object.header),
        jobs: if *shelf == Shelf::Archive {
            vec![NewJob::Route]
        } else {
            Vec::new()
        },
    }
}

pub(crate) async fn begin(writer: &mut PackWriter, object: &Object, shelf: &Shelf) -> Result<Entry, ArchiveError> {
    begin_from(writer, object, &source(), shelf).await
}

/// Begins an entry and writes the object in pieces of a PDU's size.
pub(crate) async fn begin_from(
    writer: &mut PackWriter,
    object: &Object,
    source: &Source,
    shelf: &Shelf,
) -> Result<Entry, ArchiveError> {
    let (study, instance) = (&object.identity.study, &object.identity.sop_instance);
    let mut entry = writer.begin(study, instance, source, shelf.clone()).await?;
    entry.write(object.file.slice(..object.header_length)).await?;
    entry.header_done();
    let mut rest = object.file.slice(object.header_length..);
    while !rest.is_empty() {
        entry.write(rest.split_to(rest.len().min(100_000))).await?;
    }
    Ok(entry)
}

pub(crate) async fn store_on(writer: &mut PackWriter, object: &Object, shelf: &Shelf) -> Result<Indexed, ArchiveError> {
    begin(writer, object, shelf).await?.commit(parts(object, shelf)).await
}

pub(crate) async fn store(writer: &mut PackWriter, object: &Object) -> Result<Indexed, ArchiveError> {
    store_on(writer, object, &Shelf::Archive).await
}
