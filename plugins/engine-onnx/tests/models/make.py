"""Makes the models of the tests: python3 make.py, with onnx 1.23 installed. What it makes is committed beside it."""

from pathlib import Path

import numpy
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

FOLDER = Path(__file__).parent
DOUBLE, FLOAT, HALF = TensorProto.DOUBLE, TensorProto.FLOAT, TensorProto.FLOAT16
INT8, INT16, INT32, INT64 = TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64
BOOL, UINT8, UINT16 = TensorProto.BOOL, TensorProto.UINT8, TensorProto.UINT16


def value(name, element, shape):
    return helper.make_tensor_value_info(name, element, shape)


def constant(name, array):
    return numpy_helper.from_array(array, name)


def model(nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(made)
    return made


def write(name, made):
    (FOLDER / f"{name}.onnx").write_bytes(made.SerializeToString())


# A volume's slices: the mean of 3 x 3 neighbours, and where it is above 100.
write("segment", model(
    [
        helper.make_node("Conv", ["image", "kernel"], ["smooth"], name="mean", pads=[1, 1, 1, 1]),
        helper.make_node("Greater", ["smooth", "threshold"], ["above"], name="compare"),
        helper.make_node("Cast", ["above"], ["mask"], name="cast", to=UINT8),
    ],
    [value("image", FLOAT, ["N", 1, "H", "W"])],
    [value("mask", UINT8, ["N", 1, "H", "W"]), value("smooth", FLOAT, ["N", 1, "H", "W"])],
    [
        constant("kernel", numpy.full((1, 1, 3, 3), 1 / 9, numpy.float32)),
        constant("threshold", numpy.array(100, numpy.float32)),
    ],
))

# A volume: how likely each voxel is bright, by the mean of the 3 x 3 x 3 around it. For the analyzer of the examples.
write("bright", model(
    [
        helper.make_node("Conv", ["image", "kernel"], ["smooth"], name="mean", pads=[1, 1, 1, 1, 1, 1]),
        helper.make_node("HardSigmoid", ["smooth"], ["mask"], name="scale", alpha=0.005, beta=0.0),
    ],
    [value("image", FLOAT, [1, 1, "D", "H", "W"])],
    [value("mask", FLOAT, [1, 1, "D", "H", "W"])],
    [constant("kernel", numpy.full((1, 1, 3, 3, 3), 1 / 27, numpy.float32))],
))

# Which of three channels is largest: class numbers, which ONNX gives in int64.
write("classes", model(
    [helper.make_node("ArgMax", ["scores"], ["classes"], name="argmax", axis=1, keepdims=0)],
    [value("scores", FLOAT, [None, 3, None])],
    [value("classes", INT64, [None, None])],
))

# Two inputs of one length, whatever it is.
write("add", model(
    [helper.make_node("Add", ["a", "b"], ["sum"], name="add")],
    [value("a", FLOAT, ["N", 2]), value("b", FLOAT, ["N", 2])],
    [value("sum", FLOAT, ["N", 2])],
))

# Every element type that fits into one of the engine's, through an operator that changes nothing.
KINDS = [
    ("bool", BOOL), ("int8", INT8), ("uint8", UINT8), ("int16", INT16), ("uint16", UINT16), ("int32", INT32),
    ("int64", INT64), ("half", HALF), ("float", FLOAT),
]
write("kinds", model(
    [helper.make_node("Identity", [name], [f"{name} out"], name=f"{name} same") for name, _ in KINDS],
    [value(name, kind, [2]) for name, kind in KINDS],
    [value(f"{name} out", kind, [2]) for name, kind in KINDS],
))

# What an operator says about its input: a shape, which the engine knows before it runs.
write("shape", model(
    [helper.make_node("Shape", ["image"], ["shape"], name="shape")],
    [value("image", UINT8, ["N", "C"])],
    [value("shape", INT64, [2])],
))

# An operator fails when it meets these values: an index that is out of its range.
write("gather", model(
    [helper.make_node("Gather", ["table", "index"], ["row"], name="look up")],
    [value("index", INT64, [1])],
    [value("row", FLOAT, [1, 2])],
    [constant("table", numpy.zeros((3, 2), numpy.float32))],
))

# Refused: an element type that fits into none.
write("double", model(
    [helper.make_node("Identity", ["x"], ["y"])], [value("x", DOUBLE, [1])], [value("y", DOUBLE, [1])],
))

# Refused: an input of which not even the number of dimensions is known.
shapeless = model([helper.make_node("Identity", ["x"], ["y"])], [value("x", FLOAT, [1])], [value("y", FLOAT, [1])])
for end in (shapeless.graph.input[0], shapeless.graph.output[0]):
    end.type.tensor_type.ClearField("shape")
write("shapeless", shapeless)

# Refused: an operator that there is not.
unknown = model([helper.make_node("Identity", ["x"], ["y"])], [value("x", FLOAT, [1])], [value("y", FLOAT, [1])])
unknown.graph.node[0].op_type = "Diagnose"
write("unknown", unknown)

# Refused: weights in another file, which the engine is not given.
external = model(
    [helper.make_node("Add", ["x", "weights"], ["y"], name="add")],
    [value("x", FLOAT, [4])],
    [value("y", FLOAT, [4])],
    [constant("weights", numpy.ones(4, numpy.float32))],
)
convert_model_to_external_data(external, location="passwd", size_threshold=0)
external.graph.initializer[0].ClearField("raw_data")
external.graph.initializer[0].data_location = TensorProto.EXTERNAL
write("external", external)
