"""The report of a run or an evaluation: one file of HTML that needs nothing else, and the same facts as JSON.

It is made of what lies in the folder already, so it can be made again, and nothing is decided by it.
"""

from visionft.reporting.write_report import attempt, report_evaluation, report_run

__all__ = ["attempt", "report_evaluation", "report_run"]
