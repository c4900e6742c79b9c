"""Writes expected.csv: what pydicom and its decoders make of the frames of the shared collection.

    python expect.py ../../../../shared/dicom > expected.csv

needs pydicom, numpy, pylibjpeg[all], pyjpegls. What is lossless is expected by digest (the first half of the decoded
frame's SHA-256); what is lossy by the means of a grid of 4 x 4 regions for each sample, because decoders round differently.
"""

import csv
import hashlib
import pathlib
import sys
import warnings

import numpy
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import convert_color_space, iter_pixels

warnings.simplefilter("ignore")
LOSSY = {f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 91, 203)}
# The header says RGB, the codestream is YBR: pydicom believes the header, and the picture is not red.
LYING = {"dicom-test-files/SC_rgb_jpeg_lossy_gdcm.dcm"}
TAGS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def normal(frame, data_set):
    """Takes away bits that are no value, and extends signs."""
    allocated = data_set.BitsAllocated
    if frame.dtype.kind == "f" or allocated == 1:
        return frame
    stored = data_set.get("BitsStored") or allocated
    if data_set.file_meta.TransferSyntaxUID.is_compressed:
        below = 0
    else:
        high = data_set.get("HighBit")
        below = (stored - 1 if high is None else high) + 1 - stored
    if stored == allocated:
        return frame
    signed = data_set.get("PixelRepresentation") == 1
    wide = (frame.astype(numpy.int64) >> below) & ((1 << stored) - 1)
    if signed:
        wide = numpy.where(wide >= 1 << (stored - 1), wide - (1 << stored), wide)
    return wide.astype(frame.dtype)


def is_lossy(data_set):
    """By the transfer syntax, or by a codestream that is another than it says."""
    syntax = data_set.file_meta.TransferSyntaxUID
    if syntax in LOSSY:
        return True
    if not syntax.is_encapsulated:
        return False
    frame = next(generate_frames(data_set.PixelData, number_of_frames=int(data_set.get("NumberOfFrames") or 1)))
    return frame.startswith(b"\xff\xd8") and b"\xff\xc0\0" in frame[:2000]


def means(frame):
    """The mean of each region of a 4 x 4 grid, sample by sample."""
    frame = frame.reshape(frame.shape[0], frame.shape[1], -1).astype(float)
    rows, columns, samples = frame.shape
    out = []
    for y in range(4):
        for x in range(4):
            region = frame[y * rows // 4 : max((y + 1) * rows // 4, y * rows // 4 + 1), :][
                :, x * columns // 4 : max((x + 1) * columns // 4, x * columns // 4 + 1)
            ]
            out += [region[:, :, s].mean() for s in range(samples)]
    return " ".join(f"{mean:.2f}" for mean in out)


def expected(path, name, writer):
    data_set = pydicom.dcmread(path)
    if not any(tag in data_set for tag in TAGS):
        return
    frames = int(data_set.get("NumberOfFrames") or 1)
    for index in sorted({0, frames // 2, frames - 1}):
        frame = normal(next(iter(iter_pixels(data_set, indices=[index]))), data_set)
        if name in LYING:
            frame = convert_color_space(frame, "YBR_FULL", "RGB")
        samples = 1 if frame.ndim == 2 else frame.shape[2]
        kind = "near" if is_lossy(data_set) else "exact"
        little = numpy.ascontiguousarray(frame.astype(frame.dtype.newbyteorder("<")))
        value = means(frame) if kind == "near" else hashlib.sha256(little.tobytes()).hexdigest()[:32]
        numbers = {"u": "unsigned", "i": "signed", "f": "float"}[frame.dtype.kind]
        shape = f"{frame.shape[0]}x{frame.shape[1]}x{samples}x{frame.dtype.itemsize * 8}"
        writer.writerow([name, index, shape, numbers, kind, value])


def main(folder):
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "frame", "shape", "numbers", "kind", "value"])
    with open(folder / "MANIFEST.csv", newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["category"] not in ("valid", "synthetic-valid", "synthetic-phi"):
                continue
            try:
                expected(folder / row["file"], row["file"], writer)
            except Exception as problem:
                print(f"{row['file']}: {type(problem).__name__} {str(problem)[:200]!r}", file=sys.stderr)


main(pathlib.Path(sys.argv[1]))
