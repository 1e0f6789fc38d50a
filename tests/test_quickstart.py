"""The quickstart: every step is done for real, in short."""

import json

import pytest

from text2sql import bundled, quickstart
from text2sql.bases import mini


def test_the_whole_loop_runs_and_prints_what_it_measured(
    tmp_path, samples, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cache" / "text2sql").mkdir(parents=True)
    (tmp_path / "cache" / "text2sql" / samples.name).symlink_to(samples)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(quickstart, "EPOCHS", 0.2)
    monkeypatch.setattr(quickstart, "LIMIT", 12)
    quickstart.quickstart(tmp_path / "out")
    said = capsys.readouterr().out

    for when in ("before-dev", "after-dev", "after-dev_in_domain"):
        card = json.loads((tmp_path / "out" / when / "scorecard.json").read_text())
        share = card["metrics"]["execution_accuracy"]["all"]
        assert share["n"] == 12 and f"{share['accuracy']:.1%}" in said
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").exists()
    assert quickstart.QUESTION in said and "SQL:" in said

    quickstart._clear(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_base_comes_with_the_package(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bundled.ensure_mini() == mini.SHIPPED
    shards = list(mini.SHIPPED.glob("*.safetensors"))
    assert shards and all(shard.stat().st_size <= 15 * 2**20 for shard in shards)
    assert sum(shard.stat().st_size for shard in shards) <= 30 * 2**20
