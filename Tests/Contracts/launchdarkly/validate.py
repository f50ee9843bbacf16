#!/usr/bin/env python3
"""Holds recorded exchanges with LaunchDarkly against its published description.

    validate.py DESCRIPTION EXCHANGES...

As the checker of GitHub's, whose code it uses, with one thing more: the description gives semantic patches in prose.
There every instruction has a heading with its kind, and a list of its parameters; nothing else may be sent.
"""

import argparse
import importlib.util
import json
import re
import sys
from pathlib import Path

_specification = importlib.util.spec_from_file_location(
    "github_validate", Path(__file__).parents[1] / "github" / "validate.py")
github = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(github)


def instructions_of(prose):
    """The parameters of each kind of instruction that the prose documents."""
    kinds = {}
    for part in re.split(r"^#### ", prose, flags=re.MULTILINE)[1:]:
        kind = re.match(r"(\w+)\s*$", part.splitlines()[0].strip())
        if not kind:
            continue
        # The parameters stand before the example.
        text = part.split("```", 1)[0]
        kinds[kind.group(1)] = set(re.findall(r"^\s*- `(\w+)`:", text, flags=re.MULTILINE))
    return kinds


class Validation(github.Validation):
    def request(self, operation, value):
        if operation["operationId"] == "patchFeatureFlag" and isinstance(value, dict) and "instructions" in value:
            return self.semantic(operation, value)
        if operation["operationId"] == "postApprovalRequestForFlag" and isinstance(value, dict):
            patch = self.description.find("PATCH", "/api/v2/flags/p/f")
            return super().request(operation, value) + self.instructions(patch, value.get("instructions"))
        return super().request(operation, value)

    def semantic(self, operation, value):
        problems = [f"request: unknown: {name}" for name in value if name not in ("comment", "environmentKey", "instructions")]
        for name in ("comment", "environmentKey"):
            if not isinstance(value.get(name), str):
                problems.append(f"request: {name}: is no text")
        return problems + self.instructions(operation, value["instructions"])

    def instructions(self, operation, listed):
        known = instructions_of(operation["description"])
        if not isinstance(listed, list) or not listed:
            return ["request: there are no instructions"]
        problems = []
        for instruction in listed:
            kind = instruction.get("kind")
            if kind not in known:
                problems.append(f"request: unknown instruction: {kind}")
                continue
            problems += [
                f"request: {kind}: unknown parameter: {name}"
                for name in instruction if name != "kind" and name not in known[kind]]
            weights = instruction.get("rolloutWeights")
            if weights is not None and sum(weights.values()) != 100_000:
                problems.append(f"request: {kind}: the weights do not add up to 100000")
        return problems


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("description", help="the published description, an OpenAPI document in JSON")
    parser.add_argument("exchanges", nargs="+", help="recorded exchanges, one JSON object a line")
    parser.add_argument("--exceptions", default=str(Path(__file__).with_name("exceptions.txt")))
    options = parser.parse_args(arguments)
    try:
        description = github.Description(json.loads(Path(options.description).read_text(encoding="utf-8")))
        exceptions = github.read_exceptions(Path(options.exceptions).read_text(encoding="utf-8"))
        validation = Validation(description, exceptions)
        for path in options.exchanges:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    exchange = json.loads(line) if line.strip() else {}
                    if exchange.get("platform") == "launchdarkly":
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
