"""A running host, as its users meet it: the real binary on loopback ports, its private Postgres, its data folder.

Apart from the fixtures because a test may need a host of its own configuration, or none that runs (`check`).
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import requests

import objects

REPOSITORY = Path(__file__).resolve().parents[4]
BINARY = Path(os.environ.get("ISOCENTER_BINARY", REPOSITORY / "target/debug/isocenter")).absolute()
PLUGINS = Path(os.environ.get("ISOCENTER_PLUGINS", REPOSITORY / "target/plugins")).absolute()
AE_TITLE = "ISOCENTER"

# A start is initdb, migrations, and the compilation of plugins by a debug build on a busy machine.
STARTS_WITHIN = 180
ENDS_WITHIN = 60


def free_port():
    """A port of loopback that was free just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(what, done, within=60):
    """Waits until `done` answers something true, and answers it."""
    ends = time.monotonic() + within
    while True:
        answer = done()
        if answer:
            return answer
        assert time.monotonic() < ends, f"never happened: {what}"
        time.sleep(0.05)


def postmaster(host):
    """The process of a host's private Postgres."""
    [found] = (host.data / "postgres").resolve().rglob("postmaster.pid")
    return int(found.read_text().splitlines()[0])


@contextlib.contextmanager
def folder():
    """A folder for a host, gone in the end. Everybody may pass through it: the private Postgres of a host that runs as
    root is another user's, and would go elsewhere otherwise."""
    path = Path(tempfile.mkdtemp(prefix="isocenter-clients-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(config=""):
    """A host that runs, and ends in order."""
    with folder() as path:
        host = Host(path, config)
        try:
            yield host.start()
            host.finish()
        finally:
            host.kill()


class Host:
    """A host of one test or of many. `config` is TOML; its ports and data folder are set here."""

    def __init__(self, folder, config=""):
        self.folder = folder
        self.data = folder / "data"
        self.dicom = free_port()
        self.http = free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        self.dicomweb = f"{self.url}/dicom-web"
        self.config = folder / "isocenter.toml"
        self.config.write_text(config)
        self.web = requests.Session()
        # No proxy of the environment stands between a test and loopback.
        self.web.trust_env = False
        self.process = None
        self._log = folder / "host.log"

    def command(self, name, *arguments, **environment):
        """Runs one of the program's commands against this host's configuration. `environment` overrides; `None` unsets."""
        return subprocess.run(
            [BINARY, name, "--config", self.config, *arguments],
            env={key: value for key, value in (self._environment() | environment).items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def _environment(self):
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        return environment | {
            "ISOCENTER_DATA": str(self.data),
            "ISOCENTER_DICOM_LISTEN": f"127.0.0.1:{self.dicom}",
            "ISOCENTER_HTTP_LISTEN": f"127.0.0.1:{self.http}",
            "ISOCENTER_LOG_FORMAT": "human",
            # The host's own chatter as well: it must not hold patient data either.
            "RUST_LOG": "info,isocenter=debug",
        }

    def start(self):
        """Starts it and waits until it is ready."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", self.config],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(f"the host is ready:\n{self.log}", self._ready, STARTS_WITHIN)
        return self

    def _ready(self):
        assert self.process.poll() is None, f"the host ended while it started:\n{self.log}"
        try:
            return self.web.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            # Its port is bound before its plugins are compiled.
            return False

    def stop(self):
        """SIGTERM, and its exit code."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the host does not end:\n{self.log}") from None

    def kill(self):
        """Ends it the hard way, if it still runs: a test has failed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def finish(self):
        """Ends it in order, and looks at what it leaves: whole packs, and no patient in its log."""
        code = self.stop()
        assert code == 0, f"the host ended with {code}:\n{self.log}"
        verified = self.command("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        log = self.log
        named = [word for word in objects.PLANTED if word in log]
        assert not named, f"the log names patients: {named}"
        assert not re.search("panicked at host/(?!plugin/tests/guest/)", log), log

    @property
    def log(self):
        """What it logged so far, without colours."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    def get(self, path, **options):
        """A GET of a path below the root."""
        return self.web.get(self.url + path, timeout=60, **options)

    def post(self, path, body, content_type):
        """A POST to a path below the root."""
        return self.web.post(self.url + path, data=body, headers={"Content-Type": content_type}, timeout=60)

    def file(self, dataset):
        """The Part 10 file of an object, by WADO-RS; `None` where it is not stored."""
        return self.file_of(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)

    def file_of(self, study, series, instance):
        """The same by UIDs."""
        path = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"
        answer = self.get(path, headers={"Accept": "application/dicom"})
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        return answer.content

    def found(self, path, **parameters):
        """The results of a QIDO-RS search."""
        answer = self.get(f"/dicom-web{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, field):
        """A number of kilobytes from the kernel's account of the process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1])
