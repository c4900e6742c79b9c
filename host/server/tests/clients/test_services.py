"""Each service of an archive as PS3.4 has it, in order and not, by DCMTK and pynetdicom: what any server should do.

Apart from the tests of the single services, which ask for more than the standard demands. It is made to be held against
another server: see README.md.
"""

import time

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep as MPPS,
    ModalityWorklistInformationFind as WORKLIST,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind as PATIENT_FIND,
    PatientRootQueryRetrieveInformationModelGet as PATIENT_GET,
    PatientRootQueryRetrieveInformationModelMove as PATIENT_MOVE,
    StorageCommitmentPushModel as COMMITMENT,
    StorageCommitmentPushModelInstance as COMMITMENT_INSTANCE,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    StudyRootQueryRetrieveInformationModelGet as STUDY_GET,
    StudyRootQueryRetrieveInformationModelMove as STUDY_MOVE,
    Verification,
)

import objects
import test_commitment as commitment
from orders import entry, keys as worklist_keys, named, step_of
from test_find import ask, keys
from test_mpps import begun, ended
from test_retrieve import counts, decoded, get, same_but, uids
from wire import SUCCESS, Peer, association, dcmtk, store, to

PENDING, CANCELLED = (0xFF00, 0xFF01), 0xFE00


def offers(server, sop_class):
    """Whether the server accepts a presentation context of that class; where it does not, its test is skipped."""
    with association(server, [(sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]), (Verification, None)]) as opened:
        if sop_class not in {str(context.abstract_syntax) for context in opened.accepted_contexts}:
            pytest.skip("this server does not offer it")


def found(server, identifier, root=STUDY_FIND):
    """The answers to a query that succeeds, whatever its keys that are not supported."""
    answers, statuses = ask(server, identifier, root)
    assert statuses[-1] == SUCCESS and set(statuses[:-1]) <= set(PENDING), statuses
    return answers


def failed(status):
    """Whether a status is an error of a query or retrieval (PS3.4 Annex C)."""
    return status & 0xF000 in (0xA000, 0xC000) or 0x0100 <= status < 0x0300


@pytest.fixture(scope="module")
def study(acquainted):
    """Two series of CT, of three and two images, and an MR study of the same patient."""
    first = objects.series(3, StudyDescription="Thorax", StudyDate="20250304")
    shared = {word: first[0][word].value for word in ("PatientName", "PatientID", "AccessionNumber", "StudyID", "StudyDescription")}
    second = objects.series(2, SeriesNumber=2, StudyInstanceUID=first[0].StudyInstanceUID, StudyDate="20250304", **shared)
    other = objects.image("MR", PatientName=first[0].PatientName, PatientID=first[0].PatientID, StudyDate="20250401")
    assert set(store(acquainted, *first, *second, other)) == {SUCCESS}
    return first, second, other


def test_echo(acquainted):
    assert "Success" in dcmtk("echoscu", "-v", *to(acquainted))
    with association(acquainted, [(Verification, None)]) as opened:
        assert [opened.send_c_echo().Status for _ in range(3)] == [SUCCESS] * 3


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
def test_what_is_stored_is_found_and_comes_back(acquainted, syntax):
    image = objects.image(syntax=syntax, StudyDescription="Größe")
    assert store(acquainted, image) == [SUCCESS]
    [answer] = found(acquainted, keys("STUDY", StudyInstanceUID=image.StudyInstanceUID, PatientName="", StudyDescription=""))
    assert (answer.PatientName, answer.StudyDescription) == (image.PatientName, "Größe")
    came, (status, _) = get(acquainted, keys("STUDY", StudyInstanceUID=image.StudyInstanceUID), syntaxes=[syntax])
    assert status.Status == SUCCESS and list(came) == [image.SOPInstanceUID]
    received = decoded(came[image.SOPInstanceUID][1], syntax)
    same_but(image, received)
    assert received.PixelData == image.PixelData


@pytest.mark.parametrize("tool", ["storescu", "dcmsend"])
def test_store_by_dcmtk(acquainted, tmp_path, tool):
    sent = objects.series(2)
    dcmtk(tool, *to(acquainted), *(objects.written(each, tmp_path) for each in sent))
    where = {word: sent[0][word].value for word in ("StudyInstanceUID", "SeriesInstanceUID")}
    answers = found(acquainted, keys("IMAGE", SOPInstanceUID="", **where))
    assert {each.SOPInstanceUID for each in answers} == uids(sent)


def test_the_same_object_twice_is_there_once(acquainted):
    image = objects.image()
    assert store(acquainted, image, image) == [SUCCESS, SUCCESS]
    answers = found(acquainted, keys("IMAGE", StudyInstanceUID=image.StudyInstanceUID, SeriesInstanceUID=image.SeriesInstanceUID, SOPInstanceUID=""))
    assert len(answers) == 1


def test_an_object_under_another_uid_than_the_command_says_is_refused(acquainted, tmp_path):
    image, good = objects.series(2)
    path = objects.written(image, tmp_path)
    instance = image.SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(instance, instance[:-1] + (b"1" if instance[-1:] != b"1" else b"2"), 1))
    statuses = store(acquainted, path, good)
    assert statuses[0] & 0xF000 in (0xA000, 0xC000) and statuses[1] == SUCCESS


def test_an_object_that_says_no_study_is_refused(acquainted):
    image, good = objects.series(2)
    del image.StudyInstanceUID
    statuses = store(acquainted, image, good)
    assert statuses[0] & 0xF000 in (0xA000, 0xC000) and statuses[1] == SUCCESS


def test_find_at_every_level(acquainted, study):
    first, second, other = study
    who, where = first[0].PatientID, first[0].StudyInstanceUID
    assert len(found(acquainted, keys("PATIENT", PatientID=who, PatientName=""), PATIENT_FIND)) == 1
    of_patient = found(acquainted, keys("STUDY", PatientID=who, StudyInstanceUID=""), PATIENT_FIND)
    assert {each.StudyInstanceUID for each in of_patient} == {where, other.StudyInstanceUID}
    series = found(acquainted, keys("SERIES", StudyInstanceUID=where, SeriesInstanceUID="", Modality=""))
    assert {(each.SeriesInstanceUID, each.Modality) for each in series} == {
        (group[0].SeriesInstanceUID, "CT") for group in (first, second)
    }
    images = found(acquainted, keys("IMAGE", StudyInstanceUID=where, SeriesInstanceUID=first[0].SeriesInstanceUID, SOPInstanceUID=""))
    assert {each.SOPInstanceUID for each in images} == uids(first)
    assert {each.QueryRetrieveLevel.strip() for each in images} == {"IMAGE"}


@pytest.mark.parametrize(
    ("matching", "count"),
    [
        ({"StudyInstanceUID": ""}, 2),
        ({"StudyDate": "20250304"}, 1),
        ({"StudyDate": "20250304-20250401"}, 2),
        ({"StudyDate": "20250305-"}, 1),
        ({"StudyDate": "-20250331"}, 1),
        ({"StudyDate": "20250402-"}, 0),
        ({"StudyDescription": "Tho*"}, 1),
        ({"StudyDescription": "T?orax"}, 1),
        ({"StudyDescription": "T?rax"}, 0),
        ({"ModalitiesInStudy": "MR"}, 1),
        ({"AccessionNumber": "nothing"}, 0),
        ({"StudyTime": "101100-101113"}, 2),
    ],
    ids=str,
)
def test_kinds_of_matching(acquainted, study, matching, count):
    who = study[0][0].PatientID
    assert len(found(acquainted, keys("STUDY", **({"PatientID": who, "StudyInstanceUID": ""} | matching)))) == count


def test_a_list_of_uids_matches_each(acquainted, study):
    asked = [study[0][0].StudyInstanceUID, study[2].StudyInstanceUID, objects.uid()]
    answers = found(acquainted, keys("STUDY", StudyInstanceUID=asked))
    assert {each.StudyInstanceUID for each in answers} == set(asked[:2])


def test_counts_of_what_is_below(acquainted, study):
    [answer] = found(
        acquainted,
        keys("STUDY", StudyInstanceUID=study[0][0].StudyInstanceUID, NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances=""),
    )
    assert (answer.NumberOfStudyRelatedSeries, answer.NumberOfStudyRelatedInstances) == (2, 5)


def test_findscu(acquainted, study, tmp_path):
    dcmtk("findscu", "-S", "-X", "-od", tmp_path, *to(acquainted), "-k", "QueryRetrieveLevel=STUDY", "-k", f"PatientID={study[0][0].PatientID}", "-k", "StudyInstanceUID")  # fmt: skip
    assert len(list(tmp_path.glob("*.dcm"))) == 2


@pytest.mark.parametrize(
    ("root", "identifier"),
    [
        (STUDY_FIND, keys("WHATEVER", StudyInstanceUID="")),
        (STUDY_FIND, keys("SERIES", SeriesInstanceUID="")),
        (STUDY_FIND, keys("IMAGE", StudyInstanceUID="1.2", SOPInstanceUID="")),
        (PATIENT_FIND, keys("STUDY", StudyInstanceUID="")),
    ],
    ids=["level", "series", "image", "study"],
)
def test_a_query_that_does_not_fit_the_information_model_is_refused(acquainted, root, identifier):
    answers, statuses = ask(acquainted, identifier, root)
    assert not answers and failed(statuses[-1]), statuses


def test_get_at_every_level(acquainted, study):
    first, second, other = study
    who, where = first[0].PatientID, first[0].StudyInstanceUID
    below = {"StudyInstanceUID": where, "SeriesInstanceUID": first[0].SeriesInstanceUID}
    for identifier, model, expected in [
        (keys("PATIENT", PatientID=who), PATIENT_GET, uids(first, second, [other])),
        (keys("STUDY", PatientID=who, StudyInstanceUID=where), PATIENT_GET, uids(first, second)),
        (keys("STUDY", StudyInstanceUID=where), STUDY_GET, uids(first, second)),
        (keys("SERIES", **below), STUDY_GET, uids(first)),
        (keys("IMAGE", SOPInstanceUID=first[1].SOPInstanceUID, **below), STUDY_GET, {first[1].SOPInstanceUID}),
    ]:
        came, (status, _) = get(acquainted, identifier, model)
        assert set(came) == expected, identifier
        assert status.Status == SUCCESS and counts(status) == (len(expected), 0, 0), identifier


def test_get_of_what_is_not_there_sends_nothing(acquainted):
    came, (status, _) = get(acquainted, keys("STUDY", StudyInstanceUID=objects.uid()))
    assert not came and status.Status == SUCCESS and counts(status) == (0, 0, 0)


def test_get_of_a_class_that_is_not_taken_is_reported(acquainted, study):
    first, second, other = study
    asked = keys("STUDY", StudyInstanceUID=[first[0].StudyInstanceUID, other.StudyInstanceUID])
    came, (status, without) = get(acquainted, asked, classes=[MRImageStorage])
    assert set(came) == {other.SOPInstanceUID}
    assert status.Status == 0xB000 and counts(status) == (1, 5, 0)
    assert set(without.FailedSOPInstanceUIDList) == uids(first, second)


def test_get_of_what_is_then_refused_is_reported(acquainted, study):
    asked = keys("STUDY", StudyInstanceUID=study[2].StudyInstanceUID)
    _, (status, without) = get(acquainted, asked, answer=0xA700)
    assert status.Status & 0xF000 in (0xA000, 0xB000) and counts(status) == (0, 1, 0)
    assert without.FailedSOPInstanceUIDList == study[2].SOPInstanceUID


def test_getscu(acquainted, study, tmp_path):
    dcmtk("getscu", "-S", "-od", tmp_path, *to(acquainted), "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study[0][0].StudyInstanceUID}")  # fmt: skip
    assert {dcmread(path).SOPInstanceUID for path in tmp_path.iterdir()} == uids(*study[:2])


def move(server, identifier, destination="PEER", model=STUDY_MOVE):
    """The last response to a C-MOVE."""
    with association(server, [(model, [ExplicitVRLittleEndian])], calling="MOVER") as opened:
        *before, last = list(opened.send_c_move(identifier, destination, model))
    assert all(status.Status == 0xFF00 for status, _ in before)
    return last


@pytest.fixture
def peer(acquainted):
    """PEER, which takes what it is sent."""
    peer = Peer(acquainted.peer).start()
    yield peer
    peer.stop()


@pytest.mark.parametrize("level", ["PATIENT", "STUDY", "SERIES", "IMAGE"])
def test_move_at_every_level(acquainted, study, peer, level):
    first, second, other = study
    unique = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    depth = ["PATIENT", "STUDY", "SERIES", "IMAGE"].index(level)
    identifier = keys(level, **{word: first[0][word].value for word in unique[: depth + 1]})
    expected = [uids(first, second, [other]), uids(first, second), uids(first), {first[0].SOPInstanceUID}][depth]
    status, without = move(acquainted, identifier, model=PATIENT_MOVE)
    assert status.Status == SUCCESS and counts(status) == (len(expected), 0, 0)
    assert without is None
    assert set(peer.taken) == expected


def test_move_to_whom_nobody_knows(acquainted, study):
    status, _ = move(acquainted, keys("STUDY", StudyInstanceUID=study[0][0].StudyInstanceUID), "ELSEWHERE")
    assert status.Status == 0xA801


def test_move_to_who_is_away(acquainted, study):
    status, _ = move(acquainted, keys("STUDY", StudyInstanceUID=study[2].StudyInstanceUID))
    assert failed(status.Status)


def test_move_to_who_refuses_is_reported(acquainted, study):
    peer = Peer(acquainted.peer, status=0xA700).start()
    try:
        status, without = move(acquainted, keys("STUDY", StudyInstanceUID=study[2].StudyInstanceUID))
    finally:
        peer.stop()
    assert status.Status & 0xF000 in (0xA000, 0xB000) and counts(status) == (0, 1, 0)
    assert without.FailedSOPInstanceUIDList == study[2].SOPInstanceUID


def test_movescu(acquainted, study, peer):
    dcmtk("movescu", "-S", "-aem", "PEER", *to(acquainted), "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study[2].StudyInstanceUID}")  # fmt: skip
    assert set(peer.taken) == {study[2].SOPInstanceUID}


def test_the_worklist_is_asked_for(acquainted):
    offers(acquainted, WORKLIST)
    given, other = entry(ScheduledStationAETitle="ROOM7"), entry(ScheduledStationAETitle="ROOM7", Modality="MR")
    for each in (given, other):
        acquainted.schedule(each)
    ours, theirs = (step_of(each).ScheduledProcedureStepID for each in (given, other))
    for matching, expected in [
        ({"PatientID": given.PatientID}, {ours}),
        ({"Modality": "MR"}, {theirs}),
        ({"ScheduledProcedureStepStartDate": "20260304"}, {ours, theirs}),
        ({"ScheduledProcedureStepStartDate": "20260301-20260303"}, set()),
        ({"PatientName": str(given.PatientName)[:16] + "*"}, {ours}),
    ]:
        with association(acquainted, [(WORKLIST, [ExplicitVRLittleEndian])]) as opened:
            *answers, (last, _) = opened.send_c_find(worklist_keys(**({"ScheduledStationAETitle": "ROOM7"} | matching)), WORKLIST)
        assert last.Status == SUCCESS
        assert set(named(answer for _, answer in answers)) == expected, matching


def test_a_performed_step_is_begun_and_ended_once(acquainted):
    offers(acquainted, MPPS)
    uid = objects.uid()
    with association(acquainted, [(MPPS, [ExplicitVRLittleEndian])]) as opened:
        assert opened.send_n_set(ended(), MPPS, objects.uid())[0].Status == 0x0112
        given = entry()
        assert opened.send_n_create(begun(given), MPPS, uid)[0].Status == SUCCESS
        assert opened.send_n_create(begun(given), MPPS, uid)[0].Status == 0x0111
        assert opened.send_n_set(ended(), MPPS, uid)[0].Status == SUCCESS
        # It may no longer be updated (PS3.4 §F.7.2.2.2).
        assert opened.send_n_set(ended(), MPPS, uid)[0].Status == 0x0110


def test_storage_is_committed_of_what_is_there(acquainted):
    offers(acquainted, COMMITMENT)
    there, missing = objects.image(), objects.image()
    assert store(acquainted, there) == [SUCCESS]
    # The report may come on this association, or to PEER.
    told = commitment.Told()
    server = commitment.AE(ae_title="PEER")
    server.add_supported_context(COMMITMENT, [ExplicitVRLittleEndian, ImplicitVRLittleEndian], scu_role=False, scp_role=True)
    told.server = server.start_server(("127.0.0.1", acquainted.peer), block=False, evt_handlers=told.handlers)
    try:
        for number, (referred, kind) in enumerate([([there], 1), ([there, missing], 2)], 1):
            asked = commitment.request(*referred)
            with association(acquainted, [(COMMITMENT, [ExplicitVRLittleEndian])], calling="PEER", evt_handlers=told.handlers) as opened:
                assert opened.send_n_action(asked, 1, COMMITMENT, COMMITMENT_INSTANCE)[0].Status == SUCCESS
                reported, information = told.wait(number)
            assert (reported, information.TransactionUID) == (kind, asked.TransactionUID)
            assert commitment.committed(information) == {there.SOPInstanceUID}
            assert commitment.failed(information) == ({missing.SOPInstanceUID: 0x0112} if kind == 2 else {})
    finally:
        told.stop()


def test_a_class_that_is_no_service_is_not_accepted(acquainted):
    with association(acquainted, [("1.2.840.10008.5.1.1.9", [ImplicitVRLittleEndian]), (Verification, None)]) as opened:
        assert [str(context.abstract_syntax) for context in opened.accepted_contexts] == [Verification]
        assert opened.rejected_contexts[0].result == 3


def test_a_cancelled_query_ends_soon(acquainted):
    sent = objects.series(60)
    assert set(store(acquainted, *sent)) == {SUCCESS}
    query = keys("IMAGE", StudyInstanceUID=sent[0].StudyInstanceUID, SeriesInstanceUID=sent[0].SeriesInstanceUID, SOPInstanceUID="")
    with association(acquainted, [(STUDY_FIND, [ExplicitVRLittleEndian])]) as opened:
        began = time.monotonic()
        statuses = []
        for status, _ in opened.send_c_find(query, STUDY_FIND, msg_id=5):
            if not statuses:
                opened.send_c_cancel(5, context_id=opened.accepted_contexts[0].context_id)
            statuses.append(status.Status)
        # All may have been on their way.
        assert statuses[-1] in (CANCELLED, SUCCESS) and time.monotonic() - began < 20
        assert list(opened.send_c_find(keys("STUDY", StudyInstanceUID=objects.uid()), STUDY_FIND))[-1][0].Status == SUCCESS
