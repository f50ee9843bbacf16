#!/usr/bin/env python3
"""Hold recorded GraphQL exchanges against a service's published schema.

An opinion that is independent of our own GraphQL room: everything that decides here is graphql-core.
SCHEMA is the result of a standard introspection query. Each line of EXCHANGES is one JSON object
{"query": ..., "operationName": ..., "variables": {...}, "response": {...}}; the last three may be
missing or null, and a null response means that no GraphQL answer was given.

Checked are: the document (all rules of the specification), the choice of the operation, the variables,
and the response: exactly what was selected, null only where allowed, enum values, leaf types, and the
form of its errors. Each distinct problem is printed once, with the number of exchanges that have it and
the first one's place. Values of variables and of answers are not printed, enum values excepted.

Exit code: 0 without problems, 1 with problems, 2 when the input cannot be read or is empty.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import graphql
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    Undefined,
    get_directive_values,
)
from graphql.utilities import coerce_input_value, type_from_ast, value_from_ast


def kind_of(value):
    """The sort of a JSON value in words."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "a string", list: "a list"}
    return names.get(type(value), "an object")


def without_value(message):
    """A message of graphql-core without the offending value at its end."""
    return re.sub(r"(cannot represent [^:]*): .*", r"\1", message, flags=re.DOTALL)


def dotted(path):
    """A path with its indices left out, so that the same problem in two elements is one problem."""
    text = ""
    for key in path:
        text += "[]" if isinstance(key, int) else f".{key}"
    return text.lstrip(".")


def coerce_variables(schema, operation, given):
    """The variables as the operation declares them, and the problems in them."""
    values, problems = {}, []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        declared = type_from_ast(schema, definition.type)
        if name not in given:
            if definition.default_value is not None:
                values[name] = value_from_ast(definition.default_value, declared)
            elif graphql.is_non_null_type(declared):
                problems.append(f"variable ${name} of required type {declared} was not provided.")
            continue

        def on_error(path, _value, error, name=name):
            place = dotted([f"${name}", *path])
            problems.append(f"variable {place}: {without_value(error.message)}")

        values[name] = coerce_input_value(given[name], declared, on_error)
    return values, problems


class ResponseCheck:
    """Walks one response along the selections of its operation."""

    def __init__(self, schema, document, operation, variables):
        self.schema = schema
        self.operation = operation
        self.variables = variables
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def check(self, response):
        """The problems of a whole response."""
        if not isinstance(response, dict):
            return [f"the response is {kind_of(response)}, not an object"]
        problems = self.check_errors(response)
        if "data" not in response:
            if "errors" not in response:
                problems.append("the response has neither data nor errors")
        elif response["data"] is None:
            if "errors" not in response:
                problems.append("data is null, but there are no errors")
        else:
            root = self.schema.get_root_type(self.operation.operation)
            problems += self.check_object(response["data"], root, [self.operation.selection_set], [])
        return problems

    @staticmethod
    def check_errors(response):
        """The problems of the member `errors`."""
        if "errors" not in response:
            return []
        errors = response["errors"]
        if not isinstance(errors, list) or not errors:
            return ["errors is not a list with at least one error"]
        problems = []
        for error in errors:
            if not isinstance(error, dict) or not isinstance(error.get("message"), str):
                problems.append("an error has no message")
            elif not isinstance(error.get("path", []), list):
                problems.append("the path of an error is not a list")
            elif not isinstance(error.get("extensions", {}), dict):
                problems.append("the extensions of an error are not an object")
        return problems

    def is_included(self, node):
        """What @skip and @include say."""
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def applies(self, condition, object_type):
        """Whether a fragment with this type condition counts for objects of this type."""
        if condition is None:
            return True
        wanted = self.schema.get_type(condition.name.value)
        return wanted is object_type or (
            graphql.is_abstract_type(wanted) and self.schema.is_sub_type(wanted, object_type)
        )

    def collect(self, selection_sets, object_type):
        """The selected fields by their key in the response."""
        fields, seen = {}, set()

        def visit(selection_set):
            for node in selection_set.selections:
                if not self.is_included(node):
                    continue
                if isinstance(node, FieldNode):
                    key = (node.alias or node.name).value
                    fields.setdefault(key, []).append(node)
                    continue
                if isinstance(node, FragmentSpreadNode):
                    if node.name.value in seen:
                        continue
                    seen.add(node.name.value)
                    node = self.fragments[node.name.value]
                if self.applies(node.type_condition, object_type):
                    visit(node.selection_set)

        for selection_set in selection_sets:
            visit(selection_set)
        return fields

    def check_object(self, value, object_type, selection_sets, path):
        """The problems of an object of a known type."""
        here = dotted(path) or "data"
        if not isinstance(value, dict):
            return [f"{here}: expected an object of type {object_type}, found {kind_of(value)}"]
        problems = []
        fields = self.collect(selection_sets, object_type)
        for key in sorted(value.keys() - fields.keys()):
            problems.append(f"{here}: {key} was not selected")
        for key, nodes in fields.items():
            name = nodes[0].name.value
            if key not in value:
                problems.append(f"{dotted([*path, key])}: selected, but missing")
            elif name == "__typename":
                if value[key] != object_type.name:
                    problems.append(f"{dotted([*path, key])}: not {object_type.name}")
            else:
                selected = [node.selection_set for node in nodes if node.selection_set]
                problems += self.check_value(
                    value[key], object_type.fields[name].type, selected, [*path, key]
                )
        return problems

    def check_value(self, value, declared, selection_sets, path):
        """The problems of a value of any declared type."""
        if graphql.is_non_null_type(declared):
            if value is None:
                return [f"{dotted(path)}: null, but its type is {declared}"]
            return self.check_value(value, declared.of_type, selection_sets, path)
        if value is None:
            return []
        if graphql.is_list_type(declared):
            if not isinstance(value, list):
                return [f"{dotted(path)}: expected {declared}, found {kind_of(value)}"]
            return [
                problem
                for index, element in enumerate(value)
                for problem in self.check_value(element, declared.of_type, selection_sets, [*path, index])
            ]
        if graphql.is_object_type(declared):
            return self.check_object(value, declared, selection_sets, path)
        if graphql.is_abstract_type(declared):
            # Without a selected __typename the type is unknown: one that fits is enough.
            attempts = [
                self.check_object(value, possible, selection_sets, path)
                for possible in self.schema.get_possible_types(declared)
            ]
            return min(attempts, key=len, default=[f"{dotted(path)}: {declared} has no object types"])
        return self.check_leaf(value, declared, path)

    @staticmethod
    def check_leaf(value, declared, path):
        """The problems of a scalar or enum value; custom scalars may be anything."""
        if graphql.is_enum_type(declared):
            if not isinstance(value, str):
                return [f"{dotted(path)}: enum {declared} cannot be {kind_of(value)}"]
            if value not in declared.values:
                return [f"{dotted(path)}: {value!r} is no value of enum {declared}"]
            return []
        if not graphql.is_specified_scalar_type(declared):
            return []
        fits = {
            "Int": type(value) is int and -(2**31) <= value < 2**31,
            "Float": type(value) in (int, float),
            "Boolean": type(value) is bool,
        }.get(declared.name, type(value) is str)
        return [] if fits else [f"{dotted(path)}: {declared} cannot be {kind_of(value)}"]


class Validation:
    """Collects the problems of many exchanges."""

    def __init__(self, schema):
        self.schema = schema
        self.documents = {}
        self.exchanges = 0
        # (operation, problem) -> [how many exchanges, place of the first]
        self.problems = {}

    def document(self, text):
        """The parsed document with its problems, the same for the same text."""
        if text not in self.documents:
            try:
                document = graphql.parse(text)
            except GraphQLError as error:
                self.documents[text] = (None, [error.message])
            else:
                errors = graphql.validate(self.schema, document)
                self.documents[text] = (document, [without_value(error.message) for error in errors])
        return self.documents[text]

    def add(self, exchange, line):
        """Checks one exchange that stood at this place, FILE:LINE; those with another platform's API are not GraphQL."""
        if isinstance(exchange, dict) and "platform" in exchange:
            return
        self.exchanges += 1
        operation, problems = self.check(exchange)
        for problem in dict.fromkeys(problems):
            self.problems.setdefault((operation, problem), [0, line])[0] += 1

    def check(self, exchange):
        """The name of an exchange's operation and its problems."""
        if not isinstance(exchange, dict) or not isinstance(exchange.get("query"), str):
            return "(no operation)", ["the exchange has no query"]
        name = exchange.get("operationName")
        shown = name or "(unnamed)"
        variables = exchange.get("variables") or {}
        if not isinstance(variables, dict):
            return shown, ["the variables are not an object"]
        document, problems = self.document(exchange["query"])
        if problems:
            return shown, self.refused(problems, exchange)
        operation = graphql.get_operation_ast(document, name)
        if operation is None:
            return shown, ["the document has no such operation, or several and none was named"]
        if operation.name:
            shown = operation.name.value
        values, problems = coerce_variables(self.schema, operation, variables)
        if problems:
            return shown, self.refused(problems, exchange)
        if exchange.get("response") is not None:
            problems = ResponseCheck(self.schema, document, operation, values).check(exchange["response"])
        return shown, problems

    @staticmethod
    def refused(problems, exchange):
        """The problems of a request, marked when the service answered it all the same."""
        response = exchange.get("response")
        if isinstance(response, dict) and response.get("data") is not None:
            return [f"{problem} It was answered all the same." for problem in problems]
        return problems

    def report(self):
        """One line for each distinct problem, then the summary."""
        lines = [
            f"{operation}: {problem} ({count} times, first at {line})"
            for (operation, problem), (count, line) in self.problems.items()
        ]
        lines.append(
            f"{len(self.documents)} documents, {self.exchanges} exchanges, {len(self.problems)} problems"
        )
        return lines


def load_schema(path):
    """The schema of an introspection result.

    It is taken as it is: published schemas carry quirks, such as a deprecated field whose interface's
    field is not deprecated, that are no fault of the exchanges.
    """
    introspection = json.loads(Path(path).read_text(encoding="utf-8"))
    return graphql.build_client_schema(introspection.get("data", introspection), assume_valid=True)


def main(arguments=None):
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("schema", help="introspection result, a JSON file")
    parser.add_argument("exchanges", nargs="+", help="recorded exchanges, one JSON object a line")
    options = parser.parse_args(arguments)
    try:
        validation = Validation(load_schema(options.schema))
        for path in options.exchanges:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        validation.add(json.loads(line), f"{path}:{number}")
    except (OSError, ValueError, TypeError) as error:
        print(f"{parser.prog}: cannot read the input: {error}", file=sys.stderr)
        return 2
    if not validation.exchanges:
        print(f"{parser.prog}: no exchanges were recorded, so nothing was checked", file=sys.stderr)
        return 2
    print("\n".join(validation.report()))
    return 1 if validation.problems else 0


if __name__ == "__main__":
    sys.exit(main())
