"""DICOM's upper layer by hand (PS3.8 §9.3): for what no client would send, and to see exactly what comes back and when.

Apart from `wire.py` because clients there are other people's, and orderly; here only the PDUs of pynetdicom are used.
"""

import io
import socket
import struct

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.dsutils import decode, encode
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification

import objects
from wire import address_of, title_of

ASSOCIATE_AC, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 0x02, 0x04, 0x05, 0x06, 0x07

STORE, GET, MOVE, FIND, ECHO, N_SET, N_ACTION, N_CREATE = 0x0001, 0x0010, 0x0021, 0x0020, 0x0030, 0x0120, 0x0130, 0x0140


def pdu(kind, body=b"\0\0\0\0"):
    """A PDU with its head."""
    return struct.pack(">BxL", kind, len(body)) + body


def command(field, sop_class, instance=None, data_set=True, **elements):
    """The bytes of a command set."""
    dataset = Dataset()
    if field in (N_SET, N_ACTION):
        dataset.RequestedSOPClassUID = sop_class
        dataset.RequestedSOPInstanceUID = instance or objects.uid()
    else:
        dataset.AffectedSOPClassUID = sop_class
        if instance or field in (STORE, N_CREATE):
            dataset.AffectedSOPInstanceUID = instance or objects.uid()
    dataset.CommandField = field
    dataset.MessageID = 7
    if field in (STORE, GET, MOVE, FIND):
        dataset.Priority = 0
    dataset.CommandDataSetType = 0x0001 if data_set else 0x0101
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    rest = encode(dataset, True, True)
    return b"\0\0\0\0\x04\0\0\0" + struct.pack("<L", len(rest)) + rest


class Conversation:
    """A connection on which an association may be asked for, and anything be sent."""

    def __init__(self, server, timeout=60):
        self.server = server
        self.socket = socket.create_connection((address_of(server), server.dicom), timeout)
        self.contexts = {}
        # The largest fragment that is sent: every server takes that.
        self.piece = 16_000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def associate(self, *contexts, calling="PYNETDICOM"):
        """Asks for an association for pairs of class and transfer syntax; whether it was accepted."""
        ae = AE()
        for sop_class, syntax in contexts:
            ae.add_requested_context(sop_class, [syntax])
        asked = A_ASSOCIATE()
        asked.application_context_name = "1.2.840.10008.3.1.1.1"
        asked.calling_ae_title, asked.called_ae_title = calling, title_of(self.server)
        longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
        longest.maximum_length_received = 16_384
        implementation.implementation_class_uid = "1.2.826.0.1.3680043.9.3811.3.0.4"
        asked.user_information = [longest, implementation]
        for number, context in enumerate(ae.requested_contexts):
            context.context_id = 2 * number + 1
        asked.presentation_context_definition_list = ae.requested_contexts
        proposal = A_ASSOCIATE_RQ()
        proposal.from_primitive(asked)
        self.socket.sendall(proposal.encode())
        kind, body = self.read()
        if kind != ASSOCIATE_AC:
            return False
        answer = A_ASSOCIATE_AC()
        answer.decode(pdu(kind, body))
        accepted = {each.context_id for each in answer.presentation_context if each.result == 0}
        self.contexts = {
            context.abstract_syntax: context.context_id for context in ae.requested_contexts if context.context_id in accepted
        }
        return True

    def message(self, context, command_set, data=None):
        """Sends a message, in as many PDUs as it wants. A server may go in the middle of it."""
        self.fragments(context, command_set, 1)
        if data is not None:
            self.fragments(context, data, 0)

    def fragments(self, context, data, kind):
        """Sends a command set (kind 1) or a data set (0)."""
        for at in range(0, max(len(data), 1), self.piece):
            part = data[at : at + self.piece]
            last = at + self.piece >= len(data)
            self.send(pdu(P_DATA, struct.pack(">LBB", len(part) + 2, context, kind | last << 1) + part))

    def send(self, data):
        """Sends bytes."""
        self.socket.sendall(data)

    def read(self):
        """The next PDU, or `(None, b"")` where the connection has ended."""
        try:
            head = self._exactly(6)
            kind, length = struct.unpack(">BxL", head)
            return kind, self._exactly(length)
        except ConnectionError:
            return None, b""

    def _exactly(self, count):
        data = bytearray()
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return bytes(data)

    def answer(self):
        """The next response's command set, without its data set; `"abort"`; or `"closed"`."""
        whole, done = b"", False
        while not done:
            kind, body = self.read()
            if kind != P_DATA:
                return "abort" if kind == ABORT else "closed"
            while body:
                length, _, control = struct.unpack(">LBB", body[:6])
                if control & 1:
                    whole += body[6 : 4 + length]
                    done = done or bool(control & 2)
                body = body[4 + length :]
        return decode(io.BytesIO(whole), True, True)

    def final(self):
        """The last response to a request, past those that are pending."""
        while True:
            answer = self.answer()
            if isinstance(answer, str) or answer.Status not in (0xFF00, 0xFF01):
                return answer

    def release(self):
        """Ends the association in order."""
        self.send(pdu(RELEASE_RQ))
        kind, _ = self.read()
        assert kind == RELEASE_RP, f"a PDU of type {kind} instead of the answer to the release"

