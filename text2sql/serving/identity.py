"""Who sends a request: an API key, a token that a JWKS vouches for, or what a proxy says.

    >>> identify = open_identity(IdentityEntry(keys=[{"name": "ann", "key": hash_key(key)}]))
    >>> identify(request)
    {'name': 'ann'}

A key is sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`. What is stored of it is its
SHA-256: keys are long and random (`new_key`), so that nobody guesses them from that. Every stored
key is compared, in constant time.

A token (JWT) must be signed by a key of the JWKS with one of the algorithms that the settings name,
and have `exp`, `iss` and `aud`. Of its claims the user gets those that the settings name.

A proxy's headers count only from the proxy's own address; a header that comes twice counts as none.

Covered: keys that a JWKS gets later (it is asked again, at most once in `REFETCH_SECONDS`).
Not covered: revoking a token before it expires; secrets shared with a token's issuer (HS256).
"""

import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from text2sql.errors import SettingsError, need

ALGORITHMS = (  # those of key pairs: whoever checks a token cannot sign one
    *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "EdDSA",
)
REFETCH_SECONDS = 60.0
KEPT_SECONDS = 3600.0  # of a JWKS, until it is asked for again
FETCH_SECONDS = 5.0
LEEWAY = 30.0  # seconds that clocks may differ
LEAST_KEY = 20  # characters of a key that is given in the environment
LONGEST = 16_384  # characters of a header that is looked at

User = dict[str, Any]
Way = Callable[[Request], User | None]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KeyEntry(_Strict):
    """An API key with the user that it stands for."""

    name: str
    key: str = Field(repr=False)  # sha256:HEX, or env:NAME
    user: dict[str, Any] = Field(default_factory=dict)  # attributes that the policy names


class JwtEntry(_Strict):
    """Whose tokens are believed."""

    jwks: str  # URL, or path of a file
    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    attributes: dict[str, str] = Field(
        default_factory=lambda: {"name": "sub", "role": "role", "roles": "roles"}
    )  # of the user: from which claim, `realm_access.roles` for one inside another


class ProxyEntry(_Strict):
    """Whose headers are believed."""

    addresses: tuple[str, ...] = Field(min_length=1)  # of the proxy: 10.0.0.7, 10.1.0.0/16
    attributes: dict[str, str] = Field(default_factory=lambda: {"name": "X-Forwarded-User"})
    lists: tuple[str, ...] = ("roles",)  # attributes whose header has several values with commas


class IdentityEntry(_Strict):
    """The ways to say who one is; a request is whoever the first way finds."""

    keys: tuple[KeyEntry, ...] = ()
    jwt: JwtEntry | None = None
    proxy: ProxyEntry | None = None

    @property
    def configured(self) -> bool:
        """Whether there is a way at all."""
        return bool(self.keys or self.jwt or self.proxy)

    def in_folder(self, folder: Path) -> "IdentityEntry":
        """Return the same with an absolute path of a JWKS file."""
        if self.jwt is None or "://" in self.jwt.jwks:
            return self
        place = str(folder / Path(self.jwt.jwks).expanduser())
        return self.model_copy(update={"jwt": self.jwt.model_copy(update={"jwks": place})})


def new_key() -> str:
    """Return a new API key."""
    return f"t2s_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """Return what is stored of a key."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def open_identity(entry: IdentityEntry) -> Way | None:
    """Return the function that tells who sends a request; None where there is no way to.

    Raises:
        SettingsError: a key is no hash, is short or is there twice; an algorithm that is not
            allowed; an address that is none; a JWKS file that cannot be read.
        MissingExtra: pyjwt is not installed.
    """
    ways: list[Way] = []
    if entry.proxy is not None:
        ways.append(_proxy(entry.proxy))
    if entry.jwt is not None:
        ways.append(_tokens(entry.jwt))
    if entry.keys:
        ways.append(_keys(entry.keys))
    if not ways:
        return None

    def identify(request: Request) -> User | None:
        return next((user for way in ways if (user := way(request)) is not None), None)

    return identify


def _bearer(request: Request) -> str | None:
    """Return what a request shows, in either header; what is given twice is not looked at."""
    given = request.headers.getlist("authorization")
    if len(given) > 1 or any(len(text) > LONGEST for text in given):
        return None
    scheme, _, token = given[0].partition(" ") if given else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key")


def _keys(entries: tuple[KeyEntry, ...]) -> Way:
    known = [(_digest(entry), {"name": entry.name, **entry.user}) for entry in entries]
    if len({digest for digest, _ in known}) < len(known):
        raise SettingsError("identity: two users have the same key")

    def identify(request: Request) -> User | None:
        shown = _bearer(request)
        if shown is None:
            return None
        digest = hashlib.sha256(shown.encode("utf-8", "surrogateescape")).digest()
        found = [user for known_one, user in known if hmac.compare_digest(known_one, digest)]
        return found[0] if found else None

    return identify


def _digest(entry: KeyEntry) -> bytes:
    where = f"identity: the key of {entry.name!r}"
    if entry.key.startswith("sha256:"):
        try:
            digest = bytes.fromhex(entry.key.removeprefix("sha256:"))
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise SettingsError(f"{where} is no SHA-256: 64 hexadecimal digits after sha256:")
        return digest
    if not entry.key.startswith("env:"):
        raise SettingsError(
            f"{where} must not stand in the file: t2s serve --new-key prints one with its hash"
        )
    variable = entry.key.removeprefix("env:").strip()
    key = os.environ.get(variable, "")
    if len(key) < LEAST_KEY:
        raise SettingsError(f"{where}: {variable} must hold at least {LEAST_KEY} characters")
    return hashlib.sha256(key.encode()).digest()


def _proxy(entry: ProxyEntry) -> Way:
    try:
        networks = [ipaddress.ip_network(text) for text in entry.addresses]
    except ValueError as error:
        raise SettingsError(f"identity.proxy.addresses: {error}") from None

    def identify(request: Request) -> User | None:
        if request.client is None or not _is_within(request.client.host, networks):
            return None
        said = {name: request.headers.getlist(header) for name, header in entry.attributes.items()}
        if any(len(values) > 1 for values in said.values()):
            return None  # the proxy should have replaced the caller's own
        user = {name: values[0].strip() for name, values in said.items() if values and values[0]}
        lists = {n: [v.strip() for v in user[n].split(",")] for n in entry.lists if n in user}
        return {**user, **lists} if "name" in user else None

    return identify


def _is_within(host: str, networks: list[Any]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in networks)


def _tokens(entry: JwtEntry) -> Way:
    need("serve", "jwt")
    unknown = [name for name in entry.algorithms if name not in ALGORITHMS]
    if unknown or not entry.algorithms:
        named = ", ".join(ALGORITHMS)
        raise SettingsError(f"identity.jwt.algorithms: {unknown} cannot be used (known: {named})")
    keys = KeySet(entry.jwks)

    def identify(request: Request) -> User | None:
        shown = _bearer(request)
        if shown is None or shown.count(".") != 2:
            return None
        claims = _claims(shown, keys, entry)
        if claims is None:
            return None
        user = {name: _claim(claims, path) for name, path in entry.attributes.items()}
        user = {name: value for name, value in user.items() if value is not None}
        return user or None

    return identify


def _claims(token: str, keys: "KeySet", entry: JwtEntry) -> Mapping[str, Any] | None:
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        key = keys.find(header.get("kid"))
        if key is None or header.get("alg") not in entry.algorithms:
            return None
        options: Any = {"require": ["exp", "iss", "aud"]}
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(entry.algorithms),
            audience=entry.audience,
            issuer=entry.issuer,
            leeway=LEEWAY,
            options=options,
        )
        return claims
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def _claim(claims: Any, path: str) -> Any:
    """Return a claim; a name with dots that no claim has leads into the claims that hold others."""
    if isinstance(claims, Mapping) and path in claims:
        return claims[path]
    for part in path.split("."):
        claims = claims.get(part) if isinstance(claims, Mapping) else None
    return claims


class KeySet:
    """The keys of a JWKS, kept; any thread may ask."""

    def __init__(self, place: str) -> None:
        """Read a file now; ask a server when the first token comes.

        Raises:
            SettingsError: the file cannot be read.
        """
        self._place, self._lock = place, threading.Lock()
        self._keys: dict[str | None, Any] = {}
        self._tried = self._read = float("-inf")
        if "://" not in place:
            try:
                self._keys = _parsed(Path(place).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "is no JWKS"
                raise SettingsError(f"identity.jwt.jwks: {place}: {reason}") from None

    def find(self, kid: str | None) -> Any:
        """Return the key of an id, or the only key for a token that names none; None: not known."""
        now = time.monotonic()
        with self._lock:
            old = kid not in self._keys or now - self._read > KEPT_SECONDS
            if "://" in self._place and old and now - self._tried > REFETCH_SECONDS:
                self._tried = now
                self._fetch(now)
            if kid is None and len(self._keys) == 1:
                return next(iter(self._keys.values()))
            return self._keys.get(kid)

    def _fetch(self, now: float) -> None:
        import httpx

        try:
            answer = httpx.get(self._place, timeout=FETCH_SECONDS)
            self._keys, self._read = _parsed(answer.raise_for_status().text), now
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return  # the keys that are known stay


def _parsed(text: str) -> dict[str | None, Any]:
    import jwt

    try:
        found = jwt.PyJWKSet.from_dict(json.loads(text)).keys
    except (jwt.PyJWTError, AttributeError, TypeError) as error:
        raise ValueError(str(error)) from None
    # a JWKS may list keys for encryption, and never a shared secret that would sign tokens
    return {key.key_id: key for key in found if key.key_type != "oct"}
