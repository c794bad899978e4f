"""Trains prag-mini on the rounds of data.py until a wall-clock time; resumable, seeded, logged to WORK/train.jsonl.

    python train.py --work WORK --until 09:50

Progress is trained seconds over (trained seconds + seconds left), so a paused process only shortens its schedule. `--restart` begins a new
schedule (warm-up, plateau, decay) from the checkpoint: seconds and steps then count from there.
"""

import argparse
import datetime
import json
import os
import signal
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from model import Llama, Shape
from muon import Optimizer
from parallel import Workers

BATCH = {"short": 14, "long": 8, "full": 4}
CHECKPOINT_SECONDS = 300


def rate(progress: float, step: int, decay: float) -> float:
    """Learning-rate factor: 60 steps of warm-up, constant, then linear to 2 % over the last `decay` of the time."""
    return min(1.0, (step + 1) / 60) * min(1.0, 0.02 + 0.98 * (1 - progress) / decay)


def batches(path: Path, seed: int):
    """Batches of one round, short and long rows mixed; rows and batches are shuffled by the seed."""
    data = np.load(path)
    generator = np.random.default_rng(seed)
    out = []
    for group, size in BATCH.items():
        if f"{group}_ids" not in data:
            continue
        arrays = {n: data[f"{group}_{n}"] for n in ("ids", "positions", "documents", "branches", "targets", "weights")}
        order = generator.permutation(len(arrays["ids"]))
        for start in range(0, len(order) - size + 1, size):
            out.append({n: torch.from_numpy(a[order[start : start + size]].astype(np.float32 if n == "weights" else np.int64)) for n, a in arrays.items()})
    return [out[i] for i in generator.permutation(len(out))]


def attention_mask(documents, branches):
    """[B, T] ids of document and branch → additive bf16 mask [B, 1, T, T]: same document, not later, shared prefix or same branch."""
    length = documents.shape[1]
    same = documents[:, :, None] == documents[:, None, :]
    visible = (branches[:, None, :] == 0) | (branches[:, :, None] == branches[:, None, :])
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    mask = torch.zeros(same.shape, dtype=torch.bfloat16)
    return mask.masked_fill_(~(same & visible & causal), float("-inf")).unsqueeze(1)


def rounds(folder: Path, start: int):
    """Numbers of rounds in order from `start`; when a round is missing, an earlier one is used again."""
    number = start
    while True:
        available = sorted(int(p.stem) for p in folder.glob("[0-9]*.npz") if ".tmp" not in p.name)
        yield number, (number if number in available else available[number % len(available)])
        number += 1


class Run:
    """State of the run on disk: masters, optimizer, place in the data, seconds and tokens."""

    def __init__(self, options):
        self.folder = options.work
        torch.manual_seed(options.seed)
        self.model = Llama(Shape(layers=options.layers)).bfloat16()
        self.optimizer = Optimizer(self.model, options.muon_lr, options.adam_lr)
        self.workers = Workers(self.model, options.workers)
        self.place = {"round": 0, "batch": 0, "step": 0, "seconds": 0.0, "tokens": 0, "slots": 0, "from_step": 0, "from_seconds": 0.0}
        path = self.folder / "checkpoint.pt"
        if path.exists():
            state = torch.load(path)
            self.optimizer.load_state_dict(state["optimizer"])
            self.place.update(state["place"])
        if options.restart:
            self.place.update(from_step=self.place["step"], from_seconds=self.place["seconds"])

    def save(self):
        temporary = self.folder / "checkpoint.tmp"
        torch.save({"optimizer": self.optimizer.state_dict(), "place": self.place, "shape": self.model.shape.to_json()}, temporary)
        os.replace(temporary, self.folder / "checkpoint.pt")

    def log(self, row):
        with open(self.folder / "train.jsonl", "a") as file:
            file.write(json.dumps(row) + "\n")


def thinned(weights, seed: int):
    """Loss weights in which half of the plain text (weight up to 1) counts double and the rest not at all: the logits are a quarter of the work."""
    kept = torch.rand(weights.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    return torch.where(weights <= 1, 2 * weights * kept, weights)


def train_step(run, batch, factor):
    """One update; rows are shared out to the workers. Returns the mean losses of answers (weight above 2) and of everything else."""
    total = batch["weights"].sum()
    batch["weights"] = thinned(batch["weights"], run.place["step"])

    def row(index, r):
        part = {name: values[r : r + 1] for name, values in batch.items()}
        keep = part["weights"] > 0
        mask = attention_mask(part["documents"], part["branches"])
        losses = run.workers.twins[index].losses(part["ids"], part["positions"], mask, part["targets"], keep)
        weights = part["weights"][keep]
        run.workers.backward(index, (losses * weights).sum() / total)
        answers, losses = weights > 2, losses.detach()
        return losses[answers].sum(), answers.sum(), losses[~answers].sum(), (~answers).sum()

    sums = torch.tensor(run.workers.each(row, range(len(batch["ids"]))))
    run.optimizer.step(factor, run.workers)
    a, n, b, m = sums.sum(0).tolist()
    return a / max(n, 1), b / max(m, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--until", required=True, help="HH:MM, UTC, today")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--decay", type=float, default=0.6, help="share of the time in which the learning rate falls")
    parser.add_argument("--restart", action="store_true", help="begin a new schedule from the checkpoint")
    parser.add_argument("--adam-lr", type=float, default=4e-3)
    options = parser.parse_args()
    torch.set_num_threads(1)  # the workers are the parallelism
    hour, minute = map(int, options.until.split(":"))
    end = datetime.datetime.now(datetime.timezone.utc).replace(hour=hour, minute=minute, second=0).timestamp()
    run = Run(options)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stop.append(number))
    place, saved, durations, window = run.place, time.time(), [], []
    for number, source in rounds(run.folder / "rounds", place["round"]):
        place["round"] = number
        for index, batch in enumerate(batches(run.folder / "rounds" / f"{source:03d}.npz", options.seed * 1000 + number)):
            if index < place["batch"]:
                continue
            started = time.time()
            if started > end or stop:
                run.save()
                return
            trained = place["seconds"] - place["from_seconds"]
            progress = trained / (trained + end - started)
            factor = rate(progress, place["step"] - place["from_step"], options.decay)
            window.append(train_step(run, batch, factor))
            spent = time.time() - started
            durations = durations[-100:] + [spent]
            place["seconds"] += min(spent, 5 * statistics.median(durations))  # a pause is not training time
            place["step"] += 1
            place["batch"] = index + 1
            place["tokens"] += int((batch["documents"] >= 0).sum())
            place["slots"] += batch["ids"].numel()
            if place["step"] % 10 == 0:
                answer, other = np.nanmean(window, axis=0)
                run.log({**place, "source": source, "seconds": round(place["seconds"], 1), "answer": round(float(answer), 4), "other": round(float(other), 4),
                         "rate": round(factor, 4), "progress": round(progress, 4), "tokens_per_second": round(batch["ids"].numel() / spent), "clock": time.strftime("%H:%M:%S", time.gmtime())})
                window = []
            if time.time() - saved > CHECKPOINT_SECONDS:
                run.save()
                saved = time.time()
        place["batch"] = 0


if __name__ == "__main__":
    main()
