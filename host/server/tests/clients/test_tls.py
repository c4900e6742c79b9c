"""Associations over TLS, as DCMTK and pynetdicom speak it; and who may associate at all."""

import signal
import ssl

import pytest
import trustme
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, Verification

import objects
from hosts import AE_TITLE, PLUGINS, eventually, free_port
from wire import SUCCESS, Peer, dcmtk, store

NOT_AUTHORIZED = 0x0124


class Certificates:
    """An authority, this host and a caller that it vouches for; as PEM files in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca)
        self.host = self.issue("host", "127.0.0.1", "localhost")
        self.caller = self.issue("caller", "ct1.example")

    def issue(self, name, *identities):
        issued = self.authority.issue_cert(*identities)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    def context(self, purpose=ssl.Purpose.SERVER_AUTH, shown=None):
        """For a client of the host; `shown` is the certificate that it shows."""
        context = ssl.create_default_context(purpose, cafile=self.ca)
        if shown:
            context.load_cert_chain(*shown)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("tls"))


def secured(certificates, port, more=""):
    certificate, key = certificates.host
    return f"""
[dicom.tls]
listen = "127.0.0.1:{port}"
certificate = "{certificate}"
key = "{key}"
client-ca = "{certificates.ca}"
{more}
"""


def associate(port, context=None, title="CT1", sop_classes=(Verification, CTImageStorage)):
    ae = AE(ae_title=title)
    for sop_class in sop_classes:
        ae.add_requested_context(sop_class)
    # No host name is checked by pynetdicom unless it is told one.
    arguments = (context, "127.0.0.1") if context else None
    return ae.associate("127.0.0.1", port, ae_title=AE_TITLE, tls_args=arguments)


def test_stores_over_tls(hosts, certificates):
    port = free_port()
    host = hosts(secured(certificates, port))
    association = associate(port, certificates.context(shown=certificates.caller))
    assert association.is_established
    dataset = objects.image()
    assert association.send_c_store(dataset).Status == SUCCESS
    association.release()
    assert host.file(dataset) is not None


def test_dcmtk_over_tls(hosts, certificates):
    port = free_port()
    hosts(secured(certificates, port))
    certificate, key = certificates.caller
    said = dcmtk(
        "echoscu", "-v", "-aec", AE_TITLE, "+tls", key, certificate, "+cf", certificates.ca, "127.0.0.1", str(port)
    )
    assert "Success" in said


def test_who_shows_nothing_or_speaks_plainly_is_not_let_in(hosts, certificates, tmp_path):
    port = free_port()
    host = hosts(secured(certificates, port))
    stranger = Certificates(tmp_path)
    for context in (None, certificates.context(), certificates.context(shown=stranger.caller)):
        assert not associate(port, context).is_established
    # Nothing older than TLS 1.2.
    old = certificates.context(shown=certificates.caller)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    assert not associate(port, old).is_established
    # The plain port of the same host goes on.
    assert associate(host.dicom).is_established


def test_a_reload_takes_new_certificates(hosts, certificates, tmp_path):
    port = free_port()
    host = hosts(secured(certificates, port))
    open_one = associate(port, certificates.context(shown=certificates.caller))
    assert open_one.is_established
    other = Certificates(tmp_path)
    before = host.config.read_text()

    host.config.write_text(before.replace(str(certificates.host[1]), str(other.host[1])))
    refused = host.command("reload")
    assert refused.returncode != 0 and "[dicom.tls]" in refused.stdout + refused.stderr

    host.config.write_text(secured(other, port))
    reloaded = host.command("reload")
    assert reloaded.returncode == 0, reloaded.stderr
    assert not associate(port, certificates.context(shown=certificates.caller)).is_established
    assert associate(port, other.context(shown=other.caller)).is_established
    # What began before goes on.
    assert open_one.send_c_store(objects.image()).Status == SUCCESS
    open_one.release()


def test_delivers_over_tls(hosts, certificates):
    port = free_port()
    certificate, key = certificates.caller
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
    server.load_cert_chain(*certificates.host)
    server.verify_mode = ssl.CERT_REQUIRED
    peer = Peer(port, "SAFE", tls=server).start()
    host = hosts(
        f"""
[plugins.rules]
source = "{PLUGINS}/rules.wasm"
config = {{ rules = [{{ when = {{ modality = "CT" }}, send-to = ["safe"] }}] }}

[[chains]]
route = ["rules"]

[destinations.safe.dicom]
ae-title = "SAFE"
address = "127.0.0.1:{port}"
tls = {{ ca = "{certificates.ca}", certificate = "{certificate}", key = "{key}" }}
"""
    )
    dataset = objects.image()
    assert store(host, dataset) == [SUCCESS]
    peer.wait_for(1)
    assert list(peer.taken) == [dataset.SOPInstanceUID]
    peer.stop()


def test_known_callers(hosts):
    host = hosts(
        """
[dicom]
unknown-callers = "refuse"

[[dicom.callers]]
ae-title = ["CT?"]
address = ["127.0.0.0/8"]
services = ["store"]
max-associations = 1

[[dicom.callers]]
ae-title = ["VIEWER"]
services = ["query", "retrieve"]

[[dicom.callers]]
ae-title = ["SEARCHER"]
services = ["query"]
"""
    )
    modality = associate(host.dicom, title="CT1")
    assert modality.is_established
    assert modality.send_c_store(objects.image()).Status == SUCCESS
    assert not associate(host.dicom, title="CT2").is_established, "one place for all that the entry fits"
    modality.release()
    again = eventually("its place is free", lambda: established(associate(host.dicom, title="CT2")))
    again.release()

    # C-GET sends back in contexts of storage, so they are accepted; what is sent to the host in them is not taken.
    viewer = associate(host.dicom, title="VIEWER")
    assert viewer.send_c_echo().Status == SUCCESS
    kept_out = objects.image()
    assert viewer.send_c_store(kept_out).Status == NOT_AUTHORIZED
    assert viewer.send_c_echo().Status == SUCCESS
    viewer.release()
    assert host.file(kept_out) is None

    searcher = associate(host.dicom, title="SEARCHER")
    assert {str(context.abstract_syntax) for context in searcher.accepted_contexts} == {Verification}
    searcher.release()

    assert not associate(host.dicom, title="STRANGER").is_established

    host.config.write_text('[[dicom.callers]]\nae-title = ["STRANGER"]\n')
    host.process.send_signal(signal.SIGHUP)
    eventually("the new list is in force", lambda: established(associate(host.dicom, title="STRANGER"))).release()


def established(association):
    return association if association.is_established else None
