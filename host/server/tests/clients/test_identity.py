"""Who says who they are: User Identity Negotiation (PS3.7 §D.3.3.7) of every kind, as pynetdicom speaks it, before a gate
that lets in by passcode.
"""

import hashlib
import hmac

import pytest
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation
from pynetdicom.sop_class import Verification

from hosts import AE_TITLE, PLUGINS, running
from wire import SUCCESS

USERNAME, PASSCODE, KERBEROS, SAML, JWT = 1, 2, 3, 4, 5
SECRET = b"a key for tests"
TOKEN = b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."
ASSERTION = b'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0"/>'
TICKET = bytes(range(1, 256))


def mac(passcode):
    return hmac.new(SECRET, passcode, hashlib.sha256).hexdigest()


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    """A host whose gate knows a passcode, a token, an assertion and a ticket, each of another peer, and a peer without."""
    key = tmp_path_factory.mktemp("identity") / "gate-key"
    key.write_bytes(SECRET)
    known = {"CODE": b"open sesame", "TOKEN": TOKEN, "SAML": ASSERTION, "TICKET": TICKET}
    peers = [f'{title} = {{ addresses = ["127.0.0.1"], passcode-hmac = "{mac(code)}" }}' for title, code in known.items()]
    peers.append('OPEN = { addresses = ["127.0.0.1"] }')
    config = f"""
[secrets]
gate-key = {{ file = "{key}" }}

[plugins.known]
source = "{PLUGINS}/test/gate.wasm"
grant = {{ secrets = ["gate-key"] }}
config = {{ called-ae = "{AE_TITLE}", peers = {{ {", ".join(peers)} }} }}

[dicom]
gate = ["known"]
"""
    with running(config) as host:
        yield host
        # What opens the door is in no log.
        for secret in (b"open sesame", TOKEN, ASSERTION, b"wrong guess"):
            assert secret.decode() not in host.log


def identity(kind, primary, secondary=b"", response=True):
    item = UserIdentityNegotiation()
    item.user_identity_type = kind
    item.primary_field = primary
    if kind == PASSCODE:
        item.secondary_field = secondary
    item.positive_response_requested = response
    return item


def associate(host, title, *items):
    """An association that was asked for with these items."""
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    ae.add_requested_context(Verification)
    return ae.associate("127.0.0.1", host.dicom, ae_title=AE_TITLE, ext_neg=list(items))


def response(opened):
    """What was answered to the user identity: `None` where nothing was."""
    answer = opened.acceptor.user_identity
    return answer and answer.server_response


LET_IN = {
    "username": ("OPEN", USERNAME, b"alice", b"", b""),
    "passcode": ("CODE", PASSCODE, b"alice", b"open sesame", b""),
    "jwt": ("TOKEN", JWT, TOKEN, b"", TOKEN),
    # A positive response to these would be a ticket or an assertion of the server's own (PS3.7 Table D.3-15).
    "kerberos": ("TICKET", KERBEROS, TICKET, b"", None),
    "saml": ("SAML", SAML, ASSERTION, b"", None),
    "not ascii": ("OPEN", USERNAME, "Jörg Müller 李".encode(), b"", b""),
}


@pytest.mark.parametrize("asks", [True, False], ids=["asks", "asks not"])
@pytest.mark.parametrize("kind", LET_IN)
def test_who_is_let_in_is_answered_if_that_was_asked_for(gated, kind, asks):
    title, number, primary, secondary, expected = LET_IN[kind]
    opened = associate(gated, title, identity(number, primary, secondary, asks))
    assert opened.is_established
    try:
        assert response(opened) == (expected if asks else None)
        assert opened.send_c_echo().Status == SUCCESS
    finally:
        opened.release()


@pytest.mark.parametrize(
    ("title", "items"),
    [
        ("CODE", []),
        ("CODE", [identity(USERNAME, b"alice")]),
        ("CODE", [identity(PASSCODE, b"alice", b"wrong guess")]),
        # What is right as a passcode is no name.
        ("CODE", [identity(USERNAME, b"open sesame")]),
        ("TOKEN", [identity(JWT, TOKEN + b"x")]),
        ("SAML", [identity(SAML, ASSERTION[:-1])]),
        ("TICKET", [identity(KERBEROS, TICKET[1:])]),
        # A name that is not in UTF-8.
        ("OPEN", [identity(USERNAME, b"J\xf6rg")]),
    ],
    ids=["none", "name alone", "wrong code", "code as name", "jwt", "saml", "kerberos", "latin"],
)
def test_who_shows_nothing_or_the_wrong_thing_is_rejected(gated, title, items):
    opened = associate(gated, title, *items)
    assert opened.is_rejected
    answer = opened.acceptor.primitive
    # Rejected for good by the service user, without a reason (PS3.8 §9.3.4).
    assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 1)


def test_who_is_unknown_is_told_the_same_whatever_they_show(gated):
    for items in ([], [identity(PASSCODE, b"alice", b"open sesame")], [identity(JWT, TOKEN)]):
        opened = associate(gated, "STRANGER", *items)
        assert opened.is_rejected
        answer = opened.acceptor.primitive
        assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 3)


@pytest.mark.parametrize("kind", ["passcode", "jwt", "saml"])
def test_without_a_gate_nobody_vouches_for_an_identity(host, kind):
    title, number, primary, secondary, _ = LET_IN[kind]
    opened = associate(host, title, identity(number, primary, secondary))
    assert opened.is_established
    assert response(opened) is None
    assert opened.send_c_echo().Status == SUCCESS
    opened.release()


@pytest.mark.parametrize("size", [30_000, 65_000])
def test_a_long_token_is_taken_or_refused_in_order(gated, size):
    opened = associate(gated, "TOKEN", identity(JWT, b"x" * size))
    assert not opened.is_established
    again = associate(gated, "OPEN", identity(USERNAME, b"alice"))
    assert again.is_established
    again.release()
