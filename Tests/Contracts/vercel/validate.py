#!/usr/bin/env python3
"""Holds recorded exchanges with Vercel against its published description.

    validate.py DESCRIPTION EXCHANGES...

EXCHANGES hold one JSON object a line: platform, method, path, query, request, status, response, and optionally
headers (names). Lines of other platforms are skipped. A request may hold nothing that the description does not
know; an answer must fit its schema and hold nothing unknown either; a null answer is not looked at. What goes
beyond it on purpose stands in exceptions.txt beside this file, each row with the contract's section.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

ORDINARY_HEADERS = {"accept", "authorization", "content-type", "content-length", "user-agent", "host"}
KINDS = {"query", "request", "response", "status", "operation"}


class Exceptions:
    """The rows of the table, and which of them were needed."""

    def __init__(self, text):
        self.rows = {}
        self.used = set()
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) != 4 or cells[0] not in KINDS or not re.match(r"§\d", cells[3]):
                raise ValueError(f"line {number}: not `kind | operation | what | §section`: {line.strip()}")
            self.rows.setdefault((cells[0], cells[1], cells[2]), number)

    def allows(self, kind, operation, what):
        for name in (operation, "*"):
            if (kind, name, what) in self.rows:
                self.used.add((kind, name, what))
                return True
        return False

    def fields(self, kind, operation):
        return [row[2] for row in self.rows if row[0] == kind and row[1] in (operation, "*")]

    def unused(self):
        return [" | ".join(row) for row in self.rows if row not in self.used]


def without(value, path):
    """The value without a field, and whether it was there; `a[].b` means b of each element of a."""
    head, _, rest = path.partition(".")
    each = head.endswith("[]")
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return value, False
    if not rest:
        return {key: member for key, member in value.items() if key != name}, True
    member, found = value[name], False
    if each and isinstance(member, list):
        pairs = [without(element, rest) for element in member]
        member, found = [pair[0] for pair in pairs], any(pair[1] for pair in pairs)
    elif not each:
        member, found = without(member, rest)
    return {**value, name: member}, found


class Description:
    """The published description, with its schemas as strict JSON Schema."""

    def __init__(self, document):
        self.document = document
        self.definitions = {}
        for name, schema in document["components"]["schemas"].items():
            self.definitions[name] = self.strict(schema)
        self.operations = []
        for path, methods in document["paths"].items():
            pattern = re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "([^/]+)", re.escape(path)) + "$")
            for method, operation in methods.items():
                self.operations.append((method.upper(), path, pattern, operation))

    def strict(self, schema):
        """A schema that knows `nullable`, and refuses what it does not name."""
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return {"$ref": "#/$defs/" + schema["$ref"].rsplit("/", 1)[-1]}
        strict = {}
        for key, value in schema.items():
            if key in ("oneOf", "anyOf"):
                # Variants of one answer overlap once a field is optional: any that fits will do.
                strict["anyOf"] = [self.strict(variant) for variant in value]
            elif key == "allOf":
                strict["allOf"] = [self.strict(part) for part in value]
            elif key == "properties":
                strict["properties"] = {name: self.strict(member) for name, member in value.items()}
            elif key == "items":
                strict["items"] = self.strict(value)
            elif key == "additionalProperties":
                strict[key] = self.strict(value) if isinstance(value, dict) else value
            elif key in ("type", "enum", "required"):
                strict[key] = value
        if strict.get("properties") and "additionalProperties" not in strict:
            strict["additionalProperties"] = False
        if schema.get("nullable"):
            return {"anyOf": [{"type": "null"}, strict]}
        return strict

    def validator(self, schema):
        return Draft202012Validator({**self.strict(schema), "$defs": self.definitions})

    def find(self, method, path):
        """The operation, literal paths before ones with parameters."""
        hits = [entry for entry in self.operations if entry[0] == method and entry[2].match(path)]
        return min(hits, key=lambda entry: entry[1].count("{"), default=None)


def shown(error):
    """One line for a violation, without the values of the exchange."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    place = re.sub(r"\[\d+\]", "[]", place) or "(body)"
    if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), dict):
        unknown = sorted(set(error.instance) - set(error.schema["properties"]))
        return f"{place}: unknown: {', '.join(unknown)}"
    if error.validator == "required":
        missing = sorted(set(error.validator_value) - set(error.instance))
        return f"{place}: missing: {', '.join(missing)}"
    if error.validator == "type":
        return f"{place}: is no {error.validator_value}"
    if error.validator == "enum":
        return f"{place}: not one of the published values"
    return f"{place}: does not fit ({error.validator})"


def violations(validator, value):
    """The violations; of variants those of the one that comes nearest."""
    found = []
    for error in validator.iter_errors(value):
        while error.validator == "anyOf" and error.context:
            variants = {}
            for inner in error.context:
                variants.setdefault(inner.relative_schema_path[0], []).append(inner)
            # A type that is another altogether is further off than a field that is missing.
            nearest = min(variants.values(), key=lambda errors: (any(e.validator == "type" and not e.relative_path for e in errors), len(errors)))
            found += [shown(inner) for inner in nearest[1:] if inner.validator != "anyOf"]
            error = nearest[0]
        found.append(shown(error))
    return found


def converted(text, schema, definitions):
    """A text of the query in the type its parameter has."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    kind = schema.get("type")
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "array":
        return text.split(",")
    return text


class Validation:
    """Collects the problems of many exchanges."""

    def __init__(self, description, exceptions):
        self.description = description
        self.exceptions = exceptions
        self.exchanges = 0
        self.operations = set()
        # (operation, problem) -> [how many exchanges, place of the first]
        self.problems = {}

    def add(self, exchange, line):
        self.exchanges += 1
        name, problems = self.check(exchange)
        self.operations.add(name)
        for problem in dict.fromkeys(problems):
            self.problems.setdefault((name, problem), [0, line])[0] += 1

    def check(self, exchange):
        """The operation's name and the problems of one exchange."""
        method, path = exchange.get("method"), exchange.get("path")
        if not isinstance(method, str) or not isinstance(path, str):
            return "(no operation)", ["the exchange has no method and path"]
        found = self.description.find(method, path)
        if found is None:
            shape = re.sub(r"(dpl|prj|team|env)_[^/]+", "{id}", path)
            if self.exceptions.allows("operation", "*", f"{method} {shape}"):
                return f"{method} {shape}", []
            return f"{method} {shape}", ["there is no such operation"]
        _, _, _, operation = found
        name = operation["operationId"]
        problems = self.parameters(name, operation, exchange)
        problems += self.request(name, operation, exchange.get("request"))
        problems += self.answer(name, operation, exchange.get("status"), exchange.get("response"))
        return name, problems

    def parameters(self, name, operation, exchange):
        problems = []
        known = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
        query = exchange.get("query") or {}
        for key, text in query.items():
            if key not in known:
                if not self.exceptions.allows("query", name, key):
                    problems.append(f"query: unknown: {key}")
                continue
            schema = known[key]["schema"]
            value = converted(text, schema, self.description.document["components"]["schemas"])
            # A parameter with several types takes its text as one of them.
            if violations(self.description.validator(schema), value) and violations(
                self.description.validator(schema), text
            ):
                problems.append(f"query: {key} has not its published type or value")
        for key, parameter in known.items():
            if parameter.get("required") and key not in query:
                problems.append(f"query: missing: {key}")
        headers = {p["name"].lower(): p for p in operation.get("parameters", []) if p["in"] == "header"}
        for header in exchange.get("headers") or []:
            if header.lower() not in headers and header.lower() not in ORDINARY_HEADERS:
                problems.append(f"header: unknown: {header}")
        return problems

    def request(self, name, operation, value):
        body = operation.get("requestBody")
        content = (body or {}).get("content", {}).get("application/json")
        if value is None:
            needed = content is not None and (body or {}).get("required", False)
            return ["request: the body is missing"] if needed else []
        if content is None:
            return [] if self.exceptions.allows("request", name, "(body)") else ["request: there is no body"]
        value = self.pruned("request", name, value)
        return [f"request: {p}" for p in violations(self.description.validator(content["schema"]), value)]

    def answer(self, name, operation, status, value):
        responses = operation.get("responses", {})
        if str(status) not in responses:
            if self.exceptions.allows("status", name, str(status)):
                schema = {"$ref": "#/components/schemas/ErrorEnvelope"}
                return self.fits(name, schema, value)
            return [f"response: the status {status} is not published"]
        content = responses[str(status)].get("content", {}).get("application/json")
        if content is None:
            return []
        return self.fits(name, content["schema"], value)

    def fits(self, name, schema, value):
        if value is None:
            return []
        value = self.pruned("response", name, value)
        return [f"response: {p}" for p in violations(self.description.validator(schema), value)]

    def pruned(self, kind, name, value):
        for path in self.exceptions.fields(kind, name):
            value, found = without(value, path)
            if found:
                self.exceptions.allows(kind, name, path)
        return value

    def report(self):
        lines = [
            f"{operation}: {problem} ({count} times, first at {line})"
            for (operation, problem), (count, line) in sorted(self.problems.items())
        ]
        lines.append(
            f"{len(self.operations)} operations, {self.exchanges} exchanges, {len(self.problems)} problems"
        )
        return lines


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("description", help="the published description, an OpenAPI document in JSON")
    parser.add_argument("exchanges", nargs="+", help="recorded exchanges, one JSON object a line")
    parser.add_argument("--exceptions", default=str(Path(__file__).with_name("exceptions.txt")))
    parser.add_argument("--unused", action="store_true", help="show rows of the exceptions that nothing needed")
    options = parser.parse_args(arguments)
    try:
        description = Description(json.loads(Path(options.description).read_text(encoding="utf-8")))
        exceptions = Exceptions(Path(options.exceptions).read_text(encoding="utf-8"))
        validation = Validation(description, exceptions)
        for path in options.exchanges:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    exchange = json.loads(line) if line.strip() else {}
                    if exchange.get("platform") == "vercel":
                        validation.add(exchange, f"{path}:{number}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        print(f"{parser.prog}: cannot read the input: {error}", file=sys.stderr)
        return 2
    if not validation.exchanges:
        print(f"{parser.prog}: no exchanges were recorded, so nothing was checked", file=sys.stderr)
        return 2
    print("\n".join(validation.report()))
    if options.unused:
        print("\n".join(f"not needed: {row}" for row in exceptions.unused()))
    return 1 if validation.problems else 0


if __name__ == "__main__":
    sys.exit(main())
