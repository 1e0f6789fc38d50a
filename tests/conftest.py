"""Fixtures that every test may use: the real data root, where there is one."""

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import servers
import tiny
from hypothesis import HealthCheck, settings

# tiny models are faster on one thread, and threads that spin cost the other processes of a test
os.environ.setdefault("OMP_NUM_THREADS", "1")

# the machine may be busy: how long an example takes says nothing
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return T2S_DATA; skip where it is not set, fail where it is set and the folder is missing."""
    if "T2S_DATA" not in os.environ:
        pytest.skip("T2S_DATA is not set: the real Spider is not at hand")
    root = Path(os.environ["T2S_DATA"])
    assert root.is_dir(), f"T2S_DATA={root} is not a folder"
    return root


@pytest.fixture(scope="session")
def spider(data_root: Path) -> Path:
    """Return the folder of the real Spider."""
    folder = data_root / "spider"
    assert (folder / "tables.json").is_file(), f"{folder} does not hold Spider"
    return folder


@pytest.fixture(scope="session")
def hostile(data_root: Path) -> Path:
    """Return the list of hostile statements with what must happen to each."""
    path = data_root / "hostile_sql.jsonl"
    assert path.is_file(), f"{path} is missing"
    return path


@pytest.fixture(scope="session")
def libraries() -> None:
    """Load what models and trainings need, and tell the garbage collector that it stays.

    Every training collects garbage in the end, and each time would look at half a million objects.
    """
    with suppress(ImportError):
        import peft  # noqa: F401
        import trl.trainer.sft_trainer  # noqa: F401
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_llama(libraries: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of a random Llama with grouped key-value heads, as Code Llama has."""
    return tiny.save(tmp_path_factory.mktemp("tiny") / "llama", "llama")


@pytest.fixture(scope="session")
def tiny_pointing(libraries: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of a random base that points at names, as `mini`."""
    return tiny.save_pointing(tmp_path_factory.mktemp("tiny") / "pointing")


@pytest.fixture(scope="session")
def tiny_bigcode(libraries: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of a random GPTBigCode with multi-query attention (Ziya-Coding-15B's)."""
    return tiny.save(tmp_path_factory.mktemp("tiny") / "bigcode", "gpt_bigcode")


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of the bundled data set, built on first use."""
    from text2sql.samples.building import samples_folder

    return samples_folder()


@pytest.fixture
def shop(samples: Path) -> Path:
    """Return the bundled shop as a SQLite file."""
    return samples / "database" / "shop" / "shop.sqlite"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database; skip where PostgreSQL is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if servers.postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql")
    with servers.postgres_server() as url:
        yield url
