"""A person looks: the page at `/`, and what watches over the host reads health and metrics."""

import html
import re

from pydicom import dcmread

import objects
from wire import SUCCESS, store

XSS = "synthetic/mal_xss_pn.dcm"


def searched(host, **fields):
    """The page after a search by the fields of its form."""
    form = re.search(r"<form[^>]*>.*?</form>", host.get("/").text, re.S)[0]
    assert set(fields) <= set(re.findall(r'<input[^>]*name="(\w+)"', form))
    return host.get("/", params=fields)


def test_the_page_lists_studies(host):
    dataset = objects.image(StudyDescription="Knee & <elbow>")
    store(host, dataset)
    answer = searched(host, id=dataset.PatientID)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    family = str(dataset.PatientName).split("^")[0]
    assert family in answer.text and dataset.PatientID in answer.text
    assert "Knee &amp; &lt;elbow&gt;" in answer.text and "<elbow>" not in answer.text
    assert "ISOCENTER" in answer.text


def test_the_page_runs_nothing_that_it_shows(host):
    dataset = dcmread(objects.shared(XSS))
    # In a study of its own: the collection uses one for several files, and a study is called as its first object.
    dataset.StudyInstanceUID, dataset.SOPInstanceUID = objects.uid(), objects.uid()
    objects.with_meta(dataset, dataset.file_meta.TransferSyntaxUID)
    name = str(dataset.PatientName)
    assert "<" in name
    assert store(host, dataset) == [SUCCESS]
    answer = searched(host, id=dataset.PatientID)
    shown = html.unescape(re.sub(r"<[^>]*>", "", answer.text))
    assert name.split("^")[0].split("=")[0][:10] in shown
    for tag in re.findall(r"<(\w+)", answer.text):
        assert tag.lower() not in ("script", "img", "iframe", "object", "embed", "svg"), name
    assert not re.search(r"<[^>]+\son\w+\s*=", answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_searches(host):
    wanted, other = objects.image(), objects.image()
    store(host, wanted, other)
    for fields in ({"id": wanted.PatientID}, {"name": str(wanted.PatientName).split("^")[1].lower()}):
        answer = searched(host, **fields)
        assert wanted.AccessionNumber in answer.text and other.AccessionNumber not in answer.text


def test_health_and_readiness(host):
    assert host.get("/healthz").status_code == 200
    answer = host.get("/readyz")
    assert answer.status_code == 200 and answer.json()["ready"] is True


def test_metrics_are_what_prometheus_reads(host):
    before = metrics(host)
    store(host, *objects.series(3))
    after = metrics(host)
    assert after["process_resident_memory_bytes"] > 1e6
    grown = {name for name in after if after[name] > before.get(name, 0)}
    assert any("store" in name for name in grown), grown
    assert not any(word in " ".join(after) for word in objects.PLANTED)


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"\n]*"(,[a-zA-Z_][a-zA-Z0-9_]*="[^"\n]*")*\})? (\S+)$')


def metrics(host):
    """Every sample of /metrics; a line that is none fails."""
    answer = host.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples, typed = {}, set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            assert typed & {match[1], re.sub(r"_(bucket|sum|count)$", "", match[1])}, line
            samples[match[1] + (match[2] or "")] = float(match[4])
    return samples
