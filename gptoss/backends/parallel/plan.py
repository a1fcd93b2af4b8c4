"""Which part of a model each of several ranks holds and computes. Pure numbers: nothing here imports torch.

Attention is cut by heads of keys and values, each with the query heads that share it. Where there are more ranks than
such heads, several ranks keep the same keys and share out its query heads. Experts are cut along their intermediate
dimension in groups of 32, which is how MXFP4 packs them: every rank has a part of every expert, so that all have the
same work whichever experts a token goes through. Groups and query heads that cannot be shared out evenly go one to each
of the first ranks. Embedding and unembedding are cut by tokens, evenly but for the last ranks.
"""

from msgspec import Struct
from msgspec.structs import replace

from gptoss.backends.config import ModelConfig
from gptoss.engine.errors import BackendError

_GROUP = 32


class Plan(Struct, frozen=True, kw_only=True):
    """The part of one rank, as ranges of the whole model: query heads, heads of keys and values, each expert's
    intermediate values, tokens. `config` is the geometry of the part alone, `whole` that of the model."""

    rank: int
    size: int
    whole: ModelConfig
    heads: range
    kv_heads: range
    inner: range
    tokens: range

    @property
    def config(self) -> ModelConfig:
        return replace(
            self.whole,
            num_attention_heads=len(self.heads),
            num_key_value_heads=len(self.kv_heads),
            intermediate_size=len(self.inner),
            vocab_size=len(self.tokens),
        )

    @property
    def leads(self) -> bool:
        """Whether this rank adds what is to be added once: biases of products that are summed over the ranks."""
        return self.rank == 0


def plan(config: ModelConfig, rank: int, size: int) -> Plan:
    """The part of rank `rank` of `size`. BackendError names the numbers of ranks that can share the model."""
    if not _divides(config, size):
        *most, last = map(str, sizes(config))
        valid = f"{', '.join(most)} or {last}" if most else last
        raise BackendError(
            f"{size} ranks cannot share this model, which has {config.num_attention_heads} heads of queries over "
            f"{config.num_key_value_heads} of keys and values: start {valid}"
        )
    kv_heads, group = config.num_key_value_heads, config.num_attention_heads // config.num_key_value_heads
    if size <= kv_heads:
        keys = _share(kv_heads, size, rank)
        heads = range(keys.start * group, keys.stop * group)
    else:
        sharing = size // kv_heads
        keys = range(rank // sharing, rank // sharing + 1)
        mine = _share(group, sharing, rank % sharing)
        heads = range(keys.start * group + mine.start, keys.start * group + mine.stop)
    groups = _share(-(-config.intermediate_size // _GROUP), size, rank)
    return Plan(
        rank=rank,
        size=size,
        whole=config,
        heads=heads,
        kv_heads=keys,
        inner=range(groups.start * _GROUP, min(groups.stop * _GROUP, config.intermediate_size)),
        tokens=_tokens(config, size, rank),
    )


def sizes(config: ModelConfig) -> list[int]:
    """The numbers of ranks that can share a model."""
    return [size for size in range(1, config.num_attention_heads + 1) if _divides(config, size)]


def _divides(config: ModelConfig, size: int) -> bool:
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    shares_heads = 0 < size <= heads and (kv_heads % size == 0 or size % kv_heads == 0)
    return shares_heads and size <= -(-config.intermediate_size // _GROUP) and len(_tokens(config, size, size - 1)) > 0


def _share(count: int, size: int, rank: int) -> range:
    """The rank's part of `count` things in their order; the first ranks have one more where they do not divide."""
    each, more = divmod(count, size)
    start = rank * each + min(rank, more)
    return range(start, start + each + (rank < more))


def _tokens(config: ModelConfig, size: int, rank: int) -> range:
    """Equal parts but for the last ones, so that what the ranks know of the vocabulary can be gathered as one."""
    each = -(-config.vocab_size // size)
    return range(min(rank * each, config.vocab_size), min((rank + 1) * each, config.vocab_size))
