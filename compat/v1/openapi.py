"""The OpenAPI 3.1 document of the old API, generated from the tables that parse requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from inspect import getdoc
from typing import Any, Final, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from compat.config.conventions import Conventions, ViewBy
from compat.v1 import errors, parameters
from compat.v1.exactness import GRADES
from compat.v1.grades import usual_grades
from compat.v1.http import (
    APPROXIMATE_HEADER,
    CORS_HEADERS,
    IGNORED_HEADER,
    UNAVAILABLE_HEADER,
)
from compat.v1.parameters import Parameter
from compat.v1.routes import ROUTES, Route

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_YEAR: Final = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_DAY: Final = f"{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
_OFFSET: Final = "[-+ ]([01][0-9]|2[0-3]):?[0-5][0-9]"
_INSTANT: Final[Json] = {
    "type": "string",
    "pattern": f"^{_DAY}(T{_TIME}(Z|{_OFFSET})?)?$",
    "description": (
        "UTC if it names no offset. The plus of an offset may arrive as a space. A date alone is "
        "its midnight."
    ),
    "examples": ["2015-01-31T23:59:59Z"],
}
"""Not the format `date-time`: that has leap seconds and a small `t` and `z`, which are refused."""
_NUMBER: Final[Json] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}

_FORMATS: Final[Mapping[Callable[..., object], Json]] = {
    parameters.parse_start: _INSTANT,
    parameters.parse_end: _INSTANT,
    parameters.parse_id: {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    parameters.parse_user_id: {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    parameters.parse_type: {"type": "string", "enum": list(parameters.TYPES)},
    parameters.parse_user_type: {"type": "string", "enum": list(parameters.USER_TYPES)},
    parameters.parse_view_by: {"type": "string", "enum": list(get_args(ViewBy))},
    parameters.parse_number: _NUMBER,
    parameters.parse_rows: _NUMBER,
    parameters.parse_rating: {"type": "integer", "enum": [0, 1, 2, 3]},
    parameters.parse_office_hours_flag: {"enum": [0, 1, "false", "true"]},
    parameters.parse_sort_order: {"type": "string", "enum": ["asc", "desc"]},
}
"""The schema of the values that each parser accepts; parsers that are not here accept any text."""

_EXAMPLES: Final[Mapping[type[errors.LegacyError], errors.LegacyError]] = {
    each.__class__: each
    for each in (
        errors.ValidationFailed(()),
        errors.Unauthorized(),
        errors.Forbidden("…"),
        errors.ItemNotFound(),
        errors.RateLimited(1),
        errors.Internal(),
        errors.Unavailable("…", 1),
    )
}
"""One example of every error; the schemas and headers of errors are taken from these."""

_PATHS: Final = "JSON paths without indices, separated by commas."
_HEADERS: Final[Mapping[str, tuple[str, Json]]] = {
    "Correlation-Id": ("Identifies this request in the server's log.", {"type": "string"}),
    "Compat-As-Of": (
        "When the conversations were fetched.",
        {"type": "string", "format": "date-time"},
    ),
    "Compat-Engine": ("The engine that made the answer.", {"type": "string"}),
    APPROXIMATE_HEADER: (
        f"Fields that can differ from what the old API answered: {_PATHS}",
        {"type": "string"},
    ),
    UNAVAILABLE_HEADER: (
        f"Fields whose values mean nothing, as Mailbox API 2.0 does not show enough: {_PATHS}",
        {"type": "string"},
    ),
    IGNORED_HEADER: (
        "Names of parameters that were ignored, percent-encoded.",
        {"type": "string"},
    ),
    "Retry-After": ("Whole seconds to wait before a retry.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": ("Asks for the API key.", {"type": "string"}),
    **{
        name: ("For browsers; can be switched off.", {"type": "string", "const": value})
        for name, value in CORS_HEADERS
    },
}

_INEXACT_HEADERS: Final = (APPROXIMATE_HEADER, UNAVAILABLE_HEADER)
"""The headers of a successful answer that are absent if there is nothing to name."""

_ANSWER_HEADERS: Final = ("Compat-As-Of", "Compat-Engine", *_INEXACT_HEADERS)
"""The headers of a successful answer, without those that every response has."""

_SHARED_HEADERS: Final = ("Correlation-Id", IGNORED_HEADER, *dict(CORS_HEADERS))
"""The headers that every response has, or may have."""

_OPTIONAL_HEADERS: Final = {*_INEXACT_HEADERS, IGNORED_HEADER, *dict(CORS_HEADERS)}
"""The headers that a response need not have."""


@cache
def document() -> Json:
    """The document: every route with its parameters, answers and errors."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mailbox API 1.0: reports",
            "version": "1.0",
            "description": (
                "Help Scout's Mailbox API 1.0 reports, as this project answers them. Unknown "
                "and empty parameters are ignored. A list may also be sent as "
                "`tags[]=1&tags[]=2` or `tags=1&tags=2`, and with empty items or blanks around "
                "its items. Case makes no difference in names of parameters and in words. HEAD is "
                "answered as GET without the body, and OPTIONS with 204 without an API key. "
                "`x-choices` has words for the values of a parameter. "
                "`x-exactness` says how exactly each field can be computed from Mailbox API 2.0, "
                "if nothing special applies. "
                + " ".join(f"{grade}: {meaning}" for grade, meaning in GRADES.items())
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}],
        "paths": {route.path: {"get": _operation(route)} for route in ROUTES},
        "components": {
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The old API key as the user name, with any password.",
                }
            },
            "headers": {name: _header(name, *header) for name, header in _HEADERS.items()},
            "responses": {
                kind.__name__: _error_response(kind, error) for kind, error in _EXAMPLES.items()
            },
            "schemas": _schemas(),
        },
    }


def _operation(route: Route) -> Json:
    return {
        "operationId": route.report,
        "summary": route.summary,
        "parameters": [_parameter(each, route) for each in route.parameters],
        "responses": {
            "200": _response("The answer.", _ref(route.model), _ANSWER_HEADERS),
            **{
                str(kind.status): {"$ref": f"#/components/responses/{kind.__name__}"}
                for kind in _EXAMPLES
            },
        },
        "x-exactness": usual_grades(route),
    }


def _parameter(parameter: Parameter, route: Route) -> Json:
    in_path = f"{{{parameter.name}}}" in route.path
    schema = _FORMATS.get(parameter.parse, {"type": "string"})
    default = parameter.default_as_sent(Conventions())
    if default is not None:
        schema = {**schema, "default": default}
    required = in_path or parameter.required
    return {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "description": parameter.description,
        "required": required,
        **({} if required else {"allowEmptyValue": True}),
        "schema": {"type": "array", "items": schema} if parameter.many else schema,
        **({"style": "form", "explode": False} if parameter.many else {}),
        **({"x-choices": dict(parameter.choices)} if parameter.choices else {}),
    }


def _error_response(kind: type[errors.LegacyError], error: errors.LegacyError) -> Json:
    shape = "ValidationError" if "validationErrors" in error.body() else "Error"
    schema = {
        "allOf": [{"$ref": _REF.format(model=shape)}],
        "properties": {"code": {"const": kind.status}},
    }
    return _response(_first(kind), schema, error.headers())


def _response(description: str, schema: Json, headers: Iterable[str]) -> Json:
    return {
        "description": description,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in (*headers, *_SHARED_HEADERS)
        },
        "content": {"application/json": {"schema": schema}},
    }


def _header(name: str, description: str, schema: Json) -> Json:
    required = name not in _OPTIONAL_HEADERS
    return {"description": description, "required": required, "schema": schema}


def _schemas() -> Json:
    answers = {route.model: None for route in ROUTES}
    _, found = models_json_schema(
        [(answer, "serialization") for answer in answers], ref_template=_REF
    )
    message = {"code": {"type": "integer"}, "error": {"type": "string"}}
    entry = TypeAdapter(errors.BadParameter).json_schema()
    return {
        **dict(sorted((name, _tidy(each)) for name, each in found["$defs"].items())),
        "BadParameter": _tidy(entry),
        "Error": {"type": "object", "required": list(message), "properties": message},
        "ValidationError": {
            "type": "object",
            "required": [*message, "validationErrors"],
            "properties": {
                **message,
                "validationErrors": {
                    "type": "array",
                    "items": {"$ref": _REF.format(model="BadParameter")},
                },
            },
        },
    }


def _tidy(schema: Any) -> Any:
    """A schema without details of Python: titles, lists of attributes, and None.

    An answer leaves out a key that would be None, so the schema does not mention None either.
    """
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    titled = isinstance(schema.get("title"), str)
    kept = {name: _tidy(each) for name, each in schema.items() if not (titled and name == "title")}
    if "description" in kept and isinstance(kept["description"], str):
        kept["description"] = " ".join(kept["description"].partition("\n\n")[0].split())
    if "default" in schema and schema["default"] is None:
        (left,) = (each for each in kept.pop("anyOf") if each != {"type": "null"})
        return {**{name: each for name, each in kept.items() if name != "default"}, **left}
    return kept


def _ref(model: type[Any]) -> Json:
    return {"$ref": _REF.format(model=_name(model))}


def _name(model: type[Any]) -> str:
    return re.sub(r"[^A-Za-z0-9.\-_]", "_", model.__name__)


def _first(thing: object) -> str:
    return " ".join((getdoc(thing) or "").partition("\n\n")[0].split())
