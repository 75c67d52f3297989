"""Holds the files of tests/data/encodings, which a unit test compares with what is written, against docs/schema, and their
numbers against the identities of the formats. What is wrong in one place must not pass."""
import copy
import json
import sys

import jsonschema  # Debian: python3-jsonschema

FILES = {"all-kinds.encodings": "aimet-encodings-1.0.0.json", "all-kinds.overrides.json": "quantization-overrides.json"}


def read(path):
    def members(pairs):
        assert len(dict(pairs)) == len(pairs), f"{path}: a name twice"
        return dict(pairs)

    with open(path, encoding="utf-8") as f:
        return json.load(f, object_pairs_hook=members)


def objects(value, path=()):
    """Every object in the file with its place."""
    if isinstance(value, dict):
        yield path, value
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects(one, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def check_refusals(file, validator, optional):
    """Without a member, with another one, with a value of another type."""
    count = 0
    for path, found in objects(file):
        if path[-1:] in (("activation_encodings",), ("param_encodings",), ("quantizer_args",)):
            continue  # names of tensors, and what is for people
        changes = [(key, None) for key in found if key not in optional] + [("comment", "text")]
        changes += [(key, {"wrong": 1}) for key in found]
        for key, value in changes:
            wrong = copy.deepcopy(file)
            if value is None:
                del at(wrong, path)[key]
            else:
                at(wrong, path)[key] = value
            assert not validator.is_valid(wrong), f"passes: {path} with {key} = {value}"
            count += 1
    return count


def check_aimet(file):
    kinds = set()
    for entry in file["activation_encodings"] + file["param_encodings"]:
        kinds.add((entry["enc_type"], entry["bw"], entry["is_sym"]))
        assert len(entry["scale"]) == len(entry["offset"]), entry
        assert all(-(2 ** entry["bw"] - 1) <= o <= 0 for o in entry["offset"]), entry
        if entry["is_sym"]:
            assert set(entry["offset"]) == {-(2 ** (entry["bw"] - 1))}, entry
        if entry["enc_type"] == "LPBQ":
            assert len(entry["per_block_int_scale"]) % len(entry["scale"]) == 0, entry
    assert {kind for kind, _, _ in kinds} == {"PER_TENSOR", "PER_CHANNEL", "PER_BLOCK", "LPBQ"}
    assert {bits for _, bits, _ in kinds} == {4, 8, 16, 32}


def check_overrides(file):
    for section in ("activation_encodings", "param_encodings"):
        for name, entries in file[section].items():
            for e in entries:
                assert e["min"] == e["scale"] * e["offset"], name
                assert e["max"] == e["scale"] * (e["offset"] + 2 ** e["bitwidth"] - 1), name
                assert e["min"] <= 0 <= e["max"], name


def main():
    checks = {"all-kinds.encodings": (check_aimet, {"excluded_layers", "quantizer_args"}),
              "all-kinds.overrides.json": (check_overrides, {"dtype", "is_symmetric", "offset", "scale"})}
    for name, schema_name in FILES.items():
        schema = read(f"docs/schema/{schema_name}")
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        validator = kind(schema)
        file = read(f"tests/data/encodings/{name}")
        errors = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(file)]
        assert not errors, errors[:3]
        check, optional = checks[name]
        check(file)
        print(f"ok {name}: {check_refusals(file, validator, optional)} changes refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
