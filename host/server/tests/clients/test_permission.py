"""What a peer may search, have and send on: the authorizers of `dicom.authorize`, asked about whom the gates let in."""

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind as WORKLIST,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
)

import objects
from hosts import PLUGINS, free_port, running
from test_find import ask, keys
from test_retrieve import counts, get, move
from wire import SUCCESS, Peer, store

NOT_AUTHORIZED = 0x0124


def config(folder, do, port):
    """Whoever is let in is called by its AE title; the authorizer does as it is told."""
    key = folder / "gate-key"
    key.write_text("a key for tests")
    peers = ", ".join(f'{title} = {{ addresses = ["127.0.0.1"] }}' for title in ("ALICE", "BOB", "PYNETDICOM"))
    return f"""
[secrets]
gate-key = {{ file = "{key}" }}

[plugins.known]
source = "{PLUGINS}/test/gate.wasm"
grant = {{ secrets = ["gate-key"] }}
config = {{ called-ae = "ISOCENTER", peers = {{ {peers} }} }}

[plugins.probe]
source = "{PLUGINS}/test/roles.wasm"
grant = {{ secrets = ["site-key"] }}
config = {{ do = "{do}" }}

[dicom]
gate = ["known"]
authorize = ["probe"]

[destinations.other.dicom]
ae-title = "OTHER"
address = "127.0.0.1:{port}"
"""


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def limited(port, tmp_path_factory):
    """A host where everybody has the patient of that name, with an object of Alice and one of Bob in one study."""
    with running(config(tmp_path_factory.mktemp("permission"), "within", port)) as host:
        alice = objects.image(PatientID="ALICE", InstitutionName="North")
        bob = objects.image(PatientID="BOB")
        assert store(host, alice, bob, calling="ALICE") == [SUCCESS, SUCCESS]
        yield host, alice, bob


def find(host, calling, identifier, model=STUDY_FIND):
    """The answers and the last status."""
    answers, statuses = ask(host, identifier, model, calling=calling)
    return answers, statuses[-1]


@pytest.mark.parametrize("level", ["STUDY", "SERIES", "IMAGE"])
def test_a_query_finds_what_the_caller_may_see(limited, level):
    host, alice, bob = limited
    for dataset, calling, expected in ((alice, "ALICE", 1), (bob, "ALICE", 0), (bob, "BOB", 1), (alice, "PYNETDICOM", 0)):
        asked = keys(level, PatientID="", StudyInstanceUID=dataset.StudyInstanceUID, ImageType="")
        if level != "STUDY":
            asked.SeriesInstanceUID = "" if level == "SERIES" else dataset.SeriesInstanceUID
        found, last = find(host, calling, asked)
        assert (len(found), last) == (expected, SUCCESS), (calling, level)


def test_a_retrieval_sends_what_the_caller_may_have(limited, port):
    host, alice, bob = limited
    for dataset, calling, expected in ((alice, "ALICE", 1), (bob, "ALICE", 0)):
        asked = keys("STUDY", StudyInstanceUID=dataset.StudyInstanceUID)
        came, (status, _) = get(host, asked, calling=calling)
        assert (len(came), status.Status) == (expected, SUCCESS)
    peer = Peer(port, "OTHER").start()
    for dataset, calling, expected in ((alice, "BOB", 0), (bob, "BOB", 1)):
        asked = keys("STUDY", StudyInstanceUID=dataset.StudyInstanceUID)
        status, _ = move(host, asked, "OTHER", calling=calling)[-1]
        assert status.Status == SUCCESS and counts(status) == (expected, 0, 0)
    assert list(peer.taken) == [bob.SOPInstanceUID]
    peer.stop()


def test_what_cannot_be_limited_is_denied(limited):
    host, *_ = limited
    asked = Dataset()
    asked.PatientName = ""
    assert find(host, "ALICE", asked, WORKLIST) == ([], NOT_AUTHORIZED)


def test_a_denial_says_not_why(port, tmp_path):
    with running(config(tmp_path, "deny", port)) as host:
        dataset = objects.image()
        assert store(host, dataset) == [SUCCESS]
        asked = keys("STUDY", StudyInstanceUID=dataset.StudyInstanceUID)
        assert find(host, "ALICE", asked) == ([], NOT_AUTHORIZED)
        came, (status, _) = get(host, asked, calling="ALICE")
        assert (came, status.Status) == ({}, NOT_AUTHORIZED)
        assert "denies" not in status.get("ErrorComment", "")
        status, _ = move(host, asked, "OTHER", calling="ALICE")[-1]
        assert status.Status == NOT_AUTHORIZED
        # The operator sees who asked for what, and why it was denied.
        assert "denies" in host.command("outcomes", "--plugin", "probe").stdout


def test_an_authorizer_that_fails_lets_nobody_see_anything(port, tmp_path):
    with running(config(tmp_path, "panic", port)) as host:
        dataset = objects.image()
        assert store(host, dataset) == [SUCCESS]
        asked = keys("STUDY", StudyInstanceUID=dataset.StudyInstanceUID)
        assert find(host, "ALICE", asked) == ([], NOT_AUTHORIZED)
