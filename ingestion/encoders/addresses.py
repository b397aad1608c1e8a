"""Which machines a download may reach: those of the public internet, unless more is allowed.

A shop's data name the addresses. Without this, a line in a CSV file could make the server ask a machine that only
the server can reach.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import anyio
import httpcore

from ingestion.encoders.pictures import PictureError

# IPv6 addresses that stand for an IPv4 one, which a gateway reaches: 6to4, Teredo, NAT64.
_GATEWAYS = tuple(map(ip_network, ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connections to hosts whose addresses are looked at first.

    The address that was looked at is the one that is connected to, so a name that means another machine a moment
    later gains nothing. A host is refused if any of its addresses is.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to one of the host's addresses, the first that answers.

        Raises:
            PictureError: the host is not known, or one of its addresses may not be reached.
            httpcore.ConnectError: none answers.
        """
        addresses = await _addresses(host, port)
        if not self._allow_private and not all(map(is_public, addresses)):
            raise PictureError(
                "private", f"leads to {host}, a machine in a private network; allow it with --allow-private-addresses"
            )
        problem: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                problem = error
        raise problem or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._network.sleep(seconds)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public internet and to one machine there."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _GATEWAYS):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def _addresses(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PictureError("unreachable", f"the host {host} is not known; check the address") from error
    return [ip_address(place[0]) for *_, place in found]
