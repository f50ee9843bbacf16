"""Tests of the checker itself: run by scripts/test, or `python test_validate.py`."""

import contextlib
import importlib.util
import io
import json
import tempfile
import unittest
from pathlib import Path

specification = importlib.util.spec_from_file_location("validate", Path(__file__).with_name("validate.py"))
validate = importlib.util.module_from_spec(specification)
specification.loader.exec_module(validate)


def body(schema):
    return {"required": True, "content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "components": {
        "schemas": {
            "Mood": {"type": "string", "enum": ["happy", "grim"]},
            "Lion": {
                "type": "object",
                "required": ["id", "mood"],
                "properties": {
                    "id": {"type": "string"},
                    "mood": {"allOf": [{"$ref": "#/components/schemas/Mood"}], "nullable": True},
                    "cubs": {"type": "array", "items": {"$ref": "#/components/schemas/Lion"}},
                    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Stub": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
            "ErrorEnvelope": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}, "additionalProperties": True}},
            },
        }
    },
    "paths": {
        "/v1/lions/{id}": {
            "get": {
                "operationId": "getLion",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "number"}},
                    {"name": "mood", "in": "query", "schema": {"$ref": "#/components/schemas/Mood"}},
                    {"name": "x-known", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": body({"oneOf": [{"$ref": "#/components/schemas/Lion"}, {"$ref": "#/components/schemas/Stub"}]}),
                    "404": body({"$ref": "#/components/schemas/ErrorEnvelope"}),
                },
            }
        },
        "/v1/lions/king": {"get": {"operationId": "getKing", "parameters": [], "responses": {"200": {}}}},
        "/v1/lions": {
            "post": {
                "operationId": "addLion",
                "parameters": [],
                "requestBody": body({"$ref": "#/components/schemas/Lion"}),
                "responses": {"201": {}},
            }
        },
    },
}

EXCEPTIONS = """
# a comment
query    | getLion | secret      | §1.2
request  | addLion | cubs[].age  | §2
status   | *       | 503         | §9
operation | *      | GET /v1/den | §3
request  | getKing | (body)      | §4
"""


class Checks(unittest.TestCase):
    """What one exchange is found guilty of."""

    def setUp(self):
        self.exceptions = validate.Exceptions(EXCEPTIONS)
        self.validation = validate.Validation(validate.Description(DOCUMENT), self.exceptions)

    def problems(self, method="GET", path="/v1/lions/1", query=None, request=None, status=200, response=None, **more):
        exchange = {"method": method, "path": path, "query": query or {}, "request": request, "status": status}
        return self.validation.check({**exchange, "response": response, **more})[1]

    def added(self, request):
        return self.problems("POST", "/v1/lions", request=request, status=201)

    def test_a_right_exchange_has_no_problem(self):
        self.assertEqual(self.problems(query={"limit": "-1", "mood": "grim"}, response={"id": "1", "mood": None}), [])
        self.assertEqual(self.added({"id": "1", "mood": "happy", "tags": {"a": "b"}}), [])

    def test_unknown_operations_parameters_and_headers_are_reported(self):
        self.assertEqual(self.problems(path="/v1/tigers"), ["there is no such operation"])
        self.assertEqual(self.problems(query={"size": "1"}), ["query: unknown: size"])
        self.assertEqual(self.problems(query={"limit": "all"}), ["query: limit has not its published type or value"])
        self.assertEqual(self.problems(query={"mood": "odd"}), ["query: mood has not its published type or value"])
        self.assertEqual(self.problems(headers=["x-other", "Accept", "X-Known"]), ["header: unknown: x-other"])

    def test_a_request_holds_nothing_unknown_at_any_depth(self):
        lion = {"id": "1", "mood": "grim"}
        self.assertEqual(self.added({**lion, "age": 3}), ["request: (body): unknown: age"])
        self.assertEqual(self.added({**lion, "cubs": [{**lion, "name": "x"}]}), ["request: cubs[]: unknown: name"])
        self.assertEqual(self.added({"id": "1"}), ["request: (body): missing: mood"])
        self.assertEqual(self.added({"id": 1, "mood": "grim"}), ["request: id: is no string"])
        self.assertEqual(self.added(None), ["request: the body is missing"])
        self.assertEqual(self.problems(request={}), ["request: there is no body"])

    def test_an_answer_fits_one_of_its_variants(self):
        self.assertEqual(self.problems(response={"id": "1"}), [])
        self.assertEqual(self.problems(response={"id": "1", "mood": "odd"}), ["response: mood: not one of the published values"])
        self.assertEqual(self.problems(status=404, response={"error": {"code": "x", "extra": 1}}), [])
        self.assertEqual(self.problems(status=404, response={}), ["response: (body): missing: error"])
        self.assertEqual(self.problems(status=418), ["response: the status 418 is not published"])

    def test_what_the_table_allows_is_allowed_and_noted(self):
        self.assertEqual(self.problems(query={"secret": "1"}), [])
        self.assertEqual(self.problems(status=503, response={"error": {"code": "x"}}), [])
        self.assertEqual(self.problems(path="/v1/den"), [])
        lion = {"id": "1", "mood": "grim"}
        self.assertEqual(self.added({**lion, "cubs": [{**lion, "age": 1}]}), [])
        self.assertEqual(self.exceptions.unused(), ["request | getKing | (body)"])

    def test_a_literal_path_wins_over_a_place(self):
        self.assertEqual(self.validation.check({"method": "GET", "path": "/v1/lions/king", "status": 200})[0], "getKing")

    def test_a_row_without_its_section_is_refused(self):
        for row in ("query | getLion | x | somewhere", "query | getLion | x", "header | getLion | x | §1"):
            with self.assertRaises(ValueError):
                validate.Exceptions(row)

    def test_the_command_tells_problems_and_skips_other_platforms(self):
        with tempfile.TemporaryDirectory() as directory:
            description = Path(directory, "description.json")
            description.write_text(json.dumps(DOCUMENT), encoding="utf-8")
            exchanges = Path(directory, "exchanges.jsonl")
            rows = [{"query": "{ graphql }"}, {"platform": "vercel", "method": "GET", "path": "/v1/lions/1", "query": {"size": "1"}, "status": 200}]
            exchanges.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
            told = io.StringIO()
            with contextlib.redirect_stdout(told):
                code = validate.main([str(description), str(exchanges)])
            self.assertEqual(code, 1)
            self.assertIn("getLion: query: unknown: size (1 times", told.getvalue())
            self.assertIn("1 exchanges, 1 problems", told.getvalue())

    def test_nothing_recorded_is_no_success(self):
        with tempfile.TemporaryDirectory() as directory:
            description = Path(directory, "description.json")
            description.write_text(json.dumps(DOCUMENT), encoding="utf-8")
            exchanges = Path(directory, "exchanges.jsonl")
            exchanges.write_text("\n", encoding="utf-8")
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(validate.main([str(description), str(exchanges)]), 2)


if __name__ == "__main__":
    unittest.main()
