"""Workstations fetch: C-GET and C-MOVE by DCMTK and pynetdicom, orderly and not."""

import io
import time

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelGet as PATIENT_GET,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    StudyRootQueryRetrieveInformationModelGet as STUDY_GET,
    StudyRootQueryRetrieveInformationModelMove as STUDY_MOVE,
)

import objects
from hosts import PLUGINS, eventually, free_port
from test_find import keys
from wire import SUCCESS, Peer, address_of, association, dcmtk, store, storescp, title_of, to

PENDING, CANCELLED, WARNING, FAILED = 0xFF00, 0xFE00, 0xB000, 0xA702


def get(archive, identifier, model=STUDY_GET, syntaxes=(ExplicitVRLittleEndian,), answer=SUCCESS, calling="GETTER", classes=None, contexts=None):
    """What came (SOP Instance UID to context and data set), and the last status with its identifier."""
    came, statuses = {}, []

    def handle(event):
        came[event.request.AffectedSOPInstanceUID] = (event.context.transfer_syntax, event.request.DataSet.getvalue())
        return answer

    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 60
    ae.add_requested_context(model, [ExplicitVRLittleEndian])
    roles = []
    for sop_class in classes or (CTImageStorage, MRImageStorage):
        for each in contexts or [syntaxes]:
            ae.add_requested_context(sop_class, list(each))
        roles.append(build_role(sop_class, scp_role=True))
    opened = ae.associate(
        address_of(archive), archive.dicom, ae_title=title_of(archive), ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, handle)]
    )
    assert opened.is_established
    try:
        for status, failed in opened.send_c_get(identifier, model):
            statuses.append((status, failed))
    finally:
        if opened.is_established:
            opened.release()
    assert all(status.Status == PENDING for status, _ in statuses[:-1])
    return came, statuses[-1]


def counts(status):
    """Completed, failed and warning sub-operations."""
    return (
        status.NumberOfCompletedSuboperations,
        status.NumberOfFailedSuboperations,
        status.NumberOfWarningSuboperations,
    )


@pytest.fixture(scope="module")
def study(archive):
    """Two series of CT, of 3 and of 2 images, and an MR study of the same patient."""
    first = objects.series(3)
    shared = {
        keyword: first[0][keyword].value for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyID", "StudyInstanceUID")
    }
    second = objects.series(2, SeriesNumber=2, **shared)
    for dataset in second:
        dataset.StudyInstanceUID = first[0].StudyInstanceUID
    other = objects.image("MR", PatientName=first[0].PatientName, PatientID=first[0].PatientID)
    assert set(store(archive, *first, *second, other)) == {SUCCESS}
    return first, second, other


def uids(*groups):
    return {dataset.SOPInstanceUID for group in groups for dataset in group}


def test_get_at_every_level(archive, study):
    first, second, other = study
    who, where = first[0].PatientID, first[0].StudyInstanceUID
    table = [
        (keys("PATIENT", PatientID=who), PATIENT_GET, uids(first, second, [other])),
        (keys("STUDY", PatientID=who, StudyInstanceUID=where), PATIENT_GET, uids(first, second)),
        (keys("STUDY", StudyInstanceUID=[where, other.StudyInstanceUID]), STUDY_GET, uids(first, second, [other])),
        (keys("SERIES", StudyInstanceUID=where, SeriesInstanceUID=second[0].SeriesInstanceUID), STUDY_GET, uids(second)),
        (
            keys(
                "IMAGE",
                StudyInstanceUID=where,
                SeriesInstanceUID=first[0].SeriesInstanceUID,
                SOPInstanceUID=[first[0].SOPInstanceUID, first[2].SOPInstanceUID],
            ),
            STUDY_GET,
            uids([first[0], first[2]]),
        ),
        # Of another patient, there is nothing.
        (keys("STUDY", PatientID=who + "X", StudyInstanceUID=where), PATIENT_GET, set()),
        (keys("STUDY", StudyInstanceUID=objects.uid()), STUDY_GET, set()),
    ]
    for identifier, model, expected in table:
        came, (status, failed) = get(archive, identifier, model)
        assert set(came) == expected
        assert status.Status == SUCCESS and counts(status) == (len(expected), 0, 0)
        assert failed is None


def test_what_comes_is_what_was_sent(archive, study):
    first, _, _ = study
    came, _ = get(archive, keys("STUDY", StudyInstanceUID=first[0].StudyInstanceUID))
    for dataset in first:
        assert came[dataset.SOPInstanceUID][1] == objects.data_set(objects.encoded(dataset))


def decoded(data, syntax):
    """A data set from its bytes."""
    implicit = syntax == ImplicitVRLittleEndian
    from pydicom.filereader import read_dataset

    dataset = read_dataset(io.BytesIO(data), implicit, True)
    dataset.file_meta = dcmread(io.BytesIO(objects.encoded(objects.image()))).file_meta
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def same_but(a, b, apart=()):
    """Whether all elements are the same, but for those named."""
    assert {each.keyword for each in a} - set(apart) == {each.keyword for each in b} - set(apart)
    for element in a:
        # Group lengths are left out, and of a private element implicit VR does not say what it is.
        if element.keyword and element.keyword not in apart and element.keyword != "PixelData":
            assert element.value == b[element.tag].value, element.keyword
        elif element.tag.element != 0:
            assert element.tag in b


def test_a_peer_that_takes_only_implicit_vr_gets_that(archive, study):
    first, second, _ = study
    came, (status, _) = get(
        archive, keys("STUDY", StudyInstanceUID=first[0].StudyInstanceUID), syntaxes=[ImplicitVRLittleEndian]
    )
    assert status.Status == SUCCESS and len(came) == 5
    for dataset in [*first, *second]:
        syntax, data = came[dataset.SOPInstanceUID]
        assert syntax == ImplicitVRLittleEndian
        received = decoded(data, syntax)
        same_but(dataset, received)
        assert received.PixelData == dataset.PixelData


def test_implicit_becomes_explicit(archive):
    dataset = objects.image(syntax=ImplicitVRLittleEndian)
    assert store(archive, dataset) == [SUCCESS]
    came, (status, _) = get(archive, keys("STUDY", StudyInstanceUID=dataset.StudyInstanceUID))
    assert status.Status == SUCCESS
    received = decoded(came[dataset.SOPInstanceUID][1], ExplicitVRLittleEndian)
    same_but(dataset, received)
    assert received.PixelData == dataset.PixelData


COMPRESSED = [
    row["file"]
    for row in objects.manifest()
    if row["category"] in ("valid", "synthetic-valid")
    and row["transfer_syntax"].rsplit(" ", 1)[-1]
    in (
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
    )
    and int(row["size"]) < 1_000_000
    # Its frame is lossy, whatever it says, and of that two decoders make numbers that are one apart.
    and row["file"] != "dcmjs/sample-op.dcm"
    and objects.is_an_object(objects.SHARED / row["file"])
][:12]


@pytest.mark.skipif(not COMPRESSED, reason=f"{objects.SHARED} is not there")
@pytest.mark.parametrize("name", COMPRESSED or [""])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
def test_compressed_objects_are_decoded_without_loss_for_who_does_not_take_them(archive, name, syntax, tmp_path):
    path = objects.shared(name)
    # A copy under a new UID: several of the collection are of one object.
    stored = dcmread(path)
    stored.SOPInstanceUID = stored.file_meta.MediaStorageSOPInstanceUID = objects.uid()
    assert store(archive, objects.written(stored, tmp_path)) == [SUCCESS]
    identifier = keys(
        "IMAGE",
        StudyInstanceUID=stored.StudyInstanceUID,
        SeriesInstanceUID=stored.SeriesInstanceUID,
        SOPInstanceUID=stored.SOPInstanceUID,
    )
    classes = [stored.SOPClassUID]
    came, (status, _) = get(archive, identifier, syntaxes=[syntax], classes=classes)
    if status.Status != SUCCESS:
        # What no decoder here reads is said to have failed, and nothing came.
        assert status.Status == FAILED and not came
        pytest.skip("cannot be decoded here")
    received = decoded(came[stored.SOPInstanceUID][1], syntax)
    apart = {"PixelData", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated"}
    same_but(stored, received, apart)
    frames = int(stored.get("NumberOfFrames", 1) or 1)
    expected = stored.Rows * stored.Columns * stored.SamplesPerPixel * frames * received.BitsAllocated // 8
    assert len(received.PixelData) == expected + expected % 2
    try:
        if stored.PhotometricInterpretation.startswith("YBR"):
            stored.convert_pixel_data()
        there, here = stored.pixel_array, received.pixel_array
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"the reference decoder does not read it: {error}")
    assert (there == here).all()


def drawn(kind):
    """Objects whose pixels must not change on any way."""
    words = np.arange(16 * 24, dtype="<u2").reshape(16, 24)
    grey = {"Rows": 16, "Columns": 24}
    colour = grey | {"SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    bytes_of_colour = (np.arange(16 * 24 * 3) * 7 % 256).astype("u1")
    attributes = {
        "twelve bits": grey | {"PixelData": (words * 11 % 4096).tobytes()},
        # An overlay in the bits above the value (retired, and still met).
        "bits above": grey | {"PixelData": (words * 11 % 4096 | (words % 3 == 0).astype("<u2") << 12).tobytes()},
        "signed": grey | {"PixelRepresentation": 1, "PixelData": (words.astype("<i2") * 7 - 1024).tobytes()},
        "high": grey | {"HighBit": 15, "PixelData": (words * 11 % 4096 << 4).tobytes()},
        "planes": colour
        | {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 1, "PixelData": bytes_of_colour.tobytes()},
        "ybr": colour
        | {"PhotometricInterpretation": "YBR_FULL", "PlanarConfiguration": 0, "PixelData": bytes_of_colour.tobytes()},
        "frames": grey
        | {"Columns": 23, "NumberOfFrames": 3, "PixelData": b"".join((words[:, :23] * n % 4096).tobytes() for n in (1, 5, 9))},
        "odd": grey
        | {"Rows": 5, "Columns": 7, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelData": bytes(range(35)) + b"\0"},
    }
    return objects.image(**attributes[kind])


def values(dataset):
    """The stored bits of all pixels. Of some syntaxes pydicom gives those above, too."""
    return pixel_array(dataset, raw=True) & ((1 << dataset.BitsStored) - 1)


# The tools of DCMTK that decode, colour as it is.
DECODERS = {
    RLELossless: ("dcmdrle",),
    JPEGLosslessSV1: ("dcmdjpeg", "+cn", "+px"),
    JPEGLSLossless: ("dcmdjpls", "+px"),
}
SYNTAXES = pytest.mark.parametrize("syntax", DECODERS, ids=["rle", "jpeg", "jpeg-ls"])


@SYNTAXES
@pytest.mark.parametrize("kind", ["twelve bits", "bits above", "signed", "high", "planes", "ybr", "frames", "odd"])
def test_who_takes_only_compressed_objects_gets_the_same_pixels(host, kind, syntax, tmp_path):
    sent = drawn(kind)
    sent.add_new(0xFFFCFFFC, "OB", b"behind")
    assert store(host, sent) == [SUCCESS]
    came, (status, _) = get(host, keys("STUDY", StudyInstanceUID=sent.StudyInstanceUID), syntaxes=[syntax])
    assert status.Status == SUCCESS
    used, data = came[sent.SOPInstanceUID]
    assert used == syntax
    received = decoded(data, syntax)
    same_but(sent, received, {"PlanarConfiguration"})
    assert received.get("PlanarConfiguration", 0) == 0
    frames = list(generate_frames(received.PixelData, number_of_frames=int(sent.get("NumberOfFrames", 1))))
    assert len(frames) == int(sent.get("NumberOfFrames", 1)) and all(len(frame) % 2 == 0 for frame in frames)
    assert (values(received) == values(sent)).all()
    # Those beside the value too, as far as another library lets one see them.
    plain = tmp_path / "plain.dcm"
    dcmtk(*DECODERS[syntax], objects.written(objects.with_meta(received, syntax), tmp_path), plain)
    if sent.get("PlanarConfiguration", 0) == 0:
        assert dcmread(plain).PixelData == sent.PixelData
    # What is here is as it came.
    assert objects.data_set(host.file(sent)) == objects.data_set(objects.encoded(sent))


@SYNTAXES
def test_one_compression_becomes_another(host, syntax):
    sent = drawn("frames")
    plain = values(sent)
    sent.compress(JPEGLSLossless if syntax == RLELossless else RLELossless, generate_instance_uid=False)
    # Where the fragments of these frames are, nothing that is sent may say.
    sent.ExtendedOffsetTable, sent.ExtendedOffsetTableLengths = bytes(24), bytes(24)
    assert store(host, sent) == [SUCCESS]
    del sent.ExtendedOffsetTable, sent.ExtendedOffsetTableLengths
    came, (status, _) = get(host, keys("STUDY", StudyInstanceUID=sent.StudyInstanceUID), syntaxes=[syntax])
    assert status.Status == SUCCESS
    received = decoded(came[sent.SOPInstanceUID][1], syntax)
    same_but(sent, received)
    assert (values(received) == plain).all()


def test_what_cannot_be_compressed_is_reported_and_what_has_no_pixels_is_sent(host):
    bits = objects.image(BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes(32))
    words = objects.image(
        StudyInstanceUID=bits.StudyInstanceUID, BitsAllocated=32, BitsStored=32, HighBit=31, PixelData=bytes(range(256)) * 4
    )
    without = objects.image(StudyInstanceUID=bits.StudyInstanceUID)
    del without.PixelData
    assert set(store(host, bits, words, without)) == {SUCCESS}
    everything = keys("STUDY", StudyInstanceUID=bits.StudyInstanceUID)
    came, (status, failed) = get(host, everything, syntaxes=[JPEGLSLossless])
    assert status.Status == WARNING and counts(status) == (1, 2, 0)
    assert set(failed.FailedSOPInstanceUIDList) == uids([bits, words])
    same_but(without, decoded(came[without.SOPInstanceUID][1], JPEGLSLossless))
    # Of several that are taken, one that can hold the pixels is found.
    contexts = [JPEGLSLossless], [RLELossless]
    came, (status, failed) = get(host, everything, contexts=contexts)
    assert status.Status == WARNING and counts(status) == (2, 1, 0)
    assert failed.FailedSOPInstanceUIDList == bits.SOPInstanceUID
    assert came[words.SOPInstanceUID][0] == RLELossless
    assert (values(decoded(came[words.SOPInstanceUID][1], RLELossless)) == values(words)).all()


def test_of_the_syntaxes_of_a_context_one_that_can_be_made_is_taken(host):
    dataset = objects.image()
    assert store(host, dataset) == [SUCCESS]
    identifier = keys("STUDY", StudyInstanceUID=dataset.StudyInstanceUID)
    for syntaxes, taken in [
        ([JPEG2000Lossless, ExplicitVRLittleEndian], ExplicitVRLittleEndian),
        ([JPEG2000Lossless, JPEGLSLossless, ExplicitVRLittleEndian], JPEGLSLossless),
    ]:
        came, (status, _) = get(host, identifier, syntaxes=syntaxes)
        assert status.Status == SUCCESS and came[dataset.SOPInstanceUID][0] == taken
    # Nothing is made into this one.
    came, (status, _) = get(host, identifier, syntaxes=[JPEG2000Lossless])
    assert status.Status == FAILED and not came


def test_dcmtk_reads_what_it_gets_compressed(host, tmp_path):
    sent = objects.series(2)
    assert set(store(host, *sent)) == {SUCCESS}
    for option, (tool, *_) in zip(("+xr", "+xs", "+xt"), DECODERS.values()):
        folder = tmp_path / tool
        folder.mkdir()
        dcmtk("getscu", "-v", "-S", option, "+B", "-od", folder, *to(host), "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={sent[0].StudyInstanceUID}")  # fmt: skip
        files = {dcmread(path).SOPInstanceUID: path for path in folder.iterdir()}
        for each in sent:
            dcmtk(tool, files[each.SOPInstanceUID], folder / "plain.dcm")
            assert dcmread(folder / "plain.dcm").PixelData == each.PixelData


def test_as_stored_where_the_peer_takes_it(archive):
    path = objects.shared(dict(objects.one_of_each_syntax())[RLELossless])
    stored = dcmread(path, stop_before_pixels=True)
    assert store(archive, path)[0] in (SUCCESS, 0x0111)
    came, (status, _) = get(
        archive,
        # The object alone: other tests store others of its study.
        keys(
            "IMAGE",
            StudyInstanceUID=stored.StudyInstanceUID,
            SeriesInstanceUID=stored.SeriesInstanceUID,
            SOPInstanceUID=stored.SOPInstanceUID,
        ),
        syntaxes=[RLELossless],
        classes=[stored.SOPClassUID],
    )
    assert status.Status == SUCCESS
    syntax, data = came[stored.SOPInstanceUID]
    assert (syntax, data) == (RLELossless, objects.data_set(path.read_bytes()))


def test_what_the_peer_does_not_take_is_reported(archive, study):
    first, second, other = study
    everything = keys("STUDY", StudyInstanceUID=[first[0].StudyInstanceUID, other.StudyInstanceUID])
    # Only MR: the five CT fail.
    came, (status, failed) = get(archive, everything, classes=[MRImageStorage])
    assert set(came) == {other.SOPInstanceUID}
    assert status.Status == WARNING and counts(status) == (1, 5, 0)
    assert set(failed.FailedSOPInstanceUIDList) == uids(first, second)
    # Nothing at all.
    came, (status, failed) = get(
        archive, keys("STUDY", StudyInstanceUID=other.StudyInstanceUID), classes=[CTImageStorage]
    )
    assert not came and status.Status == FAILED and counts(status) == (0, 1, 0)
    assert failed.FailedSOPInstanceUIDList == other.SOPInstanceUID
    # The peer refuses what it is sent, or warns of it.
    came, (status, _) = get(archive, everything, answer=0xA700)
    assert status.Status == FAILED and counts(status) == (0, 6, 0)
    came, (status, _) = get(archive, everything, answer=0xB000)
    assert status.Status == WARNING and counts(status) == (0, 0, 6)


@pytest.mark.parametrize(
    ("identifier", "offending"),
    [
        (keys("SERIES", SeriesInstanceUID="1.2"), 0x0020000D),
        (keys("STUDY"), 0x0020000D),
        (keys("STUDY", StudyInstanceUID="*"), 0x0020000D),
        (keys("PATIENT", PatientID="x"), 0x00080052),
        (keys("IMAGE", StudyInstanceUID="1.2", SeriesInstanceUID=["1.3", "1.4"], SOPInstanceUID="1.5"), 0x0020000E),
    ],
)
def test_what_does_not_fit_the_information_model(archive, identifier, offending):
    came, (status, _) = get(archive, identifier)
    assert not came
    assert (status.Status, status.OffendingElement) == (0xA900, offending)


def test_getscu_gets_a_study(archive, study, tmp_path):
    first, second, _ = study
    dcmtk("getscu", "-v", "-S", "-od", tmp_path, *to(archive), "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={first[0].StudyInstanceUID}")  # fmt: skip
    files = [dcmread(path) for path in tmp_path.iterdir()]
    assert {each.SOPInstanceUID for each in files} == uids(first, second)


# C-MOVE goes to destinations of the configuration, so these have hosts of their own.

DESTINATIONS = """
[destinations.peer]
dicom = {{ ae-title = "PEER", address = "127.0.0.1:{peer}" }}

[destinations.dcmtk]
dicom = {{ ae-title = "STORESCP", address = "127.0.0.1:{storescp}" }}

[destinations.nobody]
dicom = {{ ae-title = "NOBODY", address = "127.0.0.1:{nobody}" }}
"""


@pytest.fixture(scope="module")
def moving():
    """A host with destinations, and the study that it has."""
    from hosts import running

    ports = {name: free_port() for name in ("peer", "storescp", "nobody")}
    with running(DESTINATIONS.format(**ports)) as host:
        host.ports = ports
        first = objects.series(4)
        assert set(store(host, *first)) == {SUCCESS}
        host.study = first
        yield host


def move(host, identifier, destination="PEER", model=STUDY_MOVE, calling="MOVER", cancel_after=None):
    """The statuses of a C-MOVE, the last with its identifier."""
    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 60
    ae.add_requested_context(model, [ExplicitVRLittleEndian])
    opened = ae.associate("127.0.0.1", host.dicom, ae_title=title_of(host))
    assert opened.is_established
    statuses = []
    for status, failed in opened.send_c_move(identifier, destination, model, msg_id=9):
        statuses.append((status, failed))
        if len(statuses) == cancel_after:
            opened.send_c_cancel(9, context_id=opened.accepted_contexts[0].context_id)
    opened.release()
    return statuses


def test_move_tells_how_far_it_is_and_who_wanted_it(moving):
    peer = Peer(moving.ports["peer"])
    origins = []

    def handle(event):
        origins.append((event.request.MoveOriginatorApplicationEntityTitle, event.request.MoveOriginatorMessageID))
        return peer._store(event)

    peer.server = peer.ae.start_server(("127.0.0.1", peer.port), block=False, evt_handlers=[(evt.EVT_C_STORE, handle)])
    try:
        statuses = move(moving, keys("STUDY", StudyInstanceUID=moving.study[0].StudyInstanceUID))
    finally:
        peer.stop()
    *pending, (last, failed) = statuses
    assert [status.NumberOfRemainingSuboperations for status, _ in pending] == [3, 2, 1]
    assert last.Status == SUCCESS and counts(last) == (4, 0, 0) and failed is None
    assert set(peer.taken) == uids(moving.study)
    assert set(origins) == {("MOVER", 9)}


def test_move_by_movescu_to_storescp(moving, tmp_path):
    with storescp(moving.ports["storescp"], tmp_path / "in") as folder:
        time.sleep(1)
        dcmtk(
            "movescu", "-v", "-P", "-aem", "STORESCP", *to(moving),
            "-k", "QueryRetrieveLevel=SERIES", "-k", f"PatientID={moving.study[0].PatientID}",
            "-k", f"StudyInstanceUID={moving.study[0].StudyInstanceUID}",
            "-k", f"SeriesInstanceUID={moving.study[0].SeriesInstanceUID}",
        )  # fmt: skip
        files = eventually("all files are there", lambda: len(list(folder.iterdir())) == 4 and list(folder.iterdir()))
        assert {dcmread(path).SOPInstanceUID for path in files} == uids(moving.study)


def test_move_compresses_for_who_takes_nothing_else(moving):
    peer = Peer(moving.ports["peer"])
    peer.takes(JPEGLosslessSV1)
    peer.start()
    try:
        *_, (last, failed) = move(moving, keys("STUDY", StudyInstanceUID=moving.study[0].StudyInstanceUID))
    finally:
        peer.stop()
    assert last.Status == SUCCESS and counts(last) == (4, 0, 0) and failed is None
    for sent in moving.study:
        received = dcmread(io.BytesIO(peer.taken[sent.SOPInstanceUID]))
        assert received.file_meta.TransferSyntaxUID == JPEGLosslessSV1
        assert (values(received) == values(sent)).all()


def test_move_to_nowhere(moving):
    asked = keys("STUDY", StudyInstanceUID=moving.study[0].StudyInstanceUID)
    [(unknown, _)] = move(moving, asked, "ELSEWHERE")
    assert unknown.Status == 0xA801
    [(away, failed)] = move(moving, asked, "NOBODY")
    assert away.Status == FAILED and counts(away) == (0, 4, 0)
    assert set(failed.FailedSOPInstanceUIDList) == uids(moving.study)
    [(nothing, _)] = move(moving, keys("STUDY", StudyInstanceUID=objects.uid()), "NOBODY")
    assert nothing.Status == SUCCESS
    [(pattern, _)] = move(moving, keys("STUDY", StudyInstanceUID=["1.2", "*"]))
    assert pattern.Status == 0xA900


def test_a_destination_that_refuses_is_reported_object_by_object(moving):
    peer = Peer(moving.ports["peer"], status=0xA700).start()
    try:
        *_, (last, failed) = move(moving, keys("STUDY", StudyInstanceUID=moving.study[0].StudyInstanceUID))
    finally:
        peer.stop()
    assert last.Status == FAILED and counts(last) == (0, 4, 0)
    assert set(failed.FailedSOPInstanceUIDList) == uids(moving.study)
    # Of what was wanted by hand there is no dead letter.
    assert moving.get("/api/dead-letters").json() in ([], {"dead-letters": []}) or not moving.get("/api/dead-letters").json()


def test_a_slow_destination_is_told_of_every_second_and_can_be_cancelled(moving):
    peer = Peer(moving.ports["peer"])

    def slow(event):
        time.sleep(2.5)
        return peer._store(event)

    peer.server = peer.ae.start_server(("127.0.0.1", peer.port), block=False, evt_handlers=[(evt.EVT_C_STORE, slow)])
    try:
        # The second response comes while the first object is under way.
        statuses = move(moving, keys("STUDY", StudyInstanceUID=moving.study[0].StudyInstanceUID), cancel_after=2)
    finally:
        peer.stop()
    assert [status.NumberOfRemainingSuboperations for status, _ in statuses[:2]] == [4, 4]
    last, _ = statuses[-1]
    assert last.Status == CANCELLED
    assert last.NumberOfRemainingSuboperations == 3 and counts(last) == (1, 0, 0)
    assert len(peer.taken) == 1


ANONYMIZED = f"""
[plugins.anonymize]
source = "{PLUGINS}/anonymize.wasm"
grant = {{{{ secrets = ["site-key"] }}}}

[destinations.research]
dicom = {{{{ ae-title = "PEER", address = "127.0.0.1:{{peer}}" }}}}
egress = ["anonymize"]
"""


def test_what_goes_to_a_destination_passes_its_filters_whoever_asks_and_however(hosts):
    port = free_port()
    host = hosts(ANONYMIZED.format(peer=port))
    image = objects.image()
    assert store(host, image) == [SUCCESS]
    asked = keys("STUDY", StudyInstanceUID=image.StudyInstanceUID)
    peer = Peer(port).start()
    try:
        *_, (last, _) = move(host, asked)
        assert last.Status == SUCCESS
    finally:
        peer.stop()
    [file] = peer.taken.values()
    # A destination that asks by itself gets the same, in whatever transfer syntax.
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        came, (status, _) = get(host, asked, calling="PEER", syntaxes=[syntax])
        assert status.Status == SUCCESS
        [(got, data)] = came.values()
        received = decoded(data, got)
        for bytes_, dataset in ((data, received), (file, dcmread(io.BytesIO(file)))):
            assert image.PatientID.encode() not in bytes_
            assert str(image.PatientName).split("^")[0].encode() not in bytes_
            assert dataset.PixelData == image.PixelData
        assert image.SOPInstanceUID not in came
    # Others get it as it is stored.
    came, _ = get(host, asked)
    assert came[image.SOPInstanceUID][1] == objects.data_set(objects.encoded(image))


QUERIES = """
[[dicom.callers]]
ae-title = ["PEER"]
services = ["query"]
[[dicom.callers]]
ae-title = ["*"]
services = ["store", "query", "retrieve"]
"""


def test_queries_of_a_filtered_destination_are_answered_only_where_that_is_configured(hosts):
    image = objects.image()
    asked = keys("STUDY", StudyInstanceUID=image.StudyInstanceUID, PatientName="")
    for configured, expected in (("", 0x0124), (QUERIES, PENDING)):
        host = hosts(ANONYMIZED.format(peer=free_port()) + configured)
        assert store(host, image) == [SUCCESS]
        for calling, status in (("PEER", expected), ("OTHER", PENDING)):
            with association(host, [(STUDY_FIND, [ExplicitVRLittleEndian])], calling=calling) as opened:
                answers = list(opened.send_c_find(asked, STUDY_FIND))
            assert answers[0][0].Status == status
            if status != PENDING:
                assert [found for _, found in answers] == [None]
                assert "dicom.callers" in answers[0][0].ErrorComment


def test_two_destinations_of_one_title_are_no_destination(hosts):
    two = '[destinations.{0}]\ndicom = {{ ae-title = "PEER", address = "127.0.0.1:1" }}\n'
    host = hosts(two.format("first") + two.format("second"))
    image = objects.image()
    assert store(host, image) == [SUCCESS]
    asked = keys("STUDY", StudyInstanceUID=image.StudyInstanceUID)
    [(status, _)] = move(host, asked)
    assert status.Status == 0xA801
    came, (status, _) = get(host, asked, calling="PEER")
    assert not came and status.Status == 0x0124
