"""JSON Schema, as far as docs/schema.json uses it. A keyword that is not known here is an error: nothing of a schema is passed over."""
import re

ANNOTATIONS = {"$schema", "title", "description", "$defs"}
TYPES = {
    "object": lambda x: isinstance(x, dict),
    "array": lambda x: isinstance(x, list),
    "string": lambda x: isinstance(x, str),
    "boolean": lambda x: isinstance(x, bool),
    "null": lambda x: x is None,
    "number": lambda x: isinstance(x, (int, float)) and not isinstance(x, bool),
    "integer": lambda x: isinstance(x, int) and not isinstance(x, bool) or isinstance(x, float) and x.is_integer(),
}


def is_number(x):
    return TYPES["number"](x)


def faults(schema, value, root, path="$"):
    """What is wrong with `value`, a sentence each."""
    found = []
    for keyword, rule in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in KEYWORDS:
            raise ValueError(f"the schema has '{keyword}', which json_schema.py does not know")
        found += KEYWORDS[keyword](rule, value, root, path, schema)
    return found


def check_type(rule, value, _root, path, _schema):
    names = [rule] if isinstance(rule, str) else rule
    return [] if any(TYPES[name](value) for name in names) else [f"{path}: {value!r} is no {' or '.join(names)}"]


def check_required(rule, value, _root, path, _schema):
    return [f"{path}: no '{name}'" for name in rule if isinstance(value, dict) and name not in value]


def check_properties(rule, value, root, path, _schema):
    return [f for name, part in rule.items() if isinstance(value, dict) and name in value for f in faults(part, value[name], root, f"{path}.{name}")]


def check_additional(rule, value, _root, path, schema):
    assert rule is False
    return [f"{path}: '{name}' is not described" for name in value if name not in schema["properties"]] if isinstance(value, dict) else []


def check_items(rule, value, root, path, _schema):
    return [f for i, item in enumerate(value) for f in faults(rule, item, root, f"{path}[{i}]")] if isinstance(value, list) else []


def check_ref(rule, value, root, path, _schema):
    target = root
    for part in rule.removeprefix("#/").split("/"):
        target = target[part]
    return faults(target, value, root, path)


def check_one_of(rule, value, root, path, _schema):
    tried = [faults(part, value, root, path) for part in rule]
    good = sum(not one for one in tried)
    return [] if good == 1 else [f"{path}: fits {good} of {len(rule)} forms"] + [f for one in tried for f in one[:2]]


KEYWORDS = {
    "$ref": check_ref,
    "additionalProperties": check_additional,
    "allOf": lambda rule, value, root, path, _: [f for part in rule for f in faults(part, value, root, path)],
    "const": lambda rule, value, _r, path, _s: [] if value == rule and isinstance(value, bool) == isinstance(rule, bool) else [f"{path}: {value!r} is not {rule!r}"],
    "enum": lambda rule, value, _r, path, _s: [] if value in rule else [f"{path}: {value!r} is none of {rule}"],
    "items": check_items,
    "minItems": lambda rule, value, _r, path, _s: [f"{path}: fewer than {rule}"] if isinstance(value, list) and len(value) < rule else [],
    "minimum": lambda rule, value, _r, path, _s: [f"{path}: {value} is below {rule}"] if is_number(value) and value < rule else [],
    "oneOf": check_one_of,
    "pattern": lambda rule, value, _r, path, _s: [f"{path}: '{value}' is not {rule}"] if isinstance(value, str) and not re.search(rule, value) else [],
    "properties": check_properties,
    "required": check_required,
    "type": check_type,
}
