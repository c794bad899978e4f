"""Trains the byte-level BPE tokenizer (8192 tokens, every digit alone) on the training text and writes tokenizer.json.

    python tokenizer.py --work WORK
"""

import argparse
import random
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import invented
import sources
from prompts import ANSWER, QUESTIONS, REWRITE, SPECIALS

PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def training_text(data: Path, work: Path, seed: int):
    """Simple English Wikipedia (a sample), SQuAD training paragraphs and questions, invented articles, and the prompts."""
    rng = random.Random(seed)
    for _ in range(2000):
        yield "\n".join([ANSWER, QUESTIONS, REWRITE, "The answer is", '[{"question": "', '", "answer": "', '"}, {"question": "', '"}]'])
    for article in sources.simplewiki(work):
        if rng.random() < 0.25:
            yield article["title"] + "\n" + article["text"][:1200]
    for row in sources.squad_train(data):
        yield row["context"] + "\n" + "\n".join(q for q, _ in row["pairs"])
    for row in sources.open_qa(data):
        yield row["question"] + " " + row["answers"][0]
    for _ in range(8000):
        entity = invented.make(rng)
        yield entity.title + "\n" + entity.text + "\n" + "\n".join(q for qs, _ in entity.facts for q in qs[:2])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=8192, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(training_text(options.data, options.work, options.seed), trainer)
    options.work.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.work / "tokenizer.json"))
    print("tokens:", tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
