/*===- formula.c - Sizes computed from sizes ---------------------------------------===*
 *
 * A symbol of an entry may be a formula of other symbols in the canonical form of dialect/DimExpr.h: `T + 1`, `(p + q) / 2`,
 * `div(n - 1, 2)`, `min(p, q)`. It is read where it stands, by recursive descent.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

/* Deeper than any formula that the compiler writes. */
#define MAX_DEPTH 64
/* 2^53 */
#define MAX_EXACT 9007199254740992.0

typedef struct reader {
  const char *at;
  gradus_size_of size_of;
  void *user;
  int depth;
  int calls; /* around what is read */
  int failed;
} reader;

static int64_t readSum(reader *self);

static int isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$' ||
         c == '\'' || (unsigned char)c >= 128;
}

int gradus_internal_is_formula(const char *text) {
  for (; *text != 0; ++text)
    if (!isNameCharacter(*text))
      return 1;
  return 0;
}

static int64_t fail(reader *self) {
  self->failed = 1;
  return 0;
}

static int take(reader *self, char sign) {
  while (*self->at == ' ')
    ++self->at;
  if (*self->at != sign)
    return 0;
  ++self->at;
  return 1;
}

static int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && a < 0); }

/* A result, if it is small enough to be exact as a double, too. */
static int64_t checked(reader *self, double value) {
  return value > -MAX_EXACT && value < MAX_EXACT ? (int64_t)value : fail(self);
}

/* div(a, b), min(a, b) or max(a, b), behind the word. */
static int64_t readCall(reader *self, char word) {
  int64_t a, b;
  ++self->calls;
  a = readSum(self);
  if (!take(self, ','))
    return fail(self);
  b = readSum(self);
  --self->calls;
  if (!take(self, ')') || self->failed || (word == 'd' && b <= 0))
    return fail(self);
  return word == 'd' ? floorDiv(a, b) : word == 'i' ? (a < b ? a : b) : (a > b ? a : b);
}

static int64_t readPrimary(reader *self) {
  const char *begin;
  int64_t value = 0;
  size_t length;
  if (take(self, '(')) {
    value = readSum(self);
    return take(self, ')') ? value : fail(self);
  }
  for (begin = self->at; isNameCharacter(*self->at);)
    ++self->at;
  length = (size_t)(self->at - begin);
  if (length == 0)
    return fail(self);
  if (*begin >= '0' && *begin <= '9') {
    for (; begin < self->at; ++begin)
      value = *begin >= '0' && *begin <= '9' ? checked(self, 10.0 * (double)value + (*begin - '0')) : fail(self);
    return value;
  }
  if (*self->at == '(') {
    ++self->at;
    return readCall(self, begin[0] == 'm' ? begin[1] : begin[0]);
  }
  return self->size_of(self->user, begin, length, self->calls > 0, &value) ? checked(self, (double)value) : fail(self);
}

static int64_t readProduct(reader *self) {
  int64_t product = 1;
  int is_minus = 0;
  do {
    while (take(self, '-'))
      is_minus = !is_minus;
    product = checked(self, (double)product * (double)readPrimary(self));
  } while (take(self, '*'));
  return is_minus ? -product : product;
}

static int64_t readSum(reader *self) {
  int64_t sum;
  if (++self->depth > MAX_DEPTH || self->failed)
    return fail(self);
  sum = readProduct(self);
  while (!self->failed) {
    if (take(self, '+'))
      sum = checked(self, (double)sum + (double)readProduct(self));
    else if (take(self, '-'))
      sum = checked(self, (double)sum - (double)readProduct(self));
    else
      break;
  }
  --self->depth;
  return sum;
}

int gradus_internal_read_formula(const char *text, gradus_size_of size_of, void *user, int64_t *dividend, int64_t *divisor) {
  reader self;
  self.at = text;
  self.size_of = size_of;
  self.user = user;
  self.depth = 0;
  self.calls = 0;
  self.failed = 0;
  *dividend = readSum(&self);
  *divisor = take(&self, '/') ? readPrimary(&self) : 1;
  while (*self.at == ' ')
    ++self.at;
  return !self.failed && *self.at == 0 && *divisor > 0;
}
