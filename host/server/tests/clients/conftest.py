"""What tests share: one plain host for all of them, and hosts of their own configuration.

Everything here drives the host from outside, with clients that this project did not write.
"""

import contextlib
import os
from pathlib import Path

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.sop_class import ModalityWorklistInformationFind as WORKLIST

import objects
from hosts import free_port, running
from orders import schedule


@pytest.fixture(scope="session")
def host():
    """A host without plugins, shared by all tests. Each test uses objects of its own."""
    with running() as host:
        yield host


class Elsewhere:
    """Another server, that the tests are held against which need DICOM alone: see README.md."""

    def __init__(self):
        self.address = os.environ.get("DICOM_HOST", "127.0.0.1")
        self.dicom = int(os.environ["DICOM_PORT"])
        self.ae_title = os.environ.get("DICOM_AE", "ANY-SCP")
        self.peer = int(os.environ.get("DICOM_PEER_PORT", "0"))
        self.worklist = os.environ.get("DICOM_WORKLIST")

    def schedule(self, entry):
        """Has it offer an entry of the worklist: a file in its folder, as `wlmscpfs` and Orthanc read them."""
        if not self.worklist:
            pytest.skip("DICOM_WORKLIST names no folder of worklist files")
        entry.SOPClassUID, entry.SOPInstanceUID = WORKLIST, objects.uid()
        path = Path(self.worklist) / f"{entry.SOPInstanceUID}.wl"
        path.write_bytes(objects.encoded(objects.with_meta(entry, ExplicitVRLittleEndian)))


IS_ELSEWHERE = "DICOM_PORT" in os.environ


def pytest_collection_modifyitems(config, items):
    """Of another server only what is asked by DIMSE alone can be asked."""
    if IS_ELSEWHERE:
        held = [item for item in items if {"archive", "acquainted"} & set(item.fixturenames)]
        config.hook.pytest_deselected(items=[item for item in items if item not in held])
        items[:] = held


@pytest.fixture(scope="session")
def archive(request):
    """What is asked by DIMSE alone: the shared host, or the server that the environment names."""
    return Elsewhere() if IS_ELSEWHERE else request.getfixturevalue("host")


KNOWN = """
[destinations.peer.dicom]
ae-title = "PEER"
address = "127.0.0.1:{port}"
"""


@pytest.fixture(scope="session")
def acquainted():
    """The same for what needs a peer: it knows the application entity PEER, on the port `peer` of loopback."""
    if IS_ELSEWHERE:
        server = Elsewhere()
        if not server.peer:
            pytest.skip("DICOM_PEER_PORT does not say where the server looks for PEER")
        yield server
    else:
        port = free_port()
        with running(KNOWN.format(port=port)) as host:
            host.peer = port
            host.schedule = lambda entry: schedule(host, entry)
            yield host


@pytest.fixture
def hosts():
    """Starts hosts of a test's own configuration."""
    with contextlib.ExitStack() as stack:
        yield lambda config="": stack.enter_context(running(config))


@pytest.fixture
def web(host):
    """dicomweb-client for the shared host."""
    return web_client(host)


def web_client(host):
    """dicomweb-client for any host."""
    session = requests.Session()
    session.trust_env = False
    return DICOMwebClient(url=host.dicomweb, session=session, timeout=60)
