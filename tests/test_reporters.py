"""Services to report to: what is unknown or missing is named before anything is loaded."""

import pytest

from text2sql.errors import SettingsError, UnknownName
from text2sql.training import reporters
from text2sql.training.reporters import REPORTERS, check_reporters


def test_a_service_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setattr(reporters, "find_spec", lambda package: None)

    with pytest.raises(SettingsError, match="names wandb, which is not installed: pip install"):
        check_reporters(["wandb"])
    check_reporters(["none"])
    check_reporters([])


def test_a_misspelt_service_is_named_with_the_nearest(monkeypatch):
    with pytest.raises(UnknownName, match="did you mean 'tensorboard'"):
        check_reporters(["tensorbord"])


def test_every_name_is_one_that_transformers_knows():
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    assert set(REPORTERS) <= set(INTEGRATION_TO_CALLBACK)
