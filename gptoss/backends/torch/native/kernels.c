/* The forward pass of gpt-oss on a CPU: weights as they are stored (MXFP4, bfloat16 or float32) or narrowed to 8 bits,
 * the rest in float32.
 *
 * A row's result depends neither on the rows computed with it nor on the number of threads: every sum runs over 16
 * partial sums in the order of the elements, and those are added as a tree. So a prompt gives the same bits prefilled
 * whole, in parts, or token by token. Compiled for AVX2 or for AVX512 it also gives the same bits: the width of the
 * registers only decides how many of the 16 one instruction takes; and MXFP4 (`mxfp4.h`) and 8 bits (`int8.h`) are
 * multiplied in whole numbers in both. Without fused multiplication the last bits are others; and AVX512-BF16 multiplies
 * other weights, and inputs rounded to bfloat16, in pairs.
 *
 * C with GCC's vector extensions (clang has them too). `model.py` fills the structures; matrices are row-major.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define SUMS 16 /* partial sums of a sum; also the keys of the cache that lie side by side */

/* LANES: floats of a register. ROWS, COLUMNS: inputs and weight rows multiplied with one another in the registers. */
#if defined __AVX512F__
#define LANES 16
#define ROWS 6
#define COLUMNS 4
#elif defined __AVX2__ && defined __FMA__
#define LANES 8
#define ROWS 3
#define COLUMNS 2
#else
#define LANES 4
#define ROWS 1
#define COLUMNS 2
#endif

/* MXFP4 is multiplied with inputs in fixed point, unless all is to be computed in float32. */
#if LANES >= 8 && !defined EXACT
#define FIXED
#endif

/* Bfloat16 weights are multiplied in pairs, with inputs that are rounded to bfloat16, where there are instructions for it. */
#if defined __AVX512BF16__ && !defined EXACT
#define PAIRS
#endif

#define PARTS (SUMS / LANES)
#define STREAMS (LANES == 4 ? 4 : 8) /* weight rows read at a time for one input, if each fills a page; ... */
#define FEW (PARTS == 1 ? 2 : 1) /* ... of shorter ones as few as keep the multipliers busy */
#define PAGE 4096
#define AHEAD 384       /* bytes of each fetched into the cache before they are needed */
#define TILE 16         /* weight rows unpacked at a time, ... */
#define BLOCK 384       /* ... so many of their weights: they stay in the first cache ... */
#define INPUTS 48       /* ... while so many inputs pass, which stay in the second */
#define TASK (1L << 18) /* weights, about, that a thread takes at a time for a single input; ... */
#define LEAST (1L << 16) /* ... or fewer, down to these, so that each has ... */
#define TASKS 16        /* ... so many tasks, and all end at about the same time */
#define QUERIES (LANES == 4 ? 2 : LANES / 2) /* queries that meet 16 keys or values in the registers */
#define KEYS 64         /* keys that stay in the first cache while the queries pass */
#define GROUP 32        /* weights that share a scale; inputs are padded to a multiple of it */
#define WORTH_SHARING (1L << 20) /* multiplications from which on threads pay: some 0.1 ms of one core */

/* Keeps a value in its register: GCC would read it from memory again for each multiplication. */
#if LANES == 16
#define KEEP(value) __asm__("" : "+v"(value))
#elif LANES == 8
#define KEEP(value) __asm__("" : "+x"(value))
#else
#define KEEP(value) (void)value
#endif

#define ALWAYS static inline __attribute__((always_inline))

typedef uint16_t bf16;
typedef float quarter __attribute__((vector_size(16)));
typedef float half __attribute__((vector_size(32)));
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef bf16 narrow __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

enum kind { FLOAT32, BFLOAT16, MXFP4, INT8 };

typedef struct {
    const void *weights;   /* [out, in]; for MXFP4 two of them a byte, the first in the low half; INT8: see int8.h */
    const uint8_t *scales; /* MXFP4: [out, in / 32], exponents with a bias of 127 */
    const float *bias;     /* [out], or none */
    long out, in;
    enum kind kind;
} Matrix;

/* Of several ranks each has a part of the heads, of the experts' inner values and of the vocabulary. This sums what all
 * of them have computed, x [count], in place. None: there is only one. Returns 0, or 1 when that cannot be. */
typedef int Sum(float *x, long count);

/* Asked before each layer: whether to stop. None: nobody will ask for it. */
typedef int Stop(void);

typedef struct {
    long window; /* positions that a token sees, its own included; 0: all */
    const float *attention_norm;
    Matrix qkv[3];
    const float *sinks;
    Matrix out;
    const float *experts_norm;
    Matrix router;
    const Matrix *up; /* [experts] of [2 * inner, hidden], gate and up rows in turn */
    const Matrix *down;
} Layer;

typedef struct {
    long hidden, inner, layers, heads, kv_heads, head_dim, experts, per_token;
    float alpha, limit, eps;
    Matrix embedding;
    const float *norm;
    Matrix unembedding;
    const Layer *layer;
    long first; /* the token of the embedding's first row; where another rank has a token's row, the values are 0 */
    Sum *sum;
} Model;

/* ---- vectors ---- */

ALWAYS vec load(const float *p) { return *(const vec *)p; }

ALWAYS void store(float *p, vec v) { *(vec *)p = v; }

ALWAYS vec all(float x) { return (vec){0} + x; }

ALWAYS vec widen(const bf16 *p) {
#if LANES == 16 /* written out, since GCC makes several instructions of a conversion */
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif LANES == 8
    return (vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#else
    return (vec)(__builtin_convertvector(*(const narrow *)p, bits) << 16);
#endif
}

/* a * b + c */
ALWAYS vec fma_(vec a, vec b, vec c) {
#if LANES == 16
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES == 8
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* The sum of 16 partial sums: i and i + 8, then i and i + 4, and so on. */
ALWAYS float total(const vec *sums) {
#if LANES == 16
    half eight = (half)_mm512_castps512_ps256((__m512)sums[0]) + (half)_mm512_extractf32x8_ps((__m512)sums[0], 1);
#elif LANES == 8
    half eight = (half)sums[0] + (half)sums[1];
#endif
#if LANES >= 8
    quarter four = (quarter)_mm256_castps256_ps128((__m256)eight) + (quarter)_mm256_extractf128_ps((__m256)eight, 1);
#else
    quarter four = ((quarter)sums[0] + (quarter)sums[2]) + ((quarter)sums[1] + (quarter)sums[3]);
#endif
    return (four[0] + four[2]) + (four[1] + four[3]);
}

ALWAYS float as_float(uint32_t pattern) {
    float x;
    memcpy(&x, &pattern, sizeof x);
    return x;
}

/* 2 ** (exponent - 127): the pattern of a float32, of which the smallest is subnormal */
ALWAYS float power(uint8_t exponent) { return as_float((uint32_t)exponent << 23 | (uint32_t)!exponent << 22); }

ALWAYS bf16 to_bf16(float x) { /* to the nearest, ties to even */
    uint32_t pattern;
    memcpy(&pattern, &x, sizeof pattern);
    if (x != x) return 0x7fc0;
    return (pattern + 0x7fff + (pattern >> 16 & 1)) >> 16;
}

ALWAYS vec either(ints mask, vec yes, vec no) { return (vec)((mask & (ints)yes) | (~mask & (ints)no)); }

/* e**x within 2 units in the last place, for x up to 88; 0 below -87 */
ALWAYS vec exponential(vec x) {
    const float magic = 12582912.0f; /* 1.5 * 2**23: adding it rounds to a whole number */
    ints tiny = x < -87.0f;
    vec capped = either(x > 88.0f, all(88.0f), either(tiny, all(0.0f), x));
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
    ints exponent = ((ints)shifted - (ints)all(magic)) << 23;
    return either(tiny, all(0.0f), (vec)((ints)p + exponent));
}

/* ---- products ---- */

/* What is multiplied, `WIDTH` of them in a register: float32, or bfloat16 in pairs. */
#ifdef PAIRS
typedef bf16 element;
typedef uint32_t operand __attribute__((vector_size(64), aligned(2), may_alias));

ALWAYS vec multiply_add(operand x, operand w, vec sums) {
    return (vec)_mm512_dpbf16_ps((__m512)sums, (__m512bh)x, (__m512bh)w);
}

ALWAYS element pack_one(float x) { return to_bf16(x); }
#else
typedef float element;
typedef vec operand;

ALWAYS vec multiply_add(operand x, operand w, vec sums) { return fma_(x, w, sums); }

ALWAYS element pack_one(float x) { return x; }
#endif

#define WIDTH (long)(sizeof(operand) / sizeof(element))
#define FILLS (GROUP / WIDTH) /* registers that a group of weights takes */

ALWAYS operand fetch(const element *p) { return *(const operand *)p; }

#ifndef FIXED
#if LANES != 8
static const float VALUES[16] = {0, .5f, 1, 1.5f, 2, 3, 4, 6, -0.f, -.5f, -1, -1.5f, -2, -3, -4, -6};
#endif

/* A group of MXFP4: 16 bytes, and 2 ** (exponent - 127). Every value is exact in float32, and in bfloat16. */
ALWAYS void fp4_group(operand *w, const uint8_t *p, float scale) {
#if LANES == 16
    vec table = *(const vec *)VALUES * scale;
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    /* A byte in 64 bits, and again 28 higher: each weight is then the low 4 of 32 bits, which is what an index reads. */
    __m512i first = _mm512_cvtepu8_epi64(bytes), second = _mm512_cvtepu8_epi64(_mm_srli_si128(bytes, 8));
    first = _mm512_or_si512(first, _mm512_slli_epi64(first, 28));
    second = _mm512_or_si512(second, _mm512_slli_epi64(second, 28));
    w[0] = (vec)_mm512_permutexvar_ps(first, (__m512)table);
    w[1] = (vec)_mm512_permutexvar_ps(second, (__m512)table);
#elif LANES == 8
    /* The bytes are laid out so that the floats' upper halves, looked up byte by byte, come to lie in order: those of
     * weights 0 to 7 below those of 8 to 15 in one register, and 16 to 23 below 24 to 31 in the other. */
    const __m256i order = _mm256_setr_epi8(0, 4, 0, 4, 1, 5, 1, 5, 8, 12, 8, 12, 9, 13, 9, 13,
                                           2, 6, 2, 6, 3, 7, 3, 7, 10, 14, 10, 14, 11, 15, 11, 15);
    const __m256i high = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0x3f, 0x3f, 0x3f, 0x40, 0x40, 0x40, 0x40, -128, -65, -65, -65, -64, -64, -64, -64));
    const __m256i low = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, -128, -64, 0, 0x40, -128, -64, 0, 0, -128, -64, 0, 0x40, -128, -64));
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000);
    __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
    bytes = _mm256_shuffle_epi8(bytes, order);
    __m256i index = _mm256_blend_epi16(bytes, _mm256_srli_epi16(bytes, 4), 0xaa);
    index = _mm256_and_si256(index, _mm256_set1_epi8(15));
    __m256i highs = _mm256_shuffle_epi8(high, index), lows = _mm256_shuffle_epi8(low, index);
    __m256i first = _mm256_unpacklo_epi8(lows, highs), second = _mm256_unpackhi_epi8(lows, highs);
    w[0] = (vec)_mm256_slli_epi32(first, 16) * scale;
    w[1] = (vec)_mm256_and_si256(first, upper) * scale;
    w[2] = (vec)_mm256_slli_epi32(second, 16) * scale;
    w[3] = (vec)_mm256_and_si256(second, upper) * scale;
#else
    for (int i = 0; i < GROUP / LANES; i++, p += 2)
        w[i] = (vec){VALUES[p[0] & 15], VALUES[p[0] >> 4], VALUES[p[1] & 15], VALUES[p[1] >> 4]} * scale;
#endif
}
#endif

ALWAYS long bytes(long count, const enum kind kind) {
    return kind == FLOAT32 ? 4 * count : kind == BFLOAT16 ? 2 * count : (long)((unsigned long)count / 2);
}

/* GROUP weights from the `at`-th on. */
ALWAYS void group(operand *w, const Matrix *m, long at, const enum kind kind) {
#ifndef FIXED
    if (kind == MXFP4) {
        fp4_group(w, (const uint8_t *)m->weights + bytes(at, kind), power(m->scales[(unsigned long)at / GROUP]));
        return;
    }
#endif
    for (int i = 0; i < FILLS; i++) {
#ifdef PAIRS
        w[i] = fetch((const bf16 *)m->weights + at + i * WIDTH);
#else
        if (kind == FLOAT32) w[i] = load((const float *)m->weights + at + i * WIDTH);
        else w[i] = widen((const bf16 *)m->weights + at + i * WIDTH);
#endif
    }
}

typedef struct {
    const Matrix *matrix;
    const void *x; /* [rows], as `pack` makes them for the matrix's kind */
    float *y;           /* [rows, stride], of which [rows, out] are written */
    long rows, stride;
} Job;

ALWAYS long least(long a, long b) { return a < b ? a : b; }

ALWAYS long padded(long width) { return (width + GROUP - 1) / GROUP * GROUP; }

#include "fixed.h"
#include "int8.h"
#ifdef FIXED
#include "mxfp4.h"
#endif

/* Whether inputs in fixed point are what weights of this kind are multiplied with. */
ALWAYS int fixed(enum kind kind) {
#ifdef FIXED
    return kind == MXFP4 || kind == INT8;
#else
    return kind == INT8;
#endif
}

/* The bytes of an input of such a width, as what weights of this kind are multiplied with. */
ALWAYS long room(long width, enum kind kind) {
    return fixed(kind) ? width / GROUP * (long)sizeof(Fixed) : padded(width) * (long)sizeof(element);
}

/* The float32 rows [rows, width] as that, padded with zeros. */
static void pack(void *packed, const float *x, long rows, long width, enum kind kind) {
    if (fixed(kind)) {
        fix(packed, x, rows, width);
        return;
    }
    for (element *to = packed; rows > 0; rows--, to += padded(width), x += width) {
        for (long k = 0; k < width; k++) to[k] = pack_one(x[k]);
        memset(to + width, 0, (padded(width) - width) * sizeof(element));
    }
}

/* Up to GROUP weights from the `at`-th on, and zeros. */
static void some(element *y, const Matrix *m, long at, long count) {
    for (long i = 0; i < GROUP; i++, at++) {
        float w = 0;
        if (i < count)
            w = m->kind == FLOAT32 ? ((const float *)m->weights)[at]
                                   : as_float((uint32_t)((const bf16 *)m->weights)[at] << 16);
        y[i] = pack_one(w);
    }
}

/* `count` weights, a multiple of GROUP, of row n from the k-th on; zeros where the row has ended. */
ALWAYS void unpack_kind(element *y, const Matrix *m, long n, long k, long count, const enum kind kind) {
    for (long end = k + count; k < end; k += GROUP, y += GROUP) {
        operand w[FILLS];
        if (k + GROUP > m->in) {
            some(y, m, n * m->in + k, m->in - k);
            continue;
        }
        __builtin_prefetch((const char *)m->weights + bytes(n * m->in + k + count, kind)); /* what comes next */
        group(w, m, n * m->in + k, kind);
        for (int i = 0; i < FILLS; i++) *(operand *)(y + i * WIDTH) = w[i];
    }
}

static void unpack(element *y, const Matrix *m, long n, long k, long count) {
    switch (m->kind) {
    case FLOAT32: unpack_kind(y, m, n, k, count, FLOAT32); break;
    case BFLOAT16: unpack_kind(y, m, n, k, count, BFLOAT16); break;
    case MXFP4:
#ifndef FIXED
        unpack_kind(y, m, n, k, count, MXFP4);
#endif
    case INT8: break;
    }
}

/* One input and `count` weight rows from row n on, straight from memory. */
ALWAYS void streams(const Job *job, long n, const int count, const enum kind kind) {
    const Matrix *m = job->matrix;
    const element *x = job->x;
    vec sums[STREAMS][PARTS];
    for (int s = 0; s < count; s++)
        for (int p = 0; p < PARTS; p++) sums[s][p] = all(0);
    long k = 0;
    for (; k + GROUP <= m->in; k += GROUP)
        for (int s = 0; s < count; s++) {
            operand w[FILLS];
            long at = (n + s) * m->in + k, ahead = bytes(at, kind) + AHEAD;
            if (bytes(k, kind) + AHEAD >= bytes(m->in, kind)) ahead += bytes((count - 1) * m->in, kind); /* its next row */
            __builtin_prefetch((const char *)m->weights + ahead);
            group(w, m, at, kind);
            for (int i = 0; i < FILLS; i++)
                sums[s][i % PARTS] = multiply_add(fetch(x + k + i * WIDTH), w[i], sums[s][i % PARTS]);
        }
    for (int s = 0; s < count; s++) {
        if (k < m->in) {
            element rest[GROUP];
            some(rest, m, (n + s) * m->in + k, m->in - k);
            for (int i = 0; i < FILLS; i++)
                sums[s][i % PARTS] = multiply_add(fetch(x + k + i * WIDTH), fetch(rest + i * WIDTH), sums[s][i % PARTS]);
        }
        job->y[n + s] = total(sums[s]) + (m->bias ? m->bias[n + s] : 0);
    }
}

ALWAYS void one_kind(const Job *job, long first, long last, const enum kind kind) {
    if (bytes(job->matrix->in, kind) >= PAGE)
        for (; first + STREAMS <= last; first += STREAMS) streams(job, first, STREAMS, kind);
    for (; first + FEW <= last; first += FEW) streams(job, first, FEW, kind);
    for (; first < last; first++) streams(job, first, 1, kind);
}

/* One input and the weight rows from `first` to before `last`. */
static void one(const Job *job, long first, long last) {
    switch (job->matrix->kind) {
    case FLOAT32: one_kind(job, first, last, FLOAT32); break;
    case BFLOAT16: one_kind(job, first, last, BFLOAT16); break;
    case MXFP4:
#ifdef FIXED
        one_fixed(job, first, last);
#else
        one_kind(job, first, last, MXFP4);
#endif
        break;
    case INT8: bricks(job, first, last);
    }
}

/* sums[r][c] += x[r] . w[c] over `count` elements, for `rows` times COLUMNS of them; `fresh` ones begin at 0 */
ALWAYS void multiply(vec (*sums)[TILE][PARTS], const element *x, long width, const element (*w)[BLOCK], long count,
                     int fresh, const int rows) {
    vec held[ROWS][COLUMNS][PARTS];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < COLUMNS; c++)
            for (int p = 0; p < PARTS; p++) held[r][c][p] = fresh ? all(0) : sums[r][c][p];
    for (long k = 0; k < count; k += PARTS * WIDTH)
        for (int p = 0; p < PARTS; p++) {
            operand ws[COLUMNS];
            for (int c = 0; c < COLUMNS; c++) ws[c] = fetch(w[c] + k + p * WIDTH);
            for (int r = 0; r < rows; r++) {
                operand xs = fetch(x + r * width + k + p * WIDTH);
                KEEP(xs);
                for (int c = 0; c < COLUMNS; c++) held[r][c][p] = multiply_add(xs, ws[c], held[r][c][p]);
            }
        }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < COLUMNS; c++)
            for (int p = 0; p < PARTS; p++) sums[r][c][p] = held[r][c][p];
}

/* All inputs and at most TILE weight rows, from `first` to before `last`. */
static void many(const Job *job, long first, long last) {
    const Matrix *m = job->matrix;
    if (m->kind == INT8) {
        bricks(job, first, last);
        return;
    }
#ifdef FIXED
    if (m->kind == MXFP4) {
        many_fixed(job, first, last);
        return;
    }
#endif
    long width = padded(m->in), count = last - first, even = (count + COLUMNS - 1) / COLUMNS * COLUMNS;
    element w[TILE][BLOCK];
    vec sums[INPUTS][TILE][PARTS];
    for (long begin = 0; begin < job->rows; begin += INPUTS) {
        long rows = least(INPUTS, job->rows - begin);
        for (long k = 0; k < width; k += BLOCK) {
            long size = least(BLOCK, width - k);
            for (long n = 0; n < even; n++) unpack(w[n], m, first + least(n, count - 1), k, size);
            for (long r = 0, some; r < rows; r += some) {
                const element *x = (const element *)job->x + (begin + r) * width + k;
                some = rows - r < ROWS ? 1 : ROWS;
                for (long n = 0; n < count; n += COLUMNS) {
                    vec(*place)[TILE][PARTS] = (vec(*)[TILE][PARTS])sums[r][n];
                    if (some == 1) multiply(place, x, width, (const element(*)[BLOCK])w[n], size, !k, 1);
                    else multiply(place, x, width, (const element(*)[BLOCK])w[n], size, !k, ROWS);
                }
            }
        }
        for (long r = 0; r < rows; r++)
            for (long n = 0; n < count; n++)
                job->y[(begin + r) * job->stride + first + n] = total(sums[r][n]) + (m->bias ? m->bias[first + n] : 0);
    }
}

/* Weight rows of a task of about so many weights. */
ALWAYS long height(const Job *job, long size) {
#ifdef FIXED
    if (job->matrix->kind == MXFP4) return job->rows > 1 ? HEIGHT : 4 * HEIGHT;
#endif
    long step = job->matrix->kind == INT8 ? TILES * HIGH : STREAMS, rows = size / job->matrix->in / step * step;
    return job->rows > 1 ? (job->matrix->kind == INT8 ? step : TILE) : rows > step ? rows : step;
}

/* y = x matrix^T + bias for each job */
static void products(const Job *jobs, long count, int threads) {
    long tasks = 0, work = 0;
    for (const Job *job = jobs; job < jobs + count; job++) work += job->rows * job->matrix->out * job->matrix->in;
    long size = work / threads / TASKS;
    size = size < LEAST ? LEAST : least(size, TASK);
    for (const Job *job = jobs; job < jobs + count; job++)
        tasks += (job->matrix->out + height(job, size) - 1) / height(job, size);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (work >= WORTH_SHARING)
    for (long task = 0; task < tasks; task++) {
        const Job *job = jobs;
        long rest = task;
        for (long mine; rest >= (mine = (job->matrix->out + height(job, size) - 1) / height(job, size)); job++) rest -= mine;
        long first = rest * height(job, size), last = least(first + height(job, size), job->matrix->out);
        (job->rows > 1 ? many : one)(job, first, last);
    }
}

/* y [rows, width] = x, of which the mean square becomes 1, times `scale` */
static void norm(float *y, const float *x, const float *scale, long rows, long width, float eps) {
    for (long r = 0; r < rows; r++, x += width, y += width) {
        vec sums[PARTS];
        for (int p = 0; p < PARTS; p++) sums[p] = all(0);
        float rest[SUMS] = {0};
        long k = 0;
        for (; k + SUMS <= width; k += SUMS)
            for (int p = 0; p < PARTS; p++) {
                vec v = load(x + k + p * LANES);
                sums[p] = fma_(v, v, sums[p]);
            }
        memcpy(rest, x + k, (width - k) * sizeof(float));
        for (int p = 0; p < PARTS; p++) sums[p] = fma_(load(rest + p * LANES), load(rest + p * LANES), sums[p]);
        float factor = 1.0f / sqrtf(total(sums) / width + eps);
        for (k = 0; k < width; k++) y[k] = x[k] * factor * scale[k];
    }
}

/* ---- attention ---- */

/* A layer's cache holds for each head of keys [capacity / 16, wide, 16], so that 16 keys lie side by side, and then for
 * each head of values [capacity, wide], where `wide` is head_dim up to the next multiple of 16. */

ALWAYS long whole(long count) { return (count + SUMS - 1) / SUMS * SUMS; }

/* scores[q * stride + i] = query q . key i for 16 keys */
ALWAYS void score(float *scores, long stride, const float *queries, const float *keys, long head_dim, const int count) {
    vec sums[QUERIES][PARTS];
    for (int q = 0; q < count; q++)
        for (int p = 0; p < PARTS; p++) sums[q][p] = all(0);
    for (long d = 0; d < head_dim; d++)
        for (int q = 0; q < count; q++)
            for (int p = 0; p < PARTS; p++)
                sums[q][p] = fma_(all(queries[q * head_dim + d]), load(keys + d * SUMS + p * LANES), sums[q][p]);
    for (int q = 0; q < count; q++)
        for (int p = 0; p < PARTS; p++) store(scores + q * stride + p * LANES, sums[q][p]);
}

/* 16 dimensions: mixed[q * wide] += weights[q * stride + i] * value i */
ALWAYS void mix(float *mixed, const float *weights, long stride, const float *values, long keys, long wide,
                const int count) {
    vec sums[QUERIES][PARTS];
    for (int q = 0; q < count; q++)
        for (int p = 0; p < PARTS; p++) sums[q][p] = load(mixed + q * wide + p * LANES);
    for (long i = 0; i < keys; i++)
        for (int q = 0; q < count; q++)
            for (int p = 0; p < PARTS; p++)
                sums[q][p] = fma_(all(weights[q * stride + i]), load(values + i * wide + p * LANES), sums[q][p]);
    for (int q = 0; q < count; q++)
        for (int p = 0; p < PARTS; p++) store(mixed + q * wide + p * LANES, sums[q][p]);
}

/* Of `span` scores those from `low` to before `high` become weights, the others 0: e to the power of what they are
 * above the largest. Returns the weights' sum, the sink's included. */
static float soften(float *scores, long span, long low, long high, float sink) {
    for (long i = 0; i < low; i++) scores[i] = -INFINITY;
    for (long i = high; i < span; i++) scores[i] = -INFINITY;
    float most = sink;
    for (long i = low; i < high; i++) most = scores[i] > most ? scores[i] : most;
    vec sums[PARTS];
    for (int p = 0; p < PARTS; p++) sums[p] = all(0);
    for (long i = 0; i < span; i += SUMS)
        for (int p = 0; p < PARTS; p++) {
            vec e = exponential(load(scores + i + p * LANES) - most);
            store(scores + i + p * LANES, e);
            sums[p] += e;
        }
    return total(sums) + exponential(all(sink - most))[0];
}

typedef struct {
    long start, capacity;
    float *cache;
    const float *qkv; /* [tokens, (heads + 2 * kv_heads) * head_dim], turned */
    float *mixed;     /* [tokens, heads * head_dim] */
} Attention;

/* The first position that the token at `position` sees. */
ALWAYS long horizon(const Layer *layer, long position) {
    return layer->window && position >= layer->window ? position - layer->window + 1 : 0;
}

/* The heads that share keys `h`, for `tokens` tokens from the t-th on. `scratch` has room as `attention` says. */
static void attend(const Model *m, const Layer *layer, const Attention *a, long h, long t, long tokens, float *scratch) {
    long head_dim = m->head_dim, wide = whole(head_dim), group = m->heads / m->kv_heads, rows = tokens * group;
    long width = (m->heads + 2 * m->kv_heads) * head_dim, start = a->start + t;
    long base = horizon(layer, start) / SUMS * SUMS, span = whole(start + tokens - base);
    const float *keys = a->cache + (h * a->capacity + base) * wide;
    const float *values = keys + m->kv_heads * a->capacity * wide;
    float *queries = scratch, *mixed = queries + rows * wide, *scores = mixed + rows * wide;
    float scale = 1.0f / sqrtf((float)head_dim);
    for (long q = 0; q < rows; q++) {
        const float *from = a->qkv + (t + q / group) * width + (h * group + q % group) * head_dim;
        for (long d = 0; d < head_dim; d++) queries[q * head_dim + d] = from[d] * scale;
    }
    for (long k = 0; k < span; k += KEYS)
        for (long q = 0; q < rows; q += rows - q < QUERIES ? 1 : QUERIES)
            for (long i = k; i < span && i < k + KEYS; i += SUMS) {
                float *place = scores + q * span + i;
                if (rows - q < QUERIES) score(place, span, queries + q * head_dim, keys + i * wide, head_dim, 1);
                else score(place, span, queries + q * head_dim, keys + i * wide, head_dim, QUERIES);
            }
    float sums[rows];
    for (long q = 0; q < rows; q++) {
        long position = start + q / group;
        sums[q] = soften(scores + q * span, span, horizon(layer, position) - base, position + 1 - base,
                         layer->sinks[h * group + q % group]);
    }
    memset(mixed, 0, rows * wide * sizeof(float));
    long seen = start + tokens - base;
    for (long k = 0; k < seen; k += KEYS)
        for (long d = 0; d < head_dim; d += SUMS)
            for (long q = 0; q < rows; q += rows - q < QUERIES ? 1 : QUERIES) {
                float *place = mixed + q * wide + d;
                const float *weights = scores + q * span + k, *from = values + k * wide + d;
                if (rows - q < QUERIES) mix(place, weights, span, from, least(KEYS, seen - k), wide, 1);
                else mix(place, weights, span, from, least(KEYS, seen - k), wide, QUERIES);
            }
    for (long q = 0; q < rows; q++) {
        float *to = a->mixed + ((t + q / group) * m->heads + h * group + q % group) * head_dim;
        for (long d = 0; d < head_dim; d++) to[d] = mixed[q * wide + d] / sums[q];
    }
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

/* A token's keys and values [2 * kv_heads, head_dim] into the cache. */
static void remember(const Model *m, const Attention *a, const float *heads, long position) {
    long wide = whole(m->head_dim);
    for (long h = 0; h < m->kv_heads; h++)
        for (long d = 0; d < m->head_dim; d++) {
            float *keys = a->cache + (h * a->capacity + position / SUMS * SUMS) * wide;
            float *values = a->cache + ((m->kv_heads + h) * a->capacity + position) * wide;
            keys[d * SUMS + position % SUMS] = heads[h * m->head_dim + d];
            values[d] = heads[(m->kv_heads + h) * m->head_dim + d];
        }
}

/* Every token's heads over the cache. */
static int attention(const Model *m, const Layer *layer, const Attention *a, long count, int threads) {
    long group = m->heads / m->kv_heads, tokens = group < SUMS ? SUMS / group : 1, most = a->start + count;
    if (layer->window) most = least(most, layer->window + tokens + SUMS);
    long room = tokens * group * (2 * whole(m->head_dim) + whole(most) + SUMS) * sizeof(float);
    int failed = 0;
#pragma omp parallel num_threads(threads) if (count * m->heads * m->head_dim * most >= WORTH_SHARING)
    {
        float *scratch = malloc(room);
        if (!scratch) {
#pragma omp atomic write
            failed = 1;
        }
#pragma omp for schedule(dynamic) collapse(2)
        for (long h = 0; h < m->kv_heads; h++)
            for (long t = 0; t < count; t += tokens)
                if (scratch) attend(m, layer, a, h, t, least(tokens, count - t), scratch);
        free(scratch);
    }
    return failed;
}

/* ---- experts ---- */

/* values [rows, 2 * inner], gates and ups in turn, to [rows, inner] as weights of this kind are multiplied with */
static void swiglu(char *packed, float *values, long rows, long inner, float alpha, float limit, enum kind kind, int threads) {
#pragma omp parallel for num_threads(threads) if (rows * inner >= WORTH_SHARING / 8)
    for (long r = 0; r < rows; r++) {
        float *row = values + r * 2 * inner; /* what comes out takes the place of what was read */
        for (long i = 0; i < inner; i += LANES) {
            vec gate = all(0), up = all(0);
            for (long j = 0; j < LANES && i + j < inner; j++) {
                gate[j] = row[2 * (i + j)];
                up[j] = row[2 * (i + j) + 1];
            }
            gate = either(gate > limit, all(limit), gate);
            up = either(up > limit, all(limit), either(up < -limit, all(-limit), up));
            vec result = gate / (1.0f + exponential(gate * -alpha)) * (up + 1.0f);
            for (long j = 0; j < LANES && i + j < inner; j++) row[i + j] = result[j];
        }
        pack(packed + r * room(inner, kind), row, 1, inner, kind);
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
        weights[n] = exponential(all(scores[chosen[n]] - scores[chosen[0]]))[0];
        sum += weights[n];
    }
    for (long n = 0; n < per_token; n++) weights[n] /= sum;
}

/* ---- the whole ---- */

/* What a layer's steps leave for the next ones. */
typedef struct {
    float *normed, *qkv, *mixed, *projected, *scores, *shares, *raised, *outputs;
    char *packed; /* rows as dense weights of any kind need them */
    char *tokens, *inputs, *active; /* the same for the experts' weights */
    long *chosen, *places; /* a choice's expert, and where its row is with the rows of an expert side by side */
    Job *jobs;
} Work;

/* Where its parts lie from `memory` on; returns the bytes. */
static long lay_out(Work *w, const Model *m, long count, char *memory) {
    long size = 0, choices = count * m->per_token, heads = m->heads * m->head_dim;
    long widest = padded(heads > m->hidden ? heads : m->hidden);
#define PLACE(name, number) (w->name = (void *)(memory + size), size += ((number) * sizeof *w->name + 63) / 64 * 64)
    PLACE(normed, count * m->hidden);
    PLACE(packed, count * (room(widest, FLOAT32) > room(widest, INT8) ? room(widest, FLOAT32) : room(widest, INT8)));
    PLACE(qkv, count * (heads + 2 * m->kv_heads * m->head_dim));
    PLACE(mixed, count * heads);
    PLACE(projected, count * m->hidden);
    PLACE(scores, count * m->experts);
    PLACE(shares, choices);
    PLACE(chosen, choices);
    PLACE(places, choices);
    PLACE(tokens, count * room(m->hidden, m->layer->up->kind));
    PLACE(inputs, choices * room(m->hidden, m->layer->up->kind));
    PLACE(raised, choices * 2 * m->inner);
    PLACE(active, choices * room(m->inner, m->layer->down->kind));
    PLACE(outputs, choices * m->hidden);
    PLACE(jobs, m->experts + 3);
#undef PLACE
    return size;
}

static void dense(const Matrix *matrix, const void *x, float *y, long rows, int threads) {
    Job job = {matrix, x, y, rows, matrix->out};
    products(&job, 1, threads);
}

/* x += all ranks' y */
static int add(const Model *m, float *x, float *y, long count) {
    if (m->sum && m->sum(y, count * m->hidden)) return 1;
    for (long i = 0; i < count * m->hidden; i++) x[i] += y[i];
    return 0;
}

/* x += attention of the normed x */
static int mix_tokens(const Model *m, const Layer *layer, Work *w, float *x, long count, Attention *a,
                      const float *cosines, const float *sines, int threads) {
    long heads = m->heads * m->head_dim, width = heads + 2 * m->kv_heads * m->head_dim, column = 0;
    norm(w->normed, x, layer->attention_norm, count, m->hidden, m->eps);
    pack(w->packed, w->normed, count, m->hidden, layer->qkv->kind);
    for (int i = 0; i < 3; column += layer->qkv[i++].out)
        w->jobs[i] = (Job){&layer->qkv[i], w->packed, w->qkv + column, count, width};
    products(w->jobs, 3, threads);
    for (long t = 0; t < count; t++) {
        float *token = w->qkv + t * width;
        rotate(token, cosines + t * m->head_dim, sines + t * m->head_dim, m->heads + m->kv_heads, m->head_dim);
        remember(m, a, token + heads, a->start + t);
    }
    a->qkv = w->qkv, a->mixed = w->mixed;
    if (attention(m, layer, a, count, threads)) return 1;
    pack(w->packed, w->mixed, count, heads, layer->out.kind);
    dense(&layer->out, w->packed, w->projected, count, threads);
    return add(m, x, w->projected, count);
}

/* x += each token's experts of the normed x */
static int mix_experts(const Model *m, const Layer *layer, Work *w, float *x, long count, int threads) {
    long hidden = m->hidden, inner = m->inner, k = m->per_token, choices = count * k, begin = 0, used = 0;
    enum kind kind = layer->up->kind;
    long size = room(hidden, kind), active = room(inner, layer->down->kind);
    norm(w->normed, x, layer->experts_norm, count, hidden, m->eps);
    pack(w->packed, w->normed, count, hidden, layer->router.kind);
    pack(w->tokens, w->normed, count, hidden, kind);
    dense(&layer->router, w->packed, w->scores, count, threads);
    for (long t = 0; t < count; t++) choose(w->scores + t * m->experts, m->experts, k, w->chosen + t * k, w->shares + t * k);
    for (long e = 0; e < m->experts; e++) {
        long rows = 0;
        for (long c = 0; c < choices; c++)
            if (w->chosen[c] == e) {
                w->places[c] = begin + rows++;
                memcpy(w->inputs + w->places[c] * size, w->tokens + c / k * size, size);
            }
        if (!rows) continue;
        w->jobs[used++] = (Job){layer->up + e, w->inputs + begin * size, w->raised + begin * 2 * inner, rows, 2 * inner};
        begin += rows;
    }
    products(w->jobs, used, threads);
    swiglu(w->active, w->raised, choices, inner, m->alpha, m->limit, layer->down->kind, threads);
    begin = 0;
    for (Job *job = w->jobs; job < w->jobs + used; begin += job++->rows)
        *job = (Job){layer->down + (job->matrix - layer->up), w->active + begin * active, w->outputs + begin * hidden,
                     job->rows, hidden};
    products(w->jobs, used, threads);
    for (long t = 0; t < count; t++)
        for (long i = 0; i < hidden; i++) {
            float sum = 0;
            for (long n = 0; n < k; n++) sum += w->shares[t * k + n] * w->outputs[w->places[t * k + n] * hidden + i];
            w->projected[t * hidden + i] = sum;
        }
    return add(m, x, w->projected, count);
}

/* ---- what Python calls: 0, or 1 when memory ran out, the sum failed or it was stopped ---- */

/* x [count, hidden]: the last hidden states of `ids`, which follow `start` cached tokens. `caches` has one pointer per
 * layer; `cosines` and `sines` [count, head_dim], of which the first halves are read, are those of the positions. */
int forward(const Model *m, float *x, const int64_t *ids, long count, long start, float *const *caches, long capacity,
            const float *cosines, const float *sines, int threads, Stop *stop) {
    Work work;
    char *memory = malloc(lay_out(&work, m, count, NULL));
    if (!memory) return 1;
    lay_out(&work, m, count, memory);
    for (long t = 0; t < count; t++)
        for (long i = 0; i < m->hidden; i++) {
            long row = ids[t] - m->first, at = row * m->hidden + i;
            x[t * m->hidden + i] = row < 0 || row >= m->embedding.out ? 0
                                   : m->embedding.kind == FLOAT32
                                       ? ((const float *)m->embedding.weights)[at]
                                       : as_float((uint32_t)((const bf16 *)m->embedding.weights)[at] << 16);
        }
    int failed = m->sum && m->sum(x, count * m->hidden);
    for (long n = 0; n < m->layers && !failed; n++) {
        Attention a = {.start = start, .capacity = capacity, .cache = caches[n]};
        failed = stop && stop();
        if (!failed) failed = mix_tokens(m, m->layer + n, &work, x, count, &a, cosines, sines, threads);
        if (!failed) failed = mix_experts(m, m->layer + n, &work, x, count, threads);
    }
    free(memory);
    return failed;
}

/* A matrix as one of INT8, whose bricks come to lie from `to` on. `in` is a multiple of GROUP. */
void lay_bricks(const Matrix *m, void *to, int threads) {
    long groups = m->in / GROUP;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (long n = 0; n < m->out; n += HIGH)
        for (long g = 0; g < groups; g++) lay_brick((Brick *)to + n / HIGH * groups + g, m, n, g * GROUP);
}

/* y [rows, out] = x [rows, in] matrix^T + bias */
int product(const Matrix *matrix, float *y, const float *x, long rows, int threads) {
    void *packed = malloc(rows * room(matrix->in, matrix->kind));
    if (!packed) return 1;
    pack(packed, x, rows, matrix->in, matrix->kind);
    dense(matrix, packed, y, rows, threads);
    free(packed);
    return 0;
}

/* y [rows, vocabulary] of hidden states x [rows, hidden] */
int logits(const Model *m, float *y, const float *x, long rows, int threads) {
    float *normed = malloc(rows * m->hidden * sizeof(float));
    if (!normed) return 1;
    norm(normed, x, m->norm, rows, m->hidden, m->eps);
    int failed = product(&m->unembedding, y, normed, rows, threads);
    free(normed);
    return failed;
}
