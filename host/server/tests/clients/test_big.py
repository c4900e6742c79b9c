"""A large multi-frame object goes in and out, and the host's memory does not grow with it.

`ISOCENTER_BIG_MB` says how large; 2100 takes minutes and proves the same for objects beyond 2 GB.
"""

import hashlib
import os

import numpy
from pydicom import dcmwrite
from pydicom.uid import MultiFrameGrayscaleByteSecondaryCaptureImageStorage

import objects
from wire import SUCCESS, store

MEGABYTE = 1 << 20
SIZE = int(os.environ.get("ISOCENTER_BIG_MB", "300")) * MEGABYTE
# The host's limit, whatever the size of one object.
MEMORY = 256 * 1024


def big(folder):
    """Writes the object, a piece at a time; answers it without its pixels, its path and its data set's digest."""
    rows = columns = 1024
    dataset = objects.image(modality="OT", Rows=rows, Columns=columns, BitsAllocated=8, BitsStored=8, HighBit=7)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    dataset.NumberOfFrames = SIZE // (rows * columns)
    del dataset.PixelData
    path = folder / "big.dcm"
    dcmwrite(path, dataset, enforce_file_format=True)
    digest = hashlib.sha256(objects.data_set(path.read_bytes()))
    random = numpy.random.default_rng(7)
    with path.open("ab") as file:
        element = b"\xe0\x7f\x10\x00OB\x00\x00" + SIZE.to_bytes(4, "little")
        for piece in [element] + [None] * (SIZE // MEGABYTE):
            piece = piece or random.bytes(MEGABYTE)
            digest.update(piece)
            file.write(piece)
    return dataset, path, digest.hexdigest()


def served(host, dataset, accept):
    """The digest of the data set as it is served, read as a stream."""
    study, series, instance = dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"
    digest, first = hashlib.sha256(), True
    with host.get(path, headers={"Accept": accept}, stream=True) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_content(MEGABYTE):
            # The file meta information is in the first piece.
            digest.update(objects.data_set(piece) if first else piece)
            first = False
    return digest.hexdigest()


def test_a_large_object_is_not_held_in_memory(hosts, tmp_path):
    host = hosts()
    dataset, path, digest = big(tmp_path)
    try:
        # pynetdicom reads the file piece by piece.
        assert store(host, path, max_pdu=0) == [SUCCESS]
        assert host.status("VmHWM") < MEMORY
        assert served(host, dataset, "application/dicom") == digest
        assert host.status("VmHWM") < MEMORY
        # By the other door it is the same object; a generator is sent in chunks.
        with path.open("rb") as file:
            answer = host.post("/dicom-web/studies", iter(lambda: file.read(MEGABYTE), b""), "application/dicom")
        assert answer.status_code == 200, answer.text
    finally:
        path.unlink()
    peak = host.status("VmHWM")
    print(f"peak memory of the host: {peak // 1024} MB for an object of {SIZE // MEGABYTE} MB")
    assert peak < MEMORY
