"""Tokens: what is signed by the shop is taken, everything else is refused without saying why."""

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from api.services.callers import Role
from api.services.errors import UnauthenticatedError
from api.tokens import KeySet, KeySetError, Tokens

SECRET = "s" * 64
HMAC = Tokens(SECRET, ("HS256",))


def token(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    given = {"exp": time.time() + 60, "sub": "u1", **claims}
    return jwt.encode({k: v for k, v in given.items() if v is not None}, key, algorithm=algorithm, headers=headers)


def test_a_token_speaks_for_its_user_as_a_storefront() -> None:
    caller = HMAC.caller(token())
    assert (caller.roles, caller.user, caller.key) == (frozenset({Role.STOREFRONT}), "u1", "token")


@pytest.mark.parametrize(
    ("claim", "roles"),
    [("server", {Role.SERVER}), (["expert", "server"], {Role.EXPERT, Role.SERVER}), ("admin", {Role.ADMIN})],
)
def test_a_token_can_have_other_roles_and_is_then_named_in_logs(claim: Any, roles: set[Role]) -> None:
    caller = HMAC.caller(token(role=claim))
    assert caller.roles == roles
    assert caller.key == "token:u1"


def test_a_role_is_read_from_the_claim_that_the_settings_name() -> None:
    tokens = Tokens(SECRET, ("HS256",), role_claim="https://shop.example/role")
    assert tokens.caller(token(role="admin")).roles == {Role.STOREFRONT}
    assert tokens.caller(token(**{"https://shop.example/role": "expert"})).roles == {Role.EXPERT}


WRONG: dict[str, Callable[[], str]] = {  # made when they are asked for: what is valid but for one thing must not be old
    "no end": lambda: token(exp=None),
    "ended": lambda: token(exp=time.time() - 60),
    "not begun": lambda: token(nbf=time.time() + 60),
    "another key": lambda: token("t" * 64),
    "another algorithm": lambda: token(algorithm="HS512"),
    "no algorithm": lambda: token(None, algorithm="none"),
    "no such role": lambda: token(role="boss"),
    "no role": lambda: token(role=[]),
    "a role that is no name": lambda: token(role={"a": 1}),
    "a user that is no name": lambda: token(sub=7),
    "cut": lambda: token()[:-2],
    "no token": lambda: "a.b.c",
    "nothing": lambda: "",
    "other letters": lambda: "é.é.é",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_everything_else_is_refused(wrong: str) -> None:
    with pytest.raises(UnauthenticatedError):
        HMAC.caller(WRONG[wrong]())


def test_audience_and_issuer_are_looked_at_where_they_are_set() -> None:
    assert HMAC.caller(token(aud="other", iss="other")).user == "u1"
    strict = Tokens(SECRET, ("HS256",), audience="pathrec", issuer="https://login.example")
    assert strict.caller(token(aud=["pathrec", "more"], iss="https://login.example")).user == "u1"
    for wrong in ({"aud": "pathrec"}, {"iss": "https://login.example"}, {"aud": "x", "iss": "https://login.example"}):
        with pytest.raises(UnauthenticatedError):
            strict.caller(token(**wrong))


def test_a_public_key_is_never_taken_for_a_secret() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    tokens = Tokens(pem.decode(), ("RS256",))
    assert tokens.caller(token(private, "RS256")).user == "u1"
    # As an attacker would: the public key, which everybody knows, as the secret of HS256.
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "u1", "exp": 9e9})]
    head = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(
        jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head, pem)
    )
    with pytest.raises(UnauthenticatedError):
        tokens.caller((head + b"." + signature.rstrip(b"=")).decode())


def test_a_set_of_keys_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    write(file, {"old": old})
    tokens = Tokens(KeySet(file), ("ES256",))
    assert tokens.caller(token(old, "ES256", {"kid": "old"})).user == "u1"
    assert tokens.caller(token(old, "ES256")).user == "u1"
    with pytest.raises(UnauthenticatedError):
        tokens.caller(token(new, "ES256", {"kid": "new"}))
    write(file, {"new": new, "more": old})
    os.utime(file, ns=(1, 1))  # whatever the clock's grain
    assert tokens.caller(token(new, "ES256", {"kid": "new"})).user == "u1"
    for stale in (token(old, "ES256", {"kid": "old"}), token(new, "ES256"), token(new, "ES256", {"kid": "more"})):
        with pytest.raises(UnauthenticatedError):
            tokens.caller(stale)
    file.write_text("{")
    assert tokens.caller(token(new, "ES256", {"kid": "new"})).user == "u1"


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"keys": []}'])
def test_a_file_without_keys_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "jwks.json").write_text(content)
    with pytest.raises(KeySetError, match=r"jwks\.json: holds no set of keys"):
        KeySet(tmp_path / "jwks.json")


def write(file: Path, keys: dict[str, ec.EllipticCurvePrivateKey]) -> None:
    known = [jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": k} for k, key in keys.items()]
    file.write_text(json.dumps({"keys": known}))
