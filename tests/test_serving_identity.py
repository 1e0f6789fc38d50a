"""Who sends a request: keys, tokens and a proxy's headers; what does not hold is nobody."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.requests import Request

from text2sql.errors import SettingsError
from text2sql.serving import identity
from text2sql.serving.identity import (
    IdentityEntry,
    JwtEntry,
    KeyEntry,
    KeySet,
    ProxyEntry,
    hash_key,
    new_key,
    open_identity,
)

KEY = rsa.generate_private_key(65_537, 2048)
OTHER = rsa.generate_private_key(65_537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"sub": "ann", "iss": "https://id.example", "aud": "t2s", "role": "buyer"}


def request(client="10.0.0.7", **headers):
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (client, 1)})


def bearer(token):
    return request(authorization=f"Bearer {token}")


@pytest.fixture
def jwks(tmp_path):
    keys = [RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "one"}]
    keys.append(ECAlgorithm.to_jwk(CURVE.public_key(), as_dict=True) | {"kid": "two"})
    keys.append(
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "three"}
    )
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": keys}))
    return str(tmp_path / "jwks.json")


def tokens(jwks, **more):
    said = {"jwks": jwks, "issuer": CLAIMS["iss"], "audience": "t2s"} | more
    return open_identity(IdentityEntry(jwt=JwtEntry(**said)))


def signed(key=KEY, algorithm="RS256", kid="one", drop=(), **claims):
    said = CLAIMS | {"exp": time.time() + 60} | claims
    said = {name: value for name, value in said.items() if name not in drop}
    return jwt.encode(said, key, algorithm, headers={"kid": kid} if kid else {})


def test_a_key_is_its_user_in_either_header(monkeypatch):
    first, second = new_key(), new_key()
    monkeypatch.setenv("CI_KEY", second)
    ann = KeyEntry(name="ann", key=hash_key(first), user={"role": "buyer", "tenants": [3]})
    identify = open_identity(IdentityEntry(keys=(ann, KeyEntry(name="ci", key="env:CI_KEY"))))

    assert identify(bearer(first)) == {"name": "ann", "role": "buyer", "tenants": [3]}
    assert identify(request(x_api_key=second)) == {"name": "ci"}
    for wrong in (first[:-1], first + "x", "", hash_key(first), "Bearer"):
        assert identify(bearer(wrong)) is None
    assert identify(request()) is None


def test_a_header_that_comes_twice_is_not_believed():
    key = new_key()
    identify = open_identity(IdentityEntry(keys=(KeyEntry(name="ann", key=hash_key(key)),)))
    twice = [(b"authorization", b"Bearer x"), (b"authorization", f"Bearer {key}".encode())]

    assert identify(Request({"type": "http", "headers": twice, "client": ("::1", 1)})) is None


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ([KeyEntry(name="ann", key="t2s_plain-and-long-enough-to-be-one")], "must not stand in"),
        ([KeyEntry(name="ann", key="sha256:12")], "no SHA-256"),
        ([KeyEntry(name="ann", key="env:T2S_NO_SUCH")], "at least 20 characters"),
        ([KeyEntry(name=n, key=hash_key("k" * 30)) for n in ("ann", "ben")], "same key"),
    ],
)
def test_a_key_that_protects_nothing_is_refused(keys, complaint):
    with pytest.raises(SettingsError, match=complaint) as refused:
        open_identity(IdentityEntry(keys=tuple(keys)))
    assert "t2s_plain" not in str(refused.value)


def test_a_signed_token_gives_the_claims_that_are_named(jwks):
    token = signed(org={"tenants": [3, 5]}, secret="x")
    named = {"name": "sub", "role": "role", "tenants": "org.tenants", "absent": "a.b"}

    assert tokens(jwks, attributes=named)(bearer(token)) == {
        "name": "ann",
        "role": "buyer",
        "tenants": [3, 5],
    }
    assert tokens(jwks)(bearer(signed(CURVE, "ES256", "two")))["name"] == "ann"


def test_a_token_that_does_not_hold_is_nobody(jwks):
    identify = tokens(jwks)
    public = KEY.public_key().public_numbers().n.to_bytes(256, "big")
    wrong = {
        "expired": signed(exp=time.time() - 120),
        "without an end": signed(drop=["exp"]),
        "of another issuer": signed(iss="https://evil.example"),
        "without an issuer": signed(drop=["iss"]),
        "for another audience": signed(aud="other"),
        "without an audience": signed(drop=["aud"]),
        "signed by another key": signed(OTHER),
        "of an unknown key": signed(OTHER, kid="nine"),
        "not yet": signed(nbf=time.time() + 600),
        "of an algorithm that is not named": signed(KEY, "RS512"),
        "unsigned": signed(None, "none"),
        "signed with the public key as a secret": signed(public, "HS256"),
        "signed with a secret of the JWKS": signed(
            "secret-secret-secret-secret-secret", "HS256", "three"
        ),
        "of another key's algorithm": signed(KEY, "RS256", "two"),
        "no token": "a.b.c",
    }
    assert {what for what, token in wrong.items() if identify(bearer(token))} == set()


def test_algorithms_with_shared_secrets_are_refused(jwks):
    for name in ("HS256", "none"):
        with pytest.raises(SettingsError, match="cannot be used"):
            tokens(jwks, algorithms=(name,))
    with pytest.raises(SettingsError, match="No such file"):
        tokens("/nowhere/jwks.json")


def test_a_jwks_that_is_away_makes_nobody_and_is_not_asked_at_every_request(monkeypatch):
    asked = []

    def away(url, **options):
        asked.append(url)
        raise httpx.ConnectError("away")

    monkeypatch.setattr(httpx, "get", away)
    keys = KeySet("http://127.0.0.1:9/jwks")

    assert [keys.find(kid) for kid in ("a", "b", None, "c")] == [None] * 4
    assert asked == ["http://127.0.0.1:9/jwks"]


@pytest.fixture
def key_server(jwks):
    """The address of a server that hands out the file of keys as it is at that moment."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(Path(jwks).read_bytes())

        def log_message(self, *_): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()


def test_a_server_that_changes_its_keys_is_followed(jwks, key_server, monkeypatch):
    monkeypatch.setattr(identity, "REFETCH_SECONDS", 0)
    identify = tokens(key_server)
    assert identify(bearer(signed()))["name"] == "ann"
    assert identify(bearer(signed(OTHER, kid="four"))) is None

    new = RSAAlgorithm.to_jwk(OTHER.public_key(), as_dict=True) | {"kid": "four"}
    Path(jwks).write_text(json.dumps({"keys": [new]}))

    assert identify(bearer(signed(OTHER, kid="four")))["name"] == "ann"
    assert identify(bearer(signed())) is None  # by the key that was taken away


def test_a_proxy_is_believed_from_its_own_address_alone():
    entry = ProxyEntry(
        addresses=("10.0.0.0/24", "::1"),
        attributes={"name": "X-Forwarded-User", "roles": "X-Groups"},
    )
    identify = open_identity(IdentityEntry(proxy=entry))
    headers = {"x_forwarded_user": "ann", "x_groups": "buyer, auditor"}

    assert identify(request(**headers)) == {"name": "ann", "roles": ["buyer", "auditor"]}
    assert identify(request("::ffff:10.0.0.9", **headers))["name"] == "ann"
    assert identify(request("10.0.1.7", **headers)) is None
    assert identify(request("testclient", **headers)) is None
    assert identify(request(x_groups="buyer")) is None
    twice = [(b"x-forwarded-user", b"admin"), (b"x-forwarded-user", b"ann")]
    assert identify(Request({"type": "http", "headers": twice, "client": ("::1", 1)})) is None
