"""What the service offers, as OpenAPI 3.1; its parameters are the options of ``facegen animate``."""

from __future__ import annotations

from dataclasses import Field
from typing import Any

from facegen import __version__
from facegen.core.options import REQUIRED
from facegen.core.registry import Registry
from facegen.jobs import load_job
from facegen.jobs.settings import known_fields

_TYPES = {"int": "integer", "float": "number", "bool": "boolean"}


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    options = _parameters("animate")
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
            **{f"/v1/jobs/{command}": _job(command, own) for command in Registry("jobs").names()},
            "/v1/jobs/{name}": job,
            "/v1/jobs/{name}/{file}": one,
            "/metrics": {"get": _get("Counters in Prometheus' text format")},
            "/health": {"get": _get("Whether it works")},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


def _parameters(command: str) -> list[dict[str, Any]]:
    return [_parameter(field) for field in known_fields(load_job(command).settings).values()]


def _job(command: str, own: list[dict[str, Any]]) -> dict[str, Any]:
    """The path that starts ``command``, its sources as files of a form, or a single one as the body."""
    job = load_job(command)
    options = _parameters(command)
    mine = [row for row in own if row["name"] not in {option["name"] for option in options}]
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {n: binary for n in job.sources}, "required": list(job.sources)}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if len(job.sources) == 1:
        content["application/octet-stream"] = {"schema": binary}
        text = "what the file in the body is called: its suffix tells the format"
        mine.append(_query("filename", text, {"type": "string"}))
    responses = {"200": _said("the file, or the job where there are several"), "202": _said("the job")}
    return {
        "post": {
            "summary": f"Do what facegen {command} does",
            "parameters": [*mine, *options],
            "requestBody": {"required": True, "content": content},
            "responses": {**responses, **{code: _said(text) for code, text in ERRORS.items()}},
        }
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
    facts = field.metadata
    if field.default is not None and field.default is not REQUIRED:
        schema["default"] = ",".join(field.default) if isinstance(field.default, tuple) else field.default
    if facts["low"] is not None:
        schema |= {"minimum": facts["low"], "maximum": facts["high"]}
    if facts["choices"]:
        schema["enum"] = list(facts["choices"])
    required = {"required": True} if field.default is REQUIRED else {}
    return _query(facts["name"] or field.name, facts["help"], schema) | required


def _query(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _get(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": _said("it"), "404": _said("there is none")}}


def _said(text: str) -> dict[str, Any]:
    return {"description": text}
