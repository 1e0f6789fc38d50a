"""The services that a run may report to, checked before anything is loaded.

    >>> check_reporters(["tensorboard"])        # raises unless tensorboard is installed

The names are those of `report_to` in transformers; the services belong to extras of their own,
which the kit does not install.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from text2sql.errors import SettingsError, UnknownName

# package to install, by name; transformers/integrations/integration_utils.py
REPORTERS = {
    "azure_ml": "azureml",
    "clearml": "clearml",
    "codecarbon": "codecarbon",
    "comet_ml": "comet_ml",
    "dvclive": "dvclive",
    "mlflow": "mlflow",
    "neptune": "neptune",
    "swanlab": "swanlab",
    "tensorboard": "tensorboard",
    "trackio": "trackio",
    "wandb": "wandb",
}


def check_reporters(names: Sequence[str]) -> None:
    """Make sure that a run can report where its recipe says.

    Raises:
        UnknownName: a name that transformers does not know.
        SettingsError: the service's package is not installed.
    """
    for name in names:
        if name == "none":
            continue
        if name not in REPORTERS:
            raise UnknownName("service to report to", name, REPORTERS)
        if find_spec(REPORTERS[name]) is None:
            raise SettingsError(
                f"report_to names {name}, which is not installed: pip install {REPORTERS[name]}"
            )
