/* Products of MXFP4 weights with inputs in fixed point, for AVX2 with FMA, which AVX512 has as well.
 *
 * Twice a weight is a whole number up to 12, and inputs are in fixed point (`fixed.h`), so the sum of a group is a whole
 * number below 2 ** 24: exact, in whichever order it is computed, and exact as a float32.
 * The sums of the groups are scaled and added one after the other. So it does not show in a row's bits how many rows
 * there were, and both ways to compute it can be what is fastest: for a single input the weights' way from memory is
 * all that counts, for many the number of multiplications.
 */

#define SIDE 8     /* weight rows side by side: one for each lane */
#define BATCH 16   /* groups whose scales, or weights, are laid out at a time */
#define HEIGHT 64  /* weight rows that a thread takes at a time; four times as many for a single input */
#define FEW_INPUTS 4

/* Twice the 16 weights, and what makes them numbers without a sign. */
#define OFFSET 12
static const int8_t DOUBLED[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* Of 8 rows `stride` apart: the bytes of `count`, up to BATCH, in the order [count, 8]; what follows is undefined. */
ALWAYS void turn_bytes(uint8_t (*to)[SIDE], const uint8_t *const *rows, long count) {
    for (long half = 0; half < BATCH; half += 8) {
        __m128i row[SIDE];
        for (int i = 0; i < SIDE; i++) {
            if (half + 8 <= count) row[i] = _mm_loadl_epi64((const __m128i *)(rows[i] + half));
            else {
                uint64_t rest = 0;
                if (half < count) memcpy(&rest, rows[i] + half, count - half);
                row[i] = _mm_cvtsi64_si128((long long)rest);
            }
        }
        __m128i a = _mm_unpacklo_epi8(row[0], row[1]), b = _mm_unpacklo_epi8(row[2], row[3]);
        __m128i c = _mm_unpacklo_epi8(row[4], row[5]), d = _mm_unpacklo_epi8(row[6], row[7]);
        __m128i ab = _mm_unpacklo_epi16(a, b), cd = _mm_unpacklo_epi16(c, d);
        _mm_storeu_si128((__m128i *)to[half], _mm_unpacklo_epi32(ab, cd));
        _mm_storeu_si128((__m128i *)to[half + 2], _mm_unpackhi_epi32(ab, cd));
        ab = _mm_unpackhi_epi16(a, b), cd = _mm_unpackhi_epi16(c, d);
        _mm_storeu_si128((__m128i *)to[half + 4], _mm_unpacklo_epi32(ab, cd));
        _mm_storeu_si128((__m128i *)to[half + 6], _mm_unpackhi_epi32(ab, cd));
    }
}

/* 2 ** (exponent - 127) of 8 exponents; the smallest is subnormal. */
ALWAYS __m256 powers(const uint8_t *exponents) {
    __m256i pattern = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)exponents));
    return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_slli_epi32(pattern, 23), _mm256_set1_epi32(1 << 22)));
}

/* Sums of neighbours: those of a, then those of b, within each half. */
ALWAYS __m256i neighbours(__m256i a, __m256i b) {
    __m256 x = _mm256_castsi256_ps(a), y = _mm256_castsi256_ps(b);
    return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88)),
                            _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xdd)));
}

/* The bytes of a group's inputs: the lower and the upper ones of the even and of the odd. */
typedef struct {
    __m128i lower[2], upper[2];
} Bytes;

ALWAYS void split_bytes(Bytes *to, const Fixed *from) {
    const __m256i low = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 2, 6, 10, 14, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 1, 5, 9, 13, 3, 7, 11, 15));
    __m256i quarters[2]; /* 4 of each kind in each half */
    for (int i = 0; i < 2; i++) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(from->x + 16 * i));
        __m256i rounded = _mm256_add_epi16(x, _mm256_set1_epi16(128)); /* the lower bytes have a sign */
        quarters[i] = _mm256_or_si256(_mm256_shuffle_epi8(x, low), _mm256_shuffle_epi8(rounded, high));
    }
    __m256i a = _mm256_unpacklo_epi32(quarters[0], quarters[1]), b = _mm256_unpackhi_epi32(quarters[0], quarters[1]);
    __m128i a0 = _mm256_castsi256_si128(a), a1 = _mm256_extracti128_si256(a, 1);
    __m128i b0 = _mm256_castsi256_si128(b), b1 = _mm256_extracti128_si256(b, 1);
    to->lower[0] = _mm_shuffle_epi32(_mm_unpacklo_epi64(a0, a1), 0xd8);
    to->lower[1] = _mm_shuffle_epi32(_mm_unpackhi_epi64(a0, a1), 0xd8);
    to->upper[0] = _mm_shuffle_epi32(_mm_unpacklo_epi64(b0, b1), 0xd8);
    to->upper[1] = _mm_shuffle_epi32(_mm_unpackhi_epi64(b0, b1), 0xd8);
}

ALWAYS __m256i twice(const void *p) { return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p)); }

/* The bytes of two groups' inputs, side by side and each half of a group twice, and what OFFSET adds to their sums. */
typedef struct {
    __m256i lower[2][2], upper[2][2], offset; /* [half][even or odd] */
    float scale[2];
} Pair;

ALWAYS __m256i beside(__m128i left, __m128i right) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(left), right, 1);
}

/* `count` groups, of two: what is missing of them is 0. */
ALWAYS void pair_up(Pair *to, const Fixed *x, long count) {
    Fixed none = {0};
    Bytes left, right;
    const Fixed *second = count > 1 ? x + 1 : &none;
    split_bytes(&left, x);
    split_bytes(&right, second);
    for (int i = 0; i < 2; i++) {
        __m256i lower = beside(left.lower[i], right.lower[i]), upper = beside(left.upper[i], right.upper[i]);
        to->lower[0][i] = _mm256_unpacklo_epi64(lower, lower), to->lower[1][i] = _mm256_unpackhi_epi64(lower, lower);
        to->upper[0][i] = _mm256_unpacklo_epi64(upper, upper), to->upper[1][i] = _mm256_unpackhi_epi64(upper, upper);
    }
    to->offset = beside(_mm_set1_epi32(OFFSET * x->sum), _mm_set1_epi32(OFFSET * second->sum));
    to->scale[0] = x->scale, to->scale[1] = second->scale;
}

/* Of two weight rows, OFFSET included: two sums of the one, two of the other, for each group, which are yet to be added.
 * A half of each row is taken at a time, so that what belongs together meets in 16 bits (4 * 2 * 24 * 128 fits). */
ALWAYS __m256i two_rows(__m256i a, __m256i b, const Pair *x) {
    const __m256i table = _mm256_add_epi8(twice(DOUBLED), _mm256_set1_epi8(OFFSET)), nibble = _mm256_set1_epi8(15);
    __m256i halves[2] = {_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)}, upper[2], lower[2];
    for (int i = 0; i < 2; i++) {
        __m256i even = _mm256_shuffle_epi8(table, _mm256_and_si256(halves[i], nibble));
        __m256i odd = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(halves[i], 4), nibble));
        upper[i] = _mm256_add_epi16(_mm256_maddubs_epi16(even, x->upper[i][0]), _mm256_maddubs_epi16(odd, x->upper[i][1]));
        lower[i] = _mm256_add_epi16(_mm256_maddubs_epi16(even, x->lower[i][0]), _mm256_maddubs_epi16(odd, x->lower[i][1]));
    }
    return _mm256_add_epi32(_mm256_madd_epi16(_mm256_add_epi16(upper[0], upper[1]), _mm256_set1_epi16(256)),
                            _mm256_madd_epi16(_mm256_add_epi16(lower[0], lower[1]), _mm256_set1_epi16(1)));
}

ALWAYS __m256i two_groups(const uint8_t *p, const int count) {
    return count > 1 ? _mm256_loadu_si256((const __m256i *)p) : _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

/* sums + x . 8 weight rows, over `count` groups, one or two: first the one, then the other. */
ALWAYS __m256 add_groups(__m256 sums, const uint8_t *const *rows, long at, const uint8_t (*exponents)[SIDE],
                         const Pair *x, const int count) {
    __m256i four[2], eight[2];
    for (int i = 0; i < 2; i++) {
        __m256i products[2];
        for (int j = 0; j < 2; j++) {
            const uint8_t *const *row = rows + i * SIDE / 2 + 2 * j;
            products[j] = two_rows(two_groups(row[0] + at, count), two_groups(row[1] + at, count), x);
        }
        four[i] = _mm256_sub_epi32(neighbours(products[0], products[1]), x->offset);
    }
    eight[0] = _mm256_permute2x128_si256(four[0], four[1], 0x20);
    eight[1] = _mm256_permute2x128_si256(four[0], four[1], 0x31);
    for (int i = 0; i < count; i++) {
        __m256 scale = _mm256_mul_ps(powers(exponents[i]), _mm256_broadcast_ss(x->scale + i));
        sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(eight[i]), scale, sums);
    }
    return sums;
}

/* y[i] = x . row i, for 8 weight rows and a single input. */
ALWAYS void eight_rows(float *y, const Matrix *m, const uint8_t *const *rows, const uint8_t *const *scales,
                       const Pair *x) {
    long groups = m->in / GROUP;
    __m256 sums = _mm256_setzero_ps();
    for (long begin = 0; begin < groups; begin += BATCH) {
        uint8_t exponents[BATCH][SIDE];
        const uint8_t *from[SIDE];
        long end = least(begin + BATCH, groups), g = begin;
        for (int i = 0; i < SIDE; i++) from[i] = scales[i] + begin;
        turn_bytes(exponents, from, end - begin);
        const uint8_t *ahead = scales[0] + SIDE * (groups + begin);
        for (int i = 0; i < SIDE * BATCH; i += 64) __builtin_prefetch(ahead + i);
        for (; g + 2 <= end; g += 2, x++) {
            /* The next 8 rows, if they follow these. */
            const uint8_t *next = rows[0] + SIDE * (m->in / 2 + 16 * g);
            for (int i = 0; i < SIDE / 2; i++) __builtin_prefetch(next + 64 * i);
            sums = add_groups(sums, rows, 16 * g, exponents + (g - begin), x, 2);
        }
        if (g < end) sums = add_groups(sums, rows, 16 * g, exponents + (g - begin), x, 1);
    }
    _mm256_storeu_ps(y, sums);
}

/* 8 weight rows from the n-th on, the last one again where there are no more. */
ALWAYS void eight(const uint8_t **rows, const uint8_t **scales, const Matrix *m, long n) {
    for (int i = 0; i < SIDE; i++) {
        long row = least(n + i, m->out - 1);
        rows[i] = (const uint8_t *)m->weights + row * m->in / 2;
        scales[i] = m->scales + row * m->in / GROUP;
    }
}

/* One input and the weight rows from `first` to before `last`. */
static void one_fixed(const Job *job, long first, long last) {
    const Matrix *m = job->matrix;
    const Fixed *x = job->x;
    long groups = m->in / GROUP;
    Pair pairs[(groups + 1) / 2];
    for (long g = 0; g < groups; g += 2) pair_up(pairs + g / 2, x + g, groups - g);
    for (long n = first; n < last; n += SIDE) {
        const uint8_t *rows[SIDE], *scales[SIDE];
        float y[SIDE];
        eight(rows, scales, m, n);
        eight_rows(y, m, rows, scales, pairs);
        for (int i = 0; i < least(SIDE, last - n); i++) job->y[n + i] = y[i] + (m->bias ? m->bias[n + i] : 0);
    }
}

/* The weights of 16 rows as pairs of neighbours: [groups, 16 pairs, 16 rows], and the groups' scales. */
typedef struct {
    __m256i pairs[BATCH][GROUP / 2][2];
    __m256 scales[BATCH][2];
} Unpacked;

/* `count` groups from the `begin`-th on of the 8 rows from n on, into the side-th half. */
static void unpack_pairs(Unpacked *to, const Matrix *m, long n, long begin, long count, int side) {
    const __m256i table = twice(DOUBLED), nibble = _mm256_set1_epi8(15);
    /* A byte of 4 rows in each half, where 32 bits begin with two of them. */
    const __m256i spread = _mm256_setr_epi8(-1, 0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 3, -1, 3,
                                            -1, 4, -1, 4, -1, 5, -1, 5, -1, 6, -1, 6, -1, 7, -1, 7);
    const uint8_t *rows[SIDE], *scales[SIDE];
    uint8_t exponents[BATCH][SIDE], bytes[GROUP / 2][SIDE];
    eight(rows, scales, m, n);
    for (int i = 0; i < SIDE; i++) {
        scales[i] += begin;
        rows[i] += 16 * begin;
        /* What comes next, while this is multiplied. */
        for (long ahead = 0; ahead < 16 * BATCH; ahead += 64) __builtin_prefetch(rows[i] + 16 * BATCH + ahead);
    }
    turn_bytes(exponents, scales, count);
    for (long g = 0; g < count; g++) {
        to->scales[g][side] = powers(exponents[g]);
        turn_bytes(bytes, rows, GROUP / 2);
        for (int i = 0; i < SIDE; i++) rows[i] += 16;
        for (int p = 0; p < GROUP / 2; p++) {
            __m256i both = _mm256_broadcastsi128_si256(_mm_loadl_epi64((const __m128i *)bytes[p]));
            both = _mm256_shuffle_epi8(both, spread);
            both = _mm256_blend_epi16(both, _mm256_srli_epi16(both, 4), 0xaa);
            /* The lower of two bytes is of no account: it is shifted out. */
            both = _mm256_shuffle_epi8(table, _mm256_and_si256(both, nibble));
            to->pairs[g][p][side] = _mm256_srai_epi16(both, 8);
        }
    }
}

/* sums[r] += x[r] . 16 weight rows, over `count` groups and for `rows` inputs that are `stride` groups apart. */
ALWAYS void multiply_fixed(__m256 (*sums)[2], const Fixed *x, long stride, const Unpacked *w, long count, const int rows) {
    for (long g = 0; g < count; g++, x++) {
        __m256i dots[FEW_INPUTS][2];
        for (int r = 0; r < rows; r++) dots[r][0] = dots[r][1] = _mm256_setzero_si256();
        for (int p = 0; p < GROUP / 2; p++) {
            __m256i left = w->pairs[g][p][0], right = w->pairs[g][p][1];
            for (int r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, x[r * stride].x + 2 * p, sizeof pair);
                __m256i xs = _mm256_set1_epi32(pair);
                dots[r][0] = _mm256_add_epi32(dots[r][0], _mm256_madd_epi16(xs, left));
                dots[r][1] = _mm256_add_epi32(dots[r][1], _mm256_madd_epi16(xs, right));
            }
        }
        for (int r = 0; r < rows; r++)
            for (int s = 0; s < 2; s++) {
                __m256 scale = _mm256_mul_ps(w->scales[g][s], _mm256_broadcast_ss(&x[r * stride].scale));
                sums[r][s] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r][s]), scale, sums[r][s]);
            }
    }
}

/* All inputs and at most HEIGHT weight rows, from `first` to before `last`. */
static void many_fixed(const Job *job, long first, long last) {
    const Matrix *m = job->matrix;
    long groups = m->in / GROUP;
    for (long begin = 0; begin < job->rows; begin += INPUTS) {
        long rows = least(INPUTS, job->rows - begin);
        const Fixed *x = (const Fixed *)job->x + begin * groups;
        union {
            __m256 lanes[INPUTS][2];
            float rows[INPUTS][2 * SIDE];
        } sums[HEIGHT / 2 / SIDE];
        for (long tile = 0; tile < HEIGHT / 2 / SIDE; tile++)
            for (long r = 0; r < rows; r++) sums[tile].lanes[r][0] = sums[tile].lanes[r][1] = _mm256_setzero_ps();
        for (long g = 0; g < groups; g += BATCH) {
            long count = least(BATCH, groups - g);
            for (long n = first; n < last; n += 2 * SIDE) {
                Unpacked w;
                unpack_pairs(&w, m, n, g, count, 0);
                unpack_pairs(&w, m, n + SIDE, g, count, 1);
                __m256(*to)[2] = sums[(n - first) / 2 / SIDE].lanes;
                long r = 0;
                for (; r + FEW_INPUTS <= rows; r += FEW_INPUTS)
                    multiply_fixed(to + r, x + r * groups + g, groups, &w, count, FEW_INPUTS);
                for (; r < rows; r++) multiply_fixed(to + r, x + r * groups + g, groups, &w, count, 1);
            }
        }
        for (long r = 0; r < rows; r++)
            for (long n = first; n < last; n++)
                job->y[(begin + r) * job->stride + n] =
                    sums[(n - first) / 2 / SIDE].rows[r][(n - first) % (2 * SIDE)] + (m->bias ? m->bias[n] : 0);
    }
}
