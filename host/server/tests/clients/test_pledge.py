"""Archives answer for what they are sent: storage commitment (PS3.4 Annex J) as its user, and how objects travel to them.
The other end is pynetdicom."""

import threading

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    StorageCommitmentPushModel as COMMITMENT,
    StorageCommitmentPushModelInstance as INSTANCE,
)

import objects
from hosts import AE_TITLE, PLUGINS, eventually, free_port
from test_commitment import reference
from wire import SUCCESS, Peer, store

NO_SUCH_OBJECT = 0x0112


class Archive(Peer):
    """A peer that reports what it answers for: `here`, on the association that asks, or on another; or not at all."""

    def __init__(self, port, here=True, refuses=()):
        super().__init__(port, "ARCHIVE")
        self.ae.add_supported_context(COMMITMENT, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
        self.here, self.refuses, self.silent = here, refuses, False
        self.host = None
        self.asked, self.associations, self.users, self.windows = [], 0, [], []

    def start(self):
        handlers = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_N_ACTION, self._action),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_USER_ID, self._user),
            (evt.EVT_ASYNC_OPS, self._window),
        ]
        self.server = self.ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def _accepted(self, event):
        self.associations += 1

    def _user(self, event):
        self.users.append((event.user_id_type, event.primary_field, event.secondary_field))
        return True, None

    def _window(self, event):
        self.windows.append((event.nr_invoked, event.nr_performed))
        return 4, 1

    def _action(self, event):
        asked = event.action_information
        with self.lock:
            self.asked.append(asked)
        if not self.silent:
            threading.Thread(target=self._report, args=(event.assoc, asked), daemon=True).start()
        return SUCCESS, None

    def report(self, asked):
        """The Event Information, with its type."""
        told = Dataset()
        told.TransactionUID = asked.TransactionUID
        told.ReferencedSOPSequence, told.FailedSOPSequence = [], []
        for item in asked.ReferencedSOPSequence:
            answer = reference(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)
            if item.ReferencedSOPInstanceUID in self.refuses:
                answer.FailureReason = NO_SUCH_OBJECT
                told.FailedSOPSequence.append(answer)
            else:
                told.ReferencedSOPSequence.append(answer)
        kind = 2 if told.FailedSOPSequence else 1
        for sequence in ("ReferencedSOPSequence", "FailedSOPSequence"):
            if not told[sequence].value:
                del told[sequence]
        return told, kind

    def _report(self, asking, asked):
        if self.here:
            told, kind = self.report(asked)
            asking.send_n_event_report(told, kind, COMMITMENT, INSTANCE)
        else:
            assert self.tell(asked) == SUCCESS

    def tell(self, asked, calling="ARCHIVE"):
        """Reports on an association of its own; the status."""
        told, kind = self.report(asked)
        ae = AE(ae_title=calling)
        ae.add_requested_context(COMMITMENT)
        opened = ae.associate(
            "127.0.0.1", self.host.dicom, ae_title=AE_TITLE, ext_neg=[build_role(COMMITMENT, scp_role=True)]
        )
        assert opened.is_established
        status, _ = opened.send_n_event_report(told, kind, COMMITMENT, INSTANCE)
        opened.release()
        return status.Status


@pytest.fixture
def sending(hosts):
    """Starts a host that sends CT to an archive."""
    started = []

    def start(archive, dicom="", retry="", more=""):
        started.append(archive.start())
        archive.host = hosts(
            f"""
{more}
[plugins.rules]
source = "{PLUGINS}/rules.wasm"
config = {{ rules = [{{ when = {{ modality = "CT" }}, send-to = ["archive"] }}] }}

[[chains]]
route = ["rules"]

[destinations.archive]
dicom = {{ ae-title = "ARCHIVE", address = "127.0.0.1:{archive.port}", {dicom} }}
retry = {{ first = "200 ms", longest = "500 ms", {retry} }}
"""
        )
        return archive.host

    yield start
    for archive in started:
        archive.stop()


def pledges(host, outcome):
    """Objects of which an archive has reported that."""
    lines = host.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f'isocenter_pledges_total{{outcome="{outcome}"'))


def waiting(host):
    """Deliveries that are not done."""
    lines = host.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("isocenter_queue_waiting") and 'destination="archive"' in line)


@pytest.mark.parametrize("here", [True, False])
def test_a_delivery_is_done_when_the_archive_answers_for_it(sending, here):
    archive = Archive(free_port(), here)
    host = sending(archive, 'commit-within = "1 h"')
    sent = objects.series(5)
    assert store(host, *sent) == [SUCCESS] * 5
    eventually("all are committed", lambda: pledges(host, "committed") == 5)
    eventually("nothing waits", lambda: waiting(host) == 0)
    assert set(archive.taken) == {each.SOPInstanceUID for each in sent}
    referred = {item.ReferencedSOPInstanceUID for asked in archive.asked for item in asked.ReferencedSOPSequence}
    assert referred == set(archive.taken)
    assert host.get("/api/dead-letters").json() == []


def test_what_the_archive_does_not_answer_for_is_sent_again_and_is_a_dead_letter_in_the_end(sending):
    sent = objects.series(2)
    archive = Archive(free_port(), refuses=[sent[0].SOPInstanceUID])
    host = sending(archive, 'commit-within = "1 h"', "attempts = 2")
    assert store(host, *sent) == [SUCCESS] * 2
    [letter] = eventually("there is a dead letter", lambda: host.get("/api/dead-letters").json())
    assert letter["object"] == sent[0].SOPInstanceUID
    assert "does not answer for it" in letter["reason"]
    assert archive.offered == 3, "two tries of one, and the other once"
    assert pledges(host, "committed") == 1 and pledges(host, "not-committed") == 2
    # The original is still here.
    assert host.file(sent[0]) is not None


def test_who_says_nothing_is_sent_the_same_again(sending):
    archive = Archive(free_port())
    archive.silent = True
    host = sending(archive, 'commit-within = "1 s"')
    dataset = objects.image()
    assert store(host, dataset) == [SUCCESS]
    eventually("it is asked a second time", lambda: len(archive.asked) >= 2)
    archive.silent = False
    eventually("it is committed", lambda: pledges(host, "committed") == 1)
    assert list(archive.taken) == [dataset.SOPInstanceUID]


def test_only_the_archive_itself_can_answer_for_it_and_only_for_what_it_was_asked(sending):
    archive = Archive(free_port())
    archive.silent = True
    host = sending(archive, 'commit-within = "1 h"')
    dataset = objects.image()
    assert store(host, dataset) == [SUCCESS]
    [asked] = eventually("it is asked", lambda: archive.asked)
    assert archive.tell(asked, calling="STRANGER") == SUCCESS
    other = Dataset()
    other.TransactionUID = objects.uid()
    other.ReferencedSOPSequence = asked.ReferencedSOPSequence
    assert archive.tell(other) == SUCCESS
    assert pledges(host, "committed") == 0
    eventually("the delivery is seen to wait", lambda: waiting(host) == 1)
    # A restart forgets nothing of it.
    assert host.stop() == 0
    host.start()
    assert archive.tell(asked) == SUCCESS
    eventually("it is done", lambda: waiting(host) == 0)
    assert archive.offered == 1


def test_a_report_that_is_none_is_refused(sending):
    archive = Archive(free_port())
    sending(archive, 'commit-within = "1 h"')
    empty = Dataset()
    empty.TransactionUID = "no uid"
    empty.ReferencedSOPSequence = []
    archive.report = lambda asked: (asked, 1)
    assert archive.tell(empty) == 0x0115


def test_an_archive_that_offers_no_commitment_is_a_dead_letter_in_the_end(sending):
    archive = Archive(free_port())
    archive.takes(ExplicitVRLittleEndian)
    host = sending(archive, 'commit-within = "1 h"', "attempts = 2")
    dataset = objects.image()
    assert store(host, dataset) == [SUCCESS]
    [letter] = eventually("there is a dead letter", lambda: host.get("/api/dead-letters").json())
    assert "does not offer storage commitment" in letter["reason"]


def test_many_batches_travel_on_one_association_with_a_window(sending):
    archive = Archive(free_port())
    host = sending(archive)
    sent = objects.series(150)
    assert store(host, *sent) == [SUCCESS] * 150
    archive.wait_for(150)
    assert archive.associations < 3, "three batches of 64, one association but for the first few objects"
    assert archive.windows and set(archive.windows) == {(8, 1)}


def test_an_archive_that_went_in_a_pause_costs_no_try(sending):
    archive = Archive(free_port())
    host = sending(archive, retry="attempts = 1")
    first, second = objects.image(), objects.image()
    assert store(host, first) == [SUCCESS]
    archive.wait_for(1)
    # The association rests now; the archive ends it.
    for open_one in archive.server.active_associations:
        open_one.abort()
    assert store(host, second) == [SUCCESS]
    archive.wait_for(2)
    assert host.get("/api/dead-letters").json() == []


@pytest.mark.parametrize("passcode", [None, "open sesame"])
def test_the_user_of_a_destination_is_shown(sending, tmp_path, passcode):
    archive = Archive(free_port())
    secret = tmp_path / "passcode"
    secret.write_text("open sesame")
    user = 'user = { name = "isocenter"' + (', passcode = "archive"' if passcode else "") + " }"
    host = sending(archive, user, more=f'[secrets]\narchive = {{ file = "{secret}" }}\n')
    assert store(host, objects.image()) == [SUCCESS]
    archive.wait_for(1)
    assert archive.users[0] == (2 if passcode else 1, b"isocenter", (passcode or "").encode())
