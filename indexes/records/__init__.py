"""Reading CSV files from any program into records, and problems with their line numbers."""

from indexes.records.checking import CheckReport, NearDuplicate, check_file, format_report
from indexes.records.difference import Difference, difference
from indexes.records.model import KnowledgeBase, Problem, Record, Source
from indexes.records.placeholders import has_answer, may_be_volunteered
from indexes.records.reading import parse_records, read_bytes, read_records

__all__ = [
    "CheckReport",
    "Difference",
    "KnowledgeBase",
    "NearDuplicate",
    "Problem",
    "Record",
    "Source",
    "check_file",
    "difference",
    "format_report",
    "has_answer",
    "may_be_volunteered",
    "parse_records",
    "read_bytes",
    "read_records",
]
