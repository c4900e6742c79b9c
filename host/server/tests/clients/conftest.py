"""What tests share: one plain host for all of them, and hosts of their own configuration.

Everything here drives the host from outside, with clients that this project did not write.
"""

import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from hosts import Host


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """A host without plugins, shared by all tests. Each test uses objects of its own."""
    host = Host(tmp_path_factory.mktemp("host")).start()
    yield host
    host.finish()


@pytest.fixture
def hosts(tmp_path):
    """Starts hosts of a test's own configuration."""
    started = []

    def start(config="", **options):
        folder = tmp_path / f"host-{len(started)}"
        folder.mkdir()
        started.append(Host(folder, config, **options))
        return started[-1].start()

    yield start
    for host in started:
        host.finish()


@pytest.fixture
def web(host):
    """dicomweb-client for the shared host."""
    return web_client(host)


def web_client(host):
    """dicomweb-client for any host."""
    session = requests.Session()
    session.trust_env = False
    return DICOMwebClient(url=host.dicomweb, session=session, timeout=60)
