"""Workstations ask: C-FIND by DCMTK and pynetdicom, orderly and not.

Most of it can be held against another server: see `archive` in conftest.py.
"""

import copy
import io
import time

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.dsutils import encode
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind as PATIENT_ROOT,
    PatientStudyOnlyQueryRetrieveInformationModelFind as PATIENT_STUDY_ONLY,
    StudyRootQueryRetrieveInformationModelFind as STUDY_ROOT,
)

import objects
from wire import SUCCESS, association, dcmtk, store, to

PENDING, UNSUPPORTED_KEY, CANCELLED = 0xFF00, 0xFF01, 0xFE00


def keys(level, **attributes):
    """An identifier."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in attributes.items():
        setattr(identifier, keyword, value)
    return identifier


def relational(root, information=b"\x01\x01\x01"):
    """What asks for all options of a query (PS3.4 §C.5.1.1)."""
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid = root
    item.service_class_application_information = information
    return {"ext_neg": [item]}


def ask(archive, identifier, root=STUDY_ROOT, syntax=ExplicitVRLittleEndian, **options):
    """The answers, and all statuses."""
    with association(archive, [(root, [syntax])], **options) as opened:
        answers, statuses = [], []
        for status, answer in opened.send_c_find(identifier, root):
            statuses.append(status.Status)
            if answer is not None:
                answers.append(answer)
    return answers, statuses


def found(archive, identifier, root=STUDY_ROOT, **options):
    """The answers to a query in which all is well."""
    answers, statuses = ask(archive, identifier, root, **options)
    assert statuses == [PENDING] * len(answers) + [SUCCESS]
    return answers


def refused(archive, identifier, root=STUDY_ROOT, **options):
    """The status and offending elements of a query that is not performed; the association goes on."""
    with association(archive, [(root, [ExplicitVRLittleEndian])], **options) as opened:
        [(status, answer)] = list(opened.send_c_find(identifier, root))
        assert answer is None
        assert status.ErrorComment
        [(after, _)] = list(opened.send_c_find(keys("STUDY", PatientID="nobody", StudyInstanceUID=objects.uid()), root))
        assert after.Status == SUCCESS
        offending = status.get("OffendingElement")
        return status.Status, offending and [offending] if not isinstance(offending, list) else offending


@pytest.fixture(scope="module")
def patient(archive):
    """A patient with two studies: CT in two series of 2 and 3 images, and MR."""
    ct = objects.series(2, StudyDescription="Thorax", ReferringPhysicianName="Strauß^Ödön")
    shared = {
        keyword: ct[0][keyword].value
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber", "StudyID")
    }
    second = objects.series(3, StudyDescription="Thorax", SeriesNumber=2, SeriesDate="20260103", **shared)
    del shared["StudyInstanceUID"], shared["AccessionNumber"], shared["StudyID"]
    mr = [objects.image("MR", StudyDate="20260213", StudyTime="235959", **shared)]
    for dataset in second:
        dataset.StudyInstanceUID = ct[0].StudyInstanceUID
    assert set(store(archive, *ct, *second, *mr)) == {SUCCESS}
    return ct + second, mr


def test_every_level_of_the_patient_root(archive, patient):
    ct, mr = patient
    who = ct[0].PatientID
    [answer] = found(
        archive,
        keys("PATIENT", PatientID=who, PatientName="", NumberOfPatientRelatedStudies="", NumberOfPatientRelatedInstances=""),
        PATIENT_ROOT,
    )
    assert answer.PatientName == ct[0].PatientName
    assert (answer.NumberOfPatientRelatedStudies, answer.NumberOfPatientRelatedInstances) == (2, 6)
    assert (answer.QueryRetrieveLevel, answer.RetrieveAETitle) == ("PATIENT", getattr(archive, "ae_title", "ISOCENTER"))
    studies = found(
        archive,
        keys("STUDY", PatientID=who, StudyInstanceUID="", NumberOfPatientRelatedStudies="", NumberOfPatientRelatedInstances=""),
    )
    assert {(each.NumberOfPatientRelatedStudies, each.NumberOfPatientRelatedInstances) for each in studies} == {(2, 6)}
    studies = found(
        archive,
        keys("STUDY", PatientID=who, StudyInstanceUID="", ModalitiesInStudy="", NumberOfStudyRelatedSeries="", StudyDate=""),
        PATIENT_ROOT,
    )
    assert {(each.StudyInstanceUID, each.ModalitiesInStudy, each.NumberOfStudyRelatedSeries) for each in studies} == {
        (ct[0].StudyInstanceUID, "CT", 2),
        (mr[0].StudyInstanceUID, "MR", 1),
    }
    series = found(
        archive,
        keys(
            "SERIES",
            PatientID=who,
            StudyInstanceUID=ct[0].StudyInstanceUID,
            SeriesInstanceUID="",
            Modality="",
            NumberOfSeriesRelatedInstances="",
        ),
        PATIENT_ROOT,
    )
    assert sorted(each.NumberOfSeriesRelatedInstances for each in series) == [2, 3]
    images = found(
        archive,
        keys(
            "IMAGE",
            PatientID=who,
            StudyInstanceUID=ct[0].StudyInstanceUID,
            SeriesInstanceUID=ct[0].SeriesInstanceUID,
            SOPInstanceUID="",
            SOPClassUID="",
            InstanceNumber="",
        ),
        PATIENT_ROOT,
    )
    assert {each.SOPInstanceUID for each in images} == {each.SOPInstanceUID for each in ct[:2]}
    assert {each.SOPClassUID for each in images} == {ct[0].SOPClassUID}


def test_patient_study_only_has_two_levels(archive, patient):
    who = patient[0][0].PatientID
    assert len(found(archive, keys("STUDY", PatientID=who, StudyInstanceUID=""), PATIENT_STUDY_ONLY)) == 2
    below = keys("SERIES", PatientID=who, StudyInstanceUID=patient[0][0].StudyInstanceUID)
    assert refused(archive, below, PATIENT_STUDY_ONLY)[0] == 0xA900


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_either_transfer_syntax(archive, patient, syntax):
    [answer] = found(archive, keys("STUDY", StudyInstanceUID=patient[1][0].StudyInstanceUID, PatientName=""), syntax=syntax)
    assert answer.PatientName == patient[1][0].PatientName


def test_a_list_of_uids(archive, patient):
    ct, mr = patient
    uids = [ct[0].StudyInstanceUID, mr[0].StudyInstanceUID, objects.uid()]
    assert {each.StudyInstanceUID for each in found(archive, keys("STUDY", StudyInstanceUID=uids))} == set(uids[:2])


def test_every_kind_of_matching(archive, patient):
    ct, mr = patient
    who, family = ct[0].PatientID, str(ct[0].PatientName).split("^")[0]
    table = [
        ({"PatientID": who}, 2),
        ({"PatientID": who[:-1] + "?"}, None),
        ({"PatientName": f"{family}*"}, 2),
        ({"PatientName": f"{family.upper()}^*"}, 2),
        ({"PatientName": family[:-1]}, 0),
        ({"ReferringPhysicianName": "strauss^odon"}, 1),
        ({"StudyDescription": "Tho*"}, 1),
        ({"StudyDescription": "tho*"}, 0),
        ({"StudyDate": "20260102"}, 1),
        ({"StudyDate": "20260102-20260213"}, 2),
        ({"StudyDate": "20260103-"}, 1),
        ({"StudyDate": "-20260131"}, 1),
        ({"StudyDate": "20260214-"}, 0),
        ({"StudyTime": "101100-101112"}, 1),
        ({"StudyTime": "-12"}, 1),
        ({"ModalitiesInStudy": "MR"}, 1),
        ({"ModalitiesInStudy": ["MR", "CT"]}, 2),
        ({"AccessionNumber": ct[0].AccessionNumber}, 1),
        ({"AccessionNumber": "*"}, 2),
        ({"PatientBirthDate": "19600203"}, 2),
    ]
    for matching, count in table:
        answers = found(archive, keys("STUDY", **({"PatientID": who, "StudyInstanceUID": ""} | matching)))
        # A pattern for one patient's ID may be another's of this run too.
        assert len(answers) == count or (count is None and len(answers) >= 2), matching


def test_a_range_of_days_and_one_of_times_are_combined_where_that_was_agreed(archive, patient):
    # From the 2nd of January at 12 to the 13th of February at 24: the CT of the 2nd at 10:11 is before that.
    query = keys(
        "STUDY",
        PatientID=patient[0][0].PatientID,
        StudyInstanceUID="",
        StudyDate="20260102-20260213",
        StudyTime="120000-235959",
    )
    combined = found(archive, query, **relational(STUDY_ROOT))
    assert [each.StudyInstanceUID for each in combined] == [patient[1][0].StudyInstanceUID]
    query.StudyTime = "1000-1015"
    assert len(found(archive, query, **relational(STUDY_ROOT))) == 1
    assert [each.StudyDate for each in found(archive, query)] == ["20260102"]


def test_relational_queries_need_no_keys_above(archive, patient):
    ct, _ = patient
    query = keys("SERIES", SeriesInstanceUID="", PatientID=ct[0].PatientID, Modality="CT")
    assert refused(archive, query)[0] == 0xA900
    answers = found(archive, query, **relational(STUDY_ROOT))
    assert {each.SeriesInstanceUID for each in answers} == {each.SeriesInstanceUID for each in ct}
    assert {each.StudyInstanceUID for each in answers} == {ct[0].StudyInstanceUID}
    [image] = found(archive, keys("IMAGE", SOPInstanceUID=ct[3].SOPInstanceUID, PatientID=""), **relational(STUDY_ROOT))
    assert (image.SeriesInstanceUID, image.PatientID) == (ct[3].SeriesInstanceUID, ct[3].PatientID)


def test_items_of_a_sequence_match(archive):
    step = Dataset()
    step.ScheduledProcedureStepID = "STEP-7"
    step.RequestedProcedureID = "RP-7"
    scheduled = objects.image(RequestAttributesSequence=Sequence([step]))
    other = objects.image(StudyInstanceUID=scheduled.StudyInstanceUID)
    assert set(store(archive, scheduled, other)) == {SUCCESS}
    wanted = Dataset()
    wanted.ScheduledProcedureStepID = "STEP-7"
    query = keys(
        "SERIES",
        StudyInstanceUID=scheduled.StudyInstanceUID,
        SeriesInstanceUID="",
        RequestAttributesSequence=Sequence([wanted]),
    )
    [answer] = found(archive, query)
    assert answer.SeriesInstanceUID == scheduled.SeriesInstanceUID
    assert answer.RequestAttributesSequence[0].RequestedProcedureID == "RP-7"


def test_any_element_of_an_object_and_of_what_is_above_it(archive):
    image = objects.image(
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        SliceThickness="2.5",
        WindowCenter="40",
        PatientComments="",
        EthnicGroup="some",
        CurrentPatientLocation="Ward 3",
        DeviceSerialNumber="4711",
    )
    assert store(archive, image) == [SUCCESS]
    above = {"StudyInstanceUID": image.StudyInstanceUID, "SeriesInstanceUID": image.SeriesInstanceUID}
    [answer] = found(
        archive,
        keys("IMAGE", SOPInstanceUID="", ImageType=None, SliceThickness=None, Rows=None, WindowCenter=None, **above),
    )
    assert (answer.ImageType, answer.SliceThickness, answer.Rows) == (["ORIGINAL", "PRIMARY", "AXIAL"], 2.5, 16)
    assert answer.WindowCenter == 40
    [answer] = found(archive, keys("SERIES", DeviceSerialNumber="", **above))
    assert answer.DeviceSerialNumber == "4711"
    [answer] = found(archive, keys("STUDY", CurrentPatientLocation="", StudyInstanceUID=image.StudyInstanceUID))
    assert answer.CurrentPatientLocation == "Ward 3"


def test_a_key_that_is_not_supported_is_said_to_be(archive, patient):
    query = keys("STUDY", StudyInstanceUID=patient[1][0].StudyInstanceUID, SliceThickness="5", PatientName="")
    answers, statuses = ask(archive, query)
    assert statuses == [UNSUPPORTED_KEY, SUCCESS]
    assert answers[0].SliceThickness is None
    assert answers[0].PatientName == patient[1][0].PatientName


def test_no_match_is_no_error(archive):
    assert found(archive, keys("STUDY", StudyInstanceUID=objects.uid())) == []


@pytest.mark.parametrize(
    ("root", "identifier", "offending"),
    [
        (STUDY_ROOT, Dataset(), 0x00080052),
        (STUDY_ROOT, keys("PATIENT", PatientID="x"), 0x00080052),
        (STUDY_ROOT, keys("WHATEVER"), 0x00080052),
        (STUDY_ROOT, keys("SERIES"), 0x0020000D),
        (STUDY_ROOT, keys("SERIES", StudyInstanceUID=""), 0x0020000D),
        (STUDY_ROOT, keys("SERIES", StudyInstanceUID=["1.2", "1.3"]), 0x0020000D),
        (STUDY_ROOT, keys("IMAGE", StudyInstanceUID="1.2"), 0x0020000E),
        (PATIENT_ROOT, keys("STUDY"), 0x00100020),
        (PATIENT_ROOT, keys("STUDY", PatientID="P*"), 0x00100020),
    ],
)
def test_what_does_not_fit_the_information_model(archive, root, identifier, offending):
    identifier.PatientName = ""
    status, elements = refused(archive, identifier, root)
    assert (status, elements) == (0xA900, [offending])


def test_a_value_that_is_none(archive):
    status, elements = refused(archive, keys("STUDY", StudyDate="2026-01-02-x"))
    assert status & 0xF000 == 0xC000
    assert elements == [0x00080020]


def answer_to(opened, request, context):
    """Sends a request as it is, and waits for the answer, which the association's own thread must not take first."""
    opened._reactor_checkpoint.clear()
    try:
        while not opened._is_paused:
            time.sleep(0.01)
        opened.dimse.send_msg(request, context.context_id)
        return opened.dimse.get_msg(block=True)[1]
    finally:
        opened._reactor_checkpoint.set()


def send_raw(opened, data, root=STUDY_ROOT):
    """A C-FIND-RQ with these bytes as identifier, and the status of its answer."""
    [context] = [each for each in opened.accepted_contexts if each.abstract_syntax == root]
    request = C_FIND()
    request.MessageID = 77
    request.AffectedSOPClassUID = root
    request.Priority = 2
    request.Identifier = io.BytesIO(data)
    return answer_to(opened, request, context).Status


def nested(depth):
    """Sequences in sequences, of undefined length, in implicit VR."""
    begin = b"\x08\x00\x40\x11\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    return begin * depth + end * depth


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\x00",
        b"\x08\x00\x52\x00\xff\xff\xff\x7fSTUDY ",
        b"garbage garbage garbage ",
        nested(10_000),
        b"\x10\x00\x20\x00" + (2 << 20).to_bytes(4, "little") + bytes(2 << 20),
    ],
    ids=["short", "length", "garbage", "nested", "long"],
)
def test_a_malformed_identifier_is_refused_and_the_association_goes_on(archive, data):
    contexts = [(STUDY_ROOT, [ImplicitVRLittleEndian])]
    with association(archive, contexts) as opened:
        # Some bytes that are no identifier can be read, and then lack a level.
        assert send_raw(opened, data) & 0xF000 in (0xC000, 0xA000)
        answers = list(opened.send_c_find(keys("STUDY", StudyInstanceUID=objects.uid()), STUDY_ROOT))
    assert [status.Status for status, _ in answers] == [SUCCESS]


CHARACTER_SETS = [
    ("ISO_IR 100", "Müller^Jörg", "ISO_IR 100", "m?LLer^jorg"),
    ("ISO_IR 144", "Люкceмбypг", "ISO_IR 144", "люк*"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=", "ISO_IR 192", "=王^小東"),
    ("GB18030", "Wang^XiaoDong=王^小东=", "GB18030", "=王^小东"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"], "=山田^*"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", ["", "ISO 2022 IR 149"], "==홍^길동"),
    (["", "ISO 2022 IR 58"], "Zhang^XiaoDong=张^小东=", ["", "ISO 2022 IR 58"], "=张^小东"),
    # Stored in one, asked in another.
    ("ISO_IR 100", "Núñez^José", "ISO_IR 192", "NUNEZ^jose"),
    ("ISO_IR 192", "Ωmega^Ωδή", None, "Ωmega*"),
]


@pytest.mark.parametrize(("stored", "name", "asked", "pattern"), CHARACTER_SETS)
def test_character_sets_of_query_and_answer(archive, stored, name, asked, pattern):
    image = objects.image(SpecificCharacterSet=stored, PatientName=name)
    assert store(archive, image) == [SUCCESS]
    query = keys("STUDY", StudyInstanceUID=image.StudyInstanceUID, PatientName="", PatientID="")
    if asked is not None:
        query.SpecificCharacterSet = asked
        query.PatientName = pattern
    [answer] = found(archive, query)
    # pydicom leaves the escape sequences of ISO 2022 IR 58 in.
    assert str(answer.PatientName).replace("\x1b$)A", "").rstrip("=") == name.rstrip("=")
    # A workstation is answered in the character set that it speaks.
    assert answer.SpecificCharacterSet == (asked or "ISO_IR 192")


def test_names_of_other_people_are_not_found(archive):
    image = objects.image(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう", SpecificCharacterSet="ISO_IR 192")
    assert store(archive, image) == [SUCCESS]
    for pattern in ("=山本^*", "Yamamoto*", "==やまもと*", "Yamada^Tarou=山本*"):
        query = keys("STUDY", StudyInstanceUID=image.StudyInstanceUID, SpecificCharacterSet="ISO_IR 192", PatientName=pattern)
        assert found(archive, query) == [], pattern


def test_findscu_finds_at_every_level(archive, patient, tmp_path):
    ct, _ = patient
    said = dcmtk(
        "findscu", "-S", "-X", "-od", tmp_path, *to(archive),
        "-k", "QueryRetrieveLevel=STUDY", "-k", f"PatientID={ct[0].PatientID}", "-k", "StudyInstanceUID", "-k", "ModalitiesInStudy",
    )  # fmt: skip
    answers = [dcmread(path) for path in tmp_path.glob("*.dcm")]
    assert sorted(each.ModalitiesInStudy for each in answers) == ["CT", "MR"], said
    said = dcmtk(
        "findscu", "-v", "-P", *to(archive),
        "-k", "QueryRetrieveLevel=IMAGE", "-k", f"PatientID={ct[0].PatientID}", "-k", f"StudyInstanceUID={ct[0].StudyInstanceUID}",
        "-k", f"SeriesInstanceUID={ct[0].SeriesInstanceUID}", "-k", "SOPInstanceUID",
    )  # fmt: skip
    assert all(each.SOPInstanceUID in said for each in ct[:2])


def test_a_peer_that_goes_while_it_is_answered_harms_nobody(archive, patient):
    with association(archive, [(STUDY_ROOT, [ExplicitVRLittleEndian])]) as opened:
        answers = opened.send_c_find(keys("STUDY", StudyInstanceUID=""), STUDY_ROOT)
        next(answers)
        opened.abort()
    assert found(archive, keys("STUDY", StudyInstanceUID=patient[1][0].StudyInstanceUID))


def many(host, count):
    """So many studies of one patient."""
    first = objects.image(Rows=1, Columns=1, PixelData=b"\0\0")
    sent = []
    for at in range(count):
        dataset = copy.deepcopy(first)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (objects.uid() for _ in range(3))
        # Some on one day, some of no day.
        dataset.StudyDate = "" if at % 7 == 0 else f"2026{at % 3 + 1:02}01"
        dataset.StudyTime = "" if at % 5 == 0 else f"{at % 24:02}0000"
        sent.append(objects.with_meta(dataset, ExplicitVRLittleEndian))
    assert set(store(host, *sent)) == {SUCCESS}
    return sent


@pytest.fixture(scope="module")
def crowd(archive):
    """A patient with more studies than the index answers at once."""
    return many(archive, 290)


def test_many_answers_come_once_each_and_the_latest_first(archive, crowd):
    answers = found(archive, keys("STUDY", PatientID=crowd[0].PatientID, StudyInstanceUID="", StudyDate="", StudyTime=""))
    assert len(answers) == len(crowd)
    assert {each.StudyInstanceUID for each in answers} == {each.StudyInstanceUID for each in crowd}
    moments = [(each.StudyDate, each.StudyTime) for each in answers]
    assert moments == sorted(moments, reverse=True)
    series = found(
        archive,
        keys("SERIES", PatientID=crowd[0].PatientID, SeriesInstanceUID=""),
        **relational(STUDY_ROOT),
    )
    assert {each.SeriesInstanceUID for each in series} == {each.SeriesInstanceUID for each in crowd}
    images = found(archive, keys("IMAGE", PatientID=crowd[0].PatientID, SOPInstanceUID=""), **relational(STUDY_ROOT))
    assert {each.SOPInstanceUID for each in images} == {each.SOPInstanceUID for each in crowd}
    assert len(series) == len(images) == len(crowd)


def test_a_cancelled_query_ends_at_once(archive, crowd):
    query = keys("STUDY", PatientID=crowd[0].PatientID, StudyInstanceUID="", PatientName="")
    # Each answer waits for a header, so that there is time to cancel.
    query.CurrentPatientLocation = ""
    with association(archive, [(STUDY_ROOT, [ExplicitVRLittleEndian])]) as opened:
        statuses, cancelled = [], None
        for status, _ in opened.send_c_find(query, STUDY_ROOT, msg_id=5):
            statuses.append(status.Status)
            if len(statuses) == 3:
                opened.send_c_cancel(5, context_id=opened.accepted_contexts[0].context_id)
                cancelled = time.monotonic()
        took = time.monotonic() - cancelled
        # What was sent before the cancel came is not taken back.
        assert statuses[-1] == CANCELLED
        assert len(statuses) < len(crowd)
        assert took < 5
        # Another cancel, of nothing, is passed over.
        opened.send_c_cancel(5, context_id=opened.accepted_contexts[0].context_id)
        assert list(opened.send_c_find(keys("STUDY", StudyInstanceUID=objects.uid()), STUDY_ROOT))[-1][0].Status == SUCCESS


def test_more_than_the_ceiling_is_an_error_that_is_told(hosts):
    host = hosts("[dicom]\nfind-limit = 5\n")
    sent = many(host, 7)
    query = keys("STUDY", PatientID=sent[0].PatientID, StudyInstanceUID="")
    answers, statuses = ask(host, query)
    assert len(answers) == 5
    assert statuses[-1] == 0xA700
    assert "C-FIND refused" in host.log
    query.StudyInstanceUID = [each.StudyInstanceUID for each in sent[:5]]
    assert len(found(host, query)) == 5


def test_the_wrong_request_in_a_context(archive):
    with association(archive, [(STUDY_ROOT, [ExplicitVRLittleEndian]), (PATIENT_ROOT, [ExplicitVRLittleEndian])]) as opened:
        [context] = [each for each in opened.accepted_contexts if each.abstract_syntax == STUDY_ROOT]
        request = C_FIND()
        request.MessageID = 3
        request.AffectedSOPClassUID = PATIENT_ROOT
        request.Priority = 2
        request.Identifier = io.BytesIO(encode(keys("STUDY"), False, True))
        assert answer_to(opened, request, context).Status in (0x0122, 0xA900)
