"""What a server can be told, by environment variables that begin with PATHREC_ or by the command line.

Each default is written here and nowhere else; `docs/settings.md` lists them all.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schema.errors import PathrecError

PREFIX = "PATHREC_"


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

    @field_validator("host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        if not is_loopback(host):
            raise ValueError(
                f"{host} can be reached from other machines and there are no keys yet; "
                "listen on 127.0.0.1 and put a proxy with access control in front"
            )
        return host

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


def _line(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in place)
    return f"setting {name} ({PREFIX}{name.upper()}): {message.removeprefix('Value error, ')}"
