"""Muon (momentum orthogonalized by Newton-Schulz) for hidden matrices, AdamW for embedding and norms."""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Nearest semi-orthogonal matrix of g [rows, columns], by five Newton-Schulz steps in bf16."""
    a, b, c = COEFFICIENTS
    x = g.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).bfloat16()
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return (x.mT if tall else x).float()


class Optimizer:
    """fp32 master weights of a bf16 model: `step` reads the bf16 gradients, updates the masters, and writes the bf16 copies."""

    def __init__(self, model, muon_lr=0.02, adam_lr=4e-3, momentum=0.95, betas=(0.9, 0.95), decay=0.01):
        self.model, self.muon_lr, self.adam_lr = model, muon_lr, adam_lr
        self.momentum, self.betas, self.decay = momentum, betas, decay
        self.master = {name: p.detach().float().clone() for name, p in model.named_parameters()}
        self.state = {name: torch.zeros_like(m) for name, m in self.master.items()}
        self.second = {n: torch.zeros_like(m) for n, m in self.master.items() if not self.hidden(n)}
        self.steps = 0

    @staticmethod
    def hidden(name: str) -> bool:
        return "_proj" in name

    @torch.no_grad()
    def step(self, scale: float, workers):
        """One update with both learning rates times `scale`; gradients come from the workers, one task a parameter."""
        self.steps += 1
        parameters = dict(self.model.named_parameters())

        @torch.no_grad()
        def update(_, name):
            gradient = workers.gradient(name)
            (self.muon if self.hidden(name) else self.adam)(name, gradient, scale)
            parameters[name].copy_(self.master[name])

        workers.each(update, sorted(parameters, key=lambda n: -parameters[n].numel()))

    def muon(self, name, gradient, scale):
        buffer = self.state[name].mul_(self.momentum).add_(gradient)
        update = orthogonalize(gradient.add_(buffer, alpha=self.momentum))  # Nesterov
        factor = max(1.0, update.shape[-2] / update.shape[-1]) ** 0.5
        lr = self.muon_lr * scale
        self.master[name].mul_(1 - lr * self.decay).add_(update, alpha=-lr * factor)

    def adam(self, name, gradient, scale):
        b1, b2 = self.betas
        first = self.state[name].lerp_(gradient, 1 - b1)
        second = self.second[name].lerp_(gradient.square(), 1 - b2)
        denominator = (second / (1 - b2**self.steps)).sqrt_().add_(1e-8)
        self.master[name].addcdiv_(first, denominator, value=-self.adam_lr * scale / (1 - b1**self.steps))

    def state_dict(self):
        return {"master": self.master, "state": self.state, "second": self.second, "steps": self.steps}

    def load_state_dict(self, state):
        self.master, self.state, self.second, self.steps = (state[k] for k in ("master", "state", "second", "steps"))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self.master[name])
