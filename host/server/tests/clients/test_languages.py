"""The example plugins of `sdk/examples` in other languages than Rust, built by their tools and run in a host."""

import os
import shutil
import subprocess

import pytest
import requests
from pydicom import dcmread

import objects
from conftest import web_client
from hosts import BINARY, PLUGINS, REPOSITORY, eventually, running
from wire import SUCCESS, store

EXAMPLES = REPOSITORY / "sdk/examples"
# Where `.ci/setup test` installs what builds them.
TOOLS = PLUGINS.parent / "tools"
REFUSED = 0x0124

# What builds a language's example, and where it is besides PATH.
LANGUAGES = {
    "python": (["componentize-py"], "python/bin"),
    "javascript": (["node", "componentize-js"], "javascript/node_modules/.bin"),
    "c": (["clang", "wasm-ld", "c-bindings", "isocenter-plugin-build"], ""),
}


def built(language):
    """The path of the example's component, newly built where its sources are newer."""
    tools, folder = LANGUAGES[language]
    # `cargo test` puts what the build of plugins in C needs beside the host: a program and an example of a crate.
    path = os.pathsep.join(map(str, [TOOLS / folder, BINARY.parent, BINARY.parent / "examples", os.environ["PATH"]]))
    missing = [tool for tool in tools if not shutil.which(tool, path=path)]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed: .ci/setup test")
    component = PLUGINS / "examples" / f"{language}.wasm"
    sources = [*EXAMPLES.glob("*.*"), *(EXAMPLES / language).iterdir(), *(REPOSITORY / "plugin-api/wit").rglob("*.wit")]
    if component.exists() and component.stat().st_mtime > max(each.stat().st_mtime for each in sources):
        return component
    component.parent.mkdir(parents=True, exist_ok=True)
    part = component.with_suffix(".part")
    result = subprocess.run(
        [EXAMPLES / language / "build.sh", part],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    part.rename(component)
    return component


@pytest.fixture(scope="module", params=LANGUAGES)
def tidy(request):
    """A host with the configuration of the example."""
    component = built(request.param)
    config = (EXAMPLES / request.param / "isocenter.toml").read_text()
    with running(config.replace('"tidy.wasm"', f'"{component}"')) as host:
        yield host


def test_what_is_stored_is_tidy(tidy):
    by_dimse, by_web = (objects.image(AccessionNumber="abc-7 ") for _ in range(2))
    assert store(tidy, by_dimse) == [SUCCESS]
    web_client(tidy).store_instances([by_web])
    for dataset in (by_dimse, by_web):
        [found] = tidy.found("/instances", SOPInstanceUID=dataset.SOPInstanceUID, includefield="all")
        assert found["00080050"]["Value"] == ["ABC-7"]
        assert found["00080080"]["Value"] == ["Example Hospital"]


def test_each_modality_goes_to_its_room(tidy):
    computed, ultrasound = objects.image("CT"), objects.image("US")
    assert store(tidy, computed, ultrasound) == [SUCCESS] * 2

    def sent():
        return {dcmread(path).SOPInstanceUID for path in (tidy.folder / "room-1").rglob("*.dcm")}

    eventually("the CT is in its room", lambda: computed.SOPInstanceUID in sent())
    routed = tidy.get(f"/api/outcomes?object={ultrasound.SOPInstanceUID}").json()
    assert ultrasound.SOPInstanceUID not in sent(), routed


def test_what_it_refuses_is_not_stored(tidy):
    dataset = objects.image(AccessionNumber="")
    assert store(tidy, dataset) == [REFUSED]
    with pytest.raises(requests.HTTPError, match="409"):
        web_client(tidy).store_instances([dataset])
    assert tidy.file(dataset) is None
    path = f"/api/outcomes?object={dataset.SOPInstanceUID}"
    eventually("the reason is written down", lambda: "it has no accession number" in tidy.get(path).text)


@pytest.mark.parametrize("fails", ["with a reason", "in the middle"])
def test_what_it_fails_on_is_held(tidy, fails):
    if fails == "with a reason":
        dataset, reason = objects.image(StudyDate="20261399"), "its study date is no date"
    else:
        # A value that is no text, which the code does not expect.
        dataset, reason = objects.image(), "trap"
        del dataset.AccessionNumber
        dataset.add_new(0x00080050, "OB", b"1234")
    assert store(tidy, dataset) == [SUCCESS]
    held = {entry["object"]: entry for entry in tidy.get("/api/quarantine").json()}
    assert reason in held[dataset.SOPInstanceUID]["reason"]
    assert tidy.file(dataset) is None


def test_its_check_refuses_a_configuration(tidy):
    good = tidy.config.read_text()
    tidy.config.write_text(good.replace('CT = "room-1"', 'CT = "room-9"'))
    refused = tidy.command("reload")
    tidy.config.write_text(good)
    assert refused.returncode != 0
    assert "it refuses its configuration: `room-9` is no configured destination" in refused.stdout + refused.stderr
