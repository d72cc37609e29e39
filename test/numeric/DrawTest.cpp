// Draws: the generator against its published answers, the machine code against the evaluator bit by bit, and the numbers against their
// distributions. The contract is codegen/draws/README.md.

#include "Compiled.h"
#include "Operands.h"

#include "codegen/reference/Philox.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace gradus;
using namespace gradus::reference;
using namespace mlir;
using llvm::StringRef;

namespace {

/// One draw of the shape of x, and what it takes.
struct Distribution {
  const char *name;
  const char *parameter; ///< an op that makes %p, and its type, or nothing
  const char *parameterType;
  bool isInt;
  const char *integer = "i64";
};
constexpr Distribution kinds[] = {
    {"bernoulli", "gradus.constant dense<0.3> : tensor<f64>", "[], f64", false},
    {"bits", nullptr, nullptr, true, "i32"},
    {"categorical", "gradus.constant dense<[1.0, 0.0, 2.5, 0.5]> : tensor<4xf64>", "[4], f64", true},
    {"exponential", nullptr, nullptr, false},
    {"gamma", "gradus.constant dense<0.7> : tensor<f64>", "[], f64", false},
    {"gumbel", nullptr, nullptr, false},
    {"index", "gradus.constant dense<10> : tensor<i64>", "[], i64", true},
    {"normal", nullptr, nullptr, false},
    {"permutation", nullptr, nullptr, true},
    {"rademacher", nullptr, nullptr, false},
    {"uniform", nullptr, nullptr, false},
};

std::string arrayOf(StringRef dims, StringRef element) { return llvm::formatv("!gradus.array<[{0}], {1}>", dims, element).str(); }

/// `body` makes %y of `result` from %t and %x.
std::string makeFunction(StringRef dims, StringRef element, StringRef body, StringRef result, StringRef attributes = "", StringRef name = "f") {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "gradus.func " << (attributes.empty() ? "fn" : "rule_step") << " @" << name
     << "(%t: !gradus.array<[], i64> {gradus.name = \"t\", gradus.role = #gradus.role<time>}, %x: " << arrayOf(dims, element)
     << " {gradus.name = \"x\", gradus.role = #gradus.role<" << (attributes.empty() ? "input" : "param") << ">}) -> (" << result
     << " {gradus.name = \"y\", gradus.role = #gradus.role<" << (attributes.empty() ? "value>}" : "next>, gradus.of = 1 : i64}") << ") "
     << (attributes.empty() ? "" : "attributes {open} ") << "{\n"
     << body << "\ngradus.return %y : " << result << "\n}\n";
  return text;
}

/// The op that draws %y.
std::string makeDraw(const Distribution &kind, const std::string &type, StringRef keys = "", StringRef attributes = "") {
  std::string text, time = "!gradus.array<[], i64>";
  llvm::raw_string_ostream os(text);
  if (kind.parameter)
    os << "%p = " << kind.parameter << "\n";
  os << "%y = gradus.draw " << kind.name << " \"f.y\" " << (kind.parameter ? "(%p) " : "") << "at %t " << keys << attributes << ": ";
  if (kind.parameter)
    os << "(!gradus.array<" << kind.parameterType << ">), ";
  os << time << " -> " << type;
  return text;
}

class Draws : public testing::Test {
protected:
  void SetUp() override { context.loadDialect<GradusDialect>(); }
  void compile(const std::string &text) {
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    compiled = Compiled::create(*module, error);
    ASSERT_TRUE(compiled) << error;
  }
  /// What the machine draws, after a comparison with the evaluator in every bit.
  Array<double> draw(const Shape &shape, int64_t t, uint64_t seed, bool compares = true) {
    Arrays<double> args{Array<double>::scalarInt(t), Array<double>::zeros(reference::Kind::Real, shape)};
    compiled->seed = seed;
    auto machine = compiled->call("f", args, error);
    EXPECT_TRUE(succeeded(machine)) << error;
    if (failed(machine))
      return {};
    if (compares) {
      auto expected = evaluate<double>(module->lookupSymbol<FuncOp>("f"), args, error, seed);
      EXPECT_TRUE(succeeded(expected)) << error;
      EXPECT_EQ(machine->front()[0].shape, expected->front().shape);
      EXPECT_EQ(machine->front()[0].ints, expected->front().ints);
      EXPECT_EQ(machine->front()[0].reals, expected->front().reals);
    }
    return machine->front()[0];
  }
  std::string typeOf(const Distribution &kind, StringRef dims, StringRef element) { return arrayOf(dims, kind.isInt ? kind.integer : element); }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<Compiled> compiled;
  std::string error;
};

const Distribution &find(StringRef name) {
  return *llvm::find_if(kinds, [&](const Distribution &kind) { return name == kind.name; });
}

struct Moments {
  double mean = 0, variance = 0, skew = 0;
  explicit Moments(const std::vector<double> &x) {
    for (double v : x)
      mean += v / x.size();
    for (double v : x) {
      variance += (v - mean) * (v - mean) / x.size();
      skew += (v - mean) * (v - mean) * (v - mean) / x.size();
    }
    skew /= std::pow(variance, 1.5);
  }
};

} // namespace

/// The known answers that the authors publish with Random123 (kat_vectors).
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, ~uint64_t(0)), (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822), (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// The numbers are a promise: written out of the contract, not out of the code.
TEST(Philox, KeysFollowTheContract) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char letter : {'f', '.', 'y'})
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  PhiloxBlock first = philox({7, 0, static_cast<uint32_t>(hash), static_cast<uint32_t>(hash >> 32)}, 42);
  uint64_t key = first[0] | static_cast<uint64_t>(first[1]) << 32;
  EXPECT_EQ(drawKey(42, 7, "f.y", {}), key);
  PhiloxBlock second = philox({5, 0, 1, 0}, key);
  EXPECT_EQ(drawKey(42, 7, "f.y", {5}), (second[0] | static_cast<uint64_t>(second[1]) << 32));
  EXPECT_EQ(bits32(key, 6), philox({1, 0, 0, 0}, key)[2]);
  PhiloxBlock third = philox({3, 0, 0, 0}, key);
  EXPECT_EQ(bits64(key, 7), (third[2] | static_cast<uint64_t>(third[3]) << 32));
  EXPECT_EQ(bits16(key, 12), philox({1, 0, 0, 0}, key)[2] & 0xffff);
  EXPECT_EQ(bits16(key, 15), philox({1, 0, 0, 0}, key)[3] >> 16);
}

TEST_F(Draws, BothEnginesGiveTheSameBits) {
  for (const Distribution &kind : kinds)
    for (const char *element : {"f32", "f64"}) {
      std::string type = typeOf(kind, "n", element);
      compile(makeFunction("n", element, makeDraw(kind, type), type));
      for (int64_t size : {0, 1, 3, 15, 16, 17, 31, 1000}) {
        SCOPED_TRACE(std::string(kind.name) + " of " + std::to_string(size) + " " + element);
        draw({size}, 1, 0);
        draw({size}, 3, 0xfedcba9876543210);
      }
    }
}

/// A weight that is no positive number counts as 0; where none is positive, the last index is drawn. Nothing is read but constants.
TEST_F(Draws, WeightsOutsideOfTheirBounds) {
  std::string type = arrayOf("n", "i64");
  auto weights = [](StringRef values) {
    return llvm::formatv("%p = gradus.constant dense<[{0}]> : tensor<4xf64>\n", values).str() +
           "%y = gradus.draw categorical \"f.y\" (%p) at %t : (!gradus.array<[4], f64>), !gradus.array<[], i64> -> !gradus.array<[n], i64>";
  };
  compile(makeFunction("n", "f64", weights("1.0, -5.0, 0x7FF8000000000000, 2.0"), type));
  for (int64_t drawn : draw({200}, 1, 3).ints)
    EXPECT_TRUE(drawn == 0 || drawn == 3) << drawn;
  compile(makeFunction("n", "f64", weights("-1.0, -5.0, 0.0, 0.0"), type));
  for (int64_t drawn : draw({50}, 1, 3).ints)
    EXPECT_EQ(drawn, 3);
  compile(makeFunction("n", "f64", "%c = gradus.constant dense<0.0> : tensor<f64>\n%p = gradus.broadcast %c axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>\n"
                                   "%y = gradus.draw categorical \"f.y\" (%p) at %t : (!gradus.array<[n], f64>), !gradus.array<[], i64> -> !gradus.array<[n], i64>", type));
  for (int64_t drawn : draw({17}, 1, 3).ints)
    EXPECT_EQ(drawn, 16);
}

/// Rows that begin anywhere, numbers of rank 0, elements read out of order: the number of an element decides.
TEST_F(Draws, TheWayOfReadingChangesNothing) {
  for (const Distribution &kind : kinds) {
    SCOPED_TRACE(kind.name);
    for (const char *element : {"f32", "f64"}) {
      if (StringRef(kind.name) == "permutation")
        continue;
      std::string flat = typeOf(kind, "91", element), square = typeOf(kind, "7, 13", element), turned = typeOf(kind, "13, 7", element);
      compile(makeFunction("91", element, makeDraw(kind, flat), flat));
      Array<double> plain = draw({91}, 2, 9);
      compile(makeFunction("7, 13", element, makeDraw(kind, square), square));
      Array<double> rows = draw({7, 13}, 2, 9);
      EXPECT_EQ(plain.reals, rows.reals);
      EXPECT_EQ(plain.ints, rows.ints);
      std::string body = StringRef(makeDraw(kind, square)).str();
      body.replace(body.find("%y ="), 4, "%z =");
      body += "\n%y = gradus.transpose %z permutation [1, 0] : " + square + " to " + turned;
      compile(makeFunction("7, 13", element, body, turned));
      Array<double> columns = draw({7, 13}, 2, 9);
      for (int64_t i = 0; i < 91; ++i) {
        if (kind.isInt)
          EXPECT_EQ(columns.ints[i % 13 * 7 + i / 13], plain.ints[i]);
        else
          EXPECT_EQ(columns.reals[i % 13 * 7 + i / 13], plain.reals[i]);
      }
    }
    std::string number = typeOf(kind, "", "f64");
    if (StringRef(kind.name) == "permutation")
      continue;
    compile(makeFunction("n", "f32", makeDraw(kind, number), number));
    draw({3}, 5, 1);
  }
}

TEST_F(Draws, ThreadsChangeNothing) {
  std::string type = arrayOf("n", "f32");
  compile(makeFunction("n", "f32", makeDraw(find("normal"), type), type));
  Array<double> alone = draw({100003}, 1, 0);
  for (int64_t threads : {1, 2, 3, 7}) {
    gradus_context hooks{&threads, runParallel};
    compiled->context = &hooks;
    EXPECT_EQ(draw({100003}, 1, 0, /*compares=*/false).reals, alone.reals) << threads << " threads";
  }
}

/// A tensor of a collection, a step, a seed and a key have numbers of their own; a step can be made again.
TEST_F(Draws, TensorsAndStepsAreIndependent) {
  std::string type = arrayOf("x.numel", "f64");
  compile(makeFunction("x.numel", "f64", makeDraw(find("normal"), type, "", "{each} "), type, "open"));
  std::vector<std::vector<double>> drawn;
  for (auto [t, seed] : {std::pair(1, 0), std::pair(2, 0), std::pair(1, 1)}) {
    Arrays<double> one{Array<double>::scalarInt(t), Array<double>::zeros(reference::Kind::Real, {20000})};
    compiled->seed = seed;
    auto machine = compiled->call("f", {one, one}, error);
    auto expected = evaluateOpen<double>(module->lookupSymbol<FuncOp>("f"), {one, one}, error, seed);
    ASSERT_TRUE(succeeded(machine) && succeeded(expected)) << error;
    for (unsigned slot : {0, 1}) {
      EXPECT_EQ((*machine)[slot][0].reals, (*expected)[slot][0].reals);
      drawn.push_back((*machine)[slot][0].reals);
    }
  }
  // A tensor of a known number draws what the slot of that number draws.
  std::string keyed = "%k = gradus.constant dense<1> : tensor<i64>\n" + makeDraw(find("normal"), type);
  keyed.replace(keyed.find("at %t "), 6, "at %t keys(%k) ");
  keyed.replace(keyed.find(" -> "), 4, ", (!gradus.array<[], i64>) -> ");
  compile(makeFunction("x.numel", "f64", keyed, type, "open"));
  Arrays<double> again{Array<double>::scalarInt(1), Array<double>::zeros(reference::Kind::Real, {20000})};
  auto replayed = compiled->call("f", {again}, error);
  ASSERT_TRUE(succeeded(replayed)) << error;
  EXPECT_EQ(replayed->front()[0].reals, drawn[1]);
  for (size_t a = 0; a < drawn.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      double correlation = 0;
      for (size_t i = 0; i < drawn[a].size(); ++i)
        correlation += drawn[a][i] * drawn[b][i] / drawn[a].size();
      EXPECT_LT(std::fabs(correlation), 5 / std::sqrt(20000.0)) << a << " and " << b;
    }
}

/// 10^6 numbers: mean, variance and skewness within 5 standard errors of the distribution's, the skewness
/// within a bound of its own.
TEST_F(Draws, HaveTheMomentsOfTheirDistributions) {
  struct Expected {
    const char *name;
    double mean, variance, skew, fourth; ///< the fourth central moment
    double skewBound;
  };
  const double gamma = 0.57721566490153286, pi2 = 9.8696044010893586;
  const Expected table[] = {
      {"bernoulli", 0.3, 0.21, 0.4 / std::sqrt(0.21), 0.21 * (1 - 3 * 0.21), 0.02},
      {"exponential", 1, 1, 2, 9, 0.06},
      {"gamma", 0.7, 0.7, 2 / std::sqrt(0.7), 3 * 0.49 + 6 * 0.7, 0.08},
      {"gumbel", gamma, pi2 / 6, 1.1395470994046486, pi2 * pi2 / 36 * 5.4, 0.04},
      {"normal", 0, 1, 0, 3, 0.0125},
      {"rademacher", 0, 1, 0, 1, 0.01},
      {"uniform", 0.5, 1.0 / 12, 0, 1.0 / 80, 0.01},
  };
  constexpr int64_t n = 1000000;
  for (const Expected &expected : table)
    for (const char *element : {"f32", "f64"}) {
      SCOPED_TRACE(std::string(expected.name) + " in " + element);
      std::string type = arrayOf("n", element);
      compile(makeFunction("n", element, makeDraw(find(expected.name), type), type));
      std::vector<double> x = draw({n}, 1, 0, /*compares=*/false).reals;
      Moments moments(x);
      EXPECT_NEAR(moments.mean, expected.mean, 5 * std::sqrt(expected.variance / n));
      double spread = std::sqrt(std::fmax(expected.fourth - expected.variance * expected.variance, 1e-6) / n);
      EXPECT_NEAR(moments.variance, expected.variance, 5 * spread + 25 * expected.variance / n); // about the sample's own mean
      EXPECT_NEAR(moments.skew, expected.skew, expected.skewBound);
      for (double v : x)
        ASSERT_TRUE(std::isfinite(v));
      if (StringRef(expected.name) != "normal")
        continue;
      // Beyond 1, 2, 3 and 4 standard deviations.
      for (double z : {1.0, 2.0, 3.0, 4.0}) {
        double p = std::erfc(z / std::sqrt(2.0)), count = llvm::count_if(x, [&](double v) { return std::fabs(v) > z; });
        EXPECT_NEAR(count, n * p, 5 * std::sqrt(n * p)) << z;
      }
    }
}

/// 10^6 numbers of other shapes, from the evaluator's function, which the machine's equals; and the exponential function below it.
TEST(Gamma, HasTheMomentsOfItsShape) {
  for (double shape : {0.05, 1.0, 1.5, 40.0}) {
    SCOPED_TRACE(shape);
    std::vector<double> x;
    for (uint64_t e = 0; e < 1000000; ++e)
      x.push_back(gammaOf(12345, e, shape));
    Moments moments(x);
    double fourth = 3 * shape * shape + 6 * shape;
    EXPECT_NEAR(moments.mean, shape, 5 * std::sqrt(shape / x.size()));
    EXPECT_NEAR(moments.variance, shape, 5 * std::sqrt((fourth - shape * shape) / x.size()) + 25 * shape / x.size());
  }
  for (double shape : {0.0, -1.0, std::nan("")})
    EXPECT_EQ(gammaOf(1, 2, shape), 0);
  EXPECT_EQ(gammaOf(1, 2, 1e-9) < 1e-300, true);
  for (double y : {0.0, -1e-12, -0.3, -1.0, -17.5, -300.0, -707.0})
    EXPECT_NEAR(expOf(y) / std::exp(y), 1, 4e-16 * std::fmax(1, -y)) << y;
  EXPECT_EQ(expOf(-1e9), 0);
}

/// The table against the quantile function itself: Phi(z) is u again, in the tail too.
TEST(Quantile, InvertsTheDistributionFunction) {
  for (int shift = 0; shift < 62; ++shift)
    for (uint64_t part : {0, 1, 2, 5, 11}) {
      uint64_t k = (uint64_t(1) << shift) + part * (uint64_t(1) << shift) / 12;
      double p = (static_cast<double>(k) + 0.5) * 0x1p-63;
      EXPECT_NEAR(std::erfc(normalOf<double>(k) / std::sqrt(2.0)) / 2 / p, 1, 1e-12) << k;
      EXPECT_EQ(normalOf<double>(k | uint64_t(1) << 63), -normalOf<double>(k));
      if (shift >= 30)
        continue;
      double q = (static_cast<double>(k) + 0.5) * 0x1p-31;
      EXPECT_NEAR(std::erfc(normalOf<float>(static_cast<uint32_t>(k)) / std::sqrt(2.0)) / 2 / q, 1, 5e-6) << k;
    }
  for (double x : {0x1p-53, 1e-3, 0.3, 0.6874, 0.6876, 0.96, 0.999, 1 - 0x1p-53, 1.0, 1.05, 2.0, 36.0})
    EXPECT_NEAR(logOf(x), std::log(x), 4e-16 * std::fabs(std::log(x))) << x;
  for (float x : {0x1p-24f, 1e-3f, 0.3f, 0.96f, 1 - 0x1p-24f, 1.0f, 1.05f, 16.0f})
    EXPECT_NEAR(logOf(x), std::log(x), 2e-7 * std::fabs(std::log(x))) << x;
}

static double chiSquare(const std::vector<double> &counts, const std::vector<double> &expected) {
  double sum = 0;
  for (auto [count, mean] : llvm::zip_equal(counts, expected))
    sum += (count - mean) * (count - mean) / mean;
  return sum;
}

TEST_F(Draws, BitsHaveTheirFrequencies) {
  constexpr int64_t n = 1000000;
  std::string type = arrayOf("n", "i32");
  compile(makeFunction("n", "f32", makeDraw(find("bits"), type), type));
  std::vector<double> low(256), high(256), expected(256, n / 256.0);
  for (int64_t bits : draw({n}, 1, 0, /*compares=*/false).ints) {
    ++low.at(bits & 0xff);
    ++high.at(bits >> 8);
  }
  EXPECT_LT(chiSquare(low, expected), 347.7); // 255 degrees of freedom, 1e-4
  EXPECT_LT(chiSquare(high, expected), 347.7);
}

TEST_F(Draws, ChoicesHaveTheirFrequencies) {
  constexpr int64_t n = 1000000;
  std::string type = arrayOf("n", "i64");
  compile(makeFunction("n", "f32", makeDraw(find("index"), type), type));
  std::vector<double> counts(10), expected(10, n / 10.0);
  for (int64_t i : draw({n}, 1, 0, /*compares=*/false).ints)
    ++counts.at(i);
  EXPECT_LT(chiSquare(counts, expected), 33.7); // 9 degrees of freedom, 1e-4
  compile(makeFunction("n", "f32", makeDraw(find("categorical"), type), type));
  counts.assign(4, 0);
  for (int64_t i : draw({n}, 1, 0, /*compares=*/false).ints)
    ++counts.at(i);
  EXPECT_EQ(counts[1], 0); // of weight 0
  EXPECT_LT(chiSquare({counts[0], counts[2], counts[3]}, {n / 4.0, n * 0.625, n / 8.0}), 18.4); // 2 degrees of freedom
}

TEST(Permutation, IsOneAndAllAreEquallyLikely) {
  for (int64_t n : {1, 2, 3, 10, 1000}) {
    std::vector<int> seen(n);
    for (int64_t i = 0; i < n; ++i)
      ++seen.at(permuted(drawKey(0, 1, "p", {}), i, n));
    EXPECT_EQ(llvm::count(seen, 1), n);
  }
  for (int64_t n : {2, 3, 4}) {
    std::map<std::vector<int64_t>, double> counts;
    int64_t all = n == 2 ? 2 : n == 3 ? 6 : 24;
    for (int64_t t = 0; t < 1000 * all; ++t) {
      std::vector<int64_t> order;
      for (int64_t i = 0; i < n; ++i)
        order.push_back(permuted(drawKey(0, t, "p", {}), i, n));
      ++counts[order];
    }
    ASSERT_EQ(static_cast<int64_t>(counts.size()), all);
    std::vector<double> observed;
    for (const auto &entry : counts)
      observed.push_back(entry.second);
    EXPECT_LT(chiSquare(observed, std::vector<double>(all, 1000)), n == 2 ? 15.2 : n == 3 ? 25.8 : 56.0); // 1e-4
  }
}
