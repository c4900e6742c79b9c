"""DICOM clients and peers: pynetdicom and DCMTK, in few words.

Apart from the tests so that these read as what is sent and what must come of it.
"""

import contextlib
import shutil
import subprocess
import threading

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.presentation import StoragePresentationContexts

import objects
from hosts import AE_TITLE, eventually

# A path is sent from the disk as it is, a piece at a time, instead of being read, decoded and encoded again.
_config.STORE_SEND_CHUNKED_DATASET = True
# What these tests send is odd on purpose.
_config.WRITE_VALIDATION_MODE = 0

SUCCESS = 0x0000


def program(tool):
    """The path of a tool of DCMTK. Not by the search path: a virtual environment with pynetdicom has others of the same
    names in it."""
    path = shutil.which(tool, path="/usr/bin:/usr/local/bin")
    return path or pytest.skip(f"{tool} (DCMTK) is not installed")


def dcmtk(tool, *arguments, check=True):
    """Runs a tool of DCMTK, and answers what it said."""
    command = [program(tool), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    said = result.stdout + result.stderr
    assert not check or result.returncode == 0, said
    return said


def to(host):
    """A host as the tools of DCMTK want it."""
    return ("-aec", title_of(host), address_of(host), host.dicom)


def title_of(host):
    """Its AE title: another server's may be another."""
    return getattr(host, "ae_title", AE_TITLE)


def address_of(host):
    """Where it is."""
    return getattr(host, "address", "127.0.0.1")


@contextlib.contextmanager
def association(host, contexts, calling="PYNETDICOM", called=None, **options):
    """An open association, released in the end. `contexts` are objects, or pairs of class and transfer syntaxes."""
    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 60
    pairs = []
    for context in contexts:
        pair = context if isinstance(context, tuple) else (context.SOPClassUID, [context.file_meta.TransferSyntaxUID])
        if pair not in pairs:
            pairs.append(pair)
    for pair in pairs:
        ae.add_requested_context(*pair)
    opened = ae.associate(address_of(host), host.dicom, ae_title=called or title_of(host), **options)
    assert opened.is_established, "the host did not accept the association"
    try:
        yield opened
    finally:
        if opened.is_established:
            opened.release()
            assert opened.is_released
        opened.join(10)


def store(host, *sent, **options):
    """Sends objects (or paths) over one association, and answers their statuses."""
    heads = [each if hasattr(each, "file_meta") else dcmread(each, stop_before_pixels=True, force=True) for each in sent]
    for head in heads:
        objects.remember(head)
    with association(host, heads, **options) as opened:
        return [opened.send_c_store(each).get("Status") for each in sent]


class Peer:
    """A DICOM peer that takes what it is sent, or answers a status of its own."""

    def __init__(self, port, ae_title="PEER", status=SUCCESS, tls=None):
        self.port = port
        self.tls = tls
        self.status = status
        self.lock = threading.Lock()
        # SOP Instance UID to Part 10 file.
        self.taken = {}
        self.offered = 0
        self.ae = AE(ae_title=ae_title)
        self.takes(ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        self.server = None

    def takes(self, *syntaxes):
        """Takes only these from its next start on."""
        self.ae.supported_contexts = []
        for context in StoragePresentationContexts:
            self.ae.add_supported_context(context.abstract_syntax, list(syntaxes))

    def _store(self, event):
        with self.lock:
            self.offered += 1
            if self.status == SUCCESS:
                self.taken[event.request.AffectedSOPInstanceUID] = event.encoded_dataset()
        return self.status

    def start(self):
        """Listens."""
        self.server = self.ae.start_server(
            ("127.0.0.1", self.port),
            block=False,
            evt_handlers=[(evt.EVT_C_STORE, self._store)],
            ssl_context=self.tls,
        )
        return self

    def stop(self):
        """Is gone."""
        if self.server:
            self.server.shutdown()
            self.server = None

    def wait_for(self, count):
        """Waits until that many objects were taken, and answers their files."""
        eventually(f"{count} objects reach the peer", lambda: len(self.taken) >= count)
        return list(self.taken.values())


@contextlib.contextmanager
def storescp(port, folder):
    """DCMTK's receiver: writes what it takes into `folder`, in whatever transfer syntax it comes."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen([program("storescp"), "+xa", "-aet", "STORESCP", "-od", folder, str(port)])
    try:
        yield folder
    finally:
        process.terminate()
        process.wait(10)
