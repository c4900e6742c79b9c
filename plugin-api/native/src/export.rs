//! From an [`Engine`] to the table of the header.
//!
//! Separate because it is all the `unsafe` that an engine in Rust needs. Each function of the table is one short shim:
//! pointers become references, a guarded call, an outcome becomes a code.

#![expect(unsafe_code, reason = "the boundary to C")]

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicU32;

use crate::guard::{guard, guard_values};
use crate::table::{self, Description, ErrorText, Inference, Outputs, Ports, Table, Text};
use crate::{Element, Engine, Error, Input, Model, Output, Port, Stop};

/// Exports an [`Engine`] as the inference engine of this shared library.
#[macro_export]
macro_rules! inference_engine {
    ($engine:ty) => {
        /// The one symbol that the host looks for.
        #[unsafe(no_mangle)]
        pub extern "C" fn isocenter_native_v1() -> *const $crate::table::Table {
            static TABLE: $crate::table::Inference = $crate::inference::<$engine>();
            &raw const TABLE.head
        }
    };
}

/// The table of an engine.
#[must_use]
pub const fn inference<E: Engine>() -> Inference {
    Inference {
        head: Table {
            abi: table::ABI,
            // A table of 64 bytes or so.
            size: size_of::<Inference>() as u32,
            kind: table::KIND_INFERENCE,
            reserved: 0,
        },
        describe: Some(describe::<E>),
        open: Some(open::<E>),
        ports: Some(ports::<E>),
        run: Some(run::<E>),
        release: Some(release),
        close: Some(close::<E>),
    }
}

/// What a model handle points to.
struct Opened<M> {
    model: M,
    inputs: PortTable,
    outputs: PortTable,
}

/// Ports, and the C view of them. The view points into the ports, which is not touched again.
struct PortTable {
    _ports: Vec<Port>,
    view: Vec<table::Port>,
}

// SAFETY: the pointers in `view` point into `_ports`, which nobody changes and which lives as long.
unsafe impl Send for PortTable {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for PortTable {}

impl PortTable {
    fn new(ports: Vec<Port>) -> PortTable {
        let view = ports
            .iter()
            .map(|port| table::Port {
                name: text(&port.name),
                shape: port.shape.as_ptr(),
                rank: port.shape.len(),
                element: port.element.code(),
                reserved: 0,
            })
            .collect();
        PortTable { _ports: ports, view }
    }
}

/// What the owner of outputs points to. The view points into the outputs, which is not touched again.
struct Given {
    _outputs: Vec<Output>,
    view: Vec<table::Tensor>,
}

fn text(text: &str) -> Text {
    Text {
        data: text.as_ptr(),
        len: text.len(),
    }
}

/// A slice of a pair whose pointer means nothing when the length is 0.
///
/// # Safety
/// With a length other than 0, the pair must be valid for reading for `'a`.
unsafe fn slice<'a, T>(data: *const T, len: usize) -> &'a [T] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data, len) }
}

/// The code of an outcome. The sentence of an error goes into the caller's room, as much of it as fits.
///
/// # Safety
/// `error` is null, or points to an error text whose room can be written.
unsafe fn code(outcome: Result<(), Error>, error: *mut ErrorText) -> i32 {
    let (code, said) = match outcome {
        Ok(()) => return table::OK,
        Err(Error::BadModel(said)) => (table::BAD_MODEL, said),
        Err(Error::BadInput(said)) => (table::BAD_INPUT, said),
        Err(Error::OutOfMemory) => (table::OUT_OF_MEMORY, String::new()),
        Err(Error::Stopped) => (table::STOPPED, String::new()),
        Err(Error::Failed(said)) => (table::FAILED, said),
    };
    // SAFETY: the caller's promise; null becomes None.
    if let Some(error) = unsafe { error.as_mut() } {
        let fits = said.floor_char_boundary(error.capacity);
        error.len = fits;
        if fits > 0 {
            // SAFETY: `fits` is at most the room's capacity and at most the sentence's length.
            unsafe { ptr::copy_nonoverlapping(said.as_ptr(), error.data, fits) };
        }
    }
    code
}

unsafe extern "C" fn describe<E: Engine>(description: *mut Description, _error: *mut ErrorText) -> i32 {
    // SAFETY: the host gives a valid place to write to.
    unsafe {
        description.write(Description {
            name: text(E::NAME),
            version: text(E::VERSION),
        });
    }
    table::OK
}

unsafe extern "C" fn open<E: Engine>(
    bytes: *const u8,
    len: usize,
    opened: *mut *mut table::Model,
    error: *mut ErrorText,
) -> i32 {
    let outcome = guard(|| {
        // SAFETY: the host's bytes are valid during this call.
        let model = E::open(unsafe { slice(bytes, len) })?;
        let inputs = PortTable::new(model.inputs());
        let outputs = PortTable::new(model.outputs());
        let model = Box::new(Opened { model, inputs, outputs });
        // SAFETY: the host gives a valid place to write to. `close` takes the box back.
        unsafe { opened.write(Box::into_raw(model).cast()) };
        Ok(())
    });
    // SAFETY: the host's error text.
    unsafe { code(outcome, error) }
}

/// # Safety
/// The handle must come from [`open`] of the same engine and not be closed yet.
unsafe fn opened<'a, E: Engine>(model: *const table::Model) -> &'a Opened<E::Model> {
    // SAFETY: the caller's promise.
    unsafe { &*model.cast() }
}

unsafe extern "C" fn ports<E: Engine>(model: *const table::Model, ports: *mut Ports, _error: *mut ErrorText) -> i32 {
    // SAFETY: the host gives a handle from `open` that is not closed.
    let model = unsafe { opened::<E>(model) };
    let (inputs, outputs) = (&model.inputs, &model.outputs);
    // SAFETY: the host gives a valid place to write to. The views live as long as the model.
    unsafe {
        ports.write(Ports {
            inputs: inputs.view.as_ptr(),
            input_count: inputs.view.len(),
            outputs: outputs.view.as_ptr(),
            output_count: outputs.view.len(),
        });
    }
    table::OK
}

unsafe extern "C" fn run<E: Engine>(
    model: *const table::Model,
    inputs: *const table::Tensor,
    input_count: usize,
    stop: *const u32,
    outputs: *mut Outputs,
    error: *mut ErrorText,
) -> i32 {
    let outcome = guard_values(|| {
        // SAFETY: the host gives a handle from `open` that is not closed, tensors that are valid during this call, and
        // a flag that is valid during this call and that it changes only atomically.
        let (model, inputs, stop) = unsafe {
            (
                opened::<E>(model),
                slice(inputs, input_count),
                AtomicU32::from_ptr(stop.cast_mut()),
            )
        };
        // SAFETY: as above, for what the tensors point to.
        let inputs: Result<Vec<Input<'_>>, Error> = inputs.iter().map(|tensor| unsafe { input(tensor) }).collect();
        let given = model.model.run(&inputs?, Stop(stop))?;
        let view = given.iter().map(view).collect();
        let given = Box::new(Given { _outputs: given, view });
        // SAFETY: the host gives a valid place to write to. `release` takes the box back.
        unsafe {
            outputs.write(Outputs {
                tensors: given.view.as_ptr(),
                count: given.view.len(),
                owner: Box::into_raw(given).cast::<c_void>(),
            });
        }
        Ok(())
    });
    // SAFETY: the host's error text.
    unsafe { code(outcome, error) }
}

/// # Safety
/// What the tensor points to must be valid for `'a`.
unsafe fn input<'a>(tensor: &table::Tensor) -> Result<Input<'a>, Error> {
    let element = Element::from_code(tensor.element)
        .ok_or_else(|| Error::BadInput(format!("element type {} is not known", tensor.element)))?;
    // SAFETY: the caller's promise.
    let (name, shape, data) = unsafe {
        (
            slice(tensor.name.data, tensor.name.len),
            slice(tensor.shape, tensor.rank),
            slice(tensor.data.cast::<u8>(), tensor.len),
        )
    };
    Ok(Input {
        name: std::str::from_utf8(name).map_err(|_| Error::BadInput("a name of an input is not UTF-8".into()))?,
        element,
        shape,
        data,
    })
}

fn view(output: &Output) -> table::Tensor {
    table::Tensor {
        name: text(&output.name),
        shape: output.shape.as_ptr(),
        rank: output.shape.len(),
        data: output.data.as_ptr().cast(),
        len: output.data.len(),
        element: output.element.code(),
        reserved: 0,
    }
}

unsafe extern "C" fn release(outputs: *mut Outputs) -> i32 {
    // SAFETY: the host gives back what `run` wrote, once.
    drop(unsafe { Box::from_raw((*outputs).owner.cast::<Given>()) });
    table::OK
}

unsafe extern "C" fn close<E: Engine>(model: *mut table::Model) -> i32 {
    let outcome = guard(|| {
        // SAFETY: the host gives back a handle from `open`, once.
        drop(unsafe { Box::from_raw(model.cast::<Opened<E::Model>>()) });
        Ok(())
    });
    // SAFETY: null is allowed.
    unsafe { code(outcome, ptr::null_mut()) }
}

#[cfg(test)]
mod tests;
