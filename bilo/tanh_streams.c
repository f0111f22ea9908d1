/* Jets of tanh and their adjoint, fused: one pass over memory instead of some sixty elementwise operations.
 *
 * Arrays are (T, P, n, H), T = 1 + number of theta-tangents; s0 = tanh of the value stream, (n, H).
 * `contract` keeps the value and sums the tangents along a direction (T - 1, n), to (2, P, n, H).
 * Pair k contributes weight[k] d_a d_b to the second-order stream q[k]; weight is (pairs, T, n).
 * The formulas are those of bilo/tanh_streams.py, which the tests hold this file against. */
#define BLOCK 64
/* Iterations are independent even where two pointers are the same stream (a == b). */
#define EACH(h) _Pragma("GCC ivdep") for (long h = 0; h < len; h++)

#define DEFINE(REAL, SUFFIX)                                                                                          \
void contract_##SUFFIX(const REAL *y, const REAL *direction, REAL *out, long T, long P, long n, long H)               \
{                                                                                                                     \
    const long S = n * H;                                                                                             \
    for (long p = 0; p < P; p++)                                                                                      \
        for (long i = 0; i < n; i++) {                                                                                \
            const long at = p * S + i * H, len = H;                                                                   \
            const REAL *value = y + at;                                                                               \
            REAL *same = out + at, *along = out + P * S + at;                                                         \
            const REAL *first = value + P * S;                                                                        \
            const REAL d = direction[i];                                                                              \
            EACH(h) {                                                                                                 \
                same[h] = value[h];                                                                                   \
                along[h] = d * first[h];                                                                              \
            }                                                                                                         \
            for (long t = 2; t < T; t++) {                                                                            \
                const REAL *tangent = value + t * P * S;                                                              \
                const REAL dt = direction[(t - 1) * n + i];                                                           \
                EACH(h) along[h] += dt * tangent[h];                                                                  \
            }                                                                                                         \
        }                                                                                                             \
}                                                                                                                     \
void tanh_streams_##SUFFIX(const REAL *y, const REAL *s0, REAL *z, long T, long P, long n, long H, long pairs,        \
                           const long *q, const long *a, const long *b, const REAL *weight)                           \
{                                                                                                                     \
    const long S = n * H;                                                                                             \
    for (long i = 0; i < n; i++)                                                                                      \
        for (long start = 0; start < H; start += BLOCK) {                                                             \
            const long len = H - start < BLOCK ? H - start : BLOCK, at = i * H + start;                               \
            REAL s1[BLOCK], s2[BLOCK], s3[BLOCK];                                                                     \
            EACH(h) {                                                                                                 \
                const REAL v = s0[at + h];                                                                            \
                s1[h] = 1 - v * v;                                                                                    \
                s2[h] = -2 * v * s1[h];                                                                               \
                s3[h] = (6 * v * v - 2) * s1[h];                                                                      \
                z[at + h] = v;                                                                                        \
            }                                                                                                         \
            for (long p = 1; p < P; p++) {                                                                            \
                const REAL *yp = y + p * S + at;                                                                      \
                REAL *zp = z + p * S + at;                                                                            \
                EACH(h) zp[h] = s1[h] * yp[h];                                                                        \
            }                                                                                                         \
            for (long t = 1; t < T; t++) {                                                                            \
                const REAL *y0 = y + t * P * S + at;                                                                  \
                REAL *z0 = z + t * P * S + at;                                                                        \
                EACH(h) z0[h] = s1[h] * y0[h];                                                                        \
                for (long p = 1; p < P; p++) {                                                                        \
                    const REAL *yp = y + p * S + at, *tp = y0 + p * S;                                                \
                    REAL *zp = z0 + p * S;                                                                            \
                    EACH(h) zp[h] = s1[h] * tp[h] + s2[h] * y0[h] * yp[h];                                            \
                }                                                                                                     \
            }                                                                                                         \
            for (long k = 0; k < pairs; k++) {                                                                        \
                const REAL *ya = y + a[k] * S + at, *yb = y + b[k] * S + at;                                          \
                const REAL w = weight[k * T * n + i];                                                                 \
                REAL *zq = z + q[k] * S + at;                                                                         \
                EACH(h) zq[h] += w * s2[h] * ya[h] * yb[h];                                                           \
                for (long t = 1; t < T; t++) {                                                                        \
                    const REAL *y0 = y + t * P * S + at, *ta = y0 + a[k] * S, *tb = y0 + b[k] * S;                    \
                    const REAL wt = weight[(k * T + t) * n + i];                                                      \
                    REAL *zt = z + (t * P + q[k]) * S + at;                                                           \
                    EACH(h) {                                                                                         \
                        const REAL form = ya[h] * yb[h];                                                              \
                        zt[h] += s2[h] * (w * (ya[h] * tb[h] + ta[h] * yb[h]) + wt * form) + w * s3[h] * form * y0[h]; \
                    }                                                                                                 \
                }                                                                                                     \
            }                                                                                                         \
        }                                                                                                             \
}                                                                                                                     \
void tanh_streams_adjoint_##SUFFIX(const REAL *y, const REAL *s0, const REAL *g, REAL *out, long T, long P, long n,   \
                                   long H, long pairs, const long *q, const long *a, const long *b,                   \
                                   const REAL *weight)                                                                \
{                                                                                                                     \
    const long S = n * H;                                                                                             \
    for (long i = 0; i < n; i++)                                                                                      \
        for (long start = 0; start < H; start += BLOCK) {                                                             \
            const long len = H - start < BLOCK ? H - start : BLOCK, at = i * H + start;                               \
            REAL s1[BLOCK], s2[BLOCK], s3[BLOCK], by1[BLOCK], by2[BLOCK], by3[BLOCK];                                 \
            EACH(h) {                                                                                                 \
                const REAL v = s0[at + h];                                                                            \
                s1[h] = 1 - v * v;                                                                                    \
                s2[h] = -2 * v * s1[h];                                                                               \
                s3[h] = (6 * v * v - 2) * s1[h];                                                                      \
                by1[h] = 0;                                                                                           \
                by2[h] = by3[h] = 0;                                                                                  \
            }                                                                                                         \
            for (long p = 1; p < P; p++) {                                                                            \
                const REAL *yp = y + p * S + at, *gp = g + p * S + at;                                                \
                REAL *op = out + p * S + at;                                                                          \
                EACH(h) {                                                                                             \
                    op[h] = s1[h] * gp[h];                                                                            \
                    by1[h] += gp[h] * yp[h];                                                                          \
                }                                                                                                     \
            }                                                                                                         \
            for (long t = 1; t < T; t++) {                                                                            \
                const REAL *y0 = y + t * P * S + at, *g0 = g + t * P * S + at;                                        \
                REAL *o0 = out + t * P * S + at;                                                                      \
                EACH(h) {                                                                                             \
                    o0[h] = s1[h] * g0[h];                                                                            \
                    by1[h] += g0[h] * y0[h];                                                                          \
                }                                                                                                     \
                for (long p = 1; p < P; p++) {                                                                        \
                    const REAL *yp = y + p * S + at, *tp = y0 + p * S, *gp = g0 + p * S;                              \
                    REAL *op = out + p * S + at, *otp = o0 + p * S;                                                   \
                    EACH(h) {                                                                                         \
                        otp[h] = s1[h] * gp[h];                                                                       \
                        by1[h] += gp[h] * tp[h];                                                                      \
                        by2[h] += gp[h] * y0[h] * yp[h];                                                              \
                        o0[h] += s2[h] * gp[h] * yp[h];                                                               \
                        op[h] += s2[h] * gp[h] * y0[h];                                                               \
                    }                                                                                                 \
                }                                                                                                     \
            }                                                                                                         \
            for (long k = 0; k < pairs; k++) {                                                                        \
                const REAL *ya = y + a[k] * S + at, *yb = y + b[k] * S + at, *gq = g + q[k] * S + at;                 \
                const REAL w = weight[k * T * n + i];                                                                 \
                REAL *oa = out + a[k] * S + at, *ob = out + b[k] * S + at;                                            \
                REAL form[BLOCK], by_form[BLOCK];                                                                     \
                EACH(h) {                                                                                             \
                    form[h] = ya[h] * yb[h];                                                                          \
                    by_form[h] = w * s2[h] * gq[h];                                                                   \
                    by2[h] += w * gq[h] * form[h];                                                                    \
                }                                                                                                     \
                for (long t = 1; t < T; t++) {                                                                        \
                    const REAL *y0 = y + t * P * S + at, *ta = y0 + a[k] * S, *tb = y0 + b[k] * S;                    \
                    const REAL *gt = g + (t * P + q[k]) * S + at;                                                     \
                    const REAL wt = weight[(k * T + t) * n + i];                                                      \
                    REAL *o0 = out + t * P * S + at, *ota = o0 + a[k] * S, *otb = o0 + b[k] * S;                      \
                    EACH(h) {                                                                                         \
                        const REAL s2g = s2[h] * gt[h], s3g = w * s3[h] * gt[h];                                      \
                        by2[h] += gt[h] * (w * (ya[h] * tb[h] + ta[h] * yb[h]) + wt * form[h]);                       \
                        by3[h] += w * gt[h] * form[h] * y0[h];                                                        \
                        by_form[h] += wt * s2g + s3g * y0[h];                                                         \
                        o0[h] += s3g * form[h];                                                                       \
                        oa[h] += w * s2g * tb[h];                                                                     \
                        otb[h] += w * s2g * ya[h];                                                                    \
                        ob[h] += w * s2g * ta[h];                                                                     \
                        ota[h] += w * s2g * yb[h];                                                                    \
                    }                                                                                                 \
                }                                                                                                     \
                EACH(h) {                                                                                             \
                    const REAL fa = by_form[h] * yb[h], fb = by_form[h] * ya[h];                                      \
                    oa[h] += fa;                                                                                      \
                    ob[h] += fb;                                                                                      \
                }                                                                                                     \
            }                                                                                                         \
            EACH(h) {                                                                                                 \
                const REAL v = s0[at + h], s4 = 8 * v * s1[h] * (2 - 3 * v * v);                                      \
                out[at + h] = s1[h] * g[at + h] + s2[h] * by1[h] + s3[h] * by2[h] + s4 * by3[h];                      \
            }                                                                                                         \
        }                                                                                                             \
}

DEFINE(float, f32)
DEFINE(double, f64)
