//! Models that the host runs, and the tensors that go in and come out.
//!
//! Separate because it is a capability with a grant (`models = ["lung"]`). Tensors live outside the sandbox: a volume
//! that goes from a series into a model never enters it.

pub use crate::bindings::imports::isocenter::inference::models::Element;
use crate::bindings::imports::isocenter::inference::models::Trouble as Raw;
use crate::pixels::whole;
use crate::raw::models;
use crate::{Error, Result, Study};

/// What a read answers at most.
const PIECE: u32 = 1 << 20;

/// Why there is no tensor, or no answer of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Not configured, or not granted.
    NoSuchModel,
    /// The numbers do not fit the shape, or the inputs not the model.
    BadShape(String),
    /// Inputs or outputs are too large for the host.
    OutOfMemory,
    /// The engine failed.
    Failed(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::NoSuchModel => f.write_str("the model is not configured, or not granted"),
            Trouble::BadShape(how) => write!(f, "the shape does not fit: {how}"),
            Trouble::OutOfMemory => f.write_str("the model needs more memory than the host gives"),
            Trouble::Failed(why) => write!(f, "the model failed: {why}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Raw> for Trouble {
    fn from(trouble: Raw) -> Trouble {
        match trouble {
            Raw::NoSuchModel => Trouble::NoSuchModel,
            Raw::BadShape(how) => Trouble::BadShape(how),
            Raw::OutOfMemory => Trouble::OutOfMemory,
            Raw::Failed(why) => Trouble::Failed(why),
        }
    }
}

/// Numbers in a shape, the last axis fastest.
pub struct Tensor(models::Tensor);

/// `of_f32` and `to_f32`, and so on for each type of number.
macro_rules! numbers {
    ($($of:ident, $to:ident: $number:ty, $element:ident;)*) => {
        impl Tensor {
            $(
                #[doc = concat!("A tensor of `", stringify!($number), "`.")]
                ///
                /// # Errors
                /// There are not as many values as the shape has places.
                pub fn $of(shape: &[u32], values: &[$number]) -> Result<Tensor, Trouble> {
                    let mut data = Vec::with_capacity(size_of_val(values));
                    data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    Tensor::of_bytes(Element::$element, shape, &data)
                }

                #[doc = concat!("Its numbers, which are `", stringify!($number), "`.")]
                ///
                /// # Errors
                /// They are of another type.
                pub fn $to(&self) -> Result<Vec<$number>> {
                    self.expect(Element::$element)?;
                    let bytes = self.bytes();
                    let (numbers, _) = bytes.as_chunks();
                    Ok(numbers.iter().copied().map(<$number>::from_le_bytes).collect())
                }
            )*
        }
    };
}

numbers! {
    of_f32, to_f32: f32, Float32;
    of_u8, to_u8: u8, Uint8;
    of_i16, to_i16: i16, Int16;
    of_i64, to_i64: i64, Int64;
}

impl Tensor {
    /// A tensor of these bytes, little endian.
    ///
    /// # Errors
    /// There are not as many as element and shape say.
    pub fn of_bytes(element: Element, shape: &[u32], data: &[u8]) -> Result<Tensor, Trouble> {
        let count = shape
            .iter()
            .try_fold(size(element), |count, &axis| count.checked_mul(u64::from(axis)));
        if count != Some(data.len() as u64) {
            let expected = count.map_or_else(|| "too many".to_owned(), |count| count.to_string());
            return Err(Trouble::BadShape(format!(
                "{shape:?} of {element:?} takes {expected} bytes, and there are {}",
                data.len()
            )));
        }
        Ok(Tensor(models::Tensor::new(element, shape, data)))
    }

    /// The frames of one series, sorted along the normal and rescaled to `f32`: `[slices, rows, columns]`. They do not
    /// enter the sandbox.
    ///
    /// # Errors
    /// The series is no volume.
    pub fn of_series(study: &Study<'_>, series: &str) -> Result<Tensor, Trouble> {
        models::Tensor::of_series(&study.0, series)
            .map(Tensor)
            .map_err(Trouble::from)
    }

    /// What the numbers are.
    #[must_use]
    pub fn element(&self) -> Element {
        self.0.element()
    }

    /// The length of each axis.
    #[must_use]
    pub fn shape(&self) -> Vec<u32> {
        self.0.shape()
    }

    /// The same numbers in another shape.
    ///
    /// # Errors
    /// It has another count.
    pub fn reshape(&self, shape: &[u32]) -> Result<Tensor, Trouble> {
        self.0.reshape(shape).map(Tensor).map_err(Trouble::from)
    }

    /// Bytes from an offset, at most 1 MiB a call; fewer than asked at the end, none past it.
    #[must_use]
    pub fn read(&self, offset: u64, len: u32) -> Vec<u8> {
        self.0.read(offset, len)
    }

    /// All its bytes, little endian.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let count: u64 = self.shape().into_iter().map(u64::from).product();
        whole(count * size(self.element()), |offset| self.read(offset, PIECE))
    }

    fn expect(&self, wanted: Element) -> Result<()> {
        let found = self.element();
        if found == wanted {
            return Ok(());
        }
        Err(Error::never(format!("the tensor is of {found:?}, not of {wanted:?}")))
    }
}

/// What a model answered, by name.
pub struct Outputs(Vec<(String, Tensor)>);

impl Outputs {
    /// Takes one of the outputs.
    ///
    /// # Errors
    /// The model has no output of that name, with the names that it has.
    pub fn take(&mut self, name: &str) -> Result<Tensor> {
        match self.0.iter().position(|(output, _)| output == name) {
            Some(at) => Ok(self.0.swap_remove(at).1),
            None => {
                let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
                Err(Error::never(format!(
                    "the model has no output `{name}` (it has: {})",
                    names.join(", ")
                )))
            }
        }
    }
}

impl IntoIterator for Outputs {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Runs a model on inputs by name.
///
/// # Errors
/// There is no such model for this plugin, the inputs do not fit it, or it failed.
pub fn run(model: &str, inputs: &[(&str, &Tensor)]) -> Result<Outputs, Trouble> {
    let inputs: Vec<(String, &models::Tensor)> = inputs
        .iter()
        .map(|(name, tensor)| ((*name).to_owned(), &tensor.0))
        .collect();
    let outputs = models::run(model, &inputs)?;
    Ok(Outputs(
        outputs
            .into_iter()
            .map(|(name, tensor)| (name, Tensor(tensor)))
            .collect(),
    ))
}

/// Bytes of one number.
pub(crate) fn size(element: Element) -> u64 {
    match element {
        Element::Uint8 => 1,
        Element::Int16 | Element::Float16 => 2,
        Element::Float32 => 4,
        Element::Int64 => 8,
    }
}
