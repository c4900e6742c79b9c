//! What an engine answers, checked and copied.
//!
//! Separate because nothing here calls an engine: it reads what one wrote, and believes as little of it as it can.

#![expect(unsafe_code, reason = "reading what an engine points to")]

use isocenter_native_api::Element;
use isocenter_native_api::table::{self, Outputs};

use crate::port::{Port, names};
use crate::raw::{array, text};
use crate::tensor::{MOST_BYTES, MOST_RANK, Tensor, bytes};
use crate::trouble::Trouble;

/// Inputs of a model, and outputs likewise.
const MOST_PORTS: usize = 64;

/// The ports of an array; the error is a sentence without its subject.
///
/// # Safety
/// The array and what it points to must be valid for reading.
pub(crate) unsafe fn ports(ports: *const table::Port, count: usize) -> Result<Vec<Port>, String> {
    // SAFETY: the caller's promise.
    let ports = unsafe { array(ports, count, MOST_PORTS, "elements") }.map_err(|why| format!("the array {why}"))?;
    let mut read: Vec<Port> = Vec::with_capacity(ports.len());
    for (at, port) in ports.iter().enumerate() {
        // SAFETY: the caller's promise.
        let port = unsafe { self::port(port) }.map_err(|why| format!("number {} {why}", at + 1))?;
        if read.iter().any(|other| other.name == port.name) {
            return Err(format!("two have the name {}", port.name));
        }
        read.push(port);
    }
    Ok(read)
}

/// # Safety
/// What the port points to must be valid for reading.
unsafe fn port(port: &table::Port) -> Result<Port, String> {
    // SAFETY: the caller's promise.
    let (name, shape) = unsafe { (text(port.name), array(port.shape, port.rank, MOST_RANK, "dimensions")?) };
    let name = name.map_err(|why| format!("has a name that {why}"))?;
    if name.is_empty() {
        return Err("has no name".into());
    }
    let count = |count: &i64| match count {
        -1 => Ok(None),
        count => u32::try_from(*count)
            .map(Some)
            .map_err(|_| format!("has a dimension of {count}")),
    };
    Ok(Port {
        name: name.to_owned(),
        element: element(port.element)?,
        shape: shape.iter().map(count).collect::<Result<_, _>>()?,
    })
}

fn element(code: u32) -> Result<Element, String> {
    Element::from_code(code).ok_or_else(|| format!("has the element type {code}, which this host does not know"))
}

/// Copies what a run gave, if it is what the model's outputs promise: each once, with its element type, a shape that
/// fits, as many bytes as follow from it, and not too many together.
///
/// # Safety
/// What was given must be valid for reading, as far as it is not null and fits the ports.
pub(crate) unsafe fn take(given: &Outputs, ports: &[Port]) -> Result<Vec<(String, Tensor)>, Trouble> {
    let broken = |why: String| Trouble::Failed(format!("the engine broke its contract: {why}"));
    // SAFETY: the caller's promise.
    let given = unsafe { array(given.tensors, given.count, MOST_PORTS, "tensors") }
        .map_err(|why| broken(format!("what it gave {why}")))?;
    let mut fitting: Vec<(&Port, Vec<u32>, &table::Tensor)> = Vec::with_capacity(given.len());
    let mut total = 0_u64;
    for (at, tensor) in given.iter().enumerate() {
        // SAFETY: the caller's promise.
        let (port, shape) =
            unsafe { fit(tensor, ports) }.map_err(|why| broken(format!("tensor {} that it gave {why}", at + 1)))?;
        if fitting.iter().any(|(other, ..)| other.name == port.name) {
            return Err(broken(format!("it gave the output {} twice", port.name)));
        }
        total = total.saturating_add(tensor.len as u64);
        fitting.push((port, shape, tensor));
    }
    if let Some(port) = ports
        .iter()
        .find(|port| !fitting.iter().any(|(given, ..)| given.name == port.name))
    {
        return Err(broken(format!("it did not give the output {}", port.name)));
    }
    if total > MOST_BYTES {
        return Err(Trouble::Failed(format!(
            "the outputs have {total} bytes together; at most {MOST_BYTES} are taken"
        )));
    }
    fitting
        .into_iter()
        .map(|(port, shape, tensor)| {
            // SAFETY: the caller's promise.
            let data = unsafe { array(tensor.data.cast::<u8>(), tensor.len, tensor.len, "bytes") }
                .map_err(|why| broken(format!("the output {} {why}", port.name)))?;
            copy(port, shape, data)
        })
        .collect()
}

/// The port that a tensor is for, and its shape, if its length follows from that. Its data is not looked at.
///
/// # Safety
/// The tensor's name and shape must be valid for reading, as far as they are not null.
unsafe fn fit<'a>(tensor: &table::Tensor, ports: &'a [Port]) -> Result<(&'a Port, Vec<u32>), String> {
    // SAFETY: the caller's promise.
    let (name, shape) = unsafe {
        (
            text(tensor.name),
            array(tensor.shape, tensor.rank, MOST_RANK, "dimensions")?,
        )
    };
    let name = name.map_err(|why| format!("has a name that {why}"))?;
    let port = ports
        .iter()
        .find(|port| port.name == name)
        .ok_or_else(|| format!("has a name that no output has; the outputs are {}", names(ports)))?;
    let shape: Vec<u32> = shape
        .iter()
        .map(|count| u32::try_from(*count).map_err(|_| format!("has a dimension of {count}")))
        .collect::<Result<_, _>>()?;
    let element = element(tensor.element)?;
    port.admits(element, &shape)
        .map_err(|why| format!("does not fit: the output {why}"))?;
    let wanted = bytes(element, shape.iter().copied());
    if wanted == Some(tensor.len as u64) {
        return Ok((port, shape));
    }
    Err(format!(
        "has {} bytes; {} follow from its shape",
        tensor.len,
        wanted.map_or_else(|| "too many".to_owned(), |wanted| wanted.to_string())
    ))
}

fn copy(port: &Port, shape: Vec<u32>, lent: &[u8]) -> Result<(String, Tensor), Trouble> {
    let mut data = Vec::new();
    data.try_reserve_exact(lent.len()).map_err(|_| Trouble::OutOfMemory)?;
    data.extend_from_slice(lent);
    Ok((port.name.clone(), Tensor::new(port.element, shape, data)?))
}

#[cfg(test)]
mod tests;
