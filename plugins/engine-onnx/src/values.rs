//! Between the host's tensors and tract's.
//!
//! Separate because it is the one place where an element type is exchanged for another. ONNX has more types than the
//! host: those that fit into a wider one of the host's are carried in it, on the way in with a check that each value
//! fits. Doubles do not fit into anything and are refused, rather than rounded in silence.

use isocenter_native_api::{Element, Error, Input};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::ensure;

/// The host's type that carries this one. `None`: there is none.
pub(crate) fn carrier(kind: DatumType) -> Option<Element> {
    Some(match kind {
        DatumType::U8 | DatumType::Bool => Element::UInt8,
        DatumType::I16 | DatumType::I8 => Element::Int16,
        DatumType::I64 | DatumType::I32 | DatumType::U16 | DatumType::U32 => Element::Int64,
        DatumType::F16 => Element::Float16,
        DatumType::F32 => Element::Float32,
        _ => return None,
    })
}

fn own(element: Element) -> DatumType {
    match element {
        Element::UInt8 => DatumType::U8,
        Element::Int16 => DatumType::I16,
        Element::Int64 => DatumType::I64,
        Element::Float16 => DatumType::F16,
        Element::Float32 => DatumType::F32,
    }
}

/// A tensor of the type that the model wants, from one of the type that carries it.
pub(crate) fn taken(input: &Input<'_>, wanted: DatumType) -> Result<Tensor, Error> {
    let shape = input
        .shape
        .iter()
        .map(|count| usize::try_from(*count))
        .collect::<Result<Vec<usize>, _>>()
        .map_err(|_| Error::BadInput(format!("the input {} has a negative dimension", input.name)))?;
    let made = match wanted {
        DatumType::Bool => narrowed(input, &shape, |[value]: [u8; 1]| Some(value != 0)),
        DatumType::I8 => narrowed(input, &shape, |value| i8::try_from(i16::from_ne_bytes(value)).ok()),
        DatumType::U16 => narrowed(input, &shape, |value| u16::try_from(i64::from_ne_bytes(value)).ok()),
        DatumType::I32 => narrowed(input, &shape, |value| i32::try_from(i64::from_ne_bytes(value)).ok()),
        DatumType::U32 => narrowed(input, &shape, |value| u32::try_from(i64::from_ne_bytes(value)).ok()),
        _ => copied(input, &shape),
    };
    match made {
        Some(Ok(tensor)) => Ok(tensor),
        Some(Err(_)) => Err(Error::BadInput(format!(
            "the input {} has another length than its shape",
            input.name
        ))),
        None => Err(Error::BadInput(format!(
            "the input {} has a value that does not fit into {wanted:?}, which the model wants",
            input.name
        ))),
    }
}

/// Element by element; `None` if one does not fit.
fn narrowed<T: Datum + Copy, const SIZE: usize>(
    input: &Input<'_>,
    shape: &[usize],
    narrow: impl Fn([u8; SIZE]) -> Option<T>,
) -> Option<TractResult<Tensor>> {
    let (values, _) = input.data.as_chunks::<SIZE>();
    let values: Vec<T> = values.iter().map(|value| narrow(*value)).collect::<Option<_>>()?;
    Some(Tensor::from_shape(shape, &values))
}

/// As it is.
fn copied(input: &Input<'_>, shape: &[usize]) -> Option<TractResult<Tensor>> {
    let filled = Tensor::zero_dt(own(input.element), shape).and_then(|mut tensor| {
        let mut plain = tensor.try_as_plain_ram_mut()?;
        let room = plain.as_bytes_mut();
        ensure!(room.len() == input.data.len());
        room.copy_from_slice(input.data);
        Ok(tensor)
    });
    Some(filled)
}

/// The shape and bytes of a tensor in the type that carries its own.
pub(crate) fn given(name: &str, tensor: &Tensor, carrier: Element) -> Result<(Vec<i64>, Vec<u8>), Error> {
    let odd = || Error::Failed(format!("the output {name} cannot be given as {carrier}"));
    let cast = tensor.cast_to_dt(own(carrier)).map_err(|_| odd())?;
    let plain = cast.try_as_plain_ram().map_err(|_| odd())?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(plain.as_bytes().len())
        .map_err(|_| Error::OutOfMemory)?;
    bytes.extend_from_slice(plain.as_bytes());
    let shape = cast
        .shape()
        .iter()
        .map(|count| i64::try_from(*count))
        .collect::<Result<_, _>>()
        .map_err(|_| odd())?;
    Ok((shape, bytes))
}
