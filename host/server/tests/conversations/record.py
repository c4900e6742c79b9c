"""Records what clients say to a host, as the seeds of tests/conversations.rs: one file for each conversation.

Usage: record.py HOST PORT, with DCMTK in PATH and pynetdicom installed; the host should be one that may be written to.
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

HERE = Path(__file__).parent
STUDY, SERIES, OBJECT = "2.25.901", "2.25.901.1", "2.25.901.1.1"


def recorded(upstream, listener, into):
    """Passes one connection on, and keeps what comes from the client."""
    client, _ = listener.accept()
    server = socket.create_connection(upstream)

    def back():
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        client.close()

    answering = threading.Thread(target=back)
    answering.start()
    said = bytearray()
    while True:
        try:
            data = client.recv(65536)
        except OSError:
            break
        if not data:
            break
        said += data
        server.sendall(data)
    server.close()
    answering.join()
    into.write_bytes(said)


def conversation(upstream, name, talk):
    """Lets a client talk through a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    recording = threading.Thread(target=recorded, args=(upstream, listener, HERE / f"{name}.bin"))
    recording.start()
    talk(port)
    recording.join()
    listener.close()


def dcmtk(program, *arguments):
    def talk(port):
        command = [program, "-aec", "ISOCENTER", "127.0.0.1", str(port), *arguments]
        subprocess.run(command, check=False, capture_output=True, cwd=tempfile.gettempdir())

    return talk


def small_object():
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, OBJECT
    data.PatientName, data.PatientID = "Müller^Änne=山田^太郎", "FUZZ-1"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = STUDY, SERIES, "CT"
    data.StudyDate, data.AccessionNumber, data.InstanceNumber = "20260102", "A1", 1
    step = Dataset()
    step.RequestedProcedureID = "R1"
    data.RequestAttributesSequence = [step]
    data.Rows = data.Columns = 2
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelData = bytes(8)
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = CTImageStorage, OBJECT
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def commitment(port):
    entity = AE("FUZZ")
    entity.add_requested_context("1.2.840.10008.1.20.1")
    association = entity.associate("127.0.0.1", port, ae_title="ISOCENTER")
    request = Dataset()
    request.TransactionUID = "2.25.902"
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, OBJECT
    request.ReferencedSOPSequence = [item]
    association.send_n_action(request, 1, "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1")
    association.release()


def performed(port):
    entity = AE("FUZZ")
    entity.add_requested_context("1.2.840.10008.3.1.2.3.3")
    association = entity.associate("127.0.0.1", port, ae_title="ISOCENTER")
    step = Dataset()
    step.PerformedProcedureStepStatus, step.PerformedProcedureStepID = "IN PROGRESS", "P1"
    step.PatientName, step.PatientID, step.Modality = "Fuzz^Test", "FUZZ-1", "CT"
    step.PatientBirthDate = step.PatientSex = step.StudyID = ""
    step.PerformedStationAETitle = "FUZZ"
    step.PerformedStationName = step.PerformedLocation = step.PerformedProcedureStepDescription = ""
    step.PerformedProcedureStepStartDate, step.PerformedProcedureStepStartTime = "20260102", "090000"
    step.PerformedProcedureStepEndDate = step.PerformedProcedureStepEndTime = ""
    step.PerformedSeriesSequence = []
    scheduled = Dataset()
    scheduled.StudyInstanceUID, scheduled.ReferencedStudySequence = STUDY, []
    scheduled.AccessionNumber = scheduled.RequestedProcedureID = scheduled.ScheduledProcedureStepID = "A1"
    scheduled.RequestedProcedureDescription = scheduled.ScheduledProcedureStepDescription = ""
    scheduled.ScheduledProtocolCodeSequence = []
    step.ScheduledStepAttributesSequence = [scheduled]
    association.send_n_create(step, "1.2.840.10008.3.1.2.3.3", "2.25.903")
    end = Dataset()
    end.PerformedProcedureStepStatus = "DISCONTINUED"
    end.PerformedProcedureStepEndDate, end.PerformedProcedureStepEndTime = "20260102", "091500"
    series = Dataset()
    series.SeriesInstanceUID, series.ProtocolName = SERIES, "Thorax"
    series.PerformingPhysicianName = series.OperatorsName = series.SeriesDescription = series.RetrieveAETitle = ""
    series.ReferencedImageSequence = []
    end.PerformedSeriesSequence = [series]
    association.send_n_set(end, "1.2.840.10008.3.1.2.3.3", "2.25.903")
    association.release()


def main():
    upstream = (sys.argv[1], int(sys.argv[2]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "object.dcm"
        small_object().save_as(file, enforce_file_format=True)
        study = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}"]
        names = ["-k", "PatientName=M*", "-k", "StudyDate=20260101-20260103", "-k", "ModalitiesInStudy=CT"]
        conversation(upstream, "echo", dcmtk("echoscu"))
        conversation(upstream, "store", dcmtk("storescu", str(file)))
        conversation(upstream, "find", dcmtk("findscu", "-S", *study, *names))
        image = [f"SeriesInstanceUID={SERIES}", "SOPInstanceUID", "RequestAttributesSequence[0].RequestedProcedureID=R1"]
        image = [part for key in ["QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={STUDY}", *image] for part in ("-k", key)]
        conversation(upstream, "find-image", dcmtk("findscu", "-P", "-k", "PatientID=FUZZ-1", *image))
        conversation(upstream, "get", dcmtk("getscu", "-S", *study))
        conversation(upstream, "move", dcmtk("movescu", "-S", "-aem", "NOWHERE", *study))
        step = ["-k", "ScheduledProcedureStepSequence[0].Modality=CT", "-k", "PatientName"]
        conversation(upstream, "worklist", dcmtk("findscu", "-W", *step))
        conversation(upstream, "commitment", commitment)
        conversation(upstream, "performed", performed)


main()
