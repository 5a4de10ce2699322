"""Names of models: folders, or what the hub knows."""

from __future__ import annotations

from pathlib import Path

from ..config import ConfigError


def check_model_folder(name: str) -> None:
    """Refuses the name of a model that is neither one of the hub nor a folder that is there.

    Raises:
        ConfigError: it is such a name.
    """
    folder = Path(name).expanduser()
    if folder.is_file():
        raise ConfigError(f"model.name={name} is a file: name its folder, {folder.parent}")
    if lacks_folder(name):
        raise ConfigError(f"model.name={name}: no such folder")


def lacks_folder(name: str) -> bool:
    """Whether a name is that of a folder, and there is none: a name on the hub is that of an owner and of a model."""
    folder = Path(name).expanduser()
    return not folder.is_dir() and (folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1)
