"""An operator asks `isocenter check` what is wrong, and is told in one sentence each."""

import pytest

from hosts import PLUGINS, Host

ANONYMIZE = f'[plugins.anonymize]\nsource = "{PLUGINS}/anonymize.wasm"\n'

# A configuration, and what is said about it.
WRONG = {
    "a key that is none": (
        "# the port\n\n[dicom]\nlistn = '127.0.0.1:104'\n",
        ["isocenter.toml: line 4: unknown key `listn` in [dicom]; did you mean `listen`?"],
    ),
    "several at once": (
        "[dcom]\n[http]\nlistenn = '127.0.0.1:1'\n",
        ["line 1: unknown key `dcom` at the top level; did you mean `dicom`?", "line 3: unknown key `listenn` in [http]"],
    ),
    "no TOML": ("[dicom\n", ["line 1: "]),
    "a plugin that is none": (
        ANONYMIZE + "grant = { secrets = ['site-key'] }\n[destinations.research]\nfolder = 'x'\negress = ['anonymise']\n",
        ["line 6: unknown plugin `anonymise` in `egress` of [destinations.research]; did you mean `anonymize`?"],
    ),
    "a plugin in a chain that is none": (
        ANONYMIZE + "grant = { secrets = ['site-key'] }\n[[chains]]\ningest = ['anonymizer']\n",
        ["line 5: unknown plugin `anonymizer`", "did you mean `anonymize`?"],
    ),
    "a plugin's file that is not there": ("[plugins.lost]\nsource = 'lost.wasm'\n", ["lost", "lost.wasm"]),
    "a file that is no component": ("[plugins.text]\nsource = 'isocenter.toml'\n", ["text", "isocenter.toml"]),
    "a module instead of a component": ("[plugins.module]\nsource = 'module.wasm'\n", ["module", "component"]),
    "a component without a role": ("[plugins.empty]\nsource = 'component.wasm'\n", ["empty", "plays no role"]),
    "a secret that was not granted": (ANONYMIZE, ["anonymize", "secrets", "grant"]),
    "settings that the plugin does not know": (
        ANONYMIZE + "grant = { secrets = ['site-key'] }\nconfig = { dates = 'forget' }\n",
        ["anonymize", "`dates`", "shift"],
    ),
    "rules that name an unknown destination": (
        f"[plugins.rules]\nsource = '{PLUGINS}/rules.wasm'\nconfig.default = ['nowhere']\n[[chains]]\nroute = ['rules']\n",
        ["rules", "nowhere"],
    ),
    "a grant that nothing here gives": (
        ANONYMIZE + "grant = { secrets = ['site-key'], models = ['lung'] }\n",
        ["line 3: unknown model `lung` in `models` of `grant` of [plugins.anonymize]; there is none"],
    ),
    "a library that nobody vouched for": (
        "[engines.onnx]\nsource = 'libengine.so'\n",
        ["[engines.onnx] needs `digest", "[engines.onnx] needs `trusted = true`"],
    ),
    "an address for everybody": (
        "[http]\nlisten = '0.0.0.0:8080'\n",
        ["0.0.0.0:8080", "allow-anonymous = true"],
    ),
}


# The least that WebAssembly knows: magic, and version 1 of modules or layer 1 of components.
MODULE = b"\0asm\1\0\0\0"
COMPONENT = b"\0asm\x0d\0\1\0"


def check(folder, config):
    """What `check` answers: its exit code, and what it wrote to standard error."""
    host = Host(folder, config)
    (folder / "module.wasm").write_bytes(MODULE)
    (folder / "component.wasm").write_bytes(COMPONENT)
    # The addresses of the file are what is asked about.
    return host.command("check", ISOCENTER_DICOM_LISTEN=None, ISOCENTER_HTTP_LISTEN=None)


@pytest.mark.parametrize(("config", "sentences"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_in_a_sentence(tmp_path, config, sentences):
    answer = check(tmp_path, config)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    for sentence in sentences:
        assert sentence in answer.stderr
    assert "panicked" not in answer.stderr and "stack backtrace" not in answer.stderr
    assert max(map(len, answer.stderr.splitlines())) < 400, answer.stderr


def test_what_is_right_is_described(tmp_path):
    answer = check(tmp_path, ANONYMIZE + "grant = { secrets = ['site-key'] }\n[[chains]]\ningest = ['anonymize']\n")
    assert answer.returncode == 0, answer.stderr
    assert "ISOCENTER on 127.0.0.1:11112" in answer.stdout
    assert "anonymize" in answer.stdout


def test_a_host_beyond_loopback_starts_only_when_told(tmp_path):
    answer = check(tmp_path, "allow-anonymous = true\n[http]\nlisten = '0.0.0.0:8080'\n")
    assert answer.returncode == 0, answer.stderr


def test_a_host_with_a_wrong_file_does_not_start(tmp_path):
    host = Host(tmp_path, "[dicom]\nlistn = 1\n")
    answer = host.command("serve")
    assert answer.returncode == 1
    assert "did you mean `listen`?" in answer.stderr
    assert not host.data.exists()
