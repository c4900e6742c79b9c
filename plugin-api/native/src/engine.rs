//! What the author of an engine writes: an engine, its models, and tensors without a pointer in them.
//!
//! Separate from [`crate::export`], which turns this into the table and has all the `unsafe`.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::Element;

/// An inference engine.
pub trait Engine: 'static {
    /// Its name, for logs and the operator's page.
    const NAME: &'static str;
    /// Its version, likewise.
    const VERSION: &'static str;
    /// What it makes of a file.
    type Model: Model;

    /// Makes a model of the bytes of a file.
    ///
    /// # Errors
    /// [`Error::BadModel`] with what is wrong with the bytes.
    fn open(bytes: &[u8]) -> Result<Self::Model, Error>;
}

/// An opened model. It is run from any thread, and several times at once.
pub trait Model: Send + Sync + 'static {
    /// What it wants. Asked once, after it was opened.
    fn inputs(&self) -> Vec<Port>;

    /// What it gives. Asked once, after it was opened.
    fn outputs(&self) -> Vec<Port>;

    /// Runs it. Every input is there once, in any order, and fits its port. The answer has every output once.
    ///
    /// # Errors
    /// What went wrong, without values of the inputs: they are patient data.
    fn run(&self, inputs: &[Input<'_>], stop: Stop<'_>) -> Result<Vec<Output>, Error>;
}

/// Why an engine did not do what it was asked. The text is one sentence for the operator or the author of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are no model, or one that this engine cannot run.
    BadModel(String),
    /// The inputs do not fit the model or each other.
    BadInput(String),
    /// The memory that is needed cannot be had.
    OutOfMemory,
    /// Ended early, because nobody waits any more.
    Stopped,
    /// Anything else.
    Failed(String),
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Unique among the inputs, or among the outputs.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// Elements along each dimension, the slowest first; -1: any number.
    pub shape: Vec<i64>,
}

impl Port {
    /// A port.
    pub fn new(name: impl Into<String>, element: Element, shape: impl Into<Vec<i64>>) -> Port {
        Port {
            name: name.into(),
            element,
            shape: shape.into(),
        }
    }
}

/// A tensor that the host gave, borrowed for the time of the call.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The input that it is for.
    pub name: &'a str,
    /// The type of its elements.
    pub element: Element,
    /// Elements along each dimension, the slowest first.
    pub shape: &'a [i64],
    /// The elements, in the machine's byte order; aligned to 16 bytes.
    pub data: &'a [u8],
}

/// A tensor that a run made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The output that it is.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// Elements along each dimension, the slowest first.
    pub shape: Vec<i64>,
    /// The elements, in the machine's byte order.
    pub data: Vec<u8>,
}

impl Output {
    /// A tensor.
    pub fn new(name: impl Into<String>, element: Element, shape: impl Into<Vec<i64>>, data: Vec<u8>) -> Output {
        Output {
            name: name.into(),
            element,
            shape: shape.into(),
            data,
        }
    }
}

/// Whether somebody still waits for the answer.
#[derive(Clone, Copy, Debug)]
pub struct Stop<'a>(pub(crate) &'a AtomicU32);

impl<'a> Stop<'a> {
    /// Over a flag; other than 0 is set.
    #[must_use]
    pub fn new(flag: &'a AtomicU32) -> Stop<'a> {
        Stop(flag)
    }

    /// True once nobody waits any more: the run should end with [`Error::Stopped`].
    #[must_use]
    pub fn is_set(self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}
