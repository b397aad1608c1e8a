"""What a server can be told, by environment variables that begin with PATHREC_ or by the command line.

Each default is written here and nowhere else; `docs/settings.md` lists them all.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.keys import given_keys, key_file
from schema.errors import PathrecError
from schema.iris import DEFAULT_BASE

PREFIX = "PATHREC_"
_SECRET_ALGORITHMS = frozenset({"HS256", "HS384", "HS512"})
_PUBLIC_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"})


class SettingsError(PathrecError):
    """A setting has a value that it cannot have."""


class Settings(BaseSettings):
    """Settings of a server; see `docs/settings.md`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(Path(".pathrec"), description="Folder of the graph, models, pictures, caches and reports.")
    store: str | None = Field(
        None, description="Where the graph is: `embedded:PATH`, `bolt://…` or `neo4j://…`; by default `<home>/graph`."
    )
    artifact: Path | None = Field(None, description="Folder of the model to serve; by default what was published.")
    api_keys: SecretStr | None = Field(
        None, description="Keys beside those of `pathrec key`: `ROLE:SECRET`, several with commas between."
    )
    jwt_algorithms: str = Field(
        "RS256", description="The only algorithms that tokens may be signed with, with commas between."
    )
    jwt_key: SecretStr | None = Field(
        None, description="What tokens are checked with: a public key in PEM, or the secret of `HS256` and its like."
    )
    jwt_jwks: Path | None = Field(None, description="The same as a JWKS file, which is read again when it changes.")
    jwt_audience: str | None = Field(None, description="What `aud` of a token must be; not looked at if not set.")
    jwt_issuer: str | None = Field(None, description="What `iss` of a token must be; not looked at if not set.")
    jwt_role_claim: str = Field(
        "role", description="The claim with a role or a list of them; a token without it is a storefront's."
    )
    host: str = Field("127.0.0.1", description="Address to listen on. Only loopback ones until there are keys.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=1, le=64, description="Server processes.")
    threads: int = Field(4, ge=1, le=64, description="Requests that one process works on at the same time.")
    minimum_group: int = Field(5, ge=2, description="Explanations name no number of people or baskets below this one.")
    text_model: str | None = Field(
        None, description="Text encoder: a Hugging Face id or a folder; by default the one that comes with Pathrec."
    )
    image_model: str | None = Field(None, description="The same for pictures.")
    allow_private_addresses: bool = Field(
        False, description="Whether pictures are also fetched from machines that are not on the public internet."
    )
    rdf_base: str = Field(DEFAULT_BASE, description="What the IRIs of the shop begin with in RDF; it ends in / or :.")
    impressions: bool = Field(
        True, description="Whether what was recommended is logged, so that click-through can be told."
    )
    impression_days: int = Field(90, ge=1, le=3650, description="After how many days that is deleted.")
    secret: SecretStr | None = Field(
        None, description="Signs cursors; servers of one shop must agree on it. By default in `<home>/secret`."
    )
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Larger requests are refused with status 413.")
    max_sockets: int = Field(10_000, ge=0, description="WebSockets of one process; more are refused with status 503.")
    socket_idle_seconds: float = Field(
        60.0, gt=0, description="After how long a WebSocket is closed over which nothing runs."
    )
    max_query_depth: int = Field(12, ge=3, description="Queries nested deeper are refused.")
    max_root_fields: int = Field(50, ge=1, description="Queries that ask for more at once are refused.")
    max_aliases: int = Field(100, ge=0, description="Queries with more aliases are refused.")
    max_directives: int = Field(50, ge=0, description="Queries with more directives are refused.")
    max_complexity: int = Field(
        1_000_000, ge=100, description="Queries are refused that cost more: about the number of values in the answer."
    )
    introspection: bool = Field(
        True, description="Whether queries may ask for the schema; if not, errors suggest no names of it either."
    )
    storefront_rate: float = Field(
        20, ge=0, description="Requests a second of one visitor (a token's user, else an address); 0 for no limit."
    )
    server_rate: float = Field(0, ge=0, description="Requests a second of any other key; 0 for no limit.")
    max_waiting: int = Field(
        100, ge=1, description="More requests than these waiting in one process are refused with status 503."
    )
    body_seconds: float = Field(10, gt=0, description="Bodies that take longer to arrive are refused with status 408.")
    store_seconds: float = Field(30, gt=0, description="A call to the store that takes longer is given up.")
    request_seconds: float = Field(30, gt=0, description="A query that takes longer is answered as far as it got.")
    traces: str | None = Field(
        None,
        description="Where a collector takes OTLP over HTTP, as `http://localhost:4318/v1/traces`; else none.",
    )
    cors_origins: str | None = Field(
        None,
        description="Origins of web pages that may ask, as `https://shop.example`, with commas between; `*` for any.",
    )

    @field_validator("api_keys")
    @classmethod
    def _keys_of_roles(cls, keys: SecretStr | None) -> SecretStr | None:
        given_keys(keys.get_secret_value() if keys else "")
        return keys

    @field_validator("jwt_algorithms")
    @classmethod
    def _known_algorithms(cls, names: str) -> str:
        given = frozenset(_listed(names))
        # Of both kinds, a public key could be taken for a secret that everybody knows.
        if not given or not (given <= _SECRET_ALGORITHMS or given <= _PUBLIC_ALGORITHMS):
            kinds = [", ".join(sorted(kind)) for kind in (_PUBLIC_ALGORITHMS, _SECRET_ALGORITHMS)]
            raise ValueError(f"give some of {kinds[0]}, or some of {kinds[1]}, not of both")
        return names

    @field_validator("jwt_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        secret = _SECRET_ALGORITHMS.intersection(_listed(info.data.get("jwt_algorithms", "")))
        shortest = max((int(name.removeprefix("HS")) // 8 for name in secret), default=1)  # as long as the hash
        if key is not None and len(key.get_secret_value().encode()) < shortest:
            raise ValueError(
                f"a secret for {', '.join(sorted(secret))} has at least {shortest} bytes; draw one at random"
            )
        return key

    @field_validator("jwt_jwks")
    @classmethod
    def _public_and_alone(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is not None and info.data.get("jwt_key") is not None:
            raise ValueError(f"there is {PREFIX}JWT_KEY as well; set one of the two")
        if file is not None and _SECRET_ALGORITHMS.issuperset(_listed(info.data.get("jwt_algorithms", ""))):
            raise ValueError(f"a JWKS file holds public keys; set {PREFIX}JWT_ALGORITHMS to theirs")
        return file

    @field_validator("host")
    @classmethod
    def _loopback_without_keys(cls, host: str, info: ValidationInfo) -> str:
        if not is_loopback(host) and not _are_keys(info.data):
            raise ValueError(
                f"{host} can be reached from other machines and there are no keys yet; "
                "make one with `pathrec key create --role server`, or listen on 127.0.0.1"
            )
        return host

    @field_validator("cors_origins")
    @classmethod
    def _origins_that_need_keys(cls, origins: str | None, info: ValidationInfo) -> str | None:
        for origin in _listed(origins or ""):
            parts = urlsplit(origin)
            if origin != "*" and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path):
                raise ValueError(f"{origin} is no origin; give scheme and host, as https://shop.example")
            if not is_loopback(parts.hostname or "") and not _are_keys(info.data):
                raise ValueError(
                    f"without keys any page of {origin} could write to the shop through its visitors' browsers; "
                    "make a key with `pathrec key create --role storefront`"
                )
        return origins

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of web pages that may ask."""
        return _listed(self.cors_origins or "")

    @property
    def has_keys(self) -> bool:
        """Whether there are keys or tokens, so that whoever has none is refused."""
        return _are_keys(dict(self))

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What tokens may be signed with."""
        return _listed(self.jwt_algorithms)

    @property
    def store_url(self) -> str:
        return self.store or f"embedded:{self.home / 'graph'}"

    @property
    def images(self) -> Path:
        """The shop's picture folder."""
        return self.home / "images"


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment; what is given and not None goes before it.

    Raises:
        SettingsError: naming each setting with a wrong value.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("\n".join(_line(e["loc"], e["msg"]) for e in error.errors())) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _are_keys(values: Mapping[str, Any]) -> bool:
    given = any(values.get(name) is not None for name in ("api_keys", "jwt_key", "jwt_jwks"))
    return given or ("home" in values and key_file(values["home"]).exists())


def _line(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in place)
    return f"setting {name} ({PREFIX}{name.upper()}): {message.removeprefix('Value error, ')}"
