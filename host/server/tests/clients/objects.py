"""Objects for tests: small ones made here, and the collection beside the repository.

Names and identifiers made here are remembered, so that every host's log can be searched for them.
"""

import csv
import io
import itertools
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundImageStorage,
    generate_uid,
)

SHARED = Path(__file__).resolve().parents[5] / "shared/dicom"

CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "US": UltrasoundImageStorage}

# Words that no log may hold.
PLANTED = set()

_numbers = itertools.count(1)


def uid():
    """A new UID."""
    return generate_uid()


def image(modality="CT", syntax=ExplicitVRLittleEndian, **attributes):
    """A small image of its own study, unless `attributes` say otherwise."""
    number = next(_numbers)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = CLASSES.get(modality, CTImageStorage)
    dataset.SOPInstanceUID = uid()
    dataset.StudyDate = "20260102"
    dataset.SeriesDate = "20260104"
    dataset.StudyTime = "101112"
    dataset.AccessionNumber = f"ACC{number:05}X"
    dataset.Modality = modality
    dataset.PatientName = f"Plantedfamily{number:05}^Plantedgiven{number:05}"
    dataset.PatientID = f"PLANTED-ID-{number:05}"
    dataset.PatientBirthDate = "19600203"
    dataset.PatientSex = "O"
    dataset.StudyInstanceUID = uid()
    dataset.SeriesInstanceUID = uid()
    dataset.StudyID = f"S{number}"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = 16
    dataset.Columns = 16
    dataset.BitsAllocated = 16
    dataset.BitsStored = 12
    dataset.HighBit = 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes((at * 7 + number) % 251 for at in range(512))
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return with_meta(dataset, syntax)


def with_meta(dataset, syntax):
    """The same object, with the file meta information that its data set asks for."""
    # Without one, some clients send what is no file.
    dataset.preamble = bytes(128)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    remember(dataset)
    return dataset


def remember(dataset):
    """No log may hold this object's patient."""
    for value in (str(dataset.get("PatientName", "")), str(dataset.get("PatientID", ""))):
        words = value.replace("=", "^").split("^")
        # Some samples are called Test^Patient, and the host's own sentences speak of a patient.
        PLANTED.update(word for word in words if len(word) > 5 and word.lower() != "patient")


def series(count, **attributes):
    """Some images of one series."""
    first = image(InstanceNumber=1, **attributes)
    shared = {
        keyword: first[keyword].value
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "PatientName", "PatientID", "AccessionNumber", "StudyID")
    }
    return [first] + [image(**(attributes | shared | {"InstanceNumber": at})) for at in range(2, count + 1)]


def encoded(dataset):
    """An object as a Part 10 file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def written(dataset, folder):
    """The path of the object's Part 10 file, newly written."""
    path = folder / f"{dataset.SOPInstanceUID}.dcm"
    path.write_bytes(encoded(dataset))
    return path


def data_set(file):
    """The bytes behind the file meta information of a Part 10 file. A few lines of its own, for a library would read
    and write, and what is asked is whether the bytes are the same."""
    assert file[128:132] == b"DICM"
    at = 132
    while file[at : at + 2] == b"\x02\x00":
        long = file[at + 4 : at + 6] in (b"OB", b"UN")
        length = file[at + 8 : at + 12] if long else file[at + 6 : at + 8]
        at += (12 if long else 8) + int.from_bytes(length, "little")
    return file[at:]


def shared(name):
    """A file of the collection, or a skipped test."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def manifest():
    """The collection's list of files, as dictionaries; empty where the collection is not there."""
    path = SHARED / "MANIFEST.csv"
    if not path.exists():
        return []
    with path.open(newline="") as rows:
        return list(csv.DictReader(rows))


def one_of_each_syntax():
    """The smallest good file of the collection for each transfer syntax, as `(syntax, name)`."""
    smallest = {}
    for row in sorted(manifest(), key=lambda row: int(row["size"])):
        syntax = row["transfer_syntax"].rsplit(" ", 1)[-1]
        if row["category"] in ("valid", "synthetic-valid") and syntax not in smallest and is_an_object(SHARED / row["file"]):
            smallest[syntax] = row["file"]
    return sorted(smallest.items())


def is_an_object(path):
    """Whether a file says what it is, twice the same: some of the collection are only parts of objects."""
    dataset = dcmread(path, stop_before_pixels=True, force=True)
    names = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    meta = (dataset.file_meta.get("MediaStorageSOPClassUID"), dataset.file_meta.get("MediaStorageSOPInstanceUID"))
    return all(name in dataset for name in names) and meta == (dataset.SOPClassUID, dataset.SOPInstanceUID)
