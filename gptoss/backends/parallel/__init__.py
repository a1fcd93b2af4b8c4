"""Many processes (ranks), one model: each holds a shard, all take the same steps.

`world` is what torchrun says of this process; `plan` divides a geometry and `shard` reads one rank's part of a
checkpoint, as if it were a smaller model; `group` is the arithmetic between ranks. A backend that takes a shard and a
group needs to know no more than that.

Which steps are taken is decided by rank 0 alone: `leading` is its `TokenGenerator`, `following` what the other ranks
do, `crew` and `wire` the sockets between them, which also tell at once when a rank is gone.
"""
