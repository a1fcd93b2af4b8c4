"""Drawing a token on the card: the function of `gptoss.backends.sampling.draw`, without top_p.

In two steps: chunks of the vocabulary are summed side by side, then one program finds the chunk that the random number
falls into, and the token within it.
"""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait

COLDEST = tl.constexpr(1e-30)


@triton.jit
def summarise(
    logits_ptr,
    temperature_ptr,
    summaries_ptr,
    VOCABULARY: tl.constexpr,
    CHUNK: tl.constexpr,
    CHUNKS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: [CHUNKS, tokens]. logits float32 [tokens, vocabulary]; summaries float32 [tokens, 3, CHUNKS]: the largest
    logit of a chunk, and the sums of exp(logit - largest) at the temperature and at temperature 1."""
    chunk = tl.program_id(0)
    token = tl.program_id(1)
    logits_ptr += token * VOCABULARY
    summaries_ptr += token * 3 * CHUNKS
    ids = chunk * CHUNK + tl.arange(0, CHUNK)
    wait(DEPENDENT)
    logits = tl.load(logits_ptr + ids, ids < VOCABULARY, float("-inf"))
    temperature = tl.maximum(tl.load(temperature_ptr), COLDEST)
    largest = tl.max(logits, 0)
    tl.store(summaries_ptr + chunk, largest)
    tl.store(summaries_ptr + CHUNKS + chunk, tl.sum(tl.exp((logits - largest) / temperature), 0))
    tl.store(summaries_ptr + 2 * CHUNKS + chunk, tl.sum(tl.exp(logits - largest), 0))


@triton.jit
def mix(x):
    """See `gptoss.backends.sampling._mix`. uint64."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB
    return x ^ (x >> 31)


@triton.jit
def uniform(seed, position):
    """See `gptoss.backends.sampling.uniform`. float64."""
    counter = (position + 1).to(tl.uint64) * 0x9E3779B97F4A7C15
    return (mix(mix(seed.to(tl.uint64)) + counter) >> 11).to(tl.float64) * 1.1102230246251565e-16


@triton.jit
def draw(
    logits_ptr,
    temperature_ptr,
    seed_ptr,
    summaries_ptr,
    position_ptr,
    token_ptr,
    logprob_ptr,
    embedding_ptr,
    hidden_ptr,
    first,
    end,
    VOCABULARY: tl.constexpr,
    CHUNK: tl.constexpr,
    CHUNKS: tl.constexpr,
    CHUNKS_BLOCK: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDTH_BLOCK: tl.constexpr,
    TOKENS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: TOKENS. Draws the tokens that follow `position` and those after it; a single one is moved to, and begins
    the next step.

    logits and summaries as above; seed, position int64 [1], position in and out; token int32 [TOKENS], -1 where the
    logits are no numbers; logprob float32 [TOKENS], at temperature 1; embedding bf16 [end - first, width], of the
    tokens from `first` on; hidden float32 [1, width], 0 for other tokens.
    """
    row = tl.program_id(0)
    logits_ptr += row * VOCABULARY
    summaries_ptr += row * 3 * CHUNKS
    wait(DEPENDENT)
    chunks = tl.arange(0, CHUNKS_BLOCK)
    there = chunks < CHUNKS
    largest = tl.load(summaries_ptr + chunks, there, float("-inf"))
    sums = tl.load(summaries_ptr + CHUNKS + chunks, there, 0.0).to(tl.float64)
    plain = tl.load(summaries_ptr + 2 * CHUNKS + chunks, there, 0.0).to(tl.float64)
    best = tl.max(largest, 0)
    asked = tl.load(temperature_ptr)
    temperature = tl.maximum(asked, COLDEST)
    position = tl.load(position_ptr) + row + 1

    sums = tl.where(there, sums * tl.exp((largest - best) / temperature).to(tl.float64), 0.0)
    running = tl.cumsum(sums, 0)
    goal = uniform(tl.load(seed_ptr), position) * tl.sum(sums, 0)
    drawn = tl.minimum(tl.sum((running <= goal).to(tl.int32), 0), CHUNKS - 1)
    first_best = tl.min(tl.where(largest == best, chunks, CHUNKS - 1), 0)
    chunk = tl.where(asked == 0, first_best, drawn)
    rest = goal - tl.sum(tl.where(chunks < chunk, sums, 0.0), 0)

    within = tl.arange(0, CHUNK)
    ids = chunk * CHUNK + within
    logits = tl.load(logits_ptr + ids, ids < VOCABULARY, float("-inf"))
    weights = tl.exp((logits - best) / temperature).to(tl.float64)
    passed = tl.cumsum(weights, 0) <= rest
    # The chunk's sum and its running sum differ in their last bits: past the end, its last possible token was meant.
    last = tl.max(tl.where(weights > 0, within, 0), 0)
    found = tl.minimum(tl.sum(passed.to(tl.int32), 0), last)
    likeliest = tl.min(tl.where(logits == best, within, CHUNK - 1), 0)
    index = tl.where(asked == 0, likeliest, found)
    token = chunk * CHUNK + index
    logit = tl.sum(tl.where(within == index, logits, 0.0), 0)
    normaliser = tl.log(tl.sum(tl.where(there, plain * tl.exp(largest - best).to(tl.float64), 0.0), 0).to(tl.float32))
    check = best + tl.sum(tl.where(there, plain, 0.0), 0).to(tl.float32)
    usable = (check - check) == 0.0  # neither an infinity nor NaN
    token = tl.where(usable, token, 0)
    tl.store(logprob_ptr + row, tl.minimum(logit - best - normaliser, 0.0))
    tl.store(token_ptr + row, tl.where(usable, token, -1))
    if TOKENS == 1:
        tl.store(position_ptr, position)
        columns = tl.arange(0, WIDTH_BLOCK)
        own = (token >= first) & (token < end)
        begins = tl.load(embedding_ptr + (token - first).to(tl.int64) * WIDTH + columns, (columns < WIDTH) & own, 0.0)
        tl.store(hidden_ptr + columns, begins.to(tl.float32), columns < WIDTH)
