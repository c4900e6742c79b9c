//! The calls into an engine: pointers go in, owned and checked values come out.
//!
//! Separate because it is, with `library.rs`, all the `unsafe` of this crate. What makes each call sound is the contract
//! in `isocenter_native.h`, which the operator vouched for by the engine's digest; whatever can be checked without
//! trusting the engine, is.

#![expect(unsafe_code, reason = "the boundary to C")]

use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::AtomicU32;

use isocenter_native_api::table::{self, Describe, Description, ErrorText, GetPorts, Inference, Open, Outputs, Ports};
use isocenter_native_api::table::{Release, Run, Text};

use crate::answer;
use crate::port::Port;
use crate::tensor::Tensor;
use crate::trouble::Trouble;

/// Room for one sentence of an engine.
const SENTENCE: usize = 1024;
/// Bytes of a name.
const MOST_NAME: usize = 1024;
/// What the data of inputs is aligned to.
const ALIGNMENT: usize = align_of::<u128>();

/// The functions of a table of which none is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Functions {
    describe: Describe,
    open: Open,
    ports: GetPorts,
    run: Run,
    release: Release,
    close: table::Close,
}

/// What an engine said instead of doing what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: i32,
    said: String,
}

/// An opened model, closed when dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    model: NonNull<table::Model>,
    functions: &'static Functions,
}

// SAFETY: the contract says that a model may be used from any thread.
unsafe impl Send for Handle {}
// SAFETY: the contract says that a model may be used from several threads at once, except for closing it, and that is
// done in `drop`, when nobody else has it.
unsafe impl Sync for Handle {}

impl Functions {
    /// The functions of a table; the error names the first that is missing.
    pub(crate) fn of(table: &Inference) -> Result<Functions, &'static str> {
        Ok(Functions {
            describe: table.describe.ok_or("describe")?,
            open: table.open.ok_or("open")?,
            ports: table.ports.ok_or("ports")?,
            run: table.run.ok_or("run")?,
            release: table.release.ok_or("release")?,
            close: table.close.ok_or("close")?,
        })
    }

    /// The engine's name and version.
    pub(crate) fn describe(&self) -> Result<(String, String), Refusal> {
        let nothing = Text { data: null(), len: 0 };
        let mut description = Description {
            name: nothing,
            version: nothing,
        };
        Sentence::new().hear(|error| {
            // SAFETY: both pointers are to local values, valid during the call.
            unsafe { (self.describe)(&raw mut description, error) }
        })?;
        // SAFETY: after success the contract makes the texts valid for as long as the process runs.
        let (name, version) = unsafe { (text(description.name), text(description.version)) };
        let told = |what: &str, told: Result<&str, String>| match told {
            Ok("") => Err(broken(&format!("its {what} is empty"))),
            Ok(text) => Ok(text.to_owned()),
            Err(why) => Err(broken(&format!("its {what} {why}"))),
        };
        Ok((told("name", name)?, told("version", version)?))
    }

    /// Opens a model.
    pub(crate) fn open(&'static self, bytes: &[u8]) -> Result<Handle, Refusal> {
        let mut opened = null_mut();
        Sentence::new().hear(|error| {
            // SAFETY: every pointer is to a local value or to the caller's bytes, valid during the call.
            unsafe { (self.open)(bytes.as_ptr(), bytes.len(), &raw mut opened, error) }
        })?;
        match NonNull::new(opened) {
            Some(model) => Ok(Handle { model, functions: self }),
            None => Err(broken("it said that a model is open and gave none")),
        }
    }
}

impl Handle {
    /// The model's inputs and outputs.
    pub(crate) fn ports(&self) -> Result<(Vec<Port>, Vec<Port>), Refusal> {
        let mut ports = Ports {
            inputs: null(),
            input_count: 0,
            outputs: null(),
            output_count: 0,
        };
        Sentence::new().hear(|error| {
            // SAFETY: the model is open; the other pointers are to local values, valid during the call.
            unsafe { (self.functions.ports)(self.model.as_ptr(), &raw mut ports, error) }
        })?;
        // SAFETY: after success the contract makes the arrays valid until the model is closed.
        let (inputs, outputs) = unsafe {
            (
                answer::ports(ports.inputs, ports.input_count),
                answer::ports(ports.outputs, ports.output_count),
            )
        };
        let inputs = inputs.map_err(|why| broken(&format!("of the model's inputs, {why}")))?;
        let outputs = outputs.map_err(|why| broken(&format!("of the model's outputs, {why}")))?;
        if let Some(port) = inputs.iter().find(|port| port.shape.contains(&Some(0))) {
            return Err(broken(&format!("its input {} can only be empty", port.name)));
        }
        Ok((inputs, outputs))
    }

    /// Runs the model. The inputs have been admitted; `outputs` are the ports that the answer must fit.
    pub(crate) fn run(
        &self,
        inputs: &[(String, Tensor)],
        outputs: &[Port],
        stop: &AtomicU32,
    ) -> Result<Vec<(String, Tensor)>, Trouble> {
        let lent: Vec<Lent<'_>> = inputs.iter().map(|(name, tensor)| Lent::new(name, tensor)).collect();
        let lent: Vec<table::Tensor> = lent.iter().map(Lent::view).collect();
        let mut given = Outputs {
            tensors: null(),
            count: 0,
            owner: null_mut(),
        };
        Sentence::new().hear(|error| {
            let (model, given) = (self.model.as_ptr(), &raw mut given);
            // SAFETY: the model is open; every other pointer is to a value that lives in this function or is the
            // caller's, valid during the call.
            unsafe { (self.functions.run)(model, lent.as_ptr(), lent.len(), stop.as_ptr(), given, error) }
        })?;
        // SAFETY: after success the contract makes what is given valid until it is released, which is below.
        let taken = unsafe { answer::take(&given, outputs) };
        if !(given.tensors.is_null() && given.count == 0 && given.owner.is_null()) {
            // SAFETY: given by a successful run, released once, not used after this: `taken` is a copy.
            let code = unsafe { (self.functions.release)(&raw mut given) };
            if code != table::OK {
                return Err(Trouble::Failed(format!(
                    "the engine could not free what it gave: code {code}"
                )));
            }
        }
        taken
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: given by a successful `open`, closed once, and nobody else has it.
        let code = unsafe { (self.functions.close)(self.model.as_ptr()) };
        if code != table::OK {
            tracing::warn!(code, "an engine could not close a model");
        }
    }
}

/// A tensor as the engine sees it, and what its pointers point to.
struct Lent<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    shape: Vec<i64>,
    /// A copy of elements that lie where the contract forbids.
    aligned: Option<Vec<u128>>,
}

impl Lent<'_> {
    fn new<'a>(name: &'a str, tensor: &'a Tensor) -> Lent<'a> {
        let lies_well = tensor.data().as_ptr().addr().is_multiple_of(ALIGNMENT);
        Lent {
            name,
            tensor,
            shape: tensor.shape().iter().map(|count| i64::from(*count)).collect(),
            aligned: (!lies_well).then(|| realigned(tensor.data())),
        }
    }

    /// Valid as long as this is.
    fn view(&self) -> table::Tensor {
        let data = match &self.aligned {
            Some(copy) => copy.as_ptr().cast(),
            None => self.tensor.data().as_ptr().cast(),
        };
        table::Tensor {
            name: Text {
                data: self.name.as_ptr(),
                len: self.name.len(),
            },
            shape: self.shape.as_ptr(),
            rank: self.shape.len(),
            data,
            len: self.tensor.data().len(),
            element: self.tensor.element().code(),
            reserved: 0,
        }
    }
}

fn realigned(data: &[u8]) -> Vec<u128> {
    let (whole, rest) = data.as_chunks::<ALIGNMENT>();
    let mut last = [0; ALIGNMENT];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let chunks = whole.iter().chain((!rest.is_empty()).then_some(&last));
    chunks.map(|chunk| u128::from_ne_bytes(*chunk)).collect()
}

/// Room for what an engine says.
struct Sentence {
    room: Vec<u8>,
}

impl Sentence {
    fn new() -> Sentence {
        Sentence {
            room: vec![0; SENTENCE],
        }
    }

    /// Makes a call with this room for its error, and judges what it returned.
    fn hear(mut self, call: impl FnOnce(*mut ErrorText) -> i32) -> Result<(), Refusal> {
        let mut error = ErrorText {
            data: self.room.as_mut_ptr(),
            capacity: self.room.len(),
            len: 0,
        };
        let code = call(&raw mut error);
        if code == table::OK {
            return Ok(());
        }
        // One line, and no more than there is room for, whatever the engine says about the length.
        let said = self.room.get(..error.len).unwrap_or(&self.room);
        let said = String::from_utf8_lossy(said)
            .replace(|letter: char| letter.is_control(), " ")
            .trim()
            .to_owned();
        Err(Refusal { code, said })
    }
}

fn broken(why: &str) -> Refusal {
    Refusal {
        code: table::FAILED,
        said: format!("the engine broke its contract: {why}"),
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.said.as_str()) {
            (table::OUT_OF_MEMORY, "") => formatter.write_str("the memory that is needed cannot be had"),
            (code, "") => write!(formatter, "the engine answered code {code} without a reason"),
            (_, said) => formatter.write_str(said),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        match refusal.code {
            table::BAD_INPUT => Trouble::BadShape(refusal.to_string()),
            table::OUT_OF_MEMORY => Trouble::OutOfMemory,
            _ => Trouble::Failed(refusal.to_string()),
        }
    }
}

/// A text of an engine: UTF-8 of a sensible length.
///
/// # Safety
/// A pair that is not null and not longer than a name must be valid for reading for `'a`.
pub(crate) unsafe fn text<'a>(text: Text) -> Result<&'a str, String> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { array(text.data, text.len, MOST_NAME, "bytes")? };
    std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

/// An array of an engine: not null, aligned, and of at most this many elements.
///
/// # Safety
/// A pair for which that is so must be valid for reading for `'a`.
pub(crate) unsafe fn array<'a, T>(data: *const T, len: usize, most: usize, what: &str) -> Result<&'a [T], String> {
    if len == 0 {
        return Ok(&[]);
    }
    if len > most {
        return Err(format!("has {len} {what}; at most {most} are taken"));
    }
    if data.is_null() {
        return Err(format!("has {len} {what} at a null pointer"));
    }
    if !data.is_aligned() {
        return Err(format!("has {what} at an address where they cannot lie"));
    }
    // SAFETY: not null, aligned and of a sensible length, as just checked; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

#[cfg(test)]
mod tests;
