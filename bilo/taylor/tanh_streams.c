/* Jets of tanh and their adjoint, fused: one pass over memory instead of some sixty elementwise operations.
 *
 * Arrays are (T, P, n, H), T = 1 + number of theta-tangents; the value stream y[0, 0] holds tanh of the value.
 * Pair k = (q, a, b) contributes weight[k] d_a d_b to the second-order stream q; weight is (pairs, T, n).
 * The formulas are those of bilo/taylor/tanh_streams.py, which the tests hold this file against.
 * The file includes itself, once for each type. */
#ifndef REAL

#if defined(__AVX512F__) && !defined(__clang__) /* gcc takes half of these registers unless asked */
#pragma GCC target("prefer-vector-width=512")
#endif
#define BLOCK 128 /* a point's streams, so much of each at a time, stay in the first cache */
/* Iterations are independent even where two pointers are the same stream (a == b). */
#define EACH(h) _Pragma("GCC ivdep") for (long h = 0; h < len; h++)

#define REAL float
#define NAME(function) function##_f32
#include "tanh_streams.c"
#undef REAL
#undef NAME
#define REAL double
#define NAME(function) function##_f64
#include "tanh_streams.c"

#else

typedef struct {
    long T, P, n, pairs;
    const long *pair;
    const REAL *weight;
} NAME(Streams);

/* One block of one point i: jets z of tanh(y), the streams of each so far apart. */
static inline void NAME(compose)(const NAME(Streams) * s, long i, long len, const REAL *y, long apart, REAL *z, long S)
{
    const long T = s->T, P = s->P;
    REAL s1[BLOCK], s2[BLOCK], s3[BLOCK];
    EACH(h) {
        const REAL v = y[h];
        s1[h] = 1 - v * v;
        s2[h] = -2 * v * s1[h];
        s3[h] = (6 * v * v - 2) * s1[h];
        z[h] = v;
    }
    for (long p = 1; p < P; p++) {
        const REAL *yp = y + p * apart;
        REAL *zp = z + p * S;
        EACH(h) zp[h] = s1[h] * yp[h];
    }
    for (long t = 1; t < T; t++) {
        const REAL *y0 = y + t * P * apart;
        REAL *z0 = z + t * P * S;
        EACH(h) z0[h] = s1[h] * y0[h];
        for (long p = 1; p < P; p++) {
            const REAL *yp = y + p * apart, *tp = y0 + p * apart;
            REAL *zp = z0 + p * S;
            EACH(h) zp[h] = s1[h] * tp[h] + s2[h] * y0[h] * yp[h];
        }
    }
    for (long k = 0; k < s->pairs; k++) {
        const long q = s->pair[3 * k], a = s->pair[3 * k + 1], b = s->pair[3 * k + 2];
        const REAL *ya = y + a * apart, *yb = y + b * apart;
        const REAL w = s->weight[k * T * s->n + i];
        REAL *zq = z + q * S;
        EACH(h) zq[h] += w * s2[h] * ya[h] * yb[h];
        for (long t = 1; t < T; t++) {
            const REAL *y0 = y + t * P * apart, *ta = y0 + a * apart, *tb = y0 + b * apart;
            const REAL wt = s->weight[(k * T + t) * s->n + i];
            REAL *zt = z + (t * P + q) * S;
            EACH(h) {
                const REAL form = ya[h] * yb[h];
                zt[h] += s2[h] * (w * (ya[h] * tb[h] + ta[h] * yb[h]) + wt * form) + w * s3[h] * form * y0[h];
            }
        }
    }
}

/* One block of one point i: gradient out by y from the gradient g by z; y and g have their streams BLOCK apart. */
static inline void NAME(adjoint)(const NAME(Streams) * s, long i, long len, const REAL *y, const REAL *g, REAL *out,
                                 long S)
{
    const long T = s->T, P = s->P;
    REAL s1[BLOCK], s2[BLOCK], s3[BLOCK], by1[BLOCK], by2[BLOCK], by3[BLOCK];
    EACH(h) {
        const REAL v = y[h];
        s1[h] = 1 - v * v;
        s2[h] = -2 * v * s1[h];
        s3[h] = (6 * v * v - 2) * s1[h];
        by1[h] = by2[h] = by3[h] = 0;
    }
    for (long p = 1; p < P; p++) {
        const REAL *yp = y + p * BLOCK, *gp = g + p * BLOCK;
        REAL *op = out + p * S;
        EACH(h) {
            op[h] = s1[h] * gp[h];
            by1[h] += gp[h] * yp[h];
        }
    }
    for (long t = 1; t < T; t++) {
        const REAL *y0 = y + t * P * BLOCK, *g0 = g + t * P * BLOCK;
        REAL *o0 = out + t * P * S;
        EACH(h) {
            o0[h] = s1[h] * g0[h];
            by1[h] += g0[h] * y0[h];
        }
        for (long p = 1; p < P; p++) {
            const REAL *yp = y + p * BLOCK, *tp = y0 + p * BLOCK, *gp = g0 + p * BLOCK;
            REAL *op = out + p * S, *otp = o0 + p * S;
            EACH(h) {
                otp[h] = s1[h] * gp[h];
                by1[h] += gp[h] * tp[h];
                by2[h] += gp[h] * y0[h] * yp[h];
                o0[h] += s2[h] * gp[h] * yp[h];
                op[h] += s2[h] * gp[h] * y0[h];
            }
        }
    }
    for (long k = 0; k < s->pairs; k++) {
        const long q = s->pair[3 * k], a = s->pair[3 * k + 1], b = s->pair[3 * k + 2];
        const REAL *ya = y + a * BLOCK, *yb = y + b * BLOCK, *gq = g + q * BLOCK;
        const REAL w = s->weight[k * T * s->n + i];
        REAL *oa = out + a * S, *ob = out + b * S;
        REAL form[BLOCK], by_form[BLOCK];
        EACH(h) {
            form[h] = ya[h] * yb[h];
            by_form[h] = w * s2[h] * gq[h];
            by2[h] += w * gq[h] * form[h];
        }
        for (long t = 1; t < T; t++) {
            const REAL *y0 = y + t * P * BLOCK, *ta = y0 + a * BLOCK, *tb = y0 + b * BLOCK;
            const REAL *gt = g + (t * P + q) * BLOCK;
            const REAL wt = s->weight[(k * T + t) * s->n + i];
            REAL *o0 = out + t * P * S, *ota = o0 + a * S, *otb = o0 + b * S;
            EACH(h) {
                const REAL s2g = s2[h] * gt[h], s3g = w * s3[h] * gt[h];
                by2[h] += gt[h] * (w * (ya[h] * tb[h] + ta[h] * yb[h]) + wt * form[h]);
                by3[h] += w * gt[h] * form[h] * y0[h];
                by_form[h] += wt * s2g + s3g * y0[h];
                o0[h] += s3g * form[h];
                oa[h] += w * s2g * tb[h];
                otb[h] += w * s2g * ya[h];
                ob[h] += w * s2g * ta[h];
                ota[h] += w * s2g * yb[h];
            }
        }
        EACH(h) {
            const REAL fa = by_form[h] * yb[h], fb = by_form[h] * ya[h];
            oa[h] += fa;
            ob[h] += fb;
        }
    }
    EACH(h) {
        const REAL v = y[h], s4 = 8 * v * s1[h] * (2 - 3 * v * v);
        out[h] = s1[h] * g[h] + s2[h] * by1[h] + s3[h] * by2[h] + s4 * by3[h];
    }
}

/* z = jets of tanh. */
void NAME(tanh_streams)(const REAL *y, REAL *z, long T, long P, long n, long H, long pairs,
                        const long *pair, const REAL *weight)
{
    const NAME(Streams) s = {T, P, n, pairs, pair, weight};
    for (long i = 0; i < n; i++)
        for (long start = 0; start < H; start += BLOCK) {
            const long len = H - start < BLOCK ? H - start : BLOCK, at = i * H + start;
            NAME(compose)(&s, i, len, y + at, n * H, z + at, n * H);
        }
}

/* g, gradient by z on entry and by y on return, and z, both (T, P, n, H); y has `tangents` theta-tangents, which are
 * summed along a direction (tangents, n) to the one of g and z, or copied where that is null. */
void NAME(tanh_streams_adjoint)(const REAL *y, const REAL *direction, long tangents, REAL *g, REAL *z, long T, long P,
                                long n, long H, long pairs, const long *pair, const REAL *weight)
{
    const NAME(Streams) s = {T, P, n, pairs, pair, weight};
    const long S = n * H;
    REAL own[T * P * BLOCK], by_z[T * P * BLOCK];
    for (long i = 0; i < n; i++)
        for (long start = 0; start < H; start += BLOCK) {
            const long len = H - start < BLOCK ? H - start : BLOCK, at = i * H + start;
            for (long p = 0; p < (direction ? P : T * P); p++) {
                const REAL *from = y + p * S + at;
                REAL *to = own + p * BLOCK;
                EACH(h) to[h] = from[h];
            }
            for (long t = 0; direction && t < tangents; t++) {
                const REAL d = direction[t * n + i];
                for (long p = 0; p < P; p++) {
                    const REAL *from = y + ((1 + t) * P + p) * S + at;
                    REAL *to = own + (P + p) * BLOCK;
                    EACH(h) to[h] = (t ? to[h] : 0) + d * from[h];
                }
            }
            for (long p = 0; p < T * P; p++) {
                const REAL *from = g + p * S + at;
                REAL *to = by_z + p * BLOCK;
                EACH(h) to[h] = from[h];
            }
            NAME(compose)(&s, i, len, own, BLOCK, z + at, S);
            NAME(adjoint)(&s, i, len, own, by_z, g + at, S);
        }
}

#endif
