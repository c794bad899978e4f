"""Readers of the training data beside the checkout; nothing from eval/ is read here."""

import gzip
import html
import json
import re
import tarfile
from collections import OrderedDict
from pathlib import Path
from urllib.parse import unquote

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HELD_OUT = 40  # one article in forty is never trained on


def extract_simplewiki(data: Path, work: Path) -> Path:
    """Unpacks the corpus into WORK/raw once."""
    target = work / "raw"
    if not (target / "simplewiki").exists():
        target.mkdir(parents=True, exist_ok=True)
        with tarfile.open(data / "corpora" / "simplewiki.tar.xz") as archive:
            archive.extractall(target)
    return target / "simplewiki"


def simplewiki(work: Path, held_out: bool = False):
    """Articles {id, title, text} of at least 200 characters, in file order; `held_out` gives the other part."""
    for path in sorted((work / "raw" / "simplewiki").glob("*/wiki_*")):
        with open(path, encoding="utf-8") as file:
            for line in file:
                article = json.loads(line)
                if len(article["text"]) >= 200 and (int(article["id"]) % HELD_OUT == 0) == held_out:
                    article["text"] = clean(article["text"])
                    yield article


def clean(text: str) -> str:
    text = html.unescape(text)
    text = re.sub(r"\(\s*[,;]*\s*\)", "", text)
    text = re.sub(r"[ \t\u00a0]+", " ", text)
    return re.sub(r" ([,.;])", r"\1", text).strip()


def rows(path: Path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def squad_train(data: Path):
    """Paragraphs {title, context, pairs: [(question, answer)]} of the 44 training articles."""
    grouped: OrderedDict = OrderedDict()
    for row in rows(data / "train" / "squad_train_44_articles.jsonl.gz"):
        context = row["contexts"][0]
        key = (context["title"], context["text"])
        grouped.setdefault(key, []).append((row["question"].strip(), min(row["answers"], key=len).strip()))
    return [{"title": unquote(t).replace("_", " "), "context": re.sub(r"\s+", " ", c).strip(), "pairs": p} for (t, c), p in grouped.items()]


def open_qa(data: Path):
    return list(rows(data / "train" / "open_qa.jsonl.gz")) + list(rows(data / "train" / "hotpotqa_qa_only.jsonl.gz"))


def hotpot(data: Path):
    return list(rows(data / "train" / "hotpotqa_with_contexts.jsonl.gz"))


def musique(data: Path):
    with gzip.open(data / "train" / "musique_train100.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def squad_dev(data: Path):
    """Evaluation only."""
    return list(rows(data / "eval" / "squad_dev_part1.jsonl.gz"))
