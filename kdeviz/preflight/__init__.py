"""What to know about a file before a fit: facts, findings, and fixes that can be undone."""

from kdeviz.preflight.checks import preflight
from kdeviz.preflight.findings import Facts, Finding, Fix, Preflight, apply
from kdeviz.preflight.group_check import all_checks, checks_before_a_fit, finding_of, group_finding

__all__ = [
    "Facts",
    "Finding",
    "Fix",
    "Preflight",
    "all_checks",
    "apply",
    "checks_before_a_fit",
    "finding_of",
    "group_finding",
    "preflight",
]
