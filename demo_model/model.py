"""gpt-oss as a differentiable function of a batch of packed conversations.

The numerics are those of the published model: RMSNorm, grouped-query attention with learned sinks, a sliding window of
128 in every other layer, YaRN, and a softmax over the top experts, whose SwiGLU is clamped and interleaved. Weights are
kept in float32 and cast on use, so that training computes with exactly the bf16 weights that will be shipped.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from demo_model.mxfp4 import fake_quantise
from gptoss.backends.demo.codes import NO_PIECE, PIECES, WIDTH, codes


@dataclass(frozen=True)
class Geometry:
    """Sizes under the names of a Hugging Face config.json."""

    vocab_size: int = 201_088
    hidden_size: int = 192
    intermediate_size: int = 192
    num_hidden_layers: int = 6
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 64
    num_local_experts: int = 8
    num_experts_per_tok: int = 2
    sliding_window: int = 128
    rope_theta: float = 150_000.0
    rope_factor: float = 2.0
    rope_beta_fast: float = 32.0
    rope_beta_slow: float = 1.0
    original_max_position_embeddings: int = 4096
    swiglu_limit: float = 7.0
    rms_norm_eps: float = 1e-5

    def as_dict(self) -> dict[str, float | int]:
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """Packed conversations, all int32 [rows, length] but `sampled`, which is bool.

    Conversation and branch of a token are told apart by `trunk` and `branch`: a token sees the tokens of its own branch
    and the first `fork` of its trunk, none of them behind its `position`. Padding has a trunk of its own.
    """

    tokens: Tensor
    position: Tensor
    trunk: Tensor
    branch: Tensor
    fork: Tensor
    sampled: Tensor

    def visible(self, window: int | None = None) -> Tensor:
        """bool [rows, length, length]: whether a query (first) sees a key (last)."""
        distance = self.position[:, :, None] - self.position[:, None, :]
        on_trunk = (self.branch == 0)[:, None, :] & (self.position[:, None, :] < self.fork[:, :, None])
        seen = on_trunk | (self.branch[:, :, None] == self.branch[:, None, :])
        seen &= (self.trunk[:, :, None] == self.trunk[:, None, :]) & (distance >= 0)
        return seen & (distance < window) if window else seen


class Embeddings(nn.Module):
    """Rows for the tokens that training sees often; for all others a row for each shape of word, and the token's code.

    `row` int64 [vocabulary] says which row a token has: 0 to shapes - 1 are shared, the others a single token's.
    `spelling` int64 [vocabulary, 2] are the tokens whose codes stand beside a word's own (`demo_model.spelling`).
    """

    codes: Tensor
    row: Tensor
    seen: Tensor
    shape: Tensor
    spelling: Tensor

    def __init__(self, geometry: Geometry, shape: Tensor, spelling: Tensor, seen: Tensor) -> None:
        super().__init__()
        shapes = int(shape.max()) + 1
        row = shape.long().clone()
        row[seen] = torch.arange(len(seen)) + shapes
        # The last code, of all zeros, is that of no token.
        signs = F.pad(torch.from_numpy(codes(geometry.vocab_size)), (0, 0, 0, 1))
        self.register_buffer("codes", signs, persistent=False)
        self.register_buffer("row", row, persistent=False)
        self.register_buffer("seen", seen, persistent=False)
        self.register_buffer("shape", shape, persistent=False)
        pieces = spelling.long()
        self.register_buffer("spelling", pieces.masked_fill(pieces == NO_PIECE, geometry.vocab_size), persistent=False)
        rows = (shapes + len(seen), geometry.hidden_size)
        self.input = nn.Parameter(torch.randn(rows) * 0.5)
        self.output = nn.Parameter(torch.randn(rows) * 0.02)
        # Seen tokens begin with their codes too, so that copying is one skill for all tokens.
        self.input_code = nn.Parameter(torch.tensor([0.5, 0.5]))
        self.output_code = nn.Parameter(torch.tensor([0.2]))

    def embed(self, tokens: Tensor, dtype: torch.dtype) -> Tensor:
        tokens = tokens.long()
        return (F.embedding(self.row[tokens], self.input) + self.coded_input(tokens)).to(dtype)

    def unembedding(self, tokens: Tensor, dtype: torch.dtype) -> Tensor:
        """The rows of the unembedding matrix for these tokens, [tokens, hidden]."""
        tokens = tokens.long()
        return (F.embedding(self.row[tokens], self.output) + self.coded_output(tokens)).to(dtype)

    def coded_input(self, tokens: Tensor) -> Tensor:
        """What the embedding of int64 tokens [...] holds beside its row, [..., hidden]."""
        own, pieces = self.input_code
        code = torch.cat((self.codes[tokens] * own, self.codes[self.spelling[tokens]].flatten(-2) * pieces), -1)
        return F.pad(code, (0, self.input.shape[1] - (1 + PIECES) * WIDTH))

    def coded_output(self, tokens: Tensor) -> Tensor:
        return F.pad(self.codes[tokens] * self.output_code, (0, self.output.shape[1] - WIDTH))


class RMSNorm(nn.Module):
    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(geometry.hidden_size))
        self.eps = geometry.rms_norm_eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * self.scale.to(x.dtype).float()).to(x.dtype)


class Linear(nn.Module):
    """With weights [out, in] cast to the activations' type."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * gain / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


def rotation(geometry: Geometry, position: Tensor) -> tuple[Tensor, Tensor]:
    """YaRN's cosines and sines, float32 [..., head_dim / 2] (https://arxiv.org/abs/2309.00071, section 3)."""
    half = geometry.head_dim // 2
    period = geometry.rope_theta ** (torch.arange(half, device=position.device, dtype=torch.float32) / half)

    def dimension(turns: float) -> float:
        """Which dimension makes so many turns within the original context."""
        length = geometry.original_max_position_embeddings
        return half * math.log(length / (turns * 2 * math.pi)) / math.log(geometry.rope_theta)

    low, high = dimension(geometry.rope_beta_fast), dimension(geometry.rope_beta_slow)
    ramp = ((torch.arange(half, device=position.device, dtype=torch.float32) - low) / (high - low)).clamp(0, 1)
    frequency = ramp / (geometry.rope_factor * period) + (1 - ramp) / period
    angle = position[..., None].float() * frequency
    concentration = 0.1 * math.log(geometry.rope_factor) + 1.0
    return angle.cos() * concentration, angle.sin() * concentration


def _rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """x [rows, length, heads, head_dim]."""
    first, second = x.float().chunk(2, -1)
    cosines, sines = cosines[:, :, None], sines[:, :, None]
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        g = self.geometry = geometry
        self.norm = RMSNorm(g)
        self.q_proj = Linear(g.hidden_size, g.num_attention_heads * g.head_dim)
        self.k_proj = Linear(g.hidden_size, g.num_key_value_heads * g.head_dim)
        self.v_proj = Linear(g.hidden_size, g.num_key_value_heads * g.head_dim)
        self.o_proj = Linear(g.num_attention_heads * g.head_dim, g.hidden_size, 1 / math.sqrt(2 * g.num_hidden_layers))
        self.sinks = nn.Parameter(torch.zeros(g.num_attention_heads))

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """`mask` as `attention_mask` makes it."""
        g = self.geometry
        normed = self.norm(x)
        q = _rotate(self.q_proj(normed).unflatten(-1, (-1, g.head_dim)), *rotary)
        k = _rotate(self.k_proj(normed).unflatten(-1, (-1, g.head_dim)), *rotary)
        v = self.v_proj(normed).unflatten(-1, (-1, g.head_dim))
        # The sink is one more key, which every query sees, with a value of zero. Its score must be the same for any
        # query: so queries get dimensions that hold the sink of their head, which only that key answers to. Eight of
        # them, and eight keys of which seven are masked, because the kernels want multiples of eight.
        groups = g.num_attention_heads // g.num_key_value_heads
        k, v = (t.repeat_interleave(groups, 2) for t in (k, v))
        sinks = (self.sinks.to(x.dtype) * math.sqrt(g.head_dim)).view(1, 1, -1, 1).expand(*q.shape[:3], 1)
        q = torch.cat((q, F.pad(sinks, (0, 7))), -1)
        k = F.pad(k, (0, 8, 0, 0, 0, 8))
        k[:, -8, :, g.head_dim] = 1
        v = F.pad(v, (0, 0, 0, 0, 0, 8))
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):  # the others know no such mask
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1 / math.sqrt(g.head_dim))
        return x + self.o_proj(attended.transpose(1, 2).flatten(2))


def attention_mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """[rows, 1, length, length + 8] of 0 and -inf: the first of the eight more keys is the sink."""
    rows, length, _ = visible.shape
    sink = torch.zeros(rows, length, 8, dtype=torch.bool, device=visible.device)
    sink[..., 0] = True
    hidden = ~torch.cat((visible, sink), -1)
    return torch.zeros(hidden.shape, dtype=dtype, device=visible.device).masked_fill_(hidden, -math.inf)[:, None]


def swiglu(
    gate: Tensor, linear: Tensor, gate_bias: Tensor, linear_bias: Tensor, weights: Tensor, limit: float
) -> Tensor:
    """The experts' clamped activation times their weights; gate and linear part [tokens, experts * inner]."""
    gate = (gate + gate_bias).clamp(max=limit)
    linear = (linear + linear_bias).clamp(-limit, limit)
    active = gate * torch.sigmoid(1.702 * gate) * (linear + 1)
    return (active.unflatten(-1, (weights.shape[-1], -1)) * weights[..., None]).flatten(-2)


class Experts(nn.Module):
    """All experts are computed for every token and weighted, mostly with zero: for a tiny model that is the fastest.

    `activation` is `swiglu`, or what `torch.compile` made of it: by itself it takes a third of a step.
    """

    activation = staticmethod(swiglu)

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        g = self.geometry = geometry
        experts, hidden, inner = g.num_local_experts, g.hidden_size, g.intermediate_size
        self.norm = RMSNorm(g)
        self.router = Linear(hidden, experts)
        self.gate_up = nn.Parameter(torch.randn(experts, 2 * inner, hidden) / math.sqrt(hidden))
        self.gate_up_bias = nn.Parameter(torch.zeros(experts, 2 * inner))
        gain = 1 / math.sqrt(2 * g.num_hidden_layers * inner)
        self.down = nn.Parameter(torch.randn(experts, hidden, inner) * gain)
        self.down_bias = nn.Parameter(torch.zeros(experts, hidden))

    def forward(self, x: Tensor, quantised: bool) -> tuple[Tensor, Tensor]:
        """x [tokens, hidden]; also gives the load-balancing loss of the router."""
        g = self.geometry
        inner = g.intermediate_size
        normed = self.norm(x)
        scores = self.router(normed)
        top, chosen = scores.topk(g.num_experts_per_tok, -1)
        weights = torch.zeros_like(scores).scatter(-1, chosen, top.softmax(-1))
        gate_up, down = (fake_quantise(w) if quantised else w for w in (self.gate_up, self.down))
        # Gate and linear part are interleaved in the checkpoint. Here the weights are parted, not the activations.
        gate_up = gate_up.to(x.dtype).view(g.num_local_experts, inner, 2, g.hidden_size)
        bias = self.gate_up_bias.to(x.dtype).view(g.num_local_experts, inner, 2)
        gate = normed @ gate_up[:, :, 0].flatten(0, 1).T
        linear = normed @ gate_up[:, :, 1].flatten(0, 1).T
        active = self.activation(gate, linear, bias[..., 0].flatten(), bias[..., 1].flatten(), weights, g.swiglu_limit)
        out = active @ down.to(x.dtype).transpose(1, 2).flatten(0, 1) + weights @ self.down_bias.to(x.dtype)
        share = torch.zeros_like(scores, dtype=torch.float32).scatter(-1, chosen, 1.0).mean(0)
        balance = (share * scores.float().softmax(-1).mean(0)).sum() * g.num_local_experts / g.num_experts_per_tok
        return x + out, balance


class Model(nn.Module):
    def __init__(self, geometry: Geometry, shape: Tensor, spelling: Tensor, seen: Tensor) -> None:
        super().__init__()
        self.geometry = geometry
        self.embeddings = Embeddings(geometry, shape, spelling, seen)
        self.attention = nn.ModuleList(Attention(geometry) for _ in range(geometry.num_hidden_layers))
        self.experts = nn.ModuleList(Experts(geometry) for _ in range(geometry.num_hidden_layers))
        self.norm = RMSNorm(geometry)

    def forward(self, batch: Batch, tokens: Tensor, *, dtype: torch.dtype, quantised: bool) -> tuple[Tensor, Tensor]:
        """The last hidden states [rows, length, hidden], normed, and the router's loss.

        `tokens` are the batch's, or what stands for them.
        """
        x = self.embeddings.embed(tokens, dtype)
        rotary = rotation(self.geometry, batch.position)
        full = attention_mask(batch.visible(), dtype)
        sliding = attention_mask(batch.visible(self.geometry.sliding_window), dtype)
        balance = torch.zeros((), device=x.device)
        for layer, (attention, experts) in enumerate(zip(self.attention, self.experts, strict=True)):
            x = attention(x, rotary, sliding if layer % 2 == 0 else full)
            flat, unbalanced = experts(x.flatten(0, 1), quantised)
            x = flat.view_as(x)
            balance = balance + unbalanced
        return self.norm(x), balance / self.geometry.num_hidden_layers
