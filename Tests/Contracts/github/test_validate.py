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

DOCUMENT = {
    "components": {
        "schemas": {
            "den": {
                "type": "object",
                "required": ["id", "keeper"],
                "properties": {
                    "id": {"type": "integer"},
                    "keeper": {"type": "string", "nullable": True},
                    "lions": {"type": "array", "items": {"$ref": "#/components/schemas/den"}},
                },
            }
        },
        "parameters": {"per-page": {"name": "per_page", "in": "query", "schema": {"type": "integer"}}},
    },
    "paths": {
        "/dens/{id}": {
            "get": {
                "operationId": "zoo/get-den",
                "parameters": [{"$ref": "#/components/parameters/per-page"}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/den"}}}}},
            },
            "post": {
                "operationId": "zoo/set-den",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {
                        "type": "object", "required": ["state"],
                        "properties": {"state": {"type": "string", "enum": ["open", "shut"]}, "payload": {"oneOf": [{"type": "object", "additionalProperties": True}, {"type": "string"}]}}}}},
                },
                "responses": {"201": {}},
            },
        }
    },
}


class Checks(unittest.TestCase):
    """What one exchange is found guilty of."""

    def problems(self, method="GET", query=None, request=None, status=200, response=None, path="/dens/1"):
        validation = validate.Validation(validate.Description(DOCUMENT), {("*", "503"), ("get-den", "404")})
        return validation.check({
            "method": method, "path": path, "query": query, "request": request, "status": status, "response": response})[1]

    def test_a_right_exchange_has_no_problem(self):
        self.assertEqual(self.problems(query={"per_page": "1"}, response={"id": 1, "keeper": None, "lions": []}), [])
        self.assertEqual(self.problems("POST", request={"state": "open", "payload": {"a": 1}}, status=201), [])

    def test_what_is_not_known_is_reported(self):
        self.assertEqual(self.problems(path="/lions"), ["there is no such operation"])
        self.assertEqual(self.problems(query={"size": "1"}), ["query: unknown: size"])
        self.assertEqual(self.problems(query={"per_page": "all"}), ["query: per_page: is no whole number"])
        self.assertEqual(self.problems(status=418), ["response: the status 418 is not published"])
        self.assertIn("'age' was unexpected", self.problems("POST", request={"state": "open", "age": 1}, status=201)[0])

    def test_what_does_not_fit_is_reported_with_its_place(self):
        self.assertEqual(self.problems(response={"id": 1}), ["response: (body): 'keeper' is a required property"])
        self.assertIn("response: lions.0.id", self.problems(response={"id": 1, "keeper": "", "lions": [{"id": "x", "keeper": ""}]})[0])
        self.assertIn("is not one of", self.problems("POST", request={"state": "ajar"}, status=201)[0])
        self.assertEqual(self.problems("POST", status=201), ["request: the body is missing"])

    def test_what_the_table_allows_is_allowed(self):
        self.assertEqual(self.problems(status=503), [])
        self.assertEqual(self.problems(status=404), [])
        self.assertEqual(self.problems("POST", request={"state": "open"}, status=404), ["response: the status 404 is not published"])
        with self.assertRaises(ValueError):
            validate.read_exceptions("status | * | 500 | somewhere")

    def test_nothing_recorded_is_no_success(self):
        with tempfile.TemporaryDirectory() as directory:
            description = Path(directory, "description.json")
            description.write_text(json.dumps(DOCUMENT), encoding="utf-8")
            exchanges = Path(directory, "exchanges.jsonl")
            exchanges.write_text(json.dumps({"platform": "vercel"}) + "\n", encoding="utf-8")
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(validate.main([str(description), str(exchanges)]), 2)
            exchanges.write_text(json.dumps({"platform": "github", "method": "GET", "path": "/dens/1", "query": {"a": "1"}, "status": 200}) + "\n")
            told = io.StringIO()
            with contextlib.redirect_stdout(told):
                self.assertEqual(validate.main([str(description), str(exchanges)]), 1)
            self.assertIn("get-den: query: unknown: a (1 times", told.getvalue())


if __name__ == "__main__":
    unittest.main()
