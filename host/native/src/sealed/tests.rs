//! A sealed copy stays what it was.

use std::io::Write as _;

use super::*;

#[test]
fn a_copy_does_not_change_with_its_source_nor_by_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("file");
    std::fs::write(&path, b"before").unwrap();
    let mut sealed = Sealed::copy(&path, 100).unwrap();
    std::fs::write(&path, b"after!").unwrap();
    let before = Digest::Blake3(*blake3::hash(b"before").as_bytes());
    assert_eq!(sealed.digest(&before).unwrap().compare(&before), Ok(()));
    assert_eq!(std::fs::read(sealed.path()).unwrap(), b"before");

    assert!((&sealed.file).write_all(b"x").is_err());
    assert!(sealed.file.set_len(3).is_err());
    let opened = std::fs::OpenOptions::new().write(true).open(sealed.path());
    assert!(opened.and_then(|mut file| file.write_all(b"x")).is_err());
    assert_eq!(sealed.digest(&before).unwrap().compare(&before), Ok(()));
}

#[test]
fn what_is_no_file_or_too_large_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("file");
    std::fs::write(&path, vec![0; 101]).unwrap();
    assert_eq!(
        Sealed::copy(&path, 100).unwrap_err().kind(),
        io::ErrorKind::FileTooLarge
    );
    assert!(Sealed::copy(&path, 101).is_ok());
    assert!(Sealed::copy(scratch.path(), 100).is_err());
    let pipe = scratch.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert!(Sealed::copy(&pipe, 100).is_err());
}
