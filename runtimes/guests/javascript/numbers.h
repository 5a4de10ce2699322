/* Math.pow, log, log10, exp, tanh and hypot as node computes them, to the last digit.
 *
 * Node's are those of Sun's fdlibm (FreeBSD's msun), whose error is below one unit in the last place; the C library's
 * differ from them in one result of ten. The same steps in the same order are needed for the same digits. Only where
 * the result is an ordinary number; everything else is the C library's. Included by engine.c only, before the engine. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int32_t high_word(double x)
{
    return (int32_t)(bits_of(x) >> 32);
}

static double with_high_word(double x, int32_t high)
{
    return from_bits((uint64_t)(uint32_t)high << 32 | (uint32_t)bits_of(x));
}

/* The number without the lower half of its digits: products of two such are exact. */
static double coarse(double x)
{
    return from_bits(bits_of(x) & 0xffffffff00000000u);
}

typedef struct {
    double high, low;
} Pair;

/* log2(x) to more digits than a double has, for an ordinary positive x. */
static Pair precise_log2(double x)
{
    static const double steps[] = { 1.0, 1.5 };
    static const double step_high[] = { 0.0, 5.84962487220764160156e-01 };
    static const double step_low[] = { 0.0, 1.35003920212974897128e-08 };
    const double c = 9.61796693925975554329e-01; /* 2 / (3 ln 2), and its parts */
    const double c_high = 9.61796700954437255859e-01, c_low = -7.02846165095275826516e-09;
    int32_t high = high_word(x), exponent = (high >> 20) - 0x3ff, fraction = high & 0xfffff;
    int step = fraction > 0x3988e && fraction < 0xbb67a; /* around 1 or around 1.5 */
    high = fraction | 0x3ff00000;
    if (fraction >= 0xbb67a) {
        exponent++;
        high -= 0x100000;
    }
    x = with_high_word(x, high);
    double u = x - steps[step], v = 1.0 / (x + steps[step]);
    double s = u * v, s_high = coarse(s);
    double t_high = with_high_word(0.0, ((high >> 1) | 0x20000000) + 0x80000 + (step << 18));
    double t_low = x - (t_high - steps[step]);
    double s_low = v * ((u - s_high * t_high) - s_high * t_low);
    double square = s * s;
    double r = square * square *
               (5.99999999999994648725e-01 +
                square * (4.28571428578550184252e-01 +
                          square * (3.33333329818377432918e-01 +
                                    square * (2.72728123808534006489e-01 +
                                              square * (2.30660745775561754067e-01 +
                                                        square * 2.06975017800338417784e-01)))));
    r += s_low * (s_high + s);
    square = s_high * s_high;
    t_high = coarse(3.0 + square + r);
    t_low = r - ((t_high - 3.0) - square);
    u = s_high * t_high;
    v = s_low * t_high + t_low * s;
    double p_high = coarse(u + v), p_low = v - (p_high - u);
    double z_high = c_high * p_high, z_low = c_low * p_high + p_low * c + step_low[step];
    Pair result;
    result.high = coarse(((z_high + z_low) + step_high[step]) + (double)exponent);
    result.low = z_low - (((result.high - (double)exponent) - step_high[step]) - z_high);
    return result;
}

/* 2 to the power of the sum of two numbers, where that is an ordinary number. */
static double precise_exp2(double high, double low)
{
    const double ln2 = 6.93147180559945286227e-01, ln2_high = 6.93147182464599609375e-01;
    const double ln2_low = -1.90465429995776804525e-09;
    int32_t word = high_word(low + high), whole = 0, exponent = ((word & 0x7fffffff) >> 20) - 0x3ff;
    if ((word & 0x7fffffff) > 0x3fe00000) {
        whole = word + (0x100000 >> (exponent + 1));
        exponent = ((whole & 0x7fffffff) >> 20) - 0x3ff;
        high -= with_high_word(0.0, whole & ~(0xfffff >> exponent));
        whole = ((whole & 0xfffff) | 0x100000) >> (20 - exponent);
        whole = word < 0 ? -whole : whole;
    }
    double t = coarse(low + high), u = t * ln2_high, v = (low - (t - high)) * ln2 + t * ln2_low;
    double z = u + v;
    t = z * z;
    t = z - t * (1.66666666666666019037e-01 +
                 t * (-2.77777777770155933842e-03 +
                      t * (6.61375632143793436117e-05 +
                           t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    z = 1.0 - ((z * t) / (t - 2.0) - z); /* node leaves out fdlibm's last correction */
    return with_high_word(z, high_word(z) + whole * (1 << 20));
}

static double node_pow(double x, double y)
{
    double size = fabs(x);
    bool is_ordinary = size >= 0x1p-1022 && size <= 0x1.fffffffffffffp1023 && size != 1.0 && fabs(y) < 0x1p31 &&
                       fabs(y) > 0x1p-50 && y != 1.0 && y != 2.0 && y != 0.5 && y != -1.0;
    bool is_whole = y == floor(y);
    if (!is_ordinary || (x < 0 && !is_whole))
        return pow(x, y);
    Pair power = precise_log2(size);
    double y_coarse = coarse(y), low = (y - y_coarse) * power.high + y * power.low, high = y_coarse * power.high;
    if (!(fabs(low + high) < 1020.0))
        return pow(x, y);
    double result = precise_exp2(high, low);
    return x < 0 && fmod(y, 2.0) != 0.0 ? -result : result;
}

static double node_log(double x)
{
    const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    if (!(x >= 0x1p-1022 && x <= 0x1.fffffffffffffp1023))
        return log(x);
    int32_t high = high_word(x), fraction = high & 0xfffff, carry = (fraction + 0x95f64) & 0x100000;
    double exponent = (high >> 20) - 1023 + (carry >> 20);
    double f = with_high_word(x, fraction | (carry ^ 0x3ff00000)) - 1.0, s = f / (2.0 + f), z = s * s, w = z * z, r;
    if ((0xfffff & (2 + fraction)) < 3) { /* close to a power of two */
        r = f * f * (0.5 - 0.33333333333333333 * f);
        return exponent == 0 ? f - r : exponent * ln2_high - ((r - exponent * ln2_low) - f);
    }
    double odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    double even = z * (6.666666666666735130e-01 +
                       w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    r = even + odd;
    if (((fraction - 0x6147a) | (0x6b851 - fraction)) > 0) {
        double half = 0.5 * f * f;
        r = s * (half + r);
        return exponent == 0 ? f - (half - r) : exponent * ln2_high - ((half - (r + exponent * ln2_low)) - f);
    }
    r = s * (f - r);
    return exponent == 0 ? f - r : exponent * ln2_high - ((r - exponent * ln2_low) - f);
}

static double node_log10(double x)
{
    const double ln10_inverse = 4.34294481903251816668e-01;
    const double log2_high = 3.01029995663611771306e-01, log2_low = 3.69423907715893078616e-13;
    if (!(x >= 0x1p-1022 && x <= 0x1.fffffffffffffp1023))
        return log10(x);
    int32_t high = high_word(x), exponent = (high >> 20) - 1023, is_below = exponent < 0;
    double whole = exponent + is_below;
    x = with_high_word(x, (high & 0xfffff) | ((0x3ff - is_below) << 20));
    return whole * log2_low + ln10_inverse * node_log(x) + whole * log2_high;
}

static double node_tanh(double x)
{
    double size = fabs(x), t;
    if (!(size >= 0x1p-28 && size < 22))
        return tanh(x);
    t = expm1(size >= 1 ? 2 * size : -2 * size);
    return copysign(size >= 1 ? 1 - 2 / (t + 2) : -t / (t + 2), x);
}

static double node_exp(double x)
{
    return x == 1.0 ? M_E : exp(x);
}

/* The root of a sum of squares, which are added with Kahan's compensation. The numbers are not negative. */
static double node_hypot(const double *numbers, int count)
{
    double largest = 0, sum = 0, compensation = 0;
    bool is_nan = false;
    for (int i = 0; i < count; i++) {
        is_nan |= isnan(numbers[i]);
        largest = numbers[i] > largest ? numbers[i] : largest;
    }
    if (isinf(largest) || is_nan)
        return isinf(largest) ? INFINITY : NAN;
    if (largest == 0)
        return 0;
    for (int i = 0; i < count; i++) {
        double part = numbers[i] / largest, summand = part * part - compensation, next = sum + summand;
        compensation = (next - sum) - summand;
        sum = next;
    }
    return sqrt(sum) * largest;
}
