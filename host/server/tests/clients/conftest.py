"""What tests share: one plain host for all of them, and hosts of their own configuration.

Everything here drives the host from outside, with clients that this project did not write.
"""

import contextlib
import os

import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from hosts import running


@pytest.fixture(scope="session")
def host():
    """A host without plugins, shared by all tests. Each test uses objects of its own."""
    with running() as host:
        yield host


class Elsewhere:
    """Another server, that the tests of query and retrieval are held against: `DICOM_HOST`, `DICOM_PORT`, `DICOM_AE`."""

    def __init__(self):
        self.address = os.environ.get("DICOM_HOST", "127.0.0.1")
        self.dicom = int(os.environ["DICOM_PORT"])
        self.ae_title = os.environ.get("DICOM_AE", "ANY-SCP")


@pytest.fixture(scope="session")
def archive(request):
    """What is asked by DIMSE alone: the shared host, or the server that the environment names."""
    if "DICOM_PORT" in os.environ:
        return Elsewhere()
    return request.getfixturevalue("host")


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
