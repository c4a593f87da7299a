"""Packing of a generative model's records into rows: ``blake3-pack/1`` (spec §13.12.4).

It is a function of seed, epoch, record ids and token counts alone, as the order of batches is.
"""

from collections.abc import Sequence

from lyrikstore.canon.digest import Digest
from lyrikstore.train.worker.order import epoch_order

PACKING = "blake3-pack/1"
"""The name of this packing in run manifests."""

WINDOW = 1024
"""Records of a window; rows are filled within one window."""

Row = list[int]
"""Positions of records, in the order of the row."""


def epoch_rows(
    records: Sequence[Digest], tokens: Sequence[int], *, most: int, seed: int, epoch: int
) -> list[Row]:
    """Return the rows of one epoch, each as positions of ``records``.

    The order of ``blake3-order/1`` is cut into windows of :data:`WINDOW` records. In a window
    records are sorted by token count, the longest first, of equals in that order, and each goes
    into the first row of the window that has room for it, or else into a new one. All rows are then
    sorted by the place of their first record in the order.

    Args:
        records: Record ids in storage order.
        tokens: The number of tokens of each record, at most ``most``.
        most: Most tokens of a row.
        seed: 0 to 2^64-1.
        epoch: From 0.
    """
    order = epoch_order(records, seed=seed, epoch=epoch)
    place = {record: number for number, record in enumerate(order)}
    rows: list[Row] = []
    for start in range(0, len(order), WINDOW):
        window = sorted(order[start : start + WINDOW], key=lambda at: (-tokens[at], place[at]))
        open_rows: list[tuple[Row, list[int]]] = []
        for at in window:
            for row, left in open_rows:
                if tokens[at] <= left[0]:
                    row.append(at)
                    left[0] -= tokens[at]
                    break
            else:
                open_rows.append(([at], [most - tokens[at]]))
        rows += [row for row, _ in open_rows]
    return sorted(rows, key=lambda row: place[row[0]])


def epoch_row_batches(
    records: Sequence[Digest],
    tokens: Sequence[int],
    *,
    most: int,
    size: int,
    seed: int,
    epoch: int,
) -> list[list[Row]]:
    """Return the batches of one epoch: the rows of :func:`epoch_rows`, ``size`` at a time."""
    rows = epoch_rows(records, tokens, most=most, seed=seed, epoch=epoch)
    return [rows[start : start + size] for start in range(0, len(rows), size)]
