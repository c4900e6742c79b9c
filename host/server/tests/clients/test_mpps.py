"""Performed procedure steps by pynetdicom: N-CREATE, N-SET and N-GET, and what becomes of the worklist."""

import os
import signal

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep as MPPS,
    ModalityPerformedProcedureStepRetrieve as MPPS_RETRIEVE,
)

import objects
from hosts import Host, eventually, folder, postmaster
from orders import ask, entry, keys, schedule, step_of, worklist
from wire import SUCCESS, association

INVALID, FAILURE, DUPLICATE, NO_SUCH, MISSING, MISSING_VALUE = 0x0106, 0x0110, 0x0111, 0x0112, 0x0120, 0x0121


def begun(given, **attributes):
    """What a modality says when it begins what was scheduled."""
    reference = Dataset()
    reference.StudyInstanceUID = given.StudyInstanceUID
    reference.ReferencedStudySequence = Sequence([])
    reference.AccessionNumber = given.AccessionNumber
    reference.RequestedProcedureID = given.RequestedProcedureID
    reference.RequestedProcedureDescription = ""
    reference.ScheduledProcedureStepID = step_of(given).ScheduledProcedureStepID
    reference.ScheduledProcedureStepDescription = ""
    reference.ScheduledProtocolCodeSequence = Sequence([])
    step = Dataset()
    step.ScheduledStepAttributesSequence = Sequence([reference])
    step.PatientName = given.PatientName
    step.PatientID = given.PatientID
    step.PatientBirthDate = step.PatientSex = ""
    step.PerformedProcedureStepID = "PPS1"
    step.PerformedStationAETitle = "CT1"
    step.PerformedStationName = step.PerformedLocation = ""
    step.PerformedProcedureStepStartDate = "20260304"
    step.PerformedProcedureStepStartTime = "093105"
    step.PerformedProcedureStepStatus = "IN PROGRESS"
    step.PerformedProcedureStepDescription = ""
    step.PerformedProcedureStepEndDate = step.PerformedProcedureStepEndTime = ""
    step.Modality = "CT"
    step.StudyID = ""
    step.PerformedSeriesSequence = Sequence([])
    return changed(step, attributes)


def ended(status="COMPLETED", images=2, **attributes):
    """What it says when it ends."""
    series = Dataset()
    series.SeriesInstanceUID = objects.uid()
    series.ProtocolName = "Thorax"
    series.PerformingPhysicianName = series.OperatorsName = series.SeriesDescription = series.RetrieveAETitle = ""
    series.ReferencedImageSequence = Sequence([])
    for _ in range(images):
        image = Dataset()
        image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        image.ReferencedSOPInstanceUID = objects.uid()
        series.ReferencedImageSequence.append(image)
    step = Dataset()
    step.PerformedProcedureStepStatus = status
    step.PerformedProcedureStepEndDate = "20260304"
    step.PerformedProcedureStepEndTime = "094500"
    step.PerformedSeriesSequence = Sequence([series])
    return changed(step, attributes)


def changed(step, attributes):
    """With attributes set, or taken away."""
    for keyword, value in attributes.items():
        if value is None:
            delattr(step, keyword)
        else:
            setattr(step, keyword, value)
    return step


def create(host, step, uid=None, syntax=ExplicitVRLittleEndian):
    """N-CREATE: the response."""
    with association(host, [(MPPS, [syntax])]) as opened:
        return opened.send_n_create(step, MPPS, uid)[0]


def change(host, step, uid, **options):
    """N-SET: the response."""
    with association(host, [(MPPS, [ExplicitVRLittleEndian])], **options) as opened:
        return opened.send_n_set(step, MPPS, uid)[0]


def kept(host, uid):
    """What the operator sees of it."""
    return host.get(f"/api/mpps/{uid}").json()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_step_that_is_performed_leaves_the_worklist(host, syntax):
    given, other = entry(), entry()
    schedule(host, given, other)
    uid = objects.uid()
    assert create(host, begun(given), uid, syntax).Status == SUCCESS
    [started] = worklist(host, PatientID=given.PatientID)
    listed = host.get("/api/worklist", params={"PatientID": given.PatientID}).json()[0]
    assert (listed["status"], listed["performed"]) == ("STARTED", uid)
    assert started.PatientName == given.PatientName
    assert change(host, changed(Dataset(), {"PerformedProcedureStepDescription": "Thorax"}), uid).Status == SUCCESS
    assert kept(host, uid)["state"] == "IN PROGRESS"
    assert change(host, ended(), uid).Status == SUCCESS
    assert worklist(host, PatientID=given.PatientID) == []
    assert len(worklist(host, PatientID=other.PatientID)) == 1
    shown = kept(host, uid)
    assert (shown["state"], shown["studies"], shown["calling_ae"]) == ("COMPLETED", [given.StudyInstanceUID], "PYNETDICOM")
    assert shown["data_set"]["00400254"]["Value"] == ["Thorax"]
    assert shown["data_set"]["00100010"]["Value"][0]["Alphabetic"] == str(given.PatientName)
    [of_study] = host.get("/api/mpps", params={"study": given.StudyInstanceUID}).json()
    assert of_study["uid"] == uid
    # The order comes again: what has ended stays so.
    assert schedule(host, given)[0]["done"] == "ended before"
    assert worklist(host, PatientID=given.PatientID) == []
    said = host.command("mpps", "list", "--study", given.StudyInstanceUID)
    assert uid in said.stdout and "COMPLETED" in said.stdout


def test_a_step_that_is_discontinued_leaves_it_too(host):
    given = entry()
    schedule(host, given)
    uid = objects.uid()
    assert create(host, begun(given), uid).Status == SUCCESS
    assert change(host, ended("DISCONTINUED"), uid).Status == SUCCESS
    assert worklist(host, PatientID=given.PatientID) == []
    [shown] = host.get("/api/mpps", params={"study": given.StudyInstanceUID}).json()
    assert shown["state"] == "DISCONTINUED"


def test_the_last_that_began_decides(host):
    given = entry()
    schedule(host, given)
    first, second = objects.uid(), objects.uid()
    for uid in (first, second):
        assert create(host, begun(given), uid).Status == SUCCESS
    assert change(host, ended("DISCONTINUED"), first).Status == SUCCESS
    assert len(worklist(host, PatientID=given.PatientID)) == 1
    assert change(host, ended(), second).Status == SUCCESS
    assert worklist(host, PatientID=given.PatientID) == []


def test_a_study_of_another_uid_is_found_by_its_order(host):
    given, stranger = entry(), entry()
    schedule(host, given, stranger)
    uid = objects.uid()
    step = begun(given)
    step.ScheduledStepAttributesSequence[0].StudyInstanceUID = objects.uid()
    assert create(host, step, uid).Status == SUCCESS
    assert host.get("/api/worklist", params={"PatientID": given.PatientID}).json()[0]["performed"] == uid
    # Not of another patient, and not of another requested procedure.
    for wrong in ({"PatientID": stranger.PatientID}, {}):
        step = begun(given, **wrong)
        reference = step.ScheduledStepAttributesSequence[0]
        reference.StudyInstanceUID = objects.uid()
        if not wrong:
            reference.RequestedProcedureID = "ANOTHER"
        assert create(host, step, objects.uid()).Status == SUCCESS
    assert host.get("/api/worklist", params={"PatientID": given.PatientID}).json()[0]["performed"] == uid


def test_what_was_not_scheduled_is_kept(host):
    given = entry()
    step = begun(given)
    reference = step.ScheduledStepAttributesSequence[0]
    reference.ScheduledProcedureStepID = reference.AccessionNumber = reference.RequestedProcedureID = ""
    uid = objects.uid()
    assert create(host, step, uid).Status == SUCCESS
    # It was scheduled meanwhile, under the study that the modality knows: not this step.
    schedule(host, given)
    assert change(host, ended(), uid).Status == SUCCESS
    assert len(worklist(host, PatientID=given.PatientID)) == 1


def test_the_host_names_a_step_that_has_no_name(host):
    given = entry()
    assert create(host, begun(given)).Status == SUCCESS
    [shown] = host.get("/api/mpps", params={"study": given.StudyInstanceUID}).json()
    assert shown["uid"].startswith("2.25.")


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"PerformedProcedureStepStatus": "COMPLETED"}, INVALID),
        ({"PerformedProcedureStepStatus": "whatever"}, INVALID),
        ({"PerformedProcedureStepStatus": None}, MISSING),
        ({"PerformedProcedureStepID": None}, MISSING),
        ({"PerformedProcedureStepID": ""}, MISSING_VALUE),
        ({"PerformedStationAETitle": None}, MISSING),
        ({"PerformedProcedureStepStartDate": ""}, MISSING_VALUE),
        ({"PerformedProcedureStepStartTime": None}, MISSING),
        ({"Modality": None}, MISSING),
        ({"ScheduledStepAttributesSequence": None}, MISSING),
        ({"ScheduledStepAttributesSequence": Sequence([])}, MISSING_VALUE),
        ({"ScheduledStepAttributesSequence": Sequence([Dataset()])}, MISSING),
    ],
)
def test_what_a_new_step_must_have(host, attributes, status):
    uid = objects.uid()
    response = create(host, begun(entry(), **attributes), uid)
    assert response.Status == status
    assert response.ErrorComment
    assert host.get(f"/api/mpps/{uid}").status_code == 404


def test_a_step_is_created_once_and_not_changed_when_it_has_ended(host):
    given = entry()
    uid = objects.uid()
    assert create(host, begun(given), uid).Status == SUCCESS
    assert create(host, begun(given), uid).Status == DUPLICATE
    assert change(host, ended(), objects.uid()).Status == NO_SUCH
    assert change(host, ended(), uid).Status == SUCCESS
    before = kept(host, uid)
    for late in (ended("DISCONTINUED"), changed(Dataset(), {"PerformedProcedureStepDescription": "x"})):
        response = change(host, late, uid)
        assert (response.Status, response.ErrorID) == (FAILURE, 0xA506)
    assert kept(host, uid) == before


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"PerformedProcedureStepEndDate": None}, MISSING_VALUE),
        ({"PerformedProcedureStepEndTime": ""}, MISSING_VALUE),
        ({"PerformedSeriesSequence": None}, MISSING_VALUE),
        ({"PerformedSeriesSequence": Sequence([])}, MISSING_VALUE),
        ({"PerformedSeriesSequence": Sequence([Dataset()])}, MISSING),
        ({"PerformedProcedureStepStatus": "DONE"}, INVALID),
    ],
)
def test_what_a_step_must_have_to_end(host, attributes, status):
    uid = objects.uid()
    assert create(host, begun(entry()), uid).Status == SUCCESS
    assert change(host, ended(**attributes), uid).Status == status
    assert kept(host, uid)["state"] == "IN PROGRESS"
    assert change(host, ended(), uid).Status == SUCCESS


def test_whose_step_it_is_cannot_be_changed(host):
    given = entry()
    uid = objects.uid()
    assert create(host, begun(given), uid).Status == SUCCESS
    assert change(host, ended(PatientID="OTHER", PatientName="Other^One", PerformedStationAETitle="X"), uid).Status == SUCCESS
    data_set = kept(host, uid)["data_set"]
    assert data_set["00100020"]["Value"] == [given.PatientID]
    assert data_set["00400241"]["Value"] == ["CT1"]


def test_a_step_is_read_back(host):
    given = entry(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう")
    uid = objects.uid()
    step = begun(given)
    step.SpecificCharacterSet = "ISO_IR 192"
    assert create(host, step, uid).Status == SUCCESS
    with association(host, [(MPPS_RETRIEVE, [ExplicitVRLittleEndian])]) as opened:
        status, whole = opened.send_n_get([], MPPS_RETRIEVE, uid)
        assert status.Status == SUCCESS
        whole.decode()
        assert whole.PatientName == given.PatientName
        assert whole.ScheduledStepAttributesSequence[0].AccessionNumber == given.AccessionNumber
        status, some = opened.send_n_get([0x00080060, 0x00400252], MPPS_RETRIEVE, uid)
        assert status.Status == SUCCESS
        assert (some.Modality, some.PerformedProcedureStepStatus, len(some)) == ("CT", "IN PROGRESS", 2)
        assert opened.send_n_get([0x00080060, 0x00104000], MPPS_RETRIEVE, uid)[0].Status == 0x0107
        assert opened.send_n_get([], MPPS_RETRIEVE, objects.uid())[0].Status == NO_SUCH


def test_a_step_with_many_images(host):
    uid = objects.uid()
    assert create(host, begun(entry()), uid).Status == SUCCESS
    assert change(host, ended(images=10_000), uid).Status == SUCCESS
    [series] = kept(host, uid)["data_set"]["00400340"]["Value"]
    assert len(series["00081140"]["Value"]) == 10_000


def test_a_killed_host_keeps_what_it_acknowledged():
    with folder() as path:
        host = Host(path).start()
        try:
            given = [entry() for _ in range(10)]
            schedule(host, *given)
            uids = [objects.uid() for _ in given]
            for each, uid in zip(given, uids, strict=True):
                assert create(host, begun(each), uid).Status == SUCCESS
            for uid in uids[:5]:
                assert change(host, ended(), uid).Status == SUCCESS
            host.kill()
            host.start()
            assert [kept(host, uid)["state"] for uid in uids] == ["COMPLETED"] * 5 + ["IN PROGRESS"] * 5
            assert {each.PatientID for each in worklist(host)} == {each.PatientID for each in given[5:]}
            host.finish()
        finally:
            host.kill()


def test_when_the_database_dies_nothing_is_acknowledged_that_is_not_kept(hosts):
    host = hosts()
    given = entry()
    schedule(host, given)
    os.kill(postmaster(host), signal.SIGKILL)
    _, statuses = ask(host, keys())
    # Answered, or said not to be: out of resources.
    assert statuses[-1] in (SUCCESS, 0xA700)
    uids = [objects.uid() for _ in range(5)]
    answers = [create(host, begun(given), uid).Status for uid in uids]
    # Resource limitation: the modality sends it again.
    assert set(answers) <= {SUCCESS, 0x0213}
    eventually("steps are taken again", lambda: create(host, begun(given), objects.uid()).Status == SUCCESS)
    for uid, answer in zip(uids, answers, strict=True):
        assert answer != SUCCESS or kept(host, uid)["state"] == "IN PROGRESS"
    assert len(worklist(host, PatientID=given.PatientID)) == 1


def test_who_may_say_what_was_done(hosts):
    host = hosts(
        """
[[dicom.callers]]
ae-title = ["CT1"]
services = ["worklist"]
[[dicom.callers]]
ae-title = ["*"]
services = ["store", "query"]
"""
    )
    uid = objects.uid()
    with association(host, [(MPPS, [ExplicitVRLittleEndian])], calling="CT1") as opened:
        assert opened.send_n_create(begun(entry()), MPPS, uid)[0].Status == SUCCESS
    with pytest.raises(AssertionError):
        change(host, ended(), uid, calling="OTHER")
    assert kept(host, uid)["state"] == "IN PROGRESS"
