"""Web clients send: STOW-RS by dicomweb-client and curl, good objects, bad ones, and bodies that are none."""

import json
import subprocess

import pytest

import objects

BOUNDARY = "frontier"
MULTIPART = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def multipart(*parts, content_type="application/dicom"):
    """A body of these parts."""
    body = b""
    for part in parts:
        body += f"--{BOUNDARY}\r\nContent-Type: {content_type}\r\n\r\n".encode() + part + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def references(answer, sequence):
    """The SOP Instance UIDs of a sequence of the response, and its failure reasons."""
    items = answer.get(sequence, {}).get("Value", [])
    return [(item["00081155"]["Value"][0], item.get("00081197", {}).get("Value", [None])[0]) for item in items]


STORED = "00081199"
FAILED = "00081198"
OTHER_FAILURES = "0008119A"


def test_several_studies_by_dicomweb_client(host, web):
    sent = [objects.image(modality) for modality in ("CT", "MR", "US")] + objects.series(3)
    answer = web.store_instances(sent)
    assert {item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence} == {each.SOPInstanceUID for each in sent}
    assert "FailedSOPSequence" not in answer
    for dataset in sent:
        assert objects.data_set(host.file(dataset)) == objects.data_set(objects.encoded(dataset))


def test_into_a_study_by_dicomweb_client(host, web):
    sent = objects.series(2)
    answer = web.store_instances(sent, study_instance_uid=sent[0].StudyInstanceUID)
    assert len(answer.ReferencedSOPSequence) == 2
    # Where it can be fetched from is said, and true.
    assert host.web.get(answer.ReferencedSOPSequence[0].RetrieveURL).status_code == 200


def curl(*arguments):
    """Runs curl; answers the status and the body."""
    result = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code}", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def test_one_file_by_curl(host, tmp_path):
    dataset = objects.image()
    path = objects.written(dataset, tmp_path)
    url = f"{host.dicomweb}/studies"
    status, body = curl("-H", "Content-Type: application/dicom", "--data-binary", f"@{path}", url)
    assert status == 200, body
    assert references(json.loads(body), STORED) == [(dataset.SOPInstanceUID, None)]
    # Chunked, as from a pipe whose length nobody knows; and the second time is no error.
    status, _ = curl("-H", "Content-Type: application/dicom", "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{path}", url)
    assert status == 200
    assert objects.data_set(host.file(dataset)) == objects.data_set(path.read_bytes())


def test_multipart_by_curl(host, tmp_path):
    sent = objects.series(3)
    body = tmp_path / "body"
    body.write_bytes(multipart(*map(objects.encoded, sent)))
    status, text = curl("-H", f"Content-Type: {MULTIPART}", "--data-binary", f"@{body}", f"{host.dicomweb}/studies")
    assert status == 200, text
    assert len(references(json.loads(text), STORED)) == 3


def test_good_and_bad_in_one_body(host):
    good, no_series, changed = objects.image(), objects.image(), objects.image(StudyDescription="before")
    del no_series.SeriesInstanceUID
    before = objects.encoded(changed)
    assert host.post("/dicom-web/studies", before, "application/dicom").status_code == 200
    changed.StudyDescription = "after"
    garbage = b"this is no DICOM file" * 100
    body = multipart(objects.encoded(no_series), garbage, objects.encoded(changed), objects.encoded(good))
    answer = host.post("/dicom-web/studies", body, MULTIPART)
    assert answer.status_code == 202
    said = answer.json()
    assert references(said, STORED) == [(good.SOPInstanceUID, None)]
    assert references(said, FAILED) == [(no_series.SOPInstanceUID, 0xC000), (changed.SOPInstanceUID, 0x0111)]
    # What is not even a file has no name.
    assert len(said[OTHER_FAILURES]["Value"]) == 1
    assert objects.data_set(host.file(changed)) == objects.data_set(before)
    assert host.found("/studies", StudyInstanceUID=no_series.StudyInstanceUID) == []


def test_nothing_good_is_a_conflict_with_reasons(host):
    dataset = objects.image()
    del dataset.StudyInstanceUID
    answer = host.post("/dicom-web/studies", multipart(objects.encoded(dataset)), MULTIPART)
    assert answer.status_code == 409
    assert references(answer.json(), FAILED) == [(dataset.SOPInstanceUID, 0xC000)]
    assert "0020,000d" in answer.headers["Warning"].lower() or "StudyInstanceUID" in answer.headers["Warning"]


def test_a_study_that_is_another(host):
    inside, outside = objects.image(), objects.image()
    path = f"/dicom-web/studies/{inside.StudyInstanceUID}"
    answer = host.post(path, objects.encoded(outside), "application/dicom")
    assert answer.status_code == 409
    assert references(answer.json(), FAILED)[0][0] == outside.SOPInstanceUID
    answer = host.post(path, multipart(objects.encoded(inside), objects.encoded(outside)), MULTIPART)
    assert answer.status_code == 202
    assert host.file(outside) is None and host.file(inside) is not None


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("application/json", 415),
        ("multipart/form-data; boundary=frontier", 415),
        ('multipart/related; type="application/dicom+json"; boundary=frontier', 415),
        ('multipart/related; type="application/dicom"', 400),
        ("", 415),
    ],
)
def test_bodies_of_other_types(host, content_type, status):
    answer = host.post("/dicom-web/studies", multipart(objects.encoded(objects.image())), content_type)
    assert answer.status_code == status
    assert len(answer.json()["error"]) > 20


@pytest.mark.parametrize(
    "body",
    [b"", b"--frontier--\r\n", b"no boundary anywhere", b"--frontier\r\nContent-Type: application/dicom\r\n"],
    ids=["empty", "no parts", "no boundary", "head only"],
)
def test_bodies_that_are_none(host, body):
    answer = host.post("/dicom-web/studies", body, MULTIPART)
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["error"]) > 20


def test_a_body_cut_off_keeps_its_whole_parts(host):
    whole, torn = objects.series(2)
    body = multipart(objects.encoded(whole), objects.encoded(torn))[:-200]
    answer = host.post("/dicom-web/studies", body, MULTIPART)
    assert answer.status_code == 202, answer.text
    assert host.file(whole) is not None and host.file(torn) is None


def test_a_service_class_that_is_not_storage(host):
    dataset = objects.image()
    # Basic Film Session.
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.1.1"
    answer = host.post("/dicom-web/studies", objects.encoded(dataset), "application/dicom")
    assert answer.status_code == 409
    assert references(answer.json(), FAILED) == [(dataset.SOPInstanceUID, 0x0122)]
