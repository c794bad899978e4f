"""The prompt texts of the product (src/prompts/), and how they become weighted token documents."""

from dataclasses import dataclass, field

import numpy as np

ANSWER = "Answer the question briefly, from the passages below and from what you know."
QUESTIONS = "Write {count} questions that the passage below answers, each with its answer, as a JSON list and nothing else."
REWRITE = "Rewrite the passage below in other words. Keep every name, number and date."
REASON = "Answer the question from the passages below and from what you know. Reason step by step, then give the answer."
CLUES = "Write lines of text that are likely to stand in a document that answers the question below, one a line."
PARTS = "Write the short questions whose answers help to answer the question below, one a line."
KEY_POINTS = "Write the key points of the text above, one a line."
SPECIALS = ["<s>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "<pad>"]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def answer_start(passages, instruction=ANSWER) -> str:
    """User message of an answer prompt up to the question; passages are (title, text)."""
    parts = [instruction] + [f"Passage {i + 1}: {title}\n{text}" for i, (title, text) in enumerate(passages)]
    return "\n\n".join(parts)


def memory(title: str, text: str) -> str:
    """The beginning of a user's message that a remembered text makes; what is asked follows behind an empty line."""
    return f"Passage: {title}\n{text}"


def clues_question(question: str) -> str:
    return f"{CLUES}\n\nQuestion: {question}"


def answer_prompt(passages, question: str) -> str:
    """The whole conversation up to the model's answer, with the assistant's turn begun."""
    return f"<s><|user|>{answer_start(passages)}\n\nQuestion: {question}<|end|><|assistant|>The answer is"


def questions_prompt(title: str, text: str, count: int) -> str:
    return f"<s><|user|>{QUESTIONS.format(count=count)}\n\nPassage: {title}\n{text}<|end|><|assistant|>"


def rewrite_prompt(title: str, text: str) -> str:
    return f"<s><|user|>{REWRITE}\n\nPassage: {title}\n{text}<|end|><|assistant|>"


@dataclass
class TokenDocument:
    """Token ids with position, branch (0 is the prefix that every branch sees) and loss weight of each."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    start: int = 0
    branch: int = 0

    def begin_branch(self):
        if self.branch == 0:
            self.start = len(self.ids)
            self.weights[-1] = 0.0  # what follows the prefix differs from branch to branch
        self.branch += 1

    def add(self, ids, weight: float):
        """Appends tokens; `weight` is the loss weight of predicting them."""
        offset = len(self.ids) if self.branch == 0 else self.start + sum(b == self.branch for b in self.branches)
        self.positions += range(offset, offset + len(ids))
        self.ids += ids
        self.branches += [self.branch] * len(ids)
        self.weights += [weight] * len(ids)

    def arrays(self):
        """ids, positions, branches, targets, weights; a target is the next token of the same branch."""
        ids = np.array(self.ids)
        branches = np.array(self.branches)
        weights = np.array(self.weights, dtype=np.float32)
        targets = np.zeros_like(ids)
        shifted = np.zeros_like(weights)
        same = branches[1:] == branches[:-1]
        targets[:-1][same] = ids[1:][same]
        shifted[:-1][same] = weights[1:][same]
        return ids, np.array(self.positions), branches, targets, shifted
