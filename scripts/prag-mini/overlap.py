"""Checks that the example corpus shares no eight words in a row with anything the model was trained on, and counts the questions
of the evaluation sets that do.

    python overlap.py --work WORK --repository ROOT --out ROOT/models/prag-mini/overlap.json
"""

import argparse
import hashlib
import itertools
import json
import re
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import sources
from train import BATCH

SIZE = 8


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def grams(text: str):
    tokens = words(text)
    return (" ".join(tokens[i : i + SIZE]) for i in range(len(tokens) - SIZE + 1))


def atlas_files(root: Path) -> list[Path]:
    files = [*(root / "examples/atlas/documents").glob("*.md"), root / "examples/atlas/questions.jsonl"]
    return sorted((f for f in files if f.exists()), key=lambda f: f.relative_to(root).as_posix())


def digest(root: Path, files) -> str:
    """sha256 over path, newline, bytes, newline of each file."""
    total = hashlib.sha256()
    for file in files:
        total.update(file.relative_to(root).as_posix().encode() + b"\n" + file.read_bytes() + b"\n")
    return total.hexdigest()


def strings(value):
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def source_text(data: Path, work: Path):
    """The sources themselves, whole: more than any round holds of them."""
    for held_out in (False, True):
        for article in sources.simplewiki(work, held_out):
            yield article["text"]
    for name in ("squad_train_44_articles", "hotpotqa_with_contexts", "hotpotqa_qa_only", "open_qa"):
        for row in sources.rows(data / "train" / f"{name}.jsonl.gz"):
            yield from strings(row)


def training_text(work: Path):
    """Every document of all rounds, detokenized; a question is read after its passages and alone."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    for path in sorted((work / "rounds").glob("[0-9]*.npz")):
        data = np.load(path)
        for group in BATCH:
            if f"{group}_ids" not in data:
                continue
            ids, documents, branches = (data[f"{group}_{n}"] for n in ("ids", "documents", "branches"))
            texts = []
            for r in range(len(ids)):
                for d in range(documents[r].max() + 1):
                    inside = documents[r] == d
                    texts += [ids[r][inside & (branches[r] == b)].tolist() for b in range(branches[r][inside].max() + 1)]
            yield from tokenizer.decode_batch(texts, skip_special_tokens=True)


def evaluation_questions(data: Path):
    """Questions of each evaluation set as lists of their eight words in a row."""
    for path in sorted((data / "eval").glob("*.jsonl.gz")):
        if not path.name.startswith(("wikipedia_", "bamboo_")):
            yield path.name.removesuffix(".jsonl.gz"), [list(grams(row["question"])) for row in sources.rows(path)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--repository", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    files = atlas_files(options.repository)
    texts = []
    for file in files:
        text = file.read_text()
        texts += [s for line in text.splitlines() for s in strings(json.loads(line))] if file.suffix == ".jsonl" else [text]
    checked = {g for text in texts for g in grams(text)}
    evaluated = dict(evaluation_questions(options.data))
    asked = {g for questions in evaluated.values() for question in questions for g in question}
    wanted, found = checked | asked, set()
    log = [json.loads(line) for line in (options.work / "train.jsonl").read_text().splitlines()]
    for text in itertools.chain(training_text(options.work), source_text(options.data, options.work)):
        found.update(wanted.intersection(grams(text)))
    shared = checked & found
    report = {"atlasSha256": digest(options.repository, files), "trainingTokens": log[-1]["tokens"], "eightGramsChecked": len(checked), "shared": sorted(shared),
              "evaluationQuestions": {name: {"questions": len(rows), "sharingEightWords": sum(bool(found.intersection(r)) for r in rows)} for name, rows in evaluated.items()}}
    print(len(files), "files", json.dumps(report, ensure_ascii=False)[:2000])
    if options.out:
        options.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
