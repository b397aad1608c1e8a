"""Keys are shown once, kept as hashes, and refused as soon as they are revoked."""

import json
import stat
from pathlib import Path

import pytest

from api.auth import EXPERT, TRUSTED, Authority
from api.keys import KeyFileError, KeyRing, create_key, given_keys, key_file, read_keys, revoke_key
from api.services.callers import Role
from api.services.errors import UnauthenticatedError
from api.settings import Settings


def shown(secret: str) -> dict[bytes, bytes]:
    return {b"authorization": f"Bearer {secret}".encode()}


def test_a_key_is_kept_as_a_hash_that_only_the_owner_may_read(tmp_path: Path) -> None:
    key, secret = create_key(tmp_path, [Role.SERVER], "backend")
    text = key_file(tmp_path).read_text()
    assert secret not in text
    assert secret.split("_", 2)[2] not in text
    assert stat.S_IMODE(key_file(tmp_path).stat().st_mode) == 0o600
    assert read_keys(tmp_path) == (key,)
    assert key.note == "backend"


def test_a_key_is_found_by_its_secret_alone(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    one, secret = create_key(tmp_path, [Role.SERVER])
    two, other = create_key(tmp_path, [Role.EXPERT, Role.EXPERT, Role.SERVER])
    assert (ring.find(secret), ring.find(other)) == (one, two)
    assert two.roles == (Role.EXPERT, Role.SERVER)
    for wrong in ("", one.id, one.sha256, secret[:-1], secret + "x", "é"):
        assert ring.find(wrong) is None


def test_a_revoked_key_is_refused_at_once_and_no_key_is_not_open_again(tmp_path: Path) -> None:
    authority = Authority(Settings(home=tmp_path))
    assert authority.caller({}) == TRUSTED
    key, secret = create_key(tmp_path, [Role.SERVER])
    assert authority.caller(shown(secret)).key == key.id
    revoke_key(tmp_path, key.id)
    for headers in ({}, shown(secret), {b"x-pathrec-role": b"expert"}):
        with pytest.raises(UnauthenticatedError):
            authority.caller(headers)
    key_file(tmp_path).unlink()
    with pytest.raises(UnauthenticatedError):
        authority.caller({})


def test_the_header_counts_only_while_there_are_no_keys(tmp_path: Path) -> None:
    authority = Authority(Settings(home=tmp_path))
    assert authority.caller({b"x-pathrec-role": b"expert"}) == EXPERT
    assert authority.caller({b"x-pathrec-role": b"admin"}) == TRUSTED
    _, secret = create_key(tmp_path, [Role.STOREFRONT])
    assert authority.caller(shown(secret) | {b"x-pathrec-role": b"expert"}).roles == {Role.STOREFRONT}


@pytest.mark.parametrize(
    "headers", [{b"authorization": b"bearer SECRET"}, {b"x-api-key": b"SECRET"}, {b"authorization": b"Bearer  SECRET "}]
)
def test_a_key_is_shown_in_either_header(tmp_path: Path, headers: dict[bytes, bytes]) -> None:
    _, secret = create_key(tmp_path, [Role.SERVER])
    sent = {name: value.replace(b"SECRET", secret.encode()) for name, value in headers.items()}
    assert Authority(Settings(home=tmp_path)).caller(sent).roles == {Role.SERVER}


def test_an_unknown_key_cannot_be_revoked(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="there is no key abc"):
        revoke_key(tmp_path, "abc")


def test_a_damaged_file_opens_nothing(tmp_path: Path) -> None:
    _, secret = create_key(tmp_path, [Role.SERVER])
    key_file(tmp_path).write_text("{")
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_keys(tmp_path)
    with pytest.raises(UnauthenticatedError):
        Authority(Settings(home=tmp_path)).caller(shown(secret))


def test_keys_can_come_from_the_environment(tmp_path: Path) -> None:
    secret = "a-secret-of-many-characters"
    authority = Authority(Settings(home=tmp_path, api_keys=f"server+expert:{secret}, storefront:{secret}-too"))
    assert authority.caller(shown(secret)).roles == {Role.SERVER, Role.EXPERT}
    assert authority.caller(shown(f"{secret}-too")).roles == {Role.STOREFRONT}
    with pytest.raises(UnauthenticatedError):
        authority.caller({})


@pytest.mark.parametrize("text", ["server:short", "boss:a-secret-of-many-characters", "a-secret-of-many-characters"])
def test_a_weak_or_wrong_key_from_the_environment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a key"):
        given_keys(text)


def test_keys_are_added_to_those_there_are(tmp_path: Path) -> None:
    made = [create_key(tmp_path, [Role.SERVER])[0].id for _ in range(5)]
    assert [key["id"] for key in json.loads(key_file(tmp_path).read_text())["keys"]] == made


def test_a_socket_begins_with_a_key_in_its_first_message(tmp_path: Path) -> None:
    authority = Authority(Settings(home=tmp_path))
    assert authority.greeting({"x-pathrec-role": "expert"}) == TRUSTED
    key, secret = create_key(tmp_path, [Role.SERVER])
    for payload in (
        {"authorization": f"Bearer {secret}"},
        {"Authorization": f"bearer {secret}"},
        {"x-api-key": secret},
    ):
        assert authority.greeting(payload).key == key.id
    for payload in ({}, {"authorization": secret}, {"authorization": 1}, {"x-pathrec-role": "expert"}):
        with pytest.raises(UnauthenticatedError):
            authority.greeting(payload)
