"""Web clients fetch: WADO-RS by dicomweb-client, at the three levels, and what a client may ask for."""

import email
import email.policy
import io

import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, JPEGLSLossless, RLELossless

import objects
from conftest import web_client
from hosts import eventually
from wire import store


class Study:
    """A study of two series, five objects in all."""

    def __init__(self, host):
        self.host = host
        self.web = web_client(host)
        first = objects.series(3, SeriesNumber=1)
        second = objects.series(2, SeriesNumber=2, StudyInstanceUID=first[0].StudyInstanceUID, modality="MR")
        self.objects = first + second
        self.uid = first[0].StudyInstanceUID
        self.series = first[0].SeriesInstanceUID
        self.object = first[0].SOPInstanceUID
        self.web.store_instances(self.objects)
        self.paths = {
            "study": f"/dicom-web/studies/{self.uid}",
            "series": f"/dicom-web/studies/{self.uid}/series/{self.series}",
            "object": f"/dicom-web/studies/{self.uid}/series/{self.series}/instances/{self.object}",
        }

    def get(self, level, accept):
        return self.host.get(self.paths[level], headers={"Accept": accept})


@pytest.fixture(scope="module")
def study(host):
    return Study(host)


def same(sent, received):
    """Whether the data sets are the same, whatever order they came in."""
    by_uid = {each.SOPInstanceUID: each for each in received}
    assert len(by_uid) == len(received) == len(sent)
    return all(objects.data_set(objects.encoded(by_uid[each.SOPInstanceUID])) == objects.data_set(objects.encoded(each)) for each in sent)


def test_retrieve_by_dicomweb_client(study):
    any_syntax = (("application/dicom", "*"),)
    assert same(study.objects, study.web.retrieve_study(study.uid))
    assert same(study.objects, study.web.retrieve_study(study.uid, media_types=any_syntax))
    assert same(study.objects[:3], study.web.retrieve_series(study.uid, study.series))
    assert same(study.objects[:1], [study.web.retrieve_instance(study.uid, study.series, study.object)])
    streamed = study.web.iter_study(study.uid)
    assert same(study.objects, list(streamed))


def test_metadata_by_dicomweb_client(study):
    answers = {
        5: study.web.retrieve_study_metadata(study.uid),
        3: study.web.retrieve_series_metadata(study.uid, study.series),
        1: [study.web.retrieve_instance_metadata(study.uid, study.series, study.object)],
    }
    for count, answer in answers.items():
        assert len(answer) == count
        for metadata in answer:
            received = Dataset.from_json(metadata)
            sent = next(each for each in study.objects if each.SOPInstanceUID == received.SOPInstanceUID)
            for element in sent:
                if element.keyword not in ("PixelData", "SpecificCharacterSet"):
                    assert received[element.tag].value == element.value, element.keyword
            assert "PixelData" not in received or metadata["7FE00010"].get("BulkDataURI")


# Accept header: status by level, and the content type.
ACCEPTED = [
    ("*/*", 200, 200, "multipart/related"),
    ("multipart/related", 200, 200, "multipart/related"),
    ('multipart/related; type="application/dicom"', 200, 200, "multipart/related"),
    ("multipart/related; type=application/dicom", 200, 200, "multipart/related"),
    ('multipart/related; type="application/dicom"; transfer-syntax=*', 200, 200, "multipart/related"),
    (f'multipart/related; type="application/dicom"; transfer-syntax={ExplicitVRLittleEndian}', 200, 200, "multipart/related"),
    ("application/dicom", 406, 200, "application/dicom"),
    ("application/dicom; transfer-syntax=*", 406, 200, "application/dicom"),
    ("text/html;q=0.9, application/dicom;q=0.1", 406, 200, "application/dicom"),
    ('multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90', 406, 406, None),
    ("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50", 406, 406, None),
    ('multipart/related; type="image/jpeg"', 406, 406, None),
    ("application/dicom+xml", 406, 406, None),
    ("text/html", 406, 406, None),
]


@pytest.mark.parametrize(("accept", "many", "one", "content_type"), ACCEPTED)
def test_what_a_client_accepts(study, accept, many, one, content_type):
    for level, status in (("study", many), ("series", many), ("object", one)):
        answer = study.get(level, accept)
        assert answer.status_code == status, f"{level}: {answer.text[:200]}"
        if status == 200:
            assert answer.headers["Content-Type"].startswith(content_type)
        else:
            assert len(answer.json()["error"]) > 20


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEGLosslessSV1, RLELossless], ids=["jpeg-ls", "jpeg", "rle"])
def test_objects_are_converted_for_who_accepts_them_in_no_other_syntax(study, syntax):
    def same_pixels(received, sent):
        mask = (1 << sent.BitsStored) - 1
        return (pixel_array(received, raw=True) & mask == pixel_array(sent, raw=True) & mask).all()

    answer = study.get("object", f"application/dicom; transfer-syntax={syntax}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == f"application/dicom; transfer-syntax={syntax}"
    received = dcmread(io.BytesIO(answer.content))
    sent = {each.SOPInstanceUID: each for each in study.objects}
    assert received.file_meta.TransferSyntaxUID == syntax
    assert same_pixels(received, sent[received.SOPInstanceUID])
    # Of a study, every object; by the client that viewers use, too.
    answer = study.get("study", f'multipart/related; type="application/dicom"; transfer-syntax={syntax}')
    assert answer.status_code == 200
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = list(email.message_from_bytes(head + answer.content, policy=email.policy.HTTP).iter_parts())
    assert {part["Content-Type"].params["transfer-syntax"] for part in parts} == {str(syntax)}
    for received in study.web.retrieve_study(study.uid, media_types=[("application/dicom", str(syntax))]):
        assert received.file_meta.TransferSyntaxUID == syntax
        assert same_pixels(received, sent.pop(received.SOPInstanceUID))
    assert not sent


def test_a_compressed_object_is_given_uncompressed_to_who_accepts_that_alone(host):
    stored = objects.image()
    plain = stored.PixelData
    stored.compress(RLELossless, generate_instance_uid=False)
    assert store(host, stored) == [0]
    path = f"/dicom-web/studies/{stored.StudyInstanceUID}/series/{stored.SeriesInstanceUID}/instances/{stored.SOPInstanceUID}"
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        answer = host.get(path, headers={"Accept": f"application/dicom; transfer-syntax={syntax}"})
        assert answer.status_code == 200, answer.text
        received = dcmread(io.BytesIO(answer.content))
        assert (received.file_meta.TransferSyntaxUID, received.PixelData) == (syntax, plain)


def test_what_cannot_be_converted_is_refused(host):
    bits = objects.image(BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes(32))
    assert store(host, bits) == [0]
    path = f"/dicom-web/studies/{bits.StudyInstanceUID}"
    answer = host.get(path, headers={"Accept": f'multipart/related; type="application/dicom"; transfer-syntax={RLELossless}'})
    assert answer.status_code == 406
    assert bits.SOPInstanceUID in answer.json()["error"] and "one bit" in answer.json()["error"]


def test_a_refused_transfer_syntax_is_named_with_the_stored_one(study):
    answer = study.get("object", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50")
    assert str(ExplicitVRLittleEndian) in answer.json()["error"]


def test_parts_are_what_a_mail_parser_expects(study):
    answer = study.get("study", "multipart/related")
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
    parts = list(message.iter_parts())
    assert len(parts) == 5
    assert all(part.get_content_type() == "application/dicom" for part in parts)
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_one_object_as_a_file(study):
    answer = study.get("object", "application/dicom")
    dataset = dcmread(io.BytesIO(answer.content))
    assert dataset.SOPInstanceUID == study.object
    assert dataset.file_meta.TransferSyntaxUID in answer.headers["Content-Type"]
    assert int(answer.headers["Content-Length"]) == len(answer.content)


NOWHERE = "1.2.3.4.5.6.7.8.9"


@pytest.mark.parametrize("suffix", ["", "/metadata"])
def test_what_is_not_stored(study, suffix):
    for path in (
        f"/dicom-web/studies/{NOWHERE}",
        f"/dicom-web/studies/{study.uid}/series/{NOWHERE}",
        f"/dicom-web/studies/{study.uid}/series/{study.series}/instances/{NOWHERE}",
        # It exists, but not there.
        f"/dicom-web/studies/{NOWHERE}/series/{study.series}/instances/{study.object}",
        f"/dicom-web/studies/{study.uid}/series/{study.objects[-1].SeriesInstanceUID}/instances/{study.object}",
    ):
        answer = study.host.get(path + suffix)
        assert answer.status_code == 404, path
        assert answer.json()["error"]


def test_dicomweb_client_hears_of_what_is_not_stored(study):
    with pytest.raises(requests.HTTPError, match="404"):
        study.web.retrieve_study(NOWHERE)


@pytest.mark.parametrize("uid", ["x", "1..2", "1.2.", "..%2F..%2Fetc%2Fpasswd", "1" * 65, "1.2%003", "%FF", "1.2.3'", "1.2.3\\4"])
def test_what_is_no_uid(study, uid):
    for path in (f"/dicom-web/studies/{uid}", f"/dicom-web/studies/{study.uid}/series/{uid}", f"/dicom-web/studies/{uid}/metadata"):
        answer = study.host.get(path)
        assert answer.status_code == 400, f"{path}: {answer.status_code} {answer.text}"
        assert "UID" in answer.json()["error"]


@pytest.mark.parametrize("resource", ["rendered", "thumbnail", "frames/1", "bulkdata/x"])
def test_what_is_not_offered_yet_says_so(study, resource):
    answer = study.host.get(f"{study.paths['object']}/{resource}")
    assert answer.status_code == 501
    assert "not offered" in answer.json()["error"]


def test_methods_and_paths_that_are_none(study):
    answer = study.host.web.delete(study.host.url + study.paths["study"])
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]
    assert study.host.get("/dicom-web/nothing").status_code == 404
    answer = study.host.web.head(study.host.url + study.paths["object"], headers={"Accept": "application/dicom"})
    assert answer.status_code == 200 and answer.content == b""


def test_the_log_tells_whole_answers_from_those_cut_off(host):
    pixels = bytes(4096 * 4096)
    dataset = objects.image(Rows=4096, Columns=4096, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=pixels)
    assert host.post("/dicom-web/studies", objects.encoded(dataset), "application/dicom").status_code == 200

    def ended():
        return [line for line in host.log.splitlines() if "request ended" in line and "/instances/{object}" in line]

    before = len(ended())
    assert host.file(dataset) is not None
    eventually("the request is logged", lambda: len(ended()) > before)
    assert "cut=false" in ended()[-1]
    study, series, instance = dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"
    with host.get(path, stream=True) as answer:
        next(answer.iter_content(1024))
    eventually("the request is logged", lambda: len(ended()) > before + 1)
    assert "cut=true" in ended()[-1]
