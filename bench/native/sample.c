/*
 * Boolean function sampling in native C with 128-bit vectors and no fused multiply-add: the limit that a Wasm SIMD
 * kernel of the same algorithm can be held to. Compile lines and options are in README.md beside this file.
 *
 * One sample is a random 7-40-40-1 ReLU network (W_l ~ N(0, 2/fanIn), b ~ N(0, 1)); its function is the 128 signs of
 * the output on {0,1}^7 (input i has bit j = (i >> (6 - j)) & 1). Functions are counted in a hash table.
 *
 * The evaluators differ only in how they do the second layer:
 *   tile   8 inputs x 4 outputs in registers, over the list of units that are nonzero somewhere in the 8 inputs
 *   dense  the same tile over all 40 units (no lists)
 *   lanes  one input at a time, outputs in the lanes, only over the units that are active at that input
 * With --flip a unit that is active on most of the cube is written z + relu(-z): its affine part joins one affine map
 * (8 coefficients an output) that is expanded over the cube by doubling, and only the sparse relu(-z) is summed.
 */
#include <math.h>
#include <nmmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef __m128 f4;
typedef __m128i i4;
typedef uint32_t u32;
typedef uint64_t u64;

#define INLINE static inline __attribute__((always_inline))
#define ALIGNED __attribute__((aligned(64)))

enum { FEATURES = 7, COEFFICIENTS = 8, WIDTH = 40, INPUTS = 128, BLOCKS = 16, VECTORS = WIDTH / 4 };

/* Parameters in the order drawn. FIRST holds [bias, w_0..w_6] a unit for `tile` and `dense`, and the transpose
 * [8][40] for `lanes`; SECOND is [fanIn][fanOut], so a hidden unit's outgoing weights are one row. */
enum {
  FIRST = 0,
  SECOND = FIRST + COEFFICIENTS * WIDTH,
  BIAS2 = SECOND + WIDTH * WIDTH,
  THIRD = BIAS2 + WIDTH,
  BIAS3 = THIRD + WIDTH,
  PARAMETERS = BIAS3 + 1,
  DRAWN = (PARAMETERS + 7) / 8 * 8
};

enum { TILE, DENSE, LANES };
enum { STAGE_GENERATE, STAGE_FIRST, STAGE_SECOND, STAGE_ALL };

typedef struct {
  u64 low, high; /* input i is bit i */
} Key;

INLINE f4 splat(float x) { return _mm_set1_ps(x); }
INLINE f4 load(const float *p) { return _mm_load_ps(p); }
INLINE void store(float *p, f4 v) { _mm_store_ps(p, v); }
INLINE f4 add(f4 a, f4 b) { return _mm_add_ps(a, b); }
INLINE f4 sub(f4 a, f4 b) { return _mm_sub_ps(a, b); }
INLINE f4 mul(f4 a, f4 b) { return _mm_mul_ps(a, b); }
INLINE f4 relu(f4 a) { return _mm_castsi128_ps(_mm_max_epi32(_mm_castps_si128(a), _mm_setzero_si128())); }
INLINE f4 select_bits(f4 a, u32 x, u32 y, u32 z, u32 w) {
  return _mm_and_ps(a, _mm_castsi128_ps(_mm_setr_epi32((int)x, (int)y, (int)z, (int)w)));
}

/* ---------------------------------------------------------------- random numbers */

/* Philox4x32-10 (Salmon et al. 2011): four blocks at once, one a lane, counter = (index low, index high, lane, stream). */
INLINE void philox(u64 seed, u64 index, u32 stream, i4 s[4]) {
  const i4 m0 = _mm_set1_epi32((int)0xD2511F53u), m1 = _mm_set1_epi32((int)0xCD9E8D57u);
  i4 c0 = _mm_set1_epi32((int)index), c1 = _mm_set1_epi32((int)(index >> 32));
  i4 c2 = _mm_setr_epi32(0, 1, 2, 3), c3 = _mm_set1_epi32((int)stream);
  u32 k0 = (u32)seed, k1 = (u32)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    i4 even0 = _mm_mul_epu32(c0, m0), odd0 = _mm_mul_epu32(_mm_srli_epi64(c0, 32), m0);
    i4 even1 = _mm_mul_epu32(c2, m1), odd1 = _mm_mul_epu32(_mm_srli_epi64(c2, 32), m1);
    i4 low0 = _mm_blend_epi16(even0, _mm_slli_epi64(odd0, 32), 0xCC);
    i4 high0 = _mm_blend_epi16(_mm_srli_epi64(even0, 32), odd0, 0xCC);
    i4 low1 = _mm_blend_epi16(even1, _mm_slli_epi64(odd1, 32), 0xCC);
    i4 high1 = _mm_blend_epi16(_mm_srli_epi64(even1, 32), odd1, 0xCC);
    c0 = _mm_xor_si128(_mm_xor_si128(high1, c1), _mm_set1_epi32((int)k0));
    c2 = _mm_xor_si128(_mm_xor_si128(high0, c3), _mm_set1_epi32((int)k1));
    c1 = low1;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  s[0] = c0, s[1] = c1, s[2] = c2, s[3] = c3;
}

#define ROTATE(x, k) _mm_or_si128(_mm_slli_epi32(x, k), _mm_srli_epi32(x, 32 - (k)))

/* xoshiro128++ (Blackman & Vigna 2021), one generator a lane. */
INLINE i4 next(i4 s[4]) {
  i4 sum = _mm_add_epi32(s[0], s[3]);
  i4 result = _mm_add_epi32(ROTATE(sum, 7), s[0]);
  i4 t = _mm_slli_epi32(s[1], 9);
  s[2] = _mm_xor_si128(s[2], s[0]);
  s[3] = _mm_xor_si128(s[3], s[1]);
  s[1] = _mm_xor_si128(s[1], s[2]);
  s[0] = _mm_xor_si128(s[0], s[3]);
  s[2] = _mm_xor_si128(s[2], t);
  s[3] = ROTATE(s[3], 11);
  return result;
}

/* `count` (a multiple of 8) Gaussians times `scale`, by Box-Muller. Minimax polynomials: ln(1+f)/f on
 * [sqrt(1/2)-1, sqrt(2)-1] to 1.7e-7 relative, sin and cos of (pi/4)t on [-1, 1] to 3e-8. The angle is drawn in
 * [-pi/4, pi/4) and (c - s, c + s) turns it by 45 degrees at a gain of sqrt(2), which makes the radius sqrt(-ln u);
 * two random signs give the other quadrants. */
static __attribute__((noinline)) void gaussians(u64 seed, u64 index, u32 stream, const float *scale, float *out,
                                                int count) {
  i4 s[4];
  philox(seed, index, stream, s);
  for (int i = 0; i < count; i += 8) {
    i4 a = next(s), b = next(s);
    /* u in (0, 1] from the upper 31 bits; the lowest bit of each draw is a sign. */
    i4 bits = _mm_castps_si128(_mm_cvtepi32_ps(_mm_or_si128(_mm_srli_epi32(a, 1), _mm_set1_epi32(1))));
    bits = _mm_add_epi32(bits, _mm_set1_epi32(0x3F800000 - 0x3F3504F3));
    f4 exponent = _mm_cvtepi32_ps(_mm_sub_epi32(_mm_set1_epi32(127 + 31), _mm_srli_epi32(bits, 23)));
    f4 f = _mm_castsi128_ps(
        _mm_add_epi32(_mm_and_si128(bits, _mm_set1_epi32(0x7FFFFF)), _mm_set1_epi32(0x3F3504F3)));
    f = sub(f, splat(1));
    /* Estrin's order: the chain of dependent steps, not the number of operations, is what limits this loop. */
    f4 f2 = mul(f, f), f4th = mul(f2, f2);
    f4 p01 = add(mul(f, splat(-0.5000036358833313f)), splat(0.9999999403953552f));
    f4 p23 = add(mul(f, splat(-0.24969908595085144f)), splat(0.33335059881210327f));
    f4 p45 = add(mul(f, splat(-0.17250831425189972f)), splat(0.19900165498256683f));
    f4 p67 = add(mul(f, splat(-0.10106896609067917f)), splat(0.1622258573770523f));
    f4 p = add(add(mul(p23, f2), p01), mul(add(mul(p67, f2), p45), f4th));
    f4 radius = _mm_sqrt_ps(sub(mul(exponent, splat(0.6931471805599453f)), mul(p, f)));

    f4 t = mul(_mm_cvtepi32_ps(b), splat(0x1p-31f)), t2 = mul(t, t);
    f4 sine = splat(-3.595451926230453e-05f);
    sine = add(mul(sine, t2), splat(0.002490007085725665f));
    sine = add(mul(sine, t2), splat(-0.08074543625116348f));
    sine = mul(add(mul(sine, t2), splat(0.7853981852531433f)), t);
    f4 cosine = splat(-0.0003188806294929236f);
    cosine = add(mul(cosine, t2), splat(0.015849916264414787f));
    cosine = add(mul(cosine, t2), splat(-0.3084242641925812f));
    cosine = add(mul(cosine, t2), splat(1));

    f4 x = mul(mul(sub(cosine, sine), load(scale + i)), radius);
    f4 y = mul(mul(add(cosine, sine), load(scale + i + 4)), radius);
    store(out + i, _mm_xor_ps(x, _mm_castsi128_ps(_mm_slli_epi32(a, 31))));
    store(out + i + 4, _mm_xor_ps(y, _mm_castsi128_ps(_mm_slli_epi32(b, 31))));
  }
}

/* ---------------------------------------------------------------- first layer */

/* An affine function c[0] + sum c[1+j] x_j on the cube: its value at (block k, input x of the block) is
 * base[k] + low[x]. Block bits are features 0..3, the bits within a block features 4..6. */
INLINE void expand(f4 c0, f4 c1, float base[BLOCKS], float low[8]) {
#define LANE(v, i) _mm_shuffle_ps(v, v, _MM_SHUFFLE(i, i, i, i))
  f4 second = select_bits(LANE(c0, 3), 0, 0, ~0u, ~0u), third = select_bits(LANE(c1, 0), 0, ~0u, 0, ~0u);
  f4 b0 = add(add(LANE(c0, 0), second), third), b1 = add(b0, LANE(c0, 2)), first = LANE(c0, 1);
  store(base, b0);
  store(base + 4, b1);
  store(base + 8, add(b0, first));
  store(base + 12, add(b1, first));
  f4 l0 = add(select_bits(LANE(c1, 2), 0, 0, ~0u, ~0u), select_bits(LANE(c1, 3), 0, ~0u, 0, ~0u));
  store(low, l0);
  store(low + 4, add(l0, LANE(c1, 1)));
#undef LANE
}

/* ---------------------------------------------------------------- inputs in the lanes */

typedef struct {
  float h[8];
  const float *row; /* the unit's outgoing weights */
  u64 pad;          /* to a multiple of 16 bytes: h is loaded aligned */
} Record;

typedef struct {
  float base[WIDTH][BLOCKS], low[WIDTH][8];     /* first layer, affine in the inputs */
  float base2[WIDTH][BLOCKS], low2[WIDTH][8];   /* --flip: affine part of the second layer */
  Record list[WIDTH + 1];
  float hidden[WIDTH][INPUTS];                  /* dense */
} TileScratch;

/* Four outputs at eight inputs over a list of records. */
#define TILE_STEP(h0, h1, row)                                                                                         \
  do {                                                                                                                 \
    f4 w = splat((row)[0]);                                                                                            \
    a0 = add(a0, mul(w, h0)), a1 = add(a1, mul(w, h1));                                                                \
    w = splat((row)[1]);                                                                                               \
    b0 = add(b0, mul(w, h0)), b1 = add(b1, mul(w, h1));                                                                \
    w = splat((row)[2]);                                                                                               \
    c0 = add(c0, mul(w, h0)), c1 = add(c1, mul(w, h1));                                                                \
    w = splat((row)[3]);                                                                                               \
    d0 = add(d0, mul(w, h0)), d1 = add(d1, mul(w, h1));                                                                \
  } while (0)

INLINE void sum_list(const Record *r, int n, f4 out[8], int o) {
  f4 a0 = out[0], a1 = out[1], b0 = out[2], b1 = out[3], c0 = out[4], c1 = out[5], d0 = out[6], d1 = out[7];
  for (const Record *end = r + n; r != end; r++) {
    f4 h0 = load(r->h), h1 = load(r->h + 4);
    const float *row = r->row + o;
    TILE_STEP(h0, h1, row);
  }
  out[0] = a0, out[1] = a1, out[2] = b0, out[3] = b1, out[4] = c0, out[5] = c1, out[6] = d0, out[7] = d1;
}

INLINE Key evaluate_tile(const float *restrict p, int kind, int flip, int stage) {
  static TileScratch s ALIGNED;
  Record affine[WIDTH] ALIGNED;
  int affine_count = 0;
  u64 words[2] = {0, 0};
  const f4 zero = _mm_setzero_ps();

  for (int u = 0; u < WIDTH; u++) {
    f4 c0 = load(p + FIRST + COEFFICIENTS * u), c1 = load(p + FIRST + COEFFICIENTS * u + 4);
    if (flip) {
      /* z at the cube's centre is b + sum w / 2; above zero, at least half of the cube is active (z(x) + z(~x) is
       * twice the centre). */
      f4 t = add(c0, c1);
      t = _mm_hadd_ps(t, t);
      t = add(_mm_hadd_ps(t, t), _mm_shuffle_ps(c0, c0, 0)); /* 2b + sum w in every lane */
      f4 positive = _mm_cmpgt_ps(t, zero);
      store(affine[affine_count].h, c0);
      store(affine[affine_count].h + 4, c1);
      affine[affine_count].row = p + SECOND + WIDTH * u;
      affine_count += _mm_movemask_ps(positive) & 1;
      f4 sign = _mm_and_ps(positive, splat(-0.0f));
      c0 = _mm_xor_ps(c0, sign), c1 = _mm_xor_ps(c1, sign);
    }
    expand(c0, c1, s.base[u], s.low[u]);
  }
  if (flip && stage >= STAGE_SECOND) {
    for (int o = 0; o < WIDTH; o += 4) {
      f4 out[8];
      for (int j = 0; j < 4; j++) {
        out[2 * j] = _mm_load_ss(p + BIAS2 + o + j);
        out[2 * j + 1] = zero;
      }
      sum_list(affine, affine_count, out, o);
      for (int j = 0; j < 4; j++) expand(out[2 * j], out[2 * j + 1], s.base2[o + j], s.low2[o + j]);
    }
  }
  if (kind == DENSE) {
    for (int u = 0; u < WIDTH; u++) {
      f4 l0 = load(s.low[u]), l1 = load(s.low[u] + 4);
      for (int k = 0; k < BLOCKS; k++) {
        f4 b = splat(s.base[u][k]);
        store(s.hidden[u] + 8 * k, relu(add(b, l0)));
        store(s.hidden[u] + 8 * k + 4, relu(add(b, l1)));
      }
    }
    if (stage < STAGE_SECOND) return (Key){s.hidden[1][1] > 0, s.hidden[7][9] > 0};
  }
  for (int k = 0; k < BLOCKS; k++) {
    int n = 0;
    if (kind == TILE) {
      for (int u = 0; u < WIDTH; u++) {
        f4 b = splat(s.base[u][k]);
        f4 h0 = relu(add(b, load(s.low[u]))), h1 = relu(add(b, load(s.low[u] + 4)));
        store(s.list[n].h, h0);
        store(s.list[n].h + 4, h1);
        s.list[n].row = p + SECOND + WIDTH * u;
        i4 any = _mm_castps_si128(_mm_or_ps(h0, h1));
        n += !_mm_testz_si128(any, any); /* branchless append */
      }
      if (stage < STAGE_SECOND) {
        words[k >> 3] += (u64)n;
        continue;
      }
    }
    f4 y0 = splat(p[BIAS3]), y1 = y0;
    for (int o = 0; o < WIDTH; o += 4) {
      f4 out[8];
      for (int j = 0; j < 4; j++) {
        if (flip) {
          f4 b = splat(s.base2[o + j][k]);
          out[2 * j] = add(b, load(s.low2[o + j]));
          out[2 * j + 1] = add(b, load(s.low2[o + j] + 4));
        } else {
          out[2 * j] = out[2 * j + 1] = splat(p[BIAS2 + o + j]);
        }
      }
      if (kind == TILE) {
        sum_list(s.list, n, out, o);
      } else {
        f4 a0 = out[0], a1 = out[1], b0 = out[2], b1 = out[3], c0 = out[4], c1 = out[5], d0 = out[6], d1 = out[7];
        const float *h = s.hidden[0] + 8 * k, *row = p + SECOND + o;
        for (const float *end = h + WIDTH * INPUTS; h != end; h += INPUTS, row += WIDTH) {
          f4 h0 = load(h), h1 = load(h + 4);
          TILE_STEP(h0, h1, row);
        }
        out[0] = a0, out[1] = a1, out[2] = b0, out[3] = b1, out[4] = c0, out[5] = c1, out[6] = d0, out[7] = d1;
      }
      for (int j = 0; j < 4; j++) {
        f4 v = splat(p[THIRD + o + j]);
        y0 = add(y0, mul(v, relu(out[2 * j])));
        y1 = add(y1, mul(v, relu(out[2 * j + 1])));
      }
    }
    u64 bits = (u64)(_mm_movemask_ps(_mm_cmpgt_ps(y0, zero)) | _mm_movemask_ps(_mm_cmpgt_ps(y1, zero)) << 4);
    words[k >> 3] |= bits << (8 * (k & 7));
  }
  return (Key){words[0], words[1]};
}

/* ---------------------------------------------------------------- outputs in the lanes */

typedef struct {
  float base[BLOCKS][WIDTH], low[8][WIDTH];   /* z of the first layer at (block k, input x): base[k] + low[x] */
  float base2[BLOCKS][WIDTH], low2[8][WIDTH]; /* --flip: affine part of the second layer */
  float c[COEFFICIENTS][WIDTH];               /* --flip: the affine part's coefficients */
  float z[8][WIDTH];
  u64 masks[8];
} LaneScratch;

/* Doubling with the units in the lanes: coefficient rows c[0] (bias), c[1..7]. */
INLINE void expand_rows(const float *restrict c, float (*restrict base)[WIDTH], float (*restrict low)[WIDTH]) {
  for (int v = 0; v < WIDTH; v += 4) {
    f4 b[BLOCKS];
    b[0] = load(c + v);
    for (int j = 0; j < 4; j++) { /* feature 3 is the lowest bit of the block number */
      f4 w = load(c + (4 - j) * WIDTH + v);
      for (int k = 0; k < 1 << j; k++) b[(1 << j) + k] = add(b[k], w);
    }
    for (int k = 0; k < BLOCKS; k++) store(base[k] + v, b[k]);
    f4 w4 = load(c + 5 * WIDTH + v), w5 = load(c + 6 * WIDTH + v), w6 = load(c + 7 * WIDTH + v);
    f4 w56 = add(w5, w6);
    store(low[0] + v, _mm_setzero_ps());
    store(low[1] + v, w6);
    store(low[2] + v, w5);
    store(low[3] + v, w56);
    store(low[4] + v, w4);
    store(low[5] + v, add(w4, w6));
    store(low[6] + v, add(w4, w5));
    store(low[7] + v, add(w4, w56));
  }
}

INLINE Key evaluate_lanes(const float *restrict p, int flip, int stage) {
  static LaneScratch s ALIGNED;
  float signed_first[COEFFICIENTS * WIDTH] ALIGNED;
  const float *first = p + FIRST;
  u64 words[2] = {0, 0};
  const f4 zero = _mm_setzero_ps();

  if (flip) {
    u64 flipped = 0;
    for (int v = 0; v < VECTORS; v++) {
      f4 c[COEFFICIENTS];
      for (int j = 0; j < COEFFICIENTS; j++) c[j] = load(first + j * WIDTH + 4 * v);
      f4 sum = add(add(add(c[1], c[2]), add(c[3], c[4])), add(add(c[5], c[6]), add(c[7], add(c[0], c[0]))));
      f4 sign = _mm_castsi128_ps(_mm_slli_epi32(_mm_srli_epi32(_mm_castps_si128(sum), 31), 31));
      sign = _mm_xor_ps(sign, splat(-0.0f)); /* negate where the centre is positive */
      flipped |= (u64)_mm_movemask_ps(sign) << (4 * v);
      for (int j = 0; j < COEFFICIENTS; j++) store(signed_first + j * WIDTH + 4 * v, _mm_xor_ps(c[j], sign));
    }
    if (stage >= STAGE_SECOND) {
      /* c[j][o] = sum over flipped units of first[j][u] * second[u][o]; tile of 2 coefficients x 20 outputs. */
      int list[WIDTH], n = 0;
      for (u64 m = flipped; m; m &= m - 1) list[n++] = __builtin_ctzll(m);
      for (int half = 0; half < WIDTH; half += WIDTH / 2)
        for (int j = 0; j < COEFFICIENTS; j += 2) {
          f4 a[5], b[5];
          for (int v = 0; v < 5; v++) {
            a[v] = j == 0 ? load(p + BIAS2 + half + 4 * v) : zero;
            b[v] = zero;
          }
          for (int i = 0; i < n; i++) {
            int u = list[i];
            f4 x = splat(first[j * WIDTH + u]), y = splat(first[(j + 1) * WIDTH + u]);
            const float *row = p + SECOND + WIDTH * u + half;
            for (int v = 0; v < 5; v++) {
              f4 w = load(row + 4 * v);
              a[v] = add(a[v], mul(w, x));
              b[v] = add(b[v], mul(w, y));
            }
          }
          for (int v = 0; v < 5; v++) {
            store(s.c[j] + half + 4 * v, a[v]);
            store(s.c[j + 1] + half + 4 * v, b[v]);
          }
        }
      expand_rows(s.c[0], s.base2, s.low2);
    }
    first = signed_first;
  }
  expand_rows(first, s.base, s.low);

  for (int k = 0; k < BLOCKS; k++) {
    f4 y[8];
    for (int x = 0; x < 8; x++) {
      i4 z[12];
      for (int v = 0; v < VECTORS; v++) {
        f4 sum = add(load(s.base[k] + 4 * v), load(s.low[x] + 4 * v));
        store(s.z[x] + 4 * v, sum);
        z[v] = _mm_castps_si128(sum);
      }
      i4 p0 = _mm_packs_epi16(_mm_packs_epi32(z[0], z[1]), _mm_packs_epi32(z[2], z[3]));
      i4 p1 = _mm_packs_epi16(_mm_packs_epi32(z[4], z[5]), _mm_packs_epi32(z[6], z[7]));
      i4 p2 = _mm_packs_epi32(z[8], z[9]);
      p2 = _mm_packs_epi16(p2, p2);
      u64 negative = (u64)(u32)_mm_movemask_epi8(p0) | (u64)(u32)_mm_movemask_epi8(p1) << 16 |
                     (u64)((u32)_mm_movemask_epi8(p2) & 255) << 32;
      s.masks[x] = ~negative & ((1ull << WIDTH) - 1);
    }
    if (stage < STAGE_SECOND) {
      words[k >> 3] += s.masks[3] ^ s.masks[5];
      continue;
    }
    for (int x = 0; x < 8; x++) {
      f4 a[VECTORS];
      for (int v = 0; v < VECTORS; v++)
        a[v] = flip ? add(load(s.base2[k] + 4 * v), load(s.low2[x] + 4 * v)) : load(p + BIAS2 + 4 * v);
      const float *z = s.z[x];
      for (u64 m = s.masks[x]; m; m &= m - 1) {
        int u = __builtin_ctzll(m);
        f4 h = splat(z[u]);
        const float *row = p + SECOND + WIDTH * u;
        for (int v = 0; v < VECTORS; v++) a[v] = add(a[v], mul(load(row + 4 * v), h));
      }
      f4 even = mul(relu(a[0]), load(p + THIRD)), odd = mul(relu(a[1]), load(p + THIRD + 4));
      for (int v = 2; v < VECTORS; v += 2) {
        even = add(even, mul(relu(a[v]), load(p + THIRD + 4 * v)));
        odd = add(odd, mul(relu(a[v + 1]), load(p + THIRD + 4 * v + 4)));
      }
      y[x] = add(even, odd);
    }
    f4 threshold = splat(-p[BIAS3]);
    f4 y0 = _mm_hadd_ps(_mm_hadd_ps(y[0], y[1]), _mm_hadd_ps(y[2], y[3]));
    f4 y1 = _mm_hadd_ps(_mm_hadd_ps(y[4], y[5]), _mm_hadd_ps(y[6], y[7]));
    u64 bits = (u64)(_mm_movemask_ps(_mm_cmpgt_ps(y0, threshold)) | _mm_movemask_ps(_mm_cmpgt_ps(y1, threshold)) << 4);
    words[k >> 3] |= bits << (8 * (k & 7));
  }
  return (Key){words[0], words[1]};
}

/* Each (evaluator, flip, stage) is compiled on its own, so that no test of them is left in a loop. */
#define EVALUATOR(name, call)                                                                                          \
  static __attribute__((noinline)) Key name(const float *p) { return call; }
EVALUATOR(tile_first, evaluate_tile(p, TILE, 0, STAGE_FIRST))
EVALUATOR(tile_all, evaluate_tile(p, TILE, 0, STAGE_SECOND))
EVALUATOR(tile_flip_first, evaluate_tile(p, TILE, 1, STAGE_FIRST))
EVALUATOR(tile_flip_all, evaluate_tile(p, TILE, 1, STAGE_SECOND))
EVALUATOR(dense_first, evaluate_tile(p, DENSE, 0, STAGE_FIRST))
EVALUATOR(dense_all, evaluate_tile(p, DENSE, 0, STAGE_SECOND))
EVALUATOR(lanes_first, evaluate_lanes(p, 0, STAGE_FIRST))
EVALUATOR(lanes_all, evaluate_lanes(p, 0, STAGE_SECOND))
EVALUATOR(lanes_flip_first, evaluate_lanes(p, 1, STAGE_FIRST))
EVALUATOR(lanes_flip_all, evaluate_lanes(p, 1, STAGE_SECOND))

typedef Key (*Evaluator)(const float *);
static const Evaluator EVALUATORS[3][2][2] = {{{tile_first, tile_all}, {tile_flip_first, tile_flip_all}},
                                              {{dense_first, dense_all}, {dense_first, dense_all}},
                                              {{lanes_first, lanes_all}, {lanes_flip_first, lanes_flip_all}}};

/* ---------------------------------------------------------------- table */

typedef struct {
  u64 low, high, count; /* count 0: free */
} Slot;

typedef struct {
  Slot *slots;
  u64 mask, used;
} Table;

static void table_open(Table *t, u64 capacity) {
  t->slots = calloc(capacity, sizeof(Slot));
  if (!t->slots) exit((fputs("out of memory\n", stderr), 1));
  t->mask = capacity - 1;
  t->used = 0;
}

INLINE u64 hash(Key key) {
  u64 h = (key.low ^ (key.high * 0x9E3779B97F4A7C15ull)) * 0xBF58476D1CE4E5B9ull;
  h ^= h >> 32;
  h *= 0x94D049BB133111EBull;
  return h ^ h >> 29;
}

static void table_add(Table *t, Key key, u64 h, u64 count) {
  for (u64 i = h & t->mask;; i = (i + 1) & t->mask) {
    Slot *slot = &t->slots[i];
    if (slot->count == 0) {
      *slot = (Slot){key.low, key.high, count};
      t->used++;
      break;
    }
    if (slot->low == key.low && slot->high == key.high) {
      slot->count += count;
      return;
    }
  }
  if (2 * t->used > t->mask) {
    Table larger;
    table_open(&larger, 2 * (t->mask + 1));
    for (u64 i = 0; i <= t->mask; i++) {
      Slot *slot = &t->slots[i];
      Key k = {slot->low, slot->high};
      if (slot->count) table_add(&larger, k, hash(k), slot->count);
    }
    free(t->slots);
    *t = larger;
  }
}

static u64 table_count(const Table *t, Key key) {
  for (u64 i = hash(key) & t->mask; t->slots[i].count; i = (i + 1) & t->mask)
    if (t->slots[i].low == key.low && t->slots[i].high == key.high) return t->slots[i].count;
  return 0;
}

/* ---------------------------------------------------------------- program */

static float scale[DRAWN] ALIGNED, parameters[DRAWN] ALIGNED;
static volatile u64 sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void set_scales(int layout) {
  float first = (float)sqrt(2.0 / FEATURES), second = (float)sqrt(2.0 / WIDTH);
  for (int i = 0; i < COEFFICIENTS * WIDTH; i++) {
    int is_bias = layout == LANES ? i < WIDTH : i % COEFFICIENTS == 0;
    scale[FIRST + i] = is_bias ? 1 : first;
  }
  for (int i = 0; i < WIDTH * WIDTH; i++) scale[SECOND + i] = second;
  for (int i = 0; i < WIDTH; i++) scale[BIAS2 + i] = 1, scale[THIRD + i] = second;
  scale[BIAS3] = 1;
}

/* Scalar double evaluation of the same parameters: what --check holds every evaluator to. */
static int check(Key key, int layout) {
  int wrong = 0;
  for (int i = 0; i < INPUTS; i++) {
    double h[WIDTH], y = parameters[BIAS3];
    for (int u = 0; u < WIDTH; u++) {
      double z = 0;
      for (int j = 0; j < COEFFICIENTS; j++) {
        double w = layout == LANES ? parameters[FIRST + j * WIDTH + u] : parameters[FIRST + u * COEFFICIENTS + j];
        z += j == 0 || (i >> (7 - j)) & 1 ? w : 0;
      }
      h[u] = z > 0 ? z : 0;
    }
    for (int o = 0; o < WIDTH; o++) {
      double z = parameters[BIAS2 + o];
      for (int u = 0; u < WIDTH; u++) z += h[u] * parameters[SECOND + u * WIDTH + o];
      y += z > 0 ? z * parameters[THIRD + o] : 0;
    }
    wrong += (int)((i < 64 ? key.low >> i : key.high >> (i - 64)) & 1) != (y > 0);
  }
  return wrong;
}

static double seconds_of(u64 seed, u64 samples, int stage, Evaluator first, Evaluator all, Table *table) {
  double start = now();
  Key waiting = {0, 0};
  u64 waiting_hash = 0, checksum = 0;
  for (u64 i = 0; i < samples; i++) {
    gaussians(seed, i, 0, scale, parameters, DRAWN);
    if (stage == STAGE_GENERATE) continue;
    Key key = (stage == STAGE_FIRST ? first : all)(parameters);
    if (stage < STAGE_ALL) {
      checksum += key.low ^ key.high;
      continue;
    }
    /* A key waits for one sample while its slot is fetched. */
    u64 h = hash(key);
    __builtin_prefetch(&table->slots[h & table->mask]);
    if (i) table_add(table, waiting, waiting_hash, 1);
    waiting = key, waiting_hash = h;
  }
  if (stage == STAGE_ALL && samples) table_add(table, waiting, waiting_hash, 1);
  sink = checksum;
  return now() - start;
}

static int usage(const char *program) {
  fprintf(stderr, "usage: %s [--samples N] [--seed S] [--dense | --lanes] [--flip] [--stages] [--check]\n", program);
  return 2;
}

int main(int argc, char **argv) {
  u64 samples = 200000, seed = 1;
  int kind = TILE, flip = 0, stages = 0, checking = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--samples") && i + 1 < argc) samples = (u64)strtod(argv[++i], NULL);
    else if (!strcmp(argv[i], "--seed") && i + 1 < argc) seed = strtoull(argv[++i], NULL, 0);
    else if (!strcmp(argv[i], "--dense")) kind = DENSE;
    else if (!strcmp(argv[i], "--lanes")) kind = LANES;
    else if (!strcmp(argv[i], "--flip")) flip = 1;
    else if (!strcmp(argv[i], "--stages")) stages = 1;
    else if (!strcmp(argv[i], "--check")) checking = 1;
    else return usage(argv[0]);
  }
  if (samples == 0 || (kind == DENSE && flip)) return usage(argv[0]);
  set_scales(kind);
  Evaluator first = EVALUATORS[kind][flip][0], all = EVALUATORS[kind][flip][1];
#if defined(__FMA__)
  const char *encoding = "fma";
#elif defined(__AVX__)
  const char *encoding = "avx";
#else
  const char *encoding = "sse4.2";
#endif
  char name[64];
  snprintf(name, sizeof name, "native-c-%s%s-%s", kind == TILE ? "tile" : kind == DENSE ? "dense" : "lanes",
           flip ? "-flip" : "", encoding);

  if (checking) {
    u64 wrong = 0;
    double sum = 0, squares = 0, fourth = 0, largest = 0;
    for (u64 i = 0; i < samples; i++) {
      gaussians(seed, i, 0, scale, parameters, DRAWN);
      wrong += (u64)check(all(parameters), kind);
      for (int j = 0; j < PARAMETERS; j++) {
        double g = parameters[j] / scale[j];
        sum += g, squares += g * g, fourth += g * g * g * g;
        if (fabs(g) > largest) largest = fabs(g);
      }
    }
    double n = (double)samples * PARAMETERS;
    printf("{\"name\":\"%s\",\"samples\":%llu,\"wrongBits\":%llu,\"mean\":%.3g,\"variance\":%.6f,\"kurtosis\":%.5f,"
           "\"largest\":%.3f}\n",
           name, (unsigned long long)samples, (unsigned long long)wrong, sum / n, squares / n,
           fourth / n / (squares / n) / (squares / n), largest);
    return wrong > samples / 100; /* rounding may turn a bit where the output is nearly zero */
  }

  u64 warm = samples / 20 < 2000 ? 2000 : samples / 20;
  Table table;
  table_open(&table, 1 << 16);
  seconds_of(seed ^ 0x5DEECE66Dull, warm, STAGE_ALL, first, all, &table);
  free(table.slots);
  table_open(&table, 1 << 16);
  double seconds = seconds_of(seed, samples, STAGE_ALL, first, all, &table);
  double zero = (double)table_count(&table, (Key){0, 0}), one = (double)table_count(&table, (Key){~0ull, ~0ull});
  printf("{\"name\":\"%s\",\"version\":\"gcc %s\",\"samples\":%llu,\"seconds\":%.6f,\"samplesPerSecond\":%.1f,"
         "\"pAllZero\":%.6f,\"pAllOne\":%.6f,\"distinct\":%llu",
         name, __VERSION__, (unsigned long long)samples, seconds, (double)samples / seconds, zero / (double)samples,
         one / (double)samples, (unsigned long long)table.used);
  if (stages) {
    /* Loops that stop after each stage, on fresh samples (a repeated sample would teach the branch predictor), in
     * slices taken in turn so that a disturbance of the machine falls on all alike; a stage's cost is the difference. */
    double total[4] = {0, 0, 0, 0};
    u64 slice = samples / 8 ? samples / 8 : 1;
    free(table.slots);
    table_open(&table, 1 << 16);
    for (int r = 0; r < 8; r++)
      for (int stage = STAGE_GENERATE; stage <= STAGE_ALL; stage++)
        total[stage] += seconds_of(seed + (u64)r + 1, slice, stage, first, all, &table);
    double ns = 1e9 / (8.0 * (double)slice);
    printf(",\"stagesNs\":{\"generator\":%.0f,\"firstLayer\":%.0f,\"secondLayer\":%.0f,\"rest\":%.0f}",
           ns * total[0], ns * (total[1] - total[0]), ns * (total[2] - total[1]), ns * (total[3] - total[2]));
  }
  puts("}");
  return 0;
}
