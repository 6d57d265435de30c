"""Manifests, and the state files of sandboxes that fit them; written line by line, since some have a million aliases, and
the memory of a process that is measured counts from what the one that started it had"""

HOME, REGION = "111122223333", "us-east-1"
PER_KEY = 25  # aliases; the service allows 50, and moves need places
CREATED = 1_700_000_000_000


def key(number):
    return f"{number:08x}-0000-4000-8000-000000000000"


def name(number):
    return f"alias/app/service-{number:07d}"


def key_of(number, moved=False):
    """The key of an alias; where it was moved, the neighbour of that"""
    index = number // PER_KEY
    return key(index ^ 1 if moved else index)


def write_manifest(path, count, settings=(), entry=lambda number: key_of(number)):
    """A manifest of `count` aliases, each as `entry` has it"""
    with open(path, "w", encoding="utf-8") as file:
        file.write("version: 1\nscope: [alias/app/]\n")
        file.writelines(f"{line}\n" for line in settings)
        file.write("aliases:\n")
        file.writelines(f"  {name(number)}: {entry(number)}\n" for number in range(count))


def write_state(path, count, accounts=(HOME,), spare=0):
    """The state of a sandbox: in each account the same `count` aliases and their keys, and the keys of `spare` more"""
    keys, aliases = (count + spare) // PER_KEY + 2, range(count)
    facts = '"description": "", "spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT", "state": "Enabled", "origin": "AWS_KMS"'
    dates = f'"created": {CREATED}, "updated": {CREATED}'
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"format_version": "1.0", "revision": 1, "identifiers": 1, "accounts": {')
        for position, account in enumerate(accounts):
            file.write(f'{"," if position else ""}\n"{account}": {{"{REGION}": {{"keys": {{')
            write_members(file, (f'"{key(index)}": {{{facts}, "created": {CREATED}}}' for index in range(keys)))
            file.write('}, "aliases": {')
            write_members(file, (f'"{name(number)}": {{"target": "{key_of(number)}", {dates}}}' for number in aliases))
            file.write("}}}")
        file.write("}}\n")


def write_members(file, members):
    for position, member in enumerate(members):
        file.write(f"{',' if position else ''}\n{member}")
