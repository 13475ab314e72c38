"""The OpenAPI document is complete and correct."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from likewise.server.errors import STATUS
from tests.eventually import eventually
from tests.likewise.server.conftest import serving

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def schema(shared):
    return shared.get("/openapi.json").json()


def models(schema) -> Iterator[tuple[str, dict]]:
    yield from schema["components"]["schemas"].items()


def operations(schema) -> Iterator[tuple[str, dict]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_it_is_openapi_3_1(schema):
    assert schema["openapi"].startswith("3.1")


def test_every_field_has_a_description_and_an_example(schema):
    lacking = [
        f"{name}.{field}: {part}"
        for name, model in models(schema)
        for field, output in model.get("properties", {}).items()
        for part in ("description", "examples")
        if not output.get(part)
    ]
    assert not lacking


def test_every_parameter_has_a_description_and_an_example(schema):
    lacking = [
        f"{name} {parameter['name']}"
        for name, operation in operations(schema)
        for parameter in operation.get("parameters", ())
        if not parameter.get("description") or not parameter["schema"].get("examples")
    ]
    assert not lacking


def test_every_number_has_a_range(schema):
    def numbers(schema: dict) -> list[dict]:
        kinds = [schema, *schema.get("anyOf", ())]
        return [kind for kind in kinds if kind.get("type") in ("number", "integer")]

    lacking = [
        f"{name}.{field}"
        for name, model in models(schema)
        for field, schema in model.get("properties", {}).items()
        for number in numbers(schema)
        if "minimum" not in number and "exclusiveMinimum" not in number
    ]
    assert not lacking


def test_every_operation_says_what_it_does_and_how_it_may_fail(schema):
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert operation["description"], name
        errors = {"401", "403", "422", "429", "500", "504"}
        assert errors <= set(operation["responses"]), name
        for status in errors:
            content = operation["responses"][status]["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}, name


def test_every_code_of_an_error_is_documented_somewhere(schema):
    text = str(schema["paths"])
    of_no_operation = {  # of requests that reach none
        *("method_not_allowed", "unknown_method", "address_too_long", "headers_too_large")
    }
    assert not [code for code in STATUS.keys() - of_no_operation if f"`{code}`" not in text]


def test_every_reference_within_it_leads_somewhere(schema):
    import re

    named = set(re.findall(r"#/components/schemas/(\w+)", str(schema)))
    assert named <= set(dict(models(schema)))


@pytest.mark.slow
def test_whatever_it_allows_is_answered_as_it_says(gallery, tmp_path):
    """schemathesis asks what the description allows, and much that it does not."""
    with serving(gallery) as client:
        for path in ("distances", "map"):  # 503 while computed, which counts as a failure
            eventually(
                partial(client.get, f"/v1/gallery/{path}"),
                until=lambda answer: answer.status_code == 200,
            )
        done = subprocess.run(
            [
                *(Path(sysconfig.get_path("scripts"), "schemathesis"), "run"),
                f"{client.base_url}openapi.json",
                *("--checks", ",".join(CHECKS), "--max-time", "60", "--seed", "1"),
                *("--suppress-health-check", "all", "--continue-on-failure", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout
