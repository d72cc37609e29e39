/*===- floor_small.c - Hand-written loops of AdamW with small state --------------------===*
 *
 * By AVX2 instructions, since no compiler vectorises mixed widths well, and the generator of random bits by those of AVX-512 where they are. The arithmetic is that of
 * the rules: f32, rounded once where it is stored, NaN stays NaN. Stochastic rounding adds 16 bits of Philox to what is dropped, so that a carry rounds up.
 *
 *===----------------------------------------------------------------------------===*/

#include "floor_loop.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define EACH(statement) for (int j = 0; j < 2; ++j) statement
enum { turn = 16, half = 8, bytes_ahead = 8192 }; /* elements a turn, elements a register */
#define REACH(address) _mm_prefetch((const char *)(address) + bytes_ahead, _MM_HINT_T1)

struct lanes_adam {
  __m256 lr, beta1, beta2, rest1, rest2, correct1, correct2, eps, decay;
};

static inline struct lanes_adam spread(struct floor_adam h) {
  struct lanes_adam const lanes = {_mm256_set1_ps(h.lr),       _mm256_set1_ps(h.beta1),    _mm256_set1_ps(h.beta2),
                                   _mm256_set1_ps(h.rest1),    _mm256_set1_ps(h.rest2),    _mm256_set1_ps(h.correct1),
                                   _mm256_set1_ps(h.correct2), _mm256_set1_ps(h.eps),      _mm256_set1_ps(h.decay)};
  return lanes;
}

/* Eight elements of AdamW. */
static inline void step(__m256 *w, __m256 g, __m256 *m, __m256 *v, struct lanes_adam h) {
  *m = _mm256_add_ps(_mm256_mul_ps(h.beta1, *m), _mm256_mul_ps(h.rest1, g));
  *v = _mm256_add_ps(_mm256_mul_ps(h.beta2, *v), _mm256_mul_ps(h.rest2, _mm256_mul_ps(g, g)));
  __m256 const below = _mm256_add_ps(_mm256_sqrt_ps(_mm256_mul_ps(*v, h.correct2)), h.eps);
  __m256 const quotient = _mm256_div_ps(_mm256_mul_ps(*m, h.correct1), below);
  *w = _mm256_sub_ps(*w, _mm256_mul_ps(h.lr, _mm256_add_ps(quotient, _mm256_mul_ps(h.decay, *w))));
}

/*===- bf16 ---------------------------------------------------------------------===*/

static inline __m256 load16(const uint16_t *from) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from)), 16));
}

/* The upper halves of 16 words; `first` are the lower 8 of them. */
static inline void store_upper(uint16_t *to, __m256i first, __m256i second) {
  __m256i const packed = _mm256_packus_epi32(_mm256_srli_epi32(first, 16), _mm256_srli_epi32(second, 16));
  _mm256_storeu_si256((__m256i *)to, _mm256_permute4x64_epi64(packed, 0xd8));
}

/* `added` decides whether the upper half is rounded up. */
static inline __m256i round_upper(__m256 x, __m256i added) {
  __m256i const bits = _mm256_castps_si256(x), quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  __m256 const is_nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
  return _mm256_castps_si256(
      _mm256_blendv_ps(_mm256_castsi256_ps(_mm256_add_epi32(bits, added)), _mm256_castsi256_ps(quiet), is_nan));
}

/* Half of the last place, less 1 where the place is even: ties go to even. */
static inline __m256i to_nearest(__m256 x) {
  __m256i const odd = _mm256_and_si256(_mm256_srli_epi32(_mm256_castps_si256(x), 16), _mm256_set1_epi32(1));
  return _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
}

static inline void store16(uint16_t *to, const __m256 x[2]) {
  store_upper(to, round_upper(x[0], to_nearest(x[0])), round_upper(x[1], to_nearest(x[1])));
}

static inline void bf16_state_turn(float *w, const float *g, uint16_t *m, uint16_t *v, struct lanes_adam h) {
  __m256 w8[2], m8[2], v8[2];
  EACH(w8[j] = _mm256_loadu_ps(w + half * j));
  EACH(m8[j] = load16(m + half * j));
  EACH(v8[j] = load16(v + half * j));
  EACH(step(w8 + j, _mm256_loadu_ps(g + half * j), m8 + j, v8 + j, h));
  EACH(_mm256_storeu_ps(w + half * j, w8[j]));
  store16(m, m8), store16(v, v8);
}

static void bf16_state_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  float *const w = call->arrays[0], *const g = call->arrays[1];
  uint16_t *const m = call->arrays[2], *const v = call->arrays[3];
  struct lanes_adam const h = spread(*(const struct floor_adam *)numbers);
  int64_t i = begin;
  for (; i + turn <= end; i += turn) {
    REACH(w + i), REACH(g + i), REACH(m + i), REACH(v + i);
    bf16_state_turn(w + i, g + i, m + i, v + i, h);
  }
  float wide[2][turn] = {{0}};
  uint16_t narrow[2][turn] = {{0}};
  size_t const left = (size_t)(end - i);
  memcpy(wide[0], w + i, left * 4), memcpy(wide[1], g + i, left * 4);
  memcpy(narrow[0], m + i, left * 2), memcpy(narrow[1], v + i, left * 2);
  bf16_state_turn(wide[0], wide[1], narrow[0], narrow[1], h);
  memcpy(w + i, wide[0], left * 4), memcpy(m + i, narrow[0], left * 2), memcpy(v + i, narrow[1], left * 2);
}

void floor_adamw_bf16_state(const floor_call *call) {
  struct floor_adam const h = floor_prepare(call, 1);
  floor_parallel(call, turn, bf16_state_range, &h);
}

static inline void bf16_turn(uint16_t *w, const uint16_t *g, uint16_t *m, uint16_t *v, struct lanes_adam h) {
  __m256 w8[2], m8[2], v8[2];
  EACH(w8[j] = load16(w + half * j));
  EACH(m8[j] = load16(m + half * j));
  EACH(v8[j] = load16(v + half * j));
  EACH(step(w8 + j, load16(g + half * j), m8 + j, v8 + j, h));
  store16(w, w8), store16(m, m8), store16(v, v8);
}

static void bf16_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  uint16_t *const w = call->arrays[0], *const g = call->arrays[1], *const m = call->arrays[2], *const v = call->arrays[3];
  struct lanes_adam const h = spread(*(const struct floor_adam *)numbers);
  int64_t i = begin;
  for (; i + turn <= end; i += turn) {
    REACH(w + i), REACH(g + i), REACH(m + i), REACH(v + i);
    bf16_turn(w + i, g + i, m + i, v + i, h);
  }
  uint16_t rest[4][turn] = {{0}}, *const from[4] = {w + i, g + i, m + i, v + i};
  size_t const left = (size_t)(end - i);
  for (int a = 0; a < 4; ++a)
    memcpy(rest[a], from[a], left * 2);
  bf16_turn(rest[0], rest[1], rest[2], rest[3], h);
  for (int a = 0; a < 4; ++a)
    memcpy(from[a], rest[a], a == 1 ? 0 : left * 2);
}

void floor_adamw_bf16(const floor_call *call) {
  struct floor_adam const h = floor_prepare(call, 1);
  floor_parallel(call, turn, bf16_range, &h);
}

/*===- bf16, rounded by draws ----------------------------------------------------===*/

/* Philox 4x32-10. One block by plain C, for the keys. */
static void philox(uint32_t c[4], uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t const a = (uint64_t)0xD2511F53 * c[0], b = (uint64_t)0xCD9E8D57 * c[2];
    uint32_t const next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a};
    memcpy(c, next, sizeof next);
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
}

static uint64_t derive(uint64_t key, uint64_t low, uint64_t high) {
  uint32_t c[4] = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)};
  philox(c, key);
  return (uint64_t)c[1] << 32 | c[0];
}

/* The key of a site: of the seed and the time, then of the first tensor of a collection. */
static uint64_t key_of(const floor_call *call, const char *site) {
  uint64_t hash = 0xcbf29ce484222325;
  for (; *site; ++site)
    hash = (hash ^ (unsigned char)*site) * 0x100000001b3;
  return derive(derive(call->seed, call->t, hash), 0, 1);
}

/* Vectors of 64-bit lanes. Lane l has the block `block_order` of those that are drawn together, so that the words of each come to lie behind one another. */
#ifdef __AVX512F__
typedef __m512i words;
enum { blocks_of_words = 8 };
#define OF_WORDS(name) _mm512_##name
#define ALL_WORDS(x) _mm512_set1_epi64(x)
#define block_order _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7)
#define odd_words(even, odd) _mm512_mask_blend_epi32(0xaaaa, even, odd)
#define XOR_WORDS _mm512_xor_si512
#define STORE_WORDS _mm512_storeu_si512
#else
typedef __m256i words;
enum { blocks_of_words = 4 };
#define OF_WORDS(name) _mm256_##name
#define ALL_WORDS(x) _mm256_set1_epi64x(x)
#define block_order _mm256_setr_epi64x(0, 2, 1, 3)
#define odd_words(even, odd) _mm256_blend_epi32(even, odd, 0xaa)
#define XOR_WORDS _mm256_xor_si256
#define STORE_WORDS(to, x) _mm256_storeu_si256((__m256i *)(to), x)
#endif

enum { rounds = 10, drawn = 64, together = 256, chains = drawn / (8 * blocks_of_words) };

/* The keys of each round. */
struct round_keys {
  words first[rounds], second[rounds];
};

static struct round_keys spread_key(uint64_t key) {
  struct round_keys keys;
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < rounds; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85)
    keys.first[round] = ALL_WORDS(k0), keys.second[round] = ALL_WORDS(k1);
  return keys;
}

/* Philox of several blocks in each lane of which the lower half counts. */
struct blocks {
  words c0, c1, c2, c3;
};

static inline struct blocks start_blocks(int64_t number) {
  struct blocks const start = {OF_WORDS(add_epi64)(ALL_WORDS(number), block_order), ALL_WORDS(number >> 32), ALL_WORDS(0), ALL_WORDS(0)};
  return start;
}

static inline void turn_blocks(struct blocks *c, words first_key, words second_key) {
  words const a = OF_WORDS(mul_epu32)(c->c0, ALL_WORDS(0xD2511F53)), b = OF_WORDS(mul_epu32)(c->c2, ALL_WORDS(0xCD9E8D57));
  c->c0 = XOR_WORDS(OF_WORDS(srli_epi64)(b, 32), XOR_WORDS(c->c1, first_key));
  c->c2 = XOR_WORDS(OF_WORDS(srli_epi64)(a, 32), XOR_WORDS(c->c3, second_key));
  c->c1 = b, c->c3 = a;
}

static inline void store_blocks(uint16_t *to, struct blocks c) {
  words const front = odd_words(c.c0, OF_WORDS(slli_epi64)(c.c1, 32)), back = odd_words(c.c2, OF_WORDS(slli_epi64)(c.c3, 32));
  STORE_WORDS(to, OF_WORDS(unpacklo_epi64)(front, back));
  STORE_WORDS(to + 4 * blocks_of_words, OF_WORDS(unpackhi_epi64)(front, back));
}

#define CHAINS(statement) _Pragma("clang loop unroll(full)") for (int j = 0; j < chains; ++j) { statement; }
/* Sixteen bits for each of 64 numbers m and v. Rounds of all chains take turns, since the products of one wait for one another. */
static inline void draw(uint16_t m_bits[drawn], uint16_t v_bits[drawn], int64_t first, const struct round_keys *m_key, const struct round_keys *v_key) {
  struct blocks m[chains], v[chains];
  CHAINS(m[j] = v[j] = start_blocks(first / 8 + blocks_of_words * j))
  _Pragma("clang loop unroll(full)") for (int round = 0; round < rounds; ++round)
    CHAINS(turn_blocks(m + j, m_key->first[round], m_key->second[round]); turn_blocks(v + j, v_key->first[round], v_key->second[round]))
  CHAINS(store_blocks(m_bits + 8 * blocks_of_words * j, m[j]); store_blocks(v_bits + 8 * blocks_of_words * j, v[j]))
}

static inline __m256i load_bits(const uint16_t *from) { return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from)); }

static inline void stochastic_turn(float *w, const float *g, uint16_t *m, uint16_t *v, const uint16_t *m_drawn, const uint16_t *v_drawn, struct lanes_adam h) {
  __m256 w8[2], m8[2], v8[2];
  EACH(w8[j] = _mm256_loadu_ps(w + half * j));
  EACH(m8[j] = load16(m + half * j));
  EACH(v8[j] = load16(v + half * j));
  EACH(step(w8 + j, _mm256_loadu_ps(g + half * j), m8 + j, v8 + j, h));
  EACH(_mm256_storeu_ps(w + half * j, w8[j]));
  __m256i m_bits[2], v_bits[2];
  EACH(m_bits[j] = round_upper(m8[j], load_bits(m_drawn + half * j)));
  EACH(v_bits[j] = round_upper(v8[j], load_bits(v_drawn + half * j)));
  store_upper(m, m_bits[0], m_bits[1]);
  store_upper(v, v_bits[0], v_bits[1]);
}

struct stochastic {
  struct floor_adam adam;
  uint64_t keys[2];
};

static void stochastic_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  float *const w = call->arrays[0], *const g = call->arrays[1];
  uint16_t *const m = call->arrays[2], *const v = call->arrays[3];
  NUMBERS(struct stochastic);
  struct lanes_adam const lanes = spread(h.adam);
  struct round_keys const m_key = spread_key(h.keys[0]), v_key = spread_key(h.keys[1]);
  _Alignas(64) uint16_t m_drawn[together], v_drawn[together];
  int64_t i = begin;
  for (; i + together <= end; i += together) {
    for (int k = 0; k < together; k += drawn)
      draw(m_drawn + k, v_drawn + k, i + k, &m_key, &v_key);
    for (int k = 0; k < together; k += turn) {
      int64_t const at = i + k;
      REACH(w + at), REACH(g + at), REACH(m + at), REACH(v + at);
      stochastic_turn(w + at, g + at, m + at, v + at, m_drawn + k, v_drawn + k, lanes);
    }
  }
  for (int k = 0; k < together; k += drawn)
    draw(m_drawn + k, v_drawn + k, i + k, &m_key, &v_key);
  for (int k = 0; i < end; i += turn, k += turn) {
    float wide[2][turn] = {{0}};
    uint16_t narrow[2][turn] = {{0}};
    size_t const left = (size_t)(end - i < turn ? end - i : turn);
    memcpy(wide[0], w + i, left * 4), memcpy(wide[1], g + i, left * 4);
    memcpy(narrow[0], m + i, left * 2), memcpy(narrow[1], v + i, left * 2);
    stochastic_turn(wide[0], wide[1], narrow[0], narrow[1], m_drawn + k, v_drawn + k, lanes);
    memcpy(w + i, wide[0], left * 4), memcpy(m + i, narrow[0], left * 2), memcpy(v + i, narrow[1], left * 2);
  }
}

void floor_adamw_stochastic(const floor_call *call) {
  struct stochastic const h = {floor_prepare(call, 1),
                               {key_of(call, "adamw_stochastic.m.rounding"), key_of(call, "adamw_stochastic.v.rounding")}};
  floor_parallel(call, together, stochastic_range, &h);
}

/*===- Blocks of 8-bit codes ------------------------------------------------------===*/

enum { block = 256, scale_bytes = 4 };

/* Eight numbers of a block. Where no number is negative the codes are magnitude alone. */
static inline __m256 decode(const uint8_t *codes, float scale, int has_sign) {
  __m256i const wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)codes));
  __m256i const magnitude = has_sign ? _mm256_and_si256(wide, _mm256_set1_epi32(0x7f)) : wide;
  __m256 u = _mm256_add_ps(_mm256_cvtepi32_ps(magnitude), _mm256_set1_ps(1));
  if (!has_sign)
    u = _mm256_mul_ps(u, _mm256_set1_ps(0.5f));
  __m256i const bits = _mm256_castps_si256(u), exponent = _mm256_srli_epi32(bits, 23);
  __m256i const significand = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)), _mm256_set1_epi32(0x3f800000));
  __m256i const thrice = _mm256_add_epi32(_mm256_add_epi32(exponent, exponent), _mm256_add_epi32(exponent, _mm256_set1_epi32(127 - 3 * 134)));
  __m256 value = _mm256_sub_ps(_mm256_mul_ps(_mm256_castsi256_ps(significand), _mm256_set1_ps(7)), _mm256_set1_ps(6));
  value = _mm256_mul_ps(value, _mm256_castsi256_ps(_mm256_slli_epi32(thrice, 23)));
  __m256i const is_zero = _mm256_cmpeq_epi32(magnitude, _mm256_setzero_si256());
  value = _mm256_andnot_ps(_mm256_castsi256_ps(is_zero), value);
  if (has_sign)
    value = _mm256_or_ps(value, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_srli_epi32(wide, 7), 31)));
  return _mm256_mul_ps(value, _mm256_set1_ps(scale));
}

/* The codes of eight numbers, one in each word. */
static inline __m256i encode(__m256 x, __m256 reciprocal, __m256 bound, int has_sign) {
  __m256i const bits = _mm256_castps_si256(x);
  __m256 const size = has_sign ? _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x) : x;
  __m256 const y = _mm256_max_ps(_mm256_mul_ps(size, reciprocal), _mm256_set1_ps(0x1p-27f)); /* NaN and what is below: the bound */
  __m256i const y_bits = _mm256_castps_si256(y), above = _mm256_add_epi32(_mm256_srli_epi32(y_bits, 23), _mm256_set1_epi32(27 - 127));
  __m256i const power = _mm256_srli_epi32(_mm256_mullo_epi16(above, _mm256_set1_epi32(11)), 5);
  __m256i const of_power = _mm256_add_epi32(_mm256_add_epi32(power, _mm256_add_epi32(power, power)), _mm256_set1_epi32(-27));
  __m256 const rest = _mm256_castsi256_ps(_mm256_sub_epi32(y_bits, _mm256_slli_epi32(of_power, 23)));
  __m256 const m = _mm256_mul_ps(_mm256_add_ps(rest, _mm256_set1_ps(6)), _mm256_set1_ps(1.0f / 7.0f));
  __m256i const exponent = _mm256_add_epi32(power, _mm256_set1_epi32(has_sign ? -2 : -1));
  __m256 const u = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(m), _mm256_slli_epi32(exponent, 23)));
  __m256 const shifted = _mm256_add_ps(_mm256_add_ps(u, _mm256_set1_ps(-1)), _mm256_set1_ps(0x1p23f));
  __m256i code = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(-0x4b000000));
  __m256i const is_some = _mm256_castps_si256(_mm256_cmp_ps(size, bound, _CMP_GT_OQ));
  code = _mm256_max_epi32(code, _mm256_srli_epi32(is_some, 31));
  if (!has_sign)
    return code;
  __m256i const sign = _mm256_slli_epi32(_mm256_srli_epi32(bits, 31), 7);
  return _mm256_or_si256(code, _mm256_andnot_si256(_mm256_cmpeq_epi32(code, _mm256_setzero_si256()), sign));
}

static inline void encode_as(uint8_t *codes, const float *numbers, float reciprocal, float bound, int has_sign) {
  __m256 const reciprocals = _mm256_set1_ps(reciprocal), bounds = _mm256_set1_ps(bound);
  for (int i = 0; i < block; i += 32) {
    __m256i c[4];
    for (int j = 0; j < 4; ++j)
      c[j] = encode(_mm256_load_ps(numbers + i + 8 * j), reciprocals, bounds, has_sign);
    __m256i const bytes = _mm256_packus_epi16(_mm256_packus_epi32(c[0], c[1]), _mm256_packus_epi32(c[2], c[3]));
    _mm256_storeu_si256((__m256i *)(codes + i), _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
  }
}

static inline int32_t largest_of(__m256i x) {
  __m128i y = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  y = _mm_max_epi32(y, _mm_shuffle_epi32(y, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(y, _mm_shuffle_epi32(y, 0xb1)));
}

/* `largest` and `negative`: magnitudes as bits, which are in their order. The numbers behind the last one are zeros. */
static inline void encode_block(uint8_t *to, const float *numbers, __m256i largest_lanes, __m256i negative_lanes) {
  int32_t const seen = largest_of(largest_lanes), negative = largest_of(negative_lanes);
  int const is_finite = seen < 0x7f800000, is_proper = is_finite && seen != 0;
  int32_t const largest = is_proper && seen < 0x00800000 ? 0x00800000 : seen; /* its reciprocal is a number */
  float scale, of_negative;
  memcpy(&scale, &largest, 4), memcpy(&of_negative, &negative, 4);
  float const least = scale * 0x1p-19f;
  int const has_sign = of_negative > least;
  uint32_t const stored = is_finite ? (uint32_t)largest | (!has_sign && is_proper ? 0x80000000u : 0) : 0x7fc00000u;
  memcpy(to, &stored, 4);
  float const reciprocal = is_proper ? 1 / scale : 0, bound = !is_proper ? INFINITY : has_sign ? least : 0;
  if (has_sign)
    encode_as(to + scale_bytes, numbers, reciprocal, bound, 1);
  else
    encode_as(to + scale_bytes, numbers, reciprocal, bound, 0);
}

static inline void look_at(__m256 x, __m256i *largest, __m256i *negative) {
  __m256i const bits = _mm256_castps_si256(x), magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  *largest = _mm256_max_epi32(*largest, magnitude);
  *negative = _mm256_max_epi32(*negative, _mm256_and_si256(magnitude, _mm256_srai_epi32(bits, 31)));
}

static inline void blocks_as(float *w, const float *g, const uint8_t *m, const uint8_t *v, float m_new[block], float v_new[block],
                             __m256i seen[4], int m_has_sign, int v_has_sign, struct lanes_adam h) {
  float m_scale, v_scale;
  memcpy(&m_scale, m, 4), memcpy(&v_scale, v, 4);
  for (int i = 0; i < block; i += 8) {
    if (i % 16 == 0)
      REACH(w + i), REACH(g + i);
    __m256 w8 = _mm256_loadu_ps(w + i), m8 = decode(m + scale_bytes + i, fabsf(m_scale), m_has_sign);
    __m256 v8 = decode(v + scale_bytes + i, fabsf(v_scale), v_has_sign);
    step(&w8, _mm256_loadu_ps(g + i), &m8, &v8, h);
    _mm256_storeu_ps(w + i, w8);
    _mm256_store_ps(m_new + i, m8), _mm256_store_ps(v_new + i, v8);
    look_at(m8, seen, seen + 1), look_at(v8, seen + 2, seen + 3);
  }
}

static void blocks_turn(float *w, const float *g, uint8_t *m, uint8_t *v, struct lanes_adam h) {
  _Alignas(64) float m_new[block], v_new[block];
  __m256i seen[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int i = 0; i < block; i += 64)
    REACH(m + i), REACH(v + i);
  switch (2 * (m[3] >> 7) + (v[3] >> 7)) { /* the sign bits of the scales */
  case 0: blocks_as(w, g, m, v, m_new, v_new, seen, 1, 1, h); break;
  case 1: blocks_as(w, g, m, v, m_new, v_new, seen, 1, 0, h); break;
  case 2: blocks_as(w, g, m, v, m_new, v_new, seen, 0, 1, h); break;
  default: blocks_as(w, g, m, v, m_new, v_new, seen, 0, 0, h);
  }
  encode_block(m, m_new, seen[0], seen[1]);
  encode_block(v, v_new, seen[2], seen[3]);
}

static void blocks_range(const floor_call *call, const void *numbers, int64_t begin, int64_t end) {
  float *const w = call->arrays[0], *const g = call->arrays[1];
  uint8_t *const m = call->arrays[2], *const v = call->arrays[3];
  struct lanes_adam const h = spread(*(const struct floor_adam *)numbers);
  int64_t b = begin / block;
  for (; (b + 1) * block <= end; ++b)
    blocks_turn(w + block * b, g + block * b, m + (scale_bytes + block) * b, v + (scale_bytes + block) * b, h);
  size_t const left = (size_t)(end - b * block);
  if (left == 0)
    return;
  float wide[2][block] = {{0}};
  uint8_t codes[2][scale_bytes + block] = {{0}}, *const m_left = m + (scale_bytes + block) * b, *const v_left = v + (scale_bytes + block) * b;
  memcpy(wide[0], w + b * block, left * 4), memcpy(wide[1], g + b * block, left * 4);
  memcpy(codes[0], m_left, scale_bytes + left), memcpy(codes[1], v_left, scale_bytes + left);
  blocks_turn(wide[0], wide[1], codes[0], codes[1], h);
  memcpy(w + b * block, wide[0], left * 4);
  memcpy(m_left, codes[0], scale_bytes + left), memcpy(v_left, codes[1], scale_bytes + left);
}

void floor_adamw_blocks(const floor_call *call) {
  struct floor_adam const h = floor_prepare(call, 1);
  floor_parallel(call, block, blocks_range, &h);
}
