/* Inputs in fixed point, so that their products with small whole numbers can be added exactly, in any order.
 *
 * Of each GROUP inputs the largest decides on a power of two, of which all become multiples of less than 32,512: an error
 * of 2 ** -15 of the largest at most, and mostly none for inputs of few bits.
 */

typedef struct {
    int16_t x[GROUP];
    float scale; /* half the power of two */
    int32_t sum;
} Fixed;

ALWAYS int32_t pattern(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The nearest whole number, of two the even one, below 2 ** 22. */
ALWAYS int32_t nearest(float x) {
    const float magic = 12582912.0f; /* 1.5 * 2**23 */
    return pattern(x + magic) - pattern(magic);
}

/* The pattern of the largest magnitude. */
ALWAYS int32_t largest_of(const float *x) {
    int32_t largest = 0;
    for (int i = 0; i < GROUP; i++) {
        int32_t size = pattern(x[i]) & 0x7fffffff;
        largest = largest > size ? largest : size;
    }
    return largest;
}

/* GROUP inputs. Where one is no number, nor is what comes out. */
ALWAYS void fix_group(Fixed *to, const float *x) {
    int32_t largest = largest_of(x), sum = 0;
    /* The exponent, and one more where the multiple would not fit two bytes that both have a sign (127 * 256 does);
     * never so small that its inverse is no float. */
    uint32_t exponent = (uint32_t)(largest + 0x20000) >> 23;
    if (exponent < 27) exponent = 27;
    float inverse = as_float((127 + 14 + 127 - exponent) << 23);
    for (int i = 0; i < GROUP; i++) {
        int32_t value = nearest(x[i] * inverse);
        to->x[i] = (int16_t)value;
        sum += value;
    }
    to->sum = sum;
    to->scale = largest < 0x7f800000 ? as_float((exponent - 15) << 23) : NAN;
}

/* The float32 rows [rows, width], of which the width is a multiple of GROUP. */
static void fix(Fixed *to, const float *x, long rows, long width) {
    for (long n = 0; n < rows * width / GROUP; n++) fix_group(to + n, x + n * GROUP);
}
