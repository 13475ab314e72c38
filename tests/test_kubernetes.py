"""The manifests of deploy/kubernetes.yaml and docs/bulk.md fit Kubernetes and likewise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from index.address import Address
from likewise.server.settings import Settings
from tests.parsed import parsed

ROOT = Path(__file__).parents[1]
SERVERS = (ROOT / "deploy" / "kubernetes.yaml").read_text()
[JOB] = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "bulk.md").read_text(), re.M | re.S)
MANIFESTS = [*yaml.safe_load_all(SERVERS), yaml.safe_load(JOB)]
DEPLOYMENT, SERVICE, BUDGET, _ = MANIFESTS
POD = DEPLOYMENT["spec"]["template"]["spec"]
[SERVER] = POD["containers"]


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
def test_a_manifest_is_valid_by_the_schemas_of_kubernetes(manifest):
    import kubernetes_validate

    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(manifest, version, strict=True)
    broken = {**manifest, "spec": {**manifest["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


def test_the_servers_are_started_as_likewise_starts(monkeypatch):
    monkeypatch.setenv("LIKEWISE_CACHE", "")
    given = parsed(SERVER["args"])
    assert isinstance(given["gallery"], Address)
    assert given["gallery"].name == "shoes"
    assert given["port"] == SERVER["ports"][0]["containerPort"]
    assert given["host"] == "0.0.0.0"


def test_what_is_written_lies_on_volumes():
    mounted = {mount["mountPath"] for mount in SERVER["volumeMounts"]}
    given = {word.partition("=")[2] for word in SERVER["args"] if word.startswith(("--c", "--j"))}
    assert all(any(path.startswith(mount) for mount in mounted) for path in given)
    assert SERVER["securityContext"]["readOnlyRootFilesystem"]


def test_a_pod_has_the_time_that_its_server_takes_to_end():
    waits = SERVER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] >= waits + Settings().grace


def test_probes_ask_routes_of_the_server_that_need_no_key():
    from likewise.server.routes.health import router

    routes = {route.path for route in router.routes if hasattr(route, "path")}
    asked = {SERVER[kind]["httpGet"]["path"] for kind in ("startupProbe", "readinessProbe")}
    assert asked == {"/readyz"} <= routes
    assert SERVER["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_service_and_budget_select_the_pods():
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert SERVICE["spec"]["selector"] == BUDGET["spec"]["selector"]["matchLabels"] == labels
    assert BUDGET["spec"]["minAvailable"] < DEPLOYMENT["spec"]["replicas"]


def test_the_bulk_job_runs_as_many_shards_as_it_names():
    [worker] = MANIFESTS[3]["spec"]["template"]["spec"]["containers"]
    count = MANIFESTS[3]["spec"]["completions"]
    assert f"auto/{count}" in worker["args"]
