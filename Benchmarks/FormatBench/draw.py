"""Reads what FormatBench prints, prints it as a table and draws it into the file that is named."""

from __future__ import annotations

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

MEASURES = [("bytes", "bytes an event"), ("encode_ns", "encoding, ns an event"), ("decode_ns", "decoding, ns an event")]


def main() -> None:
    rows = [json.loads(line) for line in sys.stdin]
    if not rows:
        raise SystemExit("nothing was measured")
    names = [row["format"] + (f", {row['batch']} a message" if row["batch"] > 1 else "") for row in rows]
    print("| format | bytes an event | encoding, ns | decoding, ns |\n|---|---:|---:|---:|")
    for name, row in zip(names, rows, strict=True):
        print(f"| {name} | {row['bytes']:.1f} | {row['encode_ns']:.0f} | {row['decode_ns']:.0f} |")
    figure, panels = plt.subplots(1, len(MEASURES), figsize=(13, 3.6), sharey=True)
    for panel, (key, title) in zip(panels, MEASURES, strict=True):
        bars = panel.barh(names, [row[key] for row in rows], color="#c0392b")
        panel.bar_label(bars, fmt="%.0f", padding=3)
        panel.set_title(title)
        # Room for the numbers behind the bars, and between those below them.
        panel.margins(x=0.25)
        panel.locator_params(axis="x", nbins=4)
    # The panels share their axis.
    panels[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(sys.argv[1], dpi=120)
    print(f"\ndrawn in {sys.argv[1]}")


if __name__ == "__main__":
    main()
