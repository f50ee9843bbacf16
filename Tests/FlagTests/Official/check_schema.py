"""Holds a file against flagd's schemas: check_schema.py SCHEMAS FILE. Prints the violations."""

import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

schemas = {name: json.loads((Path(sys.argv[1]) / name).read_text()) for name in ("flags.json", "targeting.json")}
pairs = []
for name, schema in schemas.items():
    resource = Resource.from_contents(schema, default_specification=DRAFT7)
    pairs += [(f"./{name}", resource), (f"https://flagd.dev/schema/v0/{name}", resource), (schema.get("$id", name), resource)]
validator = Draft7Validator(schemas["flags.json"], registry=Registry().with_resources(pairs))
print(json.dumps([error.message for error in validator.iter_errors(json.loads(Path(sys.argv[2]).read_text()))]))
