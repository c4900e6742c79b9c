"""Filters on the way in: an anonymized archive, and plugins that trap, loop or eat memory."""

import json
import threading

import pytest
from pydicom import dcmread

import objects
from hosts import PLUGINS, running
from wire import SUCCESS, store

GUEST = PLUGINS / "test/guest.wasm"

# What the test guest does, by the AE title that sends: its act, the chain's policy, the status, and what is said.
ACTS = {
    "TRAP": ("panic", "quarantine", SUCCESS, "trap"),
    "LOOP": ("spin", "quarantine", SUCCESS, "cpu time"),
    "LOOP-IN-HOST": ("spin-in-host", "quarantine", SUCCESS, "cpu time"),
    "EAT": ("eat", "quarantine", SUCCESS, "memory"),
    "RECURSE": ("recurse", "quarantine", SUCCESS, "out of bounds"),
    "NEVER": ("never", "quarantine", SUCCESS, "never can"),
    "HOLD": ("quarantine", "quarantine", SUCCESS, "look"),
    "TRAP-REFUSE": ("panic", "refuse", 0x0124, None),
    "LOOP-REFUSE": ("spin", "refuse", 0x0124, None),
    "REFUSE": ("refuse", "quarantine", 0x0124, None),
    "DROP": ("drop", "quarantine", SUCCESS, None),
}

ANONYMIZE = f"""
[plugins.anonymize]
source = "{PLUGINS}/anonymize.wasm"
grant = {{ secrets = ["site-key"] }}

[[chains]]
name = "anonymized"
when = {{ calling-ae = ["ANON*"] }}
ingest = ["anonymize"]
"""


def configuration():
    """One host for all: a chain for each sender."""
    text = ANONYMIZE
    for sender, (act, policy, _, _) in ACTS.items() if GUEST.exists() else ():
        name = sender.lower()
        text += f"""
[plugins.{name}]
source = "{GUEST}"
grant = {{ secrets = ["site-key"] }}
config = {{ do = "{act}" }}
limits = {{ cpu = "200 ms", wall = "2 s", memory = "64 MiB" }}

[[chains]]
name = "{name}"
when = {{ calling-ae = ["{sender}"] }}
ingest = ["{name}"]
on-failure = "{policy}"
"""
    return text


@pytest.fixture(scope="module")
def filtered():
    with running(configuration()) as host:
        yield host


needs_guest = pytest.mark.skipif(not GUEST.exists(), reason=f"{GUEST} is not there")


@needs_guest
@pytest.mark.parametrize("sender", [sender for sender, (_, _, _, held) in ACTS.items() if held])
def test_what_a_filter_fails_on_is_held(filtered, sender):
    _, _, status, reason = ACTS[sender]
    dataset = objects.image()
    assert store(filtered, dataset, calling=sender) == [status]
    held = {entry["object"]: entry for entry in filtered.get("/api/quarantine").json()}
    entry = held[dataset.SOPInstanceUID]
    assert entry["plugin"] == sender.lower() and entry["calling_ae"] == sender and entry["transport"] == "C-STORE"
    assert reason in entry["reason"].lower(), entry["reason"]
    # Held, so neither found nor served.
    assert filtered.file(dataset) is None
    assert filtered.found("/studies", StudyInstanceUID=dataset.StudyInstanceUID) == []
    page = filtered.get("/").text
    assert "Quarantine" in page and dataset.SOPInstanceUID in page
    # The original is on the disk, whole and unedited.
    packs = list((filtered.data / "quarantine").rglob("*.tar"))
    original = objects.data_set(objects.encoded(dataset))
    assert any(original in pack.read_bytes() for pack in packs)


@needs_guest
@pytest.mark.parametrize("sender", [sender for sender, (_, _, _, held) in ACTS.items() if not held])
def test_what_a_filter_refuses_or_drops_is_not_stored(filtered, sender):
    dataset = objects.image()
    assert store(filtered, dataset, calling=sender) == [ACTS[sender][2]]
    assert filtered.file(dataset) is None
    assert dataset.SOPInstanceUID not in json.dumps(filtered.get("/api/quarantine").json())
    marker = dataset.SOPInstanceUID.encode()
    assert not [pack for pack in filtered.data.rglob("*.tar") if marker in pack.read_bytes()]


@needs_guest
def test_others_do_not_notice(filtered):
    # While one sender's filter loops, another's object goes through.
    looping = threading.Thread(target=lambda: store(filtered, *objects.series(3), calling="LOOP"))
    looping.start()
    dataset = objects.image()
    assert store(filtered, dataset, calling="SOMEBODY") == [SUCCESS]
    assert filtered.file(dataset) is not None
    looping.join(60)
    assert filtered.status("VmHWM") < 256 * 1024


def test_an_anonymized_archive_has_no_identifiers(filtered):
    first, second = objects.series(2, PatientBirthDate="19530711")
    # The sender's UIDs are not those that are stored; its statuses are of its objects all the same.
    assert store(filtered, first, second, calling="ANON1") == [SUCCESS] * 2
    assert filtered.file(first) is None
    found = filtered.found("/instances", PatientName="Anonymous*", includefield="all")
    assert len(found) == 2 and len({each["0020000D"]["Value"][0] for each in found}) == 1
    for each in found:
        study, series, instance = (each[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
        file = filtered.file_of(study, series, instance)
        for word in (b"Planted", b"PLANTED", b"19530711", first.StudyInstanceUID.encode(), first.SOPInstanceUID.encode()):
            assert word not in file
    # Sent again, it is the same object.
    assert store(filtered, first, calling="ANON1") == [SUCCESS]
    assert len(filtered.found("/instances", PatientName="Anonymous*")) == 2
    # Nowhere in what is durable, and nowhere on the page.
    for pack in (filtered.data / "packs").rglob("*.tar"):
        assert str(first.PatientName).encode() not in pack.read_bytes()
    assert first.PatientID not in filtered.get("/").text


PHI = objects.SHARED / "synthetic_phi"


@pytest.mark.skipif(not PHI.exists(), reason=f"{PHI} is not there")
def test_planted_identifiers_are_in_no_byte(filtered):
    key = json.loads((PHI / "KEY.json").read_text())
    sent = sorted(PHI.glob("*.dcm"))
    for path in sent:
        assert store(filtered, path, calling="ANON2") == [SUCCESS], path.name
    held = {entry["object"] for entry in filtered.get("/api/quarantine").json()}
    words = {key["tokens"][name] for name in key["tokens"]} | set(key["families"]) | set(key["givens"])
    words |= {word for item in key["planted"] for word in str(item["value"]).split() if word.startswith("PHIP")}
    uids = {str(dcmread(path)[tag].value) for path in sent for tag in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    needles = {word: encodings(word) for word in words | uids}
    packs = b"".join(pack.read_bytes() for pack in (filtered.data / "packs").rglob("*.tar"))
    left = sorted(word for word, forms in needles.items() if any(form in packs for form in forms))
    assert left == []
    passed = [path for path in sent if str(dcmread(path).SOPInstanceUID) not in held]
    assert len(passed) >= 4, "most files pass"


def encodings(word):
    """The word in every encoding that it could be left in."""
    forms = set()
    for encoding in ("utf-8", "iso2022_jp", "shift_jis", "gb18030", "utf-16-le"):
        try:
            forms.add(word.encode(encoding).strip(b"\x1b$B(B"))
        except UnicodeEncodeError:
            pass
    return {form for form in forms if len(form) >= 4}
