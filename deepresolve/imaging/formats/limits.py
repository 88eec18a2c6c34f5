"""How large a scan may become: small files that promise very much are refused.

A few bytes can ask for all the memory of a machine: a zip or a deflated file that
inflates a thousand times, a header of 65,535 rows and columns. No scan does that, for
noise does not compress.
"""

from __future__ import annotations

MAX_BYTES = 8 * 2**30
# Whatever their files hold, scans up to this size are no danger.
HARMLESS_BYTES = 2**30
# Scans shrink to a half; synthetic ones without noise to a thirtieth.
MAX_GROWTH = 100


def check_growth(promised: int, stored: int, subject: str) -> None:
    """Refuses what would take far more memory than a scan of that many bytes.

    Args:
      promised: bytes when unpacked.
      stored: bytes in the file.
      subject: what promises; begins the message.

    Raises:
      ValueError: more than `MAX_BYTES`, or more than `HARMLESS_BYTES` and `MAX_GROWTH`
        times what is stored.
    """
    if promised > MAX_BYTES:
        raise ValueError(
            f"{subject} unpacks to {promised / 2**30:.1f} GiB; at most "
            f"{MAX_BYTES / 2**30:.0f} GiB are read. Give each scan by itself."
        )
    if promised > HARMLESS_BYTES and promised > MAX_GROWTH * stored:
        raise ValueError(
            f"{subject} unpacks to {promised / 2**30:.1f} GiB from {stored} bytes; no "
            "scan does. It is damaged, or made to fill the memory; export it again."
        )
