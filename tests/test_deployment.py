"""What is under deploy/: valid by the schemas of those who read it, and true to the bot that it starts.

No image is built here: there is no container engine. The steps that make one are run in a bare environment instead.
"""

import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import kubernetes_validate
import pytest
import yaml

from bot.app import DRAIN_SECONDS
from bot.cli import parser
from bot.connection import CLOSE_SECONDS
from bot.init import FILES
from bot.samples import sample_files
from bot.settings import Environment
from handlers.knowledge.store.stored_vectors import MANY, build_memory

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
VERSIONS = ("1.30", "1.33", "1.37")
GRACE = DRAIN_SECONDS + 2 * CLOSE_SECONDS
"""How long a bot takes to end at most: closing the socket, the work, and the model."""
DOCKERS_SHARED_MEMORY = 64 << 20
"""The bytes of /dev/shm in a container, unless something else is said."""
SECRETS = {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DATABASE_URL", "PGPASSWORD"}


# The container


class Instruction(NamedTuple):
    """A line of the Containerfile, continued ones joined."""

    name: str
    value: str


def instructions() -> list[Instruction]:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in joined if line.strip()]


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for each in instructions():
        if each.name == "FROM":
            found.append([])
        if found:
            found[-1].append(each)
    return found


def values(stage: list[Instruction], name: str) -> list[str]:
    return [each.value for each in stage if each.name == name]


def copied(stage: list[Instruction]) -> list[str]:
    return [source for value in values(stage, "COPY") for source in value.split()[:-1] if "--from" not in value]


def test_the_container_runs_as_nobody_special_and_keeps_no_secret() -> None:
    build, final = stages()
    assert values(final, "USER") == ["10001:10001"]
    assert copied(final) == []
    assert {*copied(build)} == {
        "pyproject.toml",
        "constraints.txt",
        "README.md",
        "LICENSE",
        "bot",
        "handlers",
        "indexes",
    }
    named = " ".join(each.value for each in instructions() if each.name in {"ENV", "ARG"})
    assert re.findall("TOKEN|PASSWORD|DATABASE_URL|SECRET", named) == []
    assert "ADD" not in {each.name for each in instructions()}
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").split("\n")
    assert {f"!{source}" for source in copied(build)} == {line for line in ignored if line.startswith("!")}


def test_the_container_is_stopped_and_asked_as_the_bot_understands_it() -> None:
    final = stages()[-1]
    assert values(final, "STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(values(final, "VOLUME")[0]) == ["/data", "/models"]
    [health] = values(final, "HEALTHCHECK")
    command = [json.loads(values(final, "ENTRYPOINT")[0]) + json.loads(values(final, "CMD")[0])]
    for each in [*command, json.loads(health.partition(" CMD ")[2])]:
        assert each[0] == "kotae"
        parser().parse_args(each[1:])
    environment = dict(pair.split("=", 1) for pair in values(final, "ENV")[0].split())
    known = {name.upper() for name in Environment.model_fields}
    assert set(environment) - known == {"PATH", "PYTHONUNBUFFERED"}


@pytest.mark.long("installs Kotae")
def test_the_steps_that_make_the_image_make_a_kotae_that_starts(tmp_path: Path) -> None:
    """As they are written, with other paths. What Kotae needs is not installed again: it is here already."""
    build = stages()[0]
    source, target, nowhere = tmp_path / "src", tmp_path / "opt", tmp_path / "index"
    for folder in (source, target, nowhere):
        folder.mkdir()
    for name in copied(build):
        found = ROOT / name
        shutil.copytree(found, source / name) if found.is_dir() else shutil.copy(found, source / name)
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in {"PATH", "HOME"}},
        "TORCH_INDEX": nowhere.as_uri(),
    }
    (source / "bot" / "samples" / ".it-help.csv.lock").touch()  # an earlier version left such files behind
    for step in values(build, "RUN"):
        line = (
            step.replace("/opt/kotae", str(target / "kotae"))
            .replace("python -m venv", f"{sys.executable} -m venv")
            .replace("pip install", "pip install --no-deps")
        )
        done = subprocess.run(
            ["sh", "-c", line], cwd=source, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    installed = target / "kotae" / "bin" / "kotae"
    assert "restore" in subprocess.run([installed, "--help"], capture_output=True, text=True, check=True).stdout
    needed = str(Path(yaml.__file__).parents[1])  # what Kotae needs
    probe = subprocess.run(
        [installed, "status", "--probe", "live"],
        cwd=tmp_path,
        env={"PYTHONPATH": needed, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (probe.returncode, probe.stdout) == (1, "not live: no bot renews its status in DATA_DIR\n"), probe.stderr
    packages = next((target / "kotae" / "lib").iterdir()) / "site-packages"
    assert {path.name for path in (packages / "bot" / "samples").glob("*.csv")} == {
        each.name for each in sample_files()
    }
    assert [*packages.rglob("*.lock")] == []
    subprocess.run([installed, "init", tmp_path / "site"], env={"PYTHONPATH": needed}, check=True)
    assert {each for each in FILES if not (tmp_path / "site" / each).is_file()} == set()


# Compose


def compose_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return loaded


def shared_memory() -> int:
    """The bytes of /dev/shm that the database of the compose file has."""
    megabytes = re.fullmatch(r"(\d+)m", compose_file()["services"]["database"]["shm_size"])
    assert megabytes
    return int(megabytes[1]) << 20


def test_the_compose_file_is_valid_and_true_to_the_container() -> None:
    compose = compose_file()
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json").read_text("utf-8")
    )
    jsonschema.validate(compose, schema)
    bot, database = compose["services"]["kotae"], compose["services"]["database"]
    assert (DEPLOY / bot["build"]["context"] / bot["build"]["dockerfile"]).samefile(DEPLOY / "Containerfile")
    assert bot["environment"]["DATABASE_URL"] == "postgresql+psycopg://kotae@database/kotae"
    assert "/data" in bot["volumes"]  # without a name: replicas don't share it
    assert int(bot["stop_grace_period"].removesuffix("s")) > GRACE
    assert parser().parse_args(bot["healthcheck"]["test"][2:]).probe == "ready"
    assert "ports" not in bot
    assert "ports" not in database
    assert database["environment"]["POSTGRES_PASSWORD"].startswith("${PGPASSWORD:?")


def test_the_database_has_room_for_the_graph_of_a_million_vectors() -> None:
    assert build_memory(MANY, 384) > DOCKERS_SHARED_MEMORY, "without shm_size no index could be built by several"
    assert build_memory(1_000_000, 384) < shared_memory()


@pytest.mark.parametrize("example", [DEPLOY / "kotae.env.example", KUBERNETES / "kotae.env.example"])
def test_the_examples_name_settings_that_exist_and_hold_no_secret(example: Path) -> None:
    lines = [line.lstrip("#") for line in example.read_text("utf-8").splitlines() if re.match(r"#?[A-Z_]+=", line)]
    named = dict(line.split("=", 1) for line in lines)
    assert set(named) - {name.upper() for name in Environment.model_fields} == {"PGPASSWORD"}
    assert {name for name, value in named.items() if "…" in value} == SECRETS & set(named) - {"DATABASE_URL"}
    assert "kotae.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


# Kubernetes


def kustomization() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    return loaded


@functools.cache
def rendered() -> tuple[dict[str, Any], ...]:
    """What kustomize makes of the folder, but for the digests in names: resources, namespace, image, generators."""
    kustomize = kustomization()
    found = [yaml.safe_load((KUBERNETES / name).read_text("utf-8")) for name in kustomize["resources"]]
    [config], [secret], [image] = (kustomize[name] for name in ("configMapGenerator", "secretGenerator", "images"))
    content = {name: (KUBERNETES / name).read_text("utf-8") for name in config["files"]}
    found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": config["name"]}, "data": content})
    lines = (KUBERNETES / f"{secret['envs'][0]}.example").read_text("utf-8").splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    found.append(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": secret["name"]},
            "stringData": pairs,
            "type": "Opaque",
        }
    )
    for each in found:
        if each["kind"] != "Namespace":
            each["metadata"]["namespace"] = kustomize["namespace"]
    for container in containers(found):
        assert container["image"] == image["name"]
        container["image"] = f"{image['newName']}:{image['newTag']}"
    return tuple(found)


def of_kind(kind: str) -> dict[str, Any]:
    [found] = [each for each in rendered() if each["kind"] == kind]
    return found


def containers(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    [pod] = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "Deployment"]
    return [*pod["initContainers"], *pod["containers"]]


def test_every_file_of_the_folder_is_used() -> None:
    kustomize = kustomization()
    used = {
        *kustomize["resources"],
        *kustomize["configMapGenerator"][0]["files"],
        "kustomization.yaml",
        "kotae.env.example",
    }
    assert {each.name for each in KUBERNETES.iterdir()} - {"kotae.env"} == used


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_is_valid(version: str) -> None:
    for resource in rendered():
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_mistake_in_a_resource_would_be_found() -> None:
    wrong = json.loads(json.dumps(of_kind("Deployment")))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl has kustomize in it")
def test_kustomize_itself_makes_the_same_of_it(tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    shutil.copy(KUBERNETES / "kotae.env.example", tmp_path / "kubernetes" / "kotae.env")
    done = subprocess.run(["kubectl", "kustomize", tmp_path / "kubernetes"], capture_output=True, text=True, check=True)
    made = list(yaml.safe_load_all(re.sub(r"(kotae-(?:config|secrets))-\w{10}", r"\1", done.stdout)))
    ours = {(each["kind"], each["metadata"]["name"]): each for each in rendered()}
    assert {(each["kind"], each["metadata"]["name"]) for each in made} == set(ours)
    for each in made:
        if each["kind"] == "Secret":
            assert set(each["data"]) == set(ours["Secret", "kotae-secrets"]["stringData"])
        else:
            assert each == ours[each["kind"], each["metadata"]["name"]]


def test_three_replicas_stay_within_what_slack_and_an_orderly_end_need() -> None:
    deployment = of_kind("Deployment")["spec"]
    pod = deployment["template"]["spec"]
    assert deployment["replicas"] == 3
    assert deployment["replicas"] + deployment["strategy"]["rollingUpdate"]["maxSurge"] <= 10
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod["terminationGracePeriodSeconds"] > GRACE
    labels = deployment["template"]["metadata"]["labels"].items()
    budget, policy = of_kind("PodDisruptionBudget")["spec"], of_kind("NetworkPolicy")["spec"]
    spread = pod["topologySpreadConstraints"][0]["labelSelector"]
    selectors = (deployment["selector"], budget["selector"], policy["podSelector"], spread)
    assert all(each["matchLabels"].items() <= labels for each in selectors)


def test_the_probes_and_commands_are_ones_that_kotae_knows() -> None:
    [bot] = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    asked = {name: bot[name]["exec"]["command"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    found = {name: parser().parse_args(command[1:]).probe for name, command in asked.items() if command[0] == "kotae"}
    assert found == {"startupProbe": "live", "livenessProbe": "live", "readinessProbe": "ready"}
    assert callable(parser().parse_args(bot["args"]).run)


def test_nothing_may_do_more_than_it_must() -> None:
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is of_kind("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in values(
        stages()[-1], "USER"
    )
    for each in containers(list(rendered())):
        context = each["securityContext"]
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert context["capabilities"]["drop"] == ["ALL"]
        assert {"cpu", "memory"} <= set(each["resources"]["requests"])
        written = {mount["mountPath"] for mount in each["volumeMounts"] if not mount.get("readOnly")}
        assert written == {"/data", "/models", "/tmp"}
    assert of_kind("NetworkPolicy")["spec"]["policyTypes"] == ["Ingress"]


# systemd


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="it belongs to systemd")
def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "kotae.service").read_text("utf-8")
    unit = tmp_path / "kotae.service"
    unit.write_text(text.replace("/opt/kotae/.venv/bin/kotae", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_starts_the_bot_and_lets_it_end() -> None:
    text = (DEPLOY / "systemd" / "kotae.service").read_text("utf-8")
    settings = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))
    command, *arguments = shlex.split(settings["ExecStart"])
    assert command == "/opt/kotae/.venv/bin/kotae"
    assert callable(parser().parse_args(arguments).run)
    assert int(settings["TimeoutStopSec"]) > GRACE
    named = {each.split("=")[0] for each in settings["Environment"].split()} - {"PYTHONUNBUFFERED"}
    assert named <= {name.upper() for name in Environment.model_fields}


# The pages


PAGES = ("deployment.md", "deployment.ja.md")


def blocks(page: str, kind: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text("utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_both_pages_tell_the_same_commands() -> None:
    """But for comments, and what is to be filled in."""
    for kind in ("sh", "sql", "ini", "yaml"):
        english, japanese = ([re.sub(r"<[^>\n]+>|\s+#.*", "", block) for block in blocks(page, kind)] for page in PAGES)
        assert english
        assert english == japanese
    numbers = [re.findall(r"\*\*|^\|", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE) for page in PAGES]
    assert len(numbers[0]) == len(numbers[1])


def commands_of(page: str) -> list[list[str]]:
    """Every command of Kotae's on a page, without `sudo` and settings before it."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    quoted = re.findall(r"`(kotae [a-z][^`\n]*)`", (ROOT / "docs" / page).read_text("utf-8"))
    found = [
        re.search(r"(?:^|[ /-])kotae ((?:serve|status|doctor|backup|restore|migrate|import)[^']*)", line)
        for line in lines
    ]
    typed = [each[1] for each in found if each] + [each.removeprefix("kotae ") for each in quoted]
    return [shlex.split(each.rstrip(" &"), comments=True) for each in typed]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_give_the_database_as_much_shared_memory_as_the_compose_file(page: str) -> None:
    [block] = blocks(page, "yaml")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "database"}, **yaml.safe_load(block)}
    kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)
    [volume], [container] = pod["spec"]["volumes"], pod["spec"]["containers"]
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/dev/shm"}]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": f"{shared_memory() >> 20}Mi"}
    named = re.findall(r"shm[_-]size[:=] ?(\d+)m\b", (ROOT / "docs" / page).read_text("utf-8"))
    assert [int(megabytes) << 20 for megabytes in named] == [shared_memory()] * 2


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_the_page_is_one_that_kotae_knows(page: str) -> None:
    found = commands_of(page)
    assert {"serve", "status", "doctor", "backup", "restore", "migrate"} <= {each[0] for each in found}
    for each in found:
        if each not in (["migrate"], ["forget"]):
            assert callable(parser().parse_args(each).run)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_command_on_the_page_names_is_there(page: str) -> None:
    named = {path for block in blocks(page, "sh") for path in re.findall(r"(?<![/\w])deploy/[\w./-]+", block)}
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists() and not path.endswith("kotae.env")] == []
