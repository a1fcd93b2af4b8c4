/* The forward pass of gpt-oss on a CPU: bfloat16 weights as they are stored, everything else in float32.
 *
 * A row's result never depends on the rows computed with it, on the number of threads or on the width of the
 * processor's registers: every sum runs over 16 partial sums in the order of the elements, and those are added as a
 * tree. So a prompt gives the same bits prefilled whole, in parts, or token by token.
 *
 * Plain C with GCC's vector extensions (clang has them too), compiled on the machine that runs it. `native.py` says
 * what the structures hold; matrices are row-major.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define ROWS 6          /* rows that share a weight on its way through the registers */
#define WEIGHT_ROWS 16  /* rows of a matrix that stay in the cache while all inputs pass */
#define KEYS 64         /* keys that stay in the cache while the heads that share them pass */
#define WORTH_SHARING (1L << 22) /* multiplications from which on threads pay: some 0.3 ms of one core */

typedef uint16_t bf16;
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef bf16 narrow __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

typedef struct {
    long window; /* positions that a token sees, its own included; 0: all */
    const float *attention_norm;
    const bf16 *qkv;
    const float *qkv_bias;
    const float *sinks;
    const bf16 *out;
    const float *out_bias;
    const float *experts_norm;
    const bf16 *router;
    const float *router_bias;
    const bf16 *up; /* [experts, 2 * inner, hidden], gate and up rows in turn */
    const float *up_bias;
    const bf16 *down; /* [experts, hidden, inner] */
    const float *down_bias;
} Layer;

typedef struct {
    long hidden, inner, layers, heads, kv_heads, head_dim, experts, per_token, vocabulary;
    float alpha, limit, eps;
    const bf16 *embedding;
    const float *norm;
    const bf16 *unembedding;
    const Layer *layer;
} Model;

/* ---- vectors ---- */

static inline vec widen(const bf16 *p) {
    return (vec)(__builtin_convertvector(*(const narrow *)p, bits) << 16);
}

static inline vec part(const float *p, long count) {
    vec v = {0};
    memcpy(&v, p, count * sizeof(float));
    return v;
}

static inline vec widen_part(const bf16 *p, long count) {
    bf16 padded[LANES] = {0};
    memcpy(padded, p, count * sizeof(bf16));
    return widen(padded);
}

static inline float total(vec v) {
    float sums[LANES];
    memcpy(sums, &v, sizeof v);
    for (int width = LANES / 2; width; width /= 2)
        for (int i = 0; i < width; i++) sums[i] += sums[i + width];
    return sums[0];
}

/* e**x within 2 units in the last place; 0 below -87 */
static inline vec exponential(vec x) {
    const float magic = 12582912.0f; /* 1.5 * 2**23: adding it rounds to a whole number */
    ints tiny = x < -87.0f;
    vec capped = (vec)(((ints)x & ~tiny) | (tiny & (ints)(vec){0}));
    ints huge = capped > 88.0f;
    capped = (vec)(((ints)capped & ~huge) | (huge & (ints)((vec){0} + 88.0f)));
    vec shifted = capped * 1.44269504f + magic;
    vec n = shifted - magic;
    vec r = capped - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    ints exponent = ((ints)shifted - (ints)((vec){0} + magic)) << 23;
    return (vec)((((ints)p) + exponent) & ~tiny);
}

/* ---- products ---- */

/* sums[r] = x[r] . w for a constant number of rows */
static inline __attribute__((always_inline)) void dots(
    float *sums, const float *x, long stride, const bf16 *w, long count, const int rows) {
    vec acc[ROWS];
    for (int r = 0; r < rows; r++) acc[r] = (vec){0};
    long k = 0;
    for (; k + LANES <= count; k += LANES) {
        vec wk = widen(w + k);
        for (int r = 0; r < rows; r++) acc[r] += *(const vec *)(x + r * stride + k) * wk;
    }
    if (k < count) {
        vec wk = widen_part(w + k, count - k);
        for (int r = 0; r < rows; r++) acc[r] += part(x + r * stride + k, count - k) * wk;
    }
    for (int r = 0; r < rows; r++) sums[r] = total(acc[r]);
}

static void some_dots(float *sums, const float *x, long stride, const bf16 *w, long count, int rows) {
    switch (rows) {
    case 1: dots(sums, x, stride, w, count, 1); break;
    case 2: dots(sums, x, stride, w, count, 2); break;
    case 3: dots(sums, x, stride, w, count, 3); break;
    case 4: dots(sums, x, stride, w, count, 4); break;
    case 5: dots(sums, x, stride, w, count, 5); break;
    default: dots(sums, x, stride, w, count, ROWS);
    }
}

/* y [rows, out] = x [rows, in] w [out, in]^T + bias */
static void product(float *y, const float *x, const bf16 *w, const float *bias, long rows, long out, long in,
                    int threads) {
#pragma omp parallel for schedule(static) num_threads(threads) if (rows * out * in >= WORTH_SHARING)
    for (long block = 0; block < out; block += WEIGHT_ROWS) {
        long end = block + WEIGHT_ROWS < out ? block + WEIGHT_ROWS : out;
        for (long r = 0; r < rows; r += ROWS) {
            int some = rows - r < ROWS ? (int)(rows - r) : ROWS;
            for (long n = block; n < end; n++) {
                float sums[ROWS];
                some_dots(sums, x + r * in, in, w + n * in, in, some);
                for (int i = 0; i < some; i++) y[(r + i) * out + n] = bias ? sums[i] + bias[n] : sums[i];
            }
        }
    }
}

static void norm(float *y, const float *x, const float *scale, long rows, long width, float eps) {
    for (long r = 0; r < rows; r++, x += width, y += width) {
        vec squares = {0};
        long k = 0;
        for (; k + LANES <= width; k += LANES) {
            vec v = *(const vec *)(x + k);
            squares += v * v;
        }
        if (k < width) {
            vec v = part(x + k, width - k);
            squares += v * v;
        }
        float factor = 1.0f / sqrtf(total(squares) / width + eps);
        for (k = 0; k < width; k++) y[k] = x[k] * factor * scale[k];
    }
}

/* ---- attention ---- */

static inline float dot(const float *a, const float *b, long count) {
    vec acc = {0};
    long k = 0;
    for (; k + LANES <= count; k += LANES) acc += *(const vec *)(a + k) * *(const vec *)(b + k);
    if (k < count) acc += part(a + k, count - k) * part(b + k, count - k);
    return total(acc);
}

/* out [head_dim] += sum over keys of weight * value */
static inline void mix(float *out, const float *weights, const float *values, long keys, long head_dim) {
    long d = 0;
    for (; d + 4 * LANES <= head_dim; d += 4 * LANES) {
        vec acc[4];
        memcpy(acc, out + d, sizeof acc);
        for (long j = 0; j < keys; j++)
            for (int i = 0; i < 4; i++) acc[i] += weights[j] * *(const vec *)(values + j * head_dim + d + i * LANES);
        memcpy(out + d, acc, sizeof acc);
    }
    for (; d + LANES <= head_dim; d += LANES) {
        vec acc = *(vec *)(out + d);
        for (long j = 0; j < keys; j++) acc += weights[j] * *(const vec *)(values + j * head_dim + d);
        *(vec *)(out + d) = acc;
    }
    if (d < head_dim) {
        vec acc = part(out + d, head_dim - d);
        for (long j = 0; j < keys; j++) acc += weights[j] * part(values + j * head_dim + d, head_dim - d);
        memcpy(out + d, &acc, (head_dim - d) * sizeof(float));
    }
}

/* scores [count], padded to whole vectors, become weights that sum to 1 together with the sink's */
static void softmax(float *scores, long count, float sink) {
    long padded = (count + LANES - 1) / LANES * LANES;
    float most = sink;
    for (long j = 0; j < count; j++) most = scores[j] > most ? scores[j] : most;
    for (long j = count; j < padded; j++) scores[j] = -INFINITY;
    vec sums = {0};
    for (long j = 0; j < padded; j += LANES) {
        vec e = exponential(*(vec *)(scores + j) - most);
        *(vec *)(scores + j) = e;
        sums += e;
    }
    float whole = total(sums) + exponential((vec){0} + (sink - most))[0];
    for (long j = 0; j < count; j++) scores[j] /= whole;
}

/* One token's query heads that share the keys `k` and values `v` [keys, head_dim]; `scores` [group, padded keys]. */
static void attend(float *out, const float *q, const float *k, const float *v, const float *sinks, long keys,
                   long group, long head_dim, float *scores) {
    long stride = (keys + LANES - 1) / LANES * LANES;
    float scale = 1.0f / sqrtf((float)head_dim);
    for (long j = 0; j < keys; j += KEYS)
        for (long g = 0; g < group; g++)
            for (long i = j; i < keys && i < j + KEYS; i++)
                scores[g * stride + i] = dot(q + g * head_dim, k + i * head_dim, head_dim) * scale;
    for (long g = 0; g < group; g++) softmax(scores + g * stride, keys, sinks[g]);
    memset(out, 0, group * head_dim * sizeof(float));
    for (long j = 0; j < keys; j += KEYS)
        for (long g = 0; g < group; g++)
            mix(out + g * head_dim, scores + g * stride + j, v + j * head_dim, keys - j < KEYS ? keys - j : KEYS,
                head_dim);
}

/* Turn heads [heads, head_dim] of one token: the two halves of a head are the pairs' coordinates. */
static void rotate(float *x, const float *cosines, const float *sines, long heads, long head_dim) {
    long half = head_dim / 2;
    for (long h = 0; h < heads; h++, x += head_dim)
        for (long d = 0; d < half; d++) {
            float a = x[d], b = x[d + half];
            x[d] = a * cosines[d] - b * sines[d];
            x[d + half] = b * cosines[d] + a * sines[d];
        }
}

/* `normed` [count, hidden] through attention, added to x; `cache` is [2 * kv_heads, capacity, head_dim] */
static int attention(const Model *m, const Layer *layer, float *x, const float *normed, long count, long start,
                     float *cache, long capacity, const float *cosines, const float *sines, int threads) {
    long head_dim = m->head_dim, heads = m->heads, kv_heads = m->kv_heads, group = heads / kv_heads;
    long width = (heads + 2 * kv_heads) * head_dim, mixed_width = heads * head_dim;
    long padded = (start + count + LANES - 1) / LANES * LANES;
    float *qkv = malloc(count * width * sizeof(float));
    float *mixed = malloc(count * mixed_width * sizeof(float));
    float *projected = malloc(count * m->hidden * sizeof(float));
    int failed = !qkv || !mixed || !projected;
    if (!failed) {
        product(qkv, normed, layer->qkv, layer->qkv_bias, count, width, m->hidden, threads);
        for (long t = 0; t < count; t++) {
            float *token = qkv + t * width;
            rotate(token, cosines + t * head_dim / 2, sines + t * head_dim / 2, heads + kv_heads, head_dim);
            for (long h = 0; h < 2 * kv_heads; h++)
                memcpy(cache + (h * capacity + start + t) * head_dim, token + (heads + h) * head_dim,
                       head_dim * sizeof(float));
        }
        long most = layer->window && layer->window < start + count ? layer->window : start + count;
#pragma omp parallel num_threads(threads) if (count * mixed_width * most >= WORTH_SHARING)
        {
            float *scores = malloc(group * padded * sizeof(float));
            if (!scores) {
#pragma omp atomic write
                failed = 1;
            }
#pragma omp for schedule(dynamic, 4) collapse(2)
            for (long h = 0; h < kv_heads; h++)
                for (long t = 0; t < count; t++) {
                    if (!scores) continue;
                    long last = start + t + 1;
                    long first = layer->window && last > layer->window ? last - layer->window : 0;
                    attend(mixed + t * mixed_width + h * group * head_dim, qkv + t * width + h * group * head_dim,
                           cache + (h * capacity + first) * head_dim,
                           cache + ((kv_heads + h) * capacity + first) * head_dim, layer->sinks + h * group,
                           last - first, group, head_dim, scores);
                }
            free(scores);
        }
        product(projected, mixed, layer->out, layer->out_bias, count, m->hidden, mixed_width, threads);
        for (long i = 0; i < count * m->hidden; i++) x[i] += projected[i];
    }
    free(qkv), free(mixed), free(projected);
    return failed;
}

/* ---- experts ---- */

/* values [rows, 2 * inner], gates and ups in turn, to [rows, inner] */
static void swiglu(float *y, const float *values, long rows, long inner, float alpha, float limit) {
    for (long i = 0; i < rows * inner; i += LANES) {
        long some = rows * inner - i < LANES ? rows * inner - i : LANES;
        vec gate = {0}, up = {0};
        for (long j = 0; j < some; j++) {
            float g = values[2 * (i + j)], u = values[2 * (i + j) + 1];
            gate[j] = g > limit ? limit : g;
            up[j] = u > limit ? limit : u < -limit ? -limit : u;
        }
        vec result = gate / (1.0f + exponential(gate * -alpha)) * (up + 1.0f);
        memcpy(y + i, &result, some * sizeof(float));
    }
}

/* The `per_token` largest scores, largest first, the lower expert of equals first, and their softmax. */
static void choose(const float *scores, long experts, long per_token, long *chosen, float *weights) {
    for (long n = 0; n < per_token; n++) {
        long best = -1;
        for (long e = 0; e < experts; e++) {
            int taken = 0;
            for (long i = 0; i < n; i++) taken |= chosen[i] == e;
            if (!taken && (best < 0 || scores[e] > scores[best])) best = e;
        }
        chosen[n] = best;
    }
    float sum = 0;
    for (long n = 0; n < per_token; n++) {
        weights[n] = exponential((vec){0} + (scores[chosen[n]] - scores[chosen[0]]))[0];
        sum += weights[n];
    }
    for (long n = 0; n < per_token; n++) weights[n] /= sum;
}

/* `normed` [count, hidden] through each token's experts, added to x */
static int experts(const Model *m, const Layer *layer, float *x, const float *normed, long count, int threads) {
    long hidden = m->hidden, inner = m->inner, k = m->per_token, choices = count * k;
    float *scores = malloc(count * m->experts * sizeof(float));
    long *chosen = malloc(choices * sizeof(long));
    float *weights = malloc(choices * sizeof(float));
    long *places = malloc(choices * sizeof(long)); /* where a choice's row is, with an expert's rows side by side */
    float *inputs = malloc(choices * hidden * sizeof(float));
    float *raised = malloc(choices * 2 * inner * sizeof(float));
    float *active = malloc(choices * inner * sizeof(float));
    float *outputs = malloc(choices * hidden * sizeof(float));
    int failed = !scores || !chosen || !weights || !places || !inputs || !raised || !active || !outputs;
    if (!failed) {
        product(scores, normed, layer->router, layer->router_bias, count, m->experts, hidden, threads);
        for (long t = 0; t < count; t++)
            choose(scores + t * m->experts, m->experts, k, chosen + t * k, weights + t * k);
        long begin = 0;
        for (long e = 0; e < m->experts; e++) {
            long rows = 0;
            for (long c = 0; c < choices; c++)
                if (chosen[c] == e) {
                    places[c] = begin + rows++;
                    memcpy(inputs + places[c] * hidden, normed + c / k * hidden, hidden * sizeof(float));
                }
            if (!rows) continue;
            float *mine = raised + begin * 2 * inner;
            product(mine, inputs + begin * hidden, layer->up + e * 2 * inner * hidden, layer->up_bias + e * 2 * inner,
                    rows, 2 * inner, hidden, threads);
            swiglu(active + begin * inner, mine, rows, inner, m->alpha, m->limit);
            product(outputs + begin * hidden, active + begin * inner, layer->down + e * hidden * inner,
                    layer->down_bias + e * hidden, rows, hidden, inner, threads);
            begin += rows;
        }
        for (long t = 0; t < count; t++)
            for (long i = 0; i < hidden; i++) {
                float sum = 0;
                for (long n = 0; n < k; n++) sum += weights[t * k + n] * outputs[places[t * k + n] * hidden + i];
                x[t * hidden + i] += sum;
            }
    }
    free(scores), free(chosen), free(weights), free(places);
    free(inputs), free(raised), free(active), free(outputs);
    return failed;
}

/* ---- what Python calls: 0, or 1 when memory ran out ---- */

/* x [count, hidden]: the last hidden states of `ids`, which follow `start` cached tokens. `caches` has one pointer per
 * layer; `cosines` and `sines` [count, head_dim / 2] are those of the tokens' positions. */
int forward(const Model *m, float *x, const int64_t *ids, long count, long start, float *const *caches, long capacity,
            const float *cosines, const float *sines, int threads) {
    float *normed = malloc(count * m->hidden * sizeof(float));
    int failed = !normed;
    for (long t = 0; t < count && !failed; t++)
        for (long i = 0; i < m->hidden; i++) {
            uint32_t wide = (uint32_t)m->embedding[ids[t] * m->hidden + i] << 16;
            memcpy(x + t * m->hidden + i, &wide, sizeof wide);
        }
    for (long n = 0; n < m->layers && !failed; n++) {
        const Layer *layer = m->layer + n;
        norm(normed, x, layer->attention_norm, count, m->hidden, m->eps);
        failed = attention(m, layer, x, normed, count, start, caches[n], capacity, cosines, sines, threads);
        if (failed) break;
        norm(normed, x, layer->experts_norm, count, m->hidden, m->eps);
        failed = experts(m, layer, x, normed, count, threads);
    }
    free(normed);
    return failed;
}

/* y [rows, vocabulary] of hidden states x [rows, hidden] */
int logits(const Model *m, float *y, const float *x, long rows, int threads) {
    float *normed = malloc(rows * m->hidden * sizeof(float));
    if (!normed) return 1;
    norm(normed, x, m->norm, rows, m->hidden, m->eps);
    product(y, normed, m->unembedding, NULL, rows, m->vocabulary, m->hidden, threads);
    free(normed);
    return 0;
}
