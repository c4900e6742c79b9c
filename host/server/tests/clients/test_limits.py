"""What is agreed on when an association begins, and what bounds it: windows, identities, places, rates and times."""

import time

import pytest
from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import AsynchronousOperationsWindowNegotiation, UserIdentityNegotiation
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    Verification,
)

import objects
from hosts import AE_TITLE, PLUGINS, eventually
from wire import SUCCESS, association, dcmtk, store, to


def agreed(host, negotiation, contexts=(CTImageStorage,)):
    """What the host answers to an item of the user information, of the same kind; `None`: nothing."""
    ae = AE(ae_title="CT1")
    for context in contexts:
        ae.add_requested_context(context)
    items = []

    def keep(event):
        items.extend(event.assoc.acceptor.user_information)

    opened = ae.associate(
        "127.0.0.1", host.dicom, ae_title=AE_TITLE, ext_neg=[negotiation], evt_handlers=[(evt.EVT_ACCEPTED, keep)]
    )
    if not opened.is_established:
        return "rejected"
    items = opened.acceptor.user_information
    opened.release()
    kind = type(negotiation)
    return next((item for item in items if isinstance(item, kind) or kind.__name__[:12] == type(item).__name__[:12]), None)


def window(invoked, performed):
    item = AsynchronousOperationsWindowNegotiation()
    item.maximum_number_operations_invoked = invoked
    item.maximum_number_operations_performed = performed
    return item


@pytest.mark.parametrize(
    "contexts, asked, expected",
    [
        ([CTImageStorage, Verification], (4, 4), (4, 1)),
        ([CTImageStorage], (0, 0), (16, 1)),
        ([CTImageStorage], (100, 1), (16, 1)),
        # What may be cancelled goes one by one.
        ([CTImageStorage, STUDY_FIND], (4, 4), (1, 1)),
    ],
)
def test_a_window_is_for_storage_alone(host, contexts, asked, expected):
    answer = agreed(host, window(*asked), contexts)
    assert (answer.maximum_number_operations_invoked, answer.maximum_number_operations_performed) == expected


def metric(host, name, **labels):
    """The sum of a metric over whatever other labels it has."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    lines = [line for line in host.get("/metrics").text.splitlines() if line.startswith((name + "{", name + " "))]
    return sum(float(line.split()[-1]) for line in lines if all(each in line for each in wanted))


def test_places_of_an_address(hosts):
    host = hosts("[dicom]\nmax-associations-per-address = 2\n")
    with association(host, [(Verification, None)]) as first, association(host, [(Verification, None)], calling="OTHER"):
        said = dcmtk("echoscu", "-aet", "THIRD", *to(host), check=False)
        assert "Local Limit Exceeded" in said, said
        assert first.send_c_echo().Status == SUCCESS
    assert metric(host, "isocenter_associations_rejected_total", reason="address-associations") == 1


def test_a_rate_of_a_caller(hosts):
    host = hosts('[[dicom.callers]]\nae-title = ["SLOW"]\nbandwidth = "200 KB"\n[[dicom.callers]]\nae-title = ["*"]\n')
    dataset = objects.image(Rows=512, Columns=512)
    dataset.PixelData = bytes(512 * 512 * 2)
    for calling, least, most in (("SLOW", 2.0, 20), ("FAST", 0, 2.0)):
        began = time.monotonic()
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = objects.uid()
        assert store(host, dataset, calling=calling) == [SUCCESS]
        assert least <= time.monotonic() - began <= most, calling
    assert metric(host, "isocenter_association_bandwidth_wait_seconds_sum") > 1


def test_the_time_of_an_association(hosts):
    host = hosts('[dicom]\nassociation-time = "1 s"\n')
    ae = AE(ae_title="CT1")
    ae.add_requested_context(CTImageStorage)
    opened = ae.associate("127.0.0.1", host.dicom, ae_title=AE_TITLE)
    dataset = objects.image()
    assert opened.send_c_store(dataset).Status == SUCCESS
    eventually("it is told to go", lambda: opened.is_aborted, within=20)
    assert host.file(dataset) is not None
    assert metric(host, "isocenter_association_limits_total", limit="association_time") == 1


def test_a_pause_that_is_too_long_is_counted(hosts):
    host = hosts('[dicom]\nidle = "500 ms"\n')
    ae = AE(ae_title="CT1")
    ae.add_requested_context(Verification)
    opened = ae.associate("127.0.0.1", host.dicom, ae_title=AE_TITLE)
    eventually("it is told to go", lambda: opened.is_aborted, within=20)
    assert metric(host, "isocenter_association_limits_total", limit="idle") == 1


@pytest.mark.parametrize(
    "kind, primary, secondary, expected",
    [
        (1, b"alice", b"", b""),
        (2, b"alice", b"open sesame", b""),
        (5, b"header.claims.signature", b"", b"header.claims.signature"),
        # A ticket and an assertion of ours would be wanted.
        (3, b"ticket", b"", None),
        (4, b"<Assertion/>", b"", None),
    ],
)
def test_who_is_let_in_is_acknowledged(hosts, tmp_path, kind, primary, secondary, expected):
    key = tmp_path / "gate-key"
    key.write_text("a key for tests")
    host = hosts(
        f"""
[secrets]
gate-key = {{ file = "{key}" }}

[plugins.known]
source = "{PLUGINS}/test/gate.wasm"
grant = {{ secrets = ["gate-key"] }}
config = {{ called-ae = "ISOCENTER", peers = {{ CT1 = {{ addresses = ["127.0.0.1"] }} }} }}

[dicom]
gate = ["known"]
"""
    )
    asked = UserIdentityNegotiation()
    asked.user_identity_type = kind
    asked.primary_field = primary
    if secondary:
        asked.secondary_field = secondary
    asked.positive_response_requested = True
    answer = agreed(host, asked)
    assert (answer.server_response if answer else None) == expected
