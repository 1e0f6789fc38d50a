"""Fetching: files come whole and checked, from a real server on this machine that may misbehave."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from text2sql.cli import app
from text2sql.data.catalog import DATASETS, find_dataset
from text2sql.data.fetching import fetch
from text2sql.data.installing import install, unpack
from text2sql.data.sources import ORIGINS, File, Origin
from text2sql.errors import FetchError, OutputError, UnknownName

DATA = bytes(range(256)) * 4000
SHA = hashlib.sha256(DATA).hexdigest()
ASKED = {"question": "How many?", "query": "SELECT 1", "db_id": "zoo"}


class Handler(BaseHTTPRequestHandler):
    """Give `server.files`, with ranges; cut what `server.cut` says; redirect /away."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://example.org/data.zip")
            self.end_headers()
            return
        if self.path not in self.server.files:
            self.send_error(404)
            return
        body = self.server.files[self.path]
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        asked = self.headers.get("Range", "")
        start = int(asked[6:-1]) if asked and self.headers.get("If-Range") == tag else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + self.server.cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.cut, running.asked = {"/data": DATA}, len(DATA), []
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_a_file_comes_whole_and_is_fetched_once(server, tmp_path):
    got = fetch(f"{server.url}/data", tmp_path / "new" / "data", sha256=SHA)
    again = fetch(f"{server.url}/data", tmp_path / "new" / "data", sha256=SHA)

    assert got == again and (got.size, got.sha256) == (len(DATA), SHA)
    assert got.path.read_bytes() == DATA and len(server.asked) == 1
    assert [path.name for path in got.path.parent.iterdir()] == ["data"]


def test_a_connection_that_ends_early_is_gone_on_with(server, tmp_path):
    server.cut = 300_000
    with pytest.raises(FetchError, match="ended after 300,000 of 1,024,000 bytes: run it again"):
        fetch(f"{server.url}/data", tmp_path / "data", sha256=SHA)
    assert not (tmp_path / "data").exists()
    server.cut = len(DATA)

    assert fetch(f"{server.url}/data", tmp_path / "data", sha256=SHA).size == len(DATA)
    assert server.asked[-1] == ("/data", "bytes=300000-")


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path):
    server.cut = 300_000
    with pytest.raises(FetchError):
        fetch(f"{server.url}/data", tmp_path / "data")
    server.files["/data"], server.cut = DATA[::-1], len(DATA)

    assert fetch(f"{server.url}/data", tmp_path / "data").path.read_bytes() == DATA[::-1]


def test_another_file_than_the_pinned_one_is_removed(server, tmp_path):
    with pytest.raises(FetchError, match=f"its SHA-256 is {SHA}, not 00"):
        fetch(f"{server.url}/data", tmp_path / "data", sha256="00")
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_away_or_not_there_is_one_line(server, tmp_path):
    with pytest.raises(FetchError, match="answers 404"):
        fetch(f"{server.url}/nothing", tmp_path / "data")
    with pytest.raises(FetchError, match=r"leads to http://example\.org/data\.zip, which is not"):
        fetch(f"{server.url}/away", tmp_path / "data")
    with pytest.raises(FetchError, match="which is not https"):
        fetch("http://example.org/data", tmp_path / "data")
    with pytest.raises(FetchError, match="cannot fetch"):
        fetch("http://127.0.0.1:9/data", tmp_path / "data")


def zipped(files):
    """Return a zip archive of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def origins(server):
    """Return where a data set and its broken brother come from."""
    inner = zipped({"dev_databases/zoo/zoo.sqlite": b"", "__MACOSX/x": b""})
    server.files["/dev.zip"] = zipped(
        {"dev_2024/dev.json": json.dumps([ASKED]), "dev_2024/dev_databases.zip": inner}
    )
    server.files["/note.zip"] = zipped({"README": b"nothing of use"})
    return {
        name: Origin(
            "https://example.org", "CC0", (File(f"{server.url}/{file}", file),), "dev.json"
        )
        for name, file in (("bird", "dev.zip"), ("archer", "note.zip"), ("wikisql", "no.zip"))
    }


def test_a_data_set_is_fetched_unpacked_and_found(origins, tmp_path):
    said = []
    done = install("bird", data_root=tmp_path, origins=origins, note=said.append)

    assert done.splits == ["dev"] and "no checksum of it is known" in said[1]
    assert find_dataset("bird", split="dev", data_root=tmp_path).examples[0].question == "How many?"
    assert (tmp_path / "bird/dev_2024/dev_databases/zoo/zoo.sqlite").exists()
    assert not list(tmp_path.rglob("*.zip"))
    with pytest.raises(OutputError, match="is there already"):
        install("bird", data_root=tmp_path, origins=origins)


def test_an_archive_that_is_not_the_data_set_leaves_nothing_behind(origins, tmp_path):
    with pytest.raises(FetchError, match="is not as expected: none of"):
        install("archer", data_root=tmp_path, origins=origins)
    assert [path.name for path in tmp_path.iterdir()] == [".downloads"]


def test_a_damaged_archive_and_a_path_that_leaves_the_folder_are_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../out.txt"), io.BytesIO())
    (tmp_path / "in").mkdir()
    for name in ("a.zip", "b.tar.gz"):
        with pytest.raises(FetchError, match="cannot be unpacked"):
            unpack(tmp_path / name, tmp_path / "in")
    assert not (tmp_path / "out.txt").exists()


def test_leading_folders_are_dropped_and_folders_are_joined(tmp_path):
    (tmp_path / "in" / "database").mkdir(parents=True)
    (tmp_path / "a.zip").write_bytes(zipped({"top/dev.json": "[]", "top/database/x/x.sqlite": ""}))
    unpack(tmp_path / "a.zip", tmp_path / "in", strip=1)

    assert (tmp_path / "in/dev.json").exists() and (tmp_path / "in/database/x/x.sqlite").exists()


def test_every_registered_data_set_can_be_had_or_says_where_it_is(tmp_path):
    assert set(ORIGINS) == {name for name, entry in DATASETS.items() if not entry.build}
    for name in [name for name, origin in ORIGINS.items() if not origin.files]:
        with pytest.raises(FetchError, match=rf"get it from https://.* put .* into .*{name}"):
            install(name, data_root=tmp_path)
    with pytest.raises(FetchError, match="is bundled"):
        install("samples", data_root=tmp_path)
    with pytest.raises(UnknownName, match="did you mean 'spider'"):
        install("spidr", data_root=tmp_path)


def test_every_file_has_an_https_address_and_a_name_that_is_none_of_a_path():
    files = [file for origin in ORIGINS.values() for file in origin.files]

    assert all(file.url.startswith("https://") and "/" not in file.name for file in files)
    assert all(len(file.sha256) == 64 for file in files if file.sha256)


def test_the_command_says_what_it_got(origins, tmp_path, monkeypatch):
    monkeypatch.setitem(ORIGINS, "bird", origins["bird"])
    command = ["data", "get", "bird", "--data-root", str(tmp_path), "--json"]
    ran = CliRunner().invoke(app, command)
    record = json.loads(ran.stdout)

    assert record["splits"] == ["dev"] and record["files"][0]["pinned"] is False
    assert "licence: CC0 (https://example.org)" in ran.stderr
