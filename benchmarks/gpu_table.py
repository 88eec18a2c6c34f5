"""The table that `gpu.py` prints: a head, and a line for each measurement."""

from __future__ import annotations

from typing import Any


def head(header: dict[str, Any]) -> str:
    """What was measured on, and the head of the table."""
    peaks = header["peak_tflop_per_second"]
    lines = [f"{header['versions']} on {header['device'] or 'a CPU'}"]
    if peaks:
        of = ", ".join(f"{name} {peak:g}" for name, peak in peaks.items())
        lines.append(f"Peak by the data sheet, TFLOP/s: {of}.")
    else:
        lines.append("No peak is known of it (gpu_cards.py): shares are left out.")
    lines += [f"{name}: {text}." for name, text in header["compilations"].items()]
    lines.append("Aims are for one NVIDIA H200.")
    if header["device"] is None:
        lines.append("On a CPU, TF32 is float32, and memory that of the process.")
    lines.append("")
    lines.append(
        f"{'network':<13} {'work':<13} {'precision':<9} {'compiled':<8} passes "
        f"{'median':>9} {'(min to max)':>19}  TFLOP/s  of peak  memory  aim"
    )
    return "\n".join(lines)


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    names = (
        f"{row['preset']:<13} {row['work']:<13} {row['precision']:<9} "
        f"{row['compilation']:<8}"
    )
    failed = "".join(
        f"\n  not with {f['slices_of_a_pass']} slices in a pass: {f['error']}"
        for f in row.get("failed", [])
    )
    if "error" in row:
        return f"{names} failed: {row['error']}{failed}"
    spread = f"({row['seconds_min']:.4f} to {row['seconds_max']:.4f})"
    share = f"{row['share_of_peak']:.1%}" if "share_of_peak" in row else "-"
    return (
        f"{names} {row['passes']:>6} {row['seconds']:>7.4f} s {spread:>19} "
        f"{row['tflop_per_second']:>8.3f} {share:>8} "
        f"{row['peak_gib']:>5.1f} G  {_aim(row)}{failed}"
    )


def _aim(row: dict[str, Any]) -> str:
    if "aim_seconds" in row:
        return f"{row['aim_seconds']} s (published {row['published_seconds']} s)"
    if "aim_share_of_peak" in row:
        return f"{row['aim_share_of_peak']:.0%} of peak"
    return "-"
