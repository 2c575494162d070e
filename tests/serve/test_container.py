"""Containerfile and compose.yml agree with the project, and the images have what they need."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PackageNotFoundError, distribution
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import urlopen

import click
import psycopg
import pytest
import typer.main
from packaging.requirements import Requirement

from hitparade import health
from hitparade.cli import app
from tests.serve import containerfile
from tests.serve.server import serving
from tests.warehouse import ROOT

TARGETS = ["build", "serve", "page"]
SERVERS = {
    "serve": ["postgresql://127.0.0.1:5432", "http://127.0.0.1:8080/health"],
    "page": ["http://127.0.0.1:8501/_stcore/health"],
}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
TRAINING = {"dbt-core", "optuna", "scikit-learn", "skl2onnx", "torch", "xgboost-cpu"}
NOT_INSTALLED = {"obtain.sql"}  # tells how the facts beside it were obtained; no program reads it
HIT = "select predict_hit(0.7, 0.8, 0.5, 120)"
OPTIONS = "HITPARADE_CONTAINER_BUILD"


@pytest.mark.parametrize("target", TARGETS)
def test_no_image_runs_as_root(target):
    user = containerfile.stages()[target].last("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_every_image_has_a_version():
    images = [service["image"] for service in containerfile.services().values()]
    arguments = [name for name in containerfile.stages() if name.startswith("BASE=")]
    assert len(arguments) == 1
    for image in images + arguments:
        assert re.search(r":\d[\w.-]*$", image), image


def test_images_have_the_version_of_the_project():
    for name, service in containerfile.services().items():
        assert service["image"] == f"localhost/hitparade-{name}:{PROJECT['version']}"


@pytest.mark.parametrize("source", sorted(set(containerfile.copied())))
def test_what_is_copied_exists_and_is_not_ignored(source):
    assert (ROOT / source).exists()
    assert not containerfile.is_ignored(source)


@pytest.mark.parametrize("path", ["data/raw/dataset.csv", ".env", "hitparade.duckdb", ".git"])
def test_own_files_and_secrets_do_not_reach_the_builder(path):
    assert containerfile.is_ignored(path)


def options(command: list[str]) -> dict[str, click.Parameter]:
    known = typer.main.get_command(app).commands[command[0]].params
    return {option: parameter for parameter in known for option in parameter.opts}


@pytest.mark.parametrize("target", TARGETS)
def test_commands_of_images_exist(target):
    stage = containerfile.stages()[target]
    assert stage.command("ENTRYPOINT") == ["hitparade"]
    command = stage.command("CMD")
    assert {each for each in command if each.startswith("--")} <= set(options(command))


def test_commands_of_compose_exist():
    _, _, text = (ROOT / "compose.yml").read_text().partition("\nservices:")
    mentioned = set(re.findall(r"--[a-z][a-z-]+", text))  # also those in comments
    assert "--users" in mentioned
    assert mentioned <= set(options(["serve"]))


@pytest.mark.parametrize("target", SERVERS)
def test_ports_are_those_of_the_commands(target):
    stage, service = containerfile.stages()[target], containerfile.services()[target]
    known = options(stage.command("CMD"))
    ports = [known[name].default for name in ("--port", "--http-port") if name in known]
    assert stage.last("EXPOSE") == " ".join(map(str, ports))
    assert service["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]
    assert [urlsplit(url).port for url in SERVERS[target]] == ports


def test_environment_variables_are_read_by_the_program():
    known = "".join(path.read_text() for path in (ROOT / "hitparade").rglob("*.py"))
    known += (ROOT / "profiles.yml").read_text()
    given: set[str] = set()
    for service in containerfile.services().values():
        given |= set(service.get("environment", {}))
    for stage in containerfile.stages().values():
        given |= set(re.findall(r"HITPARADE_\w+(?==)", " ".join(stage.all("ENV"))))
    assert len(given) >= 5
    for name in given:
        assert f'"{name}"' in known or f"'{name}'" in known, name


@pytest.mark.parametrize("target", SERVERS)
def test_health_is_checked_in_the_same_way_everywhere(target):
    expected = ["python", "-m", "hitparade.health", *SERVERS[target]]
    assert containerfile.stages()[target].command("HEALTHCHECK") == expected
    assert containerfile.services()[target]["healthcheck"]["test"] == ["CMD", *expected]


@pytest.mark.parametrize("target", TARGETS)
def test_containers_have_no_rights_and_a_limit(target):
    service = containerfile.services()[target]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+g", service["mem_limit"])
    assert service["build"]["target"] == target


def test_only_the_build_may_write_the_file():
    services = containerfile.services()
    assert "data:/data" in services["build"]["volumes"]
    for target in SERVERS:
        assert services[target]["volumes"] == ["data:/data:ro"]


def requirements(extra: str | None = None) -> set[str]:
    listed = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {Requirement(each).name for each in listed}


@pytest.mark.parametrize(("target", "extra"), [("serve", "serve"), ("page", "app")])
def test_images_have_few_packages_of_the_project(target, extra):
    packages = set(containerfile.installed(f"{target}-packages"))
    assert requirements(extra) <= packages <= requirements() | requirements(extra)
    assert not needed(packages) & TRAINING


def needed(packages: set[str]) -> set[str]:
    """Return these packages and all that they require."""
    found: set[str] = set()
    queue = list(packages)
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in found:
            continue
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:  # for another system
            continue
        found.add(name)
        for each in map(Requirement, required):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                queue.append(each.name)
    return found


@pytest.mark.parametrize("package", ["hitparade", "models_py", "udfs"])
def test_images_have_every_module_of_a_package(package):
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("package", ["hitparade", "models_py"])
def test_images_have_every_file_of_a_package(package):
    installed = {
        file
        for name, rules in PYPROJECT["tool"]["setuptools"]["package-data"].items()
        for rule in rules
        for file in (ROOT / name.replace(".", "/")).glob(rule)
    }
    files = {path for path in (ROOT / package).rglob("*") if path.is_file()}
    others = {path for path in files - installed if path.suffix not in (".py", ".pyc")}
    assert {path.name for path in others} <= NOT_INSTALLED


@pytest.fixture(params=SERVERS)
def lean(request, tmp_path):
    """The Python of an environment with the packages of an image alone, and the image's name."""
    venv.create(tmp_path / "venv", symlinks=True)
    (packages,) = (tmp_path / "venv").glob("lib/*/site-packages")
    for name in needed(set(containerfile.installed(f"{request.param}-packages"))):
        for file in distribution(name).files:
            part = file.parts[0]
            if part != ".." and not (packages / part).exists():
                (packages / part).symlink_to(distribution(name).locate_file(part))
    (packages / "hitparade.pth").write_text(f"{ROOT}\n")
    program = tmp_path / "venv" / "bin" / "hitparade"
    python = program.with_name("python")
    program.write_text(f"#!{python}\nfrom hitparade.cli import app\n\napp()\n")
    program.chmod(0o755)
    return request.param, str(python)


def test_the_packages_of_an_image_suffice(lean, warehouse):
    target, python = lean
    if target == "serve":
        with serving(warehouse.database, "--workers", "1", python=python) as server:
            assert 0 < server.query(HIT)[0][0] < 1
            assert server.query("select count(*) from fct_song_optimizations")[0][0] > 0
            (songs,) = server.query("select next_songs_for_title('party', 3)")[0]
            assert len(songs) == 3
            with urlopen(f"{server.http}/functions") as answer:
                assert "predict_hit" in answer.read().decode()
        return
    page = (
        "from streamlit.testing.v1 import AppTest\n"
        "from hitparade import app\n"
        "page = AppTest.from_file(app.PAGE).run(timeout=60)\n"
        "print([error.message for error in page.exception], page.title[0].value)\n"
    )
    shown = subprocess.run(
        [python, "-c", page],
        env=os.environ | {"HITPARADE_DATABASE": str(warehouse.database), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "[] What makes a hit?\n", shown.stderr


def test_health_of_a_running_server(server, capsys):
    assert health.main([f"postgresql://127.0.0.1:{server.port}", f"{server.http}/health"]) == 0
    assert capsys.readouterr().out == ""


def test_a_server_that_does_not_listen_is_not_healthy(capsys):
    assert health.main(["postgresql://127.0.0.1:1"]) == 1
    assert "postgresql://127.0.0.1:1 does not answer" in capsys.readouterr().out


class Answers(BaseHTTPRequestHandler):
    """Answers /health with 200, and everything else with 503."""

    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def door():
    """The URL of a server that speaks HTTP."""
    with HTTPServer(("127.0.0.1", 0), Answers) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_health_of_a_server_that_speaks_http(door):
    assert health.main([f"{door}/health"]) == 0


@pytest.mark.parametrize("scheme", ["http", "postgresql"])
def test_a_server_with_another_answer_is_not_healthy(door, scheme):
    assert health.main([f"{scheme}{door.removeprefix('http')}/ready", f"{door}/health"]) == 1


def test_nothing_to_check_is_not_healthy():
    assert health.main([]) == 1


def test_the_check_of_health_imports_only_the_standard_library():
    check = "import hitparade.health, sys; print({'duckdb', 'numpy', 'typer'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout == "set()\n"


def test_health_of_a_server_with_a_certificate(warehouse, tmp_path):
    certificate = [tmp_path / "cert.pem", tmp_path / "key.pem"]
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere"),
            *("-out", certificate[0], "-keyout", certificate[1]),
        ],
        check=True,
        capture_output=True,
    )
    options = ["--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])]
    with serving(warehouse.database, *options, "--workers", "1") as server:
        address = server.http.replace("https:", "http:")
        assert health.main([f"postgresql://127.0.0.1:{server.port}", f"{address}/health"]) == 0


@pytest.fixture
def podman():
    """Runs podman; its options for builds are in an environment variable."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    if OPTIONS not in os.environ:
        pytest.skip(
            f"images are built only if {OPTIONS} has options of `podman build`, such as "
            "--build-arg BASE=..., or is empty: the base image and the packages are downloaded"
        )

    def run(*arguments: str) -> str:
        done = subprocess.run(["podman", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_the_image_of_the_server_is_built_and_answers(podman, small_copy, tmp_path):
    options = shlex.split(os.environ[OPTIONS])
    podman("build", *options, "--target", "serve", "--tag", "hitparade-test:1", str(ROOT))
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(small_copy.database, data / "hitparade.duckdb")
    for path in (tmp_path, data):
        path.chmod(0o755)
    limits = ["--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges"]
    name = podman(
        *("run", "--detach", "--publish=127.0.0.1::5432", f"--volume={data}:/data:ro", *limits),
        *("--env=HITPARADE_SERVE_PASSWORD=secret", "localhost/hitparade-test:1"),
    ).strip()
    try:
        podman("exec", name, "sh", "-c", _until_healthy())
        port = podman("port", name, "5432").strip().rpartition(":")[2]
        address = f"postgresql://hitparade:secret@127.0.0.1:{port}/hitparade"
        with psycopg.connect(address) as connection:
            ((hit,),) = connection.execute(HIT).fetchall()
        assert 0 < hit < 1
        assert podman("exec", name, "id", "--user").strip() == "10001"
        podman("stop", "--time", "20", name)
        assert podman("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "0"
    finally:
        podman("rm", "--force", name)
        podman("rmi", "localhost/hitparade-test:1")


def _until_healthy() -> str:
    check = f"python -m hitparade.health {' '.join(SERVERS['serve'])}"
    return f"for second in $(seq 60); do {check} > /dev/null && exit; sleep 1; done; {check}"
