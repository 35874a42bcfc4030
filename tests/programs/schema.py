"""config/server.schema.json is the server's own, and a validator that is not ours accepts and refuses with it what the
loader does. `schema.py --write BINARIES SOURCE` renews the file."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema

WRITE = "--write" in sys.argv
if WRITE:
    sys.argv.remove("--write")

from common import CONFIGURATIONS, PATIENCE, SCHEMA, binary, check, equal, main, run, tests_of
from configurations import BAD

# What the loader refuses and a schema cannot: it sees values, not how they are written.
LOADER_ALONE = {
    "duplicate key": "readers of JSON keep one of the two",
    "65 levels": "the loader bounds depth",
    "lone surrogate": "readers of JSON let it pass; it is no text",
    "over 16 MiB": "the loader bounds a file's size",
    "256 bytes of a protocol's name": "a schema counts characters",
}

TEXTS = ["", "plain", "caf\u00e9", "line\n", "%v", "\0", "a\0b", "end\0", "{message}", "{process}{processName}{level}",
         "{{}}", "{{{level}}}", "{message}}}", "{", "}", "{}", "{{message}", "{message}}", "{time", "{ time }",
         "{Time}", "{processNames}", "{unknown}", "{message}\n{", "{mess\nage}", "a}\n", "{time}"]
OF_EVERY_TYPE = ["null", "true", "false", "0", "-0", "1", "1.5", "-1", "1e300", "-1e300", "99999999999999999999",
                 '"80"', '"pool"', "[]", "[1]", "{}", '{"a": {"b": null}}']
STRUCTURES = ["{}", "[]", "null", "1", '"listen"', '{"port": 1}', '{"Listen": {}}', '{"": {}}', '{"/listen/port": 1}',
              '{"$schema": "server.schema.json"}', '{"$schema": ""}', '{"$schema": null}', '{"$schema": {}}',
              '{"listen": {"$schema": ""}}', '{"$id": "x"}',
              '{"app": {"anything": [1.0, null, "\\u0000"], "listen": 3}}']


def reads_as_json(content):
    """As RFC 8259 has it: UTF-8, without a byte order mark, Infinity and NaN."""
    def refuse(constant):
        raise ValueError(constant)
    return json.loads(content.decode(), parse_constant=refuse)


def validator_accepts(content):
    try:
        return VALIDATOR.is_valid(reads_as_json(content))
    except (ValueError, RecursionError):
        return False  # no JSON: an editor says so before it asks the schema


def loader_verdicts(contents):
    """@returns "good" or the error, for each."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, str(i)) for i in range(len(contents))]
        for path, content in zip(paths, contents):
            pathlib.Path(path).write_bytes(content)
        done = subprocess.run([binary("config_verdicts")], input="\n".join(paths), capture_output=True, text=True,
                              timeout=PATIENCE)
    equal(done.returncode, 0)
    verdicts = done.stdout.splitlines()
    equal(len(verdicts), len(contents))
    return verdicts


def check_same_verdicts(documents):
    """@param documents  by name. @returns how many both accept, and how many both refuse."""
    differing, accepted, refused = [], 0, 0
    for (name, content), loader in zip(documents.items(), loader_verdicts(list(documents.values()))):
        validator = validator_accepts(content)
        alone = LOADER_ALONE.get(name)
        if alone:
            if loader == "good" or not validator:
                differing.append(f"{name}: no longer the loader's alone ({alone}): {loader}, validator: {validator}")
        elif (loader == "good") != validator:
            differing.append(f"{name}: loader: {loader}, validator: {'good' if validator else 'bad'}")
        accepted += validator
        refused += not validator
    check(not differing, *differing)
    return accepted, refused


# Arrays of networks; the schema's pattern does not tell all that the loader does.
NETWORKS = ["[]", *(f"[{network}]" for network in (
    '"10.0.0.0/8"', '"127.0.0.1", "::1"', '"unix"', '"::/0"', '"2001:db8::/32"', '"255.255.255.255/32"', '"::ffff:10.0.0.0/104"',
    '""', '"x"', '"10.0.0.0/33"', '"10.0.0"', '"10.0.0.0.0"', '"10.0.0.0/"', '"256.0.0.0"', '"::/129"', '"10.0.0.0/8 "',
    '"UNIX"', "1", "null", '["::1"]', '"::1", 1'))]

CERTIFICATES = ['[{"chain": "a", "key": "b"}]', '[{"chain": "a", "key": "b"}, {"chain": "c", "key": "d"}]', '[{"chain": "a"}]',
                '[{"key": "b"}]', '[{"chain": "a", "key": "b", "nosuch": 1}]', '[{"chain": 1, "key": "b"}]', "[[]]", '["a"]',
                '[{"chain": null, "key": "b"}]', '[{"chain": "", "key": "b"}]', '[{"chain": "a\\u0000", "key": "b"}]', "[{}]"]
PROTOCOLS = ["[]", '["h2"]', '["line/2", "line/1"]', '[""]', '["h2", 1]', '["a\\u0000"]', f'["{"x" * 255}"]', f'["{"x" * 256}"]',
             '["h2", "h2"]', '["\u00e9"]', "[null]", '[["h2"]]']


def keys():
    """(pointer, default, what it takes) of each key, as the key table tells it for the documents."""
    rows = re.findall(r"^\| `(\S+)` \| `(.*?)` \| (.*?) \| .* \|$", run("config_table").stdout, re.MULTILINE)
    check(len(rows) > 20, "no table of keys")
    return rows


def described(pointer):
    """What the schema says of a key."""
    if pointer.startswith("/listen/"):  # of an entry: there may be several
        return VALIDATOR.schema["$defs"]["listen"]["properties"][pointer.removeprefix("/listen/")]
    schema = VALIDATOR.schema
    for name in pointer.strip("/").split("/"):
        schema = schema["properties"][name]
    return schema


def values(pointer, default, takes):
    """JSON texts for a key that takes this, on both sides of what it takes; and the schema's own."""
    found = [default, *OF_EVERY_TYPE, *map(json.dumps, described(pointer).get("enum", []))]
    if takes.startswith("a whole number"):
        least, most = map(int, re.findall(r"-?\d+", takes))
        found += map(str, [least - 1, least, least + 1, least + 0.5, most - 1, most, most + 1])
    elif takes.startswith("seconds"):
        least, most = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", takes)]
        found += map(repr, [least, 0.99 * least, 1.4 * least, most, most + 0.5, int(most), int(most) + 1, 1e-300])
    elif takes.startswith("one of"):
        choices = re.findall(r'"(\w+)"', takes)
        found += [json.dumps(spelled) for choice in choices
                  for spelled in (choice, choice.upper(), choice + " ", choice[:-1], choice + "\0")]
    elif takes.startswith("an array of networks"):
        found += NETWORKS
    elif takes.startswith("an array of objects"):
        found += CERTIFICATES
    elif takes.startswith("an array of strings"):
        found += PROTOCOLS
    elif takes.startswith("a string"):
        found += map(json.dumps, TEXTS)
    return found


def document(pointer, value):
    *section, name = pointer.strip("/").split("/")
    text = f'{{"{name}": {value}}}'
    return (f'{{"{section[0]}": {text}}}' if section else text).encode()


def test_the_file_is_what_the_server_prints():
    done = run("uppercase_server", "--print-schema")
    equal(done.returncode, 0)
    check(done.stdout == SCHEMA.read_text(), SCHEMA, "is old; renew it with tests/programs/schema.py --write")


def test_the_schema_is_one_and_describes_every_key():
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)
    equal(VALIDATOR.schema["$schema"], jsonschema.Draft202012Validator.META_SCHEMA["$id"])
    for pointer, default, _ in keys():
        check(described(pointer)["description"], pointer)
        equal((pointer, described(pointer)["default"]), (pointer, json.loads(default)))
    sections = [*VALIDATOR.schema["properties"].items(), *VALIDATOR.schema["$defs"].items()]
    pointers = {f"/{section}/{name}" for section, schema in sections for name in schema.get("properties", [])}
    equal(pointers | {"/app"}, {pointer for pointer, _, _ in keys()})


def test_every_file_in_config_is_good_and_names_its_schema():
    check(len(CONFIGURATIONS) >= 8, CONFIGURATIONS)
    equal(check_same_verdicts({path.name: path.read_bytes() for path in CONFIGURATIONS}), (len(CONFIGURATIONS), 0))
    for path in CONFIGURATIONS:
        equal((path.name, path.read_text().splitlines()[:2]),
              (path.name, ["{", f'  "$schema": "{SCHEMA.name}",']))


def test_every_bad_configuration_is_bad():
    equal({name: verdict for name, verdict in zip(BAD, loader_verdicts(list(BAD.values()))) if verdict == "good"}, {})
    check_same_verdicts(BAD)


def test_every_value_of_every_key():
    for pointer, default, takes in keys():
        documents = {f"{pointer} {value}": document(pointer, value) for value in values(pointer, default, takes)}
        if takes.startswith("a whole number"):
            least, most = re.findall(r"\d+", takes)
            documents |= {f"{pointer} {value} as a fraction": document(pointer, value)
                          for value in (f"{least}.0", f"{least}e0", f"{most}.0", f"{most}0E-1")}
        accepted, refused = check_same_verdicts(documents)
        check(accepted and refused, pointer, accepted, "accepted,", refused, "refused")


def test_structures():
    sections = {pointer.split("/")[1] for pointer, _, _ in keys()}
    documents = {text: text.encode() for text in STRUCTURES}
    for section in sections:
        for value in (*OF_EVERY_TYPE, '{"nosuch": 1}', '{"Host": "x"}'):
            documents[f"{section} {value}"] = document("/" + section, value)
    check_same_verdicts(documents)


def test_listen_entries():
    tcp, path, abstract = '{"port": 1}', '{"path": "/run/x"}', '{"path": "@x"}'
    with_keys = [f'{{{key}, "path": {path_}}}' for path_ in ('"/run/x"', '"@x"', "null")
                 for key in ('"host": "x"', '"port": 1', '"reuse_port": false', '"reuse_address": true',
                             '"mode": "0660"', '"mode": null', '"mode": "660"', '"backlog": 5', '"name": "n"')]
    entries = [tcp, path, abstract, '{"mode": "0600"}', '{"nosuch": 1}', "1", "[]", *with_keys]
    documents = {text: f'{{"listen": {text}}}'.encode() for text in
                 [*entries, f"[{tcp}, {path}, {abstract}]", *(f"[{tcp}, {entry}]" for entry in entries),
                  f"[{', '.join([tcp] * 64)}]", f"[{', '.join([tcp] * 65)}]"]}
    accepted, refused = check_same_verdicts(documents)
    check(accepted > 20 and refused > 20, accepted, "accepted,", refused, "refused")


def test_what_the_schema_cannot_say():
    def nested(levels):
        return b'{"app": ' + b'{"a": ' * (levels - 2) + b"{}" + b"}" * (levels - 1)
    check_same_verdicts({
        "64 levels": nested(64),
        "65 levels": nested(65),
        "lone surrogate": b'{"listen": {"host": "\\ud800"}}',
        "pair of surrogates": b'{"listen": {"host": "\\ud83d\\ude00"}}',
        "over 16 MiB": b"{}" + b" " * (16 << 20),
        "256 bytes of a protocol's name": ('{"tls": {"alpn": ["' + 128 * "\u00e9" + '"]}}').encode(),
        "Infinity": b'{"timeouts": {"idle": Infinity}}',
        "NaN": b'{"timeouts": {"idle": NaN}}',
    })


if WRITE:
    SCHEMA.write_text(run("uppercase_server", "--print-schema").stdout)
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
main(tests_of(sys.modules[__name__]))
