"""How soon a C-CANCEL ends a query or a retrieval; and retrievals by less than the hierarchy asks for.

Apart from `test_find.py` and `test_retrieve.py` because it needs many objects, or an association of its own kind.
"""

import copy
import statistics
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_role, evt
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (
    CTImageStorage,
    ModalityWorklistInformationFind as WORKLIST,
    PatientRootQueryRetrieveInformationModelMove as PATIENT_MOVE,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    StudyRootQueryRetrieveInformationModelGet as STUDY_GET,
    StudyRootQueryRetrieveInformationModelMove as STUDY_MOVE,
)

import objects
import raw
from orders import entry, keys as worklist_keys
from raw import Conversation, command
from test_find import keys, relational
from test_retrieve import counts, uids
from wire import SUCCESS, Peer, association, dcmtk, store, to

PENDING, CANCELLED, FAILED = 0xFF00, 0xFE00, 0xA702
MANY = 700
# What the host promises is a tenth of it; a test shares its machine with others.
AT_ONCE = 1.0


@pytest.fixture(scope="module")
def crowd(archive, tmp_path_factory):
    """A series of many small images, sent by storescu on four associations at a time."""
    first = objects.image(Rows=1, Columns=1, PixelData=b"\0\0")
    folders = [tmp_path_factory.mktemp("crowd") for _ in range(4)]
    sent = []
    for at in range(MANY):
        dataset = copy.deepcopy(first)
        dataset.SOPInstanceUID = objects.uid()
        sent.append(objects.with_meta(dataset, ExplicitVRLittleEndian))
        objects.written(dataset, folders[at % 4])
    with ThreadPoolExecutor(4) as senders:
        for said in senders.map(lambda folder: dcmtk("storescu", "-R", "+sd", *to(archive), folder), folders):
            assert "Failed" not in said, said
    return sent


def cancel(talk, context):
    """Sends a C-CANCEL-RQ for the request that `raw.command` makes."""
    elements = struct.pack("<HHLH", 0, 0x0100, 2, 0x0FFF) + struct.pack("<HHLH", 0, 0x0120, 2, 7)
    elements += struct.pack("<HHLH", 0, 0x0800, 2, 0x0101)
    talk.message(context, struct.pack("<HHLL", 0, 0, 4, len(elements)) + elements)


def cancelled_after(server, sop_class, identifier, responses):
    """Cancels a query after so many responses: the last status, the responses in all, and the seconds from the cancel to it."""
    with Conversation(server) as talk:
        assert talk.associate((sop_class, ImplicitVRLittleEndian))
        context = talk.contexts[sop_class]
        talk.message(context, command(raw.FIND, sop_class), encode(identifier, True, True))
        for _ in range(responses):
            assert talk.answer().Status in (PENDING, 0xFF01)
        cancel(talk, context)
        began = time.monotonic()
        while (answer := talk.answer()).Status in (PENDING, 0xFF01):
            responses += 1
        took = time.monotonic() - began
        talk.release()
    return answer.Status, responses, took


def measured(what, server, sop_class, identifier, every):
    """Cancels at several places, in time at each; all but what was on its way is left out."""
    moments = []
    for responses in (0, 1, 2, 3, 5, 10, 20, 50, 100, 200):
        status, came, took = cancelled_after(server, sop_class, identifier, responses)
        assert status == CANCELLED and came < every
        assert took < AT_ONCE, f"cancelled after {responses} responses, it took {took} s"
        moments.append(took)
    print(f"{what}: from C-CANCEL to the last response, median {statistics.median(moments) * 1000:.1f} ms, at most {max(moments) * 1000:.1f} ms")


def test_a_cancelled_query_ends_at_once(archive, crowd):
    where = {word: crowd[0][word].value for word in ("StudyInstanceUID", "SeriesInstanceUID")}
    measured("C-FIND in the index", archive, STUDY_FIND, keys("IMAGE", SOPInstanceUID="", **where), MANY)
    # A key that the index lacks: each answer reads an object.
    identifier = keys("IMAGE", SOPInstanceUID="", WindowCenter=None, **where)
    measured("C-FIND in headers", archive, STUDY_FIND, identifier, MANY)


def test_a_cancelled_worklist_ends_at_once(host):
    entries = [entry(ScheduledStationAETitle="CROWDED").to_json_dict() for _ in range(2 * MANY)]
    assert host.web.post(f"{host.url}/api/worklist", json=entries, timeout=120).status_code == 200
    measured("worklist", host, WORKLIST, worklist_keys(ScheduledStationAETitle="CROWDED"), 2 * MANY)


def getting(archive, identifier, roles=True, options=(), cancel_after=None, delay=0):
    """The UIDs that came by a C-GET, and its statuses."""
    came, statuses = [], []

    def handle(event):
        came.append(event.request.AffectedSOPInstanceUID)
        if len(came) == cancel_after:
            event.assoc.send_c_cancel(11, context_id=context_of_get[0])
        time.sleep(delay)
        return SUCCESS

    negotiated = [*options, *([build_role(CTImageStorage, scp_role=True)] if roles else [])]
    contexts = [(STUDY_GET, [ExplicitVRLittleEndian]), (CTImageStorage, [ExplicitVRLittleEndian])]
    with association(archive, contexts, ext_neg=negotiated, evt_handlers=[(evt.EVT_C_STORE, handle)]) as opened:
        context_of_get = [each.context_id for each in opened.accepted_contexts if each.abstract_syntax == STUDY_GET]
        for status, without in opened.send_c_get(identifier, STUDY_GET, msg_id=11):
            statuses.append((status, without))
    return came, statuses


def test_a_cancelled_get_ends_after_the_object_that_is_under_way(archive, crowd):
    asked = keys("STUDY", StudyInstanceUID=crowd[0].StudyInstanceUID)
    came, statuses = getting(archive, asked, cancel_after=5, delay=0.02)
    last, _ = statuses[-1]
    assert last.Status == CANCELLED
    assert 5 <= len(came) <= 8
    assert last.NumberOfCompletedSuboperations == len(came)
    assert last.NumberOfRemainingSuboperations == MANY - len(came)


@pytest.fixture(scope="module")
def pair(archive):
    """A study of two series of two."""
    first = objects.series(2)
    second = objects.series(2, StudyInstanceUID=first[0].StudyInstanceUID, PatientID=first[0].PatientID, PatientName=first[0].PatientName)
    assert set(store(archive, *first, *second)) == {SUCCESS}
    return first, second


def below(pair):
    """Retrievals by the key of the level alone, and what they are of."""
    first, second = pair
    return [
        (keys("SERIES", SeriesInstanceUID=second[0].SeriesInstanceUID), uids(second)),
        (keys("SERIES", SeriesInstanceUID=[first[0].SeriesInstanceUID, second[0].SeriesInstanceUID]), uids(first, second)),
        (keys("IMAGE", SOPInstanceUID=first[1].SOPInstanceUID), {first[1].SOPInstanceUID}),
        (keys("IMAGE", SOPInstanceUID=[first[0].SOPInstanceUID, second[1].SOPInstanceUID]), uids([first[0], second[1]])),
    ]


def test_relational_get_needs_no_keys_above(archive, pair):
    for identifier, expected in below(pair):
        came, statuses = getting(archive, identifier, options=relational(STUDY_GET, b"\x01")["ext_neg"])
        assert set(came) == expected
        assert statuses[-1][0].Status == SUCCESS and counts(statuses[-1][0]) == (len(expected), 0, 0)


def test_relational_move_needs_no_keys_above(acquainted):
    first, second = objects.series(2), objects.series(1)
    assert set(store(acquainted, *first, *second)) == {SUCCESS}
    asked = keys("IMAGE", SOPInstanceUID=[first[0].SOPInstanceUID, second[0].SOPInstanceUID])
    peer = Peer(acquainted.peer).start()
    try:
        with association(acquainted, [(STUDY_MOVE, [ExplicitVRLittleEndian])], **relational(STUDY_MOVE, b"\x01")) as opened:
            *_, (last, _) = opened.send_c_move(asked, "PEER", STUDY_MOVE)
        assert last.Status == SUCCESS
    finally:
        peer.stop()
    assert set(peer.taken) == uids([first[0]], second)


def test_relational_retrieval_is_refused_where_it_was_not_agreed_on(acquainted):
    image = objects.image()
    assert store(acquainted, image) == [SUCCESS]
    # PS3.4 §C.4.2.2.1 and §C.4.3.2.1: the unique keys of the levels above are required.
    for asked in (keys("SERIES", SeriesInstanceUID=image.SeriesInstanceUID), keys("IMAGE", SOPInstanceUID=image.SOPInstanceUID)):
        came, [(refused, _)] = getting(acquainted, asked)
        assert not came and refused.Status == 0xA900
        with association(acquainted, [(STUDY_MOVE, [ExplicitVRLittleEndian])]) as opened:
            [(refused, _)] = opened.send_c_move(asked, "PEER", STUDY_MOVE)
        assert refused.Status == 0xA900


def test_without_role_selection_nothing_is_sent_and_that_is_said(archive, pair):
    first, second = pair
    came, statuses = getting(archive, keys("STUDY", StudyInstanceUID=first[0].StudyInstanceUID), roles=False)
    last, without = statuses[-1]
    # PS3.7 §D.3.3.4: the requestor is no provider of a class for which it proposed no such role.
    assert not came
    assert last.Status == FAILED and counts(last) == (0, 4, 0)
    assert set(without.FailedSOPInstanceUIDList) == uids(first, second)


def test_a_patient_is_moved_whole(acquainted):
    studies = [objects.image(PatientID="PLANTED-MOVED-1", PatientName="Plantedmoved^Person") for _ in range(3)]
    other = objects.image()
    assert set(store(acquainted, *studies, other)) == {SUCCESS}
    peer = Peer(acquainted.peer).start()
    try:
        with association(acquainted, [(PATIENT_MOVE, [ExplicitVRLittleEndian])]) as opened:
            *pending, (last, without) = opened.send_c_move(keys("PATIENT", PatientID="PLANTED-MOVED-1"), "PEER", PATIENT_MOVE)
    finally:
        peer.stop()
    assert last.Status == SUCCESS and counts(last) == (3, 0, 0) and without is None
    assert {status.Status for status, _ in pending} <= {PENDING}
    assert set(peer.taken) == uids(studies)
