"""Other archives are asked, and send: `isocenter query` and `isocenter retrieve` against a second host, DCMTK's and
pynetdicom's archives."""

import contextlib
import io
import json
import signal
import subprocess
import threading
import time

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    StudyRootQueryRetrieveInformationModelGet as STUDY_GET,
)

import objects
from hosts import BINARY, PLUGINS, Host, eventually, folder, free_port, running
from test_tls import Certificates, secured
from wire import SUCCESS, dcmtk, program, store

ARCHIVE = '[dicom]\nae-title = "ARCHIVE"\n'


def destination(port, ae_title="ARCHIVE", more=""):
    return f'[destinations.archive]\ndicom = {{ ae-title = "{ae_title}", address = "127.0.0.1:{port}"{more} }}\n'


@pytest.fixture(scope="module")
def two():
    """A host, and another one that it asks. Either knows where the other listens."""
    with folder() as path, folder() as other:
        near, far = Host(path), Host(other)
        far.config.write_text(ARCHIVE + f'[destinations.near]\ndicom = {{ ae-title = "ISOCENTER", address = "127.0.0.1:{near.dicom}" }}\n')
        near.config.write_text(
            destination(far.dicom)
            + f"""
            [destinations.nobody]
            dicom = {{ ae-title = "NOBODY", address = "127.0.0.1:{free_port()}" }}
            [destinations.shelf]
            folder = "{path}/shelf"
            [plugins.stamp]
            source = "{PLUGINS}/stamp.wasm"
            config = {{ set = {{ InstitutionName = "Came from the archive" }} }}
            [[chains]]
            name = "stamped"
            when = {{ calling-ae = ["ARCHIVE"], modality = ["US"], address = ["127.0.0.1"] }}
            ingest = ["stamp"]
            """
        )
        try:
            near.start()
            far.start()
            yield near, far
            near.finish()
            far.finish()
        finally:
            near.kill()
            far.kill()


def asked(host, *arguments, at="archive"):
    """Matches as DICOM JSON."""
    result = host.command("query", "--at", at, "--json", *arguments)
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


def one(found, tag):
    return found[tag]["Value"][0]


def test_a_study_is_found_by_name_in_any_script(two):
    near, far = two
    sent = objects.image(PatientName="Плантедфамилия^Имя=山田^太郎", StudyDescription="Größe")
    assert store(far, sent) == [SUCCESS]
    for pattern in ("Плантед*", "山田^太郎"):
        found = asked(near, f"PatientName={pattern}", "StudyDescription=Größe")
        assert [one(each, "0020000D") for each in found] == [sent.StudyInstanceUID]
        assert one(found[0], "00100010") == {"Alphabetic": "Плантедфамилия^Имя", "Ideographic": "山田^太郎"}
        assert one(found[0], "00081030") == "Größe"
        assert one(found[0], "00201208") == 1
        assert "00080052" not in found[0]
    shown = near.command("query", "--at", "archive", f"StudyInstanceUID={sent.StudyInstanceUID}").stdout
    head, line = shown.splitlines()
    assert head.endswith("StudyInstanceUID") and line.endswith(sent.StudyInstanceUID)
    assert "Größe" in line and "山田^太郎" in line
    nothing = near.command("query", "--at", "archive", "PatientID=PLANTED-NOBODY")
    assert nothing.returncode == 1


def test_every_level_is_asked(two):
    near, far = two
    sent = objects.series(3)
    assert set(store(far, *sent)) == {SUCCESS}
    study, series = sent[0].StudyInstanceUID, sent[0].SeriesInstanceUID
    patients = asked(near, "--level", "patient", f"PatientID={sent[0].PatientID}")
    assert [one(each, "00100020") for each in patients] == [sent[0].PatientID]
    # By keyword, by tag in either form, and relational: without the study.
    for key in (f"StudyInstanceUID={study}", f"0020000D={study}", f"0020,000D={study}", f"AccessionNumber={sent[0].AccessionNumber}"):
        found = asked(near, "--level", "series", key, "SeriesDate")
        assert [one(each, "0020000E") for each in found] == [series]
        assert one(found[0], "00080021") == sent[0].SeriesDate
    images = asked(near, "--level", "image", f"StudyInstanceUID={study}", f"SeriesInstanceUID={series}")
    assert {one(each, "00080018") for each in images} == {each.SOPInstanceUID for each in sent}
    some = near.command("query", "--at", "archive", "--json", "--level", "image", "--limit", "2", f"StudyInstanceUID={study}", f"SeriesInstanceUID={series}")
    assert len(json.loads(some.stdout)) == 2 and "more than 2" in some.stderr


def test_mistakes_are_sentences(two):
    near, _ = two
    table = [
        (("query", "--at", "nowhere"), "there is no destination of that name; there are: archive, nobody, shelf"),
        (("query", "--at", "nobody"), "nobody: the peer cannot be reached"),
        (("query", "--at", "shelf"), "shelf: it is no DICOM peer"),
        (("query", "--at", "archive", "PatientIdd=1"), "is no attribute: write a keyword such as PatientID"),
        (("query", "--at", "archive", "PatientID.PatientName=1"), "one of its steps is no sequence"),
        (("query", "--at", "archive", "StudyDate=yesterday"), "the peer answered C000H"),
        (("retrieve", "--at", "nobody", "1.2.3"), "the peer cannot be reached"),
        (("retrieve", "--at", "archive", "1.2.x"), "a UID holds only digits and dots"),
        (("retrieve", "--at", "archive", "1.2.3", "--series", "1.4", "--series", "1.5", "--object", "1.6"), "objects are of one series"),
    ]
    for arguments, sentence in table:
        result = near.command(*arguments)
        assert result.returncode == 1 and sentence in result.stderr, (arguments, result.stderr)


def same(host, dataset):
    served = host.file(dataset)
    return served is not None and objects.data_set(served) == objects.data_set(objects.encoded(dataset))


@pytest.mark.parametrize("by", ["get", "move"])
def test_a_study_comes_as_it_is_stored_there(two, by):
    near, far = two
    plain = objects.series(3)
    keywords = ("PatientName", "PatientID", "AccessionNumber", "StudyID", "StudyInstanceUID")
    shared = {keyword: plain[0][keyword].value for keyword in keywords}
    # Nobody looks into it, so it need be no picture.
    packed = objects.image("MR", JPEG2000Lossless, **shared)
    packed.PixelData = encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])
    packed["PixelData"].VR = "OB"
    packed["PixelData"].is_undefined_length = True
    assert set(store(far, *plain, packed)) == {SUCCESS}
    study = plain[0].StudyInstanceUID
    result = near.command("retrieve", "--at", "archive", study, "--by", by)
    assert (result.returncode, result.stdout) == (0, "4 objects taken; 0000H (success)\n"), result.stderr
    for dataset in plain:
        assert same(near, dataset)
    assert len(near.found(f"/studies/{study}/instances")) == 4
    path = f"/dicom-web/studies/{study}/series/{packed.SeriesInstanceUID}/instances/{packed.SOPInstanceUID}"
    if by == "get":
        # A peer that has it compressed sends it so.
        served = near.get(path, headers={"Accept": "application/dicom; transfer-syntax=*"}).content
        assert dcmread(io.BytesIO(served)).file_meta.TransferSyntaxUID == JPEG2000Lossless
    # Again: it is there already.
    assert near.command("retrieve", "--at", "archive", study, "--by", by).returncode == 0
    assert len(near.found(f"/studies/{study}/instances")) == 4


def test_some_series_or_objects_come(two):
    near, far = two
    first = objects.series(2)
    second = objects.series(2)
    for dataset in second:
        dataset.StudyInstanceUID = first[0].StudyInstanceUID
    assert set(store(far, *first, *second)) == {SUCCESS}
    study = first[0].StudyInstanceUID
    result = near.command("retrieve", "--at", "archive", study, "--series", second[0].SeriesInstanceUID)
    assert result.stdout == "2 objects taken; 0000H (success)\n"
    wanted = first[1]
    result = near.command("retrieve", "--at", "archive", study, "--series", wanted.SeriesInstanceUID, "--object", wanted.SOPInstanceUID)
    assert result.stdout == "1 objects taken; 0000H (success)\n"
    assert near.file(first[0]) is None and same(near, wanted)
    # What is not there is no success.
    result = near.command("retrieve", "--at", "archive", objects.uid())
    assert (result.returncode, result.stdout) == (1, "0 objects taken; 0000H (success)\n")


@pytest.mark.parametrize("by", ["get", "move"])
def test_what_comes_passes_the_chains_of_its_sender(two, by):
    near, far = two
    sent = objects.image("US")
    assert store(far, sent) == [SUCCESS]
    assert near.command("retrieve", "--at", "archive", sent.StudyInstanceUID, "--by", by).returncode == 0
    assert dcmread(io.BytesIO(near.file(sent))).InstitutionName == "Came from the archive"


def test_a_host_that_is_not_known_there_is_sent_nothing(hosts):
    far = hosts(ARCHIVE)
    near = hosts(destination(far.dicom))
    sent = objects.image()
    assert store(far, sent) == [SUCCESS]
    result = near.command("retrieve", "--at", "archive", sent.StudyInstanceUID, "--by", "move")
    assert result.returncode == 1 and "the peer answered A801H (move destination unknown)" in result.stderr


def test_over_tls(hosts, tmp_path):
    certificates = Certificates(tmp_path)
    port = free_port()
    far = hosts(secured(certificates, port))
    certificate, key = certificates.caller
    near = hosts(destination(port, "ISOCENTER", f', tls = {{ ca = "{certificates.ca}", certificate = "{certificate}", key = "{key}" }}'))
    sent = objects.image()
    assert store(far, sent) == [SUCCESS]
    assert [one(each, "0020000D") for each in asked(near, f"PatientID={sent.PatientID}")] == [sent.StudyInstanceUID]
    assert near.command("retrieve", "--at", "archive", sent.StudyInstanceUID).returncode == 0
    assert same(near, sent)


class Archive:
    """An archive of pynetdicom, that does as it is told."""

    def __init__(self, find=None, get=None, syntax=ImplicitVRLittleEndian):
        self.port = free_port()
        ae = AE(ae_title="ARCHIVE")
        ae.add_supported_context(STUDY_FIND, syntax)
        ae.add_supported_context(STUDY_GET, syntax)
        ae.add_supported_context(CTImageStorage, ExplicitVRLittleEndian, scu_role=True, scp_role=True)
        self.identifiers, self.cancelled, self.contexts = [], threading.Event(), []
        handlers = []
        if find:
            handlers.append((evt.EVT_C_FIND, self._keeping(find)))
        if get:
            handlers.append((evt.EVT_C_GET, self._keeping(get)))
        self.server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def _keeping(self, answers):
        def handle(event):
            self.identifiers.append(event.identifier)
            self.contexts = [context.abstract_syntax for context in event.assoc.requestor.requested_contexts]
            for answer in answers(event):
                if event.is_cancelled:
                    self.cancelled.set()
                    yield 0xFE00, None
                    return
                yield answer

        return handle


@contextlib.contextmanager
def archive(**options):
    archive = Archive(**options)
    try:
        yield archive
    finally:
        archive.server.shutdown()


def test_what_an_archive_answers_in_its_own_character_set_is_read(hosts):
    def answers(event):
        match = Dataset()
        match.SpecificCharacterSet = "ISO_IR 100"
        match.PatientName = "Plantedmüller^Jörg"
        match.StudyInstanceUID = "1.2.3"
        yield 0xFF00, match

    objects.PLANTED.add("Plantedmüller")
    with archive(find=answers) as far:
        near = hosts(destination(far.port))
        found = asked(near, "PatientName=Plantedmü*", "RequestAttributesSequence.RequestedProcedureID=R1")
        assert one(found[0], "00100010") == {"Alphabetic": "Plantedmüller^Jörg"}
        assert "00080005" not in found[0]
        identifier = far.identifiers[0]
        assert identifier.SpecificCharacterSet == "ISO_IR 192"
        assert identifier.PatientName == "Plantedmü*"
        assert identifier.QueryRetrieveLevel == "STUDY"
        assert identifier.RequestAttributesSequence[0].RequestedProcedureID == "R1"
        assert "AccessionNumber" in identifier
        asked(near, "PatientID=4711")
        assert "SpecificCharacterSet" not in far.identifiers[1]


def test_an_archive_that_answers_without_end_is_told_to_stop(hosts):
    def answers(event):
        for number in range(100_000):
            match = Dataset()
            match.StudyInstanceUID = f"1.2.3.{number}"
            yield 0xFF00, match

    with archive(find=answers) as far:
        near = hosts(destination(far.port))
        result = near.command("query", "--at", "archive", "--json", "--limit", "20")
        assert len(json.loads(result.stdout)) == 20 and "more than 20" in result.stderr
        assert far.cancelled.wait(30)


def sending(*sent, classes=True, pause=0):
    """An archive that has these, and says or does not say of which classes they are."""

    def find(event):
        match = Dataset()
        match.StudyInstanceUID = event.identifier.StudyInstanceUID
        if classes:
            match.SOPClassesInStudy = sorted({each.SOPClassUID for each in sent})
        yield 0xFF00, match

    def get(event):
        yield len(sent)
        for each in sent:
            time.sleep(pause)
            yield 0xFF00, each

    return {"find": find, "get": get}


@pytest.mark.parametrize("classes", [True, False])
def test_contexts_are_for_what_the_archive_says_it_has(hosts, classes):
    sent = objects.series(2)
    with archive(**sending(*sent, classes=classes)) as far:
        near = hosts(destination(far.port))
        result = near.command("retrieve", "--at", "archive", sent[0].StudyInstanceUID)
        assert (result.returncode, result.stdout) == (0, "2 objects taken; 0000H (success)\n"), result.stderr
        assert all(same(near, each) for each in sent)
        assert set(far.contexts) == {STUDY_GET, CTImageStorage} if classes else len(set(far.contexts)) == 63
        assert len(far.contexts) <= 128


def test_objects_of_another_study_are_refused(hosts):
    wanted, stray = objects.image(), objects.image()
    with archive(**sending(wanted, stray)) as far:
        near = hosts(destination(far.port))
        result = near.command("retrieve", "--at", "archive", wanted.StudyInstanceUID)
        assert result.returncode == 1
        first, failed = result.stdout.splitlines()
        assert first.startswith("1 objects taken, 1 refused here, 1 not sent by the archive; B000H")
        assert failed == f"failed {stray.SOPInstanceUID}"
        assert same(near, wanted) and near.file(stray) is None


def test_ctrl_c_cancels_and_what_has_come_stays(hosts):
    sent = objects.series(200)
    with archive(**sending(*sent, pause=0.1)) as far:
        near = hosts(destination(far.port))
        study = sent[0].StudyInstanceUID
        command = [BINARY, "retrieve", "--config", near.config, "--at", "archive", study]
        process = subprocess.Popen(command, env=near._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        eventually("something has come", lambda: near.found(f"/studies/{study}/instances"))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1 and "told to cancel" in said
        assert far.cancelled.wait(30)
        eventually("the host has ended it", lambda: 'outcome="cancelled"' in near.log)
        assert 0 < len(near.found(f"/studies/{study}/instances")) < 200


def test_an_archive_that_breaks_off_leaves_what_has_come(hosts):
    sent = objects.series(3)

    def get(event):
        yield 3
        yield 0xFF00, sent[0]
        event.assoc.abort()

    with archive(find=sending(*sent)["find"], get=get) as far:
        near = hosts(destination(far.port))
        result = near.command("retrieve", "--at", "archive", sent[0].StudyInstanceUID)
        assert result.returncode == 1 and "the association broke" in result.stderr
        assert same(near, sent[0])


@contextlib.contextmanager
def dcmqrscp(near_port):
    """DCMTK's archive."""
    with folder() as path:
        (path / "db").mkdir()
        port = free_port()
        (path / "dcmqrscp.cfg").write_text(
            f"""
NetworkTCPPort  = {port}
MaxPDUSize      = 16384
MaxAssociations = 16
HostTable BEGIN
near = (ISOCENTER, 127.0.0.1, {near_port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE  {path}/db  RW (200, 1024mb)  ANY
AETable END
"""
        )
        process = subprocess.Popen([program("dcmqrscp"), "-c", path / "dcmqrscp.cfg"])
        try:

            def listens():
                return "Success" in dcmtk("echoscu", "-v", "-aec", "ARCHIVE", "127.0.0.1", port, check=False)

            eventually("dcmqrscp listens", listens, 20)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def test_an_archive_of_dcmtk(tmp_path):
    with folder() as path:
        near = Host(path)
        with dcmqrscp(near.dicom) as port:
            near.config.write_text(destination(port))
            try:
                near.start()
                studies = [objects.series(3), objects.series(2)]
                files = [objects.written(each, tmp_path) for study in studies for each in study]
                dcmtk("storescu", "-aec", "ARCHIVE", "127.0.0.1", port, *files)
                for study, by in zip(studies, ("get", "move")):
                    uid = study[0].StudyInstanceUID
                    found = asked(near, f"PatientID={study[0].PatientID}")
                    assert [one(each, "0020000D") for each in found] == [uid]
                    result = near.command("retrieve", "--at", "archive", uid, "--by", by)
                    assert (result.returncode, result.stdout) == (0, f"{len(study)} objects taken; 0000H (success)\n"), result.stderr
                    for dataset in study:
                        assert near.file(dataset) is not None
                near.finish()
            finally:
                near.kill()
