"""The only room that knows every other: it builds the parts of a process in order, and takes them down in reverse."""

from mogplex.service.moving import Moved
from mogplex.wiring.diagnosis import Finding, diagnose
from mogplex.wiring.moving import export, take_in
from mogplex.wiring.parts import Parts
from mogplex.wiring.rescue import reset_admin
from mogplex.wiring.server import serve, work
from mogplex.wiring.tables import TableState, table_state, upgrade_tables
from mogplex.wiring.upkeep import prune, retention_of
from mogplex.wiring.workshop import equip, prepare_work, require_sandbox

__all__ = [
    "Finding",
    "Moved",
    "Parts",
    "TableState",
    "diagnose",
    "equip",
    "export",
    "prepare_work",
    "prune",
    "require_sandbox",
    "reset_admin",
    "retention_of",
    "serve",
    "table_state",
    "take_in",
    "upgrade_tables",
    "work",
]
