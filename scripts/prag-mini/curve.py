"""Draws the training curve of a run as an SVG picture: mean loss of answers and of all other tokens over tokens seen.

    python curve.py --work WORK --out ../../models/prag-mini/curve.svg
"""

import argparse
import json
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 320, 48, 24, 40
SERIES = (("answer", "#1b6ca8", "answers"), ("other", "#c0661a", "all other tokens"))
BIN = 250_000


def means(rows, name):
    """[(millions of tokens, mean loss)] of bins of BIN tokens."""
    bins: dict[int, list[float]] = {}
    for row in rows:
        bins.setdefault(row["tokens"] // BIN, []).append(row[name])
    return [((b + 0.5) * BIN / 1e6, sum(v) / len(v)) for b, v in sorted(bins.items())]


def restarts(rows):
    """Millions of tokens at which a new learning-rate schedule began."""
    return [b["tokens"] / 1e6 for a, b in zip(rows, rows[1:]) if b.get("from_step", 0) != a.get("from_step", 0)]


def picture(rows) -> str:
    last = rows[-1]["tokens"] / 1e6
    top = max(value for name, *_ in SERIES for _, value in means(rows, name))

    def at(x, y):
        return f"{LEFT + x / last * (WIDTH - LEFT - 16):.1f},{TOP + (1 - y / top) * (HEIGHT - TOP - BOTTOM):.1f}"

    def text(x, y, value, anchor="middle"):
        px, py = at(x, y).split(",")
        return f'<text x="{float(px) - (8 if anchor == "end" else 0):.1f}" y="{float(py) + (18 if anchor == "middle" else 4):.1f}" text-anchor="{anchor}">{value}</text>'

    step = max(1, round(last / 8))
    parts = [text(x, 0, x) for x in range(0, int(last) + 1, step)] + [text(0, y, y, "end") for y in range(int(top) + 1)]
    parts += [f'<polyline points="{at(0, y)} {at(last, y)}" fill="none" stroke="#ddd"/>' for y in range(int(top) + 1)]
    parts += [f'<polyline points="{at(x, 0)} {at(x, top)}" fill="none" stroke="#888" stroke-dasharray="4 4"/>' for x in restarts(rows)]
    for i, (name, colour, label) in enumerate(SERIES):
        parts.append(f'<polyline points="{" ".join(at(x, y) for x, y in means(rows, name))}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - 24}" y="{TOP + 18 * (i + 1)}" text-anchor="end" fill="{colour}">{label}</text>')
    parts.append(f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">million tokens (dashed: a new learning-rate schedule, and harder documents)</text>')
    parts.append(f'<text x="{LEFT}" y="14">loss, nats a token</text>')
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with open(options.work / "train.jsonl") as file:
        options.out.write_text(picture([json.loads(line) for line in file]))


if __name__ == "__main__":
    main()
