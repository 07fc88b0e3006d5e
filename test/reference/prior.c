/*
 * Where the values of test/truth.test.ts for 7-40-40-1 without biases come from: the plainest program that samples it, sharing
 * nothing with the library (xoshiro256**, Box-Muller by libm in double, loops in float).
 *   cc -O3 -march=native -ffast-math prior.c -o prior -lm && ./prior SEED SAMPLES
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BITS = 7, POINTS = 128, WIDTH = 40 };
static uint64_t s[4], mix;

static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
static uint64_t next(void) {
  uint64_t r = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t, s[3] = rotl(s[3], 45);
  return r;
}
static uint64_t splitmix(void) {
  uint64_t z = (mix += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
static double uniform(void) { return ((next() >> 11) + 0.5) * 0x1p-53; }
static float z[BITS * WIDTH + WIDTH * WIDTH + WIDTH];

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  mix = strtoull(argv[1], 0, 10);
  for (int i = 0; i < 4; i++) s[i] = splitmix();
  long samples = atol(argv[2]), zero = 0, one = 0, near = 0;
  const int count = sizeof z / sizeof *z;
  const float first = sqrtf(2.f / BITS), other = sqrtf(2.f / WIDTH);
  for (long t = 0; t < samples; t++) {
    for (int i = 0; i < count; i += 2) {
      double r = sqrt(-2 * log(uniform())), a = 2 * M_PI * uniform();
      z[i] = r * cos(a), z[i + 1] = r * sin(a);
    }
    const float *w1 = z, *w2 = z + BITS * WIDTH, *w3 = w2 + WIDTH * WIDTH;
    static float h[WIDTH][POINTS], g[POINTS], y[POINTS];
    for (int j = 0; j < WIDTH; j++) {
      for (int x = 0; x < POINTS; x++) h[j][x] = 0;
      for (int i = 0; i < BITS; i++)
        for (int x = 0; x < POINTS; x++) h[j][x] += (x >> (BITS - 1 - i)) & 1 ? first * w1[BITS * j + i] : 0;
      for (int x = 0; x < POINTS; x++) h[j][x] = h[j][x] > 0 ? h[j][x] : 0;
    }
    for (int x = 0; x < POINTS; x++) y[x] = 0;
    for (int k = 0; k < WIDTH; k++) {
      for (int x = 0; x < POINTS; x++) g[x] = 0;
      for (int j = 0; j < WIDTH; j++) {
        float w = other * w2[WIDTH * k + j];
        for (int x = 0; x < POINTS; x++) g[x] += w * h[j][x];
      }
      for (int x = 0; x < POINTS; x++) y[x] += other * w3[k] * (g[x] > 0 ? g[x] : 0);
    }
    int ones = 0, single = 0, missing = 0;
    for (int x = 1; x < POINTS; x++) ones += y[x] > 0;
    for (int i = 0; i < BITS; i++) single += y[1 << i] > 0, missing += !(y[1 << i] > 0);
    zero += ones == 0;
    one += ones == POINTS - 1;
    near += (ones == 1 && single == 1) || (ones == POINTS - 2 && missing == 1);
  }
  printf("samples %ld all-0 %.6f all-1 but input 0 %.6f one weight-1 input apart, mean of 14 %.4e\n", samples,
         (double)zero / samples, (double)one / samples, (double)near / samples / 14);
}
