// Stochastic rounding: over all bits there are, each neighbour comes as often as its share; the machine code gives the bits of the evaluator, whatever the size, the
// shape, the cut into threads, and the draws beside it.

#include "Compiled.h"
#include "Operands.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace gradus;
using namespace gradus::reference;
using namespace mlir;
using llvm::StringRef;

namespace {

/// A type of 16 bits: those of its significand but the first, and its least exponent.
struct Narrow {
  const char *name;
  int digits, least;
  double largest;
};
constexpr Narrow types[] = {{"bf16", 7, -126, 0x1.fep127}, {"f16", 10, -14, 65504}};

class StochasticCast : public testing::TestWithParam<Narrow> {
protected:
  void SetUp() override { context.loadDialect<GradusDialect>(); }
  void compile(const std::string &text, const PhaseOptions &options = {}) {
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    compiled = Compiled::create(*module, error, options);
    ASSERT_TRUE(compiled) << error;
  }
  /// The results of @f on the machine, after a comparison with the evaluator in every bit.
  Arrays<double> run(const Arrays<double> &args, bool compares = true);

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<Compiled> compiled;
  std::string error;
};

} // namespace

Arrays<double> StochasticCast::run(const Arrays<double> &args, bool compares) {
  auto machine = compiled->call("f", args, error);
  EXPECT_TRUE(succeeded(machine)) << error;
  if (failed(machine))
    return {};
  if (compares) {
    auto expected = evaluate<double>(module->lookupSymbol<FuncOp>("f"), args, error, compiled->seed);
    EXPECT_TRUE(succeeded(expected)) << error;
    for (auto [got, wanted] : llvm::zip_equal(machine->front(), *expected))
      for (auto [i, a, b] : llvm::enumerate(got.reals, wanted.reals)) {
        bool isSame = (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
        EXPECT_TRUE(isSame) << "element " << i << " of " << args.back().reals.at(i) << ": " << a << ", evaluated " << b;
        if (!isSame)
          break;
      }
  }
  return machine->front();
}

static std::string argument(StringRef name, StringRef type, StringRef role) {
  return llvm::formatv("%{0}: {1} {{gradus.name = \"{0}\", gradus.role = #gradus.role<{2}>}", name, type, role);
}

/// @f rounds x, a number for each bits.
static std::string makeGiven(const Narrow &type) {
  std::string x = "!gradus.array<[n], f32>", bits = "!gradus.array<[n], i32>", y = llvm::formatv("!gradus.array<[n], {0}>", type.name);
  return "gradus.func fn @f(" + argument("b", bits, "input") + ", " + argument("x", x, "input") + ") -> (" + y + " {gradus.name = \"y\", gradus.role = #gradus.role<value>}) {\n" +
         "%y = gradus.stochastic_cast %x by %b : " + x + ", " + bits + " to " + y + "\ngradus.return %y : " + y + "\n}\n";
}

/// @f rounds x of these dims and element `count` times, each time by a draw of its own; where there is a row, x + row, which keeps the kernel from being one long vector.
static std::string makeDrawn(const Narrow &type, StringRef dims, StringRef element, int count, bool hasRow = false) {
  std::string x = llvm::formatv("!gradus.array<[{0}], {1}>", dims, element), bits = llvm::formatv("!gradus.array<[{0}], i32>", dims);
  std::string y = llvm::formatv("!gradus.array<[{0}], {1}>", dims, type.name), row = llvm::formatv("!gradus.array<[k], {0}>", element);
  std::string text = "gradus.func fn @f(" + argument("t", "!gradus.array<[], i64>", "time") + ", " + (hasRow ? argument("r", row, "input") + ", " : "") + argument("x", x, "input") + ") -> (";
  for (int i = 0; i < count; ++i)
    text += llvm::formatv("{0}{1} {{gradus.name = \"y{2}\", gradus.role = #gradus.role<value>}", i ? ", " : "", y, i);
  text += ") {\n";
  if (hasRow)
    text += "%s = gradus.broadcast %r axes [1] : " + row + " to " + x + "\n%z = gradus.add %s, %x : " + x + "\n";
  std::string returned, kinds;
  for (int i = 0; i < count; ++i) {
    text += llvm::formatv("%b{0} = gradus.draw bits \"f.y{0}\" at %t : !gradus.array<[], i64> -> {1}\n%y{0} = gradus.stochastic_cast %{2} by %b{0} : {3}, {1} to {4}\n", i, bits, hasRow ? "z" : "x", x, y);
    returned += (i ? ", %y" : "%y") + std::to_string(i);
    kinds += (i ? ", " : "") + y;
  }
  return text + "gradus.return " + returned + " : " + kinds + "\n}\n";
}

/// Numbers of all sizes, and those that are none.
static Array<double> makeNumbers(Shape shape, const Narrow &type, uint64_t seed, bool isDouble) {
  std::mt19937_64 bits(seed);
  Array<double> x = Array<double>::zeros(Kind::Real, shape);
  const double special[] = {0, -0.0, INFINITY, -INFINITY, NAN, type.largest, -type.largest, type.largest * 1.001, type.largest * 1.01, 0x1p-149, std::ldexp(1.0, type.least),
                            std::ldexp(-1.3, type.least - 3), std::ldexp(1.7, type.least - type.digits), std::ldexp(1.1, type.least - type.digits - 9), 1, 0x1.ffffffp0};
  for (auto [i, number] : llvm::enumerate(x.reals)) {
    number = std::ldexp(static_cast<double>(static_cast<int64_t>(bits())) * 0x1p-63, static_cast<int>(bits() % 60) - 40);
    if (bits() % 5 == 0)
      number = special[bits() % std::size(special)];
    if (!isDouble)
      number = static_cast<float>(number);
  }
  return x;
}

/// Of the 2^16 bits there are, floor(2^16 f) round up, away from 0, and the others down.
TEST_P(StochasticCast, RoundsUpAsOftenAsItShould) {
  const Narrow &type = GetParam();
  compile(makeGiven(type));
  std::vector<int64_t> all(65536);
  std::iota(all.begin(), all.end(), 0);
  for (int exponent : {0, 5, -3, type.least, type.least - 1, type.least - type.digits + 1})
    for (double k : {0.0, 1.0, 77.0})
      for (double f : {0.0, 0x1p-13, 0.25, 0.3, 0.999}) {
        double q = std::ldexp(1.0, std::max(exponent, type.least) - type.digits);
        auto x = static_cast<double>(static_cast<float>(std::ldexp(1.0, exponent) + std::fmod(k, std::ldexp(1.0, exponent) / q) * q + f * q));
        double lower = std::floor(x / q) * q, share = x / q - std::floor(x / q);
        for (double sign : {1.0, -1.0}) {
          SCOPED_TRACE(std::to_string(sign * x / q) + " times " + std::to_string(q));
          Array<double> numbers = Array<double>::real({65536}, std::vector<double>(65536, sign * x));
          std::vector<double> y = run({Array<double>::integer({65536}, all), numbers})[0].reals;
          EXPECT_EQ(llvm::count(y, sign * lower) + llvm::count(y, sign * (lower + q)), 65536);
          EXPECT_EQ(llvm::count(y, sign * (lower + q)), static_cast<int64_t>(share * 65536));
        }
      }
}

TEST_P(StochasticCast, HasEqualBitsInBothEngines) {
  const Narrow &type = GetParam();
  for (const char *element : {"f32", "f64"})
    for (int count : {1, 2, 3})
      for (bool noFuse : {false, true}) {
        compile(makeDrawn(type, "n", element, count), {.noFuse = noFuse});
        for (int64_t size : {0, 1, 15, 16, 17, 63, 64, 65, 129, 511, 512, 1000, 4096, 4097, 10000}) {
          SCOPED_TRACE(std::to_string(count) + " times " + std::to_string(size) + " of " + element);
          compiled->seed = size;
          run({Array<double>::scalarInt(size + 1), makeNumbers({size}, type, size + count, element == StringRef("f64"))});
        }
      }
}

TEST_P(StochasticCast, HasEqualBitsInRows) {
  const Narrow &type = GetParam();
  for (bool hasRow : {false, true}) {
    compile(makeDrawn(type, "n, k", "f32", 2, hasRow));
    for (auto [n, k] : {std::pair(0, 3), std::pair(1, 1), std::pair(7, 5), std::pair(3, 300), std::pair(33, 31), std::pair(5, 4500), std::pair(200, 64)}) {
      SCOPED_TRACE(std::to_string(n) + " rows of " + std::to_string(k));
      Arrays<double> args{Array<double>::scalarInt(3)};
      if (hasRow)
        args.push_back(Array<double>::zeros(reference::Kind::Real, {k}));
      args.push_back(makeNumbers({n, k}, type, n + k, false));
      run(args);
    }
  }
}

TEST_P(StochasticCast, ThreadsChangeNothing) {
  compile(makeDrawn(GetParam(), "n", "f32", 2));
  Arrays<double> args{Array<double>::scalarInt(1), Array<double>::real({100003}, std::vector<double>(100003, 0.123456789f))};
  Arrays<double> alone = run(args);
  EXPECT_NE(alone[0].reals, alone[1].reals);
  for (int64_t threads : {1, 2, 3, 7}) {
    gradus_context hooks{};
    hooks.user = &threads;
    hooks.parallel_for = runParallel;
    compiled->context = &hooks;
    Arrays<double> together = run(args, /*compares=*/false);
    EXPECT_EQ(together[0].reals, alone[0].reals) << threads << " threads";
    EXPECT_EQ(together[1].reals, alone[1].reals) << threads << " threads";
  }
}

/// Tensors of a collection, launched together: each has bits of its own, those of its number.
TEST_P(StochasticCast, HasEqualBitsInCollections) {
  const Narrow &type = GetParam();
  std::string x = "!gradus.array<[x.numel], f32>", y = llvm::formatv("!gradus.array<[x.numel], {0}>", type.name), bits = "!gradus.array<[x.numel], i32>";
  compile("gradus.func rule_step @f(" + argument("t", "!gradus.array<[], i64>", "time") + ", " + argument("y", y, "param") + ", " + argument("x", x, "grad") + ") -> (" + y +
          " {gradus.name = \"y\", gradus.role = #gradus.role<next>, gradus.of = 1 : i64}) attributes {open} {\n%b = gradus.draw bits \"f.y\" at %t {each} : !gradus.array<[], i64> -> " +
          bits + "\n%z = gradus.stochastic_cast %x by %b : " + x + ", " + bits + " to " + y + "\ngradus.return %z : " + y + "\n}\n");
  std::vector<Arrays<double>> slots;
  for (int64_t size : {1000, 17, 0, 5, 4097, 1000})
    slots.push_back({Array<double>::scalarInt(2), Array<double>::zeros(reference::Kind::Real, {size}), Array<double>::real({size}, std::vector<double>(size, 0.123456789f))});
  auto machine = compiled->call("f", slots, error);
  auto expected = evaluateOpen<double>(module->lookupSymbol<FuncOp>("f"), slots, error, compiled->seed);
  ASSERT_TRUE(succeeded(machine) && succeeded(expected)) << error;
  for (size_t slot = 0; slot < slots.size(); ++slot)
    EXPECT_EQ((*machine)[slot][0].reals, (*expected)[slot][0].reals) << "slot " << slot;
  EXPECT_NE((*machine)[0][0].reals, (*machine)[5][0].reals);
}

INSTANTIATE_TEST_SUITE_P(Types, StochasticCast, testing::ValuesIn(types), [](const auto &info) { return std::string(info.param.name); });
