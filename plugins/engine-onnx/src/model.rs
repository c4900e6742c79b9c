//! A model: opened once, run many times.
//!
//! Separate because it is where tract is used. A dimension that the file leaves open stays open: it becomes a symbol,
//! which each run binds to a number, and two dimensions with one name must then be the same. Sentences about a run say
//! which of the model's nodes failed and nothing of why: tract's own reasons may print values, and those are patient
//! data.

use std::sync::Arc;

use isocenter_native_api::{Element, Error, Input, Model, Output, Port, Stop};
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{TDim, bail};
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_core::plan;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact};

use crate::values;

/// A model that is ready to run.
#[derive(Debug)]
pub struct OnnxModel {
    plan: Arc<TypedRunnableModel>,
    inputs: Vec<End>,
    outputs: Vec<End>,
}

/// An input or output, and what tract has there.
#[derive(Debug)]
struct End {
    port: Port,
    kind: DatumType,
}

impl OnnxModel {
    /// Makes a model of the bytes of an ONNX file.
    pub(crate) fn open(mut bytes: &[u8]) -> Result<OnnxModel, Error> {
        let onnx = tract_onnx::onnx();
        let file = onnx
            .proto_model_for_read(&mut bytes)
            .map_err(|why| bad(format!("the file is no ONNX model: {why:#}")))?;
        if needs_files(&file) {
            return Err(bad(
                "its weights are in another file; save it with all of them inside (external data off)".into(),
            ));
        }
        let graph = onnx
            .model_for_proto_model(&file)
            .map_err(|why| bad(format!("the model cannot be read: {why:#}")))?;
        drop(file);
        OnnxModel::prepare(graph)
    }

    fn prepare(mut graph: InferenceModel) -> Result<OnnxModel, Error> {
        let unfit = |why: TractError| bad(format!("the model cannot be prepared: {why:#}"));
        for at in 0..graph.inputs.len() {
            let name = graph
                .node(graph.inputs.get(at).map_or(0, |input| input.node))
                .name
                .clone();
            let symbols = graph.symbols.clone();
            let fact = graph.input_fact_mut(at).map_err(unfit)?;
            name_dimensions(fact, &symbols).map_err(|why| bad(format!("the input {name} {why}")))?;
        }
        let names = output_names(&graph);
        let mut graph = graph.into_typed().map_err(unfit)?;
        number_shapes(&mut graph).map_err(unfit)?;
        let mut inputs = Vec::new();
        for outlet in graph.input_outlets().map_err(unfit)? {
            let fact = graph.outlet_fact(*outlet).map_err(unfit)?;
            inputs.push(End::new("input", &graph.node(outlet.node).name, fact)?);
        }
        let mut outputs = Vec::new();
        for (outlet, name) in graph.output_outlets().map_err(unfit)?.iter().zip(&names) {
            let fact = graph.outlet_fact(*outlet).map_err(unfit)?;
            outputs.push(End::new("output", name, fact)?);
        }
        let plan = graph
            .into_optimized()
            .and_then(IntoRunnable::into_runnable)
            .map_err(unfit)?;
        Ok(OnnxModel { plan, inputs, outputs })
    }
}

fn bad(why: String) -> Error {
    Error::BadModel(why)
}

/// Whether a weight is named rather than contained.
fn needs_files(file: &ModelProto) -> bool {
    let weights = file.graph.iter().flat_map(|graph| &graph.initializer);
    weights
        .into_iter()
        .any(|weight| weight.data_location == Some(DataLocation::External as i32))
}

/// As the file has them; tract's node may have another name.
fn output_names(graph: &InferenceModel) -> Vec<String> {
    graph
        .outputs
        .iter()
        .map(|outlet| {
            let label = graph.outlet_label(*outlet);
            label.unwrap_or(&graph.node(outlet.node).name).to_owned()
        })
        .collect()
}

/// Gives each dimension of an input that has neither number nor name a name of its own. The error is a sentence without
/// its subject.
fn name_dimensions(fact: &mut InferenceFact, symbols: &SymbolScope) -> Result<(), &'static str> {
    if fact.shape.rank().concretize().is_none() {
        return Err("does not say how many dimensions it has");
    }
    let dimensions: Vec<TDim> = fact
        .shape
        .dims()
        .map(|dimension| dimension.concretize())
        .map(|known| known.unwrap_or_else(|| symbols.new_with_prefix("any").into()))
        .collect();
    fact.shape = dimensions.into();
    Ok(())
}

/// Makes numbers of outputs that tract computes with the symbols of shapes.
fn number_shapes(graph: &mut TypedModel) -> TractResult<()> {
    for at in 0..graph.outputs.len() {
        if graph.output_fact(at)?.datum_type == DatumType::TDim {
            let outlet = graph.output_outlets()?.get(at).copied();
            let wires = wire_cast("shape", graph, outlet.as_slice(), DatumType::I64)?;
            for (output, wire) in graph.outputs.iter_mut().skip(at).zip(wires) {
                *output = wire;
            }
        }
    }
    Ok(())
}

impl End {
    fn new(what: &str, name: &str, fact: &TypedFact) -> Result<End, Error> {
        let kind = fact.datum_type;
        let Some(element) = values::carrier(kind) else {
            let fitting = Element::ALL.map(Element::name).join(", ");
            return Err(bad(format!(
                "the {what} {name} has elements of {kind:?}, which do not fit into any of {fitting}"
            )));
        };
        let shape: Vec<i64> = fact.shape.iter().map(|count| count.to_i64().unwrap_or(-1)).collect();
        Ok(End {
            port: Port::new(name, element, shape),
            kind,
        })
    }
}

impl Model for OnnxModel {
    fn inputs(&self) -> Vec<Port> {
        self.inputs.iter().map(|end| end.port.clone()).collect()
    }

    fn outputs(&self) -> Vec<Port> {
        self.outputs.iter().map(|end| end.port.clone()).collect()
    }

    fn run(&self, inputs: &[Input<'_>], stop: Stop<'_>) -> Result<Vec<Output>, Error> {
        let mut taken = tvec![];
        for end in &self.inputs {
            let input = inputs.iter().find(|input| input.name == end.port.name);
            let input = input.ok_or_else(|| Error::BadInput(format!("the input {} is missing", end.port.name)))?;
            taken.push(values::taken(input, end.kind)?.into_tvalue());
        }
        let given = self.evaluate(taken, inputs, stop)?;
        let mut outputs = Vec::with_capacity(given.len());
        for (end, tensor) in self.outputs.iter().zip(given) {
            let Port { name, element, .. } = &end.port;
            let (shape, data) = values::given(name, &tensor, *element)?;
            outputs.push(Output::new(name, *element, shape, data));
        }
        Ok(outputs)
    }
}

impl OnnxModel {
    /// Node after node; between two of them it looks whether somebody still waits.
    fn evaluate(&self, taken: TVec<TValue>, inputs: &[Input<'_>], stop: Stop<'_>) -> Result<TVec<TValue>, Error> {
        let mut state = self
            .plan
            .spawn()
            .map_err(|_| Error::Failed("the model could not be made ready".into()))?;
        let mut at = None;
        let ran = state.run_plan_with_eval(taken, |context, state, node, values| {
            if stop.is_set() {
                bail!("nobody waits");
            }
            at = Some(node.id);
            plan::eval(context, state, node, values)
        });
        ran.map_err(|_| match at {
            _ if stop.is_set() => Error::Stopped,
            Some(node) => {
                let node = self.plan.model().node(node);
                Error::Failed(format!("the model's node {} ({}) failed", node.name, node.op.name()))
            }
            // No node ran: the symbols could not be bound.
            None => Error::BadInput(format!(
                "the shapes of the inputs do not go together: {}",
                shapes(inputs)
            )),
        })
    }
}

/// `a [2, 3], b [4, 3]`
fn shapes(inputs: &[Input<'_>]) -> String {
    let shapes = inputs.iter().map(|input| format!("{} {:?}", input.name, input.shape));
    shapes.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
