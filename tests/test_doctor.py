"""Each fault that the doctor knows, made here, and the command it offers."""

import json
import subprocess
import sys

import pytest

from pytools import cli, doctor
from pytools.doctor import Finding


def only(findings, name):
    """The finding of that name."""
    return next(finding for finding in findings if finding.name == name)


def test_a_healthy_environment():
    findings = doctor.examine()
    assert [f for f in findings if f.status == "FAIL"] == []
    assert only(findings, "torch + torchvision").status == "OK"
    assert {"Python", "numpy", "Device", "Jupyter kernel", "Validate button"} <= {
        f.name for f in findings
    }


def test_python_too_old(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    (finding,) = doctor.python()
    assert finding.status == "FAIL"
    assert "3.9.18" in finding.found and ">=3.10" in finding.found
    assert "PYTHON=" in finding.mend


def test_package_too_old_and_package_missing(monkeypatch):
    monkeypatch.setattr(
        doctor.metadata,
        "requires",
        lambda _: ["numpy>=99", "no-such-package>=2", "hype; extra=='x'"],
    )
    old, missing = doctor.packages()
    assert old.status == missing.status == "FAIL"
    assert "needs >=99" in old.found
    assert old.mend.endswith("-m pip install 'numpy>=99'")
    assert missing.found == "missing; needs >=2"


def fake_probe(monkeypatch, code):
    """Let the torch probe be this Python code."""
    monkeypatch.setattr(doctor, "PROBE", code)


def test_torch_and_torchvision_do_not_match(monkeypatch):
    fake_probe(monkeypatch, "raise RuntimeError('operator torchvision::nms does not exist')")
    (finding,) = doctor.torch_pair()
    assert finding.status == "FAIL"
    assert "do not match" in finding.found and "torchvision::nms" in finding.found
    assert "\n" not in finding.found
    pins = [str(r) for r in doctor._requirements() if r.name in doctor.PAIR]
    assert len(pins) == 2 and all("==" in pin for pin in pins)
    assert finding.mend.endswith("pip install " + " ".join(pins))


def test_a_wrong_torch_is_mended_as_a_pair(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "version", lambda _: "1.0")
    torch = only(list(doctor.packages()), "torch")
    assert torch.status == "FAIL"
    assert torch.mend == doctor._reinstall_pair()


def test_torch_takes_its_process_down(monkeypatch):
    fake_probe(monkeypatch, "import os; os.abort()")
    (finding,) = doctor.torch_pair()
    assert finding.status == "FAIL" and "cannot be imported (exit code -6)" in finding.found


def test_torch_is_slow(monkeypatch):
    fake_probe(monkeypatch, "import time; time.sleep(30)")
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 0.1)
    (finding,) = doctor.torch_pair()
    assert finding.status == "WARN"


@pytest.mark.parametrize(
    ("device", "driver", "status", "found"),
    [
        ("NVIDIA H100", "/usr/bin/nvidia-smi", "OK", "cuda (NVIDIA H100)"),
        (None, None, "OK", "cpu ("),
        (None, "/usr/bin/nvidia-smi", "WARN", "cpu: torch cannot use"),
    ],
)
def test_device(monkeypatch, device, driver, status, found):
    fake_probe(monkeypatch, f"print({json.dumps(json.dumps(device))})")
    monkeypatch.setattr(doctor.shutil, "which", lambda _: driver)
    finding = only(doctor.torch_pair(), "Device")
    assert finding.status == status and finding.found.startswith(found)


@pytest.fixture
def jupyter_folder(tmp_path, monkeypatch):
    """An empty folder that Jupyter reads first, for data and for configuration."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


def name_kernel(folder, program):
    """Let the kernel python3 start `program`."""
    spec = {"argv": [str(program), "-m", "ipykernel_launcher"], "display_name": "Python 3"}
    write(folder / "kernels/python3/kernel.json", spec)


def test_kernel_of_another_python(jupyter_folder):
    name_kernel(jupyter_folder, "/usr/bin/false")
    (finding,) = doctor.kernel()
    assert finding.status == "FAIL"
    assert "starts /usr/bin/false" in finding.found
    assert finding.mend.endswith("kernelspec remove python3")


def test_kernel_of_another_environment_of_the_same_python(jupyter_folder):
    other = jupyter_folder / "bin" / "python"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    name_kernel(jupyter_folder, other)
    assert [f.status for f in doctor.kernel()] == ["FAIL"]


def test_kernel_by_its_full_path(jupyter_folder):
    name_kernel(jupyter_folder, sys.executable)
    assert [f.status for f in doctor.kernel()] == ["OK"]


def test_wrong_kernel_inside_the_environment(jupyter_folder, monkeypatch):
    name_kernel(jupyter_folder, "/usr/bin/false")
    monkeypatch.setattr(sys, "prefix", str(jupyter_folder))
    (finding,) = doctor.kernel()
    assert finding.mend.endswith("ipykernel install --sys-prefix")


def test_validate_server_extension_is_off(jupyter_folder):
    extension = "nbgrader.server_extensions.validate_assignment"
    config = {"ServerApp": {"jpserver_extensions": {extension: False}}}
    write(jupyter_folder / "jupyter_server_config.d" / "nbgrader.json", config)
    (finding,) = doctor.validate()
    assert finding.status == "FAIL"
    assert f"server extension enable --sys-prefix {extension}" in finding.mend


def test_validate_button_is_not_installed(monkeypatch):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [])
    (finding,) = doctor.validate()
    assert finding.status == "FAIL" and "not installed" in finding.found


@pytest.mark.parametrize(
    "extension", ["@jupyter/nbgrader", "@jupyter/nbgrader:validate-assignment"]
)
def test_validate_button_is_disabled(jupyter_folder, extension):
    config = {"disabledExtensions": {extension: True, "@jupyter/other": True}}
    write(jupyter_folder / "labconfig" / "page_config.json", config)
    (finding,) = doctor.validate()
    assert finding.status == "FAIL"
    assert finding.mend.endswith(f"labextension enable {extension}")


def test_validate_button_enabled_by_the_folder_with_the_last_word(tmp_path, monkeypatch):
    for name, off in (("first", False), ("second", True)):
        config = {"disabledExtensions": {"@jupyter/nbgrader": off}}
        write(tmp_path / name / "labconfig" / "page_config.json", config)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", f"{tmp_path / 'first'}:{tmp_path / 'second'}")
    assert [f.status for f in doctor.validate()] == ["OK"]


def test_data_folder_cannot_be_made(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("COURSE_DATA", str(file / "data"))
    (finding,) = doctor.data()
    assert finding.status == "FAIL"
    assert str(file) in finding.found
    assert "COURSE_DATA" in finding.mend


def test_data_folder_is_read_only(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    (finding,) = doctor.data()
    assert finding.status == "FAIL" and str(tmp_path) in finding.found


def test_disk_is_nearly_full(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(doctor, "FULL_DATA_GIB", 10**9)
    assert only(doctor.data(), "Disk space").status == "WARN"


def test_missing_tools_are_optional(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    findings = list(doctor.tools())
    assert {f.status for f in findings} == {"optional"}
    assert [f.mend for f in findings] == [
        "sudo apt-get install chromium",
        "sudo apt-get install bubblewrap",
    ]


def test_a_check_that_breaks_off_is_a_finding(monkeypatch):
    def gone(_):
        raise doctor.metadata.PackageNotFoundError("backprop-to-captions")

    monkeypatch.setattr(doctor.metadata, "requires", gone)
    findings = doctor.examine()
    assert only(findings, "Packages").status == "FAIL"
    assert "backprop-to-captions" in only(findings, "Packages").found
    assert only(findings, "Jupyter kernel").status == "OK"  # the others still look


FINDINGS = [
    Finding("Python", "OK", "3.11"),
    Finding("numpy", "FAIL", "1.0, but needs >=2.0 & <3", "pip install 'numpy>=2.0'"),
]


def test_report_is_aligned():
    assert doctor.report(FINDINGS).splitlines() == [
        "OK        Python  3.11",
        "FAIL      numpy   1.0, but needs >=2.0 & <3",
        "                  pip install 'numpy>=2.0'",
        "",
        "1 to mend: run the command below each FAIL in a terminal, then look again.",
    ]


def test_html_is_escaped():
    page = doctor.html(FINDINGS)
    assert "needs &gt;=2.0 &amp; &lt;3" in page
    assert "<code>pip install &#x27;numpy&gt;=2.0&#x27;</code>" in page


@pytest.mark.parametrize(("findings", "code"), [(FINDINGS[:1], 0), (FINDINGS, 1)])
def test_exit_code(monkeypatch, capsys, findings, code):
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    monkeypatch.setattr(sys, "argv", ["course", "doctor"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == code
    assert "Python  3.11" in capsys.readouterr().out


def test_looking_does_not_import_torch():
    code = (
        "import sys; from pytools import doctor; doctor.examine(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
