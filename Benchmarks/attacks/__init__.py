"""All attacks, by name. A new module is imported below; its functions with `@attack` are in the list."""

from .stage import ALL
from . import memory, names, reading, requests  # noqa: F401  (each registers its attacks)

__all__ = ["ALL"]
