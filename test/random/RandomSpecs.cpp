//===- RandomSpecs.cpp - Machine code against the reference on random specs --------===//
//
//   random-specs [--count N] [--seed S] [--enough WRONG] [--print]
//
// Unit k has the seed S + k: a loss with its gradients, a function, a rule for three tensors or a train unit; fused or not. A difference is beyond
// rounding if it is larger than 1e-9 and larger than what long double arithmetic changes. Units that differ are shrunk and printed;
// one that differs where the reference itself jumps is told and left out.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace gradus::random_specs;

static Unit makeUnit(uint64_t seed) {
  switch (seed % 6) {
  case 2:
    return seed % 12 == 8 ? makeTrain(seed / 12, seed, seed, seed + 1) : makeRule(seed);
  case 4:
    return makeFunction(seed);
  case 5:
    return seed % 12 == 5 ? makeMatrixRule(seed) : makeRule(seed);
  default:
    return makeLoss(seed);
  }
}

static void tell(const char *what, uint64_t seed, const Unit &unit, const std::string &message) {
  std::printf("// seed %llu%s\n%s\n%s%s", (unsigned long long)seed, what, unit.print().c_str(), message.c_str(), message.empty() ? "" : "\n");
  std::fflush(stdout);
}

static Verdict::Kind checkUnit(uint64_t seed, bool print) {
  Unit unit = makeUnit(seed);
  if (print)
    tell("", seed, unit, "");
  Verdict verdict = check(unit, seed);
  if (verdict.kind == Verdict::Jumps)
    std::printf("// seed %llu: differs where the reference jumps within 1e-12 of the arguments; left out\n", (unsigned long long)seed);
  if (verdict.kind == Verdict::Same || verdict.kind == Verdict::Jumps)
    return verdict.kind;
  Unit small = shrink(std::move(unit), [&](const Unit &candidate) {
    Verdict other = check(candidate, seed);
    return other.kind == verdict.kind && other.reason == verdict.reason;
  });
  tell(verdict.kind == Verdict::Refused ? ": refused" : ": differs", seed, small, check(small, seed).message);
  return verdict.kind;
}

int main(int argc, char **argv) {
  uint64_t count = 500, seed = 1;
  bool print = false;
  int enough = 5;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--count") && i + 1 < argc)
      count = std::strtoull(argv[++i], nullptr, 10);
    else if (!std::strcmp(argv[i], "--seed") && i + 1 < argc)
      seed = std::strtoull(argv[++i], nullptr, 10);
    else if (!std::strcmp(argv[i], "--enough") && i + 1 < argc)
      enough = std::atoi(argv[++i]);
    else if (!std::strcmp(argv[i], "--print"))
      print = true;
    else
      return std::fprintf(stderr, "usage: random-specs [--count N] [--seed S] [--enough WRONG] [--print]\n"), 2;
  }
  int wrong = 0, jumps = 0;
  uint64_t tried = 0;
  for (; tried < count && wrong < enough; ++tried) {
    Verdict::Kind kind = checkUnit(seed + tried, print);
    jumps += kind == Verdict::Jumps;
    wrong += kind == Verdict::Different || kind == Verdict::Refused;
  }
  std::printf("%llu random specs from seed %llu: %d wrong, %d left out\n", (unsigned long long)tried, (unsigned long long)seed, wrong, jumps);
  return wrong != 0;
}
