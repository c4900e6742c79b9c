"""What cannot be read, in every service that takes a data set: a status or an abort, soon and in little memory, with a line
in the log that says why; and whoever comes next does not notice.

Apart from the tests of the services because it is the same for all of them. It can be held against another server, of
which neither log nor memory is seen: see README.md.
"""

import random
import re
import struct
import time
import zlib

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (
    CTImageStorage,
    ModalityPerformedProcedureStep as MPPS,
    ModalityWorklistInformationFind as WORKLIST,
    StorageCommitmentPushModel as COMMITMENT,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    StudyRootQueryRetrieveInformationModelGet as STUDY_GET,
    StudyRootQueryRetrieveInformationModelMove as STUDY_MOVE,
    Verification,
)

import objects
import raw
from hosts import eventually
from orders import entry, keys as worklist_keys
from raw import Conversation, command
from test_commitment import request as commitment_of
from test_find import keys
from test_mpps import begun, ended
from wire import SUCCESS, association

# What a request may take to be answered, whatever is in it; and by how much it may make the host grow.
SOON = 20
LITTLE = 160 * 1024

SERVICES = {
    "store": (CTImageStorage, raw.STORE, {}),
    "find": (STUDY_FIND, raw.FIND, {}),
    "get": (STUDY_GET, raw.GET, {}),
    "move": (STUDY_MOVE, raw.MOVE, {"MoveDestination": "PEER"}),
    "worklist": (WORKLIST, raw.FIND, {}),
    "create": (MPPS, raw.N_CREATE, {}),
    "set": (MPPS, raw.N_SET, {}),
    "commitment": (COMMITMENT, raw.N_ACTION, {"ActionTypeID": 1, "instance": "1.2.840.10008.1.20.1.1"}),
}


# Per-frame Functional Groups Sequence: behind everything else that is in these data sets.
SEQUENCE = b"\x00\x52\x30\x92"


def deep(implicit, depth=10_000):
    """Sequences in sequences, of undefined length."""
    begin = SEQUENCE + (b"" if implicit else b"SQ\0\0") + b"\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return begin * depth + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00" * depth


def deep_with_lengths(implicit, depth=10_000):
    """The same, of lengths that are right."""
    head = SEQUENCE + (b"" if implicit else b"SQ\0\0")
    parts = []
    for at in range(depth):
        inside = (depth - at - 1) * (len(head) + 12)
        parts.append(head + struct.pack("<L", inside + 8) + b"\xfe\xff\x00\xe0" + struct.pack("<L", inside))
    return b"".join(parts)


def noise(_):
    """What nobody meant."""
    return random.Random(5).randbytes(5000)


def cut(implicit):
    """A data set that ends in the middle of a value."""
    return encode(keys("STUDY", StudyInstanceUID="1.2.3"), implicit, True)[:-3]


def absurd(implicit):
    """An element that is said to have two gigabytes."""
    return b"\x08\x00\x18\x00" + (b"" if implicit else b"UN\0\0") + b"\xfe\xff\xff\x7f1.2.3\0"


def endless(implicit):
    """A sequence that nothing ends."""
    return deep(implicit, 3)[:50]


UNREADABLE = {"noise": noise, "cut": cut, "absurd": absurd, "endless": endless}


def good(service):
    """A data set of a service with nothing wrong in it."""
    if service == "store":
        dataset = objects.image()
        del dataset.PixelData
        return dataset
    if service in ("create", "set"):
        return begun(entry()) if service == "create" else ended()
    if service == "worklist":
        return worklist_keys(PatientID="nobody")
    if service == "commitment":
        return commitment_of(objects.image())
    return keys("STUDY", StudyInstanceUID=objects.uid())


class Watch:
    """What a server does meanwhile: its log from here on and how it grows. Of another server neither is seen."""

    def __init__(self, server):
        self.server = server
        self.own = hasattr(server, "log")
        if self.own:
            self.mark = len(server.log)
            self.before = server.status("VmHWM")
        self.began = time.monotonic()

    def warnings(self):
        """What it logged for an operator to see."""
        return [line for line in self.server.log[self.mark :].splitlines() if re.search(r" (WARN|ERROR) ", line)]

    def ends(self, warned=True):
        """It was soon and in little memory, one line of the log says why, and the next association finds everything well."""
        took = time.monotonic() - self.began
        assert took < SOON, f"it took {took} s"
        if self.own:
            grown = self.server.status("VmHWM") - self.before
            assert grown < LITTLE, f"it has grown by {grown} kB"
            if warned:
                eventually("the log says why", self.warnings, 5)
                [line] = self.warnings()
                assert re.search(r'(reason|error)="?\S', line), line
        with association(self.server, [(Verification, None)]) as opened:
            assert opened.send_c_echo().Status == SUCCESS


def asked(server, service, data, syntax=ExplicitVRLittleEndian, instance=None):
    """Sends a request of a service with these bytes as data set: its last response, or how the association ended."""
    sop_class, field, more = SERVICES[service]
    if instance:
        more = more | {"instance": instance}
    with Conversation(server, SOON) as talk:
        assert talk.associate((sop_class, syntax))
        if sop_class not in talk.contexts:
            pytest.skip("this server does not offer it")
        try:
            talk.message(talk.contexts[sop_class], command(field, sop_class, **more), data)
            answer = talk.final()
            if not isinstance(answer, str):
                talk.release()
            return answer
        except ConnectionError:
            return "closed"


def is_refused(answer):
    """Whether it is an error of its service (PS3.7 Annex C), or the association has ended."""
    return isinstance(answer, str) or answer.Status & 0xF000 in (0xA000, 0xC000) or 0x0100 <= answer.Status < 0x0300


BOTH = pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])


@BOTH
@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("service", SERVICES)
def test_what_cannot_be_read_is_refused(archive, service, kind, syntax):
    watch = Watch(archive)
    answer = asked(archive, service, UNREADABLE[kind](syntax == ImplicitVRLittleEndian), syntax)
    assert is_refused(answer), answer
    watch.ends()


@BOTH
@pytest.mark.parametrize("nested", [deep, deep_with_lengths])
@pytest.mark.parametrize("service", SERVICES)
def test_ten_thousand_sequences_in_one_another(archive, service, syntax, nested):
    implicit = syntax == ImplicitVRLittleEndian
    dataset = good(service)
    data = encode(dataset, implicit, True) + nested(implicit)
    watch = Watch(archive)
    answer = asked(archive, service, data, syntax, service == "store" and dataset.SOPInstanceUID)
    # Nothing forbids to take it: then it is there, which `verify` of this host sees in the end.
    taken = not isinstance(answer, str) and answer.Status == SUCCESS
    assert taken or is_refused(answer), answer
    watch.ends(warned=not taken)


def deflated(head, piece=bytes(8), count=1):
    """A data set of `head` and a piece that repeats to so many times 16 MiB, deflated (PS3.5 §A.5), in little time."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
    repeated = deflate.compress(piece * ((16 << 20) // len(piece))) + deflate.flush(zlib.Z_FULL_FLUSH)
    return begin + repeated * count + deflate.flush()


BOMBS = {
    # One value of a gigabyte in the header, a gigabyte of empty items, and pixels of four gigabytes.
    "value": (b"\x40\x00\x60\xa1UT\0\0" + (1 << 30).to_bytes(4, "little"), bytes(8), 64),
    "items": (b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\0\0\0\0", 64),
    "pixels": (b"\xe0\x7f\x10\x00OW\0\0" + (0xFF000000).to_bytes(4, "little"), bytes(8), 255),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_object_that_inflates_to_gigabytes(archive, kind):
    dataset = good("store")
    head, piece, count = BOMBS[kind]
    data = deflated(encode(dataset, False, True) + head, piece, count)
    assert len(data) < 8 << 20
    watch = Watch(archive)
    answer = asked(archive, "store", data, DeflatedExplicitVRLittleEndian, dataset.SOPInstanceUID)
    # Pixels may be kept as they came, never inflated.
    taken = kind == "pixels" and not isinstance(answer, str) and answer.Status == SUCCESS
    assert taken or is_refused(answer), answer
    watch.ends(warned=not taken)


@pytest.mark.parametrize("what", ["garbage", "half"])
def test_a_deflated_object_that_cannot_be_inflated(archive, what):
    data = deflated(encode(objects.image(), False, True))
    watch = Watch(archive)
    answer = asked(archive, "store", random.Random(3).randbytes(2000) if what == "garbage" else data[:200], DeflatedExplicitVRLittleEndian)
    assert is_refused(answer), answer
    watch.ends()


def echo_request(context):
    """A whole C-ECHO-RQ as one PDU."""
    request = command(raw.ECHO, Verification, data_set=False)
    return raw.pdu(raw.P_DATA, struct.pack(">LBB", len(request) + 2, context, 3) + request)


def test_a_message_after_the_release_is_not_answered(archive):
    watch = Watch(archive)
    with Conversation(archive, SOON) as talk:
        assert talk.associate((Verification, ImplicitVRLittleEndian))
        request = echo_request(talk.contexts[Verification])
        # In one write, so that it is there when the release is answered.
        talk.send(raw.pdu(raw.RELEASE_RQ) + request)
        kinds = []
        while (kind := talk.read()[0]) is not None:
            kinds.append(kind)
    assert kinds in ([raw.RELEASE_RP], [raw.RELEASE_RP, raw.ABORT], [raw.ABORT]), kinds
    watch.ends(warned=False)


def test_a_message_after_the_answer_to_the_release_is_not_answered(archive):
    watch = Watch(archive)
    with Conversation(archive, SOON) as talk:
        assert talk.associate((Verification, ImplicitVRLittleEndian))
        talk.send(raw.pdu(raw.RELEASE_RQ))
        assert talk.read()[0] == raw.RELEASE_RP
        try:
            talk.send(echo_request(talk.contexts[Verification]))
        except ConnectionError:
            pass
        assert talk.read()[0] in (None, raw.ABORT)
    watch.ends(warned=False)


@pytest.mark.parametrize("when", ["before", "unaccepted", "even", "twice"])
def test_a_message_out_of_place_ends_the_association(archive, when):
    watch = Watch(archive)
    with Conversation(archive, SOON) as talk:
        if when != "before":
            assert talk.associate((Verification, ImplicitVRLittleEndian))
        if when == "twice":
            talk.send(raw.pdu(raw.ASSOCIATE_AC, bytes(68)))
        else:
            talk.send(echo_request({"before": 1, "unaccepted": 99, "even": 2}[when]))
        assert talk.read()[0] in (raw.ABORT, None)
    watch.ends(warned=False)
    if watch.own:
        eventually("the log says why", lambda: re.search(r" (INFO|WARN) .*(error|reason)=", archive.log[watch.mark :]), 5)
