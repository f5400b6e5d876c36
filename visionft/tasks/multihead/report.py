"""What a page shows of several heads: each answer of each photo by itself, as a classifier's."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from visionft.tasks.multihead.head_layout import EQUALS

TRUTH, LABEL, PROBABILITY = "_truth", "_label", "_probability"


class HeadsReport:
    """The page of several heads."""

    def answers(self, table: pa.Table) -> pa.Table:
        """Return a row for each known label of each photo: path, truth and label such as `colour=red`, and the like.

        Args:
            table: a row a photo, as `heads_table` makes them.
        """
        names = set(table.column_names)
        heads = [
            name.removesuffix(TRUTH)
            for name in table.column_names
            if name.endswith(TRUTH) and name.removesuffix(TRUTH) + LABEL in names
        ]
        return pa.concat_tables([_of_head(table, head) for head in heads])


def _of_head(table: pa.Table, head: str) -> pa.Table:
    table = table.filter(pc.is_valid(table[head + TRUTH]))
    truth, label = (pc.binary_join_element_wise(head, table[head + part], EQUALS) for part in (TRUTH, LABEL))
    return pa.table(
        {
            "path": table["path"],
            "truth": truth,
            "label": label,
            "probability": table[head + PROBABILITY],
            "truth_probability": table[f"{head}{TRUTH}{PROBABILITY}"],
            "correct": pc.equal(truth, label),
        }
    )


REPORT = HeadsReport()
