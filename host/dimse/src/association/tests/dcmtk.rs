//! DCMTK as a foreign peer, where it is installed.

use super::*;
use crate::{Status, connect, dial};
use std::net::TcpListener as Listener;
use std::path::Path;
use std::process::{Command as Process, Output};
use tokio::net::TcpListener;

/// Whether that program is there; says so if not.
fn is_installed(program: &str) -> bool {
    let found = Process::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// Runs a program of DCMTK against a provider of this crate.
async fn against(program: &'static str, arguments: Vec<String>, options: Options) -> (Output, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let run = tokio::task::spawn_blocking(move || {
        let mut process = Process::new(program);
        process
            .args(["-aet", "USER", "-aec", "PROVIDER", "127.0.0.1", &port])
            .args(arguments);
        process.env("TCP_NODELAY", "1").output().unwrap()
    });
    let provider = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        provide(stream, options).await
    };
    let (output, taken) = tokio::join!(run, provider);
    (output.unwrap(), taken)
}

/// A Part 10 file in explicit VR little endian with so much pixel data, and the data set in it.
fn object(uid: &str, pixels: usize) -> (Vec<u8>, Vec<u8>) {
    let element = |out: &mut Vec<u8>, tag: u32, vr: &[u8; 2], value: &[u8]| {
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        out.extend(((tag >> 16) as u16).to_le_bytes());
        out.extend((tag as u16).to_le_bytes());
        out.extend(vr);
        if matches!(vr, b"OB" | b"OW") {
            out.extend([0, 0]);
            out.extend((value.len() as u32).to_le_bytes());
        } else {
            out.extend((value.len() as u16).to_le_bytes());
        }
        out.extend(value);
    };
    let mut meta = Vec::new();
    element(&mut meta, 0x0002_0001, b"OB", &[0, 1]);
    element(&mut meta, 0x0002_0002, b"UI", CT.as_bytes());
    element(&mut meta, 0x0002_0003, b"UI", uid.as_bytes());
    element(&mut meta, 0x0002_0010, b"UI", EXPLICIT_LE.as_bytes());
    element(&mut meta, 0x0002_0012, b"UI", b"1.2.3");
    let mut data = Vec::new();
    element(&mut data, 0x0008_0016, b"UI", CT.as_bytes());
    element(&mut data, 0x0008_0018, b"UI", uid.as_bytes());
    element(&mut data, 0x0010_0010, b"PN", b"A^B");
    element(&mut data, 0x0020_000d, b"UI", b"1.2.3.4");
    element(&mut data, 0x0020_000e, b"UI", b"1.2.3.4.5");
    let side = (pixels as f64).sqrt() as u16;
    for (tag, value) in [
        (0x10, side),
        (0x11, side),
        (0x100, 8),
        (0x101, 8),
        (0x102, 7),
        (0x103, 0),
    ] {
        element(&mut data, 0x0028_0000 | tag, b"US", &value.to_le_bytes());
    }
    element(
        &mut data,
        0x7fe0_0010,
        b"OB",
        &pattern(usize::from(side) * usize::from(side)),
    );
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    element(&mut file, 0x0002_0000, b"UL", &(meta.len() as u32).to_le_bytes());
    file.extend(meta);
    file.extend(&data);
    (file, data)
}

#[tokio::test]
async fn echoscu() {
    if is_installed("echoscu") {
        let (output, taken) = against("echoscu", vec!["--repeat".into(), "5".into()], patient()).await;
        assert!(output.status.success(), "{output:?}");
        taken.end.unwrap();
        assert_eq!(taken.echoes, 5);
    }
}

#[tokio::test]
async fn storescu() {
    if !is_installed("storescu") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    let mut files = Vec::new();
    for (at, pixels) in [100, 512 * 512, 2000 * 2000].into_iter().enumerate() {
        let (file, data) = object(&format!("1.2.3.4.5.{at}"), pixels);
        let path = folder.path().join(at.to_string());
        std::fs::write(&path, file).unwrap();
        files.push(path.to_string_lossy().into_owned());
        expected.push((format!("1.2.3.4.5.{at}"), data));
    }
    // The PDU that this side takes, the PDU that DCMTK sends at most.
    for (max_pdu, theirs) in [
        (4096, "131072"),
        (16_384, "131072"),
        (262_144, "16384"),
        (262_144, "131072"),
    ] {
        let arguments = [&["--max-send-pdu".into(), theirs.into()][..], &files].concat();
        let (output, taken) = against("storescu", arguments, Options { max_pdu, ..patient() }).await;
        assert!(output.status.success(), "{output:?}");
        taken.end.unwrap();
        assert!(taken.objects == expected, "{max_pdu}: what came is not what was sent");
    }
    // One that goes away without release.
    let arguments = [&["--abort".into()][..], &files].concat();
    let (output, taken) = against("storescu", arguments, patient()).await;
    assert!(output.status.success(), "{output:?}");
    assert!(
        matches!(taken.end, Err(AssociationError::Aborted(AbortReason::User))),
        "{:?}",
        taken.end
    );
    assert_eq!(taken.objects.len(), 3);
}

/// storescp on a free port, ended on drop.
struct Storescp(std::process::Child, u16);

impl Storescp {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let port = Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Process::new("storescp")
            .args(arguments)
            .arg("-od")
            .arg(folder)
            .args(["-aet", "PROVIDER", &port.to_string()])
            .spawn();
        Self(process.unwrap(), port)
    }
}

impl Drop for Storescp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn storescp() {
    if !is_installed("storescp") {
        return;
    }
    for arguments in [&["--max-pdu", "4096", "+B"][..], &["--max-pdu", "131072", "+B"]] {
        let folder = tempfile::tempdir().unwrap();
        let peer = Storescp::start(folder.path(), arguments);
        let mut stream = dial(("127.0.0.1", peer.1), Duration::from_secs(5)).await;
        for _ in 0..100 {
            if stream.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream = dial(("127.0.0.1", peer.1), Duration::from_secs(5)).await;
        }
        let mut proposal = Proposal::new(title("USER"), title("PROVIDER"));
        proposal.add_context(sop::VERIFICATION, &[IMPLICIT_LE]).unwrap();
        let context = proposal.add_context(CT, &[EXPLICIT_LE]).unwrap();
        let mut user = connect(stream.unwrap(), &patient(), &proposal).await.unwrap();
        assert_eq!(user.context_for(CT, EXPLICIT_LE), Some(context));
        assert_eq!(user.echo().await.unwrap(), status::SUCCESS);
        let mut expected = Vec::new();
        for (at, (pixels, size)) in [(100, 33), (512 * 512, 65_536), (2000 * 2000, 999_999)]
            .into_iter()
            .enumerate()
        {
            let uid = format!("1.2.3.4.5.{at}");
            let (_, data) = object(&uid, pixels);
            let stored = user.store(context, CT, &uid, fragments(&data, size)).await.unwrap();
            assert_eq!(stored.status, Status::new(0), "{stored:?}");
            expected.push(data);
        }
        user.release().await.unwrap();
        // Bit preserving (+B), so each file ends in the data set as it was sent.
        let mut found: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect();
        found.sort_by_key(Vec::len);
        assert_eq!(found.len(), expected.len());
        for (file, data) in found.iter().zip(&expected) {
            assert!(file.ends_with(data));
        }
    }
}
