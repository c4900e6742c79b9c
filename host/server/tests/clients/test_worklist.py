"""The modality worklist: scheduled by the API and the command line, asked for by pynetdicom and DCMTK."""

import json
import time

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.sop_class import ModalityWorklistInformationFind as WORKLIST

import objects
from hosts import Host, folder
from orders import CANCELLED, PENDING, UNSUPPORTED_KEY, ask, entry, keys, named, schedule, step_of, worklist
from wire import SUCCESS, association, dcmtk, to


def test_what_is_scheduled_is_asked_for(host):
    given = entry()
    [said] = schedule(host, given)
    assert said == {"study": given.StudyInstanceUID, "step": step_of(given).ScheduledProcedureStepID, "done": "scheduled"}
    [answer] = worklist(host, PatientID=given.PatientID)
    for keyword in ("PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "RequestedProcedureID", "StudyInstanceUID"):
        assert answer[keyword].value == given[keyword].value, keyword
    for element in step_of(given):
        assert step_of(answer)[element.tag].value == element.value, element.keyword


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_either_transfer_syntax(host, syntax):
    given = entry()
    schedule(host, given)
    answers, statuses = ask(host, keys(PatientID=given.PatientID), syntax)
    assert statuses == [PENDING, SUCCESS]
    assert answers[0].PatientName == given.PatientName


def test_every_kind_of_matching(host):
    station = "MATCHING"
    one = entry(ScheduledStationAETitle=[station, "OTHER"], PatientName="Müller^Jörg", Modality="MR")
    two = entry(ScheduledStationAETitle=station, ScheduledProcedureStepStartDate="20260306", ScheduledProcedureStepStartTime="1500")
    schedule(host, one, two)
    first, second = (step_of(each).ScheduledProcedureStepID for each in (one, two))
    table = [
        ({}, [first, second]),
        ({"PatientName": "muller*"}, [first]),
        ({"PatientName": "M?LLER^JORG"}, [first]),
        ({"PatientID": two.PatientID}, [second]),
        ({"AccessionNumber": one.AccessionNumber}, [first]),
        ({"RequestedProcedureID": two.RequestedProcedureID}, [second]),
        ({"StudyInstanceUID": one.StudyInstanceUID}, [first]),
        ({"ScheduledProcedureStepID": second}, [second]),
        ({"Modality": "MR"}, [first]),
        ({"ScheduledPerformingPhysicianName": "DOCTOR*"}, [first, second]),
        ({"ScheduledProcedureStepStartDate": "20260304"}, [first]),
        ({"ScheduledProcedureStepStartDate": "20260305-"}, [second]),
        ({"ScheduledProcedureStepStartDate": "-20260305"}, [first]),
        ({"ScheduledProcedureStepStartTime": "1400-1600"}, [second]),
        # One range of moments: from the 4th at 10 to the 6th at 16.
        ({"ScheduledProcedureStepStartDate": "20260304-20260306", "ScheduledProcedureStepStartTime": "1000-1600"}, [second]),
        ({"ScheduledProcedureStepStartDate": "20260304-20260306", "ScheduledProcedureStepStartTime": "0900-1200"}, [first]),
        ({"PatientName": "*", "Modality": "CT"}, [second]),
        ({"PatientName": "nobody"}, []),
    ]
    for matching, expected in table:
        answers, statuses = ask(host, keys(**({"ScheduledStationAETitle": station} | matching)), calling="MODALITY")
        assert statuses == [PENDING] * len(expected) + [SUCCESS], matching
        assert named(answers) == expected, matching
    assert named(worklist(host, ScheduledStationAETitle="OTHER")) == [first]


def test_any_attribute_that_an_entry_has_is_answered(host):
    given = entry(PatientComments="Needs a lift", MedicalAlerts="Pacemaker", PatientWeight="81.5", ConfidentialityConstraintOnPatientDataDescription="")
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "CT-T", "99LOCAL", "Thorax"
    given.RequestedProcedureCodeSequence = Sequence([code])
    step_of(given).ScheduledProtocolCodeSequence = Sequence([code])
    step_of(given).ScheduledStationName = "Room 3"
    schedule(host, given)
    identifier = Dataset()
    identifier.PatientID = given.PatientID
    for keyword in ("PatientComments", "MedicalAlerts", "PatientWeight", "AdmissionID"):
        setattr(identifier, keyword, None)
    wanted = Dataset()
    wanted.CodeMeaning = ""
    identifier.RequestedProcedureCodeSequence = Sequence([wanted])
    identifier.ScheduledProcedureStepSequence = Sequence([])
    answers, statuses = ask(host, identifier)
    assert statuses == [PENDING, SUCCESS]
    [answer] = answers
    assert (answer.PatientComments, answer.MedicalAlerts, answer.PatientWeight) == ("Needs a lift", "Pacemaker", 81.5)
    assert answer["AdmissionID"].value in (None, "")
    # Of an item what was asked for; of a sequence without keys, everything.
    assert [element.keyword for element in answer.RequestedProcedureCodeSequence[0]] == ["CodeMeaning"]
    assert step_of(answer).ScheduledProtocolCodeSequence[0].CodeValue == "CT-T"
    assert step_of(answer).ScheduledStationName == "Room 3"
    assert step_of(answer).ScheduledProcedureStepStatus == "SCHEDULED"
    assert "AccessionNumber" not in answer


def test_a_key_that_is_not_supported_is_said_to_be(host):
    given = entry()
    schedule(host, given)
    answers, statuses = ask(host, keys(PatientID=given.PatientID, PatientComments="x"))
    assert (len(answers), statuses) == (1, [UNSUPPORTED_KEY, SUCCESS])


@pytest.mark.parametrize(
    ("character_set", "name", "asked"),
    [
        ("ISO_IR 100", "Müller^Jörg", "m?LLer^jorg"),
        ("ISO_IR 144", "Люкceмбypг", "люк*"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東=", "=王^小東"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "*=山田*"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "==홍^길동"),
    ],
)
def test_names_of_every_script_both_ways(host, character_set, name, asked):
    given = entry(PatientName=name)
    schedule(host, given)
    identifier = keys(PatientName=asked, PatientID=given.PatientID)
    identifier.SpecificCharacterSet = character_set
    answers, statuses = ask(host, identifier)
    assert statuses == [PENDING, SUCCESS]
    [answer] = answers
    answer.decode()
    assert str(answer.PatientName).rstrip("=") == name.rstrip("=")
    assert answer.SpecificCharacterSet == character_set


def test_dcmtk_asks(host, tmp_path):
    given = entry()
    schedule(host, given)
    step = "ScheduledProcedureStepSequence[0]."
    said = dcmtk(
        "findscu", "-W", *to(host), "-k", f"PatientID={given.PatientID}", "-k", "PatientName", "-k", "AccessionNumber",
        "-k", f"{step}Modality=CT", "-k", f"{step}ScheduledProcedureStepID", "-k", f"{step}ScheduledProcedureStepStartDate=20260301-20260331",
    )  # fmt: skip
    assert str(given.PatientName) in said
    assert step_of(given).ScheduledProcedureStepID in said


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"PatientID": None}, "PatientID (0010,0020) must be given"),
        ({"PatientName": ""}, "PatientName (0010,0010) must be given"),
        ({"RequestedProcedureID": None}, "RequestedProcedureID (0040,1001) must be given"),
        ({"ScheduledProcedureStepID": None}, "ScheduledProcedureStepSequence (0040,0100)[0] ScheduledProcedureStepID (0040,0009) must be given"),
        ({"Modality": None}, "ScheduledProcedureStepSequence (0040,0100)[0] Modality (0008,0060) must be given"),
        ({"AccessionNumber": "SECRET" * 5}, "AccessionNumber (0008,0050) has a value of more than 16 characters"),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_and_nothing_is_kept(host, change, problem):
    good, bad = entry(), entry(**change)
    answer = host.web.post(f"{host.url}/api/worklist", json=[good.to_json_dict(), bad.to_json_dict()])
    assert answer.status_code == 400
    assert answer.json()["problems"] == [f"entry 2: {problem}"]
    assert "SECRET" not in answer.text
    assert worklist(host, PatientID=good.PatientID) == []


def test_bodies_that_are_no_entries(host):
    for body in (b"", b"{", b"[]", b"7", b'{"00100020": 7}', b"[" * 100_000):
        answer = host.post("/api/worklist", body, "application/json")
        assert answer.status_code == 400, body[:20]
        assert answer.json()["problems"]


def test_an_entry_is_put_read_and_removed(host):
    given = entry(StudyInstanceUID=None)
    [said] = schedule(host, given)
    # The same order again has the same study.
    assert schedule(host, given) == [said]
    path = f"{host.url}/api/worklist/{said['study']}/{said['step']}"
    given.StudyInstanceUID = said["study"]
    step_of(given).ScheduledProcedureStepStartTime = "1200"
    assert host.web.put(path, json=given.to_json_dict()).status_code == 200
    other = entry()
    assert host.web.put(path, json=other.to_json_dict()).status_code == 400
    shown = host.web.get(path).json()
    assert (shown["status"], shown["outcome"], shown["performed"]) == ("SCHEDULED", None, None)
    [answer] = worklist(host, PatientID=given.PatientID)
    assert step_of(answer).ScheduledProcedureStepStartTime == "1200"
    [listed] = host.get("/api/worklist", params={"PatientID": given.PatientID, "Modality": "CT"}).json()
    assert listed["data_set"]["00100020"]["Value"] == [given.PatientID]
    assert host.get("/api/worklist", params={"PatientComments": "x"}).status_code == 400
    assert host.web.delete(path).status_code == 200
    assert host.web.delete(path).status_code == host.web.get(path).status_code == 404
    assert worklist(host, PatientID=given.PatientID) == []


def test_the_command_line_schedules(host, tmp_path):
    given, other = entry(), entry(PatientID=None)
    file = tmp_path / "entries.json"
    file.write_text(json.dumps([given.to_json_dict()]))
    added = host.command("worklist", "add", str(file))
    assert added.returncode == 0, added.stderr
    assert given.StudyInstanceUID in added.stdout
    listed = host.command("worklist", "list", f"PatientID={given.PatientID}")
    assert str(given.PatientName) in listed.stdout and "20260304 093000  CT1 CT" in listed.stdout
    whole = json.loads(host.command("worklist", "list", "--json", f"PatientID={given.PatientID}").stdout)
    assert whole[0]["00100020"]["Value"] == [given.PatientID]
    file.write_text(json.dumps(other.to_json_dict()))
    refused = host.command("worklist", "add", str(file))
    assert refused.returncode == 1 and "PatientID (0010,0020) must be given" in refused.stderr
    named_so = (given.StudyInstanceUID, step_of(given).ScheduledProcedureStepID)
    assert host.command("worklist", "remove", *named_so).returncode == 0
    assert host.command("worklist", "remove", *named_so).returncode == 1


def test_who_may_ask(hosts):
    host = hosts(
        """
[dicom]
unknown-callers = "refuse"
[[dicom.callers]]
ae-title = ["CT?"]
services = ["worklist"]
[[dicom.callers]]
ae-title = ["VIEWER"]
services = ["query"]
"""
    )
    given = entry()
    schedule(host, given)
    answers, _ = ask(host, keys(PatientID=given.PatientID), calling="CT1")
    assert len(answers) == 1
    for calling in ("VIEWER", "STRANGER"):
        with pytest.raises(AssertionError):
            ask(host, keys(), calling=calling)


def test_ten_thousand_entries_a_limit_and_a_cancel(hosts):
    host = hosts("[dicom]\nfind-limit = 9000\n")
    entries = [entry(ScheduledProcedureStepStartDate=f"2026{1 + at % 12:02}{1 + at % 28:02}") for at in range(10_000)]
    assert len(schedule(host, *entries)) == 10_000
    began = time.monotonic()
    [answer] = worklist(host, PatientID=entries[7777].PatientID)
    assert answer.AccessionNumber == entries[7777].AccessionNumber
    on = entries[4].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate
    expected = sum(step_of(each).ScheduledProcedureStepStartDate == on for each in entries)
    assert len(worklist(host, ScheduledProcedureStepStartDate=on, ScheduledStationAETitle="CT1")) == expected
    print("two searches among 10,000 in", time.monotonic() - began)
    identifier = Dataset()
    identifier.PatientID = ""
    answers, statuses = ask(host, identifier)
    assert (len(answers), statuses[-1]) == (9000, 0xA700)
    with association(host, [(WORKLIST, [ExplicitVRLittleEndian])]) as opened:
        statuses = []
        for status, _ in opened.send_c_find(identifier, WORKLIST, msg_id=5):
            statuses.append(status.Status)
            if len(statuses) == 3:
                opened.send_c_cancel(5, context_id=opened.accepted_contexts[0].context_id)
        assert statuses[-1] == CANCELLED
        assert len(statuses) < 9000


def test_a_killed_host_keeps_what_it_took():
    with folder() as path:
        host = Host(path).start()
        try:
            entries = [entry() for _ in range(50)]
            for each in entries:
                schedule(host, each)
            host.kill()
            host.start()
            assert {each.PatientID for each in worklist(host)} == {each.PatientID for each in entries}
            host.finish()
        finally:
            host.kill()


