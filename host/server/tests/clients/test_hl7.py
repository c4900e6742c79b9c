"""Orders by HL7 v2 over MLLP: sent by python-hl7 and by plain sockets, and asked for by modalities."""

import itertools
import os
import signal
import socket

import hl7
import pytest
from hl7.client import MLLPClient

import objects
from hosts import Host, eventually, folder, free_port, postmaster
from orders import ask, keys, step_of, worklist
from test_mpps import begun, change, create, ended
from wire import SUCCESS

_numbers = itertools.count(1)


class Order:
    """An order of a patient of its own, and the messages about it."""

    def __init__(self, **given):
        number = next(_numbers)
        self.fields = {
            "control": "NW",
            "status": "",
            "patient": f"PLANTED-ID-H{number:05}",
            "name": f"Plantedname{number:05}^Given^Middle",
            "placer": f"PL{number}^RIS",
            "filler": f"FI{number}^RIS",
            "accession": f"HACC{number}",
            "procedure": f"HRP{number}",
            "step": f"HSPS{number}",
            "study": objects.uid(),
            "modality": "CT",
            "station": "CT7",
            "start": "20260304093000",
            "charset": "UNICODE UTF-8",
            "type": "ORM^O01",
            "version": "2.3.1",
            "processing": "P",
            "id": None,
        } | given
        objects.PLANTED.update(word for word in self.fields["name"].replace("=", "^").split("^") if len(word) > 6)

    def __getattr__(self, name):
        return self.fields[name]

    def text(self, **changes):
        """The message, with changes."""
        f = self.fields | {"id": self.fields["id"] or f"M{next(_numbers)}"} | changes
        zds = f"ZDS|{f['study']}^RIS^Application^DICOM\r" if f["study"] else ""
        return (
            f"MSH|^~\\&|RIS|HOSPITAL|PACS|RADIOLOGY|20260304080000||{f['type']}|{f['id']}|{f['processing']}|{f['version']}||||||{f['charset']}\r"
            f"PID|||{f['patient']}^^^HOSPITAL||{f['name']}||19600203|F\r"
            "PV1||I|WARD3|||||123^Referrer^Rob\r"
            f"ORC|{f['control']}|{f['placer']}|{f['filler']}||{f['status']}||1^^^{f['start']}^^R\r"
            f"OBR|1|{f['placer']}|{f['filler']}|RPC^CT chest^99RIS^PRC^Chest plain^99MOD||||||||||||77^Orderer^Ann||{f['accession']}|{f['procedure']}|{f['step']}|{f['station']}|||{f['modality']}\r"
            f"{zds}"
        )


def framed(message):
    """As MLLP wants it."""
    return b"\x0b" + message + b"\x1c\r"


class Sender:
    """A connection that stays, on a plain socket."""

    def __init__(self, host):
        self.socket = socket.create_connection(("127.0.0.1", host.hl7), timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message, encoding="utf-8"):
        """Sends a message and answers its acknowledgement, read by python-hl7; `None`: the connection is closed."""
        message = message if isinstance(message, bytes) else message.encode(encoding)
        self.socket.sendall(framed(message))
        return self.receive()

    def receive(self):
        """The next acknowledgement."""
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            answer += piece
        return hl7.parse(answer[1:-2].decode("ascii"))


def said(host, message, encoding="utf-8"):
    """MSA-1 of the acknowledgement."""
    with Sender(host) as sender:
        return code(sender.send(message, encoding))


def code(answer):
    """MSA-1."""
    return str(answer.segment("MSA")[1])


CONFIG = """
[hl7]
listen = "127.0.0.1:{port}"
[hl7.stations]
US = ["US1", "US2"]
"""


def with_port(make, config=CONFIG):
    """A host that takes orders; `make` starts it."""
    port = free_port()
    host = make(config.format(port=port))
    host.hl7 = port
    return host


@pytest.fixture(scope="module")
def ris():
    """A host that takes orders."""
    with folder() as path:
        port = free_port()
        host = Host(path, CONFIG.format(port=port))
        host.hl7 = port
        try:
            yield host.start()
            host.finish()
        finally:
            host.kill()


def test_an_order_by_python_hl7_is_in_the_worklist(ris):
    order = Order()
    with MLLPClient("127.0.0.1", ris.hl7) as client:
        answer = hl7.parse(client.send_message(order.text(id="CONTROL-1"))[1:-2].decode())
    assert (code(answer), str(answer.segment("MSA")[2])) == ("AA", "CONTROL-1")
    assert str(answer.segment("MSH")[9]) == "ACK^O01^ACK"
    assert (str(answer.segment("MSH")[3]), str(answer.segment("MSH")[5])) == ("PACS", "RIS")
    [found] = worklist(ris, PatientID=order.patient)
    assert found.PatientName == order.name
    assert (found.AccessionNumber, found.RequestedProcedureID, found.StudyInstanceUID) == (order.accession, order.procedure, order.study)
    step = step_of(found)
    assert (step.ScheduledProcedureStepID, step.Modality, step.ScheduledStationAETitle) == (order.step, "CT", "CT7")
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == ("20260304", "093000")
    assert step.ScheduledProcedureStepDescription == "Chest plain"
    # What nobody asked for is kept as well.
    [listed] = ris.get("/api/worklist", params={"PatientID": order.patient}).json()
    assert listed["data_set"]["00080090"]["Value"] == [{"Alphabetic": "Referrer^Rob"}]


def test_an_order_changes_is_cancelled_and_comes_again(ris):
    order = Order()
    with Sender(ris) as sender:
        for _ in range(3):
            assert code(sender.send(order.text(id="SAME"))) == "AA"
        assert len(worklist(ris, PatientID=order.patient)) == 1
        assert code(sender.send(order.text(control="XO", start="20260305110000"))) == "AA"
        [found] = worklist(ris, PatientID=order.patient)
        assert step_of(found).ScheduledProcedureStepStartDate == "20260305"
        # Without a study UID it is the same study.
        assert code(sender.send(order.text(control="XO", study=""))) == "AA"
        assert [each.StudyInstanceUID for each in worklist(ris, PatientID=order.patient)] == [order.study]
        # Another study takes the place of the one before.
        moved = objects.uid()
        assert code(sender.send(order.text(control="XO", study=moved))) == "AA"
        assert [each.StudyInstanceUID for each in worklist(ris, PatientID=order.patient)] == [moved]
        for _ in range(2):
            assert code(sender.send(order.text(control="CA", study=""))) == "AA"
            assert worklist(ris, PatientID=order.patient) == []
        assert code(sender.send(order.text(study=moved))) == "AA"
        assert len(worklist(ris, PatientID=order.patient)) == 1
        assert code(sender.send(order.text(control="SC", status="IP"))) == "AA"
        listed = ris.get("/api/worklist", params={"PatientID": order.patient}).json()
        assert [each["status"] for each in listed] == ["STARTED"]
        assert code(sender.send(order.text(control="DC"))) == "AA"
        assert worklist(ris, PatientID=order.patient) == []
        assert code(sender.send(order.text(study=moved))) == "AA"
        assert worklist(ris, PatientID=order.patient) == [], "what was discontinued stays so"


def test_without_a_study_uid_one_order_is_one_study(ris):
    order = Order(study="")
    with Sender(ris) as sender:
        for _ in range(2):
            assert code(sender.send(order.text())) == "AA"
        assert code(sender.send(order.text(step="SECOND"))) == "AA"
    found = worklist(ris, PatientID=order.patient)
    assert len(found) == 2
    assert len({each.StudyInstanceUID for each in found}) == 1


def test_a_patient_is_corrected_and_not_confused(ris):
    order = Order()
    assert said(ris, order.text()) == "AA"
    stranger = Order()
    # A new order under the numbers of another patient's is none.
    with Sender(ris) as sender:
        answer = sender.send(order.text(patient=stranger.patient, name=stranger.name))
        assert code(answer) == "AE"
        assert "another patient" in str(answer.segment("MSA")[3])
        assert worklist(ris, PatientID=stranger.patient) == []
        # Nor does another patient's cancellation end it.
        assert code(sender.send(order.text(control="CA", patient=stranger.patient, study=""))) == "AA"
        assert len(worklist(ris, PatientID=order.patient)) == 1
        assert code(sender.send(order.text(control="XO", patient=stranger.patient, study=""))) == "AA"
    assert worklist(ris, PatientID=order.patient) == []
    [found] = worklist(ris, PatientID=stranger.patient)
    assert found.StudyInstanceUID == order.study


def test_an_omi_has_a_step_for_each_ipc(ris):
    order = Order()
    text = (
        "MSH|^~\\&|RIS|H|PACS|R|20260304||OMI^O23^OMI_O23|M1|P|2.5.1||||||UNICODE UTF-8\r"
        f"PID|||{order.patient}^^^H||{order.name}^^^^L^A\r"
        f"ORC|NW|{order.placer}|{order.filler}\rTQ1|||||||20260305101500||S\rOBR|1|{order.placer}|{order.filler}|X^Knee^L\r"
        f"IPC|{order.accession}|{order.procedure}|{order.study}|{order.step}A|US|PC^Knee^L|ROOM1|FLOOR2\r"
        f"IPC|{order.accession}|{order.procedure}|{order.study}|{order.step}B|MR|PC^Knee^L|||MR9\r"
    )
    assert said(ris, text) == "AA"
    found = worklist(ris, PatientID=order.patient)
    assert [(step_of(each).Modality, step_of(each).ScheduledStationAETitle) for each in found] == [("US", ["US1", "US2"]), ("MR", "MR9")]


@pytest.mark.parametrize(
    ("charset", "encoding", "name", "asked"),
    [
        ("8859/1", "latin-1", "Mülleroerg^Jörg", "mulleroerg*"),
        ("", "latin-1", "Mülleroert^Jörg", "mulleroert*"),
        ("UNICODE UTF-8", "utf-8", "Wojciechowskä^Łucja", "wojciechowska^lucja"),
        ("8859/5", "iso8859_5", "Достоевский^Фёдор", "достоевский*"),
        ("UNICODE UTF-8", "utf-8", "YAMADATAROU^T^^^^^L^A~山田^太郎^^^^^L^I~やまだ^たろう^^^^^L^P", "=山田^太郎"),
        ("ASCII~ISO IR87", "iso2022_jp", "YAMADAHANAKO^H^^^^^L^A~山田^花子^^^^^L^I", "=山田^花子"),
        ("KS X 1001", "euc_kr", "HONGGILDONG^G^^^^^L^A~홍^길동^^^^^L^P", "==홍^길동"),
    ],
)
def test_names_in_every_character_set(ris, charset, encoding, name, asked):
    order = Order(name=name, charset=charset)
    assert said(ris, order.text(), encoding) == "AA"
    [found] = worklist(ris, PatientID=order.patient)
    found.decode()
    expected = "=".join("^".join(part.split("^")[:2]) for part in name.split("~"))
    got = str(found.PatientName).replace("==", "=") if "홍" in name else str(found.PatientName)
    assert got == expected
    identifier = keys(PatientName=asked, PatientID=order.patient)
    identifier.SpecificCharacterSet = "ISO_IR 192"
    assert len(ask(ris, identifier)[0]) == 1


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"type": "ADT^A08"}, "AR"),
        ({"type": ""}, "AR"),
        ({"version": "3.0"}, "AR"),
        ({"processing": "T"}, "AR"),
        ({"control": "ZZ"}, "AE"),
        ({"control": ""}, "AE"),
        ({"charset": "KLINGON"}, "AE"),
        ({"charset": "ASCII", "name": "Plantednäme^X"}, "AE"),
        ({"start": ""}, "AE"),
        ({"start": "tomorrow"}, "AE"),
        ({"step": ""}, "AE"),
        ({"procedure": ""}, "AE"),
        ({"patient": ""}, "AE"),
        ({"name": ""}, "AE"),
        ({"station": "", "modality": "XA"}, "AE"),
        ({"accession": "MUCH-TOO-LONG-TO-BE-ONE"}, "AE"),
        ({"study": "Plantedstudy"}, "AE"),
    ],
)
def test_what_is_wrong_is_answered_and_the_connection_goes_on(ris, changes, verdict):
    order = Order()
    with Sender(ris) as sender:
        answer = sender.send(order.text(**changes))
        assert code(answer) == verdict
        assert str(answer.segment("MSA")[3]) and str(answer.segment("ERR")[8])
        assert "lanted" not in str(answer)
        assert worklist(ris, PatientID=order.patient) == []
        assert code(sender.send(order.text())) == "AA"
    assert len(worklist(ris, PatientID=order.patient)) == 1


@pytest.mark.parametrize("message", [b"", b"MSH", b"MSH|", b"hello", b"MSH|^~\\&|" + b"|" * 1000, b"\xff" * 100], ids=str)
def test_bytes_that_are_no_message_are_rejected(ris, message):
    with Sender(ris) as sender:
        assert code(sender.send(message)) == "AR"
        assert code(sender.send(Order().text())) == "AA"


def test_a_segment_that_cannot_be_read_is_not_passed_over(ris):
    order = Order()
    assert said(ris, order.text().replace("\rOBR|", "\rOB|")) == "AE"
    assert worklist(ris, PatientID=order.patient) == []


def test_what_is_no_mllp_and_what_is_too_long_end_the_connection(ris):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x0bMSH|" + b"x" * (2 << 20)):
        with Sender(ris) as sender:
            try:
                sender.socket.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                continue
            assert sender.receive() is None
    assert said(ris, Order().text()) == "AA"


def test_many_orders_on_one_connection(ris):
    orders = [Order(station="MANY") for _ in range(500)]
    with Sender(ris) as sender:
        for order in orders:
            assert code(sender.send(order.text())) == "AA"
    assert len(worklist(ris, ScheduledStationAETitle="MANY")) == 500


def test_an_order_that_was_performed_does_not_come_again(ris):
    order = Order()
    assert said(ris, order.text()) == "AA"
    [found] = worklist(ris, PatientID=order.patient)
    uid = objects.uid()
    assert create(ris, begun(found), uid).Status == SUCCESS
    assert change(ris, ended(), uid).Status == SUCCESS
    for control in ("NW", "XO"):
        assert said(ris, order.text(control=control)) == "AA"
        assert worklist(ris, PatientID=order.patient) == []


def test_a_killed_host_keeps_what_it_acknowledged():
    with folder() as path:
        port = free_port()
        host = Host(path, CONFIG.format(port=port))
        host.hl7 = port
        try:
            host.start()
            orders = [Order() for _ in range(30)]
            with Sender(host) as sender:
                for order in orders:
                    assert code(sender.send(order.text())) == "AA"
            host.kill()
            host.start()
            assert {each.PatientID for each in worklist(host)} == {order.patient for order in orders}
            host.finish()
        finally:
            host.kill()


def test_who_is_no_caller_is_not_heard(hosts):
    host = with_port(hosts, CONFIG.replace("[hl7]", '[hl7]\ncallers = ["10.0.0.0/8"]'))
    with Sender(host) as sender:
        try:
            answer = sender.send(Order().text())
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        assert answer is None
    assert "not among the callers" in host.log


def test_a_port_that_others_reach_needs_callers():
    with folder() as path:
        open_to_all = '[hl7]\nlisten = "0.0.0.0:2575"\n'
        checked = Host(path, open_to_all).command("check")
        assert checked.returncode == 1
        assert "`listen` in [hl7] is 0.0.0.0:2575, which others can reach" in checked.stderr
        checked = Host(path, open_to_all + 'callers = ["10.1.0.0/16"]\nstations = { CT = "CT1" }\n').command("check")
        assert checked.returncode == 0, checked.stderr
        assert "hl7: orders on 0.0.0.0:2575" in checked.stdout


def test_when_the_database_dies_no_order_is_acknowledged_that_is_not_kept(hosts):
    host = with_port(hosts)
    first = Order()
    assert said(host, first.text()) == "AA"
    os.kill(postmaster(host), signal.SIGKILL)
    orders = [Order() for _ in range(20)]
    with Sender(host) as sender:
        answers = [code(sender.send(order.text())) for order in orders]
        assert set(answers) <= {"AA", "AE"}
        eventually("orders are taken again", lambda: code(sender.send(Order().text())) == "AA")
    for order, answer in zip(orders, answers, strict=True):
        if answer == "AA":
            assert len(worklist(host, PatientID=order.patient)) == 1
    assert len(worklist(host, PatientID=first.patient)) == 1
