#!/usr/bin/env python3
"""Holds recorded exchanges with GitHub against its published description.

    validate.py DESCRIPTION EXCHANGES...

EXCHANGES hold one JSON object a line: platform, method, path, query, request, status, response. Lines of other
platforms are skipped. A request may hold nothing that the description does not know; an answer must fit its schema.
A null answer is not looked at. Statuses that go beyond it on purpose stand in exceptions.txt beside this file.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker


def read_exceptions(text):
    rows = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 4 or cells[0] != "status" or not re.match(r"§\d", cells[3]):
            raise ValueError(f"line {number}: not `status | operation | status | §section`: {line.strip()}")
        rows.add((cells[1], cells[2]))
    return rows


class Description:
    """The published description, an OpenAPI 3.0 document, with its schemas as JSON Schema."""

    def __init__(self, document):
        self.document = document
        self.definitions = {name: self.schema(value) for name, value in document["components"]["schemas"].items()}
        self.operations = []
        for path, methods in document["paths"].items():
            pattern = re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "([^/]+)", re.escape(path)) + "$")
            for method, operation in methods.items():
                if isinstance(operation, dict) and "operationId" in operation:
                    self.operations.append((method.upper(), pattern, operation))

    def resolve(self, value):
        while isinstance(value, dict) and "$ref" in value:
            place = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            value = place
        return value

    def schema(self, value):
        """JSON Schema of a schema of OpenAPI 3.0: `nullable` becomes a type."""
        if isinstance(value, list):
            return [self.schema(element) for element in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return {"$ref": "#/$defs/" + value["$ref"].rsplit("/", 1)[-1]}
        made = {}
        for key, member in value.items():
            if key == "properties":
                made[key] = {name: self.schema(schema) for name, schema in member.items()}
            elif key not in ("example", "examples", "nullable", "discriminator", "xml", "externalDocs", "default"):
                made[key] = self.schema(member) if isinstance(member, (dict, list)) and key != "enum" else member
        return {"anyOf": [{"type": "null"}, made]} if value.get("nullable") else made

    def validator(self, schema, strict=False):
        made = self.schema(schema)
        if strict and made.get("type") == "object":
            made.setdefault("additionalProperties", False)
        return Draft202012Validator({**made, "$defs": self.definitions}, format_checker=FormatChecker())

    def find(self, method, path):
        found = [row for row in self.operations if row[0] == method and row[1].match(path)]
        # A literal path wins over a place.
        return min(found, key=lambda row: row[1].groups, default=(None, None, None))[2]


class Validation:
    def __init__(self, description, exceptions):
        self.description = description
        self.exceptions = exceptions
        self.exchanges = 0
        self.operations = set()
        self.problems = {}

    def add(self, exchange, place):
        self.exchanges += 1
        name, problems = self.check(exchange)
        self.operations.add(name)
        for problem in dict.fromkeys(problems):
            self.problems.setdefault((name, problem), [0, place])[0] += 1

    def check(self, exchange):
        """The operation's name and the problems of one exchange."""
        operation = self.description.find(exchange["method"], exchange["path"])
        if operation is None:
            return exchange["path"], ["there is no such operation"]
        name = operation["operationId"].rsplit("/", 1)[-1]
        return name, (
            self.query(operation, exchange.get("query") or {})
            + self.request(operation, exchange.get("request"))
            + self.answer(name, operation, exchange["status"], exchange.get("response")))

    def query(self, operation, fields):
        parameters = [self.description.resolve(parameter) for parameter in operation.get("parameters", [])]
        known = {p["name"]: self.description.resolve(p["schema"]) for p in parameters if p["in"] == "query"}
        problems = [f"query: unknown: {name}" for name in fields if name not in known]
        for name, text in fields.items():
            if known.get(name, {}).get("type") == "integer" and not re.fullmatch(r"\d+", text):
                problems.append(f"query: {name}: is no whole number")
        return problems

    def request(self, operation, value):
        body = self.description.resolve(operation.get("requestBody"))
        if value is None:
            return ["request: the body is missing"] if (body or {}).get("required") else []
        if body is None:
            return ["request: there is no body"]
        return [f"request: {text}" for text in self.violations(body["content"]["application/json"]["schema"], value, True)]

    def answer(self, name, operation, status, value):
        responses = operation["responses"]
        if str(status) not in responses:
            allowed = (name, str(status)) in self.exceptions or ("*", str(status)) in self.exceptions
            return [] if allowed else [f"response: the status {status} is not published"]
        content = (self.description.resolve(responses[str(status)]).get("content") or {}).get("application/json")
        if value is None or content is None:
            return []
        return [f"response: {text}" for text in self.violations(content["schema"], value)]

    def violations(self, schema, value, strict=False):
        return [
            f"{'.'.join(str(part) for part in error.absolute_path) or '(body)'}: {error.message}"
            for error in self.description.validator(schema, strict).iter_errors(value)]

    def report(self):
        lines = [
            f"{operation}: {problem} ({count} times, first at {place})"
            for (operation, problem), (count, place) in sorted(self.problems.items())]
        lines.append(f"{len(self.operations)} operations, {self.exchanges} exchanges, {len(self.problems)} problems")
        return lines


def main(arguments=None, platform="github", kind=Validation, document=__doc__, exceptions=Path(__file__).with_name("exceptions.txt")):
    """Checks the lines of one platform; the checkers of others that publish OpenAPI 3.0 call it with their own."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument("description", help="the published description, an OpenAPI document in JSON")
    parser.add_argument("exchanges", nargs="+", help="recorded exchanges, one JSON object a line")
    parser.add_argument("--exceptions", default=str(exceptions))
    options = parser.parse_args(arguments)
    try:
        description = Description(json.loads(Path(options.description).read_text(encoding="utf-8")))
        validation = kind(description, read_exceptions(Path(options.exceptions).read_text(encoding="utf-8")))
        for path in options.exchanges:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    exchange = json.loads(line) if line.strip() else {}
                    if exchange.get("platform") == platform:
                        validation.add(exchange, f"{path}:{number}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        print(f"{parser.prog}: cannot read the input: {error}", file=sys.stderr)
        return 2
    if not validation.exchanges:
        print(f"{parser.prog}: no exchanges were recorded, so nothing was checked", file=sys.stderr)
        return 2
    print("\n".join(validation.report()))
    return 1 if validation.problems else 0


if __name__ == "__main__":
    sys.exit(main())
