"""How many questions a second one process answers over HTTP: sixteen users at once against one.

Why: a model that writes one row wastes most of a step, so questions of several users are written
together (`serving.batches`); the figure says whether that holds with HTTP, policy, checks and the
queries around it. Users are of four kinds, who see other rows of two bundled databases; their rows
are behind a policy, their schema is the same. The two sides take turns on one server and ask the
same questions, so that their ratio holds on a machine that does other things too. The rate is that
of the time in which questions are left: when the last ones are being answered, there are no sixteen
users any more.

    python benchmarks/serving.py [--limit 184] [--rounds 3] [--base mini] [--output FILE] [--here]

Hardware: meant for 2 cores; torch has one thread. The model has a process of its own, as under
`t2s serve`; `--here` keeps it in this one. Clients are threads of this process, which the figures
pay for. `cpu_ratio` is of CPU seconds a question, those of clients and model included and those of
the workers that run queries not. It says what is saved by writing together; that two cores work at
once shows in `ratio` alone, and only where no other program has them.
The last line is JSON.
"""

import argparse
import json
import os
import platform
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import torch
import uvicorn

from text2sql import __version__
from text2sql.data.catalog import find_dataset
from text2sql.decoding.verification import verify
from text2sql.samples.building import samples_folder
from text2sql.schema import canonicalise
from text2sql.serving import Service, create_app
from text2sql.serving.batches import SWITCH_SECONDS
from text2sql.serving.settings import read_service

USERS = 16
TARGETS = {"ratio": 3.0, "question_to_rows_ms": 300.0, "checks_ms": 3.0}
KINDS = [
    {"towns": ["Aldern", "Brackwell"], "states": ["played", "cancelled"]},
    {"towns": ["Aldern"], "states": ["played"]},
    {"towns": ["Dunmere", "Farrow", "Hollin"], "states": ["cancelled", "played"]},
    {"towns": ["Corvale"], "states": ["cancelled"]},
]
POLICIES: dict[str, dict[str, Any]] = {
    "energy": {"customer": {"rows": "town IN {{ user.towns }}", "mask": {"email": None}}},
    "festival": {"performance": {"rows": "state IN {{ user.states }}"}},
}


class Asked(NamedTuple):
    """One question."""

    database: str
    question: str


class Place(NamedTuple):
    """What is asked."""

    address: str
    model_pid: int | None  # the process of the model, where it has one


class Figures(NamedTuple):
    """What one side did."""

    rate: float  # questions a second
    cpu: float  # CPU seconds a question
    milliseconds: list[float]  # of each question


def main() -> None:
    """Measure, print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", default="mini")
    parser.add_argument("--limit", type=int, default=184, help="questions of each side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="for the raw result")
    parser.add_argument("--here", action="store_true", help="no process of the model's own")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_SECONDS)  # as `t2s serve` does
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        file = settings(Path(folder), options.base)
        service = Service(lambda: read_service(file), apart=not options.here)
        service.open()
        asked = questions(service.databases)
        with served(service) as address:
            place = Place(address, service.model_pid)
            answer(place, asked[:USERS] * len(KINDS), 1)  # reads schemas, opens workers
            found = [round_of(place, asked, options.limit) for _ in range(options.rounds)]
        checks = checks_ms(service, asked)
        service.close()
    report(found, checks, load, options.output)


def settings(folder: Path, base: str) -> Path:
    """Write the service's file."""
    databases = {}
    for name, ruled in POLICIES.items():
        (folder / f"{name}.yaml").write_text(json.dumps({"tables": {"*": "all", **ruled}}))
        url = samples_folder() / "database" / name / f"{name}.sqlite"
        databases[name] = {"url": str(url), "policy": f"{name}.yaml"}
    limits = {"concurrent": USERS, "concurrent_per_user": USERS, "requests_per_minute": None}
    file = {"models": {base: {"base": base}}, "databases": databases, "limits": limits}
    path = folder / "service.yaml"
    path.write_text(json.dumps(file))
    return path


def questions(databases: Any) -> list[Asked]:
    """Return the English questions about the databases, in turns."""
    examples = [e for e in find_dataset("samples", split="dev").examples if e.language != "zh"]
    by_name = [[Asked(n, e.question) for e in examples if e.db_id == n] for n in databases]
    return [asked for turn in zip(*by_name, strict=False) for asked in turn]


@contextmanager
def served(service: Service) -> Iterator[str]:
    """Yield the address of a server; a header says of which kind a user is."""

    def identify(request: Any) -> dict[str, Any]:
        return KINDS[int(request.headers["x-kind"])]

    app = create_app(service, identify=identify)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)


def answer(place: Place, asked: list[Asked], users: int) -> Figures:
    """Let some users ask one question after another until none is left."""
    left: queue.SimpleQueue[tuple[int, Asked]] = queue.SimpleQueue()
    for entry in enumerate(asked):
        left.put(entry)
    took: list[float] = []
    dry: list[tuple[float, int]] = []  # when no question was left, and how many were answered

    # before the clock: making one loads certificates, which plain HTTP does not need
    clients = [
        httpx.Client(base_url=place.address, timeout=300, verify=False) for _ in range(users)
    ]

    def ask(user: int) -> None:
        with clients[user] as client:
            while not left.empty():
                try:
                    number, (database, question) = left.get_nowait()
                except queue.Empty:
                    return
                if left.empty():
                    dry.append((time.perf_counter(), len(took)))
                kind = (user if users > 1 else number // USERS) % len(KINDS)
                begun = time.perf_counter()
                body = {"question": question, "database": database}
                response = client.post("/v1/ask", json=body, headers={"x-kind": str(kind)})
                response.raise_for_status()
                took.append(1000 * (time.perf_counter() - begun))

    begun, cpu = time.perf_counter(), cpu_seconds(place)
    threads = [threading.Thread(target=ask, args=(user,)) for user in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(took) < len(asked):
        raise SystemExit("a request failed: there are no figures")
    ended, done = dry[0]
    return Figures(done / (ended - begun), (cpu_seconds(place) - cpu) / len(asked), took)


def cpu_seconds(place: Place) -> float:
    """Return what this process and the model's have used, without workers that run queries."""
    if place.model_pid is None:
        return time.process_time()
    fields = Path(f"/proc/{place.model_pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def round_of(place: Place, asked: list[Asked], limit: int) -> tuple[Figures, Figures]:
    """Return figures of one user and of all, the same questions in the same order."""
    many = [asked[number % len(asked)] for number in range(limit)]
    return answer(place, many, 1), answer(place, many, USERS)


def checks_ms(service: Service, asked: list[Asked]) -> tuple[float, float]:
    """Return what policy and checks take for one statement, nothing of it known: wall, CPU.

    Both are medians. The first has the engine's EXPLAIN in it, the second does not.
    """
    took = []
    gold = {(e.db_id, e.question): e.query for e in find_dataset("samples", split="dev").examples}
    for database, question in asked:
        sql = gold[database, question]
        begun, cpu = time.perf_counter(), time.thread_time()
        view = service.find(database=database).view(KINDS[0])
        verify(canonicalise(sql, view.schema), view.schema, explain=view.explain)
        view.rewritten(sql)
        took.append((1000 * (time.perf_counter() - begun), 1000 * (time.thread_time() - cpu)))
    wall, cpu = map(statistics.median, zip(*took, strict=True))
    return wall, cpu


def report(
    found: list[tuple[Figures, Figures]],
    checks: tuple[float, float],
    load: tuple[float, ...],
    output: Path | None,
) -> None:
    """Print the table and the line of JSON."""
    print(f"{'users':>6}{'questions/s':>13}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
    for alone, together in found:
        for users, figures in ((1, alone), (USERS, together)):
            p50, p99 = quantile(figures.milliseconds, 0.5), quantile(figures.milliseconds, 0.99)
            print(
                f"{users:>6}{figures.rate:>13.2f}{p50:>9.0f}{p99:>9.0f}{1000 * figures.cpu:>9.1f}"
            )
    one = [ms for alone, _ in found for ms in alone.milliseconds]
    all_users = [ms for _, together in found for ms in together.milliseconds]
    record = {
        "ratio": round(statistics.median(b.rate / a.rate for a, b in found), 2),
        "cpu_ratio": round(statistics.median(a.cpu / b.cpu for a, b in found), 2),
        "p50_ms": round(quantile(all_users, 0.5), 1),
        "p99_ms": round(quantile(all_users, 0.99), 1),
        "question_to_rows_ms": round(quantile(one, 0.5), 1),
        "checks_ms": round(checks[0], 2),
        "checks_cpu_ms": round(checks[1], 2),
        "users": USERS,
        "questions": len(all_users),
        "targets": TARGETS,
        "load_average": [round(value, 1) for value in load],
        "versions": versions(),
    }
    if output is not None:
        rounds = [[figures._asdict() for figures in pair] for pair in found]
        output.write_text(json.dumps({**record, "rounds": rounds}, indent=1) + "\n")
    print(json.dumps(record))


def quantile(values: list[float], share: float) -> float:
    """Return the value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def versions() -> dict[str, str]:
    """Return what the figures were measured with."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    found = {"text2sql": __version__, "commit": commit, "torch": torch.__version__}
    return {**found, "python": platform.python_version(), "cores": str(os.cpu_count())}


if __name__ == "__main__":
    main()
