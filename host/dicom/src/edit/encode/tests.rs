//! What fits into which VR, and how it is written.

use super::*;
use bytes::Bytes;

fn text(values: &[&str]) -> Value {
    Value::Text(values.iter().map(ToString::to_string).collect())
}

#[test]
fn table() {
    type Case<'a> = (VR, Value, Result<&'a [u8], &'a str>);
    let cases: &[Case] = &[
        (VR::LO, text(&["a", "b"]), Ok(b"a\\b ")),
        (VR::LO, text(&[]), Ok(b"")),
        (
            VR::LO,
            text(&["a\\b"]),
            Err("a single value cannot contain a backslash"),
        ),
        (VR::LO, text(&["a\nb"]), Err("it cannot contain control characters")),
        (VR::LT, text(&["a\\b\n"]), Ok(b"a\\b\n")),
        (VR::LT, text(&["a", "b"]), Err("it takes one value, not 2")),
        (VR::PN, text(&["Müller^Jörg"]), Ok(b"M\xFCller^J\xF6rg ")),
        (
            VR::PN,
            text(&["王"]),
            Err("the object's character set cannot express it"),
        ),
        (
            VR::CS,
            text(&["É"]),
            Err("it takes at most 16 upper-case letters, digits, spaces and underscores"),
        ),
        (VR::CS, text(&["MR", "", "CT"]), Ok(b"MR\\\\CT")),
        (VR::UI, text(&["1.2.3"]), Ok(b"1.2.3\0")),
        (
            VR::UI,
            text(&["x"]),
            Err("a UID holds only digits and dots, this holds another character at position 0"),
        ),
        (VR::DA, text(&["20240229"]), Ok(b"20240229")),
        (VR::DA, text(&["20230229"]), Err("it takes a date as YYYYMMDD")),
        (VR::TM, text(&["1234"]), Ok(b"1234")),
        (VR::TM, text(&["123456.5"]), Ok(b"123456.5")),
        (VR::TM, text(&["2512"]), Err("it takes a time as HHMMSS.FFFFFF")),
        (VR::TM, text(&["12.5"]), Err("it takes a time as HHMMSS.FFFFFF")),
        (VR::DT, text(&["202402"]), Ok(b"202402")),
        (VR::AS, text(&["042Y"]), Ok(b"042Y")),
        (
            VR::AS,
            text(&["42"]),
            Err("it takes an age as nnnD, nnnW, nnnM or nnnY"),
        ),
        (VR::IS, text(&["-12"]), Ok(b"-12 ")),
        (VR::IS, text(&["1.5"]), Err("it takes an integer of 32 bits")),
        (VR::IS, Value::Signed(vec![-1, 20]), Ok(b"-1\\20 ")),
        (
            VR::IS,
            Value::Unsigned(vec![1 << 40]),
            Err("it takes an integer of 32 bits"),
        ),
        (VR::DS, Value::Real(vec![0.5, 1.0 / 3.0]), Ok(b"0.5\\0.33333333333333")),
        (
            VR::DS,
            Value::Real(vec![-1.0 / 3e9, 1e300]),
            Ok(b"-3.333333333e-10\\1e300"),
        ),
        (
            VR::DS,
            Value::Real(vec![f64::NAN]),
            Err("it takes a number of at most 16 characters"),
        ),
        (
            VR::DS,
            text(&["inf"]),
            Err("it takes a number of at most 16 characters"),
        ),
        (VR::US, Value::Unsigned(vec![1, 0x1234]), Ok(b"\x01\x00\x34\x12")),
        (VR::US, Value::Signed(vec![-1]), Err("its numbers go from 0 to 65535")),
        (VR::US, text(&["5"]), Err("text values cannot be given to it")),
        (VR::US, text(&[]), Ok(b"")),
        (VR::SS, Value::Signed(vec![-2]), Ok(b"\xFE\xFF")),
        (VR::FL, Value::Real(vec![1.0]), Ok(b"\x00\x00\x80\x3F")),
        (VR::FD, Value::Signed(vec![1]), Ok(b"\x00\x00\x00\x00\x00\x00\xF0\x3F")),
        (VR::AT, Value::Tags(vec![Tag(0x0010, 0x0020)]), Ok(b"\x10\x00\x20\x00")),
        (VR::OB, Value::Bytes(Bytes::from_static(b"abc")), Ok(b"abc\0")),
        (
            VR::OW,
            Value::Bytes(Bytes::from_static(b"abc")),
            Err("3 bytes are not a multiple of 2"),
        ),
        (
            VR::LO,
            Value::Bytes(Bytes::from_static(b"abc")),
            Err("binary values cannot be given to it"),
        ),
    ];
    let latin1 = CharacterSet::of(b"ISO_IR 100");
    for (vr, value, expected) in cases {
        let found = encode(*vr, value, &latin1, false);
        assert_eq!(found.as_deref().map_err(String::as_str), *expected, "{vr:?} {value:?}");
    }
}

#[test]
fn big_endian() {
    let latin1 = CharacterSet::of(b"ISO_IR 100");
    let cases: &[(VR, Value, &[u8])] = &[
        (VR::US, Value::Unsigned(vec![0x1234]), b"\x12\x34"),
        (VR::FL, Value::Real(vec![1.0]), b"\x3F\x80\x00\x00"),
        (VR::AT, Value::Tags(vec![Tag(0x0010, 0x0020)]), b"\x00\x10\x00\x20"),
        (VR::OW, Value::Bytes(Bytes::from_static(b"\x34\x12")), b"\x12\x34"),
    ];
    for (vr, value, expected) in cases {
        assert_eq!(encode(*vr, value, &latin1, true).as_deref(), Ok(*expected), "{vr:?}");
    }
}
