"""What a scheduler gives the host, and how modalities ask for it: entries of the worklist as DICOM JSON, and MWL C-FIND.

Apart from the tests because those of the worklist, of performed steps and of HL7 need it alike.
"""

import itertools

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.sop_class import ModalityWorklistInformationFind as WORKLIST

import objects
from wire import SUCCESS, association

PENDING, UNSUPPORTED_KEY, CANCELLED = 0xFF00, 0xFF01, 0xFE00

_numbers = itertools.count(1)


def entry(**given):
    """An entry of a patient and a study of its own, as a data set; `given` are attributes of it or of its step."""
    number = next(_numbers)
    step = Dataset()
    step.ScheduledStationAETitle = "CT1"
    step.ScheduledProcedureStepStartDate = "20260304"
    step.ScheduledProcedureStepStartTime = "093000"
    step.Modality = "CT"
    step.ScheduledPerformingPhysicianName = "Doctor^Ann"
    step.ScheduledProcedureStepDescription = "Thorax"
    step.ScheduledProcedureStepID = f"SPS{number}"
    dataset = Dataset()
    dataset.PatientName = f"Plantedname{number:05}^Given"
    dataset.PatientID = f"PLANTED-ID-W{number:05}"
    dataset.PatientBirthDate = "19600203"
    dataset.PatientSex = "O"
    dataset.AccessionNumber = f"ACC{number}"
    dataset.RequestedProcedureID = f"RP{number}"
    dataset.RequestedProcedureDescription = "CT of the thorax"
    dataset.ReferringPhysicianName = "Referrer^Rob"
    dataset.StudyInstanceUID = objects.uid()
    for keyword, value in given.items():
        of = step if keyword.startswith("Scheduled") or keyword == "Modality" else dataset
        if value is None:
            delattr(of, keyword)
        else:
            setattr(of, keyword, value)
    dataset.ScheduledProcedureStepSequence = Sequence([step])
    objects.remember(dataset)
    return dataset


def step_of(dataset):
    """The scheduled procedure step of an entry."""
    return dataset.ScheduledProcedureStepSequence[0]


def schedule(host, *entries):
    """Posts entries, and answers what the host says of each."""
    answer = host.web.post(f"{host.url}/api/worklist", json=[each.to_json_dict() for each in entries], timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()


STEP_KEYS = (
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledPerformingPhysicianName",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
)
KEYS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "RequestedProcedureID", "StudyInstanceUID")


def keys(**matching):
    """What a modality asks: the usual return keys, with those that match."""
    step, identifier = Dataset(), Dataset()
    for of, keywords in ((step, STEP_KEYS), (identifier, KEYS)):
        for keyword in keywords:
            setattr(of, keyword, "")
    for keyword, value in matching.items():
        setattr(step if keyword in STEP_KEYS else identifier, keyword, value)
    identifier.ScheduledProcedureStepSequence = Sequence([step])
    return identifier


def ask(host, identifier, syntax=ExplicitVRLittleEndian, **options):
    """The answers, and all statuses."""
    with association(host, [(WORKLIST, [syntax])], **options) as opened:
        answers, statuses = [], []
        for status, answer in opened.send_c_find(identifier, WORKLIST):
            statuses.append(status.Status)
            if answer is not None:
                answers.append(answer)
    return answers, statuses


def worklist(host, **matching):
    """The answers to a search in which all is well."""
    answers, statuses = ask(host, keys(**matching))
    assert statuses == [PENDING] * len(answers) + [SUCCESS]
    return answers


def named(answers):
    """Answers by the IDs of their steps."""
    return [step_of(each).ScheduledProcedureStepID for each in answers]
