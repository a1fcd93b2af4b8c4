/* Dense weights in 8 bits: half the way from memory that bfloat16 takes. They are made of wider ones when a model is
 * loaded (`int8.py` is the same in PyTorch).
 *
 * GROUP weights of a row are multiples, up to 127, of one step, the next bfloat16 above 1/127 of the largest. They meet
 * inputs in fixed point (`fixed.h`). The sum of a group is a whole number below 2 ** 27, exact in whichever order it is
 * computed; the sums of the groups are scaled and added one after the other. So a row's bits do not depend on how many
 * rows there were.
 */

#define HIGH 16 /* weight rows of a brick */
#define TILES 4 /* bricks one above the other that a single input meets at a time, or ... */
#define FEW_ROWS 4 /* ... inputs that a single brick meets */
#define FETCHED 1024 /* bytes fetched into the cache before they are needed */

/* GROUP weights of HIGH rows. The bricks of the same rows follow each other: [(out + 15) / 16, in / GROUP]. */
typedef struct {
    int8_t pairs[GROUP / 2][HIGH][2]; /* neighbours in a row */
    bf16 steps[HIGH];
} Brick;

/* GROUP weights as multiples of the step that is returned. */
ALWAYS bf16 narrow_group(int8_t *to, const float *w) {
    int32_t largest = largest_of(w);
    float exact = as_float((uint32_t)largest) / 127;
    bf16 step = largest < 0x7f800000 ? to_bf16(exact) : 0x7fc0;
    if (as_float((uint32_t)step << 16) < exact) step++;
    if (step < 0x80) step = 0; /* its inverse would be no float */
    float inverse = step ? 1 / as_float((uint32_t)step << 16) : 0;
    for (int i = 0; i < GROUP; i++) to[i] = (int8_t)nearest(w[i] * inverse);
    return step;
}

/* The rows from the n-th and the GROUP weights from the k-th on; zeros where there are no more rows. */
static void lay_brick(Brick *to, const Matrix *m, long n, long k) {
    int8_t rows[HIGH][GROUP] = {0};
    memset(to->steps, 0, sizeof to->steps);
    for (int r = 0; r < HIGH && n + r < m->out; r++) {
        float w[GROUP];
        long at = (n + r) * m->in + k;
        for (int i = 0; i < GROUP; i++)
            w[i] = m->kind == FLOAT32 ? ((const float *)m->weights)[at + i]
                                      : as_float((uint32_t)((const bf16 *)m->weights)[at + i] << 16);
        to->steps[r] = narrow_group(rows[r], w);
    }
    for (int p = 0; p < GROUP / 2; p++)
        for (int r = 0; r < HIGH; r++) memcpy(to->pairs[p][r], rows[r] + 2 * p, 2);
}

/* sums[r][t] += x[r] . the HIGH weight rows of the t-th bricks, over all groups. */
ALWAYS void multiply_bricks(float (*sums)[TILES][HIGH], const Fixed *x, const Brick *w, long groups, const int rows,
                            const int tiles) {
#ifdef __AVX2__
    __m256 held[FEW_ROWS][TILES][2];
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tiles; t++)
            for (int s = 0; s < 2; s++) held[r][t][s] = _mm256_loadu_ps(sums[r][t] + 8 * s);
    for (long g = 0; g < groups; g++) {
        __m256i dots[FEW_ROWS][TILES][2];
        for (int r = 0; r < rows; r++)
            for (int t = 0; t < tiles; t++) dots[r][t][0] = dots[r][t][1] = _mm256_setzero_si256();
        if (rows == 1)
            for (int t = 0; t < tiles; t++)
                for (unsigned long i = 0; i < sizeof *w; i += 64)
                    __builtin_prefetch((const char *)(w + t * groups + g) + FETCHED + i);
        for (int p = 0; p < GROUP / 2; p++)
            for (int t = 0; t < tiles; t++) {
                const __m128i *pairs = (const __m128i *)w[t * groups + g].pairs[p];
                __m256i left = _mm256_cvtepi8_epi16(_mm_loadu_si128(pairs));
                __m256i right = _mm256_cvtepi8_epi16(_mm_loadu_si128(pairs + 1));
                for (int r = 0; r < rows; r++) {
                    int32_t pair;
                    memcpy(&pair, x[r * groups + g].x + 2 * p, sizeof pair);
                    __m256i xs = _mm256_set1_epi32(pair);
                    dots[r][t][0] = _mm256_add_epi32(dots[r][t][0], _mm256_madd_epi16(xs, left));
                    dots[r][t][1] = _mm256_add_epi32(dots[r][t][1], _mm256_madd_epi16(xs, right));
                }
            }
        for (int t = 0; t < tiles; t++)
            for (int s = 0; s < 2; s++) {
                const __m128i *narrow = (const __m128i *)w[t * groups + g].steps + s;
                __m256i steps = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(narrow)), 16);
                for (int r = 0; r < rows; r++) {
                    __m256 scale = _mm256_mul_ps(_mm256_castsi256_ps(steps), _mm256_set1_ps(2 * x[r * groups + g].scale));
                    held[r][t][s] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r][t][s]), scale, held[r][t][s]);
                }
            }
    }
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tiles; t++)
            for (int s = 0; s < 2; s++) _mm256_storeu_ps(sums[r][t] + 8 * s, held[r][t][s]);
#else
    for (long g = 0; g < groups; g++)
        for (int t = 0; t < tiles; t++)
            for (int r = 0; r < rows; r++) {
                const Brick *brick = w + t * groups + g;
                const Fixed *input = x + r * groups + g;
                int32_t dots[HIGH] = {0};
                for (int p = 0; p < GROUP / 2; p++)
                    for (int i = 0; i < HIGH; i++)
                        dots[i] += brick->pairs[p][i][0] * input->x[2 * p] + brick->pairs[p][i][1] * input->x[2 * p + 1];
                for (int i = 0; i < HIGH; i++) {
                    float scale = as_float((uint32_t)brick->steps[i] << 16) * (2 * input->scale);
                    sums[r][t][i] += (float)dots[i] * scale;
                }
            }
#endif
}

/* All inputs and the weight rows from `first`, a multiple of HIGH, to before `last`. */
static void bricks(const Job *job, long first, long last) {
    const Matrix *m = job->matrix;
    long groups = m->in / GROUP, tiles;
    for (long begin = 0; begin < job->rows; begin += INPUTS)
        for (long n = first; n < last; n += tiles * HIGH) {
            const Brick *w = (const Brick *)m->weights + n / HIGH * groups;
            tiles = job->rows == 1 && last - n > (TILES - 1) * HIGH ? TILES : 1;
            for (long r = begin, some; r < least(begin + INPUTS, job->rows); r += some) {
                float sums[FEW_ROWS][TILES][HIGH] = {0};
                const Fixed *x = (const Fixed *)job->x + r * groups;
                some = least(begin + INPUTS, job->rows) - r < FEW_ROWS ? 1 : FEW_ROWS;
                if (tiles > 1) multiply_bricks(sums, x, w, groups, 1, TILES);
                else if (some > 1) multiply_bricks(sums, x, w, groups, FEW_ROWS, 1);
                else multiply_bricks(sums, x, w, groups, 1, 1);
                for (long i = 0; i < some; i++)
                    for (long row = n; row < least(n + tiles * HIGH, last); row++)
                        job->y[(r + i) * job->stride + row] =
                            sums[i][(row - n) / HIGH][(row - n) % HIGH] + (m->bias ? m->bias[row] : 0);
            }
        }
}
