#!/usr/bin/env python3
"""Hold recorded exchanges with Encore against the table of its operations.

TABLE is Tests/Contracts/encore/operations.json. Each line of EXCHANGES is one JSON object
{"platform": "encore", "method", "path", "query", "request", "status", "response"}; other platforms' lines are
passed over. Checked are: that the operation exists, its path, every key of the request and every key of a good
answer with its type; of a refusal its envelope. Values are not printed.

Exit code: 0 without problems, 1 with problems, 2 when the input cannot be read or is empty.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs

PATTERNS = {
    "sha40": re.compile(r"[0-9a-f]{40}"),
    "roll-id": re.compile(r"roll_.+"),
    "secgrp-id": re.compile(r"secgrp.+"),
}
SEGMENTS = {"roll": r"roll_[^/]+"}


def kind_of(value):
    """The sort of a JSON value in words."""
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "text", list: "list"}
    return names.get(type(value), "object")


class Table:
    """The operations with their shapes."""

    def __init__(self, data):
        self.enums, self.shapes, self.operations = data["enums"], data["shapes"], data["operations"]
        self.exceptions = data["exceptions"]
        for operation in self.operations:
            pattern = re.sub(r"\{(\w+)\}", lambda match: SEGMENTS.get(match[1], r"[^/]+"), operation["path"])
            operation["pattern"] = re.compile(pattern)

    def find(self, exchange):
        """The operation of an exchange, or None."""
        query = exchange["request"].get("query", "") if isinstance(exchange.get("request"), dict) else ""
        for operation in self.operations:
            if operation["method"] != exchange["method"] or not operation["pattern"].fullmatch(exchange["path"]):
                continue
            wanted = operation.get("graphql")
            if wanted is None or re.search(rf"\b{wanted}\b", query):
                return operation
        return None

    def check(self, value, shape, place):
        """The problems of a value against a shape."""
        if isinstance(shape, list):
            if not isinstance(value, list):
                return [f"{place}: {kind_of(value)}, not a list"]
            return [problem for element in value for problem in self.check(element, shape[0], place + "[]")]
        if isinstance(shape, dict):
            return self.check_object(value, shape, place)
        problems = []
        for choice in shape.split("|"):
            problems = self.check_choice(value, choice, place)
            if not problems:
                return []
        return problems

    def check_object(self, value, shape, place):
        if not isinstance(value, dict):
            return [f"{place}: {kind_of(value)}, not an object"]
        known = {key.rstrip("?"): wanted for key, wanted in shape.items()}
        problems = [f"{place}.{key}: the contract has no such key" for key in value if key not in known]
        for key, wanted in shape.items():
            name = key.rstrip("?")
            if name in value:
                problems += self.check(value[name], wanted, f"{place}.{name}")
            elif not key.endswith("?"):
                problems.append(f"{place}.{name}: missing")
        return problems

    def check_choice(self, value, choice, place):
        if choice in self.shapes:
            return self.check(value, self.shapes[choice], place)
        if choice.startswith("enum:"):
            return [] if value in self.enums[choice[5:]] else [f"{place}: no word of {choice[5:]}"]
        if choice.startswith('"'):
            return [] if value == json.loads(choice) else [f"{place}: not {choice}"]
        if choice in PATTERNS:
            fits = isinstance(value, str) and PATTERNS[choice].fullmatch(value)
            return [] if fits else [f"{place}: no {choice}"]
        return [] if choice in ("any", kind_of(value)) else [f"{place}: {kind_of(value)}, not {choice}"]


class Validation:
    """Gathers what is wrong, each thing once."""

    def __init__(self, table):
        self.table = table
        self.problems, self.exchanges, self.seen = {}, 0, {}

    def add(self, exchange, place):
        if exchange.get("platform") != "encore":
            return
        self.exchanges += 1
        name, problems = self.problems_of(exchange)
        self.seen[name] = self.seen.get(name, 0) + 1
        for problem in problems:
            count, first = self.problems.get((name, problem), (0, place))
            self.problems[(name, problem)] = (count + 1, first)

    def problems_of(self, exchange):
        operation = self.table.find(exchange)
        if operation is None:
            return f"{exchange['method']} {exchange['path']}", ["the contract has no such operation"]
        problems = self.request(exchange.get("request"), operation) + self.response(exchange, operation)
        return operation["name"], problems

    def request(self, body, operation):
        shape = operation["request"]
        if shape is None:
            return [] if body in (None, {}, "") else ["request: a body where there is none"]
        if "form" in shape:
            if not isinstance(body, (str, dict)):
                return ["request: no form"]
            # The twin records the fields that it read.
            given = parse_qs(body, keep_blank_values=True) if isinstance(body, str) else body
            return [f"request: the form has {sorted(given)}"] if sorted(given) != sorted(shape["form"]) else []
        if operation["envelope"] == "graphql":
            if not isinstance(body, dict) or set(body) - {"query", "variables", "operationName"}:
                return ["request: no GraphQL request"]
            return self.table.check(body.get("variables"), shape, "variables")
        problems = self.table.check(body, shape, "request")
        chosen = operation.get("exactly-one")
        if chosen and isinstance(body, dict) and sum(1 for key in chosen if body.get(key)) != 1:
            problems.append(f"request: exactly one of {' and '.join(chosen)} is wanted")
        return problems

    def response(self, exchange, operation):
        status, body = exchange["status"], exchange.get("response")
        if status == 0:
            return []  # The answer was cut off.
        if operation["name"] == "health" and status in operation["statuses"] and isinstance(body, dict):
            return self.table.check(body, operation["response"], "response")
        if not 200 <= status < 300:
            return self.refusal(status, body)
        if not isinstance(body, (dict, list)):
            # A faulty middlebox is what some tests are about.
            return [] if isinstance(body, str) else ["response: no object"]
        if operation["envelope"] == "ok":
            if not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
                return ["response: no envelope"]
            return self.table.check(body.get("data"), operation["response"], "data") if body["ok"] else self.refusal(400, body)
        if operation["envelope"] == "graphql":
            if body.get("errors"):
                return [] if all(isinstance(error.get("message"), str) for error in body["errors"]) else ["errors: no message"]
            return self.table.check(body.get("data"), operation["response"], "data")
        # An answer of nothing at all is a fault that tests ask for.
        return [] if body == {} else self.table.check(body, operation["response"], "response")

    def refusal(self, status, body):
        if isinstance(body, dict) and "ok" in body:
            error = body.get("error")
            fits = body["ok"] is False and isinstance(error, dict) and isinstance(error.get("code"), str)
            return [] if fits else ["response: an envelope without an error's code"]
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            return []
        for exception in self.table.exceptions:
            if status in exception["match"]["status"]:
                return []
        return [f"response: {status} without an envelope"]

    def report(self):
        lines = [
            f"{name}: {problem} ({count} times, first at {place})"
            for (name, problem), (count, place) in sorted(self.problems.items())
        ]
        unused = [operation["name"] for operation in self.table.operations if operation["name"] not in self.seen]
        if unused:
            lines.append(f"never asked: {', '.join(unused)}")
        lines.append(f"{len(self.seen)} operations, {self.exchanges} exchanges, {len(self.problems)} problems")
        return lines


def main(arguments=None):
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help="the operations, a JSON file")
    parser.add_argument("exchanges", nargs="+", help="recorded exchanges, one JSON object a line")
    options = parser.parse_args(arguments)
    try:
        validation = Validation(Table(json.loads(Path(options.table).read_text(encoding="utf-8"))))
        for path in options.exchanges:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        validation.add(json.loads(line), f"{path}:{number}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        print(f"{parser.prog}: cannot read the input: {error!r}", file=sys.stderr)
        return 2
    if not validation.exchanges:
        print(f"{parser.prog}: no exchanges were recorded, so nothing was checked", file=sys.stderr)
        return 2
    print("\n".join(validation.report()))
    return 1 if validation.problems else 0


if __name__ == "__main__":
    sys.exit(main())
