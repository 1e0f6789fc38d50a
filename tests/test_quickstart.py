"""The quickstart: every step is done for real, in short."""

import json

import pytest

from text2sql import bundled, quickstart


def test_the_whole_loop_runs_and_prints_what_it_measured(
    tmp_path, samples, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cache" / "text2sql").mkdir(parents=True)
    (tmp_path / "cache" / "text2sql" / samples.name).symlink_to(samples)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(bundled, "STEPS", 5)
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


def test_a_base_that_is_there_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(bundled, "STEPS", 1)
    place = bundled.ensure_mini()
    before = (place / "model.safetensors").stat().st_mtime_ns

    assert bundled.ensure_mini() == place
    assert (place / "model.safetensors").stat().st_mtime_ns == before
