//! The shims, called as a host calls them.

use std::ptr::{null, null_mut};

use super::*;

/// Its models do what their bytes say.
struct Obedient;

struct Order(Vec<u8>);

impl Engine for Obedient {
    const NAME: &'static str = "obedient";
    const VERSION: &'static str = "0";
    type Model = Order;

    fn open(bytes: &[u8]) -> Result<Order, Error> {
        match bytes {
            b"panic in open" => panic!("{}", "ü".repeat(100)),
            b"no model" => Err(Error::BadModel("the bytes are no model".into())),
            _ => Ok(Order(bytes.to_vec())),
        }
    }
}

impl Model for Order {
    fn inputs(&self) -> Vec<Port> {
        Vec::new()
    }

    fn outputs(&self) -> Vec<Port> {
        vec![Port::new("said", Element::UInt8, [-1])]
    }

    fn run(&self, _inputs: &[Input<'_>], stop: Stop<'_>) -> Result<Vec<Output>, Error> {
        if stop.is_set() {
            return Err(Error::Stopped);
        }
        assert!(self.0 != b"panic in run", "told to");
        let len = i64::try_from(self.0.len()).unwrap();
        Ok(vec![Output::new("said", Element::UInt8, [len], self.0.clone())])
    }
}

const TABLE: Inference = inference::<Obedient>();

/// Room for a sentence of this many bytes.
fn room(bytes: &mut [u8]) -> ErrorText {
    ErrorText {
        data: bytes.as_mut_ptr(),
        capacity: bytes.len(),
        len: 0,
    }
}

fn said(error: ErrorText) -> String {
    // SAFETY: `room` made it of an array that the caller still has, and the shims say how much they wrote.
    let bytes = unsafe { slice(error.data, error.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Opens a model; the code, the handle and the sentence.
fn opened(bytes: &[u8], capacity: usize) -> (i32, *mut table::Model, String) {
    let mut place = vec![0; capacity];
    let (mut model, mut error) = (null_mut(), room(&mut place));
    // SAFETY: every pointer is to a local value.
    let code = unsafe { (TABLE.open.unwrap())(bytes.as_ptr(), bytes.len(), &raw mut model, &raw mut error) };
    (code, model, said(error))
}

/// Opens a model, runs it and closes it; the code, what it gave, and the sentence.
fn ran(bytes: &[u8], stop: u32) -> (i32, Vec<u8>, String) {
    let (_, model, _) = opened(bytes, 0);
    let mut place = [0; 200];
    let mut error = room(&mut place);
    let stop = AtomicU32::new(stop);
    let mut outputs = Outputs {
        tensors: null(),
        count: 0,
        owner: null_mut(),
    };
    // SAFETY: the model was just opened; every other pointer is to a local value. What was given is released once and
    // not used after that.
    unsafe {
        let code = (TABLE.run.unwrap())(model, null(), 0, stop.as_ptr(), &raw mut outputs, &raw mut error);
        let mut given = Vec::new();
        if code == table::OK {
            let [tensor] = slice(outputs.tensors, outputs.count) else {
                panic!("{} tensors", outputs.count)
            };
            given = slice(tensor.data.cast::<u8>(), tensor.len).to_vec();
            assert_eq!((TABLE.release.unwrap())(&raw mut outputs), table::OK);
        }
        assert_eq!((TABLE.close.unwrap())(model), table::OK);
        (code, given, said(error))
    }
}

#[test]
fn what_a_model_gives_crosses_whole() {
    assert_eq!(ran(b"hello", 0), (table::OK, b"hello".to_vec(), String::new()));
    assert_eq!(ran(b"", 0), (table::OK, Vec::new(), String::new()));
}

#[test]
fn a_panic_becomes_a_sentence_with_its_place() {
    let (code, _, said) = ran(b"panic in run", 0);
    assert_eq!(code, table::FAILED);
    assert!(
        said.contains("the engine panicked at ") && said.contains("export/tests.rs:"),
        "{said}"
    );
    assert!(
        !said.contains("told to"),
        "the message of a run may print values: {said}"
    );
    let (code, _, said) = opened(b"panic in open", 4096);
    assert_eq!(code, table::FAILED);
    assert!(said.contains("export/tests.rs:") && said.ends_with("üüü"), "{said}");
}

#[test]
fn an_error_becomes_its_code_and_sentence() {
    let (code, model, said) = opened(b"no model", 200);
    assert_eq!((code, said.as_str()), (table::BAD_MODEL, "the bytes are no model"));
    assert!(model.is_null());
    assert_eq!(ran(b"hello", 1).0, table::STOPPED);
}

#[test]
fn a_sentence_is_cut_between_characters() {
    let (_, _, whole) = opened(b"panic in open", 4096);
    for capacity in 0..whole.len() {
        let (code, _, said) = opened(b"panic in open", capacity);
        assert_eq!(code, table::FAILED);
        assert!(
            whole.starts_with(&said) && said.len() + 1 >= capacity,
            "{capacity}: {said}"
        );
    }
}
