/*
 * Loss, gradient and Hessian-vector product (Pearlmutter's R-operator) of a dense ReLU network in native C: with 128-bit
 * vectors and no fused multiply-add the limit that a Wasm SIMD kernel of the same algorithm can be held to; with -DBLAS
 * the same algorithm with every product of matrices handed to cblas_sgemm. Compile lines are in README.md beside this file.
 *
 * usage: training CASE, a file as bench/training.mjs writes it: u32 layers (counting the input), loss (0 binary
 * cross-entropy of one logit, 1 softmax cross-entropy), points, sizes[layers]; f32 inputs [points][features],
 * targets [points], parameters, direction (layer by layer [fanOut][fanIn], then biases).
 * Commands come one a line on stdin, an answer is one line of JSON:
 *   check          loss, |g|, g.v, |Hv|, v.Hv
 *   gradient MS    milliseconds a call, of as many calls as fit in MS (at least one)
 *   product MS     the same of Hv; the gradient's forward and backward passes are part of it, its weights' sums are not
 *
 * Matrices are [rows][columns padded to 4] (a single column is not padded), weights [fanIn][fanOut]. Without BLAS a first
 * layer whose inputs are zero for the most part goes over the nonzero ones only.
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef __m128 f4;
typedef uint32_t u32;

enum { MOST_LAYERS = 16, BCE = 0, CE = 1 };

/* Points that go through the network at a time. */
#ifndef BLOCK
#ifdef BLAS
#define BLOCK (1 << 20)
#else
#define BLOCK 256
#endif
#endif

typedef struct {
  int in, out;     /* units */
  int from, to;    /* floats a row of the activations below and of this layer's */
  long weights, biases;
  float *a, *d, *ra, *rd;
} Layer;

typedef struct {
  u32 unit;
  float x;
} Record;

static int layers, loss_kind, points, features;
static Layer layer[MOST_LAYERS];
static long entries;
static float *inputs, *targets, *w, *v, *g, *hv, *probabilities, *pack_a, *pack_b;
static Record *records; /* 0: the inputs are dense */
static u32 *starts;

static void *get(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (!p) {
    fputs("training: out of memory\n", stderr);
    exit(1);
  }
  memset(p, 0, bytes);
  return p;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int round4(int n) { return n == 1 ? 1 : (n + 3) & ~3; }

/* ---------------------------------------------------------------- products of matrices */

#ifdef BLAS
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);

static void matmul(const float *a, long ars, long aks, const float *b, long bks, long bcs, float *c, long cs, int m, int n,
                   int depth, int add) {
  cblas_sgemm(ROW_MAJOR, aks == 1 ? NO_TRANSPOSE : TRANSPOSE, bcs == 1 ? NO_TRANSPOSE : TRANSPOSE, m, n, depth, 1, a,
              (int)(aks == 1 ? ars : aks), b, (int)(bcs == 1 ? bks : bcs), add ? 1 : 0, c, (int)cs);
}
#else
enum { DEPTH = 256, ROWS = 64, TILE = 4 };

/* `lines` lines of `depth` numbers side by side in groups of four, `step` floats from one depth to the next. */
static void pack(const float *x, long line, long deep, int lines, int depth, float *out, int step) {
  int k = 0;
  if (lines >= 4 && line == 1) {
    for (; k < depth; k++) _mm_store_ps(out + k * step, _mm_loadu_ps(x + k * deep));
    return;
  }
  if (lines >= 4 && deep == 1) {
    for (; k + 4 <= depth; k += 4) {
      f4 r0 = _mm_loadu_ps(x + k), r1 = _mm_loadu_ps(x + line + k);
      f4 r2 = _mm_loadu_ps(x + 2 * line + k), r3 = _mm_loadu_ps(x + 3 * line + k);
      _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
      _mm_store_ps(out + k * step, r0);
      _mm_store_ps(out + (k + 1) * step, r1);
      _mm_store_ps(out + (k + 2) * step, r2);
      _mm_store_ps(out + (k + 3) * step, r3);
    }
  }
  for (; k < depth; k++)
    for (int l = 0; l < 4; l++) out[k * step + l] = l < lines ? x[l * line + k * deep] : 0;
}

/* Four rows of packed A by eight columns of packed B. */
static void tile(const float *a, const float *b, int depth, float *c, long cs, int rows, int columns, int add) {
  f4 sum[TILE][2];
  for (int i = 0; i < TILE; i++) sum[i][0] = sum[i][1] = _mm_setzero_ps();
  for (int k = 0; k < depth; k++, a += TILE, b += 8) {
    f4 x0 = _mm_load_ps(b), x1 = _mm_load_ps(b + 4);
    for (int i = 0; i < TILE; i++) {
      f4 y = _mm_set1_ps(a[i]);
      sum[i][0] = _mm_add_ps(sum[i][0], _mm_mul_ps(y, x0));
      sum[i][1] = _mm_add_ps(sum[i][1], _mm_mul_ps(y, x1));
    }
  }
  for (int i = 0; i < TILE; i++) {
    if (i >= rows) return;
    for (int j = 0; j < 2; j++) {
      if (4 * j >= columns) break;
      float *at = c + i * cs + 4 * j;
      _mm_storeu_ps(at, add ? _mm_add_ps(_mm_loadu_ps(at), sum[i][j]) : sum[i][j]);
    }
  }
}

/* C = A B, or C += A B [Goto & van de Geijn 2008]; entry (i, k) of A at a[i ars + k aks], (k, j) of B at b[k bks + j bcs]. */
static void matmul(const float *a, long ars, long aks, const float *b, long bks, long bcs, float *c, long cs, int m, int n,
                   int depth, int add) {
  for (int k = 0; k < depth; k += DEPTH) {
    int d = depth - k < DEPTH ? depth - k : DEPTH;
    for (int j = 0; j < n; j += 8) {
      const float *from = b + k * bks + j * bcs;
      pack(from, bcs, bks, n - j, d, pack_b + j * d, 8);
      if (n - j > 4) pack(from + 4 * bcs, bcs, bks, n - j - 4, d, pack_b + j * d + 4, 8);
    }
    for (int i = 0; i < m; i += ROWS) {
      int rows = m - i < ROWS ? m - i : ROWS;
      for (int r = 0; r < rows; r += TILE) pack(a + (i + r) * ars + k * aks, ars, aks, rows - r, d, pack_a + r * d, TILE);
      for (int j = 0; j < n; j += 8)
        for (int r = 0; r < rows; r += TILE)
          tile(pack_a + r * d, pack_b + j * d, d, c + (i + r) * cs + j, cs, rows - r, n - j, k > 0 || add);
    }
  }
}
#endif

static float sum4(f4 s) {
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

/* out (+)= A M: what a layer makes of `count` rows below it. */
static void through(const Layer *l, const float *a, const float *m, float *out, int count) {
  m += l->weights;
  if (l->out > 1) {
    matmul(a, l->from, 1, m, l->to, 1, out, l->to, count, l->out, l->in, 1);
    return;
  }
  for (int i = 0; i < count; i++, a += l->from) {
    f4 s = _mm_setzero_ps();
    int k = 0;
    for (; k + 4 <= l->in; k += 4) s = _mm_add_ps(s, _mm_mul_ps(_mm_loadu_ps(a + k), _mm_loadu_ps(m + k)));
    float rest = 0;
    for (; k < l->in; k++) rest += a[k] * m[k];
    out[i] += sum4(s) + rest;
  }
}

/* out = D M', or out += D M': what a layer's derivatives are one layer below. */
static void back(const Layer *l, const float *restrict d, const float *restrict m, float *restrict out, int count, int add) {
  m += l->weights;
  if (l->out > 1) {
    matmul(d, l->to, 1, m, 1, l->to, out, l->from, count, l->in, l->out, add);
    return;
  }
  for (int i = 0; i < count; i++, out += l->from)
    for (int k = 0; k < l->in; k++) out[k] = (add ? out[k] : 0) + d[i] * m[k];
}

/* sums += A' D: a layer's part of a gradient. */
static void outer(const Layer *l, const float *restrict a, const float *restrict d, float *restrict sums, int count) {
  sums += l->weights;
  if (l->out > 1) {
    matmul(a, 1, l->from, d, l->to, 1, sums, l->to, l->in, l->out, count, 1);
    return;
  }
  for (int i = 0; i < count; i++, a += l->from)
    for (int k = 0; k < l->in; k++) sums[k] += d[i] * a[k];
}

static void add_row(float *restrict out, float x, const float *restrict row, int n) {
  for (int o = 0; o < n; o += 4)
    _mm_store_ps(out + o, _mm_add_ps(_mm_load_ps(out + o), _mm_mul_ps(_mm_set1_ps(x), _mm_load_ps(row + o))));
}

/* Forty sums stay in registers over all of a point's inputs. */
static void add_rows40(float *out, const Record *r, const Record *end, const float *m, long n) {
  f4 s[10];
  for (int o = 0; o < 10; o++) s[o] = _mm_load_ps(out + 4 * o);
  for (; r < end; r++) {
    const float *row = m + r->unit * n;
    f4 x = _mm_set1_ps(r->x);
    for (int o = 0; o < 10; o++) s[o] = _mm_add_ps(s[o], _mm_mul_ps(x, _mm_load_ps(row + 4 * o)));
  }
  for (int o = 0; o < 10; o++) _mm_store_ps(out + 4 * o, s[o]);
}

/* Forty entries of d stay in registers. */
static void add_outer40(const float *d, const Record *r, const Record *end, float *sums, long n) {
  f4 s[10];
  for (int o = 0; o < 10; o++) s[o] = _mm_load_ps(d + 4 * o);
  for (; r < end; r++) {
    float *row = sums + r->unit * n;
    f4 x = _mm_set1_ps(r->x);
    for (int o = 0; o < 10; o++) _mm_store_ps(row + 4 * o, _mm_add_ps(_mm_load_ps(row + 4 * o), _mm_mul_ps(x, s[o])));
  }
}

static void through_first(const float *m, float *out, int first, int count) {
  const Layer *l = layer;
  if (!records) {
    through(l, inputs + (long)first * features, m, out, count);
    return;
  }
  m += l->weights;
  for (int i = first; i < first + count; i++, out += l->to) {
    const Record *r = records + starts[i], *end = records + starts[i + 1];
    int o = 0;
    for (; o + 40 <= l->to; o += 40) add_rows40(out + o, r, end, m + o, l->to);
    if (o < l->to)
      for (; r < end; r++) add_row(out + o, r->x, m + (long)r->unit * l->to + o, l->to - o);
  }
}

static void outer_first(const float *d, float *sums, int first, int count) {
  const Layer *l = layer;
  if (!records) {
    outer(l, inputs + (long)first * features, d, sums, count);
    return;
  }
  sums += l->weights;
  for (int i = first; i < first + count; i++, d += l->to) {
    const Record *r = records + starts[i], *end = records + starts[i + 1];
    int o = 0;
    for (; o + 40 <= l->to; o += 40) add_outer40(d + o, r, end, sums + o, l->to);
    if (o < l->to)
      for (; r < end; r++) add_row(sums + (long)r->unit * l->to + o, r->x, d + o, l->to - o);
  }
}

/* ---------------------------------------------------------------- the rest */

static void fill(float *restrict out, const float *restrict row, int n, int count) {
  for (int i = 0; i < count; i++, out += n) memcpy(out, row, 4 * (size_t)n);
}

static void relu(float *x, long n) {
  for (long i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

/* x = 0 where the unit is inactive. */
static void slope(const float *restrict a, float *restrict x, long n) {
  for (long i = 0; i < n; i++) x[i] = a[i] > 0 ? x[i] : 0;
}

static void add_columns(const float *restrict x, int count, int n, float *restrict out) {
  for (int i = 0; i < count; i++, x += n)
    for (int o = 0; o < n; o++) out[o] += x[o];
}

static void forward(int first, int count) {
  for (int k = 0; k < layers; k++) {
    Layer *l = layer + k;
    fill(l->a, w + l->biases, l->to, count);
    if (k == 0) through_first(w, l->a, first, count);
    else through(l, l[-1].a, w, l->a, count);
    if (k + 1 < layers) relu(l->a, (long)count * l->to);
  }
}

static void forward_along(int first, int count) {
  for (int k = 0; k < layers; k++) {
    Layer *l = layer + k;
    fill(l->ra, v + l->biases, l->to, count);
    if (k == 0) through_first(v, l->ra, first, count);
    else {
      through(l, l[-1].a, v, l->ra, count);
      through(l, l[-1].ra, w, l->ra, count);
    }
    if (k + 1 < layers) slope(l->a, l->ra, (long)count * l->to);
  }
}

/* Sum of the losses; probabilities, and dL/dz / points into the last layer's d. */
static double loss_of(int first, int count) {
  const Layer *l = layer + layers - 1;
  double total = 0, scale = 1.0 / points;
  for (int i = 0; i < count; i++) {
    float t = targets[first + i];
    float *z = l->a + (long)i * l->to, *d = l->d + (long)i * l->to, *p = probabilities + (long)i * l->to;
    if (loss_kind == BCE) {
      double x = z[0], e = exp(-fabs(x)), q = x >= 0 ? 1 / (1 + e) : e / (1 + e);
      total += (x > 0 ? x : 0) - t * x + log1p(e);
      p[0] = (float)q;
      d[0] = (float)((q - t) * scale);
    } else {
      double largest = z[0], sum = 0, e[4096];
      for (int o = 1; o < l->out; o++) largest = z[o] > largest ? z[o] : largest;
      for (int o = 0; o < l->out; o++) sum += e[o] = exp(z[o] - largest);
      total += log(sum) + largest - z[(int)t];
      for (int o = 0; o < l->out; o++) {
        p[o] = (float)(e[o] / sum);
        d[o] = (float)((e[o] / sum - (o == (int)t)) * scale);
      }
    }
  }
  return total;
}

/* R{dL/dz} of the last layer. */
static void curvature(int count) {
  const Layer *l = layer + layers - 1;
  float scale = 1.0f / (float)points;
  for (int i = 0; i < count; i++) {
    const float *r = l->ra + (long)i * l->to, *p = probabilities + (long)i * l->to;
    float *rd = l->rd + (long)i * l->to;
    if (loss_kind == BCE) rd[0] = p[0] * (1 - p[0]) * r[0] * scale;
    else {
      float mean = 0;
      for (int o = 0; o < l->out; o++) mean += p[o] * r[o];
      for (int o = 0; o < l->out; o++) rd[o] = p[o] * (r[o] - mean) * scale;
    }
  }
}

static double gradient(void) {
  double total = 0;
  memset(g, 0, 4 * (size_t)entries);
  for (int first = 0; first < points; first += BLOCK) {
    int n = points - first < BLOCK ? points - first : BLOCK;
    forward(first, n);
    total += loss_of(first, n);
    for (int k = layers - 1; k >= 0; k--) {
      Layer *l = layer + k;
      add_columns(l->d, n, l->to, g + l->biases);
      if (k == 0) {
        outer_first(l->d, g, first, n);
        break;
      }
      outer(l, l[-1].a, l->d, g, n);
      back(l, l->d, w, l[-1].d, n, 0);
      slope(l[-1].a, l[-1].d, (long)n * l->from);
    }
  }
  return total / points;
}

static double product(void) {
  double total = 0;
  memset(hv, 0, 4 * (size_t)entries);
  for (int first = 0; first < points; first += BLOCK) {
    int n = points - first < BLOCK ? points - first : BLOCK;
    forward(first, n);
    total += loss_of(first, n);
    forward_along(first, n);
    curvature(n);
    for (int k = layers - 1; k >= 0; k--) {
      Layer *l = layer + k;
      add_columns(l->rd, n, l->to, hv + l->biases);
      if (k == 0) {
        outer_first(l->rd, hv, first, n);
        break;
      }
      outer(l, l[-1].a, l->rd, hv, n);
      outer(l, l[-1].ra, l->d, hv, n);
      back(l, l->rd, w, l[-1].rd, n, 0);
      back(l, l->d, v, l[-1].rd, n, 1);
      slope(l[-1].a, l[-1].rd, (long)n * l->from);
      if (k == 1) continue;
      back(l, l->d, w, l[-1].d, n, 0);
      slope(l[-1].a, l[-1].d, (long)n * l->from);
    }
  }
  return total / points;
}

/* ---------------------------------------------------------------- a case */

static void read_exactly(void *out, size_t bytes, FILE *file) {
  if (fread(out, 1, bytes, file) == bytes) return;
  fputs("training: the case is cut short\n", stderr);
  exit(2);
}

static void read_parameters(float *out, FILE *file) {
  for (int k = 0; k < layers; k++) {
    const Layer *l = layer + k;
    for (int o = 0; o < l->out; o++)
      for (int i = 0; i < l->in; i++) read_exactly(out + l->weights + (long)i * l->to + o, 4, file);
    read_exactly(out + l->biases, 4 * (size_t)l->out, file);
  }
}

static void open_case(const char *path) {
  FILE *file = fopen(path, "rb");
  u32 head[3], size[MOST_LAYERS + 1];
  if (!file) {
    fprintf(stderr, "training: no %s\n", path);
    exit(2);
  }
  read_exactly(head, sizeof head, file);
  if (head[0] < 2 || head[0] > MOST_LAYERS + 1 || head[1] > CE) {
    fputs("training: not a case\n", stderr);
    exit(2);
  }
  read_exactly(size, 4 * head[0], file);
  layers = (int)head[0] - 1, loss_kind = (int)head[1], points = (int)head[2], features = (int)size[0];
  int block = points < BLOCK ? points : BLOCK, wide = features;
  for (int k = 0; k < layers; k++) {
    Layer *l = layer + k;
    l->in = (int)size[k], l->out = (int)size[k + 1];
    l->from = k ? round4(l->in) : features, l->to = round4(l->out);
    l->weights = entries;
    entries += ((long)l->in * l->to + 3) / 4 * 4;
    l->biases = entries;
    entries += (l->to + 3) / 4 * 4;
    size_t bytes = 4 * (size_t)block * (size_t)l->to;
    l->a = get(bytes), l->d = get(bytes), l->ra = get(bytes), l->rd = get(bytes);
    if (l->out > wide) wide = l->out;
  }
  size_t bytes = 4 * (size_t)entries;
  w = get(bytes), v = get(bytes), g = get(bytes), hv = get(bytes);
  probabilities = get(4 * (size_t)block * (size_t)layer[layers - 1].to);
#ifndef BLAS
  pack_a = get(4 * ROWS * DEPTH);
  pack_b = get(4 * DEPTH * (size_t)((wide + 7) / 8 * 8));
#endif
  long cells = (long)points * features, nonzero = 0;
  inputs = get(4 * (size_t)cells + 16);
  targets = get(4 * (size_t)points);
  read_exactly(inputs, 4 * (size_t)cells, file);
  read_exactly(targets, 4 * (size_t)points, file);
  read_parameters(w, file);
  read_parameters(v, file);
  fclose(file);
#ifndef BLAS
  for (long i = 0; i < cells; i++) nonzero += inputs[i] != 0;
  if (2 * nonzero >= cells) return;
  records = get(sizeof(Record) * (size_t)(nonzero + 1));
  starts = get(4 * (size_t)(points + 1));
  u32 at = 0;
  for (int i = 0; i < points; i++) {
    starts[i] = at;
    for (int k = 0; k < features; k++) {
      float x = inputs[(long)i * features + k];
      if (x != 0) records[at++] = (Record){(u32)k, x};
    }
  }
  starts[points] = at;
#else
  (void)nonzero;
#endif
}

static double dot(const float *x, const float *y) {
  double sum = 0;
  for (long i = 0; i < entries; i++) sum += (double)x[i] * y[i];
  return sum;
}

static volatile double sink;

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s CASE, then commands on stdin: check | gradient MS | product MS\n", argv[0]);
    return 2;
  }
  open_case(argv[1]);
  char command[32];
  while (scanf("%31s", command) == 1) {
    if (!strcmp(command, "check")) {
      double loss = gradient();
      product();
      printf("{\"version\":\"gcc %s\",\"loss\":%.9g,\"gradient\":%.9g,\"slope\":%.9g,\"product\":%.9g,\"curvature\":%.9g}\n",
             __VERSION__, loss, sqrt(dot(g, g)), dot(g, v), sqrt(dot(hv, hv)), dot(hv, v));
    } else {
      double milliseconds;
      int gradients = !strcmp(command, "gradient");
      if ((!gradients && strcmp(command, "product")) || scanf("%lf", &milliseconds) != 1) {
        fprintf(stderr, "training: no command %s\n", command);
        return 2;
      }
      long calls = 0;
      double start = now(), elapsed;
      do {
        sink = gradients ? gradient() : product();
        calls++;
      } while ((elapsed = now() - start) * 1000 < milliseconds);
      printf("{\"milliseconds\":%.9g,\"calls\":%ld}\n", 1000 * elapsed / (double)calls, calls);
    }
    fflush(stdout);
  }
  return 0;
}
