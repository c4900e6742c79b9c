"""What TLS must not be agreed on, from both sides: old versions, suites without forward secrecy or authenticated encryption,
certificates of strangers; and no object goes to a destination that is not who it should be.

Apart from `test_tls.py` because it is what is refused, by openssl rather than by DICOM clients.
"""

import datetime
import shutil
import socket
import ssl
import struct
import subprocess

import pytest

import objects
from hosts import PLUGINS, eventually, free_port, running
from test_find import keys
from test_retrieve import move
from test_tls import Certificates, associate, secured
from wire import SUCCESS, Peer, store

OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("refused"))


@pytest.fixture(scope="module")
def host_of_tls(certificates):
    port = free_port()
    with running(secured(certificates, port)) as host:
        host.tls = port
        yield host


def handshake(host, certificates, *options):
    """What openssl says of a handshake as the caller that is known."""
    certificate, key = certificates.caller
    command = [OPENSSL, "s_client", "-connect", f"127.0.0.1:{host.tls}", "-CAfile", certificates.ca, "-cert", certificate, "-key", key]
    result = subprocess.run([*map(str, command), *options], input="", capture_output=True, text=True, errors="replace", timeout=30)
    return result.stdout + result.stderr


def agreed(said):
    """The version and suite that were agreed on; `None` where nothing was."""
    found = [line for line in said.splitlines() if line.startswith("New, ")]
    return None if not found or "(NONE)" in found[0] else found[0]


# Security level 0 lets this openssl offer what it would not by itself.
SUITES = {
    "TLS 1.0": ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
    "TLS 1.1": ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
    "CBC, SHA-1": ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
    "CBC, SHA-256": ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"),
    "CBC, SHA-384": ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"),
    # The suite of the retired Basic TLS profile.
    "RSA key exchange, CBC": ("-tls1_2", "-cipher", "AES128-SHA:AES256-SHA:@SECLEVEL=0"),
    "RSA key exchange": ("-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-GCM-SHA384:@SECLEVEL=0"),
    "finite field": ("-tls1_2", "-cipher", "DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:@SECLEVEL=0"),
    "no encryption": ("-tls1_2", "-cipher", "NULL:eNULL:@SECLEVEL=0"),
    "anonymous": ("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"),
    "CCM of 8": ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"),
}


@pytest.mark.skipif(not OPENSSL, reason="openssl is not installed")
@pytest.mark.parametrize("suite", SUITES)
def test_what_is_weak_is_not_agreed_on(host_of_tls, certificates, suite):
    said = handshake(host_of_tls, certificates, *SUITES[suite])
    # That openssl did offer it: the refusal is an alert of the host.
    assert agreed(said) is None, said
    assert "alert" in said, said
    assert associate(host_of_tls.tls, certificates.context(shown=certificates.caller)).is_established


@pytest.mark.skipif(not OPENSSL, reason="openssl is not installed")
@pytest.mark.parametrize("name", ["RC4-SHA", "DES-CBC3-SHA"])
def test_what_this_openssl_no_longer_offers_is_not_agreed_on_either(host_of_tls, certificates, name):
    listed = subprocess.run([OPENSSL, "ciphers", f"{name}:@SECLEVEL=0"], capture_output=True, text=True)
    if listed.returncode or name not in listed.stdout.split(":"):
        # A ClientHello by hand: TLS 1.2, only this suite and the signalling value of RFC 5746.
        said = by_hand(host_of_tls.tls, {"RC4-SHA": 0x0005, "DES-CBC3-SHA": 0x000A}[name])
        # An alert, fatal: handshake_failure or insufficient_security, or what the lack of extensions asks for.
        assert said[:1] == b"\x15" and said[5:6] == b"\x02" and said[6] in (40, 71, 109), said
    else:
        assert agreed(handshake(host_of_tls, certificates, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0")) is None


def by_hand(port, suite):
    """What is answered to a ClientHello with one suite, the groups and the signatures of now."""
    def extension(kind, body):
        return struct.pack(">HH", kind, len(body)) + body

    groups, signatures = struct.pack(">HHH", 4, 0x001D, 0x0017), struct.pack(">HHHH", 6, 0x0403, 0x0804, 0x0401)
    extensions = extension(10, groups) + extension(11, b"\x01\x00") + extension(13, signatures) + extension(23, b"")
    suites = struct.pack(">HHH", 4, suite, 0x00FF)
    body = b"\x03\x03" + bytes(32) + b"\0" + suites + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    hello = b"\x01" + struct.pack(">L", len(body))[1:] + body
    with socket.create_connection(("127.0.0.1", port), 20) as talk:
        talk.settimeout(20)
        talk.sendall(b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello)
        return talk.recv(64)


@pytest.mark.skipif(not OPENSSL, reason="openssl is not installed")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-tls1_3",), "TLS_AES_256_GCM_SHA384"),
        (("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"), "TLS_AES_128_GCM_SHA256"),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"), "-AES128-GCM-SHA256"),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"), "-AES256-GCM-SHA384"),
    ],
    ids=["1.3", "1.3 of 128", "1.2 of 128", "1.2 of 256"],
)
def test_what_the_profiles_of_now_want_is_agreed_on(host_of_tls, certificates, options, expected):
    # PS3.15 §B.9, the BCP 195 TLS profile.
    assert expected in (agreed(handshake(host_of_tls, certificates, *options)) or "")


def strangers(certificates, folder):
    """Certificates that let nobody in."""
    other = Certificates(folder)
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    old = certificates.authority.issue_cert("old.example", not_after=past)
    expired = folder / "old.pem", folder / "old.key"
    expired[0].write_bytes(b"".join(blob.bytes() for blob in old.cert_chain_pems))
    old.private_key_pem.write_to_path(expired[1])
    return {"none": None, "of another authority": other.caller, "expired": expired}


@pytest.mark.parametrize("kind", ["none", "of another authority", "expired"])
def test_a_caller_with_no_certificate_or_a_wrong_one_is_not_let_in(host_of_tls, certificates, tmp_path, kind):
    shown = strangers(certificates, tmp_path)[kind]
    mark = len(host_of_tls.log)
    assert not associate(host_of_tls.tls, certificates.context(shown=shown)).is_established
    lines = eventually("the log says why", lambda: [line for line in host_of_tls.log[mark:].splitlines() if "TLS" in line], 10)
    assert len(lines) == 1 and "error=" in lines[0], lines
    assert associate(host_of_tls.tls, certificates.context(shown=certificates.caller)).is_established


def destination(certificates, port, address="127.0.0.1"):
    """A host that sends what it stores to a destination over TLS, and gives up at once."""
    certificate, key = certificates.caller
    return f"""
[plugins.rules]
source = "{PLUGINS}/rules.wasm"
config = {{ rules = [{{ when = {{ modality = "CT" }}, send-to = ["safe"] }}] }}

[[chains]]
route = ["rules"]

[destinations.safe]
retry = {{ first = "50 ms", longest = "50 ms", attempts = 2 }}

[destinations.safe.dicom]
ae-title = "SAFE"
address = "{address}:{port}"
tls = {{ ca = "{certificates.ca}", certificate = "{certificate}", key = "{key}" }}
"""


def wrong(certificates, folder, kind):
    """What a destination shows that is not who it should be, and the context that it listens with."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if kind == "of another authority":
        server.load_cert_chain(*Certificates(folder).host)
    elif kind == "of another name":
        server.load_cert_chain(*certificates.issue("elsewhere", "elsewhere.example"))
    elif kind == "expired":
        server.load_cert_chain(*strangers(certificates, folder)["expired"])
    elif kind == "old":
        server.load_cert_chain(*certificates.host)
        server.minimum_version, server.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        server.set_ciphers("ALL:@SECLEVEL=0")
    elif kind == "weak":
        server.load_cert_chain(*certificates.host)
        server.maximum_version = ssl.TLSVersion.TLSv1_2
        server.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0")
    else:
        return None
    return server


@pytest.mark.parametrize("kind", ["of another authority", "of another name", "expired", "old", "weak", "plain"])
def test_a_destination_that_is_not_who_it_should_be_gets_nothing(hosts, certificates, tmp_path, kind):
    port = free_port()
    peer = Peer(port, "SAFE", tls=wrong(certificates, tmp_path, kind)).start()
    try:
        host = hosts(destination(certificates, port))
        image = objects.image()
        assert store(host, image) == [SUCCESS]
        letters = eventually("it is a dead letter", lambda: host.get("/api/dead-letters").json())
        assert letters[0]["reason"]
        *_, (status, _) = move(host, keys("STUDY", StudyInstanceUID=image.StudyInstanceUID), "SAFE")
        assert status.Status == 0xA702
        assert peer.offered == 0 and not peer.taken
    finally:
        peer.stop()
    assert host.file(image) is not None
