//===- BlocksTest.cpp - Blocks of 8-bit codes in every engine --------------------===//
//
// The functions of Inputs/blocks.mlir on machine code and in the evaluator: equal bits, whatever the size, the content and the cut into threads; the
// bytes in memory are those of gradus_encode. Then Adam with its moments in blocks on a logistic regression, beside Adam.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "lang/Frontend.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// Contents of an array, by name.
enum class Content { Normal, Positive, Zero, Wide, Dust, NotFinite, Tiny, Subnormal, Huge };
constexpr Content allContents[] = {Content::Normal, Content::Positive, Content::Zero, Content::Wide, Content::Dust, Content::NotFinite, Content::Tiny,
                                   Content::Subnormal, Content::Huge};

/// Whether one kernel is made for each operation.
class Blocks : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    context.loadDialect<GradusDialect>();
    module = parseSourceFile<ModuleOp>(std::string(GRADUS_TEST_INPUTS "/blocks.mlir"), &context);
    ASSERT_TRUE(module);
    compiled = Compiled::create(*module, error, {.noFuse = GetParam()});
    ASSERT_TRUE(compiled) << error;
  }
  void expectEqualBits(FuncOp func, const Arrays<double> &args);

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<Compiled> compiled;
  std::string error;
};

} // namespace

static double fill(Content content, size_t i, std::mt19937_64 &bits) {
  std::normal_distribution<double> normal;
  double x = normal(bits);
  switch (content) {
  case Content::Normal: return x;
  case Content::Positive: return x * x;
  case Content::Zero: return 0;
  case Content::Wide: return x * std::exp2(12 * normal(bits));
  case Content::Dust: return i % 7 == 3 ? 1 : -1e-7 * std::fabs(x);
  case Content::NotFinite: return i == 300 ? NAN : i == 5 ? -INFINITY : x;
  case Content::Tiny: return 0x1p-110 * x;
  case Content::Subnormal: return 0x1p-140 * x;
  case Content::Huge: return 0x1p124 * x;
  }
  return x;
}

/// Numbers that the element type has.
static Arrays<double> makeArguments(FuncOp func, ArrayRef<std::pair<StringRef, int64_t>> sizes, Content content, uint64_t seed) {
  std::mt19937_64 bits(seed);
  Arrays<double> args;
  for (Type type : func.getArgumentTypes()) {
    auto array = llvm::cast<ArrayType>(type);
    Shape shape;
    for (Attribute dim : array.getShape())
      for (auto [name, size] : sizes)
        if (cast<StringAttr>(dim).getValue() == name)
          shape.push_back(size);
    Array<double> numbers = Array<double>::zeros(Kind::Real, shape);
    for (auto [i, x] : llvm::enumerate(numbers.reals))
      x = array.getElementType().isF64() ? fill(content, i, bits) : static_cast<double>(static_cast<float>(fill(content, i, bits)));
    Buffer stored(toDType(array.getElementType()), shape);
    stored.store(numbers);
    stored.load(numbers);
    args.push_back(std::move(numbers));
  }
  return args;
}

static bool isSame(double a, double b) { return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b)); }

/// Runs indices one by one, the last first.
static void inReverse(void *, int64_t count, gradus_body body, void *closure) {
  for (int64_t i = count; i-- > 0;)
    body(closure, i, i + 1);
}

/// The numbers of both engines, and the bytes of what the machine code has encoded.
void Blocks::expectEqualBits(FuncOp func, const Arrays<double> &args) {
  auto expected = evaluate<double>(func, args, error);
  ASSERT_TRUE(succeeded(expected)) << error;
  gradus_context threads{};
  threads.parallel_for = inReverse;
  for (const gradus_context *with : {static_cast<const gradus_context *>(nullptr), static_cast<const gradus_context *>(&threads)}) {
    std::vector<Buffer> buffers = compiled->makeBuffers(func.getSymName(), {args});
    gradus_report report{};
    ASSERT_EQ(compiled->run(func.getSymName(), {args}, buffers, report, with), GRADUS_OK);
    for (auto [buffer, tensor] : llvm::zip_equal(buffers, compiled->getLayout(func.getSymName()).tensors)) {
      if (tensor.result < 0)
        continue;
      const Array<double> &wanted = (*expected)[tensor.result];
      Array<double> got = Array<double>::zeros(Kind::Real, buffer.shape);
      buffer.load(got);
      for (auto [i, x, y] : llvm::enumerate(got.reals, wanted.reals))
        ASSERT_TRUE(isSame(x, y)) << func.getSymName().str() << " '" << tensor.name << "' at " << i << ": " << x << ", evaluated " << y;
      if (!tensor.type.isBlocks()) // a NaN has many bits
        continue;
      Buffer again(tensor.dtype, buffer.shape);
      again.store(wanted);
      ASSERT_TRUE(std::equal(again.bytes().begin(), again.bytes().end(), buffer.bytes().begin())) << func.getSymName().str() << " '" << tensor.name << "' in bytes";
    }
  }
}

TEST_P(Blocks, HaveEqualBitsInBothEngines) {
  for (const char *name : {"flat.step", "wide", "first.init"})
    for (int64_t size : {0, 1, 15, 16, 17, 255, 256, 257, 1000, 4097, 40000})
      for (Content content : size < 10000 ? ArrayRef(allContents) : ArrayRef(allContents).take_front()) {
        SCOPED_TRACE(std::to_string(size) + " numbers of content " + std::to_string(static_cast<int>(content)));
        auto func = module->lookupSymbol<FuncOp>(name);
        expectEqualBits(func, makeArguments(func, {{"w.numel", size}}, content, size + 1));
      }
}

TEST_P(Blocks, HaveEqualBitsInRowsAndColumns) {
  auto func = module->lookupSymbol<FuncOp>("rows");
  for (auto [n, k] : {std::pair(0, 3), std::pair(1, 1), std::pair(7, 5), std::pair(3, 300), std::pair(33, 31), std::pair(200, 200)})
    for (Content content : {Content::Normal, Content::Positive, Content::Wide, Content::Dust}) {
      SCOPED_TRACE(std::to_string(n) + " rows of " + std::to_string(k));
      expectEqualBits(func, makeArguments(func, {{"n", n}, {"k", k}}, content, n + k));
    }
}

TEST_P(Blocks, AreLeftAloneByARefusedCall) {
  auto func = module->lookupSymbol<FuncOp>("late.step");
  for (double index : {1.0, 100.0, -1.0}) {
    Arrays<double> args = makeArguments(func, {{"n", 300}, {"m", 5}}, Content::Normal, 3);
    std::fill(args[2].reals.begin(), args[2].reals.end(), 0);
    args[2].reals[17] = index;
    if (index == 1) {
      expectEqualBits(func, args);
      continue;
    }
    std::vector<Buffer> buffers = compiled->makeBuffers(func.getSymName(), {args});
    std::vector<std::vector<char>> before;
    for (const Buffer &buffer : buffers)
      before.emplace_back(buffer.bytes().begin(), buffer.bytes().end());
    gradus_report report{};
    EXPECT_EQ(compiled->run(func.getSymName(), {args}, buffers, report), GRADUS_ERROR_INDEX);
    for (auto [bytes, buffer] : llvm::zip_equal(before, buffers))
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), buffer.bytes().begin()));
  }
}

INSTANTIATE_TEST_SUITE_P(Fusion, Blocks, testing::Values(false, true), [](const auto &info) { return info.param ? "Off" : "On"; });

//===----------------------------------------------------------------------===//
// Adam
//===----------------------------------------------------------------------===//

namespace {

/// Labels that a plane tells apart, but for every twentieth; features of very different sizes, and a square that keeps the loss from 0.
struct Logistic {
  static constexpr int64_t samples = 400, features = 300;
  static constexpr double ridge = 0.02;
  std::vector<double> X, y;

  Logistic() : X(samples * features), y(samples) {
    std::mt19937_64 bits(11);
    std::normal_distribution<double> normal;
    std::vector<double> truth(features), size(features);
    for (int64_t j = 0; j < features; ++j) {
      truth[j] = normal(bits);
      size[j] = std::exp(normal(bits));
    }
    for (int64_t i = 0; i < samples; ++i) {
      double margin = 0;
      for (int64_t j = 0; j < features; ++j) {
        X[i * features + j] = size[j] * normal(bits);
        margin += truth[j] * X[i * features + j];
      }
      y[i] = (margin > 0) != (i % 20 == 0) ? 1 : -1;
    }
  }

  double evaluate(const std::vector<double> &w, std::vector<double> &gradient) const {
    double loss = 0;
    gradient = w;
    for (int64_t j = 0; j < features; ++j) {
      loss += 0.5 * ridge * w[j] * w[j] * samples;
      gradient[j] *= ridge;
    }
    for (int64_t i = 0; i < samples; ++i) {
      double margin = 0;
      for (int64_t j = 0; j < features; ++j)
        margin += y[i] * w[j] * X[i * features + j];
      loss += std::log1p(std::exp(-std::fabs(margin))) + std::fmax(-margin, 0);
      for (int64_t j = 0; j < features; ++j)
        gradient[j] -= y[i] * X[i * features + j] / (1 + std::exp(margin)) / samples;
    }
    return loss / samples;
  }
};

} // namespace

/// The loss after each step of a rule of Inputs/blocks.grad, in machine code.
static std::vector<double> train(Compiled &compiled, FuncOp step) {
  Logistic problem;
  Arrays<double> args;
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    auto type = llvm::cast<ArrayType>(step.getArgumentTypes()[i]);
    args.push_back(Array<double>::zeros(type.isFloat() ? Kind::Real : Kind::Integer, type.isScalar() ? Shape{} : Shape{Logistic::features}));
    if (auto initial = step.getArgAttrOfType<FloatAttr>(i, "gradus.default"))
      args.back().reals[0] = initial.getValueAsDouble();
  }
  auto find = [&](Role role) {
    unsigned i = 0;
    while (step.getArgRole(i) != role)
      ++i;
    return i;
  };
  std::vector<double> losses;
  std::string error;
  for (int64_t t = 1; t <= 150; ++t) {
    losses.push_back(problem.evaluate(args[find(Role::Param)].reals, args[find(Role::Grad)].reals));
    args[find(Role::Time)].ints[0] = t;
    auto next = compiled.call(step.getSymName(), {args}, error);
    EXPECT_TRUE(succeeded(next)) << error;
    for (unsigned r = 0; succeeded(next) && r < step.getNumResults(); ++r)
      args[step.getResultOf(r)] = next->front()[r];
  }
  return losses;
}

TEST(BlocksOfAdam, TrainAsThirtyTwoBitsDo) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  SourceManager sources;
  Diagnostics diagnostics(sources);
  auto module = emitFile(context, sources, GRADUS_TEST_INPUTS "/blocks.grad", diagnostics, EmitOptions());
  ASSERT_TRUE(module) << diagnostics.render();
  std::string error;
  auto compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;
  std::vector<double> wide = train(*compiled, module->lookupSymbol<FuncOp>("adam32.step")), narrow = train(*compiled, module->lookupSymbol<FuncOp>("adam8.step"));
  EXPECT_LT(wide.back(), 0.3 * wide.front());
  for (size_t t = 0; t < wide.size(); ++t)
    EXPECT_NEAR(narrow[t], wide[t], 0.02 * wide[t]) << "at step " << t;
}
