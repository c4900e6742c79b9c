//! `isocenter_native.h` in Rust.
//!
//! Separate because it is a transcript: the header is the truth, its comments are the documentation, and
//! `tests/header.rs` compares every constant, struct and field. Function pointers are options, so that a table in which
//! one is missing can be read and refused.

use std::ffi::c_void;

/// `ISOCENTER_NATIVE_ABI`: the version of the contract.
pub const ABI: u32 = 1;
/// The exported symbol, with the zero at its end.
pub const ENTRY: &std::ffi::CStr = c"isocenter_native_v1";

/// `ISOCENTER_KIND_INFERENCE`
pub const KIND_INFERENCE: u32 = 1;

/// `ISOCENTER_OK`
pub const OK: i32 = 0;
/// `ISOCENTER_BAD_MODEL`
pub const BAD_MODEL: i32 = 1;
/// `ISOCENTER_BAD_INPUT`
pub const BAD_INPUT: i32 = 2;
/// `ISOCENTER_OUT_OF_MEMORY`
pub const OUT_OF_MEMORY: i32 = 3;
/// `ISOCENTER_STOPPED`
pub const STOPPED: i32 = 4;
/// `ISOCENTER_FAILED`
pub const FAILED: i32 = 5;

/// `ISOCENTER_UINT8`
pub const UINT8: u32 = 1;
/// `ISOCENTER_INT16`
pub const INT16: u32 = 2;
/// `ISOCENTER_INT64`
pub const INT64: u32 = 3;
/// `ISOCENTER_FLOAT16`
pub const FLOAT16: u32 = 4;
/// `ISOCENTER_FLOAT32`
pub const FLOAT32: u32 = 5;

/// `isocenter_text`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// UTF-8.
    pub data: *const u8,
    /// In bytes.
    pub len: usize,
}

/// `isocenter_error`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ErrorText {
    /// The caller's room.
    pub data: *mut u8,
    /// Its size in bytes.
    pub capacity: usize,
    /// How many bytes the engine wrote.
    pub len: usize,
}

/// `isocenter_description`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Of the engine.
    pub name: Text,
    /// Of the engine.
    pub version: Text,
}

/// `isocenter_port`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// Of the input or output.
    pub name: Text,
    /// -1: any number.
    pub shape: *const i64,
    /// Dimensions.
    pub rank: usize,
    /// The code of the element type.
    pub element: u32,
    /// 0
    pub reserved: u32,
}

/// `isocenter_ports`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The model's until it is closed.
    pub inputs: *const Port,
    /// How many.
    pub input_count: usize,
    /// The model's until it is closed.
    pub outputs: *const Port,
    /// How many.
    pub output_count: usize,
}

/// `isocenter_tensor`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// Of the input or output.
    pub name: Text,
    /// Elements along each dimension.
    pub shape: *const i64,
    /// Dimensions.
    pub rank: usize,
    /// The elements.
    pub data: *const c_void,
    /// In bytes.
    pub len: usize,
    /// The code of the element type.
    pub element: u32,
    /// 0
    pub reserved: u32,
}

/// `isocenter_outputs`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Outputs {
    /// The engine's until released.
    pub tensors: *const Tensor,
    /// How many.
    pub count: usize,
    /// The engine's own.
    pub owner: *mut c_void,
}

/// `isocenter_model`: opaque.
#[repr(C)]
#[derive(Debug)]
pub struct Model {
    _private: [u8; 0],
}

/// `isocenter_table`: how every table begins.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// [`ABI`]
    pub abi: u32,
    /// Of the whole table, in bytes.
    pub size: u32,
    /// [`KIND_INFERENCE`]
    pub kind: u32,
    /// 0
    pub reserved: u32,
}

/// `describe`
pub type Describe = unsafe extern "C" fn(*mut Description, *mut ErrorText) -> i32;
/// `open`
pub type Open = unsafe extern "C" fn(*const u8, usize, *mut *mut Model, *mut ErrorText) -> i32;
/// `ports`
pub type GetPorts = unsafe extern "C" fn(*const Model, *mut Ports, *mut ErrorText) -> i32;
/// `run`
pub type Run =
    unsafe extern "C" fn(*const Model, *const Tensor, usize, *const u32, *mut Outputs, *mut ErrorText) -> i32;
/// `release`
pub type Release = unsafe extern "C" fn(*mut Outputs) -> i32;
/// `close`
pub type Close = unsafe extern "C" fn(*mut Model) -> i32;
/// `isocenter_native_v1`
pub type Entry = unsafe extern "C" fn() -> *const Table;

/// `isocenter_inference`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Inference {
    /// How every table begins.
    pub head: Table,
    /// Who the engine is.
    pub describe: Option<Describe>,
    /// Bytes become a model.
    pub open: Option<Open>,
    /// A model's inputs and outputs.
    pub ports: Option<GetPorts>,
    /// Tensors become tensors.
    pub run: Option<Run>,
    /// Frees what a run gave.
    pub release: Option<Release>,
    /// Frees a model.
    pub close: Option<Close>,
}
