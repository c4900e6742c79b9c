"""What tests share: one plain host for all of them, and hosts of their own configuration.

Everything here drives the host from outside, with clients that this project did not write.
"""

import contextlib

import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from hosts import running


@pytest.fixture(scope="session")
def host():
    """A host without plugins, shared by all tests. Each test uses objects of its own."""
    with running() as host:
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
