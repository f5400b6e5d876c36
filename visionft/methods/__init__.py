"""Fine-tuning methods: what trains when, at which rate, and how frozen is frozen."""

from visionft.methods.freezing import apply
from visionft.methods.grouping import Group, groups, parameter_groups
from visionft.methods.optimizing import drop_state, set_rates
from visionft.methods.phasing import phases
from visionft.methods.roles import BACKBONE_ROLES, Role, role_of
from visionft.methods.scheduling import Facts, Schedule, State, from_phases, schedule

__all__ = [
    "BACKBONE_ROLES",
    "Facts",
    "Group",
    "Role",
    "Schedule",
    "State",
    "apply",
    "drop_state",
    "from_phases",
    "groups",
    "parameter_groups",
    "phases",
    "role_of",
    "schedule",
    "set_rates",
]
