"""What the service offers, as OpenAPI 3.1; its parameters are the options of ``facegen animate``."""

from __future__ import annotations

from dataclasses import Field
from typing import Any

from facegen import __version__
from facegen.jobs import load_job
from facegen.jobs.settings import known_fields

_TYPES = {"int": "integer", "float": "number", "bool": "boolean"}


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    options = [_parameter(field) for field in known_fields(load_job("animate").settings).values()]
    own = [
        _query("format", "formats to make, comma-separated", {"type": "string", "default": "take"}),
        _query("wait", "false: answer at once with the job's place", {"type": "boolean", "default": True}),
    ]
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    file = {"name": "file", "in": "path", "required": True, "schema": {"type": "string"}}
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"audio": binary}, "required": ["audio"]}
    body = {"application/octet-stream": {"schema": binary}, "multipart/form-data": {"schema": form}}
    animate = {
        "summary": "Speech to curves, mesh or video",
        "parameters": [*own, *options],
        "requestBody": {"required": True, "content": body},
        "responses": {
            "200": _said("the file, or the job where several formats are asked for"),
            "202": _said("the job, which is not done yet"),
            **{code: _said(text) for code, text in ERRORS.items()},
        },
    }
    job, one = (
        {"get": _get("A job"), "parameters": [name]},
        {"get": _get("A file of a job"), "parameters": [name, file]},
    )
    job["delete"] = {"summary": "Remove a job that has ended", "responses": {"204": _said("removed")}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "facegen", "version": __version__, "summary": "Speech to facial animation"},
        "paths": {
            "/v1/animate": {"post": animate},
            "/v1/jobs/{name}": job,
            "/v1/jobs/{name}/{file}": one,
            "/metrics": {"get": _get("Counters in Prometheus' text format")},
            "/health": {"get": _get("Whether it works")},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


ERRORS = {
    "400": "an option that is none",
    "401": "the token is missing or wrong",
    "413": "the sound is too large",
    "422": "the sound can't be used",
    "503": "too many jobs wait",
}


def _parameter(field: Field) -> dict[str, Any]:
    kind = str(field.type).removesuffix(" | None")
    schema: dict[str, Any] = {"type": _TYPES.get(kind, "string")}
    if field.default is not None:
        schema["default"] = field.default
    return _query(field.name, field.metadata["help"], schema)


def _query(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _get(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": _said("it"), "404": _said("there is none")}}


def _said(text: str) -> dict[str, Any]:
    return {"description": text}
