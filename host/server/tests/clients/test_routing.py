"""Objects go on to others: `rules` decides, `anonymize` edits the copies, and a peer that is away delays nobody."""

import io
import re
from copy import deepcopy
from datetime import datetime

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import (
    MPEG2MPML,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

import objects
from hosts import PLUGINS, eventually, free_port
from wire import SUCCESS, Peer, store, storescp

# Where what goes. Retries are short, so that tests are.
CONFIG = """
[plugins.anonymize]
source = "{plugins}/anonymize.wasm"
grant = {{ secrets = ["site-key"] }}

[plugins.rules]
source = "{plugins}/rules.wasm"

[[plugins.rules.config.rules]]
when = {{ modality = "CT" }}
send-to = ["research", "teaching"]

[[plugins.rules.config.rules]]
when = {{ modality = "MR", StudyDescription = "*for the dark*" }}
send-to = ["dark", "teaching"]

[[plugins.rules.config.rules]]
when = {{ modality = "US" }}
send-to = ["picky"]

[[plugins.rules.config.rules]]
when = {{ modality = "OT" }}
send-to = ["dcmtk"]

[destinations.research]
dicom = {{ ae-title = "RESEARCH", address = "127.0.0.1:{research}" }}
egress = ["anonymize"]
retry = {{ first = "200 ms", longest = "1 s", attempts = 100 }}

[destinations.teaching]
folder = "teaching"
egress = ["anonymize"]

[destinations.dark]
dicom = {{ ae-title = "DARK", address = "127.0.0.1:{dark}" }}
retry = {{ first = "200 ms", longest = "500 ms", attempts = 1000 }}

[destinations.picky]
dicom = {{ ae-title = "PICKY", address = "127.0.0.1:{picky}" }}
retry = {{ first = "100 ms", longest = "100 ms", attempts = 2 }}

[destinations.dcmtk]
dicom = {{ ae-title = "STORESCP", address = "127.0.0.1:{dcmtk}" }}
retry = {{ first = "200 ms", longest = "500 ms", attempts = 100 }}

[[chains]]
name = "onward"
route = ["rules"]
"""


class Clinic:
    """A host with destinations, and the peers at their addresses."""

    def __init__(self, start):
        ports = {name: free_port() for name in ("research", "dark", "picky", "dcmtk")}
        self.research = Peer(ports["research"], "RESEARCH").start()
        self.dark = Peer(ports["dark"], "DARK")
        self.picky = Peer(ports["picky"], "PICKY", status=0xA900).start()
        self.dcmtk = ports["dcmtk"]
        self.host = start(CONFIG.format(plugins=PLUGINS, **ports))
        self.teaching = self.host.folder / "teaching"

    def taught(self, count):
        """The files of the teaching folder, once there are that many."""
        return eventually(
            f"{count} files are in the folder",
            lambda: (files := sorted(self.teaching.rglob("*.dcm"))) and len(files) >= count and files,
        )


@pytest.fixture
def clinic(hosts):
    clinic = Clinic(hosts)
    yield clinic
    for peer in (clinic.research, clinic.dark, clinic.picky):
        peer.stop()


def head(file):
    return dcmread(io.BytesIO(file), force=True)


def days_between(before, after):
    return (datetime.strptime(after, "%Y%m%d") - datetime.strptime(before, "%Y%m%d")).days


def test_copies_are_anonymized_and_originals_are_not(clinic):
    first, second = objects.series(2, PatientBirthDate="19530711", InstitutionName="St. Planted", OperatorsName="Plantedoperator^O")
    # The second points to the first, and both have something private.
    for dataset in (first, second):
        block = dataset.private_block(0x0019, "ISOCENTER TEST", create=True)
        block.add_new(1, "LO", f"private {dataset.PatientName}")
    reference = objects.Dataset()
    reference.ReferencedSOPClassUID = first.SOPClassUID
    reference.ReferencedSOPInstanceUID = first.SOPInstanceUID
    second.ReferencedImageSequence = [reference]
    # Two sends, so that what is remapped is remapped the same a second time.
    assert store(clinic.host, first) == [SUCCESS]
    clinic.research.wait_for(1)
    assert store(clinic.host, second) == [SUCCESS]

    for dataset in (first, second):
        assert objects.data_set(clinic.host.file(dataset)) == objects.data_set(objects.encoded(dataset))
    sent = clinic.research.wait_for(2)
    files = [path.read_bytes() for path in clinic.taught(2)]
    for file in sent + files:
        for word in (b"Planted", b"PLANTED", b"19530711", b"20260102", b"20260104", b"ISOCENTER TEST", b"St. Plan"):
            assert word not in file, word
        for uid in (first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID, second.SOPInstanceUID):
            assert uid.encode() not in file

    copies = sorted(map(head, sent), key=lambda copy: copy.InstanceNumber)
    assert copies[0].StudyInstanceUID == copies[1].StudyInstanceUID
    assert copies[0].SeriesInstanceUID == copies[1].SeriesInstanceUID
    assert copies[1].ReferencedImageSequence[0].ReferencedSOPInstanceUID == copies[0].SOPInstanceUID
    assert copies[0].PatientID == copies[1].PatientID and copies[0].PatientName == copies[1].PatientName
    shifts = {days_between(original[tag].value, copy[tag].value) for original, copy in zip((first, second), copies) for tag in ("StudyDate", "SeriesDate")}
    assert len(shifts) == 1 and shifts.pop() != 0
    for copy in copies:
        assert copy.PatientIdentityRemoved == "YES" and copy.DeidentificationMethod
        assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
        assert not [element for element in copy.iterall() if element.tag.is_private]
        assert copy.PixelData in (first.PixelData, second.PixelData)
    # Both destinations got the same.
    by_uid = {head(file).SOPInstanceUID: objects.data_set(file) for file in files}
    assert by_uid == {head(file).SOPInstanceUID: objects.data_set(file) for file in sent}
    # A file is named as the object is named now.
    for path in clinic.taught(2):
        copy = dcmread(path)
        assert path.relative_to(clinic.teaching).parts == (copy.StudyInstanceUID, copy.SeriesInstanceUID, f"{copy.SOPInstanceUID}.dcm")


def test_a_peer_that_is_away_delays_nobody_and_gets_its_objects_later(clinic):
    away = objects.series(5, modality="MR", StudyDescription="one for the dark")
    assert store(clinic.host, *away) == [SUCCESS] * 5
    eventually("the peer was tried", lambda: 'destination="dark",outcome="retried"' in clinic.host.get("/metrics").text)
    near = objects.series(5)
    assert store(clinic.host, *near) == [SUCCESS] * 5
    assert len(clinic.research.wait_for(5)) == 5
    clinic.taught(10)
    assert clinic.dark.taken == {}
    clinic.dark.start()
    taken = {head(file).SOPInstanceUID: objects.data_set(file) for file in clinic.dark.wait_for(5)}
    # Without egress filters a copy is the object itself.
    assert taken == {each.SOPInstanceUID: objects.data_set(objects.encoded(each)) for each in away}
    assert clinic.host.get("/api/dead-letters").json() == []


def test_deliveries_survive_a_restart(clinic):
    away = objects.series(3, modality="MR", StudyDescription="for the dark")
    assert store(clinic.host, *away) == [SUCCESS] * 3
    assert clinic.host.stop() == 0
    clinic.dark.start()
    clinic.host.start()
    assert len(clinic.dark.wait_for(3)) == 3


def test_what_a_peer_refuses_is_a_dead_letter_in_sight(clinic):
    refused = objects.image("US")
    assert store(clinic.host, refused) == [SUCCESS]
    letters = eventually("there is a dead letter", lambda: clinic.host.get("/api/dead-letters").json())
    assert len(letters) == 1
    letter = letters[0]
    assert letter["destination"] == "picky" and letter["object"] == refused.SOPInstanceUID and letter["kind"] == "deliver"
    assert re.search("a900", letter["reason"], re.I), letter["reason"]
    page = clinic.host.get("/").text
    assert "Dead letters" in page and refused.SOPInstanceUID in page and "picky" in page
    assert clinic.host.file(refused) is not None
    offered = clinic.picky.offered
    # The next object gets its own try.
    store(clinic.host, objects.image("US"))
    eventually("the next is offered too", lambda: clinic.picky.offered > offered)


def test_dcmtk_receives(clinic, tmp_path):
    sent = objects.series(3, modality="OT")
    with storescp(clinic.dcmtk, tmp_path / "received") as folder:
        assert store(clinic.host, *sent) == [SUCCESS] * 3
        eventually("storescp has all", lambda: len(list(folder.iterdir())) >= 3)
    received = {copy.SOPInstanceUID: copy for copy in map(dcmread, folder.iterdir())}
    assert set(received) == {each.SOPInstanceUID for each in sent}
    for each in sent:
        assert received[each.SOPInstanceUID].PatientName == each.PatientName


@pytest.mark.parametrize(
    "stored, taken",
    [
        (RLELossless, ExplicitVRLittleEndian),
        (RLELossless, ImplicitVRLittleEndian),
        (ExplicitVRLittleEndian, ImplicitVRLittleEndian),
        (ImplicitVRLittleEndian, ExplicitVRLittleEndian),
        (RLELossless, RLELossless),
        (ExplicitVRLittleEndian, RLELossless),
        (ImplicitVRLittleEndian, JPEGLosslessSV1),
        (RLELossless, JPEGLSLossless),
    ],
)
def test_a_peer_gets_in_another_syntax_what_it_does_not_take_as_it_is_stored(clinic, stored, taken):
    plain = stored == RLELossless and ExplicitVRLittleEndian or stored
    sent = objects.image("MR", plain, StudyDescription="for the dark")
    pixels = sent.PixelData
    if stored == RLELossless:
        sent.compress(RLELossless, generate_instance_uid=False)
    clinic.dark.takes(taken)
    clinic.dark.start()
    assert store(clinic.host, sent) == [SUCCESS]
    [file] = clinic.dark.wait_for(1)
    copy = head(file)
    assert copy.file_meta.TransferSyntaxUID == taken
    if taken == stored:
        assert objects.data_set(file) == objects.data_set(objects.encoded(sent))
    elif taken.is_compressed:
        received = pixel_array(copy, raw=True) & 0x0FFF
        assert received.tobytes() == bytes(byte & (0x0F if at % 2 else 0xFF) for at, byte in enumerate(pixels))
    else:
        assert copy.PixelData == pixels
    assert copy.PatientName == sent.PatientName and copy.SOPInstanceUID == sent.SOPInstanceUID
    # What is here is as it came.
    assert objects.data_set(clinic.host.file(sent)) == objects.data_set(objects.encoded(sent))


def test_what_cannot_be_decoded_for_a_peer_is_a_dead_letter(clinic):
    film = objects.image("MR", MPEG2MPML, StudyDescription="for the dark")
    film.PixelData = encapsulate([bytes(64)])
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    clinic.dark.start()
    assert store(clinic.host, film) == [SUCCESS]
    [letter] = eventually("there is a dead letter", lambda: clinic.host.get("/api/dead-letters").json())
    assert letter["destination"] == "dark" and letter["object"] == film.SOPInstanceUID
    assert clinic.dark.offered == 0
    assert clinic.host.file(film) is not None


def test_what_no_rule_matches_stays(clinic):
    stays = objects.image("MR", StudyDescription="stays here")
    goes = objects.image("CT")
    assert store(clinic.host, stays, goes) == [SUCCESS] * 2
    clinic.research.wait_for(1)
    clinic.taught(1)
    assert clinic.dark.taken == {} and len(clinic.research.taken) == 1
    assert clinic.host.file(stays) is not None


@pytest.mark.parametrize("taken", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("bits", [8, 16])
def test_big_endian_is_turned_for_who_does_not_take_it(clinic, taken, bits):
    little = objects.image("MR", StudyDescription="for the dark", BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1)
    little.PixelData = bytes(range(256)) * (little.Rows * little.Columns * bits // 8 // 256)
    little.add_new(0x00189087, "FD", 1000.5)
    little.add_new(0x00280106, "US", 258)
    little.add_new(0x00082112, "SQ", [Dataset()])
    little.SourceImageSequence[0].add_new(0x00189087, "FD", [0.25, -3])
    little.add_new(0x00280009, "AT", [0x00181063])
    stored = deepcopy(little)
    stored.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    words = little.PixelData
    if bits == 16:
        words = b"".join(words[at : at + 2][::-1] for at in range(0, len(words), 2))
    stored["PixelData"].VR = "OB" if bits == 8 else "OW"
    stored.PixelData = words
    clinic.dark.takes(taken)
    clinic.dark.start()
    assert store(clinic.host, stored) == [SUCCESS]
    [file] = clinic.dark.wait_for(1)
    came = head(file)
    assert came.file_meta.TransferSyntaxUID == taken
    assert came.PixelData == little.PixelData
    for element in little:
        if element.keyword != "PixelData":
            assert came[element.tag].value == element.value, element.keyword
