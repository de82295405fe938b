"""What stands before the app: who may ask this server for anything, and what its address is."""

from kdeviz.ui.door.gate import visitor
from kdeviz.ui.door.options import Options, options
from kdeviz.ui.door.server import SCRIPT, guards, opened

__all__ = ["SCRIPT", "Options", "guards", "opened", "options", "visitor"]
