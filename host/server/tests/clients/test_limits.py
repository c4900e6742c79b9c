"""People with limits that a plugin sets: whoever asks, through whatever door, sees their own rows and no trace of the others'."""

import pytest

import objects
from hosts import PLUGINS, running
from wire import SUCCESS, store

ROLES = PLUGINS / "test/roles.wasm"

pytestmark = pytest.mark.skipif(not ROLES.exists(), reason=f"{ROLES} is not there")

# Whom the guest makes of a bearer token; each may see the patient with that ID.
PEOPLE = {"nothing": "probe", "random": "16 bytes"}


def plugin(name, act):
    return f"""
[plugins.{name}]
source = "{ROLES}"
grant = {{ secrets = ["site-key"] }}
config = {{ do = "{act}" }}
"""


CONFIGURATION = (
    plugin("who", "as-told")
    + plugin("may", "within")
    + plugin("viewer", "as-told")
    + """
[http]
authenticate = ["who"]
authorize = ["may"]
routes = ["viewer"]
"""
)


@pytest.fixture(scope="module")
def limited():
    """A host, and the two objects of each person's study by their token."""
    with running(CONFIGURATION) as host:
        of = {}
        for token, patient in PEOPLE.items():
            of[token] = objects.series(2, PatientID=patient)
            assert store(host, *of[token]) == [SUCCESS] * 2
            # It is the name of who asks, too, which a log may hold.
            objects.PLANTED.discard(patient)
        yield host, of


def ask(host, token, path, **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return host.get(path, headers=headers, **options)


def pairs(of):
    """Each person with what is theirs, and with what is not."""
    for token, mine in of.items():
        for other, theirs in of.items():
            if other != token:
                yield token, mine, theirs


def assert_no_trace(answer, theirs):
    for each in theirs:
        for word in (str(each.PatientName), each.PatientID, each.AccessionNumber, each.SOPInstanceUID):
            assert word.encode() not in answer.content, answer.url


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
@pytest.mark.parametrize("query", [{}, {"includefield": "all"}, {"PatientID": "*"}, {"Modality": "CT"}, {"PatientName": "Planted*"}])
def test_a_search_finds_their_own(limited, level, query):
    host, of = limited
    if level == "studies":
        query = {"ModalitiesInStudy" if key == "Modality" else key: value for key, value in query.items()}
    for token, mine, theirs in pairs(of):
        answer = ask(host, token, f"/dicom-web/{level}", params=query)
        assert answer.status_code == 200, answer.text
        assert {each["0020000D"]["Value"][0] for each in answer.json()} == {mine[0].StudyInstanceUID}
        assert len(answer.json()) == (2 if level == "instances" else 1)
        assert_no_trace(answer, theirs)
        named = ask(host, token, f"/dicom-web/{level}", params={"StudyInstanceUID": theirs[0].StudyInstanceUID})
        assert named.json() == []


def test_what_is_not_theirs_is_not_there(limited):
    host, of = limited
    for token, mine, theirs in pairs(of):
        for status, image in ((200, mine[1]), (404, theirs[1])):
            study = f"/dicom-web/studies/{image.StudyInstanceUID}"
            series = f"{study}/series/{image.SeriesInstanceUID}"
            instance = f"{series}/instances/{image.SOPInstanceUID}"
            for path in (study, series, instance):
                for resource in (path, f"{path}/metadata"):
                    assert ask(host, token, resource).status_code == status, resource
            found = [ask(host, token, f"{path}/instances").json() for path in (study, series)]
            assert [len(each) for each in found] == ([2, 2] if status == 200 else [0, 0])
        # As if it had never been stored.
        unknown = ask(host, token, f"/dicom-web/studies/{objects.uid()}")
        theirs_too = ask(host, token, f"/dicom-web/studies/{theirs[0].StudyInstanceUID}")
        assert unknown.status_code == theirs_too.status_code and set(unknown.headers) == set(theirs_too.headers)


def test_a_plugin_sees_what_its_visitor_may_see(limited):
    host, of = limited
    for token, mine, theirs in pairs(of):
        found = ask(host, token, "/plugins/viewer/search", params={"patient": "*"})
        assert (found.status_code, found.text) == (200, mine[0].StudyInstanceUID)
        for status, image in ((200, mine[1]), (404, theirs[1])):
            study = ask(host, token, "/plugins/viewer/study", params={"uid": image.StudyInstanceUID})
            assert study.status_code == status, study.text
            one = ask(host, token, "/plugins/viewer/object", params={"uid": image.SOPInstanceUID})
            assert one.status_code == status, one.text
            assert_no_trace(one, theirs)


def test_what_cannot_be_limited_is_denied(limited):
    host, of = limited
    for token, mine, theirs in pairs(of):
        for path in ("/", "/metrics", "/api/about", "/api/quarantine", "/api/outcomes"):
            answer = ask(host, token, path)
            assert answer.status_code == 403, path
            assert_no_trace(answer, [*mine, *theirs])
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/related; type=application/dicom; boundary=b"}
        assert host.web.post(f"{host.dicomweb}/studies", data=b"--b--", headers=headers).status_code == 403
    for token in ("", "nobody"):
        for path in ("/", "/dicom-web/studies", "/plugins/viewer/search"):
            assert ask(host, token, path).status_code == 401, path
