"""Builds rounds of packed token rows from the training data and invented articles.

    python data.py --work WORK --rounds 0:6 --stage first
"""

import argparse
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import sources
from builder import FULL, SHORT, Builder

# Share of tokens by kind of document, for rows of SHORT tokens and for long rows, and the share of long rows.
STAGES = {
    "first": {"short": dict(wiki=44, invented=20, squad=16, closed=4, writing=6, article=6), "long": {}, "long_rows": 0.0, "length": 768, "in_situ": 0.1},
    "copy": {"short": dict(echo=14, turns=30, invented_short=20, wiki=16, squad=12, writing=8), "long": {}, "long_rows": 0.0, "length": 768, "in_situ": 0.8},
    "main": {"short": dict(wiki=24, invented=16, squad=24, closed=8, writing=11, rewriting=3, article=6),
             "long": dict(three_invented=30, three_wiki=28, three_squad=22, bridge=10, hotpot=10), "long_rows": 0.40, "length": 768, "in_situ": 0.12},
    "last": {"short": dict(wiki=20, invented=22, squad=26, closed=6, writing=12, rewriting=2, turns=10),
             "long": dict(three_invented=28, three_wiki=24, three_squad=28, bridge=10, hotpot=10), "long_rows": 0.40, "length": 1024, "in_situ": 0.12},
    "three": {"short": dict(wiki=16, invented=12, squad=36, closed=6, writing=18, turns=8, rewriting=4),
              "long": dict(three_invented=34, three_wiki=26, three_squad=30, bridge=6, hotpot=4), "long_rows": 0.55, "length": 768, "in_situ": 0.12},
    "worlds": {"short": dict(near=26, wiki=8, squad=24, closed=4, listing=22, again=8, clue=5, part=2),
               "long": dict(linked=22, three_invented=6, three_wiki=16, three_squad=24, open_question=16, hotpot=4, reasoning=7, comparing=5), "long_rows": 0.50, "length": 768, "in_situ": 0.12},
    "alike": {"short": dict(pick=30, near=20, wiki=9, squad=18, closed=2, listing=12, again=3, clue=2, part=1, article=5),
              "long": dict(linked=32, three_wiki=20, three_squad=24, open_question=12, hotpot=2, reasoning=5, comparing=5), "long_rows": 0.45, "length": 768, "in_situ": 0.12},
    "bind": {"short": dict(retold=34, pick=34, near=5, wiki=6, squad=8, listing=10, article=3),
             "long": dict(linked=35, three_wiki=25, three_squad=25, open_question=15), "long_rows": 0.2, "length": 768, "in_situ": 0.12},
    "final": {"short": dict(retold=6, pick=14, near=12, wiki=12, squad=18, closed=3, listing=24, again=4, clue=3, part=1, point=1, article=8),
              "long": dict(linked=26, three_wiki=20, three_squad=26, open_question=14, hotpot=3, reasoning=6, comparing=5), "long_rows": 0.45, "length": 1024,
              "full": dict(many=100), "full_rows": 0.08, "in_situ": 0.12},
    "finish": {"short": dict(retold=5, pick=14, near=10, wiki=9, squad=27, closed=3, listing=16, again=3, clue=3, part=1, point=1, article=8),
               "long": dict(linked=24, three_wiki=16, three_squad=32, open_question=14, hotpot=3, reasoning=5, comparing=6), "long_rows": 0.45, "length": 1024,
               "full": dict(many=100), "full_rows": 0.06, "in_situ": 0.12},
}


def pack(builder, shares, length, rows, counts):
    """Rows of `length` tokens: the kind furthest below its share comes next; first-fit into open rows."""
    done, open_rows = [], []
    total = dict.fromkeys(shares, 1e-6)
    while len(done) < rows:
        kind = min(shares, key=lambda k: total[k] / shares[k])
        document = builder.make(kind)
        total[kind] += 5  # a kind that fails again and again does not stop the others
        if document is None:
            continue
        total[kind] += len(document.ids)
        counts[kind] = counts.get(kind, 0) + len(document.ids)
        size = len(document.ids)
        row = next((r for r in open_rows if r[0] + size <= length), None)
        if row is None:
            row = [0, []]
            open_rows.append(row)
        row[0] += size
        row[1].append(document.arrays())
        if row[0] > length - 24 or len(open_rows) > 24:
            full = max(open_rows, key=lambda r: r[0])
            open_rows.remove(full)
            while length - full[0] > 64 and (filler := builder.small(length - full[0])):
                counts["filler"] = counts.get("filler", 0) + len(filler.ids)
                full[0] += len(filler.ids)
                full[1].append(filler.arrays())
            done.append(full[1])
    out = {name: np.zeros((rows, length), dtype) for name, dtype in
           (("ids", np.uint16), ("positions", np.uint16), ("documents", np.int16), ("branches", np.int16), ("targets", np.uint16), ("weights", np.float16))}
    out["documents"] -= 1
    out["ids"] += 5  # <pad>
    for r, documents in enumerate(done):
        at = 0
        for d, (ids, positions, branches, targets, weights) in enumerate(documents):
            end = at + len(ids)
            for name, value in zip(out, (ids, positions, d, branches, targets, weights)):
                out[name][r, at:end] = value
            at = end
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", default="0:6", help="first:end")
    parser.add_argument("--stage", choices=STAGES, default="main")
    parser.add_argument("--tokens", type=int, default=500_000, help="slots a round")
    parser.add_argument("--part", type=int, default=0, help="which of the parts of the articles")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--extract", action="store_true", help="only unpack the articles")
    options = parser.parse_args()
    sources.extract_simplewiki(options.data, options.work)
    if options.extract:
        return
    first, end = map(int, options.rounds.split(":"))
    stage = STAGES[options.stage]
    builder = Builder(Tokenizer.from_file(str(options.work / "tokenizer.json")), random.Random(f"{options.seed}-{first}"), options, stage)
    (options.work / "rounds").mkdir(exist_ok=True)
    for number in range(first, end):
        counts: dict[str, int] = {}
        long_rows, full_rows = int(options.tokens * stage["long_rows"] / stage["length"]), int(options.tokens * stage.get("full_rows", 0) / FULL)
        short_rows = (options.tokens - long_rows * stage["length"] - full_rows * FULL) // SHORT
        groups = {"short": pack(builder, stage["short"], SHORT, short_rows, counts)}
        if long_rows:
            groups["long"] = pack(builder, stage["long"], stage["length"], long_rows, counts)
        if full_rows:
            groups["full"] = pack(builder, stage["full"], FULL, full_rows, counts)
        path = options.work / "rounds" / f"{number:03d}.npz"
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, **{f"{g}_{n}": a for g, arrays in groups.items() for n, a in arrays.items()})
        temporary.rename(path)
        fill = {g: round(float((a["documents"] >= 0).mean()), 3) for g, a in groups.items()}
        print(path.name, "fill", fill, counts, flush=True)


if __name__ == "__main__":
    main()
