//! A tensor: an element type, a shape, and as many bytes as follow from them.
//!
//! Separate because it carries that proof: what has a `Tensor` need not check its length again.

use std::fmt;

use bytes::Bytes;
use isocenter_native_api::Element;

use crate::trouble::Trouble;

/// Bytes of all inputs of a run, and of all its outputs: 1 GiB. A volume of 512 × 512 × 1000 in float32 fits.
pub const MOST_BYTES: u64 = 1 << 30;
/// Dimensions.
pub(crate) const MOST_RANK: usize = 16;

/// A dense tensor, the last dimension contiguous, in the machine's byte order. Cloning shares the elements.
#[derive(Clone, PartialEq, Eq)]
pub struct Tensor {
    element: Element,
    shape: Vec<u32>,
    data: Bytes,
}

impl Tensor {
    /// A tensor of these bytes.
    ///
    /// # Errors
    /// [`Trouble::BadShape`] if the shape has more than 16 dimensions, or the bytes are not as many as follow from it.
    pub fn new(element: Element, shape: Vec<u32>, data: impl Into<Bytes>) -> Result<Tensor, Trouble> {
        let data = data.into();
        if shape.len() > MOST_RANK {
            return Err(Trouble::BadShape(format!(
                "a tensor has at most {MOST_RANK} dimensions, not {}",
                shape.len()
            )));
        }
        match bytes(element, shape.iter().copied()) {
            Some(wanted) if wanted == data.len() as u64 => Ok(Tensor { element, shape, data }),
            wanted => Err(Trouble::BadShape(format!(
                "a tensor of {element} with the shape {} has {} bytes, not {}",
                Shape(&shape),
                wanted.map_or_else(|| "too many".to_owned(), |wanted| wanted.to_string()),
                data.len()
            ))),
        }
    }

    /// The type of its elements.
    #[must_use]
    pub fn element(&self) -> Element {
        self.element
    }

    /// Elements along each dimension, the slowest first.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// The elements.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }
}

/// Bytes of a tensor; `None` if there is no such number.
pub(crate) fn bytes(element: Element, shape: impl IntoIterator<Item = u32>) -> Option<u64> {
    shape.into_iter().try_fold(element.size() as u64, |bytes, count| {
        bytes.checked_mul(u64::from(count))
    })
}

/// Without the elements: they are patient data.
impl fmt::Debug for Tensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tensor({} {})", self.element, Shape(&self.shape))
    }
}

/// `[2, 3]`, or `[any, 3]` where a number is `None`.
pub(crate) struct Shape<'a, T>(pub(crate) &'a [T]);

impl fmt::Display for Shape<'_, u32> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl fmt::Display for Shape<'_, Option<u32>> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.iter().map(|count| match count {
            Some(count) => count.to_string(),
            None => "any".to_owned(),
        });
        write!(formatter, "[{}]", counts.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests;
