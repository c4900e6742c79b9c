//! Peers that break the rules: their association ends within its timeout, others do not notice.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use door::Host;
use door::object::{Object, associate, store};

/// Short limits, so that the tests need not wait for the real ones.
const SHORT: &str = r#"
[dicom]
artim = "1 s"
pdu-time = "1 s"
idle = "2 s"
max-pdu = 65536
max-associations = 6
"#;

/// What a peer may take to be sent away: the limit, and room for a busy machine.
const SENT_AWAY: Duration = Duration::from_secs(8);

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Reads until the host closes; says how long that took and what it said.
fn until_closed(mut stream: TcpStream) -> (Duration, Vec<u8>) {
    let began = Instant::now();
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(
            error.kind(),
            std::io::ErrorKind::ConnectionReset,
            "the host does not close"
        ),
    }
    (began.elapsed(), said)
}

/// An A-ASSOCIATE-RQ for CT objects in explicit VR little endian.
fn associate_rq() -> Vec<u8> {
    fn item(kind: u8, value: &[u8]) -> Vec<u8> {
        let mut item = vec![kind, 0];
        item.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        item.extend_from_slice(value);
        item
    }
    let mut body = vec![0, 1, 0, 0];
    body.extend_from_slice(b"ISOCENTER       HOSTILE         ");
    body.extend_from_slice(&[0; 32]);
    body.extend_from_slice(&item(0x10, b"1.2.840.10008.3.1.1.1"));
    let mut context = vec![1, 0, 0, 0];
    context.extend_from_slice(&item(0x30, door::object::CT.as_bytes()));
    context.extend_from_slice(&item(0x40, door::object::EXPLICIT_LE.as_bytes()));
    body.extend_from_slice(&item(0x20, &context));
    let mut user = item(0x51, &16_384_u32.to_be_bytes());
    user.extend_from_slice(&item(0x52, b"1.2.3"));
    body.extend_from_slice(&item(0x50, &user));
    pdu(1, &body)
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut pdu = vec![kind, 0];
    pdu.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
    pdu.extend_from_slice(body);
    pdu
}

/// An association that the host accepted.
fn associated(to: SocketAddr) -> TcpStream {
    let mut stream = connect(to);
    stream.write_all(&associate_rq()).unwrap();
    let mut head = [0; 6];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 2, "not accepted");
    let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).unwrap();
    stream
}

/// A P-DATA-TF with one presentation data value.
fn p_data(context: u8, control: u8, value: &[u8]) -> Vec<u8> {
    let mut body = u32::try_from(value.len() + 2).unwrap().to_be_bytes().to_vec();
    body.extend_from_slice(&[context, control]);
    body.extend_from_slice(value);
    pdu(4, &body)
}

/// Opens a connection and does something wrong on it.
type Misbehaviour = Box<dyn Fn() -> TcpStream>;

#[test]
fn broken_peers_are_sent_away_and_others_do_not_notice() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), SHORT);
    let to = host.dicom;

    let table: Vec<(&str, Misbehaviour)> = vec![
        ("silence", Box::new(move || connect(to))),
        (
            "garbage",
            Box::new(move || {
                let mut stream = connect(to);
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: pacs\r\n\r\n");
                stream
            }),
        ),
        (
            "half a request",
            Box::new(move || {
                let mut stream = connect(to);
                stream.write_all(&associate_rq()[..60]).unwrap();
                stream
            }),
        ),
        (
            "a request of 4 GiB",
            Box::new(move || {
                let mut stream = connect(to);
                stream.write_all(&[1, 0, 0xff, 0xff, 0xff, 0xff, 0, 1]).unwrap();
                stream
            }),
        ),
        (
            "data before a request",
            Box::new(move || {
                let mut stream = connect(to);
                stream.write_all(&p_data(1, 3, b"x")).unwrap();
                stream
            }),
        ),
        (
            "an unknown pdu",
            Box::new(move || {
                let mut stream = associated(to);
                stream.write_all(&pdu(0x77, &[0; 8])).unwrap();
                stream
            }),
        ),
        (
            "a pdu over the agreed length",
            Box::new(move || {
                let mut stream = associated(to);
                stream.write_all(&p_data(1, 3, &vec![0; 70_000])[..1024]).unwrap();
                stream
            }),
        ),
        (
            "a context that was not accepted",
            Box::new(move || {
                let mut stream = associated(to);
                stream.write_all(&p_data(9, 3, &[0; 64])).unwrap();
                stream
            }),
        ),
        (
            "a command that is none",
            Box::new(move || {
                let mut stream = associated(to);
                stream.write_all(&p_data(1, 3, &[0xff; 64])).unwrap();
                stream
            }),
        ),
        (
            "a value longer than its pdu",
            Box::new(move || {
                let mut stream = associated(to);
                let mut lying = p_data(1, 3, &[0; 64]);
                lying[6] = 0x7f;
                stream.write_all(&lying).unwrap();
                stream
            }),
        ),
        (
            "a stop in the middle of a pdu",
            Box::new(move || {
                let mut stream = associated(to);
                stream.write_all(&p_data(1, 3, &[0; 512])[..100]).unwrap();
                stream
            }),
        ),
        ("nothing after the association", Box::new(move || associated(to))),
    ];
    for (what, begin) in table {
        let (took, _) = until_closed(begin());
        assert!(took < SENT_AWAY, "{what}: sent away after {took:?}");
    }

    // Meanwhile nothing broke: an honest sender is served.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut association = associate(to).await.unwrap();
        let answer = store(&mut association, &Object::ct(1, 1, 1000)).await.unwrap();
        assert_eq!(answer.status.code(), 0);
        association.release().await.unwrap();
    });
    assert!(host.stop().success());
}

#[test]
fn a_byte_a_second_ends_within_the_pdu_time() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), SHORT);
    let mut slow = associated(host.dicom);
    let whole = p_data(1, 3, &[0; 512]);
    let began = Instant::now();
    for byte in &whole {
        if slow.write_all(&[*byte]).is_err() {
            break;
        }
        assert!(
            began.elapsed() < SENT_AWAY,
            "still listening to a byte a second after {:?}",
            began.elapsed()
        );
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(began.elapsed() < SENT_AWAY);
}

#[test]
fn one_association_too_many_is_told_to_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), SHORT);
    let held: Vec<_> = (0..6).map(|_| associated(host.dicom)).collect();
    let mut one_more = connect(host.dicom);
    one_more.write_all(&associate_rq()).unwrap();
    let (_, said) = until_closed(one_more);
    // A-ASSOCIATE-RJ, transient, by the service provider (presentation), local limit exceeded (PS3.8 §9.3.4).
    assert_eq!(said, [3, 0, 0, 0, 0, 4, 0, 2, 3, 2]);
    drop(held);
    host.eventually("a place is free again", |host| {
        let mut stream = connect(host.dicom);
        stream.write_all(&associate_rq()).unwrap();
        let mut kind = [0];
        stream.read_exact(&mut kind).is_ok() && kind[0] == 2
    });
}

#[test]
fn one_refused_object_does_not_end_the_association() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut association = associate(host.dicom).await.unwrap();
        let good = Object::ct(1, 1, 300_000);
        let mut bad = Object::ct(1, 2, 300_000);
        bad.data_set = bad.data_set.slice(..bad.data_set.len() - 1000);
        let mut other = Object::ct(1, 3, 1000);
        other.uid.push_str(".9");
        let changed = Object {
            data_set: {
                let mut bytes = good.data_set.to_vec();
                *bytes.last_mut().unwrap() ^= 1;
                bytes.into()
            },
            ..good.clone()
        };
        for (what, object, expected) in [
            ("stored", &good, 0x0000),
            ("ends inside its pixel data", &bad, 0xc000),
            ("announced under another UID", &other, 0xa900),
            ("the same again", &good, 0x0000),
            ("the same UID with other pixels", &changed, 0x0111),
            ("another one", &Object::ct(1, 4, 10), 0x0000),
        ] {
            let answer = store(&mut association, object).await.unwrap();
            assert_eq!(answer.status.code(), expected, "{what}: {:?}", answer.comment);
            assert_eq!(answer.comment.is_some(), expected != 0, "{what}: a refusal says why");
        }
        association.release().await.unwrap();
    });
    assert_eq!(host.search("/studies/1.2.826.0.1.3680043.10.1451.1/instances").len(), 2);
    let study = "1.2.826.0.1.3680043.10.1451.1";
    let served = host
        .object(study, &format!("{study}.1"), &format!("{study}.1.1"))
        .unwrap();
    assert!(Object::ct(1, 1, 300_000).is_data_set_of(&served), "the first stays");
}
