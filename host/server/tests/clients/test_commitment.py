"""Modalities ask what they may delete: storage commitment (PS3.4 Annex J) by pynetdicom, in both roles."""

import signal
import threading
import time

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import (
    CTImageStorage,
    ModalityWorklistInformationFind,
    MRImageStorage,
    StorageCommitmentPushModel as COMMITMENT,
    StorageCommitmentPushModelInstance as INSTANCE,
)

import objects
from hosts import PLUGINS, Host, eventually, folder, free_port
from wire import SUCCESS, association, store

GUEST = PLUGINS / "test/guest.wasm"
MODALITY = "MODALITY"
NO_SUCH_OBJECT, DAMAGED, OTHER_CLASS, NOT_SUPPORTED, IN_USE = 0x0112, 0x0110, 0x0119, 0x0122, 0x0131


def reference(sop_class, instance):
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = instance
    return item


def request(*referred, transaction=None):
    """A request for objects, or for pairs of class and instance."""
    asked = Dataset()
    asked.TransactionUID = transaction or objects.uid()
    pairs = [each if isinstance(each, tuple) else (each.SOPClassUID, each.SOPInstanceUID) for each in referred]
    asked.ReferencedSOPSequence = [reference(*pair) for pair in pairs]
    return asked


class Told:
    """What a modality was told, wherever."""

    def __init__(self, status=SUCCESS):
        self.status = status
        self.reports = []
        self.unanswered = []
        self.roles = []
        self.server = None
        self.came = threading.Condition()

    def event(self, event):
        with self.came:
            if self.status == SUCCESS:
                self.unanswered.append((event.event_type, event.event_information))
            role = event.assoc.requestor.role_selection.get(COMMITMENT)
            self.roles.append(role and (role.scu_role, role.scp_role))
        return self.status, None

    def sent(self, event):
        """A report counts once its answer is out: pynetdicom does not send it any more where it is to release."""
        if isinstance(event.pdu, P_DATA_TF):
            with self.came:
                self.reports += self.unanswered
                self.unanswered = []
                self.came.notify_all()

    @property
    def handlers(self):
        return [(evt.EVT_N_EVENT_REPORT, self.event), (evt.EVT_PDU_SENT, self.sent)]

    def listen(self, port, roles=True):
        """Listens as a modality does."""
        ae = AE(ae_title=MODALITY)
        ae.add_supported_context(COMMITMENT, [ImplicitVRLittleEndian], **({"scu_role": False, "scp_role": True} if roles else {}))
        self.server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=self.handlers)
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server = None

    def wait(self, count=1, within=60):
        """The last report, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.reports) >= count, within), "no report came"
            assert len(self.reports) == count
            return self.reports[-1]


def committed(information):
    return {item.ReferencedSOPInstanceUID for item in information.get("ReferencedSOPSequence", [])}


def failed(information):
    return {item.ReferencedSOPInstanceUID: item.FailureReason for item in information.get("FailedSOPSequence", [])}


def ask(host, asked, told=None, stays=True, calling=MODALITY, syntax=ExplicitVRLittleEndian):
    """Asks for storage commitment; the status. With `stays` the association lasts until it was told."""
    told = told or Told()
    with association(host, [(COMMITMENT, [syntax])], calling=calling, evt_handlers=told.handlers) as opened:
        before = len(told.reports)
        status, _ = opened.send_n_action(asked, 1, COMMITMENT, INSTANCE)
        if stays and status.Status == SUCCESS:
            told.wait(before + 1)
    return status.Status


@pytest.fixture
def told():
    told = Told()
    yield told
    told.stop()


def modality(port, more=""):
    """A configuration that says where the modality listens."""
    return f"""
        {more}
        [destinations.modality]
        dicom = {{ ae-title = "{MODALITY}", address = "127.0.0.1:{port}" }}
        retry = {{ first = "200 ms", longest = "500 ms", attempts = 1000 }}
    """


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_everything_is_committed_on_the_same_association(host, told, syntax):
    sent = objects.series(3)
    assert set(store(host, *sent)) == {SUCCESS}
    asked = request(*sent)
    assert ask(host, asked, told, syntax=syntax) == SUCCESS
    kind, information = told.wait()
    assert kind == 1
    assert information.TransactionUID == asked.TransactionUID
    assert committed(information) == {each.SOPInstanceUID for each in sent}
    assert "FailedSOPSequence" not in information


def test_each_failure_has_its_reason(host, told):
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    missing, stranger, other = objects.uid(), objects.uid(), objects.image()
    assert store(host, other) == [SUCCESS]
    asked = request(
        sent, (CTImageStorage, missing), (ModalityWorklistInformationFind, stranger), (MRImageStorage, other.SOPInstanceUID)
    )
    assert ask(host, asked, told) == SUCCESS
    kind, information = told.wait()
    assert kind == 2
    assert committed(information) == {sent.SOPInstanceUID}
    assert failed(information) == {missing: NO_SUCH_OBJECT, stranger: NOT_SUPPORTED, other.SOPInstanceUID: OTHER_CLASS}
    # Nothing but failures: there is no empty sequence of what is committed.
    assert ask(host, request((CTImageStorage, missing)), told) == SUCCESS
    kind, information = told.wait(2)
    assert kind == 2 and "ReferencedSOPSequence" not in information


def test_what_is_damaged_on_disk_is_not_committed(told):
    with folder() as path:
        host = Host(path)
        try:
            host.start()
            whole, damaged = objects.image(), objects.image()
            assert store(host, whole, damaged) == [SUCCESS, SUCCESS]
            pixels = damaged.PixelData
            for pack in host.data.glob("packs/*/*/*.tar"):
                content = pack.read_bytes()
                at = content.find(pixels)
                if at >= 0:
                    with pack.open("r+b") as file:
                        file.seek(at + 100)
                        file.write(bytes([content[at + 100] ^ 1]))
            assert ask(host, request(whole, damaged), told) == SUCCESS
            kind, information = told.wait()
            assert kind == 2
            assert committed(information) == {whole.SOPInstanceUID}
            assert failed(information) == {damaged.SOPInstanceUID: DAMAGED}
        finally:
            host.kill()


@pytest.mark.skipif(not GUEST.exists(), reason=f"{GUEST} is not there")
def test_what_is_held_is_not_committed(hosts, told):
    """An object in quarantine was answered success, and may still be discarded."""
    host = hosts(
        f"""
        [plugins.hold]
        source = "{GUEST}"
        grant = {{ secrets = ["site-key"] }}
        config = {{ do = "quarantine" }}
        [[chains]]
        name = "all"
        ingest = ["hold"]
        """
    )
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    assert host.file(sent) is None
    assert ask(host, request(sent), told) == SUCCESS
    assert failed(told.wait()[1]) == {sent.SOPInstanceUID: NO_SUCH_OBJECT}


@pytest.mark.parametrize("roles", [True, False])
def test_who_has_left_is_told_on_another_association(hosts, told, roles):
    port = free_port()
    host = hosts(modality(port))
    told.listen(port, roles)
    sent = objects.series(2)
    assert set(store(host, *sent)) == {SUCCESS}
    asked = request(*sent)
    assert ask(host, asked, stays=False) == SUCCESS
    kind, information = told.wait()
    assert kind == 1 and information.TransactionUID == asked.TransactionUID
    assert committed(information) == {each.SOPInstanceUID for each in sent}
    # This host proposes to be the provider.
    assert told.roles == [(False, True)]
    time.sleep(1)
    told.wait()


def test_a_peer_that_is_away_is_told_when_it_comes_back(hosts, told):
    port = free_port()
    host = hosts(modality(port))
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    asked = request(sent)
    assert ask(host, asked, stays=False) == SUCCESS
    eventually("the report is tried", lambda: "a storage commitment was not reported" in host.log)
    # It listens, and cannot take it; then it can.
    told.status = 0x0110
    told.listen(port)
    eventually("the report is refused", lambda: told.roles)
    told.status = SUCCESS
    kind, information = told.wait()
    assert kind == 1 and committed(information) == {sent.SOPInstanceUID}


def test_a_peer_that_refuses_on_its_association_is_told_on_another(hosts, told):
    port = free_port()
    host = hosts(modality(port))
    told.listen(port)
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    deaf = Told(status=0x0211)
    with association(host, [(COMMITMENT, [ExplicitVRLittleEndian])], calling=MODALITY, evt_handlers=deaf.handlers) as opened:
        assert opened.send_n_action(request(sent), 1, COMMITMENT, INSTANCE)[0].Status == SUCCESS
        told.wait()
    assert len(deaf.roles) == 1


def test_the_wait_on_the_same_association_is_configured(hosts, told):
    port = free_port()
    host = hosts(modality(port, '[dicom]\nreport-within = "1 ms"'))
    told.listen(port)
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    own = Told()
    with association(host, [(COMMITMENT, [ExplicitVRLittleEndian])], calling=MODALITY, evt_handlers=own.handlers) as opened:
        assert opened.send_n_action(request(sent), 1, COMMITMENT, INSTANCE)[0].Status == SUCCESS
        eventually("somebody is told", lambda: told.reports or own.reports)


def test_whom_no_destination_names_is_a_dead_letter(hosts, told):
    host = hosts()
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    asked = request(sent)
    assert ask(host, asked, stays=False, calling="NOMAD") == SUCCESS
    letters = eventually("it is a dead letter", lambda: host.get("/api/dead-letters").json())
    assert len(letters) == 1
    letter = letters[0]
    assert (letter["kind"], letter["peer"], letter["transaction"]) == ("report", "NOMAD", asked.TransactionUID)
    assert "no destination says where it listens" in letter["reason"]
    assert "NOMAD" in host.command("dead-letters", "list").stdout
    # The operator learns where it is, says so, and has it tried again.
    port = free_port()
    told.listen(port)
    host.config.write_text(modality(port).replace(MODALITY, "NOMAD"))
    assert host.command("reload").returncode == 0
    assert host.command("dead-letters", "retry", str(letter["id"])).returncode == 0
    assert committed(told.wait()[1]) == {sent.SOPInstanceUID}


def test_what_was_answered_is_reported_although_the_host_was_killed(told):
    port = free_port()
    with folder() as path:
        host = Host(path, modality(port, '[dicom]\nreport-within = "5 s"'))
        try:
            host.start()
            sent = objects.series(2)
            assert set(store(host, *sent)) == {SUCCESS}
            asked = request(*sent)
            killed = threading.Event()

            def mute(event):
                # What comes is not answered before the host is gone.
                killed.wait(60)
                return SUCCESS, None

            ae = AE(ae_title=MODALITY)
            ae.add_requested_context(COMMITMENT, [ExplicitVRLittleEndian])
            opened = ae.associate("127.0.0.1", host.dicom, ae_title="ISOCENTER", evt_handlers=[(evt.EVT_N_EVENT_REPORT, mute)])
            status, _ = opened.send_n_action(asked, 1, COMMITMENT, INSTANCE)
            assert status.Status == SUCCESS
            host.process.send_signal(signal.SIGKILL)
            host.process.wait(10)
            host.process = None
            killed.set()
            opened.abort()
            told.listen(port)
            host.start()
            # The report may have been under way: then its lease has to end.
            kind, information = told.wait(within=90)
            assert kind == 1 and information.TransactionUID == asked.TransactionUID
            assert committed(information) == {each.SOPInstanceUID for each in sent}
            host.finish()
        finally:
            host.kill()


def test_a_transaction_uid_counts_once(host, told):
    first, second = objects.image(), objects.image()
    assert store(host, first, second) == [SUCCESS, SUCCESS]
    asked = request(first)
    assert ask(host, asked, told) == SUCCESS
    assert told.wait()[0] == 1
    # Of another peer it is another.
    elsewhere = Told()
    assert ask(host, request(second, transaction=asked.TransactionUID), elsewhere, calling="OTHER") == SUCCESS
    assert elsewhere.wait()[0] == 1
    assert ask(host, request(second, transaction=asked.TransactionUID), told) == SUCCESS
    kind, information = told.wait(2)
    assert kind == 2 and failed(information) == {second.SOPInstanceUID: IN_USE}


def test_the_same_request_again_is_the_same_request(hosts, told):
    """The answer to the first may have been lost."""
    port = free_port()
    host = hosts(modality(port))
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    asked = request(sent)
    for _ in range(3):
        assert ask(host, asked, stays=False) == SUCCESS
    told.listen(port)
    assert told.wait()[0] == 1
    time.sleep(1)
    told.wait()


def test_what_is_no_request_is_refused_and_the_association_goes_on(host, told):
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    nameless, empty, bad, half = request(sent), request(sent), request(sent), request(sent)
    del nameless.TransactionUID
    empty.ReferencedSOPSequence = []
    bad.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = "1.2.x"
    del half.ReferencedSOPSequence[0].ReferencedSOPClassUID
    many = request(*[(CTImageStorage, f"1.2.3.{number}") for number in range(10_001)])
    table = [
        (nameless, 1, COMMITMENT, INSTANCE, 0x0115),
        (empty, 1, COMMITMENT, INSTANCE, 0x0115),
        (bad, 1, COMMITMENT, INSTANCE, 0x0115),
        (half, 1, COMMITMENT, INSTANCE, 0x0115),
        (request(sent), 2, COMMITMENT, INSTANCE, 0x0123),
        (request(sent), 1, COMMITMENT, objects.uid(), 0x0112),
        (many, 1, COMMITMENT, INSTANCE, 0x0213),
        (None, 1, COMMITMENT, INSTANCE, 0x0115),
    ]
    with association(host, [(COMMITMENT, [ExplicitVRLittleEndian])], calling=MODALITY, evt_handlers=told.handlers) as opened:
        for asked, action, sop_class, instance, expected in table:
            status, _ = opened.send_n_action(asked, action, sop_class, instance)
            assert status.Status == expected, (hex(status.Status), hex(expected))
            assert status.ErrorComment
        assert opened.send_n_action(request(sent), 1, COMMITMENT, INSTANCE)[0].Status == SUCCESS
        told.wait()


def test_as_many_as_are_allowed(host, told):
    sent = objects.image()
    assert store(host, sent) == [SUCCESS]
    strangers = [(CTImageStorage, f"1.2.3.4.{number}") for number in range(9_999)]
    assert ask(host, request(sent, *strangers), told) == SUCCESS
    kind, information = told.wait()
    assert kind == 2
    assert committed(information) == {sent.SOPInstanceUID}
    assert len(information.FailedSOPSequence) == 9_999


def test_who_may_not_store_may_not_ask(hosts):
    host = hosts(
        """
        [dicom]
        unknown-callers = "refuse"
        [[dicom.callers]]
        ae-title = "VIEWER"
        services = ["query", "retrieve"]
        [[dicom.callers]]
        ae-title = "MODALITY"
        services = ["store"]
        """
    )
    def opened(calling):
        ae = AE(ae_title=calling)
        ae.add_requested_context(COMMITMENT)
        return ae.associate("127.0.0.1", host.dicom, ae_title="ISOCENTER")

    stranger = opened("STRANGER")
    assert stranger.is_rejected
    viewer = opened("VIEWER")
    assert not viewer.accepted_contexts
    sender = opened(MODALITY)
    assert [context.abstract_syntax for context in sender.accepted_contexts] == [COMMITMENT]
    sender.release()
