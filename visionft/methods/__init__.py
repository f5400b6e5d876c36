"""Fine-tuning methods: what trains when, at which rate, and how frozen is frozen."""

from visionft.methods.freeze import apply, frozen_below
from visionft.methods.inject import Edit, edit, fold, restore
from visionft.methods.optimizer import drop_state, set_rates
from visionft.methods.param_groups import Group, groups, parameter_groups
from visionft.methods.param_roles import BACKBONE_ROLES, Role, added, role_of, roles_trained
from visionft.methods.peft_format import AdapterFiles, adapter_files, load_peft
from visionft.methods.phases import phases
from visionft.methods.schedule import Facts, Schedule, State, from_phases, schedule

__all__ = [
    "BACKBONE_ROLES",
    "AdapterFiles",
    "Edit",
    "Facts",
    "Group",
    "Role",
    "Schedule",
    "State",
    "adapter_files",
    "added",
    "apply",
    "drop_state",
    "edit",
    "fold",
    "from_phases",
    "frozen_below",
    "groups",
    "load_peft",
    "parameter_groups",
    "phases",
    "restore",
    "role_of",
    "roles_trained",
    "schedule",
    "set_rates",
]
