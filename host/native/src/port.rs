//! An input or output of a model, and whether a tensor fits it.
//!
//! Separate because the same check is made of what a plugin gives and of what an engine answers.

use isocenter_native_api::Element;

use crate::tensor::{MOST_BYTES, Shape, Tensor};
use crate::trouble::Trouble;

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Unique among the inputs, or among the outputs.
    pub name: String,
    /// The type of its elements.
    pub element: Element,
    /// Elements along each dimension, the slowest first; `None`: any number.
    pub shape: Vec<Option<u32>>,
}

impl Port {
    /// Whether a tensor of this type and shape fits; the error is a sentence.
    pub(crate) fn admits(&self, element: Element, shape: &[u32]) -> Result<(), String> {
        let fits = element == self.element
            && shape.len() == self.shape.len()
            && shape
                .iter()
                .zip(&self.shape)
                .all(|(count, wanted)| wanted.is_none_or(|wanted| wanted == *count));
        if fits {
            return Ok(());
        }
        Err(format!(
            "{} takes {} {}, not {element} {}",
            self.name,
            self.element,
            Shape(&self.shape),
            Shape(shape)
        ))
    }
}

/// Whether a run with these inputs can begin: every input once, each fitting its port.
pub(crate) fn admit(ports: &[Port], inputs: &[(String, Tensor)]) -> Result<(), Trouble> {
    let mut total = 0_u64;
    for (at, (name, tensor)) in inputs.iter().enumerate() {
        let Some(port) = ports.iter().find(|port| port.name == *name) else {
            return Err(Trouble::BadShape(format!(
                "the model has no input of the given name; its inputs are {}",
                names(ports)
            )));
        };
        if inputs.iter().take(at).any(|(other, _)| other == name) {
            return Err(Trouble::BadShape(format!("the input {name} is given twice")));
        }
        port.admits(tensor.element(), tensor.shape())
            .map_err(|why| Trouble::BadShape(format!("the input {why}")))?;
        if tensor.shape().contains(&0) {
            return Err(Trouble::BadShape(format!(
                "the input {name} is empty: its shape is {}",
                Shape(tensor.shape())
            )));
        }
        total = total.saturating_add(tensor.data().len() as u64);
    }
    if let Some(port) = ports
        .iter()
        .find(|port| !inputs.iter().any(|(name, _)| *name == port.name))
    {
        return Err(Trouble::BadShape(format!("the input {} is missing", port.name)));
    }
    if total > MOST_BYTES {
        return Err(Trouble::BadShape(format!(
            "the inputs have {total} bytes together; at most {MOST_BYTES} are taken"
        )));
    }
    Ok(())
}

pub(crate) fn names(ports: &[Port]) -> String {
    let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
