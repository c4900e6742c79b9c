//! Models that the host runs. Tensors live outside the sandbox; a plugin reads from them what it wants.

use bytes::Bytes;
use isocenter_role::backing::{self, Backing, ModelTrouble};
use wasmtime::component::Resource;

use crate::bindings::isocenter::inference::models;
use crate::call::Call;
use crate::host::pixels::slice;
use crate::host::studies::Study;
use crate::spec::PluginSpec;

/// Bytes of all tensors that one call has alive.
pub(crate) const MOST_BYTES: u64 = 2 << 30;
/// Dimensions of a tensor.
pub(crate) const MOST_DIMENSIONS: usize = 8;

/// What a grant for it holds, as an operator writes it.
pub(crate) const GRANT: &str = "models = [\"MODEL\"]";

pub(crate) fn validate(spec: &PluginSpec, backing: &Backing) -> Result<(), String> {
    let interface = "isocenter:inference/models";
    if spec.grant.models.is_empty() {
        return Err(super::not_granted(interface, GRANT));
    }
    let models = backing.models.as_ref().ok_or_else(|| super::not_offered(interface))?;
    match spec.grant.models.iter().find(|name| !models.has(name)) {
        Some(missing) => Err(format!(
            "its grant names the model `{missing}`, which is not configured"
        )),
        None => Ok(()),
    }
}

/// Behind the handle `tensor`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Tensor(backing::Tensor);

/// Bytes of the tensors of one call.
#[derive(Debug, Default)]
pub(crate) struct TensorBytes(u64);

fn element_of(element: models::Element) -> backing::Element {
    match element {
        models::Element::Uint8 => backing::Element::Uint8,
        models::Element::Int16 => backing::Element::Int16,
        models::Element::Float16 => backing::Element::Float16,
        models::Element::Float32 => backing::Element::Float32,
        models::Element::Int64 => backing::Element::Int64,
    }
}

fn to_guest(trouble: ModelTrouble) -> models::Trouble {
    match trouble {
        ModelTrouble::NoSuchModel => models::Trouble::NoSuchModel,
        ModelTrouble::BadShape(why) => models::Trouble::BadShape(why),
        ModelTrouble::OutOfMemory => models::Trouble::OutOfMemory,
        ModelTrouble::Failed(why) => models::Trouble::Failed(why),
    }
}

/// Numbers in a shape; `None` past 2^64 or with too many dimensions.
fn count(shape: &[u32]) -> Option<u64> {
    if shape.len() > MOST_DIMENSIONS {
        return None;
    }
    shape
        .iter()
        .try_fold(1_u64, |count, size| count.checked_mul(u64::from(*size)))
}

impl Call {
    fn keep(&mut self, tensor: backing::Tensor) -> wasmtime::Result<Resource<Tensor>> {
        self.tensors.0 = self.tensors.0.saturating_add(tensor.data.len() as u64);
        if self.tensors.0 > MOST_BYTES {
            return Err(wasmtime::Error::msg("tensors of more than 2 GiB are alive"));
        }
        Ok(self.table.push(Tensor(tensor))?)
    }
}

impl models::HostTensor for Call {
    fn new(&mut self, element: models::Element, shape: Vec<u32>, data: Vec<u8>) -> wasmtime::Result<Resource<Tensor>> {
        let element = element_of(element);
        let wanted = count(&shape).and_then(|count| count.checked_mul(element.size()));
        if wanted != Some(data.len() as u64) {
            return Err(wasmtime::Error::msg(format!(
                "a tensor of shape {shape:?} has not {} bytes",
                data.len()
            )));
        }
        self.keep(backing::Tensor {
            element,
            shape,
            data: Bytes::from(data),
        })
    }

    async fn of_series(
        &mut self,
        study: Resource<Study>,
        series: String,
    ) -> wasmtime::Result<Result<Resource<Tensor>, models::Trouble>> {
        let source = self.table.get(&study)?.source.clone();
        match self.waiting(source.volume(series)).await {
            Ok((shape, values)) => {
                let mut data = Vec::with_capacity(values.len() * size_of::<f32>());
                for value in values {
                    data.extend_from_slice(&value.to_le_bytes());
                }
                let tensor = backing::Tensor {
                    element: backing::Element::Float32,
                    shape,
                    data: Bytes::from(data),
                };
                Ok(Ok(self.keep(tensor)?))
            }
            Err(why) => Ok(Err(models::Trouble::Failed(why))),
        }
    }

    fn element(&mut self, this: Resource<Tensor>) -> wasmtime::Result<models::Element> {
        Ok(match self.table.get(&this)?.0.element {
            backing::Element::Uint8 => models::Element::Uint8,
            backing::Element::Int16 => models::Element::Int16,
            backing::Element::Float16 => models::Element::Float16,
            backing::Element::Float32 => models::Element::Float32,
            backing::Element::Int64 => models::Element::Int64,
        })
    }

    fn shape(&mut self, this: Resource<Tensor>) -> wasmtime::Result<Vec<u32>> {
        Ok(self.table.get(&this)?.0.shape.clone())
    }

    fn reshape(
        &mut self,
        this: Resource<Tensor>,
        shape: Vec<u32>,
    ) -> wasmtime::Result<Result<Resource<Tensor>, models::Trouble>> {
        let tensor = self.table.get(&this)?.0.clone();
        if count(&shape).is_none() || count(&shape) != count(&tensor.shape) {
            let why = format!("{:?} has not as many numbers as {shape:?}", tensor.shape);
            return Ok(Err(models::Trouble::BadShape(why)));
        }
        Ok(Ok(self.keep(backing::Tensor { shape, ..tensor })?))
    }

    fn read(&mut self, this: Resource<Tensor>, offset: u64, len: u32) -> wasmtime::Result<Vec<u8>> {
        Ok(slice(&self.table.get(&this)?.0.data, offset, len))
    }

    fn drop(&mut self, this: Resource<Tensor>) -> wasmtime::Result<()> {
        let tensor = self.table.delete(this)?;
        self.tensors.0 = self.tensors.0.saturating_sub(tensor.0.data.len() as u64);
        Ok(())
    }
}

impl models::Host for Call {
    async fn run(
        &mut self,
        model: String,
        inputs: Vec<(String, Resource<Tensor>)>,
    ) -> wasmtime::Result<Result<Vec<(String, Resource<Tensor>)>, models::Trouble>> {
        let (true, Some(backing)) = (
            self.facts.grant.models.contains(&model),
            self.facts.backing.models.clone(),
        ) else {
            return Ok(Err(models::Trouble::NoSuchModel));
        };
        let inputs = inputs
            .into_iter()
            .map(|(name, tensor)| Ok((name, self.table.get(&tensor)?.0.clone())))
            .collect::<wasmtime::Result<Vec<_>>>()?;
        match self.waiting(backing.run(model, inputs)).await {
            Ok(outputs) => {
                let mut kept = Vec::with_capacity(outputs.len());
                for (name, tensor) in outputs {
                    kept.push((name, self.keep(tensor)?));
                }
                Ok(Ok(kept))
            }
            Err(trouble) => Ok(Err(to_guest(trouble))),
        }
    }
}
